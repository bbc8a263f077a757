// What a board supplies to a meter: one small interface for each service. The node holds references; the board owns the
// objects and outlives the node. None of these is called from an interrupt. No destructor is public: ports are never
// deleted through here.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "base/civil_time.hpp"
#include "base/units.hpp"

namespace prewatt::meter {

// Byte-addressed memory that keeps its contents without power for ten years (FRAM, or EEPROM behind a driver that hides
// pages). A write that is cut by a power loss leaves any prefix of the new bytes, then at most one damaged byte, then
// old bytes. Writes reach the memory in the order of the calls. The fake (meter/core/fake_storage.hpp) does just this
// on request.
class Storage {
  public:
    [[nodiscard]] virtual std::uint32_t size() const = 0;
    // false: the device did not answer; `out` is then worthless.
    [[nodiscard]] virtual bool read(std::uint32_t address, MutableBytes out) = 0;
    // false: the bytes may be there, in part, or not at all.
    [[nodiscard]] virtual bool write(std::uint32_t address, Bytes bytes) = 0;

  protected:
    ~Storage() = default;
};

enum class RelayDrive : std::uint8_t { kOpen, kClose };
// Latching relays: a coil pulse sets the contact, which then stays without power. One coil at a time is the node's
// duty.
class RelayBank {
  public:
    virtual void begin_pulse(Circuit circuit, RelayDrive drive) = 0;
    virtual void end_pulse(Circuit circuit) = 0;

  protected:
    ~RelayBank() = default;
};

// The box's two rows of LED digits. Characters '0'..'9', '-', ' ', 'A'..'F', 'n', 'o', 'r', 'L', 'H', 'P', 'U'; a dot
// belongs to the character before it. One frame is what is lit now; flashing is decided by meter/core/display.
struct DisplayFrame {
    std::array<char, 6> upper{' ', ' ', ' ', ' ', ' ', ' '};
    std::array<char, 6> lower{' ', ' ', ' ', ' ', ' ', ' '};
    std::uint8_t upper_dots = 0;  // bit k: a dot behind character k
    std::uint8_t lower_dots = 0;
    friend constexpr bool operator==(const DisplayFrame&, const DisplayFrame&) = default;
};
class Display {
  public:
    virtual void show(const DisplayFrame& frame) = 0;
    // The pulse LED and test output of a circuit's household: one call for each pulse of 1/constant kWh.
    virtual void pulse(Household household) = 0;

  protected:
    ~Display() = default;
};

// RS-485, half duplex, 8E1. The node sends only in answer, and not before 20 ms after the request.
class Bus {
  public:
    virtual void send(Bytes bytes) = 0;

  protected:
    ~Bus() = default;
};

// Battery-backed civil time. Nothing: it stopped, or was never set.
class RealTimeClock {
  public:
    [[nodiscard]] virtual std::optional<CivilSeconds> read() = 0;
    virtual void set(CivilSeconds time) = 0;

  protected:
    ~RealTimeClock() = default;
};

// Is there mains voltage behind a contact? A board may have no such sensing (Ports::load_sense is null): then a contact
// that does not close is not noticed.
class LoadSense {
  public:
    [[nodiscard]] virtual std::uint64_t live() = 0;  // bit k: the load side of circuit k has voltage

  protected:
    ~LoadSense() = default;
};

// The seven-pin test socket (product.md M16): pins 1 and 7 are the test output, the plug joins further pins.
class VerificationSocket {
  public:
    struct Pins {
        bool plugged = false;  // the lower row shows energy used instead of what remains
        bool hold = false;     // pins 4 and 6 joined: the display stays, the output gives this household's pulses
        friend constexpr bool operator==(const Pins&, const Pins&) = default;
    };
    [[nodiscard]] virtual Pins pins() = 0;
    virtual void set_output(bool on) = 0;

  protected:
    ~VerificationSocket() = default;
};

class Watchdog {
  public:
    virtual void kick() = 0;

  protected:
    ~Watchdog() = default;
};

// The reset line of the other processor (product.md M14): pulled once, the other side starts anew.
class PeerReset {
  public:
    virtual void pull() = 0;

  protected:
    ~PeerReset() = default;
};

// One run of samples of all channels, channel after channel: voltage A, B, C, then current 0..38. 16-bit two's
// complement counts of the converter. Channel c's sample n was taken skew(c) after the voltage's sample n
// (calibration).
inline constexpr int kSampleRate = 4000;  // per second and channel
inline constexpr int kBlockSamplesMax = 80;
struct SampleBlock {
    int sample_count = 0;  // 1..kBlockSamplesMax
    std::array<std::array<std::int16_t, kBlockSamplesMax>, 3> voltage{};
    std::array<std::array<std::int16_t, kBlockSamplesMax>, kCircuitsMax> current{};
};

// Samples wherever they lie: a SampleBlock, or the shorter buffer that a converter's DMA fills. Channel after channel,
// `stride` samples from the first sample of a channel to that of the next.
struct SampleView {
    int sample_count = 0;
    int stride = 0;
    const std::int16_t* voltages = nullptr;  // 3 channels
    const std::int16_t* currents = nullptr;  // kCircuitsMax channels

    constexpr SampleView() = default;
    constexpr SampleView(int count, int channel_stride, const std::int16_t* first_voltage,
                         const std::int16_t* first_current)
        : sample_count(count), stride(channel_stride), voltages(first_voltage), currents(first_current) {}
    constexpr SampleView(const SampleBlock& block)
        : SampleView(block.sample_count, kBlockSamplesMax, block.voltage[0].data(), block.current[0].data()) {}

    [[nodiscard]] constexpr const std::int16_t* voltage(std::size_t phase) const {
        return voltages + phase * static_cast<std::size_t>(stride);
    }
    [[nodiscard]] constexpr const std::int16_t* current(std::size_t circuit) const {
        return currents + circuit * static_cast<std::size_t>(stride);
    }
};

}  // namespace prewatt::meter

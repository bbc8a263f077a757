// A board on the host: what meter/ports.hpp asks for, made of files and memory, with contacts that really part
// circuits.
//
// Nothing here knows what a meter does. Faults are data: a relay can be stuck, a clock can be stopped, storage can be
// taken away.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "meter/ports.hpp"
#include "sim/terminals.hpp"

namespace prewatt::sim {

inline constexpr std::uint32_t kStorageSize = 512 * 1024;
// Of the first boxes: a journal and no records (meter/core/records.hpp). Such a file goes on as it is.
inline constexpr std::uint32_t kSmallStorageSize = 32 * 1024;

// A memory that keeps its contents in a file of fixed size, all of which is there from the start, so that a disk that
// fills up later takes nothing from a running meter. One process at a time: the file is locked. A write is with the
// operating system when write() returns and survives the end of the process by any means; it survives the end of the
// host's supply after sync(), which the destructor does too.
class FileStorage final : public meter::Storage {
  public:
    // Opens, or creates blank (FFH) with `bytes`; a file of kSmallStorageSize stays one. The error is a sentence: the
    // folder is missing, the file is not ours to write, has another size, is used by another process, or the disk is
    // full. After an error no new file is left behind.
    [[nodiscard]] static std::expected<std::unique_ptr<FileStorage>, std::string> open(
        const std::filesystem::path& file, std::uint32_t bytes = kStorageSize);
    ~FileStorage();
    FileStorage(const FileStorage&) = delete;
    FileStorage& operator=(const FileStorage&) = delete;

    [[nodiscard]] std::uint32_t size() const override { return bytes_; }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override;
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override;
    void sync();
    [[nodiscard]] std::uint64_t writes() const { return writes_; }
    [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }

  private:
    FileStorage(int file, std::uint32_t bytes) : file_(file), bytes_(bytes) {}
    int file_;
    std::uint32_t bytes_;
    std::uint64_t writes_ = 0;
    std::uint64_t bytes_written_ = 0;
};

// The same in memory, for thousands of boxes. Outlives a node, so that a box can be "restarted" on it.
class MemoryStorage final : public meter::Storage {
  public:
    explicit MemoryStorage(std::uint32_t bytes = kStorageSize) : bytes_(bytes), pages_((bytes + kPage - 1) / kPage) {}
    [[nodiscard]] std::uint32_t size() const override { return bytes_; }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override;
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override;

  private:
    // Pages that were never written are blank (FFH) and take no memory.
    static constexpr std::uint32_t kPage = 1024;
    using Page = std::array<Byte, kPage>;
    [[nodiscard]] bool holds(std::uint32_t address, std::size_t count) const {
        return address <= bytes_ && count <= bytes_ - address;
    }
    std::uint32_t bytes_;
    std::vector<std::unique_ptr<Page>> pages_;
};

enum class Stuck : std::uint8_t { kNo, kOpen, kClosed };  // welded, or a broken coil

// Latching relays: the contact moves when the coil pulse ends, and then stays.
class Relays final : public meter::RelayBank {
  public:
    void begin_pulse(Circuit circuit, meter::RelayDrive drive) override;
    void end_pulse(Circuit circuit) override;

    [[nodiscard]] const Contacts& contacts() const { return contacts_; }
    [[nodiscard]] bool closed(Circuit circuit) const { return contacts_[circuit.index]; }
    void set_stuck(Circuit circuit, Stuck stuck);
    [[nodiscard]] std::uint64_t pulses() const { return pulses_; }
    // Largest number of coils that were driven at once: a box can supply one.
    [[nodiscard]] int coils_at_once_max() const { return coils_at_once_max_; }

  private:
    Contacts contacts_;
    std::array<Stuck, kCircuitsMax> stuck_{};
    std::array<meter::RelayDrive, kCircuitsMax> drive_{};
    Contacts driven_;
    std::uint64_t pulses_ = 0;
    int coils_at_once_max_ = 0;
};

// Sensing behind the contacts: a load side lives when its contact is closed and its phase is there.
class ContactSense final : public meter::LoadSense {
  public:
    // Both are read at each call and must outlive this; phase_is_live: whatever stands before the contact.
    ContactSense(const Relays& relays, std::function<bool(Circuit)> phase_is_live)
        : relays_(relays), phase_is_live_(std::move(phase_is_live)) {}
    [[nodiscard]] std::uint64_t live() override;

  private:
    const Relays& relays_;
    std::function<bool(Circuit)> phase_is_live_;
};

// The two rows as text, and the pulses that the LEDs gave.
class LedDisplay final : public meter::Display {
  public:
    void show(const meter::DisplayFrame& frame) override;
    void pulse(Household household) override;

    [[nodiscard]] const meter::DisplayFrame& frame() const { return frame_; }
    [[nodiscard]] std::uint64_t pulses(Household household) const { return pulses_[household.number]; }
    // Rises with every change of what is lit.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }

  private:
    meter::DisplayFrame frame_;
    std::array<std::uint64_t, kHouseholdsMax + 1> pulses_{};
    std::uint64_t changes_ = 0;
};
// "12.5" from six characters and their dots, blanks kept: the width is always 6 + the number of dots.
[[nodiscard]] std::string text_of(const std::array<char, 6>& row, std::uint8_t dots);
// "0012  | 103.45", for one line of a log.
[[nodiscard]] std::string text_of(const meter::DisplayFrame& frame);

// Battery-backed time that runs with the virtual clock.
class VirtualRealTimeClock final : public meter::RealTimeClock {
  public:
    // `now` is read at each call and must outlive this. civil: the time at *now; 0 = it has stopped.
    VirtualRealTimeClock(const Instant& now, CivilSeconds civil);
    [[nodiscard]] std::optional<CivilSeconds> read() override;
    void set(CivilSeconds time) override;
    void stop() { running_ = false; }

  private:
    const Instant& now_;
    Instant set_at_;
    CivilSeconds civil_;
    bool running_;
};
// Civil time of the host, in its own zone.
[[nodiscard]] CivilSeconds host_civil_time();

// The seven-pin socket and a bench's counter at its output. plug() and join() are what a hand does.
class TestSocket final : public meter::VerificationSocket {
  public:
    // `now` is read at each edge and must outlive this.
    explicit TestSocket(const Instant& now) : now_(now) {}
    [[nodiscard]] Pins pins() override { return {plugged_, plugged_ && joined_}; }
    void set_output(bool on) override;

    void plug(bool in) { plugged_ = in; }
    void join(bool pins_4_and_6) { joined_ = pins_4_and_6; }
    [[nodiscard]] bool plugged() const { return plugged_; }
    [[nodiscard]] bool joined() const { return plugged_ && joined_; }
    [[nodiscard]] bool output() const { return on_; }
    [[nodiscard]] std::uint64_t pulses() const { return pulses_; }  // rising edges
    [[nodiscard]] Instant last_edge() const { return edge_; }
    // Of all that were complete; INT64_MAX before the first.
    [[nodiscard]] Duration shortest_on() const { return shortest_[1]; }
    [[nodiscard]] Duration shortest_off() const { return shortest_[0]; }

  private:
    const Instant& now_;
    bool plugged_ = false;
    bool joined_ = false;
    bool on_ = false;
    std::uint64_t pulses_ = 0;
    Instant edge_{};
    std::array<Duration, 2> shortest_{Duration{INT64_MAX}, Duration{INT64_MAX}};
};

class CountingWatchdog final : public meter::Watchdog {
  public:
    explicit CountingWatchdog(const Instant& now) : now_(now) {}
    void kick() override;
    [[nodiscard]] std::uint64_t kicks() const { return kicks_; }
    // The longest time without a kick so far.
    [[nodiscard]] Duration longest_silence() const { return longest_; }

  private:
    const Instant& now_;
    Instant last_{};
    Duration longest_{};
    std::uint64_t kicks_ = 0;
};

// The line: whatever the node sends is handed on at once.
class CallingBus final : public meter::Bus {
  public:
    explicit CallingBus(std::function<void(Bytes)> on_send) : on_send_(std::move(on_send)) {}
    void send(Bytes bytes) override { on_send_(bytes); }

  private:
    std::function<void(Bytes)> on_send_;
};

}  // namespace prewatt::sim

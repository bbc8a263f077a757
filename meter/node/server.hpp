// The slave side of DL/T 645-2007: frames in, at most one reply each, never before 20 ms after the last byte of the
// request.
//
// Every household is a meter of its own at address BBBBBBBBBBHH, the box itself stands at HH = 00. "Whoever is there"
// (all AA) is answered by the box only, so one box gives one answer. What is refused and how: docs/formats/dlt645.md.
// Silence for what is damaged, not for us, a reply, or a function that is not known. Changes come as sealed commands
// (03H); cards on a reader of the line come as records that their seal protects (EC040300); plain writes are refused
// unless the factory has switched them on, and even then never touch credit.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/fixed_vector.hpp"
#include "card/mac.hpp"
#include "meter/node/box.hpp"
#include "meter/node/items.hpp"
#include "meter/ports.hpp"
#include "protocols/dlt645/frame.hpp"
#include "protocols/dlt645/reader_items.hpp"

namespace prewatt::meter {

class Server {
  public:
    static constexpr Duration kTurnaround = milliseconds(20);
    // A following frame of an older snapshot would pass for fresh figures.
    static constexpr Duration kSnapshotLife = seconds(60);
    // Of readers on the line together. Each tap that is looked at may be stored, so whoever plays a recorded one on the
    // wires would otherwise wear the memory out.
    static constexpr int kTapsInARow = 10;
    static constexpr Duration kTapInterval = seconds(6);

    Server(Box& box, card::Mac& mac, Bus& bus);
    // True when the byte completed a request to this box: its effect may want relays or display to move.
    bool on_byte(Byte byte, Instant now, bool bad_parity);
    // Sends what is due. Returns when it wants to be called again.
    Instant poll(Instant now);

  private:
    struct Target {
        std::uint8_t meter = 0;
        bool broadcast = false;
        bool wildcard = false;
    };
    [[nodiscard]] bool is_for_us(const dlt645::Address& pattern, Target& target) const;
    void handle(const dlt645::Frame& request, const Target& target, Instant now);
    void reply(const Target& target, dlt645::Function function, Bytes data, Instant now, bool more = false);
    void refuse(const Target& target, dlt645::Function function, dlt645::Error error, Instant now);
    void send(const Target& target, dlt645::Control control, Bytes data, Instant now);

    void read(const dlt645::Frame& request, const Target& target, Instant now);
    void read_following(const dlt645::Frame& request, const Target& target, Instant now);
    void set_time(const dlt645::Frame& request, const Target& target, Instant now);
    void write(const dlt645::Frame& request, const Target& target, Instant now);
    void control(const dlt645::Frame& request, const Target& target, Instant now);
    void sealed_command(const dlt645::Frame& request, const Target& target, Instant now);
    void card_shown(const dlt645::Frame& request, const Target& target, Instant now);
    void card_written(const dlt645::Frame& request, const Target& target, Instant now);
    [[nodiscard]] bool may_tap(const dlt645::CardPresented& presented, Instant now);
    [[nodiscard]] bool password_fits(const Target& target, Bytes password, Instant now);

    Box& box_;
    card::Mac& mac_;
    Bus& bus_;
    dlt645::Address own_;  // of the box
    dlt645::Decoder decoder_;
    dlt645::FrameBytes reply_;
    Instant reply_at_ = kNever;

    // The answer that did not fit into one frame, as it was when it was asked for. Whatever else happens on the line
    // leaves it alone.
    struct Snapshot {
        std::uint8_t meter = 0;
        dlt645::DataId id{};
        std::uint8_t last_sequence = 0;
        std::size_t frame = 0;  // bytes of the item in each of its frames; the last may have fewer
        Instant taken{};
        FixedVector<Byte, kItemSizeMax> data;
    } snapshot_;

    std::optional<dlt645::CardPresented> last_tap_;
    int taps_left_ = kTapsInARow;
    Instant taps_at_{};

    std::uint8_t wrong_passwords_ = 0;
    Instant locked_until_{INT64_MIN};
};

}  // namespace prewatt::meter

// One end of the wire between the two processors of a box (product.md M14): decides what is sent next, what of what has
// come is new, and whether the other side lives.
//
// Two kinds of messages. A state is sent once and never repeated: the next one makes good for a lost one, the latest
// counts. A record is kept and sent again until the other side has acknowledged it, and is handed out there exactly
// once and in order; one is on its way at a time.
//
// Either side may start anew at any instant. Every start has a number, which stands in each frame beside the number
// of the other side that the sender knows; so a sequence of an earlier start is never taken for one of this start.
// Records that wait in a side that starts anew are gone: what must survive is put into states that carry totals. A
// record that was taken by a side just before it started anew comes once more, unless the side has kept the mark of the
// last one (`taken()`) and hands it to its next start.
//
// Something is sent every kHeartbeatEvery at the latest. A side that has not been heard for kSilentAfter is silent
// (a goal of product.md M14: noticed within 2 s).
//
// Pure: bytes and `now` in, bytes out. The owner moves the bytes, keeps the buffers, and calls poll() whenever the wire
// is free and something may be due; every byte sequence is allowed on the way in. RAM: see static_assert below.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/fixed_vector.hpp"
#include "protocols/interlink/frame.hpp"

namespace prewatt::interlink {

inline constexpr Duration kHeartbeatEvery = milliseconds(100);
inline constexpr Duration kSilentAfter = milliseconds(1500);
inline constexpr Duration kRepeatAfter = milliseconds(40);
inline constexpr std::size_t kRecordSizeMax = 96;
inline constexpr std::size_t kRecordsMax = 8;

// The last record that was taken: of which start of the other side, and its sequence there.
struct RecordMark {
    std::uint16_t start = 0;  // 0: none
    std::uint16_t sequence = 0;
    friend constexpr bool operator==(const RecordMark&, const RecordMark&) = default;
};

// What a frame brought; a repeated record brings nothing. A heartbeat comes with its health, u32.
struct Message {
    Type type;
    Bytes payload;  // valid until the next byte
};

class Link {
  public:
    // start: the number of this start, other than those of the last starts; 0 stands for 1. `receive` holds the
    // longest payload that is taken, `send` the longest frame that is sent: both outlive the link.
    Link(std::uint16_t start, MutableBytes receive, MutableBytes send, RecordMark taken = {});

    // --- In. One byte, or as many bytes as it takes to a message: the rest stays in `bytes`.
    [[nodiscard]] std::optional<Message> on_byte(Byte byte, Instant now);
    [[nodiscard]] std::optional<Message> on_bytes(Bytes& bytes, Instant now);

    // --- Out. False: eight records wait already, or the payload is longer than kRecordSizeMax.
    [[nodiscard]] bool put_record(Type type, Bytes payload);
    // The frame that is due now, empty if none is; valid until the next call of any kind.
    [[nodiscard]] Bytes poll(Instant now);
    // The same for records alone: an owner with a state to send lets them go first.
    [[nodiscard]] Bytes poll_records(Instant now);
    // A state: written into payload(), then state() makes the frame. The same validity.
    [[nodiscard]] MutableBytes payload() { return send_.subspan(kHeaderSize, send_.size() - kFrameOverhead); }
    [[nodiscard]] Bytes state(Type type, std::size_t payload_size, Instant now);
    // When poll() may have something to send, or the other side becomes silent, if nothing else happens.
    [[nodiscard]] Instant next_due(Instant now) const;
    // What each heartbeat tells; a change is told at once.
    void set_health(std::uint32_t health) {
        if (health != health_) tell_at_once_ = true;
        health_ = health;
    }

    // --- The other side.
    // Call with the time at which the owner itself begins to listen, once; with the number of this start where it was
    // not known to the constructor.
    void begin(Instant now);
    void begin(std::uint16_t start, Instant now) {
        own_ = start == 0 ? std::uint16_t{1} : start;
        begin(now);
    }
    [[nodiscard]] bool is_silent(Instant now) const { return now - heard_at_ >= kSilentAfter; }
    [[nodiscard]] bool has_heard() const { return peer_ != 0; }
    // How many different starts of the other side have been heard.
    [[nodiscard]] std::uint32_t peer_starts() const { return peer_starts_; }
    [[nodiscard]] RecordMark taken() const { return taken_; }
    // Records not yet acknowledged.
    [[nodiscard]] std::size_t records_waiting() const { return records_.size(); }
    [[nodiscard]] std::uint32_t bad_frames() const { return decoder_.bad_frames(); }
    // For an owner of both ends and of the wire, who leaves out heartbeats that would change nothing: all of them have
    // gone both ways up to now.
    void heartbeats_passed(Instant now);

  private:
    struct Record {
        Type type;
        std::uint8_t size = 0;
        std::array<Byte, kRecordSizeMax> payload{};
    };
    [[nodiscard]] bool take(const Frame& frame, Instant now);
    [[nodiscard]] Head head(Type type) const;

    Decoder decoder_;
    MutableBytes send_;
    FixedQueue<Record, kRecordsMax> records_;
    std::uint16_t own_;
    std::uint16_t peer_ = 0;      // 0: not heard yet
    bool peer_knows_us_ = false;  // since its present start
    std::uint16_t sequence_ = 1;  // of records_.front()
    bool sent_ = false;           // records_.front(), at least once
    bool tell_at_once_ = false;
    RecordMark taken_;
    Instant repeat_at_{};
    Instant heartbeat_at_{};
    Instant heard_at_{};
    std::uint32_t health_ = 0;
    std::uint32_t peer_starts_ = 0;
};
static_assert(sizeof(Link) <= 1100, "both processors hold one, beside their buffers");

}  // namespace prewatt::interlink

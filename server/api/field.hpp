// The lines and the meters as the routes see them: what the office's database cannot answer. server/app joins it to the
// line masters; tests bring a fake. Thread-safe.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "server/domain/types.hpp"

namespace prewatt::server::api {

// How one box answers on its line; 0: never.
struct BoxQuality {
    std::uint64_t number = 0;
    bool answering = false;
    std::int64_t asked = 0;
    std::int64_t answered = 0;
    std::int64_t retries = 0;
    std::string last_problem;
    UnixTime last_problem_at;
    UnixTime answered_at;
    UnixTime block_at;
    UnixTime status_at;
    UnixTime settings_at;
    UnixTime accounts_at;  // of the account that was read longest ago
    bool settings_settled = true;
};
// A shared card reader of the line, since the office began.
struct CardReaderQuality {
    std::uint16_t number = 0;
    std::string state = "not_heard";  // "answering", "silent"; "not_heard": it has never answered
    std::int64_t polls = 0;
    std::int64_t answered = 0;  // of these
    std::int64_t taps = 0;      // cards that were brought to a box, or refused
    std::int64_t booked = 0;    // of these, those that the box took
    UnixTime heard_at;          // 0: never
    UnixTime tapped_at;
};
struct LineStatus {
    LineId id;
    std::string name;
    std::string url;
    std::string state = "connecting";  // "up", "connecting", "down"; "card": none, its boxes are reached by cards alone
    std::string problem;               // in words, when it is not up
    std::int64_t sweep_ms = 0;         // the last whole round; 0: none yet
    std::int64_t sweeps = 0;
    std::int64_t frames_sent = 0;
    std::int64_t frames_received = 0;
    std::int64_t retries = 0;
    std::int64_t bad_frames = 0;
    std::vector<std::uint64_t> silent_boxes;
    std::vector<BoxQuality> quality;
    std::vector<CardReaderQuality> readers;
};

// The values of this moment, as the meter said them (item EC000300).
struct LiveCircuit {
    Current current;
    ActivePower active;
    ReactivePower reactive;
    ApparentPower apparent;
    PowerFactor power_factor;
    bool relay_closed = false;
};
struct LiveValues {
    UnixTime read_at;
    Voltage voltage;
    Frequency frequency;
    std::vector<LiveCircuit> circuits;
};
enum class LiveError : std::uint8_t {
    kNoAnswer,  // the meter was asked and was silent, or the line is down
    kNoLine,    // nothing serves the line of this household
    kRefused,   // the meter answered that it has no such value
};

class Field {
  public:
    virtual ~Field() = default;
    [[nodiscard]] virtual std::vector<LineStatus> lines() = 0;
    // Blocks until the meter has answered, 3 s at most.
    [[nodiscard]] virtual std::expected<LiveValues, LiveError> live(HouseholdId household) = 0;
    // Somebody looks at this box: its power is read for the next while, as long as anybody follows the events.
    virtual void watch(BoxId box) = 0;
};

}  // namespace prewatt::server::api

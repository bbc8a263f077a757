// A card on the shared reader as a table: what may follow what. What must never happen is asserted on it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

namespace prewatt::reader {

enum class TapState : std::uint8_t {
    kAway,     // no card, or none that was looked at
    kReading,  // number, headers, one copy of CREDIT
    kWaiting,  // for the line: the record is to go up, or the outcome to come
    kWriting,  // RETURN
    kLeaving,  // nothing more to do with it
};
enum class TapEvent : std::uint8_t {
    kCame,       // a card with a number that can be told again
    kIgnored,    // not the site's, several, damaged: until it leaves
    kRead,       // a copy of CREDIT is there
    kShowOther,  // the box could not open this copy
    kAnswered,   // an outcome without a record
    kReturned,   // an outcome with RETURN
    kEnded,      // written, or given up with the card still there
    kLeft,       // gone, or exchanged for another
};

struct TapStep {
    TapState from;
    TapEvent event;
    TapState to;
};
inline constexpr std::array kTapSteps{
    TapStep{TapState::kAway, TapEvent::kCame, TapState::kReading},
    TapStep{TapState::kAway, TapEvent::kIgnored, TapState::kLeaving},
    TapStep{TapState::kReading, TapEvent::kRead, TapState::kWaiting},
    TapStep{TapState::kReading, TapEvent::kIgnored, TapState::kLeaving},
    TapStep{TapState::kReading, TapEvent::kLeft, TapState::kAway},
    TapStep{TapState::kWaiting, TapEvent::kShowOther, TapState::kReading},
    TapStep{TapState::kWaiting, TapEvent::kAnswered, TapState::kLeaving},
    TapStep{TapState::kWaiting, TapEvent::kReturned, TapState::kWriting},
    TapStep{TapState::kWaiting, TapEvent::kLeft, TapState::kAway},
    TapStep{TapState::kWriting, TapEvent::kEnded, TapState::kLeaving},
    TapStep{TapState::kWriting, TapEvent::kLeft, TapState::kAway},
    TapStep{TapState::kLeaving, TapEvent::kCame, TapState::kReading},
    TapStep{TapState::kLeaving, TapEvent::kLeft, TapState::kAway},
};

[[nodiscard]] constexpr std::optional<TapState> after(TapState state, TapEvent event) {
    for (const TapStep& step : kTapSteps)
        if (step.from == state && step.event == event) return step.to;
    return std::nullopt;
}

namespace detail {
constexpr bool only_from(TapState to, TapState from) {
    for (const TapStep& step : kTapSteps)
        if (step.to == to && step.from != from) return false;
    return true;
}
constexpr bool leaves_everywhere() {
    for (const TapStep& step : kTapSteps)
        if (step.from != TapState::kAway && after(step.from, TapEvent::kLeft) != TapState::kAway) return false;
    return true;
}
constexpr bool is_function() {
    for (std::size_t a = 0; a < kTapSteps.size(); ++a)
        for (std::size_t b = a + 1; b < kTapSteps.size(); ++b)
            if (kTapSteps[a].from == kTapSteps[b].from && kTapSteps[a].event == kTapSteps[b].event) return false;
    return true;
}
}  // namespace detail
static_assert(detail::is_function());
static_assert(detail::only_from(TapState::kWriting, TapState::kWaiting), "no card is written that nobody asked about");
static_assert(detail::only_from(TapState::kWaiting, TapState::kReading));
static_assert(detail::leaves_everywhere(), "a card may be taken away at any instant");

}  // namespace prewatt::reader

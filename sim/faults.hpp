// What goes wrong in a building, as data: a phase that fails, a sag, a contact that sticks; when, and for how long.
//
// As text, for flags:   lost:B:30s[:10s]          phase B is gone after 30 s, for 10 s or for good
//                       sag:A:60%:20s:2s          phase A stands at 60 % of its voltage
//                       stuck-open:12:5s[:1h]     the contact of channel 12 (1..39) does not close any more
//                       stuck-closed:12:5s[:1h]   it does not open any more
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/units.hpp"

namespace prewatt::sim {

struct Fault {
    enum class Kind : std::uint8_t { kLostPhase, kSag, kStuckOpen, kStuckClosed };
    Kind kind = Kind::kLostPhase;
    Phase phase = Phase::kA;
    Circuit circuit{};
    double factor = 1;  // of a sag
    Duration from;      // since the start
    Duration span;      // zero: for good
    [[nodiscard]] bool is_of_supply() const { return kind == Kind::kLostPhase || kind == Kind::kSag; }
    friend bool operator==(const Fault&, const Fault&) = default;
};
// The error says what was expected.
[[nodiscard]] std::expected<Fault, std::string> parse_fault(std::string_view text);

}  // namespace prewatt::sim

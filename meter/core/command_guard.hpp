// Is a sealed command fresh? Its counter rises strictly for each box and is stored in the same commit as the effect
// (docs/formats/sealed-command.md), so whoever records the line and plays it again changes nothing.
//
// The last command is answered again when it is repeated (its answer was lost on the line). "The same" is counter and
// tag: an office that was restored from an old backup and reuses a counter for something else hears "old counter" and
// learns the highest one, never a "done" that belongs to another command.
#pragma once
#include <cstdint>

namespace prewatt::meter {

struct LastCommand {
    std::uint32_t counter = 0;  // 0: none yet; no command may carry 0
    std::uint32_t digest = 0;   // the first four bytes of its tag
    std::uint8_t result = 0;    // what was answered, without the repeat bit
    friend constexpr bool operator==(const LastCommand&, const LastCommand&) = default;
};

enum class Freshness : std::uint8_t { kNew, kRepeat, kOld };

[[nodiscard]] constexpr Freshness judge(const LastCommand& last, std::uint32_t counter, std::uint32_t digest) {
    if (counter > last.counter) return Freshness::kNew;
    if (counter == last.counter && counter != 0 && digest == last.digest) return Freshness::kRepeat;
    return Freshness::kOld;
}

}  // namespace prewatt::meter

// When energy is saved, and what the board must hold up (product.md M15): two sums that the tests check and a board's
// maker needs.
//
// Without warning at most 0.01 kWh of a household may be lost. Between two saves lie: what waits for a save, the window
// that is being measured, its way from the metering to the managing processor, and the write itself, in which all
// households of the box may want to be saved. The first is therefore what is left when the others are taken off at the
// largest load: Imax at 250 V on every channel. A box of 39 circuits of 60 A waits for 29,100 J, a household of three
// such circuits for 20,700 J: fewer writes where less flows.
//
// With warning everything is saved: the board owes kHoldUp from the warning to the last byte. No bank is changed in
// this time: the journal keeps kPowerFailReserve bytes of its bank free for it. A bank is changed right after
// everything has been saved into this reserve; should the supply go during the change, with or without warning, then
// what has flowed since is less than 0.01 kWh (a change takes less than 0.7 s on the slowest memory, and less the fewer
// households there are).
#pragma once
#include <cstdint>

#include "base/units.hpp"

namespace prewatt::meter {

inline constexpr Energy kLossMax{36'000};  // 0.01 kWh
inline constexpr Duration kMeasuringWindow = milliseconds(200);
// Bytes of a window at the speed of the interlink, one frame that is lost and sent again, polls of both sides.
inline constexpr Duration kInterlinkDelay = milliseconds(80);
// Seven households go into one entry, which takes six cycles of a page of the slowest memory, 5 ms each.
[[nodiscard]] constexpr Duration save_time(int households) {
    return milliseconds(30) * ((households + 6) / 7);
}

// A household is saved as soon as so much of its energy is not. `channels`: its circuits or phases.
[[nodiscard]] constexpr Energy save_threshold(int max_current_amperes, int channels, int households) {
    const std::int64_t watts_max = std::int64_t{max_current_amperes} * 250 * channels;
    const Duration open = kMeasuringWindow + kInterlinkDelay + save_time(households);
    return kLossMax - Energy{divide(watts_max * open.count(), 1'000'000, Round::kUp)};
}

inline constexpr Duration kHoldUp = milliseconds(200);
// Energy of 39 households in entries of ten, with what stands around them; and the fine residues, should there be any.
inline constexpr std::uint32_t kPowerFailReserve = 1536;

}  // namespace prewatt::meter

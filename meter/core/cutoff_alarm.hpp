// The cut-off alarm (product.md M6): once for each purchase the relay opens as a reminder when what remains falls to
// the level that the office has set; an acknowledgement (a swipe, or the network) closes it and the rest can be used.
//
//   armed --below--> reminding (hold) --acknowledge--> given --purchase, above--> armed
//
// A purchase is itself an acknowledgement: whoever has just paid is not left in the dark because the sum was small. If
// it lifts what remains above the level the alarm is armed again, otherwise the reminder of this purchase counts as
// given. At zero the hold "no credit" acts, whatever stage this is in.
#pragma once
#include <array>
#include <cstdint>

namespace prewatt::meter {

// The numbers stand in storage.
enum class CutoffStage : std::uint8_t { kArmed = 0, kReminding = 1, kGiven = 2 };
enum class CutoffEvent : std::uint8_t { kAbove, kBelow, kAcknowledge, kPurchase };

inline constexpr int kCutoffStages = 3;
inline constexpr int kCutoffEvents = 4;
// One line for each stage, one column for each event: above, below, acknowledge, purchase.
inline constexpr std::array<std::array<CutoffStage, kCutoffEvents>, kCutoffStages> kCutoffTable{{
    {CutoffStage::kArmed, CutoffStage::kReminding, CutoffStage::kArmed, CutoffStage::kGiven},  // armed
    {CutoffStage::kArmed, CutoffStage::kReminding, CutoffStage::kGiven, CutoffStage::kGiven},  // reminding
    {CutoffStage::kArmed, CutoffStage::kGiven, CutoffStage::kGiven, CutoffStage::kGiven},      // given
}};

[[nodiscard]] constexpr CutoffStage next(CutoffStage stage, CutoffEvent event) {
    return kCutoffTable[static_cast<std::size_t>(stage)][static_cast<std::size_t>(event)];
}

// Only a fall below the level from "armed" may ever darken a room, and nothing but that.
consteval bool only_the_armed_alarm_darkens() {
    for (int s = 0; s < kCutoffStages; ++s)
        for (int e = 0; e < kCutoffEvents; ++e) {
            const auto from = static_cast<CutoffStage>(s);
            const auto to = next(from, static_cast<CutoffEvent>(e));
            if (to != CutoffStage::kReminding || from == CutoffStage::kReminding) continue;
            if (from != CutoffStage::kArmed || static_cast<CutoffEvent>(e) != CutoffEvent::kBelow) return false;
        }
    return true;
}
static_assert(only_the_armed_alarm_darkens());
static_assert(next(CutoffStage::kReminding, CutoffEvent::kAcknowledge) == CutoffStage::kGiven);
static_assert(next(CutoffStage::kReminding, CutoffEvent::kPurchase) != CutoffStage::kReminding);
static_assert(next(CutoffStage::kGiven, CutoffEvent::kBelow) == CutoffStage::kGiven);

}  // namespace prewatt::meter

// What the metering side must not forget when it is reset alone (product.md M14), in memory that keeps its contents
// over a reset but not without supply (.noinit RAM of its processor). Owned by the board, which never initialises it:
// what stands there after power-up is not believed.
//
// Two copies with a CRC each. What is new is written over the older one only, which becomes valid with the last write,
// so whenever the reset comes one of the two is whole: the one of this event or of the one before. The processor has no
// third copy: it works with the newer one of these.
#pragma once
#include <array>
#include <cstdint>
#include <type_traits>

#include "meter/metrology/measurement.hpp"
#include "meter/metrology/metering.hpp"

namespace prewatt::meter {

struct RetainedState {
    std::array<Metering::Residue, kCircuitsMax> residues{};  // of circuits, below a joule each
    std::array<HouseholdTotals, kHouseholdsMax> totals{};    // of the session
    std::uint16_t session = 0;                               // 0: not named
    std::uint16_t start = 0;                                 // number of the start on the interlink
    std::uint16_t taken_start = 0;                           // interlink::RecordMark
    std::uint16_t taken_sequence = 0;
    friend bool operator==(const RetainedState&, const RetainedState&) = default;
};

// What is not a pulse yet, of one household. Changes with every pulse, so it has no copies: a value that a reset has
// torn is not believed, and the household's output loses less than one pulse.
class RetainedPulse {
  public:
    void keep(Energy residue) {
        joules_ = static_cast<std::int32_t>(residue.count());
        check_ = ~joules_;
    }
    [[nodiscard]] Energy recall() const { return check_ == ~joules_ ? Energy{joules_} : Energy{}; }

  private:
    std::int32_t joules_ = 0;
    std::int32_t check_ = 0;
};

struct RetainedMemory {
    struct Copy {
        RetainedState state;
        std::uint32_t generation = 0;
        std::uint32_t check = 0;
    };
    std::array<Copy, 2> copies;
    std::array<RetainedPulse, kHouseholdsMax> pulses;
};
static_assert(std::has_unique_object_representations_v<RetainedMemory::Copy>, "the CRC covers every byte");
static_assert(sizeof(RetainedMemory) <= 1920, "of the 32 KiB of the metering processor");

// Once at each start: what was kept last; null when neither copy is whole, which is a cold start. A copy that a reset
// has torn is made the one that is written next.
[[nodiscard]] const RetainedState* recall(RetainedMemory& memory);
// The newer copy; only between the first end_keeping() and the next start.
[[nodiscard]] const RetainedState& kept(const RetainedMemory& memory);
// What is to be kept next, in the place of the older copy: as the newer one is, or, on a cold start, empty. To be
// changed and then ended. A reset may come between any two bytes.
[[nodiscard]] RetainedState& begin_keeping(RetainedMemory& memory);
[[nodiscard]] RetainedState& begin_keeping_anew(RetainedMemory& memory);
void end_keeping(RetainedMemory& memory);
// Other after every power-up as far as the memory itself is: whatever stands there when nothing is believed.
[[nodiscard]] std::uint16_t noise_of(const RetainedMemory& memory);

}  // namespace prewatt::meter

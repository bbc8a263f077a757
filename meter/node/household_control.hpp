// What guards circuit 1 of a household, and which circuit obeys which hold (product.md M8 to M11).
//
// Keeps the objects that decide in time (meter/core/load_guard, malignant_load, the waiting of credit cuts) together
// with what each of them needs to know; what they decide is stored, logged and switched by Box.
#pragma once
#include <span>

#include "base/hold.hpp"
#include "meter/core/books.hpp"
#include "meter/core/load_guard.hpp"
#include "meter/core/malignant_load.hpp"
#include "meter/core/schedule.hpp"
#include "meter/metrology/measurement.hpp"

namespace prewatt::meter {

constexpr HoldSet hold_set(Hold first) {
    HoldSet set;
    set.set(first, true);
    return set;
}
template <class... Holds>
constexpr HoldSet hold_set(Hold first, Holds... more) {
    HoldSet set = hold_set(more...);
    set.set(first, true);
    return set;
}

// Circuits 2 and 3 (air conditioning, lighting) follow credit and remote control only (M11). The three channels of a
// three-phase household are one circuit, circuit 1.
inline constexpr HoldSet kOfEveryCircuit =
    hold_set(Hold::kNoCredit, Hold::kCutoffAlarm, Hold::kRemote, Hold::kNotOpened, Hold::kSupply);
[[nodiscard]] constexpr bool is_first_circuit(Wiring wiring, int k) {
    return k == 0 || is_three_phase(wiring);
}
[[nodiscard]] constexpr HoldSet obeyed(HoldSet holds, Wiring wiring, int k) {
    return is_first_circuit(wiring, k) ? holds
                                       : HoldSet{static_cast<std::uint16_t>(holds.bits() & kOfEveryCircuit.bits())};
}

// What a household's guards follow at this moment.
struct ControlRules {
    const settings::LoadLimit& limit;
    const settings::MalignantProfile* malignant = nullptr;    // null: not watched
    std::span<const settings::PermittedAppliance> permitted;  // empty while the clock is not known
    ActivePower power_max;                                    // of a period of limited power; zero: none
    HoldSet overruled;
};
[[nodiscard]] ControlRules rules_of(const settings::Settings& settings, Household household, const PlanState& plan,
                                    HoldSet overruled, bool clock_known);

// Circuit 1 in one window; of a three-phase household the largest current and the sum of the powers.
[[nodiscard]] Load load_of(const Measurement& measurement, Wiring wiring, Household household);

struct HouseholdControl {
    LoadGuard load;
    MalignantGuard malignant;
    CreditWait wait{HoldSet{}};

    // After a start. `due`: the holds of the account.
    void start(const HouseholdBook& book, const settings::LoadLimit& limit, HoldSet due, Instant now);
    [[nodiscard]] HoldSet holds() const;
    [[nodiscard]] Instant next_due() const;
    [[nodiscard]] bool is_locked_out() const { return holds().has(Hold::kLockedOut); }
    // Forgets tries and lock-outs; power comes back at once. True: something was forgotten.
    bool reset(bool overload, bool malignant_too);
    // What must be stored, put into the book; the time of a new lock-out with it.
    void put_into(GuardBook& book, CivilSeconds civil) const;
};

}  // namespace prewatt::meter

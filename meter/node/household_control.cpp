#include "meter/node/household_control.hpp"

#include <algorithm>

namespace prewatt::meter {

ControlRules rules_of(const settings::Settings& settings, Household household, const PlanState& plan, HoldSet overruled,
                      bool clock_known) {
    const settings::HouseholdSettings& own = settings.households[static_cast<std::size_t>(household.index())];
    ControlRules rules{own.load, nullptr, {}, {}, overruled};
    if (own.plan.malignant_profile != 0) rules.malignant = &settings.malignant[own.plan.malignant_profile - 1u];
    if (clock_known) rules.permitted = own.permitted;
    if (plan.mode == settings::SupplyMode::kLimited) rules.power_max = watts(own.plan.limited_watts);
    return rules;
}

Load load_of(const Measurement& measurement, Wiring wiring, Household household) {
    Load load{{}, {}, measurement.span};
    for (int k = 0; k < circuits_each(wiring) && is_first_circuit(wiring, k); ++k) {
        const CircuitMeasurement& circuit = measurement.circuits[circuit_of(wiring, household, k).index];
        load.current = std::max(load.current, circuit.current);
        load.active += circuit.active;
    }
    return load;
}

void HouseholdControl::start(const HouseholdBook& book, const settings::LoadLimit& limit, HoldSet due, Instant now) {
    load.start(book.guards.load, limit, now);
    malignant.open(book.guards.malignant, now);
    wait = CreditWait(book.waiting);
    wait.start(due);
}

HoldSet HouseholdControl::holds() const {
    HoldSet holds = load.holds();
    holds.set(Hold::kMalignant, malignant.is_held());
    if (malignant.is_locked_out()) holds.set(Hold::kLockedOut, true);
    return holds;
}

Instant HouseholdControl::next_due() const {
    return std::min(load.next_poll(), malignant.next_due());
}

bool HouseholdControl::reset(bool overload, bool malignant_too) {
    bool changed = false;
    if (overload) changed |= load.reset().store;
    if (malignant_too) changed |= malignant.reset();
    return changed;
}

void HouseholdControl::put_into(GuardBook& book, CivilSeconds civil) const {
    const bool was_locked =
        book.load.stage == LoadStage::kLockedOut || book.malignant.stage == MalignantStage::kLockedOut;
    book.load = load.book();
    book.malignant = malignant.state();
    if (!is_locked_out())
        book.locked_since = 0;
    else if (!was_locked)
        book.locked_since = civil;
}

}  // namespace prewatt::meter

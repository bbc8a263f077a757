// Time control (product.md M10): what each week plan says at this moment. On, off (hold kSchedule) or limited power
// (load_guard with limited_watts), the rate of a money account, the warning before a timed cut-off, the no-cut hours.
//
// Nothing is remembered: what holds follows from the settings and the clock alone, so a clock that jumps forward or
// back, a restart and a change of settings all end in what the tables say for the new time; no period is made up for.
// A clock that is not known cuts nobody: every plan is then on, at rate 1, without a warning, because a flat battery
// must not darken a house at noon that is meant to be dark at midnight. Nor are there no-cut hours then: credit goes on
// acting as ever, or a flat battery would be free power.
//
// Cheap: there are four plans, not thirty-nine households, and between two changes update() compares four pairs of
// numbers. To be called once a minute, and at once when the clock or a setting has changed.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "base/hold.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

struct PlanState {
    settings::SupplyMode mode = settings::SupplyMode::kOn;
    std::uint8_t rate = 1;
    bool no_cut = false;      // credit cut-offs and cut-off alarms wait
    CivilSeconds cut_at = 0;  // a timed cut-off comes within the warning time; 0: none
    friend constexpr bool operator==(const PlanState&, const PlanState&) = default;
};

class Schedule {
  public:
    // Bit p-1: plan p says something else than before.
    std::uint8_t update(const settings::Settings& settings, std::optional<CivilSeconds> now);
    // A setting has changed: the next update() looks at the tables.
    void forget() { known_.fill({}); }

    // What a household follows: HouseholdPlan::week_plan, 0..4.
    [[nodiscard]] const PlanState& of(std::uint8_t week_plan) const { return plans_[week_plan]; }
    // When a plan may say something else, by a clock that runs on from the last update(); nothing without a clock.
    [[nodiscard]] std::optional<CivilSeconds> next_change() const;

  private:
    struct Span {  // the plan's state holds for from <= now < until
        CivilSeconds from = 0;
        CivilSeconds until = 0;
    };
    std::array<PlanState, settings::kWeekPlans + 1> plans_{};  // [0]: always on, rate 1
    std::array<Span, settings::kWeekPlans> known_{};
};

// Credit in the no-cut hours: which of the credit's holds act, and which wait. Only somebody who has light keeps it:
// whoever was dark for want of credit when the hours began stays dark, and an account that is opened in them without
// credit does not light. What waits is used on debt, is charged as ever and cuts when the hours end. `waiting` is one
// bit for each hold and is stored with the account, so a restart in the night is no cut.
class CreditWait {
  public:
    static constexpr HoldSet kMayWait{1u << static_cast<int>(Hold::kNoCredit) |
                                      1u << static_cast<int>(Hold::kCutoffAlarm)};

    constexpr explicit CreditWait(HoldSet stored = {}) : waiting_(stored) {}
    // Whatever stands against the household at a start and did not wait before, acts.
    constexpr void start(HoldSet due) { acting_ = due.without(waiting_); }

    // `due`: credit_holds() of the account; the result are those that act. Store waiting() when it has changed.
    constexpr HoldSet update(HoldSet due, bool no_cut) {
        const auto in_due = static_cast<std::uint16_t>(due.bits() & kMayWait.bits());
        std::uint16_t waiting = 0;
        if (no_cut) waiting = acting_.empty() ? in_due : static_cast<std::uint16_t>(waiting_.bits() & in_due);
        waiting_ = HoldSet{waiting};
        return acting_ = due.without(waiting_);
    }
    [[nodiscard]] constexpr HoldSet waiting() const { return waiting_; }

  private:
    HoldSet waiting_;
    HoldSet acting_;
};

}  // namespace prewatt::meter

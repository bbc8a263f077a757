// Malignant loads (product.md M8): is the step that the metering side has seen a forbidden heater, and what follows.
//
// Decides two things, apart from each other. `judge` is a pure function: one report, the profile that the office has
// set, what the household may use -> ignore, alarm or cut, and by which rule. It can be run again on stored reports
// with other settings. `MalignantGuard` is what follows in time: cut, restore after a delay that doubles, so many
// restores a day, then locked out until somebody with the right resets it.
//
// How much of a step is surely a resistor. A load that is no resistor cannot take P without taking at least rho x P
// that is not active (rho = tan(acos(power factor that the window names)), 0.1425 at 0.990). So a step of P with N of
// non-active power holds at least P - N / rho that only a resistor can take: `sure_resistive`. A kettle that starts
// with a laptop keeps nearly all of its watts, an inverter air conditioner (0.988) keeps none. Two refinements and a
// floor are explained in docs/malignant.md with their numbers.
//
// Return after an open contact or a supply failure brings the whole room at once (StepShape::kReclose). Its shape says
// nothing; it is compared with what was there before the cut: base + the conductance of the load that was cut.
//
// Relay refresh, restart and supply failure change nothing here: the state below is stored and opened again, a delay
// that was running starts anew. `now` is the monotonic clock, `civil` the wall clock; while the wall clock is invalid
// no day ends, so a stopped clock brings no new restores.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "base/civil_time.hpp"
#include "base/units.hpp"
#include "meter/reports.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// The rule that decided. The numbers stand in records and on the wire.
enum class MalignantRule : std::uint8_t {
    kTooSmall = 0,        // below every window
    kNoResistor = 1,      // nothing in it is surely a resistor
    kCyclesDisagree = 2,  // single mains cycles do not say the same
    kPermitted = 3,       // a permitted appliance, or several
    kOutsideWindows = 4,  // surely a resistor, in no window
    kWindow = 5,          // in window `window`
    kHalfWave = 6,
    kPhaseCut = 7,
    kStepByStep = 8,     // small steps or a slope have added up
    kReclosed = 9,       // the load that was cut is still there
    kRecloseClear = 10,  // the contact has closed and it is gone
};

// What is remembered of the load that was cut, so that it is known again when everything comes back at once.
struct MalignantSignature {
    std::int32_t conductance_microsiemens = 0;       // of the load; 0: none
    std::int32_t base_conductance_microsiemens = 0;  // of the rest of the room
    friend constexpr bool operator==(const MalignantSignature&, const MalignantSignature&) = default;
};

struct MalignantVerdict {
    settings::MalignantAction action = settings::MalignantAction::kIgnore;
    MalignantRule rule = MalignantRule::kTooSmall;
    std::uint8_t window = 0;  // 0..5, of kWindow
    ActivePower sure;         // resistive power that nothing else explains
};

// Resistive power of the step that no other load explains, when `power_factor_thousandths` (900..999) is the best that
// a load which is no resistor reaches. Zero or more.
[[nodiscard]] ActivePower sure_resistive(const StepReport& report, int power_factor_thousandths);
// The same before the floor: what the load may be besides a resistor. More than the step's power: anything.
[[nodiscard]] ActivePower explained_otherwise(const StepReport& report, int power_factor_thousandths);
// `added_up`: what earlier small steps of the last minutes have brought (see StepAdder); counts for kStepByStep.
[[nodiscard]] MalignantVerdict judge(const StepReport& report, const settings::MalignantProfile& profile,
                                     std::span<const settings::PermittedAppliance> permitted, CivilSeconds civil,
                                     const MalignantSignature& signature = {}, ActivePower added_up = {});
// A permitted appliance like the one that made this step.
[[nodiscard]] settings::PermittedAppliance learn(const StepReport& report, CivilSeconds until);

// Small resistive steps, up and down, of the last `minutes`. Forgets in eighths of that time.
class StepAdder {
  public:
    void add(ActivePower step, int minutes, Instant now);
    [[nodiscard]] ActivePower sum() const;  // zero or more
    void clear() { watts_ = {}; }

  private:
    static constexpr int kBuckets = 8;
    void advance(int minutes, Instant now);
    std::array<std::int16_t, kBuckets> watts_{};
    std::uint8_t newest_ = 0;
    Instant bucket_began_{};
};

// The numbers stand in storage.
enum class MalignantStage : std::uint8_t {
    kWatching = 0,
    kHeld = 1,       // open; comes back by itself
    kReturning = 2,  // closed again, not yet seen clean
    kLockedOut = 3,  // open until reset
};
enum class MalignantEvent : std::uint8_t { kCut, kCutWithoutTries, kDelayOver, kClean, kReset };
inline constexpr int kMalignantStages = 4;
inline constexpr int kMalignantEvents = 5;
// One line for each stage, one column for each event: cut, cut without tries left, delay over, clean, reset.
inline constexpr std::array<std::array<MalignantStage, kMalignantEvents>, kMalignantStages> kMalignantTable{{
    {MalignantStage::kHeld, MalignantStage::kLockedOut, MalignantStage::kWatching, MalignantStage::kWatching,
     MalignantStage::kWatching},  // watching
    {MalignantStage::kHeld, MalignantStage::kHeld, MalignantStage::kReturning, MalignantStage::kHeld,
     MalignantStage::kWatching},  // held
    {MalignantStage::kHeld, MalignantStage::kLockedOut, MalignantStage::kReturning, MalignantStage::kWatching,
     MalignantStage::kWatching},  // returning
    {MalignantStage::kLockedOut, MalignantStage::kLockedOut, MalignantStage::kLockedOut, MalignantStage::kLockedOut,
     MalignantStage::kWatching},  // locked out
}};
[[nodiscard]] constexpr MalignantStage next(MalignantStage stage, MalignantEvent event) {
    return kMalignantTable[static_cast<std::size_t>(stage)][static_cast<std::size_t>(event)];
}
// Only a reset ends a lock-out, and only the delay or a reset closes a contact that is held.
consteval bool locked_out_until_reset() {
    for (int e = 0; e < kMalignantEvents; ++e) {
        const auto event = static_cast<MalignantEvent>(e);
        if (event == MalignantEvent::kReset) continue;
        if (next(MalignantStage::kLockedOut, event) != MalignantStage::kLockedOut) return false;
        if (event != MalignantEvent::kDelayOver && next(MalignantStage::kHeld, event) != MalignantStage::kHeld)
            return false;
    }
    return true;
}
static_assert(locked_out_until_reset());

// What must survive a restart: put into storage whenever `MalignantDecision::store` says so. 16 bytes.
struct MalignantState {
    MalignantStage stage = MalignantStage::kWatching;
    std::uint8_t restores_used = 0;  // on `day`
    std::uint16_t day = 0;           // since 2000-01-01, of the last restore
    MalignantSignature signature;
    std::uint16_t delay_seconds = 0;  // of the restore that is waited for
    StepShape shape = StepShape::kOther;
    friend constexpr bool operator==(const MalignantState&, const MalignantState&) = default;
};

struct MalignantDecision {
    bool cut = false;       // open now
    bool alarm = false;     // record and report only
    bool restored = false;  // the delay is over: the hold has gone
    bool store = false;     // the state has changed
    MalignantVerdict verdict;
    Duration restore_after;  // of a cut; zero when locked out
    std::uint8_t restores_left = 0;
};

class MalignantGuard {
  public:
    // After a restart: a delay that was running starts anew.
    void open(const MalignantState& stored, Instant now);
    [[nodiscard]] const MalignantState& state() const { return state_; }

    // A report of circuit 1 (or of any channel of a household fed by three phases).
    MalignantDecision on_report(const StepReport& report, const settings::MalignantProfile& profile,
                                std::span<const settings::PermittedAppliance> permitted, Instant now,
                                CivilSeconds civil, bool clock_valid);
    // Call at next_due() or later.
    MalignantDecision poll(const settings::MalignantProfile& profile, Instant now, CivilSeconds civil,
                           bool clock_valid);
    [[nodiscard]] Instant next_due() const { return due_; }

    // The clock was set: the restores that were used count on its new day, so that it gives none. True: the state has
    // changed.
    bool on_clock_set(CivilSeconds after);

    // Forced power, or a reset by the office: everything is forgotten. True: the state has changed.
    bool reset();

    [[nodiscard]] bool is_held() const {
        return state_.stage == MalignantStage::kHeld || state_.stage == MalignantStage::kLockedOut;
    }
    [[nodiscard]] bool is_locked_out() const { return state_.stage == MalignantStage::kLockedOut; }
    [[nodiscard]] int restores_left(const settings::MalignantProfile& profile) const {
        return profile.restores_per_day > state_.restores_used ? profile.restores_per_day - state_.restores_used : 0;
    }

  private:
    void begin_day(CivilSeconds civil, bool clock_valid);
    MalignantState state_;
    StepAdder adder_;
    Instant due_ = kNever;
};

}  // namespace prewatt::meter

#include "meter/core/malignant_load.hpp"

#include <algorithm>
#include <optional>

#include "meter/core/clock_guard.hpp"

namespace prewatt::meter {
namespace {

using settings::MalignantAction;
using settings::MalignantProfile;
using settings::PermittedAppliance;

// Without a resistor in it at least so much of a step is not active whatever the instrument: below, it is the channel's
// own phase error and noise (0.3 degrees).
constexpr int kInstrumentFloorDivisor = 200;
// A load that lags without distortion is a motor: it takes at least a quarter of its power as reactive power (power
// factor below 0.97), or three percent as distortion, and it starts with a rush.
constexpr int kMotorPowerForReactive = 4;
constexpr int kPowerForDistortion = 33;
constexpr int kRushTenths = 16;
// Of a step of which less is surely a resistor, nothing is.
constexpr int kShareDivisor = 4;

constexpr int kUsualPowerFactor = 990;
constexpr Duration kReturning = seconds(10);
constexpr int kDelaySecondsMax = 3600;

std::int64_t square_root(std::int64_t x) {
    auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(x, 0));
    std::uint64_t root = 0;
    std::uint64_t bit = std::uint64_t{1} << 62;
    while (bit > rest)
        bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return static_cast<std::int64_t>(root);
}

constexpr std::int64_t kMilli = 1000;  // micro to milli: squares of 2e7 mW fit

bool cycles_agree(const StepReport& report) {
    return report.cycles_agreed * 4 >= report.cycles * 3;
}
bool close_to(std::int64_t value, std::int64_t wanted, int percent) {
    const std::int64_t difference = value > wanted ? value - wanted : wanted - value;
    return difference * 100 <= wanted * percent;
}

bool is_permitted(std::int32_t conductance, int residual_ten_thousandths, std::span<const PermittedAppliance> permitted,
                  CivilSeconds civil) {
    const std::size_t count = std::min(permitted.size(), std::size_t{settings::kPermittedPerHousehold});
    // Several permitted appliances may start at one instant.
    for (unsigned chosen = 1; chosen < 1u << count; ++chosen) {
        std::int64_t sum = 0, slack = 0;
        int residual_max = 0;
        bool usable = true;
        for (std::size_t k = 0; k < count; ++k) {
            if ((chosen >> k & 1) == 0) continue;
            const PermittedAppliance& one = permitted[k];
            usable = usable && one.conductance_microsiemens > 0 && civil < one.until;
            sum += one.conductance_microsiemens;
            slack += std::int64_t{one.conductance_microsiemens} * one.tolerance_percent;
            residual_max = std::max<int>(residual_max, one.residual_thousandths_max * 10);
        }
        if (!usable || residual_ten_thousandths > residual_max) continue;
        const std::int64_t difference = conductance > sum ? conductance - sum : sum - conductance;
        if (difference * 100 <= slack) return true;
    }
    return false;
}

MalignantVerdict judge_reclose(const StepReport& report, std::span<const PermittedAppliance> permitted,
                               CivilSeconds civil, const MalignantSignature& signature) {
    MalignantVerdict verdict{.rule = MalignantRule::kRecloseClear, .sure = sure_resistive(report, kUsualPowerFactor)};
    const std::int64_t load = signature.conductance_microsiemens, base = signature.base_conductance_microsiemens;
    const std::int64_t total = report.total_conductance_microsiemens;
    if (load <= 0 || report.resistive.count() <= 0) return verdict;
    if (is_permitted(report.total_conductance_microsiemens, report.residual_ten_thousandths, permitted, civil))
        return verdict;
    // As it was; or more has come, but so much is surely a resistor; or the load is all that is left.
    const std::int64_t sure =
        total * (verdict.sure.count() / kMilli) / std::max<std::int64_t>(report.resistive.count() / kMilli, 1);
    const bool as_it_was = close_to(total - base, load, 10);
    const bool with_more = sure * 10 >= base * 10 + load * 9;
    const bool alone = close_to(total, load, 5) && sure * 10 >= total * 9;
    if (!as_it_was && !with_more && !alone) return verdict;
    verdict.action = MalignantAction::kCut;
    verdict.rule = MalignantRule::kReclosed;
    return verdict;
}

}  // namespace

ActivePower explained_otherwise(const StepReport& report, int power_factor_thousandths) {
    const std::int64_t power = report.resistive.count() / kMilli;
    const std::int64_t nonactive = std::max<std::int64_t>(report.nonactive.count() / kMilli, 0);
    const std::int64_t reactive = report.reactive.count() / kMilli;
    const std::int64_t pf = std::clamp(power_factor_thousandths, 900, 999);
    const std::int64_t rho_q16 = square_root((1'000'000 - pf * pf) << 32) / pf;

    const std::int64_t beyond_instrument = std::max<std::int64_t>(nonactive - power / kInstrumentFloorDivisor, 0);
    std::int64_t other = beyond_instrument * 65536 / rho_q16;
    if (reactive > 0 && report.rush_tenths < kRushTenths) {
        const std::int64_t distortion = square_root(nonactive * nonactive - reactive * reactive);
        other = std::min(other, std::max(kMotorPowerForReactive * reactive, kPowerForDistortion * distortion));
    }
    return ActivePower{other * kMilli};
}

ActivePower sure_resistive(const StepReport& report, int power_factor_thousandths) {
    if (report.resistive <= ActivePower{}) return {};
    const ActivePower sure = report.resistive - explained_otherwise(report, power_factor_thousandths);
    return sure * kShareDivisor < report.resistive ? ActivePower{} : sure;
}

MalignantVerdict judge(const StepReport& report, const MalignantProfile& profile,
                       std::span<const PermittedAppliance> permitted, CivilSeconds civil,
                       const MalignantSignature& signature, ActivePower added_up) {
    if (report.shape == StepShape::kReclose) return judge_reclose(report, permitted, civil, signature);

    MalignantVerdict verdict{.sure = sure_resistive(report, kUsualPowerFactor)};
    const ActivePower evasion = watts(profile.evasion_watts);
    const auto decide = [&](MalignantAction action, MalignantRule rule) {
        verdict.action = action;
        verdict.rule = rule;
        return verdict;
    };
    const auto ignore = [&](MalignantRule rule) { return decide(MalignantAction::kIgnore, rule); };

    if (report.shape == StepShape::kOther) return ignore(MalignantRule::kNoResistor);
    if (report.shape == StepShape::kRamp)
        return added_up >= evasion ? decide(profile.step_by_step, MalignantRule::kStepByStep)
                                   : ignore(MalignantRule::kTooSmall);
    if (report.shape == StepShape::kHalfWave || report.shape == StepShape::kPhaseCut) {
        if (report.resistive < evasion) return ignore(MalignantRule::kTooSmall);
        if (verdict.sure < evasion) return ignore(MalignantRule::kNoResistor);
        if (!cycles_agree(report)) return ignore(MalignantRule::kCyclesDisagree);
        return report.shape == StepShape::kHalfWave ? decide(profile.half_wave, MalignantRule::kHalfWave)
                                                    : decide(profile.phase_cut, MalignantRule::kPhaseCut);
    }

    bool some_sure = false, large_enough = false;
    int window_found = -1;
    for (int w = 0; w < settings::kMalignantWindows; ++w) {
        const settings::MalignantWindow& window = profile.windows[static_cast<std::size_t>(w)];
        if (window.to_watts <= window.from_watts) continue;
        const ActivePower sure = sure_resistive(report, window.power_factor_thousandths);
        large_enough = large_enough || report.resistive >= watts(window.from_watts);
        some_sure = some_sure || sure >= watts(window.from_watts);
        if (sure < watts(window.from_watts) || sure >= watts(window.to_watts)) continue;
        if (window_found >= 0 && window.action <= profile.windows[static_cast<std::size_t>(window_found)].action)
            continue;
        window_found = w;
        verdict.sure = sure;
    }
    const bool stepwise = verdict.sure > ActivePower{} && added_up >= evasion;
    if (window_found < 0 && !stepwise)
        return ignore(some_sure      ? MalignantRule::kOutsideWindows
                      : large_enough ? MalignantRule::kNoResistor
                                     : MalignantRule::kTooSmall);
    if (is_permitted(report.conductance_microsiemens, report.residual_ten_thousandths, permitted, civil))
        return ignore(MalignantRule::kPermitted);
    if (!cycles_agree(report)) return ignore(MalignantRule::kCyclesDisagree);
    if (window_found < 0) return decide(profile.step_by_step, MalignantRule::kStepByStep);
    verdict.window = static_cast<std::uint8_t>(window_found);
    return decide(profile.windows[static_cast<std::size_t>(window_found)].action, MalignantRule::kWindow);
}

PermittedAppliance learn(const StepReport& report, CivilSeconds until) {
    PermittedAppliance appliance;
    appliance.conductance_microsiemens =
        static_cast<std::uint32_t>(std::max<std::int32_t>(report.conductance_microsiemens, 0));
    appliance.residual_thousandths_max = static_cast<std::uint16_t>(
        std::clamp(report.residual_ten_thousandths / 10 + 20, 30, 1000));  // two percent of the current for another day
    appliance.until = until;
    return appliance;
}

void StepAdder::advance(int minutes, Instant now) {
    const Duration bucket{prewatt::minutes(std::max(minutes, 1)).count() / kBuckets};
    for (int k = 0; now - bucket_began_ >= bucket; ++k) {
        if (k == kBuckets) {  // nothing is left; do not go through years
            bucket_began_ = now;
            break;
        }
        bucket_began_ = bucket_began_ + bucket;
        newest_ = static_cast<std::uint8_t>((newest_ + 1) % kBuckets);
        watts_[newest_] = 0;
    }
}

void StepAdder::add(ActivePower step, int minutes, Instant now) {
    advance(minutes, now);
    const std::int64_t sum = watts_[newest_] + divide(step.count(), 1'000'000, Round::kNearest);
    watts_[newest_] = static_cast<std::int16_t>(std::clamp<std::int64_t>(sum, -30'000, 30'000));
}

ActivePower StepAdder::sum() const {
    std::int64_t sum = 0;
    for (const std::int16_t w : watts_)
        sum += w;
    return watts(std::max<std::int64_t>(sum, 0));
}

void MalignantGuard::open(const MalignantState& stored, Instant now) {
    state_ = stored;
    adder_.clear();
    due_ = kNever;
    if (state_.stage == MalignantStage::kHeld) due_ = now + seconds(state_.delay_seconds);
    if (state_.stage == MalignantStage::kReturning) due_ = now + kReturning;
}

// A clock that was set takes no restores and gives none.
void MalignantGuard::begin_day(CivilSeconds civil, bool clock_valid) {
    DailyCount restores{state_.day, state_.restores_used};
    restores.on_time(clock_valid ? std::optional(civil) : std::nullopt);
    state_.day = restores.day;
    state_.restores_used = restores.count;
}

bool MalignantGuard::on_clock_set(CivilSeconds after) {
    if (state_.restores_used == 0) return false;
    DailyCount restores{state_.day, state_.restores_used};
    restores.on_clock_set(after);
    state_.day = restores.day;
    return true;
}

MalignantDecision MalignantGuard::on_report(const StepReport& report, const MalignantProfile& profile,
                                            std::span<const PermittedAppliance> permitted, Instant now,
                                            CivilSeconds civil, bool clock_valid) {
    MalignantDecision decision;
    if (is_held()) return decision;
    const MalignantState before = state_;

    // Small steps add up whether they come or go; what a window already judges does not.
    const bool small = report.shape == StepShape::kRamp ||
                       (report.shape == StepShape::kResistive && report.power < watts(profile.evasion_watts) &&
                        report.power > -watts(profile.evasion_watts));
    if (small) {
        const ActivePower step =
            report.power < ActivePower{} ? report.power : sure_resistive(report, kUsualPowerFactor);
        const bool allowed =
            is_permitted(report.conductance_microsiemens, report.residual_ten_thousandths, permitted, civil);
        if (!allowed) adder_.add(step, profile.step_by_step_minutes, now);
    }
    decision.verdict = judge(report, profile, permitted, civil, state_.signature,
                             small && report.power > ActivePower{} ? adder_.sum() : ActivePower{});
    if (state_.stage == MalignantStage::kReturning && decision.verdict.rule == MalignantRule::kRecloseClear) {
        state_.stage = next(state_.stage, MalignantEvent::kClean);
        state_.signature = {};
        due_ = kNever;
    }
    decision.alarm = decision.verdict.action == MalignantAction::kAlarm;
    if (decision.verdict.action == MalignantAction::kCut) {
        decision.cut = true;
        begin_day(civil, clock_valid);
        if (decision.verdict.rule != MalignantRule::kReclosed) {
            state_.signature = {.conductance_microsiemens = report.conductance_microsiemens,
                                .base_conductance_microsiemens = report.base_conductance_microsiemens};
            state_.shape = report.shape;
        }
        const int left = restores_left(profile);
        state_.stage = next(state_.stage, left > 0 ? MalignantEvent::kCut : MalignantEvent::kCutWithoutTries);
        due_ = kNever;
        state_.delay_seconds = 0;
        if (left > 0) {
            int delay = profile.restore_seconds;
            for (int k = 0; profile.restore_backs_off && k < state_.restores_used && delay < kDelaySecondsMax; ++k)
                delay *= 2;
            if (profile.restore_backs_off)
                delay = std::min(delay, std::max<int>(kDelaySecondsMax, profile.restore_seconds));
            state_.delay_seconds = static_cast<std::uint16_t>(delay);
            decision.restore_after = seconds(delay);
            due_ = now + decision.restore_after;
        }
        decision.restores_left = static_cast<std::uint8_t>(left);
        adder_.clear();
    }
    decision.store = state_ != before;
    return decision;
}

MalignantDecision MalignantGuard::poll(const MalignantProfile& profile, Instant now, CivilSeconds civil,
                                       bool clock_valid) {
    MalignantDecision decision;
    if (now < due_) return decision;
    due_ = kNever;
    if (state_.stage == MalignantStage::kHeld) {
        begin_day(civil, clock_valid);
        state_.stage = next(state_.stage, MalignantEvent::kDelayOver);
        if (state_.restores_used < 255) ++state_.restores_used;
        state_.delay_seconds = 0;
        due_ = now + kReturning;
        decision.restored = true;
        decision.store = true;
    } else if (state_.stage == MalignantStage::kReturning) {
        // Nothing has come back that could be judged.
        state_.stage = next(state_.stage, MalignantEvent::kClean);
        state_.signature = {};
        decision.store = true;
    }
    decision.restores_left = static_cast<std::uint8_t>(restores_left(profile));
    return decision;
}

bool MalignantGuard::reset() {
    const bool changed = state_ != MalignantState{};
    state_ = {};
    adder_.clear();
    due_ = kNever;
    return changed;
}

}  // namespace prewatt::meter

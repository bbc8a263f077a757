#include "sim/home.hpp"

#include <algorithm>
#include <cmath>

#include "sim/random.hpp"

namespace prewatt::sim {
namespace {
constexpr std::uint32_t kDay = 86'400;
constexpr std::uint64_t kFurniture = 0xFFFF'FFFF;
}  // namespace

std::string_view name_of(Life life) {
    static constexpr std::string_view names[] = {"students", "family", "shop", "lively"};
    return names[static_cast<std::size_t>(life)];
}

Home::Home(Life life, std::uint64_t seed, std::uint64_t id) : life_(life), seed_(seed), id_(id) {
    furnish();
}

void Home::furnish() {
    Random random(seed_, {id_, kFurniture});
    people_ = static_cast<int>(2 + random.below(life_ == Life::kFamily ? 3 : 5));
    const auto add = [&](Kind kind, double watts, Use use = Use::kSockets) {
        appliances_.push_back({kind, watts * random.uniform(0.85, 1.15), use});
    };
    add(Kind::kRouter, 9);
    add(Kind::kLedLamp, 36, Use::kLighting);
    for (int k = 0; k < std::min(people_, 4); ++k) {
        if (life_ == Life::kShop) break;
        add(Kind::kLaptop, 48);
        add(Kind::kCharger, 12);
    }
    add(Kind::kKettle, 1100);
    add(Kind::kFan, 45);
    switch (life_) {
        case Life::kStudents:
        case Life::kLively:
            if (random.chance(0.5)) add(random.chance(0.5) ? Kind::kHairDryer : Kind::kHairDryerLow, 700);
            if (random.chance(0.2)) add(Kind::kRiceCooker, 450);
            if (random.chance(0.15)) add(Kind::kIncandescent, 40, Use::kLighting);
            add(Kind::kAirConditioner, 800, Use::kAirConditioning);
            break;
        case Life::kFamily:
            add(Kind::kFridge, 110);
            add(Kind::kRiceCooker, 650);
            add(Kind::kTelevision, 120);
            add(Kind::kWashingMachine, 400);
            if (random.chance(0.5)) add(Kind::kMicrowave, 1100);
            add(Kind::kAirConditioner, 1000, Use::kAirConditioning);
            break;
        case Life::kShop:
            add(Kind::kFridge, 250);
            add(Kind::kLedLamp, 120, Use::kLighting);
            break;
    }
    on_.assign(appliances_.size(), false);
}

void Home::plan(std::size_t appliance, double from_hour, double hours) {
    const double from = std::clamp(from_hour, 0.0, 24.0) * 3600;
    const double to = std::clamp(from_hour + hours, 0.0, 24.0) * 3600;
    if (to - from < 1) return;
    const auto number = static_cast<std::uint16_t>(appliance);
    day_plan_.push_back({static_cast<std::uint32_t>(from), number, true});
    if (to < kDay) day_plan_.push_back({static_cast<std::uint32_t>(to), number, false});
}

void Home::plan_day(std::uint32_t day) {
    day_ = day;
    next_ = 0;
    day_plan_.clear();
    Random random(seed_, {id_, day});
    const bool weekend = weekday(day * kDay) == 0 || weekday(day * kDay) == 6;
    const bool hot = std::fmod(day, 365.25) > 150 && std::fmod(day, 365.25) < 265;
    for (std::size_t k = 0; k < appliances_.size(); ++k) {
        switch (appliances_[k].kind) {
            case Kind::kRouter:
                plan(k, 0, 24);
                break;
            case Kind::kLedLamp:
                if (life_ == Life::kLively) {
                    plan(k, 0, 24);
                } else if (life_ == Life::kShop) {
                    plan(k, random.uniform(7, 8), random.uniform(11, 13));
                } else {
                    plan(k, 0, random.uniform(0, 0.7));
                    plan(k, random.uniform(6.5, 7.5), random.uniform(0.3, 1));
                    plan(k, random.uniform(17.5, 19), 24);
                }
                break;
            case Kind::kIncandescent:
                plan(k, random.uniform(19, 22), random.uniform(0.5, 2));
                break;
            case Kind::kLaptop:
                if (life_ == Life::kLively) {
                    plan(k, 0, 24);
                } else {
                    if (random.chance(0.7)) plan(k, 0, random.uniform(0, 1.8));
                    if (weekend || random.chance(0.2)) plan(k, random.uniform(9, 13), random.uniform(2, 5));
                    plan(k, random.uniform(18.5, 21), random.uniform(2, 6));
                }
                break;
            case Kind::kCharger:
                plan(k, 0, random.uniform(1, 6));
                plan(k, random.uniform(12, 22), random.uniform(0.5, 2));
                break;
            case Kind::kKettle: {
                const double morning = random.uniform(6.6, 7.8);
                if (random.chance(0.5)) plan(k, morning, random.uniform(3, 6) / 60);
                for (int n = 0; n < 1 + people_ / 2; ++n)
                    plan(k, random.uniform(18.5, 23.2), random.uniform(3, 6) / 60);
                if (life_ == Life::kLively)
                    for (int n = 0; n < 24; ++n)
                        plan(k, random.uniform(n, n + 0.8), random.uniform(2, 5) / 60);
                break;
            }
            case Kind::kHairDryer:
            case Kind::kHairDryerLow:
                for (int n = 0; n < people_ / 2; ++n)
                    if (random.chance(0.6)) plan(k, random.uniform(20, 23), random.uniform(3, 8) / 60);
                break;
            case Kind::kRiceCooker:
                if (random.chance(0.8)) plan(k, random.uniform(17.2, 18.5), random.uniform(0.4, 0.6));
                if (weekend && random.chance(0.6)) plan(k, random.uniform(11, 12), random.uniform(0.4, 0.6));
                break;
            case Kind::kHeater:
                plan(k, random.uniform(19, 21), random.uniform(1, 3));
                break;
            case Kind::kTelevision:
                plan(k, random.uniform(18.5, 20), random.uniform(2, 3.5));
                break;
            case Kind::kFan:
                if (hot) plan(k, random.uniform(11, 14), random.uniform(6, 10));
                break;
            case Kind::kFridge:
                // The thermostat: a third of the time, longer in the heat of the afternoon.
                for (double hour = random.uniform(0, 0.5); hour < 24;) {
                    const double run = random.uniform(0.22, 0.3) * (hour > 11 && hour < 18 ? 1.3 : 1);
                    plan(k, hour, run);
                    hour += run + random.uniform(0.4, 0.6);
                }
                break;
            case Kind::kWashingMachine:
                if (random.chance(weekend ? 0.7 : 0.2)) plan(k, random.uniform(9, 19), random.uniform(0.6, 0.9));
                break;
            case Kind::kMicrowave:
                for (int n = 0; n < 2; ++n)
                    if (random.chance(0.5)) plan(k, random.uniform(7, 19), random.uniform(2, 5) / 60);
                break;
            case Kind::kAirConditioner:
                if (hot && random.chance(0.8)) {
                    plan(k, 0, random.uniform(4, 7));
                    plan(k, random.uniform(12, 14), random.uniform(2, 4));
                    plan(k, random.uniform(18, 20), 24);
                }
                break;
        }
    }
    std::stable_sort(day_plan_.begin(), day_plan_.end(),
                     [](const Switching& a, const Switching& b) { return a.second < b.second; });
}

bool Home::set_time(CivilSeconds now) {
    const std::uint32_t day = now / kDay;
    bool changed = touched_;
    touched_ = false;
    if (day != day_) {
        changed = true;
        plan_day(day);
        on_.assign(on_.size(), false);
    }
    for (; next_ < day_plan_.size() && day_plan_[next_].second <= now % kDay; ++next_) {
        const Switching& s = day_plan_[next_];
        changed |= on_[s.appliance] != s.on;
        on_[s.appliance] = s.on;
    }
    return changed;
}

}  // namespace prewatt::sim

// Units of measure and of money as types.
//
// Every quantity is a 64-bit integer count of ONE fixed unit, named here. Unlike quantities do not mix: a Current
// compares with a Current or the line does not compile. Raw integers exist on the wire, in storage and on the display
// only, with one tested conversion each (`of_...` / `in_...`). A conversion that loses digits says how it rounds.
//
//   Energy         joule            0.01 kWh = 36,000 J; a pulse is a whole number of joules at 1600, 600, 5000 imp/kWh
//   Credit         grain            1/36,000 of a hundredth of the account's unit: 0.01 kWh = 36,000 grains, so in an
//                                   energy account one grain is one joule; in a money account 1 fen = 36,000 grains
//   ActivePower    microwatt        ReactivePower  microvar      ApparentPower  microvolt-ampere
//   Voltage        millivolt        Current        microampere   Frequency      millihertz
//   PowerFactor    1/1000           Money          fen (1/100 yuan)
//   UnitPrice      1/10,000 yuan per kWh
//   Duration       microsecond      Instant        microseconds of the monotonic clock since the program's own zero
#pragma once
#include <compare>
#include <cstdint>

namespace prewatt {

enum class Round : std::uint8_t { kDown, kUp, kNearest };

// floor, ceiling or nearest (ties away from zero) of value / divisor; divisor > 0.
[[nodiscard]] constexpr std::int64_t divide(std::int64_t value, std::int64_t divisor, Round round) {
    std::int64_t quotient = value / divisor;
    const std::int64_t rest = value % divisor;
    switch (round) {
        case Round::kDown:
            return rest < 0 ? quotient - 1 : quotient;
        case Round::kUp:
            return rest > 0 ? quotient + 1 : quotient;
        case Round::kNearest:
            break;
    }
    const std::int64_t magnitude = rest < 0 ? -rest : rest;
    if (magnitude >= divisor - magnitude) quotient += value < 0 ? -1 : 1;
    return quotient;
}

template <class Tag>
class Quantity {
  public:
    constexpr Quantity() = default;
    constexpr explicit Quantity(std::int64_t count) : count_(count) {}
    [[nodiscard]] constexpr std::int64_t count() const { return count_; }

    friend constexpr auto operator<=>(Quantity, Quantity) = default;
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity{a.count_ + b.count_}; }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity{a.count_ - b.count_}; }
    friend constexpr Quantity operator-(Quantity a) { return Quantity{-a.count_}; }
    friend constexpr Quantity operator*(Quantity a, std::int64_t n) { return Quantity{a.count_ * n}; }
    friend constexpr Quantity operator*(std::int64_t n, Quantity a) { return Quantity{a.count_ * n}; }
    constexpr Quantity& operator+=(Quantity other) {
        count_ += other.count_;
        return *this;
    }
    constexpr Quantity& operator-=(Quantity other) {
        count_ -= other.count_;
        return *this;
    }

  private:
    std::int64_t count_ = 0;
};

using Energy = Quantity<struct EnergyTag>;
using Credit = Quantity<struct CreditTag>;
using ActivePower = Quantity<struct ActivePowerTag>;
using ReactivePower = Quantity<struct ReactivePowerTag>;
using ApparentPower = Quantity<struct ApparentPowerTag>;
using Voltage = Quantity<struct VoltageTag>;
using Current = Quantity<struct CurrentTag>;
using Frequency = Quantity<struct FrequencyTag>;
using PowerFactor = Quantity<struct PowerFactorTag>;
using Money = Quantity<struct MoneyTag>;
using UnitPrice = Quantity<struct UnitPriceTag>;
using Duration = Quantity<struct DurationTag>;

// A point on the monotonic clock. Instants subtract to a Duration; they never add.
class Instant {
  public:
    constexpr Instant() = default;
    constexpr explicit Instant(std::int64_t microseconds) : microseconds_(microseconds) {}
    [[nodiscard]] constexpr std::int64_t microseconds() const { return microseconds_; }
    friend constexpr auto operator<=>(Instant, Instant) = default;
    friend constexpr Duration operator-(Instant a, Instant b) { return Duration{a.microseconds_ - b.microseconds_}; }
    friend constexpr Instant operator+(Instant a, Duration d) { return Instant{a.microseconds_ + d.count()}; }
    friend constexpr Instant operator-(Instant a, Duration d) { return Instant{a.microseconds_ - d.count()}; }

  private:
    std::int64_t microseconds_ = 0;
};

inline constexpr Instant kNever{INT64_MAX};

[[nodiscard]] constexpr Duration microseconds(std::int64_t n) {
    return Duration{n};
}
[[nodiscard]] constexpr Duration milliseconds(std::int64_t n) {
    return Duration{n * 1000};
}
[[nodiscard]] constexpr Duration seconds(std::int64_t n) {
    return Duration{n * 1'000'000};
}
[[nodiscard]] constexpr Duration minutes(std::int64_t n) {
    return seconds(n * 60);
}

inline constexpr std::int64_t kJoulesPerKilowattHour = 3'600'000;
inline constexpr std::int64_t kJoulesPerHundredth = kJoulesPerKilowattHour / 100;
inline constexpr std::int64_t kGrainsPerHundredth = 36'000;

// Hundredths of a kilowatt-hour: the unit of DL/T 645 (XXXXXX.XX) and of the office.
[[nodiscard]] constexpr Energy energy_of_hundredths(std::int64_t hundredths) {
    return Energy{hundredths * kJoulesPerHundredth};
}
[[nodiscard]] constexpr std::int64_t in_hundredths(Energy e, Round round) {
    return divide(e.count(), kJoulesPerHundredth, round);
}
// Hundredths of a kilowatt-hour or of a yuan, whichever the account counts.
[[nodiscard]] constexpr Credit credit_of_hundredths(std::int64_t hundredths) {
    return Credit{hundredths * kGrainsPerHundredth};
}
[[nodiscard]] constexpr std::int64_t in_hundredths(Credit c, Round round) {
    return divide(c.count(), kGrainsPerHundredth, round);
}
// What an energy account is charged for energy used: one grain a joule.
[[nodiscard]] constexpr Credit credit_for(Energy e) {
    return Credit{e.count()};
}

[[nodiscard]] constexpr ActivePower watts(std::int64_t n) {
    return ActivePower{n * 1'000'000};
}
[[nodiscard]] constexpr Voltage volts(std::int64_t n) {
    return Voltage{n * 1000};
}
[[nodiscard]] constexpr Current amperes(std::int64_t n) {
    return Current{n * 1'000'000};
}
[[nodiscard]] constexpr Current milliamperes(std::int64_t n) {
    return Current{n * 1000};
}
[[nodiscard]] constexpr Frequency millihertz(std::int64_t n) {
    return Frequency{n};
}
[[nodiscard]] constexpr Money fen(std::int64_t n) {
    return Money{n};
}

// Price times energy in hundredths of a kWh, and its inverse: what a sum of money buys. Price > 0 for the inverse.
[[nodiscard]] constexpr Money cost_of(Energy e, UnitPrice price, Round round) {
    // J * 1e-4 yuan/kWh = J * 1e-2 fen / 3.6e6 J; both factors stay small enough for 64 bits up to 1e9 kWh-yuan.
    const std::int64_t hundredths = in_hundredths(e, Round::kDown);
    return Money{divide(hundredths * price.count(), 10'000, round)};
}
[[nodiscard]] constexpr Energy energy_for(Money money, UnitPrice price, Round round) {
    return energy_of_hundredths(divide(money.count() * 10'000, price.count(), round));
}

// Who is meant: a number of one kind does not stand in for another.
enum class Phase : std::uint8_t { kA = 0, kB = 1, kC = 2 };
inline constexpr int kPhasesMax = 3;
inline constexpr int kHouseholdsMax = 39;
inline constexpr int kCircuitsMax = 39;

// 1..39 as printed on the box; 0 means the box itself on the line.
struct Household {
    std::uint8_t number = 0;
    friend constexpr auto operator<=>(Household, Household) = default;
    [[nodiscard]] constexpr int index() const { return number - 1; }
};
// A measured and switched channel of the box, 0..38.
struct Circuit {
    std::uint8_t index = 0;
    friend constexpr auto operator<=>(Circuit, Circuit) = default;
};

}  // namespace prewatt

// What an office may set in a meter: every parameter of every feature as a value type with its range, its factory value
// and its byte form. The same bytes travel in sealed commands, stand in the meter's storage and are read back over the
// line, byte-exact in docs/formats/settings.md; whoever compares checksums compares all of them at once.
//
// This room decides what is a legal setting and how it looks as bytes. What a setting does is decided by the feature in
// meter/core that takes it; who may set it, by the sealed command that carries it.
//
// Box-wide settings come in numbered profiles (four week plans, four malignant-load profiles, two price plans); a
// household names the ones that it follows. So a change for a whole house is one write a box.
#pragma once
#include <array>
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"
#include "base/civil_time.hpp"
#include "base/units.hpp"

namespace prewatt::settings {

// ---------------------------------------------------------------- load control (product.md M9)
struct LoadLimit {
    std::uint32_t milliamperes = 0;      // of circuit 1, rms; 0: no limit; else 500..100,000
    std::uint8_t delay_seconds = 10;     // above the limit for so long: cut. 1..255
    std::uint16_t gross_percent = 300;   // of the limit: cut without delay (within 100 ms). 0: never; else 110..1000
    std::uint16_t restore_seconds = 60;  // after a cut: tries again. 10..3600
    std::uint8_t cuts_max = 6;           // this cut locks out until forced power or a reset. 1..99
    std::uint8_t forget_hours = 24;      // so long without a cut: counting starts anew. 1..255
    friend constexpr bool operator==(const LoadLimit&, const LoadLimit&) = default;
};

// ---------------------------------------------------------------- malignant loads (M8)
enum class MalignantAction : std::uint8_t { kIgnore = 0, kAlarm = 1, kCut = 2 };
struct MalignantWindow {  // resistive power of a step, from..to; unused: from = to = 0
    std::uint16_t from_watts = 0;
    std::uint16_t to_watts = 0;                  // exclusive; from < to
    std::uint16_t power_factor_thousandths = 0;  // what counts as a resistor: 900..999
    MalignantAction action = MalignantAction::kIgnore;
    friend constexpr bool operator==(const MalignantWindow&, const MalignantWindow&) = default;
};
inline constexpr int kMalignantWindows = 6;
struct MalignantProfile {
    std::array<MalignantWindow, kMalignantWindows> windows{MalignantWindow{200, 20'000, 990, MalignantAction::kCut}};
    MalignantAction half_wave = MalignantAction::kCut;     // a diode in the plug
    MalignantAction phase_cut = MalignantAction::kCut;     // a dimmer before a heater
    MalignantAction step_by_step = MalignantAction::kCut;  // many small resistive steps, or a slow ramp
    std::uint16_t evasion_watts = 200;                     // the three above count from here on. 30..20,000
    std::uint16_t step_by_step_minutes = 30;               // within which small steps add up. 1..240
    std::uint16_t restore_seconds = 180;                   // 10..3600
    bool restore_backs_off = true;                         // each restore of a day waits twice as long, up to an hour
    std::uint8_t restores_per_day = 5;                     // then locked out. 0..99
    friend constexpr bool operator==(const MalignantProfile&, const MalignantProfile&) = default;
};
struct PermittedAppliance {                       // learnt or typed in: a step like this is no malignant load
    std::uint32_t conductance_microsiemens = 0;   // 0: unused
    std::uint8_t tolerance_percent = 5;           // 1..20
    std::uint16_t residual_thousandths_max = 30;  // share of the current that a resistor would not draw
    CivilSeconds until = 0;                       // permitted before this instant
    friend constexpr bool operator==(const PermittedAppliance&, const PermittedAppliance&) = default;
};

// ---------------------------------------------------------------- time (M10) and rates (M5)
enum class SupplyMode : std::uint8_t { kOn = 0, kOff = 1, kLimited = 2 };  // kLimited: to HouseholdPlan::limited_watts
struct Period {
    std::uint16_t minute = 0;  // of the day, at which it begins: 0..1439, strictly rising within a table
    std::uint8_t rate = 1;     // 1..4
    SupplyMode mode = SupplyMode::kOn;
    friend constexpr bool operator==(const Period&, const Period&) = default;
};
inline constexpr int kPeriodsPerDay = 12;
struct DayTable {
    std::uint8_t count = 1;  // 1..12; the last period of the day reaches over midnight to the first one
    std::array<Period, kPeriodsPerDay> periods{};
    friend constexpr bool operator==(const DayTable&, const DayTable&) = default;
};
inline constexpr int kDayTables = 8;
struct WeekPlan {
    std::array<std::uint8_t, 7> tables{1, 1, 1, 1, 1, 1, 1};  // by weekday, 0 Sunday: day table 1..8
    std::uint8_t warning_minutes = 10;                        // before a timed cut-off. 0: none; ..120
    // Between these minutes of the day a cut for want of credit waits (and the cut-off alarm too). Equal: never.
    std::uint16_t no_cut_from = 0;
    std::uint16_t no_cut_to = 0;
    friend constexpr bool operator==(const WeekPlan&, const WeekPlan&) = default;
};
inline constexpr int kWeekPlans = 4;
struct Holiday {  // year 0: every year. month 0: unused
    std::uint8_t year = 0;
    std::uint8_t month = 0;
    std::uint8_t day = 0;
    std::uint8_t table = 1;
    friend constexpr bool operator==(const Holiday&, const Holiday&) = default;
};
inline constexpr int kHolidaysPerPage = 12;
struct HolidayPage {
    std::array<Holiday, kHolidaysPerPage> days{};
    friend constexpr bool operator==(const HolidayPage&, const HolidayPage&) = default;
};
inline constexpr int kHolidayPages = 4;

// ---------------------------------------------------------------- money in the meter (M5)
inline constexpr int kRates = 4;
inline constexpr int kPriceSteps = 6;
struct PriceSet {                 // price of a joule = rate + step, both as they stand when it is used
    CivilSeconds valid_from = 0;  // of a pending set; 0: not in use. Of the present set: when it came into force
    std::array<std::uint32_t, kRates> rates{};  // 1e-4 yuan/kWh, each at most 1,000,000
    std::uint8_t steps = 1;                     // 1..6; 1: no steps
    // Hundredths of a kWh in the calendar month up to which step 1, 2 ... holds; strictly rising, steps-1 of them.
    std::array<std::uint32_t, kPriceSteps - 1> step_limits{};
    std::array<std::uint32_t, kPriceSteps> step_prices{};  // added to the rate
    friend constexpr bool operator==(const PriceSet&, const PriceSet&) = default;
};
inline constexpr int kPricePlans = 2;

// ---------------------------------------------------------------- what a household follows
enum class AccountUnit : std::uint8_t { kEnergy = 0, kMoney = 1 };
struct HouseholdPlan {
    std::uint8_t malignant_profile = 0;       // 1..4; 0: not watched
    std::uint8_t week_plan = 0;               // 1..4; 0: always on, rate 1
    std::uint8_t price_plan = 1;              // 1..2, of a money account
    AccountUnit unit = AccountUnit::kEnergy;  // takes effect when an account is opened (a new epoch), never within one
    std::uint16_t limited_watts = 1000;       // what SupplyMode::kLimited allows. 50..20,000
    friend constexpr bool operator==(const HouseholdPlan&, const HouseholdPlan&) = default;
};

// What a household may hold (M6, reference AC23). Looked at when a card is swiped: credit that would take it above this
// is not taken, and is taken whole by a swipe when there is room. On the line the office asks itself before it sells.
struct HoardingLimit {
    std::uint32_t hundredths =
        0;  // of the account's unit; 0: what the display ends at, kHoardingMax; else ..kHoardingMax
    friend constexpr bool operator==(const HoardingLimit&, const HoardingLimit&) = default;
};
inline constexpr std::uint32_t kHoardingMax = 9'999'999;
[[nodiscard]] constexpr std::uint32_t in_force(const HoardingLimit& limit) {
    return limit.hundredths == 0 ? kHoardingMax : limit.hundredths;
}

// ---------------------------------------------------------------- the box
struct General {
    std::uint8_t refresh_minutes_min = 8;  // product.md M12: 8..15, min <= max
    std::uint8_t refresh_minutes_max = 15;
    std::uint8_t profile_minutes = 60;  // of the load profile: 15, 30 or 60
    std::uint8_t freeze_day = 1;        // monthly freeze: 1..28
    std::uint8_t freeze_hour = 0;       // daily and monthly freeze: 0..23
    std::uint8_t page_seconds = 4;      // of the display loop: 1..20
    std::uint16_t pulse_width_ms = 80;  // 30..100; shortened to half the period where pulses come faster
    friend constexpr bool operator==(const General&, const General&) = default;
};

inline constexpr int kPermittedPerHousehold = 4;
inline constexpr int kMalignantProfiles = 4;
struct HouseholdSettings {
    HouseholdPlan plan;
    LoadLimit load;
    std::array<PermittedAppliance, kPermittedPerHousehold> permitted{};
    HoardingLimit hoarding;
    friend constexpr bool operator==(const HouseholdSettings&, const HouseholdSettings&) = default;
};
struct Settings {
    General general;
    std::array<MalignantProfile, kMalignantProfiles> malignant{};
    std::array<DayTable, kDayTables> days{};
    std::array<WeekPlan, kWeekPlans> weeks{};
    std::array<HolidayPage, kHolidayPages> holidays{};
    // Present and pending set of each plan: [2 * (plan - 1)] and [2 * (plan - 1) + 1].
    std::array<PriceSet, 2 * kPricePlans> prices{};
    std::array<HouseholdSettings, kHouseholdsMax> households{};
    friend constexpr bool operator==(const Settings&, const Settings&) = default;
};

// ---------------------------------------------------------------- names and bytes
// The numbers stand on the wire and in storage; they never change.
enum class SettingId : std::uint8_t {
    kHouseholdPlan = 0x01,       // household
    kLoadLimit = 0x02,           // household
    kPermittedAppliance = 0x03,  // household, 0..3
    kHoardingLimit = 0x04,       // household
    kGeneral = 0x10,             // box
    kMalignantProfile = 0x11,    // box, 0..3
    kDayTable = 0x12,            // box, 0..7
    kWeekPlan = 0x13,            // box, 0..3
    kHolidayPage = 0x14,         // box, 0..3
    kPriceSet = 0x15,            // box, 0..3
};
struct SettingKey {
    SettingId id{};
    std::uint8_t household = 0;  // 0: the box
    std::uint8_t index = 0;
    friend constexpr bool operator==(const SettingKey&, const SettingKey&) = default;
};
enum class SettingError : std::uint8_t {
    kUnknown,  // no such setting, household or index: nothing changed
    kLength,   // the bytes are not this setting's: nothing changed
    kRange,    // a value is out of its range: nothing changed
};
inline constexpr std::size_t kSettingBytesMax = 64;

// Every key that a box with so many households has, in order of id, household, index.
[[nodiscard]] bool exists(SettingKey key, int household_count);
// The next key after `key`; kUnknown after the last. Start with SettingKey{}.
[[nodiscard]] std::expected<SettingKey, SettingError> next(SettingKey key, int household_count);
// Bytes written; 0 when the key does not exist or `out` is too small (kSettingBytesMax is enough).
[[nodiscard]] std::size_t encode(const Settings& settings, SettingKey key, MutableBytes out);
// Would decode() take these bytes? Errors: all of SettingError.
[[nodiscard]] std::expected<void, SettingError> check(SettingKey key, Bytes in, int household_count);
// Checks everything, then puts the value in. Errors: all of SettingError.
[[nodiscard]] std::expected<void, SettingError> decode(Settings& settings, SettingKey key, Bytes in,
                                                       int household_count);
// CRC-32 over key and bytes of every setting: of the box (household 0) or of one household. The hoarding limit counts
// where it is set only: a meter that does not know it yet has the same sum.
[[nodiscard]] std::uint32_t checksum(const Settings& settings, std::uint8_t household);

}  // namespace prewatt::settings

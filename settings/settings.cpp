#include "settings/settings.hpp"

#include "base/crc.hpp"

namespace prewatt::settings {
namespace {

constexpr int kMinutesPerDay = 24 * 60;
constexpr std::uint32_t kPriceMax = 1'000'000;
constexpr std::uint32_t kStepLimitMax = 100'000'000;

constexpr bool within(std::int64_t value, std::int64_t low, std::int64_t high) {
    return value >= low && value <= high;
}

// One description of each setting serves both directions: Put writes a field, Get reads it.
class Put {
  public:
    explicit Put(MutableBytes out) : writer_(out) {}
    template <class T>
    void field(const T& value, std::size_t width) {
        writer_.put_le(static_cast<std::uint64_t>(value), width);
    }
    [[nodiscard]] std::size_t size() const { return writer_.ok() ? writer_.size() : 0; }

  private:
    ByteWriter writer_;
};
class Get {
  public:
    explicit Get(Bytes in) : reader_(in) {}
    template <class T>
    void field(T& value, std::size_t width) {
        value = static_cast<T>(reader_.get_le(width));
    }
    [[nodiscard]] bool finished() const { return reader_.finished(); }

  private:
    ByteReader reader_;
};

template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.milliamperes; }
{
    io.field(s.milliamperes, 4);
    io.field(s.delay_seconds, 1);
    io.field(s.gross_percent, 2);
    io.field(s.restore_seconds, 2);
    io.field(s.cuts_max, 1);
    io.field(s.forget_hours, 1);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.windows; }
{
    for (auto& window : s.windows) {
        io.field(window.from_watts, 2);
        io.field(window.to_watts, 2);
        io.field(window.power_factor_thousandths, 2);
        io.field(window.action, 1);
    }
    io.field(s.half_wave, 1);
    io.field(s.phase_cut, 1);
    io.field(s.step_by_step, 1);
    io.field(s.evasion_watts, 2);
    io.field(s.step_by_step_minutes, 2);
    io.field(s.restore_seconds, 2);
    io.field(s.restore_backs_off, 1);
    io.field(s.restores_per_day, 1);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.conductance_microsiemens; }
{
    io.field(s.conductance_microsiemens, 4);
    io.field(s.tolerance_percent, 1);
    io.field(s.residual_thousandths_max, 2);
    io.field(s.until, 4);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.hundredths; }
{
    io.field(s.hundredths, 4);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.periods; }
{
    io.field(s.count, 1);
    for (auto& period : s.periods) {
        io.field(period.minute, 2);
        io.field(period.rate, 1);
        io.field(period.mode, 1);
    }
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.tables; }
{
    for (auto& table : s.tables)
        io.field(table, 1);
    io.field(s.warning_minutes, 1);
    io.field(s.no_cut_from, 2);
    io.field(s.no_cut_to, 2);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.days; }
{
    for (auto& day : s.days) {
        io.field(day.year, 1);
        io.field(day.month, 1);
        io.field(day.day, 1);
        io.field(day.table, 1);
    }
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.step_prices; }
{
    io.field(s.valid_from, 4);
    for (auto& rate : s.rates)
        io.field(rate, 4);
    io.field(s.steps, 1);
    for (auto& limit : s.step_limits)
        io.field(limit, 4);
    // 19 bits would do; three bytes keep the whole within one setting.
    for (auto& price : s.step_prices)
        io.field(price, 3);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.malignant_profile; }
{
    io.field(s.malignant_profile, 1);
    io.field(s.week_plan, 1);
    io.field(s.price_plan, 1);
    io.field(s.unit, 1);
    io.field(s.limited_watts, 2);
}
template <class Io>
void fields(Io& io, auto& s)
    requires requires { s.refresh_minutes_min; }
{
    io.field(s.refresh_minutes_min, 1);
    io.field(s.refresh_minutes_max, 1);
    io.field(s.profile_minutes, 1);
    io.field(s.freeze_day, 1);
    io.field(s.freeze_hour, 1);
    io.field(s.page_seconds, 1);
    io.field(s.pulse_width_ms, 2);
}

bool is_legal(const LoadLimit& s) {
    return (s.milliamperes == 0 || within(s.milliamperes, 500, 100'000)) && s.delay_seconds >= 1 &&
           (s.gross_percent == 0 || within(s.gross_percent, 110, 1000)) && within(s.restore_seconds, 10, 3600) &&
           within(s.cuts_max, 1, 99) && s.forget_hours >= 1;
}
bool is_action(MalignantAction action) {
    return action <= MalignantAction::kCut;
}
bool is_legal(const MalignantWindow& w) {
    if (!is_action(w.action)) return false;
    if (w.from_watts == 0 && w.to_watts == 0) return true;
    return w.from_watts < w.to_watts && within(w.power_factor_thousandths, 900, 999);
}
bool is_legal(const MalignantProfile& s) {
    for (const MalignantWindow& window : s.windows)
        if (!is_legal(window)) return false;
    return is_action(s.half_wave) && is_action(s.phase_cut) && is_action(s.step_by_step) &&
           within(s.evasion_watts, 30, 20'000) && within(s.step_by_step_minutes, 1, 240) &&
           within(s.restore_seconds, 10, 3600) && s.restores_per_day <= 99;
}
bool is_legal(const PermittedAppliance& s) {
    return s.conductance_microsiemens == 0 ||
           (s.conductance_microsiemens <= 10'000'000 && within(s.tolerance_percent, 1, 20) &&
            s.residual_thousandths_max <= 1000);
}
bool is_legal(const HoardingLimit& s) {
    return s.hundredths <= kHoardingMax;
}
bool is_legal(const DayTable& s) {
    if (!within(s.count, 1, kPeriodsPerDay)) return false;
    for (std::size_t k = 0; k < s.count; ++k) {
        const Period& p = s.periods[k];
        if (p.minute >= kMinutesPerDay || !within(p.rate, 1, kRates) || p.mode > SupplyMode::kLimited) return false;
        if (k > 0 && p.minute <= s.periods[k - 1].minute) return false;
    }
    for (std::size_t k = s.count; k < s.periods.size(); ++k)
        if (s.periods[k] != Period{}) return false;
    return true;
}
bool is_legal(const WeekPlan& s) {
    for (const std::uint8_t table : s.tables)
        if (!within(table, 1, kDayTables)) return false;
    return s.warning_minutes <= 120 && s.no_cut_from < kMinutesPerDay && s.no_cut_to < kMinutesPerDay;
}
bool is_legal(const HolidayPage& s) {
    for (const Holiday& h : s.days) {
        if (h.year > 99 || !within(h.table, 1, kDayTables)) return false;
        if (h.month == 0) {
            if (h != Holiday{}) return false;
        } else if (h.month > 12 || !within(h.day, 1, days_in_month(2000 + h.year, h.month))) {
            return false;
        }
    }
    return true;
}
bool is_legal(const PriceSet& s) {
    if (!within(s.steps, 1, kPriceSteps)) return false;
    for (const std::uint32_t rate : s.rates)
        if (rate > kPriceMax) return false;
    for (std::size_t k = 0; k < s.step_prices.size(); ++k)
        if (s.step_prices[k] > kPriceMax || (k >= s.steps && s.step_prices[k] != 0)) return false;
    for (std::size_t k = 0; k < s.step_limits.size(); ++k) {
        const std::uint32_t limit = s.step_limits[k];
        if (k + 1 >= s.steps ? limit != 0 : !within(limit, 1, kStepLimitMax)) return false;
        if (k > 0 && k + 1 < s.steps && limit <= s.step_limits[k - 1]) return false;
    }
    return true;
}
bool is_legal(const HouseholdPlan& s) {
    return s.malignant_profile <= kMalignantProfiles && s.week_plan <= kWeekPlans &&
           within(s.price_plan, 1, kPricePlans) && s.unit <= AccountUnit::kMoney && within(s.limited_watts, 50, 20'000);
}
bool is_legal(const General& s) {
    return within(s.refresh_minutes_min, 8, 15) && within(s.refresh_minutes_max, s.refresh_minutes_min, 15) &&
           (s.profile_minutes == 15 || s.profile_minutes == 30 || s.profile_minutes == 60) &&
           within(s.freeze_day, 1, 28) && s.freeze_hour <= 23 && within(s.page_seconds, 1, 20) &&
           within(s.pulse_width_ms, 30, 100);
}

struct Range {
    SettingId id;
    bool of_household;
    std::uint8_t count;
};
constexpr Range kRanges[] = {
    {SettingId::kHouseholdPlan, true, 1},
    {SettingId::kLoadLimit, true, 1},
    {SettingId::kPermittedAppliance, true, kPermittedPerHousehold},
    {SettingId::kHoardingLimit, true, 1},
    {SettingId::kGeneral, false, 1},
    {SettingId::kMalignantProfile, false, kMalignantProfiles},
    {SettingId::kDayTable, false, kDayTables},
    {SettingId::kWeekPlan, false, kWeekPlans},
    {SettingId::kHolidayPage, false, kHolidayPages},
    {SettingId::kPriceSet, false, 2 * kPricePlans},
};

// Calls `visit` with the value that the key names; the key exists.
template <class S, class Visit>
auto on_value(S& settings, SettingKey key, Visit visit) {
    const std::size_t n = key.index;
    const std::size_t h = key.household == 0 ? 0 : key.household - 1u;
    switch (key.id) {
        case SettingId::kHouseholdPlan:
            return visit(settings.households[h].plan);
        case SettingId::kLoadLimit:
            return visit(settings.households[h].load);
        case SettingId::kPermittedAppliance:
            return visit(settings.households[h].permitted[n]);
        case SettingId::kHoardingLimit:
            return visit(settings.households[h].hoarding);
        case SettingId::kMalignantProfile:
            return visit(settings.malignant[n]);
        case SettingId::kDayTable:
            return visit(settings.days[n]);
        case SettingId::kWeekPlan:
            return visit(settings.weeks[n]);
        case SettingId::kHolidayPage:
            return visit(settings.holidays[n]);
        case SettingId::kPriceSet:
            return visit(settings.prices[n]);
        case SettingId::kGeneral:
            break;
    }
    return visit(settings.general);
}

}  // namespace

bool exists(SettingKey key, int household_count) {
    for (const Range& range : kRanges)
        if (range.id == key.id)
            return key.index < range.count &&
                   (range.of_household ? within(key.household, 1, household_count) : key.household == 0);
    return false;
}

std::expected<SettingKey, SettingError> next(SettingKey key, int household_count) {
    bool found = key == SettingKey{};
    for (const Range& range : kRanges) {
        const int first = range.of_household ? 1 : 0;
        const int last = range.of_household ? household_count : 0;
        if (found) return SettingKey{range.id, static_cast<std::uint8_t>(first), 0};
        if (range.id != key.id) continue;
        if (key.index + 1 < range.count)
            return SettingKey{key.id, key.household, static_cast<std::uint8_t>(key.index + 1)};
        if (key.household < last) return SettingKey{key.id, static_cast<std::uint8_t>(key.household + 1), 0};
        found = true;
    }
    return std::unexpected(SettingError::kUnknown);
}

std::size_t encode(const Settings& settings, SettingKey key, MutableBytes out) {
    if (!exists(key, kHouseholdsMax)) return 0;
    return on_value(settings, key, [out](const auto& value) {
        Put put(out);
        fields(put, value);
        return put.size();
    });
}

std::expected<void, SettingError> check(SettingKey key, Bytes in, int household_count) {
    if (!exists(key, household_count)) return std::unexpected(SettingError::kUnknown);
    // Any value of the right kind will do to read the bytes into.
    static constexpr Settings kAny{};
    return on_value(kAny, key, [in](const auto& value) -> std::expected<void, SettingError> {
        auto taken = value;
        Get get(in);
        fields(get, taken);
        if (!get.finished()) return std::unexpected(SettingError::kLength);
        if (!is_legal(taken)) return std::unexpected(SettingError::kRange);
        // A flag of 2 would be taken as 1 and read back so: the check sums of office and meter would never meet.
        std::array<Byte, kSettingBytesMax> again{};
        Put put(again);
        fields(put, taken);
        if (!equal({again.data(), put.size()}, in)) return std::unexpected(SettingError::kRange);
        return {};
    });
}

std::expected<void, SettingError> decode(Settings& settings, SettingKey key, Bytes in, int household_count) {
    if (auto legal = check(key, in, household_count); !legal) return legal;
    on_value(settings, key, [in](auto& value) {
        Get get(in);
        fields(get, value);
    });
    return {};
}

std::uint32_t checksum(const Settings& settings, std::uint8_t household) {
    // The sum of a sum: each setting's CRC covers its key, its bytes and what came before.
    std::uint32_t sum = 0;
    for (auto key = next({}, kHouseholdsMax); key; key = next(*key, kHouseholdsMax)) {
        if (key->household != household) continue;
        if (key->id == SettingId::kHoardingLimit && settings.households[household - 1u].hoarding == HoardingLimit{})
            continue;
        std::array<Byte, 4 + 3 + kSettingBytesMax> bytes;
        ByteWriter head(bytes);
        head.put_u32(sum);
        head.put_u8(static_cast<std::uint8_t>(key->id));
        head.put_u8(key->household);
        head.put_u8(key->index);
        const std::size_t size = encode(settings, *key, MutableBytes{bytes}.subspan(head.size()));
        sum = crc32({bytes.data(), head.size() + size});
    }
    return sum;
}

}  // namespace prewatt::settings

#include "meter/node/setting_items.hpp"

namespace prewatt::meter {
namespace {

using dlt645::DataId;
using settings::Settings;

constexpr Byte kAll = 0xFF;

struct Followed {
    const settings::HouseholdSettings& household;
    const settings::WeekPlan* week;  // null: always on, rate 1
    const settings::PriceSet& present;
    const settings::PriceSet& pending;
};
Followed followed(const Settings& s, std::uint8_t meter) {
    const settings::HouseholdSettings& h = s.households[meter == 0 ? 0 : meter - 1u];
    const std::size_t plan = 2u * (h.plan.price_plan - 1u);
    return {h, h.plan.week_plan == 0 ? nullptr : &s.weeks[h.plan.week_plan - 1u], s.prices[plan], s.prices[plan + 1]};
}

int holiday_count(const Settings& s) {
    int count = 0;
    for (const settings::HolidayPage& page : s.holidays)
        for (const settings::Holiday& day : page.days)
            count += day.month != 0 ? 1 : 0;
    return count;
}

void put_day_table(const settings::DayTable& table, ItemWriter& out) {
    for (std::size_t k = 0; k < settings::kPeriodsPerDay; ++k) {
        const settings::Period& period = table.periods[k < table.count ? k : table.count - 1u];
        out.unsigned_bcd(period.rate, 1);
        out.unsigned_bcd(period.minute % 60, 1);
        out.unsigned_bcd(period.minute / 60, 1);
    }
}

// The n-th (1..) of the holidays that are set.
bool put_holiday(const Settings& s, int n, ItemWriter& out) {
    for (const settings::HolidayPage& page : s.holidays)
        for (const settings::Holiday& day : page.days) {
            if (day.month == 0 || --n != 0) continue;
            out.unsigned_bcd(day.table, 1);
            out.unsigned_bcd(day.day, 1);
            out.unsigned_bcd(day.month, 1);
            out.unsigned_bcd(day.year, 1);
            return true;
        }
    return false;
}

// One number of a list that counts from 1, or all of it for FF.
template <std::size_t kCount>
bool put_list(const std::array<std::uint32_t, kCount>& values, Byte number, ItemWriter& out) {
    if (number != kAll && (number < 1 || number > kCount)) return false;
    for (std::size_t k = 0; k < kCount; ++k)
        if (number == kAll || number == k + 1) out.unsigned_bcd(values[k], 4);
    return true;
}

bool put_price(const Followed& f, DataId id, ItemWriter& out) {
    switch (id.value >> 8) {
        case 0x040501:
            return put_list(f.present.rates, id.di0(), out);
        case 0x040502:
            return put_list(f.pending.rates, id.di0(), out);
        case 0x040600:
            return put_list(f.present.step_limits, id.di0(), out);
        case 0x040601:
            return put_list(f.present.step_prices, id.di0(), out);
        case 0x040602:
            return put_list(f.pending.step_limits, id.di0(), out);
        case 0x040603:
            return put_list(f.pending.step_prices, id.di0(), out);
        default:
            return false;
    }
}

void put_changeover(const Followed& f, ItemWriter& out) {
    const bool pending = f.pending.valid_from > f.present.valid_from;
    const CivilTime time = to_civil(f.pending.valid_from);
    out.unsigned_bcd(pending ? time.minute : 0, 1);
    out.unsigned_bcd(pending ? time.hour : 0, 1);
    out.unsigned_bcd(pending ? time.day : 0, 1);
    out.unsigned_bcd(pending ? time.month : 0, 1);
    out.unsigned_bcd(pending ? time.year % 100 : 0, 1);
}

// Working days are those that follow Monday's table; the first other table is that of the rest days.
std::uint8_t rest_table(const settings::WeekPlan& week) {
    for (const std::uint8_t table : week.tables)
        if (table != week.tables[1]) return table;
    return week.tables[1];
}

}  // namespace

bool put_setting_item(const Settings& s, std::uint8_t meter, DataId id, ItemWriter& out) {
    const Followed f = followed(s, meter);
    static constexpr settings::WeekPlan kAlwaysOn{};
    const settings::WeekPlan& week = f.week != nullptr ? *f.week : kAlwaysOn;
    switch (id.value) {
        case 0x04000105:  // width of an output pulse, ms
            return out.unsigned_bcd(s.general.pulse_width_ms, 2), true;
        case 0x04000108:  // when the pending prices come into force, YYMMDDhhmm; zeros: none are to come
        case 0x04000109:  // the steps come with them
            put_changeover(f, out);
            return true;
        case 0x04000201:  // year zones: one, the whole year
            return out.unsigned_bcd(1, 1), true;
        case 0x04000202:
            return out.unsigned_bcd(settings::kDayTables, 1), true;
        case 0x04000203:
            return out.unsigned_bcd(settings::kPeriodsPerDay, 1), true;
        case 0x04000204:  // energy registers by rate: the meter keeps the total only, whatever the rates cost
            return out.unsigned_bcd(1, 1), true;
        case 0x04000205:
            return out.unsigned_bcd(holiday_count(s), 2), true;
        case 0x04000207:  // limits between the steps of the price
            return out.unsigned_bcd(f.present.steps - 1, 1), true;
        case 0x04000302:
            return out.unsigned_bcd(s.general.page_seconds, 1), true;
        case 0x04000801: {
            unsigned working = 0;
            for (std::size_t day = 0; day < week.tables.size(); ++day)
                working |= week.tables[day] == week.tables[1] ? 1u << day : 0u;
            return out.byte(working), true;
        }
        case 0x04000802:
            return out.unsigned_bcd(rest_table(week), 1), true;
        case 0x04001402:  // the current limit, mA
            if (meter == 0) return false;
            return out.unsigned_bcd(f.household.load.milliamperes, 3), true;
        case 0x04001403:  // seconds above it
            if (meter == 0) return false;
            return out.unsigned_bcd(f.household.load.delay_seconds, 2), true;
        case 0x04010000:  // from 1 January: the table of working days
            out.unsigned_bcd(week.tables[1], 1);
            out.unsigned_bcd(1, 1);
            return out.unsigned_bcd(1, 1), true;
        default:
            break;
    }
    if (id.value > 0x04010000 && id.value <= 0x04010000 + settings::kDayTables)
        return put_day_table(s.days[id.di0() - 1u], out), true;
    if (id.value >> 8 == 0x040300) return put_holiday(s, id.di0(), out);
    return put_price(f, id, out);
}

std::size_t read_setting(const Settings& s, int household_count, std::uint8_t meter, DataId id, MutableBytes out) {
    if (id == dlt645::kSettingSums) {
        dlt645::SettingSums sums;
        sums.box = settings::checksum(s, 0);
        sums.household_count = static_cast<std::uint8_t>(meter == 0 ? household_count : 1);
        for (std::size_t k = 0; k < sums.household_count; ++k)
            sums.households[k] = settings::checksum(s, meter == 0 ? static_cast<std::uint8_t>(k + 1) : meter);
        return dlt645::encode(sums, out);
    }
    const settings::SettingKey key{static_cast<settings::SettingId>(id.di1()), meter, id.di0()};
    if (!settings::exists(key, household_count)) return 0;
    out[0] = 1;
    const std::size_t size = settings::encode(s, key, out.subspan(1));
    return size == 0 ? 0 : size + 1;
}

}  // namespace prewatt::meter

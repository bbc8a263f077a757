#include "server/store/closings.hpp"

#include <algorithm>

#include "server/store/desired_settings.hpp"
#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {
namespace {

// After an instant at midnight its day is a roll-up soon; until then, and at another hour, the hours are looked at.
constexpr std::int64_t kHoursBehind_ms = 2 * kHour_ms;
constexpr std::int64_t kDaysBehind_ms = 10 * kDay_ms;
constexpr std::int64_t kSignedOffset = std::int64_t{1} << 31;
constexpr std::int64_t kPack = std::int64_t{1} << 32;

struct FactsOf {
    HouseholdId household;
    RegisterFacts facts;
};

// Facts of all households, which come in their order from every question.
class Gathering {
  public:
    // `set` puts a reading into the facts of its household.
    template <class Set>
    void add(Db& db, const char* sql, std::initializer_list<Value> values, const Set& set) {
        std::vector<FactsOf> merged;
        merged.reserve(all_.size());
        auto next = all_.begin();
        db.query(sql, values, [&](const Row& row) {
            const HouseholdId household = row.as<HouseholdId>(0);
            for (; next != all_.end() && next->household < household; ++next)
                merged.push_back(*next);
            if (next != all_.end() && next->household == household)
                merged.push_back(*next++);
            else
                merged.push_back({household, {}});
            set(merged.back().facts, row);
        });
        merged.insert(merged.end(), next, all_.end());
        all_ = std::move(merged);
    }
    [[nodiscard]] const std::vector<FactsOf>& all() const { return all_; }

  private:
    std::vector<FactsOf> all_;
};

// Columns: household, time, forward, remaining.
RegisterReading plain(const Row& row) {
    return {row.as<UnixTime>(1), row.as<Energy>(2), row.as<Credit>(3)};
}
// Columns: household, time, key packed with forward, key packed with remaining.
RegisterReading packed(const Row& row) {
    return {row.as<UnixTime>(1), energy_of_hundredths(row.integer(2) % kPack),
            credit_of_hundredths(row.integer(3) % kPack - kSignedOffset)};
}
void set_before(RegisterFacts& facts, const RegisterReading& reading) {
    if (!facts.before || reading.at >= facts.before->at) facts.before = reading;
}
void set_after(RegisterFacts& facts, const RegisterReading& reading) {
    if (!facts.after || reading.at < facts.after->at) facts.after = reading;
}

// Seconds from $1 above the value.
#define PREWATT_PACKED_SECONDS(value) "((at - $1) / 1000) * 4294967296 + " value
#define PREWATT_PACKED_PERIODS(value) "((at - $1) / 3600000) * 4294967296 + " value

void gather_raw(Db& db, Gathering& gathering, UnixTime from, UnixTime to, bool last) {
    if (from >= to) return;
    const UnixTime span_end{to.ms + kSpanTimeMax_ms};
    if (last)
        gathering.add(db,
                      "SELECT household_id, MAX(at), MAX(" PREWATT_PACKED_SECONDS("forward_ckwh") "), MAX(" PREWATT_PACKED_SECONDS(
                          "remaining_ckwh + 2147483648") ") FROM readings_in_spans WHERE at >= $1 AND at < $2 AND "
                      "span_last_at >= $1 AND span_last_at < $3 GROUP BY household_id ORDER BY household_id",
                      {from, to, span_end},
                      [](RegisterFacts& facts, const Row& row) { set_before(facts, packed(row)); });
    else
        gathering.add(db,
                      "SELECT household_id, MIN(at), MIN(" PREWATT_PACKED_SECONDS("forward_ckwh") "), MIN(" PREWATT_PACKED_SECONDS(
                          "remaining_ckwh + 2147483648") ") FROM readings_in_spans WHERE at >= $1 AND at < $2 AND "
                      "span_last_at >= $1 AND span_last_at < $3 GROUP BY household_id ORDER BY household_id",
                      {from, to, span_end},
                      [](RegisterFacts& facts, const Row& row) { set_after(facts, packed(row)); });
}

struct Newest {
    int version = 0;
    Energy forward;
    Credit remaining;
    Quality quality = Quality::kNone;
    std::optional<UnixTime> before_at;
    std::optional<UnixTime> after_at;
    std::string why;
};
// Of each household the newest version of a month's closing, in their order.
template <class Each>
void for_each_newest(Db& db, OfficeMonth month, const Each& each) {
    db.query(
        "SELECT c.household_id, c.version, c.forward_ckwh, c.remaining_ckwh, c.quality, c.before_at, c.after_at FROM "
        "closings c WHERE c.month = $1 AND NOT EXISTS (SELECT 1 FROM closings n WHERE n.month = c.month AND "
        "n.household_id = c.household_id AND n.version > c.version) ORDER BY c.household_id",
        {month.number()}, [&](const Row& row) {
            Newest newest;
            newest.version = row.as<int>(1);
            newest.forward = row.as<Energy>(2);
            newest.remaining = row.as<Credit>(3);
            newest.quality = row.as<Quality>(4);
            newest.before_at = row.as<std::optional<UnixTime>>(5);
            newest.after_at = row.as<std::optional<UnixTime>>(6);
            each(row.as<HouseholdId>(0), newest);
        });
}

struct End {
    HouseholdId household;
    RegisterAt value;
    bool corrected = false;
};
std::vector<End> closing_ends(Db& db, OfficeMonth month) {
    std::vector<End> ends;
    for_each_newest(db, month, [&](HouseholdId household, const Newest& newest) {
        RegisterAt value;
        value.forward = newest.forward;
        value.remaining = newest.remaining;
        value.quality = newest.quality;
        value.before_at = newest.before_at;
        value.after_at = newest.after_at;
        ends.push_back({household, value, newest.version > 1});
    });
    return ends;
}
std::vector<End> instant_ends(Db& db, UnixTime instant) {
    std::vector<End> ends;
    for (const RegisterOf& one : registers_at(db, instant))
        ends.push_back({one.household, one.value, false});
    return ends;
}

const End* find_end(const std::vector<End>& ends, HouseholdId household) {
    const auto found = std::lower_bound(ends.begin(), ends.end(), household,
                                        [](const End& end, HouseholdId wanted) { return end.household < wanted; });
    return found != ends.end() && found->household == household ? &*found : nullptr;
}

void add_to(ConsumptionRow& sum, const ConsumptionRow& one) {
    sum.households += one.households;
    sum.estimated += one.estimated;
    sum.missing += one.missing;
    sum.corrected += one.corrected;
    sum.consumption = sum.consumption + one.consumption;
    if (one.quality == Quality::kNone) return;
    sum.quality = sum.quality == Quality::kNone ? one.quality : std::min(sum.quality, one.quality);
}

}  // namespace

std::vector<RegisterOf> registers_at(Db& db, UnixTime instant) {
    const UnixTime hours_until{archive_value(db, "hours_until", 0)};
    const UnixTime days_until{archive_value(db, "days_until", 0)};
    Gathering gathering;
    const UnixTime day = begin_of_day(instant);

    // Before: the day before, the hours since, the raw readings since these.
    UnixTime from = kCalendarBegin;
    if (days_until != UnixTime{}) {
        from = std::min(day, days_until);
        gathering.add(
            db,
            "SELECT household_id, last_at, last_forward_ckwh, remaining_ckwh FROM days WHERE at = $1 ORDER BY "
            "household_id",
            {UnixTime{from.ms - kDay_ms}}, [](RegisterFacts& facts, const Row& row) { set_before(facts, plain(row)); });
    }
    const UnixTime hours_end = std::min(instant, hours_until);
    if (from < hours_end)
        gathering.add(db,
                      "SELECT household_id, MAX(last_at), MAX(" PREWATT_PACKED_PERIODS("last_forward_ckwh") "), MAX(" PREWATT_PACKED_PERIODS(
                          "remaining_ckwh + 2147483648") ") FROM hours WHERE at >= $1 AND at < $2 GROUP BY household_id "
                      "ORDER BY household_id",
                      {from, hours_end},
                      [](RegisterFacts& facts, const Row& row) { set_before(facts, packed(row)); });
    gather_raw(db, gathering, std::max(from, hours_until), instant, true);

    // After: the hours behind it, then days, then raw readings.
    const UnixTime full_day = day == instant ? day : UnixTime{day.ms + kDay_ms};
    const bool day_is_there = full_day < days_until;
    const UnixTime hours_to =
        std::min(hours_until, day_is_there && day == instant ? UnixTime{instant.ms + kHoursBehind_ms}
                                                             : UnixTime{std::max(full_day.ms, instant.ms + kDay_ms)});
    // A roll-up keeps what remained at its end only; for the register it is the first reading that counts.
    constexpr const char* kFirstOfHours =
        "SELECT household_id, MIN(first_at), MIN(" PREWATT_PACKED_PERIODS("first_forward_ckwh") "), MIN(" PREWATT_PACKED_PERIODS(
            "remaining_ckwh + 2147483648") ") FROM hours WHERE at >= $1 AND at < $2 GROUP BY household_id ORDER BY "
        "household_id";
    constexpr const char* kFirstOfDays =
        "SELECT household_id, MIN(first_at), MIN(" PREWATT_PACKED_PERIODS("first_forward_ckwh") "), MIN(" PREWATT_PACKED_PERIODS(
            "remaining_ckwh + 2147483648") ") FROM days WHERE at >= $1 AND at < $2 AND readings > 0 GROUP BY "
        "household_id ORDER BY household_id";
    const auto after = [](RegisterFacts& facts, const Row& row) { set_after(facts, packed(row)); };
    if (instant < hours_to) gathering.add(db, kFirstOfHours, {instant, hours_to}, after);
    if (day_is_there)
        gathering.add(db, kFirstOfDays, {full_day, std::min(days_until, UnixTime{full_day.ms + kDaysBehind_ms})},
                      after);
    gather_raw(db, gathering, std::max(instant, hours_until), UnixTime{std::max(instant.ms, hours_until.ms) + kDay_ms},
               false);

    gathering.add(
        db, "SELECT household_id, at, forward_ckwh, remaining_ckwh FROM freezes WHERE at = $1 ORDER BY household_id",
        {instant}, [](RegisterFacts& facts, const Row& row) { facts.frozen = plain(row); });

    std::vector<RegisterOf> values;
    values.reserve(gathering.all().size());
    for (const FactsOf& one : gathering.all())
        if (const auto value = register_at(instant, one.facts)) values.push_back({one.household, *value});
    return values;
}

Answer<std::vector<ClosingToMake>> closing_to_make(Db& db, OfficeMonth month, ClosingHour when) {
    const auto fresh = registers_at(db, closing_of(month, when));
    std::vector<ClosingToMake> out;
    auto next = fresh.begin();
    const auto make_first = [&](const RegisterOf& one) {
        out.push_back({one.household, 1, {}, one.value, one.value.why});
    };
    for_each_newest(db, month, [&](HouseholdId household, const Newest& known) {
        for (; next != fresh.end() && next->household < household; ++next)
            make_first(*next);
        if (next == fresh.end() || next->household != household) return;
        const RegisterOf& one = *next++;
        if (!is_better(one.value, known.quality, known.forward)) return;
        out.push_back({household, known.version + 1, known.version, one.value,
                       std::string{one.value.why} + "; before: " + std::string{word(known.quality)}});
    });
    for (; next != fresh.end(); ++next)
        make_first(*next);
    return checked(db, std::move(out));
}

std::size_t store_closings(Db& db, OfficeMonth month, ClosingHour when, const std::vector<ClosingToMake>& closings,
                           std::size_t from, UnixTime now) {
    const std::size_t to = std::min(closings.size(), from + kClosingPiece);
    for (std::size_t k = from; k < to; ++k) {
        const ClosingToMake& c = closings[k];
        // A piece that was stored before the office was stopped stays as it is.
        db.post(
            "INSERT INTO closings (month, household_id, version, replaces, at, forward_ckwh, remaining_ckwh, quality, "
            "before_at, after_at, made_at, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT "
            "(month, household_id, version) DO NOTHING",
            {month.number(), c.household, c.version, c.replaces ? Value{*c.replaces} : Value{}, closing_of(month, when),
             c.value.forward, c.value.remaining, c.value.quality, c.value.before_at, c.value.after_at, now, c.why});
    }
    if (to == closings.size()) {
        if (month.number() > archive_value(db, "closed_until", 0))
            set_archive_value(db, "closed_until", month.number());
        set_archive_value(db, "closing_looked_at", now.ms);
    }
    return closings.size() - to;
}

Answer<std::vector<ClosingRecord>> read_closings(Db& db, HouseholdId household) {
    std::vector<ClosingRecord> records;
    db.query(
        "SELECT month, version, replaces, at, forward_ckwh, remaining_ckwh, quality, before_at, after_at, made_at, why "
        "FROM closings WHERE household_id = $1 ORDER BY month, version",
        {household}, [&](const Row& row) {
            ClosingRecord c;
            c.month = month_of_number(row.as<int>(0));
            c.version = row.as<int>(1);
            if (!row.is_null(2)) c.replaces = row.as<int>(2);
            c.at = row.as<UnixTime>(3);
            c.value.forward = row.as<Energy>(4);
            c.value.remaining = row.as<Credit>(5);
            c.value.quality = row.as<Quality>(6);
            c.value.before_at = row.as<std::optional<UnixTime>>(7);
            c.value.after_at = row.as<std::optional<UnixTime>>(8);
            c.made_at = row.as<UnixTime>(9);
            c.why = row.as<std::string>(10);
            records.push_back(std::move(c));
        });
    return checked(db, std::move(records));
}

namespace {
// At once and not with the next look: that is for the newest month only, and a meter may have been away for a year.
void correct_closing(Db& db, OfficeMonth month, const Freeze& freeze, UnixTime now) {
    std::optional<int> version;
    Quality quality = Quality::kNone;
    db.query(
        "SELECT version, quality FROM closings WHERE month = $1 AND household_id = $2 ORDER BY version DESC LIMIT 1",
        {month.number(), freeze.household}, [&](const Row& row) {
            version = row.as<int>(0);
            quality = row.as<Quality>(1);
        });
    if (!version || quality >= Quality::kFrozen) return;
    RegisterFacts facts;
    facts.frozen = {freeze.at, freeze.forward, freeze.remaining};
    const auto value = register_at(freeze.at, facts);
    const std::string why = std::string{value->why} + "; before: " + std::string{word(quality)};
    db.execute(
        "INSERT INTO closings (month, household_id, version, replaces, at, forward_ckwh, remaining_ckwh, quality, "
        "made_at, why) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        {month.number(), freeze.household, *version + 1, *version, freeze.at, value->forward, value->remaining,
         value->quality, now, why});
}
}  // namespace

static_assert(static_cast<int>(Quality::kFrozen) == 3, "c.quality < 3, as the index of step 13 has it");

Answer<std::vector<FreezeWish>> freezes_wanted(Db& db, UnixTime now) {
    std::vector<FreezeWish> wishes;
    std::optional<UnixTime> first_reading_at;
    db.query("SELECT MIN(at) FROM hours", {},
             [&](const Row& row) { first_reading_at = row.as<std::optional<UnixTime>>(0); });
    if (!is_in_calendar(now) || !first_reading_at || !is_in_calendar(*first_reading_at))
        return checked(db, std::move(wishes));
    const ClosingHour when = closing_hour(db);
    const int closed_until = static_cast<int>(archive_value(db, "closed_until", 0));
    OfficeMonth month = office_month_of(now);
    while (closing_of(month, when) > now)
        month = month.before();
    for (int k = 0; k < kFreezesKept && closing_of(month, when) >= *first_reading_at; ++k, month = month.before()) {
        const UnixTime at = closing_of(month, when);
        const auto add = [&](const Row& row) { wishes.push_back({row.as<BoxId>(0), at}); };
        // Of a month that was closed without the household nothing can be corrected, and what was closed by its freeze
        // has it.
        if (month.number() <= closed_until)
            db.query(
                "SELECT DISTINCT h.box_id FROM closings c JOIN households h ON h.id = c.household_id WHERE c.month = "
                "$1 AND c.version = 1 AND c.quality < 3 AND NOT EXISTS (SELECT 1 FROM freezes f WHERE f.at = $2 AND "
                "f.household_id = c.household_id) AND h.box_id IS NOT NULL AND h.bound_at <= $2 ORDER BY h.box_id",
                {month.number(), at}, add);
        else
            db.query(
                "SELECT DISTINCT h.box_id FROM households h WHERE h.box_id IS NOT NULL AND h.bound_at <= $1 AND NOT "
                "EXISTS (SELECT 1 FROM freezes f WHERE f.at = $1 AND f.household_id = h.id) ORDER BY h.box_id",
                {at}, add);
    }
    return checked(db, std::move(wishes));
}

Answer<Done> record_freezes(Db& db, const std::vector<Freeze>& freezes, UnixTime now) {
    const ClosingHour when = closing_hour(db);
    for (const Freeze& freeze : freezes) {
        if (!is_in_calendar(freeze.at)) continue;
        bool is_its_own = false;
        db.query("SELECT id FROM households WHERE id = $1 AND bound_at <= $2", {freeze.household, freeze.at},
                 [&](const Row&) { is_its_own = true; });
        if (!is_its_own) continue;
        db.execute(
            "INSERT INTO freezes (at, household_id, forward_ckwh, remaining_ckwh, recorded_at) VALUES ($1, $2, $3, $4, "
            "$5) ON CONFLICT (at, household_id) DO NOTHING",
            {freeze.at, freeze.household, freeze.forward, freeze.remaining, now});
        if (const auto month = closed_at(freeze.at, when)) correct_closing(db, *month, freeze, now);
    }
    // The closings are looked at again with what was frozen.
    if (!freezes.empty()) set_archive_value(db, "closing_looked_at", 0);
    return Done{};
}

ClosingHour closing_hour(Db& db) {
    return {static_cast<int>(archive_value(db, "close_day", 1)), static_cast<int>(archive_value(db, "close_hour", 0))};
}

void desire_closing_hour(Db& db, UnixTime now, Changes& changes) {
    const ClosingHour when = closing_hour(db);
    std::vector<std::pair<std::int64_t, std::vector<Byte>>> boxes;
    db.query(
        "SELECT x.id, w.bytes FROM boxes x LEFT JOIN setting_wishes w ON w.owner_kind = 2 AND w.owner_id = x.id AND "
        "w.setting_id = $1 AND w.setting_index = $2 ORDER BY x.id",
        {kGeneralSetting.id, kGeneralSetting.index}, [&](const Row& row) {
            boxes.emplace_back(row.integer(0), row.is_null(1)
                                                   ? std::vector<Byte>{}
                                                   : bytes_of_hex(row.text(1)).value_or(std::vector<Byte>{}));
        });
    for (const auto& [box, desired] : boxes)
        if (const auto bytes = general_for_closing(desired, when))
            set_setting(db, SettingOwner::kBox, box, kGeneralSetting, *bytes, now, changes);
}

Answer<ConsumptionReport> read_consumption(Db& db, const ConsumptionQuestion& question) {
    ConsumptionReport report;
    report.level = question.level;
    report.from = question.from;
    report.to = question.to;
    const ClosingHour when = closing_hour(db);
    const int closed_until = static_cast<int>(archive_value(db, "closed_until", 0));
    std::vector<End> begins;
    std::vector<End> ends;
    if (question.month) {
        report.from = closing_of(question.month->before(), when);
        report.to = closing_of(*question.month, when);
        if (question.month->before().number() <= closed_until) begins = closing_ends(db, question.month->before());
        if (question.month->number() <= closed_until) ends = closing_ends(db, *question.month);
        report.closed = !begins.empty() && !ends.empty();
    }
    if (begins.empty()) begins = instant_ends(db, report.from);
    if (ends.empty()) ends = instant_ends(db, report.to);

    std::vector<ConsumptionRow> buildings;
    ConsumptionRow site;
    site.id = 1;
    db.query("SELECT name FROM site", {}, [&](const Row& row) { site.name = row.as<std::string>(0); });
    db.query(
        "SELECT h.id, r.label, b.id, b.name FROM households h JOIN rooms r ON r.id = h.room_id JOIN buildings b ON "
        "b.id = r.building_id ORDER BY b.name, b.id, r.label, h.id",
        {}, [&](const Row& row) {
            ConsumptionRow one;
            const HouseholdId household = row.as<HouseholdId>(0);
            one.id = household.value;
            one.households = 1;
            const End* begin = find_end(begins, household);
            const End* end = find_end(ends, household);
            // What was read first after the beginning is all that is known of a household that is new.
            std::optional<Energy> gone;
            if (begin && end) gone = consumption_between(begin->value.forward, end->value.forward);
            if (gone) {
                one.consumption = *gone;
                one.quality = std::min(begin->value.quality, end->value.quality);
                one.estimated = one.quality == Quality::kEstimated;
                one.corrected = begin->corrected || end->corrected;
            } else {
                one.missing = 1;
            }
            if (question.level == ReportLevel::kHousehold) {
                one.name = row.as<std::string>(1);
                one.building = row.as<std::string>(3);
                if (begin) one.from = begin->value;
                if (end) one.to = end->value;
                report.rows.push_back(std::move(one));
                return;
            }
            add_to(site, one);
            if (buildings.empty() || buildings.back().id != row.integer(2)) {
                ConsumptionRow building;
                building.id = row.integer(2);
                building.name = row.as<std::string>(3);
                buildings.push_back(std::move(building));
            }
            add_to(buildings.back(), one);
        });
    if (question.level == ReportLevel::kBuilding) report.rows = std::move(buildings);
    if (question.level == ReportLevel::kSite) report.rows.push_back(std::move(site));
    return checked(db, std::move(report));
}

}  // namespace prewatt::server::store

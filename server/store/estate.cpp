#include "server/store/estate.hpp"

#include <algorithm>

#include "server/domain/room_search.hpp"
#include "server/store/audit.hpp"
#include "server/store/sales.hpp"

namespace prewatt::server::store {
namespace {

// Columns of a DesiredState, in the order of `desired_of`.
#define PREWATT_DESIRED_COLUMNS                                                                              \
    "h.id, h.box_id, h.number_in_box, a.epoch, a.ticket_number, a.credited_ckwh, m.epoch, m.ticket_number, " \
    "d.remote_version, d.remote_reached, d.remote_off, d.force_version, d.force_reached, d.force_until, "    \
    "d.force_overruled, d.acknowledge_version, d.acknowledge_reached, d.alarms_version, d.alarms_reached, "  \
    "d.low_ckwh, d.cutoff_ckwh, d.overdraft_ckwh, d.reset_version, d.reset_reached, d.clear_version, "       \
    "d.clear_reached, d.stopped, m.judged_at, a.unit, (SELECT b.credited_ckwh FROM bookings b WHERE "        \
    "b.household_id = h.id AND b.epoch = m.epoch AND b.ticket_number = m.ticket_number)"
#define PREWATT_DESIRED_TABLES                             \
    "households h JOIN meters m ON m.household_id = h.id " \
    "JOIN desired d ON d.household_id = h.id LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING("h.id")
constexpr int kDesiredColumns = 30;

DesiredState desired_of(const Row& row) {
    DesiredState d;
    d.household = row.as<HouseholdId>(0);
    d.box = row.as<BoxId>(1);
    d.number = row.as<std::uint8_t>(2);
    d.ticket = {row.as<std::uint16_t>(3), row.as<std::uint32_t>(4), row.as<Credit>(5), row.as<AccountUnit>(28)};
    d.confirmed_epoch = row.as<std::uint16_t>(6);
    d.confirmed_number = row.as<std::uint32_t>(7);
    d.confirmed_credited = row.as<Credit>(29);
    const auto version = [&](int column) {
        return Version{row.as<std::uint32_t>(column), row.as<std::uint32_t>(column + 1)};
    };
    d.remote_version = version(8);
    d.remote_off = row.as<bool>(10);
    d.force_version = version(11);
    d.force_until = row.as<UnixTime>(13);
    d.force_overruled = HoldSet{row.as<std::uint16_t>(14)};
    d.acknowledge_version = version(15);
    d.alarms_version = version(17);
    d.alarms = {row.as<Energy>(19), row.as<Energy>(20), row.as<Energy>(21)};
    d.reset_version = version(22);
    d.clear_version = version(24);
    d.stopped = row.as<Situation>(26);
    d.judged_at = row.as<UnixTime>(27);
    return d;
}

#define PREWATT_HOUSEHOLD_SELECT                                                                                       \
    "SELECT " PREWATT_DESIRED_COLUMNS                                                                                  \
    ", r.label, b.name, r.floor, h.resident, x.number, x.answering, h.closed, m.read_at, x.values_at, m.state, "       \
    "m.remaining_ckwh, m.forward_ckwh, (SELECT price_e4 FROM prices ORDER BY id DESC LIMIT 1), n.url "                 \
    "FROM " PREWATT_DESIRED_TABLES                                                                                     \
    " JOIN rooms r ON r.id = h.room_id JOIN buildings b ON b.id = r.building_id LEFT JOIN boxes x ON x.id = h.box_id " \
    "LEFT JOIN lines n ON n.id = x.line_id "

HouseholdRecord household_of(const Row& row) {
    HouseholdRecord h;
    h.desired = desired_of(row);
    h.id = h.desired.household;
    int column = kDesiredColumns;
    h.room = row.as<std::string>(column++);
    h.building = row.as<std::string>(column++);
    h.floor = row.as<std::int32_t>(column++);
    h.resident = row.as<std::string>(column++);
    h.box_number = row.as<std::uint64_t>(column++);
    h.box_answering = row.as<bool>(column++);
    h.closed = row.as<bool>(column++);
    h.told_at = row.as<std::optional<UnixTime>>(column++);
    h.read_at = h.told_at;
    h.held_at = row.as<std::optional<UnixTime>>(column++);
    if (h.read_at && h.held_at && *h.held_at > *h.read_at) h.read_at = h.held_at;
    h.state = HouseholdState{row.as<std::uint16_t>(column++)};
    h.remaining = row.as<Credit>(column++);
    h.forward = row.as<Energy>(column++);
    h.price = row.as<UnitPrice>(column++);
    h.by_card = row.text(column++) == kCardLine;
    return h;
}

#define PREWATT_BOX_SELECT \
    "SELECT id, number, line_id, wiring, answering, last_seen_at, values_at, flags, clock_at FROM boxes "

BoxRecord box_of(const Row& row) {
    BoxRecord box;
    box.id = row.as<BoxId>(0);
    box.number = row.as<std::uint64_t>(1);
    box.line = row.as<LineId>(2);
    box.wiring = row.as<Wiring>(3);
    box.answering = row.as<bool>(4);
    box.last_seen_at = row.as<std::optional<UnixTime>>(5);
    box.values_at = row.as<std::optional<UnixTime>>(6);
    box.flags = row.as<std::uint8_t>(7);
    box.clock_at = row.as<std::optional<UnixTime>>(8);
    return box;
}

template <class T, class Make>
std::vector<T> all(Db& db, const char* sql, std::initializer_list<Value> values, Make make) {
    std::vector<T> records;
    db.query(sql, values, [&](const Row& row) { records.push_back(make(row)); });
    return records;
}
template <class T, class Make>
std::optional<T> one(Db& db, const char* sql, std::initializer_list<Value> values, Make make) {
    std::optional<T> record;
    db.query(sql, values, [&](const Row& row) { record = make(row); });
    return record;
}

LineRecord line_of(const Row& row) {
    return {row.as<LineId>(0), row.as<std::string>(1), row.as<std::string>(2)};
}

}  // namespace

Answer<SiteRecord> read_site(Db& db) {
    auto site = one<SiteRecord>(db, "SELECT id, name, (SELECT price_e4 FROM prices ORDER BY id DESC LIMIT 1) FROM site",
                                {}, [](const Row& row) {
                                    SiteRecord record;
                                    record.id = row.as<std::int64_t>(0);
                                    record.name = row.as<std::string>(1);
                                    record.price = row.as<UnitPrice>(2);
                                    return record;
                                });
    if (site) {
        site->buildings = all<BuildingRecord>(
            db, "SELECT id, name FROM buildings ORDER BY name, id", {},
            [](const Row& row) { return BuildingRecord{row.as<BuildingId>(0), row.as<std::string>(1)}; });
        site->rooms =
            all<RoomRecord>(db,
                            "SELECT r.id, r.building_id, r.label, r.floor, h.id FROM rooms r LEFT JOIN households h ON "
                            "h.room_id = r.id "
                            "ORDER BY r.building_id, r.label",
                            {}, [](const Row& row) {
                                return RoomRecord{row.as<RoomId>(0), row.as<BuildingId>(1), row.as<std::string>(2),
                                                  row.as<std::int32_t>(3), row.as<HouseholdId>(4)};
                            });
        site->lines = all<LineRecord>(db, "SELECT id, name, url FROM lines ORDER BY id", {}, line_of);
        site->boxes = all<BoxRecord>(db, PREWATT_BOX_SELECT "ORDER BY number", {}, box_of);
    }
    return checked(db, std::move(site), "site");
}

Answer<HouseholdRecord> read_household(Db& db, HouseholdId id) {
    return checked(db, one<HouseholdRecord>(db, PREWATT_HOUSEHOLD_SELECT "WHERE h.id = $1", {id}, household_of),
                   "household");
}

Answer<std::vector<HouseholdRecord>> find_households(Db& db, std::string_view text, int limit) {
    limit = std::clamp(limit, 1, 10'000);
    const RoomSearch search{text};
    if (search.finds_all())
        return checked(db, all<HouseholdRecord>(db, PREWATT_HOUSEHOLD_SELECT "ORDER BY b.name, r.label, h.id LIMIT $1",
                                                {limit}, household_of));
    struct Match {
        int rank;
        std::int64_t id;
    };
    std::vector<Match> matches;
    db.query(
        "SELECT h.id, r.label, h.resident, x.number FROM households h JOIN rooms r ON r.id = h.room_id "
        "LEFT JOIN boxes x ON x.id = h.box_id ORDER BY r.label, h.id",
        {}, [&](const Row& row) {
            const int rank = search.rank(row.text(1), row.text(2), row.as<std::uint64_t>(3));
            if (rank > 0) matches.push_back({rank, row.integer(0)});
        });
    std::stable_sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.rank > b.rank; });
    if (matches.size() > static_cast<std::size_t>(limit)) matches.resize(static_cast<std::size_t>(limit));
    std::vector<HouseholdRecord> found;
    for (const Match& match : matches)
        if (auto household = read_household(db, HouseholdId{match.id})) found.push_back(std::move(*household));
    return checked(db, std::move(found));
}

Answer<std::vector<HouseholdRecord>> read_households_of_box(Db& db, BoxId box) {
    return checked(db, all<HouseholdRecord>(db, PREWATT_HOUSEHOLD_SELECT "WHERE h.box_id = $1 ORDER BY h.number_in_box",
                                            {box}, household_of));
}

Answer<BoxRecord> read_box(Db& db, BoxId id) {
    return checked(db, one<BoxRecord>(db, PREWATT_BOX_SELECT "WHERE id = $1", {id}, box_of), "box");
}
Answer<BoxRecord> read_box(Db& db, std::uint64_t number) {
    return checked(
        db, one<BoxRecord>(db, PREWATT_BOX_SELECT "WHERE number = $1", {static_cast<std::int64_t>(number)}, box_of),
        "box");
}
Answer<std::vector<LineRecord>> read_lines(Db& db) {
    return checked(db, all<LineRecord>(db, "SELECT id, name, url FROM lines ORDER BY id", {}, line_of));
}
Answer<std::vector<BoxRecord>> read_boxes_of_line(Db& db, LineId line) {
    return checked(db, all<BoxRecord>(db, PREWATT_BOX_SELECT "WHERE line_id = $1 ORDER BY number", {line}, box_of));
}

Answer<DesiredState> read_desired(Db& db, HouseholdId id) {
    return checked(
        db,
        one<DesiredState>(db, "SELECT " PREWATT_DESIRED_COLUMNS " FROM " PREWATT_DESIRED_TABLES " WHERE h.id = $1",
                          {id}, desired_of),
        "household");
}
Answer<std::vector<DesiredState>> read_desired_of_box(Db& db, BoxId box) {
    return checked(db, all<DesiredState>(db,
                                         "SELECT " PREWATT_DESIRED_COLUMNS " FROM " PREWATT_DESIRED_TABLES
                                         " WHERE h.box_id = $1 ORDER BY h.number_in_box",
                                         {box}, desired_of));
}
Answer<std::vector<DesiredState>> read_desired_of_line(Db& db, LineId line) {
    return checked(db, all<DesiredState>(db,
                                         "SELECT " PREWATT_DESIRED_COLUMNS " FROM " PREWATT_DESIRED_TABLES
                                         " JOIN boxes x ON x.id = h.box_id WHERE x.line_id = $1 "
                                         "ORDER BY x.number, h.number_in_box",
                                         {line}, desired_of));
}

Answer<std::uint32_t> reserve_counters(Db& db, BoxId box, std::uint32_t count) {
    if (count < 1 || count > 10'000)
        return std::unexpected(Refusal{Reason::kBadArgument, "Counters are reserved 1 to 10,000 at a time.", 10'000});
    std::optional<std::int64_t> first;
    db.query("SELECT counter_next FROM boxes WHERE id = $1", {box}, [&](const Row& row) { first = row.integer(0); });
    if (!first) return std::unexpected(Refusal{Reason::kNotFound, "There is no such box.", 0});
    if (*first + count > UINT32_MAX)
        return std::unexpected(Refusal{Reason::kTotalTooLarge, "The command counters of the box are used up.", 0});
    db.execute("UPDATE boxes SET counter_next = counter_next + $2 WHERE id = $1", {box, count});
    return static_cast<std::uint32_t>(*first);
}

Answer<Done> raise_counter(Db& db, BoxId box, std::uint32_t last_counter) {
    db.execute("UPDATE boxes SET counter_next = $2 WHERE id = $1 AND counter_next < $2",
               {box, std::int64_t{last_counter} + 1});
    return Done{};
}

Answer<Done> record_box_seen(Db& db, const BoxSeen& seen, Changes& changes) {
    bool known = false;
    bool answered = false;
    db.query("SELECT answering FROM boxes WHERE id = $1", {seen.box}, [&](const Row& row) {
        known = true;
        answered = row.as<bool>(0);
    });
    if (!known) return std::unexpected(Refusal{Reason::kNotFound, "There is no such box.", 0});
    const Value flags = seen.flags ? Value{*seen.flags} : Value{};
    const Value values_at = seen.values_hold ? Value{seen.at} : Value{};
    const Value last_seen_at = seen.answering ? Value{seen.at} : Value{};
    db.execute(
        "UPDATE boxes SET answering = $2, last_seen_at = COALESCE($3, last_seen_at), flags = COALESCE($4, flags), "
        "values_at = COALESCE($5, values_at), clock_at = COALESCE($6, clock_at) WHERE id = $1",
        {seen.box, seen.answering, last_seen_at, flags, values_at, seen.clock_at});
    changes.push_back({Change::Kind::kBox, seen.box.value});
    if (answered != seen.answering)
        db.query("SELECT id FROM households WHERE box_id = $1", {seen.box},
                 [&](const Row& row) { changes.push_back({Change::Kind::kHousehold, row.integer(0)}); });
    return Done{};
}

namespace {

std::string yuan_per_kwh(UnitPrice price) {
    std::string decimals = std::to_string(10'000 + price.count() % 10'000);
    decimals.front() = '.';
    return std::to_string(price.count() / 10'000) + decimals;
}

}  // namespace

std::optional<Refusal> check_price(UnitPrice price) {
    if (price > UnitPrice{0} && price <= UnitPrice{1'000'000}) return std::nullopt;
    return Refusal{Reason::kBadArgument, "A price is 0.0001 to 100 yuan per kWh; nothing was changed.", 1'000'000};
}

Answer<Done> set_price(Db& db, UnitPrice price, const Actor& who, const std::string& reason, UnixTime now,
                       Changes& changes) {
    if (auto bad = check_price(price)) return std::unexpected(*bad);
    UnitPrice before;
    db.query("SELECT price_e4 FROM prices ORDER BY id DESC LIMIT 1", {},
             [&](const Row& row) { before = row.as<UnitPrice>(0); });
    db.execute("INSERT INTO prices (at, price_e4, operator_name) VALUES ($1, $2, $3)", {now, price, who.user});
    append_audit(db, {0, now, who, "price.set", "site", yuan_per_kwh(before), yuan_per_kwh(price), reason, ""});
    changes.push_back({Change::Kind::kSite, 1});
    return Done{};
}

}  // namespace prewatt::server::store

#include "server/store/reconciliation.hpp"

#include <algorithm>
#include <set>

#include "server/store/audit.hpp"
#include "server/store/cards.hpp"
#include "server/store/desired.hpp"
#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"
#include "server/store/restored.hpp"
#include "server/store/sales.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

constexpr Duration kReadingAgeMax = minutes(26 * 60);
constexpr std::int64_t kDay_ms = 24 * 3'600'000;
// A statement's day is compared with what lies so much around it, so that a pair that midnight parts is a pair.
constexpr Duration kAroundDay = minutes(2 * 60);
constexpr Duration kHeadClose = minutes(20);
constexpr Duration kHeadFar = minutes(3 * 60);

UnixTime back(UnixTime at, Duration by) {
    return UnixTime{at.ms - by.count() / 1000};
}
UnixTime office_day(UnixTime at) {
    const std::int64_t offset = kOfficeOffset.count() / 1000;
    return UnixTime{(at.ms + offset) / kDay_ms * kDay_ms - offset};
}

void raise(Db& db, WorkItem item, const ReconcilePass& pass) {
    item.at = pass.begun_at;
    raise_work_item(db, item);
}

void begin(Db& db, ReconcilePass& pass, UnixTime now) {
    pass.begun_at = std::max(now, UnixTime{last_pass(db).ms + 1});
    db.execute(
        "INSERT INTO reconcile_state (id, begun_at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET begun_at = "
        "excluded.begun_at",
        {pass.begun_at});
}

// --- Accounts

struct AccountRow {
    MeterFacts facts;
    UnixTime effect_at;
    // The meter's ticket is not ours and was decided upon; ours is under way. Nothing can be judged meanwhile.
    bool has_accepted = false;
};

std::vector<AccountRow> read_accounts(Db& db, HouseholdId after) {
    std::vector<AccountRow> rows;
    db.query(
        "SELECT h.id, r.label, a.epoch, a.ticket_number, a.credited_ckwh, a.unit, m.epoch, m.ticket_number, "
        "m.used_ckwh, "
        "m.effect_at, d.accepted_epoch, d.accepted_number, c.epoch, c.at, c.forward_ckwh, c.remaining_ckwh, "
        "c.credited_ckwh, c.since_ckwh, COALESCE(p.last_problem, '') FROM households h JOIN rooms r ON r.id = "
        "h.room_id "
        "JOIN meters m ON m.household_id = h.id JOIN desired d ON d.household_id = h.id LEFT JOIN reconcile_bases c ON "
        "c.household_id = h.id LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING(
            "h.id") " LEFT JOIN progress p ON p.booking_id = a.id WHERE h.id > $1 ORDER BY h.id LIMIT $2",
        {after, kHouseholdsInPiece}, [&](const Row& row) {
            AccountRow& out = rows.emplace_back();
            MeterFacts& facts = out.facts;
            facts.household = row.as<HouseholdId>(0);
            facts.room = row.as<std::string>(1);
            facts.newest.epoch = row.as<std::uint16_t>(2);
            facts.newest.number = row.as<std::uint32_t>(3);
            facts.newest.credited = row.as<Credit>(4);
            facts.newest.unit = row.as<AccountUnit>(5);
            facts.meter_epoch = row.as<std::uint16_t>(6);
            facts.meter_number = row.as<std::uint32_t>(7);
            facts.used = row.as<Credit>(8);
            out.effect_at = row.as<UnixTime>(9);
            out.has_accepted =
                row.as<std::uint16_t>(10) == facts.meter_epoch && row.as<std::uint32_t>(11) > facts.meter_number;
            facts.base = {row.as<std::uint16_t>(12), row.as<UnixTime>(13), row.as<Energy>(14),
                          row.as<Credit>(15),        row.as<Credit>(16),   row.as<Energy>(17)};
            facts.last_problem = row.as<std::string>(18);
        });
    return rows;
}

void complete(Db& db, AccountRow& row, UnixTime now) {
    MeterFacts& facts = row.facts;
    std::uint32_t first = 0;
    db.query(
        "SELECT ticket_number, credited_ckwh, unit FROM bookings WHERE household_id = $1 AND epoch = $2 AND "
        "ticket_number >= $3 ORDER BY ticket_number",
        {facts.household, facts.meter_epoch, facts.meter_number}, [&](const Row& booking) {
            if (facts.credited_possible.empty()) first = booking.as<std::uint32_t>(0);
            facts.credited_possible.push_back(booking.as<Credit>(1));
            facts.meter_unit = booking.as<AccountUnit>(2);
        });
    if (first != facts.meter_number) facts.credited_possible.clear();
    db.query("SELECT MIN(booked_at) FROM bookings WHERE household_id = $1 AND epoch = $2 AND ticket_number > $3",
             {facts.household, facts.newest.epoch, facts.meter_epoch == facts.newest.epoch ? facts.meter_number : 0u},
             [&](const Row& booking) { facts.unconfirmed_since = booking.as<std::optional<UnixTime>>(0); });
    const auto readings = read_readings(db, facts.household, back(now, kReadingAgeMax), now + minutes(60), Step::kHour);
    // A reading from before the meter's newest answer was taken with an older ticket.
    if (readings && !readings->empty() && readings->back().at >= row.effect_at) facts.reading = readings->back();
}

bool check_accounts(Db& db, ReconcilePass& pass, const ReconcileRules& rules, UnixTime now) {
    std::vector<AccountRow> rows = read_accounts(db, pass.household);
    for (AccountRow& row : rows) {
        complete(db, row, now);
        MeterFacts& facts = row.facts;
        if (row.has_accepted) facts.meter_epoch = 0;
        AccountFindings findings = compare_account(facts, rules, now);
        for (WorkItem& item : findings.items)
            raise(db, std::move(item), pass);
        // What cannot be judged now is neither gone nor new.
        if (!facts.reading)
            db.execute(
                "UPDATE work_items SET last_at = $2 WHERE household_id = $1 AND state < 3 AND kind IN "
                "('ledger_register_went_back', 'ledger_use_unlike_registers', 'ledger_remaining_too_high')",
                {facts.household, pass.begun_at});
        const AccountBase& base = findings.base;
        if (base.epoch != 0)
            db.execute(
                "INSERT INTO reconcile_bases (household_id, epoch, at, forward_ckwh, remaining_ckwh, credited_ckwh, "
                "since_ckwh) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (household_id) DO UPDATE SET epoch = "
                "excluded.epoch, at = excluded.at, forward_ckwh = excluded.forward_ckwh, remaining_ckwh = "
                "excluded.remaining_ckwh, credited_ckwh = excluded.credited_ckwh, since_ckwh = excluded.since_ckwh",
                {facts.household, base.epoch, base.at, base.forward, base.remaining, base.credited,
                 base.forward_since});
        pass.household = facts.household;
        ++pass.answer.households;
    }
    return static_cast<int>(rows.size()) == kHouseholdsInPiece;
}

// --- Statements

std::vector<BookedLine> read_booked(Db& db, Channel channel, UnixTime from, UnixTime to) {
    std::vector<BookedLine> booked;
    db.query(
        "SELECT id, household_id, order_id, booked_at, amount_fen FROM bookings WHERE channel = $1 AND kind = 1 AND "
        "((booked_at >= $2 AND booked_at < $3) OR order_id IN (SELECT order_id FROM statement_lines WHERE channel = $1 "
        "AND at >= $2 AND at < $3 AND order_id <> '')) ORDER BY id",
        {channel, from, to}, [&](const Row& row) {
            booked.push_back({row.as<SaleId>(0), row.as<HouseholdId>(1), row.as<std::string>(2), row.as<UnixTime>(3),
                              row.as<Money>(4), LineKind::kPayment});
        });
    // What was paid out through it. A payout of nothing (all was used) went through no channel.
    db.query(
        "SELECT v.booking_id, s.household_id, v.order_id, v.at, v.amount_fen FROM movements v JOIN bookings s ON s.id "
        "= "
        "v.booking_id WHERE v.kind = 1 AND v.amount_fen > 0 AND v.to_account = $4 AND ((v.at >= $2 AND v.at < $3) OR "
        "v.order_id IN (SELECT order_id FROM statement_lines WHERE channel = $1 AND kind = 2 AND at >= $2 AND at < $3 "
        "AND order_id <> '')) ORDER BY v.id",
        {channel, from, to, account_of(channel)}, [&](const Row& row) {
            booked.push_back({row.as<SaleId>(0), row.as<HouseholdId>(1), row.as<std::string>(2), row.as<UnixTime>(3),
                              row.as<Money>(4), LineKind::kRefund});
        });
    return booked;
}
std::vector<StatementLine> read_lines_of(Db& db, Channel channel, UnixTime from, UnixTime to) {
    std::vector<StatementLine> lines;
    db.query(
        "SELECT at, reference, order_id, amount_fen, kind FROM statement_lines WHERE channel = $1 AND ((at >= $2 AND "
        "at "
        "< $3) OR order_id IN (SELECT order_id FROM bookings WHERE channel = $1 AND booked_at >= $2 AND booked_at < "
        "$3) OR order_id IN (SELECT order_id FROM movements WHERE kind = 1 AND to_account = $4 AND at >= $2 AND at < "
        "$3)) ORDER BY at, reference",
        {channel, from, to, account_of(channel)}, [&](const Row& row) {
            lines.push_back({row.as<UnixTime>(0), row.as<std::string>(1), row.as<std::string>(2), row.as<Money>(3),
                             row.as<LineKind>(4)});
        });
    return lines;
}

// One day of one span.
bool check_statements(Db& db, ReconcilePass& pass, const ReconcileRules& rules, UnixTime now) {
    if (pass.day >= pass.span_to) {
        bool found = false;
        db.query(
            "SELECT channel, from_at, to_at FROM statement_spans WHERE channel > $1 OR (channel = $1 AND (from_at > $2 "
            "OR "
            "(from_at = $2 AND to_at > $3))) ORDER BY channel, from_at, to_at LIMIT 1",
            {pass.channel, pass.span_from, pass.span_to}, [&](const Row& row) {
                found = true;
                pass.channel = row.as<Channel>(0);
                pass.span_from = row.as<UnixTime>(1);
                pass.span_to = row.as<UnixTime>(2);
                pass.day = pass.span_from;
            });
        if (!found) return false;
    }
    const UnixTime to = std::min(pass.span_to, UnixTime{office_day(pass.day).ms + kDay_ms});
    const UnixTime around_from = back(pass.day, kAroundDay);
    const UnixTime around_to = to + kAroundDay;
    const auto lines = read_lines_of(db, pass.channel, around_from, around_to);
    for (WorkItem& item : compare_statement(pass.channel, read_booked(db, pass.channel, around_from, around_to), lines,
                                            pass.day, to, rules, now))
        raise(db, std::move(item), pass);
    pass.answer.statement_lines += std::count_if(
        lines.begin(), lines.end(), [&](const StatementLine& line) { return line.at >= pass.day && line.at < to; });
    pass.day = to;
    return true;
}

// --- Buildings

std::optional<Bracket> bracket_of(Db& db, HouseholdId household, UnixTime at) {
    for (const auto& [around, step] : {std::pair{kHeadClose, Step::kRaw}, std::pair{kHeadFar, Step::kHour}}) {
        const auto readings = read_readings(db, household, back(at, around), at + around, step);
        if (!readings) return std::nullopt;
        const Reading* before = nullptr;
        const Reading* after = nullptr;
        for (const Reading& reading : *readings) {
            if (reading.at <= at) before = &reading;
            if (reading.at >= at && !after) after = &reading;
        }
        if (before && after && after->forward >= before->forward) return Bracket{before->forward, after->forward};
    }
    return std::nullopt;
}

struct Head {
    BuildingId building;
    std::string name;
    UnixTime at;
    Energy forward;
};

// One building's next day: from the first head reading of one day to the first of the next day that has one.
bool check_buildings(Db& db, ReconcilePass& pass, const ReconcileRules& rules, UnixTime now) {
    std::vector<Head> heads;
    const UnixTime since = office_day(UnixTime{now.ms - kHeadDays * kDay_ms});
    db.query(
        "SELECT h.building_id, b.name, h.at, h.forward_ckwh FROM head_readings h JOIN buildings b ON b.id = "
        "h.building_id WHERE h.at >= $3 AND (h.building_id > $1 OR (h.building_id = $1 AND h.at >= $2)) ORDER BY "
        "h.building_id, h.at LIMIT 200",
        {pass.building, pass.head_at, since}, [&](const Row& row) {
            heads.push_back({row.as<BuildingId>(0), row.as<std::string>(1), row.as<UnixTime>(2), row.as<Energy>(3)});
        });
    if (heads.empty()) return false;
    const Head from = heads.front();
    const auto to = std::find_if(heads.begin(), heads.end(), [&](const Head& head) {
        return head.building != from.building || office_day(head.at) > office_day(from.at);
    });
    if (to == heads.end()) {
        // Its last day; another building may follow.
        pass.building = from.building;
        pass.head_at = UnixTime{heads.back().at.ms + 1};
        return heads.size() == 200 || heads.back().building != from.building;
    }
    pass.building = to->building;
    pass.head_at = to->at;
    if (to->building != from.building) return true;

    BuildingDay day{from.building, from.name, from.at, to->at, to->forward - from.forward, {}, 0};
    std::vector<HouseholdId> households;
    db.query(
        "SELECT h.id FROM households h JOIN rooms r ON r.id = h.room_id WHERE r.building_id = $1 AND h.box_id IS NOT "
        "NULL ORDER BY h.id",
        {from.building}, [&](const Row& row) { households.push_back(row.as<HouseholdId>(0)); });
    for (const HouseholdId household : households) {
        const auto at_from = bracket_of(db, household, from.at);
        const auto at_to = bracket_of(db, household, to->at);
        if (at_from && at_to)
            day.rooms.push_back({*at_from, *at_to});
        else
            ++day.rooms_unknown;
    }
    auto item = compare_building(day, rules, now);
    for (const std::string_view kind : kHeadKinds)
        if ((!item || item->kind != kind) && (day.rooms_unknown == 0 || kind != kHeadKinds[0]))
            close_work_item(db, difference_of(head_item(day, kind)), "The difference is gone.", pass.begun_at);
    if (item) raise(db, std::move(*item), pass);
    ++pass.answer.building_days;
    return true;
}

void check_old_heads(Db& db, const ReconcilePass& pass, const ReconcileRules& rules, UnixTime now) {
    std::vector<HeadSeen> heads;
    db.query(
        "SELECT h.building_id, b.name, MAX(h.at) FROM head_readings h JOIN buildings b ON b.id = h.building_id GROUP "
        "BY "
        "h.building_id, b.name ORDER BY h.building_id",
        {},
        [&](const Row& row) { heads.push_back({row.as<BuildingId>(0), row.as<std::string>(1), row.as<UnixTime>(2)}); });
    for (const HeadSeen& head : heads)
        if (auto item = old_head(head, rules, now)) raise(db, std::move(*item), pass);
}

// --- Moves

void check_moves(Db& db, const ReconcilePass& pass, UnixTime now) {
    std::vector<ShortMove> moves;
    db.query(
        "SELECT s.id, s.household_id, r.label, s.energy_ckwh, p.remaining_ckwh, s.unit, h.closed, i.tenancy, a.tenancy, "
        "s.tenancy, o.tenancy FROM bookings s JOIN progress p ON p.booking_id = s.id JOIN bookings i ON i.id = (SELECT "
        "MIN(id) FROM bookings WHERE kind = 9 AND refers = s.id) JOIN households h ON h.id = i.household_id JOIN rooms "
        "r ON r.id = h.room_id JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING(
            "i.household_id") " JOIN bookings o ON o.id = " PREWATT_NEWEST_BOOKING("s.household_id") " WHERE s.kind = 8 "
        "AND p.remaining_ckwh < 0 AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.kind = 4 AND b.refers = s.id) ORDER "
        "BY s.id",
        {}, [&](const Row& row) {
            ShortMove& move = moves.emplace_back();
            move.move_out = row.as<BookingId>(0);
            move.from = row.as<HouseholdId>(1);
            move.into_room = row.as<std::string>(2);
            move.taken = Credit{0} - row.as<Credit>(3);
            move.remaining = row.as<Credit>(4);
            move.unit = row.as<AccountUnit>(5);
            move.into_closed = row.as<bool>(6);
            move.into_another = row.integer(7) != row.integer(8);
            move.from_another = row.integer(9) != row.integer(10);
        });
    for (const ShortMove& move : moves)
        if (auto item = short_move(move, now)) raise(db, std::move(*item), pass);
}

// What was not found again by this pass is gone.
void end(Db& db, ReconcilePass& pass) {
    std::vector<std::string> gone;
    db.query(
        "SELECT difference FROM work_items WHERE state < 3 AND last_at < $1 AND (kind IN ('ledger_ticket_unknown', "
        "'ledger_ticket_not_confirmed', 'ledger_register_went_back', 'ledger_use_unlike_registers', "
        "'ledger_remaining_too_high', 'head_reading_old', 'move_short', 'channel_missing_here', "
        "'channel_missing_there', 'channel_other_amount', "
        "'channel_double', 'card_carries_unbooked', 'books_restored'))",
        {pass.begun_at}, [&](const Row& row) { gone.push_back(row.as<std::string>(0)); });
    for (const std::string& difference : gone)
        close_work_item(db, difference, "The difference is gone.", pass.begun_at);
    db.query("SELECT COUNT(*) FROM work_items WHERE state < 3", {},
             [&](const Row& row) { pass.answer.open_items = row.integer(0); });
}

}  // namespace

UnixTime last_pass(Db& db) {
    UnixTime begun;
    db.query("SELECT begun_at FROM reconcile_state WHERE id = 1", {},
             [&](const Row& row) { begun = row.as<UnixTime>(0); });
    return begun;
}

Answer<bool> reconcile_piece(Db& db, ReconcilePass& pass, const ReconcileRules& rules, UnixTime now) {
    using Stage = ReconcilePass::Stage;
    switch (pass.stage) {
        case Stage::kBegin:
            begin(db, pass, now);
            pass.stage = Stage::kAccounts;
            return true;
        case Stage::kAccounts:
            if (!check_accounts(db, pass, rules, now)) pass.stage = Stage::kStatements;
            return true;
        case Stage::kStatements:
            if (!check_statements(db, pass, rules, now)) pass.stage = Stage::kBuildings;
            return true;
        case Stage::kBuildings:
            if (!check_buildings(db, pass, rules, now)) pass.stage = Stage::kMoves;
            return true;
        case Stage::kMoves:
            check_old_heads(db, pass, rules, now);
            check_moves(db, pass, now);
            pass.stage = Stage::kCards;
            return true;
        case Stage::kCards:
            check_cards(db, pass.begun_at);
            check_restored(db, pass.begun_at);
            pass.stage = Stage::kEnd;
            return true;
        case Stage::kEnd:
            break;
    }
    end(db, pass);
    return false;
}

Answer<StatementAnswer> import_statement(Db& db, const StatementOrder& order, const Actor& who, UnixTime now) {
    if (order.from >= order.to || order.to.ms - order.from.ms > 400 * kDay_ms)
        return std::unexpected(
            Refusal{Reason::kBadArgument, "The span of a statement is 1 ms to 400 days; nothing was taken over.", 0});
    const auto lines = read_statement(order.csv);
    if (!lines) return std::unexpected(lines.error());
    for (const StatementLine& line : *lines) {
        if (line.at < order.from || line.at >= order.to)
            return std::unexpected(Refusal{Reason::kBadArgument,
                                           "Reference " + line.reference +
                                               " is not of the span that the statement is said to tell; nothing was "
                                               "taken over.",
                                           0});
        bool other = false;
        db.query("SELECT amount_fen, order_id FROM statement_lines WHERE channel = $1 AND reference = $2 AND kind = $3",
                 {order.channel, line.reference, line.kind},
                 [&](const Row& row) { other = row.as<Money>(0) != line.amount || row.text(1) != line.order_id; });
        if (other)
            return std::unexpected(Refusal{
                Reason::kBadArgument,
                "Reference " + line.reference + " was told before with other figures; nothing was taken over.", 0});
    }
    // From here on it succeeds.
    StatementAnswer answer;
    answer.lines = static_cast<std::int64_t>(lines->size());
    for (const StatementLine& line : *lines)
        answer.new_lines += db.execute(
            "INSERT INTO statement_lines (channel, reference, kind, order_id, at, amount_fen) VALUES ($1, $2, $3, $4, "
            "$5, $6) ON CONFLICT (channel, reference, kind) DO NOTHING",
            {order.channel, line.reference, line.kind, line.order_id, line.at, line.amount});
    const std::int64_t spans = db.execute(
        "INSERT INTO statement_spans (channel, from_at, to_at, user_name, imported_at) VALUES ($1, $2, $3, $4, $5) ON "
        "CONFLICT (channel, from_at, to_at) DO NOTHING",
        {order.channel, order.from, order.to, who.user, now});
    if (answer.new_lines > 0 || spans > 0)
        append_audit(db,
                     {0, now, who, "statement.import", "channel " + std::string{word(order.channel)}, "",
                      std::to_string(answer.new_lines) + " new of " + std::to_string(answer.lines) + " lines", "", ""});
    return answer;
}

Answer<Done> record_head_readings(Db& db, const std::vector<HeadReading>& readings, const Actor& who, UnixTime now) {
    for (const HeadReading& reading : readings) {
        if (db.query("SELECT 1 FROM buildings WHERE id = $1", {reading.building}, [](const Row&) {}) == 0 && db.ok())
            return std::unexpected(Refusal{Reason::kNotFound, "There is no such building; nothing was recorded.", 0});
        if (reading.forward < Energy{0} || reading.at > now + minutes(60))
            return std::unexpected(
                Refusal{Reason::kBadArgument,
                        "A head reading is 0 kWh or more and not of the future; nothing was recorded.", 0});
    }
    for (const HeadReading& reading : readings) {
        std::string before;
        db.query("SELECT forward_ckwh FROM head_readings WHERE building_id = $1 AND at = $2",
                 {reading.building, reading.at},
                 [&](const Row& row) { before = std::to_string(row.integer(0)) + " ckWh"; });
        const std::string after = std::to_string(in_hundredths(reading.forward, Round::kDown)) + " ckWh";
        if (before == after) continue;
        db.execute(
            "INSERT INTO head_readings (building_id, at, forward_ckwh) VALUES ($1, $2, $3) ON CONFLICT (building_id, "
            "at) "
            "DO UPDATE SET forward_ckwh = excluded.forward_ckwh",
            {reading.building, reading.at, reading.forward});
        append_audit(db, {0, now, who, "head_meter.read", "building " + std::to_string(reading.building.value), before,
                          after, "at " + std::to_string(reading.at.ms), ""});
    }
    return Done{};
}

}  // namespace prewatt::server::store

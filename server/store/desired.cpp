#include "server/store/desired.hpp"

#include <algorithm>

#include "server/domain/orders.hpp"
#include "server/store/audit.hpp"
#include "server/store/estate.hpp"
#include "server/store/sales.hpp"
#include "server/store/situations.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_JOB_SELECT                                                                                    \
    "SELECT id, household_id, part, kind, version, state, created_at, confirmed_at, attempts, last_problem, " \
    "operator_name, reason, content FROM jobs "

JobRecord job_of(const Row& row) {
    JobRecord job;
    job.id = row.as<JobId>(0);
    job.household = row.as<HouseholdId>(1);
    job.part = row.as<Part>(2);
    job.kind = row.as<std::string>(3);
    job.version = row.as<std::uint32_t>(4);
    job.state = row.as<JobState>(5);
    job.created_at = row.as<UnixTime>(6);
    job.confirmed_at = row.as<std::optional<UnixTime>>(7);
    job.attempts = row.as<std::uint32_t>(8);
    job.last_problem = row.as<std::string>(9);
    job.operator_name = row.as<std::string>(10);
    job.reason = row.as<std::string>(11);
    return job;
}

std::unexpected<Refusal> no_household() {
    return std::unexpected(Refusal{Reason::kNotFound, "There is no such household; nothing was done.", 0});
}

// The version and reached columns of each part.
struct PartSql {
    const char* version;  // SELECT the newest version
    const char* reached;  // UPDATE: settled up to $2
};
PartSql sql_of(Part part) {
    switch (part) {
        case Part::kRemoteHold:
            return {"SELECT remote_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET remote_reached = $2 WHERE household_id = $1 AND remote_reached < $2 "
                    "AND remote_version >= $2"};
        case Part::kForce:
            return {"SELECT force_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET force_reached = $2 WHERE household_id = $1 AND force_reached < $2 "
                    "AND force_version >= $2"};
        case Part::kAcknowledge:
            return {"SELECT acknowledge_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET acknowledge_reached = $2 WHERE household_id = $1 AND acknowledge_reached < $2 "
                    "AND acknowledge_version >= $2"};
        case Part::kAlarms:
            return {"SELECT alarms_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET alarms_reached = $2 WHERE household_id = $1 AND alarms_reached < $2 "
                    "AND alarms_version >= $2"};
        case Part::kResetLockout:
            return {"SELECT reset_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET reset_reached = $2 WHERE household_id = $1 AND reset_reached < $2 "
                    "AND reset_version >= $2"};
        case Part::kClear:
            return {"SELECT clear_version FROM desired WHERE household_id = $1",
                    "UPDATE desired SET clear_reached = $2 WHERE household_id = $1 AND clear_reached < $2 "
                    "AND clear_version >= $2"};
        case Part::kTicket:
            break;
    }
    return {"SELECT 0 FROM households WHERE id = $1", nullptr};
}

void set_desired(Db& db, HouseholdId household, const PartOrder& wanted, std::uint32_t version) {
    switch (wanted.part) {
        case Part::kRemoteHold:
            db.execute("UPDATE desired SET remote_version = $2, remote_off = $3 WHERE household_id = $1",
                       {household, version, wanted.off});
            break;
        case Part::kForce:
            db.execute(
                "UPDATE desired SET force_version = $2, force_until = $3, force_overruled = $4 WHERE household_id = $1",
                {household, version, wanted.force_until, overruled_by_force().bits()});
            break;
        case Part::kAcknowledge:
            db.execute("UPDATE desired SET acknowledge_version = $2 WHERE household_id = $1", {household, version});
            break;
        case Part::kAlarms:
            db.execute(
                "UPDATE desired SET alarms_version = $2, low_ckwh = $3, cutoff_ckwh = $4, overdraft_ckwh = $5 "
                "WHERE household_id = $1",
                {household, version, wanted.alarms.low, wanted.alarms.cutoff, wanted.alarms.overdraft});
            break;
        case Part::kResetLockout:
            db.execute("UPDATE desired SET reset_version = $2 WHERE household_id = $1", {household, version});
            break;
        case Part::kClear:
            db.execute(
                "UPDATE desired SET clear_version = $2, cleared_epoch = (SELECT epoch FROM meters WHERE household_id = "
                "$1) WHERE household_id = $1",
                {household, version});
            break;
        case Part::kTicket:
            break;
    }
}

// What the tables hold of the meter of a household, and of the account that it should show.
struct MeterRow {
    bool found = false;
    std::optional<UnixTime> read_at;
    UnixTime effect_at;
    std::uint32_t lit_number = 0;
    KnownAccount account;  // as_issued: see issued()
    // Of the account as it was last read in full; epoch 0: never.
    std::uint16_t proved_epoch = 0;
    Credit proved_used;
    Energy proved_forward;
    Energy forward;    // as read last
    Credit remaining;  // as shown last
    UnixTime judged_at;
    // So much use in this epoch, shown without its total, when so much has gone through.
    [[nodiscard]] bool explains(std::uint16_t epoch, Credit used, Energy forward_then) const {
        return proved_epoch != epoch ||
               explains_use(account.newest.unit, used - proved_used, forward_then - proved_forward);
    }
    // A reading of an account that is not ours, or of none, tells nothing of what was used of ours; which one it is of,
    // it does not say.
    [[nodiscard]] bool tells_use(const Reading& reading, UnixTime runs_since) const {
        return account.stopped == Situation::kNone && !reading.state.holds().has(Hold::kNotOpened) &&
               is_of_judged_account(reading.at, judged_at, runs_since);
    }
};
MeterRow find_meter(Db& db, HouseholdId household) {
    MeterRow meter;
    db.query(
        "SELECT m.read_at, m.effect_at, m.epoch, m.ticket_number, m.lit_number, m.used_ckwh, a.epoch, a.ticket_number, "
        "a.credited_ckwh, d.stopped, m.remaining_ckwh, a.unit, m.proved_epoch, m.proved_used_ckwh, "
        "m.proved_forward_ckwh, m.forward_ckwh, d.accepted_epoch, d.accepted_number, d.cleared_epoch, m.judged_at FROM "
        "meters m "
        "JOIN desired d ON d.household_id = m.household_id LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING(
            "$1") " WHERE m.household_id = $1",
        {household}, [&](const Row& row) {
            meter.found = true;
            meter.read_at = row.as<std::optional<UnixTime>>(0);
            meter.effect_at = row.as<UnixTime>(1);
            meter.account.meter_epoch = row.as<std::uint16_t>(2);
            meter.account.meter_number = row.as<std::uint32_t>(3);
            meter.lit_number = row.as<std::uint32_t>(4);
            meter.account.used = row.as<Credit>(5);
            meter.account.newest.epoch = row.as<std::uint16_t>(6);
            meter.account.newest.number = row.as<std::uint32_t>(7);
            meter.account.newest.credited = row.as<Credit>(8);
            meter.account.stopped = row.as<Situation>(9);
            meter.remaining = row.as<Credit>(10);
            meter.account.newest.unit = row.as<AccountUnit>(11);
            meter.proved_epoch = row.as<std::uint16_t>(12);
            meter.proved_used = row.as<Credit>(13);
            meter.proved_forward = row.as<Energy>(14);
            meter.forward = row.as<Energy>(15);
            meter.account.accepted_epoch = row.as<std::uint16_t>(16);
            meter.account.accepted_number = row.as<std::uint32_t>(17);
            meter.account.cleared_epoch = row.as<std::uint16_t>(18);
            meter.judged_at = row.as<UnixTime>(19);
        });
    return meter;
}

// What was issued under the epoch and number of a ticket; nothing: it is not ours.
std::optional<Credit> issued(Db& db, HouseholdId household, const MeterRow& meter, const MeterEffect& effect) {
    if (effect.epoch != 0 && effect.epoch == meter.account.newest.epoch &&
        effect.ticket_number == meter.account.newest.number)
        return meter.account.newest.credited;
    std::optional<Credit> credited;
    db.query("SELECT credited_ckwh FROM bookings WHERE household_id = $1 AND epoch = $2 AND ticket_number = $3",
             {household, effect.epoch, effect.ticket_number}, [&](const Row& row) { credited = row.as<Credit>(0); });
    return credited;
}

std::uint32_t confirmed_in(const MeterRow& meter, std::uint16_t epoch) {
    return meter.account.meter_epoch == epoch ? meter.account.meter_number : 0;
}

// Sales of the tickets after `after` up to `upto` whose relay was seen closed at `at`.
void light(Db& db, HouseholdId household, std::uint16_t epoch, std::uint32_t after, std::uint32_t upto, UnixTime at,
           Changes& changes) {
    db.query(
        "UPDATE progress SET lit_at = $5 WHERE lit_at IS NULL AND confirmed_at IS NOT NULL AND booking_id IN "
        "(SELECT id FROM bookings WHERE household_id = $1 AND epoch = $2 AND ticket_number > $3 AND ticket_number <= "
        "$4) "
        "RETURNING booking_id",
        {household, epoch, after, upto, at},
        [&](const Row& row) { changes.push_back({Change::Kind::kSale, row.integer(0)}); });
    db.execute("UPDATE meters SET lit_number = $2 WHERE household_id = $1", {household, upto});
}

// A ticket of the meter that is not ours and has been decided upon confirms none of ours: its number is not kept as the
// one that was confirmed.
void apply_effect(Db& db, HouseholdId household, const MeterRow& meter, const MeterEffect& effect, UnixTime at,
                  std::optional<Credit> as_issued, bool ours, Changes& changes) {
    // Sales that this shows for the first time. A sweep shows the same ticket again, and there is none.
    const std::uint32_t seen_before = confirmed_in(meter, effect.epoch);
    if (ours && effect.ticket_number > seen_before)
        db.query(
            "INSERT INTO progress (booking_id, confirmed_at, remaining_ckwh) SELECT s.id, $4, $6 FROM bookings s "
            "LEFT JOIN progress p ON p.booking_id = s.id WHERE s.household_id = $1 AND s.epoch = $2 "
            "AND s.ticket_number <= $3 AND s.ticket_number > $5 AND p.confirmed_at IS NULL "
            "ON CONFLICT (booking_id) DO UPDATE SET confirmed_at = excluded.confirmed_at, remaining_ckwh = "
            "excluded.remaining_ckwh, last_problem = '' RETURNING booking_id",
            {household, effect.epoch, effect.ticket_number, at, seen_before, effect.remaining},
            [&](const Row& row) { changes.push_back({Change::Kind::kSale, row.integer(0)}); });
    // What was used up to now: the total of the ticket that the meter has, less what remains.
    std::optional<Credit> credited = effect.credited;
    if (!credited && ours) credited = as_issued;
    Credit used = effect.epoch == meter.account.meter_epoch ? meter.account.used : Credit{0};
    // A number without its total may be of a card that the office of before a restore had written: then more seems to
    // be used than went through. The account is read back after each ticket.
    if (credited && (effect.credited || meter.explains(effect.epoch, *credited - effect.remaining, meter.forward)))
        used = std::max(used, *credited - effect.remaining);
    const std::uint32_t number = ours ? effect.ticket_number : seen_before;
    const std::uint32_t lit_number = effect.epoch == meter.account.meter_epoch ? std::min(meter.lit_number, number) : 0;
    // Read in full, it is judged by that; and proved when what went through stood beside it.
    const bool proves = effect.credited && effect.forward;
    const Value judged_at = effect.credited ? Value{at} : Value{};
    db.execute(
        "UPDATE meters SET epoch = $2, ticket_number = $3, effect_at = $4, used_ckwh = $5, lit_number = $6, "
        "remaining_ckwh = CASE WHEN read_at IS NULL OR read_at <= $4 THEN $7 ELSE remaining_ckwh END, "
        "state = CASE WHEN read_at IS NULL OR read_at <= $4 THEN $8 ELSE state END, "
        "read_at = CASE WHEN read_at IS NULL OR read_at <= $4 THEN $4 ELSE read_at END, "
        "judged_at = COALESCE($9, judged_at), proved_epoch = COALESCE($10, proved_epoch), "
        "proved_used_ckwh = COALESCE($11, proved_used_ckwh), proved_forward_ckwh = COALESCE($12, proved_forward_ckwh) "
        "WHERE household_id = $1",
        {household, effect.epoch, number, at, used, lit_number, effect.remaining, effect.state.bits, judged_at,
         proves ? Value{effect.epoch} : Value{}, proves ? Value{*effect.credited - effect.remaining} : Value{},
         proves ? Value{*effect.forward} : Value{}});
    if (effect.state.has(StateBit::kRelayClosed) && number > lit_number)
        light(db, household, effect.epoch, lit_number, number, at, changes);
    // An account that was read in full is waited for by the line master, which goes on when it was judged.
    if (effect.credited ||
        is_newer(meter.account.newest.epoch, meter.account.newest.number, effect.epoch, effect.ticket_number))
        changes.push_back({Change::Kind::kDesired, household.value});
    changes.push_back({Change::Kind::kHousehold, household.value});
}

// Sales whose tickets are out but not confirmed, up to the one that was delivered.
constexpr const char* kOpenSalesSent =
    "INSERT INTO progress (booking_id, sent_at, attempts) SELECT s.id, $4, 1 FROM bookings s "
    "LEFT JOIN progress p ON p.booking_id = s.id WHERE s.household_id = $1 AND s.epoch = $2 AND s.ticket_number <= "
    "$3 "
    "AND s.ticket_number > $5 AND p.confirmed_at IS NULL ON CONFLICT (booking_id) DO UPDATE SET "
    "sent_at = COALESCE(progress.sent_at, excluded.sent_at), attempts = progress.attempts + 1 RETURNING "
    "booking_id";
constexpr const char* kOpenSalesProblem =
    "INSERT INTO progress (booking_id, last_problem) SELECT s.id, $4 FROM bookings s "
    "LEFT JOIN progress p ON p.booking_id = s.id WHERE s.household_id = $1 AND s.epoch = $2 AND s.ticket_number <= "
    "$3 "
    "AND s.ticket_number > $5 AND p.confirmed_at IS NULL ON CONFLICT (booking_id) DO UPDATE SET "
    "last_problem = excluded.last_problem RETURNING booking_id";

// What the meter showed: driven on, or stopped with its reason. The answer to a ticket says that the meter has it. That
// to another command, given aside, names a newer ticket by its number alone: after an old backup came back it may be
// another one with that number, so it is taken for ours when its total was read.
void settle_effect(Db& db, HouseholdId household, const MeterRow& meter, const MeterEffect& effect, UnixTime at,
                   bool aside, Changes& changes) {
    KnownAccount known = meter.account;
    known.as_issued = issued(db, household, meter, effect);
    const Judgement judgement = judge_effect(known, meter.read_at.value_or(UnixTime{}), effect);
    // Nor is a ticket taken for confirmed, or a memory for lost, where a number without its total does not fit what is
    // known of use: it may be another one of a card that the office of before a restore had written. The account is
    // read back after each ticket, and judged then.
    if (!effect.credited && judgement.is_ours && known.as_issued &&
        (judgement.situation == Situation::kUsedLess ||
         (judgement.situation == Situation::kNone &&
          !meter.explains(effect.epoch, *known.as_issued - effect.remaining, meter.forward) &&
          is_newer(effect.epoch, effect.ticket_number, meter.account.meter_epoch, meter.account.meter_number))))
        return;
    if (judgement.situation != Situation::kNone) return stop_tickets(db, household, judgement, effect, at, changes);
    if (aside && is_newer(effect.epoch, effect.ticket_number, meter.account.meter_epoch, meter.account.meter_number) &&
        judgement.is_ours)
        return;
    if (meter.account.stopped != Situation::kNone) let_tickets_go(db, household, at, changes);
    apply_effect(db, household, meter, effect, at, known.as_issued, judgement.is_ours, changes);
}

}  // namespace

std::string PartOrder::content() const {
    std::string text = kind;
    if (part == Part::kForce) text += " " + std::to_string(force_minutes);
    if (part == Part::kAlarms)
        for (const Energy level : {alarms.low, alarms.cutoff, alarms.overdraft})
            text += " " + std::to_string(in_hundredths(level, Round::kDown));
    return text;
}

Answer<JobRecord> order_part(Db& db, const JobOrder& order, const PartOrder& wanted, UnixTime now, Changes& changes) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    const std::string content = wanted.content();
    std::optional<JobRecord> known;
    bool same = false;
    db.query(PREWATT_JOB_SELECT "WHERE order_id = $1", {order.order_id}, [&](const Row& row) {
        known = job_of(row);
        same = known->household == order.household && row.text(12) == content;
    });
    if (known) {
        if (same) return *known;
        return std::unexpected(Refusal{Reason::kOrderIdReused,
                                       "This order id was used for another order; nothing was done.", known->id.value});
    }
    std::optional<std::uint32_t> version;
    db.query(sql_of(wanted.part).version, {order.household},
             [&](const Row& row) { version = row.as<std::uint32_t>(0) + 1; });
    if (!version) return no_household();

    set_desired(db, order.household, wanted, *version);
    db.query(
        "UPDATE jobs SET state = 4, last_problem = 'replaced by a later order' "
        "WHERE household_id = $1 AND part = $2 AND state < 3 RETURNING id",
        {order.household, wanted.part},
        [&](const Row& row) { changes.push_back({Change::Kind::kJob, row.integer(0)}); });
    JobRecord job;
    db.query(
        "INSERT INTO jobs (order_id, household_id, part, kind, content, version, state, created_at, operator_name, "
        "reason) "
        "VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9) RETURNING id",
        {order.order_id, order.household, wanted.part, wanted.kind, content, *version, now, order.operator_name,
         order.reason},
        [&](const Row& row) { job.id = row.as<JobId>(0); });
    job.household = order.household;
    job.part = wanted.part;
    job.kind = wanted.kind;
    job.version = *version;
    job.created_at = now;
    job.operator_name = order.operator_name;
    job.reason = order.reason;
    append_audit(db, {0,
                      now,
                      {order.operator_name, order.from},
                      std::string{"household."} + wanted.kind,
                      "household " + std::to_string(order.household.value),
                      "",
                      content,
                      order.reason,
                      ""});
    changes.push_back({Change::Kind::kJob, job.id.value});
    changes.push_back({Change::Kind::kDesired, order.household.value});
    changes.push_back({Change::Kind::kHousehold, order.household.value});
    return job;
}

Answer<JobRecord> read_job(Db& db, JobId id) {
    std::optional<JobRecord> job;
    db.query(PREWATT_JOB_SELECT "WHERE id = $1", {id}, [&](const Row& row) { job = job_of(row); });
    return checked(db, std::move(job), "job");
}

Answer<std::vector<JobRecord>> read_jobs(Db& db, HouseholdId household, int limit) {
    std::vector<JobRecord> jobs;
    db.query(PREWATT_JOB_SELECT "WHERE household_id = $1 ORDER BY id DESC LIMIT $2",
             {household, std::clamp(limit, 1, 10'000)}, [&](const Row& row) { jobs.push_back(job_of(row)); });
    return checked(db, std::move(jobs));
}

Answer<Done> record_sent(Db& db, const Delivery& delivery, UnixTime at, Changes& changes) {
    if (delivery.part == Part::kTicket) {
        const MeterRow meter = find_meter(db, delivery.household);
        if (!meter.found) return no_household();
        db.query(kOpenSalesSent,
                 {delivery.household, delivery.epoch, delivery.version, at, confirmed_in(meter, delivery.epoch)},
                 [&](const Row& row) { changes.push_back({Change::Kind::kSale, row.integer(0)}); });
        return Done{};
    }
    db.query(
        "UPDATE jobs SET attempts = attempts + 1, state = 2 WHERE household_id = $1 AND part = $2 AND version = $3 "
        "AND state < 3 RETURNING id",
        {delivery.household, delivery.part, delivery.version},
        [&](const Row& row) { changes.push_back({Change::Kind::kJob, row.integer(0)}); });
    return Done{};
}

Answer<Done> record_confirmed(Db& db, const Delivery& delivery, const MeterEffect& effect, UnixTime at,
                              Changes& changes) {
    const MeterRow meter = find_meter(db, delivery.household);
    if (!meter.found) return no_household();
    if (at >= meter.effect_at)
        settle_effect(db, delivery.household, meter, effect, at, delivery.part != Part::kTicket, changes);
    if (delivery.part == Part::kTicket) return Done{};
    db.execute(sql_of(delivery.part).reached, {delivery.household, delivery.version});
    db.query(
        "UPDATE jobs SET state = 3, confirmed_at = $4, last_problem = '' WHERE household_id = $1 AND part = $2 "
        "AND version = $3 AND state < 3 RETURNING id",
        {delivery.household, delivery.part, delivery.version, at},
        [&](const Row& row) { changes.push_back({Change::Kind::kJob, row.integer(0)}); });
    return Done{};
}

Answer<Done> record_effect(Db& db, HouseholdId household, const MeterEffect& effect, UnixTime at, Changes& changes) {
    const MeterRow meter = find_meter(db, household);
    if (!meter.found) return no_household();
    if (at >= meter.effect_at) settle_effect(db, household, meter, effect, at, false, changes);
    return Done{};
}

Answer<Done> record_refused(Db& db, const Delivery& delivery, std::string_view problem, bool for_good, UnixTime,
                            Changes& changes) {
    if (delivery.part == Part::kTicket) {
        const MeterRow meter = find_meter(db, delivery.household);
        if (!meter.found) return no_household();
        db.query(kOpenSalesProblem,
                 {delivery.household, delivery.epoch, delivery.version, problem, confirmed_in(meter, delivery.epoch)},
                 [&](const Row& row) { changes.push_back({Change::Kind::kSale, row.integer(0)}); });
        return Done{};
    }
    if (for_good) db.execute(sql_of(delivery.part).reached, {delivery.household, delivery.version});
    db.query(
        "UPDATE jobs SET last_problem = $4, state = CASE WHEN $5 <> 0 THEN 4 ELSE state END WHERE household_id = $1 "
        "AND part = $2 AND version = $3 AND state < 3 RETURNING id",
        {delivery.household, delivery.part, delivery.version, problem, for_good},
        [&](const Row& row) { changes.push_back({Change::Kind::kJob, row.integer(0)}); });
    if (for_good) changes.push_back({Change::Kind::kHousehold, delivery.household.value});
    return Done{};
}

bool apply_reading(Db& db, const Reading& reading, UnixTime runs_since, Changes& changes) {
    const MeterRow meter = find_meter(db, reading.household);
    if (!meter.found) return false;
    if (meter.read_at && reading.at < *meter.read_at) return meter.account.meter_number > meter.lit_number;
    // What remains tells what was used when the meter has the newest ticket and has said so before this reading. A
    // reading is not authenticated, and noise may pass the check sum of the line: only what two in a row show counts,
    // or one damaged character would be taken for a lost memory for ever.
    Credit used = meter.account.used;
    if (meter.account.meter_epoch == meter.account.newest.epoch &&
        meter.account.meter_number == meter.account.newest.number && meter.account.meter_number > 0 &&
        reading.at > meter.effect_at && meter.tells_use(reading, runs_since)) {
        const Credit told = meter.account.newest.credited - std::max(reading.remaining, meter.remaining);
        if (meter.explains(meter.account.meter_epoch, told, reading.forward)) used = std::max(used, told);
    }
    db.execute(
        "UPDATE meters SET read_at = $2, forward_ckwh = $3, remaining_ckwh = $4, state = $5, used_ckwh = $6 "
        "WHERE household_id = $1",
        {reading.household, reading.at, reading.forward, reading.remaining, reading.state.bits, used});
    if (meter.account.meter_number <= meter.lit_number) return false;
    if (!reading.state.has(StateBit::kRelayClosed) || reading.at < meter.effect_at) return true;
    light(db, reading.household, meter.account.meter_epoch, meter.lit_number, meter.account.meter_number, reading.at,
          changes);
    return false;
}

}  // namespace prewatt::server::store

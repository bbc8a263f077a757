#include "server/store/approvals.hpp"

#include <algorithm>

#include "server/store/audit.hpp"
#include "server/store/estate.hpp"
#include "server/store/users.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kSetRules = "approvals.set_rules";

std::int64_t in_minutes(Duration duration) {
    return duration.count() / minutes(1).count();
}

#define PREWATT_APPROVAL_SELECT                                                                                     \
    "SELECT id, kind, action, subject, content, content_hash, asked_by, asked_from, reason, asked_at, expires_at, " \
    "state, decided_by, decided_from, decided_at, outcome FROM approvals "

ApprovalRecord record_of(const Row& row, UnixTime now) {
    ApprovalRecord record;
    record.id = row.as<ApprovalId>(0);
    record.kind = row.as<ActKind>(1);
    record.action = row.as<std::string>(2);
    record.subject = row.as<std::string>(3);
    record.content = row.as<std::string>(4);
    record.content_hash = row.as<std::string>(5);
    record.asked_by = {row.as<std::string>(6), row.as<std::string>(7)};
    record.reason = row.as<std::string>(8);
    record.asked_at = row.as<UnixTime>(9);
    record.expires_at = row.as<UnixTime>(10);
    record.state = row.as<ApprovalState>(11);
    if (record.state == ApprovalState::kWaiting && now >= record.expires_at) record.state = ApprovalState::kExpired;
    record.decided_by = {row.as<std::string>(12), row.as<std::string>(13)};
    record.decided_at = row.as<std::optional<UnixTime>>(14);
    record.outcome = row.as<std::string>(15);
    return record;
}

// What `by` has done to the account of `user` not long ago: an act, and what the account was before.
template <class Visit>
void visit_acts_on_user(Db& db, std::string_view user, std::string_view by, UnixTime now, Visit visit) {
    const UnixTime since{now.ms - kOwnAccountTime.count() / 1000};
    db.query("SELECT action, old_text FROM audit_journal WHERE subject = $1 AND user_name = $2 AND at > $3",
             {"user " + std::string{user}, by, since},
             [&](const Row& row) { visit(row.as<std::string>(0), row.as<std::string>(1)); });
}

// `maker` has made the account of `user`, or set its password too when `password` counts, not long ago.
bool was_made_by(Db& db, std::string_view user, std::string_view maker, bool password, UnixTime now) {
    bool made = false;
    visit_acts_on_user(db, user, maker, now, [&](const std::string& action, const std::string&) {
        made |= action == "user.create" || (password && action == "user.set_password");
    });
    return made;
}

// `asker` has locked `user`, or taken the right from him, not long ago: that one counts as a second person for this
// time, else an owner locks the other out and is an office of one person.
bool was_second_person(Db& db, std::string_view user, std::string_view asker, ActKind kind, UnixTime now) {
    bool was = false;
    visit_acts_on_user(db, user, asker, now, [&](const std::string& action, const std::string& before) {
        const auto role = role_in(before);
        was |= action == "user.change" && role && !before.ends_with("locked") && may_approve(*role, kind);
    });
    return was;
}

bool second_person_exists(Db& db, std::string_view asker, ActKind kind, UnixTime now) {
    const auto users = read_users(db);
    if (!users) return false;
    return std::any_of(users->begin(), users->end(), [&](const UserRecord& user) {
        if (user.user == asker) return false;
        if (user.disabled || !may_approve(user.role, kind)) return was_second_person(db, user.user, asker, kind, now);
        return !was_made_by(db, user.user, asker, false, now);
    });
}

std::string rules_content(const ApprovalRules& rules) {
    return act_content(kSetRules, {{"two_people", std::string{word(rules.two_people)}},
                                   {"refund_max_fen", std::to_string(rules.refund_max.count())},
                                   {"households_max", std::to_string(rules.households_max)},
                                   {"valid_min", std::to_string(in_minutes(rules.valid_for))}});
}
std::string in_words(const ApprovalRules& rules) {
    return "two people " + std::string{word(rules.two_people)} + ", refund to " +
           std::to_string(rules.refund_max.count()) + " fen, " + std::to_string(rules.households_max) +
           " households, valid for " + std::to_string(in_minutes(rules.valid_for)) + " min";
}

void write_rules(Db& db, const ApprovalRules& rules, const Actor& who, const std::string& reason, UnixTime now) {
    const ApprovalRules before = read_approval_rules(db);
    db.execute(
        "INSERT INTO approval_rules (id, two_people, refund_max_fen, households_max, valid_min) VALUES (1, $1, $2, $3, "
        "$4) ON CONFLICT (id) DO UPDATE SET two_people = excluded.two_people, refund_max_fen = "
        "excluded.refund_max_fen, households_max = excluded.households_max, valid_min = excluded.valid_min",
        {rules.two_people, rules.refund_max, rules.households_max, in_minutes(rules.valid_for)});
    append_audit(db, {0, now, who, kSetRules, "site", in_words(before), in_words(rules), reason, ""});
}

Answer<ApprovalRecord> read_request(Db& db, ApprovalId id, UnixTime now) {
    std::optional<ApprovalRecord> record;
    db.query(PREWATT_APPROVAL_SELECT "WHERE id = $1", {id}, [&](const Row& row) { record = record_of(row, now); });
    return checked(db, std::move(record), "request for approval");
}

void decide(Db& db, ApprovalRecord& record, ApprovalState state, const Actor& who, std::string outcome, UnixTime now) {
    record.state = state;
    record.decided_by = who;
    record.decided_at = now;
    record.outcome = std::move(outcome);
    db.execute(
        "UPDATE approvals SET state = $2, decided_by = $3, decided_from = $4, decided_at = $5, outcome = $6 WHERE id = "
        "$1",
        {record.id, state, who.user, who.from, now, record.outcome});
    const char* action = state == ApprovalState::kRefused ? "approval.refuse" : "approval.approve";
    append_audit(db, {0, now, who, action, "approval " + std::to_string(record.id.value), "",
                      std::string{word(state)} + " " + record.content_hash, record.outcome, ""});
}

class ApprovalsOnDb final : public Approvals {
  public:
    explicit ApprovalsOnDb(Engine& engine) : engine_(engine) {
        engine_.acts.offer(kSetRules,
                           [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes&) -> Answer<std::string> {
                               const auto rules = rules_of(asked.content);
                               if (!rules) return std::unexpected(rules.error());
                               write_rules(db, *rules, asked.asked_by, asked.reason, now);
                               return in_words(*rules);
                           });
    }

    Answer<ApprovalRules> rules() override {
        return engine_.pool.ask([](Db& db) { return checked(db, read_approval_rules(db)); });
    }
    void set_rules(ApprovalRules rules, Actor who, std::string reason, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, rules, who = std::move(who), reason = std::move(reason)](Db& db, Changes&) -> Answer<Done> {
                if (auto bad = check_rules(rules)) return std::unexpected(*bad);
                const UnixTime now = engine_.clock();
                const Act act{ActKind::kRules, kSetRules, "site", rules_content(rules), {}, 1};
                if (auto waits = wait_for_second_person(db, act, who, reason, now)) return std::unexpected(*waits);
                write_rules(db, rules, who, reason, now);
                return Done{};
            },
            std::move(done));
    }
    Answer<std::vector<ApprovalRecord>> requests(std::optional<ApprovalState> state, ApprovalId before,
                                                 int limit) override {
        const UnixTime now = engine_.clock();
        return engine_.pool.ask([&](Db& db) {
            // What has expired stands in the table as waiting.
            const bool by_time = state == ApprovalState::kWaiting || state == ApprovalState::kExpired;
            const ApprovalState kept = by_time ? ApprovalState::kWaiting : state.value_or(ApprovalState{0});
            std::vector<ApprovalRecord> records;
            db.query(
                PREWATT_APPROVAL_SELECT
                "WHERE id < $1 AND (state = $2 OR $2 = 0) AND expires_at >= $3 AND expires_at < $4 ORDER BY id "
                "DESC LIMIT $5",
                {before ? before.value : INT64_MAX, kept, state == ApprovalState::kWaiting ? now.ms + 1 : INT64_MIN,
                 state == ApprovalState::kExpired ? now.ms + 1 : INT64_MAX, std::clamp(limit, 1, 10'000)},
                [&](const Row& row) { records.push_back(record_of(row, now)); });
            return checked(db, std::move(records));
        });
    }
    Answer<ApprovalRecord> request(ApprovalId id) override {
        return engine_.pool.ask([&](Db& db) { return read_request(db, id, engine_.clock()); });
    }
    void approve(ApprovalId id, Actor who, WhenDone<ApprovalRecord> done) override {
        engine_.writer.submit<ApprovalRecord>(
            [this, id, who = std::move(who)](Db& db, Changes& changes) -> Answer<ApprovalRecord> {
                const UnixTime now = engine_.clock();
                auto record = read_request(db, id, now);
                if (!record) return record;
                const auto user = find_user(db, who.user);
                if (!user)
                    return std::unexpected(
                        Refusal{Reason::kNoRight, "No user of this office may approve this; nothing was done.", 0});
                const bool own = was_made_by(db, who.user, record->asked_by.user, true, now);
                if (auto bad = check_decision(*record, user->user, own, now)) return std::unexpected(*bad);
                // Whoever asks with the database itself has no account.
                if (const auto asker = find_user(db, record->asked_by.user))
                    if (auto bad = check_asker(*record, asker->user)) return std::unexpected(*bad);
                const Acts::CarryOut* carry_out = engine_.acts.find(record->action);
                if (!carry_out || sha256_hex(record->content) != record->content_hash)
                    return std::unexpected(
                        Refusal{Reason::kBadArgument,
                                carry_out ? "The request is not what was asked for: its content was changed in the "
                                            "database. Nothing was done."
                                          : "This program does not know how to carry this act out; nothing was done.",
                                0});
                record->decided_by = who;
                const Answer<std::string> outcome = (*carry_out)(db, *record, now, changes);
                decide(db, *record, outcome ? ApprovalState::kDone : ApprovalState::kFailed, who,
                       outcome ? *outcome : outcome.error().message, now);
                return std::move(*record);
            },
            std::move(done));
    }
    void refuse(ApprovalId id, Actor who, std::string why, WhenDone<ApprovalRecord> done) override {
        engine_.writer.submit<ApprovalRecord>(
            [this, id, who = std::move(who), why = journal_text(why)](Db& db, Changes&) -> Answer<ApprovalRecord> {
                const UnixTime now = engine_.clock();
                auto record = read_request(db, id, now);
                if (!record) return record;
                const auto user = find_user(db, who.user);
                const bool takes_back = record->asked_by.user == who.user && record->state == ApprovalState::kWaiting;
                if (!user)
                    return std::unexpected(
                        Refusal{Reason::kNoRight, "No user of this office may refuse this; nothing was done.", 0});
                if (!takes_back)
                    if (auto bad = check_decision(*record, user->user, false, now)) return std::unexpected(*bad);
                decide(db, *record, ApprovalState::kRefused, who, why, now);
                return std::move(*record);
            },
            std::move(done));
    }

  private:
    static Answer<ApprovalRules> rules_of(std::string_view content) {
        ApprovalRules rules;
        const auto mode = two_people_of(act_field(content, "two_people").value_or(""));
        const auto refund_max = act_number(content, "refund_max_fen");
        const auto households_max = act_number(content, "households_max");
        const auto valid = act_number(content, "valid_min");
        if (!mode || !refund_max || !households_max || !valid)
            return std::unexpected(Refusal{Reason::kBadArgument, "The content of the act is incomplete.", 0});
        rules = {*mode, fen(*refund_max), *households_max, minutes(*valid)};
        if (auto bad = check_rules(rules)) return std::unexpected(*bad);
        return rules;
    }

    Engine& engine_;
};

}  // namespace

ApprovalRules read_approval_rules(Db& db) {
    ApprovalRules rules;
    db.query("SELECT two_people, refund_max_fen, households_max, valid_min FROM approval_rules WHERE id = 1", {},
             [&](const Row& row) {
                 rules = {row.as<TwoPeople>(0), row.as<Money>(1), row.integer(2), minutes(row.integer(3))};
             });
    return rules;
}

std::optional<Refusal> wait_for_second_person(Db& db, const Act& act, const Actor& who, const std::string& reason,
                                              UnixTime now) {
    const ApprovalRules rules = read_approval_rules(db);
    if (!db.ok()) return refusal_of(*db.failure());
    const bool second = second_person_exists(db, who.user, act.kind, now);
    if (!db.ok()) return refusal_of(*db.failure());
    if (!needs_two(rules, act, second)) return std::nullopt;

    const std::string hash = sha256_hex(act.content);
    ApprovalId id;
    db.query(
        "SELECT id FROM approvals WHERE content_hash = $1 AND asked_by = $2 AND state = 1 AND expires_at > $3 ORDER BY "
        "id LIMIT 1",
        {hash, who.user, now}, [&](const Row& row) { id = row.as<ApprovalId>(0); });
    if (!id) {
        db.query(
            "INSERT INTO approvals (kind, action, subject, content, content_hash, asked_by, asked_from, reason, "
            "asked_at, expires_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) RETURNING id",
            {act.kind, act.action, act.subject, act.content, hash, who.user, who.from, journal_text(reason), now,
             now + rules.valid_for},
            [&](const Row& row) { id = row.as<ApprovalId>(0); });
        append_audit(db, {0, now, who, "approval.ask", "approval " + std::to_string(id.value), "",
                          act.action + " of " + act.subject + " " + hash, reason, ""});
    }
    return Refusal{Reason::kNeedsApproval,
                   "This needs two people: request " + std::to_string(id.value) +
                       " waits until another person approves it; nothing was done yet." +
                       (second ? "" : " There is no second person yet who may approve it."),
                   id.value};
}

bool needs_second_person(Db& db, const Act& act, const Actor& who, UnixTime now) {
    const ApprovalRules rules = read_approval_rules(db);
    return needs_two(rules, act, second_person_exists(db, who.user, act.kind, now));
}

std::optional<Refusal> check_waiting_orders(Db& db, const std::string& order_id, const std::string& order,
                                            UnixTime now) {
    bool taken = false;
    db.query("SELECT content FROM approvals WHERE state = 1 AND expires_at > $1", {now}, [&](const Row& row) {
        const std::string waiting = row.as<std::string>(0);
        taken |= act_field(waiting, "order_id") == order_id && act_field(waiting, "order") != order;
    });
    if (!taken) return std::nullopt;
    return Refusal{Reason::kOrderIdReused, "This order id waits for approval as another order; nothing was done.", 0};
}

std::unique_ptr<Approvals> make_approvals(Engine& engine) {
    return std::make_unique<ApprovalsOnDb>(engine);
}

}  // namespace prewatt::server::store

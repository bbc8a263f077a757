#include "server/store/work_list.hpp"

#include <algorithm>
#include <atomic>

#include "server/store/audit.hpp"
#include "server/store/estate.hpp"
#include "server/store/reconciliation.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_WORK_SELECT                                                                                \
    "SELECT w.id, w.kind, w.household_id, w.box_id, w.subject, w.state, w.size, w.first_at, w.last_at, "   \
    "w.times_seen, w.figures, w.explanation, w.proposals, w.assigned_to, w.resolved_at, w.resolved_by, "   \
    "w.resolution, w.closed_at, COALESCE(r.label, '') FROM work_items w LEFT JOIN households h ON h.id = " \
    "w.household_id LEFT JOIN rooms r ON r.id = h.room_id "

WorkRecord record_of(const Row& row) {
    WorkRecord record;
    record.id = row.as<WorkItemId>(0);
    record.item.kind = row.as<std::string>(1);
    record.item.household = row.as<HouseholdId>(2);
    record.item.box = row.as<BoxId>(3);
    record.item.subject = row.as<std::string>(4);
    record.state = row.as<WorkState>(5);
    record.item.size = row.integer(6);
    record.first_at = row.as<UnixTime>(7);
    record.item.at = row.as<UnixTime>(8);
    record.times_seen = row.integer(9);
    record.item.figures = row.as<std::string>(10);
    record.item.explanation = row.as<std::string>(11);
    for (std::string_view rest = row.text(12); !rest.empty();) {
        const std::size_t end = rest.find('\n');
        record.item.proposals.emplace_back(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    record.assigned_to = row.as<std::string>(13);
    record.resolved_at = row.as<std::optional<UnixTime>>(14);
    record.resolved_by = row.as<std::string>(15);
    record.resolution = row.as<std::string>(16);
    record.closed_at = row.as<std::optional<UnixTime>>(17);
    record.room = row.as<std::string>(18);
    return record;
}

void add_comment(Db& db, WorkItemId item, UnixTime at, std::string_view user, std::string_view text) {
    db.execute("INSERT INTO work_comments (item_id, at, user_name, comment) VALUES ($1, $2, $3, $4)",
               {item, at, user, text});
}

Answer<WorkRecord> read_item(Db& db, WorkItemId id) {
    std::optional<WorkRecord> record;
    db.query(PREWATT_WORK_SELECT "WHERE w.id = $1", {id}, [&](const Row& row) { record = record_of(row); });
    if (record)
        db.query("SELECT at, user_name, comment FROM work_comments WHERE item_id = $1 ORDER BY id", {id},
                 [&](const Row& row) {
                     record->comments.push_back({row.as<UnixTime>(0), row.as<std::string>(1), row.as<std::string>(2)});
                 });
    return checked(db, std::move(record), "item of work");
}

class WorkListOnDb final : public WorkList {
  public:
    explicit WorkListOnDb(Engine& engine) : engine_(engine) {}

    Answer<std::vector<WorkRecord>> items(const WorkFilter& filter) override {
        return engine_.pool.ask([&](Db& db) {
            std::vector<WorkRecord> records;
            db.query(PREWATT_WORK_SELECT
                     "WHERE w.id < $1 AND w.state >= $2 AND w.state <= $3 AND (w.kind = $4 OR $4 = '') AND "
                     "(w.household_id = $5 OR $5 = 0) ORDER BY w.id DESC LIMIT $6",
                     {filter.before ? filter.before.value : INT64_MAX, filter.state.value_or(WorkState::kOpen),
                      filter.state.value_or(WorkState::kExplained), filter.kind, filter.household,
                      std::clamp(filter.limit, 1, 10'000)},
                     [&](const Row& row) { records.push_back(record_of(row)); });
            return checked(db, std::move(records));
        });
    }
    Answer<WorkRecord> item(WorkItemId id) override {
        return engine_.pool.ask([&](Db& db) { return read_item(db, id); });
    }
    void assign(WorkItemId id, std::string to, Actor who, WhenDone<WorkRecord> done) override {
        change(id, "work.assign", std::move(to), std::move(who), std::move(done),
               [](Db& db, WorkRecord& record, const std::string& text, const Actor&, UnixTime) {
                   db.execute("UPDATE work_items SET assigned_to = $2 WHERE id = $1", {record.id, text});
                   return record.assigned_to;
               });
    }
    void comment(WorkItemId id, std::string text, Actor who, WhenDone<WorkRecord> done) override {
        change(id, "work.comment", std::move(text), std::move(who), std::move(done),
               [](Db& db, WorkRecord& record, const std::string& words, const Actor& by, UnixTime now) {
                   add_comment(db, record.id, now, by.user, words);
                   return std::string{};
               });
    }
    void resolve(WorkItemId id, std::string resolution, Actor who, WhenDone<WorkRecord> done) override {
        change(id, "work.resolve", std::move(resolution), std::move(who), std::move(done),
               [](Db& db, WorkRecord& record, const std::string& words, const Actor& by, UnixTime now) {
                   db.execute(
                       "UPDATE work_items SET state = 2, resolved_at = $2, resolved_by = $3, resolution = $4 "
                       "WHERE id = $1 AND state < 3",
                       {record.id, now, by.user, words});
                   return record.resolution;
               });
    }

    void import_statement(StatementOrder order, Actor who, WhenDone<StatementAnswer> done) override {
        engine_.writer.submit<StatementAnswer>(
            [this, order = std::move(order), who = std::move(who)](Db& db, Changes&) {
                return store::import_statement(db, order, who, engine_.clock());
            },
            std::move(done));
    }
    void record_head_readings(std::vector<HeadReading> readings, Actor who, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, readings = std::move(readings), who = std::move(who)](Db& db, Changes&) {
                return store::record_head_readings(db, readings, who, engine_.clock());
            },
            std::move(done));
    }
    void reconcile(WhenDone<ReconcileAnswer> done) override {
        go_on(std::make_shared<ReconcilePass>(), std::move(done));
    }
    void tend(UnixTime now) override {
        if (tending_.exchange(true)) return;
        const auto begun = engine_.pool.ask([](Db& db) { return checked(db, last_pass(db)); });
        if (!begun || now - *begun < kReconcileEvery) {
            tending_ = false;
            return;
        }
        reconcile([this](const Answer<ReconcileAnswer>&) { tending_ = false; });
    }

  private:
    // One piece after the other; each is a change of its own, so that sales go on between them.
    void go_on(std::shared_ptr<ReconcilePass> pass, WhenDone<ReconcileAnswer> done) {
        engine_.writer.submit<bool>(
            [this, pass](Db& db, Changes&) { return reconcile_piece(db, *pass, ReconcileRules{}, engine_.clock()); },
            [this, pass, done = std::move(done)](const Answer<bool>& more) mutable {
                if (more && *more) return go_on(std::move(pass), std::move(done));
                if (!done) return;
                if (more)
                    done(pass->answer);
                else
                    done(std::unexpected(more.error()));
            });
    }
    // `apply` answers what was there before.
    template <class Apply>
    void change(WorkItemId id, const char* action, std::string text, Actor who, WhenDone<WorkRecord> done,
                Apply apply) {
        engine_.writer.submit<WorkRecord>(
            [this, id, action, text = journal_text(text), who = std::move(who), apply](Db& db,
                                                                                       Changes&) -> Answer<WorkRecord> {
                auto record = read_item(db, id);
                if (!record) return record;
                if (record->state == WorkState::kClosed)
                    return std::unexpected(
                        Refusal{Reason::kBadArgument,
                                "The difference is gone and its item is closed; nothing was changed.", 0});
                const UnixTime now = engine_.clock();
                const std::string before = apply(db, *record, text, who, now);
                append_audit(db, {0, now, who, action, "work item " + std::to_string(id.value), before, text, "", ""});
                return read_item(db, id);
            },
            std::move(done));
    }

    Engine& engine_;
    std::atomic<bool> tending_{false};
};

}  // namespace

void raise_work_item(Db& db, const WorkItem& item) {
    std::string proposals;
    for (const std::string& proposal : item.proposals)
        proposals += (proposals.empty() ? "" : "\n") + proposal;
    db.execute(
        "INSERT INTO work_items (difference, kind, household_id, box_id, subject, state, size, first_at, last_at, "
        "times_seen, figures, explanation, proposals) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $7, 1, $8, $9, $10) "
        "ON CONFLICT (difference) WHERE state < 3 DO UPDATE SET last_at = excluded.last_at, times_seen = "
        "work_items.times_seen + 1, state = CASE WHEN work_items.size = excluded.size THEN work_items.state ELSE 1 "
        "END, size = excluded.size, figures = excluded.figures, explanation = excluded.explanation, proposals = "
        "excluded.proposals",
        {difference_of(item), item.kind, item.household, item.box, item.subject, item.size, item.at, item.figures,
         item.explanation, proposals});
}

void close_work_item(Db& db, std::string_view difference, std::string_view how, UnixTime at) {
    WorkItemId id;
    db.query("UPDATE work_items SET state = 3, closed_at = $2 WHERE difference = $1 AND state < 3 RETURNING id",
             {difference, at}, [&](const Row& row) { id = row.as<WorkItemId>(0); });
    if (id) add_comment(db, id, at, "office", how);
}

std::unique_ptr<WorkList> make_work_list(Engine& engine) {
    return std::make_unique<WorkListOnDb>(engine);
}

}  // namespace prewatt::server::store

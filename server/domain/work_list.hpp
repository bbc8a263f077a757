// Differences between ledger, meter and channel that a person has to look at; never mended silently.
//
// An item is open until a person explains it, and stays in the books until the difference itself is gone: only then it
// closes, by itself, and says so. Explained while the difference is still there, it is out of the way until its size
// changes; then it is open again.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

using WorkItemId = Id<struct WorkItemTag>;

// One item of work: what was found, with its figures and what may be done about it. Raised again for the same kind and
// subject while it is not closed, it is brought up to date and not doubled.
struct WorkItem {
    std::string kind;       // "ticket_ahead", "setting_changed_at_meter"
    HouseholdId household;  // 0: of a box or of nothing
    BoxId box;
    UnixTime at;
    std::string figures;
    std::string explanation;
    std::vector<std::string> proposals;
    std::string subject;    // what else tells it from another of its kind: an order id, a building
    std::int64_t size = 0;  // how large the difference is, in the unit of its kind; 0: there is nothing to measure
};
// One text for one difference: the same text is the same difference.
[[nodiscard]] std::string difference_of(const WorkItem& item);

enum class WorkState : std::uint8_t { kOpen = 1, kExplained = 2, kClosed = 3 };
[[nodiscard]] std::string_view word(WorkState state);
[[nodiscard]] std::optional<WorkState> work_state_of(std::string_view word);

struct WorkComment {
    UnixTime at;
    std::string user;
    std::string text;
};
struct WorkRecord {
    WorkItemId id;
    WorkItem item;  // `at`: when it was seen last
    WorkState state = WorkState::kOpen;
    std::string room;   // of the household; empty: none
    UnixTime first_at;  // since then the difference is known
    std::int64_t times_seen = 0;
    std::string assigned_to;
    std::optional<UnixTime> resolved_at;
    std::string resolved_by;
    std::string resolution;
    std::optional<UnixTime> closed_at;
    std::vector<WorkComment> comments;  // of one item only; lists leave them out
};
struct WorkFilter {
    std::optional<WorkState> state;  // none: all that are not closed
    std::string kind;                // empty: all
    HouseholdId household;           // 0: all
    WorkItemId before;               // numbers below this; 0: from the newest
    int limit = 100;
};

// A channel's own account of what went through it (docs/formats/statement.md).
struct StatementOrder {
    Channel channel = Channel::kTransfer;
    UnixTime from;  // the statement tells all that went through the channel in from <= at < to
    UnixTime to;
    std::string csv;
};
struct StatementAnswer {
    std::int64_t lines = 0;
    std::int64_t new_lines = 0;  // 0: the same file again, nothing was changed
};
// What a meter that feeds a whole building showed.
struct HeadReading {
    BuildingId building;
    UnixTime at;
    Energy forward;
};
struct ReconcileAnswer {
    std::int64_t households = 0;
    std::int64_t statement_lines = 0;
    std::int64_t building_days = 0;
    std::int64_t open_items = 0;  // of all kinds, when it ended
};

class WorkList {
  public:
    virtual ~WorkList() = default;

    // --- Reconciliation of ledger, meters and statements (three_truths.hpp)
    virtual void import_statement(StatementOrder order, Actor who, WhenDone<StatementAnswer> done) = 0;
    // The same building and time again: the later one counts; both stand in the journal.
    virtual void record_head_readings(std::vector<HeadReading> readings, Actor who, WhenDone<Done> done) = 0;
    // Everything once, in pieces between which others get their turn; `done` after the last.
    virtual void reconcile(WhenDone<ReconcileAnswer> done) = 0;
    // Called every so often: begins a pass when one is due (once a day). Never waits.
    virtual void tend(UnixTime now) = 0;

    // Newest first.
    [[nodiscard]] virtual Answer<std::vector<WorkRecord>> items(const WorkFilter& filter) = 0;
    [[nodiscard]] virtual Answer<WorkRecord> item(WorkItemId id) = 0;
    virtual void assign(WorkItemId id, std::string to, Actor who, WhenDone<WorkRecord> done) = 0;
    virtual void comment(WorkItemId id, std::string text, Actor who, WhenDone<WorkRecord> done) = 0;
    // A person says what it was and what was done. The item closes when the difference is gone.
    virtual void resolve(WorkItemId id, std::string resolution, Actor who, WhenDone<WorkRecord> done) = 0;
};

}  // namespace prewatt::server

#include "server/store/restored.hpp"

#include <algorithm>

#include "server/domain/cards.hpp"
#include "server/domain/office_calendar.hpp"
#include "server/store/audit.hpp"
#include "server/store/estate.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

// More cards than a household is given between a backup and its return; the last number stays for one more.
constexpr int kIssuesSkipped = 4;

WorkItem item_of_restore() {
    WorkItem item;
    item.kind = "books_restored";
    return item;
}

// Households that a line reaches ($2: that no line does) and that have not been read since $1.
#define PREWATT_UNREAD                                                                                          \
    "FROM households h JOIN meters m ON m.household_id = h.id JOIN boxes x ON x.id = h.box_id JOIN lines l ON " \
    "l.id = x.line_id WHERE h.closed = 0 AND l.url <> $2 AND m.judged_at < $1"

// When they were, as long as the item is in a state up to this one. "state < 3" is what its index is by.
std::optional<UnixTime> restored_at(Db& db, WorkState upto) {
    std::optional<UnixTime> at;
    db.query("SELECT first_at FROM work_items WHERE difference = $1 AND state <= $2 AND state < 3",
             {difference_of(item_of_restore()), upto}, [&](const Row& row) { at = row.as<UnixTime>(0); });
    return at;
}

void raise(Db& db, UnixTime since, UnixTime at) {
    std::int64_t unread = 0;
    db.query("SELECT COUNT(*) " PREWATT_UNREAD, {since, kCardLine}, [&](const Row& row) { unread = row.integer(0); });
    if (unread == 0) return;
    WorkItem item = item_of_restore();
    item.at = at;
    item.figures =
        "restored: " + text_of(since) + "; rooms whose meters have not been read since: " + std::to_string(unread);
    item.explanation =
        "These books came back from a backup. What was sold after it is in the meters and not in the books. A meter "
        "that knows more is asked about when it is read; until then nothing is written onto a card of its room, for a "
        "ticket of these books could replace one that they do not know.";
    item.proposals = {"Wait until the meters have been read: a line reads each of its accounts within the hour.",
                      "Where a line is out of order, compare the receipts since the backup, then explain this item: "
                      "cards are written again at once, and this is answered for by whoever explains it."};
    raise_work_item(db, item);
}

}  // namespace

void mark_restored(Db& db, UnixTime now) {
    db.execute("UPDATE households SET card_issue = card_issue + $1 WHERE card_issue + $1 < $2",
               {kIssuesSkipped, kCardIssueMax});
    close_work_item(db, difference_of(item_of_restore()), "The books were restored again.", now);
    append_audit(db, {"office", "restore"},
                 {"books.restore", "books", "", "cards are numbered " + std::to_string(kIssuesSkipped) + " higher"},
                 "a backup was restored", now);
    // Whatever the clock says: what these books know of the meters is from before.
    db.query("SELECT MAX(judged_at) FROM meters", {},
             [&](const Row& row) { now = std::max(now, UnixTime{row.as<UnixTime>(0).ms + 1}); });
    raise(db, now, now);
}

bool is_unread_since_restore(Db& db, HouseholdId household) {
    const auto since = restored_at(db, WorkState::kOpen);
    return since &&
           db.query("SELECT 1 " PREWATT_UNREAD " AND h.id = $3", {*since, kCardLine, household}, [](const Row&) {}) > 0;
}

void check_restored(Db& db, UnixTime at) {
    if (const auto since = restored_at(db, WorkState::kExplained)) raise(db, *since, at);
}

}  // namespace prewatt::server::store

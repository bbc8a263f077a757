// The office as everybody else sees it: estate, money, desired state, readings, users. It decides nothing of its own
// (decisions are in sale.hpp and its neighbours); an implementation keeps what was decided (server/store).
//
// Threads. Any function may be called from any thread. Questions answer at once from a consistent state that holds
// everything that was reported as done. Changes return at once; `done` is called exactly once, on a thread of the
// office, AFTER the change is on disk, or with the refusal when nothing was changed; it must not block and not call the
// destructor. Many changes share one transaction; each is checked and applied alone, in the order in which they came.
//
// Errors. Every refusal is a value (Reason). kStorageFull and kStorageFailed: nothing half done; questions go on, and
// the next change is tried anew. Questions refuse with kNotFound or kStorageFailed only.
//
// Observers hear of changes after they are on disk, on the office's writing thread, in order; they keep it short.
#pragma once
#include <functional>
#include <span>

#include "server/domain/accounts.hpp"
#include "server/domain/approvals.hpp"
#include "server/domain/archive.hpp"
#include "server/domain/audit.hpp"
#include "server/domain/campaigns.hpp"
#include "server/domain/cards.hpp"
#include "server/domain/reconcile.hpp"
#include "server/domain/ticket_answer.hpp"
#include "server/domain/types.hpp"
#include "server/domain/users.hpp"
#include "server/domain/warrants.hpp"
#include "server/domain/work_list.hpp"

namespace prewatt::server {

// What has changed; ask for it by its number. kDesired: a line master has something to do for this household.
// kSettings: something in the settings that are desired of a box. kHousehold: anything in HouseholdRecord; kBox:
// anything in BoxRecord; kSite: estate or price.
struct Change {
    enum class Kind : std::uint8_t { kSale, kHousehold, kDesired, kJob, kBox, kSite, kSettings, kCampaign } kind;
    std::int64_t id = 0;
    friend constexpr bool operator==(Change, Change) = default;
};

class OfficeObserver {
  public:
    virtual void on_changes(std::span<const Change> changes) = 0;

  protected:
    ~OfficeObserver() = default;
};

class Office {
  public:
    virtual ~Office() = default;

    // Not owned; outlives its registration. remove_observer returns when no call to it is under way.
    virtual void add_observer(OfficeObserver& observer) = 0;
    virtual void remove_observer(OfficeObserver& observer) = 0;

    // --- Parts, each a subject of its own; they live as long as the office.
    [[nodiscard]] virtual Accounts& accounts() = 0;
    [[nodiscard]] virtual Campaigns& campaigns() = 0;
    [[nodiscard]] virtual Archive& archive() = 0;
    [[nodiscard]] virtual Audit& audit() = 0;
    [[nodiscard]] virtual Approvals& approvals() = 0;
    [[nodiscard]] virtual WorkList& work_list() = 0;
    [[nodiscard]] virtual Cards& cards() = 0;
    [[nodiscard]] virtual Warrants& warrants() = 0;

    // --- Questions
    [[nodiscard]] virtual Answer<SiteRecord> site() = 0;
    [[nodiscard]] virtual Answer<HouseholdRecord> household(HouseholdId id) = 0;
    // Best first: exact room, room that begins so, resident, box number. "30512", "3-0512", "3-512" and "0512" all find
    // room 3-0512. Empty text: all, by building and room. limit 1..10000.
    [[nodiscard]] virtual Answer<std::vector<HouseholdRecord>> find_households(std::string_view text, int limit) = 0;
    [[nodiscard]] virtual Answer<BoxRecord> box(std::uint64_t number) = 0;
    [[nodiscard]] virtual Answer<BoxRecord> box(BoxId id) = 0;
    // The households that are bound to the box, by their number in it.
    [[nodiscard]] virtual Answer<std::vector<HouseholdRecord>> households_of_box(BoxId id) = 0;

    [[nodiscard]] virtual Answer<SaleRecord> sale(SaleId id) = 0;
    [[nodiscard]] virtual Answer<SaleRecord> sale_by_order(std::string_view order_id) = 0;
    // Newest first; before = 0: from the newest. household = 0: all.
    [[nodiscard]] virtual Answer<std::vector<SaleRecord>> sales(HouseholdId household, SaleId before, int limit) = 0;
    // Newest first; before = 0: from the newest entry number.
    [[nodiscard]] virtual Answer<std::vector<LedgerEntry>> entries(HouseholdId household, std::int64_t before,
                                                                   int limit) = 0;
    // from <= at < to, oldest first. kHour, kDay (of the office): the last reading of each.
    [[nodiscard]] virtual Answer<std::vector<Reading>> readings(HouseholdId household, UnixTime from, UnixTime to,
                                                                Step step) = 0;
    [[nodiscard]] virtual Answer<JobRecord> job(JobId id) = 0;
    [[nodiscard]] virtual Answer<std::vector<JobRecord>> jobs(HouseholdId household, int limit) = 0;  // newest first

    // --- Money
    virtual void sell(SaleOrder order, WhenDone<SaleAnswer> done) = 0;
    virtual void set_price(UnitPrice price, Actor who, std::string reason, WhenDone<Done> done) = 0;

    // --- Desired state. A later order of the same part replaces an open earlier one, whose job then fails as replaced.
    virtual void set_remote_hold(JobOrder order, bool off, WhenDone<JobRecord> done) = 0;
    // minutes 1..1440 from now, 0: end it. Overrules every hold except kSupply and kNotOpened.
    virtual void set_force(JobOrder order, int minutes, WhenDone<JobRecord> done) = 0;
    virtual void acknowledge(JobOrder order, WhenDone<JobRecord> done) = 0;
    // 0 switches an alarm off; each 0..999,999.99 kWh.
    virtual void set_alarms(JobOrder order, AlarmLevels levels, WhenDone<JobRecord> done) = 0;
    // The tries and lock-outs of both guards of the household are forgotten.
    virtual void reset_lockout(JobOrder order, WhenDone<JobRecord> done) = 0;
    // Registers and account of the household at its meter go to nothing (product.md M18): its account ends there, and
    // no ticket goes until a new one is opened. Whoever calls it has made sure that two people want it.
    virtual void clear_household(JobOrder order, WhenDone<JobRecord> done) = 0;
    // What the office asks a person about accounts that cannot go on by themselves (reconcile.hpp); oldest first.
    [[nodiscard]] virtual Answer<std::vector<TicketQuestion>> ticket_questions() = 0;
    // Which total counts from now on (ticket_answer.hpp); an act of two people. kNotFound: nothing is asked about this
    // household (any more). The same order id with the same content answers what was booked then.
    virtual void answer_ticket_question(TicketAnswerOrder order, WhenDone<BookingsAnswer> done) = 0;

    // --- Users and sessions
    [[nodiscard]] virtual Answer<std::vector<UserRecord>> users() = 0;
    virtual void create_user(UserRecord user, std::string password, Actor who, WhenDone<UserRecord> done) = 0;
    // Name, role, locked or not (users.hpp); locking ends the user's sessions.
    virtual void change_user(UserChange change, Actor who, WhenDone<UserRecord> done) = 0;
    // Ends its sessions.
    virtual void set_password(UserId user, std::string password, Actor who, WhenDone<Done> done) = 0;
    // `from`: the address that asks, for the journal.
    virtual void sign_in(std::string user, std::string password, std::string from, WhenDone<Session> done) = 0;
    virtual void sign_out(std::string token, std::string from, WhenDone<Done> done) = 0;
    // Who this token is; kSignInRefused when it is unknown or was idle for kSessionIdleMax. Use keeps it alive.
    [[nodiscard]] virtual Answer<UserRecord> session(std::string_view token) = 0;

    // --- For line masters
    [[nodiscard]] virtual Answer<std::vector<LineRecord>> lines() = 0;
    [[nodiscard]] virtual Answer<std::vector<BoxRecord>> boxes_of_line(LineId line) = 0;
    [[nodiscard]] virtual Answer<DesiredState> desired(HouseholdId household) = 0;
    [[nodiscard]] virtual Answer<std::vector<DesiredState>> desired_of_box(BoxId box) = 0;
    [[nodiscard]] virtual Answer<std::vector<DesiredState>> desired_of_line(LineId line) = 0;

    // The next `count` (1..10000) command counters of the box are the caller's: the answer is the first of them.
    // Durable before `done`; counters that are not used are lost, which is harmless. Blocks of 16 to 64 keep commits
    // rare.
    virtual void reserve_counters(BoxId box, std::uint32_t count, WhenDone<std::uint32_t> done) = 0;
    // The box says that it has accepted `last_counter` (this database was restored from an old backup): never below it
    // again.
    virtual void raise_counter(BoxId box, std::uint32_t last_counter, WhenDone<Done> done) = 0;

    // A sweep's worth at once. Also completes sales: `lit` when a confirmed sale's relay is seen closed.
    virtual void record_readings(std::vector<Reading> readings, WhenDone<Done> done) = 0;
    // Kept in memory only.
    virtual void record_powers(std::vector<PowerReading> powers) = 0;
    virtual void record_box_seen(BoxSeen seen, WhenDone<Done> done) = 0;
    // It went out on the line (each attempt).
    virtual void record_sent(Delivery delivery, UnixTime at, WhenDone<Done> done) = 0;
    // The meter's authenticated answer to it. A ticket counts as confirmed by what the effect shows, whichever command
    // it answers.
    virtual void record_confirmed(Delivery delivery, MeterEffect effect, UnixTime at, WhenDone<Done> done) = 0;
    // What the meter showed without having been asked for a change (item EC000200): confirms tickets alike, and a
    // ticket that the meter no longer has is open again.
    virtual void record_effect(HouseholdId household, MeterEffect effect, UnixTime at, WhenDone<Done> done) = 0;
    // It did not come through. for_good: the job has failed and is not to be tried again (a ticket always stays open).
    virtual void record_refused(Delivery delivery, std::string problem, bool for_good, UnixTime at,
                                WhenDone<Done> done) = 0;
};

}  // namespace prewatt::server

// What changes an account besides a sale: grants, refunds and their payout, corrections, settlement at check-out,
// room change, change of box, closing; price plans; cash drawers; payers. Decisions are pure and stand beside it
// (account_rules.hpp, booking.hpp, price_plan.hpp); an implementation keeps them (server/store).
//
// Every change carries an order id from whoever asks: the same id with the same content answers what was done then
// (`repeated`), with other content it is refused with kOrderIdReused. Nothing that was booked is ever changed; what was
// wrong is corrected by a later booking. Threads, errors and `done`: as for Office (office.hpp).
#pragma once
#include <vector>

#include "server/domain/account_rules.hpp"

namespace prewatt::server {

// Who asks, with which id, and why.
struct MoneyOrder {
    std::string order_id;
    Actor who;
    std::string reason;
};
struct BookingsAnswer {
    std::vector<Booking> bookings;
    bool repeated = false;
};

struct RefundOrder {
    MoneyOrder order;
    BookingId sale;               // a sale, or what came along from another room
    std::optional<Money> amount;  // nothing: all that is left of it
};
// Another household or amount: what the sale should have been is sold in the same order, both or neither.
struct CorrectionOrder {
    MoneyOrder order;
    BookingId sale;
    HouseholdId right_household;  // 0: nothing is sold instead, unless an amount is named
    std::optional<Money> right_amount;
};
// What a refund, correction or settlement would do now: decided as it would be, nothing of it is kept.
struct AccountChange {
    HouseholdId household;
    Account before;
    Account after;
};
struct MoneyPreview {
    std::vector<Booking> bookings;        // as they would be kept, without their numbers
    std::vector<Share> pays;              // to whom, through which channel, when the meter has confirmed it
    std::vector<AccountChange> accounts;  // that it changes
    bool needs_two = false;               // for whoever asks
};
struct MoveOrder {
    MoneyOrder order;
    HouseholdId from;
    HouseholdId to;
};
struct BoxOrder {
    MoneyOrder order;
    HouseholdId household;
    std::uint64_t box_number = 0;
    std::uint8_t number = 0;  // in the box
};

// --- Money that moves without a ticket

enum class MovementKind : std::uint8_t { kPayout = 1, kDrawerOpened = 2, kDrawerCounted = 3, kDrawerEmptied = 4 };
[[nodiscard]] std::string_view word(MovementKind kind);  // "payout", "drawer_opened", ...
// One entry of the ledger by itself: `amount` from one account to the other. Immutable, chained like bookings.
struct Movement {
    std::int64_t id = 0;
    MovementKind kind = MovementKind::kPayout;
    std::string order_id;
    LedgerAccount from = LedgerAccount::kRefundsDue;
    LedgerAccount to = LedgerAccount::kCash;
    Money amount;  // 0: it was counted and agreed
    DrawerId drawer;
    BookingId booking;  // payout: of this refund, settlement; drawer: the newest booking that was in it
    int part = 0;       // payout: of its dues
    std::int64_t counted_fen = 0;
    std::string operator_name;
    std::string reason;
    UnixTime at;
    std::string chain;
};
struct MovementsAnswer {
    std::vector<Movement> movements;
    std::vector<Booking> bookings;  // what was given back before a payout
    bool repeated = false;
};
void canonical(const Movement& movement, std::string& text);

// One part of what is owed for a refund or settlement.
struct DueRecord {
    BookingId booking;
    int part = 0;
    HouseholdId household;
    Share share;             // as it was ordered
    Money to_pay;            // after what was given back
    bool confirmed = false;  // the meter has shown the ticket that took it out: it can be paid
    bool paid = false;
};
struct PayoutOrder {
    MoneyOrder order;
    BookingId booking;
    int part = 0;
    DrawerId drawer;  // cash
};

// --- Drawers

struct DrawerRecord {
    DrawerId id;
    std::string name;
    bool open = false;
    std::string operator_name;  // who opened it
    Money expected;             // what the books say is in it
};
struct DrawerOrder {
    MoneyOrder order;
    DrawerId drawer;
    Money counted;  // opened: put into it from the safe; counted, emptied: what is in it
};

// --- People

struct ResidentRecord {
    ResidentId id;
    HouseholdId household;
    std::string name;
    std::string phone;
    UnixTime from;
    std::optional<UnixTime> to;  // nothing: lives there
};
struct PayerSum {
    ResidentId payer;
    std::string name;  // empty: nobody was named
    Channel channel = Channel::kNone;
    Money paid;       // in this account, less refunds and fees
    Money fair_part;  // of what a settlement now would pay
};
struct AccountRecord {
    HouseholdId household;
    Account account;
    std::int64_t price_group = 0;
    bool confirmed = false;
    Money worth;  // of what remains and was paid: what a settlement now would pay
    std::vector<PayerSum> payers;
};

// --- Plans and quotas

struct PlanPreview {
    PlanId plan;  // 0: the one price
    PricePlan content;
    std::int64_t position_ckwh = 0;
    AccountUnit unit = AccountUnit::kEnergy;
    Priced priced;
};
enum class QuotaPer : std::uint8_t { kRoom = 1, kResident = 2 };
// Free base quota of a month for the households of a price group. The newest rule of the group holds; none of the
// group: of group 0; quota 0: none.
struct QuotaRule {
    std::int64_t group = 0;
    QuotaPer per = QuotaPer::kRoom;
    Credit quota;  // of an account in energy
    Credit quota_money;
};
struct QuotaRun {
    int granted = 0;
    int had_it = 0;   // this month already
    int without = 0;  // no open account, no quota, nobody lives there
    int refused = 0;
};

class Accounts {
  public:
    virtual ~Accounts() = default;

    // --- Questions
    [[nodiscard]] virtual Answer<Booking> booking(BookingId id) = 0;
    // Newest first; before = 0: from the newest. household = 0: all.
    [[nodiscard]] virtual Answer<std::vector<Booking>> bookings(HouseholdId household, BookingId before, int limit) = 0;
    [[nodiscard]] virtual Answer<AccountRecord> account(HouseholdId household) = 0;
    // Unpaid ones; household = 0: all.
    [[nodiscard]] virtual Answer<std::vector<DueRecord>> dues(HouseholdId household) = 0;
    [[nodiscard]] virtual Answer<std::vector<DueRecord>> dues_of(BookingId booking) = 0;
    [[nodiscard]] virtual Answer<std::vector<ResidentRecord>> residents(HouseholdId household) = 0;
    [[nodiscard]] virtual Answer<std::vector<DrawerRecord>> drawers() = 0;
    [[nodiscard]] virtual Answer<std::vector<Movement>> movements(DrawerId drawer, std::int64_t before, int limit) = 0;
    [[nodiscard]] virtual Answer<std::vector<PlanVersion>> plans() = 0;
    // What `amount` would give now, and why.
    [[nodiscard]] virtual Answer<PlanPreview> preview(HouseholdId household, Money amount) = 0;
    [[nodiscard]] virtual Answer<std::vector<QuotaRule>> quota_rules() = 0;
    // The refusals are those of the change. Of `order` only who asks counts. Asked of the writing thread, so that the
    // newest reading counts as it does for the change.
    virtual void preview_refund(RefundOrder order, WhenDone<MoneyPreview> done) = 0;
    virtual void preview_correction(CorrectionOrder order, WhenDone<MoneyPreview> done) = 0;
    virtual void preview_settlement(MoneyOrder order, HouseholdId household, WhenDone<MoneyPreview> done) = 0;

    // --- Changes
    // A refund, correction or settlement that gives out more than one person may (ApprovalRules::refund_max) is
    // answered with kNeedsApproval: it waits for a second person and is carried out when that one approves, once. Asked
    // again with the same order id meanwhile: the same request; afterwards: what was done.
    virtual void grant(MoneyOrder order, HouseholdId household, Credit amount, WhenDone<BookingsAnswer> done) = 0;
    virtual void refund(RefundOrder order, WhenDone<BookingsAnswer> done) = 0;
    virtual void pay_out(PayoutOrder order, WhenDone<MovementsAnswer> done) = 0;
    virtual void correct(CorrectionOrder order, WhenDone<BookingsAnswer> done) = 0;
    virtual void settle(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) = 0;
    virtual void open(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) = 0;
    virtual void move(MoveOrder order, WhenDone<BookingsAnswer> done) = 0;
    // Binds the household to another place; its account goes on there with what was known to remain. All that was
    // known of the old meter is forgotten; all settings are wanted anew.
    virtual void change_box(BoxOrder order, WhenDone<BookingsAnswer> done) = 0;
    // The meter lost its memory: the account goes on in a new epoch with what was last known to remain.
    virtual void reopen(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) = 0;
    // What refunds, settlements and moves took out and the meters no longer had when they confirmed is given back; how
    // many there were. Called now and then; pay_out does it for its own booking.
    virtual void give_back(Actor who, WhenDone<int> done) = 0;

    virtual void add_resident(MoneyOrder order, ResidentRecord resident, WhenDone<ResidentRecord> done) = 0;
    virtual void end_stay(Actor who, ResidentId resident, WhenDone<ResidentRecord> done) = 0;

    virtual void add_drawer(Actor who, std::string name, WhenDone<DrawerRecord> done) = 0;
    virtual void open_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) = 0;
    virtual void count_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) = 0;
    // Counts it, books the difference, carries all of it into the safe and closes the drawer.
    virtual void empty_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) = 0;
    // Prices: a plan, and which plan holds for a household, are answered with kNeedsApproval as a refund is.
    virtual void add_plan(MoneyOrder order, PlanVersion plan, WhenDone<PlanVersion> done) = 0;
    virtual void set_price_group(Actor who, HouseholdId household, std::int64_t group, std::string reason,
                                 WhenDone<Done> done) = 0;
    // The rule that holds already is not written again.
    virtual void set_quota_rule(Actor who, QuotaRule rule, std::string reason, WhenDone<Done> done) = 0;
    // The free quota of the month of `now` for all open accounts, each at most once a month however often this is
    // called. Some households at a time, so that sales go on meanwhile.
    virtual void run_quotas(Actor who, WhenDone<QuotaRun> done) = 0;
};

}  // namespace prewatt::server

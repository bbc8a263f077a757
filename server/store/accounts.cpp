#include "server/store/accounts.hpp"

#include <algorithm>

#include "server/domain/approvals.hpp"
#include "server/domain/orders.hpp"
#include "server/domain/refuse.hpp"
#include "server/store/account_people.hpp"
#include "server/store/approvals.hpp"
#include "server/store/audit.hpp"
#include "server/store/bookings.hpp"
#include "server/store/estate.hpp"
#include "server/store/movements.hpp"
#include "server/store/reading_log.hpp"
#include "server/store/sales.hpp"

namespace prewatt::server::store {
namespace {

constexpr int kQuotaHouseholdsAtOnce = 64;
constexpr std::size_t kReasonSizeMax = 500;

std::unexpected<Refusal> no_household() {
    return refuse(Reason::kNotFound, "There is no such household; nothing was done.");
}

DecisionMaker maker_of(const MoneyOrder& order, UnixTime now) {
    return {order.order_id, order.who.user, order.reason, now};
}

// --- Orders that were executed before

struct KnownOrder {
    std::string content;
    std::int64_t first_booking = 0;
    std::int64_t last_booking = 0;
    std::int64_t first_movement = 0;
    std::int64_t last_movement = 0;
};
// The refusal of a malformed order, or of an id that was used for something else; else the order as it was executed,
// when it was.
Answer<std::optional<KnownOrder>> find_order(Db& db, const MoneyOrder& order, const std::string& content) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(std::move(*bad));
    if (order.reason.size() > kReasonSizeMax)
        return refuse(Reason::kBadArgument, "A reason has up to 500 bytes; nothing was done.", kReasonSizeMax);
    std::optional<KnownOrder> known;
    bool sold = false;
    db.query(
        "SELECT content, first_booking, last_booking, first_movement, last_movement FROM money_orders WHERE order_id = "
        "$1",
        {order.order_id}, [&](const Row& row) {
            known = KnownOrder{row.as<std::string>(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
        });
    if (!known)
        db.query("SELECT id FROM bookings WHERE order_id = $1", {order.order_id}, [&](const Row&) { sold = true; });
    if (sold || (known && known->content != content))
        return refuse(Reason::kOrderIdReused, "This order id was used for another order; nothing was done.");
    return known;
}
std::vector<Booking> bookings_between(Db& db, std::int64_t first, std::int64_t last) {
    std::vector<Booking> bookings;
    if (first > 0)
        db.query("SELECT " PREWATT_BOOKING_COLUMNS " FROM bookings s WHERE s.id >= $1 AND s.id <= $2 ORDER BY s.id",
                 {first, last}, [&](const Row& row) { bookings.push_back(booking_of(row)); });
    return bookings;
}
std::vector<Movement> movements_between(Db& db, std::int64_t first, std::int64_t last) {
    std::vector<Movement> movements;
    if (first > 0)
        db.query("SELECT " PREWATT_MOVEMENT_COLUMNS " FROM movements v WHERE v.id >= $1 AND v.id <= $2 ORDER BY v.id",
                 {first, last}, [&](const Row& row) { movements.push_back(movement_of(row)); });
    return movements;
}
void keep_order(Db& db, const std::string& order_id, const std::string& content, const std::vector<Booking>& bookings,
                const std::vector<Movement>& movements) {
    const std::int64_t none = 0;
    db.execute(
        "INSERT INTO money_orders (order_id, content, first_booking, last_booking, first_movement, last_movement) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        {order_id, content, bookings.empty() ? none : bookings.front().id.value,
         bookings.empty() ? none : bookings.back().id.value, movements.empty() ? none : movements.front().id,
         movements.empty() ? none : movements.back().id});
}
std::string in_words(const Booking& b) {
    return std::string{word(b.kind)} + " " + std::to_string(b.id.value) + ": " + std::to_string(b.amount.count()) +
           " fen, " + std::to_string(in_hundredths(b.given, Round::kDown)) +
           (b.ticket.unit == AccountUnit::kEnergy ? " ckwh" : " fen of credit") + ", ticket " +
           std::to_string(b.ticket.epoch) + "/" + std::to_string(b.ticket.number);
}

// A shortage of it is given back when the meter has shown it.
bool takes_out(BookingKind kind) {
    return kind == BookingKind::kRefund || kind == BookingKind::kSettlement || kind == BookingKind::kMoveOut;
}

// Keeps what was decided: numbers, links, entries, dues, whether the account is open.
void keep(Db& db, AccountDecision& decision, Changes& changes) {
    LastBooking last = last_booking(db);
    for (Booking& booking : decision.bookings) {
        const BookingKind kind = booking.kind;
        if (kind == BookingKind::kMoveIn || kind == BookingKind::kCarryIn)
            booking.refers = decision.bookings.front().id;
        insert_booking(db, last, booking);
        if (kind == BookingKind::kSettlement || kind == BookingKind::kMoveOut)
            db.execute("UPDATE households SET closed = 1 WHERE id = $1", {booking.household});
        if (kind == BookingKind::kOpening || kind == BookingKind::kMoveIn)
            db.execute("UPDATE households SET closed = 0 WHERE id = $1", {booking.household});
        if (takes_out(kind)) db.execute("INSERT INTO unsettled_refunds (booking_id) VALUES ($1)", {booking.id});
        if (kind == BookingKind::kSale) changes.push_back({Change::Kind::kSale, booking.id.value});
        if (kind == BookingKind::kCorrection) changes.push_back({Change::Kind::kSale, booking.corrects.value});
        changes.push_back({Change::Kind::kDesired, booking.household.value});
        changes.push_back({Change::Kind::kHousehold, booking.household.value});
    }
    for (const Due& due : decision.dues) {
        const BookingId booking = decision.bookings[due.booking].id;
        db.execute("INSERT INTO dues (booking_id, part, payer_id, channel, amount_fen) VALUES ($1, $2, $3, $4, $5)",
                   {booking, due.part, due.share.payer, due.share.channel, due.share.amount});
        db.execute("INSERT INTO unpaid_dues (booking_id, part) VALUES ($1, $2)", {booking, due.part});
    }
}

// The frame of every change of an account: answered when it was done before, else decided, kept, written down.
template <class Decide>
Answer<BookingsAnswer> carry_out(Db& db, const MoneyOrder& order, const std::string& content, const char* action,
                                 UnixTime now, Changes& changes, Decide decide) {
    auto known = find_order(db, order, content);
    if (!known) return std::unexpected(std::move(known.error()));
    if (*known) return BookingsAnswer{bookings_between(db, (*known)->first_booking, (*known)->last_booking), true};
    Answer<AccountDecision> decision = decide();
    if (!decision) return std::unexpected(std::move(decision.error()));

    // From here on it succeeds.
    keep(db, *decision, changes);
    keep_order(db, order.order_id, content, decision->bookings, {});
    std::string after;
    for (const Booking& booking : decision->bookings)
        after += (after.empty() ? "" : "; ") + in_words(booking);
    append_audit(
        db, order.who,
        {action, "household " + std::to_string(decision->bookings.front().household.value), "", std::move(after)},
        order.reason, now);
    return BookingsAnswer{std::move(decision->bookings), false};
}

// --- Two people

constexpr const char* kRefund = "sale.refund";
constexpr const char* kCorrect = "sale.correct";
constexpr const char* kSettle = "household.settle";
constexpr Duration kGivenOutTogether = minutes(24 * 60);

// Refunds, settlements and corrections of a household count together for a day, or a large one is made of small ones.
Money given_out(Db& db, HouseholdId household, UnixTime now) {
    Money sum;
    db.query(
        "SELECT COALESCE(SUM(-amount_fen), 0) FROM bookings WHERE household_id = $1 AND kind <> 1 AND kind IN (3, 5, "
        "6) AND amount_fen < 0 AND booked_at > $2",
        {household, UnixTime{now.ms - kGivenOutTogether.count() / 1000}},
        [&](const Row& row) { sum = row.as<Money>(0); });
    return sum;
}
std::string in_yuan(Money amount) {
    const std::string cents = std::to_string(amount.count() % 100);
    return std::to_string(amount.count() / 100) + (cents.size() < 2 ? ".0" : ".") + cents + " yuan";
}
// A correction gives out the whole sale, whatever is sold instead.
Money given_by(const AccountDecision& decision) {
    return Money{0} - decision.bookings[0].amount;
}
// The refusal when the order has to wait for a second person. `content` is that of the order, `fields` are what it is
// carried out from, in the words of docs/formats/audit.md.
std::optional<Refusal> ask_second_person(Db& db, const MoneyOrder& order, ActKind kind, const char* action,
                                         const std::string& content, HouseholdId household, Money amount,
                                         const std::string& of_what, std::initializer_list<ActField> fields,
                                         UnixTime now) {
    if (auto taken = check_waiting_orders(db, order.order_id, content, now)) return taken;
    Act act;
    act.kind = kind;
    act.action = action;
    act.subject = "household " + std::to_string(household.value) + ": " + in_yuan(amount) + of_what;
    act.content = act_content(action, fields);
    act.amount = amount + given_out(db, household, now);
    return wait_for_second_person(db, act, order.who, order.reason, now);
}
// The order of a request that is approved, as whoever asked gave it.
MoneyOrder order_of(const ApprovalRecord& asked) {
    return {act_field(asked.content, "order_id").value_or(""), asked.asked_by, asked.reason};
}
Answer<std::string> outcome_of(Answer<BookingsAnswer> done) {
    if (!done) return std::unexpected(std::move(done.error()));
    std::string text = done->repeated ? "It was done before" : "";
    for (const Booking& booking : done->bookings)
        text += (text.empty() ? "" : "; ") + in_words(booking);
    return text;
}

// --- The changes

Answer<BookingsAnswer> grant(Db& db, const MoneyOrder& order, HouseholdId household, Credit amount, UnixTime now,
                             Changes& changes) {
    const std::string content =
        "grant " + std::to_string(household.value) + " " + std::to_string(in_hundredths(amount, Round::kDown));
    return carry_out(db, order, content, "household.grant", now, changes, [&]() -> Answer<AccountDecision> {
        const auto facts = load_facts(db, household, false);
        if (!facts) return no_household();
        return decide_grant(maker_of(order, now), *facts, amount, unit_in_force(db, household, now));
    });
}

// What an order means now; for the change and for its preview.
Answer<AccountDecision> decide_refund_now(Db& db, const RefundOrder& wanted, UnixTime now) {
    const auto sale = read_booking(db, wanted.sale);
    if (!sale) return std::unexpected(sale.error());
    const auto facts = load_facts(db, sale->household, true);
    if (!facts) return no_household();
    return decide_refund(maker_of(wanted.order, now), *facts, wanted.sale, wanted.amount);
}
Answer<AccountDecision> decide_correction_now(Db& db, const CorrectionOrder& wanted, UnixTime now) {
    const auto sale = read_booking(db, wanted.sale);
    if (!sale) return std::unexpected(sale.error());
    const auto facts = load_facts(db, sale->household, true);
    if (!facts) return no_household();
    auto decision = decide_correction(maker_of(wanted.order, now), *facts, wanted.sale);
    if (!decision) return decision;
    if (!wanted.right_household && !wanted.right_amount) return decision;
    SaleOrder right;
    right.order_id = wanted.order.order_id;
    right.household = wanted.right_household ? wanted.right_household : sale->household;
    right.amount = wanted.right_amount.value_or(sale->amount);
    right.channel = sale->channel;
    right.operator_name = wanted.order.who.user;
    right.accepted_at = now;
    right.drawer = sale->drawer;
    if (right.household == sale->household) right.payer = sale->payer;
    Account corrected = facts->account;
    Booking again = decision->bookings[0];
    (void)append(corrected, again);
    auto sold = decide_sale_after(db, right, right.household == sale->household ? &corrected : nullptr, now);
    if (!sold) return std::unexpected(std::move(sold.error()));
    sold->booking.order_id = wanted.order.order_id + "\u00b72";
    sold->booking.reason = wanted.order.reason;
    decision->bookings.push_back(std::move(sold->booking));
    return decision;
}

// The decision as it would be kept, and the accounts before and after it. `ending`: the account that it ends, as it is
// when what it was short of has been given back.
Answer<MoneyPreview> preview_of(Db& db, const Answer<AccountDecision>& decision, ActKind kind, const char* action,
                                const Actor& who, UnixTime now, const Account* ending = nullptr) {
    if (!decision) return std::unexpected(decision.error());
    MoneyPreview preview;
    preview.bookings = decision->bookings;
    for (const Due& due : decision->dues)
        preview.pays.push_back(due.share);
    for (Booking booking : decision->bookings) {
        const auto same = [&](const AccountChange& change) { return change.household == booking.household; };
        auto change = std::find_if(preview.accounts.begin(), preview.accounts.end(), same);
        if (change == preview.accounts.end()) {
            const auto facts = load_facts(db, booking.household, false);
            if (!facts) return no_household();
            preview.accounts.push_back({booking.household, facts->account, ending ? *ending : facts->account});
            change = preview.accounts.end() - 1;
        }
        if (auto bad = append(change->after, booking)) return std::unexpected(std::move(*bad));
    }
    Act act;
    act.kind = kind;
    act.action = action;
    const HouseholdId household = decision->bookings[0].household;
    act.amount = given_by(*decision) + given_out(db, household, now);
    preview.needs_two = needs_second_person(db, act, who, now);
    return checked(db, std::move(preview));
}

Answer<BookingsAnswer> refund(Db& db, const RefundOrder& wanted, Consent consent, UnixTime now, Changes& changes) {
    const std::string content = "refund " + std::to_string(wanted.sale.value) + " " +
                                (wanted.amount ? std::to_string(wanted.amount->count()) : std::string{"all"});
    return carry_out(db, wanted.order, content, kRefund, now, changes, [&]() -> Answer<AccountDecision> {
        auto decision = decide_refund_now(db, wanted, now);
        if (!decision || consent == Consent::kGiven) return decision;
        if (auto waits = ask_second_person(
                db, wanted.order, ActKind::kRefund, kRefund, content, decision->bookings[0].household,
                given_by(*decision), " of sale " + std::to_string(wanted.sale.value),
                {{"order_id", wanted.order.order_id},
                 {"order", content},
                 {"sale", std::to_string(wanted.sale.value)},
                 {"amount_fen", wanted.amount ? std::to_string(wanted.amount->count()) : std::string{"all"}}},
                now))
            return std::unexpected(std::move(*waits));
        return decision;
    });
}

Answer<BookingsAnswer> correct(Db& db, const CorrectionOrder& wanted, Consent consent, UnixTime now, Changes& changes) {
    const std::string content = "correction " + std::to_string(wanted.sale.value) + " " +
                                std::to_string(wanted.right_household.value) + " " +
                                (wanted.right_amount ? std::to_string(wanted.right_amount->count()) : std::string{"-"});
    return carry_out(db, wanted.order, content, kCorrect, now, changes, [&]() -> Answer<AccountDecision> {
        auto decision = decide_correction_now(db, wanted, now);
        if (!decision || consent == Consent::kGiven) return decision;
        if (auto waits = ask_second_person(
                db, wanted.order, ActKind::kCorrection, kCorrect, content, decision->bookings[0].household,
                given_by(*decision), " of sale " + std::to_string(wanted.sale.value) + " taken back",
                {{"order_id", wanted.order.order_id},
                 {"order", content},
                 {"sale", std::to_string(wanted.sale.value)},
                 {"right_household", std::to_string(wanted.right_household.value)},
                 {"right_amount_fen", wanted.right_amount ? std::to_string(wanted.right_amount->count()) : "-"}},
                now))
            return std::unexpected(std::move(*waits));
        return decision;
    });
}

// What an account was short of belongs to it: it is given back before the account ends or the next one begins, for a
// later one has nothing to do with it. Called when it is certain that this will be.
Answer<int> give_back_of(Db& db, HouseholdId household, const Actor& who, UnixTime now, Changes& changes);
// An account that is to end, as it is when what its refunds were short of has been given back.
struct EndingAccount {
    AccountFacts facts;
    TicketTotal ticket;  // as it is now
};
std::optional<EndingAccount> load_ending(Db& db, HouseholdId household, const DecisionMaker& who);
// The same after it was given back; that ticket need not be waited for, what was used was known before it.
std::optional<AccountFacts> load_given_back(Db& db, HouseholdId household) {
    auto facts = load_facts(db, household, true);
    if (facts) facts->confirmed = true;
    return facts;
}

// `approved`: the ticket of the account when a second person was asked for; nothing: nobody was.
Answer<BookingsAnswer> settle(Db& db, const MoneyOrder& order, HouseholdId household,
                              std::optional<std::string> approved, UnixTime now, Changes& changes) {
    const std::string content = "settlement " + std::to_string(household.value);
    return carry_out(db, order, content, kSettle, now, changes, [&]() -> Answer<AccountDecision> {
        const DecisionMaker who = maker_of(order, now);
        const auto ending = load_ending(db, household, who);
        if (!ending) return no_household();
        auto decision = decide_settlement(who, ending->facts);
        if (!decision) return decision;
        const std::string newest = std::to_string(ending->ticket.epoch) + "/" + std::to_string(ending->ticket.number);
        if (approved && *approved != newest)
            return refuse(Reason::kAlreadyDecided,
                          "The account has changed since the settlement was asked for; nothing was done. Ask for it "
                          "again.");
        if (!approved)
            if (auto waits = ask_second_person(db, order, ActKind::kRefund, kSettle, content, household,
                                               given_by(*decision), " at check-out",
                                               {{"order_id", order.order_id},
                                                {"order", content},
                                                {"household", std::to_string(household.value)},
                                                {"ticket", newest}},
                                               now))
                return std::unexpected(std::move(*waits));
        const auto given = give_back_of(db, household, order.who, now, changes);
        if (!given) return std::unexpected(given.error());
        if (*given == 0) return decision;
        const auto after = load_given_back(db, household);
        if (!after) return no_household();
        return decide_settlement(who, *after);
    });
}

Answer<BookingsAnswer> open_account(Db& db, const MoneyOrder& order, HouseholdId household, UnixTime now,
                                    Changes& changes) {
    return carry_out(db, order, "opening " + std::to_string(household.value), "household.open", now, changes,
                     [&]() -> Answer<AccountDecision> {
                         // What is given back is the closed account's last ticket; the next epoch does not wait for it.
                         bool given_back = false;
                         const auto decide = [&]() -> Answer<AccountDecision> {
                             auto facts = load_facts(db, household, false);
                             if (!facts) return no_household();
                             facts->confirmed |= given_back;
                             return decide_opening(maker_of(order, now), *facts, unit_in_force(db, household, now));
                         };
                         auto decision = decide();
                         if (!decision) return decision;
                         const auto given = give_back_of(db, household, order.who, now, changes);
                         if (!given) return std::unexpected(given.error());
                         given_back = *given > 0;
                         return given_back ? decide() : decision;
                     });
}

Answer<BookingsAnswer> move_account(Db& db, const MoveOrder& wanted, UnixTime now, Changes& changes) {
    const std::string content = "move " + std::to_string(wanted.from.value) + " " + std::to_string(wanted.to.value);
    auto moved = carry_out(db, wanted.order, content, "household.move", now, changes, [&]() -> Answer<AccountDecision> {
        const DecisionMaker who = maker_of(wanted.order, now);
        const auto from = load_ending(db, wanted.from, who);
        const auto to = load_facts(db, wanted.to, false);
        if (!from || !to) return no_household();
        auto decision = decide_move(who, from->facts, *to);
        if (!decision) return decision;
        int given = 0;
        for (const HouseholdId household : {wanted.from, wanted.to}) {
            const auto back = give_back_of(db, household, wanted.order.who, now, changes);
            if (!back) return std::unexpected(back.error());
            given += *back;
        }
        if (given == 0) return decision;
        const auto from_after = load_given_back(db, wanted.from);
        const auto to_after = load_given_back(db, wanted.to);
        if (!from_after || !to_after) return no_household();
        return decide_move(who, *from_after, *to_after);
    });
    if (moved && !moved->repeated) move_residents(db, wanted.from, wanted.to, now);
    return moved;
}

Answer<BookingsAnswer> reopen(Db& db, const MoneyOrder& order, HouseholdId household, UnixTime now, Changes& changes) {
    return carry_out(db, order, "reopening " + std::to_string(household.value), "household.reopen", now, changes,
                     [&]() -> Answer<AccountDecision> {
                         const auto facts = load_facts(db, household, false);
                         if (!facts) return no_household();
                         return decide_carry(maker_of(order, now), *facts);
                     });
}

Answer<BookingsAnswer> change_box(Db& db, const BoxOrder& wanted, UnixTime now, Changes& changes) {
    const std::string content = "box " + std::to_string(wanted.household.value) + " " +
                                std::to_string(wanted.box_number) + " " + std::to_string(wanted.number);
    const auto known = find_order(db, wanted.order, content);
    if (!known) return std::unexpected(known.error());
    if (*known) return BookingsAnswer{bookings_between(db, (*known)->first_booking, (*known)->last_booking), true};
    const auto facts = load_facts(db, wanted.household, false);
    if (!facts) return no_household();
    const auto box = read_box(db, wanted.box_number);
    if (!box) return std::unexpected(box.error());
    if (wanted.number < 1 || wanted.number > households_of(box->wiring))
        return refuse(
            Reason::kBadArgument,
            "The box has households 1 to " + std::to_string(households_of(box->wiring)) + "; nothing was changed.",
            households_of(box->wiring));
    bool taken = false;
    db.query("SELECT id FROM households WHERE box_id = $1 AND number_in_box = $2", {box->id, wanted.number},
             [&](const Row&) { taken = true; });
    if (taken) return refuse(Reason::kBadArgument, "This place of the box serves a room already; nothing was changed.");
    AccountDecision decision;
    if (facts->account.ticket.epoch != 0) {
        auto carried = decide_carry(maker_of(wanted.order, now), *facts);
        if (!carried) return std::unexpected(std::move(carried.error()));
        decision = std::move(*carried);
    }

    // From here on it succeeds.
    keep(db, decision, changes);
    keep_order(db, wanted.order.order_id, content, decision.bookings, {});
    db.execute("UPDATE households SET box_id = $2, number_in_box = $3, bound_at = $4 WHERE id = $1",
               {wanted.household, box->id, wanted.number, now});
    // Nothing is known of the new meter; what was done once (acknowledged, cleared) is not done to it again.
    db.execute(
        "UPDATE meters SET read_at = NULL, forward_ckwh = 0, remaining_ckwh = 0, state = 0, effect_at = 0, epoch = 0, "
        "ticket_number = 0, lit_number = 0, used_ckwh = 0, proved_epoch = 0 WHERE household_id = $1",
        {wanted.household});
    db.execute(
        "UPDATE desired SET remote_reached = 0, force_reached = 0, alarms_reached = 0, acknowledge_reached = "
        "acknowledge_version, reset_reached = reset_version, clear_reached = clear_version, stopped = 0, "
        "accepted_epoch = 0, accepted_number = 0, cleared_epoch = 0 WHERE household_id = $1",
        {wanted.household});
    db.execute("DELETE FROM ticket_questions WHERE household_id = $1", {wanted.household});
    db.execute("UPDATE setting_wishes SET reached = 0, reached_at = NULL WHERE owner_kind = 1 AND owner_id = $1",
               {wanted.household});
    append_audit(db, wanted.order.who,
                 {"household.change_box", "household " + std::to_string(wanted.household.value), "",
                  "box " + std::to_string(wanted.box_number) + ", household " + std::to_string(wanted.number)},
                 wanted.order.reason, now);
    changes.push_back({Change::Kind::kDesired, wanted.household.value});
    changes.push_back({Change::Kind::kHousehold, wanted.household.value});
    changes.push_back({Change::Kind::kSite, 1});
    return BookingsAnswer{std::move(decision.bookings), false};
}

// --- What a refund took out, when the meter has confirmed it

struct RefundFacts {
    Booking refund;
    bool confirmed = false;
    Credit remaining;  // as it was confirmed
    std::vector<DueRecord> dues;
    std::optional<Money> returned;  // it was given back before
};
std::optional<RefundFacts> load_refund(Db& db, BookingId id) {
    std::optional<RefundFacts> facts;
    db.query("SELECT " PREWATT_BOOKING_COLUMNS
             ", p.confirmed_at, p.remaining_ckwh, m.epoch, (SELECT b.amount_fen FROM bookings b WHERE b.kind = 4 AND "
             "b.refers = s.id AND b.household_id = s.household_id) FROM bookings s JOIN meters m ON m.household_id = "
             "s.household_id LEFT JOIN progress p ON p.booking_id = s.id WHERE s.id = $1 AND s.kind IN (3, 6, 8)",
             {id}, [&](const Row& row) {
                 RefundFacts& out = facts.emplace();
                 out.refund = booking_of(row);
                 // Confirmed itself, or by a later epoch, which began with what was known to remain after it.
                 const bool itself = !row.is_null(kBookingColumns);
                 out.confirmed = itself || row.as<std::uint16_t>(kBookingColumns + 2) > out.refund.ticket.epoch;
                 if (itself) out.remaining = row.as<Credit>(kBookingColumns + 1);
                 if (!row.is_null(kBookingColumns + 3)) out.returned = row.as<Money>(kBookingColumns + 3);
             });
    if (!facts) return facts;
    std::vector<Money> amounts;
    db.query(
        "SELECT d.part, d.payer_id, d.channel, d.amount_fen, v.id FROM dues d LEFT JOIN movements v ON v.kind = 1 AND "
        "v.booking_id = d.booking_id AND v.part = d.part WHERE d.booking_id = $1 ORDER BY d.part",
        {id}, [&](const Row& row) {
            DueRecord& due = facts->dues.emplace_back();
            due.booking = id;
            due.part = row.as<int>(0);
            due.household = facts->refund.household;
            due.share = {row.as<ResidentId>(1), row.as<Channel>(2), row.as<Money>(3)};
            due.confirmed = facts->confirmed;
            due.paid = !row.is_null(4);
            amounts.push_back(due.share.amount);
        });
    const auto after = dues_after(amounts, facts->returned.value_or(Money{0}));
    for (std::size_t k = 0; k < after.size(); ++k)
        facts->dues[k].to_pay = after[k];
    return facts;
}

// What the meter no longer had is booked back; the bookings that say so.
Answer<std::vector<Booking>> give_back(Db& db, const RefundFacts& facts, const Actor& who, UnixTime now,
                                       Changes& changes) {
    if (!facts.confirmed || facts.returned || facts.remaining >= Credit{0}) return std::vector<Booking>{};
    const auto account = load_facts(db, facts.refund.household, false);
    if (!account) return no_household();
    // A later account of the room has nothing to do with it.
    if (account->account.tenancy != facts.refund.tenancy) return std::vector<Booking>{};
    const DecisionMaker maker{"return\u00b7" + std::to_string(facts.refund.id.value), who.user,
                              "used while the refund was under way", now};
    std::optional<AccountFacts> moved;
    std::optional<Money> money_most;
    if (facts.refund.kind == BookingKind::kMoveOut) {
        HouseholdId into;
        std::uint16_t tenancy = 0;
        db.query("SELECT household_id, tenancy FROM bookings WHERE kind = 9 AND refers = $1 ORDER BY id LIMIT 1",
                 {facts.refund.id}, [&](const Row& row) {
                     into = row.as<HouseholdId>(0);
                     tenancy = row.as<std::uint16_t>(1);
                 });
        moved = load_facts(db, into, true);
        // Where it went is closed or another's: nobody is left to take it from. It stays with the old room, negative.
        if (!moved || !moved->account.open() || moved->account.tenancy != tenancy) return std::vector<Booking>{};
        money_most = money_of_move(moved->tenancy, facts.refund.id);
    }
    auto decision = decide_return(maker, account->account, facts.refund, facts.remaining, money_most);
    if (!decision) return std::unexpected(std::move(decision.error()));
    if (decision->bookings.empty()) return std::vector<Booking>{};
    if (moved) {
        auto along = decide_take_along(maker, moved->account, decision->bookings[0]);
        if (!along) return std::unexpected(std::move(along.error()));
        decision->bookings.push_back(std::move(along->bookings[0]));
    }
    keep(db, *decision, changes);
    append_audit(db, who,
                 {"household.give_back", "household " + std::to_string(facts.refund.household.value), "",
                  in_words(decision->bookings.front())},
                 maker.reason, now);
    return std::move(decision->bookings);
}

// household 0: of all.
struct RefundsShown {
    std::vector<BookingId> short_ones;
    // Looked at no more: the meter had all of it, or it confirmed only a later account, which began with what remained.
    std::vector<BookingId> settled;
};
RefundsShown refunds_shown(Db& db, HouseholdId household) {
    RefundsShown out;
    db.query(
        "SELECT u.booking_id, p.confirmed_at, p.remaining_ckwh FROM unsettled_refunds u JOIN bookings s ON s.id = "
        "u.booking_id JOIN meters m ON m.household_id = s.household_id LEFT JOIN progress p ON p.booking_id = s.id "
        "WHERE ($1 = 0 OR s.household_id = $1) AND (p.confirmed_at IS NOT NULL OR m.epoch > s.epoch) ORDER BY "
        "u.booking_id",
        {household}, [&](const Row& row) {
            const bool is_short = !row.is_null(1) && row.as<Credit>(2) < Credit{0};
            (is_short ? out.short_ones : out.settled).push_back(row.as<BookingId>(0));
        });
    return out;
}

Answer<int> give_back_of(Db& db, HouseholdId household, const Actor& who, UnixTime now, Changes& changes) {
    RefundsShown shown = refunds_shown(db, household);
    int given = 0;
    for (const BookingId id : shown.short_ones) {
        const auto facts = load_refund(db, id);
        if (!facts) continue;
        const auto back = give_back(db, *facts, who, now, changes);
        if (!back) return std::unexpected(back.error());
        given += back->empty() ? 0 : 1;
        if (!back->empty() || facts->returned) shown.settled.push_back(id);
    }
    for (const BookingId id : shown.settled)
        db.execute("DELETE FROM unsettled_refunds WHERE booking_id = $1", {id});
    return given;
}

std::optional<EndingAccount> load_ending(Db& db, HouseholdId household, const DecisionMaker& who) {
    auto facts = load_facts(db, household, true);
    if (!facts) return std::nullopt;
    EndingAccount out{std::move(*facts), {}};
    Account& account = out.facts.account;
    out.ticket = account.ticket;
    if (!account.open()) return out;
    for (const BookingId id : refunds_shown(db, household).short_ones) {
        const auto refund = load_refund(db, id);
        if (!refund || refund->returned || refund->refund.tenancy != account.tenancy) continue;
        auto back = decide_return(who, account, refund->refund, refund->remaining);
        if (!back) continue;  // and so it will be when it is given back
        for (Booking& booking : back->bookings) {
            (void)append(account, booking);
            out.facts.tenancy.push_back(std::move(booking));
        }
    }
    return out;
}

std::optional<Refusal> check_drawer(Db& db, DrawerId drawer, bool open) {
    std::optional<bool> is_open;
    db.query("SELECT is_open FROM drawers WHERE id = $1", {drawer}, [&](const Row& row) { is_open = row.as<bool>(0); });
    if (!is_open) return Refusal{Reason::kNotFound, "There is no such cash drawer; nothing was done.", 0};
    if (*is_open == open) return std::nullopt;
    return Refusal{Reason::kDrawerClosed,
                   open ? "The cash drawer is not open; nothing was done."
                        : "The cash drawer is open already; empty it first. Nothing was done.",
                   0};
}

Answer<MovementsAnswer> pay_out(Db& db, const PayoutOrder& wanted, UnixTime now, Changes& changes) {
    const std::string content = "payout " + std::to_string(wanted.booking.value) + " " + std::to_string(wanted.part) +
                                " " + std::to_string(wanted.drawer.value);
    const auto known = find_order(db, wanted.order, content);
    if (!known) return std::unexpected(known.error());
    if (*known)
        return MovementsAnswer{movements_between(db, (*known)->first_movement, (*known)->last_movement),
                               bookings_between(db, (*known)->first_booking, (*known)->last_booking), true};
    auto facts = load_refund(db, wanted.booking);
    if (!facts) return refuse(Reason::kNotFound, "There is no such refund or settlement; nothing was paid.");
    const auto place = [&] {
        return std::find_if(facts->dues.begin(), facts->dues.end(),
                            [&](const DueRecord& d) { return d.part == wanted.part; });
    };
    auto due = place();
    if (due == facts->dues.end() || due->paid)
        return refuse(Reason::kNotDue, "Nothing is owed there, or it was paid before; nothing was paid.");
    if (!facts->confirmed)
        return refuse(Reason::kMeterBehind,
                      "The meter has not confirmed ticket " + std::to_string(facts->refund.ticket.number) +
                          ", which takes the credit out; nothing was paid.",
                      facts->refund.ticket.number);
    if (wanted.drawer && due->share.channel == Channel::kCash)
        if (auto bad = check_drawer(db, wanted.drawer, true)) return std::unexpected(std::move(*bad));
    auto back = give_back(db, *facts, wanted.order.who, now, changes);
    if (!back) return std::unexpected(std::move(back.error()));

    // From here on it succeeds.
    MovementsAnswer answer;
    if (!back->empty()) {
        facts = load_refund(db, wanted.booking);
        if (!facts) return refuse(Reason::kStorageFailed, "The refund can no longer be read; nothing was paid.");
        due = place();
        answer.bookings = std::move(*back);
    }
    Movement movement;
    movement.kind = MovementKind::kPayout;
    movement.order_id = wanted.order.order_id;
    movement.from = LedgerAccount::kRefundsDue;
    movement.to = account_of(due->share.channel);
    movement.amount = due->to_pay;
    movement.drawer = due->share.channel == Channel::kCash ? wanted.drawer : DrawerId{};
    movement.booking = wanted.booking;
    movement.part = wanted.part;
    movement.operator_name = wanted.order.who.user;
    movement.reason = wanted.order.reason;
    movement.at = now;
    insert_movement(db, movement);
    db.execute("DELETE FROM unpaid_dues WHERE booking_id = $1 AND part = $2", {wanted.booking, wanted.part});
    answer.movements.push_back(movement);
    keep_order(db, wanted.order.order_id, content, answer.bookings, answer.movements);
    append_audit(db, wanted.order.who,
                 {"refund.pay_out", "household " + std::to_string(facts->refund.household.value), "",
                  std::to_string(movement.amount.count()) + " fen through " + std::string{word(due->share.channel)}},
                 wanted.order.reason, now);
    changes.push_back({Change::Kind::kHousehold, facts->refund.household.value});
    return answer;
}

// --- Drawers

Answer<MovementsAnswer> drawer_order(Db& db, const DrawerOrder& wanted, MovementKind kind, UnixTime now) {
    const std::string content = std::string{word(kind)} + " " + std::to_string(wanted.drawer.value) + " " +
                                std::to_string(wanted.counted.count());
    const auto known = find_order(db, wanted.order, content);
    if (!known) return std::unexpected(known.error());
    if (*known)
        return MovementsAnswer{movements_between(db, (*known)->first_movement, (*known)->last_movement), {}, true};
    if (wanted.counted < Money{0} || wanted.counted > kSaleMaxEver)
        return refuse(Reason::kBadArgument, "What is in a drawer is counted from zero upwards; nothing was done.");
    const bool opens = kind == MovementKind::kDrawerOpened;
    if (auto bad = check_drawer(db, wanted.drawer, !opens)) return std::unexpected(std::move(*bad));
    const Money holds = drawer_holds(db, wanted.drawer);

    // From here on it succeeds.
    MovementsAnswer answer;
    const auto add = [&](MovementKind as, LedgerAccount from, LedgerAccount to, Money amount) {
        Movement movement;
        movement.kind = as;
        movement.order_id = wanted.order.order_id;
        movement.from = from;
        movement.to = to;
        movement.amount = amount;
        movement.drawer = wanted.drawer;
        movement.booking = last_booking(db).id;
        movement.counted_fen = wanted.counted.count();
        movement.operator_name = wanted.order.who.user;
        movement.reason = wanted.order.reason;
        movement.at = now;
        insert_movement(db, movement);
        answer.movements.push_back(movement);
    };
    if (opens) {
        add(kind, LedgerAccount::kCash, LedgerAccount::kSafe, wanted.counted);
    } else {
        const Money more = wanted.counted - holds;
        if (more >= Money{0})
            add(MovementKind::kDrawerCounted, LedgerAccount::kCash, LedgerAccount::kDifference, more);
        else
            add(MovementKind::kDrawerCounted, LedgerAccount::kDifference, LedgerAccount::kCash, Money{0} - more);
        if (kind == MovementKind::kDrawerEmptied) add(kind, LedgerAccount::kSafe, LedgerAccount::kCash, wanted.counted);
    }
    if (kind != MovementKind::kDrawerCounted)
        db.execute("UPDATE drawers SET is_open = $2, operator_name = $3 WHERE id = $1",
                   {wanted.drawer, opens, wanted.order.who.user});
    keep_order(db, wanted.order.order_id, content, {}, answer.movements);
    append_audit(
        db, wanted.order.who,
        {"drawer." + std::string{word(kind).substr(7)}, "drawer " + std::to_string(wanted.drawer.value),
         std::to_string(holds.count()) + " fen by the books", std::to_string(wanted.counted.count()) + " fen counted"},
        wanted.order.reason, now);
    return answer;
}

// --- Quotas

struct QuotaState {
    Actor who;
    HouseholdId after;
    UnixTime at;
    QuotaRun run;
};
// The next households; false: there are none.
Answer<QuotaState> give_quotas(Db& db, QuotaState state, Changes& changes) {
    const std::int64_t month = month_of(state.at);
    struct Candidate {
        HouseholdId household;
        std::int64_t group;
        bool had_it;
        std::int64_t residents;
    };
    std::vector<Candidate> candidates;
    db.query(
        "SELECT h.id, h.price_group, q.booking_id, (SELECT COUNT(*) FROM stays t WHERE t.household_id = h.id AND "
        "t.from_at <= $2 AND (t.to_at IS NULL OR t.to_at > $2)) FROM households h LEFT JOIN quotas_given q ON "
        "q.household_id = h.id AND q.month = $3 WHERE h.id > $1 ORDER BY h.id LIMIT $4",
        {state.after, state.at, month, kQuotaHouseholdsAtOnce}, [&](const Row& row) {
            candidates.push_back({row.as<HouseholdId>(0), row.integer(1), !row.is_null(2), row.integer(3)});
        });
    const std::vector<QuotaRule> rules = read_quota_rules(db);
    state.after = candidates.empty() ? HouseholdId{} : candidates.back().household;
    for (const Candidate& c : candidates) {
        const QuotaRule* rule = nullptr;
        for (const QuotaRule& r : rules)
            if (r.group == c.group || (r.group == 0 && !rule)) rule = &r;
        if (c.had_it) {
            ++state.run.had_it;
            continue;
        }
        const auto facts = rule ? load_facts(db, c.household, false) : std::nullopt;
        if (!facts || !facts->account.open()) {
            ++state.run.without;
            continue;
        }
        Credit quota = facts->account.ticket.unit == AccountUnit::kEnergy ? rule->quota : rule->quota_money;
        if (rule->per == QuotaPer::kResident) quota = quota * c.residents;
        if (quota <= Credit{0}) {
            ++state.run.without;
            continue;
        }
        const DecisionMaker maker{"quota\u00b7" + std::to_string(month) + "\u00b7" + std::to_string(c.household.value),
                                  state.who.user, "free base quota of the month", state.at};
        auto decision = decide_grant(maker, *facts, quota, AccountUnit::kEnergy);
        if (!decision) {
            ++state.run.refused;
            continue;
        }
        keep(db, *decision, changes);
        db.execute("INSERT INTO quotas_given (household_id, month, booking_id) VALUES ($1, $2, $3)",
                   {c.household, month, decision->bookings[0].id});
        ++state.run.granted;
    }
    if (!state.after && state.run.granted > 0)
        append_audit(db, state.who,
                     {"quota.run", "month " + std::to_string(month / 12) + "-" + std::to_string(month % 12 + 1), "",
                      std::to_string(state.run.granted) + " granted, " + std::to_string(state.run.had_it) + " had it"},
                     "", state.at);
    return state;
}

// --- Questions

Answer<AccountRecord> read_account(Db& db, HouseholdId household) {
    auto facts = load_facts(db, household, true);
    if (!db.ok() || !facts) return checked(db, std::optional<AccountRecord>{}, "household");
    AccountRecord record;
    record.household = household;
    record.account = facts->account;
    record.confirmed = facts->confirmed;
    db.query("SELECT price_group FROM households WHERE id = $1", {household},
             [&](const Row& row) { record.price_group = row.integer(0); });
    const auto lots = lots_of(facts->tenancy);
    const auto paid = paid_by(lots);
    record.worth = facts->account.open() ? value_of(lots, facts->account.refundable()) : Money{0};
    const auto fair = split_fairly(record.worth, paid);
    for (const Share& share : paid) {
        PayerSum& sum = record.payers.emplace_back();
        sum.payer = share.payer;
        sum.channel = share.channel;
        sum.paid = share.amount;
        for (const Share& part : fair)
            if (part.payer == share.payer && part.channel == share.channel) sum.fair_part = part.amount;
        if (share.payer)
            db.query("SELECT name FROM residents WHERE id = $1", {share.payer},
                     [&](const Row& row) { sum.name = row.as<std::string>(0); });
    }
    return checked(db, std::move(record));
}

Answer<std::vector<DueRecord>> read_dues(Db& db, HouseholdId household) {
    std::vector<BookingId> refunds;
    db.query(
        "SELECT DISTINCT u.booking_id FROM unpaid_dues u JOIN bookings s ON s.id = u.booking_id WHERE CAST($1 AS "
        "BIGINT) = 0 OR s.household_id = $1 ORDER BY u.booking_id",
        {household}, [&](const Row& row) { refunds.push_back(row.as<BookingId>(0)); });
    std::vector<DueRecord> dues;
    for (const BookingId id : refunds)
        if (const auto facts = load_refund(db, id))
            for (const DueRecord& due : facts->dues)
                if (!due.paid) dues.push_back(due);
    return checked(db, std::move(dues));
}
Answer<std::vector<DueRecord>> read_dues_of(Db& db, BookingId booking) {
    auto facts = load_refund(db, booking);
    if (!db.ok() || !facts) return checked(db, std::optional<std::vector<DueRecord>>{}, "refund or settlement");
    return std::move(facts->dues);
}

Answer<PlanPreview> preview_sale(Db& db, HouseholdId household, Money amount, UnixTime now) {
    if (amount <= Money{0} || amount > kSaleMaxEver)
        return refuse(Reason::kAmountNotPositive, "The amount must be more than zero.");
    const auto facts = load_facts(db, household, false);
    if (!db.ok() || !facts) return checked(db, std::optional<PlanPreview>{}, "household");
    PlanPreview preview;
    db.query("SELECT " PREWATT_PLAN_COLUMNS " FROM households h " PREWATT_PLAN_TABLES("$2") "WHERE h.id = $1",
             {household, now}, [&](const Row& row) {
                 const PlanInForce found = plan_in_force(row, 0);
                 preview.plan = found.id;
                 preview.content = found.plan ? *found.plan : flat_plan(found.price);
             });
    if (!preview.plan && preview.content.steps[0].price <= UnitPrice{0})
        return refuse(Reason::kPriceNotSet, "No price is set.");
    preview.unit = facts->account.open() ? facts->account.ticket.unit : preview.content.unit;
    if (!sells(preview.content, preview.unit))
        return refuse(Reason::kAccountUnit, "The price by time of use needs an account in money, this one counts kWh.");
    preview.position_ckwh = position_of(facts->account, preview.content.period, now);
    preview.priced = price_sale(preview.content, preview.unit, amount, preview.position_ckwh);
    return checked(db, std::move(preview));
}

Answer<std::vector<Movement>> read_movements(Db& db, DrawerId drawer, std::int64_t before, int limit) {
    std::vector<Movement> movements;
    db.query("SELECT " PREWATT_MOVEMENT_COLUMNS
             " FROM movements v WHERE v.id < $1 AND (CAST($2 AS BIGINT) = 0 OR v.drawer_id = $2) ORDER BY v.id DESC "
             "LIMIT $3",
             {before > 0 ? before : INT64_MAX, drawer, std::clamp(limit, 1, 10'000)},
             [&](const Row& row) { movements.push_back(movement_of(row)); });
    return checked(db, std::move(movements));
}

class AccountsOnDb final : public Accounts {
  public:
    explicit AccountsOnDb(Engine& engine) : engine_(engine) { offer_acts(); }

    // --- Questions
    Answer<Booking> booking(BookingId id) override {
        return engine_.pool.ask([&](Db& db) { return read_booking(db, id); });
    }
    Answer<std::vector<Booking>> bookings(HouseholdId household, BookingId before, int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_bookings(db, household, before, limit); });
    }
    Answer<AccountRecord> account(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_account(db, household); });
    }
    Answer<std::vector<DueRecord>> dues(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_dues(db, household); });
    }
    Answer<std::vector<DueRecord>> dues_of(BookingId id) override {
        return engine_.pool.ask([&](Db& db) { return read_dues_of(db, id); });
    }
    Answer<std::vector<ResidentRecord>> residents(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_residents(db, household); });
    }
    Answer<std::vector<DrawerRecord>> drawers() override {
        return engine_.pool.ask([&](Db& db) { return read_drawers(db); });
    }
    Answer<std::vector<Movement>> movements(DrawerId drawer, std::int64_t before, int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_movements(db, drawer, before, limit); });
    }
    Answer<std::vector<PlanVersion>> plans() override {
        return engine_.pool.ask([&](Db& db) { return read_plans(db); });
    }
    Answer<PlanPreview> preview(HouseholdId household, Money amount) override {
        return engine_.pool.ask([&](Db& db) { return preview_sale(db, household, amount, engine_.clock()); });
    }
    Answer<std::vector<QuotaRule>> quota_rules() override {
        return engine_.pool.ask([&](Db& db) { return checked(db, read_quota_rules(db)); });
    }

    void preview_refund(RefundOrder order, WhenDone<MoneyPreview> done) override {
        change<MoneyPreview>(std::move(done), [this, order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
            settle_readings_of(db, order.sale, changes);
            return preview_of(db, decide_refund_now(db, order, now), ActKind::kRefund, kRefund, order.order.who, now);
        });
    }
    void preview_correction(CorrectionOrder order, WhenDone<MoneyPreview> done) override {
        order.order.order_id = "preview";  // the sale in it asks for one; it is not kept
        change<MoneyPreview>(std::move(done), [order = std::move(order)](Db& db, UnixTime now, Changes&) {
            return preview_of(db, decide_correction_now(db, order, now), ActKind::kCorrection, kCorrect,
                              order.order.who, now);
        });
    }
    void preview_settlement(MoneyOrder order, HouseholdId household, WhenDone<MoneyPreview> done) override {
        change<MoneyPreview>(std::move(done),
                             [this, order = std::move(order), household](Db& db, UnixTime now,
                                                                         Changes& changes) -> Answer<MoneyPreview> {
                                 engine_.readings->settle(db, household, changes);
                                 const DecisionMaker maker = maker_of(order, now);
                                 const auto ending = load_ending(db, household, maker);
                                 if (!ending) return no_household();
                                 return preview_of(db, decide_settlement(maker, ending->facts), ActKind::kRefund,
                                                   kSettle, order.who, now, &ending->facts.account);
                             });
    }

    // --- Changes
    void grant(MoneyOrder order, HouseholdId household, Credit amount, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done), [this, order = std::move(order), household, amount](
                                                    Db& db, UnixTime now, Changes& changes) {
            engine_.readings->settle(db, household, changes);
            return store::grant(db, order, household, amount, now, changes);
        });
    }
    void refund(RefundOrder order, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done),
                               [this, order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
                                   return refund_now(db, order, Consent::kToAsk, now, changes);
                               });
    }
    void pay_out(PayoutOrder order, WhenDone<MovementsAnswer> done) override {
        change<MovementsAnswer>(std::move(done), [order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
            return store::pay_out(db, order, now, changes);
        });
    }
    void correct(CorrectionOrder order, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done), [order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
            return store::correct(db, order, Consent::kToAsk, now, changes);
        });
    }
    void settle(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done),
                               [this, order = std::move(order), household](Db& db, UnixTime now, Changes& changes) {
                                   engine_.readings->settle(db, household, changes);
                                   return store::settle(db, order, household, std::nullopt, now, changes);
                               });
    }
    void open(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done),
                               [this, order = std::move(order), household](Db& db, UnixTime now, Changes& changes) {
                                   engine_.readings->settle(db, household, changes);
                                   return open_account(db, order, household, now, changes);
                               });
    }
    void move(MoveOrder order, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done), [order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
            return move_account(db, order, now, changes);
        });
    }
    void change_box(BoxOrder order, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done),
                               [this, order = std::move(order)](Db& db, UnixTime now, Changes& changes) {
                                   engine_.readings->settle(db, order.household, changes);
                                   auto changed = store::change_box(db, order, now, changes);
                                   if (changed && !changed->repeated)
                                       engine_.readings->forget(db, order.household, now);
                                   return changed;
                               });
    }
    void reopen(MoneyOrder order, HouseholdId household, WhenDone<BookingsAnswer> done) override {
        change<BookingsAnswer>(std::move(done),
                               [this, order = std::move(order), household](Db& db, UnixTime now, Changes& changes) {
                                   engine_.readings->settle(db, household, changes);
                                   return store::reopen(db, order, household, now, changes);
                               });
    }
    void give_back(Actor who, WhenDone<int> done) override {
        change<int>(std::move(done), [who = std::move(who)](Db& db, UnixTime now, Changes& changes) {
            return give_back_of(db, {}, who, now, changes);
        });
    }

    void add_resident(MoneyOrder order, ResidentRecord resident, WhenDone<ResidentRecord> done) override {
        change<ResidentRecord>(std::move(done), [order = std::move(order), resident = std::move(resident)](
                                                    Db& db, UnixTime now, Changes& changes) {
            return store::add_resident(db, order, resident, now, changes);
        });
    }
    void end_stay(Actor who, ResidentId resident, WhenDone<ResidentRecord> done) override {
        change<ResidentRecord>(std::move(done),
                               [who = std::move(who), resident](Db& db, UnixTime now, Changes& changes) {
                                   return store::end_stay(db, who, resident, now, changes);
                               });
    }
    void add_drawer(Actor who, std::string name, WhenDone<DrawerRecord> done) override {
        change<DrawerRecord>(std::move(done),
                             [who = std::move(who), name = std::move(name)](Db& db, UnixTime now, Changes&) {
                                 return store::add_drawer(db, who, name, now);
                             });
    }
    void open_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) override {
        of_drawer(std::move(order), MovementKind::kDrawerOpened, std::move(done));
    }
    void count_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) override {
        of_drawer(std::move(order), MovementKind::kDrawerCounted, std::move(done));
    }
    void empty_drawer(DrawerOrder order, WhenDone<MovementsAnswer> done) override {
        of_drawer(std::move(order), MovementKind::kDrawerEmptied, std::move(done));
    }
    void add_plan(MoneyOrder order, PlanVersion plan, WhenDone<PlanVersion> done) override {
        change<PlanVersion>(std::move(done),
                            [order = std::move(order), plan = std::move(plan)](Db& db, UnixTime now, Changes& changes) {
                                return store::add_plan(db, order, plan, Consent::kToAsk, now, changes);
                            });
    }
    void set_price_group(Actor who, HouseholdId household, std::int64_t group, std::string reason,
                         WhenDone<Done> done) override {
        change<Done>(std::move(done), [who = std::move(who), household, group, reason = journal_text(reason)](
                                          Db& db, UnixTime now, Changes& changes) {
            return store::set_price_group(db, who, household, group, reason, Consent::kToAsk, now, changes);
        });
    }
    void set_quota_rule(Actor who, QuotaRule rule, std::string reason, WhenDone<Done> done) override {
        change<Done>(std::move(done),
                     [who = std::move(who), rule, reason = journal_text(reason)](Db& db, UnixTime now, Changes&) {
                         return store::set_quota_rule(db, who, rule, reason, now);
                     });
    }
    void run_quotas(Actor who, WhenDone<QuotaRun> done) override {
        QuotaState state;
        state.who = std::move(who);
        state.at = engine_.clock();
        go_on(std::move(state), std::move(done));
    }

  private:
    // How what a second person has approved is carried out.
    void offer_acts() {
        engine_.acts.offer(
            kRefund,
            [this](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                RefundOrder order;
                order.order = order_of(asked);
                order.sale = BookingId{act_number(asked.content, "sale").value_or(0)};
                if (act_field(asked.content, "amount_fen") != "all")
                    order.amount = fen(act_number(asked.content, "amount_fen").value_or(0));
                return outcome_of(refund_now(db, order, Consent::kGiven, now, changes));
            });
        engine_.acts.offer(
            kCorrect, [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                CorrectionOrder order;
                order.order = order_of(asked);
                order.sale = BookingId{act_number(asked.content, "sale").value_or(0)};
                order.right_household = HouseholdId{act_number(asked.content, "right_household").value_or(0)};
                if (act_field(asked.content, "right_amount_fen") != "-")
                    order.right_amount = fen(act_number(asked.content, "right_amount_fen").value_or(0));
                return outcome_of(store::correct(db, order, Consent::kGiven, now, changes));
            });
        engine_.acts.offer(
            kSettle,
            [this](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                const HouseholdId household{act_number(asked.content, "household").value_or(0)};
                engine_.readings->settle(db, household, changes);
                return outcome_of(store::settle(db, order_of(asked), household,
                                                act_field(asked.content, "ticket").value_or(""), now, changes));
            });
        engine_.acts.offer(
            kAddPlan, [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                const auto plan = plan_of(act_field(asked.content, "plan").value_or(""));
                if (!plan)
                    return refuse(Reason::kBadArgument, "The request holds no sound price plan; nothing was done.");
                PlanVersion wanted;
                wanted.name = act_field(asked.content, "name").value_or("");
                wanted.group = act_number(asked.content, "group").value_or(-1);
                wanted.valid_from = UnixTime{act_number(asked.content, "valid_from").value_or(0)};
                wanted.plan = *plan;
                const auto added = store::add_plan(db, order_of(asked), wanted, Consent::kGiven, now, changes);
                if (!added) return std::unexpected(added.error());
                return "Price plan " + std::to_string(added->id.value) + " was added.";
            });
        engine_.acts.offer(
            kSetPriceGroup,
            [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                const std::int64_t group = act_number(asked.content, "group").value_or(-1);
                const auto set = store::set_price_group(db, asked.asked_by,
                                                        HouseholdId{act_number(asked.content, "household").value_or(0)},
                                                        group, asked.reason, Consent::kGiven, now, changes);
                if (!set) return std::unexpected(set.error());
                return "It is in price group " + std::to_string(group) + ".";
            });
    }
    // What was used decides how much may go back.
    void settle_readings_of(Db& db, BookingId sale, Changes& changes) {
        HouseholdId household;
        db.query("SELECT household_id FROM bookings WHERE id = $1", {sale},
                 [&](const Row& row) { household = row.as<HouseholdId>(0); });
        engine_.readings->settle(db, household, changes);
    }
    Answer<BookingsAnswer> refund_now(Db& db, const RefundOrder& order, Consent consent, UnixTime now,
                                      Changes& changes) {
        settle_readings_of(db, order.sale, changes);
        return store::refund(db, order, consent, now, changes);
    }
    template <class T, class Apply>
    void change(WhenDone<T> done, Apply apply) {
        engine_.writer.submit<T>(
            [this, apply = std::move(apply)](Db& db, Changes& changes) { return apply(db, engine_.clock(), changes); },
            std::move(done));
    }
    void of_drawer(DrawerOrder order, MovementKind kind, WhenDone<MovementsAnswer> done) {
        change<MovementsAnswer>(std::move(done), [order = std::move(order), kind](Db& db, UnixTime now, Changes&) {
            return drawer_order(db, order, kind, now);
        });
    }
    // Some households in a change, the next ones when that is on disk.
    void go_on(QuotaState state, WhenDone<QuotaRun> done) {
        engine_.writer.submit<QuotaState>(
            [state = std::move(state)](Db& db, Changes& changes) { return give_quotas(db, state, changes); },
            [this, done = std::move(done)](Answer<QuotaState> next) {
                if (!next) {
                    if (done) done(std::unexpected(std::move(next.error())));
                } else if (next->after) {
                    go_on(std::move(*next), done);
                } else if (done) {
                    done(next->run);
                }
            });
    }

    Engine& engine_;
};

}  // namespace

Answer<BookingsAnswer> reopen_account(Db& db, const MoneyOrder& order, HouseholdId household, UnixTime now,
                                      Changes& changes) {
    return reopen(db, order, household, now, changes);
}

Answer<BookingsAnswer> book_account_change(Db& db, const MoneyOrder& order, const std::string& content,
                                           const char* action, UnixTime now, Changes& changes,
                                           const std::function<Answer<AccountDecision>()>& decide) {
    return carry_out(db, order, content, action, now, changes, decide);
}

Answer<std::optional<BookingsAnswer>> bookings_of_order(Db& db, const MoneyOrder& order, const std::string& content) {
    const auto known = find_order(db, order, content);
    if (!known) return std::unexpected(known.error());
    if (!*known) return std::optional<BookingsAnswer>{};
    return BookingsAnswer{bookings_between(db, (*known)->first_booking, (*known)->last_booking), true};
}

AccountUnit unit_in_force(Db& db, HouseholdId household, UnixTime now) {
    AccountUnit unit = AccountUnit::kEnergy;
    db.query("SELECT " PREWATT_PLAN_COLUMNS " FROM households h " PREWATT_PLAN_TABLES("$2") "WHERE h.id = $1",
             {household, now}, [&](const Row& row) {
                 if (const PlanInForce found = plan_in_force(row, 0); found.plan) unit = found.plan->unit;
             });
    return unit;
}

std::unique_ptr<Accounts> make_accounts(Engine& engine) {
    return std::make_unique<AccountsOnDb>(engine);
}

}  // namespace prewatt::server::store

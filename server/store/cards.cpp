#include "server/store/cards.hpp"

#include <algorithm>

#include "server/domain/cards.hpp"
#include "server/domain/orders.hpp"
#include "server/domain/refuse.hpp"
#include "server/store/audit.hpp"
#include "server/store/bookings.hpp"
#include "server/store/desired.hpp"
#include "server/store/estate.hpp"
#include "server/store/reading_log.hpp"
#include "server/store/restored.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_CARD_SELECT                                                                                        \
    "SELECT c.id, c.uid, c.kind, c.household_id, r.label, c.issue, c.state, c.box_number, c.identity_generation, " \
    "c.generation, c.epoch, c.ticket_number, c.credited_ckwh, c.unit, c.written_at, (SELECT COUNT(*) FROM "        \
    "card_writes w WHERE w.card_id = c.id AND w.state = 1), c.said_generation, c.said_epoch, c.said_number, "      \
    "c.said_used, c.said_remaining, c.said_forward, c.said_state, c.said_bad_cards, c.said_hints, c.swiped_at, "   \
    "c.said_at, c.seen_at, c.issued_at, c.issued_by, c.replaces, c.ended_at, c.why, (SELECT "                      \
    "COALESCE(MAX(w.generation), 0) FROM card_writes w WHERE w.card_id = c.id) FROM cards c LEFT JOIN households " \
    "h ON h.id = c.household_id LEFT JOIN rooms r ON r.id = h.room_id "

CardRecord card_of(const Row& row) {
    CardRecord card;
    card.id = row.as<CardId>(0);
    card.uid = row.as<std::string>(1);
    card.kind = row.as<CardKind>(2);
    card.household = row.as<HouseholdId>(3);
    card.room = row.as<std::string>(4);
    card.issue = row.as<int>(5);
    card.state = row.as<CardState>(6);
    card.box_number = row.as<std::uint64_t>(7);
    card.identity_generation = row.as<std::uint32_t>(8);
    card.generation = row.as<std::uint32_t>(9);
    card.carries = {row.as<std::uint16_t>(10), row.as<std::uint32_t>(11), row.as<Credit>(12), row.as<AccountUnit>(13)};
    card.written_at = row.as<std::optional<UnixTime>>(14);
    card.write_open = row.integer(15) > 0;
    if (row.integer(16) > 0) {
        CardReturn& said = card.said.emplace();
        said.generation = row.as<std::uint32_t>(16);
        said.epoch = row.as<std::uint16_t>(17);
        said.ticket_number = row.as<std::uint32_t>(18);
        said.used = row.as<Credit>(19);
        said.remaining = row.as<Credit>(20);
        said.forward = row.as<Energy>(21);
        said.state = HouseholdState{row.as<std::uint16_t>(22)};
        said.bad_cards = row.as<std::uint8_t>(23);
        said.hints = row.as<std::uint8_t>(24);
        said.swiped_at = row.as<std::optional<UnixTime>>(25);
    }
    card.said_at = row.as<std::optional<UnixTime>>(26);
    card.seen_at = row.as<std::optional<UnixTime>>(27);
    card.issued_at = row.as<UnixTime>(28);
    card.issued_by = row.as<std::string>(29);
    card.replaces = row.as<CardId>(30);
    card.ended_at = row.as<std::optional<UnixTime>>(31);
    card.why = row.as<std::string>(32);
    card.generation_begun = row.as<std::uint32_t>(33);
    return card;
}

#define PREWATT_CARD_WRITE_SELECT                                                                        \
    "SELECT id, order_id, card_id, kind, state, identity_generation, generation, epoch, ticket_number, " \
    "credited_ckwh, "                                                                                    \
    "unit, sale_ckwh, sale_number, operator_name, ordered_at, done_at, uid FROM card_writes "

CardWrite write_of(const Row& row) {
    CardWrite write;
    write.id = row.as<CardWriteId>(0);
    write.order_id = row.as<std::string>(1);
    write.card = row.as<CardId>(2);
    write.kind = row.as<CardWriteKind>(3);
    write.state = row.as<CardWriteState>(4);
    write.identity_generation = row.as<std::uint32_t>(5);
    write.generation = row.as<std::uint32_t>(6);
    write.ticket = {row.as<std::uint16_t>(7), row.as<std::uint32_t>(8), row.as<Credit>(9), row.as<AccountUnit>(10)};
    write.sale = row.as<Credit>(11);
    write.sale_number = row.as<std::uint32_t>(12);
    write.operator_name = row.as<std::string>(13);
    write.ordered_at = row.as<UnixTime>(14);
    write.done_at = row.as<std::optional<UnixTime>>(15);
    return write;
}

std::optional<CardRecord> find_live_of(Db& db, HouseholdId household) {
    std::optional<CardRecord> card;
    db.query(PREWATT_CARD_SELECT "WHERE c.household_id = $1 AND c.state < 3 AND c.kind = 1", {household},
             [&](const Row& row) { card = card_of(row); });
    return card;
}
// The card that lies there: the one in use under this number, unless what stands on it says that it is another piece of
// plastic with the same number.
std::optional<CardRecord> find_seen(Db& db, const CardSight& sight) {
    std::optional<CardRecord> live = find_live_card(db, sight.uid);
    std::optional<CardRecord> named;
    if (sight.identity) named = find_card(db, sight.identity->serial);
    // What stands there is sealed for its number. A serial of another one is of books that were lost: after an old
    // backup came back it was given a second time.
    if (named && named->uid != sight.uid) named.reset();
    if (live && (live->state == CardState::kIssued || !named || named->id == live->id)) return live;
    return named ? named : live;
}

// Where a household stands: its place, its ticket, its meter.
struct Place {
    bool found = false;
    std::uint64_t box_number = 0;
    std::uint8_t number = 0;
    bool by_card = false;
    bool closed = false;
    int card_issue = 0;
    TicketTotal newest;
    UnixTime newest_at;
    Situation stopped = Situation::kNone;
    std::uint16_t meter_epoch = 0;
    std::uint32_t meter_number = 0;
    Credit used_known;
    UnixTime effect_at;
};
Place find_place(Db& db, HouseholdId household) {
    Place place;
    db.query(
        "SELECT x.number, h.number_in_box, l.url, h.card_issue, a.epoch, a.ticket_number, a.credited_ckwh, a.unit, "
        "a.booked_at, d.stopped, m.epoch, m.ticket_number, m.used_ckwh, m.effect_at, h.closed FROM households h JOIN "
        "desired d "
        "ON d.household_id = h.id JOIN meters m ON m.household_id = h.id LEFT JOIN boxes x ON x.id = h.box_id LEFT "
        "JOIN "
        "lines l ON l.id = x.line_id LEFT JOIN bookings a ON a.id = " PREWATT_NEWEST_BOOKING("h.id") " WHERE h.id = $1",
        {household}, [&](const Row& row) {
            place.found = true;
            place.box_number = row.as<std::uint64_t>(0);
            place.number = row.as<std::uint8_t>(1);
            place.by_card = row.text(2) == kCardLine;
            place.card_issue = row.as<int>(3);
            place.newest = {row.as<std::uint16_t>(4), row.as<std::uint32_t>(5), row.as<Credit>(6),
                            row.as<AccountUnit>(7)};
            place.newest_at = row.as<UnixTime>(8);
            place.stopped = row.as<Situation>(9);
            place.meter_epoch = row.as<std::uint16_t>(10);
            place.meter_number = row.as<std::uint32_t>(11);
            place.used_known = row.as<Credit>(12);
            place.effect_at = row.as<UnixTime>(13);
            place.closed = row.as<bool>(14);
        });
    return place;
}

bool may_release(Db& db) {
    bool may = false;
    db.query("SELECT may_release_lockout FROM card_rules WHERE id = 1", {},
             [&](const Row& row) { may = row.as<bool>(0); });
    return may;
}

// "room 3-0512"; of a card with rights: what it is for.
std::string whose(const CardRecord& card) {
    return card.household ? "room " + card.room : "the office (" + std::string{word(card.kind)} + ")";
}
std::string name_of(CardId card) {
    return "card " + std::to_string(card.value);
}
std::string in_words(const TicketTotal& ticket) {
    return "account " + std::to_string(ticket.epoch) + ", ticket " + std::to_string(ticket.number) + ", " +
           std::to_string(in_hundredths(ticket.credited, Round::kDown)) + " hundredths";
}
void note(Db& db, const Actor& who, const char* action, CardId card, std::string before, std::string after,
          std::string reason, UnixTime now) {
    append_audit(db, {0, now, who, action, name_of(card), std::move(before), std::move(after), std::move(reason), ""});
}

// The sale that a swipe shows: the newest of this account, where it is near enough to be named.
void add_sale(Db& db, HouseholdId household, CardWrite& write) {
    constexpr std::uint32_t behind_max = 0xFFFF;
    constexpr std::int64_t hundredths_max = INT32_MAX;
    db.query(
        "SELECT energy_ckwh, ticket_number FROM bookings WHERE household_id = $1 AND epoch = $2 AND kind = 1 ORDER BY "
        "ticket_number DESC LIMIT 1",
        {household, write.ticket.epoch}, [&](const Row& row) {
            const auto number = row.as<std::uint32_t>(1);
            if (write.ticket.number - number > behind_max || row.integer(0) > hundredths_max) return;
            write.sale = row.as<Credit>(0);
            write.sale_number = number;
        });
}

std::unexpected<Refusal> reused() {
    return refuse(Reason::kOrderIdReused, "This order id was used for another order of a card; nothing was done.");
}
std::unexpected<Refusal> stopped() {
    return refuse(Reason::kMeterBehind,
                  "A person has to decide about this account first (list of work); no ticket goes out until then, "
                  "neither on the line nor on a card. Nothing was ordered.");
}
std::unexpected<Refusal> unread() {
    return refuse(Reason::kMeterUnread,
                  "These books came back from a backup, and this room's meter has not been read since: a card could "
                  "take away what it was sold meanwhile. Nothing was ordered. Try again when the meter has been read, "
                  "or see the item \"books_restored\" in the list of work.");
}

CardOrdered ordered(Db& db, const CardWrite& write, const CardRecord& card, const Place& place) {
    CardOrdered out;
    out.write = write;
    out.card = card;
    out.number = place.number;
    out.by_card = place.by_card;
    out.may_release_lockout = may_release(db);
    return out;
}

void end_card(Db& db, const CardRecord& card, CardState how, const Actor& who, const std::string& reason,
              UnixTime now) {
    db.execute("UPDATE cards SET state = $2, ended_at = $3, why = $4 WHERE id = $1",
               {card.id, how, now, journal_text(reason)});
    db.execute("UPDATE card_writes SET state = 3 WHERE card_id = $1 AND state = 1", {card.id});
    note(db, who, how == CardState::kTakenBack ? "card.take_back" : "card.end", card.id, std::string{word(card.state)},
         std::string{word(how)}, reason, now);
}

Answer<CardOrdered> issue_card(Db& db, const CardIssue& order, UnixTime now, Changes& changes) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    if (!is_uid_text(order.uid))
        return refuse(Reason::kCardNotUsable, "A card is found again by a number of 4 or 7 bytes; nothing was done.");
    const Place place = find_place(db, order.household);
    if (!place.found) return refuse(Reason::kNotFound, "There is no such household; nothing was done.");
    if (place.box_number == 0)
        return refuse(Reason::kNoMeter, "The household is not bound to a box, so no card can be made for it.");
    if (place.stopped != Situation::kNone) return stopped();
    if (is_unread_since_restore(db, order.household)) return unread();

    std::optional<CardRecord> card;
    if (const auto known = find_card_write(db, order.order_id)) {
        card = find_card(db, known->card);
        if (known->kind != CardWriteKind::kIssue || !card || card->uid != order.uid ||
            card->household != order.household || card->replaces != order.replaces)
            return reused();
        if (!is_live(card->state))
            return refuse(Reason::kCardRevoked, "This card is " + std::string{word(card->state)} + " by now.",
                          card->id.value);
        if (known->state == CardWriteState::kDone) {
            CardOrdered done = ordered(db, *known, *card, place);
            done.repeated = true;
            return done;
        }
    } else {
        if (place.closed)
            return refuse(Reason::kAccountClosed,
                          "The room's account is closed, and a card would bring its last ticket only; move somebody "
                          "in first. Nothing was done.");
        const auto of_household = find_live_of(db, order.household);
        std::optional<CardRecord> replaced;
        if (order.replaces) {
            replaced = find_card(db, order.replaces);
            if (!replaced || replaced->household != order.household)
                return refuse(Reason::kNotFound, "The card that is to be replaced is none of this household.");
        }
        if (of_household && of_household->id != order.replaces)
            return refuse(Reason::kCardInUse,
                          "Room " + of_household->room + " has card " + std::to_string(of_household->id.value) +
                              " in use; replace it, or take it back first. Nothing was done.",
                          of_household->id.value);
        if (const auto other = find_live_card(db, order.uid); other && other->id != order.replaces)
            return refuse(Reason::kCardInUse,
                          "This card is in use as card " + std::to_string(other->id.value) + " of " + whose(*other) +
                              "; take it back first, or use another one. Nothing was done.",
                          other->id.value);
        if (place.card_issue >= kCardIssueMax)
            return refuse(Reason::kCardNotUsable,
                          "The household has had 255 cards, which is as far as a card can count; nothing was done.",
                          kCardIssueMax);
        // From here on it succeeds.
        if (replaced && is_live(replaced->state))
            end_card(db, *replaced, CardState::kLost, order.who, order.reason, now);
        db.execute("UPDATE households SET card_issue = card_issue + 1 WHERE id = $1", {order.household});
        CardId id;
        db.query(
            "INSERT INTO cards (order_id, uid, kind, household_id, issue, state, box_number, unit, issued_at, "
            "issued_by, replaces) VALUES ($1, $2, 1, $3, $4, 1, $5, $6, $7, $8, $9) RETURNING id",
            {order.order_id, order.uid, order.household, place.card_issue + 1,
             static_cast<std::int64_t>(place.box_number), place.newest.unit, now, order.who.user, order.replaces},
            [&](const Row& row) { id = row.as<CardId>(0); });
        card = find_card(db, id);
        if (!card) return refuse(Reason::kStorageFailed, "The card could not be kept.");
        note(db, order.who, order.replaces ? "card.replace" : "card.issue", id,
             order.replaces ? name_of(order.replaces) : std::string{},
             "household " + std::to_string(order.household.value) + ", issue " + std::to_string(card->issue) +
                 ", number " + order.uid,
             order.reason, now);
    }
    CardWrite write;
    write.order_id = order.order_id;
    write.card = card->id;
    write.kind = CardWriteKind::kIssue;
    write.identity_generation = std::max(order.identity_generation, card->identity_generation + 1);
    write.operator_name = order.who.user;
    write.ordered_at = now;
    if (place.newest.epoch != 0) {
        if (order.generation <= card->generation)
            return refuse(Reason::kCardUnlike, "The card was written meanwhile; read it again. Nothing was ordered.");
        write.generation = order.generation;
        write.ticket = place.newest;
        add_sale(db, order.household, write);
    }
    insert_card_write(db, write, order.uid);
    changes.push_back({Change::Kind::kHousehold, order.household.value});
    return ordered(db, write, *card, place);
}

Answer<CardOrdered> order_ticket(Db& db, const CardTicketOrder& order, UnixTime now) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    auto card = find_card(db, order.card);
    if (!card) return refuse(Reason::kNotFound, "There is no such card; nothing was done.");
    const Place place = find_place(db, card->household);
    if (const auto known = find_card_write(db, order.order_id)) {
        if (known->card != order.card || known->kind != CardWriteKind::kTicket) return reused();
        // Done, and what lies there is still what was read back. Otherwise the answer was lost and somebody has put
        // other contents onto the card meanwhile: it is written again, as another attempt of the same order.
        if (known->state == CardWriteState::kDone && is_live(card->state) && still_stands(*card, order.carries) &&
            card->box_number == place.box_number) {
            CardOrdered done = ordered(db, *known, *card, place);
            done.repeated = true;
            return done;
        }
    }
    if (!is_live(card->state))
        return refuse(Reason::kCardRevoked,
                      "Card " + std::to_string(card->id.value) + " is " +
                          (card->state == CardState::kLost        ? "lost: another one is in its place"
                           : card->state == CardState::kTakenBack ? "taken back"
                                                                  : "dead") +
                          "; nothing is written onto it.",
                      card->id.value);
    if (place.box_number == 0)
        return refuse(Reason::kNoMeter, "The household is not bound to a box; nothing was ordered.");
    if (place.stopped != Situation::kNone) return stopped();
    if (is_unread_since_restore(db, card->household)) return unread();
    if (place.newest.epoch == 0)
        return refuse(Reason::kAccountClosed,
                      "The household has no account yet: nothing was ever sold to it, so there is no ticket to write.");
    const bool moved = card->box_number != place.box_number;
    if (order.generation <= card->generation || (moved && order.identity_generation <= card->identity_generation))
        return refuse(Reason::kCardUnlike,
                      "What stands on the card is newer than what was to be written, or it is sealed for another box; "
                      "read it again. Nothing was ordered.");
    CardWrite write;
    write.order_id = order.order_id;
    write.card = order.card;
    write.kind = CardWriteKind::kTicket;
    write.identity_generation = order.identity_generation;
    write.generation = order.generation;
    write.ticket = place.newest;
    write.operator_name = order.who.user;
    write.ordered_at = now;
    add_sale(db, card->household, write);
    if (moved) {
        card->box_number = place.box_number;
        db.execute("UPDATE cards SET box_number = $2 WHERE id = $1",
                   {card->id, static_cast<std::int64_t>(place.box_number)});
    }
    insert_card_write(db, write, card->uid);
    note(db, order.who, "card.write", card->id, in_words(card->carries), in_words(write.ticket), "", now);
    return ordered(db, write, *card, place);
}

Answer<CardWrite> order_format(Db& db, const CardFormatOrder& order, UnixTime now) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    if (const auto known = find_card_write(db, order.order_id); known && known->kind != CardWriteKind::kFormat)
        return reused();
    std::optional<CardRecord> card;
    if (order.card) {
        card = find_card(db, order.card);
        if (!card) return refuse(Reason::kNotFound, "There is no such card; nothing was done.");
    }
    for (const auto& one : {card, find_live_card(db, order.uid)})
        if (one && is_live(one->state))
            return refuse(Reason::kCardInUse,
                          "Card " + std::to_string(one->id.value) + " of " + whose(*one) +
                              " is in use; take it back first. Nothing was ordered.",
                          one->id.value);
    CardWrite write;
    write.order_id = order.order_id;
    write.card = order.card;
    write.kind = CardWriteKind::kFormat;
    write.operator_name = order.who.user;
    write.ordered_at = now;
    insert_card_write(db, write, order.uid);
    append_audit(db, {0, now, order.who, "card.format", card ? name_of(card->id) : "card with number " + order.uid, "",
                      "", "", ""});
    return write;
}

Answer<CardRecord> record_written(Db& db, CardWriteId id, UnixTime now, Changes& changes) {
    std::optional<CardWrite> write;
    db.query(PREWATT_CARD_WRITE_SELECT "WHERE id = $1", {id}, [&](const Row& row) { write = write_of(row); });
    if (!write) return refuse(Reason::kNotFound, "There is no such order of a card.");
    if (write->state == CardWriteState::kReplaced)
        return refuse(Reason::kCardUnlike,
                      "A later order took the place of this one; read the card again, it says what is due.");
    auto card = find_card(db, write->card);
    if (write->state == CardWriteState::kOrdered) {
        db.execute("UPDATE card_writes SET state = 2, done_at = $2 WHERE id = $1", {id, now});
        if (card && write->kind != CardWriteKind::kFormat) {
            db.execute("UPDATE cards SET seen_at = $2 WHERE id = $1", {card->id, now});
            if (write->identity_generation != 0)
                db.execute("UPDATE cards SET state = 2, identity_generation = $2 WHERE id = $1",
                           {card->id, write->identity_generation});
            if (write->generation != 0) {
                db.execute(
                    "UPDATE cards SET generation = $2, epoch = $3, ticket_number = $4, credited_ckwh = $5, unit = $6, "
                    "written_at = $7 WHERE id = $1",
                    {card->id, write->generation, write->ticket.epoch, write->ticket.number, write->ticket.credited,
                     write->ticket.unit, now});
                // What stood on it before is on it since then; of a new card it is what the meter has not got yet, and
                // the newest.
                const Place place = find_place(db, card->household);
                const TicketTotal& before = card->carries;
                std::uint32_t above = place.meter_epoch == write->ticket.epoch ? place.meter_number : 0;
                if (card->generation != 0) above = before.epoch == write->ticket.epoch ? before.number : 0;
                above = std::min(above, write->ticket.number - 1);
                db.query(
                    "INSERT INTO progress (booking_id, card_at) SELECT s.id, $4 FROM bookings s LEFT JOIN progress p "
                    "ON "
                    "p.booking_id = s.id WHERE s.household_id = $1 AND s.epoch = $2 AND s.ticket_number <= $3 AND "
                    "s.ticket_number > $5 AND p.card_at IS NULL ON CONFLICT (booking_id) DO UPDATE SET card_at = "
                    "excluded.card_at RETURNING booking_id",
                    {card->household, write->ticket.epoch, write->ticket.number, now, above},
                    [&](const Row& row) { changes.push_back({Change::Kind::kSale, row.integer(0)}); });
                WorkItem item;
                item.kind = "card_rolled_back";
                item.household = card->household;
                item.subject = name_of(card->id);
                close_work_item(db, difference_of(item), "The newest ticket was written onto the card again.", now);
            }
            changes.push_back({Change::Kind::kHousehold, card->household.value});
            card = find_card(db, card->id);
        }
    }
    if (!card) return CardRecord{};
    return *card;
}

Answer<CardRecord> end(Db& db, const CardEnd& order, UnixTime now, Changes& changes) {
    auto card = find_card(db, order.card);
    if (!card) return refuse(Reason::kNotFound, "There is no such card; nothing was done.");
    if (is_live(order.how)) return refuse(Reason::kBadArgument, "A card ends lost, taken back or dead.");
    if (card->state == order.how) return *card;
    if (!is_live(card->state))
        return refuse(Reason::kCardRevoked, "This card is " + std::string{word(card->state)} + " already.",
                      card->id.value);
    end_card(db, *card, order.how, order.who, order.reason, now);
    changes.push_back({Change::Kind::kHousehold, card->household.value});
    card->state = order.how;
    card->ended_at = now;
    card->why = order.reason;
    card->write_open = false;
    return *card;
}

class CardsOnDb final : public Cards {
  public:
    explicit CardsOnDb(Engine& engine) : engine_(engine) {}

    Answer<CardRecord> card(CardId id) override {
        return engine_.pool.ask([&](Db& db) { return checked(db, find_card(db, id), "card"); });
    }
    Answer<std::vector<CardRecord>> cards(HouseholdId household, CardId before, int limit) override {
        return engine_.pool.ask([&](Db& db) {
            std::vector<CardRecord> list;
            db.query(PREWATT_CARD_SELECT
                     "WHERE (c.household_id = $1 OR $1 = 0) AND c.id < $2 ORDER BY c.id DESC LIMIT $3",
                     {household, before ? before.value : INT64_MAX, std::clamp(limit, 1, 10'000)},
                     [&](const Row& row) { list.push_back(card_of(row)); });
            return checked(db, std::move(list));
        });
    }
    Answer<std::vector<CardWrite>> writes(CardId card, int limit) override {
        return engine_.pool.ask([&](Db& db) {
            std::vector<CardWrite> list;
            db.query(PREWATT_CARD_WRITE_SELECT "WHERE card_id = $1 ORDER BY id DESC LIMIT $2",
                     {card, std::clamp(limit, 1, 10'000)}, [&](const Row& row) { list.push_back(write_of(row)); });
            return checked(db, std::move(list));
        });
    }
    Answer<CardWrite> write(CardWriteId id) override {
        return engine_.pool.ask([&](Db& db) {
            std::optional<CardWrite> found;
            db.query(PREWATT_CARD_WRITE_SELECT "WHERE id = $1", {id}, [&](const Row& row) { found = write_of(row); });
            return checked(db, std::move(found), "order of a card");
        });
    }
    Answer<bool> may_release_lockout() override {
        return engine_.pool.ask([](Db& db) { return checked(db, may_release(db)); });
    }

    void see(CardSight sight, Actor who, WhenDone<CardSeen> done) override {
        engine_.writer.submit<CardSeen>(
            [this, sight = std::move(sight), who = std::move(who)](Db& db, Changes& changes) mutable {
                return look(db, sight, engine_.clock(), changes);
            },
            std::move(done));
    }
    void issue(CardIssue order, WhenDone<CardOrdered> done) override {
        engine_.writer.submit<CardOrdered>(
            [this, order = std::move(order)](Db& db, Changes& changes) {
                return issue_card(db, order, engine_.clock(), changes);
            },
            std::move(done));
    }
    void order_ticket(CardTicketOrder order, WhenDone<CardOrdered> done) override {
        engine_.writer.submit<CardOrdered>(
            [this, order = std::move(order)](Db& db, Changes&) {
                return store::order_ticket(db, order, engine_.clock());
            },
            std::move(done));
    }
    void order_format(CardFormatOrder order, WhenDone<CardWrite> done) override {
        engine_.writer.submit<CardWrite>(
            [this, order = std::move(order)](Db& db, Changes&) {
                return store::order_format(db, order, engine_.clock());
            },
            std::move(done));
    }
    void written(CardWriteId write, Actor, WhenDone<CardRecord> done) override {
        engine_.writer.submit<CardRecord>(
            [this, write](Db& db, Changes& changes) { return record_written(db, write, engine_.clock(), changes); },
            std::move(done));
    }
    void end(CardEnd order, WhenDone<CardRecord> done) override {
        engine_.writer.submit<CardRecord>(
            [this, order = std::move(order)](Db& db, Changes& changes) {
                return store::end(db, order, engine_.clock(), changes);
            },
            std::move(done));
    }
    void set_may_release_lockout(bool may, Actor who, std::string reason, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, may, who = std::move(who), reason = std::move(reason)](Db& db, Changes&) -> Answer<Done> {
                const bool before = may_release(db);
                db.execute(
                    "INSERT INTO card_rules (id, may_release_lockout) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET "
                    "may_release_lockout = excluded.may_release_lockout",
                    {may});
                append_audit(db, {0, engine_.clock(), who, "card.set_rules", "site",
                                  before ? "a swipe forgets lock-outs" : "a swipe forgets no lock-out",
                                  may ? "a swipe forgets lock-outs" : "a swipe forgets no lock-out", reason, ""});
                return Done{};
            },
            std::move(done));
    }

  private:
    Answer<CardSeen> look(Db& db, CardSight& sight, UnixTime now, Changes& changes) {
        CardFacts facts;
        facts.card = find_seen(db, sight);
        for (const SeenTicket& seen : sight.tickets)
            facts.tickets_ordered =
                facts.tickets_ordered &&
                db.query(
                    "SELECT 1 FROM card_writes WHERE card_id = $1 AND generation = $2 AND epoch = $3 AND ticket_number "
                    "= $4 AND credited_ckwh = $5",
                    {seen.serial, seen.generation, seen.ticket.epoch, seen.ticket.number, seen.ticket.credited},
                    [](const Row&) {}) > 0;
        CardSeen answer;
        if (!facts.card) {
            answer.finding = judge_sight(sight, facts, now).finding;
            return answer;
        }
        const CardRecord& card = *facts.card;
        // What stood there before this issue of the card says nothing of it.
        std::erase_if(sight.tickets, [&](const SeenTicket& seen) { return seen.serial != card.id; });
        const Place place = find_place(db, card.household);
        if (sight.said_box != place.box_number || sight.said_number != place.number) sight.said.reset();
        facts.newest = place.newest;
        facts.by_card = place.by_card;
        facts.box_number = place.box_number;
        facts.meter_epoch = place.meter_epoch;
        facts.used_known = place.used_known;
        UnixTime earliest = std::max(place.effect_at, card.said_at ? UnixTime{} : card.issued_at);
        if (sight.said)
            db.query(
                "SELECT credited_ckwh, booked_at FROM bookings WHERE household_id = $1 AND epoch = $2 AND "
                "ticket_number "
                "= $3",
                {card.household, sight.said->epoch, sight.said->ticket_number}, [&](const Row& row) {
                    facts.as_issued = row.as<Credit>(0);
                    earliest = std::max(earliest, row.as<UnixTime>(1));
                });
        CardJudgement judgement = judge_sight(sight, facts, now);
        const auto is_raised = [&](std::string_view kind) {
            return std::any_of(judgement.items.begin(), judgement.items.end(),
                               [&](const WorkItem& item) { return item.kind == kind; });
        };
        for (const CardEnding& ending : kCardEndings) {
            if (!judgement.take_said || is_raised(ending.kind)) continue;
            WorkItem gone;
            gone.kind = ending.kind;
            gone.household = card.household;
            if (ending.of_card) gone.subject = name_of(card.id);
            close_work_item(db, difference_of(gone), ending.how, now);
        }
        for (const WorkItem& item : judgement.items)
            raise_work_item(db, item);
        db.execute("UPDATE cards SET seen_at = $2 WHERE id = $1", {card.id, now});
        if (judgement.take_said) keep_said(db, card, *sight.said, place, earliest, now, changes);
        changes.push_back({Change::Kind::kHousehold, card.household.value});
        answer.finding = judgement.finding;
        answer.rolled_back = judgement.rolled_back;
        answer.took_said = judgement.take_said;
        answer.newest = place.newest;
        answer.card = find_card(db, card.id);
        return answer;
    }

    void keep_said(Db& db, const CardRecord& card, const CardReturn& said, const Place& place, UnixTime earliest,
                   UnixTime now, Changes& changes) {
        // Also where it is only shown: a box whose clock is wrong does not say that somebody swiped last year.
        const UnixTime at = time_of_swipe(said, earliest, now);
        db.execute(
            "UPDATE cards SET said_generation = $2, said_epoch = $3, said_number = $4, said_used = $5, said_remaining "
            "= "
            "$6, said_forward = $7, said_state = $8, said_bad_cards = $9, said_hints = $10, swiped_at = $11, said_at = "
            "$12 WHERE id = $1",
            {card.id, said.generation, said.epoch, said.ticket_number, said.used, said.remaining, said.forward,
             said.state.bits, said.bad_cards, said.hints, said.swiped_at ? std::optional(at) : std::nullopt, now});
        if (!place.by_card) return;
        // No line says more than this: it counts as the meter's answer, at the time of the swipe.
        engine_.readings->settle(db, card.household, changes);
        engine_.readings->touch(card.household);
        MeterEffect effect;
        effect.epoch = said.epoch;
        effect.ticket_number = said.ticket_number;
        effect.remaining = said.remaining;
        effect.state = said.state;
        if (said.epoch != 0) effect.credited = said.credited();
        (void)record_effect(db, card.household, effect, at, changes);
        (void)engine_.readings->record(db, {{card.household, at, said.forward, said.remaining, said.state}}, changes);
    }

    Engine& engine_;
};

}  // namespace

std::optional<CardRecord> find_card(Db& db, CardId id) {
    std::optional<CardRecord> card;
    db.query(PREWATT_CARD_SELECT "WHERE c.id = $1", {id}, [&](const Row& row) { card = card_of(row); });
    return card;
}
std::optional<CardRecord> find_live_card(Db& db, std::string_view uid) {
    std::optional<CardRecord> card;
    db.query(PREWATT_CARD_SELECT "WHERE c.uid = $1 AND c.state < 3", {uid},
             [&](const Row& row) { card = card_of(row); });
    return card;
}

std::optional<CardWrite> find_card_write(Db& db, CardWriteId id) {
    std::optional<CardWrite> write;
    db.query(PREWATT_CARD_WRITE_SELECT "WHERE id = $1", {id}, [&](const Row& row) { write = write_of(row); });
    return write;
}
std::optional<CardWrite> find_card_write(Db& db, std::string_view order_id) {
    std::optional<CardWrite> write;
    db.query(PREWATT_CARD_WRITE_SELECT "WHERE order_id = $1 ORDER BY id DESC LIMIT 1", {order_id},
             [&](const Row& row) { write = write_of(row); });
    return write;
}

void insert_card_write(Db& db, CardWrite& write, std::string_view uid) {
    if (write.card) db.execute("UPDATE card_writes SET state = 3 WHERE card_id = $1 AND state = 1", {write.card});
    db.query(
        "INSERT INTO card_writes (order_id, card_id, uid, kind, state, identity_generation, generation, epoch, "
        "ticket_number, credited_ckwh, unit, sale_ckwh, sale_number, operator_name, ordered_at) VALUES ($1, $2, $3, "
        "$4, "
        "1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
        {write.order_id, write.card, uid, write.kind, write.identity_generation, write.generation, write.ticket.epoch,
         write.ticket.number, write.ticket.credited, write.ticket.unit, write.sale, write.sale_number,
         write.operator_name, write.ordered_at},
        [&](const Row& row) { write.id = row.as<CardWriteId>(0); });
}

void check_cards(Db& db, UnixTime now) {
    std::vector<CardRecord> wrong;
    db.query(
        PREWATT_CARD_SELECT
        "LEFT JOIN bookings b ON b.household_id = c.household_id AND b.epoch = c.epoch AND b.ticket_number = "
        "c.ticket_number AND b.credited_ckwh = c.credited_ckwh WHERE c.state < 3 AND c.generation > 0 AND (b.id IS "
        "NULL OR NOT EXISTS (SELECT 1 FROM card_writes w WHERE w.card_id = c.id AND w.generation = c.generation "
        "AND w.state = 2 AND w.epoch = c.epoch AND w.ticket_number = c.ticket_number AND w.credited_ckwh = "
        "c.credited_ckwh)) ORDER BY c.id LIMIT 1000",
        {}, [&](const Row& row) { wrong.push_back(card_of(row)); });
    for (const CardRecord& card : wrong) {
        WorkItem item;
        item.kind = "card_carries_unbooked";
        item.household = card.household;
        item.at = now;
        item.subject = name_of(card.id);
        item.figures = "card: " + in_words(card.carries) + ", generation " + std::to_string(card.generation);
        item.explanation =
            "By these books the card carries a ticket that is not booked with this total, or that nobody ordered. What "
            "the "
            "cards carry and what was sold do not agree.";
        item.proposals = {"Read the card and write the newest ticket onto it.",
                          "Find out who changed the books: the journal says who ordered what."};
        item.size = in_hundredths(card.carries.credited, Round::kDown);
        raise_work_item(db, item);
    }
}

std::unique_ptr<Cards> make_cards(Engine& engine) {
    return std::make_unique<CardsOnDb>(engine);
}

}  // namespace prewatt::server::store

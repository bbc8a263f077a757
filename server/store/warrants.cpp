#include "server/store/warrants.hpp"

#include <algorithm>

#include "server/domain/box_number.hpp"
#include "server/domain/campaigns.hpp"
#include "server/domain/orders.hpp"
#include "server/domain/refuse.hpp"
#include "server/store/approvals.hpp"
#include "server/store/audit.hpp"
#include "server/store/cards.hpp"
#include "server/store/desired_settings.hpp"
#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

std::string name_of(WarrantId warrant) {
    return "warrant " + std::to_string(warrant.value);
}
// Of everything that is ordered onto the warrant's card.
std::string order_of(WarrantId warrant) {
    return name_of(warrant);
}

#define PREWATT_WARRANT_SELECT                                                                                 \
    "SELECT id, order_id, content, asked_by, asked_from, agreed_by, reason, asked_at, withdrawn_at, card_id, " \
    "parameters, parameters_left FROM warrants "

WarrantRecord warrant_of(const Row& row) {
    WarrantRecord warrant;
    warrant.id = row.as<WarrantId>(0);
    warrant.order_id = row.as<std::string>(1);
    if (auto wish = warrant_wish_of(row.text(2))) warrant.wish = std::move(*wish);
    warrant.asked_by = {row.as<std::string>(3), row.as<std::string>(4)};
    warrant.agreed_by = row.as<std::string>(5);
    warrant.reason = row.as<std::string>(6);
    warrant.asked_at = row.as<UnixTime>(7);
    warrant.card = row.as<CardId>(9);
    warrant.state = row.as<std::optional<UnixTime>>(8) ? WarrantState::kWithdrawn
                    : warrant.card                     ? WarrantState::kOnCard
                                                       : WarrantState::kAgreed;
    if (auto values = card_values_of(row.text(10))) warrant.values = std::move(*values);
    warrant.values_left = row.as<int>(11);
    return warrant;
}

void add_rights(Db& db, WarrantRecord& warrant, UnixTime now) {
    if (!warrant.card) return;
    std::vector<bool> later;
    db.query(
        "SELECT r.box_number, r.household_id, r.number_in_box, r.sequence, r.from_at, r.until_at, r.said_sequence, "
        "r.said_code, r.said_at, r.told_at, (SELECT COUNT(*) FROM card_rights o WHERE o.box_number = r.box_number AND "
        "o.said_sequence > r.sequence) FROM card_rights r WHERE r.card_id = $1 ORDER BY r.place",
        {warrant.card}, [&](const Row& row) {
            CardRight& right = warrant.rights.emplace_back();
            right.box_number = row.as<std::uint64_t>(0);
            right.household = row.as<HouseholdId>(1);
            right.number = row.as<std::uint8_t>(2);
            right.sequence = row.as<std::uint32_t>(3);
            right.from = row.as<UnixTime>(4);
            right.until = row.as<UnixTime>(5);
            if (const auto told = row.as<std::optional<UnixTime>>(9)) {
                right.told_at = told;
                right.receipt =
                    RightReceipt{row.as<std::uint32_t>(6), row.as<std::uint8_t>(7), row.as<std::optional<UnixTime>>(8)};
            }
            later.push_back(row.integer(10) > 0);
        });
    for (std::size_t k = 0; k < warrant.rights.size(); ++k)
        warrant.states.push_back(state_of(warrant.rights[k], later[k], now));
}

std::optional<WarrantRecord> find_warrant(Db& db, WarrantId id, UnixTime now) {
    std::optional<WarrantRecord> warrant;
    db.query(PREWATT_WARRANT_SELECT "WHERE id = $1", {id}, [&](const Row& row) { warrant = warrant_of(row); });
    if (warrant) add_rights(db, *warrant, now);
    return warrant;
}
std::optional<WarrantRecord> find_by_order(Db& db, std::string_view order_id, UnixTime now) {
    WarrantId id;
    db.query("SELECT id FROM warrants WHERE order_id = $1", {order_id},
             [&](const Row& row) { id = row.as<WarrantId>(0); });
    return id ? find_warrant(db, id, now) : std::nullopt;
}

std::optional<WarrantRecord> find_of_card(Db& db, CardId card, UnixTime now) {
    WarrantId id;
    db.query("SELECT id FROM warrants WHERE card_id = $1 AND card_id > 0", {card},
             [&](const Row& row) { id = row.as<WarrantId>(0); });
    return id ? find_warrant(db, id, now) : std::nullopt;
}

// The rights that a card would get now, without their numbers. kNotFound, kNoMeter.
Answer<std::vector<CardRight>> rights_for(Db& db, const WarrantWish& wish) {
    std::vector<CardRight> rights;
    if (only_shows(wish.kind)) return std::vector<CardRight>(1);
    if (wish.household) {
        bool found = false;
        CardRight right;
        right.household = wish.household;
        db.query(
            "SELECT x.number, h.number_in_box FROM households h LEFT JOIN boxes x ON x.id = h.box_id WHERE h.id = $1",
            {wish.household}, [&](const Row& row) {
                found = true;
                right.box_number = row.as<std::uint64_t>(0);
                right.number = row.as<std::uint8_t>(1);
            });
        if (!found) return refuse(Reason::kNotFound, "There is no such household; nothing was done.");
        if (right.box_number == 0)
            return refuse(Reason::kNoMeter, "The household is not bound to a box; nothing was done.");
        rights.push_back(right);
        return rights;
    }
    for (const std::uint64_t box : wish.boxes) {
        bool found = false;
        db.query("SELECT id FROM boxes WHERE number = $1", {static_cast<std::int64_t>(box)},
                 [&](const Row&) { found = true; });
        if (!found) return refuse(Reason::kNotFound, "There is no box " + box_digits(box) + "; nothing was done.");
        rights.emplace_back().box_number = box;
    }
    return rights;
}

// What the office desires of this box and its households, and the box has not shown yet: the box's own first.
std::vector<CardValue> open_wishes_of(Db& db, std::uint64_t box_number) {
    std::vector<CardValue> values;
    const auto add = [&](const Row& row) {
        values.push_back({row.as<std::uint8_t>(0), row.as<std::uint8_t>(1), row.as<std::uint8_t>(2),
                          row.as<std::uint32_t>(3), bytes_of_hex(row.text(4)).value_or(std::vector<std::uint8_t>{})});
    };
    const auto box = static_cast<std::int64_t>(box_number);
    db.query(
        "SELECT w.setting_id, 0, w.setting_index, w.version, w.bytes FROM setting_wishes w JOIN boxes x ON w.owner_id "
        "= x.id WHERE w.owner_kind = 2 AND x.number = $1 AND w.version > w.reached AND w.failed = 0 AND w.setting_id < "
        "$2 ORDER BY w.setting_id, w.setting_index",
        {box, kAlarmsValue}, add);
    db.query(
        "SELECT w.setting_id, h.number_in_box, w.setting_index, w.version, w.bytes FROM households h JOIN boxes x ON "
        "x.id = h.box_id JOIN setting_wishes w ON w.owner_kind = 1 AND w.owner_id = h.id WHERE x.number = $1 AND "
        "w.version > w.reached AND w.failed = 0 AND w.setting_id < $2 ORDER BY h.number_in_box, w.setting_id, "
        "w.setting_index",
        {box, kAlarmsValue}, add);
    db.query(
        "SELECT h.number_in_box, d.alarms_version, d.low_ckwh, d.cutoff_ckwh, d.overdraft_ckwh FROM households h JOIN "
        "boxes x ON x.id = h.box_id JOIN desired d ON d.household_id = h.id WHERE x.number = $1 AND d.alarms_version > "
        "d.alarms_reached ORDER BY h.number_in_box",
        {box}, [&](const Row& row) {
            values.push_back({kAlarmsValue, row.as<std::uint8_t>(0), 0, row.as<std::uint32_t>(1),
                              bytes_of(AlarmLevels{row.as<Energy>(2), row.as<Energy>(3), row.as<Energy>(4)})});
        });
    return values;
}

Answer<WarrantRecord> agree(Db& db, const WarrantOrder& order, const std::string& agreed_by, UnixTime now) {
    if (const auto rights = rights_for(db, order.wish); !rights) return std::unexpected(rights.error());
    WarrantId id;
    const std::string content = content_of(order.wish, order.order_id);
    db.query(
        "INSERT INTO warrants (order_id, content, asked_by, asked_from, agreed_by, reason, asked_at) VALUES ($1, $2, "
        "$3, $4, $5, $6, $7) RETURNING id",
        {order.order_id, content, order.who.user, order.who.from, agreed_by, journal_text(order.reason), now},
        [&](const Row& row) { id = row.as<WarrantId>(0); });
    append_audit(
        db, order.who,
        {kWarrantAction, name_of(id), "", in_words(order.wish) + (agreed_by.empty() ? "" : ", agreed by " + agreed_by)},
        order.reason, now);
    return checked(db, find_warrant(db, id, now), "warrant");
}

Answer<WarrantRecord> ask(Db& db, const WarrantOrder& order, UnixTime now) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    if (auto bad = check_wish(order.wish)) return std::unexpected(*bad);
    if (order.reason.empty())
        return refuse(Reason::kBadArgument, "A card with rights is made for a reason; say it. Nothing was done.");
    if (auto known = find_by_order(db, order.order_id, now)) {
        if (known->wish != order.wish)
            return refuse(Reason::kOrderIdReused, "This order id was used for another warrant; nothing was done.");
        return *known;
    }
    if (const auto rights = rights_for(db, order.wish); !rights) return std::unexpected(rights.error());
    if (needs_second_person(order.wish.kind)) {
        const Act act{
            ActKind::kRightsCard, kWarrantAction, in_words(order.wish), content_of(order.wish, order.order_id), {}, 1};
        if (auto waits = wait_for_second_person(db, act, order.who, order.reason, now)) return std::unexpected(*waits);
    }
    return agree(db, order, "", now);
}

Answer<WarrantRecord> withdraw(Db& db, WarrantId id, const Actor& who, const std::string& reason, UnixTime now) {
    auto warrant = find_warrant(db, id, now);
    if (!warrant) return refuse(Reason::kNotFound, "There is no such warrant; nothing was done.");
    if (warrant->state == WarrantState::kWithdrawn) return *warrant;
    if (warrant->card)
        return refuse(Reason::kAlreadyDecided,
                      "This warrant is on card " + std::to_string(warrant->card.value) +
                          ": take the card back, or say that it is lost. Nothing was done.",
                      warrant->card.value);
    db.execute("UPDATE warrants SET withdrawn_at = $2 WHERE id = $1", {id, now});
    append_audit(db, who, {"card.withdraw", name_of(id), in_words(warrant->wish), "withdrawn"}, reason, now);
    warrant->state = WarrantState::kWithdrawn;
    return *warrant;
}

// Another card that may change something at one of these boxes is out.
std::optional<Refusal> refuse_second_card(Db& db, const std::vector<CardRight>& rights, UnixTime now) {
    std::optional<Refusal> refusal;
    for (const CardRight& right : rights) {
        if (right.box_number == 0) continue;
        db.query(
            "SELECT c.id, c.kind FROM card_rights r JOIN cards c ON c.id = r.card_id WHERE r.box_number = $1 AND "
            "r.until_at > $2 AND c.state < 3 AND (r.said_sequence IS NULL OR r.said_sequence < r.sequence) ORDER BY "
            "c.id LIMIT 1",
            {static_cast<std::int64_t>(right.box_number), now}, [&](const Row& row) {
                const CardId card = row.as<CardId>(0);
                refusal = Refusal{Reason::kCardInUse,
                                  "Card " + std::to_string(card.value) + " (" + std::string{word(row.as<CardKind>(1))} +
                                      ") with a right for box " + box_digits(right.box_number) +
                                      " is out, and used last it would be refused there: read it and take it back "
                                      "first, or say that it is lost. Nothing was done.",
                                  card.value};
            });
        if (refusal) break;
    }
    return refusal;
}

Answer<WarrantOrdered> order_card(Db& db, const WarrantWrite& order, WarrantRecord& warrant, UnixTime now) {
    if (!is_uid_text(order.uid))
        return refuse(Reason::kCardNotUsable, "A card is found again by a number of 4 or 7 bytes; nothing was done.");
    std::optional<CardRecord> card;
    if (warrant.card) {
        card = find_card(db, warrant.card);
        if (!card) return refuse(Reason::kStorageFailed, "The card of the warrant is not in the books.");
        if (card->uid != order.uid)
            return refuse(Reason::kAlreadyDecided,
                          "This warrant was written onto card " + std::to_string(card->id.value) + ", number " +
                              card->uid + "; it is for that one alone. For another card ask again. Nothing was done.",
                          card->id.value);
        if (!is_live(card->state))
            return refuse(Reason::kCardRevoked,
                          "The card of this warrant is " + std::string{word(card->state)} + "; nothing was done.",
                          card->id.value);
        if (const auto known = find_card_write(db, order_of(warrant.id));
            known && known->state == CardWriteState::kDone)
            return WarrantOrdered{*known, *card, warrant, true};
    } else {
        if (const auto other = find_live_card(db, order.uid))
            return refuse(Reason::kCardInUse,
                          "This card is in use as card " + std::to_string(other->id.value) +
                              "; take it back first, or use another one. Nothing was done.",
                          other->id.value);
        auto rights = rights_for(db, warrant.wish);
        if (!rights) return std::unexpected(rights.error());
        if (rights->size() > order.rights_max)
            return refuse(Reason::kCardNotUsable,
                          "A card of this site has room for rights of " + std::to_string(order.rights_max) +
                              " boxes; nothing was done.",
                          static_cast<std::int64_t>(order.rights_max));
        if (auto second = refuse_second_card(db, *rights, now)) return std::unexpected(*second);
        FittedValues fitted;
        if (warrant.wish.kind == CardKind::kSetUp) {
            fitted = fit(open_wishes_of(db, rights->front().box_number), order.values_bytes_max);
            if (fitted.values.empty())
                return refuse(Reason::kBadArgument,
                              "The box has shown everything that is desired of it: there is nothing to set. Nothing "
                              "was done.");
        }
        // From here on it succeeds.
        CardId id;
        db.query(
            "INSERT INTO cards (order_id, uid, kind, issue, state, box_number, issued_at, issued_by) VALUES ($1, $2, "
            "$3, 1, 1, 0, $4, $5) RETURNING id",
            {order_of(warrant.id), order.uid, warrant.wish.kind, now, order.who.user},
            [&](const Row& row) { id = row.as<CardId>(0); });
        std::string numbers;
        for (std::size_t k = 0; k < rights->size(); ++k) {
            CardRight& right = (*rights)[k];
            std::uint32_t last = 0;
            db.query("SELECT COALESCE(MAX(sequence), 0) FROM card_rights WHERE box_number = $1",
                     {static_cast<std::int64_t>(right.box_number)},
                     [&](const Row& row) { last = row.as<std::uint32_t>(0); });
            right.sequence = next_sequence(last, now);
            right.from = UnixTime{now.ms - kWindowBefore.count() / 1000};
            right.until = UnixTime{now.ms + std::int64_t{warrant.wish.valid_hours} * 3'600'000};
            numbers += (k == 0 ? ", right " : ", ") + std::to_string(right.sequence);
            db.execute(
                "INSERT INTO card_rights (card_id, place, box_number, household_id, number_in_box, sequence, from_at, "
                "until_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                {id, static_cast<std::int64_t>(k), static_cast<std::int64_t>(right.box_number), right.household,
                 right.number, right.sequence, right.from, right.until});
        }
        db.execute("UPDATE warrants SET card_id = $2, parameters = $3, parameters_left = $4 WHERE id = $1",
                   {warrant.id, id, text_of(fitted.values), fitted.left});
        append_audit(db, order.who,
                     {"card.issue", "card " + std::to_string(id.value), name_of(warrant.id),
                      in_words(warrant.wish) + ", number " + order.uid + numbers},
                     warrant.reason, now);
        const auto again = find_warrant(db, warrant.id, now);
        card = find_card(db, id);
        if (!again || !card) return refuse(Reason::kStorageFailed, "The card could not be kept.");
        warrant = *again;
    }
    CardWrite write;
    write.order_id = order_of(warrant.id);
    write.card = card->id;
    write.kind = CardWriteKind::kIssue;
    write.identity_generation = std::max(order.identity_generation, card->identity_generation + 1);
    write.operator_name = order.who.user;
    write.ordered_at = now;
    insert_card_write(db, write, order.uid);
    return WarrantOrdered{write, *card, warrant, false};
}

// The values that a set-up card carried are so by the box's own word.
void prove(Db& db, const WarrantRecord& warrant, UnixTime now, Changes& changes) {
    if (warrant.wish.kind != CardKind::kSetUp || warrant.rights.empty()) return;
    BoxId box;
    db.query("SELECT id FROM boxes WHERE number = $1", {static_cast<std::int64_t>(warrant.rights.front().box_number)},
             [&](const Row& row) { box = row.as<BoxId>(0); });
    for (const CardValue& value : warrant.values) {
        HouseholdId household;
        if (value.number != 0)
            db.query("SELECT id FROM households WHERE box_id = $1 AND number_in_box = $2", {box, value.number},
                     [&](const Row& row) { household = row.as<HouseholdId>(0); });
        if (value.number != 0 && !household) continue;  // moved out of the box meanwhile
        if (value.id == kAlarmsValue) {
            db.execute(
                "UPDATE desired SET alarms_reached = $2 WHERE household_id = $1 AND alarms_reached < $2 AND "
                "alarms_version >= $2",
                {household, value.version});
            changes.push_back({Change::Kind::kHousehold, household.value});
            continue;
        }
        SettingReport report;
        report.box = box;
        report.number = value.number;
        report.household = household;
        report.name = {value.id, value.index};
        report.version = value.version;
        report.at = now;
        (void)record_setting(db, report, changes);
    }
}

Answer<WarrantRecord> take_receipt(Db& db, CardId card, std::uint64_t box_number, const RightReceipt& receipt,
                                   const Actor& who, UnixTime now, Changes& changes) {
    const auto before = find_of_card(db, card, now);
    if (!before) return refuse(Reason::kNotFound, "No warrant is on this card; nothing was kept.");
    for (std::size_t k = 0; k < before->rights.size(); ++k) {
        const CardRight& right = before->rights[k];
        if (right.box_number != box_number) continue;
        // One that says less than was told before was put back by somebody.
        if (right.receipt && (receipt.sequence < right.receipt->sequence || receipt == *right.receipt)) continue;
        db.execute(
            "UPDATE card_rights SET said_sequence = $3, said_code = $4, said_at = $5, told_at = $6 WHERE card_id = $1 "
            "AND place = $2",
            {card, static_cast<std::int64_t>(k), receipt.sequence, receipt.code, receipt.at, now});
        if (receipt.sequence != right.sequence || before->states[k] == RightState::kCarriedOut) continue;
        append_audit(db, who,
                     {"card.carried_out", "card " + std::to_string(card.value), name_of(before->id),
                      in_words(before->wish) + " at box " + box_digits(box_number)},
                     "", now);
        prove(db, *before, now, changes);
    }
    return checked(db, find_warrant(db, before->id, now), "warrant");
}

class WarrantsOnDb final : public Warrants {
  public:
    explicit WarrantsOnDb(Engine& engine) : engine_(engine) {
        engine_.acts.offer(kWarrantAction,
                           [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes&) -> Answer<std::string> {
                               WarrantOrder order;
                               order.order_id = act_field(asked.content, "order_id").value_or("");
                               order.who = asked.asked_by;
                               order.reason = asked.reason;
                               auto wish = warrant_wish_of(asked.content);
                               if (!wish) return refuse(Reason::kBadArgument, "The content of the act is incomplete.");
                               order.wish = std::move(*wish);
                               if (auto bad = check_wish(order.wish)) return std::unexpected(*bad);
                               if (find_by_order(db, order.order_id, now))
                                   return refuse(Reason::kOrderIdReused, "There is a warrant of this order already.");
                               const auto warrant = agree(db, order, asked.decided_by.user, now);
                               if (!warrant) return std::unexpected(warrant.error());
                               return "Warrant " + std::to_string(warrant->id.value) + " may be written onto a card.";
                           });
    }

    Answer<WarrantRecord> warrant(WarrantId id) override {
        return engine_.pool.ask([&](Db& db) { return checked(db, find_warrant(db, id, engine_.clock()), "warrant"); });
    }
    Answer<std::vector<WarrantRecord>> warrants(WarrantId before, int limit) override {
        return engine_.pool.ask([&](Db& db) {
            std::vector<WarrantRecord> list;
            db.query(PREWATT_WARRANT_SELECT "WHERE id < $1 ORDER BY id DESC LIMIT $2",
                     {before ? before.value : INT64_MAX, std::clamp(limit, 1, 1000)},
                     [&](const Row& row) { list.push_back(warrant_of(row)); });
            const UnixTime now = engine_.clock();
            for (WarrantRecord& one : list)
                add_rights(db, one, now);
            return checked(db, std::move(list));
        });
    }
    Answer<WarrantRecord> of_card(CardId card) override {
        return engine_.pool.ask(
            [&](Db& db) { return checked(db, find_of_card(db, card, engine_.clock()), "warrant"); });
    }
    Answer<WarrantOrdered> ordered(CardWriteId id) override {
        return engine_.pool.ask([&](Db& db) {
            std::optional<WarrantOrdered> found;
            const auto write = find_card_write(db, id);
            const auto card = write ? find_card(db, write->card) : std::nullopt;
            auto record = card ? find_of_card(db, card->id, engine_.clock()) : std::nullopt;
            if (record)
                found = WarrantOrdered{*write, *card, std::move(*record), write->state == CardWriteState::kDone};
            return checked(db, std::move(found), "order of a card with rights");
        });
    }

    void ask(WarrantOrder order, WhenDone<WarrantRecord> done) override {
        engine_.writer.submit<WarrantRecord>(
            [this, order = std::move(order)](Db& db, Changes&) { return store::ask(db, order, engine_.clock()); },
            std::move(done));
    }
    void withdraw(WarrantId id, Actor who, std::string reason, WhenDone<WarrantRecord> done) override {
        engine_.writer.submit<WarrantRecord>(
            [this, id, who = std::move(who), reason = std::move(reason)](Db& db, Changes&) {
                return store::withdraw(db, id, who, reason, engine_.clock());
            },
            std::move(done));
    }
    void write(WarrantWrite order, WhenDone<WarrantOrdered> done) override {
        engine_.writer.submit<WarrantOrdered>(
            [this, order = std::move(order)](Db& db, Changes&) -> Answer<WarrantOrdered> {
                const UnixTime now = engine_.clock();
                auto warrant = find_warrant(db, order.warrant, now);
                if (!warrant) return refuse(Reason::kNotFound, "There is no such warrant; nothing was done.");
                if (warrant->state == WarrantState::kWithdrawn)
                    return refuse(Reason::kAlreadyDecided, "This warrant was withdrawn; nothing was done.");
                return order_card(db, order, *warrant, now);
            },
            std::move(done));
    }
    void take_receipt(CardId card, std::uint64_t box_number, RightReceipt receipt, Actor who,
                      WhenDone<WarrantRecord> done) override {
        engine_.writer.submit<WarrantRecord>(
            [this, card, box_number, receipt, who = std::move(who)](Db& db, Changes& changes) {
                return store::take_receipt(db, card, box_number, receipt, who, engine_.clock(), changes);
            },
            std::move(done));
    }

  private:
    Engine& engine_;
};

}  // namespace

std::unique_ptr<Warrants> make_warrants(Engine& engine) {
    return std::make_unique<WarrantsOnDb>(engine);
}

}  // namespace prewatt::server::store

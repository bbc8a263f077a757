#include "server/desk/office_desk.hpp"

#include <string.h>

#include <algorithm>

#include "base/civil_time.hpp"
#include "card/access_bits.hpp"
#include "card/copies.hpp"
#include "card/records.hpp"
#include "server/desk/sight.hpp"
#include "server/domain/wait.hpp"

namespace prewatt::server::desk {
namespace {

std::unexpected<Refusal> no_such_number() {
    return refuse(Reason::kCardNotUsable,
                  "No card is found again by this number: it is not 4 or 7 bytes long, or it is one that is made up "
                  "anew at each visit. Use another card. Nothing was done.");
}

std::string_view word(card::RecordError error) {
    switch (error) {
        case card::RecordError::kEmpty:
            return "empty";
        case card::RecordError::kVersion:
            return "unknown_version";
        case card::RecordError::kNotYours:
            return "other_box";
        case card::RecordError::kKeyVersion:
            return "other_key";
        case card::RecordError::kTag:
            return "torn_or_forged";
        case card::RecordError::kMisplaced:
            return "misplaced";
        case card::RecordError::kContents:
            break;
    }
    return "impossible";
}

card::Copies copies_in(const DeskSight& sight, std::uint8_t first, std::uint8_t second) {
    return {record_in(sight, first).value_or(card::RecordBytes{}),
            record_in(sight, second).value_or(card::RecordBytes{})};
}

Credit credit_of(std::int64_t hundredths) {
    return credit_of_hundredths(hundredths);
}
card::Ticket ticket_of(const TicketTotal& ticket) {
    return {ticket.epoch, ticket.number, in_hundredths(ticket.credited, Round::kDown)};
}

// All that opened on the card, with the keys of the box that each record names.
struct Opened {
    DeskReport report;  // without what the books say
    CardSight sight;
};
Opened open_all(card::Mac& mac, const card::SiteMasters& masters, const card::Layout& layout, const card::Uid& uid,
                const DeskSight& seen) {
    Opened out;
    out.sight.uid = seen.uid;
    for (const DeskSector& one : seen.sectors) {
        int* const counts[] = {&out.report.sectors_ours, &out.report.sectors_transport, &out.report.sectors_torn,
                               &out.report.sectors_closed};
        ++*counts[static_cast<std::size_t>(one.opens)];
    }
    if (const auto bytes = record_in(seen, layout.identity())) {
        const card::RecordKeys keys = card::record_keys(mac, masters, box_in(*bytes));
        const auto identity = card::open_identity(mac, keys, uid, *bytes);
        out.report.identity_state = identity ? "good" : word(identity.error());
        if (identity)
            out.report.identity = out.sight.identity = SeenIdentity{
                CardId{identity->serial}, static_cast<CardKind>(identity->kind), identity->issue, identity->generation};
    }
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        if (const auto bytes = record_in(seen, layout.credit(slot))) {
            const card::RecordKeys keys = card::record_keys(mac, masters, box_in(*bytes));
            const auto credit = card::open_credit(mac, keys, uid, *bytes);
            DeskCopy& copy = out.report.tickets[slot];
            copy.state = credit ? "good" : word(credit.error());
            if (credit && (credit->generation & 1) != slot) copy.state = "misplaced";
            if (copy.state == "good") {
                copy.generation = credit->generation;
                out.sight.tickets.push_back(
                    {credit->generation,
                     {credit->ticket.epoch, credit->ticket.number, credit_of(credit->ticket.credited_hundredths), {}},
                     CardId{credit->serial}});
            }
        }
        if (const auto bytes = record_in(seen, layout.returns(slot))) {
            const std::uint64_t box = box_in(*bytes);
            const auto returned = card::open_return(mac, card::record_keys(mac, masters, box), uid, *bytes);
            DeskCopy& copy = out.report.returns[slot];
            copy.state = returned ? "good" : word(returned.error());
            if (returned && (returned->generation & 1) != slot) copy.state = "misplaced";
            if (copy.state != "good") continue;
            copy.generation = returned->generation;
            if (out.sight.said && out.sight.said->generation > returned->generation) continue;
            CardReturn& said = out.sight.said.emplace();
            said.generation = returned->generation;
            said.epoch = returned->epoch;
            said.ticket_number = returned->ticket_number;
            said.used = credit_of(static_cast<std::int64_t>(returned->used_hundredths));
            said.remaining = credit_of(returned->remaining_hundredths);
            said.forward = energy_of_hundredths(returned->energy_hundredths);
            if (!returned->has(card::Hint::kClockNotKnown)) said.swiped_at = unix_of(returned->time);
            said.state = returned->state;
            said.bad_cards = returned->bad_cards;
            said.hints = returned->hints;
            out.sight.said_box = box;
            out.sight.said_number = returned->household;
        }
    }
    std::sort(out.sight.tickets.begin(), out.sight.tickets.end(),
              [](const SeenTicket& a, const SeenTicket& b) { return a.generation > b.generation; });
    if (!out.sight.tickets.empty()) out.report.newest = out.sight.tickets.front();
    return out;
}

}  // namespace

std::string text_of(const card::Uid& uid) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string text;
    for (const Byte byte : uid) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

OfficeDesk::OfficeDesk(Cards& cards, card::Mac& mac, const card::Key& master, card::Layout layout, Warrants* warrants)
    : cards_(cards), warrants_(warrants), mac_(mac), masters_(card::site_masters(mac_, master)), layout_(layout) {}

OfficeDesk::~OfficeDesk() {
    explicit_bzero(&masters_, sizeof masters_);
}

Answer<DeskKeys> OfficeDesk::keys(std::string_view text) {
    const auto uid = uid_of_text(text);
    if (!uid) return no_such_number();
    DeskKeys keys;
    keys.base = layout_.base;
    for (std::uint8_t sector = 0; sector < kCardSectors; ++sector) {
        const card::Key& master_b = layout_.is_return(sector) ? masters_.sector_return : masters_.sector_desk;
        keys.sectors[sector] = {card::sector_key(mac_, masters_.sector_read, *uid, sector, card::KeyKind::kA),
                                card::sector_key(mac_, master_b, *uid, sector, card::KeyKind::kB)};
    }
    return keys;
}

Answer<DeskReport> OfficeDesk::look(const DeskSight& sight, const Actor& who) {
    const auto uid = uid_of_text(sight.uid);
    if (!uid) return no_such_number();
    Opened opened = open_all(mac_, masters_, layout_, *uid, sight);
    auto seen =
        wait<CardSeen>([&](WhenDone<CardSeen> done) { cards_.see(std::move(opened.sight), who, std::move(done)); });
    if (!seen) return std::unexpected(std::move(seen.error()));
    opened.report.seen = std::move(*seen);
    if (const auto& card = opened.report.seen.card; card && card->kind != CardKind::kHousehold)
        opened.report.warrant = take_receipts(sight, *card, who);
    return std::move(opened.report);
}

Answer<DeskPlan> OfficeDesk::order(const DeskOrder& order, const DeskSight& sight, const Actor& who) {
    if (!uid_of_text(sight.uid)) return no_such_number();
    switch (order.kind) {
        case CardWriteKind::kIssue:
            return order.warrant ? order_rights(order, sight, who) : order_issue(order, sight, who);
        case CardWriteKind::kFormat:
            return order_format(order, sight, who);
        case CardWriteKind::kTicket:
            break;
    }
    return order_ticket(order, sight, who);
}

namespace {

// What an order writes, sealed. Nothing is sealed that a meter would call impossible.
Answer<std::vector<DeskStep>> seal_all(card::Mac& mac, const card::SiteMasters& masters, const card::Layout& layout,
                                       const card::Uid& uid, const CardOrdered& ordered) {
    const card::RecordKeys keys = card::record_keys(mac, masters, ordered.card.box_number);
    std::vector<DeskStep> steps;
    const auto impossible = [] {
        return refuse(Reason::kTotalTooLarge, "A card cannot carry these figures; nothing is written.");
    };
    if (ordered.write.generation != 0) {
        card::CreditRecord credit;
        credit.household = ordered.number;
        credit.generation = ordered.write.generation;
        credit.ticket = ticket_of(ordered.write.ticket);
        credit.serial = static_cast<std::uint32_t>(ordered.card.id.value);
        credit.issue = static_cast<std::uint8_t>(ordered.card.issue);
        credit.sale_hundredths = static_cast<std::int32_t>(in_hundredths(ordered.write.sale, Round::kDown));
        credit.sale_number = ordered.write.sale_number;
        // Without a sale that is near enough, the ticket itself is named with nothing bought under it.
        if (credit.sale_number == 0) credit.sale_number = credit.ticket.number;
        credit.may_release_lockout = ordered.may_release_lockout;
        credit.courier = ordered.by_card;
        if (!card::is_legal(credit)) return impossible();
        steps.push_back(record_step(layout.credit(static_cast<std::uint8_t>(credit.generation & 1)),
                                    card::seal(mac, keys, uid, credit)));
    }
    if (ordered.write.identity_generation != 0) {
        card::IdentityRecord identity;
        identity.household = ordered.number;
        identity.generation = ordered.write.identity_generation;
        identity.serial = static_cast<std::uint32_t>(ordered.card.id.value);
        identity.issue = static_cast<std::uint8_t>(ordered.card.issue);
        identity.user_number = static_cast<std::uint32_t>(ordered.card.household.value);
        identity.issued = civil_of(ordered.card.issued_at);
        if (!card::is_legal(identity)) return impossible();
        steps.push_back(record_step(layout.identity(), card::seal(mac, keys, uid, identity)));
    }
    return steps;
}

// The next ticket's place, above everything that stands, beside what is known to stand.
std::optional<card::NextWrite> next_ticket(card::Mac& mac, const card::SiteMasters& masters, const card::Layout& layout,
                                           const card::Uid& uid, const DeskSight& sight, std::uint32_t known,
                                           std::uint32_t begun) {
    const card::Copies copies = copies_in(sight, layout.credit(0), layout.credit(1));
    std::array<card::CopyState, 2> states;
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        const auto credit =
            card::open_credit(mac, card::record_keys(mac, masters, box_in(copies[slot])), uid, copies[slot]);
        if (credit && (credit->generation & 1) == slot)
            states[slot] = {credit->generation, std::nullopt};
        else
            states[slot] = {0, credit ? card::RecordError::kMisplaced : credit.error()};
    }
    return card::next_write(states, known == 0 ? std::optional<std::uint32_t>{} : known, begun);
}

}  // namespace

Answer<DeskPlan> OfficeDesk::order_issue(const DeskOrder& order, const DeskSight& sight, const Actor& who) {
    const card::Uid uid = *uid_of_text(sight.uid);
    if (auto closed = closed_sector(sight, layout_.identity(), layout_.returns(1)))
        return std::unexpected(std::move(*closed));
    const Opened opened = open_all(mac_, masters_, layout_, uid, sight);
    const auto next = next_ticket(mac_, masters_, layout_, uid, sight, 0, 0);
    if (!next)
        return refuse(Reason::kCardNotUsable, "This card has been written as often as it can count; use another one.");
    CardIssue wanted;
    wanted.order_id = order.order_id;
    wanted.who = who;
    wanted.reason = order.reason;
    wanted.uid = sight.uid;
    wanted.household = order.household;
    wanted.replaces = order.replaces;
    wanted.identity_generation = opened.report.identity ? opened.report.identity->generation + 1 : 1;
    wanted.generation = next->generation;
    auto ordered =
        wait<CardOrdered>([&](WhenDone<CardOrdered> done) { cards_.issue(std::move(wanted), std::move(done)); });
    if (!ordered) return std::unexpected(std::move(ordered.error()));
    DeskPlan plan{ordered->write.id, ordered->card, ordered->repeated, {}};
    if (ordered->repeated) {
        // Done: but does what lies here still carry it?
        const auto& identity = opened.report.identity;
        if (!identity || identity->serial != ordered->card.id ||
            identity->generation < ordered->write.identity_generation)
            return refuse(Reason::kCardUnlike,
                          "Card " + std::to_string(ordered->card.id.value) + " of room " + ordered->card.room +
                              " was issued, and what lies on the reader does not carry it any more: somebody has "
                              "put other contents onto it, or this is a copy. Replace it. Nothing was written.",
                          ordered->card.id.value);
        return plan;
    }

    const auto keys_of = keys(sight.uid);
    if (!keys_of) return std::unexpected(keys_of.error());
    add_trailers(sight, *keys_of, plan.steps);
    // Nothing of who had the plastic before.
    for (const std::uint8_t sector :
         {layout_.identity(), layout_.credit(0), layout_.credit(1), layout_.returns(0), layout_.returns(1)})
        if (!is_zero(sight, sector)) plan.steps.push_back(record_step(sector, {}));
    auto sealed = seal_all(mac_, masters_, layout_, uid, *ordered);
    if (!sealed) return std::unexpected(std::move(sealed.error()));
    plan.steps.insert(plan.steps.end(), sealed->begin(), sealed->end());
    return plan;
}

Answer<DeskPlan> OfficeDesk::order_ticket(const DeskOrder& order, const DeskSight& sight, const Actor& who) {
    const card::Uid uid = *uid_of_text(sight.uid);
    const auto report = look(sight, who);
    if (!report) return std::unexpected(report.error());
    if (!report->seen.card)
        return refuse(Reason::kCardNotUsable,
                      report->seen.finding == CardFinding::kUnknown
                          ? "These books do not know this card, though it bears our seal: they were restored from an "
                            "older backup, or it is another site's. Issue it anew. Nothing was done."
                          : "This is no card of ours: issue it first. Nothing was done.");
    const CardRecord& card = *report->seen.card;
    if (card.kind != CardKind::kHousehold)
        return refuse(Reason::kCardUnlike,
                      "This is no household's card but one with rights (" + std::string{server::word(card.kind)} +
                          "): no ticket goes onto it. Nothing was done.",
                      card.id.value);
    for (const std::uint8_t sector : {layout_.identity(), layout_.credit(0), layout_.credit(1)}) {
        const DeskSector* one = sector_of(sight, sector);
        if (!one || one->opens != SectorOpens::kOurs)
            return refuse(Reason::kCardNotUsable,
                          "Sector " + std::to_string(sector) +
                              " of this card does not open with its keys: it was torn away while it was made, or it is "
                              "damaged. Issue it again, or replace it. Nothing was done.",
                          sector);
    }
    if (card.state == CardState::kIssued)
        return refuse(
            Reason::kCardUnlike,
            "This card was torn away while it was issued; issue it again for room " + card.room + ". Nothing was done.",
            card.id.value);
    const auto next = next_ticket(mac_, masters_, layout_, uid, sight, card.generation, card.generation_begun);
    if (!next)
        return refuse(Reason::kCardNotUsable, "This card has been written as often as it can count; replace it.");
    CardTicketOrder wanted;
    wanted.order_id = order.order_id;
    wanted.who = who;
    wanted.card = card.id;
    const bool whole = report->identity && report->identity->serial == card.id &&
                       report->identity->generation >= card.identity_generation;
    if (report->seen.finding == CardFinding::kMoved || !whole)
        wanted.identity_generation =
            std::max(card.identity_generation, report->identity ? report->identity->generation : 0) + 1;
    wanted.generation = next->generation;
    if (whole)
        for (const SeenTicket& seen : open_all(mac_, masters_, layout_, uid, sight).sight.tickets)
            if (seen.serial == card.id && (!wanted.carries || seen.generation > wanted.carries->generation))
                wanted.carries = seen;
    auto ordered =
        wait<CardOrdered>([&](WhenDone<CardOrdered> done) { cards_.order_ticket(std::move(wanted), std::move(done)); });
    if (!ordered) return std::unexpected(std::move(ordered.error()));
    DeskPlan plan{ordered->write.id, ordered->card, ordered->repeated, {}};
    if (ordered->repeated) return plan;
    auto sealed = seal_all(mac_, masters_, layout_, uid, *ordered);
    if (!sealed) return std::unexpected(std::move(sealed.error()));
    plan.steps = std::move(*sealed);
    return plan;
}

Answer<DeskPlan> OfficeDesk::order_format(const DeskOrder& order, const DeskSight& sight, const Actor& who) {
    const card::Uid uid = *uid_of_text(sight.uid);
    const Opened opened = open_all(mac_, masters_, layout_, uid, sight);
    CardFormatOrder wanted{order.order_id, who, sight.uid, {}};
    if (opened.report.identity) {
        const auto known = cards_.card(opened.report.identity->serial);
        if (known && known->uid == sight.uid) wanted.card = known->id;
    }
    auto write =
        wait<CardWrite>([&](WhenDone<CardWrite> done) { cards_.order_format(std::move(wanted), std::move(done)); });
    if (!write) return std::unexpected(std::move(write.error()));
    DeskPlan plan;
    plan.write = write->id;
    if (write->card)
        if (auto card = cards_.card(write->card)) plan.card = std::move(*card);
    const card::Block transport = card::make_trailer(card::kTransportKey, card::kTransportKey, card::kTransportAccess);
    for (const DeskSector& one : sight.sectors) {
        if (one.opens != SectorOpens::kOurs && one.opens != SectorOpens::kTorn) continue;
        // Sector 0 begins with the manufacturer's block, which nobody writes.
        if (one.opens == SectorOpens::kOurs && one.sector != 0 && !is_zero(sight, one.sector))
            plan.steps.push_back(record_step(one.sector, {}));
        plan.steps.push_back({one.sector, true, {transport.begin(), transport.end()}});
    }
    return plan;
}

Answer<CardRecord> OfficeDesk::done(CardWriteId id, const DeskSight& read_back, const Actor& who) {
    const auto uid = uid_of_text(read_back.uid);
    if (!uid) return no_such_number();
    const auto write = cards_.write(id);
    if (!write) return std::unexpected(write.error());
    const auto unlike = [] {
        return refuse(Reason::kCardUnlike,
                      "What was read back is not what was ordered. Nothing counts as written: read the card again, it "
                      "says what is due.");
    };
    if (write->kind != CardWriteKind::kFormat && write->state != CardWriteState::kDone) {
        const auto card = cards_.card(write->card);
        if (!card) return std::unexpected(card.error());
        if (card->uid != read_back.uid) return unlike();
        if (card->kind != CardKind::kHousehold) {
            if (!holds_rights(id, read_back)) return unlike();
            return wait<CardRecord>([&](WhenDone<CardRecord> when) { cards_.written(id, who, std::move(when)); });
        }
        const card::RecordKeys keys = card::record_keys(mac_, masters_, card->box_number);
        if (write->generation != 0) {
            const auto bytes = record_in(read_back, layout_.credit(static_cast<std::uint8_t>(write->generation & 1)));
            if (!bytes) return unlike();
            const auto credit = card::open_credit(mac_, keys, *uid, *bytes);
            if (!credit || credit->generation != write->generation || credit->ticket != ticket_of(write->ticket) ||
                credit->serial != card->id.value || credit->issue != card->issue)
                return unlike();
        }
        if (write->identity_generation != 0) {
            const auto bytes = record_in(read_back, layout_.identity());
            if (!bytes) return unlike();
            const auto identity = card::open_identity(mac_, keys, *uid, *bytes);
            if (!identity || identity->generation != write->identity_generation || identity->serial != card->id.value)
                return unlike();
        }
    }
    return wait<CardRecord>([&](WhenDone<CardRecord> when) { cards_.written(id, who, std::move(when)); });
}

}  // namespace prewatt::server::desk

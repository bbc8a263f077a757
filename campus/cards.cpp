// Residents with cards, at the desk and at the reader of their box; and cheats.
//
// The fault model.
//   at the desk     a card is torn away between two records or between two blocks of one; its holder comes again.
//   at the box      a card is taken away after some exchanges, or comes twice; the box restarts under it.
//   lost            a card is reported as lost and replaced; whoever finds the old one taps with it.
//   cheats          a copy under another number; a clone with the same number, used after the first; what was on the
//   card
//                   before it was used; one copy of now beside one of before, or of a neighbour; a byte that is
//                   changed; another card that takes its place in the middle of the swipe. Whoever has torn a card away
//                   at the desk asks for his money back.
// Every sector key is taken to be known to a cheat; the keys that seal are not. What a cheat gains shows in M1 and E1:
// a meter's total that stands in no booking, or more than was ever given.
//
// A reader looks four times a second, which costs more than all the rest: cards are there with CampusOptions::cards
// only.
#include <algorithm>

#include "campus/cards_at_once.hpp"
#include "campus/world_run.hpp"
#include "card/access_bits.hpp"
#include "card/records.hpp"
#include "server/desk/office_desk.hpp"

namespace prewatt::campus {
namespace {

using server::CardFinding;

const server::Actor kDesk{"clerk", "desk"};
constexpr card::Layout kLayout{};

card::RecordBytes record_on(const sim::M1Card::Dump& dump, std::uint8_t sector) {
    card::RecordBytes bytes{};
    for (std::size_t k = 0; k < bytes.size(); ++k)
        bytes[k] = dump[card::first_block(sector) + k / 16][k % 16];
    return bytes;
}
void copy_sector(const sim::M1Card::Dump& from, std::uint8_t sector, sim::M1Card::Dump& to, std::uint8_t into) {
    for (std::size_t k = 0; k < 3; ++k)
        to[card::first_block(into) + k] = from[card::first_block(sector) + k];
}

// What a reader sees of a card, with the keys that the office has given for it.
server::DeskSight sight_of(sim::M1Card& plastic, const server::DeskKeys& keys) {
    server::DeskSight sight;
    sight.uid = server::desk::text_of(plastic.uid());
    const sim::M1Card::Dump dump = plastic.dump();
    for (std::uint8_t sector = 0; sector < card::kSectorCount; ++sector) {
        server::DeskSector one;
        one.sector = sector;
        const card::SectorKey key = plastic.key(sector, card::KeyKind::kA);
        one.opens = key == keys.sectors[sector].a ? server::SectorOpens::kOurs
                    : key == card::kTransportKey  ? server::SectorOpens::kTransport
                                                  : server::SectorOpens::kNot;
        if (one.opens != server::SectorOpens::kNot) one.record = record_on(dump, sector);
        sight.sectors.push_back(one);
    }
    return sight;
}

}  // namespace

card::Uid World::new_card_number() {
    ++cards_made_;
    std::array<Byte, 7> bytes{0x04, 0x43};
    for (std::size_t k = 0; k < 4; ++k)
        bytes[2 + k] = static_cast<Byte>(cards_made_ >> (8 * k));
    return card::uid_of(bytes);
}

// Every second room has a card; its holder is a cheat where the resident is, and here and there besides.
void World::plan_cards() {
    if (!options_.cards) return;
    for (std::size_t room = 0; room < rooms_.size(); room += 2) {
        Plastic& one = plastics_.emplace_back();
        one.room = room;
        one.is_cheat = rooms_[room].temper == Temper::kCheat || random_.chance(0.3);
        one.card = std::make_unique<sim::M1Card>(new_card_number());
        at(now_ + within(600, 6 * 3600), What::kAtDesk, plastics_.size() - 1);
    }
    presented_.resize(boxes_.size());
}

void World::at_desk(std::size_t index) {
    at(now_ + within(1800, 8 * 3600), What::kAtDesk, index);
    if (!office_->runs() || now_ >= end_ || plastics_[index].found_by_somebody) return;
    CardsAtOnce cards(office_->office().cards(), [this] {
        ++step_;
        office_->turn(now_);
        return office_->runs() && !disk_.is_dead();
    });
    server::desk::OfficeDesk desk(cards, mac_, kMasterKey, kLayout);
    serve_card(index, desk);
    if (!disk_.is_dead()) return;
    ++report_.office_deaths;
    kill_office(random_.chance(0.5));
}

void World::serve_card(std::size_t index, server::CardDesk& desk) {
    const server::HouseholdId household = rooms_[plastics_[index].room].id;
    server::DeskOrder order;
    if (plastics_[index].is_issued && random_.chance(0.03)) {  // lost: a new one, and somebody finds the old one
        Plastic old = std::move(plastics_[index]);
        Plastic& fresh = plastics_[index];
        fresh = {};
        fresh.room = old.room;
        fresh.is_cheat = old.is_cheat;
        fresh.replaces = old.serial;
        fresh.card = std::make_unique<sim::M1Card>(new_card_number());
        old.found_by_somebody = true;
        plastics_.push_back(std::move(old));
        ++report_.cards_lost;
        at(now_ + within(600, 86'400), What::kTap, plastics_.size() - 1);
    }
    Plastic& one = plastics_[index];
    const auto keys = desk.keys(server::desk::text_of(one.card->uid()));
    if (!keys) return violate("K1", "no keys for card " + server::desk::text_of(one.card->uid()));
    const server::DeskSight sight = sight_of(*one.card, *keys);
    const auto report = desk.look(sight, kDesk);
    if (!report) return;
    if (!one.is_issued) {
        order.kind = server::CardWriteKind::kIssue;
        order.household = household;
        order.replaces = server::CardId{one.replaces};
        order.reason = "the campus";
    } else if (report->seen.finding != CardFinding::kBehind && report->seen.finding != CardFinding::kUnfinished &&
               report->seen.finding != CardFinding::kMoved) {
        return at(now_ + within(60, 4 * 3600), What::kTap, index);
    }
    order.order_id = "k-" + std::to_string(++card_orders_);
    const auto plan = desk.order(order, sight, kDesk);
    if (!plan) return;  // no account, a question is open, the office has died: another time
    one.before = one.card->dump();
    sim::M1Card::Dump dump = *one.before;
    const std::size_t torn_at = random_.chance(0.15) ? random_.below(plan->steps.size() + 1) : SIZE_MAX;
    for (std::size_t k = 0; k < plan->steps.size(); ++k) {
        const server::DeskStep& step = plan->steps[k];
        const std::uint8_t first = step.is_trailer ? card::trailer_block(step.sector) : card::first_block(step.sector);
        const std::size_t whole = step.bytes.size() / 16;
        const std::size_t blocks = k == torn_at ? random_.below(whole) : whole;
        for (std::size_t b = 0; b < blocks; ++b)
            std::copy_n(step.bytes.begin() + static_cast<std::ptrdiff_t>(b * 16), 16, dump[first + b].begin());
        if (k == torn_at) break;
    }
    one.card->overwrite(dump);
    if (torn_at < plan->steps.size()) {
        ++report_.cards_torn;
        if (one.is_cheat) refund_some(one.room);
        return at(now_ + within(30, 1800), What::kAtDesk, index);
    }
    const auto done = desk.done(plan->write, sight_of(*one.card, *keys), kDesk);
    if (!done) return;
    one.serial = done->id.value;
    one.is_issued = true;
    ++report_.cards_written;
    note(static_cast<std::uint64_t>(one.serial) << 32 | done->generation);
    const double longest = random_.chance(0.5) ? 2 * 86'400 : 4 * 3600;  // some have it in their pocket for days
    if (random_.chance(0.85)) at(now_ + within(120, longest), What::kTap, index);
}

// What is held to the reader of the room's box.
void World::tap(std::size_t index) {
    if (now_ >= end_) return;
    Plastic& one = plastics_[index];
    const Room& room = rooms_[one.room];
    CampusBox& box = *boxes_[room.box];
    Presented& place = presented_[room.box];
    if (!box.powered() || place.card || box.node().hangs(meter::Processor::kManagement))
        return at(now_ + within(60, 1800), What::kTap, index);
    ++report_.taps;
    place.card = std::make_unique<sim::M1Card>(*one.card);
    place.plastic = index;
    place.keeps = true;
    place.before = box.newest_ticket(room.number);
    sim::Field& field = box.field();
    field.forget_plans();
    Duration stays = within(3, 5);
    if (one.is_cheat && random_.chance(0.6)) {
        ++report_.cheats;
        place.keeps = false;
        sim::M1Card::Dump dump = one.card->dump();
        const Plastic& neighbour = plastics_[random_.below(plastics_.size())];
        switch (random_.below(6)) {
            case 0:  // under another number
                *place.card = one.card->clone_as(new_card_number());
                break;
            case 1:  // a clone, whose RETURN the card itself never sees
                break;
            case 2:
                if (one.before) place.card->overwrite(*one.before);
                break;
            case 3: {
                const std::uint8_t slot = static_cast<std::uint8_t>(random_.below(2));
                const sim::M1Card::Dump other =
                    one.before && random_.chance(0.5) ? *one.before : neighbour.card->dump();
                copy_sector(other, kLayout.credit(static_cast<std::uint8_t>(random_.below(2))), dump,
                            kLayout.credit(slot));
                place.card->overwrite(dump);
                break;
            }
            case 4:
                forge(one, dump);
                place.card->overwrite(dump);
                break;
            case 5:
                place.other = std::make_unique<sim::M1Card>(*neighbour.card);
                field.at(random_.below(30), {place.other.get()});
                break;
        }
    } else if (random_.chance(0.2)) {
        if (random_.chance(0.5))
            stays = within(0.05, 0.6);
        else
            field.tear_at(random_.below(3), {static_cast<std::uint8_t>(random_.below(17)), sim::Tear::Rest::kNoise});
    }
    field.put(*place.card);
    at(now_ + stays, What::kTakeAway, room.box);
}

// A byte is changed. Planted: the box takes it as if its seal were right.
void World::forge(const Plastic& one, sim::M1Card::Dump& dump) {
    const Room& room = rooms_[one.room];
    const std::uint8_t slot = static_cast<std::uint8_t>(random_.below(2));
    if (options_.defect != Defect::kForgedCardTaken) {
        dump[card::first_block(kLayout.credit(slot)) + random_.below(3)][random_.below(16)] ^=
            static_cast<Byte>(1 + random_.below(255));
        return;
    }
    const card::RecordKeys keys =
        card::record_keys(mac_, card::site_masters(mac_, kMasterKey), boxes_[room.box]->number());
    auto credit = card::open_credit(mac_, keys, one.card->uid(), record_on(dump, kLayout.credit(slot)));
    if (!credit) return;
    credit->generation += 2;
    credit->ticket.number += 1;
    credit->ticket.credited_hundredths += 5000;
    const card::RecordBytes sealed = card::seal(mac_, keys, one.card->uid(), *credit);
    for (std::size_t k = 0; k < sealed.size(); ++k)
        dump[card::first_block(kLayout.credit(slot)) + k / 16][k % 16] = sealed[k];
}

void World::take_away(std::size_t box) {
    Presented& place = presented_[box];
    if (!place.card) return;
    sim::Field& field = boxes_[box]->field();
    field.clear();
    field.forget_plans();
    Plastic& one = plastics_[place.plastic];
    const Room& room = rooms_[one.room];
    if (room.box == box && boxes_[box]->powered() && boxes_[box]->newest_ticket(room.number) > place.before) {
        ++report_.credited_while_tapped;
        rooms_[one.room].from_card = boxes_[box]->newest_ticket(room.number);
    }
    if (place.keeps) *one.card = *place.card;
    place = {};
    if (!one.found_by_somebody && random_.chance(0.2))
        at(now_ + within(1, 90), What::kTap, static_cast<std::size_t>(&one - plastics_.data()));
}

}  // namespace prewatt::campus

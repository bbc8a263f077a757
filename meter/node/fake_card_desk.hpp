// A desk for the tests of this room: issues cards for the box of a FakeBoard as the office does, from the same master
// key. Credit is a total; every sale is the next ticket, written as the next generation of CREDIT.
#pragma once
#include <cstdint>

#include "card/access_bits.hpp"
#include "card/card_keys.hpp"
#include "card/layout.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/records.hpp"
#include "card/uid.hpp"
#include "meter/node/card_shown.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::meter {

inline constexpr card::Key kSiteMaster{7, 7, 7};

struct CardDesk {
    explicit CardDesk(card::BoxDigits number = 2026000001) : box(number) {}

    card::OpensslMac mac;
    card::BoxDigits box;
    card::SiteMasters masters = card::site_masters(mac, kSiteMaster);
    card::RecordKeys own = card::record_keys(mac, masters, box);
    card::RecordKeys site = card::record_keys(mac, masters, 0);
    card::Uid uid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});
    // What the next write carries.
    card::CreditRecord credit = [] {
        card::CreditRecord record;
        record.household = 1;
        record.generation = 1;
        record.ticket = {1, 1, 0};
        record.serial = 4711;
        record.issue = 1;
        return record;
    }();

    [[nodiscard]] card::MeterCardKeys keys() { return card::meter_card_keys(mac, masters, box); }
    card::CreditRecord& sell(std::int64_t hundredths) {
        ++credit.generation;
        ++credit.ticket.number;
        credit.ticket.credited_hundredths += hundredths;
        credit.sale_hundredths = static_cast<std::int32_t>(hundredths);
        credit.sale_number = credit.ticket.number;
        return credit;
    }
    [[nodiscard]] card::RecordBytes sealed() { return card::seal(mac, own, uid, credit); }
    [[nodiscard]] CardShown shown(const card::RecordBytes& record) const {
        CardShown show;
        show.uid = uid;
        show.credit = record;
        show.slot = static_cast<std::uint8_t>(record[10] & 1);  // generation, little endian: docs/formats/card.md
        return show;
    }
    [[nodiscard]] CardShown shown() { return shown(sealed()); }

    // --- Cards of the model, with the layout at sector 1.
    static void put(sim::M1Card& card, std::uint8_t sector, const card::RecordBytes& record) {
        sim::M1Card::Dump dump = card.dump();
        for (std::size_t k = 0; k < record.size(); ++k)
            dump[card::first_block(sector) + k / 16][k % 16] = record[k];
        card.overwrite(dump);
    }
    // Keys and access bits of a card of the site, nothing on it yet.
    [[nodiscard]] sim::M1Card formatted(const card::Uid& number) {
        sim::M1Card card(number);
        sim::M1Card::Dump dump = card.dump();
        for (std::uint8_t sector = 1; sector < card::kSectorCount; ++sector) {
            const card::Key& b = card::Layout{}.is_return(sector) ? masters.sector_return : masters.sector_desk;
            dump[card::trailer_block(sector)] =
                card::make_trailer(card::sector_key(mac, masters.sector_read, number, sector, card::KeyKind::kA),
                                   card::sector_key(mac, b, number, sector, card::KeyKind::kB));
        }
        card.overwrite(dump);
        return card;
    }
    // Who it is, of a household's card.
    void identify(sim::M1Card& card) {
        card::IdentityRecord identity;
        identity.household = credit.household;
        identity.generation = 1;
        identity.serial = credit.serial;
        identity.issue = credit.issue;
        put(card, card::Layout{}.identity(), card::seal(mac, own, uid, identity));
    }
    void write_credit(sim::M1Card& card) {
        put(card, card::Layout{}.credit(static_cast<std::uint8_t>(credit.generation & 1)), sealed());
    }
};

}  // namespace prewatt::meter

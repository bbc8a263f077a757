// A household card as a desk issues it, on the model of a card: keys, access bits, identity, CREDIT. For tests and
// benchmarks; the desk's own way, exchange by exchange, is card/desk.
#pragma once
#include <algorithm>
#include <cstdint>

#include "card/access_bits.hpp"
#include "card/card_keys.hpp"
#include "card/layout.hpp"
#include "card/records.hpp"
#include "card/uid.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::reader {

struct Issuer {
    card::Mac& mac;
    card::SiteMasters masters;
    card::Layout layout{};

    Issuer(card::Mac& with, const card::Key& site) : mac(with), masters(card::site_masters(with, site)) {}

    [[nodiscard]] sim::M1Card issue(const card::Uid& uid, card::BoxDigits box, std::uint8_t household,
                                    card::CardKind kind = card::CardKind::kHousehold) const {
        sim::M1Card card(uid);
        sim::M1Card::Dump dump = card.dump();
        for (std::uint8_t sector = 0; sector < card::kSectorCount; ++sector) {
            const card::Key& b = layout.is_return(sector) ? masters.sector_return : masters.sector_desk;
            dump[card::trailer_block(sector)] =
                card::make_trailer(card::sector_key(mac, masters.sector_read, uid, sector, card::KeyKind::kA),
                                   card::sector_key(mac, b, uid, sector, card::KeyKind::kB));
        }
        card::IdentityRecord identity;
        identity.kind = kind;
        const bool of_household = kind == card::CardKind::kHousehold;
        identity.household = of_household ? household : 0;
        identity.generation = 1;
        identity.serial = 4711;
        identity.rights = of_household ? 0 : 1;
        put(dump, layout.identity(),
            card::seal(mac, card::record_keys(mac, masters, of_household ? box : 0), uid, identity));
        card.overwrite(dump);
        return card;
    }
    // The next generation of CREDIT, as the desk writes it after a sale: ticket `number` over a total.
    void sell(sim::M1Card& card, card::BoxDigits box, std::uint8_t household, std::uint32_t number,
              std::int64_t credited_hundredths, std::uint16_t epoch = 1) const {
        card::CreditRecord credit;
        credit.household = household;
        credit.generation = number;
        credit.ticket = {epoch, number, credited_hundredths};
        credit.serial = 4711;
        sim::M1Card::Dump dump = card.dump();
        put(dump, layout.credit(static_cast<std::uint8_t>(number & 1)),
            card::seal(mac, card::record_keys(mac, masters, box), card.uid(), credit));
        card.overwrite(dump);
    }
    [[nodiscard]] static card::RecordBytes record(sim::M1Card& card, std::uint8_t sector) {
        const sim::M1Card::Dump dump = card.dump();
        card::RecordBytes record{};
        for (std::size_t k = 0; k < card::kRecordBlocks; ++k)
            std::copy(dump[card::first_block(sector) + k].begin(), dump[card::first_block(sector) + k].end(),
                      record.begin() + static_cast<std::ptrdiff_t>(k * card::kBlockBytes));
        return record;
    }
    static void put(sim::M1Card::Dump& dump, std::uint8_t sector, const card::RecordBytes& record) {
        for (std::size_t k = 0; k < card::kRecordBlocks; ++k)
            std::copy_n(record.begin() + static_cast<std::ptrdiff_t>(k * card::kBlockBytes), card::kBlockBytes,
                        dump[card::first_block(sector) + k].begin());
    }
};

}  // namespace prewatt::reader

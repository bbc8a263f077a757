// The cards of docs/formats/card.md, made by the code. tests/card_page_test.py makes them a second time from the words
// of the page alone.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <utility>

#include "card/access_bits.hpp"
#include "card/layout.hpp"
#include "card/mad.hpp"
#include "card/testing/golden_card.hpp"

namespace prewatt::card {
namespace {

using Sectors = std::map<int, std::string>;

struct GoldenCards : testing::Test {
    GoldenSite site;
    RecordKeys next_box = record_keys(site.mac, site.masters, kGoldenBox + 1);
    Layout layout;

    std::string sector(const Uid& uid, std::uint8_t number, Bytes blocks, bool household_card) {
        const bool returned = household_card && layout.is_return(number);
        const Key& master_b = returned ? site.masters.sector_return : site.masters.sector_desk;
        const Block trailer = make_trailer(sector_key(site.mac, site.masters.sector_read, uid, number, KeyKind::kA),
                                           sector_key(site.mac, master_b, uid, number, KeyKind::kB));
        return hex(blocks) + hex(trailer);
    }

    // Every sector, also those that hold nothing.
    Sectors household_card() {
        const Uid& uid = site.uid;
        std::map<int, RecordBytes> records;
        records[layout.identity()] = seal(site.mac, site.box, uid, golden_identity());
        CreditRecord before = golden_credit();
        before.generation = 5;
        before.ticket = {3, 8, 118'456};
        records[layout.credit(1)] = seal(site.mac, site.box, uid, before);
        records[layout.credit(0)] = seal(site.mac, site.box, uid, golden_credit());
        ReturnRecord earlier = golden_return();
        earlier.generation = 40;
        earlier.ticket_number = 8;
        earlier.used_hundredths = 95'000;
        earlier.energy_hundredths = 7'649'321;
        earlier.time = kGoldenDay - 86'400;
        earlier.hints = 0;
        records[layout.returns(0)] = seal(site.mac, site.box, uid, earlier);
        records[layout.returns(1)] = seal(site.mac, site.box, uid, golden_return());
        const ParameterList list = golden_parameters();
        for (std::uint8_t k = 0; k < list.parts(); ++k)
            records[*layout.household_parameter(k)] = seal(site.mac, site.box, uid, list.part(k, 12, 5));
        Sectors sectors;
        for (std::uint8_t number = 0; number < kSectorCount; ++number) {
            RecordBytes blocks = records[number];
            // What the maker of the card wrote into block 0.
            if (number == 0)
                ByteWriter(blocks).put(
                    bytes_of("a1b2c3d404080400"
                             "6263646566676869"));
            sectors[number] = sector(uid, number, blocks, true);
        }
        return sectors;
    }
    Sectors card_with_rights(CardKind kind, const std::string& number) {
        const Uid uid = uid_of(number);
        Sectors sectors;
        RightRecord right = golden_right(kind);
        const IdentityRecord identity{kind, 0, 1,          900,
                                      1,    0, kGoldenDay, static_cast<std::uint8_t>(kind == CardKind::kSetUp ? 2 : 1)};
        const auto put = [&](std::uint8_t at, const RecordBytes& record) {
            sectors[at] = sector(uid, at, record, false);
        };
        put(layout.identity(), seal(site.mac, site.site, uid, identity));
        if (kind == CardKind::kSetUp) {
            const ParameterList list = golden_parameters();
            right.parts = list.parts();
            right.digest = list.digest(site.mac, site.box);
            put(*layout.right(0), seal(site.mac, site.box, uid, right));
            right.sequence = 5;
            right.digest = list.digest(site.mac, next_box);
            put(*layout.right(1), seal(site.mac, next_box, uid, right));
            for (std::uint8_t k = 0; k < list.parts(); ++k)
                put(*layout.ordered_parameter(2, k), seal(site.mac, site.site, uid, list.part(k, 0, 1)));
        } else {
            put(*layout.right(0), seal(site.mac, only_shows(kind) ? site.site : site.box, uid, right));
        }
        return sectors;
    }

    // The block ```golden NAME of the page.
    static Sectors of_page(const std::string& name) {
        std::ifstream page(PREWATT_SOURCE_DIR "/docs/formats/card.md");
        Sectors sectors;
        bool inside = false;
        for (std::string line; std::getline(page, line);) {
            if (line.rfind("```", 0) == 0) {
                inside = line == "```golden " + name;
                continue;
            }
            if (!inside) continue;
            const auto space = line.find(' ');
            sectors[std::stoi(line)] = line.substr(space + 1);
        }
        return sectors;
    }
    static void compare(const std::string& name, const Sectors& made) {
        std::string text;
        for (const auto& [number, bytes] : made)
            text += std::to_string(number) + " " + bytes + "\n";
        EXPECT_EQ(of_page(name), made) << "```golden " << name << "\n" << text << "```";
    }
};

TEST_F(GoldenCards, AHouseholdCardHasTheseBytes) {
    // Cards are in pockets for ten years: a desk that writes others is not understood by the meters that hang there.
    compare("household a1b2c3d4", household_card());
}

TEST_F(GoldenCards, CardsWithRightsHaveTheseBytes) {
    compare("set-up 04782e21801d80", card_with_rights(CardKind::kSetUp, "04782e21801d80"));
    compare("inspection 11223344", card_with_rights(CardKind::kInspection, "11223344"));
    compare("clear 11223345", card_with_rights(CardKind::kClear, "11223345"));
    compare("restore 11223346", card_with_rights(CardKind::kRestore, "11223346"));
    compare("reader-test 11223347", card_with_rights(CardKind::kReaderTest, "11223347"));
}

TEST(CardDirectory, HasTheSumOfTheStandard) {
    // A canteen's reader that finds the directory broken takes our sectors for free ones.
    std::array<ApplicationId, kSectorCount - 1> sectors{};
    sectors[0] = sectors[1] = sectors[2] = {0x01, 0x08};
    sectors[6] = {0x04, 0x00};
    sectors[7] = sectors[8] = {0x03, 0x10};
    sectors[9] = sectors[10] = {0x02, 0x10};
    sectors[14] = {0x11, 0x30};
    EXPECT_EQ(hex(make_directory(sectors, 1)),
              "8901"
              "010801080108"
              "000000000000"
              "0400"
              "03100310"
              "02100210"
              "000000000000"
              "1130");
    EXPECT_EQ(directory_crc(Bytes(make_directory(sectors, 1)).subspan(1)), 0x89);
}

}  // namespace
}  // namespace prewatt::card

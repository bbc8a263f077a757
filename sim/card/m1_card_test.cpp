#include "sim/card/m1_card.hpp"

#include <gtest/gtest.h>

namespace prewatt::sim {
namespace {

constexpr SectorKey kTransportKey{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
constexpr SectorKey kKeyA{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5};
constexpr SectorKey kKeyB{0xB0, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5};
const Uid kUid4 = card::uid_of(std::array<Byte, 4>{0xDE, 0xAD, 0xBE, 0xE1});
const Uid kUid7 = card::uid_of(std::array<Byte, 7>{0x04, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66});

Block filled(Byte with) {
    Block block;
    block.fill(with);
    return block;
}

Block trailer(const std::array<Byte, 3>& access, const SectorKey& a = kKeyA, const SectorKey& b = kKeyB) {
    Block block{};
    std::copy(a.begin(), a.end(), block.begin());
    std::copy(access.begin(), access.end(), block.begin() + 6);
    block[9] = 0x5A;
    std::copy(b.begin(), b.end(), block.begin() + 10);
    return block;
}

// The same condition for the data blocks, and one for the trailer, from the definition of the bytes 6 to 8.
std::array<Byte, 3> access(unsigned data, unsigned of_trailer) {
    unsigned c1 = 0;
    unsigned c2 = 0;
    unsigned c3 = 0;
    for (unsigned k = 0; k < 4; ++k) {
        const unsigned condition = k == 3 ? of_trailer : data;
        c1 |= (condition >> 2 & 1) << k;
        c2 |= (condition >> 1 & 1) << k;
        c3 |= (condition & 1) << k;
    }
    return {static_cast<Byte>((~c2 & 0xF) << 4 | (~c1 & 0xF)), static_cast<Byte>(c1 << 4 | (~c3 & 0xF)),
            static_cast<Byte>(c3 << 4 | c2)};
}

// Sector 1 of a new card with this trailer.
M1Card card_with(const Block& sector_trailer) {
    M1Card card(kUid4);
    card.select();
    EXPECT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    EXPECT_TRUE(card.write(4, value_block(1000, 4)));
    EXPECT_TRUE(card.write(7, sector_trailer));
    card.power_up();
    return card;
}

bool open(M1Card& card, std::uint8_t block, KeyKind kind) {
    card.select();
    return card.authenticate(block, kind, kind == KeyKind::kA ? kKeyA : kKeyB).has_value();
}

// The model lets somebody write who could not on a real card, and the desk is tested against a fairy tale. The expected
// rights are those of the data sheet's tables, written down as text a second time.
TEST(M1Card, EveryAccessConditionOfADataBlockIsThatOfTheDataSheet) {
    struct Row {
        unsigned condition;
        const char *read, *write, *increment, *decrement;
    };
    constexpr Row kRows[] = {{0b000, "AB", "AB", "AB", "AB"}, {0b010, "AB", "", "", ""},   {0b100, "AB", "B", "", ""},
                             {0b110, "AB", "B", "B", "AB"},   {0b001, "AB", "", "", "AB"}, {0b011, "B", "B", "", ""},
                             {0b101, "B", "", "", ""},        {0b111, "", "", "", ""}};
    for (const Row& row : kRows) {
        for (const KeyKind kind : {KeyKind::kA, KeyKind::kB}) {
            const auto may = [&](const char* who) {
                return std::string_view(who).find(kind == KeyKind::kA ? 'A' : 'B') != std::string_view::npos;
            };
            M1Card card = card_with(trailer(access(row.condition, 0b011)));
            ASSERT_TRUE(open(card, 4, kind));
            EXPECT_EQ(card.read(4).has_value(), may(row.read)) << row.condition;
            ASSERT_TRUE(open(card, 4, kind));
            EXPECT_EQ(card.increment(4, 5).has_value(), may(row.increment)) << row.condition;
            ASSERT_TRUE(open(card, 4, kind));
            EXPECT_EQ(card.decrement(4, 5).has_value(), may(row.decrement)) << row.condition;
            ASSERT_TRUE(open(card, 4, kind));
            EXPECT_EQ(card.restore(4).has_value(), may(row.decrement)) << row.condition;
            ASSERT_TRUE(open(card, 4, kind));
            EXPECT_EQ(card.write(4, filled(7)).has_value(), may(row.write)) << row.condition;
            EXPECT_EQ(card.dump()[4] == filled(7), may(row.write)) << row.condition;
        }
    }
}

// A trailer that the desk believes frozen can be changed, or one that it must change cannot.
TEST(M1Card, EveryAccessConditionOfATrailerIsThatOfTheDataSheet) {
    struct Row {
        unsigned condition;
        const char *write_a, *read_access, *write_access, *read_b, *write_b;
    };
    constexpr Row kRows[] = {{0b000, "A", "A", "", "A", "A"},  {0b010, "", "A", "", "A", ""},
                             {0b100, "B", "AB", "", "", "B"},  {0b110, "", "AB", "", "", ""},
                             {0b001, "A", "A", "A", "A", "A"}, {0b011, "B", "AB", "B", "", "B"},
                             {0b101, "", "AB", "B", "", ""},   {0b111, "", "AB", "", "", ""}};
    constexpr SectorKey kNewA{1, 2, 3, 4, 5, 6};
    constexpr SectorKey kNewB{6, 5, 4, 3, 2, 1};
    for (const Row& row : kRows) {
        for (const KeyKind kind : {KeyKind::kA, KeyKind::kB}) {
            const auto may = [&](const char* who) {
                return std::string_view(who).find(kind == KeyKind::kA ? 'A' : 'B') != std::string_view::npos;
            };
            const Block before = trailer(access(0b000, row.condition));
            M1Card card = card_with(before);
            ASSERT_TRUE(open(card, 7, kind));
            const auto shown = card.read(7);
            ASSERT_EQ(shown.has_value(), may(row.read_access)) << row.condition;
            if (shown) {
                EXPECT_TRUE(equal(Bytes(*shown).first(6), SectorKey{}));
                EXPECT_TRUE(equal(Bytes(*shown).subspan(6, 4), Bytes(before).subspan(6, 4)));
                EXPECT_EQ(equal(Bytes(*shown).subspan(10), kKeyB), may(row.read_b)) << row.condition;
            }
            ASSERT_TRUE(open(card, 7, kind));
            const Block wanted = trailer(access(0b100, 0b011), kNewA, kNewB);
            const bool any = may(row.write_a) || may(row.write_access) || may(row.write_b);
            EXPECT_EQ(card.write(7, wanted).has_value(), any) << row.condition;
            EXPECT_EQ(card.key(1, KeyKind::kA) == kNewA, may(row.write_a)) << row.condition;
            EXPECT_EQ(card.key(1, KeyKind::kB) == kNewB, may(row.write_b)) << row.condition;
            EXPECT_EQ(equal(Bytes(card.dump()[7]).subspan(6, 3), Bytes(wanted).subspan(6, 3)), may(row.write_access))
                << row.condition;
        }
    }
}

// A desk that counts on a key B that anybody can read would lock itself out with its first write.
TEST(M1Card, KeyBThatCanBeReadAuthenticatesAndOpensNothing) {
    for (const unsigned condition : {0b000u, 0b001u, 0b010u}) {
        M1Card card = card_with(trailer(access(0b000, condition)));
        ASSERT_TRUE(open(card, 4, KeyKind::kB));
        EXPECT_EQ(card.read(4).error(), CardAnswer::kNak);
        ASSERT_TRUE(open(card, 4, KeyKind::kB));
        EXPECT_EQ(card.write(4, filled(1)).error(), CardAnswer::kNak);
        ASSERT_TRUE(open(card, 4, KeyKind::kB));
        EXPECT_EQ(card.read(7).error(), CardAnswer::kNak);
    }
}

// A trailer that somebody wrote in malice, or that was torn, takes its sector with it; the desk must meet exactly that.
TEST(M1Card, AC27AccessBitsThatContradictThemselvesBlockTheSectorForEver) {
    unsigned consistent = 0;
    for (unsigned bit = 0; bit < 24; ++bit) {
        std::array<Byte, 3> wrong{0x78, 0x77, 0x88};
        wrong[bit / 8] = static_cast<Byte>(wrong[bit / 8] ^ 1u << bit % 8);
        M1Card card = card_with(trailer(wrong));
        consistent += open(card, 4, KeyKind::kA) ? 1 : 0;
        card.select();
        EXPECT_EQ(card.authenticate(7, KeyKind::kB, kKeyB).error(), CardAnswer::kWrongKey);
        card.select();
        EXPECT_TRUE(card.authenticate(8, KeyKind::kA, kTransportKey)) << "the other sectors are as they were";
    }
    EXPECT_EQ(consistent, 0u) << "one turned bit always contradicts its complement";
}

// A cut inside a trailer whose bits then read now so, now so: it must not come back to life.
TEST(M1Card, AC27WeakAccessBitsThatOnceContradictedThemselvesNeverAgreeAgain) {
    unsigned blocked = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        M1Card card(kUid4, seed);
        card.select();
        ASSERT_TRUE(card.authenticate(7, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(card.write(7, trailer({0x78, 0x77, 0x88}, kTransportKey), Tear{0, Tear::Rest::kWeak}));
        bool was_blocked = false;
        for (int tries = 0; tries < 50; ++tries) {
            card.select();
            const bool opened = card.authenticate(4, KeyKind::kA, kTransportKey).has_value();
            EXPECT_FALSE(was_blocked && opened);
            was_blocked |= !opened;
        }
        blocked += was_blocked ? 1 : 0;
    }
    EXPECT_EQ(blocked, 20u);
}

// A driver that reads on after a refusal reads from a card that is not listening.
TEST(M1Card, AfterARefusalTheCardIsSilentUntilItIsSelected) {
    M1Card card(kUid4);
    EXPECT_EQ(card.read(4).error(), CardAnswer::kSilence);
    card.select();
    EXPECT_EQ(card.authenticate(4, KeyKind::kA, kKeyA).error(), CardAnswer::kWrongKey);
    EXPECT_EQ(card.authenticate(4, KeyKind::kA, kTransportKey).error(), CardAnswer::kSilence);
    card.select();
    ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    EXPECT_TRUE(card.read(5));
    EXPECT_EQ(card.read(8).error(), CardAnswer::kNak) << "another sector";
    EXPECT_EQ(card.read(5).error(), CardAnswer::kSilence);
    card.select();
    EXPECT_EQ(card.read(5).error(), CardAnswer::kNak) << "selecting ends the authentication";
}

TEST(M1Card, AnotherSectorClosesTheOneBefore) {
    // A driver that believes two sectors open at once writes into the void.
    M1Card card(kUid4);
    card.select();
    ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(card.authenticate(8, KeyKind::kA, kTransportKey));
    EXPECT_TRUE(card.read(8));
    EXPECT_FALSE(card.read(4));
}

// The number of a card would change with a write, and the seals on it with it.
TEST(M1Card, AC28NumberOfFourAndOfSevenBytesStandsInABlockThatNobodyWrites) {
    M1Card four(kUid4);
    EXPECT_TRUE(card::same(four.select(), kUid4));
    ASSERT_TRUE(four.authenticate(0, KeyKind::kA, kTransportKey));
    const auto block = four.read(0);
    ASSERT_TRUE(block);
    EXPECT_TRUE(equal(Bytes(*block).first(8), std::array<Byte, 8>{0xDE, 0xAD, 0xBE, 0xE1, 0x2C, 0x08, 0x04, 0x00}));
    EXPECT_EQ(four.write(0, filled(1)).error(), CardAnswer::kNak);
    M1Card seven(kUid7);
    EXPECT_TRUE(card::same(seven.select(), kUid7));
    EXPECT_TRUE(equal(Bytes(seven.dump()[0]).first(10),
                      std::array<Byte, 10>{0x04, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x08, 0x44, 0x00}));
}

// A phone would be sold credit that it cannot show at its next visit.
TEST(M1Card, AC28NumbersThatAreDrawnOrMissingAreNotUsable) {
    EXPECT_FALSE(card::fault_of(kUid4));
    EXPECT_FALSE(card::fault_of(kUid7));
    EXPECT_FALSE(card::fault_of(card::uid_of(std::array<Byte, 7>{0x08, 1, 2, 3, 4, 5, 6})));
    EXPECT_TRUE(card::fault_of(card::uid_of(std::array<Byte, 4>{0x08, 1, 2, 3})));
    EXPECT_TRUE(card::fault_of(card::uid_of(std::array<Byte, 4>{0, 0, 0, 0})));
    EXPECT_TRUE(card::fault_of(card::uid_of(std::array<Byte, 4>{0xFF, 0xFF, 0xFF, 0xFF})));
    EXPECT_TRUE(card::fault_of(card::uid_of(std::array<Byte, 3>{1, 2, 3})));
    EXPECT_TRUE(card::fault_of(Uid{}));
}

// NXP's own example: 1234567 at address 17.
TEST(M1Card, ValueBlockIsThatOfTheDataSheet) {
    EXPECT_EQ(value_block(1234567, 0x11),
              (Block{0x87, 0xD6, 0x12, 0x00, 0x78, 0x29, 0xED, 0xFF, 0x87, 0xD6, 0x12, 0x00, 0x11, 0xEE, 0x11, 0xEE}));
}

// The attack of every published hack: turn up a value block. It works where it may, so that a test of ours shows that
// our sectors do not allow it.
TEST(M1Card, ValueIsChangedOnlyByTransferAndOnlyWithinItsSector) {
    M1Card card(kUid4);
    card.select();
    ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(card.write(4, value_block(-5, 9)));
    ASSERT_TRUE(card.increment(4, 1000));
    EXPECT_EQ(card.read(4), value_block(-5, 9));
    ASSERT_TRUE(card.transfer(5));
    EXPECT_EQ(card.read(5), value_block(995, 9));
    ASSERT_TRUE(card.decrement(5, 1000));
    ASSERT_TRUE(card.transfer(5));
    EXPECT_EQ(card.read(5), value_block(-5, 9));
    ASSERT_TRUE(card.restore(5));
    ASSERT_TRUE(card.authenticate(8, KeyKind::kA, kTransportKey));
    EXPECT_EQ(card.transfer(8).error(), CardAnswer::kNak) << "the buffer went with its sector";
    card.select();
    ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    EXPECT_EQ(card.increment(6, 1).error(), CardAnswer::kNak) << "no value in it";
}

// What the tear-off tests stand on: each kind of torn write leaves what it says.
TEST(M1Card, AC08TornWriteLeavesEachKindOfHalf) {
    for (std::uint8_t split = 0; split <= kBlockBytes; ++split) {
        for (const Tear::Rest rest : kTearRests) {
            M1Card card(kUid4, 77 + split);
            card.select();
            ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
            ASSERT_TRUE(card.write(4, filled(0x0F)));
            ASSERT_TRUE(card.write(4, filled(0x3C), Tear{split, rest}));
            Block ones = filled(0xFF);
            Block zeros{};
            std::optional<Block> first;
            bool always_same = true;
            for (int reads = 0; reads < 64; ++reads) {
                const Block read = card.dump()[4];
                for (std::size_t k = 0; k < kBlockBytes; ++k) {
                    ones[k] = static_cast<Byte>(ones[k] & read[k]);
                    zeros[k] = static_cast<Byte>(zeros[k] | read[k]);
                    EXPECT_TRUE(k >= split || read[k] == 0x3C);
                }
                always_same &= !first || *first == read;
                first = read;
            }
            // Which bits were always seen as ones, and which were ever seen so.
            const auto [always, ever] = [&]() -> std::pair<int, int> {
                switch (rest) {
                    case Tear::Rest::kOld:
                        return {0x0F, 0x0F};
                    case Tear::Rest::kZeros:
                        return {0x00, 0x00};
                    case Tear::Rest::kOnes:
                        return {0xFF, 0xFF};
                    case Tear::Rest::kWeak:
                        return {0x0C, 0x3F};
                    case Tear::Rest::kAllWeak:
                        return {0x00, 0xFF};
                    case Tear::Rest::kNoise:
                        return {-1, -1};
                }
                return {-1, -1};
            }();
            for (std::size_t k = split; k < kBlockBytes && always >= 0; ++k) {
                EXPECT_EQ(ones[k], always);
                EXPECT_EQ(zeros[k], ever);
            }
            const bool weak = rest == Tear::Rest::kWeak || rest == Tear::Rest::kAllWeak;
            EXPECT_EQ(always_same, !weak || split == kBlockBytes);
            EXPECT_EQ(card.has_weak_cells(), weak && split < kBlockBytes);
            card.select();
            ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
            ASSERT_TRUE(card.write(4, filled(0x55)));
            EXPECT_FALSE(card.has_weak_cells()) << "written whole again, it is as good as new";
            EXPECT_EQ(card.read(4), filled(0x55));
        }
    }
}

// A campaign that found something must find it again, and a cheat's copy must be as good as the card.
TEST(M1Card, SameSeedReadsTheSameAndACopyIsAPerfectClone) {
    M1Card card(kUid4, 5);
    card.select();
    ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(card.write(4, filled(0xFF), Tear{0, Tear::Rest::kWeak}));
    M1Card copy = card;
    for (int reads = 0; reads < 20; ++reads)
        EXPECT_EQ(card.dump(), copy.dump());
}

// The cheats of the campus: dump, go back, copy to the same and to another number.
TEST(M1Card, DumpGoesBackOntoACardThatTakesEverything) {
    M1Card card = card_with(trailer({0x78, 0x77, 0x88}));
    EXPECT_EQ(card.key(1, KeyKind::kB), kKeyB);
    const M1Card::Dump before = card.dump();
    ASSERT_TRUE(open(card, 4, KeyKind::kB));
    ASSERT_TRUE(card.write(4, filled(9)));
    M1Card magic(kUid7);
    magic.overwrite(before);
    EXPECT_TRUE(card::same(magic.uid(), kUid4));
    EXPECT_EQ(magic.dump(), before);
    M1Card other = card.clone_as(kUid7);
    EXPECT_TRUE(card::same(other.select(), kUid7));
    EXPECT_TRUE(open(other, 4, KeyKind::kB));
    EXPECT_EQ(other.read(4), filled(9));
}

// A card in a file comes back with other contents, or a broken file is taken for a card.
TEST(M1Card, FileHoldsTheCardWeakCellsIncluded) {
    for (const Uid& uid : {kUid4, kUid7}) {
        M1Card card(uid, 3);
        card.select();
        ASSERT_TRUE(card.authenticate(4, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(card.write(4, filled(0xA5)));
        EXPECT_EQ(card.to_bytes().size(), 1024u);
        auto back = M1Card::from_bytes(card.to_bytes());
        ASSERT_TRUE(back) << back.error();
        EXPECT_TRUE(card::same(back->uid(), uid));
        EXPECT_EQ(back->dump(), card.dump());
        ASSERT_TRUE(card.write(5, filled(0xFF), Tear{3, Tear::Rest::kWeak}));
        const std::string torn = card.to_bytes();
        EXPECT_EQ(torn.size(), 2048u);
        back = M1Card::from_bytes(torn);
        ASSERT_TRUE(back);
        EXPECT_TRUE(back->has_weak_cells());
        EXPECT_EQ(back->to_bytes(), torn);
    }
    EXPECT_FALSE(M1Card::from_bytes(std::string(1000, '\0')));
    EXPECT_FALSE(M1Card::from_bytes(std::string(1024, '\0')));
    EXPECT_FALSE(M1Card::from_bytes(std::string(1024, '\xFF')));
}

// docs/formats/virtual-card.md: a card that somebody keeps must open with every later version.
TEST(M1Card, FileIsByteForByteWhatItWas) {
    M1Card card(kUid4);
    card.select();
    ASSERT_TRUE(card.authenticate(60, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(card.write(62, filled(0x11)));
    ASSERT_TRUE(card.write(61, filled(0x0F), Tear{15, Tear::Rest::kWeak}));
    const std::string bytes = card.to_bytes();
    std::string golden(2048, '\0');
    const auto put = [&](std::size_t at, std::initializer_list<int> values) {
        for (const int value : values)
            golden[at++] = static_cast<char>(value);
    };
    put(0, {0xDE, 0xAD, 0xBE, 0xE1, 0x2C, 0x08, 0x04, 0x00});
    for (std::size_t sector = 0; sector < 16; ++sector)
        put(64 * sector + 48,
            {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x80, 0x69, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    golden.replace(62 * 16, 16, 16, '\x11');
    golden.replace(61 * 16, 15, 15, '\x0F');
    golden[1024 + 61 * 16 + 15] = '\x0F';
    EXPECT_EQ(bytes, golden);
    EXPECT_TRUE(M1Card::from_bytes(golden));
}

}  // namespace
}  // namespace prewatt::sim

#include "card/records.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "card/testing/golden_card.hpp"

namespace prewatt::card {
namespace {

struct Records : testing::Test {
    GoldenSite site;
    RecordBytes credit() { return seal(site.mac, site.box, site.uid, golden_credit()); }
    auto opened(const RecordBytes& bytes) { return open_credit(site.mac, site.box, site.uid, bytes); }
};

TEST_F(Records, EveryRecordComesBack) {
    // What the desk writes and the meter reads would be two things.
    auto& [mac, masters, box, all, uid] = site;
    EXPECT_EQ(*open_identity(mac, box, uid, seal(mac, box, uid, golden_identity())), golden_identity());
    EXPECT_EQ(*open_credit(mac, box, uid, seal(mac, box, uid, golden_credit())), golden_credit());
    EXPECT_EQ(*open_return(mac, box, uid, seal(mac, box, uid, golden_return())), golden_return());
    const ParameterRecord part = golden_parameters().part(1, 12, 5);
    EXPECT_EQ(*open_parameter(mac, box, uid, seal(mac, box, uid, part)), part);
    for (const CardKind kind : {CardKind::kClear, CardKind::kRestore}) {
        const RightRecord right = golden_right(kind);
        EXPECT_EQ(*open_right(mac, box, uid, seal(mac, box, uid, right)), right);
    }
    RightRecord set_up = golden_right(CardKind::kSetUp);
    set_up.parts = 2;
    set_up.digest = {1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_EQ(*open_right(mac, box, uid, seal(mac, box, uid, set_up)), set_up);
    for (const CardKind kind : {CardKind::kInspection, CardKind::kReaderTest}) {
        const RightRecord right = golden_right(kind);
        EXPECT_EQ(*open_right(mac, all, uid, seal(mac, all, uid, right)), right);
    }
    IdentityRecord of_rights{CardKind::kClear, 0, 1, 900, 1, 0, kGoldenDay, 12};
    EXPECT_EQ(*open_identity(mac, all, uid, seal(mac, all, uid, of_rights)), of_rights);
    of_rights.receipts = true;
    EXPECT_EQ(*open_identity(mac, all, uid, seal(mac, all, uid, of_rights)), of_rights);
    const ReceiptRecord never{0, 0, 900, 43, 2, false, 0};
    EXPECT_EQ(*open_receipt(mac, box, uid, seal(mac, box, uid, never)), never);
    const ReceiptRecord receipt{39, 0xFFFFFFFF, 0xFFFFFFFF, 41, 255, true, kGoldenDay};
    const RecordBytes bytes = seal(mac, box, uid, receipt);
    EXPECT_EQ(*open_receipt(mac, box, uid, bytes), receipt);
    EXPECT_EQ(open_right(mac, box, uid, bytes).error(), RecordError::kMisplaced) << "its own word is no order to a box";
}

TEST_F(Records, ExtremesComeBackOnAnyLegalCard) {
    // A total that needs all its digits is cut off, and a building is dark.
    CreditRecord record = golden_credit();
    for (const char* text : {"00000001", "04782e21801d80"}) {
        const Uid uid = uid_of(text);
        for (const std::int64_t total : {(std::int64_t{1} << 47) - 1, -(std::int64_t{1} << 47) + 1, std::int64_t{0}})
            for (const std::uint32_t number : {1u, 65'536u, 0xFFFFFFFFu})
                for (const std::uint32_t behind : {0u, 1u, 65'535u}) {
                    if (behind > number) continue;
                    record.ticket = {0xFFFF, number, total};
                    record.sale_number = number - behind;
                    record.sale_hundredths = -2'147'483'647;
                    record.generation = 0xFFFFFFFF;
                    const auto back = open_credit(site.mac, site.box, uid, seal(site.mac, site.box, uid, record));
                    ASSERT_TRUE(back);
                    EXPECT_EQ(*back, record);
                }
    }
    ReturnRecord returned = golden_return();
    returned.used_hundredths = kUsedHundredthsMax;
    returned.remaining_hundredths = -2'147'483'647;
    returned.state.bits = 0xFFFF;
    returned.hints = 0xFF;
    returned.bad_cards = 255;
    EXPECT_EQ(*open_return(site.mac, site.box, site.uid, seal(site.mac, site.box, site.uid, returned)), returned);
}

TEST_F(Records, AC01NoBitOfARecordCanBeChanged) {
    // Somebody edits the amount with the tools that every forum offers for water cards.
    const RecordBytes good = credit();
    for (std::size_t at = 0; at < good.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            RecordBytes bytes = good;
            bytes[at] = static_cast<Byte>(bytes[at] ^ 1 << bit);
            const auto back = opened(bytes);
            ASSERT_FALSE(back) << at << " " << bit;
            // The magic, type, key version and box are looked at first; everything else is the tag's business.
            if (at == 3 || at >= 9) {
                EXPECT_EQ(back.error(), RecordError::kTag) << at;
            }
        }
}

TEST_F(Records, WhatIsWrongIsNamed) {
    // Resident and desk hear "card damaged" where a card of next door was swiped.
    RecordBytes bytes = credit();
    EXPECT_EQ(opened(RecordBytes{}).error(), RecordError::kEmpty);
    bytes[0] = 0xC2;
    EXPECT_EQ(opened(bytes).error(), RecordError::kVersion) << "a later format";
    bytes = credit();
    bytes[1] = 7;
    EXPECT_EQ(opened(bytes).error(), RecordError::kVersion) << "a type that is not known";
    bytes = credit();
    bytes[4] = 0x18;
    EXPECT_EQ(opened(bytes).error(), RecordError::kNotYours);
    bytes[4] = 0xAA;
    EXPECT_EQ(opened(bytes).error(), RecordError::kEmpty) << "no number at all";
    bytes = credit();
    bytes[2] = 2;
    EXPECT_EQ(opened(bytes).error(), RecordError::kKeyVersion);
    RecordKeys next = site.box;
    next.version = 2;
    EXPECT_EQ(open_credit(site.mac, next, site.uid, credit()).error(), RecordError::kKeyVersion);
}

TEST_F(Records, AC04ARecordOpensOnItsOwnCardOnly) {
    // A copy for a friend would be a second card of the same money.
    for (const char* other : {"a1b2c3d5", "00000000", "a1b2c3d4000000", "04782e21801d80"}) {
        const auto back = open_credit(site.mac, site.box, uid_of(other), credit());
        ASSERT_FALSE(back) << other;
        EXPECT_EQ(back.error(), RecordError::kTag) << other;
    }
}

TEST_F(Records, AC05ACardOfAnotherBoxOrAnotherSiteIsTold) {
    // Two buildings with a box of the same number, or a card of the room next door.
    const RecordKeys neighbour = record_keys(site.mac, site.masters, kGoldenBox + 1);
    EXPECT_EQ(open_credit(site.mac, neighbour, site.uid, credit()).error(), RecordError::kNotYours);
    Key other_master = kGoldenMaster;
    other_master[15] ^= 1;
    const RecordKeys other_site = record_keys(site.mac, site_masters(site.mac, other_master), kGoldenBox);
    EXPECT_EQ(open_credit(site.mac, other_site, site.uid, credit()).error(), RecordError::kTag);
    // The household stands in the header, which the tag covers.
    RecordBytes moved = credit();
    moved[9] = 13;
    EXPECT_EQ(opened(moved).error(), RecordError::kTag);
}

TEST_F(Records, AC06NothingCanBeSplicedOrMovedToWhereItDoesNotBelong) {
    // Half of a rich record and half of an old one.
    CreditRecord rich = golden_credit();
    rich.generation = 8;
    rich.ticket = {3, 10, 999'999};
    const RecordBytes poor_bytes = credit();
    const RecordBytes rich_bytes = seal(site.mac, site.box, site.uid, rich);
    for (unsigned mix = 1; mix < 7; ++mix) {
        RecordBytes bytes = poor_bytes;
        for (std::size_t at = 0; at < bytes.size(); ++at)
            if (mix >> at / kBlockBytes & 1) bytes[at] = rich_bytes[at];
        EXPECT_EQ(opened(bytes).error(), RecordError::kTag) << mix;
    }
    EXPECT_EQ(open_return(site.mac, site.box, site.uid, rich_bytes).error(), RecordError::kMisplaced);
    EXPECT_EQ(open_identity(site.mac, site.box, site.uid, rich_bytes).error(), RecordError::kMisplaced);
    EXPECT_EQ(open_parameter(site.mac, site.box, site.uid, rich_bytes).error(), RecordError::kMisplaced);
    EXPECT_EQ(open_right(site.mac, site.box, site.uid, rich_bytes).error(), RecordError::kMisplaced);
}

TEST_F(Records, AC07WhenGenerationsRepeatNoKeyStreamDoes) {
    // Restore an old dump, let the desk write the same generation again: with a counter mode the difference of the two
    // would show both totals, and with one of them known, any total could be written.
    CreditRecord a = golden_credit();
    CreditRecord b = golden_credit();
    b.ticket.credited_hundredths += 1;
    const RecordBytes first = seal(site.mac, site.box, site.uid, a);
    const RecordBytes second = seal(site.mac, site.box, site.uid, b);
    ASSERT_TRUE(equal(Bytes(first).first(kHeaderBytes), Bytes(second).first(kHeaderBytes)));
    int equal_bytes = 0;
    for (std::size_t at = kHeaderBytes; at < kRecordBytes; ++at)
        equal_bytes += first[at] == second[at];
    EXPECT_LE(equal_bytes, 3) << "of 32; bodies that differ in one byte have nothing in common when sealed";
    // The same content is the same bytes: sealing needs no random source, and a write that is repeated is the same.
    EXPECT_EQ(seal(site.mac, site.box, site.uid, a), first);
}

TEST_F(Records, AC22ImpossibleTicketsAreRefusedThoughAuthentic) {
    // A slip in the office (number 0, an overflow) must not be taken as a total.
    struct Fields {
        std::uint8_t household;
        std::uint16_t epoch;
        std::uint32_t number;
        std::uint64_t credited;
        std::uint32_t serial;
        std::uint8_t issue;
        std::uint32_t generation;
        std::uint16_t sale;
    };
    const auto sealed = [&](const Fields& f) {
        Body body{};
        ByteWriter writer(body);
        writer.put_u32(f.number);
        writer.put_le(f.credited, 6);
        writer.put_u32(f.serial);
        writer.put_u8(f.issue);
        writer.put_u32(0);
        writer.put_u16(f.sale);
        RecordHeader header;
        header.type = RecordType::kCredit;
        header.household = f.household;
        header.generation = f.generation;
        header.epoch = f.epoch;
        return seal_record(site.mac, site.box, site.uid, header, body);
    };
    const Fields good{12, 1, 7, 100, 1, 1, 1, 7};
    ASSERT_TRUE(opened(sealed(good)));
    const auto refused = [&](auto change) {
        Fields fields = good;
        change(fields);
        const auto back = opened(sealed(fields));
        return !back && back.error() == RecordError::kContents;
    };
    EXPECT_TRUE(refused([](Fields& f) { f.household = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.household = 40; }));
    EXPECT_TRUE(refused([](Fields& f) { f.epoch = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.number = f.sale = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.credited = std::uint64_t{1} << 47; })) << "-2^47, which no ticket says";
    EXPECT_TRUE(refused([](Fields& f) { f.serial = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.issue = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.generation = 0; }));
    EXPECT_TRUE(refused([](Fields& f) { f.sale = 8; })) << "a sale after the ticket";
}

TEST_F(Records, AC24ARightIsForOneBoxOneCardOneTimeAndOnce) {
    // The clear card of a technician is copied, lent, kept for years.
    const RightRecord right = golden_right(CardKind::kClear);
    EXPECT_EQ(refusal_of(right, 76, kGoldenDay), std::nullopt);
    EXPECT_EQ(refusal_of(right, 77, kGoldenDay), RightRefusal::kUsed);
    EXPECT_EQ(refusal_of(right, 4'000'000'000, kGoldenDay), RightRefusal::kUsed);
    EXPECT_EQ(refusal_of(right, 0, std::nullopt), RightRefusal::kClockUnknown);
    EXPECT_EQ(refusal_of(right, 0, kGoldenDay - 1), RightRefusal::kNotYet);
    EXPECT_EQ(refusal_of(right, 0, right.until - 1), std::nullopt);
    EXPECT_EQ(refusal_of(right, 0, right.until), RightRefusal::kExpired);
    EXPECT_EQ(refusal_of(golden_right(CardKind::kInspection), 100, kGoldenDay), std::nullopt)
        << "an inspection may be repeated";

    const RecordBytes bytes = seal(site.mac, site.box, site.uid, right);
    EXPECT_EQ(open_right(site.mac, site.box, uid_of("a1b2c3d5"), bytes).error(), RecordError::kTag);
    const RecordKeys neighbour = record_keys(site.mac, site.masters, kGoldenBox + 1);
    EXPECT_EQ(open_right(site.mac, neighbour, site.uid, bytes).error(), RecordError::kNotYours);
}

TEST_F(Records, AC30WhoOpenedOneBoxCannotForgeForAnother) {
    // Every box holds the site-wide keys: with them somebody seals a clear, a credit, a set-up for the whole campus.
    const auto forged = [&](RecordType type, std::uint8_t note, Byte first) {
        Body body{};
        body[0] = first;
        body[10] = 1;
        RecordHeader header;
        header.type = type;
        header.note = note;
        header.household = 12;
        header.generation = 1;
        header.epoch = 1;
        return seal_record(site.mac, site.site, site.uid, header, body);
    };
    for (const CardKind kind : {CardKind::kSetUp, CardKind::kClear, CardKind::kRestore})
        EXPECT_EQ(
            open_right(site.mac, site.site, site.uid, forged(RecordType::kRight, 0, static_cast<Byte>(kind))).error(),
            RecordError::kContents);
    EXPECT_EQ(open_credit(site.mac, site.site, site.uid, forged(RecordType::kCredit, 0, 1)).error(),
              RecordError::kContents);
    EXPECT_EQ(open_return(site.mac, site.site, site.uid, forged(RecordType::kReturn, 0, 1)).error(),
              RecordError::kContents);
    EXPECT_EQ(open_receipt(site.mac, site.site, site.uid, forged(RecordType::kReceipt, 0, 1)).error(),
              RecordError::kContents);
    EXPECT_EQ(open_identity(site.mac, site.site, site.uid,
                            forged(RecordType::kIdentity, static_cast<Byte>(CardKind::kHousehold), 1))
                  .error(),
              RecordError::kContents);
}

TEST_F(Records, AReaderWithoutKeysFindsTheBox) {
    // The shared reader asks every box of the line whose card this is.
    const auto header = read_header(Bytes(credit()).first(kHeaderBytes));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->box, kGoldenBox);
    EXPECT_EQ(header->household, 12);
    EXPECT_EQ(header->type, RecordType::kCredit);
    EXPECT_EQ(header->generation, 6u);
    EXPECT_EQ(header->epoch, 3);
    EXPECT_FALSE(read_header(Bytes(credit()).first(15)));
}

}  // namespace
}  // namespace prewatt::card

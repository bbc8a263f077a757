// A card at the box's own reader, through the whole node: sim/card has the cards, the field and their accidents.
#include "meter/node/card_swipe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "meter/node/fake_board.hpp"
#include "meter/node/fake_card_desk.hpp"
#include "sim/card/field.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::meter {
namespace {

using sim::Field;
using sim::Foreign;
using sim::M1Card;
using sim::Tear;

constexpr Household kFirst{1};
constexpr card::Layout kLayout;

struct SwipeBoard {
    SwipeBoard() : SwipeBoard(Field::Options{}) {}
    explicit SwipeBoard(const Field::Options& options)
        : field(options), board(Wiring::k39x1, 512 * 1024), mine(desk.formatted(desk.uid)) {
        board.config.card_keys = desk.keys();
        board.card_reader = &field;
        desk.identify(mine);
        board.start();
        board.run(seconds(5));
    }
    void sell(std::int64_t hundredths) {
        desk.sell(hundredths);
        desk.write_credit(mine);
    }
    // Held to the reader for a second, then taken away.
    void swipe(M1Card& card) {
        field.put(card);
        board.run(seconds(1));
        field.clear();
        board.run(seconds(1));
    }
    void swipe() { swipe(mine); }
    [[nodiscard]] std::int64_t remaining(Household h = kFirst) const {
        return board.node->box().remaining_hundredths(h);
    }
    [[nodiscard]] const Box& box() const { return board.node->box(); }
    [[nodiscard]] std::uint32_t count(EventKind kind, Household h = {}) const {
        return box().archive().events.count(kind, h);
    }
    [[nodiscard]] std::optional<card::ReturnRecord> newest_return() {
        const M1Card::Dump dump = mine.dump();
        card::Copies copies{};
        for (std::uint8_t slot = 0; slot < 2; ++slot)
            for (std::size_t k = 0; k < 48; ++k)
                copies[slot][k] = dump[card::first_block(kLayout.returns(slot)) + k / 16][k % 16];
        const auto pair = card::open_returns(desk.mac, desk.own, desk.uid, copies);
        return pair.newest ? std::optional(*pair.newest) : std::nullopt;
    }
    // Lower rows that were lit since the last call, in order.
    [[nodiscard]] std::string shown() {
        std::string text;
        for (const DisplayFrame& frame : board.display.frames)
            text += std::string(frame.upper.data(), 6) + "|" + std::string(frame.lower.data(), 6) + "\n";
        board.display.frames.clear();
        return text;
    }

    CardDesk desk;
    Field field;
    FakeBoard board;
    M1Card mine;
};

TEST(CardSwipe, BuysLightsShowsTheAmountAndThenTheTotalAndWritesTheStateBack) {
    // The resident stands before the box and sees nothing happen.
    SwipeBoard site;
    site.sell(5'000);
    (void)site.shown();
    const std::uint64_t before = site.field.exchanges();
    site.field.put(site.mine);
    site.board.run(milliseconds(600));
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_TRUE(site.board.relays.contact[0]);
    const auto record = site.newest_return();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->ticket_number, 2u);
    EXPECT_EQ(record->remaining_hundredths, 5'000);
    EXPECT_LT(site.field.exchanges() - before, 45u);
    site.field.clear();
    site.board.run(seconds(8));
    const std::string shown = site.shown();
    const std::size_t bought = shown.find("  0001|   500\n");
    ASSERT_NE(bought, std::string::npos) << shown;
    EXPECT_EQ(shown.find("Err"), std::string::npos) << shown;
    site.sell(2'500);
    site.swipe();
    site.board.run(seconds(8));
    const std::string second = site.shown();
    const std::size_t amount = second.find("  0001|   250\n");
    const std::size_t total = second.find("  0001|   750\n");
    ASSERT_NE(amount, std::string::npos) << second;
    ASSERT_NE(total, std::string::npos) << second;
    EXPECT_LT(amount, total);
    EXPECT_EQ(site.newest_return()->remaining_hundredths, 7'500);
    EXPECT_EQ(site.box().book(kFirst).card.return_kept, site.newest_return()->generation);
}

TEST(CardSwipe, ACardThatStaysIsTakenOnceAndAgainWhenItHasLeft) {
    // A card forgotten on the reader wears the memory out in a month.
    SwipeBoard site;
    site.sell(5'000);
    site.field.put(site.mine);
    site.board.run(minutes(2));
    EXPECT_EQ(site.count(EventKind::kCardSwiped, kFirst), 1u);
    site.field.clear();
    site.board.run(milliseconds(600));
    site.field.put(site.mine);
    site.board.run(seconds(1));
    EXPECT_EQ(site.count(EventKind::kCardSwiped, kFirst), 2u);
    EXPECT_EQ(site.remaining(), 5'000);
}

TEST(CardSwipe, OneExchangeAPollAndTheLineIsAnsweredMeanwhile) {
    // A swipe holds the box up for a third of a second, and a sweep loses the household.
    SwipeBoard site;
    site.sell(5'000);
    site.field.put(site.mine);
    const Instant end = site.board.now + seconds(1);
    while (site.board.now < end) {
        site.board.now = std::max(site.board.now + microseconds(1), site.board.next);
        const std::uint64_t before = site.field.exchanges();
        site.board.next = site.board.node->poll(site.board.now);
        ASSERT_LE(site.field.exchanges() - before, 1u);
    }
    EXPECT_EQ(site.remaining(), 5'000);
    site.field.clear();
    site.board.run(seconds(1));
    site.field.put(site.mine);
    site.board.run(milliseconds(300));
    const card::Answer answer = site.board.command({7, 0, 1, card::RemoteHold{false}});
    EXPECT_EQ(answer.result, card::Result::kDone);
    EXPECT_LT(site.board.delay, milliseconds(60));
}

TEST(CardSwipe, AC10ACardThatLeavesAtAnyExchangeIsCreditedOnceAndTheNextSwipeRepairsIt) {
    // The hand draws back in the middle: the money is gone, or it is there twice.
    for (std::uint64_t leaves = 0; leaves < 40; ++leaves) {
        SCOPED_TRACE(leaves);
        SwipeBoard site;
        site.sell(5'000);
        site.swipe();
        site.sell(3'000);
        const std::uint32_t office_has = site.newest_return()->generation;
        site.field.put(site.mine);
        site.field.at(leaves, {});
        site.board.run(seconds(2));
        ASSERT_TRUE(site.remaining() == 5'000 || site.remaining() == 8'000);
        ASSERT_TRUE(site.newest_return()) << "one copy is always whole";
        site.field.forget_plans();
        site.swipe();
        ASSERT_EQ(site.remaining(), 8'000);
        const auto record = site.newest_return();
        ASSERT_TRUE(record);
        ASSERT_EQ(record->remaining_hundredths, 8'000);
        ASSERT_GT(record->generation, office_has);
    }
}

TEST(CardSwipe, AC08AC09AC10TornWritesWeakBitsIncludedLeaveOneGoodCopyAndHealWithTheNextSwipe) {
    // The card is torn away while it writes, twice in a row.
    int whole_before = 0;
    for (std::uint64_t write = 0; write < 3; ++write)
        for (const Tear::Rest rest : sim::kTearRests)
            for (const std::uint8_t split : std::array<std::uint8_t, 3>{0, 7, 16}) {
                SCOPED_TRACE(testing::Message()
                             << "write " << write << " rest " << static_cast<int>(rest) << " split " << int{split});
                SwipeBoard site;
                site.sell(5'000);
                site.swipe();
                site.sell(3'000);
                const std::uint32_t office_has = site.newest_return()->generation;
                for (int again = 0; again < 2; ++again) {
                    site.field.put(site.mine);
                    site.field.tear_at(write, {split, rest});
                    site.board.run(seconds(1));
                    site.field.clear();
                    site.field.forget_plans();
                    site.board.run(seconds(1));
                    ASSERT_EQ(site.remaining(), 8'000);
                    const auto record = site.newest_return();
                    ASSERT_TRUE(record) << "neither copy opens";
                    whole_before += record->generation == office_has ? 1 : 0;
                }
                site.swipe();
                ASSERT_EQ(site.newest_return()->remaining_hundredths, 8'000);
                ASSERT_GT(site.newest_return()->generation, office_has);
                ASSERT_EQ(site.count(EventKind::kPurchase, kFirst), 2u);
            }
    EXPECT_GT(whole_before, 30);
}

TEST(CardSwipe, AC14ABoxThatLosesItsSupplyAtAnyExchangeCreditsOnce) {
    // The fuse goes while the card lies there.
    for (int after = 0; after < 40; ++after) {
        SCOPED_TRACE(after);
        SwipeBoard site;
        site.sell(5'000);
        site.field.put(site.mine);
        const std::uint64_t at = site.field.exchanges() + static_cast<std::uint64_t>(after);
        while (site.field.exchanges() < at) {
            site.board.now = std::max(site.board.now + microseconds(1), site.board.next);
            site.board.next = site.board.node->poll(site.board.now);
        }
        site.board.restart();
        site.board.run(seconds(3));
        ASSERT_EQ(site.remaining(), 5'000) << "it still lies there when the supply is back";
        ASSERT_EQ(site.newest_return()->remaining_hundredths, 5'000);
    }
}

TEST(CardSwipe, AC19ASwappedCardIsNeverWrittenAndBothAreTakenAfterwards) {
    // Two friends, one reader: the state of one household lands on the other's card, or its credit in the other's
    // account.
    for (const bool wakes : {false, true})
        for (std::uint64_t at = 0; at < 40; ++at) {
            SCOPED_TRACE(testing::Message() << "exchange " << at << (wakes ? ", a reader that wakes" : ""));
            SwipeBoard site(Field::Options{{}, wakes});
            CardDesk other;
            other.uid = card::uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44});
            other.credit.household = 2;
            other.credit.serial = 4712;
            M1Card second = other.formatted(other.uid);
            other.identify(second);
            other.sell(700);
            other.write_credit(second);
            site.sell(5'000);
            site.field.put(site.mine);
            site.field.at(at, {&second});
            site.board.run(seconds(4));
            site.field.forget_plans();
            site.field.clear();
            site.board.run(seconds(1));
            ASSERT_EQ(site.remaining({2}), 700) << "the second lay there in the end";
            ASSERT_TRUE(site.remaining() == 0 || site.remaining() == 5'000);
            site.swipe();
            site.swipe(second);
            ASSERT_EQ(site.remaining(), 5'000);
            ASSERT_EQ(site.remaining({2}), 700);
            ASSERT_EQ(site.newest_return()->household, 1);
            ASSERT_EQ(site.box().box_book().cards.bad_cards, 0) << "nobody has tried anything";
        }
}

TEST(CardSwipe, AC20TwoCardsAtOnceAreTouchedByNobodyAndSaidOnce) {
    // Two cards in one purse: one of them is written, nobody knows which.
    SwipeBoard site;
    site.sell(5'000);
    M1Card other = site.desk.formatted(card::uid_of(std::array<Byte, 4>{1, 2, 3, 4}));
    const std::uint64_t writes = site.field.writes();
    (void)site.shown();
    site.field.put(site.mine);
    site.field.put(other);
    site.board.run(seconds(3));
    EXPECT_EQ(site.remaining(), 0);
    EXPECT_EQ(site.field.writes(), writes);
    EXPECT_NE(site.shown().find("Err-40"), std::string::npos);
    site.field.hold({&site.mine});
    site.board.run(seconds(1));
    EXPECT_EQ(site.remaining(), 5'000) << "the other one was taken away";
}

TEST(CardSwipe, AC25ForeignThingsArePassedOverFastWithoutAWord) {
    // A purse full of cards before the box, and the log holds nothing else.
    SwipeBoard site;
    M1Card blank(card::uid_of(std::array<Byte, 4>{5, 6, 7, 8}));
    (void)site.shown();
    std::vector<Field::Things> things{{&blank}};
    for (const Foreign thing : {Foreign::kUltralight, Foreign::kNtag, Foreign::kDesfire, Foreign::kBankCard,
                                Foreign::kPhone, Foreign::kIdentityCard})
        things.push_back({thing});
    for (int round = 0; round < 10; ++round)
        for (const Field::Things& thing : things) {
            site.field.hold(thing);
            site.board.run(milliseconds(300));
            site.field.clear();
            site.board.run(milliseconds(600));
        }
    EXPECT_EQ(site.shown().find("Err"), std::string::npos);
    EXPECT_EQ(site.count(EventKind::kBadCard), 0u);
    EXPECT_EQ(site.box().box_book().cards.bad_cards, 0);
    EXPECT_EQ(site.field.writes(), 0u);
    site.sell(5'000);
    site.swipe();
    EXPECT_EQ(site.remaining(), 5'000);
}

TEST(CardSwipe, AC27ASectorThatIsBlockedIsSaidAndTheCreditIsTakenAllTheSame) {
    // Somebody has bricked the sector into which the box writes: nobody may be left in the dark for it.
    SwipeBoard site;
    site.sell(5'000);
    M1Card::Dump dump = site.mine.dump();
    for (const std::uint8_t slot : std::array<std::uint8_t, 2>{0, 1})
        dump[card::trailer_block(kLayout.returns(slot))][6] ^= 0x55;
    site.mine.overwrite(dump);
    (void)site.shown();
    site.swipe();
    site.board.run(seconds(10));
    EXPECT_EQ(site.remaining(), 5'000);
    const std::string shown = site.shown();
    EXPECT_NE(shown.find("   500"), std::string::npos) << shown;
    EXPECT_NE(shown.find("Err-49"), std::string::npos) << shown;
    for (std::uint8_t sector = 1; sector < card::kSectorCount; ++sector)
        EXPECT_EQ(site.mine.dump()[card::trailer_block(sector)], dump[card::trailer_block(sector)]);
    // A sector of CREDIT: the other copy does.
    SwipeBoard half;
    half.sell(5'000);
    half.sell(1'000);
    dump = half.mine.dump();
    dump[card::trailer_block(kLayout.credit(0))][6] ^= 0x55;
    half.mine.overwrite(dump);
    half.swipe();
    EXPECT_EQ(half.remaining(), half.desk.credit.generation % 2 == 1 ? 6'000 : 5'000);
    dump[card::trailer_block(kLayout.credit(1))][6] ^= 0x55;
    half.mine.overwrite(dump);
    (void)half.shown();
    half.swipe();
    EXPECT_NE(half.shown().find("Err-49"), std::string::npos);
    EXPECT_EQ(half.box().box_book().cards.bad_cards, 0);
}

TEST(CardSwipe, AC28NumbersThatAreDrawnAnewOrWereNeverGivenAreNotLookedAt) {
    // A telephone that plays a card has another number each time: nothing can be written back to it.
    SwipeBoard site;
    for (const auto& number : {std::array<Byte, 4>{0x08, 1, 2, 3}, std::array<Byte, 4>{0xFF, 0xFF, 0xFF, 0xFF},
                               std::array<Byte, 4>{0, 0, 0, 0}}) {
        CardDesk desk;
        desk.uid = card::uid_of(number);
        M1Card odd = desk.formatted(desk.uid);
        desk.identify(odd);
        desk.sell(5'000);
        desk.write_credit(odd);
        site.swipe(odd);
        EXPECT_EQ(site.remaining(), 0);
    }
    CardDesk seven;
    seven.uid = card::uid_of(std::array<Byte, 7>{4, 1, 2, 3, 4, 5, 6});
    M1Card long_number = seven.formatted(seven.uid);
    seven.identify(long_number);
    seven.sell(5'000);
    seven.write_credit(long_number);
    site.swipe(long_number);
    EXPECT_EQ(site.remaining(), 5'000);
}

TEST(CardSwipe, AC02AC03AC06CopiesDumpsAndSplicesOnRealSectorsGainNothing) {
    // The whole card is copied byte by byte, keys and all, before it is swiped.
    SwipeBoard site;
    site.sell(5'000);
    const M1Card::Dump dump = site.mine.dump();
    M1Card magic = site.mine;
    M1Card copy = site.mine.clone_as(card::uid_of(std::array<Byte, 4>{9, 8, 7, 6}));
    site.swipe(copy);
    EXPECT_EQ(site.remaining(), 0) << "its keys are made from the other number: a stranger";
    site.swipe();
    site.swipe(magic);
    EXPECT_EQ(site.remaining(), 5'000);
    site.mine.overwrite(dump);
    site.swipe();
    EXPECT_EQ(site.remaining(), 5'000);
    // CREDIT copies change places.
    site.sell(1'000);
    M1Card::Dump swapped = site.mine.dump();
    for (std::size_t k = 0; k < 3; ++k)
        std::swap(swapped[card::first_block(kLayout.credit(0)) + k], swapped[card::first_block(kLayout.credit(1)) + k]);
    M1Card spliced = site.mine;
    spliced.overwrite(swapped);
    (void)site.shown();
    site.swipe(spliced);
    EXPECT_NE(site.shown().find("Err-32"), std::string::npos);
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.box().box_book().cards.bad_cards, 1);
    site.swipe();
    EXPECT_EQ(site.remaining(), 6'000);
}

TEST(CardSwipe, AC05AC26WhyNotStandsOnTheDisplay) {
    // "It does not work", says the resident, and nobody knows why.
    SwipeBoard site;
    CardDesk next_door(2026000002);
    M1Card theirs = next_door.formatted(next_door.uid);
    next_door.identify(theirs);
    (void)site.shown();
    site.swipe(theirs);
    EXPECT_NE(site.shown().find("Err-33"), std::string::npos);
    site.sell(5'000);
    M1Card::Dump dump = site.mine.dump();
    const M1Card::Dump good = dump;
    dump[card::first_block(kLayout.credit(0)) + 1][3] ^= 1;
    dump[card::first_block(kLayout.credit(1)) + 1][3] ^= 1;
    for (int k = 0; k < 3; ++k) {
        site.mine.overwrite(dump);
        site.swipe();
        EXPECT_NE(site.shown().find("Err-32"), std::string::npos);
        site.board.run(seconds(5));
    }
    site.mine.overwrite(good);
    site.swipe();
    EXPECT_NE(site.shown().find("Err-37"), std::string::npos);
    site.board.run(seconds(60));
    site.swipe();
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.newest_return()->bad_cards, 3);
}

TEST(CardSwipe, AC17TheLostCardSaysThatItIsReplaced) {
    SwipeBoard site;
    site.sell(5'000);
    site.swipe();
    CardDesk second;
    second.credit = site.desk.credit;
    second.uid = card::uid_of(std::array<Byte, 4>{0x21, 0x22, 0x33, 0x44});
    second.credit.issue = 2;
    second.credit.serial = 4713;
    M1Card reissued = second.formatted(second.uid);
    second.identify(reissued);
    second.sell(500);
    second.write_credit(reissued);
    site.swipe(reissued);
    EXPECT_EQ(site.remaining(), 5'500);
    (void)site.shown();
    const std::uint64_t writes = site.field.writes();
    site.swipe();
    EXPECT_NE(site.shown().find("  0001|Err-39"), std::string::npos);
    EXPECT_EQ(site.field.writes(), writes);
}

TEST(CardSwipe, ASwipeThatMeetsTheRefreshOfARelayClosesItAllTheSame) {
    // product.md M12, description point 9: the relay is pulsed for its refresh at this very instant, and the room stays
    // dark until the next refresh.
    const auto dark = [](SwipeBoard& site) {
        site.sell(1'000);
        site.swipe();
        ASSERT_EQ(site.board.command({7, 0, 1, card::Alarms{0, 1'000, 0}}).result, card::Result::kDone);
        site.board.run(seconds(3));
        ASSERT_FALSE(site.board.relays.contact[0]);
    };
    const auto held = [](const SwipeBoard& site) { return site.box().state(kFirst).holds().has(Hold::kCutoffAlarm); };
    // How long from the look that finds the card to the commit.
    Duration from_look;
    {
        SwipeBoard site;
        dark(site);
        const std::uint64_t before = site.field.exchanges();
        Instant looked = kNever;
        site.field.put(site.mine);
        for (int k = 0; k < 1000 && held(site); ++k) {
            site.board.run(milliseconds(1));
            if (looked == kNever && site.field.exchanges() != before) looked = site.board.now;
        }
        ASSERT_FALSE(held(site));
        from_look = site.board.now - looked;
    }
    // When this box looks for a card, and when it refreshes a relay of somebody else.
    std::vector<Instant> looks;
    std::vector<Instant> refreshes;
    {
        SwipeBoard site;
        dark(site);
        const Instant end = site.board.now + minutes(6);
        while (site.board.now < end) {
            const std::size_t pulses = site.board.relays.pulses.size();
            const std::uint64_t exchanges = site.field.exchanges();
            site.board.run(milliseconds(1));
            if (site.field.exchanges() != exchanges) looks.push_back(site.board.now);
            if (site.board.relays.pulses.size() != pulses && site.board.relays.pulses.back().circuit != 0)
                refreshes.push_back(site.board.now);
        }
    }
    ASSERT_GT(refreshes.size(), 10u);
    int met = 0;
    for (const Instant look : looks) {
        const Instant commit = look + from_look;
        const bool meets = std::any_of(refreshes.begin(), refreshes.end(), [commit](Instant pulse) {
            return commit >= pulse && commit < pulse + RelayDriver::kPulse - milliseconds(5);
        });
        if (!meets || met == 3) continue;
        SwipeBoard site;
        dark(site);
        site.board.run(look - milliseconds(5) - site.board.now);
        site.field.put(site.mine);
        for (int k = 0; k < 1000 && held(site); ++k)
            site.board.run(milliseconds(1));
        met += site.board.relays.coils_on == 1 && site.board.relays.pulses.back().circuit != 0 ? 1 : 0;
        ASSERT_FALSE(site.board.relays.contact[0]);
        site.board.run(milliseconds(150));
        ASSERT_TRUE(site.board.relays.contact[0]);
        ASSERT_EQ(site.board.relays.coils_on_max, 1);
    }
    EXPECT_GT(met, 0) << "the swipe must meet the pulse";
}

TEST(CardSwipe, ParametersOnAHouseholdsCardAreTakenWithTheSwipe) {
    // A site without a network: the office sets an alarm, and nothing brings it to the box.
    SwipeBoard site;
    site.sell(5'000);
    card::ParameterList list;
    ASSERT_TRUE(list.add_alarms(1, {700, 300, 0}));
    settings::Settings wanted;
    wanted.households[0].load.milliamperes = 9'000;
    std::array<Byte, settings::kSettingBytesMax> value;
    const settings::SettingKey key{settings::SettingId::kLoadLimit, 1, 0};
    ASSERT_TRUE(list.add(key, Bytes(value).first(settings::encode(wanted, key, value))));
    ASSERT_EQ(list.parts(), 2);
    for (std::uint8_t k = 0; k < list.parts(); ++k)
        CardDesk::put(site.mine, *kLayout.household_parameter(k),
                      card::seal(site.desk.mac, site.desk.own, site.desk.uid, list.part(k, 1, 3)));
    site.swipe();
    EXPECT_EQ(site.remaining(), 5'000);
    EXPECT_EQ(site.box().book(kFirst).account.levels.low_hundredths, 700u);
    EXPECT_EQ(site.box().settings().households[0].load.milliamperes, 9'000u);
    EXPECT_EQ(site.box().gross_limit(Circuit{0}), milliamperes(27'000));
    const std::uint32_t told = site.count(EventKind::kAlarmLevels, kFirst);
    site.swipe();
    EXPECT_EQ(site.count(EventKind::kAlarmLevels, kFirst), told) << "once for each version";
}

struct OrderCard {
    OrderCard(SwipeBoard& board, card::CardKind card_kind)
        : site(board),
          uid(card::uid_of(std::array<Byte, 4>{0x31, 0x22, 0x33, 0x44})),
          card(site.desk.formatted(uid)),
          kind(card_kind) {
        right.kind = kind;
        right.sequence = 1;
        right.from = *site.board.clock.read();
        right.until = right.from + 3600;
    }
    void write(std::uint8_t rights = 1) {
        card::IdentityRecord identity;
        identity.kind = kind;
        identity.generation = 1;
        identity.serial = 900;
        identity.rights = rights;
        CardDesk::put(card, kLayout.identity(), card::seal(site.desk.mac, site.desk.site, uid, identity));
        const card::RecordKeys& keys = card::only_shows(kind) ? site.desk.site : site.desk.own;
        CardDesk::put(card, *kLayout.right(static_cast<std::uint8_t>(rights - 1)),
                      card::seal(site.desk.mac, keys, uid, right));
    }
    SwipeBoard& site;
    card::Uid uid;
    M1Card card;
    card::CardKind kind;
    card::RightRecord right;
};

TEST(CardSwipe, ASetUpCardSetsTheBoxThatItNamesAndNoOther) {
    // One card for a landing: the second right is this box's, the first the neighbour's.
    SwipeBoard site;
    OrderCard order(site, card::CardKind::kSetUp);
    card::ParameterList list;
    ASSERT_TRUE(list.add_alarms(4, {700, 300, 0}));
    order.right.parts = list.parts();
    order.right.digest = list.digest(site.desk.mac, site.desk.own);
    order.write(2);
    CardDesk next_door(2026000002);
    CardDesk::put(order.card, *kLayout.right(0), card::seal(next_door.mac, next_door.own, order.uid, order.right));
    CardDesk::put(order.card, *kLayout.ordered_parameter(2, 0),
                  card::seal(site.desk.mac, site.desk.site, order.uid, list.part(0, 0, 1)));
    (void)site.shown();
    site.swipe(order.card);
    EXPECT_EQ(site.box().book({4}).account.levels.low_hundredths, 700u);
    EXPECT_NE(site.shown().find("-PA55-"), std::string::npos);
    EXPECT_EQ(site.count(EventKind::kOrderCarriedOut), 1u);
    site.swipe(order.card);
    EXPECT_NE(site.shown().find("Err-41"), std::string::npos);
}

TEST(CardSwipe, AC24ClearCardsAreRefusedAndRestoreCardsAreCarriedOutOnce) {
    SwipeBoard site;
    site.sell(1'000);
    site.swipe();
    OrderCard order(site, card::CardKind::kClear);
    order.write();
    (void)site.shown();
    site.swipe(order.card);
    EXPECT_NE(site.shown().find("Err-45"), std::string::npos);
    EXPECT_EQ(site.remaining(), 1'000);
    ASSERT_EQ(site.board.command({7, 0, 1, card::Alarms{0, 1'000, 0}}).result, card::Result::kDone);
    ASSERT_TRUE(site.box().state(kFirst).holds().has(Hold::kCutoffAlarm));
    OrderCard restore(site, card::CardKind::kRestore);
    restore.right.cutoff_alarm = true;
    restore.write();
    site.swipe(restore.card);
    EXPECT_FALSE(site.box().state(kFirst).holds().has(Hold::kCutoffAlarm));
    EXPECT_TRUE(site.board.relays.contact[0]);
    EXPECT_NE(site.shown().find("-PA55-"), std::string::npos);
}

TEST(CardSwipe, AnInspectionCardShowsWhatIsSetAndAReaderTestSaysThatTheReaderWorks) {
    SwipeBoard site;
    ASSERT_EQ(site.board.command({7, 0, 2, card::Alarms{1'250, 500, 0}}).result, card::Result::kDone);
    OrderCard inspection(site, card::CardKind::kInspection);
    inspection.write();
    (void)site.shown();
    site.swipe(inspection.card);
    site.board.run(seconds(12));
    const std::string shown = site.shown();
    EXPECT_NE(shown.find("L 0001|  ----"), std::string::npos) << shown;
    EXPECT_NE(shown.find("L 0002|   125"), std::string::npos) << shown;
    EXPECT_NE(shown.find("C 0002|    50"), std::string::npos) << shown;
    site.board.run(minutes(4));
    (void)site.shown();
    OrderCard test(site, card::CardKind::kReaderTest);
    test.write();
    site.swipe(test.card);
    EXPECT_NE(site.shown().find("-PA55-"), std::string::npos);
    EXPECT_EQ(site.count(EventKind::kOrderCarriedOut), 0u);
}

TEST(CardSwipe, ABoxWithoutAReaderOrWithoutKeysNeverAsksForOne) {
    SwipeBoard site;
    const std::uint64_t before = site.field.exchanges();
    site.board.config.card_keys.reset();
    site.board.restart();
    site.field.put(site.mine);
    site.board.run(seconds(5));
    EXPECT_EQ(site.field.exchanges(), before);
    site.board.card_reader = nullptr;
    site.board.config.card_keys = site.desk.keys();
    site.board.restart();
    site.board.run(seconds(5));
    EXPECT_EQ(site.field.exchanges(), before);
}

}  // namespace
}  // namespace prewatt::meter

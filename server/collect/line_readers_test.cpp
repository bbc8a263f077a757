// The master and its shared readers, with a reader and boxes that say what the test wants. The real ones on a real
// line: tests/scenario/reader_test.cpp.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "card/records.hpp"
#include "card/uid.hpp"
#include "server/collect/fake_box.hpp"
#include "server/collect/line_master.hpp"
#include "server/collect/quiet_office.hpp"

namespace prewatt::collect {
namespace {

using dlt645::CardOutcome;
using dlt645::DataId;
using dlt645::ReaderTap;
using dlt645::TapState;

constexpr card::Key kSite{1, 2, 3, 4};
constexpr std::uint64_t kFirstBox = 1'000'000'001;
const card::Uid kUid = card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4});

class TapOffice final : public QuietOffice {
  public:
    void on_block(const BlockReading&) override { ++blocks; }
    void on_account(HouseholdId, const dlt645::AccountStatus&, UnixTime) override { ++accounts; }
    void on_confirmed(const Delivery& delivery, const card::Effect& effect, UnixTime) override {
        confirmed.emplace_back(delivery, effect);
    }
    void on_tap(const TapNews& news, UnixTime) override { taps.push_back(news); }
    void on_reader(std::uint16_t, bool answering, UnixTime) override { reader_answering.push_back(answering); }
    int blocks = 0;
    int accounts = 0;
    std::vector<std::pair<Delivery, card::Effect>> confirmed;
    std::vector<TapNews> taps;
    std::vector<bool> reader_answering;
};

struct LineReaders : testing::Test {
    card::OpensslMac mac;
    TapOffice office;
    card::SiteMasters masters = card::site_masters(mac, kSite);
    LineSettings settings;
    std::unique_ptr<LineMaster> master;
    std::vector<std::unique_ptr<FakeBox>> boxes;
    Instant now = Instant{} + seconds(100);
    // What the others on the line do.
    ReaderTap tap;
    bool reader_answers = true;
    bool box_refuses = false;
    std::function<std::optional<CardOutcome>(const dlt645::CardPresented&, std::uint64_t box)> box_answers;
    std::vector<CardOutcome> told;
    std::vector<dlt645::CardWritten> written;
    std::map<std::uint32_t, int> asked;  // frames by identifier
    std::vector<std::uint32_t> order;
    Duration poll_time;
    Duration line_time;

    void build(int count) {
        std::vector<BoxSetup> setups;
        for (int k = 0; k < count; ++k) {
            const std::uint64_t number = kFirstBox + static_cast<unsigned>(k);
            const card::BoxKeys keys = card::diversify(mac, kSite, number);
            boxes.push_back(std::make_unique<FakeBox>(mac, number, keys));
            setups.push_back({BoxId{k + 1}, number, 39, keys, card::record_keys(mac, masters, number)});
        }
        master = std::make_unique<LineMaster>(settings, mac, office);
        master->set_clock(now, UnixTime{1'790'000'000'000}, 842'000'000);
        master->set_boxes(setups);
        master->set_readers(std::vector<std::uint16_t>{7}, now);
    }
    dlt645::CardPresented presented;
    template <class Item>
    static dlt645::FrameBytes reply(const dlt645::Frame& frame, DataId id, const Item& item) {
        std::array<Byte, 200> data{};
        ByteWriter(data).put_u32(id.value);
        const std::size_t size = encode(item, MutableBytes(data).subspan(4));
        return dlt645::encode(frame.address, dlt645::reply(frame.control.function()), Bytes(data).first(4 + size), 0);
    }
    std::optional<dlt645::FrameBytes> answer(const dlt645::Frame& frame) {
        const DataId id = frame.data_id().value_or(DataId{});
        ++asked[id.value];
        order.push_back(id.value);
        const Bytes body = frame.bytes().subspan(4);
        if (id == dlt645::kReaderTap) {
            if (!reader_answers) return std::nullopt;
            if (body.size() == 4 && tap.state == TapState::kReport) tap = {};
            return reply(frame, id, tap);
        }
        if (id == dlt645::kReaderOutcome) {
            if (!reader_answers) return std::nullopt;
            told.push_back(*dlt645::decode_card_outcome(body));
            tap = {};
            if (told.back().has_return) tap = {TapState::kReport, told.back().tap, {}, true, 3};
            std::array<Byte, 9> heard{0x00, 0x02, 0x04, 0xEC, 1};
            ByteWriter(MutableBytes(heard).subspan(5)).put_u32(told.back().tap);
            return dlt645::encode(frame.address, dlt645::reply(frame.control.function()), heard, 0);
        }
        std::uint64_t number = 0;
        for (const auto& box : boxes)
            if (frame.address == dlt645::address_of(dlt645::BoxNumber{box->number}, Household{0})) number = box->number;
        if (id == dlt645::kCardShown) {
            presented = *dlt645::decode_card_presented(body);
            if (box_refuses)
                return dlt645::encode(frame.address, dlt645::error_reply(dlt645::Function::kSecurity),
                                      std::array<Byte, 2>{0x01, 0x00}, 0);
            const auto outcome = box_answers ? box_answers(presented, number) : std::nullopt;
            if (!outcome) return std::nullopt;
            return reply(frame, id, *outcome);
        }
        if (id == dlt645::kCardWritten) {
            written.push_back(*dlt645::decode_card_written(body));
            return reply(frame, id, written.back());
        }
        for (const auto& box : boxes)
            if (auto found = box->on_request(frame)) return found;
        return std::nullopt;
    }
    void run(Duration span) {
        const Instant end = now + span;
        while (now < end) {
            const auto step = master->poll(now);
            if (step.send.empty()) {
                now = std::min(end, std::max(step.wake_up, now + microseconds(100)));
                continue;
            }
            const Instant began = now;
            dlt645::Decoder decoder;
            std::optional<dlt645::Frame> frame;
            for (const Byte byte : step.send)
                if (auto found = decoder.on_byte(byte, now)) frame = found;
            ASSERT_TRUE(frame);
            const Duration character = microseconds(11'000'000 / settings.baud);
            now = now + character * static_cast<std::int64_t>(step.send.size());
            const auto reply_frame = answer(*frame);
            if (!reply_frame) continue;
            now = now + milliseconds(20);
            for (const Byte byte : Bytes(reply_frame->data(), reply_frame->size())) {
                now = now + character;
                master->on_byte(byte, now);
            }
            line_time += now - began;
            if (frame->data_id() == dlt645::kReaderTap) poll_time += now - began;
        }
    }
    void hold_card(std::uint32_t number, std::uint64_t box = kFirstBox, std::uint8_t household = 12) {
        card::CreditRecord credit;
        credit.household = household;
        credit.generation = 2;
        credit.ticket = {1, 2, 8'000};
        credit.serial = 1;
        tap = {};
        tap.state = TapState::kWaiting;
        tap.tap = number;
        tap.card.uid = kUid;
        tap.card.credit = card::seal(mac, card::record_keys(mac, masters, box), kUid, credit);
    }
    // A box that takes the ticket.
    CardOutcome taken(const dlt645::CardPresented& card, std::uint32_t ticket = 2) {
        card::ReturnRecord record;
        record.household = 12;
        record.generation = 3;
        record.epoch = 1;
        record.ticket_number = ticket;
        record.used_hundredths = 100;
        record.remaining_hundredths = 7'900;
        return {card.reader,
                card.tap,
                card.card.slot,
                dlt645::kCodeDone,
                12,
                3'000,
                7'900,
                true,
                card::seal(mac, card::record_keys(mac, masters, kFirstBox), kUid, record)};
    }
    void take_all() {
        box_answers = [this](const dlt645::CardPresented& card, std::uint64_t) { return taken(card); };
    }
    DesiredState desired() {
        DesiredState state;
        state.household = {1200};
        state.box = {1};
        state.number = 12;
        state.ticket = {1, 2, credit_of_hundredths(8'000)};
        state.confirmed_epoch = 1;
        state.confirmed_number = 1;
        return state;
    }
};

TEST_F(LineReaders, ACardIsBroughtToItsBoxAndBackAndItsTicketIsConfirmed) {
    // The desk has sold onto the card, the network has not been faster: the tap is the confirmation.
    build(3);
    take_all();
    master->desire(desired(), now);
    run(milliseconds(500));
    hold_card(41);
    run(seconds(2));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0], taken(presented));
    EXPECT_EQ(presented.reader.value, 7);
    EXPECT_EQ(presented.tap, 41u);
    ASSERT_EQ(office.confirmed.size(), 1u);
    EXPECT_EQ(office.confirmed[0].first.household, HouseholdId{1200});
    EXPECT_EQ(office.confirmed[0].first.version, 2u);
    EXPECT_EQ(office.confirmed[0].second.remaining_hundredths, 7'900);
    ASSERT_EQ(written.size(), 1u) << "the box learns that its RETURN stands";
    EXPECT_EQ(written[0], (dlt645::CardWritten{{7}, 41, 12, 3}));
    ASSERT_EQ(office.taps.size(), 1u);
    EXPECT_EQ(office.taps[0].household, HouseholdId{1200});
    EXPECT_EQ(office.taps[0].box_number, kFirstBox);
    EXPECT_EQ(office.taps[0].code, 0);
    EXPECT_EQ(asked[dlt645::kSealedCommand.value], 0) << "AC15: what came by card is not sent by line";
    ASSERT_EQ(master->reader_quality().size(), 1u);
    EXPECT_TRUE(master->reader_quality()[0].answering);
    EXPECT_EQ(master->reader_quality()[0].taps, 1u);
}

TEST_F(LineReaders, NothingComesBetweenTheThreeFramesOfATap) {
    // A person holds the card. Whatever else the line has to do waits.
    build(20);
    take_all();
    run(seconds(1));
    hold_card(1);
    order.clear();
    run(seconds(1));
    const auto at = std::find(order.begin(), order.end(), dlt645::kCardShown.value);
    ASSERT_NE(at, order.end());
    EXPECT_EQ(*(at - 1), dlt645::kReaderTap.value);
    EXPECT_EQ(*(at + 1), dlt645::kReaderOutcome.value);
}

TEST_F(LineReaders, BoxThatDoesNotAnswerIsAskedTwiceMoreWithTheSameTapThenTheReaderIsTold) {
    // A breaker is off. The card stays as it is; the person learns why there is no light.
    build(1);
    run(milliseconds(500));
    std::vector<std::uint32_t> taps;
    box_answers = [&](const dlt645::CardPresented& card, std::uint64_t) {
        taps.push_back(card.tap);
        return std::optional<CardOutcome>();
    };
    hold_card(5);
    run(seconds(4));
    EXPECT_EQ(taps, (std::vector<std::uint32_t>{5, 5, 5}));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].code, dlt645::kCodeBoxOffLine);
    EXPECT_EQ(told[0].tap, 5u);
    EXPECT_FALSE(told[0].has_return);
    EXPECT_TRUE(office.confirmed.empty());
}

TEST_F(LineReaders, AC14ALostAnswerOfTheBoxIsAskedForAgain) {
    // AC14: the box has taken the ticket and its answer drowned. The same tap again gets the same answer.
    build(1);
    run(milliseconds(500));
    int times = 0;
    box_answers = [&](const dlt645::CardPresented& card, std::uint64_t) {
        return ++times == 1 ? std::nullopt : std::optional(taken(card));
    };
    hold_card(6);
    run(seconds(2));
    EXPECT_EQ(times, 2);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].code, dlt645::kCodeDone);
}

TEST_F(LineReaders, CardOfABoxElsewhereIsToldSoAtOnce) {
    // A resident of the next building, or a card from before an exchange of the box.
    build(2);
    run(milliseconds(500));
    hold_card(8, kFirstBox + 77);
    run(milliseconds(600));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].code, dlt645::kCodeUnknownBox);
    EXPECT_EQ(asked[dlt645::kCardShown.value], 0);
    ASSERT_EQ(office.taps.size(), 1u);
    EXPECT_EQ(office.taps[0].box_number, kFirstBox + 77);
}

TEST_F(LineReaders, FirmwareThatTakesNoCardsIsToldSo) {
    // A box of the first years, and a resident who is not told to wait for ever.
    build(1);
    run(milliseconds(500));
    hold_card(9);
    box_refuses = true;
    run(seconds(1));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].code, dlt645::kCodeNoReader);
    EXPECT_EQ(asked[dlt645::kCardShown.value], 1) << "asking again changes nothing";
}

TEST_F(LineReaders, AC32WhatIsSaidInClearConfirmsNothing) {
    // AC32: somebody answers in the box's place with "done" and an amount. No ticket is confirmed by it: without a
    // RETURN that opens the account is read, and the ticket still goes out.
    build(1);
    master->desire(desired(), now);
    box_answers = [&](const dlt645::CardPresented& card, std::uint64_t) {
        CardOutcome lie = taken(card);
        lie.return_record[20] ^= 1;
        return std::optional(lie);
    };
    run(milliseconds(500));
    hold_card(2);
    run(seconds(1));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_TRUE(office.confirmed.empty());
    EXPECT_GT(asked[dlt645::kAccountStatus.value], 0);
}

TEST_F(LineReaders, AC32NoForgedOutcomeConfirmsATicketOrHoldsItBack) {
    // AC32: outcomes carry no tag. Whatever somebody answers in the box's place, in clear or behind a seal that is not
    // this box's for this card, household and ticket: nothing is confirmed that the box has not, and the ticket goes
    // out on the line as if nobody had said anything.
    using Forge = std::function<CardOutcome(const dlt645::CardPresented&)>;
    const auto sealed_otherwise = [&](std::uint64_t box, const card::Uid& uid, std::uint8_t household,
                                      std::uint32_t ticket, std::uint16_t epoch) -> Forge {
        return [=, this](const dlt645::CardPresented& card) {
            card::ReturnRecord record;
            record.household = household;
            record.generation = 3;
            record.epoch = epoch;
            record.ticket_number = ticket;
            record.remaining_hundredths = 7'900;
            CardOutcome lie = taken(card);
            lie.return_record = card::seal(mac, card::record_keys(mac, masters, box), uid, record);
            return lie;
        };
    };
    std::vector<Forge> lies;
    for (int code = 0; code <= 255; ++code)
        for (const bool has_return : {false, true})
            if (code % 5 == 0 || code >= 126 || code < 3)
                lies.push_back([=, this](const dlt645::CardPresented& card) {
                    CardOutcome lie = taken(card);
                    lie.code = static_cast<std::uint8_t>(code);
                    lie.household = static_cast<std::uint8_t>(code % 41);
                    lie.bought_hundredths = INT32_MAX;
                    lie.remaining_hundredths = INT32_MIN;
                    lie.has_return = has_return;
                    if (!has_return)
                        lie.return_record = {};
                    else
                        lie.return_record[16] ^= 1;
                    return lie;
                });
    for (std::size_t byte = 0; byte < dlt645::kCardRecordBytes; ++byte)
        lies.push_back([=, this](const dlt645::CardPresented& card) {
            CardOutcome lie = taken(card);
            lie.return_record[byte] ^= 0x80;
            return lie;
        });
    lies.push_back(sealed_otherwise(kFirstBox + 1, kUid, 12, 2, 1));
    lies.push_back(sealed_otherwise(kFirstBox, card::uid_of(std::array<Byte, 4>{1, 2, 3, 4}), 12, 2, 1));
    lies.push_back(sealed_otherwise(kFirstBox, kUid, 13, 2, 1));  // what the neighbour's card was answered
    lies.push_back(sealed_otherwise(kFirstBox, kUid, 12, 1, 1));  // what this one was answered last month
    for (std::size_t n = 0; n < lies.size(); ++n) {
        SCOPED_TRACE(n);
        boxes.clear();
        office = {};
        tap = {};
        told.clear();
        asked.clear();
        build(1);
        boxes[0]->accounts[12].epoch = 1;
        boxes[0]->accounts[12].ticket_number = 1;
        boxes[0]->accounts[12].credited_hundredths = 5'000;
        boxes[0]->accounts[12].state.set_holds({});
        bool was_there = false;
        box_answers = [&](const dlt645::CardPresented& card, std::uint64_t) {
            was_there = was_there || boxes[0]->accounts[12].ticket_number == 2;
            return std::optional(lies[n](card));
        };
        run(milliseconds(500));
        hold_card(2);
        master->on_counters({1}, 1, 32, now);
        DesiredState state = desired();
        state.confirmed_credited = credit_of_hundredths(5'000);
        master->desire(state, now);
        const Instant end = now + seconds(8);
        while (now < end) {
            run(milliseconds(20));
            ASSERT_TRUE(office.confirmed.empty() || boxes[0]->accounts[12].ticket_number == 2)
                << "confirmed, and the box has it not";
        }
        ASSERT_GE(asked[dlt645::kCardShown.value], 1);
        ASSERT_FALSE(was_there) << "the lie came too late to prove anything";
        ASSERT_EQ(office.confirmed.size(), 1u)
            << "it arrived over the line, once; commands sent " << asked[dlt645::kSealedCommand.value] << ", executed "
            << boxes[0]->executed << ", box has " << boxes[0]->accounts[12].ticket_number << ", accounts read "
            << office.accounts;
        ASSERT_EQ(boxes[0]->accounts[12].ticket_number, 2u);
        ASSERT_GT(asked[dlt645::kSealedCommand.value], 0);
        ASSERT_EQ(office.confirmed[0].first.version, 2u);
    }
}

TEST_F(LineReaders, ACardOfTheOfficeBeforeARestoreConfirmsNoTicketOfTheSameNumber) {
    // The backup is of yesterday; a card that was written today has ticket 2 with 80 kWh, the books sold ticket 2 with
    // 60. The box took the card: the sale of 60 is not there, and the account has to be judged.
    build(1);
    DesiredState state = desired();
    state.stopped = server::Situation::kOtherTotal;  // of its tickets nothing goes out on the line
    state.ticket.credited = credit_of_hundredths(6'000);
    master->desire(state, now);
    take_all();
    run(milliseconds(500));
    hold_card(2);
    run(seconds(1));
    EXPECT_EQ(told.size(), 1u);
    EXPECT_TRUE(office.confirmed.empty());
    EXPECT_GT(asked[dlt645::kAccountStatus.value], 0) << "its account is read";
}

TEST_F(LineReaders, AC13AnOldReturnConfirmsNothingNewer) {
    // AC13: a RETURN that was recorded on the line last month, played again.
    build(1);
    boxes[0]->accounts[12].epoch = 1;
    boxes[0]->accounts[12].ticket_number = 2;
    DesiredState state = desired();
    state.confirmed_number = 2;
    state.ticket.number = 3;
    master->desire(state, now);
    take_all();  // says ticket 2
    run(milliseconds(500));
    hold_card(2);
    run(seconds(1));
    EXPECT_EQ(told.size(), 1u);
    EXPECT_TRUE(office.confirmed.empty());
}

TEST_F(LineReaders, IdlePollsTakeASmallPartOfABusyLine) {
    // Nobody taps for hours; 256 boxes want to be read all the same.
    settings.baud = 2400;
    build(60);
    run(seconds(60));
    EXPECT_LT(poll_time.count() * 100, line_time.count() * 27);
    EXPECT_GT(asked[dlt645::kReaderTap.value], 30) << "and a tap does not wait for two seconds";
    EXPECT_GT(office.blocks, 20);
}

TEST_F(LineReaders, AC32AFloodOfTapsIsRefusedAndLeavesTheLineToTheOthers) {
    // AC32: a dongle that plays the reader shows a card at every poll. The boxes are read as before, at half the pace
    // at worst, and after ten taps one in two seconds gets through.
    build(30);
    take_all();
    run(seconds(10));
    const int blocks_before = office.blocks;
    run(seconds(10));
    const int undisturbed = office.blocks - blocks_before;
    const Instant end = now + seconds(30);
    std::uint32_t number = 100;
    while (now < end) {
        hold_card(++number);
        run(milliseconds(50));
    }
    EXPECT_GT(office.blocks - blocks_before - undisturbed, undisturbed * 3 / 2);
    EXPECT_LE(asked[dlt645::kCardShown.value], 10 + 16);
    EXPECT_TRUE(std::any_of(told.begin(), told.end(),
                            [](const CardOutcome& each) { return each.code == dlt645::kCodeTooMany; }));
}

TEST_F(LineReaders, ReaderThatFallsSilentIsToldOnceAndAskedLessAndLess) {
    // Its plug was pulled: the boxes must not pay half a second for it ten times a second.
    build(5);
    run(seconds(2));
    reader_answers = false;
    run(seconds(5));
    const int before = asked[dlt645::kReaderTap.value];
    run(seconds(60));
    EXPECT_LE(asked[dlt645::kReaderTap.value] - before, 10);
    const ReaderQuality silent = master->reader_quality()[0];
    EXPECT_FALSE(silent.answering);
    EXPECT_EQ(silent.polls, static_cast<std::uint64_t>(asked[dlt645::kReaderTap.value]));
    EXPECT_GT(silent.answered, 2u);
    EXPECT_LE(silent.answered, silent.polls - 10);
    EXPECT_GT(silent.heard_at.ms, 0) << "somebody wants to know since when";
    reader_answers = true;
    run(seconds(12));
    EXPECT_TRUE(master->reader_quality()[0].answering);
    EXPECT_GE(master->reader_quality()[0].heard_at.ms, silent.heard_at.ms + 55'000);
    EXPECT_EQ(office.reader_answering, (std::vector<bool>{true, false, true}));
}

TEST_F(LineReaders, ALineThatGoesDownWithATapInHandForgetsIt) {
    // The reader still has the card and offers it again; nothing half done is sent to anybody.
    build(1);
    box_answers = [&](const dlt645::CardPresented&, std::uint64_t) { return std::optional<CardOutcome>(); };
    run(milliseconds(500));
    hold_card(3);
    run(milliseconds(600));
    ASSERT_GT(asked[dlt645::kCardShown.value], 0);
    master->on_line_down(now);
    take_all();
    order.clear();
    run(seconds(2));
    EXPECT_EQ(order.front(), dlt645::kReaderTap.value);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].code, dlt645::kCodeDone);
}

}  // namespace
}  // namespace prewatt::collect

// A shared card reader, real meters and the real line master on one simulated line, with people who tap, breakers that
// are off, an office that dies and somebody with a dongle (product.md B4).
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "bench/line_of_meters.hpp"
#include "server/collect/quiet_office.hpp"

namespace prewatt {
namespace {

using bench::LineOfMeters;
using reader::Signal;

class Office final : public collect::QuietOffice {
  public:
    void on_block(const collect::BlockReading& reading) override { ++blocks[reading.box.value]; }
    void on_sent(const server::Delivery&, server::UnixTime) override { ++sent; }
    void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, server::UnixTime) override {
        confirmed.emplace_back(delivery, effect);
    }
    void on_tap(const collect::TapNews& news, server::UnixTime) override { taps.push_back(news); }
    std::map<std::int64_t, int> blocks;
    std::vector<std::pair<server::Delivery, card::Effect>> confirmed;
    std::vector<collect::TapNews> taps;
    int sent = 0;
};

class SharedReader : public testing::Test {
  protected:
    void build(LineOfMeters::Options options) {
        options.card_reader = true;
        line = std::make_unique<LineOfMeters>(options, office);
        line->run_for(seconds(6));
    }
    // A card of this household with a ticket of `credited` hundredths on it.
    sim::M1Card issue(int box, std::uint8_t household, std::uint32_t number, std::int64_t credited) {
        sim::M1Card card =
            line->issuer().issue(card::uid_of(std::array<Byte, 4>{0x21, static_cast<Byte>(box), household, 0x5A}),
                                 LineOfMeters::box_number(box), household);
        line->issuer().sell(card, LineOfMeters::box_number(box), household, number, credited);
        return card;
    }
    void sell(sim::M1Card& card, int box, std::uint8_t household, std::uint32_t number, std::int64_t credited) {
        line->issuer().sell(card, LineOfMeters::box_number(box), household, number, credited);
    }
    meter::HouseholdView view(int box, std::uint8_t household) { return line->box(box).node().household({household}); }
    Signal signal() { return line->card_reader().shown().signal; }
    bool until(Signal wanted, Duration limit) {
        return line->run_until([&] { return signal() == wanted; }, limit);
    }
    // Until anything is said of the card, or `limit`.
    Signal tap(sim::M1Card& card, Duration limit = seconds(15)) {
        take_away();
        line->card_reader().field.put(card);
        line->run_until([&] { return signal() != Signal::kReady && signal() != Signal::kHoldCard; }, limit);
        return signal();
    }
    void take_away() {
        line->card_reader().field.clear();
        line->run_for(reader::SharedReader::kShowTime + seconds(1));
    }
    card::ReturnRecord newest_return(sim::M1Card& card, int box) {
        const card::Layout layout;
        const card::Copies copies{reader::Issuer::record(card, layout.returns(0)),
                                  reader::Issuer::record(card, layout.returns(1))};
        const auto pair = card::open_returns(mac, keys(box), card.uid(), copies);
        EXPECT_TRUE(pair.newest);
        return pair.newest.value_or(card::ReturnRecord{});
    }
    card::RecordKeys keys(int box) {
        return card::record_keys(mac, line->issuer().masters, LineOfMeters::box_number(box));
    }
    Office office;
    card::OpensslMac mac;
    std::unique_ptr<LineOfMeters> line;
};

TEST_F(SharedReader, ATapLightsTheRoomAt9600AndAt2400) {
    // The resident's whole experience of a site that sells onto cards.
    for (const auto& [baud, limit] : {std::pair{9600u, seconds(1)}, std::pair{2400u, seconds(2)}}) {
        SCOPED_TRACE(baud);
        office = {};
        build({.boxes = 4, .baud = baud, .settings = {}});
        line->run_for(seconds(20));
        sim::M1Card card = issue(2, 17, 1, 5'000);
        ASSERT_FALSE(view(2, 17).lit);
        line->card_reader().field.put(card);
        ASSERT_TRUE(line->run_until([&] { return view(2, 17).lit; }, limit));
        ASSERT_TRUE(until(Signal::kDone, seconds(3)));
        EXPECT_EQ(view(2, 17).credited, credit_of_hundredths(5'000));
        EXPECT_EQ(line->card_reader().shown().bought_hundredths, 5'000);
        EXPECT_EQ(newest_return(card, 2).ticket_number, 1u);
        line->run_for(seconds(3));
        ASSERT_EQ(office.taps.size(), 1u);
        EXPECT_EQ(office.taps[0].code, 0);
    }
}

TEST_F(SharedReader, ATapAtAnyInstantOfAFullSweepAt2400LightsWithinTwoSeconds) {
    // The office has just begun and reads everything: a frame takes a second, nobody can interrupt it, and somebody
    // puts the card on just after the reader was asked.
    build({.boxes = 8, .baud = 2400, .settings = {}});
    double slowest = 0;
    for (int n = 0; n < 8 * kHouseholdsMax; n += 5) {
        const int box = n / kHouseholdsMax;
        const auto household = static_cast<std::uint8_t>(1 + n % kHouseholdsMax);
        sim::M1Card card = issue(box, household, 1, 5'000);
        line->restart_master();
        line->run_for(seconds(3) +
                      milliseconds(61) * n);  // 3 s to 22 s: first blocks, following frames, states of boxes
        ASSERT_FALSE(view(box, household).lit);
        const Instant began = line->now();
        line->card_reader().field.put(card);
        ASSERT_TRUE(line->run_until([&] { return view(box, household).lit; }, seconds(5)));
        slowest = std::max(slowest, static_cast<double>((line->now() - began).count()) / 1e6);
        take_away();
    }
    EXPECT_LE(slowest, 2.0);
    EXPECT_GT(slowest, 1.5) << "somebody did come at a bad instant";
}

TEST_F(SharedReader, ABoxAnswersOnlyForItselfAmong256) {
    // A full line: the card of one household in 9,984 reaches its box and no other.
    build({.boxes = 256, .settings = {}});
    sim::M1Card card = issue(200, 39, 1, 700);
    line->card_reader().field.put(card);
    ASSERT_TRUE(until(Signal::kDone, seconds(3)));
    for (int box = 0; box < 256; ++box)
        for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h)
            EXPECT_EQ(view(box, h).epoch != 0, box == 200 && h == 39);
}

TEST_F(SharedReader, AC10CardTornAwayWhileItIsWrittenIsCreditedOnceAndMadeGoodByTheNextTap) {
    // AC10: the card leaves inside each of the three writes of RETURN, and before and after them.
    for (std::uint64_t write = 0; write < 3; ++write) {
        for (const int bytes : {0, 7, 16}) {
            const auto split = static_cast<std::uint8_t>(bytes);
            SCOPED_TRACE(std::to_string(write) + "." + std::to_string(split));
            build({.boxes = 1, .settings = {}});
            sim::M1Card card = issue(0, 3, 1, 5'000);
            ASSERT_EQ(tap(card), Signal::kDone);
            take_away();
            line->run_for(seconds(3));
            sell(card, 0, 3, 2, 8'000);
            line->card_reader().field.tear_at(write, {.split = split, .rest = sim::Tear::Rest::kWeak});
            EXPECT_EQ(tap(card), Signal::kComeAgain);
            EXPECT_EQ(view(0, 3).credited, credit_of_hundredths(8'000));
            EXPECT_EQ(newest_return(card, 0).ticket_number, write == 2 && split == 16 ? 2u : 1u)
                << "the other copy stands";
            ASSERT_EQ(tap(card), Signal::kDone);
            EXPECT_EQ(view(0, 3).credited, credit_of_hundredths(8'000));
            EXPECT_EQ(newest_return(card, 0).ticket_number, 2u);
        }
    }
}

TEST_F(SharedReader, NoiseDelaysTapsAndFalsifiesNone) {
    // A motor beside the cable: every fifth long frame is damaged. AC14: whatever answer is lost, one credit.
    build({.boxes = 6,
           .faults = {.bit_errors_per_million = 80,
                      .lost_characters_per_million = 100,
                      .idle_characters_per_minute = 300},
           .seed = 12,
           .settings = {}});
    int done = 0;
    for (int n = 0; n < 24; ++n) {
        const int box = n % 6;
        const auto household = static_cast<std::uint8_t>(1 + n);
        sim::M1Card card = issue(box, household, 1, 100 + n);
        Signal last = tap(card);
        for (int again = 0; again < 3 && last != Signal::kDone; ++again)
            last = tap(card);
        if (last == Signal::kDone) ++done;
        EXPECT_EQ(view(box, household).credited, credit_of_hundredths(100 + n));
    }
    EXPECT_EQ(done, 24);
    EXPECT_GT(line->line.counts().damaged, 20u) << "the noise was there";
}

TEST_F(SharedReader, BoxThatIsOffLineIsNamedAndTheCreditWaitsOnTheCard) {
    // A breaker is off. Twice more with the same tap, then the person is told; when it is back the card is worth the
    // same.
    build({.boxes = 3, .settings = {}});
    sim::M1Card card = issue(1, 5, 1, 900);
    line->box(1).set_supply(false);
    EXPECT_EQ(tap(card), Signal::kBoxOffLine);
    EXPECT_EQ(card.writes(), 0u);
    take_away();
    line->run_for(seconds(10));
    const Instant began = line->now();
    EXPECT_EQ(tap(card), Signal::kBoxOffLine);
    EXPECT_LT((line->now() - began).count(), seconds(9).count()) << "known to be silent: one try";
    line->box(1).set_supply(true);
    line->run_for(seconds(70));
    EXPECT_EQ(tap(card), Signal::kDone);
    EXPECT_EQ(view(1, 5).credited, credit_of_hundredths(900));
}

TEST_F(SharedReader, AC14OfficeThatDiesInTheMiddleOfATapCostsATapAtMost) {
    // AC14: the office's process is killed at every tenth of a second after the card was put on. The credit is in the
    // box at most once, the reader says that the office is gone, and a tap after its return ends well.
    for (int after = 1; after <= 12; ++after) {
        SCOPED_TRACE(after);
        build({.boxes = 2, .settings = {}});
        sim::M1Card card = issue(0, 9, 1, 1'234);
        line->card_reader().field.put(card);
        line->run_for(milliseconds(100) * after);
        line->stop_master();
        const bool had_ended = signal() == Signal::kDone;
        if (!had_ended) {
            EXPECT_TRUE(line->run_until([&] { return signal() == Signal::kOfficeOffLine || signal() == Signal::kDone; },
                                        seconds(15)));
        }
        line->restart_master();
        EXPECT_TRUE(until(Signal::kDone, seconds(8))) << "the card still lies there";
        EXPECT_EQ(view(0, 9).credited, credit_of_hundredths(1'234));
        EXPECT_EQ(tap(card), Signal::kDone);
        EXPECT_EQ(view(0, 9).credited, credit_of_hundredths(1'234));
    }
}

TEST_F(SharedReader, AC15CardAndNetworkOfTheSameSaleAreOneCredit) {
    // AC15: the ticket goes onto the card and over the line. Whichever is first, the other changes nothing; and what
    // the card brought is confirmed to the office without a command.
    build({.boxes = 2, .settings = {}});
    server::DesiredState wish;
    wish.box = LineOfMeters::box_id(0);
    wish.number = 4;
    wish.household = {104};
    wish.ticket = {1, 1, credit_of_hundredths(5'000)};
    sim::M1Card card = issue(0, 4, 1, 5'000);
    ASSERT_EQ(tap(card), Signal::kDone);
    const int sent_before = office.sent;
    line->desire(wish);
    line->run_for(seconds(10));
    EXPECT_EQ(view(0, 4).credited, credit_of_hundredths(5'000));

    // The next sale: desired while the card is before the reader.
    sell(card, 0, 4, 2, 8'000);
    take_away();
    wish.ticket = {1, 2, credit_of_hundredths(8'000)};
    line->card_reader().field.put(card);
    ASSERT_TRUE(line->run_until([&] { return view(0, 4).credited == credit_of_hundredths(8'000); }, seconds(3)));
    line->desire(wish);
    line->run_for(seconds(10));
    EXPECT_EQ(view(0, 4).credited, credit_of_hundredths(8'000));
    ASSERT_FALSE(office.confirmed.empty());
    EXPECT_EQ(office.confirmed.back().first.version, 2u);
    EXPECT_LE(office.sent - sent_before, 3);
}

TEST_F(SharedReader, AC19CardExchangedBetweenAnswerAndWriteIsNotWritten) {
    // AC19: two friends. The one's RETURN must not stand on the other's card.
    build({.boxes = 2, .settings = {}});
    sim::M1Card first = issue(0, 1, 1, 100);
    sim::M1Card second = issue(1, 2, 1, 200);
    line->card_reader().field.put(first);
    ASSERT_TRUE(line->run_until([&] { return view(0, 1).epoch == 1; }, seconds(3)));
    line->card_reader().field.hold({&second});
    ASSERT_TRUE(until(Signal::kDone, seconds(8)));
    EXPECT_EQ(first.writes(), 0u);
    EXPECT_EQ(newest_return(second, 1).household, 2);
    EXPECT_EQ(view(1, 2).credited, credit_of_hundredths(200)) << "and the second one is a tap of its own";
}

TEST_F(SharedReader, AC20TwoCardsTogetherAreRefusedAndBothAreWorthTheSameAfterwards) {
    // AC20.
    build({.boxes = 1, .settings = {}});
    sim::M1Card first = issue(0, 1, 1, 100);
    sim::M1Card second = issue(0, 2, 1, 200);
    line->card_reader().field.put(first);
    line->card_reader().field.put(second);
    EXPECT_TRUE(until(Signal::kSeveralCards, seconds(2)));
    line->run_for(seconds(3));
    EXPECT_EQ(view(0, 1).epoch + view(0, 2).epoch, 0);
    EXPECT_EQ(tap(first), Signal::kDone);
    EXPECT_EQ(tap(second), Signal::kDone);
}

TEST_F(SharedReader, AC26ForgedCardsPauseTheBoxForTheLineAndTheReaderSaysWhy) {
    // AC26 over the line: an edited CREDIT. It is refused, counted and logged by the box, and nothing is credited.
    build({.boxes = 1, .settings = {}});
    sim::M1Card forged = issue(0, 6, 1, 100);
    sim::M1Card::Dump dump = forged.dump();
    dump[card::first_block(card::Layout{}.credit(1)) + 1][3] ^= 0x40;
    forged.overwrite(dump);
    for (int n = 0; n < 3; ++n) {
        EXPECT_EQ(tap(forged), Signal::kRefused);
        EXPECT_EQ(line->card_reader().shown().code, static_cast<int>(meter::CardCode::kInvalid));
    }
    EXPECT_EQ(tap(forged), Signal::kRefused);
    EXPECT_EQ(line->card_reader().shown().code, static_cast<int>(meter::CardCode::kPaused));
    EXPECT_EQ(view(0, 6).epoch, 0);
}

// Somebody with a dongle on the two wires, who has recorded frames and sends them whenever the line is quiet.
class Dongle final : public sim::Station {
  public:
    Dongle(sim::SerialLine& line, Duration every) : line_(line), every_(every), id_(line.attach(*this, line.now())) {}
    Heard on_character(const sim::Character& character) override {
        if (const auto frame = decoder_.on_byte(character.value, character.at, character.bad_parity))
            if (!frame->control.is_reply() &&
                (frame->data_id() == dlt645::kCardShown || frame->data_id() == dlt645::kReaderOutcome))
                recorded.push_back(*frame);
        quiet_since_ = character.at;
        return {next_, false};
    }
    Instant on_time(Instant now) override {
        next_ = now + every_;
        if (sends && !recorded.empty() && now - quiet_since_ > milliseconds(8)) {
            dlt645::Frame frame = recorded[at_++ % recorded.size()];
            if (change) change(frame);
            const auto bytes = dlt645::encode(frame.address, frame.control, frame.bytes());
            line_.send(id_, {bytes.data(), bytes.size()}, now);
            ++sent;
        }
        return next_;
    }
    std::vector<dlt645::Frame> recorded;
    std::function<void(dlt645::Frame&)> change;
    bool sends = false;
    int sent = 0;

  private:
    sim::SerialLine& line_;
    Duration every_;
    sim::SerialLine::Id id_;
    Instant next_{};
    Instant quiet_since_{};
    std::size_t at_ = 0;
    dlt645::Decoder decoder_;
};

TEST_F(SharedReader, AC32InjectionOnTheReadersBusGivesNoCreditAndWearsNothingOut) {
    // AC32: every frame of a real tap is recorded and played again, as it was, with other tap numbers, and to a
    // broadcast. Nobody gets credit, and the box looks at ten in a row and one in six seconds, so its memory is not
    // written away.
    build({.boxes = 2, .settings = {}});
    Dongle dongle(line->line, milliseconds(400));
    sim::M1Card card = issue(0, 8, 1, 5'000);
    ASSERT_EQ(tap(card), Signal::kDone);
    take_away();
    line->run_for(seconds(3));
    ASSERT_GE(dongle.recorded.size(), 2u);
    const auto before = view(0, 8);
    const std::uint64_t writes = card.writes();
    std::uint32_t number = 50'000;
    dongle.change = [&](dlt645::Frame& frame) {
        ++number;
        if (number % 5 == 0) {
            frame.address = dlt645::kBroadcast;
            return;
        }
        ByteWriter(MutableBytes(frame.data.data() + 7, 4)).put_u32(number);
    };
    dongle.sends = true;
    line->run_for(minutes(2));
    EXPECT_GT(dongle.sent, 40);
    dongle.sends = false;
    EXPECT_EQ(view(0, 8).credited, before.credited);
    EXPECT_EQ(view(0, 8).ticket_number, before.ticket_number);
    EXPECT_EQ(view(1, 8).epoch, 0);
    EXPECT_EQ(card.writes(), writes);
    EXPECT_EQ(signal(), Signal::kReady);
    // And a resident who comes after it is served.
    line->run_for(minutes(1));
    sell(card, 0, 8, 2, 6'000);
    EXPECT_EQ(tap(card), Signal::kDone);
    EXPECT_EQ(view(0, 8).credited, credit_of_hundredths(6'000));
}

TEST_F(SharedReader, ReaderThatStartsAnewTakesNoAnswerToATapOfBefore) {
    // Its supply flickers while the box answers. The old answer is for nobody, the card is a new tap, and one credit.
    build({.boxes = 1, .settings = {}});
    sim::M1Card card = issue(0, 2, 1, 300);
    line->card_reader().field.put(card);
    ASSERT_TRUE(line->run_until([&] { return view(0, 2).epoch == 1; }, seconds(3)));
    line->card_reader().restart();
    EXPECT_EQ(card.writes(), 0u);
    ASSERT_TRUE(until(Signal::kDone, seconds(8)));
    EXPECT_EQ(view(0, 2).credited, credit_of_hundredths(300));
    EXPECT_GT(card.writes(), 0u);
}

}  // namespace
}  // namespace prewatt

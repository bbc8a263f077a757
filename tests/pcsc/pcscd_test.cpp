// The desk's driver through the real pcscd and its virtual reader, with the model as the card. Runs under
// tests/pcsc/run_pcscd, which starts a pcscd for it. What needs thousands of cards is tested over the model alone; here
// is what only the real service decides: names, events, exclusive use, and what it says of a card that is torn away.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <vector>

#include "card/access_bits.hpp"
#include "card/copies.hpp"
#include "card/layout.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/pcsc/apdu_reader.hpp"
#include "card/pcsc/pcsc.hpp"
#include "card/record_io.hpp"
#include "card/uid.hpp"
#include "tests/pcsc/pcscd_fixture.hpp"

namespace prewatt::tests {
namespace {

using namespace card;
using sim::Field;
using sim::Foreign;
using sim::M1Card;
using sim::Tear;

constexpr SectorKey kOtherKey{1, 2, 3, 4, 5, 6};
const Uid kFirst = uid_of(std::array<Byte, 4>{0x11, 0x22, 0x33, 0x44});
const Uid kSecond = uid_of(std::array<Byte, 7>{0x04, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB});

Block filled(Byte with) {
    Block block;
    block.fill(with);
    return block;
}

// A desk that shows no reader, or the wrong one of two.
TEST_F(PcscdTest, ReadersAreListedAndChosenByName) {
    const auto readers = pcsc->readers();
    ASSERT_TRUE(readers) << readers.error().words;
    ASSERT_EQ(readers->size(), 2u);
    EXPECT_EQ((*readers)[0], "Prewatt virtual reader 00 00");
    EXPECT_EQ((*readers)[1], "Prewatt virtual reader 00 01");
    EXPECT_EQ(pcsc->choose("00 01"), (*readers)[1]);
    EXPECT_EQ(pcsc->choose().error().fault, PcscFault::kSeveralReaders);
    EXPECT_EQ(pcsc->choose("ACR122").error().fault, PcscFault::kUnknownReader);
    EXPECT_EQ(pcsc->wait_for_card("No such reader", milliseconds(10)).error().fault, PcscFault::kUnknownReader);
}

// The cashier waits for a resident who has gone, or the page is closed while it waits.
TEST_F(PcscdTest, WaitingForACardEndsWithItsTimeOrWhenItIsCancelled) {
    const auto begin = std::chrono::steady_clock::now();
    const auto none = pcsc->wait_for_card(reader_name, milliseconds(300));
    const auto took = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().fault, PcscFault::kNoCard);
    EXPECT_GE(took, std::chrono::milliseconds(290));
    EXPECT_LT(took, std::chrono::seconds(20));
    EXPECT_TRUE(pcsc->wait_for_removal(reader_name, milliseconds(100))) << "nothing lies there";
    auto waiting =
        std::async(std::launch::async, [&] { return pcsc->wait_for_card(reader_name, kLong).error().fault; });
    while (waiting.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
        pcsc->cancel();
    EXPECT_EQ(waiting.get(), PcscFault::kCancelled);
}

// All that the desk does with a good card, at once on the real service.
TEST_F(PcscdTest, CardIsReadWrittenAndGivenItsKeys) {
    M1Card card(kSecond);
    Field field;
    field.put(card);
    {
        auto seated = seat(field);
        ASSERT_TRUE(seated);
        const Atr atr = seated->atr();
        constexpr std::array<Byte, 20> kM1{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00,
                                           0x03, 0x06, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x6A};
        EXPECT_TRUE(equal({atr.data(), atr.size()}, kM1));
        ApduReader reader(*seated);
        const auto uid = reader.select();
        ASSERT_TRUE(uid);
        EXPECT_TRUE(same(*uid, kSecond));
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        EXPECT_EQ(reader.read(4), Block{});
        ASSERT_TRUE(reader.write(4, filled(0x42)));
        EXPECT_EQ(reader.read(4), filled(0x42));
        ASSERT_TRUE(reader.write(7, make_trailer(kTransportKey, kOtherKey)));
        EXPECT_EQ(reader.authenticate(4, KeyKind::kB, kTransportKey).error(), CardFault::kWrongKey);
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kB, kOtherKey));
        ASSERT_TRUE(reader.write(5, filled(0x43)));
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        EXPECT_EQ(reader.write(5, filled(0x44)).error(), CardFault::kRefused) << "key A reads only";
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        EXPECT_EQ(reader.read(5), filled(0x43));
        EXPECT_TRUE(reader.is_same_card());

        // 40 ms for each command is what a forgotten acknowledgement costs (P1): a sale would take seconds.
        const auto begin = std::chrono::steady_clock::now();
        for (int reads = 0; reads < 200; ++reads)
            ASSERT_TRUE(reader.read(4));
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));

        // A second window of the same desk.
        auto other = Pcsc::open();
        ASSERT_TRUE(other);
        const auto busy = other->wait_for_card(reader_name, milliseconds(100));
        ASSERT_FALSE(busy);
        EXPECT_EQ(busy.error().fault, PcscFault::kBusy);

        hand->take_away();
        EXPECT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
        EXPECT_EQ(reader.read(4).error(), CardFault::kNoCard);
        EXPECT_EQ(reader.select().error(), CardFault::kNoCard);
    }
    EXPECT_EQ(card.dump()[4], filled(0x42));
    EXPECT_EQ(card.dump()[5], filled(0x43));
}

// A reader that does not wake a halted card needs the reset, and the reset must not lose the card at pcscd.
TEST_F(PcscdTest, HaltedCardComesBackAtAReaderThatDoesNotWakeIt) {
    M1Card card(kFirst);
    Field field;
    field.put(card);
    auto seated = seat(field, sim::kOldReader);
    ASSERT_TRUE(seated);
    ApduReader reader(*seated);
    ASSERT_TRUE(reader.select());
    EXPECT_EQ(reader.authenticate(4, KeyKind::kA, kOtherKey).error(), CardFault::kWrongKey);
    ASSERT_TRUE(reader.select());
    ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
    ASSERT_TRUE(reader.write(4, filled(9)));
    EXPECT_EQ(reader.read(4), filled(9));
}

TEST_F(PcscdTest, AC25BankCardIsRefusedInWords) {
    // Somebody pays with the card that they have in the hand.
    Field field;
    field.put(Foreign::kBankCard);
    ASSERT_TRUE(hand->put_on(field));
    const auto refused = pcsc->wait_for_card(reader_name, kLong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, PcscFault::kOtherCard);
    EXPECT_NE(refused.error().words.find("bank card"), std::string::npos);
}

// Within one poll of pcscd another card lies there, and nobody is told (P4). The other has the same key.
TEST_F(PcscdTest, AC19CardSwappedWithinOnePollIsSeenAndNotWrittenTo) {
    M1Card first(kFirst);
    M1Card second(kSecond);
    Field of_first;
    of_first.put(first);
    Field of_second;
    of_second.put(second);
    {
        auto seated = seat(of_first);
        ASSERT_TRUE(seated);
        ApduReader reader(*seated);
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(reader.write(4, filled(1)));
        hand->take_away();
        ASSERT_TRUE(hand->put_on(of_second));
        EXPECT_EQ(reader.authenticate(8, KeyKind::kA, kTransportKey).error(), CardFault::kNoCard);
        EXPECT_EQ(reader.write(8, filled(2)).error(), CardFault::kNoCard);
        EXPECT_EQ(reader.is_same_card().error(), CardFault::kNoCard);
        hand->take_away();
        EXPECT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
    }
    EXPECT_EQ(first.dump()[4], filled(1));
    EXPECT_EQ(second.writes(), 0u);
}

// The card is torn away while a purchase is written: before it, in the middle of each block, and when only the
// acknowledgement is missing; put back, it has the old purchase or the new one, and can be written to its end.
TEST_F(PcscdTest, AC08CardTornAwayInAPurchaseHasTheOldOneOrTheNewOne) {
    OpensslMac mac;
    const SiteMasters masters = site_masters(mac, Key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
    const RecordKeys keys = record_keys(mac, masters, 2026000017);
    const Layout layout;
    const auto purchase = [&](std::uint32_t generation) {
        CreditRecord record;
        record.household = 12;
        record.generation = generation;
        record.ticket = {1, generation, 1000 * std::int64_t{generation}};
        record.serial = 7;
        record.sale_number = generation;
        return record;
    };
    struct Row {
        std::uint64_t write;
        Tear tear;
        bool abruptly;
    };
    constexpr Row kRows[] = {{0, {0, Tear::Rest::kOld}, false},
                             {1, {5, Tear::Rest::kZeros}, true},
                             {2, {7, Tear::Rest::kWeak}, false},
                             {2, {16, Tear::Rest::kOld}, true}};
    M1Card card(kFirst);
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        const std::uint8_t trailer = trailer_block(layout.credit(slot));
        card.select();
        ASSERT_TRUE(card.authenticate(trailer, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(card.write(trailer, make_trailer(kTransportKey, kOtherKey)));
    }
    std::uint32_t acknowledged = 0;
    int completed = 0;
    for (const Row& row : kRows) {
        Field field;
        field.put(card);
        // What the card has now, as the desk reads it; the new copy goes where its generation belongs.
        const auto look = [&](ApduReader& reader) {
            Copies copies{};
            for (std::uint8_t slot = 0; slot < 2; ++slot) {
                RecordReader reads(layout.credit(slot), kTransportKey);
                EXPECT_EQ(finish(reads, reader), Progress::kDone);
                copies[slot] = reads.record();
            }
            return open_credits(mac, keys, kFirst, copies);
        };
        std::optional<NextWrite> next;
        {
            auto seated = seat(field);
            ASSERT_TRUE(seated);
            ApduReader reader(*seated);
            ASSERT_TRUE(reader.select());
            next = next_write(look(reader).copies, acknowledged == 0 ? std::nullopt : std::optional(acknowledged));
            ASSERT_TRUE(next);
            field.tear_at(row.write, row.tear);
            RecordWriter writes(kFirst, layout.credit(next->slot), kOtherKey,
                                seal(mac, keys, kFirst, purchase(next->generation)));
            EXPECT_EQ(finish(writes, reader), Progress::kFailed);
            EXPECT_EQ(writes.fault(), WriteFault::kNoCard);
            hand->take_away(row.abruptly);
            ASSERT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
        }
        field.put(card);
        {
            auto seated = seat(field);
            ASSERT_TRUE(seated);
            ApduReader reader(*seated);
            ASSERT_TRUE(reader.select());
            const auto found = look(reader);
            if (found.newest) {
                EXPECT_TRUE(found.newest->generation == next->generation || found.newest->generation == acknowledged);
                completed += found.newest->generation == next->generation ? 1 : 0;
            } else {
                EXPECT_EQ(acknowledged, 0u) << "what was once whole is lost";
            }
            RecordWriter again(kFirst, layout.credit(next->slot), kOtherKey,
                               seal(mac, keys, kFirst, purchase(next->generation)));
            ASSERT_EQ(finish(again, reader), Progress::kDone);
            acknowledged = next->generation;
            const auto now = look(reader);
            ASSERT_TRUE(now.newest);
            EXPECT_EQ(*now.newest, purchase(acknowledged));
            hand->take_away();
            ASSERT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
        }
    }
    EXPECT_EQ(acknowledged, std::size(kRows));
    EXPECT_EQ(completed, 1) << "only the one whose acknowledgement was lost";
}

// `prewatt card-sim` as a person starts it; ended with Ctrl-C or by itself.
class CardSim {
  public:
    explicit CardSim(const std::vector<std::string>& arguments) {
        std::vector<std::string> words{PREWATT_PROGRAM, "card-sim"};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> pointers;
        for (std::string& each : words)
            pointers.push_back(each.data());
        pointers.push_back(nullptr);
        if (posix_spawn(&process_, PREWATT_PROGRAM, nullptr, nullptr, pointers.data(), environ) != 0) process_ = 0;
    }
    ~CardSim() {
        if (process_ > 0) interrupt();
    }
    int interrupt() {
        kill(process_, SIGINT);
        return wait();
    }
    int wait() {
        int status = 0;
        waitpid(process_, &status, 0);
        process_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

  private:
    pid_t process_ = 0;
};

// Somebody tries a desk without hardware: what was written must stand on the card the next time, torn or not.
TEST_F(PcscdTest, CardInAFileIsWrittenTornAndPutBack) {
    std::string made = (std::filesystem::temp_directory_path() / "prewatt-card-sim.XXXXXX").string();
    ASSERT_NE(mkdtemp(made.data()), nullptr);
    const std::filesystem::path folder = made;
    const std::string file = (folder / "room.card").string();
    const auto kept = [&] {
        std::ifstream in(file, std::ios::binary);
        return std::string{std::istreambuf_iterator<char>(in), {}};
    };
    EXPECT_EQ(CardSim({file}).wait(), 3) << "no such card";
    EXPECT_EQ(CardSim({file, "--new", "08112233"}).wait(), 2) << "a number that is drawn anew";
    {
        CardSim program({file, "--new", "11223344", "--reader", "acr122"});
        auto seated = pcsc->wait_for_card(reader_name, kLong);
        ASSERT_TRUE(seated) << seated.error().words;
        ApduReader reader(*seated);
        const auto uid = reader.select();
        ASSERT_TRUE(uid);
        EXPECT_TRUE(same(*uid, kFirst));
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        ASSERT_TRUE(reader.write(4, filled(0x42)));
        EXPECT_EQ(kept().substr(64, 16), std::string(16, '\x42')) << "before it was answered";
        EXPECT_EQ(program.interrupt(), 130);
        ASSERT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
    }
    EXPECT_EQ(CardSim({file, "--new", "11223344"}).wait(), 2) << "a card that is there is not made anew";
    {
        CardSim program({file, "--tear", "1:4:zeros"});
        auto seated = pcsc->wait_for_card(reader_name, kLong);
        ASSERT_TRUE(seated) << seated.error().words;
        ApduReader reader(*seated);
        ASSERT_TRUE(reader.select());
        ASSERT_TRUE(reader.authenticate(4, KeyKind::kA, kTransportKey));
        EXPECT_EQ(reader.read(4), filled(0x42));
        EXPECT_EQ(reader.write(4, filled(0x43)).error(), CardFault::kNoCard);
        EXPECT_EQ(program.wait(), 0);
        ASSERT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
    }
    EXPECT_EQ(kept().substr(64, 16), "CCCC" + std::string(12, '\0'));
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace prewatt::tests

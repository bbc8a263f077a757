#include "server/collect/setting_driver.hpp"

#include <gtest/gtest.h>

#include "card/openssl/openssl_mac.hpp"
#include "server/collect/fake_box.hpp"

namespace prewatt::collect {
namespace {

using server::HouseholdId;
using settings::SettingId;
using settings::SettingKey;

std::vector<Byte> bytes_of(const settings::Settings& all, SettingKey key) {
    std::vector<Byte> bytes(settings::kSettingBytesMax);
    bytes.resize(settings::encode(all, key, bytes));
    return bytes;
}
std::vector<Byte> limit_of(std::uint32_t milliamperes) {
    settings::Settings all;
    all.households[0].load.milliamperes = milliamperes;
    return bytes_of(all, {SettingId::kLoadLimit, 1, 0});
}

// The driver and a box, with nothing between them but the frames.
class Driving : public testing::Test {
  protected:
    Driving() : keys_(card::diversify(mac_, {1, 2, 3}, kNumber)), box(mac_, kNumber, keys_) {}

    void wish(std::uint8_t number, SettingName name, std::vector<Byte> bytes, std::uint32_t version = 1,
              std::uint32_t reached = 0) {
        for (server::SettingWish& w : wanted.wishes)
            if (w.number == number && w.name == name) {
                w.bytes = std::move(bytes);
                w.version.desired = version;
                driver.desire(wanted, now);
                return;
            }
        server::SettingWish w;
        w.household = HouseholdId{number == 0 ? 0 : 100 + number};
        w.number = number;
        w.name = name;
        w.version = {version, reached};
        w.bytes = std::move(bytes);
        wanted.wishes.push_back(w);
        driver.desire(wanted, now);
    }
    // One exchange; false when there is nothing to do now.
    bool step() {
        const auto step = driver.next(now, kCivil);
        if (!step) return false;
        ++frames;
        now = now + milliseconds(100);
        if (lose_next > 0) {
            --lose_next;
            if (const auto* lost = std::get_if<SettingDriver::Send>(&*step)) static_cast<void>(ask(*lost));
            driver.on_no_answer(now);
        } else if (std::holds_alternative<SettingDriver::ReadSums>(*step)) {
            const auto body = read(0, dlt645::kSettingSums);
            const auto sums = body ? dlt645::decode_setting_sums(*body) : std::nullopt;
            sums ? driver.on_sums(*sums, now) : driver.on_read_refused(now);
        } else if (const auto* item = std::get_if<SettingDriver::ReadItem>(&*step)) {
            const auto body = read(item->household, dlt645::setting_item(item->name.id, item->name.index));
            const auto value = body ? dlt645::decode_setting(*body) : std::nullopt;
            value ? driver.on_item(*value, now) : driver.on_read_refused(now);
        } else {
            driver.on_result(ask(std::get<SettingDriver::Send>(*step)), now);
        }
        while (auto one = driver.take_news())
            news.push_back(std::move(*one));
        return true;
    }
    void run() {
        for (int n = 0; n < 2000 && step(); ++n) {
        }
    }
    int count(SettingNews::Kind kind) const {
        return static_cast<int>(
            std::count_if(news.begin(), news.end(), [kind](const SettingNews& n) { return n.kind == kind; }));
    }

    static constexpr std::uint64_t kNumber = 1'000'000'001;
    static constexpr CivilSeconds kCivil = 842'000'000;
    card::OpensslMac mac_;
    card::BoxKeys keys_;
    FakeBox box;
    SettingDriver driver;
    server::BoxSettings wanted;
    Instant now{1'000'000};
    int frames = 0;
    int lose_next = 0;
    std::vector<SettingNews> news;

  private:
    std::optional<std::vector<Byte>> read(std::uint8_t household, dlt645::DataId id) {
        std::array<Byte, 4> data{};
        ByteWriter(data).put_u32(id.value);
        return exchange(household, dlt645::Function::kRead, data);
    }
    card::Result ask(const SettingDriver::Send& send) {
        const card::Request request{1, ++counter_, send.household, send.command};
        const auto sealed = card::seal_request(mac_, keys_, kNumber, request);
        const auto body = exchange(0, dlt645::Function::kSecurity, {sealed.data(), sealed.size()});
        EXPECT_TRUE(body);
        std::vector<Byte> whole(4);
        ByteWriter(whole).put_u32(dlt645::kSealedCommand.value);
        whole.insert(whole.end(), body->begin(), body->end());
        const auto answer = card::unseal_answer(mac_, keys_, kNumber, request, whole);
        EXPECT_TRUE(answer);
        return answer->result;
    }
    std::optional<std::vector<Byte>> exchange(std::uint8_t household, dlt645::Function function, Bytes data) {
        const auto bytes =
            dlt645::encode(dlt645::address_of({kNumber}, Household{household}), dlt645::request(function), data, 0);
        const auto frame_of = [](Bytes line) {
            dlt645::Decoder decoder;
            std::optional<dlt645::Frame> frame;
            for (const Byte byte : line)
                if (auto found = decoder.on_byte(byte, Instant{})) frame = found;
            return frame;
        };
        const auto reply = box.on_request(*frame_of({bytes.data(), bytes.size()}));
        if (!reply) return std::nullopt;
        const auto frame = frame_of({reply->data(), reply->size()});
        if (frame->control.is_error()) return std::nullopt;
        const Bytes body = frame->bytes().subspan(4);
        return std::vector<Byte>(body.begin(), body.end());
    }
    std::uint32_t counter_ = 0;
};

constexpr SettingName kLimit{0x02, 0};
constexpr SettingName kMalignant{0x11, 1};

TEST_F(Driving, WritesWhatDiffersAndProvesItByReading) {
    // "Sent" has left rooms without their limit: what counts is what the meter shows afterwards.
    wish(5, kLimit, limit_of(16'000));
    run();
    EXPECT_EQ(box.all_settings->households[4].load.milliamperes, 16'000u);
    EXPECT_TRUE(driver.is_settled());
    ASSERT_EQ(count(SettingNews::Kind::kProved), 1);
    EXPECT_EQ(news[0].owner, HouseholdId{105});
    EXPECT_EQ(news[0].version, 1u);
    EXPECT_EQ(frames, 6) << "sums, item, part, commit, sums, item";
}

TEST_F(Driving, WhatIsSoAlreadyCostsTwoFrames) {
    // A wish for 10,000 households of which most have it: the line must not be busy for a day.
    box.all_settings->households[4].load.milliamperes = 16'000;
    wish(5, kLimit, limit_of(16'000));
    run();
    EXPECT_EQ(frames, 2);
    EXPECT_EQ(box.executed, 0);
    EXPECT_EQ(count(SettingNews::Kind::kProved), 1);
}

TEST_F(Driving, AProvedBoxCostsOneFrameEachTimeWhateverIsDesiredOfIt) {
    // 39 households with four settings each: 156 frames a round would be a second sweep.
    for (std::uint8_t h = 1; h <= 39; ++h)
        wish(h, kLimit, limit_of(10'000u + h));
    wish(0, kMalignant, bytes_of({}, {SettingId::kMalignantProfile, 0, 1}));
    run();
    EXPECT_EQ(count(SettingNews::Kind::kProved), 40);
    EXPECT_EQ(count(SettingNews::Kind::kSum), 40);
    EXPECT_EQ(box.sums_read, 2);
    const int before = frames;
    for (int round = 0; round < 10; ++round) {
        now = now + minutes(6 * 60);
        run();
    }
    EXPECT_EQ(frames - before, 10);
}

TEST_F(Driving, AfterARestartOfTheOfficeTheProofsAreStillGood) {
    // Each update of the office would read 40,000 settings again.
    wish(5, kLimit, limit_of(16'000));
    run();
    for (const SettingNews& one : news)
        if (one.kind == SettingNews::Kind::kSum) wanted.proofs.push_back({one.household, one.sum});
    wanted.wishes[0].version.reached = 1;
    driver = SettingDriver();
    driver.desire(wanted, now);
    const int before = frames;
    run();
    EXPECT_EQ(frames - before, 1);
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, WhatIsChangedAtTheMeterIsToldAndDrivenBack) {
    // Somebody with a service tool gave his friend a higher limit.
    wish(5, kLimit, limit_of(16'000));
    run();
    box.all_settings->households[4].load.milliamperes = 60'000;
    now = now + minutes(6 * 60);
    run();
    EXPECT_EQ(box.all_settings->households[4].load.milliamperes, 16'000u);
    ASSERT_EQ(count(SettingNews::Kind::kDrifted), 1);
    const auto drift = std::find_if(news.begin(), news.end(),
                                    [](const SettingNews& n) { return n.kind == SettingNews::Kind::kDrifted; });
    EXPECT_EQ(drift->found, limit_of(60'000));
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, WhatTheOfficeDoesNotDesireIsLeftAsItIs) {
    // A learnt appliance is the resident's; a wish about the limit must not take it away.
    box.all_settings->households[4].permitted[2].conductance_microsiemens = 4000;
    wish(5, kLimit, limit_of(16'000));
    run();
    EXPECT_EQ(box.all_settings->households[4].permitted[2].conductance_microsiemens, 4000u);
    box.all_settings->households[4].permitted[2].conductance_microsiemens = 5000;
    now = now + minutes(6 * 60);
    const int executed = box.executed;
    run();
    EXPECT_EQ(box.executed, executed);
    EXPECT_EQ(count(SettingNews::Kind::kDrifted), 0);
}

TEST_F(Driving, ABoxThatRestartsBetweenPartsAndCommitIsGivenAllPartsAgain) {
    // The parts were in memory; the supply was gone for a second.
    box.restart_before_commit = 1;
    wish(0, kMalignant, bytes_of(*std::make_unique<settings::Settings>(), {SettingId::kMalignantProfile, 0, 1}));
    auto changed = std::make_unique<settings::Settings>();
    changed->malignant[1].restore_seconds = 600;
    wish(0, kMalignant, bytes_of(*changed, {SettingId::kMalignantProfile, 0, 1}), 2);
    run();
    EXPECT_FALSE(driver.is_settled()) << "later, not at once";
    now = now + seconds(31);
    run();
    EXPECT_EQ(box.all_settings->malignant[1].restore_seconds, 600);
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, AValueThatTheMeterNeverTakesIsGivenUpAndTheOthersGoOn) {
    // A retry for ever hides that a person has to act, and wears the memory.
    wish(5, kLimit, limit_of(16'000));
    wish(6, kLimit, {1, 2, 3});
    for (int n = 0; n < 50; ++n) {
        run();
        now = now + minutes(10);
    }
    EXPECT_EQ(box.all_settings->households[4].load.milliamperes, 16'000u);
    const auto refused = std::find_if(news.begin(), news.end(), [](const SettingNews& n) { return n.for_good; });
    ASSERT_NE(refused, news.end());
    EXPECT_EQ(refused->household, 6);
    EXPECT_TRUE(driver.is_settled());
    const int before = box.executed;
    now = now + minutes(24 * 60);
    run();
    EXPECT_EQ(box.executed, before);
}

TEST_F(Driving, ALostAnswerToACommitIsLookedAtBeforeAnythingIsWrittenAgain) {
    // It may be done; the parts are gone then, and a second commit would be refused.
    wish(5, kLimit, limit_of(16'000));
    for (int n = 0; n < 3; ++n)
        ASSERT_TRUE(step());
    lose_next = 1;
    ASSERT_TRUE(step());
    EXPECT_EQ(box.all_settings->households[4].load.milliamperes, 16'000u);
    const int executed = box.executed;
    now = now + seconds(31);
    run();
    EXPECT_EQ(box.executed, executed);
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, ABoxThatDoesNotAnswerIsAskedLessAndLessOften) {
    // Routine work must not eat the line of a building with a bad cable.
    wish(5, kLimit, limit_of(16'000));
    lose_next = 1'000'000;
    const Instant end = now + minutes(24 * 60);
    while (now < end) {
        run();
        now = now + seconds(10);
    }
    EXPECT_LT(frames, 40);
    lose_next = 0;
    now = now + minutes(60);
    run();
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, FirmwareWithoutSettingsIsSaidOnce) {
    // The first boxes know none: the campaign must show why, and the line must not be asked for ever.
    box.has_no_settings = true;
    wish(5, kLimit, limit_of(16'000));
    run();
    ASSERT_EQ(count(SettingNews::Kind::kRefused), 1);
    EXPECT_TRUE(news[0].for_good);
    EXPECT_TRUE(driver.is_settled());
}

TEST_F(Driving, APriceThatCameIntoForceIsRightInThePlaceOfThePresentOne) {
    // The meter changes over by itself; driving the old price back would sell at last year's price.
    auto all = std::make_unique<settings::Settings>();
    all->prices[0].valid_from = 100;
    all->prices[0].rates[0] = 6000;
    all->prices[1].valid_from = 900;
    all->prices[1].rates[0] = 7000;
    wish(0, {0x15, 0}, bytes_of(*all, {SettingId::kPriceSet, 0, 0}));
    wish(0, {0x15, 1}, bytes_of(*all, {SettingId::kPriceSet, 0, 1}));
    run();
    ASSERT_TRUE(driver.is_settled());
    box.all_settings->prices[0] = box.all_settings->prices[1];
    now = now + minutes(6 * 60);
    run();
    EXPECT_EQ(box.all_settings->prices[0].rates[0], 7000u);
    EXPECT_EQ(count(SettingNews::Kind::kDrifted), 0);
}

TEST_F(Driving, AnotherBoxInTheSamePlaceIsReadInFull) {
    // The new box left the factory with other settings; the proofs were those of the old one.
    wish(5, kLimit, limit_of(16'000));
    run();
    *box.all_settings = {};
    driver.compare_soon(now, true);
    run();
    EXPECT_EQ(box.all_settings->households[4].load.milliamperes, 16'000u);
    EXPECT_EQ(count(SettingNews::Kind::kDrifted), 0);
}

TEST_F(Driving, AClockIsSetOnceForEachWish) {
    // Ordered for a whole site after a wrong time was spread: each box once, confirmed by its answer.
    wish(0, server::kClockWish, {});
    run();
    EXPECT_EQ(box.clock, kCivil);
    EXPECT_EQ(count(SettingNews::Kind::kProved), 1);
    box.clock = 0;
    now = now + minutes(24 * 60);
    run();
    EXPECT_EQ(box.clock, 0u);
    wish(0, server::kClockWish, {}, 2);
    run();
    EXPECT_EQ(box.clock, kCivil);
}

}  // namespace
}  // namespace prewatt::collect

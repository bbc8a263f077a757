// A month's end with the real office, the real line master and a box between them, under a clock that the test moves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "card/openssl/openssl_mac.hpp"
#include "server/app/desire_feed.hpp"
#include "server/app/line_link.hpp"
#include "server/collect/fake_box.hpp"
#include "server/collect/line_master.hpp"
#include "server/domain/office_calendar.hpp"
#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"

namespace prewatt::server::app {
namespace {

using server::wait;
constexpr card::Key kMaster{7, 7, 7};

UnixTime at(int month, int day, int hour) {
    return time_in_office({2026, static_cast<std::uint8_t>(month), static_cast<std::uint8_t>(day),
                           static_cast<std::uint8_t>(hour), 0, 0});
}

store::BuildingSpec two_boxes() {
    store::BuildingSpec building;
    building.boxes = 2;
    return building;
}

class MonthsEnd : public testing::Test, protected DesireFeed::Masters {
  protected:
    MonthsEnd() {
        folder_ = std::filesystem::temp_directory_path() / ("prewatt-months-end-" + std::to_string(getpid()));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        options_.url = (folder_ / "office.db").string();
        options_.clock = [this] { return UnixTime{now_.load()}; };
        options_.cheap_password_hash = true;
        options_.archive_tends_itself = false;
    }
    ~MonthsEnd() override {
        stop();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    void start() {
        if (!std::filesystem::exists(options_.url)) {
            ASSERT_TRUE(store::create_demo(
                options_, {.name = "Campus", .owner_user = "owner", .owner_password = "correct horse", .price = {}},
                building_));
        }
        auto opened = store::open_office(options_);
        ASSERT_TRUE(opened) << opened.error().message;
        office_ = std::move(*opened);
        link_.emplace(
            *office_, [](BoxId, std::uint32_t, std::uint32_t) {}, [](collect::LiveRequest, const auto&, UnixTime) {},
            [](const std::string& problem) { ADD_FAILURE() << problem; });
        master_.emplace(collect::LineSettings{}, mac_, *link_);
        Masters& masters = *this;
        feed_.emplace(*office_, masters, [](const std::string& problem) { ADD_FAILURE() << problem; });
        set_clock();
        const collect::BoxSetup setup{BoxId{1}, building_.first_box, 39, keys_};
        master_->set_boxes({&setup, 1});
        feed_->note_line(LineId{1});
        feed_->turn(line_now_);
        feed_->look_for_freezes();
    }
    void stop() {
        master_.reset();
        feed_.reset();
        office_.reset();
        link_.reset();
    }
    void set_clock() { master_->set_clock(line_now_, UnixTime{now_.load()}, civil_of_unix(UnixTime{now_.load()})); }
    // Nothing happens on the line until then.
    void stand_at(UnixTime time) {
        line_now_ = line_now_ + microseconds((time.ms - now_.load()) * 1000);
        now_ = time.ms;
        box_.clock = civil_of_unix(time);
        if (master_) set_clock();
    }
    void run_line(Duration span) {
        const Instant end = line_now_ + span;
        while (line_now_ < end) {
            const collect::LineMaster::Step step = master_->poll(line_now_);
            Instant next = step.wake_up;
            if (!step.send.empty()) {
                dlt645::Decoder decoder;
                std::optional<dlt645::Frame> frame;
                for (const Byte byte : step.send)
                    if (auto found = decoder.on_byte(byte, line_now_)) frame = found;
                ASSERT_TRUE(frame);
                if (const auto reply = box_.on_request(*frame)) {
                    next = line_now_ + milliseconds(200);
                    line_now_ = next;
                    for (const Byte byte : *reply)
                        master_->on_byte(byte, next);
                }
            }
            line_now_ = std::max(line_now_ + microseconds(1), std::min(next, end));
        }
        now_ += span.count() / 1000;
        box_.clock = civil_of_unix(UnixTime{now_.load()});
        settle();
    }
    // Behind everything that was asked of the office.
    void settle() {
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->raise_counter(BoxId{1}, 0, done); }));
    }
    void tend() {
        for (int turn = 0; turn < 20'000; ++turn) {
            const bool more = office_->archive().tend();
            settle();
            if (!more) return;
        }
        FAIL() << "the archive finds no end";
    }
    void use(std::uint8_t number, std::int64_t forward_hundredths) {
        box_.accounts[number].forward = energy_of_hundredths(forward_hundredths);
        box_.touch(number);
    }
    std::vector<ClosingRecord> closings(std::int64_t household) {
        return office_->archive().closings(HouseholdId{household}).value_or(std::vector<ClosingRecord>{});
    }

    bool reaches(BoxId box) override { return box == BoxId{1}; }
    void desire(std::span<const DesiredState> desired) override {
        for (const DesiredState& one : desired) {
            link_->bind(one.box, one.number, one.household);
            master_->desire(one, line_now_);
        }
    }
    void forget(BoxId box, std::uint8_t number) override { master_->forget(box, number); }
    void desire_settings(BoxSettings settings) override { master_->desire_settings(settings, line_now_); }
    void want_freezes(BoxId box, std::vector<CivilSeconds> due) override {
        master_->want_freezes(box, std::move(due), line_now_);
    }

    std::filesystem::path folder_;
    std::atomic<std::int64_t> now_{at(10, 30, 12).ms};
    store::OfficeOptions options_;
    store::BuildingSpec building_ = two_boxes();
    std::unique_ptr<Office> office_;
    std::optional<LineLink> link_;
    card::OpensslMac mac_;
    card::OpensslMac box_mac_;
    card::BoxKeys keys_ = card::diversify(mac_, kMaster, building_.first_box);
    collect::FakeBox box_{box_mac_, building_.first_box, keys_};
    std::optional<collect::LineMaster> master_;
    std::optional<DesireFeed> feed_;
    Instant line_now_{1'000'000};
};

TEST_F(MonthsEnd, WithTheLineDownIsFirstGuessedAndThenCorrectedByWhatTheMeterFroze) {
    // The line is cut on the 31st and mended on the 2nd: October's bill is a guess for ever, although each meter has
    // the figure of midnight.
    start();
    use(5, 1000);
    run_line(seconds(30));
    stand_at(at(10, 31, 20));
    use(5, 1500);
    run_line(seconds(30));
    // Two days of silence. In another house the readings go on, and the month is closed.
    const Reading elsewhere{HouseholdId{50}, at(11, 1, 3), energy_of_hundredths(77), {}, {}};
    stand_at(at(11, 1, 4));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_readings({elsewhere}, done); }));
    tend();
    ASSERT_EQ(closings(5).size(), 1u);
    EXPECT_EQ(closings(5)[0].value.quality, Quality::kEstimated);
    EXPECT_EQ(closings(5)[0].value.forward, energy_of_hundredths(1500)) << "the last that is known";
    dlt645::FreezeBlock midnight;
    midnight.head = {0, civil_of_unix(at(11, 1, 0)), civil_of_unix(at(11, 1, 0)), 0, 39};
    midnight.households[5] = {1623, 0, 77, 0};
    box_.freezes = {midnight};
    use(5, 2400);
    // The office is restarted meanwhile: what is missing stands in its books.
    stop();
    stand_at(at(11, 2, 21));
    start();
    const auto wanted = office_->archive().freezes_wanted();
    ASSERT_TRUE(wanted);
    ASSERT_EQ(wanted->size(), 2u) << "of both boxes";
    EXPECT_EQ(wanted->front().box, BoxId{1});
    EXPECT_EQ(wanted->front().at, at(11, 1, 0));
    run_line(minutes(1));
    ASSERT_EQ(closings(5).size(), 2u);
    const ClosingRecord corrected = closings(5)[1];
    EXPECT_EQ(corrected.replaces, 1);
    EXPECT_EQ(corrected.value.quality, Quality::kFrozen);
    EXPECT_EQ(corrected.value.forward, energy_of_hundredths(1623));
    EXPECT_EQ(corrected.value.remaining, credit_of_hundredths(77));
    EXPECT_EQ(corrected.why, "frozen by the meter; before: estimated");
    EXPECT_EQ(box_.freeze_frames, 2);
    // Nothing is missing of this box any more, and nothing is asked again.
    feed_->look_for_freezes();
    run_line(minutes(5));
    EXPECT_EQ(box_.freeze_frames, 2);
    tend();
    EXPECT_EQ(closings(5).size(), 2u) << "corrected once";
    const auto left = *office_->archive().freezes_wanted();
    for (const FreezeWish& wish : left)
        EXPECT_EQ(wish.box, BoxId{2});
}

TEST_F(MonthsEnd, IsClosedWithWhatTheMetersFrozeWhenTheLineIsUp) {
    // Every bill of a healthy building is corrected an hour after it was made.
    start();
    use(5, 1000);
    run_line(seconds(30));
    stand_at(at(10, 31, 20));
    use(5, 1500);
    run_line(seconds(30));
    tend();
    stand_at(UnixTime{at(11, 1, 0).ms + 120'000});
    dlt645::FreezeBlock midnight;
    midnight.head = {0, civil_of_unix(at(11, 1, 0)), civil_of_unix(at(11, 1, 0)), 0, 39};
    midnight.households[5] = {1623, 0, 77, 0};
    box_.freezes = {midnight};
    feed_->look_for_freezes();
    run_line(minutes(1));
    EXPECT_TRUE(closings(5).empty()) << "not yet";
    stand_at(at(11, 1, 4));
    use(5, 1700);
    run_line(seconds(30));
    tend();
    ASSERT_EQ(closings(5).size(), 1u);
    EXPECT_EQ(closings(5)[0].value.quality, Quality::kFrozen);
    EXPECT_EQ(closings(5)[0].value.forward, energy_of_hundredths(1623));
}

}  // namespace
}  // namespace prewatt::server::app

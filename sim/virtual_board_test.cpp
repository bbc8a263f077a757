#include "sim/virtual_board.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>

namespace prewatt::sim {
namespace {

namespace fs = std::filesystem;

class VirtualBoard : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("prewatt-board-" + std::to_string(::getpid()) + "-" +
                                               ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    fs::path folder_;
};

// A meter that starts blank after a restart has given away everybody's credit.
TEST_F(VirtualBoard, StorageKeepsWhatWasWritten) {
    const std::array<Byte, 3> bytes{1, 2, 3};
    {
        const auto storage = FileStorage::open(folder_ / "box");
        ASSERT_TRUE(storage) << storage.error();
        EXPECT_EQ((*storage)->size(), kStorageSize);
        EXPECT_TRUE((*storage)->write(kStorageSize - 3, bytes));
        EXPECT_FALSE((*storage)->write(kStorageSize - 2, bytes));
    }
    const auto storage = FileStorage::open(folder_ / "box");
    ASSERT_TRUE(storage) << storage.error();
    std::array<Byte, 4> seen{};
    EXPECT_TRUE((*storage)->read(kStorageSize - 4, seen));
    EXPECT_EQ(seen, (std::array<Byte, 4>{0xFF, 1, 2, 3}));
    EXPECT_FALSE((*storage)->read(kStorageSize - 3, seen));
}

// Two meters on one file would each undo what the other stored.
TEST_F(VirtualBoard, StorageOfARunningMeterIsRefused) {
    const auto first = FileStorage::open(folder_ / "box");
    const auto second = FileStorage::open(folder_ / "box");
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("another meter is running"), std::string::npos);
}

// New firmware on an old box's memory: it must neither be refused nor stretched.
TEST_F(VirtualBoard, AStorageOfTheFirstBoxesGoesOnAsItIs) {
    {
        const auto storage = FileStorage::open(folder_ / "old", kSmallStorageSize);
        ASSERT_TRUE(storage) << storage.error();
        EXPECT_TRUE((*storage)->write(5, std::array<Byte, 1>{7}));
    }
    const auto storage = FileStorage::open(folder_ / "old");
    ASSERT_TRUE(storage) << storage.error();
    EXPECT_EQ((*storage)->size(), kSmallStorageSize);
    std::array<Byte, 1> seen{};
    EXPECT_TRUE((*storage)->read(5, seen));
    EXPECT_EQ(seen[0], 7);
    EXPECT_FALSE((*storage)->read(kSmallStorageSize, seen));
    EXPECT_EQ(fs::file_size(folder_ / "old"), kSmallStorageSize);
}

// Thousands of boxes in one process: what was never written must read as a blank memory does.
TEST(MemoryStorage, ReadsBlankWhereNothingWasWrittenAndAcrossPages) {
    MemoryStorage storage(10'000);
    const std::array<Byte, 5> bytes{1, 2, 3, 4, 5};
    EXPECT_TRUE(storage.write(2046, bytes));
    std::array<Byte, 9> seen{};
    EXPECT_TRUE(storage.read(2044, seen));
    EXPECT_EQ(seen, (std::array<Byte, 9>{0xFF, 0xFF, 1, 2, 3, 4, 5, 0xFF, 0xFF}));
    EXPECT_TRUE(storage.write(9'995, bytes));
    EXPECT_FALSE(storage.write(9'996, bytes));
    EXPECT_FALSE(storage.read(10'001, {}));
}

// A mistyped --store must not turn somebody's letter into a meter.
TEST_F(VirtualBoard, AFileOfAnotherSizeIsRefusedAndLeftAlone) {
    std::ofstream(folder_ / "letter") << "Dear landlord";
    const auto storage = FileStorage::open(folder_ / "letter");
    ASSERT_FALSE(storage);
    EXPECT_NE(storage.error().find("13 bytes"), std::string::npos);
    EXPECT_EQ(fs::file_size(folder_ / "letter"), 13u);
    const auto lost = FileStorage::open(folder_ / "no" / "folder");
    ASSERT_FALSE(lost);
    EXPECT_NE(lost.error().find("create its folder"), std::string::npos);
}

// A full disk must be met when the meter is made, not at the first sale, and must not leave half a memory that the next
// start takes for a blank one.
TEST_F(VirtualBoard, AFullDiskIsSaidAtTheStartAndLeavesNothing) {
    // A limit on the size of files stands in for the disk.
    struct rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = before;
    small.rlim_cur = 4096;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto storage = FileStorage::open(folder_ / "box");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(storage);
    EXPECT_NE(storage.error().find("no room"), std::string::npos) << storage.error();
    EXPECT_FALSE(fs::exists(folder_ / "box"));
}

// A latching contact stays where the last pulse put it; a welded one stays wherever it is.
TEST(Relays, TheContactMovesAtTheEndOfThePulseAndAWeldedOneNotAtAll) {
    Relays relays;
    const Circuit circuit{4};
    relays.begin_pulse(circuit, meter::RelayDrive::kClose);
    EXPECT_FALSE(relays.closed(circuit));
    relays.end_pulse(circuit);
    EXPECT_TRUE(relays.closed(circuit));
    relays.set_stuck(circuit, Stuck::kClosed);
    relays.begin_pulse(circuit, meter::RelayDrive::kOpen);
    relays.end_pulse(circuit);
    EXPECT_TRUE(relays.closed(circuit));
    relays.set_stuck(circuit, Stuck::kOpen);
    EXPECT_FALSE(relays.closed(circuit));
    EXPECT_EQ(relays.pulses(), 2u);
    EXPECT_EQ(relays.coils_at_once_max(), 1);
}

// A person who reads 12345 for 1234.5 buys ten times too late.
TEST(LedDisplay, DotsStandBehindTheirDigits) {
    meter::DisplayFrame frame;
    frame.upper = {' ', ' ', '0', '0', '1', '2'};
    frame.lower = {' ', ' ', '1', '0', '3', '4'};
    frame.lower_dots = 1 << 4;
    EXPECT_EQ(text_of(frame), "  0012 |   103.4");
    LedDisplay display;
    display.show(frame);
    display.show(frame);
    EXPECT_EQ(display.changes(), 1u);
}

TEST(VirtualRealTimeClock, RunsWithVirtualTimeAndCanStop) {
    Instant now{};
    VirtualRealTimeClock clock(now, 1000);
    now = Instant{} + seconds(90);
    EXPECT_EQ(clock.read(), 1090u);
    clock.set(5000);
    now = now + seconds(1);
    EXPECT_EQ(clock.read(), 5001u);
    clock.stop();
    EXPECT_EQ(clock.read(), std::nullopt);
    EXPECT_TRUE(is_valid(to_civil(host_civil_time())));
}

TEST(ContactSense, LoadSideLivesWhenItsContactIsClosedAndItsPhaseIsThere) {
    // A contact that never closed is not noticed, or every lost phase is taken for one.
    Relays relays;
    bool phase_there = true;
    ContactSense sense(relays, [&](Circuit circuit) { return circuit.index != 2 || phase_there; });
    for (std::uint8_t c = 1; c <= 2; ++c) {
        relays.begin_pulse({c}, meter::RelayDrive::kClose);
        relays.end_pulse({c});
    }
    EXPECT_EQ(sense.live(), 0b110u);
    phase_there = false;
    EXPECT_EQ(sense.live(), 0b010u);
    relays.set_stuck({1}, Stuck::kOpen);
    EXPECT_EQ(sense.live(), 0u);
}

TEST(TestSocket, TheSocketMeasuresWhatABenchWouldSee) {
    // A pulse of 10 ms passes all tests and no counter sees it.
    Instant now = Instant{} + seconds(5);
    TestSocket socket(now);
    socket.join(true);
    EXPECT_EQ(socket.pins(), meter::VerificationSocket::Pins{}) << "nothing is joined without the plug";
    socket.plug(true);
    EXPECT_EQ(socket.pins(), (meter::VerificationSocket::Pins{true, true}));
    for (const int ms : {80, 120, 30, 31, 80}) {
        socket.set_output(!socket.output());
        socket.set_output(socket.output());
        now = now + milliseconds(ms);
    }
    socket.set_output(false);
    EXPECT_EQ(socket.pulses(), 3u);
    EXPECT_EQ(socket.shortest_on(), milliseconds(30));
    EXPECT_EQ(socket.shortest_off(), milliseconds(31));
}

}  // namespace
}  // namespace prewatt::sim

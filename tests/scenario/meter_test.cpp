// `prewatt meter` as the person who installs it meets it: what it says when something is wrong, and what survives.
#include <termios.h>

#include <thread>

#include "tests/scenario/meter_process.hpp"

namespace prewatt::scenario {
namespace {

class Meter : public ::testing::Test {
  protected:
    [[nodiscard]] std::vector<std::string> arguments(std::vector<std::string> more) const {
        std::vector<std::string> all{"meter", "--store", (folder_ / "store").string(), "--key",
                                     (folder_ / "key").string()};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    Folder folder_;
};

// Two meters on one port: the second would be silent, and nobody would know why.
TEST_F(Meter, APortThatIsTakenIsSaidAndNamed) {
    Process first(arguments({"--tcp", "0"}));
    const std::uint16_t port = first.port();
    ASSERT_NE(port, 0);
    Process second({"meter", "--store", (folder_ / "other").string(), "--key", (folder_ / "key").string(), "--tcp",
                    std::to_string(port)});
    const Ended ended = second.wait();
    EXPECT_EQ(ended.code, 9);
    EXPECT_NE(ended.err.find(std::to_string(port)), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("taken"), std::string::npos) << ended.err;
    Process third(arguments({"--tcp", "0"}));
    const Ended locked = third.wait();
    EXPECT_EQ(locked.code, 1);
    EXPECT_NE(locked.err.find("another meter is running"), std::string::npos) << locked.err;
}

// Somebody starts box 2 on the storage of box 1: thirty-nine accounts would belong to the wrong people.
TEST_F(Meter, StorageOfAnotherBoxOrWiringIsRefusedAndLeftAlone) {
    EXPECT_EQ(Process(arguments({"--for", "1", "--speed", "max"})).wait().code, 0);
    for (const std::vector<std::string>& other :
         {std::vector<std::string>{"--box", "2026000002"}, {"--wiring", "18x2"}}) {
        std::vector<std::string> all = arguments({"--for", "1", "--speed", "max"});
        all.insert(all.end(), other.begin(), other.end());
        const Ended ended = Process(all).wait();
        EXPECT_EQ(ended.code, 2) << ended.err;
        EXPECT_NE(ended.err.find("another number or wiring"), std::string::npos) << ended.err;
    }
    EXPECT_EQ(Process(arguments({"--for", "1", "--speed", "max"})).wait().code, 0);
}

TEST_F(Meter, WrongWordsAreRefusedWithWhatWouldBeRight) {
    const struct {
        std::vector<std::string> words;
        const char* said;
    } wrong[] = {
        {{"--box", "12"}, "ten digits"},    {{"--wiring", "40x1"}, "39x1"},          {{"--speed", "-1"}, "above 0"},
        {{"--for", "soon"}, "5m"},          {{"--tcp", "host:http"}, "[HOST:]PORT"}, {{"--ib", "5"}, "15 and 60"},
        {{"--household", "40"}, "1 to 39"}, {{"--repeat", "0"}, "forever"},          {{"--constant", "1000"}, "5000"}};
    for (const auto& w : wrong) {
        const Ended ended = Process(arguments(w.words)).wait();
        EXPECT_EQ(ended.code, 2) << w.words[0];
        EXPECT_NE(ended.err.find(w.said), std::string::npos) << ended.err;
    }
    const Ended lost = Process(arguments({"--play", (folder_ / "none.i16").string()})).wait();
    EXPECT_EQ(lost.code, 3);
    std::ofstream(folder_ / "key") << "secret\n";
    const Ended key = Process(arguments({"--for", "1"})).wait();
    EXPECT_EQ(key.code, 2);
    EXPECT_EQ(key.err.find("secret"), std::string::npos) << "a key must not be printed";
}

// The key of a whole site, readable by everybody who may log in.
TEST_F(Meter, ANewKeyIsMadeOnceAndForItsOwnerOnly) {
    const auto key = folder_ / "new-key";
    for (int round = 0; round < 2; ++round)
        EXPECT_EQ(Process({"meter", "--store", (folder_ / "store").string(), "--key", key.string(), "--for", "1",
                           "--speed", "max"})
                      .wait()
                      .code,
                  0);
    EXPECT_EQ(std::filesystem::status(key).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(std::filesystem::file_size(key), 33u);
}

// The process is killed in the middle of an evening. Whoever had paid must have light, and whoever had not must not.
TEST_F(Meter, AMeterThatIsKilledGoesOnWhereItWas) {
    std::int64_t used = 0;
    {
        Process process(arguments({"--tcp", "0", "--life", "lively"}));
        Line line(process.port());
        ASSERT_TRUE(line.sell(3, 1, {.epoch = 1, .number = 1, .credited_hundredths = 5000}));
        std::optional<dlt645::AccountStatus> account;
        for (int k = 0; k < 100; ++k) {
            account = line.account(3);
            ASSERT_TRUE(account);
            if (account->state.has(StateBit::kRelayClosed) && account->used.count() > 0) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        EXPECT_TRUE(account->state.has(StateBit::kRelayClosed));
        used = account->used.count();
        EXPECT_GT(used, 0);
        process.signal(SIGKILL);
        EXPECT_EQ(process.wait().code, -SIGKILL);
    }
    Process process(arguments({"--tcp", "0", "--life", "lively"}));
    Line line(process.port());
    const auto after = line.account(3);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->credited_hundredths, 5000);
    EXPECT_EQ(after->ticket_number, 1u);
    // At most 0.01 kWh of a household may be uncounted (M15).
    EXPECT_GE(after->used.count(), used - kJoulesPerHundredth);
    // The same ticket once more, as an office that missed the answer sends it: nothing is added. A counter of before:
    // refused.
    const auto again = line.sell(3, 1, {.epoch = 1, .number = 1, .credited_hundredths = 5000});
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->repeated);
    EXPECT_EQ(line.account(3)->credited_hundredths, 5000);
    EXPECT_EQ(line.account(4)->epoch, 0);
}

// The serial gateway of the site is used by the office and by a technician at once.
TEST_F(Meter, SeveralClientsAreAnsweredEachWhenItAsks) {
    Process process(arguments({"--tcp", "0"}));
    const std::uint16_t port = process.port();
    Line office(port), technician(port);
    for (int k = 0; k < 3; ++k) {
        EXPECT_TRUE(office.account(1));
        EXPECT_TRUE(technician.account(2));
    }
}

// Any tool for serial ports must be able to open it, with the parity that the standard asks for.
TEST_F(Meter, APseudoTerminalTakesTheSettingsOfTheStandardAndItsLinkGoesAway) {
    const auto link = folder_ / "line";
    Process process(arguments({"--pty", link.string()}));
    ASSERT_TRUE(process.printed(R"(/dev/pts/\d+)"));
    {
        const int handle = ::open(link.c_str(), O_RDWR | O_NOCTTY);
        ASSERT_GE(handle, 0);
        termios settings{};
        ASSERT_EQ(::tcgetattr(handle, &settings), 0);
        ::cfmakeraw(&settings);
        ::cfsetspeed(&settings, B9600);
        settings.c_cflag |= PARENB;
        EXPECT_EQ(::tcsetattr(handle, TCSANOW, &settings), 0);
        Line line(handle);
        EXPECT_TRUE(line.account(7));
    }
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait().code, 0);
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link)));
}

// The display is what a resident looks at: the number of each household in turn.
TEST_F(Meter, TheDisplayCanBeWatchedAsLines) {
    const Ended ended = Process(arguments({"--display", "--for", "60", "--speed", "max"})).wait();
    EXPECT_EQ(ended.code, 0);
    for (const char* window : {"0001 |", "0002 |", "0010 |"})
        EXPECT_NE(ended.out.find(window), std::string::npos) << ended.out;
}

// Noise, torn frames and other people's frames on the line must leave a meter that still answers.
TEST_F(Meter, AnswersAfterAnyAmountOfNoise) {
    Process process(arguments({"--tcp", "0", "--speed", "50"}));
    const std::uint16_t port = process.port();
    const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_GE(handle, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(handle, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    std::uint64_t state = 1;
    std::vector<Byte> noise(200'000);
    for (Byte& byte : noise)
        byte = static_cast<Byte>((state = state * 6364136223846793005u + 1) >> 56);
    ASSERT_EQ(::write(handle, noise.data(), noise.size()), static_cast<ssize_t>(noise.size()));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    Line line(handle);
    EXPECT_TRUE(line.account(1));
}

// --- prewatt sim

// A building of two boxes on one line: each household of each box is sold to and lit, in the time that 9600 baud leave.
TEST(Building, TicketsLightRoomsOnOneLineAndAKillLosesNone) {
    Folder folder;
    const std::vector<std::string> arguments{"sim",
                                             "--boxes",
                                             "2",
                                             "--listen",
                                             "0",
                                             "--store",
                                             (folder / "building").string(),
                                             "--key",
                                             (folder / "key").string()};
    {
        Process process(arguments);
        Line line(process.port());
        const auto dark = line.account(1);
        ASSERT_TRUE(dark);
        EXPECT_EQ(dark->epoch, 0);
        EXPECT_TRUE(dark->state.holds().has(Hold::kNotOpened));
        const auto begun = std::chrono::steady_clock::now();
        for (std::uint64_t box : {kBox, kBox + 1})
            ASSERT_TRUE(line.sell(1, 1, {.epoch = 1, .number = 1, .credited_hundredths = 1000}, box));
        const auto gone =
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count();
        EXPECT_GE(gone, 200) << "characters take no time";
        bool lit = false;
        for (int k = 0; k < 40 && !lit; ++k) {
            const auto account = line.account(1);
            ASSERT_TRUE(account);
            lit = account->state.has(StateBit::kRelayClosed) && account->used.count() > 0;
        }
        EXPECT_TRUE(lit) << "closed, and somebody at home uses power";
        process.signal(SIGKILL);
        (void)process.wait();
    }
    Process process(arguments);
    Line line(process.port());
    for (std::uint64_t box : {kBox, kBox + 1}) {
        const auto account = line.account(1, box);
        ASSERT_TRUE(account);
        EXPECT_EQ(account->credited_hundredths, 1000);
    }
    EXPECT_FALSE(line.ask(1, dlt645::Function::kRead, Bytes{}, 400, kBox + 2)) << "box 3 is not there";
}

TEST(Building, WrongUseIsSaid) {
    Folder folder;
    const auto with = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"sim", "--store", (folder / "building").string()});
        return Process(words).wait();
    };
    EXPECT_EQ(with({"--boxes", "257"}).code, 2);
    EXPECT_EQ(with({"--baud", "9601"}).code, 2);
    EXPECT_EQ(with({"--level", "atomic"}).code, 2);
    EXPECT_EQ(with({"--speed", "max"}).code, 2);
    Process holder({"sim", "--listen", "0", "--store", (folder / "first").string(), "--boxes", "1"});
    const Ended taken = with({"--listen", std::to_string(holder.port())});
    EXPECT_EQ(taken.code, 9);
    EXPECT_NE(taken.err.find("taken"), std::string::npos) << taken.err;
}

}  // namespace
}  // namespace prewatt::scenario

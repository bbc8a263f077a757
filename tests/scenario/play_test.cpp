// Recordings of a real kettle, a real rice cooker and a real laptop, played to a meter that was sold to by a sealed
// ticket over its line. What they must bring is computed here from the raw file, by nothing that the program is made
// of.
#include <cmath>
#include <thread>

#include "tests/scenario/meter_process.hpp"

namespace prewatt::scenario {
namespace {

namespace fs = std::filesystem;

struct Raw {
    fs::path file;
    double watts = 0;
    double seconds = 0;
    [[nodiscard]] double joules() const { return watts * seconds; }
};

fs::path waveforms() {
    const char* given = std::getenv("PREWATT_WAVEFORMS");
    return given != nullptr ? fs::path(given) : fs::path(PREWATT_SOURCE_DIR) / ".." / "shared" / "waveforms";
}

// Mean of v x i over every pair of the file. These rows have no quotes before the columns that are used.
Raw examine(const std::string& name) {
    Raw raw;
    raw.file = waveforms() / name;
    std::ifstream manifest(waveforms() / "manifest.csv");
    std::string header, line;
    std::getline(manifest, header);
    const auto column = [](const std::string& text, std::size_t k) {
        std::size_t from = 0;
        while (k-- > 0)
            from = text.find(',', from) + 1;
        return text.substr(from, text.find(',', from) - from);
    };
    const auto place = [&](const std::string& title) {
        std::size_t k = 0;
        while (column(header, k) != title)
            ++k;
        return k;
    };
    while (std::getline(manifest, line) && column(line, 0) != name) {
    }
    const double rate = std::stod(column(line, place("sample_rate_hz")));
    const double scale =
        std::stod(column(line, place("volts_per_count"))) * std::stod(column(line, place("amps_per_count")));
    std::ifstream in(raw.file, std::ios::binary);
    std::int16_t pair[2];
    std::int64_t sum = 0, count = 0;
    while (in.read(reinterpret_cast<char*>(pair), 4)) {
        sum += pair[0] * pair[1];
        ++count;
    }
    raw.watts = static_cast<double>(sum) * scale / static_cast<double>(count);
    raw.seconds = static_cast<double>(count) / rate;
    return raw;
}

class Play : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!fs::exists(waveforms() / "manifest.csv"))
            GTEST_SKIP() << "skipped: no recordings in " << waveforms() << "; set PREWATT_WAVEFORMS to their folder";
    }
    [[nodiscard]] std::vector<std::string> meter(const Raw& raw, const std::string& repeat) const {
        return {"meter",
                "--store",
                (folder_ / "store").string(),
                "--key",
                (folder_ / "key").string(),
                "--tcp",
                "0",
                "--play",
                raw.file.string(),
                "--repeat",
                repeat,
                "--speed",
                "max",
                "--household",
                "5",
                "-o",
                "json"};
    }

    // N repetitions, then the program ends by itself.
    void brings_its_energy(const std::string& name, int repetitions, double tolerance) {
        const Raw raw = examine(name);
        const double expected = raw.joules() * repetitions;
        Process process(meter(raw, std::to_string(repetitions)));
        const std::uint16_t port = process.port();
        ASSERT_NE(port, 0) << process.wait().err;
        {
            Line line(port);
            const auto answer = line.sell(5, 1, {.epoch = 1, .number = 1, .credited_hundredths = 200});
            ASSERT_TRUE(answer && answer->result == card::Result::kDone);
        }
        const Ended ended = process.wait();
        ASSERT_EQ(ended.code, 0) << ended.err;
        const auto forward = static_cast<double>(number_in(ended.out, 5, "forward_j"));
        EXPECT_NEAR(forward, expected, tolerance * expected)
            << name << ": " << raw.watts << " W for " << raw.seconds * repetitions << " s";
        EXPECT_EQ(number_in(ended.out, 5, "used_grains"),
                  number_in(ended.out, 5, "forward_j") + number_in(ended.out, 5, "reverse_j"));
        EXPECT_EQ(number_in(ended.out, 5, "reverse_j"), 0);
        EXPECT_EQ(number_in(ended.out, 5, "remaining_ckwh"),
                  divide(200 * kJoulesPerHundredth - number_in(ended.out, 5, "used_grains"), kJoulesPerHundredth,
                         Round::kDown));
        for (int other : {1, 4, 6, 39})
            EXPECT_EQ(number_in(ended.out, other, "forward_j"), 0);
        std::printf("%s: %.1f J in the recordings, %.0f J in the meter (%+.3f %%)\n", name.c_str(), expected, forward,
                    100 * (forward / expected - 1));
    }

    // 0.01 kWh is bought; the appliance runs until it is used up.
    void goes_dark_at_zero(const std::string& name) {
        const Raw raw = examine(name);
        Process process(meter(raw, "forever"));
        const std::uint16_t port = process.port();
        ASSERT_NE(port, 0) << process.wait().err;
        Line line(port);
        const auto answer = line.sell(5, 1, {.epoch = 1, .number = 1, .credited_hundredths = 1});
        ASSERT_TRUE(answer && answer->result == card::Result::kDone);
        std::optional<dlt645::AccountStatus> account;
        for (int attempt = 0; attempt < 3000; ++attempt) {
            account = line.account(5);
            ASSERT_TRUE(account);
            if (account->state.holds().has(Hold::kNoCredit) && !account->state.has(StateBit::kRelayClosed)) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        EXPECT_TRUE(account->state.holds().has(Hold::kNoCredit)) << "used " << account->used.count() << " of 36000 J";
        EXPECT_FALSE(account->state.has(StateBit::kRelayClosed));
        // Everything that was bought was delivered; what came more is what flowed until the contact had opened: below
        // half a second.
        EXPECT_GE(account->used.count(), kJoulesPerHundredth);
        EXPECT_LE(static_cast<double>(account->used.count()), kJoulesPerHundredth + 0.5 * raw.watts + 1);
        // The contact is a real one: nothing flows any more, however long the recording goes on (virtual seconds at
        // full speed).
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        process.signal(SIGTERM);
        const Ended ended = process.wait();
        EXPECT_EQ(ended.code, 0) << ended.err;
        EXPECT_NEAR(static_cast<double>(number_in(ended.out, 5, "forward_j")),
                    static_cast<double>(account->forward.count()), 0.3 * raw.watts);
        EXPECT_LE(static_cast<double>(number_in(ended.out, 5, "used_grains")),
                  kJoulesPerHundredth + 0.5 * raw.watts + 1);
    }

    Folder folder_;
};

// A meter that counts a kettle 1 % short gives away every hundredth pot.
TEST_F(Play, AKettleBringsTheEnergyOfItsRecording) {
    brings_its_energy("hf_kettle_01.i16", 20, 0.005);
}
TEST_F(Play, ARiceCookerBringsTheEnergyOfItsRecording) {
    brings_its_energy("hf_rice_cooker_01.i16", 20, 0.005);
}
// Crests of a few hundred milliamperes on a meter made for 60 A.
TEST_F(Play, ALaptopBringsTheEnergyOfItsRecording) {
    brings_its_energy("hf_laptop_01.i16", 200, 0.01);
}

// Electricity after zero is a loan that nobody agreed to; dark before zero is bought electricity that was not
// delivered.
TEST_F(Play, AKettleRunsUntilZeroAndNotLonger) {
    goes_dark_at_zero("hf_kettle_02.i16");
}
TEST_F(Play, ARiceCookerRunsUntilZeroAndNotLonger) {
    goes_dark_at_zero("hf_rice_cooker_02.i16");
}
TEST_F(Play, ALaptopRunsUntilZeroAndNotLonger) {
    goes_dark_at_zero("hf_laptop_02.i16");
}

}  // namespace
}  // namespace prewatt::scenario

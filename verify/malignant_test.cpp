#include "verify/malignant.hpp"

#include <gtest/gtest.h>

#include <unistd.h>
#include <cmath>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <numbers>

namespace prewatt::verify {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr double kRate = 6400;

// A folder with recordings made by calculation, in the format of real ones.
class EvaluateMalignant : public ::testing::Test {
  protected:
    void SetUp() override {
        folder =
            std::filesystem::temp_directory_path() / ("prewatt_malignant_" + std::to_string(::getpid()) + "_" +
                                                      ::testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::create_directories(folder);
        manifest = std::ofstream(folder / "manifest.csv");
        manifest << "file,offset_samples,n_samples,source,kind,appliance,event,event_sample,base_load,sample_rate_hz,"
                    "mains_hz,"
                    "mains_v_nominal,volts_per_count,amps_per_count,malignant,expect_trip,synthetic\n";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    using Wave = std::function<double(double)>;
    void record(const std::string& name, const std::string& kind, bool expected, double mains_volts, double hertz,
                double seconds, const Wave& amps, const std::string& event_sample = "") {
        std::ofstream out(folder / (name + ".i16"), std::ios::binary);
        const int count = static_cast<int>(seconds * kRate);
        for (int k = 0; k < count; ++k) {
            const double t = k / kRate;
            const double v = mains_volts * std::numbers::sqrt2 * std::sin(2 * kPi * hertz * t + 0.4);
            for (const double x : {v / 0.06, amps(t) / 0.01}) {
                const auto n = static_cast<std::int16_t>(std::lround(x));
                out.put(static_cast<char>(n & 0xFF));
                out.put(static_cast<char>(n >> 8 & 0xFF));
            }
        }
        manifest << name << ".i16,0," << count << ",bench," << kind << "," << name << ",on," << event_sample << ",none,"
                 << kRate << "," << hertz << "," << mains_volts << ",0.06,0.01," << (expected ? "yes" : "no") << ","
                 << (expected ? "yes" : "no") << ",no\n";
        manifest.flush();
    }
    static Wave current(double watts, double volts, double hertz, double lag_degrees = 0) {
        const double lag = lag_degrees * kPi / 180;
        return [=](double t) {
            return watts / volts / std::cos(lag) * std::numbers::sqrt2 * std::sin(2 * kPi * hertz * t + 0.4 - lag);
        };
    }
    MalignantResult evaluated(const settings::MalignantProfile& profile = {}) {
        auto result = evaluate_malignant(
            {.manifest = folder / "manifest.csv", .profile = profile, .seed = 1, .every = 1, .stress = {}});
        EXPECT_TRUE(result) << result.error();
        return result ? *result : MalignantResult{};
    }
    std::filesystem::path folder;
    std::ofstream manifest;
};

// Somebody's own recordings: each kind of row is played as what it is.
TEST_F(EvaluateMalignant, PlaysEveryKindOfRowAsWhatItIs) {
    record("kettle", "steady", true, 220, 50, 1, current(1280, 220, 50));
    record("inverter", "steady", false, 220, 50.05, 1, current(950, 220, 50.05, -8.8));
    record("cycle", "step_cycle", true, 120, 50, 0.02, current(535, 120, 50));
    record(
        "switched", "event", true, 120, 60, 0.15,
        [wave = current(600, 120, 60)](double t) { return t < 0.075 ? 0 : wave(t); }, "480");
    record(
        "leaves", "composite_off", false, 220, 50, 1.2,
        [wave = current(1000, 220, 50)](double t) { return t < 0.4 ? wave(t) : 0; }, "2560");
    const MalignantResult result = evaluated();
    ASSERT_EQ(result.rows.size(), 5u);
    for (const MalignantRow& row : result.rows) {
        EXPECT_EQ(row.cut, row.expected) << row.file;
        EXPECT_GE(row.reports, 1) << row.file;
        if (!row.cut) continue;
        EXPECT_GT(row.decision_ms, 100) << row.file;
        EXPECT_LE(row.decision_ms, 200) << row.file;
        EXPECT_GT(row.nearness, 1) << row.file;
    }
    EXPECT_NEAR(static_cast<double>(result.rows[3].report.power.count()) * 1e-6, 600, 6);
    EXPECT_TRUE(result.rows[1].plain_rule_cuts);
    EXPECT_TRUE(result.calibrations.empty());
    const auto json = figures_of(result).json();
    EXPECT_NE(json.find("malignant false cuts on real recordings"), std::string::npos);
}

// A chain with five degrees of error is calibrated by its own heaters, and the result says so.
TEST_F(EvaluateMalignant, APhaseErrorOfASourceIsTakenOutByItsKnownHeatersAndSaid) {
    for (int k = 0; k < 3; ++k)
        record("kettle" + std::to_string(k), "steady", true, 120, 60, 1, current(535, 120, 60, -5));
    record("motor", "steady", false, 120, 60, 1, current(400, 120, 60, 25));
    const MalignantResult result = evaluated();
    ASSERT_EQ(result.calibrations.size(), 1u);
    EXPECT_NEAR(result.calibrations[0].degrees, -5, 0.1);
    EXPECT_EQ(result.calibrations[0].heaters, 3);
    EXPECT_GE(result.rows[0].report.power_factor_ten_thousandths, 9995);
    for (const MalignantRow& row : result.rows)
        EXPECT_EQ(row.cut, row.expected) << row.file;
}

// The office asks what another set point would have done.
TEST_F(EvaluateMalignant, ADryRunShowsWhatAnotherProfileChanges) {
    record("small_kettle", "steady", true, 220, 50, 1, current(450, 220, 50));
    std::ofstream(folder / "other.toml") << "restores_per_day = 3\n[[window]]\nfrom_watts = 500\nto_watts = 20000\n"
                                            "power_factor_thousandths = 990\naction = \"cut\"\n";
    const auto profile = read_profile(folder / "other.toml");
    ASSERT_TRUE(profile) << profile.error();
    EXPECT_EQ(profile->restores_per_day, 3);
    const MalignantResult now = evaluated(), then = evaluated(*profile);
    EXPECT_TRUE(now.rows[0].cut);
    EXPECT_FALSE(then.rows[0].cut);
    EXPECT_NE(difference_of(now, then).find("small_kettle"), std::string::npos);
    EXPECT_NE(difference_of(now, now).find("nothing"), std::string::npos);
}

TEST_F(EvaluateMalignant, WrongFilesAreSaidInWords) {
    EXPECT_FALSE(
        evaluate_malignant({.manifest = folder / "absent.csv", .profile = {}, .seed = 1, .every = 1, .stress = {}}));
    EXPECT_FALSE(
        evaluate_malignant({.manifest = folder / "manifest.csv", .profile = {}, .seed = 1, .every = 1, .stress = {}}));
    for (const char* text : {"nonsense = 1\n", "half_wave = \"perhaps\"\n", "evasion_watts = 5\n",
                             "[[window]]\nfrom_watts = 500\nto_watts = 400\n"}) {
        std::ofstream(folder / "bad.toml") << text;
        EXPECT_FALSE(read_profile(folder / "bad.toml")) << text;
    }
}

// Short form of the evaluation on real appliances; the whole: prewatt evaluate malignant.
TEST(MalignantRecordings, RealAppliancesAreJudgedRightly) {
    const char* given = std::getenv("PREWATT_WAVEFORMS");
    const std::filesystem::path folder = given != nullptr ? given : PREWATT_SOURCE_DIR "/../shared/waveforms";
    if (!std::filesystem::exists(folder / "manifest.csv"))
        GTEST_SKIP() << "skipped: no recordings in " << folder << "; set PREWATT_WAVEFORMS to their folder";
    const auto result =
        evaluate_malignant({.manifest = folder / "manifest.csv", .profile = {}, .seed = 7, .every = 10, .stress = {}});
    ASSERT_TRUE(result) << result.error();
    int singles = 0, late = 0;
    for (const MalignantRow& row : result->rows) {
        if (!row.expected) {
            EXPECT_FALSE(row.cut) << row.file;
        }
        const bool plain_step = !row.synthetic || row.kind == "composite_on";
        if (row.expected && plain_step) {
            ++singles;
            EXPECT_TRUE(row.cut) << row.file;
        }
        if (row.cut && row.decision_ms > 200) ++late;
    }
    EXPECT_GE(singles, 20);
    EXPECT_EQ(late, 0);
}

}  // namespace
}  // namespace prewatt::verify

#include "sim/recording.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <numbers>

namespace prewatt::sim {
namespace {

namespace fs = std::filesystem;

class RecordingFiles : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() /
                  ("prewatt-recording-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "-" +
                   ::testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    void write(const std::string& name, const std::vector<std::int16_t>& counts) const {
        std::ofstream out(folder_ / name, std::ios::binary);
        for (std::int16_t c : counts) {
            out.put(static_cast<char>(c & 0xFF));
            out.put(static_cast<char>(c >> 8 & 0xFF));
        }
    }
    void manifest(const std::string& rows) const {
        std::ofstream(folder_ / "manifest.csv") << "file,offset_samples,n_samples,notes,sample_rate_hz,mains_hz,mains_"
                                                   "v_nominal,volts_per_count,amps_per_count\n"
                                                << rows;
    }
    fs::path folder_;
};

// A file of many slices that is read from its beginning gives another appliance's energy.
TEST_F(RecordingFiles, ARowIsItsSliceWithItsOwnScales) {
    write("two.i16", {1, 2, 3, 4, -5, 6, 7, -8});
    manifest("two.i16,0,2,\"first, of \"\"two\"\"\",6400,50,220,0.5,0.25\ntwo.i16,2,2,second,15360,60,120,2,1\n");
    const auto first = read_recording(folder_ / "two.i16");
    ASSERT_TRUE(first) << first.error();
    EXPECT_EQ(first->volts, (std::vector<float>{0.5f, 1.5f}));
    EXPECT_EQ(first->amps, (std::vector<float>{0.5f, 1.0f}));
    const auto second = read_recording(folder_ / "two.i16", 1);
    ASSERT_TRUE(second) << second.error();
    EXPECT_EQ(second->volts, (std::vector<float>{-10, 14}));
    EXPECT_EQ(second->amps, (std::vector<float>{6, -8}));
    EXPECT_EQ(second->sample_rate, 15360);
    EXPECT_EQ(second->mains_volts, 120);
}

// Somebody plays a file that was copied in half, or without its manifest: the energy would be wrong, so it is refused,
// with the reason.
TEST_F(RecordingFiles, WhatIsNotWholeIsRefusedInWords) {
    write("short.i16", {1, 2, 3, 4});
    EXPECT_NE(read_recording(folder_ / "short.i16").error().find("manifest.csv"), std::string::npos);
    manifest("short.i16,0,3,,6400,50,220,0.5,0.25\nbad.i16,0,1,,fast,50,220,0.5,0.25\n");
    EXPECT_NE(read_recording(folder_ / "short.i16").error().find("ends after 2 samples of 3"), std::string::npos);
    write("bad.i16", {1, 2});
    EXPECT_NE(read_recording(folder_ / "bad.i16").error().find("sample_rate_hz"), std::string::npos);
    write("other.i16", {1, 2});
    EXPECT_NE(read_recording(folder_ / "other.i16").error().find("no row"), std::string::npos);
    EXPECT_NE(read_recording(folder_ / "none.i16").error().find("no such file"), std::string::npos);
    EXPECT_NE(read_recording(folder_ / "short.i16", 1).error().find("only 1 rows"), std::string::npos);
}

Recording laptop_like(double rate, double hertz) {
    Recording r;
    r.sample_rate = rate;
    for (int n = 0; n < static_cast<int>(rate * 3); ++n) {
        const double angle = 2 * std::numbers::pi * hertz * n / rate;
        double i = 0;
        for (int h = 1; h <= 25; h += 2)
            i += std::cos(h * (angle - 1.4)) / (1 + h / 6.0);
        r.volts.push_back(static_cast<float>(311 * std::sin(angle) + 4 * std::sin(5 * angle)));
        r.amps.push_back(static_cast<float>(0.2 * i));
    }
    return r;
}

// Resampling that loses a per mille takes it from every household that is tested with it.
TEST(Recording, ResamplingKeepsTheMeanPowerToOnePerMille) {
    for (double rate : {6400.0, 15360.0, 7680.0, 30000.0, 3200.0}) {
        const Recording raw = laptop_like(rate, rate == 6400 ? 49.98 : 60.02);
        const Recording at4k = resample(raw, 4000);
        EXPECT_NEAR(at4k.mean_watts(), raw.mean_watts(), 0.001 * raw.mean_watts()) << rate;
        EXPECT_NEAR(at4k.seconds(), raw.seconds(), 0.5 / 4000) << rate;
        EXPECT_NEAR(at4k.joules(), raw.joules(), 0.001 * raw.joules()) << rate;
    }
}

// What a converter of 4 kSa/s cannot see must not come back as something that it can.
TEST(Recording, WhatLiesAboveTheHalfRateIsNotFoldedBack) {
    Recording raw;
    raw.sample_rate = 15360;
    for (int n = 0; n < 30720; ++n) {
        raw.volts.push_back(static_cast<float>(100 * std::sin(2 * std::numbers::pi * 3950 * n / 15360)));
        raw.amps.push_back(raw.volts.back());
    }
    EXPECT_LT(resample(raw, 4000).mean_watts(), 1e-4 * raw.mean_watts());
}

TEST(Recording, AScaledSupplyBringsTheSameWatts) {
    Recording raw = laptop_like(6400, 60);
    const double before = raw.mean_watts();
    scale_voltage(raw, 220.0 / 120);
    EXPECT_NEAR(raw.mean_watts(), before, 1e-4 * before);
}

// Every recording that a demonstration plays; they are not part of the project.
TEST(Recording, RealKettleRiceCookerAndLaptopKeepTheirEnergy) {
    const char* given = std::getenv("PREWATT_WAVEFORMS");
    const fs::path folder = given != nullptr ? fs::path(given) : fs::path(PREWATT_SOURCE_DIR) / "../shared/waveforms";
    if (!fs::exists(folder / "manifest.csv"))
        GTEST_SKIP() << "no recordings in " << folder << "; set PREWATT_WAVEFORMS";
    for (const char* name :
         {"hf_kettle_01", "hf_kettle_09", "hf_rice_cooker_01", "hf_laptop_01", "hf_laptop_08", "hf_refrigerator_01",
          "hf_washing_machine_01", "cp_diode_kettle_01", "cp_phasecut90_kettle_01"}) {
        const auto raw = read_recording(folder / (std::string(name) + ".i16"));
        ASSERT_TRUE(raw) << raw.error();
        const Recording at4k = resample(*raw, 4000);
        EXPECT_NEAR(at4k.joules(), raw->joules(), 0.001 * std::fabs(raw->joules())) << name;
    }
}

}  // namespace
}  // namespace prewatt::sim

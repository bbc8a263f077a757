// `prewatt verify class1`: the metrology on a test bench. Runs the test points of both regimes of reference
// metrology.md 1.1 to 1.5 (class 1: IEC 62053-21:2003 and JJG 596-2012 in Ib and Imax; class B: GB/T 17215.321-2021 in
// Imin, Itr, Imax), and points that stand in no standard, through the very code of the metering processor, on all 39
// channels of a box with a front end that is wrong in every way in which front ends are, before and after calibration.
//
// Goal: every error within 30 % of its limit. The limits are recalled, not read in the bought standards, and the front
// end is a model: this is no claim of compliance. What a program cannot simulate is listed in the report.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/figures.hpp"
#include "verify/front_end.hpp"

namespace prewatt::verify {

inline constexpr double kShareGoalPercent = 30;

struct Class1Options {
    bool quick = false;         // every kind of test, each point on some channels, seconds in place of minutes
    std::vector<int> channels;  // 1..39, only these are judged; empty: all. All of them are loaded in any case
    FrontEndModel model;        // basic and maximum current are those of each rating in turn
};

struct Class1Row {
    std::string test;    // "class 1 errors", "no-load" ...
    std::string point;   // "0.1 Ib, 0.5L, reverse"
    std::string rating;  // of the worst: "15(60) A"
    int channel = 0;     // of the worst: 1..39; of a three-phase household: its number
    double value = 0;    // the worst that was seen, signed
    std::string unit;
    double limit = 0;  // of the magnitude; 0: told, not judged
    [[nodiscard]] double share_percent() const;
    [[nodiscard]] bool met() const { return limit <= 0 || share_percent() <= kShareGoalPercent; }
};

struct Class1Report {
    std::vector<Class1Row> rows;  // worst share of a limit first
    int readings = 0;             // channel and point together
    double bench_seconds = 0;     // that went by on the bench
    double host_seconds = 0;
    [[nodiscard]] bool all_met() const;
    [[nodiscard]] bench::Figures figures() const;
    [[nodiscard]] std::string table() const;
    [[nodiscard]] std::string json() const;
};
[[nodiscard]] Class1Report run_class1(const Class1Options& options);

}  // namespace prewatt::verify

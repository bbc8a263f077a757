// `prewatt verify NAME`: proves the meter on this machine. Prints what was found as a table, worst first, or with
// --json for a program; --strict makes a missed goal exit code 1.
#pragma once
#include <cstdint>
#include <string>

namespace prewatt::cli {

struct VerifyOptions {
    std::string name;  // class1, storage
    bool json = false;
    bool strict = false;
    bool quick = false;                 // a representative part, in seconds
    std::string channels;               // class1: "1-5,12"; empty: all 39
    double cross_talk_decibels = -100;  // class1: from each neighbouring channel
    double noise_counts = 0.7;          // class1: rms
    std::uint64_t seed = 1;             // class1: of the front end's errors; storage: of the loads
    double days = 0;                    // storage: of the building; 0: two, with quick 0.15
    double kilowatt_hours = 0;          // storage: of each household and day; 0: 20
    int memory_kibibytes = 512;         // storage: 32..1024
};
[[nodiscard]] int run(const VerifyOptions& options);
// The names that this build knows, one space between them.
[[nodiscard]] std::string verify_names();

}  // namespace prewatt::cli

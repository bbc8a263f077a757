// `prewatt simulate [campus]`: boxes, lines, office and people for days or a year, with everything that can go wrong,
// judged from outside at every step (campus/world.hpp). A seed that fails prints the step and runs again to the same
// byte.
//
// `prewatt simulate building`: a full building of 39 homes on one box, by itself and as fast as this machine goes:
// sample by sample (--level waveform) or measurement by measurement (--level cycle). Tells how long it took, the energy
// that went through the contacts against the registers, cuts and restores, pulses and coils.
#pragma once
#include <cstdint>
#include <string>

namespace prewatt::cli {

struct SimulateOptions {
    std::string name = "campus";  // campus or building
    double days = 7;
    std::string level = "waveform";
    int homes = 39;
    std::string wiring = "39x1";
    std::string life = "students";
    std::uint64_t seed = 1;
    // campus
    int boxes = 4;  // `homes` of each
    int seeds = 1;  // so many, one after the other
    bool no_faults = false;
    bool cards = false;
    std::string defect;     // planted; a violation is what is expected then
    bool controls = false;  // every planted defect, each must be found
    bool json = false;
    bool strict = false;
};
[[nodiscard]] int run(const SimulateOptions& options);
[[nodiscard]] int run_campus(const SimulateOptions& options);  // what run() does for "campus"
[[nodiscard]] std::string defect_names();

}  // namespace prewatt::cli

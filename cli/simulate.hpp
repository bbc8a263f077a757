// `prewatt simulate building`: a full building of 39 homes on one box, by itself and as fast as this machine goes:
// sample by sample (--level waveform) or measurement by measurement (--level cycle). Tells how long it took, the energy
// that went through the contacts against the registers, cuts and restores, pulses and coils.
#pragma once
#include <cstdint>
#include <string>

namespace prewatt::cli {

struct SimulateOptions {
    std::string name;  // building
    double days = 7;
    std::string level = "waveform";
    int homes = 39;
    std::string wiring = "39x1";
    std::string life = "students";
    std::uint64_t seed = 1;
    bool json = false;
    bool strict = false;
};
[[nodiscard]] int run(const SimulateOptions& options);

}  // namespace prewatt::cli

// `prewatt evaluate malignant MANIFEST`: recordings of real appliances through the code of the meter. A table of kinds
// and types, then figures with their goals; --json both as one object {"figures": [...], "rows": [...]}; --dry-run
// shows side by side what another profile would have done; --stress repeats everything with noise, phase errors, other
// supplies.
#pragma once
#include <filesystem>
#include <string>

namespace prewatt::cli {

struct EvaluateOptions {
    std::filesystem::path manifest;
    std::filesystem::path settings;  // profile of the run; empty: the factory's
    std::filesystem::path dry_run;   // profile that it is compared with
    bool json = false;
    bool strict = false;
    bool stress = false;
    int every = 1;
};
[[nodiscard]] int run(const EvaluateOptions& options);

}  // namespace prewatt::cli

#include "cli/torture.hpp"

#include <cstdio>

#include "cli/output.hpp"
#include "torture/office.hpp"

namespace prewatt::cli {
namespace {

constexpr std::size_t kShownMax = 8;  // of the findings; one defect makes many

}  // namespace

int run(const TortureOptions& options) {
    if (options.name != "office")
        return fail(ExitCode::kWrongUse, "there is nothing named '" + options.name + "' to torture", "office");
    torture::OfficeOptions office;
    office.kills = options.kills;
    office.seed = options.seed;
    office.sqlite = options.database != "postgres";
    office.postgres = options.database != "sqlite";
    office.boxes = options.boxes;
    office.scenes = !options.no_scenes;
    office.keep = options.keep;
    office.planted = options.planted_defect;
    office.tell = [](const std::string& words) { std::fprintf(stderr, "torture: %s\n", words.c_str()); };
    const auto report = torture::torture_office(office);
    if (!report)
        return fail(report.error().interrupted ? ExitCode::kInterrupted : ExitCode::kInternal,
                    "torture office broke off: " + report.error().words);
    std::printf("%s%s", (options.json ? report->figures.json() : report->figures.table()).c_str(),
                options.json ? "\n" : "");
    std::fflush(stdout);
    for (std::size_t k = 0; k < report->findings.size() && k < kShownMax; ++k)
        std::fprintf(stderr, "prewatt: %s\n", report->findings[k].c_str());
    if (!report->findings.empty())
        return fail(ExitCode::kInternal, "torture office: " + std::to_string(report->findings.size()) + " findings");
    if (options.strict && !report->figures.all_met())
        return fail(ExitCode::kInternal, "torture office: a goal was missed");
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

#include "cli/torture.hpp"

#include <cstdio>

#include "cli/output.hpp"
#include "torture/card.hpp"
#include "torture/child.hpp"
#include "torture/office.hpp"

namespace prewatt::cli {
namespace {

constexpr std::size_t kShownMax = 8;  // of the findings; one defect makes many

void tell(const std::string& words) {
    std::fprintf(stderr, "torture: %s\n", words.c_str());
}

// Figures, then what was found.
int show(const TortureOptions& options, const bench::Figures& figures, const std::vector<std::string>& findings) {
    std::printf("%s%s", (options.json ? figures.json() : figures.table()).c_str(), options.json ? "\n" : "");
    std::fflush(stdout);
    for (std::size_t k = 0; k < findings.size() && k < kShownMax; ++k)
        std::fprintf(stderr, "prewatt: %s\n", findings[k].c_str());
    if (!findings.empty())
        return fail(ExitCode::kInternal,
                    "torture " + options.name + ": " + std::to_string(findings.size()) + " findings");
    if (options.strict && !figures.all_met())
        return fail(ExitCode::kInternal, "torture " + options.name + ": a goal was missed");
    return code(ExitCode::kDone);
}

int run_card(const TortureOptions& options) {
    torture::CardOptions card;
    card.tears = options.tears;
    card.seed = options.seed;
    card.planted = options.planted_defect;
    card.tell = tell;
    try {
        const torture::CardReport report = torture::torture_cards(card);
        std::fprintf(options.json ? stderr : stdout, "%s\n", report.what_happened.c_str());
        return show(options, report.figures, report.findings);
    } catch (const torture::BrokenOff& why) {
        return fail(ExitCode::kInternal, "torture card broke off: " + why.words);
    } catch (const torture::Interrupted&) {
        return fail(ExitCode::kInterrupted, "torture card broke off: it was stopped");
    }
}

}  // namespace

int run(const TortureOptions& options) {
    if (options.name == "card") return run_card(options);
    if (options.name != "office")
        return fail(ExitCode::kWrongUse, "there is nothing named '" + options.name + "' to torture", "office, card");
    torture::OfficeOptions office;
    office.kills = options.kills;
    office.seed = options.seed;
    office.sqlite = options.database != "postgres";
    office.postgres = options.database != "sqlite";
    office.boxes = options.boxes;
    office.scenes = !options.no_scenes;
    office.keep = options.keep;
    office.planted = options.planted_defect;
    office.tell = tell;
    const auto report = torture::torture_office(office);
    if (!report)
        return fail(report.error().interrupted ? ExitCode::kInterrupted : ExitCode::kInternal,
                    "torture office broke off: " + report.error().words);
    return show(options, report->figures, report->findings);
}

}  // namespace prewatt::cli

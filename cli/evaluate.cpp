#include "cli/evaluate.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/output.hpp"
#include "verify/malignant.hpp"

namespace prewatt::cli {
namespace {

nlohmann::json row_json(const verify::MalignantRow& row) {
    const auto watts = [](ActivePower p) { return static_cast<double>(p.count()) * 1e-6; };
    nlohmann::json out = {{"file", row.file},
                          {"source", row.source},
                          {"kind", row.kind},
                          {"appliance", row.appliance},
                          {"event", row.event},
                          {"base_load", row.base_load},
                          {"expected", row.expected},
                          {"cut", row.cut},
                          {"plain_rule_cuts", row.plain_rule_cuts},
                          {"rule", static_cast<int>(row.verdict.rule)},
                          {"shape", static_cast<int>(row.report.shape)},
                          {"step_watts", watts(row.report.power)},
                          {"resistive_watts", watts(row.report.resistive)},
                          {"sure_watts", watts(row.verdict.sure)},
                          {"nonactive_var", static_cast<double>(row.report.nonactive.count()) * 1e-6},
                          {"power_factor", row.report.power_factor_ten_thousandths / 10000.0},
                          {"cycles", row.report.cycles},
                          {"cycles_agreed", row.report.cycles_agreed},
                          {"nearness", row.nearness}};
    if (row.cut) out["decision_ms"] = row.decision_ms;
    return out;
}

// Everything in one document: the figures, the rows, what another profile would change, the figures under stress.
void print_json(nlohmann::json out, const verify::MalignantResult& result, const verify::MalignantResult* other) {
    out["rows"] = nlohmann::json::array();
    for (const verify::MalignantRow& row : result.rows)
        out["rows"].push_back(row_json(row));
    out["calibrated"] = nlohmann::json::array();
    for (const verify::SourceCalibration& c : result.calibrations)
        out["calibrated"].push_back({{"source", c.source}, {"degrees", c.degrees}, {"heaters", c.heaters}});
    if (other != nullptr) {
        out["changes"] = nlohmann::json::array();
        for (std::size_t k = 0; k < result.rows.size(); ++k)
            if (result.rows[k].cut != other->rows[k].cut)
                out["changes"].push_back({{"now", row_json(result.rows[k])}, {"then", row_json(other->rows[k])}});
    }
    std::printf("%s\n", out.dump(1).c_str());
}

}  // namespace

int run(const EvaluateOptions& options) {
    constexpr const char* kSuchAFile = "docs/malignant.md shows such a file";
    verify::MalignantOptions wanted{
        .manifest = options.manifest, .profile = {}, .seed = 1, .every = options.every, .stress = {}};
    verify::MalignantOptions then = wanted;
    for (const auto& [file, profile] :
         {std::pair{&options.settings, &wanted.profile}, std::pair{&options.dry_run, &then.profile}}) {
        if (file->empty()) continue;
        const auto read = verify::read_profile(*file);
        if (!read) return fail(ExitCode::kWrongUse, read.error(), kSuchAFile);
        *profile = *read;
    }
    const auto result = verify::evaluate_malignant(wanted);
    if (!result) return fail(ExitCode::kNotFound, result.error(), "prewatt evaluate malignant FOLDER/manifest.csv");
    const bench::Figures figures = verify::figures_of(*result);
    if (!options.json) std::printf("%s\n%s", verify::table_of(*result).c_str(), figures.table().c_str());

    std::optional<verify::MalignantResult> other;
    if (!options.dry_run.empty()) {
        auto judged = verify::evaluate_malignant(then);
        if (!judged) return fail(ExitCode::kNotFound, judged.error());
        if (!options.json) std::printf("\n%s", verify::difference_of(*result, *judged).c_str());
        other = std::move(*judged);
    }
    nlohmann::json out = nlohmann::json::parse(figures.json());
    if (options.stress)
        for (const verify::Stress& stress : verify::stresses()) {
            if (stress == verify::Stress{}) continue;
            wanted.stress = stress;
            const auto stressed = verify::evaluate_malignant(wanted);
            if (!stressed) return fail(ExitCode::kNotFound, stressed.error());
            const bench::Figures under = verify::figures_of(*stressed);
            if (options.json)
                out["stress"][stress.name] = nlohmann::json::parse(under.json())["figures"];
            else
                std::printf("\n%s\n%s", stress.name.c_str(), under.table().c_str());
            std::fflush(stdout);
        }
    if (options.json) print_json(std::move(out), *result, other ? &*other : nullptr);
    std::fflush(stdout);
    if (options.strict && !figures.all_met()) return fail(ExitCode::kInternal, "evaluate malignant: a goal was missed");
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

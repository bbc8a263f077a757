#include "cli/report.hpp"

#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

// The letters that such a time is written with need no escape in a URL.
bool is_plain(const std::string& text) {
    return text.find_first_not_of("0123456789-:T") == text.npos;
}
Cell kwh(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? Cell(decimal(found->get<std::int64_t>())) : Cell();
}
Cell end_kwh(const json& row, const char* key) {
    const auto end = row.find(key);
    return end != row.end() && end->is_object() ? kwh(*end, "forward_ckwh") : Cell();
}

}  // namespace

int run(const ReportOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "-o takes table, json or csv, not '" + options.output + "'");
    if (options.month.empty() == options.from.empty())
        return fail(ExitCode::kWrongUse, "give the month of the report, or a beginning",
                    "prewatt report consumption --month 2026-11, or --from 2026-11-05");
    for (const std::string* text : {&options.month, &options.from, &options.to})
        if (!is_plain(*text))
            return fail(ExitCode::kWrongUse, "'" + *text + "' is no time; write 2026-11, 2026-11-05 or 2026-11-05T14");
    const auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    std::string path = "/reports/consumption?level=" + options.level;
    if (!options.month.empty()) path += "&month=" + options.month;
    if (!options.from.empty()) path += "&from=" + options.from;
    if (!options.to.empty()) path += "&to=" + options.to;
    const auto report = client->get(path);
    if (!report) return fail(report.error());
    Table table{"consumption",
                {{"building", "building"},
                 {"name", options.level == "household" ? "room" : options.level},
                 {"consumption_kwh", "kWh", true},
                 {"quality", "quality"},
                 {"households", "households", true},
                 {"estimated", "estimated", true},
                 {"missing", "missing", true},
                 {"corrected", "corrected", true},
                 {"from_kwh", "from", true},
                 {"to_kwh", "to", true}},
                {}};
    for (const json& row : report->value("consumption", json::array()))
        table.rows.push_back({row.contains("building") ? Cell(row.value("building", std::string{})) : Cell(),
                              row.value("name", std::string{}), kwh(row, "consumption_ckwh"),
                              row.value("quality", std::string{}), row.value("households", std::int64_t{0}),
                              row.value("estimated", std::int64_t{0}), row.value("missing", std::int64_t{0}),
                              row.value("corrected", std::int64_t{0}), end_kwh(row, "from"), end_kwh(row, "to")});
    print(table, *format);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

#include "cli/approvals.hpp"

#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table table_of(const json& list) {
    Table table{"approvals",
                {{"id", "Number", true},
                 {"state", "State"},
                 {"kind", "Kind"},
                 {"action", "Action"},
                 {"subject", "Of"},
                 {"asked_by", "Asked by"},
                 {"reason", "Why"},
                 {"asked_at", "Asked at, ms", true},
                 {"expires_at", "Expires at, ms", true},
                 {"decided_by", "Decided by"},
                 {"outcome", "Outcome"},
                 {"content", "Content"}},
                {}};
    for (const json& item : list) {
        const auto text = [&](const char* name) { return item[name].get<std::string>(); };
        const auto number = [&](const char* name) { return item[name].get<std::int64_t>(); };
        table.rows.push_back({number("id"), text("state"), text("kind"), text("action"), text("subject"),
                              text("asked_by"), text("reason"), number("asked_at"), number("expires_at"),
                              text("decided_by"), text("outcome"), text("content")});
        // A table is one line for each; the heading of the content says nothing that its action does not.
        std::string& content = std::get<std::string>(table.rows.back().back());
        if (const std::size_t second = content.find('\n', content.find('\n') + 1); second != std::string::npos)
            content.erase(0, second + 1);
        for (char& c : content)
            if (c == '\n') c = ' ';
    }
    return table;
}

}  // namespace

int run(const ApprovalsListOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto list =
        client->get(options.state == "all" ? "/approvals?limit=1000" : "/approvals?limit=1000&state=" + options.state);
    if (!list) return fail(list.error());
    print(table_of((*list)["approvals"]), *format);
    return code(ExitCode::kDone);
}

int run(const ApprovalsDecideOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    if (!options.approve && options.reason.empty())
        return fail(ExitCode::kWrongUse, "a refusal needs its --reason, for whoever asked");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const std::string path = "/approvals/" + std::to_string(options.number);
    const auto request = client->get(path);
    if (!request) return fail(request.error());
    print(table_of(json::array({*request})), *format);
    if (options.approve)
        if (const ExitCode answer = confirm("Approve and carry it out?", options.yes); answer != ExitCode::kDone)
            return code(answer);
    const auto decided = client->send("POST", path + (options.approve ? "/approve" : "/refuse"),
                                      options.approve ? json::object() : json{{"reason", options.reason}});
    if (!decided) return fail(decided.error());
    print(table_of(json::array({*decided})), *format);
    if ((*decided)["state"] == "failed")
        return fail(ExitCode::kRefused, "it was approved and could not be carried out; nothing was done: " +
                                            (*decided)["outcome"].get<std::string>());
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

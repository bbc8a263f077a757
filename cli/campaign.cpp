#include "cli/campaign.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table table_of(const json& campaigns) {
    Table table{"campaigns",
                {{"id", "Number", true},
                 {"wish", "Wish"},
                 {"selection", "Of"},
                 {"state", "State"},
                 {"members", "Members", true},
                 {"confirmed", "Confirmed", true},
                 {"waiting", "Waiting", true},
                 {"failed", "Failed", true},
                 {"cannot", "Cannot", true},
                 {"operator", "By"},
                 {"reason", "Reason"}},
                {}};
    for (const json& c : campaigns) {
        const auto number = [&](const char* name) { return c[name].get<std::int64_t>(); };
        const auto text = [&](const char* name) { return c[name].get<std::string>(); };
        table.rows.push_back({number("id"), text("wish"), text("selection"), text("state"), number("members"),
                              number("confirmed"), number("waiting"), number("failed"), number("cannot"),
                              text("operator"), text("reason")});
    }
    return table;
}
Table causes_of(const json& list, const char* name, const char* title) {
    Table table{name, {{"text", title}, {"members", "Members", true}}, {}};
    for (const json& cause : list)
        table.rows.push_back({cause["text"].get<std::string>(), cause["members"].get<std::int64_t>()});
    return table;
}
Table lines_of(const json& preview) {
    Table table{"lines", {{"room", "Room or box"}, {"from", "From"}, {"to", "To"}, {"cannot", "Cannot, because"}}, {}};
    for (const json& line : preview["lines"])
        table.rows.push_back({line["room"].get<std::string>(), line["from"].get<std::string>(),
                              line["to"].get<std::string>(), line["cannot"].get<std::string>()});
    return table;
}

Table members_of(const json& members) {
    Table table{"members",
                {{"member", "Number", true},
                 {"room", "Room or box"},
                 {"state", "State"},
                 {"tries", "Tried again", true},
                 {"problem", "Why"}},
                {}};
    for (const json& m : members)
        table.rows.push_back({m["member"].get<std::int64_t>(), m["room"].get<std::string>(),
                              m["state"].get<std::string>(), m["tries"].get<std::int64_t>(),
                              m["problem"].get<std::string>()});
    return table;
}
// All of them, page by page.
OfficeClient::Answer every_member(OfficeClient& client, const std::string& path, const std::string& state) {
    json all = json::array();
    for (std::int64_t after = 0;;) {
        auto page = client.get(path + "/members?limit=1000&after=" + std::to_string(after) +
                               (state.empty() ? "" : "&state=" + state));
        if (!page) return page;
        const json& members = (*page)["members"];
        for (const json& member : members)
            all.push_back(member);
        if (members.size() < 1000) return all;
        after = members.back()["member"].get<std::int64_t>();
    }
}

}  // namespace

int run(const CampaignOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    if (options.action == "start" && options.reason.empty())
        return fail(ExitCode::kWrongUse, "a reason is needed for the journal", "--reason \"works on the riser\"");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const std::string path = "/campaigns/" + std::to_string(options.number);
    OfficeClient::Answer answer;
    if (options.action == "list") {
        answer = client->get("/campaigns");
        if (!answer) return fail(answer.error());
        print(table_of((*answer)["campaigns"]), *format);
        return code(ExitCode::kDone);
    }
    if (options.action == "members") {
        answer = every_member(*client, path, options.state);
        if (!answer) return fail(answer.error());
        print(members_of(*answer), *format);
        return code(ExitCode::kDone);
    }
    if (options.action == "preview" || options.action == "start") {
        const json question{{"selection", options.selection}, {"wish", options.wish}};
        auto preview = client->send("POST", "/campaigns/preview", question);
        if (!preview) return fail(preview.error());
        const auto number = [&](const char* name) { return (*preview)[name].get<std::int64_t>(); };
        const std::int64_t change = number("members") - number("already") - number("cannot");
        const std::string sum = std::to_string(change) + " of " + std::to_string(number("members")) +
                                " would change, " + std::to_string(number("already")) + " are so already, " +
                                std::to_string(number("cannot")) + " cannot";
        if (options.action == "preview") {
            print(lines_of(*preview), *format);
            std::fprintf(stderr, "prewatt: %s%s\n", sum.c_str(),
                         (*preview)["needs_two"].get<bool>() ? "; two people are needed" : "");
            return code(ExitCode::kDone);
        }
        if (const ExitCode agreed = confirm("Really? " + sum + ".", options.yes); agreed != ExitCode::kDone)
            return code(agreed);
        json order = question;
        order["reason"] = options.reason;
        if (!options.at.empty()) order["start_at"] = options.at;
        if (options.daily) order["repeat"] = "daily";
        if (!options.window.empty()) order["window"] = options.window;
        answer = client->send("POST", "/campaigns", order,
                              options.idempotency_key.empty() ? make_uuid() : options.idempotency_key);
    } else if (options.action == "show") {
        answer = client->get(path);
    } else {
        answer = client->send("POST", path + "/" + options.action, json::object());
    }
    if (!answer) return fail(answer.error());
    print(table_of(json::array({*answer})), *format);
    if (options.action == "show" && !(*answer)["causes"].empty() && *format == OutputFormat::kTable)
        print(causes_of((*answer)["causes"], "causes", "Cause"), *format);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

#include "cli/work.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/civil_time.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table table_of(const json& items) {
    Table table{"items",
                {{"id", "Number", true},
                 {"state", "State"},
                 {"kind", "Kind"},
                 {"room", "Room"},
                 {"subject", "Of"},
                 {"figures", "Figures"},
                 {"first_at", "Since, ms", true},
                 {"assigned_to", "Has it"},
                 {"resolution", "Resolution"}},
                {}};
    for (const json& item : items) {
        const auto text = [&](const char* name) { return item[name].get<std::string>(); };
        table.rows.push_back({item["id"].get<std::int64_t>(), text("state"), text("kind"), text("room"),
                              text("subject"), text("figures"), item["first_at"].get<std::int64_t>(),
                              text("assigned_to"), text("resolution")});
    }
    return table;
}

void print_item(const json& item) {
    const auto text = [&](const char* name) { return item[name].get<std::string>(); };
    std::printf("%lld  %s, %s%s%s\n", static_cast<long long>(item["id"].get<std::int64_t>()), text("kind").c_str(),
                text("state").c_str(), text("room").empty() ? "" : ", room ", text("room").c_str());
    if (!text("subject").empty()) std::printf("  of           %s\n", text("subject").c_str());
    std::printf("  figures      %s\n  explanation  %s\n", text("figures").c_str(), text("explanation").c_str());
    for (const json& proposal : item["proposals"])
        std::printf("  may be done  %s\n", proposal.get<std::string>().c_str());
    if (!text("assigned_to").empty()) std::printf("  has it       %s\n", text("assigned_to").c_str());
    if (!text("resolution").empty())
        std::printf("  resolution   %s (%s)\n", text("resolution").c_str(), text("resolved_by").c_str());
    for (const json& comment : item["comments"])
        std::printf("  %-12s %s\n", comment["user"].get<std::string>().c_str(),
                    comment["text"].get<std::string>().c_str());
}

// The beginning of an office's day ("2026-09-23"), plus `days`; milliseconds since 1970 UTC.
std::optional<std::int64_t> day_of(const std::string& text, int days) {
    int year = 0;
    int month = 0;
    int day = 0;
    char rest = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2d%c", &year, &month, &day, &rest) != 3 || text.size() != 10)
        return std::nullopt;
    CivilTime t;
    t.year = static_cast<std::uint16_t>(year);
    t.month = static_cast<std::uint8_t>(month);
    t.day = static_cast<std::uint8_t>(day);
    if (year < 2000 || month < 1 || month > 12 || !is_valid(t)) return std::nullopt;
    return (static_cast<std::int64_t>(to_seconds(t)) + 946'684'800 - 8 * 3600 + days * 86'400) * 1000;
}

}  // namespace

int run(const WorkListOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    std::string path = "/work?limit=1000";
    if (!options.state.empty()) path += "&state=" + options.state;
    if (!options.kind.empty()) path += "&kind=" + options.kind;
    const auto list = client->get(path);
    if (!list) return fail(list.error());
    print(table_of((*list)["items"]), *format);
    return code(ExitCode::kDone);
}

int run(const WorkShowOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto item = client->get("/work/" + std::to_string(options.number));
    if (!item) return fail(item.error());
    if (options.json)
        std::printf("%s\n", item->dump().c_str());
    else
        print_item(*item);
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

int run(const WorkResolveOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto item =
        client->send("POST", "/work/" + std::to_string(options.number) + "/resolution", json{{"text", options.text}});
    if (!item) return fail(item.error());
    print_item(*item);
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

int run(const ReconcileOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    client->patience = std::chrono::minutes(10);
    const auto pass = client->send("POST", "/reconcile", json::object());
    if (!pass) return fail(pass.error());
    json items = json::array();
    std::string before;
    for (;;) {
        const auto page = client->get("/work?limit=1000" + before);
        if (!page) return fail(page.error());
        for (const json& item : (*page)["items"])
            items.push_back(item);
        if ((*page)["items"].size() < 1000) break;
        before = "&before=" + std::to_string((*page)["items"].back()["id"].get<std::int64_t>());
    }
    std::int64_t open = 0;
    for (const json& item : items)
        if (item["state"] == "open") ++open;
    if (options.json) {
        json out = *pass;
        out["format"] = 1;
        out["agree"] = open == 0;
        out["items"] = std::move(items);
        std::printf("%s\n", out.dump().c_str());
    } else {
        for (const json& item : items)
            print_item(item);
        std::printf(
            "%lld households, %lld lines of statements, %lld days of buildings compared; %lld differences to be "
            "looked at\n",
            static_cast<long long>((*pass)["households"].get<std::int64_t>()),
            static_cast<long long>((*pass)["statement_lines"].get<std::int64_t>()),
            static_cast<long long>((*pass)["building_days"].get<std::int64_t>()), static_cast<long long>(open));
    }
    std::fflush(stdout);
    return code(open == 0 ? ExitCode::kDone : ExitCode::kRefused);
}

int run(const StatementOptions& options) {
    const auto from = day_of(options.from, 0);
    const auto to = day_of(options.to, 1);
    if (!from || !to || *from >= *to)
        return fail(ExitCode::kWrongUse, "--from and --to are days like 2026-09-01, the second not before the first");
    std::ifstream file(options.file, std::ios::binary);
    if (!file) return fail(ExitCode::kNotFound, "cannot read " + options.file.string());
    const std::string csv{std::istreambuf_iterator<char>(file), {}};
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto taken = client->send("POST", "/statements",
                                    json{{"channel", options.channel}, {"from", *from}, {"to", *to}, {"csv", csv}});
    if (!taken) return fail(taken.error());
    std::printf("%lld lines, %lld of them new\n", static_cast<long long>((*taken)["lines"].get<std::int64_t>()),
                static_cast<long long>((*taken)["new_lines"].get<std::int64_t>()));
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

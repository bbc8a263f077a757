#include "cli/relay.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table table_of(const std::string& room, const json& job, const json& household) {
    Table table{"jobs",
                {{"room", "Room"},
                 {"kind", "What"},
                 {"state", "State"},
                 {"relay_closed", "Relay closed"},
                 {"holds", "Held by"},
                 {"reason", "Reason"},
                 {"id", "Number", true}},
                {}};
    std::string holds;
    for (const json& hold : household["holds"])
        holds += (holds.empty() ? "" : " ") + hold.get<std::string>();
    const json& relay = household["relay_closed"];
    table.rows.push_back({room, job["kind"].get<std::string>(), job["state"].get<std::string>(),
                          relay.is_boolean() ? Cell(relay.get<bool>()) : Cell(), holds,
                          job["reason"].get<std::string>(), job["id"].get<std::int64_t>()});
    return table;
}

}  // namespace

int run(const RelayOptions& options) {
    const bool on = options.action == "on";
    if (!on && options.action != "off")
        return fail(ExitCode::kWrongUse, "'" + options.action + "' is neither on nor off");
    const auto wait = span_of(options.wait);
    if (!wait) return fail(ExitCode::kWrongUse, wait.error());
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    if (options.reason.empty())
        return fail(ExitCode::kWrongUse, "a reason is needed for the journal", "--reason \"works on the riser\"");
    std::int64_t minutes = 0;
    if (!options.span.empty()) {
        const auto span = span_of(options.span);
        if (!span) return fail(ExitCode::kWrongUse, span.error());
        minutes = span->count() / 60'000;
        if (!on || minutes < 1 || minutes > 1440)
            return fail(ExitCode::kWrongUse, "--for forces power on, for 1 minute to 24 hours",
                        "prewatt relay " + options.room + " on --for 30m");
    }
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto household = client->find_household(options.room);
    if (!household) return fail(household.error());
    const std::string room = (*household)["room"];
    const std::string what = minutes > 0
                                 ? "force power on in room " + room + " for " + std::to_string(minutes) + " minutes"
                                 : "switch room " + room + " " + options.action;
    if (options.dry_run) {
        std::fprintf(stderr, "prewatt: would %s; nothing was done\n", what.c_str());
        return code(ExitCode::kDone);
    }
    if (const ExitCode answer = confirm("Really " + what + "?", options.yes); answer != ExitCode::kDone)
        return code(answer);
    const std::string base = "/households/" + std::to_string((*household)["id"].get<std::int64_t>());
    const std::string key = options.idempotency_key.empty() ? make_uuid() : options.idempotency_key;
    auto job =
        minutes > 0
            ? client->send("POST", base + "/force", {{"minutes", minutes}, {"reason", options.reason}}, key)
            : client->send("POST", base + "/relay", {{"action", options.action}, {"reason", options.reason}}, key);
    if (!job) return fail(job.error());
    const std::string path = "/jobs/" + std::to_string((*job)["id"].get<std::int64_t>());
    const auto deadline = std::chrono::steady_clock::now() + *wait;
    const auto is_open = [&job] { return (*job)["state"] == "waiting" || (*job)["state"] == "sent"; };
    while (is_open() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (auto now = client->get(path)) job = std::move(now);
    }
    // The coil's pulse follows the confirmation: what is shown is the contact, so its reading is waited for.
    const auto follows = [](const auto& now) {
        const bool forced = now["state_bits"].is_number() && (now["state_bits"].template get<int>() >> 11 & 1) != 0;
        return !now["relay_closed"].is_boolean() || forced || now["relay_closed"] == now["holds"].empty();
    };
    auto after = client->get(base);
    const auto contact_by = std::min(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(3));
    while (after && !is_open() && !follows(*after) && std::chrono::steady_clock::now() < contact_by) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        after = client->get(base);
    }
    if (!after) return fail(after.error());
    print(table_of(room, *job, *after), *format);
    const std::string problem = (*job)["last_problem"];
    if ((*job)["state"] == "failed")
        return fail(ExitCode::kRefused, "the meter of room " + room + " did not do it: " + problem);
    if (!is_open() || wait->count() == 0) return code(ExitCode::kDone);
    return fail(ExitCode::kNoAnswer, "the meter of room " + room + " has not confirmed within " + options.wait +
                                         (problem.empty() ? "" : " (" + problem + ")") + "; the office goes on trying");
}

}  // namespace prewatt::cli

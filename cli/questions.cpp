#include "cli/questions.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

}  // namespace

int run(const QuestionsListOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto list = client->get("/ticket-questions");
    if (!list) return fail(list.error());
    Table table{"questions",
                {{"household_id", "Household", true},
                 {"room", "Room"},
                 {"situation", "Situation"},
                 {"figures", "Figures"},
                 {"take_meters", "Answer 'meters'"},
                 {"take_offices", "Answer 'offices'"},
                 {"asked_at", "Asked at, ms", true}},
                {}};
    for (const json& question : (*list)["questions"]) {
        const auto text = [&](const char* name) { return question[name].get<std::string>(); };
        const auto id = question["household_id"].get<std::int64_t>();
        const auto household = client->get("/households/" + std::to_string(id));
        if (!household) return fail(household.error());
        table.rows.push_back({id, (*household)["room"].get<std::string>(), text("situation"), text("figures"),
                              text("take_meters"), text("take_offices"), question["asked_at"].get<std::int64_t>()});
    }
    print(table, *format);
    return code(ExitCode::kDone);
}

int run(const QuestionsAnswerOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto household = client->find_household(options.room);
    if (!household) return fail(household.error());
    const auto id = (*household)["id"].get<std::int64_t>();
    const auto list = client->get("/ticket-questions");
    if (!list) return fail(list.error());
    const json* question = nullptr;
    for (const json& each : (*list)["questions"])
        if (each["household_id"] == id) question = &each;
    const std::string which = options.answer == "meters" ? "take_meters" : "take_offices";
    if (question) {
        std::fprintf(stderr, "%s\n%s\n", (*question)["figures"].get<std::string>().c_str(),
                     (*question)[which].get<std::string>().c_str());
        if (const ExitCode answer = confirm("Answer so?", options.yes); answer != ExitCode::kDone) return code(answer);
    }  // else it may have been answered with this key before
    json body{{"answer", which}, {"reason", options.reason}};
    if (options.contains >= 0) body["contains_ticket"] = options.contains;
    const auto booked = client->send("POST", "/households/" + std::to_string(id) + "/ticket-answer", body,
                                     options.idempotency_key.empty() ? make_uuid() : options.idempotency_key);
    if (!booked) return fail(booked.error());
    for (const json& booking : (*booked)["bookings"])
        std::printf("booking %lld: %s, ticket %lld of account %lld\n",
                    static_cast<long long>(booking["id"].get<std::int64_t>()),
                    booking["kind"].get<std::string>().c_str(),
                    static_cast<long long>(booking["ticket_number"].get<std::int64_t>()),
                    static_cast<long long>(booking["epoch"].get<std::int64_t>()));
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

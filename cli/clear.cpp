#include "cli/clear.hpp"

#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {

int run(const ClearOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto household = client->find_household(options.room);
    if (!household) return fail(household.error());
    const std::string room = (*household)["room"];
    if (const ExitCode answer =
            confirm("Really clear the meter of room " + room + "? Its account there is lost.", options.yes);
        answer != ExitCode::kDone)
        return code(answer);
    const std::string key = options.idempotency_key.empty() ? make_uuid() : options.idempotency_key;
    const auto job =
        client->send("POST", "/households/" + std::to_string((*household)["id"].get<std::int64_t>()) + "/clear",
                     {{"reason", options.reason}}, key);
    if (!job) return fail(job.error());
    print({"jobs",
           {{"room", "Room"}, {"kind", "What"}, {"state", "State"}, {"reason", "Reason"}, {"id", "Number", true}},
           {{room, (*job)["kind"].get<std::string>(), (*job)["state"].get<std::string>(),
             (*job)["reason"].get<std::string>(), (*job)["id"].get<std::int64_t>()}}},
          *format);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

#include "cli/ledger.hpp"

#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table bookings_of(const json& bookings) {
    Table table{"bookings",
                {{"receipt", "Receipt"},
                 {"kind", "Kind"},
                 {"amount_yuan", "Yuan", true},
                 {"given", "Credit", true},
                 {"unit", "Unit"},
                 {"credited", "Credited", true},
                 {"ticket", "Ticket", true},
                 {"channel", "Through"},
                 {"operator", "Operator"},
                 {"reason", "Reason"},
                 {"id", "Number", true},
                 {"booked_at", "Booked at, ms", true}},
                {}};
    for (const json& b : bookings)
        table.rows.push_back(
            {b["receipt"].get<std::string>(), b["kind"].get<std::string>(),
             decimal(b["amount_fen"].get<std::int64_t>()), decimal(b["given"].get<std::int64_t>()),
             std::string{b["unit"] == "ckwh" ? "kWh" : "yuan"}, decimal(b["credited"].get<std::int64_t>()),
             std::to_string(b["epoch"].get<std::int64_t>()) + "/" +
                 std::to_string(b["ticket_number"].get<std::int64_t>()),
             b["channel"].get<std::string>(), b["operator"].get<std::string>(), b["reason"].get<std::string>(),
             b["id"].get<std::int64_t>(), b["booked_at"].get<std::int64_t>()});
    return table;
}

}  // namespace

int run(const RefundOptions& options) {
    std::int64_t fen = 0;
    if (!options.yuan.empty()) {
        const auto amount = fen_of(options.yuan);
        if (!amount) return fail(ExitCode::kWrongUse, amount.error());
        fen = *amount;
        if (fen == 0) return fail(ExitCode::kWrongUse, "a refund of nothing; leave --yuan out to refund all");
    }
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const std::string what =
        (fen ? decimal(fen) + " yuan" : std::string{"all that is left"}) + " of sale " + std::to_string(options.sale);
    if (const ExitCode answer = confirm("Refund " + what + "?", options.yes); answer != ExitCode::kDone)
        return code(answer);
    const std::string key = options.idempotency_key.empty() ? make_uuid() : options.idempotency_key;
    const json order{{"sale_id", options.sale}, {"amount_fen", fen}, {"reason", options.reason}};
    const auto done = client->send("POST", "/refunds", order, key);
    if (!done) return fail(done.error());
    print(bookings_of((*done)["bookings"]), *format);
    return code(ExitCode::kDone);
}

int run(const LedgerShowOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto household = client->find_household(options.room);
    if (!household) return fail(household.error());
    const auto bookings = client->get("/households/" + std::to_string((*household)["id"].get<std::int64_t>()) +
                                      "/bookings?limit=" + std::to_string(options.limit));
    if (!bookings) return fail(bookings.error());
    print(bookings_of((*bookings)["bookings"]), *format);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

#include "cli/sell.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table receipt_of(const json& sale) {
    const auto at = [&sale](std::string_view name) -> Cell {
        for (const json& step : sale["steps"])
            if (step["step"] == name) return step["at"].get<std::int64_t>();
        return std::monostate{};
    };
    Table table{"sales",
                {{"receipt", "Receipt"},
                 {"room", "Room"},
                 {"amount_yuan", "Yuan", true},
                 {"energy_kwh", "kWh", true},
                 {"price_e4", "Price, 1/10000 yuan", true},
                 {"channel", "Paid by"},
                 {"state", "State"},
                 {"confirm_ms", "Confirmed after, ms", true},
                 {"operator", "Operator"},
                 {"order_id", "Order"},
                 {"id", "Number", true},
                 {"accepted_at", "Accepted at, ms", true},
                 {"confirmed_at", "Confirmed at, ms", true}},
                {}};
    const Cell accepted = at("accepted");
    const Cell confirmed = at("confirmed");
    Cell took;
    if (confirmed.index() == 2 && accepted.index() == 2)
        took = std::get<std::int64_t>(confirmed) - std::get<std::int64_t>(accepted);
    table.rows.push_back({sale["receipt"].get<std::string>(), sale["room"].get<std::string>(),
                          decimal(sale["amount_fen"].get<std::int64_t>()),
                          decimal(sale["energy_ckwh"].get<std::int64_t>()), sale["price_e4"].get<std::int64_t>(),
                          sale["channel"].get<std::string>(), sale["state"].get<std::string>(), took,
                          sale["operator"].get<std::string>(), sale["order_id"].get<std::string>(),
                          sale["id"].get<std::int64_t>(), accepted, confirmed});
    return table;
}

// The one of a list that is meant by its number or its name.
OfficeClient::Answer one_of(const OfficeClient::Answer& list, const char* name, const std::string& meant,
                            const std::string& what) {
    if (!list) return list;
    std::string known;
    for (const json& item : (*list)[name]) {
        const std::string item_name = item["name"];
        if (item_name == meant || std::to_string(item["id"].get<std::int64_t>()) == meant) return item["id"];
        known += (known.empty() ? "" : ", ") + item_name;
    }
    OfficeFailure failure;
    failure.exit = ExitCode::kNotFound;
    failure.what = "there is no " + what + " '" + meant + "'";
    failure.what_to_try = known.empty() ? "there is none at all" : "one of: " + known;
    return std::unexpected(std::move(failure));
}

}  // namespace

int run(const SellOptions& options) {
    const auto fen = fen_of(options.yuan);
    if (!fen) return fail(ExitCode::kWrongUse, fen.error());
    const auto wait = span_of(options.wait);
    if (!wait) return fail(ExitCode::kWrongUse, wait.error());
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto household = client->find_household(options.room);
    if (!household) return fail(household.error());
    const std::string room = (*household)["room"];
    json order{{"household_id", (*household)["id"]}, {"amount_fen", *fen}, {"channel", options.pay}};
    if (!options.payer.empty()) {
        const std::string path = "/households/" + std::to_string((*household)["id"].get<std::int64_t>()) + "/residents";
        const auto payer = one_of(client->get(path), "residents", options.payer, "resident of room " + room);
        if (!payer) return fail(payer.error());
        order["payer_id"] = *payer;
    }
    if (!options.drawer.empty()) {
        const auto drawer = one_of(client->get("/drawers"), "drawers", options.drawer, "cash drawer");
        if (!drawer) return fail(drawer.error());
        order["drawer_id"] = *drawer;
    }
    const std::string what = decimal(*fen) + " yuan to room " + room;
    if (options.dry_run) {
        std::fprintf(stderr, "prewatt: would sell %s (%s); nothing was booked\n", what.c_str(), options.pay.c_str());
        return code(ExitCode::kDone);
    }
    if (const ExitCode answer = confirm("Sell " + what + " (" + options.pay + ")?", options.yes);
        answer != ExitCode::kDone)
        return code(answer);
    const std::string key = options.idempotency_key.empty() ? make_uuid() : options.idempotency_key;
    auto sale = client->send("POST", "/sales", order, key);
    // The connection broke: the same key asks what became of it.
    for (int i = 0; i < 3 && !sale && sale.error().status == 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        sale = client->send("POST", "/sales", order, key);
    }
    if (!sale) return fail(sale.error());
    const auto deadline = std::chrono::steady_clock::now() + *wait;
    const std::string path = "/sales/" + std::to_string((*sale)["id"].get<std::int64_t>());
    while ((*sale)["state"] != "confirmed" && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (auto now = client->get(path)) sale = std::move(now);
    }
    print(receipt_of(*sale), *format);
    if ((*sale)["state"] == "confirmed" || wait->count() == 0) return code(ExitCode::kDone);
    const std::string problem = (*sale)["last_problem"];
    return fail(ExitCode::kNoAnswer, "the sale is booked, but the meter of room " + room +
                                         " has not confirmed within " + options.wait +
                                         (problem.empty() ? "" : " (" + problem + ")") +
                                         "; it gets its ticket as soon as it answers, nothing is to be sold again");
}

}  // namespace prewatt::cli

#include "cli/card_warrants.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace prewatt::cli {
namespace {

using nlohmann::json;

std::string boxes_of(const json& warrant) {
    if (!warrant["household_id"].is_null())
        return "household " + std::to_string(warrant["household_id"].get<std::int64_t>());
    std::string text;
    for (const json& box : warrant["boxes"])
        text += (text.empty() ? "box " : ", ") + box.get<std::string>();
    return text.empty() ? "every box" : text;
}

// What is known of one right; "already carried out" where its box refused it as used, because this very one was.
std::string words_of(const json& right) {
    const std::string state = right["state"];
    const std::string code = right["said"].is_null() ? "" : "Err-" + std::to_string(right["said"]["code"].get<int>());
    if (state == "carried_out")
        return code == "Err-41" ? "already carried out; shown once more, the box refused it (Err-41)" : "carried out";
    if (state == "overtaken") return "void: the box has carried out a later card";
    if (state == "expired") return "its time is over; nobody has told the office that it was used";
    if (right["box_number"].is_null()) return "valid; boxes keep no memory of it";
    if (state == "refused") return "the box refused it: " + code + " (docs/formats/card-codes.md)";
    return "out: the box has not said anything on the card yet";
}
// Of the first that is not settled, or of the only one.
std::string standing_of(const json& warrant) {
    if (warrant["state"] == "withdrawn") return "withdrawn";
    if (warrant["rights"].empty()) return "agreed, not on a card yet";
    return words_of(warrant["rights"][0]);
}

}  // namespace

OfficeClient::Answer ask_warrant(const OfficeClient& client, const CardOptions& options, const std::string& order_id) {
    std::string kind = options.kind;
    std::replace(kind.begin(), kind.end(), '-', '_');
    json order{{"kind", kind}, {"reason", options.reason}};
    if (!options.room.empty()) {
        const auto household = client.find_household(options.room);
        if (!household) return household;
        order["household_id"] = (*household)["id"];
    }
    std::string boxes;
    for (const std::string& box : options.boxes)
        boxes += (boxes.empty() ? "" : " ") + box;
    if (!boxes.empty()) order["boxes"] = boxes;
    std::string restores;
    for (std::string one : options.restores) {
        std::replace(one.begin(), one.end(), '-', '_');
        restores += (restores.empty() ? "" : " ") + one;
    }
    if (!restores.empty()) order["restores"] = restores;
    if (!options.valid.empty()) {
        const auto span = span_of(options.valid);
        if (!span) return std::unexpected(OfficeFailure{ExitCode::kWrongUse, span.error(), "", 0, ""});
        order["valid_hours"] = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::hours>(*span).count());
    }
    auto warrant = client.send("POST", "/warrants", order, order_id);
    if (!warrant && warrant.error().code == "needs_approval")
        warrant.error().what_to_try =
            "another person: prewatt approvals approve N; then the same command with --idempotency-key " + order_id;
    return warrant;
}

void print_warrant(const json& warrant) {
    std::printf("warrant %lld: %s of %s, by %s%s: %s\n", static_cast<long long>(warrant["id"].get<std::int64_t>()),
                warrant["kind"].get<std::string>().c_str(), boxes_of(warrant).c_str(),
                warrant["asked_by"].get<std::string>().c_str(),
                warrant["agreed_by"].get<std::string>().empty()
                    ? ""
                    : (", agreed by " + warrant["agreed_by"].get<std::string>()).c_str(),
                warrant["reason"].get<std::string>().c_str());
    for (const json& right : warrant["rights"])
        std::printf("  %-10s %s\n",
                    right["box_number"].is_null() ? "every box" : right["box_number"].get<std::string>().c_str(),
                    words_of(right).c_str());
    if (warrant["values"].get<int>() > 0)
        std::printf("  %d settings stand on it%s\n", warrant["values"].get<int>(),
                    warrant["values_left"].get<int>() > 0 ? (", " + std::to_string(warrant["values_left"].get<int>()) +
                                                             " had no room: they need another card")
                                                                .c_str()
                                                          : "");
}

int list_warrants(const OfficeClient& client, OutputFormat format) {
    const auto list = client.get("/warrants?limit=1000");
    if (!list) return fail(list.error());
    Table table{"warrants",
                {{"id", "Warrant", true},
                 {"kind", "Kind"},
                 {"for", "For"},
                 {"card", "Card", true},
                 {"standing", "Standing"},
                 {"asked_by", "Asked by"},
                 {"agreed_by", "Agreed by"},
                 {"reason", "Reason"}},
                {}};
    for (const json& warrant : (*list)["warrants"])
        table.rows.push_back({warrant["id"].get<std::int64_t>(), warrant["kind"].get<std::string>(), boxes_of(warrant),
                              warrant["card_id"].is_null() ? Cell{} : Cell{warrant["card_id"].get<std::int64_t>()},
                              standing_of(warrant), warrant["asked_by"].get<std::string>(),
                              warrant["agreed_by"].get<std::string>(), warrant["reason"].get<std::string>()});
    print(table, format);
    return code(ExitCode::kDone);
}

int withdraw_warrant(const OfficeClient& client, const CardOptions& options) {
    const auto warrant = client.send("POST", "/warrants/" + std::to_string(options.warrant) + "/withdraw",
                                     json{{"reason", options.reason}});
    if (!warrant) return fail(warrant.error());
    if (options.output == "json")
        std::printf("%s\n", json{{"format", 1}, {"warrant", *warrant}}.dump().c_str());
    else
        print_warrant(*warrant);
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

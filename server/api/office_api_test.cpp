#include "server/api/office_api.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "server/api/change_feed.hpp"
#include "server/api/testing/fake_office.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

// Says where a value does not fit a schema of openapi.json; empty: it fits. Knows the keywords that our description
// uses.
std::string misfit(const json& document, const json& schema, const json& value, const std::string& where) {
    if (schema.contains("$ref"))
        return misfit(document, document.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))), value,
                      where);
    if (schema.contains("type")) {
        const json types = schema["type"].is_array() ? schema["type"] : json::array({schema["type"]});
        bool fits = false;
        for (const json& type : types)
            fits |= (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
                    (type == "string" && value.is_string()) || (type == "integer" && value.is_number_integer()) ||
                    (type == "boolean" && value.is_boolean()) || (type == "null" && value.is_null());
        if (!fits) return where + " is not " + schema["type"].dump() + ": " + value.dump();
    }
    if (value.is_null()) return {};
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
        return where + " is not one of " + schema["enum"].dump() + ": " + value.dump();
    if (schema.contains("minimum") && value.is_number() && value < schema["minimum"])
        return where + " is below the minimum";
    if (schema.contains("minItems") && value.size() < schema["minItems"].get<std::size_t>())
        return where + " is too short";
    if (value.is_object() && schema.contains("properties")) {
        for (const json& name : schema.value("required", json::array()))
            if (!value.contains(name.get<std::string>())) return where + "." + name.get<std::string>() + " is missing";
        for (const auto& [name, member] : value.items()) {
            if (!schema["properties"].contains(name)) return where + "." + name + " is not described";
            if (std::string wrong = misfit(document, schema["properties"][name], member, where + "." + name);
                !wrong.empty())
                return wrong;
        }
    }
    if (value.is_array() && schema.contains("items"))
        for (std::size_t i = 0; i < value.size(); ++i)
            if (std::string wrong = misfit(document, schema["items"], value[i], where + "[" + std::to_string(i) + "]");
                !wrong.empty())
                return wrong;
    return {};
}

class OfficeApiTest : public testing::Test {
  protected:
    OfficeApiTest() : api_(office_, field_, hub_, options()) {}

    OfficeApiOptions options() {
        OfficeApiOptions o;
        o.clock = [] { return kFakeNow; };
        o.version = "test";
        o.desk = &desk_;
        o.on_fault = [this](std::string_view words) { faults_.emplace_back(words); };
        return o;
    }
    // A program that is signed in with a token; the answer is compared with the description each time.
    Response ask(Method method, const std::string& target, const json& body = nullptr, std::vector<Header> extra = {}) {
        Request request;
        request.remote = "10.0.0.7";
        request.method = method;
        EXPECT_TRUE(request.set_target(target));
        if (!role_.empty()) request.headers.push_back({"authorization", "Bearer token-of-" + role_});
        if (!body.is_null()) {
            request.body = body.dump();
            request.headers.push_back({"content-type", "application/json"});
        }
        for (Header& header : extra)
            request.headers.push_back(std::move(header));
        const Response response = api_.handle(request);
        compare_with_description(request, response);
        return response;
    }
    Response with_key(Method method, const std::string& target, const json& body, const std::string& key = "key-1") {
        return ask(method, target, body, {{"idempotency-key", key}});
    }
    void be(const std::string& role) {
        role_.clear();
        EXPECT_EQ(ask(Method::kPost, "/api/v1/session", {{"user", role}, {"password", "correct-horse"}}).status, 201);
        role_ = role;
    }
    static json body_of(const Response& response) {
        return response.body && !response.body->empty() ? json::parse(*response.body) : json();
    }
    static std::string code_of(const Response& response) { return body_of(response)["error"]["code"]; }

    void compare_with_description(const Request& request, const Response& response) {
        if (!request.path.starts_with("/api/") || response.is_event_stream) return;
        for (const Route& route : api_.router().routes()) {
            if (route.method != request.method) continue;
            std::string expression;
            for (std::size_t i = 0; i < route.pattern.size(); ++i) {
                if (route.pattern[i] == '{') {
                    expression += "*";
                    i = route.pattern.find('}', i);
                } else {
                    expression += route.pattern[i];
                }
            }
            if (!fits(expression, request.path)) continue;
            std::string method(word_of(request.method));
            for (char& c : method)
                c = static_cast<char>(std::tolower(c));
            const json& responses = document_["paths"][route.pattern][method]["responses"];
            const std::string status = std::to_string(response.status);
            if (response.status < 400) {
                ASSERT_TRUE(responses.contains(status)) << method << " " << route.pattern << " " << status;
            }
            const json& described = responses.contains(status) ? responses[status] : responses["default"];
            if (!described.contains("content")) {
                EXPECT_FALSE(response.body) << method << " " << route.pattern;
                return;
            }
            if (response.content_type != "application/json") return;
            const json value = body_of(response);
            EXPECT_EQ(misfit(document_, described["content"]["application/json"]["schema"], value, "body"), "")
                << method << " " << route.pattern << " " << status;
            if (response.status < 300) answered_.insert(method + " " + route.pattern);
            return;
        }
    }
    static bool fits(std::string_view expression, std::string_view path) {
        while (!expression.empty()) {
            if (expression.front() == '*') {
                const std::size_t end = std::min(path.find('/'), path.size());
                if (end == 0) return false;
                path.remove_prefix(end);
            } else {
                if (path.empty() || path.front() != expression.front()) return false;
                path.remove_prefix(1);
            }
            expression.remove_prefix(1);
        }
        return path.empty();
    }

    FakeOffice office_;
    FakeField field_;
    FakeDesk desk_{office_.cards()};
    EventHub hub_{100, 1};
    std::vector<std::string> faults_;
    json document_ = json::parse(openapi_text());
    OfficeApi api_;
    std::string role_;
    std::set<std::string> answered_;
};

// Somebody writes a program from the description and finds a route that is not there, or never learns of one that is.
TEST_F(OfficeApiTest, DescriptionAndRoutesAgreeBothWays) {
    std::set<std::string> described;
    for (const auto& [path, methods] : document_["paths"].items())
        for (const auto& [method, operation] : methods.items())
            described.insert(method + " " + path);
    std::set<std::string> served;
    for (const Route& route : api_.router().routes()) {
        std::string method(word_of(route.method));
        for (char& c : method)
            c = static_cast<char>(std::tolower(c));
        served.insert(method + " " + route.pattern);
        const json& operation = document_["paths"][route.pattern][method];
        json roles = json::array();
        for (Role role : kRoles)
            if (route.roles.has(role)) roles.push_back(word(role));
        EXPECT_EQ(operation.value("x-roles", json::array()), roles) << method << " " << route.pattern;
    }
    EXPECT_EQ(described, served);
}

// What a reader saw is told to the office as something else, or half of it.
TEST_F(OfficeApiTest, SectorsOfACardComeThroughAndNothingMalformedDoes) {
    be("cashier");
    const std::string zeros(96, '0');
    std::string record = zeros;
    record.replace(0, 6, "c1ff0a");
    ask(Method::kPost, "/api/v1/desk/look",
        {{"uid", "A1B2C3D4"}, {"sectors", "1 ours " + record + "\n2 torn -\n15 transport " + zeros}});
    ASSERT_EQ(desk_.seen.sectors.size(), 3u);
    EXPECT_EQ(desk_.seen.sectors[0].sector, 1);
    EXPECT_EQ((*desk_.seen.sectors[0].record)[1], 0xFF);
    EXPECT_EQ((*desk_.seen.sectors[0].record)[2], 0x0A);
    EXPECT_EQ(desk_.seen.sectors[1].opens, SectorOpens::kTorn);
    EXPECT_FALSE(desk_.seen.sectors[1].record);
    EXPECT_EQ(desk_.seen.sectors[2].sector, 15);
    for (const std::string& bad : {std::string("1"), std::string("1 ours"), "16 ours " + zeros, "x ours " + zeros,
                                   "1 mine " + zeros, "1 ours " + zeros + "0", "1 ours " + std::string(96, 'G'),
                                   std::string("1 ours -\n1 ours -"), std::string(" ours -")})
        EXPECT_EQ(code_of(ask(Method::kPost, "/api/v1/desk/look", {{"uid", "A1B2C3D4"}, {"sectors", bad}})),
                  "bad_field")
            << bad;
    EXPECT_EQ(code_of(ask(Method::kPost, "/api/v1/desk/keys", {{"uid", "a1b2c3d4"}})), "card_not_usable");
    EXPECT_EQ(code_of(ask(Method::kPost, "/api/v1/desk/orders",
                          {{"kind", "ticket"}, {"uid", "A1B2C3D4"}, {"sectors", "1 ours -"}})),
              "no_idempotency_key");
    be("technician");
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/desk/orders",
                       {{"kind", "ticket"}, {"uid", "A1B2C3D4"}, {"sectors", "1 ours -"}})
                  .status,
              403);
    be("auditor");
    EXPECT_EQ(ask(Method::kPost, "/api/v1/desk/keys", {{"uid", "A1B2C3D4"}}).status, 403);
}

// A slip in the list of boxes makes a card for another box, or for none.
TEST_F(OfficeApiTest, AWarrantThatIsNotUnderstoodIsRefused) {
    be("technician");
    const auto code = [&](json body) {
        body["reason"] = "works";
        return code_of(with_key(Method::kPost, "/api/v1/warrants", body));
    };
    EXPECT_EQ(code({{"kind", "clear"}, {"boxes", "202600001"}}), "bad_field");
    EXPECT_EQ(code({{"kind", "clear"}, {"boxes", "2026000001,2026000002"}}), "bad_field");
    EXPECT_EQ(code({{"kind", "restore"}, {"boxes", "2026000001"}, {"restores", "everything"}}), "bad_field");
    EXPECT_EQ(code({{"kind", "household"}, {"boxes", "2026000001"}}), "bad_field");
    EXPECT_EQ(code({{"kind", "clear"}}), "bad_argument") << "no box";
    be("cashier");
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/desk/warrants/1", {{"uid", "A1B2C3D4"}, {"sectors", "1 ours -"}}).status,
              403);
}

// A page shows "undefined kWh" because the answer lacks a field that the description promises.
TEST_F(OfficeApiTest, EveryRouteAnswersWhatItsDescriptionPromises) {
    be("owner");
    ask(Method::kGet, "/api/v1/session");
    ask(Method::kGet, "/api/v1/site");
    ask(Method::kGet, "/api/v1/households?q=0101&limit=5");
    ask(Method::kGet, "/api/v1/households/1");
    ask(Method::kGet, "/api/v1/households/2");
    with_key(Method::kPost, "/api/v1/sales", {{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}});
    ask(Method::kGet, "/api/v1/sales/1");
    ask(Method::kGet, "/api/v1/sales?limit=3");
    ask(Method::kGet, "/api/v1/households/1/sales");
    ask(Method::kGet, "/api/v1/households/1/entries");
    ask(Method::kGet, "/api/v1/households/1/readings?step=hour");
    ask(Method::kGet, "/api/v1/households/1/live");
    ask(Method::kGet, "/api/v1/households/1/jobs");
    with_key(Method::kPost, "/api/v1/households/1/relay", {{"action", "off"}, {"reason", "works on the riser"}});
    with_key(Method::kPost, "/api/v1/households/1/force", {{"minutes", 30}, {"reason", "exam"}});
    with_key(Method::kPost, "/api/v1/households/1/acknowledge", {{"reason", "asked at the desk"}});
    with_key(Method::kPut, "/api/v1/households/1/alarms",
             {{"low_ckwh", 1000}, {"cutoff_ckwh", 300}, {"overdraft_ckwh", 0}});
    with_key(Method::kPost, "/api/v1/households/1/reset-lockout", {{"reason", "kettle is gone"}});
    with_key(Method::kPost, "/api/v1/households/1/clear", {{"reason", "moved out"}});
    ask(Method::kGet, "/api/v1/households/1/settings");
    ask(Method::kGet, "/api/v1/warrants?limit=5");
    ask(Method::kGet, "/api/v1/warrants/1");
    with_key(Method::kPost, "/api/v1/warrants",
             {{"kind", "restore"},
              {"boxes", "2026000001 2026000002"},
              {"restores", "overload cutoff_alarm"},
              {"valid_hours", 5},
              {"reason", "kettle is gone"}});
    EXPECT_EQ(office_.warrants().asked.wish.boxes, (std::vector<std::uint64_t>{2026000001, 2026000002}));
    EXPECT_EQ(office_.warrants().asked.wish.restored, (Restored{true, false, true}));
    EXPECT_EQ(office_.warrants().asked.wish.valid_hours, 5);
    ask(Method::kPost, "/api/v1/warrants/1/withdraw", {{"reason", "not needed"}});
    with_key(Method::kPost, "/api/v1/desk/warrants/1", {{"uid", "A1B2C3D4"}, {"sectors", "1 transport -"}});
    EXPECT_EQ(desk_.ordered.warrant, WarrantId{1});
    ask(Method::kPost, "/api/v1/campaigns/preview", {{"selection", "floor 1 5"}, {"wish", "remote_off"}});
    with_key(Method::kPost, "/api/v1/campaigns",
             {{"selection", "all"}, {"wish", "alarms 1000 200 0"}, {"reason", "winter"}, {"repeat", "daily"}});
    ask(Method::kGet, "/api/v1/campaigns");
    ask(Method::kGet, "/api/v1/campaigns/1");
    ask(Method::kGet, "/api/v1/campaigns/1/members?state=failed");
    ask(Method::kPost, "/api/v1/refunds/preview", {{"sale_id", 3}, {"amount_fen", 0}});
    ask(Method::kPost, "/api/v1/corrections/preview",
        {{"sale_id", 3}, {"right_household_id", 2}, {"right_amount_fen", 0}});
    ask(Method::kPost, "/api/v1/households/1/settlement/preview", json::object());
    EXPECT_EQ(
        body_of(ask(Method::kPost, "/api/v1/price-plans/preview",
                    {{"content", "stepped energy month 5000:6400,0:9000 fee 0 0"}, {"amount_fen", 10'000}}))["given"],
        5000 + (10'000 - 3200) * 100 / 90)
        << "50 kWh at 0.64, the rest of 100 yuan at 0.90";
    ask(Method::kPost, "/api/v1/price-plans/preview", {{"content", "cheap"}, {"amount_fen", 10'000}});
    json archive = body_of(ask(Method::kGet, "/api/v1/archive/settings"));
    archive["reason"] = "a larger disk";
    ask(Method::kPut, "/api/v1/archive/settings", archive);
    for (const char* action : {"pause", "resume", "cancel", "retry"})
        ask(Method::kPost, std::string("/api/v1/campaigns/1/") + action, json::object());
    ask(Method::kGet, "/api/v1/groups");
    ask(Method::kPut, "/api/v1/groups", {{"name", "floor 5"}, {"households", "1 2"}});
    ask(Method::kGet, "/api/v1/lines/1/quality");
    ask(Method::kGet, "/api/v1/ticket-questions");
    ask(Method::kGet, "/api/v1/jobs/7");
    ask(Method::kGet, "/api/v1/boxes/2026000001/wall");
    ask(Method::kGet, "/api/v1/lines");
    ask(Method::kPut, "/api/v1/price", {{"price_e4", 6800}});
    ask(Method::kGet, "/api/v1/users");
    ask(Method::kPost, "/api/v1/users",
        {{"user", "desk2"}, {"name", "Desk 2"}, {"role", "cashier"}, {"password", "long-enough"}});
    ask(Method::kPut, "/api/v1/users/1",
        {{"name", "The owner"}, {"role", "owner"}, {"disabled", false}, {"reason", "married"}});
    ask(Method::kPut, "/api/v1/users/9/password", {{"password", "long-enough"}});
    for (const char* question : {"/bookings/42", "/bookings/42/dues", "/dues", "/households/1/bookings?limit=5",
                                 "/households/1/account", "/households/1/residents", "/drawers", "/drawers/1/movements",
                                 "/price-plans", "/households/1/preview?amount_fen=5000", "/quota-rules"})
        ask(Method::kGet, std::string("/api/v1") + question);
    for (const auto& [target, body] : std::vector<std::pair<const char*, json>>{
             {"/refunds", {{"sale_id", 3}, {"amount_fen", 0}, {"reason", "moves out"}}},
             {"/bookings/42/payout", {{"part", 0}, {"drawer_id", 1}, {"reason", "signed"}}},
             {"/corrections",
              {{"sale_id", 3}, {"right_household_id", 2}, {"right_amount_fen", 0}, {"reason", "wrong room"}}},
             {"/households/1/grants", {{"given", 800}, {"reason", "November"}}},
             {"/households/1/settlement", {{"reason", "moves out"}}},
             {"/households/1/opening", {{"reason", "moves in"}}},
             {"/households/1/reopening", {{"reason", "empty memory"}}},
             {"/households/1/ticket-answer",
              {{"answer", "take_meters"}, {"contains_ticket", 2}, {"reason", "the backup was of last night"}}},
             {"/households/1/ticket-answer", {{"answer", "take_offices"}, {"reason", "their ticket was a test"}}},
             {"/households/1/move", {{"to_household_id", 2}, {"reason", "other room"}}},
             {"/households/1/box", {{"box_number", "2026000001"}, {"household_number", 3}, {"reason", "burnt out"}}},
             {"/households/1/residents", {{"name", "Han"}, {"phone", "1"}}},
             {"/drawers/1/open", {{"counted_fen", 100}, {"reason", "morning"}}},
             {"/drawers/1/count", {{"counted_fen", 100}, {"reason", "noon"}}},
             {"/drawers/1/empty", {{"counted_fen", 100}, {"reason", "night"}}},
             {"/price-plans",
              {{"name", "2027"},
               {"group", 0},
               {"valid_from_at", kFakeNow.ms},
               {"content", "flat energy month 0:6400 fee 0 0"},
               {"reason", "new year"}}}})
        EXPECT_EQ(with_key(Method::kPost, std::string("/api/v1") + target, body).status, 201) << target;
    ask(Method::kPost, "/api/v1/drawers", {{"name", "Desk 2"}});
    ask(Method::kPost, "/api/v1/quotas");
    ask(Method::kPut, "/api/v1/households/1/price-group", {{"group", 2}, {"reason", "a shop now"}});
    ask(Method::kPut, "/api/v1/quota-rules",
        {{"group", 0}, {"per", "room"}, {"quota_ckwh", 800}, {"quota_fen", 0}, {"reason", "from November on"}});
    ask(Method::kDelete, "/api/v1/residents/3");
    ask(Method::kGet, "/api/v1/audit?limit=5&action=household&user=owner&from=1&to=2");
    ask(Method::kGet, "/api/v1/audit/head");
    ask(Method::kGet, "/api/v1/approvals?state=waiting");
    ask(Method::kGet, "/api/v1/approvals/3");
    ask(Method::kPost, "/api/v1/approvals/3/approve", json::object());
    ask(Method::kPost, "/api/v1/approvals/3/refuse", {{"reason", "too dear"}});
    ask(Method::kGet, "/api/v1/cards?limit=3");
    ask(Method::kGet, "/api/v1/cards/1");
    ask(Method::kGet, "/api/v1/households/1/cards");
    ask(Method::kGet, "/api/v1/card-rules");
    ask(Method::kPut, "/api/v1/card-rules", {{"swipe_after_lockout", "releases"}, {"reason", "dormitories"}});
    const std::string sector = "1 ours " + std::string(96, '0');
    ask(Method::kPost, "/api/v1/desk/keys", {{"uid", "A1B2C3D4"}});
    ask(Method::kPost, "/api/v1/desk/look", {{"uid", "A1B2C3D4"}, {"sectors", sector + "\n15 none -"}});
    with_key(Method::kPost, "/api/v1/desk/orders", {{"kind", "ticket"}, {"uid", "A1B2C3D4"}, {"sectors", sector}});
    ask(Method::kPost, "/api/v1/desk/writes/9/done", {{"uid", "A1B2C3D4"}, {"sectors", sector}});
    ask(Method::kPost, "/api/v1/cards/1/end", {{"how", "lost"}, {"reason", "says so"}});
    ask(Method::kGet, "/api/v1/approval_rules");
    ask(Method::kPut, "/api/v1/approval_rules",
        {{"two_people", "always"}, {"refund_max_fen", 10'000}, {"households_max", 20}, {"valid_min", 60}});
    ask(Method::kGet, "/api/v1/work?state=open&kind=x&household_id=1");
    ask(Method::kGet, "/api/v1/work/5");
    ask(Method::kPut, "/api/v1/work/5/assigned_to", {{"user", "technician"}});
    ask(Method::kPost, "/api/v1/work/5/comments", {{"text", "was there"}});
    ask(Method::kPost, "/api/v1/work/5/resolution", {{"text", "the meter was exchanged"}});
    ask(Method::kPost, "/api/v1/reconcile", json::object());
    ask(Method::kPost, "/api/v1/statements",
        {{"channel", "transfer"}, {"from", 1}, {"to", 2}, {"csv", "time,reference,order_id,amount_yuan,kind\n"}});
    ask(Method::kPost, "/api/v1/buildings/1/head_readings", {{"at", 1'790'000'000'000}, {"forward_ckwh", 5}});
    ask(Method::kGet, "/api/v1/audit/verify");
    ask(Method::kGet, "/api/v1/archive");
    ask(Method::kGet, "/api/v1/reports/consumption?month=2026-11");
    ask(Method::kGet, "/api/v1/households/1/closings");
    ask(Method::kGet, "/api/v1/health");
    ask(Method::kGet, "/api/v1/openapi.json");
    EXPECT_TRUE(ask(Method::kGet, "/api/v1/live").is_event_stream);
    ask(Method::kDelete, "/api/v1/session");
    // These two end without a body or as a stream.
    answered_.insert("get /api/v1/live");
    answered_.insert("delete /api/v1/session");
    answered_.insert("post /api/v1/buildings/{id}/head_readings");
    answered_.insert("put /api/v1/users/{id}/password");
    for (const Route& route : api_.router().routes()) {
        std::string method(word_of(route.method));
        for (char& c : method)
            c = static_cast<char>(std::tolower(c));
        EXPECT_TRUE(answered_.contains(method + " " + route.pattern))
            << "never asked: " << method << " " << route.pattern;
    }
}

// An auditor's account sells electricity, or a cashier switches a room off out of spite.
TEST_F(OfficeApiTest, EachRoleMayDoWhatItsRoutesSayAndNothingElse) {
    for (const Role role : kRoles) {
        be(std::string(word(role)));
        for (const Route& route : api_.router().routes()) {
            if (route.pattern == "/api/v1/session") continue;  // would sign out
            std::string target = route.pattern;
            if (const std::size_t brace = target.find('{'); brace != std::string::npos)
                target.replace(brace, target.find('}') - brace + 1, "1");
            const Response response = ask(route.method, target, route.method == Method::kGet ? json() : json::object());
            const bool may = route.roles.bits == kAnyone.bits || route.roles.has(role);
            EXPECT_EQ(response.status == 403, !may) << word(role) << " " << word_of(route.method) << " " << target;
            if (response.status == 403) {
                EXPECT_EQ(code_of(response), "no_right");
            }
        }
    }
    EXPECT_EQ(office_.sales_made, 0);
}

TEST_F(OfficeApiTest, ACampaignThatMakesNoSenseIsRefusedBeforeAnybodyIsReached) {
    // "floor 5" without its building, a force of two days, no reason for the journal.
    be("owner");
    const auto start = [&](const char* selection, const char* wish, const char* reason) {
        return with_key(Method::kPost, "/api/v1/campaigns",
                        {{"selection", selection}, {"wish", wish}, {"reason", reason}})
            .status;
    };
    EXPECT_EQ(start("all", "remote_off", "works"), 202);
    EXPECT_EQ(start("floor 5", "remote_off", "works"), 400);
    EXPECT_EQ(start("all", "explode", "works"), 400);
    EXPECT_EQ(start("all", "remote_off", ""), 400);
    EXPECT_EQ(ask(Method::kPost, "/api/v1/campaigns/preview", {{"selection", "all"}, {"wish", "force 2880"}}).status,
              400);
}

TEST_F(OfficeApiTest, APreviewOfMoneyShowsWhoIsPaidAndWhatTheAccountIsAfterAndBooksNothing) {
    // The clerk agrees to figures that the page has guessed.
    be("cashier");
    const json preview = body_of(ask(Method::kPost, "/api/v1/refunds/preview", {{"sale_id", 3}, {"amount_fen", 1000}}));
    EXPECT_EQ(office_.accounts().last_preview, "cashier refund 3 1000 ");
    EXPECT_EQ(office_.accounts().last_change, "") << "nothing was changed";
    EXPECT_EQ(preview["pays"][0]["channel"], "cash");
    EXPECT_EQ(preview["pays"][0]["amount_fen"], 1000);
    EXPECT_EQ(preview["accounts"][0]["before"]["remaining"], 4000);
    EXPECT_EQ(preview["accounts"][0]["after"]["remaining"], 4000 - 1562);
    EXPECT_EQ(preview["needs_two"], true);
    EXPECT_FALSE(preview["bookings"][0].contains("id")) << "it has no number before it is booked";
    ask(Method::kPost, "/api/v1/refunds/preview", {{"sale_id", 3}, {"amount_fen", 0}});
    EXPECT_EQ(office_.accounts().last_preview, "cashier refund 3 all") << "0 is all of it";
    office_.accounts().refuse = Refusal{Reason::kNothingToRefund, "Nothing remains.", 0};
    EXPECT_EQ(code_of(ask(Method::kPost, "/api/v1/refunds/preview", {{"sale_id", 3}, {"amount_fen", 0}})),
              "nothing_to_refund");
}

TEST_F(OfficeApiTest, SettingsOfTheArchiveAreSetAllAtOnceByTheOwnerWithAReason) {
    // A year of readings goes, and nobody knows who said so nor why.
    be("owner");
    const json before = body_of(ask(Method::kGet, "/api/v1/archive/settings"));
    json settings = before;
    settings["raw_days"] = 30;
    EXPECT_EQ(ask(Method::kPut, "/api/v1/archive/settings", settings).status, 400) << "no reason";
    settings["reason"] = "a small disk";
    json partly = settings;
    partly.erase("day_days");
    EXPECT_EQ(ask(Method::kPut, "/api/v1/archive/settings", partly).status, 400) << "not all of them";
    json impossible = settings;
    impossible["hour_days"] = 29;
    const auto refused = ask(Method::kPut, "/api/v1/archive/settings", impossible);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(code_of(refused), "bad_argument");
    EXPECT_EQ(body_of(ask(Method::kGet, "/api/v1/archive/settings")), before);
    be("technician");
    EXPECT_EQ(ask(Method::kPut, "/api/v1/archive/settings", settings).status, 403);
    be("owner");
    EXPECT_EQ(body_of(ask(Method::kPut, "/api/v1/archive/settings", settings))["raw_days"], 30);
    EXPECT_EQ(office_.archive().last_change, "owner 10.0.0.7 a small disk");
    EXPECT_EQ(body_of(ask(Method::kGet, "/api/v1/archive/settings"))["raw_days"], 30);
}

TEST_F(OfficeApiTest, MembersOfACampaignAreAskedForByStateAndPage) {
    // A technician is told "3 failed" and has to guess which doors to knock at.
    be("technician");
    const json answer = body_of(ask(Method::kGet, "/api/v1/campaigns/1/members?state=failed&after=5&limit=10"));
    EXPECT_EQ(office_.campaigns_fake().last_question, "failed 5 10");
    EXPECT_EQ(answer["members"][0]["room"], "3-0107");
    EXPECT_EQ(answer["members"][0]["problem"], "the meter refused it");
    ask(Method::kGet, "/api/v1/campaigns/1/members");
    EXPECT_EQ(office_.campaigns_fake().last_question, "all 0 200");
    EXPECT_EQ(ask(Method::kGet, "/api/v1/campaigns/1/members?state=broken").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/campaigns/1/members?limit=1001").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/campaigns/2/members").status, 404);
}

TEST_F(OfficeApiTest, ACampaignIsStartedInTheNameAndFromTheAddressOfWhoeverAsks) {
    // The journal said "api" of everybody: which desk switched the house off could not be found out.
    be("technician");
    ask(Method::kPost, "/api/v1/campaigns/preview", {{"selection", "price_group 2"}, {"wish", "remote_off"}});
    EXPECT_EQ(office_.campaigns_fake().last_actor.user, "technician");
    with_key(Method::kPost, "/api/v1/campaigns",
             {{"selection", "price_group 2"}, {"wish", "remote_off"}, {"reason", "works"}});
    EXPECT_EQ(office_.campaigns_fake().last_actor.user, "technician");
    EXPECT_EQ(office_.campaigns_fake().last_actor.from, "10.0.0.7");
}

TEST_F(OfficeApiTest, NobodyIsLetInWithoutASession) {
    // A page left open over the weekend goes on selling.
    for (const Route& route : api_.router().routes()) {
        if (route.roles.bits == kAnyone.bits) continue;
        std::string target = route.pattern;
        if (const std::size_t brace = target.find('{'); brace != std::string::npos)
            target.replace(brace, target.find('}') - brace + 1, "1");
        const Response response = ask(route.method, target, route.method == Method::kGet ? json() : json::object());
        EXPECT_EQ(response.status, 401) << target;
        EXPECT_EQ(code_of(response), "not_signed_in");
    }
    EXPECT_EQ(ask(Method::kPost, "/api/v1/session", {{"user", "owner"}, {"password", "wrong-horse"}}).status, 401);
}

TEST_F(OfficeApiTest, ACookieCannotBeUsedByAFormOfAnotherSite) {
    // A page of somebody else makes the cashier's browser sell electricity to its author.
    be("owner");
    role_.clear();
    const json order{{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}};
    const Header cookie{"cookie", "theme=dark; prewatt_session=token-of-owner"};
    const Response without = ask(Method::kPost, "/api/v1/sales", order, {cookie, {"idempotency-key", "k"}});
    EXPECT_EQ(without.status, 403);
    EXPECT_EQ(code_of(without), "no_prewatt_header");
    EXPECT_EQ(office_.sales_made, 0);
    EXPECT_EQ(ask(Method::kPost, "/api/v1/sales", order, {cookie, {"idempotency-key", "k"}, {"x-prewatt", "1"}}).status,
              201);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/site", nullptr, {cookie}).status, 200);
}

TEST_F(OfficeApiTest, TheCookieIsOutOfReachOfScriptsAndEndsWithTheSession) {
    // A script in a page reads the session and sends it away.
    const Response in = ask(Method::kPost, "/api/v1/session", {{"user", "owner"}, {"password", "correct-horse"}});
    std::string cookie;
    for (const Header& header : in.headers)
        if (header.name == "Set-Cookie") cookie = header.value;
    EXPECT_TRUE(cookie.starts_with("prewatt_session=token-of-owner;"));
    EXPECT_NE(cookie.find("HttpOnly"), std::string::npos);
    EXPECT_NE(cookie.find("SameSite=Strict"), std::string::npos);
    role_ = "owner";
    EXPECT_EQ(ask(Method::kDelete, "/api/v1/session").status, 204);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/session").status, 401);
}

TEST_F(OfficeApiTest, ARefundReachesTheAccountsAsItWasAskedFor) {
    // A refund of "all" that arrives as a refund of nothing, or one of a part as one of all.
    be("cashier");
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 1000}, {"reason", "x"}}, "k-9")
                  .status,
              201);
    EXPECT_EQ(office_.accounts().last_change, "refund 3 1000 ");
    EXPECT_EQ(office_.accounts().last_order_id, "k-9");
    with_key(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 0}, {"reason", "x"}});
    EXPECT_EQ(office_.accounts().last_change, "refund 3 all");
    EXPECT_EQ(ask(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 0}, {"reason", "x"}}).status, 400);
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 0}}).status, 400)
        << "without a reason";
    office_.accounts().refuse = Refusal{Reason::kNeedsApproval, "two", 17};
    const Response refused =
        with_key(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 0}, {"reason", "x"}});
    EXPECT_EQ(refused.status, 409);
    EXPECT_EQ(code_of(refused), "needs_approval");
    EXPECT_EQ(json::parse(*refused.body)["error"]["details"]["approval_id"], 17) << "where it waits";
    be("auditor");
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/refunds", {{"sale_id", 3}, {"amount_fen", 0}, {"reason", "x"}}).status,
              403);
}

TEST_F(OfficeApiTest, ADoubleClickSellsOnce) {
    // The cashier's Enter key bounces; the student pays twice.
    be("cashier");
    const json order{{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}};
    const Response first = with_key(Method::kPost, "/api/v1/sales", order);
    const Response second = with_key(Method::kPost, "/api/v1/sales", order);
    EXPECT_EQ(first.status, 201);
    EXPECT_EQ(second.status, 201);
    EXPECT_EQ(*first.body, *second.body);
    EXPECT_EQ(office_.sales_made, 1);
}

TEST_F(OfficeApiTest, ASaleWithoutAKeyIsRefused) {
    // A program that forgets the key sells twice after a broken connection.
    be("cashier");
    const Response response =
        ask(Method::kPost, "/api/v1/sales", {{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}});
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(code_of(response), "no_idempotency_key");
    EXPECT_EQ(office_.sales_made, 0);
    EXPECT_EQ(with_key(Method::kPost, "/api/v1/sales", json::object(), std::string(65, 'a')).status, 400);
}

TEST_F(OfficeApiTest, BadInputIsRefusedInWordsAndChangesNothing) {
    // "20.00" is read as 20 fen, or 1e3 as a thousand.
    be("owner");
    const auto raw = [this](const std::string& body, const std::string& type = "application/json") {
        Request request;
        request.method = Method::kPost;
        EXPECT_TRUE(request.set_target("/api/v1/sales"));
        request.headers = {
            {"authorization", "Bearer token-of-owner"}, {"content-type", type}, {"idempotency-key", "k"}};
        request.body = body;
        const Response response = api_.handle(request);
        EXPECT_EQ(response.status, 400) << body;
        return code_of(response);
    };
    EXPECT_EQ(raw(""), "bad_json");
    EXPECT_EQ(raw("{"), "bad_json");
    EXPECT_EQ(raw("[]"), "bad_json");
    EXPECT_EQ(raw("null"), "bad_json");
    EXPECT_EQ(raw("{\"household_id\":1,\"household_id\":2,\"amount_fen\":1,\"channel\":\"cash\"}"), "bad_json");
    EXPECT_EQ(raw(std::string(5000, '[')), "bad_json");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":2000,\"channel\":\"cash\"}", "text/plain"), "bad_content_type");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":20.0,\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":1e3,\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":\"2000\",\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":18446744073709551615,\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":99999999999999999999,\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":0,\"amount_fen\":2000,\"channel\":\"cash\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":2000,\"channel\":\"gold\"}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":2000}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":2000,\"channel\":\"cash\",\"discount\":5}"), "bad_field");
    EXPECT_EQ(raw("{\"household_id\":1,\"amount_fen\":2000,\"channel\":\"\xff\"}"), "bad_json");
    EXPECT_EQ(office_.sales_made, 0);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households?limit=0").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households?limit=ten").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households/1/readings?from=5&to=5").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households/1/readings?step=week").status, 400);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households/none").status, 404);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/boxes/20260000010/wall").status, 404);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/nothing").status, 404);
    EXPECT_EQ(ask(Method::kDelete, "/api/v1/sales").status, 405);
}

TEST_F(OfficeApiTest, ARefusalOfTheOfficeKeepsItsWordAndSaysWhatToDo) {
    // The desk shows "error 500" for a limit, and the cashier tries ten times.
    be("cashier");
    const json order{{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}};
    const std::pair<Reason, int> expected[] = {{Reason::kAmountTooLarge, 422}, {Reason::kHoarding, 422},
                                               {Reason::kOrderIdReused, 409},  {Reason::kNotFound, 404},
                                               {Reason::kStorageFull, 503},    {Reason::kLockedOut, 429}};
    for (const auto& [reason, status] : expected) {
        office_.refuse_changes = server::Refusal{reason, "in words", 42};
        const Response response = with_key(Method::kPost, "/api/v1/sales", order);
        EXPECT_EQ(response.status, status);
        EXPECT_EQ(code_of(response), word(reason));
        EXPECT_EQ(body_of(response)["error"]["message"], "in words");
    }
}

TEST_F(OfficeApiTest, AMeterThatIsSilentIsATimeOutAndNoOldValue) {
    // The page shows the load of an hour ago as if it were now.
    be("technician");
    field_.live_error = LiveError::kNoAnswer;
    const Response response = ask(Method::kGet, "/api/v1/households/1/live");
    EXPECT_EQ(response.status, 504);
    EXPECT_EQ(code_of(response), "no_answer");
    field_.live_error = LiveError::kNoLine;
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households/1/live").status, 503);
}

TEST_F(OfficeApiTest, ConsumptionIsToldWithItsQualityAsJsonAndAsCsv) {
    // The bookkeeper takes an estimate for a measurement, or a room without a reading for one that used nothing.
    be("auditor");
    FakeArchive& archive = office_.archive();
    ConsumptionRow known;
    known.id = 1;
    known.name = "3-0101";
    known.building = "3, east";
    known.households = 1;
    known.estimated = 1;
    known.consumption = energy_of_hundredths(12'305);
    known.quality = Quality::kEstimated;
    known.from = RegisterAt{energy_of_hundredths(5), {}, Quality::kMeasured, UnixTime{5}, UnixTime{7}, ""};
    known.to = RegisterAt{energy_of_hundredths(12'310), {}, Quality::kEstimated, UnixTime{9}, {}, ""};
    ConsumptionRow unknown;
    unknown.name = "3-0102";
    unknown.building = "3, east";
    unknown.households = 1;
    unknown.missing = 1;
    archive.report = {ReportLevel::kHousehold, UnixTime{5}, UnixTime{9}, true, {known, unknown}};
    const json rows =
        body_of(ask(Method::kGet, "/api/v1/reports/consumption?month=2026-11&level=household"))["consumption"];
    EXPECT_EQ(archive.asked.month, (OfficeMonth{2026, 11}));
    EXPECT_EQ(rows[0]["consumption_ckwh"], 12'305);
    EXPECT_EQ(rows[0]["quality"], "estimated");
    EXPECT_TRUE(rows[1]["consumption_ckwh"].is_null());
    const Response csv = ask(Method::kGet, "/api/v1/reports/consumption?from=2026-11-05T14&format=csv");
    EXPECT_EQ(csv.content_type, "text/csv; charset=utf-8");
    EXPECT_EQ(*csv.body,
              "building,name,consumption_kwh,quality,households,estimated,missing,corrected,from_kwh,to_kwh\r\n"
              "\"3, east\",3-0101,123.05,estimated,1,1,0,0,0.05,123.10\r\n"
              "\"3, east\",3-0102,,none,1,0,1,0,,\r\n");
    EXPECT_EQ(archive.asked.to - archive.asked.from, minutes(60));
    for (const char* wrong :
         {"", "?month=2026-13", "?month=2026-11-05", "?month=2026-11&from=2026-11", "?from=yesterday",
          "?from=2026-11-05&to=2026-11-04", "?month=2026-11&level=room", "?month=2026-11&format=xml"})
        EXPECT_EQ(ask(Method::kGet, std::string("/api/v1/reports/consumption") + wrong).status, 400) << wrong;
    archive.history = {{OfficeMonth{2026, 10}, 2, 1, UnixTime{5}, *known.to, "frozen by the meter", UnixTime{9}}};
    EXPECT_EQ(body_of(ask(Method::kGet, "/api/v1/households/1/closings"))["closings"][0]["replaces"], 1);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/households/77/closings").status, 404);
    EXPECT_EQ(body_of(ask(Method::kGet, "/api/v1/archive"))["takes_readings"], true);
}

TEST_F(OfficeApiTest, AFaultOfTheProgramIsLoggedAndTellsTheOutsideNothing) {
    // A stack of words from the database reaches a stranger's browser.
    be("owner");
    office_.throw_on_site = true;
    const Response response = ask(Method::kGet, "/api/v1/site");
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.body->find("a fault of the program"), std::string::npos);
    ASSERT_EQ(faults_.size(), 1u);
    EXPECT_EQ(faults_[0], "a fault of the program");
}

TEST_F(OfficeApiTest, AChangeReachesThoseWhoWatch) {
    // The wall goes on showing a dark room that has been lit.
    ChangeFeed feed(office_, hub_);
    be("owner");
    with_key(Method::kPost, "/api/v1/sales", {{"household_id", 1}, {"amount_fen", 2000}, {"channel", "cash"}});
    office_.tell({Change::Kind::kHousehold, 1});
    std::string all;
    for (int i = 0; i < 2000 && all.find("event: household") == std::string::npos; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        all.clear();
        for (const EventHub::Text& text : hub_.news(0, 100).texts)
            all += *text;
    }
    EXPECT_NE(all.find("id: 1\nevent: sale\ndata: {"), std::string::npos);
    EXPECT_NE(all.find("event: household\ndata: {"), std::string::npos);
}

TEST_F(OfficeApiTest, TheStreamResumesAfterTheNumberThatThePageNames) {
    // After a broken connection the page misses the confirmation of a sale.
    be("auditor");
    EXPECT_EQ(ask(Method::kGet, "/api/v1/live", nullptr, {{"last-event-id", "41"}}).events_after, 41u);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/live?last_event_id=42").events_after, 42u);
    EXPECT_EQ(ask(Method::kGet, "/api/v1/live", nullptr, {{"last-event-id", "rubbish"}}).events_after, 0u);
    EXPECT_FALSE(ask(Method::kGet, "/api/v1/live").events_after.has_value());
}

}  // namespace
}  // namespace prewatt::server::api

#include "cli/desk_agent.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "card/uid.hpp"
#include "cli/card_office.hpp"
#include "sim/card/field.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;
using server::api::Method;
using server::api::Request;
using server::api::Response;

constexpr const char* kOrigin = "https://office.example";
constexpr const char* kCode = "ABCDEFGH2345";

struct FakePlace final : CardPlace {
    std::string name() const override { return "Fake reader"; }
    std::expected<void, OfficeFailure> visit(std::chrono::milliseconds,
                                             const std::function<void(card::M1Reader&)>& what) override {
        if (field.things().empty())
            return std::unexpected(OfficeFailure{ExitCode::kNoAnswer, "no card lies on the reader", "", 0, ""});
        what(field);
        return {};
    }
    sim::Field field;
};

class DeskAgentTest : public testing::Test {
  protected:
    Response ask(Method method, std::string path, const json& body = nullptr) {
        Request request;
        request.method = method;
        EXPECT_TRUE(request.set_target(path));
        request.headers = headers_;
        if (!body.is_null()) request.body = body.dump();
        return agent_.handle(request);
    }
    static json body_of(const Response& response) { return response.body ? json::parse(*response.body) : json(); }
    static std::string code_of(const Response& response) { return body_of(response)["error"]["code"]; }
    void set(const std::string& name, const std::string& value) {
        for (auto& header : headers_)
            if (header.name == name) header.value = value;
    }
    // As the office answers /desk/keys: the factory's keys, so that a blank card reads as if it were one of ours.
    static json keys() {
        json sectors = json::array();
        for (int k = 0; k < 16; ++k)
            sectors.push_back({{"a", "a0a1a2a3a4a5"}, {"b", "b0b1b2b3b4b5"}});
        return {{"base", 1}, {"sectors", sectors}};
    }

    FakePlace place_;
    std::chrono::steady_clock::time_point now_{};
    DeskAgent agent_{place_, kOrigin, kCode, {"127.0.0.1:8086"}, [this] { return now_; }};
    std::vector<server::api::Header> headers_{
        {"host", "127.0.0.1:8086"}, {"origin", kOrigin}, {"x-prewatt-desk", kCode}};
    sim::M1Card card_{card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4})};
};

// Any page that the clerk has open reads and writes the card on the desk.
TEST_F(DeskAgentTest, OnlyAPageOfTheOfficeThatKnowsTheCodeMayAsk) {
    place_.field.put(card_);
    const Response good = ask(Method::kGet, "/v1/state");
    EXPECT_EQ(good.status, 200);
    EXPECT_EQ(body_of(good)["card"]["uid"], "A1B2C3D4");
    set("origin", "https://elsewhere.example");
    const Response other = ask(Method::kGet, "/v1/state");
    EXPECT_EQ(code_of(other), "other_origin");
    for (const auto& header : other.headers)
        EXPECT_NE(header.name, "Access-Control-Allow-Origin");
    set("origin", "");
    EXPECT_EQ(code_of(ask(Method::kGet, "/v1/state")), "other_origin") << "a program that is no page";
    set("origin", kOrigin);
    set("host", "rebound.example:8086");
    EXPECT_EQ(code_of(ask(Method::kGet, "/v1/state")), "other_host");
    set("host", "127.0.0.1:8086");
    set("x-prewatt-desk", "abcd-efgh-2345");
    EXPECT_EQ(ask(Method::kGet, "/v1/state").status, 200) << "as a person types it";
    set("x-prewatt-desk", "ABCDEFGH234");
    EXPECT_EQ(code_of(ask(Method::kGet, "/v1/state")), "not_paired");
    EXPECT_EQ(code_of(ask(Method::kPost, "/v1/read", {{"uid", "A1B2C3D4"}, {"keys", keys()}})), "not_paired");
}

// Somebody on the machine tries codes until one fits.
TEST_F(DeskAgentTest, TenWrongCodesCloseItForAMinute) {
    place_.field.put(card_);
    set("x-prewatt-desk", "wrong");
    for (int k = 0; k < 10; ++k)
        EXPECT_EQ(code_of(ask(Method::kGet, "/v1/state")), "not_paired");
    set("x-prewatt-desk", kCode);
    EXPECT_EQ(code_of(ask(Method::kGet, "/v1/state")), "not_paired");
    now_ += std::chrono::seconds(61);
    EXPECT_EQ(ask(Method::kGet, "/v1/state").status, 200);
}

// A browser asks first whether it may, without the code.
TEST_F(DeskAgentTest, AnswersTheQuestionOfABrowserWhetherItMayAsk) {
    headers_ = {{"host", "127.0.0.1:8086"}, {"origin", kOrigin}, {"access-control-request-method", "POST"}};
    const Response may = ask(Method::kOther, "/v1/write");
    EXPECT_EQ(may.status, 204);
    std::string names;
    for (const auto& header : may.headers)
        names += header.name + "=" + header.value + ";";
    EXPECT_NE(names.find("Access-Control-Allow-Private-Network=true"), std::string::npos);
    EXPECT_NE(names.find(std::string("Access-Control-Allow-Origin=") + kOrigin), std::string::npos);
}

// The page hears "done" of a card that left, of another card, of half an order.
TEST_F(DeskAgentTest, SaysWhatBecameOfTheCard) {
    EXPECT_TRUE(body_of(ask(Method::kGet, "/v1/state"))["card"].is_null());
    const json read{{"uid", "A1B2C3D4"}, {"keys", keys()}, {"depth", "all"}};
    EXPECT_EQ(code_of(ask(Method::kPost, "/v1/read", read)), "no_card");
    place_.field.put(card_);
    const Response sight = ask(Method::kPost, "/v1/read", read);
    ASSERT_EQ(sight.status, 200);
    EXPECT_NE(body_of(sight)["sectors"].get<std::string>().find("15 transport "), std::string::npos);
    json other = read;
    other["uid"] = "01020304";
    EXPECT_EQ(code_of(ask(Method::kPost, "/v1/read", other)), "swapped");

    // A trailer as the office orders one, torn; then again.
    const std::string trailer =
        "a0a1a2a3a4a5"
        "78778869"
        "b0b1b2b3b4b5";
    const json write{{"uid", "A1B2C3D4"},
                     {"keys", keys()},
                     {"write_id", 3},
                     {"steps", {{{"sector", 2}, {"kind", "trailer"}, {"bytes", trailer}}}}};
    place_.field.tear_at(0, {3, sim::Tear::Rest::kOld});
    const Response torn = ask(Method::kPost, "/v1/write", write);
    EXPECT_EQ(code_of(torn), "no_card");
    EXPECT_TRUE(body_of(torn)["error"]["details"]["begun"].get<bool>());
    place_.field.put(card_);
    const Response done = ask(Method::kPost, "/v1/write", write);
    ASSERT_EQ(done.status, 200) << *done.body;
    EXPECT_EQ(body_of(done)["sectors"], "2 ours -");
    // What would lock the sector for ever is not sent.
    json locks = write;
    locks["steps"][0]["bytes"] =
        "a0a1a2a3a4a5"
        "78778769"
        "b0b1b2b3b4b5";
    EXPECT_EQ(code_of(ask(Method::kPost, "/v1/write", locks)), "bad_plan");
    for (const char* wrong : {"steps", "keys", "uid"}) {
        json without = write;
        without.erase(wrong);
        EXPECT_EQ(ask(Method::kPost, "/v1/write", without).status, 400) << wrong;
    }
    EXPECT_EQ(body_of(ask(Method::kGet, "/v1/progress"))["phase"], "idle");
    EXPECT_EQ(ask(Method::kGet, "/v1/else").status, 404);
}

// A path or a user in the origin, and no page ever fits it.
TEST(DeskAgentOrigin, IsWhatABrowserSends) {
    EXPECT_EQ(origin_of("HTTPS://x"), std::nullopt);
    EXPECT_EQ(origin_of("https://Office.example/"), "https://office.example");
    EXPECT_EQ(origin_of("http://10.0.0.5:8080"), "http://10.0.0.5:8080");
    EXPECT_EQ(origin_of("http://10.0.0.5:8080/app"), std::nullopt);
    EXPECT_EQ(origin_of("office.example"), std::nullopt);
    EXPECT_EQ(origin_of("https://"), std::nullopt);
}

}  // namespace
}  // namespace prewatt::cli

// Everything that the port answers: the routes of docs/formats/rest.md over an Office and its Field, and the pages
// beside them. Decides who may do what (roles per route), what a well-formed request is, and how a refusal of the
// office reads in HTTP. Money, limits and idempotency are decided by the office. Thread-safe: handle() is called by
// many threads at once and blocks until the office has answered.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "server/api/event_hub.hpp"
#include "server/api/field.hpp"
#include "server/api/router.hpp"
#include "server/api/static_pages.hpp"
#include "server/domain/card_desk.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::api {

struct OfficeApiOptions {
    std::function<UnixTime()> clock;  // wall clock; from any thread
    std::string version = "0";
    CardDesk* desk = nullptr;                                                  // outlives it; none: no routes of a desk
    std::filesystem::path ui_dir;                                              // empty: no pages
    std::function<void(std::string_view)> on_fault = [](std::string_view) {};  // an exception in a handler, for the log
};

class OfficeApi {
  public:
    // All three outlive it.
    OfficeApi(Office& office, Field& field, EventHub& hub, OfficeApiOptions options);

    [[nodiscard]] Response handle(const Request& request);
    [[nodiscard]] const Router& router() const { return router_; }

  private:
    void add_session_routes();
    void add_estate_routes();
    void add_money_routes();
    void add_command_routes();
    void add_user_routes();
    void add_accounts_routes();
    void add_account_questions();
    void add_money_previews();
    void add_account_changes();
    void add_drawer_routes();
    void add_plan_routes();
    void add_campaign_routes();
    void add_audit_routes();
    void add_approval_routes();
    void add_work_routes();
    void add_card_routes();
    void add_warrant_routes();
    void add_archive_routes();
    void add_other_routes();
    [[nodiscard]] std::expected<Caller, Problem> identify(const Request& request);

    Office& office_;
    Field& field_;
    EventHub& hub_;
    OfficeApiOptions options_;
    StaticPages pages_;
    Router router_;
    UnixTime started_at_;
};

// server/api/openapi.json as it was built in.
[[nodiscard]] std::string_view openapi_text();
// How a refusal of the office reads in HTTP.
[[nodiscard]] Problem problem_of(const server::Refusal& refusal);

}  // namespace prewatt::server::api

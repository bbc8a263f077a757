#include "server/api/office_api.hpp"

#include <algorithm>
#include <charconv>

#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr std::string_view kCookie = "prewatt_session";
constexpr Roles kSellers = roles({Role::kOwner, Role::kCashier});
constexpr Roles kSwitchers = roles({Role::kOwner, Role::kTechnician});
constexpr std::int64_t kAlarmMax_ckwh = 99'999'999;
constexpr std::int64_t kReadingsSpanMax_ms = 400LL * 24 * 3600 * 1000;
constexpr std::int64_t kDay_ms = 24LL * 3600 * 1000;
constexpr std::int64_t kTime_ms_max = 4'102'444'800'000;  // 2100-01-01

}  // namespace

std::int64_t id_in(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc{} && end == text.data() + text.size() && value > 0 ? value : 0;
}

std::expected<std::string, Problem> order_id_of(const Request& request) {
    const std::string_view key = request.header("idempotency-key");
    const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
               c == '.';
    });
    if (key.empty() || key.size() > 64 || !plain)
        return refuse(
            400, "no_idempotency_key",
            "this needs the header 'Idempotency-Key' (a UUID; 1 to 64 letters, digits, '-', '_', '.'), so that "
            "sending it twice does it once; nothing was done");
    return std::string(key);
}

Actor actor_of(const Call& call) {
    return {call.caller->user.user, call.request.remote};
}

Problem problem_of(const server::Refusal& refusal) {
    int status = 422;
    switch (refusal.reason) {
        case Reason::kNotFound:
            status = 404;
            break;
        case Reason::kBadArgument:
        case Reason::kPasswordWeak:
            status = 400;
            break;
        case Reason::kAmountNotPositive:
        case Reason::kAmountTooLarge:
        case Reason::kAmountTooSmall:
        case Reason::kHoarding:
        case Reason::kTotalTooLarge:
        case Reason::kNoMeter:
        case Reason::kPriceNotSet:
        case Reason::kAccountUnit:
        case Reason::kNothingToRefund:
        case Reason::kRefundTooLarge:
        case Reason::kOwing:
        case Reason::kNotResident:
            status = 422;
            break;
        case Reason::kAccountOpen:
        case Reason::kMeterBehind:
        case Reason::kNotCorrectable:
        case Reason::kNotDue:
        case Reason::kDrawerClosed:
        case Reason::kAccountClosed:
        case Reason::kOrderIdReused:
        case Reason::kNameTaken:
        case Reason::kLastOwner:
            status = 409;
            break;
        case Reason::kNeedsApproval:
        case Reason::kAlreadyDecided:
        case Reason::kCampaignOld:
        case Reason::kQuestionChanged:
        case Reason::kTicketsUnclear:
            status = 409;
            break;
        case Reason::kCardInUse:
        case Reason::kCardRevoked:
        case Reason::kCardUnlike:
        case Reason::kMeterUnread:
            status = 409;
            break;
        case Reason::kCardNotUsable:
            status = 422;
            break;
        case Reason::kNoRight:
            status = 403;
            break;
        case Reason::kSignInRefused:
            status = 401;
            break;
        case Reason::kLockedOut:
            status = 429;
            break;
        case Reason::kStorageFull:
        case Reason::kStorageFailed:
        case Reason::kStopping:
            status = 503;
            break;
    }
    Problem problem{status, std::string(word(refusal.reason)), refusal.message, nullptr, std::nullopt};
    switch (refusal.reason) {
        case Reason::kAmountTooLarge:
        case Reason::kRefundTooLarge:
            problem.details = std::make_shared<json>(json{{"limit_fen", refusal.limit}});
            break;
        case Reason::kNeedsApproval:
            problem.details = std::make_shared<json>(json{{"approval_id", refusal.limit}});
            break;
        case Reason::kTicketsUnclear:
            problem.details = std::make_shared<json>(json{{"contains_ticket_max", refusal.limit}});
            break;
        case Reason::kCardInUse:
        case Reason::kCardRevoked:
            problem.details = std::make_shared<json>(json{{"card", refusal.limit}});
            break;
        case Reason::kHoarding:
            problem.details = std::make_shared<json>(json{{"limit_ckwh", refusal.limit}});
            break;
        case Reason::kLockedOut:
            problem.details = std::make_shared<json>(json{{"retry_after_s", refusal.limit}});
            problem.retry_after_s = static_cast<int>(std::clamp<std::int64_t>(refusal.limit, 1, 86'400));
            break;
        default:
            break;
    }
    return problem;
}

OfficeApi::OfficeApi(Office& office, Field& field, EventHub& hub, OfficeApiOptions options)
    : office_(office),
      field_(field),
      hub_(hub),
      options_(std::move(options)),
      pages_(options_.ui_dir),
      started_at_(options_.clock()) {
    add_session_routes();
    add_estate_routes();
    add_money_routes();
    add_command_routes();
    add_user_routes();
    add_accounts_routes();
    add_campaign_routes();
    add_audit_routes();
    add_approval_routes();
    add_work_routes();
    add_card_routes();
    add_warrant_routes();
    add_archive_routes();
    add_other_routes();
}

Response OfficeApi::handle(const Request& request) {
    if (request.path != "/api" && !request.path.starts_with("/api/")) return pages_.answer(request);
    return router_.answer(request, [this](const Request& r) { return identify(r); }, options_.on_fault);
}

std::expected<Caller, Problem> OfficeApi::identify(const Request& request) {
    Caller caller;
    const std::string_view authorization = request.header("authorization");
    if (authorization.starts_with("Bearer ")) {
        caller.token = authorization.substr(7);
    } else {
        caller.token = request.cookie(kCookie);
        caller.by_cookie = true;
    }
    const auto none =
        refuse(401, "not_signed_in",
               "not signed in, or the session has ended; nothing was done; sign in with POST /api/v1/session");
    if (caller.token.empty()) return none;
    Answer<UserRecord> user = office_.session(caller.token);
    if (!user) {
        if (user.error().reason == Reason::kSignInRefused || user.error().reason == Reason::kNotFound) return none;
        return refused(user.error());
    }
    caller.user = std::move(*user);
    return caller;
}

void OfficeApi::add_session_routes() {
    router_.add(Method::kPost, "/api/v1/session", kAnyone, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string user = input.text("user", 1, 64);
        const std::string password = input.text("password", 1, 256);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const Answer<Session> session = wait<Session>(
            [&](WhenDone<Session> done) { office_.sign_in(user, password, call.request.remote, std::move(done)); });
        if (!session) return refused(session.error());
        const UserRecord& who = session->user;
        return Response::json(
                   201, {{"user", who.user}, {"name", who.name}, {"role", word(who.role)}, {"token", session->token}})
            .with("Set-Cookie", std::string(kCookie) + "=" + session->token +
                                    "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" +
                                    std::to_string(kSessionIdleMax.count() / 1'000'000));
    });
    router_.add(Method::kGet, "/api/v1/session", kAnyRole, [](const Call& call) -> Outcome {
        const UserRecord& who = call.caller->user;
        return Response::json(200, {{"user", who.user}, {"name", who.name}, {"role", word(who.role)}});
    });
    router_.add(Method::kDelete, "/api/v1/session", kAnyRole, [this](const Call& call) -> Outcome {
        const Answer<Done> ended = wait<Done>(
            [&](WhenDone<Done> done) { office_.sign_out(call.caller->token, call.request.remote, std::move(done)); });
        if (!ended) return refused(ended.error());
        return Response::empty(204).with("Set-Cookie",
                                         std::string(kCookie) + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    });
}

void OfficeApi::add_estate_routes() {
    router_.add(Method::kGet, "/api/v1/site", kAnyRole, [this](const Call&) -> Outcome {
        const Answer<SiteRecord> site = office_.site();
        if (!site) return refused(site.error());
        return Response::json(200, json_of(*site, field_.lines()));
    });
    router_.add(Method::kGet, "/api/v1/households", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 10'000);
        if (!limit) return std::unexpected(limit.error());
        const std::string_view text = call.request.parameter("q").value_or("");
        if (text.size() > 100) return refuse(400, "bad_parameter", "'q' must be 100 bytes or less");
        const auto found = office_.find_households(text, static_cast<int>(limit->value_or(50)));
        if (!found) return refused(found.error());
        json list = json::array();
        for (const HouseholdRecord& household : *found)
            list.push_back(json_of(household));
        return Response::json(200, {{"households", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/households/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto household = office_.household(HouseholdId{id_in(call.values[0])});
        if (!household) return refused(household.error());
        if (household->desired.box) field_.watch(household->desired.box);
        return Response::json(200, json_of(*household));
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/readings", kAnyRole, [this](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        const auto household = office_.household(id);
        if (!household) return refused(household.error());
        const auto from = integer_parameter(call.request, "from", 0, kTime_ms_max);
        if (!from) return std::unexpected(from.error());
        const auto to = integer_parameter(call.request, "to", 0, kTime_ms_max);
        if (!to) return std::unexpected(to.error());
        const std::int64_t end = to->value_or(options_.clock().ms + 1);
        const std::int64_t begin = from->value_or(end - kDay_ms);
        if (begin >= end || end - begin > kReadingsSpanMax_ms)
            return refuse(400, "bad_parameter", "'from' must be before 'to', by 400 days at most");
        const std::string_view step_word = call.request.parameter("step").value_or("raw");
        Step step = Step::kRaw;
        if (step_word == "hour")
            step = Step::kHour;
        else if (step_word == "day")
            step = Step::kDay;
        else if (step_word != "raw")
            return refuse(400, "bad_parameter", "'step' must be one of 'raw', 'hour', 'day'");
        const auto readings = office_.readings(id, UnixTime{begin}, UnixTime{end}, step);
        if (!readings) return refused(readings.error());
        json list = json::array();
        for (const Reading& reading : *readings)
            list.push_back(json_of(reading));
        return Response::json(200, {{"readings", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/live", kAnyRole, [this](const Call& call) -> Outcome {
        const auto household = office_.household(HouseholdId{id_in(call.values[0])});
        if (!household) return refused(household.error());
        if (household->box_number == 0)
            return refuse(422, "no_meter",
                          "room " + household->room + " is not bound to a box, so no meter can be asked");
        const auto live = field_.live(household->id);
        if (live) return Response::json(200, json_of(*live));
        const std::string meter = "the meter of room " + household->room + " (box " +
                                  box_digits(household->box_number) + ", household " +
                                  std::to_string(household->desired.number) + ")";
        switch (live.error()) {
            case LiveError::kRefused:
                return refuse(422, "meter_refused", meter + " answered that it has no such values");
            case LiveError::kNoLine:
                return refuse(503, "no_line", "the line of " + meter + " is not served; look at GET /api/v1/lines");
            case LiveError::kNoAnswer:
                break;
        }
        return refuse(504, "no_answer", meter + " did not answer; look at its line, or try again");
    });
    router_.add(Method::kGet, "/api/v1/boxes/{number}/wall", kAnyRole, [this](const Call& call) -> Outcome {
        const std::int64_t number = call.values[0].size() <= 10 ? id_in(call.values[0]) : 0;
        const auto box = office_.box(static_cast<std::uint64_t>(number));
        if (!box) return refused(box.error());
        const auto households = office_.households_of_box(box->id);
        if (!households) return refused(households.error());
        field_.watch(box->id);
        return Response::json(200, wall_of(*box, *households));
    });
    router_.add(Method::kGet, "/api/v1/lines", kAnyRole, [this](const Call&) -> Outcome {
        json list = json::array();
        for (const LineStatus& line : field_.lines())
            list.push_back(json_of(line));
        return Response::json(200, {{"lines", std::move(list)}});
    });
}

void OfficeApi::add_money_routes() {
    router_.add(Method::kPost, "/api/v1/sales", kSellers, [this](const Call& call) -> Outcome {
        SaleOrder order;
        order.accepted_at = options_.clock();
        auto order_id = order_id_of(call.request);
        if (!order_id) return std::unexpected(order_id.error());
        JsonInput input(call.request);
        order.household = HouseholdId{input.integer("household_id", 1, INT64_MAX)};
        order.amount = Money{input.integer("amount_fen", INT64_MIN, INT64_MAX)};
        order.channel = static_cast<Channel>(1 + input.choice("channel", {"cash", "transfer", "other", "wechat"}));
        order.payer = ResidentId{input.integer_or("payer_id", 0, 0, INT64_MAX)};
        order.drawer = DrawerId{input.integer_or("drawer_id", 0, 0, INT64_MAX)};
        if (auto problem = input.problem()) return std::unexpected(*problem);
        order.order_id = std::move(*order_id);
        order.operator_name = call.caller->user.user;
        const Answer<SaleAnswer> sold =
            wait<SaleAnswer>([&](WhenDone<SaleAnswer> done) { office_.sell(std::move(order), std::move(done)); });
        if (!sold) return refused(sold.error());
        Response response = Response::json(201, json_of(sold->sale));
        response.with("Location", "/api/v1/sales/" + std::to_string(sold->sale.id.value));
        if (sold->repeated) response.with("Idempotency-Replayed", "true");
        return response;
    });
    router_.add(Method::kGet, "/api/v1/sales/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto sale = office_.sale(SaleId{id_in(call.values[0])});
        if (!sale) return refused(sale.error());
        return Response::json(200, json_of(*sale));
    });
    const auto list_sales = [this](const Call& call, HouseholdId household) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto sales = office_.sales(household, SaleId{before->value_or(0)}, static_cast<int>(limit->value_or(50)));
        if (!sales) return refused(sales.error());
        json list = json::array();
        for (const SaleRecord& sale : *sales)
            list.push_back(json_of(sale));
        return Response::json(200, {{"sales", std::move(list)}});
    };
    router_.add(Method::kGet, "/api/v1/sales", kAnyRole,
                [list_sales](const Call& call) -> Outcome { return list_sales(call, HouseholdId{}); });
    router_.add(Method::kGet, "/api/v1/households/{id}/sales", kAnyRole,
                [this, list_sales](const Call& call) -> Outcome {
                    const HouseholdId id{id_in(call.values[0])};
                    if (const auto household = office_.household(id); !household) return refused(household.error());
                    return list_sales(call, id);
                });
    router_.add(Method::kGet, "/api/v1/households/{id}/entries", kAnyRole, [this](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        if (const auto household = office_.household(id); !household) return refused(household.error());
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto entries = office_.entries(id, before->value_or(0), static_cast<int>(limit->value_or(50)));
        if (!entries) return refused(entries.error());
        json list = json::array();
        for (const LedgerEntry& entry : *entries)
            list.push_back(json_of(entry));
        return Response::json(200, {{"entries", std::move(list)}});
    });
    router_.add(Method::kPut, "/api/v1/price", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const UnitPrice price{input.integer("price_e4", 1, 1'000'000)};
        const std::string reason = input.text_or("reason", "", 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const Answer<Done> set =
            wait<Done>([&](WhenDone<Done> done) { office_.set_price(price, actor_of(call), reason, std::move(done)); });
        if (!set) return refused(set.error());
        return Response::json(200, {{"price_e4", price.count()}});
    });
}

void OfficeApi::add_command_routes() {
    // What the four have in common: the key, the household, the reason; `begin` gives it to the office.
    using Begin = std::function<void(JobOrder, WhenDone<JobRecord>)>;
    const auto command = [](const Call& call, JsonInput& input, const Begin& begin) -> Outcome {
        JobOrder order;
        auto order_id = order_id_of(call.request);
        if (!order_id) return std::unexpected(order_id.error());
        if (auto problem = input.problem()) return std::unexpected(*problem);
        order.order_id = std::move(*order_id);
        order.household = HouseholdId{id_in(call.values[0])};
        order.operator_name = call.caller->user.user;
        order.from = call.request.remote;
        const Answer<JobRecord> job =
            wait<JobRecord>([&](WhenDone<JobRecord> done) { begin(std::move(order), std::move(done)); });
        if (!job) return refused(job.error());
        return Response::json(202, json_of(*job)).with("Location", "/api/v1/jobs/" + std::to_string(job->id.value));
    };
    router_.add(Method::kPost, "/api/v1/households/{id}/relay", kSwitchers,
                [this, command](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    const bool off = input.choice("action", {"on", "off"}) == 1;
                    const std::string reason = input.text("reason", 1, 500);
                    return command(call, input, [&](JobOrder order, WhenDone<JobRecord> done) {
                        order.reason = reason;
                        office_.set_remote_hold(std::move(order), off, std::move(done));
                    });
                });
    router_.add(Method::kPost, "/api/v1/households/{id}/force", kSwitchers,
                [this, command](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    const auto minutes = static_cast<int>(input.integer("minutes", 0, 1440));
                    const std::string reason = input.text("reason", 1, 500);
                    return command(call, input, [&](JobOrder order, WhenDone<JobRecord> done) {
                        order.reason = reason;
                        office_.set_force(std::move(order), minutes, std::move(done));
                    });
                });
    router_.add(Method::kPost, "/api/v1/households/{id}/acknowledge", kSwitchers,
                [this, command](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    const std::string reason = input.text("reason", 1, 500);
                    return command(call, input, [&](JobOrder order, WhenDone<JobRecord> done) {
                        order.reason = reason;
                        office_.acknowledge(std::move(order), std::move(done));
                    });
                });
    router_.add(Method::kPut, "/api/v1/households/{id}/alarms", kSwitchers,
                [this, command](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    AlarmLevels levels;
                    levels.low = energy_of_hundredths(input.integer("low_ckwh", 0, kAlarmMax_ckwh));
                    levels.cutoff = energy_of_hundredths(input.integer("cutoff_ckwh", 0, kAlarmMax_ckwh));
                    levels.overdraft = energy_of_hundredths(input.integer("overdraft_ckwh", 0, kAlarmMax_ckwh));
                    const std::string reason = input.text_or("reason", "", 500);
                    return command(call, input, [&](JobOrder order, WhenDone<JobRecord> done) {
                        order.reason = reason;
                        office_.set_alarms(std::move(order), levels, std::move(done));
                    });
                });
    router_.add(Method::kGet, "/api/v1/jobs/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto job = office_.job(JobId{id_in(call.values[0])});
        if (!job) return refused(job.error());
        return Response::json(200, json_of(*job));
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/jobs", kAnyRole, [this](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        if (const auto household = office_.household(id); !household) return refused(household.error());
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto jobs = office_.jobs(id, static_cast<int>(limit->value_or(50)));
        if (!jobs) return refused(jobs.error());
        json list = json::array();
        for (const JobRecord& job : *jobs)
            list.push_back(json_of(job));
        return Response::json(200, {{"jobs", std::move(list)}});
    });
}

void OfficeApi::add_user_routes() {
    router_.add(Method::kGet, "/api/v1/users", kOwners, [this](const Call&) -> Outcome {
        const auto users = office_.users();
        if (!users) return refused(users.error());
        json list = json::array();
        for (const UserRecord& user : *users)
            list.push_back(json_of(user));
        return Response::json(200, {{"users", std::move(list)}});
    });
    router_.add(Method::kPost, "/api/v1/users", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        UserRecord user;
        user.user = input.text("user", 1, 64);
        user.name = input.text("name", 1, 100);
        user.role = kRoles[input.choice("role", {"owner", "cashier", "technician", "auditor"})];
        const std::string password = input.text("password", 1, 256);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const Answer<UserRecord> created = wait<UserRecord>(
            [&](WhenDone<UserRecord> done) { office_.create_user(user, password, actor_of(call), std::move(done)); });
        if (!created) return refused(created.error());
        return Response::json(201, json_of(*created));
    });
    router_.add(Method::kPut, "/api/v1/users/{id}", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        UserChange change;
        change.user = UserId{id_in(call.values[0])};
        change.name = input.text("name", 1, 100);
        change.role = kRoles[input.choice("role", {"owner", "cashier", "technician", "auditor"})];
        change.disabled = input.flag("disabled");
        change.reason = input.text_or("reason", "", 200);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const Answer<UserRecord> changed = wait<UserRecord>(
            [&](WhenDone<UserRecord> done) { office_.change_user(change, actor_of(call), std::move(done)); });
        if (!changed) return refused(changed.error());
        return Response::json(200, json_of(*changed));
    });
    router_.add(Method::kPut, "/api/v1/users/{id}/password", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string password = input.text("password", 1, 256);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const UserId user{id_in(call.values[0])};
        const Answer<Done> set = wait<Done>(
            [&](WhenDone<Done> done) { office_.set_password(user, password, actor_of(call), std::move(done)); });
        if (!set) return refused(set.error());
        return Response::empty(204);
    });
}

void OfficeApi::add_other_routes() {
    router_.add(Method::kGet, "/api/v1/live", kAnyRole, [this](const Call& call) -> Outcome {
        Response response = Response::empty(200);
        response.is_event_stream = true;
        std::string_view last = call.request.header("last-event-id");
        if (last.empty()) last = call.request.parameter("last_event_id").value_or("");
        if (!last.empty()) {
            std::uint64_t number = 0;
            const auto [end, fault] = std::from_chars(last.data(), last.data() + last.size(), number);
            // An id that we never gave reads as one that we no longer have: the page is told to load anew.
            response.events_after = fault == std::errc{} && end == last.data() + last.size() ? number : 0;
        }
        response.still_allowed = [this, token = call.caller->token] { return office_.session(token).has_value(); };
        return response;
    });
    router_.add(Method::kGet, "/api/v1/openapi.json", kAnyone, [](const Call&) -> Outcome {
        static const auto text = std::make_shared<const std::string>(openapi_text());
        Response response;
        response.body = text;
        return response.with("Cache-Control", "no-cache");
    });
    router_.add(Method::kGet, "/api/v1/health", kAnyone, [this](const Call&) -> Outcome {
        return Response::json(200, {{"status", "ok"},
                                    {"version", options_.version},
                                    {"uptime_s", (options_.clock() - started_at_).count() / 1'000'000}});
    });
}

}  // namespace prewatt::server::api

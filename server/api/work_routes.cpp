#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kTime_ms_max = 4'102'444'800'000;  // 2100-01-01
constexpr Roles kWorkers = roles({Role::kOwner, Role::kCashier, Role::kTechnician});
constexpr Roles kBookkeepers = roles({Role::kOwner, Role::kCashier});

json at(const std::optional<UnixTime>& time) {
    return time ? json(time->ms) : json(nullptr);
}

json json_of(const WorkRecord& r) {
    json comments = json::array();
    for (const WorkComment& comment : r.comments)
        comments.push_back({{"at", comment.at.ms}, {"user", comment.user}, {"text", comment.text}});
    return {{"id", r.id.value},
            {"kind", r.item.kind},
            {"state", word(r.state)},
            {"household_id", r.item.household ? json(r.item.household.value) : json(nullptr)},
            {"room", r.room},
            {"box_id", r.item.box ? json(r.item.box.value) : json(nullptr)},
            {"subject", r.item.subject},
            {"size", r.item.size},
            {"figures", r.item.figures},
            {"explanation", r.item.explanation},
            {"proposals", r.item.proposals},
            {"first_at", r.first_at.ms},
            {"last_at", r.item.at.ms},
            {"times_seen", r.times_seen},
            {"assigned_to", r.assigned_to},
            {"resolved_at", at(r.resolved_at)},
            {"resolved_by", r.resolved_by},
            {"resolution", r.resolution},
            {"closed_at", at(r.closed_at)},
            {"comments", std::move(comments)}};
}

}  // namespace

void OfficeApi::add_work_routes() {
    router_.add(Method::kGet, "/api/v1/work", kAnyRole, [this](const Call& call) -> Outcome {
        WorkFilter filter;
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto household = integer_parameter(call.request, "household_id", 1, INT64_MAX);
        if (!household) return std::unexpected(household.error());
        if (const auto text = call.request.parameter("state")) {
            filter.state = work_state_of(*text);
            if (!filter.state) return refuse(400, "bad_parameter", "'state' must be open, explained or closed");
        }
        filter.limit = static_cast<int>(limit->value_or(100));
        filter.before = WorkItemId{before->value_or(0)};
        filter.household = HouseholdId{household->value_or(0)};
        filter.kind = call.request.parameter("kind").value_or("");
        const auto found = office_.work_list().items(filter);
        if (!found) return refused(found.error());
        json list = json::array();
        for (const WorkRecord& record : *found)
            list.push_back(json_of(record));
        return Response::json(200, {{"items", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/work/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto found = office_.work_list().item(WorkItemId{id_in(call.values[0])});
        if (!found) return refused(found.error());
        return Response::json(200, json_of(*found));
    });
    // What the three have in common: a text about one item.
    using Change = void (WorkList::*)(WorkItemId, std::string, Actor, WhenDone<WorkRecord>);
    const auto change = [this](const Call& call, const char* field, std::size_t least, Change how) -> Outcome {
        JsonInput input(call.request);
        const std::string text = input.text(field, least, 2000);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto changed = wait<WorkRecord>([&](WhenDone<WorkRecord> done) {
            (office_.work_list().*how)(WorkItemId{id_in(call.values[0])}, text, actor_of(call), std::move(done));
        });
        if (!changed) return refused(changed.error());
        return Response::json(200, json_of(*changed));
    };
    router_.add(Method::kPut, "/api/v1/work/{id}/assigned_to", kWorkers,
                [change](const Call& call) { return change(call, "user", 0, &WorkList::assign); });
    router_.add(Method::kPost, "/api/v1/work/{id}/comments", kWorkers,
                [change](const Call& call) { return change(call, "text", 1, &WorkList::comment); });
    router_.add(Method::kPost, "/api/v1/work/{id}/resolution", kWorkers,
                [change](const Call& call) { return change(call, "text", 1, &WorkList::resolve); });
    router_.add(Method::kPost, "/api/v1/reconcile", kWorkers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto done = wait<ReconcileAnswer>(
            [&](WhenDone<ReconcileAnswer> when) { office_.work_list().reconcile(std::move(when)); });
        if (!done) return refused(done.error());
        return Response::json(200, {{"households", done->households},
                                    {"statement_lines", done->statement_lines},
                                    {"building_days", done->building_days},
                                    {"open_items", done->open_items}});
    });
    router_.add(Method::kPost, "/api/v1/statements", kBookkeepers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        StatementOrder order;
        const std::size_t channel = input.choice("channel", {"cash", "transfer", "other", "wechat"});
        order.from = UnixTime{input.integer("from", 0, kTime_ms_max)};
        order.to = UnixTime{input.integer("to", 1, kTime_ms_max)};
        order.csv = input.text("csv", 1, 900'000);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        order.channel = static_cast<Channel>(1 + channel);
        const auto done = wait<StatementAnswer>([&](WhenDone<StatementAnswer> when) {
            office_.work_list().import_statement(std::move(order), actor_of(call), std::move(when));
        });
        if (!done) return refused(done.error());
        return Response::json(200, {{"lines", done->lines}, {"new_lines", done->new_lines}});
    });
    router_.add(Method::kPost, "/api/v1/buildings/{id}/head_readings", kWorkers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        HeadReading reading;
        reading.building = BuildingId{id_in(call.values[0])};
        reading.at = UnixTime{input.integer("at", 0, kTime_ms_max)};
        reading.forward = energy_of_hundredths(input.integer("forward_ckwh", 0, 1'000'000'000'000));
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto done = wait<Done>([&](WhenDone<Done> when) {
            office_.work_list().record_head_readings({reading}, actor_of(call), std::move(when));
        });
        if (!done) return refused(done.error());
        return Response::empty(204);
    });
}

}  // namespace prewatt::server::api

#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

// Who may decide at all; which kind of act is decided by the office.
constexpr Roles kApprovers = roles({Role::kOwner, Role::kCashier, Role::kTechnician});

json json_of(const ApprovalRecord& r) {
    return {{"id", r.id.value},
            {"kind", word(r.kind)},
            {"action", r.action},
            {"subject", r.subject},
            {"content", r.content},
            {"content_hash", r.content_hash},
            {"asked_by", r.asked_by.user},
            {"asked_from", r.asked_by.from},
            {"reason", r.reason},
            {"asked_at", r.asked_at.ms},
            {"expires_at", r.expires_at.ms},
            {"state", word(r.state)},
            {"decided_by", r.decided_by.user},
            {"decided_at", r.decided_at ? json(r.decided_at->ms) : json(nullptr)},
            {"outcome", r.outcome}};
}

json json_of(const ApprovalRules& rules) {
    return {{"two_people", word(rules.two_people)},
            {"refund_max_fen", rules.refund_max.count()},
            {"households_max", rules.households_max},
            {"valid_min", rules.valid_for.count() / minutes(1).count()}};
}

}  // namespace

void OfficeApi::add_approval_routes() {
    router_.add(Method::kGet, "/api/v1/approvals", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        std::optional<ApprovalState> state;
        if (const auto text = call.request.parameter("state")) {
            state = approval_state_of(*text);
            if (!state)
                return refuse(400, "bad_parameter", "'state' must be waiting, done, refused, failed or expired");
        }
        const auto found = office_.approvals().requests(state, ApprovalId{before->value_or(0)},
                                                        static_cast<int>(limit->value_or(100)));
        if (!found) return refused(found.error());
        json list = json::array();
        for (const ApprovalRecord& record : *found)
            list.push_back(json_of(record));
        return Response::json(200, {{"approvals", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/approvals/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto found = office_.approvals().request(ApprovalId{id_in(call.values[0])});
        if (!found) return refused(found.error());
        return Response::json(200, json_of(*found));
    });
    router_.add(Method::kPost, "/api/v1/approvals/{id}/approve", kApprovers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto done = wait<ApprovalRecord>([&](WhenDone<ApprovalRecord> when) {
            office_.approvals().approve(ApprovalId{id_in(call.values[0])}, actor_of(call), std::move(when));
        });
        if (!done) return refused(done.error());
        return Response::json(200, json_of(*done));
    });
    router_.add(Method::kPost, "/api/v1/approvals/{id}/refuse", kApprovers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string why = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto done = wait<ApprovalRecord>([&](WhenDone<ApprovalRecord> when) {
            office_.approvals().refuse(ApprovalId{id_in(call.values[0])}, actor_of(call), why, std::move(when));
        });
        if (!done) return refused(done.error());
        return Response::json(200, json_of(*done));
    });
    router_.add(Method::kGet, "/api/v1/approval_rules", kAnyRole, [this](const Call&) -> Outcome {
        const auto rules = office_.approvals().rules();
        if (!rules) return refused(rules.error());
        return Response::json(200, json_of(*rules));
    });
    router_.add(Method::kPut, "/api/v1/approval_rules", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        ApprovalRules rules;
        rules.two_people = static_cast<TwoPeople>(input.choice("two_people", {"auto", "always", "never"}) + 1);
        rules.refund_max = fen(input.integer("refund_max_fen", 0, 1'000'000'000'000));
        rules.households_max = input.integer("households_max", 0, 1'000'000'000);
        rules.valid_for = minutes(input.integer("valid_min", 5, 86'400));
        const std::string reason = input.text_or("reason", "", 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto set = wait<Done>([&](WhenDone<Done> when) {
            office_.approvals().set_rules(rules, actor_of(call), reason, std::move(when));
        });
        if (!set) return refused(set.error());
        return Response::json(200, json_of(rules));
    });
}

}  // namespace prewatt::server::api

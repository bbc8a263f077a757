#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kTime_ms_max = 4'102'444'800'000;  // 2100-01-01

json json_of(const AuditRecord& r) {
    return {{"number", r.number}, {"at", r.at.ms},        {"user", r.who.user}, {"from", r.who.from},
            {"action", r.action}, {"subject", r.subject}, {"before", r.before}, {"after", r.after},
            {"reason", r.reason}, {"chain", r.chain}};
}

json json_of(const AuditHead& head) {
    return {{"number", head.number}, {"chain", head.chain}};
}

}  // namespace

void OfficeApi::add_audit_routes() {
    router_.add(Method::kGet, "/api/v1/audit", kReviewers, [this](const Call& call) -> Outcome {
        AuditFilter filter;
        const auto limit = integer_parameter(call.request, "limit", 1, 10'000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto from = integer_parameter(call.request, "from", 0, kTime_ms_max);
        if (!from) return std::unexpected(from.error());
        const auto to = integer_parameter(call.request, "to", 0, kTime_ms_max);
        if (!to) return std::unexpected(to.error());
        filter.limit = static_cast<int>(limit->value_or(100));
        filter.before = before->value_or(0);
        if (*from) filter.from = UnixTime{**from};
        if (*to) filter.to = UnixTime{**to};
        filter.user = call.request.parameter("user").value_or("");
        filter.action = call.request.parameter("action").value_or("");
        filter.subject = call.request.parameter("subject").value_or("");
        const auto records = office_.audit().records(filter);
        if (!records) return refused(records.error());
        json list = json::array();
        for (const AuditRecord& record : *records)
            list.push_back(json_of(record));
        return Response::json(200, {{"records", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/audit/head", kReviewers, [this](const Call&) -> Outcome {
        const auto head = office_.audit().head();
        if (!head) return refused(head.error());
        return Response::json(200, json_of(*head));
    });
    router_.add(Method::kGet, "/api/v1/audit/verify", kReviewers, [this](const Call& call) -> Outcome {
        std::optional<AuditHead> expected;
        if (const auto text = call.request.parameter("expect")) {
            expected = audit_head_of(*text);
            if (!expected)
                return refuse(
                    400, "bad_parameter",
                    "'expect' must be NUMBER:CHAIN as /audit/head gave them, the chain 64 hexadecimal digits");
        }
        const auto verdict = office_.audit().verify(std::move(expected));
        if (!verdict) return refused(verdict.error());
        return Response::json(200, {{"whole", verdict->fault == AuditFault::kNone},
                                    {"fault", word(verdict->fault)},
                                    {"number", verdict->number},
                                    {"records", verdict->records},
                                    {"head", json_of(verdict->head)},
                                    {"explanation", explain(*verdict)}});
    });
}

}  // namespace prewatt::server::api

#include "server/api/router.hpp"

#include <exception>
#include <nlohmann/json.hpp>

namespace prewatt::server::api {
namespace {

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& values) {
    values.clear();
    while (true) {
        const std::size_t pattern_end = pattern.find('/', 1);
        const std::size_t path_end = path.find('/', 1);
        const std::string_view want = pattern.substr(0, pattern_end);
        const std::string_view have = path.substr(0, path_end);
        if (want.starts_with("/{")) {
            if (have.size() < 2) return false;
            values.emplace_back(have.substr(1));
        } else if (want != have) {
            return false;
        }
        const bool pattern_done = pattern_end == std::string_view::npos;
        const bool path_done = path_end == std::string_view::npos;
        if (pattern_done || path_done) return pattern_done && path_done;
        pattern.remove_prefix(pattern_end);
        path.remove_prefix(path_end);
    }
}

Problem no_right(const Route& route, Role role) {
    nlohmann::json needed = nlohmann::json::array();
    for (Role r : kRoles)
        if (route.roles.has(r)) needed.push_back(word(r));
    Problem refusal{
        403, "no_right",
        "the role '" + std::string(word(role)) + "' may not do this; nothing was done; ask somebody who may", nullptr,
        std::nullopt};
    refusal.details = std::make_shared<nlohmann::json>(nlohmann::json{{"roles", std::move(needed)}});
    return refusal;
}

}  // namespace

void Router::add(Method method, std::string pattern, Roles roles, Handler handler) {
    routes_.push_back({method, std::move(pattern), roles, std::move(handler)});
}

Response Router::answer(const Request& request, const Identify& identify,
                        const std::function<void(std::string_view)>& on_fault) const {
    Call call{request, {}, nullptr};
    const Method method = request.method == Method::kHead ? Method::kGet : request.method;
    const Route* found = nullptr;
    std::string allowed;
    for (const Route& route : routes_) {
        if (!matches(route.pattern, request.path, call.values)) continue;
        if (route.method == method) {
            found = &route;
            break;
        }
        if (!allowed.empty()) allowed += ", ";
        allowed += word_of(route.method);
        if (route.method == Method::kGet) allowed += ", HEAD";
    }
    if (!found && !allowed.empty())
        return Problem{405, "method_not_allowed", "this path answers only to " + allowed, nullptr, std::nullopt}
            .response()
            .with("Allow", allowed);
    if (!found)
        return Problem{404, "not_found", "there is no '" + request.path + "'; /api/v1/openapi.json lists what there is",
                       nullptr, std::nullopt}
            .response();
    try {
        std::expected<Caller, Problem> caller;
        if (found->roles.bits != kAnyone.bits) {
            caller = identify(request);
            if (!caller) return caller.error().response();
            if (!found->roles.has(caller->user.role)) return no_right(*found, caller->user.role).response();
            if (caller->by_cookie && method != Method::kGet && request.header("x-prewatt") != "1")
                return Problem{
                    403, "no_prewatt_header",
                    "a write that is signed in by a cookie needs the header 'X-Prewatt: 1'; nothing was done", nullptr,
                    std::nullopt}
                    .response();
            call.caller = &*caller;
        }
        Outcome outcome = found->handler(call);
        return outcome ? std::move(*outcome) : outcome.error().response();
    } catch (const std::exception& fault) {
        on_fault(fault.what());
    }
    return Problem{
        500, "internal",
        "the office could not do this because of a fault of its own; its log says more; ask again what became of it",
        nullptr, std::nullopt}
        .response();
}

}  // namespace prewatt::server::api

// Which handler answers which method and path, and who may ask. The table is data: openapi.json is compared with it in
// both directions by a test, and the check of rights happens here, before a handler runs, so that no route can forget
// it.
//
// Decides: 404 for an unknown path, 405 with Allow for a known one, 401 not signed in, 403 no right or no X-Prewatt
// header on a write that is signed in by a cookie.
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/http.hpp"
#include "server/domain/types.hpp"

namespace prewatt::server::api {

// A set of roles.
struct Roles {
    std::uint8_t bits = 0;
    [[nodiscard]] constexpr bool has(Role role) const { return bits >> static_cast<int>(role) & 1; }
};
[[nodiscard]] constexpr Roles roles(std::initializer_list<Role> list) {
    Roles set;
    for (Role role : list)
        set.bits = static_cast<std::uint8_t>(set.bits | 1u << static_cast<int>(role));
    return set;
}
inline constexpr Role kRoles[] = {Role::kOwner, Role::kCashier, Role::kTechnician, Role::kAuditor};
inline constexpr Roles kAnyRole = roles({Role::kOwner, Role::kCashier, Role::kTechnician, Role::kAuditor});
inline constexpr Roles kAnyone{};  // no sign-in needed

// Who is asking.
struct Caller {
    UserRecord user;
    std::string token;
    bool by_cookie = false;
};

// What a handler gets: the request, what the braces of its path matched, and the caller (only when the route needs
// one).
struct Call {
    const Request& request;
    std::vector<std::string> values;
    const Caller* caller = nullptr;
};
using Handler = std::function<Outcome(const Call&)>;

struct Route {
    Method method = Method::kGet;
    std::string pattern;  // "/api/v1/households/{id}"
    Roles roles = kAnyRole;
    Handler handler;
};

class Router {
  public:
    void add(Method method, std::string pattern, Roles roles, Handler handler);
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

    using Identify = std::function<std::expected<Caller, Problem>(const Request&)>;
    // Never throws: an exception of a handler becomes 500 `internal`, and `on_fault` hears its words.
    [[nodiscard]] Response answer(const Request& request, const Identify& identify,
                                  const std::function<void(std::string_view)>& on_fault) const;

  private:
    std::vector<Route> routes_;
};

}  // namespace prewatt::server::api

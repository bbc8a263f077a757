// What the handlers of all route files (office_api.cpp, *_routes.cpp) have in common.
#pragma once
#include "server/api/office_api.hpp"
#include "server/domain/wait.hpp"

namespace prewatt::server::api {

inline constexpr Roles kOwners = roles({Role::kOwner});
inline constexpr Roles kReviewers = roles({Role::kOwner, Role::kAuditor});

[[nodiscard]] inline std::unexpected<Problem> refused(const server::Refusal& refusal) {
    return std::unexpected(problem_of(refusal));
}

// The number that stands in a path; 0: it is none.
[[nodiscard]] std::int64_t id_in(const std::string& text);
// The header Idempotency-Key, or the refusal that it is missing or malformed.
[[nodiscard]] std::expected<std::string, Problem> order_id_of(const Request& request);
// Who asks, and from which address: for the journal.
[[nodiscard]] Actor actor_of(const Call& call);

}  // namespace prewatt::server::api

// What the handlers of all route files (office_api.cpp, *_routes.cpp) have in common.
#pragma once
#include <future>

#include "server/api/office_api.hpp"

namespace prewatt::server::api {

inline constexpr Roles kOwners = roles({Role::kOwner});
inline constexpr Roles kReviewers = roles({Role::kOwner, Role::kAuditor});

// The office answers a change on a thread of its own; a handler has nothing else to do meanwhile.
template <class T, class Begin>
[[nodiscard]] Answer<T> wait_for(Begin&& begin) {
    std::promise<Answer<T>> promise;
    std::future<Answer<T>> future = promise.get_future();
    begin(WhenDone<T>([&promise](Answer<T> answer) { promise.set_value(std::move(answer)); }));
    return future.get();
}

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

#include "server/domain/users.hpp"

#include <algorithm>

namespace prewatt::server {

std::optional<Refusal> check_user_change(std::span<const UserRecord> users, const UserChange& change,
                                         const Actor& who) {
    const auto found = std::ranges::find(users, change.user, &UserRecord::id);
    if (found == users.end()) return Refusal{Reason::kNotFound, "There is no such user; nothing was changed.", 0};
    if (change.name.empty() || change.name.size() > 100)
        return Refusal{Reason::kBadArgument, "A name has 1 to 100 bytes; nothing was changed.", 100};
    const bool loses = change.disabled || change.role != found->role;
    if (loses && found->user == who.user)
        return Refusal{Reason::kNoRight,
                       "Nobody locks his own account or changes its role; another owner does. Nothing was changed.", 0};
    const auto can_own = [](const UserRecord& user) { return user.role == Role::kOwner && !user.disabled; };
    if (loses && can_own(*found) && std::ranges::count_if(users, can_own) == 1)
        return Refusal{Reason::kLastOwner,
                       "This is the last owner who can sign in; make another one first. Nothing was changed.", 0};
    return std::nullopt;
}

std::string in_words(const UserRecord& user) {
    return std::string{word(user.role)} + (user.disabled ? ", locked" : "");
}

std::optional<Role> role_in(std::string_view words) {
    return role_of(words.substr(0, words.find(',')));
}

}  // namespace prewatt::server

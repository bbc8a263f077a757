// What may be changed of a user. Pure.
//
// The account of whoever leaves is locked, not deleted: the journal and the books name it for ever. Locking ends its
// sessions at once and what it asked for is no longer carried out (check_asker in approvals.hpp).
#pragma once
#include <span>

#include "server/domain/types.hpp"

namespace prewatt::server {

struct UserChange {
    UserId user;
    std::string name;  // as shown
    Role role = Role::kAuditor;
    bool disabled = false;
    std::string reason;
};

// Nothing: `who` may. Nobody locks himself out or changes his own role, and the last owner who can sign in stays one.
[[nodiscard]] std::optional<Refusal> check_user_change(std::span<const UserRecord> users, const UserChange& change,
                                                       const Actor& who);
// As the journal has it: "cashier, locked".
[[nodiscard]] std::string in_words(const UserRecord& user);
// The role that these words begin with.
[[nodiscard]] std::optional<Role> role_in(std::string_view words);

}  // namespace prewatt::server

// `prewatt users`: who may sign in at the office, and as what.
//
//   list                                      all, with role and whether locked
//   add USER --role ROLE --name NAME          the password is asked for (login.hpp)
//   set USER --role ROLE --name NAME          what is not given stays
//   lock USER --reason WHY, unlock USER       locking ends the user's sessions at once
//   password USER                             a new one; ends the user's sessions
//
// Exit codes: 0; 2 nothing to change; 3 no such user; 5 refused by a rule; 8 not an owner; else office_client.hpp.
#pragma once
#include <optional>

#include "cli/office_client.hpp"

namespace prewatt::cli {

struct UsersListOptions {
    ServerOptions server;
    std::string output = "table";
};
struct UsersAddOptions {
    ServerOptions server;
    std::string user, name, role;
    std::string output = "table";
};
struct UsersChangeOptions {
    ServerOptions server;
    std::string user;
    std::optional<std::string> name, role;
    std::optional<bool> locked;
    std::string reason;
    bool yes = false;
    std::string output = "table";
};
struct UsersPasswordOptions {
    ServerOptions server;
    std::string user;
};
[[nodiscard]] int run(const UsersListOptions& options);
[[nodiscard]] int run(const UsersAddOptions& options);
[[nodiscard]] int run(const UsersChangeOptions& options);
[[nodiscard]] int run(const UsersPasswordOptions& options);

}  // namespace prewatt::cli

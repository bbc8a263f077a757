// `prewatt login`: signs in at an office and keeps the token for the other verbs (office_client.hpp says where).
//
//   --server URL   server.server     --user NAME   user
//   --out          out               signs out and forgets the token
//
// The password is asked for on the terminal, or is the first line of standard input; never a flag.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct LoginOptions {
    ServerOptions server;
    std::string user = "owner";
    bool out = false;
};
[[nodiscard]] int run(const LoginOptions& options);

}  // namespace prewatt::cli

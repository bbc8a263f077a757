#include "cli/login.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/password.hpp"

namespace prewatt::cli {
int run(const LoginOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    if (options.out) {
        const auto ended = client->send("DELETE", "/session", nlohmann::json::object());
        forget_session();
        if (!ended && ended.error().status != 401) return fail(ended.error());
        return code(ExitCode::kDone);
    }
    const std::string password = read_password();
    if (password.empty())
        return fail(ExitCode::kWrongUse, "no password was given",
                    "type it, or give a file: prewatt login --user NAME < FILE");
    client->use_token({});
    const auto session = client->send("POST", "/session", {{"user", options.user}, {"password", password}});
    if (!session) {
        OfficeFailure failure = session.error();
        failure.what_to_try.clear();
        return fail(failure);
    }
    if (const auto kept = keep_session(client->server(), (*session)["token"]); !kept) return fail(kept.error());
    std::fprintf(stderr, "prewatt: signed in at %s as %s (%s)\n", client->server().c_str(), options.user.c_str(),
                 (*session)["role"].get<std::string>().c_str());
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

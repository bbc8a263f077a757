#include "cli/login.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

std::string read_password() {
    std::string password;
    termios before{};
    const bool on_terminal = ::isatty(STDIN_FILENO) != 0 && ::tcgetattr(STDIN_FILENO, &before) == 0;
    if (on_terminal) {
        std::fprintf(stderr, "Password: ");
        termios quiet = before;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    std::getline(std::cin, password);
    if (on_terminal) {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        std::fprintf(stderr, "\n");
    }
    if (!password.empty() && password.back() == '\r') password.pop_back();
    return password;
}

}  // namespace

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

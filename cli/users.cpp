#include "cli/users.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/password.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;

Table table_of(const json& list) {
    Table table{"users",
                {{"id", "Number", true}, {"user", "User"}, {"name", "Name"}, {"role", "Role"}, {"state", "State"}},
                {}};
    for (const json& user : list)
        table.rows.push_back({user["id"].get<std::int64_t>(), user["user"].get<std::string>(),
                              user["name"].get<std::string>(), user["role"].get<std::string>(),
                              user["disabled"].get<bool>() ? "locked" : "may sign in"});
    return table;
}

std::expected<json, OfficeFailure> find(OfficeClient& client, const std::string& name) {
    const auto all = client.get("/users");
    if (!all) return std::unexpected(all.error());
    for (const json& user : (*all)["users"])
        if (user["user"] == name) return user;
    return std::unexpected(OfficeFailure{ExitCode::kNotFound, "there is no user '" + name + "'; nothing was done",
                                         "prewatt users list shows all", 404, "not_found"});
}

}  // namespace

int run(const UsersListOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto all = client->get("/users");
    if (!all) return fail(all.error());
    print(table_of((*all)["users"]), *format);
    return code(ExitCode::kDone);
}

int run(const UsersAddOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const std::string password = read_password("Password of the new user: ");
    if (password.empty())
        return fail(ExitCode::kWrongUse, "no password was given; nothing was done",
                    "type it, or give a file: prewatt users add NAME ... < FILE");
    const auto made = client->send("POST", "/users",
                                   {{"user", options.user},
                                    {"name", options.name.empty() ? options.user : options.name},
                                    {"role", options.role},
                                    {"password", password}});
    if (!made) return fail(made.error());
    print(table_of(json::array({*made})), *format);
    return code(ExitCode::kDone);
}

int run(const UsersChangeOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail(ExitCode::kWrongUse, "'" + options.output + "' is none of table, json, csv");
    if (!options.name && !options.role && !options.locked)
        return fail(ExitCode::kWrongUse, "nothing to change was named", "--role or --name");
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto user = find(*client, options.user);
    if (!user) return fail(user.error());
    if (options.locked == true)
        if (const ExitCode answer =
                confirm(("Lock " + options.user + " (" + (*user)["role"].get<std::string>() + ") and end its sessions?")
                            .c_str(),
                        options.yes);
            answer != ExitCode::kDone)
            return code(answer);
    const auto changed = client->send("PUT", "/users/" + std::to_string((*user)["id"].get<std::int64_t>()),
                                      {{"name", options.name.value_or((*user)["name"])},
                                       {"role", options.role.value_or((*user)["role"])},
                                       {"disabled", options.locked.value_or((*user)["disabled"])},
                                       {"reason", options.reason}});
    if (!changed) return fail(changed.error());
    print(table_of(json::array({*changed})), *format);
    return code(ExitCode::kDone);
}

int run(const UsersPasswordOptions& options) {
    auto client = OfficeClient::open(options.server);
    if (!client) return fail(client.error());
    const auto user = find(*client, options.user);
    if (!user) return fail(user.error());
    const std::string password = read_password("New password: ");
    if (password.empty())
        return fail(ExitCode::kWrongUse, "no password was given; nothing was done",
                    "type it, or give a file: prewatt users password NAME < FILE");
    const auto set = client->send("PUT", "/users/" + std::to_string((*user)["id"].get<std::int64_t>()) + "/password",
                                  {{"password", password}});
    if (!set) return fail(set.error());
    std::fprintf(stderr, "prewatt: the password of %s is set and its sessions are ended\n", options.user.c_str());
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

// Talks to an office over its REST interface: for the verbs login, sell, relay, top and read.
//
// Which office: --server, else PREWATT_SERVER, else the one of the last `prewatt login`, else http://127.0.0.1:8080.
// With which right: --token-file, else PREWATT_TOKEN, else the token that `prewatt login` kept for that office. A token
// or a password never stands on the command line.
//
// Errors have their exit code: 9 not reachable or not now, 8 not signed in or no right, 3 no such thing, 4 the meter
// was silent, 5 refused by a rule, 2 refused as malformed, 1 anything else.
#pragma once
#include <chrono>
#include <expected>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/exit_code.hpp"

namespace prewatt::cli {

// The flags that all of these verbs share.
struct ServerOptions {
    std::string server;                // --server URL
    std::filesystem::path token_file;  // --token-file FILE
};

struct OfficeFailure {
    ExitCode exit = ExitCode::kInternal;
    std::string what;
    std::string what_to_try;
    int status = 0;    // of HTTP; 0: there was no answer
    std::string code;  // of the office's refusal
};
// Prints it as every verb does, and gives the exit code.
int fail(const OfficeFailure& failure);

class OfficeClient {
  public:
    // Errors: the URL is none, the token file cannot be read.
    [[nodiscard]] static std::expected<OfficeClient, OfficeFailure> open(const ServerOptions& options);
    OfficeClient(std::string host, std::string port, std::string token)
        : host_(std::move(host)), port_(std::move(port)), token_(std::move(token)) {}

    using Answer = std::expected<nlohmann::json, OfficeFailure>;
    [[nodiscard]] Answer get(const std::string& path) const;
    [[nodiscard]] Answer send(const std::string& method, const std::string& path, const nlohmann::json& body,
                              const std::string& idempotency_key = {}) const;

    // "3-0512", or BOX:HOUSEHOLD; the one household that is meant. kNotFound lists what is similar.
    [[nodiscard]] Answer find_household(const std::string& name) const;

    void use_token(std::string token) { token_ = std::move(token); }
    // As it stands in a URL, brackets around an IPv6 address.
    [[nodiscard]] std::string authority() const {
        return (host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]") + ":" + port_;
    }
    [[nodiscard]] std::string server() const { return "http://" + authority(); }
    // How long an answer may take.
    std::chrono::milliseconds patience{15'000};

  private:
    [[nodiscard]] Answer call(const std::string& method, const std::string& path, const std::string* body,
                              const std::string& idempotency_key) const;
    std::string host_;
    std::string port_;
    std::string token_;
};

// What `prewatt login` keeps: ~/.config/prewatt/session.json (or below XDG_CONFIG_HOME), readable by its owner only.
[[nodiscard]] std::expected<void, OfficeFailure> keep_session(const std::string& server, const std::string& token);
void forget_session();

// A random UUID, for Idempotency-Key.
[[nodiscard]] std::string make_uuid();
// "100", "100.5", "100.50" as fen; nothing when it is anything else or more than 1,000,000 yuan.
[[nodiscard]] std::expected<std::int64_t, std::string> fen_of(std::string_view yuan);
// "10s", "500ms", "2m", "1h" as milliseconds.
[[nodiscard]] std::expected<std::chrono::milliseconds, std::string> span_of(std::string_view text);
// Asks on the terminal; kCancelled on anything but yes, kWrongUse when there is no terminal to ask on.
[[nodiscard]] ExitCode confirm(const std::string& question, bool yes);

}  // namespace prewatt::cli

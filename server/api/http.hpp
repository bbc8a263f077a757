// A request and an answer without a socket: what the routes work with, so that they are tested without a network.
// Header names are lower case. Nothing here throws or blocks.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prewatt::server::api {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOther };
[[nodiscard]] std::string_view word_of(Method method);

struct Header {
    std::string name;
    std::string value;
};

struct Request {
    Method method = Method::kGet;
    std::string target;  // as received: path and query
    std::string path;    // decoded; empty when the escapes are malformed
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<Header> headers;
    std::string body;
    std::string remote;  // address of the other end, without the port

    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
    [[nodiscard]] std::string_view cookie(std::string_view name) const;
    // Splits a target into path and query; false when an escape is malformed, a NUL is hidden in it or it does not
    // begin with '/'.
    bool set_target(std::string_view received);
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::shared_ptr<const std::string> body;  // null: empty
    std::vector<Header> headers;
    bool is_event_stream = false;  // the connection becomes a stream of events, beginning after `events_after`
    std::optional<std::uint64_t> events_after;
    // Asked every so often while a stream is open; false ends it (the session was closed).
    std::function<bool()> still_allowed;

    [[nodiscard]] static Response json(int status, const nlohmann::json& value);
    [[nodiscard]] static Response empty(int status);
    Response& with(std::string name, std::string value) {
        headers.push_back({std::move(name), std::move(value)});
        return *this;
    }
};

// A refusal as docs/formats/rest.md has it: a code that stays, a message for a person (what was wrong, what was not
// done, what to do), and figures that belong to it.
struct Problem {
    int status = 400;
    std::string code;
    std::string message;
    std::shared_ptr<const nlohmann::json> details;  // null: none
    std::optional<int> retry_after_s;
    [[nodiscard]] Response response() const;
};

using Outcome = std::expected<Response, Problem>;
[[nodiscard]] inline std::unexpected<Problem> refuse(int status, std::string code, std::string message) {
    return std::unexpected(Problem{status, std::move(code), std::move(message), nullptr, std::nullopt});
}

}  // namespace prewatt::server::api

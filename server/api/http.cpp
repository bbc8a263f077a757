#include "server/api/http.hpp"

#include <nlohmann/json.hpp>

namespace prewatt::server::api {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unescape(std::string_view text, bool plus_is_space, std::string& out) {
    out.clear();
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return false;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return false;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return false;
        out.push_back(c);
    }
    return true;
}

}  // namespace

std::string_view word_of(Method method) {
    switch (method) {
        case Method::kGet:
            return "GET";
        case Method::kHead:
            return "HEAD";
        case Method::kPost:
            return "POST";
        case Method::kPut:
            return "PUT";
        case Method::kDelete:
            return "DELETE";
        case Method::kOther:
            break;
    }
    return "OTHER";
}

std::string_view Request::header(std::string_view lower_case_name) const {
    for (const Header& h : headers)
        if (h.name == lower_case_name) return h.value;
    return {};
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

std::string_view Request::cookie(std::string_view name) const {
    std::string_view rest = header("cookie");
    while (!rest.empty()) {
        const std::size_t end = rest.find(';');
        std::string_view pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        while (!pair.empty() && pair.front() == ' ')
            pair.remove_prefix(1);
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
    return {};
}

bool Request::set_target(std::string_view received) {
    target = received;
    path.clear();
    query.clear();
    if (received.empty() || received.front() != '/') return false;
    const std::size_t mark = received.find('?');
    if (!unescape(received.substr(0, mark), false, path)) {
        path.clear();
        return false;
    }
    std::string_view rest = mark == std::string_view::npos ? std::string_view{} : received.substr(mark + 1);
    while (!rest.empty()) {
        const std::size_t end = rest.find('&');
        const std::string_view pair = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        std::string key;
        std::string value;
        if (!unescape(pair.substr(0, equals), true, key)) return false;
        if (equals != std::string_view::npos && !unescape(pair.substr(equals + 1), true, value)) return false;
        query.emplace_back(std::move(key), std::move(value));
    }
    return true;
}

Response Response::json(int status, const nlohmann::json& value) {
    Response r;
    r.status = status;
    // A name in the database that is not UTF-8 must not take the whole answer down.
    r.body = std::make_shared<const std::string>(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    r.headers.push_back({"Cache-Control", "no-store"});
    return r;
}

Response Response::empty(int status) {
    Response r;
    r.status = status;
    r.content_type.clear();
    r.headers.push_back({"Cache-Control", "no-store"});
    return r;
}

Response Problem::response() const {
    nlohmann::json error{{"code", code}, {"message", message}};
    error["details"] = details ? *details : nlohmann::json::object();
    Response r = Response::json(status, nlohmann::json{{"error", std::move(error)}});
    if (retry_after_s) r.with("Retry-After", std::to_string(*retry_after_s));
    return r;
}

}  // namespace prewatt::server::api

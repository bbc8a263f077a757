// Boost 1.81 uses std::exchange in a coroutine header without including it.
#include <utility>
//
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/office_client.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace fs = std::filesystem;
using asio::ip::tcp;
using boost::system::error_code;
using nlohmann::json;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

std::unexpected<OfficeFailure> failed(ExitCode exit, std::string what, std::string what_to_try = {}) {
    return std::unexpected(OfficeFailure{exit, std::move(what), std::move(what_to_try), 0, {}});
}

fs::path session_file() {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    const fs::path base = config && *config ? fs::path(config) : fs::path(home ? home : ".") / ".config";
    return base / "prewatt" / "session.json";
}

json kept_session() {
    std::ifstream file(session_file());
    json session = json::parse(file, nullptr, false);
    const bool sound = session.is_object() && session["server"].is_string() && session["token"].is_string();
    return sound ? session : json{{"server", ""}, {"token", ""}};
}

struct Exchange {
    error_code fault;
    std::string step;
    http::response<http::string_body> response;
};

asio::awaitable<void> exchange(asio::io_context& io, const std::string& host, const std::string& port,
                               http::request<http::string_body> request, std::chrono::milliseconds patience,
                               Exchange& out) {
    tcp::resolver resolver(io);
    out.step = "find";
    auto [resolve_fault, places] = co_await resolver.async_resolve(host, port, kTuple);
    if (resolve_fault) {
        out.fault = resolve_fault;
        co_return;
    }
    beast::tcp_stream stream(io);
    stream.expires_after(patience);
    out.step = "reach";
    auto [connect_fault, endpoint] = co_await stream.async_connect(places, kTuple);
    if (connect_fault) {
        out.fault = connect_fault;
        co_return;
    }
    out.step = "talk to";
    auto [write_fault, written] = co_await http::async_write(stream, request, kTuple);
    if (write_fault) {
        out.fault = write_fault;
        co_return;
    }
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(64 * 1024 * 1024);
    auto [read_fault, count] = co_await http::async_read(stream, buffer, parser, kTuple);
    out.fault = read_fault;
    if (!read_fault) out.response = parser.release();
}

OfficeFailure failure_of(int status, const json& body) {
    OfficeFailure failure;
    failure.status = status;
    failure.what = "the office answered " + std::to_string(status);
    if (body.is_object() && body.contains("error")) {
        const json& error = body["error"];
        failure.code = error.value("code", "");
        failure.what = error.value("message", failure.what);
    }
    switch (status) {
        case 400:
        case 413:
            failure.exit = ExitCode::kWrongUse;
            break;
        case 401:
            failure.exit = ExitCode::kNoRight;
            failure.what_to_try = "prewatt login --user NAME";
            break;
        case 403:
        case 429:
            failure.exit = ExitCode::kNoRight;
            break;
        case 404:
            failure.exit = ExitCode::kNotFound;
            break;
        case 409:
        case 422:
            failure.exit = ExitCode::kRefused;
            if (failure.code == "needs_approval")
                failure.what_to_try = "another person: prewatt approvals list, prewatt approvals approve NUMBER";
            break;
        case 503:
            failure.exit = ExitCode::kNotReachable;
            break;
        case 504:
            failure.exit = ExitCode::kNoAnswer;
            break;
        default:
            break;
    }
    return failure;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '_' || c == '.') {
            out += c;
        } else {
            out += '%';
            out += "0123456789ABCDEF"[byte >> 4];
            out += "0123456789ABCDEF"[byte & 15];
        }
    }
    return out;
}

}  // namespace

int fail(const OfficeFailure& failure) {
    return fail(failure.exit, failure.what, failure.what_to_try);
}

std::expected<OfficeClient, OfficeFailure> OfficeClient::open(const ServerOptions& options) {
    const json session = kept_session();
    std::string url = options.server;
    if (const char* server = std::getenv("PREWATT_SERVER"); url.empty() && server) url = server;
    if (url.empty()) url = session["server"].get<std::string>();
    if (url.empty()) url = "http://127.0.0.1:8080";
    const std::string given = url;
    if (url.starts_with("https://"))
        return failed(ExitCode::kWrongUse, "'" + given + "': this command does not speak TLS yet",
                      "http:// on the machine of the office, or a tunnel");
    if (url.starts_with("http://")) url.erase(0, 7);
    while (!url.empty() && url.back() == '/')
        url.pop_back();
    std::string host = url;
    std::string port = "80";
    if (const std::size_t colon = url.rfind(':');
        colon != std::string::npos && url.find(']', colon) == std::string::npos) {
        host = url.substr(0, colon);
        port = url.substr(colon + 1);
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    if (host.empty() || host.find('/') != std::string::npos || port.empty() ||
        port.find_first_not_of("0123456789") != std::string::npos)
        return failed(ExitCode::kWrongUse, "'" + given + "' is no address of an office",
                      "--server http://127.0.0.1:8080");
    OfficeClient client(host, port, {});
    if (!options.token_file.empty()) {
        std::ifstream file(options.token_file);
        if (!(file >> client.token_))
            return failed(ExitCode::kWrongUse,
                          "the token file " + options.token_file.string() + " cannot be read or is empty");
    } else if (const char* token = std::getenv("PREWATT_TOKEN")) {
        client.token_ = token;
    } else if (session["server"] == client.server()) {
        client.token_ = session["token"].get<std::string>();
    }
    return client;
}

OfficeClient::Answer OfficeClient::get(const std::string& path) const {
    return call("GET", path, nullptr, {});
}

OfficeClient::Answer OfficeClient::send(const std::string& method, const std::string& path, const json& body,
                                        const std::string& idempotency_key) const {
    const std::string text = body.dump();
    return call(method, path, &text, idempotency_key);
}

OfficeClient::Answer OfficeClient::call(const std::string& method, const std::string& path, const std::string* body,
                                        const std::string& idempotency_key) const {
    http::request<http::string_body> request;
    request.version(11);
    request.method_string(method);
    request.target("/api/v1" + path);
    request.set(http::field::host, authority());
    request.set(http::field::user_agent, "prewatt");
    request.set(http::field::connection, "close");
    if (!token_.empty()) request.set(http::field::authorization, "Bearer " + token_);
    if (!idempotency_key.empty()) request.set("Idempotency-Key", idempotency_key);
    if (body) {
        request.set(http::field::content_type, "application/json");
        request.body() = *body;
    }
    request.prepare_payload();
    asio::io_context io;
    Exchange out;
    asio::co_spawn(io, exchange(io, host_, port_, std::move(request), patience, out), asio::detached);
    io.run();
    if (out.fault) {
        std::string what = "the office at " + server() + " cannot be reached: " + out.fault.message();
        if (out.step == "talk to")
            what = "the office at " + server() + " broke off: " + out.fault.message() +
                   (idempotency_key.empty()
                        ? ""
                        : "; whether it was done is unknown, sending it again with --idempotency-key " +
                              idempotency_key + " is safe");
        return failed(ExitCode::kNotReachable, what, "prewatt serve on that machine, or --server URL");
    }
    json answer = out.response.body().empty() ? json() : json::parse(out.response.body(), nullptr, false);
    const int status = static_cast<int>(out.response.result_int());
    if (status >= 300) return std::unexpected(failure_of(status, answer));
    if (answer.is_discarded())
        return failed(ExitCode::kNotReachable, "what answers at " + server() + " is no office of Prewatt");
    return answer;
}

OfficeClient::Answer OfficeClient::find_household(const std::string& name) const {
    if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
        const Answer wall = get("/boxes/" + escaped(name.substr(0, colon)) + "/wall");
        if (!wall) return wall;
        for (const json& window : (*wall)["windows"])
            if (std::to_string(window["household"].get<int>()) == name.substr(name.find_first_not_of('0', colon + 1)) &&
                !window["household_id"].is_null())
                return get("/households/" + std::to_string(window["household_id"].get<std::int64_t>()));
        return failed(ExitCode::kNotFound, "nobody is bound to " + name);
    }
    const Answer found = get("/households?limit=20&q=" + escaped(name));
    if (!found) return found;
    const json& list = (*found)["households"];
    for (const json& household : list)
        if (household["room"] == name) return household;
    if (list.size() == 1) return list[0];
    std::string similar;
    for (std::size_t i = 0; i < list.size() && i < 5; ++i)
        similar += (i ? ", " : "") + list[i]["room"].get<std::string>();
    return failed(ExitCode::kNotFound,
                  list.empty() ? "there is no room '" + name + "'"
                               : "'" + name + "' fits " + std::to_string(list.size()) + " rooms: " + similar,
                  list.empty() ? "" : "the whole room number");
}

std::expected<void, OfficeFailure> keep_session(const std::string& server, const std::string& token) {
    const fs::path file = session_file();
    std::error_code fault;
    fs::create_directories(file.parent_path(), fault);
    const fs::path draft = file.string() + ".new";
    const mode_t before = ::umask(077);
    std::ofstream out(draft, std::ios::trunc);
    out << json{{"server", server}, {"token", token}}.dump() << "\n";
    out.close();
    ::umask(before);
    if (out) fs::rename(draft, file, fault);
    if (!out || fault) return failed(ExitCode::kInternal, "the session cannot be kept in " + file.string());
    return {};
}

void forget_session() {
    std::error_code ignored;
    fs::remove(session_file(), ignored);
}

std::string make_uuid() {
    unsigned char bytes[16] = {};
    while (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    }
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
    std::string text;
    for (int i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += "0123456789abcdef"[bytes[i] >> 4];
        text += "0123456789abcdef"[bytes[i] & 15];
    }
    return text;
}

std::expected<std::int64_t, std::string> fen_of(std::string_view yuan) {
    const std::string wrong = "'" + std::string(yuan) + "' is no amount of money; write yuan like 100 or 100.50";
    const std::size_t point = yuan.find('.');
    const std::string_view whole = yuan.substr(0, point);
    std::string_view part = point == std::string_view::npos ? std::string_view{} : yuan.substr(point + 1);
    if (whole.empty() || whole.size() > 7 || part.size() > 2 || (point != std::string_view::npos && part.empty()))
        return std::unexpected(wrong);
    std::int64_t value = 0;
    for (const char c : whole) {
        if (c < '0' || c > '9') return std::unexpected(wrong);
        value = value * 10 + (c - '0');
    }
    for (std::size_t i = 0; i < 2; ++i) {
        const char c = i < part.size() ? part[i] : '0';
        if (c < '0' || c > '9') return std::unexpected(wrong);
        value = value * 10 + (c - '0');
    }
    if (value < 1 || value > 100'000'000) return std::unexpected("the amount must be from 0.01 to 1,000,000 yuan");
    return value;
}

std::expected<std::chrono::milliseconds, std::string> span_of(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    std::int64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s") factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (fault != std::errc{} || factor == 0 || number < 0 || number > 1'000'000)
        return std::unexpected("'" + std::string(text) + "' is no span of time; write it like 10s, 500ms, 30m, 2h");
    return std::chrono::milliseconds(number * factor);
}

ExitCode confirm(const std::string& question, bool yes) {
    if (yes) return ExitCode::kDone;
    if (::isatty(STDIN_FILENO) == 0) {
        (void)fail(ExitCode::kWrongUse, "there is no terminal to ask on; nothing was done", "--yes");
        return ExitCode::kWrongUse;
    }
    std::fprintf(stderr, "%s [y/N] ", question.c_str());
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return ExitCode::kDone;
    (void)fail(ExitCode::kCancelled, "cancelled; nothing was done");
    return ExitCode::kCancelled;
}

}  // namespace prewatt::cli

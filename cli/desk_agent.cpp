#include "cli/desk_agent.hpp"

#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/card_office.hpp"
#include "cli/output.hpp"
#include "server/api/http_server.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;
using server::api::Method;
using server::api::Request;
using server::api::Response;
namespace fs = std::filesystem;
namespace desk = card::desk;

constexpr int kWrongCodesMax = 10;
constexpr std::chrono::seconds kClosed{60};
constexpr std::chrono::milliseconds kPeek{0};
constexpr std::chrono::milliseconds kForCard{1500};
constexpr std::size_t kCodeSize = 12;

Response refusal(int status, const std::string& code, const std::string& message, bool begun = false) {
    return Response::json(status,
                          json{{"error", {{"code", code}, {"message", message}, {"details", {{"begun", begun}}}}}});
}
Response refusal(const desk::Failure& failure) {
    return refusal(409, std::string(word(failure.fault)), sentence_of(failure), failure.begun);
}
std::string_view word(desk::Phase phase) {
    switch (phase) {
        case desk::Phase::kReading:
            return "reading";
        case desk::Phase::kAsking:
            return "asking";
        case desk::Phase::kWriting:
            return "writing";
        case desk::Phase::kVerifying:
            return "verifying";
        case desk::Phase::kDone:
            break;
    }
    return "idle";
}

// Takes as long whatever is different.
bool is_same(std::string_view a, std::string_view b) {
    unsigned char different = a.size() == b.size() ? 0 : 1;
    for (std::size_t k = 0; k < b.size(); ++k)
        different |= static_cast<unsigned char>((k < a.size() ? a[k] : '\0') ^ b[k]);
    return different == 0;
}

// Letters and digits that cannot be mistaken for each other.
std::string make_code() {
    constexpr std::string_view letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    std::string code;
    while (code.size() < kCodeSize) {
        unsigned char byte = 0;
        if (::getrandom(&byte, 1, 0) != 1) return {};
        if (byte < letters.size() * 8) code += letters[byte % letters.size()];
    }
    return code;
}
fs::path default_file() {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    const fs::path base = config && *config ? fs::path(config) : fs::path(home ? home : ".") / ".config";
    return base / "prewatt" / "desk-agent.code";
}
// "ABCD-EFGH-JKMN" for the eye; dashes, spaces and small letters do not matter when it is typed.
std::string plain(std::string_view typed) {
    std::string code;
    for (const char c : typed)
        if (c != '-' && c != ' ') code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return code;
}
std::expected<std::string, std::string> load_or_make_code(const fs::path& file, bool anew) {
    std::string code;
    if (!anew) {
        std::ifstream in(file);
        in >> code;
        if (code.size() == kCodeSize) return code;
    }
    code = make_code();
    if (code.empty()) return std::unexpected("the system gives no random bytes");
    std::error_code ignored;
    fs::create_directories(file.parent_path(), ignored);
    const mode_t before = ::umask(077);
    std::ofstream out(file, std::ios::trunc);
    out << code << "\n";
    out.close();
    ::umask(before);
    if (!out) return std::unexpected("the pairing code cannot be kept in " + file.string());
    return code;
}

}  // namespace

std::optional<std::string> origin_of(std::string_view url) {
    while (url.ends_with('/'))
        url.remove_suffix(1);
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    const std::string_view rest = url.substr(scheme);
    if (scheme == 0 || rest.empty() || rest.find_first_of("/?#@ ") != std::string_view::npos) return std::nullopt;
    std::string origin(url);
    for (char& c : origin)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return origin;
}

bool DeskAgent::knows_code(std::string_view given) {
    const std::lock_guard lock(state_mutex_);
    if (clock_() < closed_until_) return false;
    if (is_same(plain(given), code_)) {
        wrong_codes_ = 0;
        return true;
    }
    if (++wrong_codes_ >= kWrongCodesMax) {
        wrong_codes_ = 0;
        closed_until_ = clock_() + kClosed;
    }
    return false;
}

Response DeskAgent::handle(const Request& request) {
    // A page's name that was made to point here has another Host; a program that is no page sends no Origin.
    const std::string host{request.header("host")};
    const std::string_view origin = request.header("origin");
    Response response;
    if (std::find(hosts_.begin(), hosts_.end(), host) == hosts_.end())
        response = refusal(403, "other_host", "this agent is asked as 127.0.0.1 only");
    else if (origin != origin_)
        return refusal(403, "other_origin", "this agent serves the pages of " + origin_ + " only");
    else if (request.method == Method::kOther && !request.header("access-control-request-method").empty())
        response = Response::empty(204)
                       .with("Access-Control-Allow-Methods", "GET, POST")
                       .with("Access-Control-Allow-Headers", "content-type, x-prewatt-desk")
                       .with("Access-Control-Allow-Private-Network", "true")
                       .with("Access-Control-Max-Age", "600");
    else if (!knows_code(request.header("x-prewatt-desk")))
        response = refusal(401, "not_paired", "the pairing code is wrong; it stands in the window of the desk agent");
    else
        response = answer(request);
    return response.with("Access-Control-Allow-Origin", origin_).with("Vary", "Origin");
}

Response DeskAgent::answer(const Request& request) {
    const auto tell = [this](const desk::Moment& moment) {
        const std::lock_guard lock(state_mutex_);
        moment_ = moment;
    };
    if (request.path == "/v1/progress" && request.method == Method::kGet) {
        const std::lock_guard lock(state_mutex_);
        return Response::json(200, {{"phase", word(moment_.phase)}, {"step", moment_.step}, {"steps", moment_.steps}});
    }
    const bool is_state = request.path == "/v1/state" && request.method == Method::kGet;
    const bool is_read = request.path == "/v1/read" && request.method == Method::kPost;
    const bool is_write = request.path == "/v1/write" && request.method == Method::kPost;
    if (!is_state && !is_read && !is_write) return refusal(404, "not_found", "the agent has no such path");

    std::optional<card::Uid> uid;
    std::optional<desk::CardKeys> keys;
    std::optional<desk::Plan> plan;
    desk::Depth depth = desk::Depth::kRecords;
    if (!is_state) {
        const json body = json::parse(request.body, nullptr, false);
        if (!body.is_object() || !body.contains("uid") || !body["uid"].is_string() || !body.contains("keys"))
            return refusal(400, "bad_json", "an object with uid and keys is wanted; nothing was done");
        uid = uid_of(body["uid"].get<std::string>());
        keys = keys_of(body["keys"]);
        if (is_write) plan = plan_of(body);
        if (!uid || !keys || (is_write && !plan))
            return refusal(400, "bad_field", "uid, keys or steps are malformed; nothing was done");
        if (is_read && body.value("depth", "records") == "all") depth = desk::Depth::kAll;
    }
    const std::unique_lock card(card_mutex_, std::try_to_lock);
    if (!card) {
        if (is_state)
            return Response::json(200, {{"reader", place_.name()}, {"busy", true}, {"card", nullptr}, {"words", ""}});
        return refusal(409, "busy", "the reader is in use by another request; nothing was done");
    }
    Response response;
    const auto visited = place_.visit(is_state ? kPeek : kForCard, [&](card::M1Reader& reader) {
        if (is_state) {
            const auto there = desk::who_lies_there(reader);
            response = Response::json(200, {{"reader", place_.name()},
                                            {"busy", false},
                                            {"card", there ? json{{"uid", text_of(*there)}} : json(nullptr)},
                                            {"words", there ? "" : sentence_of(there.error())}});
            return;
        }
        const auto sight = is_read ? desk::read_with(reader, *uid, *keys, depth, tell)
                                   : desk::write_with(reader, *uid, *keys, *plan, tell);
        response = sight ? Response::json(200, {{"uid", text_of(sight->uid)}, {"sectors", text_of(*sight)}})
                         : refusal(sight.error());
    });
    tell({desk::Phase::kDone, 0, 0});
    if (!visited) {
        if (is_state)
            return Response::json(
                200, {{"reader", place_.name()}, {"busy", false}, {"card", nullptr}, {"words", visited.error().what}});
        return refusal(409, visited.error().exit == ExitCode::kNoAnswer ? "no_card" : "reader", visited.error().what);
    }
    return response;
}

int run(const DeskAgentOptions& options) {
    const auto origin = origin_of(options.office);
    if (!origin)
        return fail(ExitCode::kWrongUse, "'" + options.office + "' is no origin of pages",
                    "--office http://127.0.0.1:8080, as it stands in the browser, without a path");
    auto place = CardPlace::open(options.place);
    if (!place) return fail(place.error());
    const fs::path file = options.pairing_file.empty() ? default_file() : options.pairing_file;
    const auto code = load_or_make_code(file, options.new_code);
    if (!code) return fail(ExitCode::kInternal, code.error());

    std::unique_ptr<DeskAgent> agent;
    server::api::EventHub hub{1, 1};
    server::api::HttpServerOptions http;
    http.address = "127.0.0.1";
    http.port = options.port;
    http.connections_max = 32;
    http.handler_threads = 4;
    http.stop_on_signals = true;
    auto listening =
        server::api::HttpServer::listen(http, hub, [&](const Request& request) { return agent->handle(request); });
    if (!listening)
        return fail(ExitCode::kNotReachable,
                    "port 127.0.0.1:" + std::to_string(options.port) + " cannot be used: " + listening.error().words,
                    "--port N, and the same in the page");
    const std::string port = std::to_string((*listening)->port());
    agent = std::make_unique<DeskAgent>(**place, *origin, *code,
                                        std::vector<std::string>{"127.0.0.1:" + port, "localhost:" + port});
    std::printf("desk agent on http://127.0.0.1:%s for the pages of %s\nreader: %s\npairing code: %s-%s-%s\n",
                port.c_str(), origin->c_str(), (*place)->name().c_str(), code->substr(0, 4).c_str(),
                code->substr(4, 4).c_str(), code->substr(8, 4).c_str());
    std::fflush(stdout);
    (*listening)->run();
    return prewatt::cli::code(ExitCode::kDone);
}

}  // namespace prewatt::cli

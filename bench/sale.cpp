#include "bench/sale.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "server/app/office_app.hpp"

namespace prewatt::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);

// What breaks off the whole run; caught by run_sale.
struct BrokenOff : std::runtime_error {
    using std::runtime_error::runtime_error;
};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int tcp_socket() {
    const int handle = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle < 0) throw BrokenOff("there is no socket to be had");
    return handle;
}

std::uint16_t free_port() {
    const int handle = tcp_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool bound = ::bind(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       ::getsockname(handle, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(handle);
    if (!bound) throw BrokenOff("there is no free port");
    return ntohs(address.sin_port);
}

bool is_listening(std::uint16_t port) {
    const int handle = tcp_socket();
    const sockaddr_in address = loopback(port);
    const bool answers = ::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(handle);
    return answers;
}

class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "prewatt-sale-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw BrokenOff("no temporary folder");
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    fs::path path;
};

class Building {
  public:
    Building(const fs::path& program, int boxes, std::uint16_t port, const fs::path& folder) {
        const std::string words[] = {program.string(), "sim",
                                     "--boxes",        std::to_string(boxes),
                                     "--listen",       "127.0.0.1:" + std::to_string(port),
                                     "--store",        (folder / "building").string(),
                                     "--key",          (folder / "prewatt.key").string()};
        std::vector<char*> arguments;
        for (const std::string& word : words)
            arguments.push_back(const_cast<char*>(word.c_str()));
        arguments.push_back(nullptr);
        const std::string log = (folder / "building.log").string();
        child_ = ::fork();
        if (child_ == 0) {
            const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
            ::dup2(out, 1);
            ::dup2(out, 2);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        if (child_ < 0) throw BrokenOff("the building cannot be started");
        const auto deadline = steady_clock::now() + kPatience;
        while (!is_listening(port)) {
            int status = 0;
            if (::waitpid(child_, &status, WNOHANG) == child_) {
                child_ = -1;
                std::ifstream words_of(log);
                std::string last, line;
                while (std::getline(words_of, line))
                    last = line;
                throw BrokenOff("the building ended at once: " + last);
            }
            if (steady_clock::now() > deadline) throw BrokenOff("the building does not come up");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
    ~Building() {
        if (child_ <= 0) return;
        ::kill(child_, SIGTERM);
        ::waitpid(child_, nullptr, 0);
    }
    Building(const Building&) = delete;
    Building& operator=(const Building&) = delete;

  private:
    pid_t child_ = -1;
};

// A program that talks to the office, one connection for each question.
class Client {
  public:
    explicit Client(std::uint16_t port) : port_(port) {}
    void sign_in(const std::string& password) {
        token_ = ask("POST", "/session", json{{"user", "owner"}, {"password", password}})["token"];
    }
    json ask(const std::string& method, const std::string& path, const json& body = nullptr,
             const std::string& key = {}) const {
        const std::string content = body.is_null() ? "" : body.dump();
        std::string request = method + " /api/v1" + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        if (!token_.empty()) request += "Authorization: Bearer " + token_ + "\r\n";
        if (!key.empty()) request += "Idempotency-Key: " + key + "\r\n";
        if (!content.empty())
            request += "Content-Type: application/json\r\nContent-Length: " + std::to_string(content.size()) + "\r\n";
        request += "\r\n" + content;
        const int handle = tcp_socket();
        const sockaddr_in address = loopback(port_);
        std::string answer;
        if (::connect(handle, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
            ::send(handle, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
            char piece[16384];
            for (ssize_t count = 0; (count = ::recv(handle, piece, sizeof piece, 0)) > 0;)
                answer.append(piece, static_cast<std::size_t>(count));
        }
        ::close(handle);
        const std::size_t end = answer.find("\r\n\r\n");
        if (answer.size() < 12 || end == std::string::npos) throw BrokenOff("the office did not answer to " + path);
        json value = json::parse(answer.substr(end + 4), nullptr, false);
        if (answer[9] != '2')
            throw BrokenOff(method + " " + path + " answered " + answer.substr(9, 3) + ": " + value.dump());
        return value;
    }

  private:
    std::uint16_t port_;
    std::string token_;
};

std::optional<std::int64_t> step_of(const json& sale, std::string_view name) {
    for (const json& step : sale["steps"])
        if (step["step"] == name) return step["at"].get<std::int64_t>();
    return std::nullopt;
}

json wait_for_step(const Client& client, std::int64_t id, std::string_view name) {
    const auto deadline = steady_clock::now() + kPatience;
    while (steady_clock::now() < deadline) {
        json sale = client.ask("GET", "/sales/" + std::to_string(id));
        if (step_of(sale, name)) return sale;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw BrokenOff("sale " + std::to_string(id) + " was not " + std::string(name) + " within a minute");
}

double percentile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    const auto rank = static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
    return values[rank];
}

Figures measure(const SaleOptions& options) {
    const Folder folder;
    const std::string password = "bench-" + std::to_string(::getpid()) + "-owner";
    std::ofstream(folder.path / "owner-password") << password << "\n";
    const fs::path program = options.program.empty() ? fs::read_symlink("/proc/self/exe") : options.program;
    const std::uint16_t line_port = free_port();
    const Building building(program, options.boxes, line_port, folder.path);

    server::app::AppConfig config;
    config.data = folder.path;
    config.port = 0;
    config.log_level = "error";
    config.demo_boxes = options.boxes;
    config.demo_line = "tcp://127.0.0.1:" + std::to_string(line_port);
    config.owner_password_file = folder.path / "owner-password";
    auto office = server::app::OfficeApp::start(std::move(config));
    if (!office) throw BrokenOff(office.error().words);
    struct Serving {
        server::app::OfficeApp& app;
        std::thread thread{[this] { app.run(); }};
        ~Serving() {
            app.stop();
            thread.join();
        }
    } serving{**office};
    Client client((*office)->port());
    client.sign_in(password);

    std::vector<std::int64_t> rooms;
    const auto deadline = steady_clock::now() + kPatience;
    while (static_cast<int>(rooms.size()) < options.boxes * 39) {
        if (steady_clock::now() > deadline) throw BrokenOff("the meters do not answer");
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        rooms.clear();
        const json found = client.ask("GET", "/households?limit=10000");
        for (const json& household : found["households"])
            if (household["answering"] == true && household["relay_closed"] == false) rooms.push_back(household["id"]);
    }

    std::vector<double> accept_ms, confirm_ms, lit_ms, rush_ms;
    int number = 0;
    const auto sell = [&](std::int64_t room) -> std::int64_t {
        const auto began = steady_clock::now();
        const json sale =
            client.ask("POST", "/sales", {{"household_id", room}, {"amount_fen", 2000}, {"channel", "cash"}},
                       "bench-sale-" + std::to_string(++number));
        accept_ms.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - began).count());
        return sale["id"];
    };
    std::vector<std::int64_t> opened;
    for (int i = 0; i < options.sales; ++i) {
        // Boxes in turn, so that no box has an easy day.
        const std::size_t index = static_cast<std::size_t>(i % options.boxes * 39 + i / options.boxes) % rooms.size();
        const std::int64_t id = sell(rooms[index]);
        const json sale = wait_for_step(client, id, "confirmed");
        confirm_ms.push_back(static_cast<double>(*step_of(sale, "confirmed") - *step_of(sale, "accepted")));
        opened.push_back(id);
    }
    for (const std::int64_t id : opened) {
        const json sale = wait_for_step(client, id, "lit");
        lit_ms.push_back(static_cast<double>(*step_of(sale, "lit") - *step_of(sale, "accepted")));
    }
    std::vector<std::int64_t> rush;
    for (int i = 0; i < options.rush_rooms; ++i)
        rush.push_back(sell(rooms[static_cast<std::size_t>(i) % rooms.size()]));
    for (const std::int64_t id : rush) {
        const json sale = wait_for_step(client, id, "confirmed");
        rush_ms.push_back(static_cast<double>(*step_of(sale, "confirmed") - *step_of(sale, "accepted")));
    }

    const std::string place = std::to_string(options.boxes) + " boxes x 39 on one line, 9600 8E1, over TCP; " +
                              std::to_string(options.sales) + " sales";
    Figures figures;
    figures.rows.push_back({"sale: request to answer, p50", percentile(accept_ms, 0.5), "ms", Goal::kNone, 0,
                            "on disk before the answer"});
    figures.rows.push_back(
        {"sale: accepted to confirmed by the meter, p50", percentile(confirm_ms, 0.5), "ms", Goal::kNone, 0, place});
    figures.rows.push_back({"sale: accepted to confirmed by the meter, p95", percentile(confirm_ms, 0.95), "ms",
                            Goal::kAtMost, 2000, place});
    figures.rows.push_back(
        {"sale: accepted to relay seen closed, p50", percentile(lit_ms, 0.5), "ms", Goal::kNone, 0, place});
    figures.rows.push_back(
        {"sale: accepted to relay seen closed, p95", percentile(lit_ms, 0.95), "ms", Goal::kNone, 0, place});
    if (!rush_ms.empty())
        figures.rows.push_back({"sale: accepted to confirmed, all at once, p95", percentile(rush_ms, 0.95), "ms",
                                Goal::kNone, 0,
                                std::to_string(options.rush_rooms) + " rooms of the same line at once"});
    return figures;
}

}  // namespace

std::expected<Figures, std::string> run_sale(const SaleOptions& options) {
    try {
        return measure(options);
    } catch (const std::exception& fault) {
        return std::unexpected(std::string(fault.what()));
    }
}

}  // namespace prewatt::bench

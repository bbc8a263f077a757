// A running `prewatt meter` (or any verb that opens a TCP line) as a test sees it: started, talked to in frames, sold
// to by sealed tickets, stopped or killed. Everything goes through the line; there is no back door.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "protocols/dlt645/frame.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::scenario {

inline constexpr std::uint64_t kBox = 2026000001;
inline constexpr card::Key kMaster = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
inline constexpr const char* kMasterDigits = "00112233445566778899aabbccddeeff\n";

class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "prewatt-scenario-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
        std::ofstream(path_ / "key") << kMasterDigits;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

struct Ended {
    int code = -1;  // exit code, or -signal
    std::string out, err;
};

class Process {
  public:
    explicit Process(std::vector<std::string> arguments) {
        int out[2], err[2];
        if (::pipe(out) != 0 || ::pipe(err) != 0) std::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out[1], 1);
            ::dup2(err[1], 2);
            for (int handle : {out[0], out[1], err[0], err[1]})
                ::close(handle);
            arguments.insert(arguments.begin(), PREWATT_PROGRAM);
            std::vector<char*> pointers;
            for (std::string& a : arguments)
                pointers.push_back(a.data());
            pointers.push_back(nullptr);
            ::execv(PREWATT_PROGRAM, pointers.data());
            ::_exit(127);
        }
        ::close(out[1]);
        ::close(err[1]);
        out_ = out[0];
        err_ = err[0];
    }
    ~Process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            (void)wait();
        }
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number) const { ::kill(pid_, number); }
    // Reads both streams to their ends and takes the exit code.
    Ended wait() {
        Ended ended;
        while (read_more(600'000)) {
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        ::close(out_);
        ::close(err_);
        ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        ended.out = out_text_;
        ended.err = err_text_;
        return ended;
    }
    // The TCP port that it says it listens on; 0 when it ended instead.
    std::uint16_t port() {
        const std::regex where(R"(on 127\.0\.0\.1:(\d+))");
        std::smatch found;
        while (!std::regex_search(err_text_, found, where))
            if (!read_more(20'000)) return 0;
        return static_cast<std::uint16_t>(std::stoi(found[1]));
    }
    // Waits until stdout holds something that matches.
    bool printed(const std::string& pattern) {
        const std::regex wanted(pattern);
        while (!std::regex_search(out_text_, wanted))
            if (!read_more(20'000)) return false;
        return true;
    }
    [[nodiscard]] const std::string& out() const { return out_text_; }

  private:
    bool read_more(int milliseconds) {
        pollfd handles[2] = {{out_open_ ? out_ : -1, POLLIN, 0}, {err_open_ ? err_ : -1, POLLIN, 0}};
        if ((!out_open_ && !err_open_) || ::poll(handles, 2, milliseconds) <= 0) return false;
        char buffer[4096];
        if (handles[0].revents != 0) {
            const ssize_t n = ::read(out_, buffer, sizeof buffer);
            if (n > 0) out_text_.append(buffer, static_cast<std::size_t>(n));
            out_open_ = n > 0;
        }
        if (handles[1].revents != 0) {
            const ssize_t n = ::read(err_, buffer, sizeof buffer);
            if (n > 0) err_text_.append(buffer, static_cast<std::size_t>(n));
            err_open_ = n > 0;
        }
        return true;
    }
    pid_t pid_ = -1;
    int out_ = -1, err_ = -1;
    bool out_open_ = true, err_open_ = true;
    std::string out_text_, err_text_;
};

// One end of the line: a handle that is written to and read from.
class Line {
  public:
    explicit Line(int handle) : handle_(handle) {}
    explicit Line(std::uint16_t port) : handle_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int yes = 1;
        ::setsockopt(handle_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (::connect(handle_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
            ::close(handle_);
            handle_ = -1;
        }
    }
    ~Line() {
        if (handle_ >= 0) ::close(handle_);
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    // Sends one frame, waits for the next frame from that address.
    std::optional<dlt645::Frame> ask(std::uint8_t household, dlt645::Function function, Bytes data,
                                     int milliseconds = 3000, std::uint64_t box = kBox) {
        const dlt645::Address address = dlt645::address_of({box}, {household});
        const auto frame = dlt645::encode(address, dlt645::request(function), data);
        if (::write(handle_, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size())) return std::nullopt;
        dlt645::Decoder decoder;
        const auto begun = std::chrono::steady_clock::now();
        for (;;) {
            const auto gone =
                std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count();
            pollfd wanted{handle_, POLLIN, 0};
            if (gone >= milliseconds || ::poll(&wanted, 1, milliseconds - static_cast<int>(gone)) <= 0)
                return std::nullopt;
            Byte buffer[512];
            const ssize_t n = ::read(handle_, buffer, sizeof buffer);
            if (n <= 0) return std::nullopt;
            for (ssize_t k = 0; k < n; ++k)
                if (auto reply = decoder.on_byte(buffer[k], Instant{}); reply && reply->address == address)
                    return reply;
        }
    }

    // The account of a household, three tries.
    std::optional<dlt645::AccountStatus> account(std::uint8_t household, std::uint64_t box = kBox) {
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto reply = ask(household, dlt645::Function::kRead, identifier(dlt645::kAccountStatus), 3000, box);
            if (reply && !reply->control.is_error() && reply->data_id() == dlt645::kAccountStatus)
                return dlt645::decode_account_status(reply->bytes().subspan(4));
        }
        return std::nullopt;
    }

    // Seals, sends and checks the answer; three tries with the same counter, as an office does.
    std::optional<card::Answer> command(const card::Request& request, std::uint64_t box = kBox) {
        const card::BoxKeys keys = card::diversify(mac_, kMaster, box);
        const card::SealedRequest sealed = card::seal_request(mac_, keys, box, request);
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto reply =
                ask(request.household, dlt645::Function::kSecurity, {sealed.data(), sealed.size()}, 3000, box);
            if (!reply) continue;
            const auto answer = card::unseal_answer(mac_, keys, box, request, reply->bytes());
            if (answer) return *answer;
        }
        return std::nullopt;
    }
    std::optional<card::Answer> sell(std::uint8_t household, std::uint32_t counter, const card::Ticket& ticket,
                                     std::uint64_t box = kBox) {
        return command({.operator_number = 7, .counter = counter, .household = household, .command = ticket}, box);
    }

  private:
    static Bytes identifier(dlt645::DataId id) {
        static thread_local Byte bytes[4];
        bytes[0] = id.di0();
        bytes[1] = id.di1();
        bytes[2] = id.di2();
        bytes[3] = id.di3();
        return bytes;
    }
    int handle_;
    card::OpensslMac mac_;
};

// A number of household `household` in what `prewatt meter -o json` printed.
inline std::int64_t number_in(const std::string& json, int household, const std::string& name) {
    const std::regex wanted("\"number\": " + std::to_string(household) + ",[^}]*\"" + name + "\": (-?\\d+)");
    std::smatch found;
    if (!std::regex_search(json, found, wanted)) {
        ADD_FAILURE() << name << " of household " << household << " is not in: " << json.substr(0, 400);
        return 0;
    }
    return std::stoll(found[1]);
}

}  // namespace prewatt::scenario

#include "torture/proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "torture/child.hpp"

namespace prewatt::torture {
namespace {

constexpr const char* kSocket = ".s.PGSQL.5432";
constexpr std::string_view kCommitDone{"COMMIT\0", 7};  // of the message CommandComplete

sockaddr_un address_in(const std::filesystem::path& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (folder / kSocket).string();
    if (path.size() >= sizeof address.sun_path) throw BrokenOff{"the temporary folder's name is too long for a socket"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

}  // namespace

Proxy::Proxy(const std::filesystem::path& front, const std::filesystem::path& back) : back_(back) {
    std::filesystem::create_directories(front);
    const sockaddr_un address = address_in(front);
    (void)address_in(back);
    listening_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening_ < 0 || bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listening_, 64) != 0)
        throw BrokenOff{"no socket can be made in " + front.string()};
    thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
    stopping_ = true;
    thread_.join();
    for (const Pair& pair : pairs_) {
        close(pair.office);
        close(pair.server);
    }
    close(listening_);
}

bool Proxy::pass_on(int from, int to, bool from_server) {
    char piece[65536];
    const ssize_t count = recv(from, piece, sizeof piece, 0);
    if (count <= 0) return false;
    const std::string_view text(piece, static_cast<std::size_t>(count));
    if (from_server && commits_left_ > 0 && text.find(kCommitDone) != std::string_view::npos &&
        commits_left_.fetch_sub(1) == 1) {
        ++dropped_;
        return false;
    }
    for (ssize_t done = 0; done < count;) {
        const ssize_t sent = send(to, piece + done, static_cast<std::size_t>(count - done), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        done += sent;
    }
    return true;
}

void Proxy::run() {
    std::vector<pollfd> handles;
    while (!stopping_) {
        handles.assign(1, {listening_, POLLIN, 0});
        for (const Pair& pair : pairs_) {
            handles.push_back({pair.office, POLLIN, 0});
            handles.push_back({pair.server, POLLIN, 0});
        }
        (void)poll(handles.data(), handles.size(), 5);
        const bool cut = cut_all_.exchange(false);
        std::size_t k = 1;
        for (auto pair = pairs_.begin(); pair != pairs_.end(); k += 2) {
            bool alive = !cut;
            if (alive && (handles[k].revents & (POLLIN | POLLHUP)) != 0)
                alive = pass_on(pair->office, pair->server, false);
            if (alive && (handles[k + 1].revents & (POLLIN | POLLHUP)) != 0)
                alive = pass_on(pair->server, pair->office, true);
            if (alive) {
                ++pair;
                continue;
            }
            close(pair->office);
            close(pair->server);
            pair = pairs_.erase(pair);
        }
        if ((handles[0].revents & POLLIN) == 0) continue;
        const int office = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_un address = address_in(back_);
        if (office >= 0 && server >= 0 &&
            connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            pairs_.push_back({office, server});
        } else {
            if (office >= 0) close(office);
            if (server >= 0) close(server);
        }
    }
}

}  // namespace prewatt::torture

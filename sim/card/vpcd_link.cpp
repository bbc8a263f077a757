#include "sim/card/vpcd_link.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace prewatt::sim {
namespace {

int milliseconds_of(Duration wait) {
    return static_cast<int>(std::clamp<std::int64_t>((wait.count() + 999) / 1000, 0, 600'000));
}

// Not for ever, and not for the length of one message each: Linux forgets it by itself.
void acknowledge_at_once(int socket) {
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

}  // namespace

std::expected<VpcdLink, std::string> VpcdLink::insert(const std::string& host, std::uint16_t port, Duration timeout) {
    const std::string where = host + ":" + std::to_string(port);
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0)
        return std::unexpected("no such machine as " + host + ": " + gai_strerror(code));
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int code = socket < 0 ? errno : 0;
    if (code == 0 && ::connect(socket, found->ai_addr, found->ai_addrlen) != 0) code = errno;
    freeaddrinfo(found);
    if (code == EINPROGRESS) {
        pollfd waits{socket, POLLOUT, 0};
        code = ETIMEDOUT;
        socklen_t length = sizeof code;
        if (poll(&waits, 1, milliseconds_of(timeout)) == 1) getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length);
    }
    if (code != 0) {
        if (socket >= 0) ::close(socket);
        if (code == ETIMEDOUT)
            return std::unexpected("no virtual reader takes a card at " + where + ": another card lies on it");
        if (code == ECONNREFUSED)
            return std::unexpected("no virtual reader listens at " + where +
                                   ": is pcscd running with vsmartcard-vpcd, and is this its port?");
        return std::unexpected("no virtual reader at " + where + ": " + std::strerror(code));
    }
    const int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    acknowledge_at_once(socket);
    return VpcdLink(socket);
}

VpcdLink& VpcdLink::operator=(VpcdLink&& other) noexcept {
    if (this == &other) return *this;
    leave();
    socket_ = std::exchange(other.socket_, -1);
    input_ = std::move(other.input_);
    return *this;
}

void VpcdLink::leave(bool abruptly) {
    if (socket_ < 0) return;
    if (abruptly) {
        const linger at_once{1, 0};
        setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    ::close(socket_);
    socket_ = -1;
    input_.clear();
}

bool VpcdLink::send(Bytes body) {
    std::string message{static_cast<char>(body.size() >> 8), static_cast<char>(body.size())};
    message.append(body.begin(), body.end());
    std::size_t sent = 0;
    while (sent < message.size()) {
        const ssize_t n = ::send(socket_, message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
        } else if (n < 0 && errno == EAGAIN) {
            pollfd waits{socket_, POLLOUT, 0};
            if (poll(&waits, 1, 1000) != 1) return false;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

VpcdLink::Served VpcdLink::serve(ApduCard& card, Duration wait, Duration exchange, const std::function<bool()>& keep) {
    if (socket_ < 0) return Served::kClosed;
    const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(wait.count());
    const auto length = [&] { return std::size_t{static_cast<Byte>(input_[0])} << 8 | static_cast<Byte>(input_[1]); };
    while (input_.size() < 2 || input_.size() < 2 + length()) {
        const auto left =
            std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now());
        pollfd waits{socket_, POLLIN, 0};
        const int ready = poll(&waits, 1, milliseconds_of(Duration{std::max<std::int64_t>(left.count(), 0)}));
        if (ready == 0 || (ready < 0 && errno == EINTR)) return Served::kNothing;
        std::array<char, 4096> some;
        const ssize_t n = ready < 0 ? -1 : ::recv(socket_, some.data(), some.size(), 0);
        if (n > 0) {
            input_.append(some.data(), static_cast<std::size_t>(n));
            acknowledge_at_once(socket_);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            leave();
            return Served::kClosed;
        }
    }
    const std::string body = input_.substr(2, length());
    input_.erase(0, 2 + body.size());
    const auto answer = [&](Bytes bytes) {
        if (send(bytes)) return true;
        leave();
        return false;
    };
    if (body.size() == 1) {
        switch (body[0]) {
            case 0:
                card.power_off();
                break;
            case 1:
                static_cast<void>(card.power_on());
                break;
            case 2:
                static_cast<void>(card.reset());
                break;
            case 4: {
                const card::Atr atr = card.atr();
                // An answer of no bytes: nothing that a reader could show.
                if (!answer({atr.data(), atr.size()})) return Served::kClosed;
                break;
            }
            default:
                break;
        }
        return Served::kOrder;
    }
    if (exchange.count() > 0) std::this_thread::sleep_for(std::chrono::microseconds(exchange.count()));
    const auto made = card.transceive({reinterpret_cast<const Byte*>(body.data()), body.size()});
    const bool kept = !keep || keep();
    if (!made || !kept) {
        leave();
        return kept ? Served::kLeft : Served::kLost;
    }
    return answer({made->data(), made->size()}) ? Served::kCommand : Served::kClosed;
}

}  // namespace prewatt::sim

#include "sim/line_port.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace prewatt::sim {
namespace {
constexpr std::size_t kWaitingMax = 64 * 1024;
}

std::expected<HostPort, std::string> parse_host_port(std::string_view text) {
    HostPort at{"127.0.0.1", 0};
    std::string_view port = text;
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        std::string_view host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
            host = host.substr(1, host.size() - 2);
        else if (host.find(':') != std::string_view::npos)
            return std::unexpected("'" + std::string(text) + "': write an IPv6 address as [ADDRESS]:PORT");
        if (!host.empty()) at.host = host;
    }
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || error != std::errc{} || end != port.data() + port.size() || number > 65535)
        return std::unexpected("'" + std::string(text) + "' is not [HOST:]PORT with a port from 0 to 65535");
    at.port = static_cast<std::uint16_t>(number);
    return at;
}

std::expected<LinePort, std::string> LinePort::listen(const HostPort& at) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(at.port);
    const std::string wanted = at.host + ":" + service;
    if (const int error = ::getaddrinfo(at.host.c_str(), service.c_str(), &hints, &found); error != 0)
        return std::unexpected(wanted + ": " + ::gai_strerror(error));
    LinePort port;
    int problem = 0;
    for (const addrinfo* a = found; a != nullptr && port.listener_ < 0; a = a->ai_next) {
        const int handle = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        const int yes = 1;
        if (handle >= 0 && ::setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            ::bind(handle, a->ai_addr, a->ai_addrlen) == 0 && ::listen(handle, 16) == 0) {
            port.listener_ = handle;
        } else {
            problem = errno;
            if (handle >= 0) ::close(handle);
        }
    }
    ::freeaddrinfo(found);
    if (port.listener_ < 0) {
        if (problem == EADDRINUSE)
            return std::unexpected(wanted +
                                   ": the port is taken by another program; choose another one, or 0 for any free one");
        if (problem == EACCES)
            return std::unexpected(wanted + ": ports below 1024 need a special right; choose a higher one");
        return std::unexpected(wanted + ": cannot listen: " + std::strerror(problem));
    }
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(port.listener_, reinterpret_cast<sockaddr*>(&own), &size) == 0)
        port.port_ = ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&own)->sin6_port
                                                     : reinterpret_cast<const sockaddr_in*>(&own)->sin_port);
    port.name_ =
        (at.host.find(':') == std::string::npos ? at.host : "[" + at.host + "]") + ":" + std::to_string(port.port_);
    return port;
}

std::expected<LinePort, std::string> LinePort::open_terminal(const std::filesystem::path& link) {
    LinePort port;
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) return std::unexpected(std::string("no pseudo-terminal to be had: ") + std::strerror(errno));
    port.clients_.push_back({master, {}});
    port.last_talker_ = master;
    char name[128];
    if (::grantpt(master) != 0 || ::unlockpt(master) != 0 || ::ptsname_r(master, name, sizeof name) != 0)
        return std::unexpected(std::string("the pseudo-terminal cannot be opened: ") + std::strerror(errno));
    port.name_ = name;
    port.keep_open_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    if (port.keep_open_ < 0 || ::tcgetattr(port.keep_open_, &settings) != 0)
        return std::unexpected(port.name_ + ": " + std::strerror(errno));
    ::cfmakeraw(&settings);
    ::tcsetattr(port.keep_open_, TCSANOW, &settings);
    if (!link.empty()) {
        std::error_code error;
        const auto status = std::filesystem::symlink_status(link, error);
        if (std::filesystem::exists(status) && !std::filesystem::is_symlink(status))
            return std::unexpected(link.string() + ": exists and is no link; it was left alone, choose another name");
        std::filesystem::remove(link, error);
        std::filesystem::create_symlink(port.name_, link, error);
        if (error)
            return std::unexpected(link.string() + ": the link to " + port.name_ +
                                   " cannot be made: " + error.message());
        port.link_ = link;
    }
    return port;
}

LinePort::LinePort(LinePort&& other) noexcept
    : name_(std::move(other.name_)),
      port_(other.port_),
      listener_(std::exchange(other.listener_, -1)),
      keep_open_(std::exchange(other.keep_open_, -1)),
      link_(std::exchange(other.link_, {})),
      clients_(std::exchange(other.clients_, {})),
      last_talker_(other.last_talker_) {}

LinePort::~LinePort() {
    for (const Client& client : clients_)
        ::close(client.handle);
    if (listener_ >= 0) ::close(listener_);
    if (keep_open_ >= 0) ::close(keep_open_);
    std::error_code ignored;
    if (!link_.empty() && std::filesystem::read_symlink(link_, ignored) == name_)
        std::filesystem::remove(link_, ignored);
}

void LinePort::add_to(std::vector<pollfd>& wanted) const {
    if (listener_ >= 0) wanted.push_back({listener_, POLLIN, 0});
    for (const Client& client : clients_)
        wanted.push_back({client.handle, static_cast<short>(client.waiting.empty() ? POLLIN : POLLIN | POLLOUT), 0});
}

bool LinePort::flush(Client& client) {
    while (!client.waiting.empty()) {
        ssize_t n = ::send(client.handle, client.waiting.data(), client.waiting.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) n = ::write(client.handle, client.waiting.data(), client.waiting.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        client.waiting.erase(client.waiting.begin(), client.waiting.begin() + n);
    }
    return true;
}

void LinePort::drop(std::size_t k) {
    if (last_talker_ == clients_[k].handle) last_talker_ = -1;
    ::close(clients_[k].handle);
    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(k));
}

std::vector<Byte> LinePort::service() {
    if (listener_ >= 0) {
        for (int handle; (handle = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
            const int yes = 1;
            ::setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            clients_.push_back({handle, {}});
        }
    }
    std::vector<Byte> came;
    for (std::size_t k = 0; k < clients_.size();) {
        Byte buffer[4096];
        const ssize_t n = ::read(clients_[k].handle, buffer, sizeof buffer);
        const int error = errno;
        if (n > 0) {
            came.insert(came.end(), buffer, buffer + n);
            last_talker_ = clients_[k].handle;
        }
        const bool gone =
            n == 0 || (n < 0 && error != EAGAIN && error != EWOULDBLOCK && error != EINTR && error != EIO);
        if ((gone && listener_ >= 0) || (!flush(clients_[k]) && listener_ >= 0))
            drop(k);
        else
            ++k;
    }
    return came;
}

void LinePort::send(Bytes bytes) {
    for (std::size_t k = 0; k < clients_.size(); ++k) {
        Client& client = clients_[k];
        if (client.handle != last_talker_) continue;
        client.waiting.insert(client.waiting.end(), bytes.begin(), bytes.end());
        const bool alive = flush(client);
        if (listener_ < 0) {
            // Nobody reads the pseudo-terminal: the line speaks on, as lines do.
            if (client.waiting.size() > kWaitingMax) client.waiting.clear();
        } else if (!alive || client.waiting.size() > kWaitingMax) {
            drop(k);
        }
        return;
    }
}

}  // namespace prewatt::sim

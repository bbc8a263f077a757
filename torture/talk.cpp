#include "torture/talk.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace prewatt::torture {

void Talk::drop() {
    if (handle_ >= 0) close(handle_);
    handle_ = -1;
    read_.clear();
}

bool Talk::connect() {
    handle_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (handle_ < 0) return false;
    const timeval patience{10, 0};
    setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(handle_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    setsockopt(handle_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    drop();
    return false;
}

bool Talk::send(const Question& question, double share) {
    if (!reach()) return false;
    std::string text = std::string(question.method) + " /api/v1" + question.path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!token_.empty()) text += "Authorization: Bearer " + token_ + "\r\n";
    if (!question.key.empty()) text += "Idempotency-Key: " + question.key + "\r\n";
    if (!question.body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(question.body.size()) + "\r\n";
    text += "\r\n" + question.body;
    const auto size = std::min(text.size(), static_cast<std::size_t>(share * static_cast<double>(text.size())));
    for (std::size_t done = 0; done < size;) {
        const ssize_t count = ::send(handle_, text.data() + done, size - done, MSG_NOSIGNAL);
        if (count <= 0) {
            drop();
            return false;
        }
        done += static_cast<std::size_t>(count);
    }
    return true;
}

std::optional<Reply> Talk::receive() {
    const auto broken = [this]() -> std::optional<Reply> {
        drop();
        return std::nullopt;
    };
    const auto more = [this] {
        char piece[16384];
        const ssize_t count = handle_ < 0 ? -1 : recv(handle_, piece, sizeof piece, 0);
        if (count > 0) read_.append(piece, static_cast<std::size_t>(count));
        return count > 0;
    };
    std::size_t end = 0;
    while ((end = read_.find("\r\n\r\n")) == std::string::npos)
        if (!more()) return broken();
    std::string head = read_.substr(0, end + 2);
    Reply reply;
    if (head.size() < 12 || !head.starts_with("HTTP/1.1 ")) return broken();
    std::from_chars(head.data() + 9, head.data() + 12, reply.status);
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    std::size_t size = 0;
    if (const std::size_t at = head.find("\r\ncontent-length: "); at != std::string::npos)
        std::from_chars(head.data() + at + 18, head.data() + head.size(), size);
    reply.replayed = head.find("\r\nidempotency-replayed: true") != std::string::npos;
    while (read_.size() < end + 4 + size)
        if (!more()) return broken();
    reply.body = read_.substr(end + 4, size);
    read_.erase(0, end + 4 + size);
    if (head.find("\r\nconnection: close") != std::string::npos) drop();
    return reply;
}

}  // namespace prewatt::torture

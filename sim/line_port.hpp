// The host's side of a simulated line: a TCP port that behaves as a serial gateway, or a pseudo-terminal that behaves
// as a serial port.
//
// TCP: raw bytes both ways, nothing added. Several clients may be connected, as gateways allow; what they send goes
// onto the line as it comes, and what the line says goes to whoever spoke last (to nobody before anybody spoke). A
// client that does not read is dropped when 64 KiB wait for it: a line does not wait either. Pseudo-terminal: raw, no
// echo; speed, parity and stop bits may be set to anything, 8E1 included, and change nothing. Not for several threads.
#pragma once
#include <poll.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace prewatt::sim {

struct HostPort {
    std::string host;
    std::uint16_t port = 0;
};
// "PORT", "HOST:PORT", "[V6]:PORT"; the host is 127.0.0.1 where it is left out. The error says what was wrong.
[[nodiscard]] std::expected<HostPort, std::string> parse_host_port(std::string_view text);

class LinePort {
  public:
    // Errors are sentences; in use, no such host, no right.
    [[nodiscard]] static std::expected<LinePort, std::string> listen(const HostPort& at);
    // `link`, when not empty, is made to point to the pseudo-terminal and removed at the end. An existing file that is
    // no link is refused.
    [[nodiscard]] static std::expected<LinePort, std::string> open_terminal(const std::filesystem::path& link = {});
    LinePort(LinePort&& other) noexcept;
    LinePort& operator=(LinePort&&) = delete;
    ~LinePort();

    // Where it can be reached: "127.0.0.1:7001", "/dev/pts/3".
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // What ppoll() should wait for.
    void add_to(std::vector<pollfd>& wanted) const;
    // Accepts, reads what is there and writes what waits. Never blocks. The bytes that came, in order.
    [[nodiscard]] std::vector<Byte> service();
    // To whoever spoke last.
    void send(Bytes bytes);
    [[nodiscard]] std::size_t client_count() const { return clients_.size(); }

  private:
    struct Client {
        int handle = -1;
        std::vector<Byte> waiting;
    };
    LinePort() = default;
    static bool flush(Client& client);
    void drop(std::size_t k);

    std::string name_;
    std::uint16_t port_ = 0;
    int listener_ = -1;   // TCP
    int keep_open_ = -1;  // the other side of the pseudo-terminal, so that it lives between two programs
    std::filesystem::path link_;
    std::vector<Client> clients_;  // of a pseudo-terminal: its one master side
    int last_talker_ = -1;         // handle
};

}  // namespace prewatt::sim

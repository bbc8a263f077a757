#include "cli/bus_client.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>

#include "cli/exit_code.hpp"
#include "cli/frame_words.hpp"
#include "cli/output.hpp"
#include "server/collect/serial_port.hpp"

namespace prewatt::cli {
namespace {

using dlt645::Address;
using dlt645::Control;
using dlt645::Frame;

constexpr Duration kAnswerDelayMax = milliseconds(500);
constexpr Duration kMargin = milliseconds(200);
constexpr int kBitsPerCharacter = 11;
constexpr int kFollowingMax = 255;

Instant now() {
    using namespace std::chrono;
    return Instant{duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch()).count()};
}

int connect_tcp(const std::string& host, const std::string& port, std::string& why) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
        why = std::string("the name ") + host + " is not known: " + ::gai_strerror(error);
        return -1;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
    for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
        const int descriptor = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
        if (descriptor < 0) continue;
        // A gateway that is switched off must not hold the person for minutes.
        const timeval patience{5, 0};
        ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (::connect(descriptor, one->ai_addr, one->ai_addrlen) == 0) {
            const int on = 1;
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return descriptor;
        }
        why = std::string("no connection to ") + host + ":" + port + ": " + std::strerror(errno);
        ::close(descriptor);
    }
    return -1;
}

int open_serial(const std::string& path, int speed, std::string& why) {
    const auto port = collect::open_serial_port(path, static_cast<std::uint32_t>(speed));
    if (port) return *port;
    why = port.error();
    return -1;
}

// Does this reply belong to the question? Asked by wildcard, the real address comes back. Data comes behind the
// identifier asked for.
bool fits(const Frame& reply, const Address& meter, Control asked, Bytes question) {
    if (!reply.control.is_reply() || reply.control.function() != asked.function() || !matches(meter, reply.address))
        return false;
    const bool is_read =
        asked.function() == dlt645::Function::kRead || asked.function() == dlt645::Function::kReadFollowing;
    if (!is_read || reply.control.is_error()) return true;
    return reply.data.size() >= 4 && question.size() >= 4 && equal(reply.bytes().first(4), question.first(4));
}

}  // namespace

std::string BusClient::why_;

std::expected<BusClient, BusError> BusClient::open(const BusOptions& options) {
    why_.clear();
    if (options.speed < 600 || options.speed > 19200 ||
        !collect::is_line_speed(static_cast<std::uint32_t>(options.speed))) {
        why_ = "a line runs at 600, 1200, 2400, 4800, 9600 or 19200 bit/s, not at " + std::to_string(options.speed);
        return std::unexpected(BusError::kWrongName);
    }
    std::string name = options.bus;
    bool tcp = name.starts_with("tcp://");
    if (tcp) name.erase(0, 6);
    const std::size_t colon = name.rfind(':');
    if (!tcp && !name.starts_with('/') && !name.starts_with('.') && colon != std::string::npos) tcp = true;
    if (name.empty() || (tcp && (colon == std::string::npos || colon == 0 || colon + 1 == name.size()))) {
        why_ = "'" + options.bus + "' names no line";
        return std::unexpected(BusError::kWrongName);
    }
    const int descriptor =
        tcp ? connect_tcp(name.substr(0, colon), name.substr(colon + 1), why_) : open_serial(name, options.speed, why_);
    if (descriptor < 0) return std::unexpected(BusError::kNotReachable);
    return BusClient(options, descriptor);
}

BusClient::BusClient(const BusOptions& options, int descriptor) : options_(options), descriptor_(descriptor) {}
BusClient::BusClient(BusClient&& other) noexcept
    : options_(std::move(other.options_)),
      descriptor_(other.descriptor_),
      decoder_(other.decoder_),
      unread_(std::move(other.unread_)),
      refusal_(other.refusal_) {
    other.descriptor_ = -1;
}
BusClient::~BusClient() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Duration BusClient::time_out(std::size_t characters) const {
    const auto bits = static_cast<std::int64_t>(characters) * kBitsPerCharacter;
    return kAnswerDelayMax + Duration{bits * 1'000'000 / options_.speed} + kMargin;
}

bool BusClient::send(Bytes bytes) {
    while (!bytes.empty()) {
        // A gateway that hangs up must end this question, not the program.
        ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK) n = ::write(descriptor_, bytes.data(), bytes.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            pollfd ready{descriptor_, POLLOUT, 0};
            if (::poll(&ready, 1, 1000) <= 0) return false;
            continue;
        }
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

std::expected<Frame, BusError> BusClient::receive(Instant deadline) {
    for (;;) {
        while (!unread_.empty()) {
            const Byte byte = unread_.front();
            unread_.erase(unread_.begin());
            if (auto frame = decoder_.on_byte(byte, now())) return *frame;
        }
        const std::int64_t left = (deadline - now()).count();
        if (left <= 0) return std::unexpected(BusError::kNoAnswer);
        pollfd ready{descriptor_, POLLIN, 0};
        const int events = ::poll(&ready, 1, static_cast<int>(left / 1000 + 1));
        if (events < 0 && errno != EINTR) return std::unexpected(BusError::kNotReachable);
        if (events <= 0) continue;
        std::array<Byte, 512> buffer{};
        const ssize_t n = ::read(descriptor_, buffer.data(), buffer.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) {
            why_ = "the line was closed by the other side";
            return std::unexpected(BusError::kNotReachable);
        }
        unread_.insert(unread_.end(), buffer.begin(), buffer.begin() + n);
    }
}

std::expected<Frame, BusError> BusClient::ask(const Address& meter, Control control, Bytes data,
                                              std::size_t answer_bytes) {
    const dlt645::FrameBytes question = encode(meter, control, data);
    const Duration patience = time_out(question.size() + answer_bytes + dlt645::kFrameOverhead + dlt645::kPreambleSize);
    bool heard_something = false;
    for (int attempt = 0; attempt < options_.tries; ++attempt) {
        // What came late belongs to an older question.
        unread_.clear();
        decoder_.reset();
        std::array<Byte, 512> stale{};
        pollfd ready{descriptor_, POLLIN, 0};
        while (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0 &&
               ::read(descriptor_, stale.data(), stale.size()) > 0) {
        }
        if (options_.trace) options_.trace(true, {question.data(), question.size()});
        if (!send({question.data(), question.size()})) {
            why_ = std::string("the line took no bytes: ") + std::strerror(errno);
            return std::unexpected(BusError::kNotReachable);
        }
        const std::uint32_t noise = decoder_.noise_bytes() + decoder_.bad_frames();
        const Instant deadline = now() + patience;
        for (;;) {
            auto reply = receive(deadline);
            if (!reply) {
                if (reply.error() == BusError::kNotReachable) return reply;
                break;
            }
            if (options_.trace) {
                const auto bytes = encode(reply->address, reply->control, reply->bytes(), 0);
                options_.trace(false, {bytes.data(), bytes.size()});
            }
            if (!fits(*reply, meter, control, data)) {
                heard_something = heard_something || reply->control.is_reply();
                continue;
            }
            if (!reply->control.is_error()) return reply;
            refusal_ = reply->data.empty() ? 0 : reply->data[0];
            return std::unexpected(BusError::kRefused);
        }
        heard_something = heard_something || decoder_.noise_bytes() + decoder_.bad_frames() != noise;
    }
    return std::unexpected(heard_something ? BusError::kDamaged : BusError::kNoAnswer);
}

std::expected<std::vector<Byte>, BusError> BusClient::read(const Address& meter, dlt645::DataId id, Bytes asked,
                                                           std::size_t answer_bytes) {
    std::array<Byte, dlt645::kDataSizeMax> question{};
    ByteWriter writer(question);
    writer.put_u32(id.value);
    writer.put(asked);
    if (!writer.ok()) return std::unexpected(BusError::kWrongName);
    auto reply = ask(meter, request(dlt645::Function::kRead), writer.written(), answer_bytes);
    std::vector<Byte> data;
    for (int part = 1;; ++part) {
        if (!reply) return std::unexpected(reply.error());
        const std::size_t tail = part == 1 ? 0 : 1;
        if (reply->data.size() < 4 + tail) return std::unexpected(BusError::kDamaged);
        if (tail == 1 && reply->data.back() != static_cast<Byte>(part - 1)) return std::unexpected(BusError::kDamaged);
        data.insert(data.end(), reply->data.begin() + 4, reply->data.end() - tail);
        if (!reply->control.more_follows()) return data;
        if (part > kFollowingMax) return std::unexpected(BusError::kDamaged);
        std::array<Byte, 5> next{};
        ByteWriter following(next);
        following.put_u32(id.value);
        following.put_u8(static_cast<std::uint8_t>(part));
        reply = ask(meter, request(dlt645::Function::kReadFollowing), next, dlt645::kDataSizeMax);
    }
}

int complain(const BusClient& bus, BusError error, const std::string& name) {
    const BusOptions& options = bus.options();
    const std::string meter = "meter " + name;
    switch (error) {
        case BusError::kNoAnswer:
            return fail(ExitCode::kNoAnswer,
                        meter + " did not answer (" + std::to_string(options.tries) + " tries at " +
                            std::to_string(options.speed) + " bit/s on " + options.bus + ")",
                        "another --baud (2400 is the usual one of other makers), the address AAAAAAAAAAAA with one "
                        "meter on the line, --raw");
        case BusError::kDamaged:
            return fail(
                ExitCode::kNoAnswer, meter + " answered, but never whole (" + std::to_string(options.tries) + " tries)",
                "another --baud; look for two meters with one address, a missing terminator, a second master; --raw");
        case BusError::kRefused:
            return fail(ExitCode::kRefused, meter + " refused: " + words_of_error(bus.refusal()),
                        "prewatt read " + name + " --bus " + options.bus + " (without --item: what it has)");
        case BusError::kNotReachable:
        case BusError::kWrongName:
            break;
    }
    return fail(ExitCode::kNotReachable, "the line " + options.bus + " failed while it was used: " + BusClient::why());
}

}  // namespace prewatt::cli

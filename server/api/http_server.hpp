// One TCP port that speaks HTTP/1.1: bounded requests, keep-alive, time limits, streams of events, an orderly stop.
// Sockets live on one thread (that of run()); handlers run on a pool, so a handler may block on the database or on a
// line.
//
// Decides: what a request may weigh and how long it may take (400, 408, 413, 431), 503 `busy` when too many wait, which
// connections stay open. It knows nothing of routes. The stop lets requests that have begun finish, within
// `stop_grace`.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "server/api/event_hub.hpp"
#include "server/api/http.hpp"

namespace prewatt::server::api {

struct HttpServerOptions {
    std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
    std::uint16_t port = 8080;          // 0: any free one
    std::size_t body_bytes_max = 64 * 1024;
    std::uint32_t header_bytes_max = 16 * 1024;
    std::size_t connections_max = 1024;
    std::size_t waiting_max = 512;  // requests that handlers work on or that wait for one
    std::size_t handler_threads = 16;
    std::chrono::milliseconds idle_max{60'000};
    std::chrono::milliseconds header_time_max{10'000};
    std::chrono::milliseconds body_time_max{20'000};
    std::chrono::milliseconds write_time_max{30'000};
    std::chrono::milliseconds heartbeat{15'000};
    std::chrono::milliseconds stop_grace{5'000};
    bool stop_on_signals = false;  // SIGINT and SIGTERM call stop()
};

enum class ListenError : std::uint8_t {
    kBadAddress,    // not a numeric address
    kPortTaken,     // somebody listens there already
    kNotPermitted,  // a port below 1024 without the right
    kOther,
};
struct ListenFailure {
    ListenError error = ListenError::kOther;
    std::string words;
};

class HttpServer {
  public:
    // Called on a thread of the pool, many at once. Must not throw.
    using Handle = std::function<Response(const Request&)>;

    // Listens at once; connections are served as soon as run() runs. `hub` must outlive the server.
    [[nodiscard]] static std::expected<std::unique_ptr<HttpServer>, ListenFailure> listen(
        const HttpServerOptions& options, EventHub& hub, Handle handle);
    virtual ~HttpServer() = default;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    // Serves until stop(); to be called once.
    virtual void run() = 0;
    // From any thread; returns at once.
    virtual void stop() = 0;
};

}  // namespace prewatt::server::api

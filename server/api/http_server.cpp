// Boost 1.81 uses std::exchange in a coroutine header without including it.
#include <utility>
//
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <optional>
#include <set>

#include "server/api/http_server.hpp"

namespace prewatt::server::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Method method_of(http::verb verb) {
    switch (verb) {
        case http::verb::get:
            return Method::kGet;
        case http::verb::head:
            return Method::kHead;
        case http::verb::post:
            return Method::kPost;
        case http::verb::put:
            return Method::kPut;
        case http::verb::delete_:
            return Method::kDelete;
        default:
            return Method::kOther;
    }
}

Response refusal(int status, std::string code, std::string message) {
    return Problem{status, std::move(code), std::move(message), nullptr, std::nullopt}.response();
}

class BeastServer;

struct Connection {
    explicit Connection(tcp::socket socket) : stream(std::move(socket)), wake(stream.get_executor()) {}
    beast::tcp_stream stream;
    asio::steady_timer wake;  // of a stream of events
    std::atomic<bool> woken{false};
    bool busy = false;  // between the first byte of a request and the last of its answer
};

class BeastServer final : public HttpServer {
  public:
    BeastServer(const HttpServerOptions& options, EventHub& hub, Handle handle)
        : options_(options),
          hub_(hub),
          handle_(std::move(handle)),
          pool_(options.handler_threads),
          acceptor_(io_),
          signals_(io_),
          grace_(io_) {}
    ~BeastServer() override {
        pool_.stop();
        pool_.join();
    }

    std::optional<ListenFailure> open() {
        error_code fault;
        const asio::ip::address address = asio::ip::make_address(options_.address, fault);
        if (fault)
            return ListenFailure{ListenError::kBadAddress, "'" + options_.address + "' is not a numeric address"};
        const tcp::endpoint endpoint(address, options_.port);
        acceptor_.open(endpoint.protocol(), fault);
        if (!fault) acceptor_.set_option(tcp::acceptor::reuse_address(true), fault);
        if (!fault) acceptor_.bind(endpoint, fault);
        if (!fault) acceptor_.listen(asio::socket_base::max_listen_connections, fault);
        if (!fault) return std::nullopt;
        ListenError error = ListenError::kOther;
        if (fault == asio::error::address_in_use) error = ListenError::kPortTaken;
        if (fault == asio::error::access_denied) error = ListenError::kNotPermitted;
        return ListenFailure{error, fault.message()};
    }

    std::uint16_t port() const override { return acceptor_port_; }
    void remember_port() { acceptor_port_ = acceptor_.local_endpoint().port(); }

    void run() override {
        if (options_.stop_on_signals) {
            signals_.add(SIGINT);
            signals_.add(SIGTERM);
            signals_.async_wait([this](error_code fault, int) {
                if (!fault) begin_stop();
            });
        }
        asio::co_spawn(io_, accept(), asio::detached);
        io_.run();
        pool_.join();
    }

    void stop() override {
        asio::post(io_, [this] { begin_stop(); });
    }

  private:
    void begin_stop() {
        if (stopping_) return;
        stopping_ = true;
        error_code ignored;
        acceptor_.close(ignored);
        signals_.cancel(ignored);
        for (Connection* connection : connections_)
            if (!connection->busy) close(*connection);
        grace_.expires_after(options_.stop_grace);
        grace_.async_wait([this](error_code fault) {
            if (fault) return;
            for (Connection* connection : connections_)
                close(*connection);
        });
        finish_when_empty();
    }
    void finish_when_empty() {
        if (stopping_ && connections_.empty()) grace_.cancel();
    }
    static void close(Connection& connection) {
        error_code ignored;
        connection.stream.socket().close(ignored);
        connection.wake.cancel();
    }

    asio::awaitable<void> accept() {
        while (!stopping_) {
            auto [fault, socket] = co_await acceptor_.async_accept(kTuple);
            if (stopping_) break;
            if (fault) {
                // Out of file descriptors and the like: give those who hold them time to go.
                asio::steady_timer pause(io_, std::chrono::milliseconds(100));
                co_await pause.async_wait(kTuple);
                continue;
            }
            if (connections_.size() >= options_.connections_max) continue;  // closes it
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            asio::co_spawn(io_, serve(std::make_shared<Connection>(std::move(socket))), asio::detached);
        }
    }

    asio::awaitable<void> serve(std::shared_ptr<Connection> connection) {
        connections_.insert(connection.get());
        try {
            co_await converse(*connection, connection);
        } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
            // Memory ran out or the socket broke in a place without an error code: this connection ends, the others go
            // on.
        }
        connections_.erase(connection.get());
        error_code ignored;
        connection->stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
        finish_when_empty();
    }

    asio::awaitable<void> converse(Connection& connection, std::shared_ptr<Connection> shared) {
        beast::tcp_stream& stream = connection.stream;
        error_code endpoint_fault;
        const tcp::endpoint remote = stream.socket().remote_endpoint(endpoint_fault);
        const std::string remote_address = endpoint_fault ? std::string() : remote.address().to_string();
        beast::flat_buffer buffer(options_.header_bytes_max + options_.body_bytes_max + 4096);
        while (!stopping_) {
            connection.busy = false;
            if (buffer.size() == 0) {
                stream.expires_after(options_.idle_max);
                auto [fault, count] = co_await stream.async_read_some(buffer.prepare(4096), kTuple);
                if (fault) co_return;
                buffer.commit(count);
            }
            connection.busy = true;
            http::request_parser<http::string_body> parser;
            parser.header_limit(options_.header_bytes_max);
            parser.body_limit(options_.body_bytes_max);
            stream.expires_after(options_.header_time_max);
            auto [header_fault, header_count] = co_await http::async_read_header(stream, buffer, parser, kTuple);
            error_code fault = header_fault;
            if (!fault && !parser.is_done()) {
                stream.expires_after(options_.body_time_max);
                if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
                    http::response<http::empty_body> go_on(http::status::continue_, 11);
                    auto [go_on_fault, go_on_count] = co_await http::async_write(stream, go_on, kTuple);
                    fault = go_on_fault;
                }
                if (!fault) {
                    auto [body_fault, body_count] = co_await http::async_read(stream, buffer, parser, kTuple);
                    fault = body_fault;
                }
            }
            if (fault) {
                std::optional<Response> answer = answer_to_fault(fault);
                if (answer) co_await write(connection, std::move(*answer), 11, false, false);
                co_return;
            }
            auto& message = parser.get();
            const unsigned version = message.version();
            const bool is_head = message.method() == http::verb::head;
            const bool keep_alive = message.keep_alive();
            Request request;
            request.method = method_of(message.method());
            request.remote = remote_address;
            for (const auto& field : message) {
                std::string name(field.name_string());
                for (char& c : name)
                    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
                request.headers.push_back({std::move(name), std::string(field.value())});
            }
            request.body = std::move(message.body());
            Response response;
            if (!request.set_target(std::string_view(message.target().data(), message.target().size()))) {
                response = refusal(400, "bad_target", "the address of the request is malformed");
            } else if (waiting_ >= options_.waiting_max) {
                response = refusal(503, "busy", "too many requests at once; nothing was done; try again in a second");
                response.with("Retry-After", "1");
            } else {
                ++waiting_;
                response = co_await asio::co_spawn(pool_, work(std::move(request)), asio::use_awaitable);
                --waiting_;
            }
            if (response.is_event_stream && !is_head) {
                connection.busy = false;
                co_await stream_events(connection, shared, std::move(response));
                co_return;
            }
            const bool go_on =
                co_await write(connection, std::move(response), version, is_head, keep_alive && !stopping_);
            if (!go_on) co_return;
        }
    }

    asio::awaitable<Response> work(Request request) { co_return handle_(request); }

    static std::optional<Response> answer_to_fault(error_code fault) {
        if (fault == http::error::header_limit || fault == http::error::buffer_overflow)
            return refusal(431, "headers_too_large", "the header lines are too long");
        if (fault == http::error::body_limit)
            return refusal(413, "body_too_large", "the body is too long; nothing was done");
        if (fault == beast::error::timeout)
            return refusal(408, "too_slow", "the request took too long to arrive; nothing was done");
        if (fault.category() == http::make_error_code(http::error::bad_method).category() &&
            fault != http::error::end_of_stream && fault != http::error::partial_message)
            return refusal(400, "bad_request", "this is not HTTP: " + fault.message());
        return std::nullopt;
    }

    template <class Message>
    void fill(Message& message, const Response& response) {
        message.set(http::field::server, "prewatt");
        if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
        message.set("X-Content-Type-Options", "nosniff");
        message.set("Referrer-Policy", "same-origin");
        bool has_policy = false;
        for (const Header& header : response.headers) {
            message.insert(header.name, header.value);
            has_policy |= header.name == "Content-Security-Policy";
        }
        if (!has_policy) message.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    }

    // False: the connection is to be closed.
    asio::awaitable<bool> write(Connection& connection, Response response, unsigned version, bool is_head,
                                bool keep_alive) {
        connection.stream.expires_after(options_.write_time_max);
        const std::size_t size = response.body ? response.body->size() : 0;
        const auto status = static_cast<http::status>(response.status);
        const bool bodiless = response.status == 204 || response.status == 304;
        error_code fault;
        if (is_head || bodiless) {
            http::response<http::empty_body> message(status, version);
            fill(message, response);
            message.keep_alive(keep_alive);
            if (!bodiless) message.content_length(size);
            http::response_serializer<http::empty_body> serializer(message);
            auto [write_fault, count] = co_await http::async_write_header(connection.stream, serializer, kTuple);
            fault = write_fault;
        } else {
            http::response<http::span_body<const char>> message(status, version);
            fill(message, response);
            message.keep_alive(keep_alive);
            if (response.body) message.body() = beast::span<const char>(response.body->data(), size);
            message.content_length(size);
            auto [write_fault, count] = co_await http::async_write(connection.stream, message, kTuple);
            fault = write_fault;
        }
        co_return !fault && keep_alive;
    }

    asio::awaitable<void> stream_events(Connection& connection, std::shared_ptr<Connection> shared, Response response) {
        const std::weak_ptr<Connection> weak = shared;
        const std::uint64_t watcher = hub_.watch([this, weak] {
            const std::shared_ptr<Connection> strong = weak.lock();
            if (strong && !strong->woken.exchange(true)) asio::post(io_, [strong] { strong->wake.cancel(); });
        });
        co_await write_events(connection, std::move(response));
        hub_.unwatch(watcher);
    }

    asio::awaitable<bool> write_text(Connection& connection, std::string text) {
        connection.stream.expires_after(options_.write_time_max);
        auto [fault, count] = co_await asio::async_write(connection.stream, asio::buffer(text), kTuple);
        co_return !fault;
    }

    asio::awaitable<void> write_events(Connection& connection, Response response) {
        http::response<http::empty_body> head(http::status::ok, 11);
        response.content_type = "text/event-stream; charset=utf-8";
        fill(head, response);
        head.set(http::field::cache_control, "no-store");
        head.set("X-Accel-Buffering", "no");
        head.set(http::field::connection, "close");
        http::response_serializer<http::empty_body> serializer(head);
        connection.stream.expires_after(options_.write_time_max);
        auto [head_fault, head_count] = co_await http::async_write_header(connection.stream, serializer, kTuple);
        if (head_fault) co_return;
        // Says where the stream begins, so that a page that is cut off before the first event resumes without a gap.
        std::uint64_t after = response.events_after.value_or(hub_.last());
        if (!co_await write_text(connection, "retry: 2000\nid: " + std::to_string(after) + "\n\n")) co_return;
        while (!stopping_) {
            connection.woken = false;
            EventHub::News news = hub_.news(after, 64);
            after = news.last;
            std::string text;
            if (news.lost) {
                text = "id: " + std::to_string(after) + "\nevent: reset\ndata: {}\n\n";
            } else if (!news.texts.empty()) {
                for (const EventHub::Text& one : news.texts)
                    text += *one;
            } else {
                connection.wake.expires_after(options_.heartbeat);
                auto [fault] = co_await connection.wake.async_wait(kTuple);
                if (fault) continue;  // woken, or the server stops
                text = ": still here\n\n";
                if (response.still_allowed && !response.still_allowed()) co_return;
            }
            if (!co_await write_text(connection, std::move(text))) co_return;
        }
    }

    HttpServerOptions options_;
    EventHub& hub_;
    Handle handle_;
    asio::io_context io_{1};
    asio::thread_pool pool_;
    tcp::acceptor acceptor_;
    asio::signal_set signals_;
    asio::steady_timer grace_;
    std::uint16_t acceptor_port_ = 0;
    std::set<Connection*> connections_;
    std::size_t waiting_ = 0;
    bool stopping_ = false;
};

}  // namespace

std::expected<std::unique_ptr<HttpServer>, ListenFailure> HttpServer::listen(const HttpServerOptions& options,
                                                                             EventHub& hub, Handle handle) {
    auto server = std::make_unique<BeastServer>(options, hub, std::move(handle));
    if (std::optional<ListenFailure> failure = server->open()) return std::unexpected(std::move(*failure));
    server->remember_port();
    return server;
}

}  // namespace prewatt::server::api

// The port as a browser and as a stranger meet it: raw bytes over a loopback socket.
#include "server/api/http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace prewatt::server::api {
namespace {

class Socket {
  public:
    explicit Socket(std::uint16_t port) : handle_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{10, 0};
        setsockopt(handle_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        EXPECT_EQ(connect(handle_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Socket() { close(handle_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    void send(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t sent = ::send(handle_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Until `mark` has come or the other end closes.
    std::string read_until(std::string_view mark) {
        while (received_.find(mark) == std::string::npos) {
            char piece[4096];
            const ssize_t count = recv(handle_, piece, sizeof piece, 0);
            if (count <= 0) break;
            received_.append(piece, static_cast<std::size_t>(count));
        }
        return std::exchange(received_, {});
    }
    std::string read_all() { return read_until("\x01 never"); }

  private:
    int handle_;
    std::string received_;
};

class HttpServerTest : public testing::Test {
  protected:
    void start(HttpServerOptions options = {}) {
        options.port = 0;
        auto listening = HttpServer::listen(options, hub_, [this](const Request& request) { return answer(request); });
        ASSERT_TRUE(listening);
        server_ = std::move(*listening);
        thread_ = std::thread([this] { server_->run(); });
    }
    ~HttpServerTest() override {
        if (!server_) return;
        server_->stop();
        if (thread_.joinable()) thread_.join();
    }
    Response answer(const Request& request) {
        ++asked_;
        if (request.path == "/slow") {
            while (!let_go_)
                std::this_thread::yield();
        }
        if (request.path == "/events") {
            Response response;
            response.is_event_stream = true;
            response.events_after = 0;
            response.still_allowed = [this] { return allowed_.load(); };
            return response;
        }
        Response response;
        response.content_type = "text/plain";
        response.body = std::make_shared<const std::string>(std::string(word_of(request.method)) + " " + request.path +
                                                            " [" + request.body + "]");
        return response;
    }

    EventHub hub_{100, 1};
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
    std::atomic<int> asked_{0};
    std::atomic<bool> let_go_{false};
    std::atomic<bool> allowed_{true};
};

TEST_F(HttpServerTest, ManyRequestsGoOverOneConnection) {
    // Each keystroke of the search opens a new connection and the desk becomes slow.
    start();
    Socket socket(server_->port());
    for (int i = 0; i < 3; ++i) {
        socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        EXPECT_NE(socket.read_until("[abc]").find("200 OK"), std::string::npos);
    }
    socket.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string both = socket.read_all();
    EXPECT_NE(both.find("GET /a []"), std::string::npos);
    EXPECT_NE(both.find("GET /b []"), std::string::npos);
}

TEST_F(HttpServerTest, WhatIsTooLargeOrNoHttpIsRefusedAndTheOfficeGoesOn) {
    // A stranger sends a gigabyte, and the desk stands still.
    HttpServerOptions options;
    options.body_bytes_max = 1000;
    start(options);
    const auto ask = [this](const std::string& text) {
        Socket socket(server_->port());
        socket.send(text);
        return socket.read_all();
    };
    EXPECT_NE(ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n").find("413"), std::string::npos);
    EXPECT_NE(ask("GET /x HTTP/1.1\r\nHost: x\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n").find("431"),
              std::string::npos);
    EXPECT_NE(ask("this is not HTTP\r\n\r\n").find("400"), std::string::npos);
    EXPECT_NE(ask("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("bad_target"), std::string::npos);
    EXPECT_NE(ask("GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").find("bad_target"), std::string::npos);
    EXPECT_EQ(asked_, 0);
    const std::string head = ask("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 10"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    EXPECT_NE(head.find("X-Content-Type-Options: nosniff"), std::string::npos);
}

TEST_F(HttpServerTest, ARequestThatDripsInIsCutOff) {
    // A broken client holds connections with half a header until nobody else gets in.
    HttpServerOptions options;
    options.header_time_max = std::chrono::milliseconds(50);
    options.idle_max = std::chrono::milliseconds(50);
    start(options);
    Socket half(server_->port());
    half.send("GET /x HTT");
    EXPECT_EQ(half.read_all().find("200"), std::string::npos);
    Socket silent(server_->port());
    EXPECT_EQ(silent.read_all(), "");
}

TEST_F(HttpServerTest, EventsAreStreamedInOrderAndTheStreamSaysWhereItBegan) {
    // The wall misses the light of one room.
    start();
    hub_.publish("sale", "{\"id\":1}");
    Socket socket(server_->port());
    socket.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string begin = socket.read_until("{\"id\":1}\n\n");
    EXPECT_NE(begin.find("Content-Type: text/event-stream"), std::string::npos);
    EXPECT_NE(begin.find("retry: 2000\nid: 0\n\n"), std::string::npos);
    hub_.publish("sale", "{\"id\":2}");
    EXPECT_NE(socket.read_until("{\"id\":2}\n\n").find("id: 2\nevent: sale"), std::string::npos);
    for (int i = 0; i < 300; ++i)
        hub_.publish("box", "{}");
    EXPECT_NE(socket.read_until("id: 302\n").find("id: 302\n"), std::string::npos);
}

TEST_F(HttpServerTest, AnIdleStreamBeatsAndEndsWithTheSession) {
    // A proxy closes the quiet stream, and the page believes that nothing happens; somebody who was signed out goes on
    // watching.
    HttpServerOptions options;
    options.heartbeat = std::chrono::milliseconds(20);
    start(options);
    Socket socket(server_->port());
    socket.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.read_until(": still here\n\n").find(": still here"), std::string::npos);
    allowed_ = false;
    socket.read_all();
    for (int i = 0; i < 1000 && hub_.watchers() > 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(hub_.watchers(), 0u);
}

TEST_F(HttpServerTest, TheStopLetsARequestFinishAndClosesStreams) {
    // A sale is booked, but the cashier sees a broken connection and sells again.
    start();
    Socket stream(server_->port());
    stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.read_until("id: 0\n\n");
    Socket slow(server_->port());
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    while (asked_ < 2)
        std::this_thread::yield();
    server_->stop();
    stream.read_all();
    let_go_ = true;
    EXPECT_NE(slow.read_all().find("GET /slow []"), std::string::npos);
    thread_.join();
}

TEST_F(HttpServerTest, APortThatIsTakenIsToldApart) {
    // Two offices run on one database port, or the second dies without a word.
    start();
    HttpServerOptions options;
    options.port = server_->port();
    const auto second = HttpServer::listen(options, hub_, [](const Request&) { return Response{}; });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error, ListenError::kPortTaken);
    options.address = "nowhere";
    const auto third = HttpServer::listen(options, hub_, [](const Request&) { return Response{}; });
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().error, ListenError::kBadAddress);
}

}  // namespace
}  // namespace prewatt::server::api

#include "server/collect/line_runner.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "card/openssl/openssl_mac.hpp"
#include "server/collect/fake_box.hpp"
#include "server/collect/quiet_office.hpp"

namespace prewatt::collect {
namespace {
namespace asio = boost::asio;
using boost::system::error_code;

constexpr card::Key kMaster{9, 9, 9};
constexpr std::uint64_t kNumber = 2'000'000'001;

class RunnerOffice final : public QuietOffice {
  public:
    void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) override {
        runner->give_counters(box, std::max(above, 100u) + 1, count);
    }
    void on_block(const BlockReading& reading) override { readings += static_cast<int>(reading.changed.size()); }
    void on_live(LiveRequest, const std::expected<dlt645::LiveValues, ReadError>& result, UnixTime) override {
        live = result ? std::optional<ReadError>{} : result.error();
        ++lives;
    }
    void on_confirmed(const Delivery&, const card::Effect& effect, UnixTime) override { confirmed = effect; }

    LineRunner* runner = nullptr;
    int readings = 0;
    int lives = 0;
    std::optional<ReadError> live;
    std::optional<card::Effect> confirmed;
};

// The far end of a port or of a connection, with one box on it.
class FarEnd {
  public:
    FarEnd(asio::io_context& io, FakeBox& box) : stream(io), box_(box) {}
    void serve(int file) {
        stream.assign(file);
        read();
    }
    asio::posix::stream_descriptor stream;

  private:
    void read() {
        stream.async_read_some(asio::buffer(bytes_), [this](error_code error, std::size_t size) {
            if (error) return;
            for (std::size_t k = 0; k < size; ++k) {
                const auto frame = decoder_.on_byte(bytes_[k], Instant{++time_});
                if (!frame) continue;
                if (const auto reply = box_.on_request(*frame))
                    asio::write(stream, asio::buffer(reply->data(), reply->size()), error);
            }
            read();
        });
    }
    FakeBox& box_;
    dlt645::Decoder decoder_;
    std::array<Byte, 256> bytes_{};
    std::int64_t time_ = 0;
};

struct World {
    explicit World(const std::string& url) {
        LineSettings settings;
        settings.box_interval_min = milliseconds(1);
        runner = std::make_unique<LineRunner>(io, parse_line_url(url).value(), settings, mac, office);
        office.runner = runner.get();
        runner->set_boxes({{BoxId{1}, kNumber, 39, keys}});
        runner->start();
    }
    ~World() {
        bool stopped = false;
        runner->stop([&] { stopped = true; });
        while (!stopped)
            io.run_one();
    }
    void step() {
        if (io.stopped()) io.restart();
        io.run_one_for(std::chrono::milliseconds(50));
    }
    template <class Done>
    bool wait(Done done, int limit_ms = 10'000) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
        while (std::chrono::steady_clock::now() < end) {
            if (done()) return true;
            step();
        }
        return false;
    }
    void sell() {
        DesiredState d;
        d.household = HouseholdId{7};
        d.box = BoxId{1};
        d.number = 3;
        d.ticket = {1, 1, credit_of_hundredths(1234)};
        runner->desire({d});
    }
    card::OpensslMac mac;
    card::OpensslMac box_mac;
    card::BoxKeys keys = card::diversify(mac, kMaster, kNumber);
    FakeBox box{box_mac, kNumber, keys};
    asio::io_context io;
    RunnerOffice office;
    std::unique_ptr<LineRunner> runner;
};

struct Gateway {
    Gateway() { acceptor.non_blocking(true); }
    bool accept(FarEnd& end) {
        error_code waiting;
        asio::ip::tcp::socket socket = acceptor.accept(waiting);
        if (!waiting) end.serve(socket.release());
        return !waiting;
    }
    [[nodiscard]] std::string url() const {
        return "tcp://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    }
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor{io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

TEST(LineRunner, DeliversThroughAGatewayAndComesBackWhenItWasAway) {
    // The switch of the floor is restarted: the line must come back by itself, without anybody touching the office.
    Gateway gateway;
    World world(gateway.url());
    auto first = std::make_unique<FarEnd>(world.io, world.box);
    ASSERT_TRUE(world.wait([&] { return gateway.accept(*first); }));
    ASSERT_TRUE(world.wait([&] { return world.office.readings >= 39; }));
    EXPECT_EQ(world.runner->status().state, LineState::kUp);
    first->stream.close();
    ASSERT_TRUE(world.wait([&] { return world.runner->status().state == LineState::kDown; }));
    EXPECT_FALSE(world.runner->status().problem.empty());
    world.sell();
    world.runner->read_live(1, BoxId{1}, 3);
    ASSERT_TRUE(world.wait([&] { return world.office.lives == 1; }));
    EXPECT_EQ(world.office.live, ReadError::kLineDown);
    FarEnd second(world.io, world.box);
    ASSERT_TRUE(world.wait([&] { return gateway.accept(second); }));
    ASSERT_TRUE(world.wait([&] { return world.office.confirmed.has_value(); }));
    EXPECT_EQ(world.office.confirmed->remaining_hundredths, 1234);
    EXPECT_GT(world.box.command_counter, 100u);
}

TEST(LineRunner, SpeaksThroughASerialPortAndKeepsOthersOff) {
    // Two offices on one port would each read the other's answers.
    const int file = ::posix_openpt(O_RDWR | O_NOCTTY);
    ASSERT_GE(file, 0);
    ASSERT_EQ(::grantpt(file), 0);
    ASSERT_EQ(::unlockpt(file), 0);
    termios raw{};
    ::tcgetattr(file, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(file, TCSANOW, &raw);
    const std::string url = std::string("serial://") + ::ptsname(file);
    World world(url);
    FarEnd end(world.io, world.box);
    end.serve(file);
    world.sell();
    ASSERT_TRUE(world.wait([&] { return world.office.confirmed.has_value(); }));
    World other(url);
    ASSERT_TRUE(other.wait([&] { return other.runner->status().state == LineState::kDown; }));
    EXPECT_NE(other.runner->status().problem.find("another program"), std::string::npos);
}

TEST(LineRunner, APortThatDoesNotExistIsReportedAndTriedAgain) {
    // The converter was pulled out before the office started.
    World world("serial:///dev/prewatt-no-such-port");
    ASSERT_TRUE(world.wait([&] { return world.runner->status().state == LineState::kDown; }));
    EXPECT_NE(world.runner->status().problem.find("prewatt-no-such-port"), std::string::npos);
}

}  // namespace
}  // namespace prewatt::collect

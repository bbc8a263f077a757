#include "cli/bus_client.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace prewatt::cli {
namespace {

using dlt645::Address;
using dlt645::Control;
using dlt645::Frame;
using dlt645::Function;

// A gateway with one meter behind it; `answer` gives the bytes that go back for a frame.
class FakeGateway {
  public:
    using Answer = std::function<std::vector<Byte>(const Frame&, int number)>;
    explicit FakeGateway(Answer answer) : answer_(std::move(answer)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 1) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            ADD_FAILURE() << "no port on the loopback";
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~FakeGateway() {
        stop_ = true;
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] std::string bus() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
    std::atomic<int> questions{0};

  private:
    void serve() {
        int client = -1;
        dlt645::Decoder decoder;
        while (!stop_) {
            pollfd ready{client < 0 ? listener_ : client, POLLIN, 0};
            if (::poll(&ready, 1, 5) <= 0) continue;
            if (client < 0) {
                client = ::accept(listener_, nullptr, nullptr);
                continue;
            }
            Byte byte = 0;
            if (::recv(client, &byte, 1, 0) <= 0) break;
            const auto frame = decoder.on_byte(byte, Instant{});
            if (!frame) continue;
            const std::vector<Byte> bytes = answer_(*frame, ++questions);
            if (!bytes.empty() && ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) break;
        }
        if (client >= 0) ::close(client);
    }
    Answer answer_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

const Address kMeter = dlt645::address_of({2026000017}, Household{12});

std::vector<Byte> bytes_of(const Address& meter, Control control, std::vector<Byte> data) {
    const auto frame = encode(meter, control, data);
    return {frame.begin(), frame.end()};
}
BusClient client_of(const FakeGateway& gateway, int tries = 2) {
    auto client = BusClient::open({gateway.bus(), 19200, tries, {}});
    EXPECT_TRUE(client);
    return std::move(*client);
}

TEST(BusClient, ReadsAnItem) {
    FakeGateway gateway([](const Frame& asked, int) {
        EXPECT_EQ(asked.control, request(Function::kRead));
        return bytes_of(asked.address, reply(Function::kRead), {0, 0, 1, 0, 0x78, 0x56, 0x34, 0x12});
    });
    BusClient client = client_of(gateway);
    EXPECT_EQ(client.read(kMeter, {0x00010000}), (std::vector<Byte>{0x78, 0x56, 0x34, 0x12}));
}

TEST(BusClient, JoinsFollowingFrames) {
    // A full box comes in two frames; half of it would show twenty rooms as gone.
    FakeGateway gateway([](const Frame& asked, int) {
        if (asked.control == request(Function::kRead)) {
            std::vector<Byte> data{0, 0, 1, 0};
            data.resize(200, 0x11);
            return bytes_of(asked.address, reply(Function::kRead, true), data);
        }
        const Byte part = asked.data[4];
        return bytes_of(asked.address, reply(Function::kReadFollowing, part < 2), {0, 0, 1, 0, 0x22, part});
    });
    BusClient client = client_of(gateway);
    const auto data = client.read(kMeter, {0x00010000});
    ASSERT_TRUE(data);
    EXPECT_EQ(data->size(), 198u);
    EXPECT_EQ(data->back(), 0x22);
}

TEST(BusClient, AsksAgainWhenAnAnswerIsLostOrDamagedOrSomebodyElses) {
    FakeGateway gateway([](const Frame& asked, int number) {
        auto good = bytes_of(asked.address, reply(Function::kRead), {0, 0, 1, 0, 1, 0, 0, 0});
        if (number == 1) {
            good[good.size() - 2] ^= 1;
            return good;
        }
        if (number == 2) return bytes_of(asked.address, reply(Function::kRead), {0, 0, 2, 0, 9, 9, 9, 9});
        return good;
    });
    BusClient client = client_of(gateway, 3);
    EXPECT_EQ(client.read(kMeter, {0x00010000}), (std::vector<Byte>{1, 0, 0, 0}));
    EXPECT_EQ(gateway.questions, 3);
}

TEST(BusClient, ARefusalIsNotRepeated) {
    FakeGateway gateway(
        [](const Frame& asked, int) { return bytes_of(asked.address, error_reply(Function::kRead), {2}); });
    BusClient client = client_of(gateway);
    EXPECT_EQ(client.read(kMeter, {0x00010000}).error(), BusError::kRefused);
    EXPECT_EQ(client.refusal(), 2);
    EXPECT_EQ(gateway.questions, 1);
}

TEST(BusClient, SilenceIsSaidAfterEveryTry) {
    FakeGateway gateway([](const Frame&, int) { return std::vector<Byte>{}; });
    BusClient client = client_of(gateway, 2);
    EXPECT_EQ(client.read(kMeter, {0x00010000}).error(), BusError::kNoAnswer);
    EXPECT_EQ(gateway.questions, 2);
}

TEST(BusClient, ItsOwnEchoIsNoAnswer) {
    // Two-wire adapters hear what they send.
    FakeGateway gateway([](const Frame& asked, int) {
        auto echo = bytes_of(asked.address, asked.control, {asked.data.begin(), asked.data.end()});
        const auto answer = bytes_of(asked.address, reply(Function::kRead), {0, 0, 1, 0, 1, 0, 0, 0});
        echo.insert(echo.end(), answer.begin(), answer.end());
        return echo;
    });
    BusClient client = client_of(gateway);
    EXPECT_EQ(client.read(kMeter, {0x00010000}), (std::vector<Byte>{1, 0, 0, 0}));
}

TEST(BusClient, AWildcardIsAnsweredByTheRealAddress) {
    FakeGateway gateway([](const Frame& asked, int) {
        EXPECT_EQ(asked.address, dlt645::kWildcard);
        return bytes_of(kMeter, reply(Function::kReadAddress), {kMeter.bytes.begin(), kMeter.bytes.end()});
    });
    BusClient client = client_of(gateway);
    const auto answer = client.ask(dlt645::kWildcard, request(Function::kReadAddress), {});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->address, kMeter);
}

TEST(BusClient, ALineThatCannotBeIsSaidBeforeAnythingIsAsked) {
    const auto error = [](const std::string& bus, int speed = 9600) {
        return BusClient::open({bus, speed, 1, {}}).error();
    };
    EXPECT_EQ(error(""), BusError::kWrongName);
    EXPECT_EQ(error("tcp://"), BusError::kWrongName);
    EXPECT_EQ(error("tcp://host"), BusError::kWrongName);
    EXPECT_EQ(error("tcp://127.0.0.1:1", 9601), BusError::kWrongName);
    EXPECT_EQ(error("tcp://127.0.0.1:1"), BusError::kNotReachable);
    EXPECT_EQ(error("/dev/null"), BusError::kNotReachable);
    EXPECT_EQ(error("/nowhere/ttyUSB0"), BusError::kNotReachable);
    EXPECT_FALSE(BusClient::why().empty());
}

TEST(BusClient, TheTimeOutGrowsWithTheAnswerAndTheSpeed) {
    FakeGateway gateway([](const Frame&, int) { return std::vector<Byte>{}; });
    auto fast = BusClient::open({gateway.bus(), 9600, 1, {}});
    auto slow = BusClient::open({gateway.bus(), 1200, 1, {}});
    ASSERT_TRUE(fast && slow);
    EXPECT_GE(slow->time_out(250), milliseconds(500 + 2291));
    EXPECT_LT(fast->time_out(40), seconds(1));
}

}  // namespace
}  // namespace prewatt::cli

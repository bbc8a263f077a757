#include "server/app/lines.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "card/openssl/openssl_mac.hpp"
#include "server/api/testing/fake_office.hpp"
#include "server/collect/fake_box.hpp"

namespace prewatt::server::app {
namespace {

constexpr card::Key kMaster{5, 5, 5};
constexpr std::uint64_t kFirst = 2026000001;

// A gateway on this machine with boxes behind it that answer.
class Gateway {
  public:
    Gateway() {
        file_ = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        EXPECT_EQ(::bind(file_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(file_, 1), 0);
        ::getsockname(file_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~Gateway() {
        stopping_ = true;
        thread_.join();
        ::close(file_);
    }
    [[nodiscard]] std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port_); }

  private:
    bool readable(int file) const {
        pollfd waiting{file, POLLIN, 0};
        while (!stopping_)
            if (::poll(&waiting, 1, 20) > 0) return true;
        return false;
    }
    void serve() {
        card::OpensslMac mac;
        std::vector<std::unique_ptr<collect::FakeBox>> boxes;
        for (std::uint64_t number = kFirst; number < kFirst + 3; ++number)
            boxes.push_back(std::make_unique<collect::FakeBox>(mac, number, card::diversify(mac, kMaster, number)));
        if (!readable(file_)) return;
        const int line = ::accept(file_, nullptr, nullptr);
        dlt645::Decoder decoder;
        std::int64_t time = 0;
        while (readable(line)) {
            Byte byte = 0;
            if (::read(line, &byte, 1) != 1) break;
            const auto frame = decoder.on_byte(byte, Instant{++time});
            if (!frame) continue;
            for (auto& box : boxes)
                if (const auto reply = box->on_request(*frame)) {
                    const ssize_t written = ::write(line, reply->data(), reply->size());
                    EXPECT_EQ(written, static_cast<ssize_t>(reply->size()));
                }
        }
        ::close(line);
    }
    int file_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

class GrowingOffice final : public api::FakeOffice {
  public:
    explicit GrowingOffice(std::string url) : url_(std::move(url)) {}
    std::atomic<int> boxes = 1;
    std::atomic<int> line_count = 1;
    std::string other_url = "tcp://127.0.0.1:1";  // of the second line
    std::atomic<std::uint32_t> seen = 0;          // bits of the boxes that were read

    Answer<std::vector<LineRecord>> lines() override {
        std::vector<LineRecord> list;
        for (int k = 1; k <= line_count; ++k)
            list.push_back({LineId{k}, "Line " + std::to_string(k), k == 1 ? url_ : other_url});
        return list;
    }
    Answer<std::vector<BoxRecord>> boxes_of_line(LineId line) override {
        std::vector<BoxRecord> list;
        for (int k = 1; line == LineId{1} && k <= boxes; ++k) {
            BoxRecord box;
            box.id = BoxId{k};
            box.number = kFirst + static_cast<unsigned>(k) - 1;
            list.push_back(box);
        }
        return list;
    }
    Answer<std::vector<DesiredState>> desired_of_line(LineId) override { return std::vector<DesiredState>{}; }
    void record_box_seen(BoxSeen one, WhenDone<Done> done) override {
        if (one.values_hold) seen |= 1u << one.box.value;
        done(Done{});
    }

  private:
    std::string url_;
};

bool wait_for(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::yield();
    }
    return true;
}

TEST(Lines, ABoxThatIsAddedWhileTheOfficeRunsIsReadAndSoIsALine) {
    // A new floor is wired in the afternoon; nobody there has light until the office is restarted at night.
    Gateway gateway;
    GrowingOffice office(gateway.url());
    api::EventHub hub(100, 1);
    const auto lines = Lines::make(office, kMaster, hub);
    ASSERT_TRUE(lines->start({}));
    ASSERT_TRUE(wait_for([&] { return (office.seen & 0b10u) != 0; }));
    EXPECT_EQ(office.seen & 0b100u, 0u);
    office.boxes = 2;
    office.line_count = 2;
    office.tell({Change::Kind::kSite, 1});
    EXPECT_TRUE(wait_for([&] { return (office.seen & 0b100u) != 0; }));
    EXPECT_TRUE(wait_for([&] { return lines->lines().size() == 2; }));
    EXPECT_TRUE(wait_for([&] { return lines->lines()[0].quality.size() == 2; }));
    lines->stop();
}

TEST(Lines, ALineOfCardsOrOfNonsenseThatIsAddedWhileTheOfficeRunsIsJudgedAsAtItsStart) {
    // A site without a network is added in the afternoon: until the night its line is "down", and its boxes are silent.
    for (const char* url : {"card", "card?readers=1", "tcp://nowhere"}) {
        SCOPED_TRACE(url);
        api::LineStatus added;
        api::LineStatus at_start;
        for (const bool later : {true, false}) {
            GrowingOffice office("tcp://127.0.0.1:1");
            office.other_url = url;
            office.line_count = later ? 1 : 2;
            api::EventHub hub(100, 1);
            const auto lines = Lines::make(office, kMaster, hub);
            ASSERT_TRUE(lines->start({}));
            office.line_count = 2;
            office.tell({Change::Kind::kSite, 1});
            ASSERT_TRUE(wait_for([&] { return lines->lines().size() == 2; }));
            (later ? added : at_start) = lines->lines()[1];
            lines->stop();
        }
        EXPECT_EQ(added.state, std::string_view(url) == "card" ? "card" : "down");
        EXPECT_EQ(added.problem.empty(), std::string_view(url) == "card");
        EXPECT_EQ(added.state, at_start.state);
        EXPECT_EQ(added.problem, at_start.problem);
        EXPECT_EQ(added.silent_boxes, at_start.silent_boxes);
    }
}

}  // namespace
}  // namespace prewatt::server::app

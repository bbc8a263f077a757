#include "server/collect/line_runner.hpp"

#include <utility>
// <utility> first: Boost 1.81 uses std::exchange without including it.

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <mutex>

#include "server/collect/serial_port.hpp"
#include "server/domain/office_calendar.hpp"

namespace prewatt::collect {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kConnectMax{5};
constexpr std::chrono::seconds kRetryMin{1};
constexpr std::chrono::seconds kRetryMax{30};
constexpr Duration kSilenceMax = minutes(1);  // a gateway that lost its power does not say so
constexpr Duration kClockInterval = seconds(1);
constexpr Duration kSleepMax = seconds(1);

Instant steady_now() {
    return Instant{
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count()};
}

}  // namespace

struct LineRunner::Running : std::enable_shared_from_this<LineRunner::Running> {
    Running(asio::io_context& io, const LineAddress& where, const LineSettings& settings, card::Mac& mac,
            LineOffice& office)
        : address(where),
          strand(asio::make_strand(io)),
          stream(strand),
          socket(strand),
          resolver(strand),
          timer(strand),
          connect_timer(strand),
          master(settings, mac, office) {
        master.set_readers(address.readers, steady_now());
    }

    void set_state(LineState state, std::string problem) {
        LineStatus copy;
        {
            const std::lock_guard lock(mutex);
            if (status.state == state && status.problem == problem) return;
            status.state = state;
            status.problem = std::move(problem);
            copy = status;
        }
        if (observer && !stopped) observer(copy);
    }
    void set_clock(Instant now) {
        if (clock_set && now - clock_at < kClockInterval) return;
        clock_set = true;
        clock_at = now;
        const auto wall = std::chrono::system_clock::now();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(wall.time_since_epoch()).count();
        // The clocks of the boxes show the time of the office, wherever its computer believes to be.
        master.set_clock(now, UnixTime{ms}, static_cast<CivilSeconds>((ms - server::kCalendarBegin.ms) / 1000));
    }

    void connect() {
        if (stopped) return;
        // "down" stays until it is up: a state that flickers at each try tells nobody anything.
        if (address.kind == LineAddress::Kind::kSerial) {
            const auto file = open_serial_port(address.host, address.baud);
            if (!file) return down(file.error());
            return up(*file);
        }
        const std::uint64_t attempt = ++connection;
        connect_timer.expires_after(kConnectMax);
        connect_timer.async_wait([self = shared_from_this(), attempt](error_code error) {
            if (error || attempt != self->connection || self->stopped) return;
            self->resolver.cancel();
            self->down(self->address.host + ": no answer from the gateway");
        });
        resolver.async_resolve(
            address.host, std::to_string(address.port),
            [self = shared_from_this(), attempt](error_code error, const asio::ip::tcp::resolver::results_type& found) {
                if (attempt != self->connection || self->stopped) return;
                if (error) return self->down(self->address.host + ": " + error.message());
                asio::async_connect(
                    self->socket, found, [self, attempt](error_code failed, const asio::ip::tcp::endpoint&) {
                        if (attempt != self->connection || self->stopped) return;
                        if (failed)
                            return self->down(self->address.host + ":" + std::to_string(self->address.port) + ": " +
                                              failed.message());
                        error_code ignored;
                        self->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
                        self->socket.set_option(asio::socket_base::keep_alive(true), ignored);
                        const int file = self->socket.release(ignored);
                        if (ignored) return self->down(self->address.host + ": " + ignored.message());
                        self->up(file);
                    });
            });
    }

    void up(int file) {
        connect_timer.cancel();
        error_code error;
        stream.assign(file, error);
        if (error) {
            ::close(file);
            return down(address.host + ": " + error.message());
        }
        ++connection;
        is_up = true;
        heard_at = steady_now();
        retry = kRetryMin;
        set_state(LineState::kUp, {});
        read();
        pump();
    }

    void down(const std::string& problem) {
        ++connection;
        is_up = false;
        writing = false;
        connect_timer.cancel();
        error_code ignored;
        stream.close(ignored);
        socket.close(ignored);
        if (stopped) return;
        master.on_line_down(steady_now());
        set_state(LineState::kDown, problem);
        timer.expires_after(retry);
        retry = std::min(retry * 2, kRetryMax);
        timer.async_wait([self = shared_from_this(), attempt = connection](error_code error) {
            if (!error && attempt == self->connection) self->connect();
        });
    }

    void read() {
        stream.async_read_some(asio::buffer(incoming),
                               [self = shared_from_this(), attempt = connection](error_code error, std::size_t size) {
                                   if (attempt != self->connection || self->stopped) return;
                                   if (error) return self->down(self->address.host + ": " + error.message());
                                   const Instant now = steady_now();
                                   self->heard_at = now;
                                   self->set_clock(now);
                                   for (std::size_t k = 0; k < size; ++k)
                                       self->master.on_byte(self->incoming[k], now);
                                   self->read();
                                   self->pump();
                               });
    }

    // Whatever happened: ask the master what is to be done and when it wants to be asked again.
    void pump() {
        if (stopped || !is_up || writing) return;
        const Instant now = steady_now();
        if (address.kind == LineAddress::Kind::kTcp && now - heard_at > kSilenceMax && master.counters().boxes > 0)
            return down(address.host + ": nothing was heard for a minute");
        set_clock(now);
        const LineMaster::Step step = master.poll(now);
        {
            const std::lock_guard lock(mutex);
            status.counters = master.counters();
            if (now >= quality_at) {
                quality_at = now + seconds(1);
                status.boxes = master.quality();
                status.readers = master.reader_quality();
            }
        }
        if (!step.send.empty()) {
            writing = true;
            outgoing.assign(step.send.begin(), step.send.end());
            asio::async_write(stream, asio::buffer(outgoing),
                              [self = shared_from_this(), attempt = connection](error_code error, std::size_t) {
                                  if (attempt != self->connection || self->stopped) return;
                                  self->writing = false;
                                  if (error) return self->down(self->address.host + ": " + error.message());
                                  self->pump();
                              });
            return;
        }
        const Instant wake_up = std::min(step.wake_up, now + kSleepMax);
        timer.expires_after(std::chrono::microseconds(std::max<std::int64_t>((wake_up - now).count(), 0)));
        timer.async_wait([self = shared_from_this(), attempt = connection](error_code error) {
            if (!error && attempt == self->connection) self->pump();
        });
    }

    // `change` on the strand, then whatever follows from it.
    template <class Change>
    void ask(Change change) {
        asio::post(strand, [self = shared_from_this(), change = std::move(change)]() mutable {
            if (self->stopped) return;
            const Instant now = steady_now();
            self->set_clock(now);
            change(self->master, now);
            self->pump();
        });
    }

    const LineAddress address;
    asio::strand<asio::io_context::executor_type> strand;
    asio::posix::stream_descriptor stream;
    asio::ip::tcp::socket socket;
    asio::ip::tcp::resolver resolver;
    asio::steady_timer timer;
    asio::steady_timer connect_timer;
    LineMaster master;
    std::function<void(const LineStatus&)> observer;
    std::array<Byte, 512> incoming{};
    std::vector<Byte> outgoing;
    std::uint64_t connection = 0;  // handlers of an earlier one do nothing
    bool is_up = false;
    bool writing = false;
    bool stopped = false;
    std::atomic<bool> stop_asked = false;
    bool clock_set = false;
    Instant clock_at{};
    Instant heard_at{};
    std::chrono::seconds retry = kRetryMin;
    mutable std::mutex mutex;
    LineStatus status;  // guarded by mutex
    Instant quality_at{};
};

namespace {
LineSettings settings_for(const LineAddress& address, LineSettings settings) {
    settings.baud = address.baud;
    settings.latency_max = address.latency_max;
    return settings;
}
}  // namespace

LineRunner::LineRunner(asio::io_context& io, const LineAddress& address, LineSettings settings, card::Mac& mac,
                       LineOffice& office)
    : running_(std::make_shared<Running>(io, address, settings_for(address, settings), mac, office)) {}

LineRunner::~LineRunner() {
    if (!running_->stop_asked) stop([] {});
}

void LineRunner::start() {
    asio::post(running_->strand, [running = running_] {
        running->set_clock(steady_now());
        running->connect();
    });
}

void LineRunner::stop(std::function<void()> stopped) {
    running_->stop_asked = true;
    asio::post(running_->strand, [running = running_, stopped = std::move(stopped)] {
        running->stopped = true;
        running->timer.cancel();
        running->resolver.cancel();
        running->down({});
        stopped();
    });
}

void LineRunner::set_boxes(std::vector<BoxSetup> boxes) {
    running_->ask([boxes = std::move(boxes)](LineMaster& master, Instant) { master.set_boxes(boxes); });
}
void LineRunner::desire(std::vector<DesiredState> desired) {
    running_->ask([desired = std::move(desired)](LineMaster& master, Instant now) {
        for (const DesiredState& state : desired)
            master.desire(state, now);
    });
}
void LineRunner::desire_settings(server::BoxSettings settings) {
    running_->ask(
        [settings = std::move(settings)](LineMaster& master, Instant now) { master.desire_settings(settings, now); });
}
void LineRunner::want_freezes(BoxId box, std::vector<CivilSeconds> due) {
    running_->ask([box, due = std::move(due)](LineMaster& master, Instant now) mutable {
        master.want_freezes(box, std::move(due), now);
    });
}
void LineRunner::forget(BoxId box, std::uint8_t household_number) {
    running_->ask([=](LineMaster& master, Instant) { master.forget(box, household_number); });
}
void LineRunner::read_live(LiveRequest request, BoxId box, std::uint8_t household_number) {
    running_->ask([=, running = running_.get()](LineMaster& master, Instant now) {
        master.read_live(request, box, household_number, now);
        if (!running->is_up) master.on_line_down(now);
    });
}
void LineRunner::watch(BoxId box, Duration span) {
    running_->ask([=](LineMaster& master, Instant now) { master.watch(box, now + span); });
}
void LineRunner::give_counters(BoxId box, std::uint32_t first, std::uint32_t count) {
    running_->ask([=](LineMaster& master, Instant now) { master.on_counters(box, first, count, now); });
}

LineStatus LineRunner::status() const {
    const std::lock_guard lock(running_->mutex);
    return running_->status;
}
void LineRunner::on_status(std::function<void(const LineStatus&)> observer) {
    running_->observer = std::move(observer);
}

}  // namespace prewatt::collect

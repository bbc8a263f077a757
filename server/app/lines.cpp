// Boost 1.81 uses std::exchange in a coroutine header without including it.
#include <utility>
//
#include "server/app/lines.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>
#include <thread>

#include "card/card_keys.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "server/api/json_of.hpp"
#include "server/app/desire_feed.hpp"
#include "server/app/line_link.hpp"
#include "server/app/log.hpp"
#include "server/collect/line_runner.hpp"

namespace prewatt::server::app {
namespace {

using std::chrono::steady_clock;
constexpr auto kLivePatience = std::chrono::seconds(3);
constexpr std::chrono::seconds kWatchTick{5};
constexpr auto kWatchSpan = std::chrono::minutes(2);
constexpr std::size_t kWatchedMax = 8;
constexpr auto kFreezesEvery = std::chrono::minutes(5);
constexpr std::chrono::seconds kEstateEvery{60};

Instant steady_now() {
    return Instant{
        std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now().time_since_epoch()).count()};
}
steady_clock::time_point time_of(Instant instant) {
    return instant == kNever ? steady_clock::time_point::max()
                             : steady_clock::time_point{std::chrono::microseconds{instant.microseconds()}};
}

std::string_view word(collect::LineState state) {
    switch (state) {
        case collect::LineState::kConnecting:
            return "connecting";
        case collect::LineState::kUp:
            return "up";
        case collect::LineState::kDown:
            break;
    }
    return "down";
}

struct Line {
    LineRecord record;
    std::string problem;  // the address makes no sense; then there is no runner
    std::vector<BoxRecord> boxes;
    card::OpensslMac mac;  // of the line's strand alone
    std::unique_ptr<LineLink> link;
    std::unique_ptr<collect::LineRunner> runner;
    std::string told;  // state and problem that the log has
    bool by_card = false;
};

class RunningLines final : public Lines, private OfficeObserver, private DesireFeed::Masters {
  public:
    RunningLines(Office& office, const card::Key& master_key, api::EventHub& hub)
        : office_(office), master_key_(master_key), hub_(hub) {}

    ~RunningLines() override {
        stop();
        explicit_bzero(master_key_.data(), master_key_.size());
    }

    std::expected<void, std::string> start(const std::vector<LineUrl>& urls) override {
        auto records = office_.lines();
        if (!records) return std::unexpected(records.error().message);
        for (const LineUrl& one : urls)
            if (std::none_of(records->begin(), records->end(), [&](const LineRecord& r) { return r.name == one.name; }))
                return std::unexpected("there is no line named '" + one.name + "'");
        urls_ = urls;
        for (const LineRecord& record : *records) {
            const auto boxes = office_.boxes_of_line(record.id);
            if (!boxes) return std::unexpected(boxes.error().message);
            add(record, *boxes);
        }
        office_.add_observer(*this);
        observing_ = true;
        for (const auto& line : lines_)
            if (line->runner) line->runner->start();
        for (std::thread& thread : io_threads_)
            thread = std::thread([this] { io_.run(); });
        pump_ = std::thread([this] { pump(); });
        return {};
    }

    void stop() override {
        if (stopped_) return;
        stopped_ = true;
        if (observing_) office_.remove_observer(*this);
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        filled_.notify_all();
        if (pump_.joinable()) pump_.join();
        if (io_threads_[0].joinable()) {
            for (const auto& line : lines_) {
                if (!line->runner) continue;
                auto ended = std::make_shared<std::promise<void>>();
                std::future<void> end = ended->get_future();
                line->runner->stop([ended] { ended->set_value(); });
                end.wait_for(std::chrono::seconds(5));
            }
            work_.reset();
            io_.stop();
            for (std::thread& thread : io_threads_)
                thread.join();
        }
        // Whoever waits for a meter waits in vain.
        const std::lock_guard lock(mutex_);
        lives_.clear();
    }

    std::vector<api::LineStatus> lines() override {
        const std::shared_lock lock(estate_mutex_);
        std::vector<api::LineStatus> list;
        for (const auto& line : lines_)
            list.push_back(status_of(*line));
        return list;
    }

    std::expected<api::LiveValues, api::LiveError> live(HouseholdId household) override {
        const auto desired = office_.desired(household);
        if (!desired) return std::unexpected(api::LiveError::kNoLine);
        Line* line = nullptr;
        {
            const std::shared_lock lock(estate_mutex_);
            line = line_of(desired->box);
        }
        if (!line) return std::unexpected(api::LiveError::kNoLine);
        const collect::LiveRequest request = next_live_++;
        auto promise = std::make_shared<LivePromise>();
        std::future<LiveAnswer> answer = promise->get_future();
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return std::unexpected(api::LiveError::kNoLine);
            lives_[request] = promise;
        }
        line->runner->read_live(request, desired->box, desired->number);
        const bool came = answer.wait_for(kLivePatience) == std::future_status::ready;
        {
            const std::lock_guard lock(mutex_);
            lives_.erase(request);
        }
        promise.reset();
        if (!came) return std::unexpected(api::LiveError::kNoAnswer);
        try {
            return answer.get();
        } catch (const std::future_error&) {
            return std::unexpected(api::LiveError::kNoAnswer);  // the lines were stopped meanwhile
        }
    }

    void watch(BoxId box) override {
        {
            const std::lock_guard lock(mutex_);
            if (!watched_.contains(box) && watched_.size() >= kWatchedMax)
                watched_.erase(std::min_element(watched_.begin(), watched_.end(),
                                                [](const auto& a, const auto& b) { return a.second < b.second; }));
            watched_[box] = steady_clock::now() + kWatchSpan;
        }
        watch_now(box);
    }

  private:
    using LiveAnswer = std::expected<api::LiveValues, api::LiveError>;
    using LivePromise = std::promise<LiveAnswer>;

    // A line with its boxes; of the starting thread, later of the pump's.
    void add(LineRecord record, const std::vector<BoxRecord>& boxes) {
        for (const LineUrl& one : urls_)
            if (one.name == record.name) record.url = one.url;
        auto line = std::make_unique<Line>();
        line->record = record;
        line->boxes = boxes;
        if (record.url == kCardLine) {
            line->by_card = true;  // nothing to open: its boxes come and go on cards
        } else if (const auto address = collect::parse_line_url(record.url)) {
            open(*line, *address);
        } else {
            line->problem = address.error();
            log_error("line '" + record.name + "' (" + record.url + "): " + line->problem);
        }
        const std::unique_lock lock(estate_mutex_);
        for (const BoxRecord& box : boxes)
            line_of_box_[box.id] = line.get();
        lines_.push_back(std::move(line));
    }

    void open(Line& line, const collect::LineAddress& address) {
        const std::string name = line.record.name;
        line.link = std::make_unique<LineLink>(
            office_,
            [&line](BoxId box, std::uint32_t first, std::uint32_t count) {
                line.runner->give_counters(box, first, count);
            },
            [this](collect::LiveRequest request, const auto& values, UnixTime at) { on_live(request, values, at); },
            [name](std::string problem) { log_error("line '" + name + "': " + problem); });
        line.runner =
            std::make_unique<collect::LineRunner>(io_, address, collect::LineSettings{}, line.mac, *line.link);
        line.runner->on_status([this, &line](const collect::LineStatus& status) { on_status(line, status); });
        line.runner->set_boxes(setups_of(line.boxes));
    }

    std::vector<collect::BoxSetup> setups_of(const std::vector<BoxRecord>& boxes) const {
        card::OpensslMac mac;
        const card::SiteMasters masters = card::site_masters(mac, master_key_);
        std::vector<collect::BoxSetup> setups;
        for (const BoxRecord& box : boxes)
            setups.push_back({box.id, box.number, static_cast<std::uint8_t>(households_of(box.wiring)),
                              card::diversify(mac, master_key_, box.number),
                              card::record_keys(mac, masters, box.number)});
        return setups;
    }

    // Lines and boxes that are new, or on another line, or wired otherwise. False: it cannot be read now.
    bool look_at_estate() {
        const auto records = office_.lines();
        if (!records) return false;
        for (const LineRecord& record : *records) {
            auto boxes = office_.boxes_of_line(record.id);
            if (!boxes) return false;
            const auto known = std::find_if(lines_.begin(), lines_.end(),
                                            [&](const auto& line) { return line->record.id == record.id; });
            if (known == lines_.end()) {
                add(record, *boxes);
                if (lines_.back()->runner) lines_.back()->runner->start();
                log_info("line '" + record.name + "' is new");
            } else {
                if (have_same_boxes((*known)->boxes, *boxes)) continue;
                Line& line = **known;
                {
                    const std::unique_lock lock(estate_mutex_);
                    std::erase_if(line_of_box_, [&](const auto& one) { return one.second == &line; });
                    line.boxes = std::move(*boxes);
                    for (const BoxRecord& box : line.boxes)
                        line_of_box_[box.id] = &line;
                }
                if (line.runner) line.runner->set_boxes(setups_of(line.boxes));
                log_info("line '" + record.name + "' has " + std::to_string(line.boxes.size()) + " boxes now");
            }
            feed_.note_line(record.id);
        }
        return true;
    }
    static bool have_same_boxes(const std::vector<BoxRecord>& a, const std::vector<BoxRecord>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const BoxRecord& one, const BoxRecord& other) {
            return one.id == other.id && one.number == other.number && one.wiring == other.wiring;
        });
    }

    // With the estate held still.
    api::LineStatus status_of(const Line& line) {
        api::LineStatus status;
        status.id = line.record.id;
        status.name = line.record.name;
        status.url = line.record.url;
        status.state = line.by_card ? "card" : "down";
        status.problem = line.problem;
        if (line.runner) {
            const collect::LineStatus now = line.runner->status();
            status.state = word(now.state);
            status.problem = now.problem;
            status.sweep_ms = now.counters.last_sweep.count() / 1000;
            status.sweeps = static_cast<std::int64_t>(now.counters.sweeps);
            status.frames_sent = static_cast<std::int64_t>(now.counters.requests);
            status.frames_received = static_cast<std::int64_t>(now.counters.replies);
            status.retries = static_cast<std::int64_t>(now.counters.retries);
            status.bad_frames = static_cast<std::int64_t>(now.counters.bad_frames);
            for (const collect::ReaderQuality& reader : now.readers) {
                const char* state = reader.answering                ? "answering"
                                    : reader.heard_at == UnixTime{} ? "not_heard"
                                                                    : "silent";
                status.readers.push_back({reader.number, state, static_cast<std::int64_t>(reader.polls),
                                          static_cast<std::int64_t>(reader.answered),
                                          static_cast<std::int64_t>(reader.taps),
                                          static_cast<std::int64_t>(reader.booked), reader.heard_at, reader.tapped_at});
            }
            for (const collect::BoxQuality& box : now.boxes) {
                const auto known = std::find_if(line.boxes.begin(), line.boxes.end(),
                                                [&](const BoxRecord& r) { return r.id == box.box; });
                if (known == line.boxes.end()) continue;
                status.quality.push_back({known->number, box.answering, static_cast<std::int64_t>(box.asked),
                                          static_cast<std::int64_t>(box.answered),
                                          static_cast<std::int64_t>(box.retries), std::string(box.last_problem),
                                          box.last_problem_at, box.answered_at, box.block_at, box.status_at,
                                          box.settings_at, box.accounts_at, box.settings_settled});
            }
        }
        if (const auto boxes = office_.boxes_of_line(line.record.id); boxes && !line.by_card)
            for (const BoxRecord& box : *boxes)
                if (!box.answering) status.silent_boxes.push_back(box.number);
        return status;
    }

    // On the line's strand.
    void on_status(Line& line, const collect::LineStatus& status) {
        const std::string told =
            std::string(word(status.state)) + (status.problem.empty() ? "" : ": " + status.problem);
        if (told != line.told) {
            line.told = told;
            const std::string words = "line '" + line.record.name + "' (" + line.record.url + ") is " + told;
            status.state == collect::LineState::kDown ? log_warning(words) : log_info(words);
        }
        const std::shared_lock lock(estate_mutex_);
        hub_.publish("line",
                     api::json_of(status_of(line)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }

    void on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& values,
                 UnixTime at) {
        std::shared_ptr<LivePromise> promise;
        {
            const std::lock_guard lock(mutex_);
            const auto found = lives_.find(request);
            if (found == lives_.end()) return;  // nobody waits any more
            promise = found->second;
            lives_.erase(found);
        }
        if (!values) {
            api::LiveError error = api::LiveError::kNoAnswer;
            if (values.error() == collect::ReadError::kUnknownBox) error = api::LiveError::kNoLine;
            if (values.error() == collect::ReadError::kNotSupported) error = api::LiveError::kRefused;
            promise->set_value(std::unexpected(error));
            return;
        }
        api::LiveValues live;
        live.read_at = at;
        live.voltage = values->voltage;
        live.frequency = values->frequency;
        for (const dlt645::LiveCircuit& c : values->circuits)
            live.circuits.push_back({c.current, c.active, c.reactive, c.apparent, c.power_factor, c.relay_closed});
        promise->set_value(std::move(live));
    }

    // On the office's writing thread: only noted.
    void on_changes(std::span<const Change> changes) override {
        const bool estate = std::any_of(changes.begin(), changes.end(),
                                        [](const Change& change) { return change.kind == Change::Kind::kSite; });
        if (!feed_.note(changes) && !estate) return;
        {
            const std::lock_guard lock(mutex_);
            noted_ = true;
            estate_changed_ = estate_changed_ || estate;
        }
        filled_.notify_one();
    }

    void pump() {
        for (const auto& line : lines_)
            feed_.note_line(line->record.id);
        auto next_tick = steady_clock::now() + kWatchTick;
        auto next_freezes = steady_clock::now();
        auto next_estate = steady_clock::now() + kEstateEvery;
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            noted_ = false;
            if (std::exchange(estate_changed_, false)) next_estate = steady_clock::now();
            lock.unlock();
            // Whoever adds a box may be another program, which tells nobody.
            if (steady_clock::now() >= next_estate)
                next_estate = steady_clock::now() + (look_at_estate() ? kEstateEvery : kWatchTick);
            feed_.turn(steady_now());
            if (steady_clock::now() >= next_tick) {
                go_on_watching();
                next_tick = steady_clock::now() + kWatchTick;
            }
            if (steady_clock::now() >= next_freezes) {
                feed_.look_for_freezes();
                next_freezes = steady_clock::now() + kFreezesEvery;
            }
            const auto wake_up = std::min(next_tick, time_of(feed_.due()));
            lock.lock();
            filled_.wait_until(lock, wake_up, [this] { return stopping_ || noted_; });
        }
    }

    // --- What the feed tells, on the pump's thread.

    Line* line_of(BoxId box) {
        const auto found = line_of_box_.find(box);
        return found != line_of_box_.end() && found->second->runner ? found->second : nullptr;
    }
    bool reaches(BoxId box) override { return line_of(box) != nullptr; }
    void desire(std::span<const DesiredState> desired) override {
        std::map<Line*, std::vector<DesiredState>> by_line;
        for (const DesiredState& one : desired) {
            Line* line = line_of(one.box);
            line->link->bind(one.box, one.number, one.household);
            by_line[line].push_back(one);
        }
        for (auto& [line, list] : by_line)
            line->runner->desire(std::move(list));
    }
    void forget(BoxId box, std::uint8_t number) override {
        Line* line = line_of(box);
        line->link->bind(box, number, HouseholdId{});
        line->runner->forget(box, number);
    }
    void want_freezes(BoxId box, std::vector<CivilSeconds> due) override {
        line_of(box)->runner->want_freezes(box, std::move(due));
    }
    void desire_settings(BoxSettings settings) override {
        line_of(settings.box)->runner->desire_settings(std::move(settings));
    }

    void watch_now(BoxId box) {
        const std::shared_lock lock(estate_mutex_);
        if (Line* line = line_of(box)) line->runner->watch(box, seconds(15));
    }

    void go_on_watching() {
        const bool somebody_follows = hub_.watchers() > 0;
        const auto now = steady_clock::now();
        std::vector<BoxId> boxes;
        {
            const std::lock_guard lock(mutex_);
            std::erase_if(watched_, [&](const auto& one) { return one.second < now && !somebody_follows; });
            for (const auto& [box, until] : watched_)
                boxes.push_back(box);
        }
        for (const BoxId box : boxes)
            watch_now(box);
    }

    Office& office_;
    card::Key master_key_;
    api::EventHub& hub_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    std::vector<LineUrl> urls_;
    // Lines are added and never go; changed by the pump's thread alone, which reads them without the lock.
    std::shared_mutex estate_mutex_;
    std::vector<std::unique_ptr<Line>> lines_;
    std::map<BoxId, Line*> line_of_box_;
    std::thread io_threads_[2];
    std::thread pump_;
    DesireFeed feed_{office_, *this, [](const std::string& problem) { log_error(problem); }};
    bool observing_ = false;
    bool stopped_ = false;

    std::mutex mutex_;
    std::condition_variable filled_;
    bool stopping_ = false;
    bool noted_ = false;  // the feed has something new, or the estate
    bool estate_changed_ = false;
    std::map<collect::LiveRequest, std::shared_ptr<LivePromise>> lives_;
    std::map<BoxId, steady_clock::time_point> watched_;
    std::atomic<collect::LiveRequest> next_live_{1};
};

}  // namespace

std::unique_ptr<Lines> Lines::make(Office& office, const card::Key& master_key, api::EventHub& hub) {
    return std::make_unique<RunningLines>(office, master_key, hub);
}

}  // namespace prewatt::server::app

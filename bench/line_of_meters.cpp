#include "bench/line_of_meters.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace prewatt::bench {
namespace {

constexpr card::Key kMasterKey{0x50, 0x72, 0x65, 0x77, 0x61, 0x74, 0x74};
constexpr CivilSeconds kCivilStart = to_seconds({2026, 9, 21, 8, 0, 0});
constexpr server::UnixTime kUnixStart{1'789'970'400'000};
constexpr Duration kCommitTime = milliseconds(5);

}  // namespace

std::optional<dlt645::Frame> frame_in(Bytes bytes) {
    dlt645::Decoder decoder;
    std::optional<dlt645::Frame> frame;
    for (const Byte byte : bytes)
        if (auto found = decoder.on_byte(byte, Instant{})) frame = found;
    return frame;
}

// --- One box

MeterStation::MeterStation(sim::SerialLine& line, std::uint64_t number, const card::BoxKeys& keys,
                           const std::optional<card::MeterCardKeys>& card_keys, card::Mac& mac, Duration window)
    : line_(line),
      mac_(mac),
      window_(window),
      clock_(now_, kCivilStart),
      watchdog_(now_),
      bus_([this](Bytes bytes) { line_.send(id_, bytes, line_.now()); }),
      filter_({number}, line.character_time(2)) {
    config_.box = {number};
    config_.keys = keys;
    config_.card_keys = card_keys;
    config_.display_fitted = false;
    for (std::size_t p = 0; p < measurement_.phases.size(); ++p)
        measurement_.phases[p] = {volts(230), millihertz(50'000), true};
    measurement_.span = window_;
    // Boxes do not measure in step.
    feed_at_ = line.now() + microseconds(static_cast<std::int64_t>(number * 7919) % window.count());
    id_ = line.attach(*this, line.now());
    restart(false);
}

void MeterStation::restart(bool factory) {
    now_ = line_.now();
    if (factory) storage_ = sim::MemoryStorage();
    node_ = std::make_unique<meter::Node>(config_,
                                          meter::Ports{storage_, relays_, display_, bus_, clock_, watchdog_, mac_});
    static_cast<void>(node_->start(now_));
    node_wants_ = node_->poll(now_);
    line_.wake(id_, std::min(node_wants_, std::max(feed_at_, now_)));
}

void MeterStation::use(Household household, Energy energy) {
    const auto circuit = static_cast<std::size_t>(household.index());
    if (measurement_.circuits[circuit].forward == Energy{})
        used_[static_cast<std::size_t>(used_count_++)] = static_cast<std::uint8_t>(circuit);
    measurement_.circuits[circuit].forward += energy;
}

sim::Station::Heard MeterStation::on_character(const sim::Character& character) {
    using Verdict = sim::FrameFilter::Verdict;
    const Verdict verdict = filter_.add(character);
    if (verdict != Verdict::kTake) return {std::min(node_wants_, feed_at_), verdict == Verdict::kOthers};
    now_ = character.at;
    for (const Byte byte : filter_.take_held())
        node_wants_ = node_->on_bus_byte(byte, now_);
    node_wants_ = node_->on_bus_byte(character.value, now_, character.bad_parity);
    return {std::min(node_wants_, feed_at_), false};
}

Instant MeterStation::on_time(Instant now) {
    now_ = now;
    if (now >= feed_at_) {
        feed_at_ = now + window_;
        node_wants_ = node_->on_measurement(measurement_, now);
        for (int k = 0; k < used_count_; ++k)
            measurement_.circuits[used_[static_cast<std::size_t>(k)]].forward = {};
        used_count_ = 0;
    }
    if (now >= node_wants_) node_wants_ = node_->poll(now);
    return std::min(node_wants_, feed_at_);
}

// --- The shared reader

ReaderStation::ReaderStation(sim::SerialLine& line, const reader::ReaderConfig& config, Duration exchange)
    : line_(line), config_(config), exchange_(exchange), filter_({config.number.value}, line.character_time(2)) {
    id_ = line.attach(*this, line.now());
    restart();
}

void ReaderStation::restart() {
    config_.first_tap += 1000;
    reader_.emplace(config_, mac_, field);
    card_at_ = line_.now() + exchange_;
    line_at_ = kNever;
    line_.wake(id_, card_at_);
}

Instant ReaderStation::speak(Instant now) {
    const auto step = reader_->poll_line(now);
    line_at_ = step.wake_up;
    if (!step.send.empty()) line_.send(id_, step.send, now);
    return std::min(card_at_, line_at_);
}

sim::Station::Heard ReaderStation::on_character(const sim::Character& character) {
    using Verdict = sim::FrameFilter::Verdict;
    const Verdict verdict = filter_.add(character);
    if (verdict != Verdict::kTake) return {std::min(card_at_, line_at_), verdict == Verdict::kOthers};
    for (const Byte byte : filter_.take_held())
        reader_->on_byte(byte, character.at);
    reader_->on_byte(character.value, character.at, character.bad_parity);
    // A question has made it look: the exchange takes its time.
    if (reader_->card_due() <= character.at) card_at_ = std::min(card_at_, character.at + exchange_);
    return {speak(character.at), false};
}

Instant ReaderStation::on_time(Instant now) {
    if (now >= card_at_) card_at_ = std::max(reader_->step_card(now), now) + exchange_;
    return speak(now);
}

// --- The master and its office

class LineOfMeters::MasterStation final : public sim::Station, public collect::LineOffice {
  public:
    MasterStation(LineOfMeters& owner, const collect::LineSettings& settings, collect::LineOffice& office,
                  std::vector<collect::BoxSetup> boxes)
        : owner_(owner), settings_(settings), office_(office), setups_(std::move(boxes)) {
        id_ = owner.line.attach(*this);
        restart();
    }
    void restart() {
        inbox_.clear();
        master_.emplace(settings_, mac_, *this);
        const Instant now = owner_.line.now();
        const std::int64_t ms = now.microseconds() / 1000;
        master_->set_clock(now, {kUnixStart.ms + ms}, kCivilStart + static_cast<CivilSeconds>(ms / 1000));
        master_->set_boxes(setups_);
        if (owner_.reader_) master_->set_readers(std::array{kReaderNumber}, now);
        owner_.line.set_connected(id_, true);
        owner_.line.wake(id_, now);
    }
    void stop() { owner_.line.set_connected(id_, false); }
    void wake() { owner_.line.wake(id_, owner_.line.now()); }
    collect::LineMaster& master() { return *master_; }
    void desire(const server::DesiredState& wanted) {
        server::DesiredState& desired = desired_[wanted.household.value];
        const server::DesiredState before = std::exchange(desired, wanted);
        desired.judged_at = std::max(before.judged_at, wanted.judged_at);
        if (before.stopped != server::Situation::kNone && before.ticket == wanted.ticket)
            desired.stopped = before.stopped;
        master_->desire(desired, owner_.line.now());
        wake();
    }

    Heard on_character(const sim::Character& character) override {
        if (sweeping_) ++owner_.traffic.characters;
        master_->on_byte(character.value, character.at, character.bad_parity);
        return {poll(character.at), false};
    }
    Instant on_time(Instant now) override {
        while (!inbox_.empty() && inbox_.front().at <= now) {
            const Given given = inbox_.front();
            inbox_.pop_front();
            if (given.first != 0) {
                master_->on_counters(given.box, given.first, settings_.counters_at_once, now);
            } else if (const auto known = desired_.find(given.household.value); known != desired_.end()) {
                server::DesiredState& desired = known->second;
                desired.judged_at = std::max(desired.judged_at, given.judged_at);
                if (owner_.judge) owner_.judge(desired, given.status);
                master_->desire(desired, now);
            }
        }
        return poll(now);
    }

    void need_counters(server::BoxId box, std::uint32_t above, std::uint32_t count) override {
        std::uint32_t& next = counters_[box.value];
        next = std::max(next, above + 1);
        inbox_.push_back({owner_.line.now() + kCommitTime, box, next, {}, {}, {}});
        next += count;
    }
    void on_block(const collect::BlockReading& reading) override { office_.on_block(reading); }
    void on_power(server::BoxId box, const dlt645::BlockPower& power, server::UnixTime at) override {
        office_.on_power(box, power, at);
    }
    void on_account(server::HouseholdId household, const dlt645::AccountStatus& status, server::UnixTime at) override {
        inbox_.push_back({owner_.line.now() + kCommitTime, {}, 0, household, at, status});
        office_.on_account(household, status, at);
    }
    void on_status(server::BoxId box, const dlt645::BoxStatus& status, server::UnixTime at) override {
        office_.on_status(box, status, at);
    }
    void on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                 server::UnixTime at) override {
        office_.on_live(request, live, at);
    }
    void on_answering(server::BoxId box, bool answering, server::UnixTime at) override {
        office_.on_answering(box, answering, at);
    }
    void on_sent(const server::Delivery& delivery, server::UnixTime at) override { office_.on_sent(delivery, at); }
    void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, server::UnixTime at) override {
        office_.on_confirmed(delivery, effect, at);
    }
    void on_freeze(const collect::FreezeReading& reading) override { office_.on_freeze(reading); }
    void on_setting(server::BoxId box, const collect::SettingNews& news, server::UnixTime at) override {
        office_.on_setting(box, news, at);
    }
    void on_tap(const collect::TapNews& news, server::UnixTime at) override { office_.on_tap(news, at); }
    void on_reader(std::uint16_t number, bool answering, server::UnixTime at) override {
        office_.on_reader(number, answering, at);
    }
    void on_refused(const server::Delivery& delivery, std::string_view problem, bool for_good,
                    server::UnixTime at) override {
        office_.on_refused(delivery, problem, for_good, at);
    }

  private:
    struct Given {
        Instant at;
        server::BoxId box;
        std::uint32_t first;  // counters; 0: an account was judged
        server::HouseholdId household;
        server::UnixTime judged_at;
        dlt645::AccountStatus status;
    };
    Instant poll(Instant now) {
        const collect::LineMaster::Step step = master_->poll(now);
        Instant wake_up = step.wake_up;
        if (!step.send.empty()) {
            const auto frame = frame_in(step.send);
            sweeping_ = frame && frame->data_id() == dlt645::kHouseholdBlock;
            if (sweeping_) {
                ++owner_.traffic.exchanges;
                owner_.traffic.characters += static_cast<std::int64_t>(step.send.size());
            }
            if (frame && owner_.on_request) owner_.on_request(*frame);
            owner_.line.send(id_, step.send, now);
        }
        if (!inbox_.empty()) wake_up = std::min(wake_up, inbox_.front().at);
        return wake_up;
    }

    LineOfMeters& owner_;
    collect::LineSettings settings_;
    collect::LineOffice& office_;
    std::vector<collect::BoxSetup> setups_;
    card::OpensslMac mac_;
    std::optional<collect::LineMaster> master_;
    sim::SerialLine::Id id_ = 0;
    std::map<std::int64_t, std::uint32_t> counters_;
    std::map<std::int64_t, server::DesiredState> desired_;
    std::deque<Given> inbox_;
    bool sweeping_ = false;
};

LineOfMeters::LineOfMeters(const Options& options, collect::LineOffice& office)
    : line(options.baud, options.faults, options.seed), issuer_(meter_mac_, kMasterKey) {
    std::vector<collect::BoxSetup> setups;
    for (int k = 0; k < options.boxes; ++k) {
        const std::uint64_t number = kFirstBoxNumber + static_cast<std::uint64_t>(k);
        const card::BoxKeys keys = card::diversify(meter_mac_, kMasterKey, number);
        std::optional<card::MeterCardKeys> card_keys;
        std::optional<card::RecordKeys> record_keys;
        if (options.card_reader) {
            card_keys = card::meter_card_keys(meter_mac_, issuer_.masters, number);
            record_keys = card_keys->own;
        }
        boxes_.push_back(std::make_unique<MeterStation>(line, number, keys, card_keys, meter_mac_, options.window));
        setups.push_back({box_id(k), number, kHouseholdsMax, keys, record_keys});
    }
    if (options.card_reader)
        reader_ = std::make_unique<ReaderStation>(
            line,
            reader::ReaderConfig{{kReaderNumber}, {}, issuer_.masters.sector_read, issuer_.masters.sector_return, 1},
            options.card_exchange);
    collect::LineSettings settings = options.settings;
    settings.baud = options.baud;
    master_ = std::make_unique<MasterStation>(*this, settings, office, std::move(setups));
}
LineOfMeters::~LineOfMeters() = default;

void LineOfMeters::restart_master() {
    master_->restart();
}
void LineOfMeters::stop_master() {
    master_->stop();
}
collect::LineMaster& LineOfMeters::master() {
    return master_->master();
}
void LineOfMeters::run_for(Duration span) {
    line.run_until(now() + span);
}
bool LineOfMeters::run_until(const std::function<bool()>& done, Duration limit) {
    const Instant end = now() + limit;
    while (!done() && now() < end)
        run_for(milliseconds(1));
    return done();
}
void LineOfMeters::desire(const server::DesiredState& desired) {
    master_->desire(desired);
}

}  // namespace prewatt::bench

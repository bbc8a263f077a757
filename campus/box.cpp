#include "campus/box.hpp"

#include <algorithm>

namespace prewatt::campus {
namespace {
constexpr Duration kAnswerLateMax = seconds(1);
constexpr std::int64_t kMainsMillivolts = 220'000;
}  // namespace

bool CutMemory::write(std::uint32_t address, Bytes bytes) {
    if (cut_) return false;
    if (loses_) return true;
    if (until_cut_ >= 0 && until_cut_ < static_cast<std::int64_t>(bytes.size())) {
        const std::size_t whole = static_cast<std::size_t>(until_cut_);
        (void)memory_.write(address, bytes.first(whole));
        Byte damaged{};
        (void)memory_.read(address + static_cast<std::uint32_t>(whole), {&damaged, 1});
        damaged = static_cast<Byte>(~damaged);
        (void)memory_.write(address + static_cast<std::uint32_t>(whole), {&damaged, 1});
        cut_ = true;
        return false;
    }
    if (until_cut_ >= 0) until_cut_ -= static_cast<std::int64_t>(bytes.size());
    return memory_.write(address, bytes);
}

void CampusRelays::begin_pulse(Circuit circuit, meter::RelayDrive drive) {
    // Planted: a contact that is open and is driven open once more, as a refresh does, comes out closed.
    if (refresh_closes_ && drive == meter::RelayDrive::kOpen && !relays_.closed(circuit))
        drive = meter::RelayDrive::kClose;
    relays_.begin_pulse(circuit, drive);
}

CampusBox::CampusBox(sim::SerialLine& line, card::Mac& mac, const Options& options)
    : line_(line),
      mac_(mac),
      options_(options),
      random_(options.seed, {options.number, 0x626F78}),
      memory_(std::make_unique<CutMemory>()),
      relays_(std::make_unique<CampusRelays>(options.defect == Defect::kRefreshForgetsHold)),
      clock_(now_, options.start),
      watchdog_(now_),
      bus_([this](Bytes bytes) {
          const bool late = late_share_ > 0 && random_.chance(late_share_);
          const Duration by = late ? microseconds(static_cast<std::int64_t>(
                                         random_.below(static_cast<std::uint64_t>(kAnswerLateMax.count()))))
                                   : Duration{};
          line_.send(id_, bytes, line_.now() + by);
      }),
      filter_({options.number}, line.character_time(2)) {
    for (int h = 1; h <= options_.homes; ++h)
        homes_[at({static_cast<std::uint8_t>(h)})] = std::make_unique<sim::Home>(
            sim::Life::kStudents, options_.seed, options_.number * 100 + static_cast<std::uint64_t>(h));
    for (auto& phase : measurement_.phases)
        phase = {volts(220), millihertz(50'000), true};
    measurement_.span = options_.window;
    feed_at_ =
        line.now() +
        microseconds(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.window.count()))));
    id_ = line.attach(*this, line.now());
    start_node(line.now());
}
CampusBox::~CampusBox() = default;

void CampusBox::start_node(Instant now) {
    now_ = now;
    memory_->power_up();
    memory_->lose_writes(false);
    meter::NodeConfig config;
    config.box = {options_.number};
    config.keys = options_.keys;
    config.display_fitted = false;
    config.card_keys = options_.card_keys;
    meter::Ports ports{*memory_, *relays_, display_, bus_, clock_, watchdog_, mac_};
    if (options_.card_keys) ports.card_reader = &field_;
    node_ = std::make_unique<meter::Node>(config, ports);
    static_cast<void>(node_->start(now));
    node_wants_ = node_->poll(now);
    powered_since_ = now;
    feed_at_ = std::max(feed_at_, now);
    line_.set_connected(id_, !line_cut_);
    line_.wake(id_, std::min(node_wants_, feed_at_));
}

std::pair<std::uint16_t, std::uint32_t> CampusBox::newest_ticket(Household household) const {
    if (!node_) return last_tickets_[at(household)];
    const meter::HouseholdView view = node_->household(household);
    return {view.epoch, view.ticket_number};
}

void CampusBox::drop_node() {
    if (node_)
        for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h)
            last_tickets_[h - 1u] = newest_ticket({h});
    node_.reset();
    node_wants_ = kNever;
    power_.fill({});
    // What was drawn up to now and not yet told is not drawn.
    for (int k = 0; k < used_count_; ++k)
        measurement_.circuits[used_[static_cast<std::size_t>(k)]] = {};
    used_count_ = 0;
    line_.set_connected(id_, false);
}

void CampusBox::lose_supply(SupplyLoss how) {
    if (!node_) return;
    now_ = line_.now();
    switch (how) {
        case SupplyLoss::kWarned:
            node_->on_power_fail(now_);
            return drop_node();
        case SupplyLoss::kUnwarned:
            ++losses_;
            return drop_node();
        case SupplyLoss::kInWrite:
            memory_->cut_after(static_cast<std::int64_t>(random_.below(400)));
            return;
    }
}

void CampusBox::restore_supply() {
    if (!node_) start_node(line_.now());
}

void CampusBox::replace() {
    drop_node();
    memory_ = std::make_unique<CutMemory>();
    relays_ = std::make_unique<CampusRelays>(options_.defect == Defect::kRefreshForgetsHold);
    forward_.fill({});
    reverse_.fill({});
    last_tickets_.fill({});
    losses_ = 0;
    start_node(line_.now());
}

void CampusBox::cut_line(bool cut) {
    line_cut_ = cut;
    if (!node_) return;
    line_.set_connected(id_, !cut);
    line_.wake(id_, std::max(line_.now(), std::min(node_wants_, feed_at_)));
}

std::unique_ptr<sim::Home> CampusBox::take_home(Household household) {
    wanted_[at(household)] = {};
    reversed_[at(household)] = false;
    return std::move(homes_[at(household)]);
}
void CampusBox::put_home(Household household, std::unique_ptr<sim::Home> home) {
    homes_[at(household)] = std::move(home);
}

void CampusBox::reset(meter::Processor which) {
    if (!node_) return;
    now_ = line_.now();
    ++losses_;
    node_wants_ = node_->reset(which, now_);
    after(now_);
}
void CampusBox::hang(meter::Processor which) {
    if (!node_) return;
    now_ = line_.now();
    ++losses_;
    node_wants_ = node_->hang(which, now_);
    after(now_);
}

void CampusBox::jump_clock(std::int64_t by) {
    now_ = line_.now();
    const auto shown = clock_.read();
    if (by == 0 || !shown) return clock_.stop();
    clock_.set(static_cast<CivilSeconds>(std::clamp<std::int64_t>(std::int64_t{*shown} + by, 0, UINT32_MAX)));
}

// The memory was cut while the node was at work: the supply is gone.
void CampusBox::after(Instant now) {
    if (node_ && memory_->is_cut()) {
        ++losses_;
        drop_node();
        return;
    }
    if (node_) line_.wake(id_, std::max(now, std::min(node_wants_, feed_at_)));
}

sim::Station::Heard CampusBox::on_character(const sim::Character& character) {
    if (!node_) return {feed_at_, false};
    using Verdict = sim::FrameFilter::Verdict;
    const Verdict verdict = filter_.add(character);
    if (verdict != Verdict::kTake) return {std::min(node_wants_, feed_at_), verdict == Verdict::kOthers};
    now_ = character.at;
    for (const Byte byte : filter_.take_held())
        node_wants_ = node_->on_bus_byte(byte, now_);
    node_wants_ = node_->on_bus_byte(character.value, now_, character.bad_parity);
    after(now_);
    return {node_ ? std::min(node_wants_, feed_at_) : feed_at_, false};
}

void CampusBox::feed(Instant now) {
    const CivilSeconds civil = options_.start + static_cast<CivilSeconds>(now.microseconds() / 1'000'000);
    for (int k = 0; k < used_count_; ++k)
        measurement_.circuits[used_[static_cast<std::size_t>(k)]] = {};
    used_count_ = 0;
    for (std::size_t k = 0; k < homes_.size(); ++k) {
        if (!homes_[k]) continue;
        sim::Home& home = *homes_[k];
        if (home.set_time(civil)) {
            double sum = 0;
            for (std::size_t a = 0; a < home.appliances().size(); ++a)
                if (home.is_on(a)) sum += home.appliances()[a].watts;
            wanted_[k] = watts(static_cast<std::int64_t>(sum));
        }
        const bool flows = relays_->closed({static_cast<std::uint8_t>(k)}) && wanted_[k] > ActivePower{};
        power_[k] = flows ? wanted_[k] : ActivePower{};
        if (!flows) continue;
        const std::int64_t whole_watts = wanted_[k].count() / 1'000'000;
        const Energy energy{whole_watts * (options_.window.count() / 1'000'000)};
        meter::CircuitMeasurement& circuit = measurement_.circuits[k];
        circuit.current = milliamperes(whole_watts * 1'000'000 / kMainsMillivolts);
        circuit.active = reversed_[k] ? ActivePower{-wanted_[k].count()} : wanted_[k];
        (reversed_[k] ? circuit.reverse : circuit.forward) = energy;
        (reversed_[k] ? reverse_ : forward_)[k] += energy;
        largest_window_ = std::max(largest_window_, energy);
        used_[static_cast<std::size_t>(used_count_++)] = static_cast<std::uint8_t>(k);
    }
    ++windows_;
    // Planted: what is reported as stored during this window is not.
    if (options_.defect == Defect::kMeterAnswersBeforeStoring) memory_->lose_writes(windows_ % 2 == 1);
    node_wants_ = node_->on_measurement(measurement_, now);
}

Instant CampusBox::on_time(Instant now) {
    now_ = now;
    if (!node_) {
        feed_at_ = now + options_.window;
        return kNever;
    }
    if (now >= feed_at_) {
        feed_at_ = now + options_.window;
        feed(now);
        after(now);
    }
    if (node_ && now >= node_wants_) {
        node_wants_ = node_->poll(now);
        after(now);
    }
    return node_ ? std::min(node_wants_, feed_at_) : kNever;
}

}  // namespace prewatt::campus

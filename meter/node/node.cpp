#include "meter/node/node.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr Duration kAfterPowerFail =
    milliseconds(200);  // should the supply come back after all, an interrupted pulse is given again
constexpr Duration kWatchdogPeriod = seconds(10);  // poll() is wanted at least so often

Calibration calibration_of(const NodeConfig& config) {
    if (config.calibration != nullptr) return *config.calibration;
    return default_calibration(amperes(config.basic_current_amperes), amperes(config.max_current_amperes));
}

// A node that may not touch its storage says so and does nothing else.
DisplayFrame dead_frame(StartResult why) {
    DisplayFrame frame;
    frame.upper = {' ', ' ', ' ', 'E', 'r', 'r'};
    frame.lower[5] = why == StartResult::kWrongBox ? '1' : '2';
    return frame;
}

}  // namespace

Node::Node(const NodeConfig& config, Ports ports)
    : ports_(ports),
      box_(config, ports.storage, ports.relays, ports.clock),
      server_(box_, ports.mac, ports.bus),
      metering_(calibration_of(config), config.wiring, amperes(config.basic_current_amperes)) {}

StartResult Node::start(Instant now) {
    started_ = box_.start(now);
    alive_ = started_ == StartResult::kFresh || started_ == StartResult::kRecovered;
    if (!alive_) {
        next_ = kNever;
        if (config().display_fitted) ports_.display.show(dead_frame(started_));
        return started_;
    }
    for (PulseGenerator& pulses : pulses_)
        (void)pulses.set_constant(box_.box_book().pulse_constant);
    box_.on_metering_session(0, now);
    loop_.start(now, household_count());
    settle(now);
    return started_;
}

// What every event may have made necessary, and when to be called next.
Instant Node::settle(Instant now) {
    Instant next = std::min(box_.poll(now), server_.poll(now));
    if (config().display_fitted) {
        update_display(now);
        if (now >= next_pulse_) give_pulses(now);
        next = std::min({next, next_display_, next_pulse_});
    }
    return next_ = std::min(next, now + kWatchdogPeriod);
}

Instant Node::poll(Instant now) {
    if (!alive_) return kNever;
    ports_.watchdog.kick();
    return settle(now);
}

Instant Node::on_samples(const SampleBlock& block, Instant now) {
    if (!alive_) return kNever;
    const Measurement* measurement = metering_.on_samples(block);
    return measurement != nullptr ? on_measurement(*measurement, now) : next_;
}

Instant Node::on_measurement(const Measurement& measurement, Instant now) {
    if (!alive_) return kNever;
    count(measurement);
    box_.on_window(window_, now);
    if (config().display_fitted) add_pulses(measurement, now);
    return settle(now);
}

// The metering side's half of the bookkeeping: totals of a session that the box has named.
void Node::count(const Measurement& measurement) {
    const Box::SessionOrder order = box_.session_order();
    if (order.replaces == window_.session) window_.session = order.name;
    window_.measurement = measurement;
    const int circuits = circuits_each(config().wiring);
    CircuitMeasurement* circuit = window_.measurement.circuits.data();
    for (int n = 0; n < household_count(); ++n) {
        HouseholdTotals& totals = window_.totals[static_cast<std::size_t>(n)];
        for (int k = 0; k < circuits; ++k, ++circuit) {
            totals.forward += static_cast<std::uint32_t>(circuit->forward.count());
            totals.reverse += static_cast<std::uint32_t>(circuit->reverse.count());
            circuit->forward = circuit->reverse = Energy{};
        }
    }
}

Instant Node::on_bus_byte(Byte byte, Instant now, bool bad_parity) {
    if (!alive_) return kNever;
    if (!server_.on_byte(byte, now, bad_parity)) return next_;
    if (const Purchase purchase = box_.take_purchase(); purchase.household.number != 0) {
        purchase_ = purchase;
        loop_.bought(purchase.household, now);
    }
    if (pulses_[0].constant() != box_.box_book().pulse_constant)
        for (PulseGenerator& pulses : pulses_)
            (void)pulses.set_constant(box_.box_book().pulse_constant);
    return settle(now);
}

Instant Node::on_power_fail(Instant now) {
    if (!alive_) return kNever;
    box_.on_power_fail(now);
    return next_ = std::min(next_, now + kAfterPowerFail);
}

void Node::add_pulses(const Measurement& measurement, Instant now) {
    give_pulses(now);
    const int circuits = circuits_each(config().wiring);
    const CircuitMeasurement* circuit = measurement.circuits.data();
    next_pulse_ = kNever;
    for (int n = 0; n < household_count(); ++n) {
        Energy energy;
        for (int k = 0; k < circuits; ++k, ++circuit)
            energy += circuit->forward + circuit->reverse;
        PulseGenerator& pulses = pulses_[static_cast<std::size_t>(n)];
        pulses.add(energy, measurement.span, now);
        next_pulse_ = std::min(next_pulse_, pulses.next_due());
    }
}

void Node::give_pulses(Instant now) {
    next_pulse_ = kNever;
    for (int n = 1; n <= household_count(); ++n) {
        PulseGenerator& pulses = pulses_[static_cast<std::size_t>(n - 1)];
        if (pulses.poll(now)) ports_.display.pulse({static_cast<std::uint8_t>(n)});
        next_pulse_ = std::min(next_pulse_, pulses.next_due());
    }
}

DisplayFrame Node::frame_of(const DisplayLoop::Page& page) const {
    using Kind = DisplayLoop::Page::Kind;
    switch (page.kind) {
        case Kind::kMeterNumber:
            return meter_number_frame(config().box.value);
        case Kind::kSalesUnit:
            return sales_unit_frame(config().sales_unit);
        case Kind::kBought:
            return amount_frame(page.household, in_hundredths(purchase_.bought, Round::kDown));
        case Kind::kNewTotal:
            return amount_frame(page.household, box_.remaining_hundredths(page.household));
        case Kind::kHousehold:
            break;
    }
    return household_frame(page.household, box_.state(page.household), box_.remaining_hundredths(page.household),
                           page.lit_half);
}

void Node::update_display(Instant now) {
    const DisplayLoop::Page page = loop_.page(now);
    const bool flashing = page.kind == DisplayLoop::Page::Kind::kHousehold && flashes(box_.state(page.household));
    next_display_ = flashing ? std::min(page.until, page.next_flash) : page.until;
    const DisplayFrame frame = frame_of(page);
    if (frame == lit_) return;
    lit_ = frame;
    ports_.display.show(frame);
}

DisplayFrame Node::shown(Instant now) const {
    return alive_ ? frame_of(loop_.page(now)) : dead_frame(started_);
}

DisplayFrame Node::window(Household h, Instant now) const {
    return household_frame(h, box_.state(h), box_.remaining_hundredths(h), loop_.page(now).lit_half);
}

HouseholdView Node::household(Household h) const {
    const HouseholdBook& book = box_.book(h);
    const Account& account = book.account;
    HouseholdView view;
    view.state = box_.state(h);
    view.overruled = box_.overruled(h);
    view.lit = view.state.has(StateBit::kRelayClosed);
    view.phase = phase_of(config().wiring, h, 0);
    view.epoch = account.epoch;
    view.ticket_number = account.ticket_number;
    view.credited = account.credited;
    view.used = account.used;
    view.remaining = account.remaining();
    view.forward = book.forward;
    view.reverse = book.reverse;
    view.active = box_.active(h);
    view.low_alarm_hundredths = account.levels.low_hundredths;
    view.cutoff_alarm_hundredths = account.levels.cutoff_hundredths;
    view.overdraft_hundredths = account.levels.overdraft_hundredths;
    return view;
}

}  // namespace prewatt::meter

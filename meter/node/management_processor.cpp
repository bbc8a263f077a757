#include "meter/node/management_processor.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr Duration kAfterPowerFail =
    milliseconds(200);  // should the supply come back after all, an interrupted pulse is given again
constexpr Duration kWatchdogPeriod = seconds(10);  // poll() is wanted at least so often
constexpr Duration kOrdersAgain = milliseconds(100);
constexpr Duration kPullAgain = seconds(5);

// A node that may not touch its storage says so and does nothing else.
DisplayFrame dead_frame(StartResult why) {
    DisplayFrame frame;
    frame.upper = {' ', ' ', ' ', 'E', 'r', 'r'};
    frame.lower[5] = why == StartResult::kWrongBox ? '1' : '2';
    return frame;
}

}  // namespace

ManagementProcessor::ManagementProcessor(const NodeConfig& config, Ports ports, PeerReset* metering_reset)
    : ports_(ports),
      metering_reset_(metering_reset),
      box_(config, ports.storage, *this, ports.clock, ports.load_sense),
      server_(box_, ports.mac, ports.bus),
      swipe_(box_, ports.mac, ports.card_reader),
      link_(1, receive_, send_) {}

StartResult ManagementProcessor::start(Instant now, bool supply_failed) {
    started_ = box_.start(now, supply_failed);
    alive_ = started_ == StartResult::kFresh || started_ == StartResult::kRecovered;
    if (!alive_) {
        if (box_.config().display_fitted) ports_.display.show(dead_frame(started_));
        return started_;
    }
    link_.begin(static_cast<std::uint16_t>(box_.box_book().boots), now);
    orders_.version = static_cast<std::uint16_t>(box_.box_book().boots << 8 | 1);
    renew_limits();
    loop_.start(now, box_.household_count());
    settle(now);
    return started_;
}

// --- Contacts: told to the metering side before they move.

void ManagementProcessor::begin_pulse(Circuit circuit, RelayDrive drive) {
    const std::uint64_t bit = std::uint64_t{1} << circuit.index;
    contacts_known_ |= bit;
    contacts_closed_ = drive == RelayDrive::kClose ? contacts_closed_ | bit : contacts_closed_ & ~bit;
    ports_.relays.begin_pulse(circuit, drive);
}

void ManagementProcessor::end_pulse(Circuit circuit) {
    ports_.relays.end_pulse(circuit);
}

// --- Orders

// Settings change with commands and with cards only.
void ManagementProcessor::renew_limits() {
    const settings::Settings& settings = box_.settings();
    const Wiring wiring = box_.config().wiring;
    // Circuit 1 of the household; all three channels of a three-phase one are its circuit 1 (M11).
    const int watched = is_three_phase(wiring) ? circuits_each(wiring) : 1;
    bool changed = orders_.pulse_width_ms != settings.general.pulse_width_ms;
    orders_.pulse_width_ms = static_cast<std::uint8_t>(settings.general.pulse_width_ms);
    for (int n = 1; n <= box_.household_count(); ++n) {
        const Household h{static_cast<std::uint8_t>(n)};
        const settings::LoadLimit& load = settings.households[static_cast<std::size_t>(h.index())].load;
        const Current limit{std::int64_t{load.milliamperes} * load.gross_percent / 10'000 * 100'000};
        for (int k = 0; k < watched; ++k) {
            Current& ordered = orders_.gross_limit[circuit_of(wiring, h, k).index];
            changed = changed || ordered != limit;
            ordered = limit;
        }
    }
    if (changed) new_orders();
}

void ManagementProcessor::renew_orders() {
    const Box::SessionOrder session = box_.session_order();
    const std::uint16_t constant = box_.box_book().pulse_constant;
    if (session.name == orders_.session_name && session.replaces == orders_.session_replaces &&
        constant == orders_.pulse_constant && held_.number == orders_.test_household &&
        contacts_known_ == orders_.contacts_known && contacts_closed_ == orders_.contacts_closed)
        return;
    orders_.session_name = session.name;
    orders_.session_replaces = session.replaces;
    orders_.pulse_constant = constant;
    orders_.test_household = held_.number;
    orders_.contacts_known = contacts_known_;
    orders_.contacts_closed = contacts_closed_;
    new_orders();
}

void ManagementProcessor::new_orders() {
    // The high byte tells this start from the ones before, the low byte is never 0.
    const auto next = static_cast<std::uint8_t>(orders_.version + 1);
    orders_.version = static_cast<std::uint16_t>((orders_.version & 0xFF00) | (next == 0 ? 1 : next));
    orders_again_ = Instant{INT64_MIN};
}

Bytes ManagementProcessor::next_frame(Instant now) {
    if (!alive_) return {};
    if (Bytes frame = link_.poll_records(now); !frame.empty()) return frame;
    if (orders_followed_ != orders_.version && now >= orders_again_) {
        orders_again_ = now + kOrdersAgain;
        const std::size_t size = encode_message(orders_, link_.payload());
        return link_.state(kOrdersMessage, size, now);
    }
    return link_.poll(now);
}

void ManagementProcessor::on_link_bytes(Bytes bytes, Instant now) {
    if (!alive_) return;
    while (const std::optional<interlink::Message> message = link_.on_bytes(bytes, now)) {
        MeteringHealth health;
        if (message->type == interlink::kHeartbeat) {
            ByteReader reader(message->payload);
            health = MeteringHealth::of(reader.get_u32());
            if (!reader.finished()) continue;
            box_.on_metering_session(health.session, now);
        } else if (message->type == kWindowMessage) {
            if (!decode(message->payload, box_.config().wiring, window_, health.orders)) continue;
            health.session = window_.session;
            box_.on_window(window_, now);
        } else {
            on_record(*message, now);
            continue;
        }
        metering_session_ = health.session;
        orders_followed_ = health.orders;
    }
    watch_metering(now);
    settle(now);
}

void ManagementProcessor::on_record(const interlink::Message& message, Instant now) {
    if (message.type == kPeerSilenceMessage) {
        if (const auto silence = decode_peer_silence(message.payload))
            put_event(PeerEvent::Kind::kManagementWasSilent, silence->lasted, now);
    } else if (message.type == kOvercurrentMessage) {
        if (const auto report = decode_overcurrent(message.payload)) box_.on_overcurrent(*report, now);
    } else if (message.type == kStepMessage) {
        const auto report = decode_step(message.payload);
        if (!report) return;
        if (box_.on_step(*report, now))
            fetch_capture(report->capture);
        else if (report->capture != 0)
            release_capture(report->capture);
    } else if (message.type == kCapturePartMessage) {
        if (const auto part = decode_capture_part(message.payload)) on_capture_part(*part, now);
    }
}

// --- The waveforms of a step are fetched part by part; the contact has moved long before.

void ManagementProcessor::request_part() {
    std::array<Byte, interlink::kRecordSizeMax> payload;
    const std::size_t size = encode_message(CaptureRequest{fetching_, fetched_}, payload);
    (void)link_.put_record(kCaptureRequestMessage, Bytes(payload).first(size));
}

void ManagementProcessor::fetch_capture(std::uint8_t number) {
    if (fetching_ != 0) release_capture(fetching_);
    fetching_ = number;
    fetched_ = 0;
    request_part();
}

void ManagementProcessor::release_capture(std::uint8_t number) {
    std::array<Byte, interlink::kRecordSizeMax> payload;
    const std::size_t size = encode_message(CaptureRequest{number, 0}, payload);
    (void)link_.put_record(kCaptureReleaseMessage, Bytes(payload).first(size));
}

void ManagementProcessor::on_capture_part(const CapturePart& part, Instant now) {
    if (fetching_ == 0 || part.capture != fetching_ || part.part != fetched_) {
        // Gone: the box stores the report without them.
        if (part.capture == fetching_ && part.part == kCapturePartGone) fetching_ = 0;
        return;
    }
    put_part(part, capture_);
    if (++fetched_ < kCaptureParts) return request_part();
    box_.on_capture(capture_, now);
    release_capture(fetching_);
    fetching_ = 0;
}

// --- The other side

void ManagementProcessor::put_event(PeerEvent::Kind kind, Duration lasted, Instant now) {
    (void)events_.push({kind, metering_session_, lasted, now});
    static constexpr EventKind kLogged[] = {EventKind::kMeteringSilent, EventKind::kMeteringBack,
                                            EventKind::kMeteringReset, EventKind::kManagementReset};
    box_.recorder().at(now);
    box_.recorder().log(kLogged[static_cast<std::size_t>(kind)], {}, events::processor(metering_session_, lasted));
}

bool ManagementProcessor::take_event(PeerEvent& event) {
    if (events_.empty()) return false;
    event = events_.front();
    events_.pop();
    return true;
}

void ManagementProcessor::watch_metering(Instant now) {
    if (link_.peer_starts() != metering_starts_) {
        // The first one that is heard has not started anew as far as this side can know.
        if (metering_starts_ != 0) put_event(PeerEvent::Kind::kMeteringStarted, Duration{}, now);
        metering_starts_ = link_.peer_starts();
        orders_followed_ = 0;
        orders_again_ = Instant{INT64_MIN};
    }
    if (!link_.is_silent(now)) {
        if (silent_since_ == kNever) return;
        put_event(PeerEvent::Kind::kMeteringBack, now - silent_since_, now);
        silent_since_ = pull_at_ = kNever;
        box_.on_metering_heard(true);
        return;
    }
    if (silent_since_ == kNever) {
        silent_since_ = now - interlink::kSilentAfter;
        pull_at_ = now;
        put_event(PeerEvent::Kind::kMeteringSilent, now - silent_since_, now);
        box_.on_metering_heard(false);
    }
    if (now < pull_at_) return;
    pull_at_ = now + kPullAgain;
    if (metering_reset_ != nullptr) metering_reset_->pull();
}

// --- What every event may have made necessary, and when to be called next.

Instant ManagementProcessor::settle(Instant now) {
    const Instant next_card = serve_card(now);
    Instant next = std::min({box_.poll(now), server_.poll(now), pull_at_, next_card});
    if (box_.config().display_fitted) {
        update_display(now);
        next = std::min(next, next_display_);
    }
    renew_orders();
    return next_ = std::min(next, now + kWatchdogPeriod);
}

// One exchange with a card at most, and what there is to be shown of it.
Instant ManagementProcessor::serve_card(Instant now) {
    const bool was_busy = swipe_.is_busy();
    const Instant next = swipe_.poll(now);
    while (const std::optional<CardNotice> notice = swipe_.take_notice()) {
        switch (notice->kind) {
            case CardNotice::Kind::kSwiped:
                (void)box_.take_purchase();
                purchase_ = {notice->household, notice->bought};
                loop_.notify({notice->household, notice->bought != Credit{}, true, false, 0, false}, now);
                break;
            case CardNotice::Kind::kCode: {
                const auto code = static_cast<std::uint8_t>(notice->code);
                if (notice->follows)
                    loop_.notify_code(notice->household, code, now);
                else
                    loop_.notify({notice->household, false, false, false, code, false}, now);
                break;
            }
            case CardNotice::Kind::kPassed:
                loop_.notify({notice->household, false, false, true, 0, false}, now);
                break;
            case CardNotice::Kind::kInspection:
                loop_.notify({{}, false, false, false, 0, true}, now);
                break;
        }
    }
    // Cards bring settings too.
    if (was_busy && !swipe_.is_busy()) renew_limits();
    return next;
}

Instant ManagementProcessor::poll(Instant now) {
    if (!alive_) return kNever;
    ports_.watchdog.kick();
    watch_metering(now);
    const bool hand_at_socket = ports_.socket != nullptr && ports_.socket->pins() != pins_;
    if (now >= next_ || hand_at_socket) return settle(now);
    return next_ = std::min(next_, pull_at_);
}

Instant ManagementProcessor::on_bus_byte(Byte byte, Instant now, bool bad_parity) {
    if (!alive_) return kNever;
    if (!server_.on_byte(byte, now, bad_parity)) return next_;
    renew_limits();
    if (const Purchase purchase = box_.take_purchase(); purchase.household.number != 0) {
        purchase_ = purchase;
        loop_.bought(purchase.household, now);
    }
    return settle(now);
}

Instant ManagementProcessor::on_power_fail(Instant now) {
    if (!alive_) return kNever;
    box_.on_power_fail(now);
    return next_ = std::min(next_, now + kAfterPowerFail);
}

// --- Display

std::int64_t ManagementProcessor::inspected(Household h, InspectionItem item) const {
    switch (item) {
        case InspectionItem::kLowAlarm:
            return box_.book(h).account.levels.low_hundredths;
        case InspectionItem::kCutoffAlarm:
            return box_.book(h).account.levels.cutoff_hundredths;
        case InspectionItem::kCurrentLimit:
            break;
    }
    return box_.settings().households[static_cast<std::size_t>(h.index())].load.milliamperes / 10;
}

DisplayFrame ManagementProcessor::frame_of(const DisplayLoop::Page& page) const {
    using Kind = DisplayLoop::Page::Kind;
    switch (page.kind) {
        case Kind::kMeterNumber:
            return meter_number_frame(box_.config().box.value);
        case Kind::kSalesUnit:
            return sales_unit_frame(box_.config().sales_unit);
        case Kind::kBought:
            return amount_frame(page.household, in_hundredths(purchase_.bought, Round::kDown));
        case Kind::kNewTotal:
            return amount_frame(page.household, box_.remaining_hundredths(page.household));
        case Kind::kCardCode:
            return card_code_frame(page.household, page.code);
        case Kind::kPassed:
            return passed_frame(page.household);
        case Kind::kInspection:
            return inspection_frame(page.household, page.item, inspected(page.household, page.item));
        case Kind::kHousehold:
            break;
    }
    const HouseholdBook& book = box_.book(page.household);
    return page_frame(page, box_.state(page.household), box_.remaining_hundredths(page.household),
                      in_hundredths(book.forward + book.reverse, Round::kDown), box_.plan(page.household).cut_at != 0);
}

void ManagementProcessor::update_display(Instant now) {
    loop_.set_page_time(seconds(box_.settings().general.page_seconds), now);
    Instant next_pins = kNever;
    if (ports_.socket != nullptr) next_pins = loop_.on_pins(pins_ = ports_.socket->pins(), now);
    held_ = loop_.held(now);
    const DisplayLoop::Page page = loop_.page(now);
    const bool flashing =
        page.kind == DisplayLoop::Page::Kind::kHousehold && !page.used && flashes(box_.state(page.household));
    next_display_ = std::min(next_pins, flashing ? std::min(page.until, page.next_flash) : page.until);
    const DisplayFrame frame = frame_of(page);
    if (frame == lit_) return;
    lit_ = frame;
    ports_.display.show(frame);
}

DisplayFrame ManagementProcessor::shown(Instant now) const {
    return alive_ ? frame_of(loop_.page(now)) : dead_frame(started_);
}

DisplayFrame ManagementProcessor::window(Household h, Instant now) const {
    return household_frame(h, box_.state(h), box_.remaining_hundredths(h), loop_.page(now).lit_half);
}

HouseholdView ManagementProcessor::household(Household h) const {
    const HouseholdBook& book = box_.book(h);
    const Account& account = book.account;
    HouseholdView view;
    view.state = box_.state(h);
    view.overruled = box_.overruled(h);
    view.lit = view.state.has(StateBit::kRelayClosed);
    view.phase = phase_of(box_.config().wiring, h, 0);
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

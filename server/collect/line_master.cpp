#include "server/collect/line_master.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/crc.hpp"
#include "server/domain/reconcile.hpp"

namespace prewatt::collect {
namespace {

using dlt645::Function;

// Data bytes behind the DI that a reply may have, for the time that it may take.
constexpr std::size_t kBlockReplyMax = 196;
constexpr std::size_t kFollowingReplyMax = 196;
constexpr std::size_t kPowerReplyMax = 2 + 3 * kHouseholdsMax;
constexpr std::size_t kStatusReplyMax = 48;
constexpr std::size_t kAccountReplyMax = 96;
constexpr std::size_t kLiveReplyMax = 80;
constexpr std::size_t kSumsReplyMax = 8 + 4 * kHouseholdsMax;
constexpr std::size_t kItemReplyMax = 1 + settings::kSettingBytesMax;
constexpr std::size_t kAnswerMax = card::kSealedAnswerMax - 4;

constexpr Duration kReplySilenceMax = milliseconds(100);  // a reply that has begun does not pause so long
constexpr Duration kListenFirst = milliseconds(100);      // the rest of a question of the one before us, and 20 ms
constexpr Duration kForeignTrafficMax = milliseconds(300);
constexpr Duration kLookDelay = milliseconds(120);
constexpr int kLooksForLight = 7;  // 120 ms, 240 ms ... 7.7 s: 15 s in all
constexpr Duration kAccountPause = minutes(1);
constexpr Duration kJudgePatience = seconds(5);  // an account was read for a ticket and the office has not judged it
constexpr Duration kAccountFresh = minutes(10);  // so long a judged account lets tickets go
constexpr Duration kNotSupportedPause = minutes(1);
constexpr Duration kNotStoredPause = seconds(5);
constexpr Duration kNoEffectPause = minutes(1);
constexpr Duration kAuditPauseMax = minutes(1);
constexpr Duration kSettingPause = milliseconds(100);
constexpr Duration kFreezeBackOffMin = minutes(2);  // a box that has its supply back makes it good within a minute
constexpr Duration kFreezeBackOffMax = minutes(6 * 60);
constexpr Duration kFreezeRetry = seconds(5);
constexpr Duration kForceOld = minutes(1);  // the minutes in a force command are what was left when it was made
constexpr Duration kClockOld = seconds(2);  // a clock command is worth nothing when it is old
constexpr int kKeyRefusalsMax = 3;
constexpr int kCounterRaisesMax = 3;
constexpr std::int64_t kBalanceSlack = 2;  // hundredths: both figures are rounded down
constexpr std::int64_t kForwardModulus = 100'000'000;
constexpr int kProbeShare = 9;  // silent boxes: one part in ten of the line

constexpr std::string_view kNoAnswerText = "the box does not answer; it goes on trying";
constexpr std::string_view kDamagedText = "an answer could not be read";
constexpr std::string_view kKeyText = "the box rejects the key of this office; check the box number and the master key";
constexpr std::string_view kForgedText = "the answer is not from this box: its tag is wrong";
constexpr std::string_view kNoEffectText = "the box says done and does not show it";
constexpr std::string_view kNotStoredText = "the box could not store it; it is tried again";
constexpr std::string_view kNoHouseholdText = "the box has no such household";
constexpr std::string_view kArgumentText = "the box refuses the value";
constexpr std::string_view kNotSupportedText = "the box does not know this command";
constexpr std::string_view kCounterText = "the box does not accept the command counter; it is tried again";
constexpr std::string_view kOfficeText = "the office could not reserve a command counter; it is tried again";

constexpr int at(Part part) {
    return static_cast<int>(part);
}
// Whether an account can have become `later` in this time. What a household can use bounds what a damaged figure can
// pretend: 40 kW, at no more than 100 yuan a kWh.
struct Growth {
    Energy forward;
    Credit used;
};
constexpr Credit kUsedSlack = credit_of_hundredths(1);
std::optional<Growth> growth(const dlt645::AccountStatus& earlier, const dlt645::AccountStatus& later,
                             Duration elapsed) {
    dlt645::AccountStatus same = later;
    same.used = earlier.used;
    same.forward = earlier.forward;
    same.reverse = earlier.reverse;
    if (!(same == earlier)) return std::nullopt;
    const Growth grown{later.forward - earlier.forward, later.used - earlier.used};
    const Energy grown_max = energy_of_hundredths(1) + Energy{40'000 * (elapsed.count() / 1'000'000 + 1)};
    const auto possible = [&](Energy more) { return more >= Energy{} && more <= grown_max; };
    if (!possible(grown.forward) || !possible(later.reverse - earlier.reverse) || grown.used < Credit{})
        return std::nullopt;
    const int grains_per_joule = later.state.has(StateBit::kMoneyAccount) ? 100 : 1;
    if (grown.used > Credit{grown.forward.count() * grains_per_joule} + kUsedSlack) return std::nullopt;
    return grown;
}
bool newer(std::uint16_t epoch, std::uint32_t number, std::uint16_t than_epoch, std::uint32_t than_number) {
    return epoch > than_epoch || (epoch == than_epoch && number > than_number);
}

}  // namespace

LineMaster::LineMaster(const LineSettings& settings, card::Mac& mac, LineOffice& office)
    : settings_(settings), mac_(mac), office_(office) {
    assert(settings.baud > 0 && settings.attempts > 0 && settings.counters_at_once > 0);
}

Duration LineMaster::character_time(std::int64_t characters) const {
    return microseconds(divide(characters * 11 * 1'000'000, settings_.baud, Round::kUp));
}
UnixTime LineMaster::unix_at(Instant now) const {
    return unix_ + (now - clock_set_at_);
}
CivilSeconds LineMaster::civil_at(Instant now) const {
    return civil_ + static_cast<CivilSeconds>((now - clock_set_at_).count() / 1'000'000);
}
LineMaster::Box* LineMaster::find(BoxId id) {
    const auto it = std::find_if(boxes_.begin(), boxes_.end(), [id](const Box& b) { return b.setup.id == id; });
    return it == boxes_.end() ? nullptr : &*it;
}

// --- Wishes

void LineMaster::set_boxes(std::span<const BoxSetup> boxes) {
    std::vector<Box> next;
    next.reserve(boxes.size());
    for (const BoxSetup& setup : boxes) {
        Box* old = find(setup.id);
        const bool same = old && old->setup.number == setup.number && old->setup.keys.to_meter == setup.keys.to_meter &&
                          old->setup.keys.from_meter == setup.keys.from_meter;
        if (same) {
            next.push_back(std::move(*old));
        } else {
            next.emplace_back();
            if (old) {  // what is desired stays; keys or number are new
                next.back().tenants = old->tenants;
                for (Tenant& tenant : next.back().tenants)
                    tenant.proved = false;
                next.back().settings = std::move(old->settings);
                next.back().settings.compare_soon(clock_set_at_, true);
                next.back().freezes = std::move(old->freezes);
            } else {
                next.back().settings = SettingDriver(settings_.setting_timing);
            }
            for (std::size_t h = 1; h < next.back().tenants.size(); ++h)
                if (next.back().tenants[h].bound) next.back().disagree.set(h);
        }
        Box& box = next.back();
        box.setup = setup;
        box.quality.box = setup.id;
        box.number = {setup.number};
        box.queued = false;
    }
    if (exchange_.live.request != 0) lives_.push_front(exchange_.live);
    if (exchange_.active) has_listened_ = false;  // its answer may be on its way
    exchange_ = {};
    for (Reader& reader : readers_)
        reader.driver.drop(clock_set_at_);
    std::deque<Live> lives;
    lives.swap(lives_);
    boxes_ = std::move(next);
    transfer_.active = false;
    urgent_.clear();
    cursor_ = extra_cursor_ = audit_box_ = 0;
    audit_household_ = 0;
    sweep_running_ = false;
    // Status reads of a line that begins are spread over their interval: the first sweep is not held up by them.
    for (std::size_t k = 0; k < boxes_.size(); ++k) {
        Box& box = boxes_[k];
        if (box.contact == Contact::kUnknown)
            box.status_at =
                clock_set_at_ + microseconds(settings_.status_interval.count() * static_cast<std::int64_t>(k) /
                                             static_cast<std::int64_t>(boxes_.size()));
        if (box.open || box.disagree.any()) queue(box);
    }
    for (const Live& live : lives)
        office_.on_live(live.request, std::unexpected(ReadError::kUnknownBox), unix_);
}

void LineMaster::desire(const DesiredState& desired, Instant now) {
    Box* box = find(desired.box);
    if (!box || desired.number < 1 || desired.number > kHouseholdsMax) return;
    Tenant& tenant = box->tenants[desired.number];
    const bool first = !tenant.bound || tenant.desired.household != desired.household;
    if (first) {
        tenant = Tenant{};
        tenant.bound = true;
        tenant.epoch = desired.confirmed_epoch;
        tenant.number = desired.confirmed_number;
    }
    // Told again without news is no reason to try again at once: the office tells whenever anything of the row changes.
    const DesiredState& before = tenant.desired;
    const bool news =
        first || before.ticket != desired.ticket || before.remote_version.desired != desired.remote_version.desired ||
        before.force_version.desired != desired.force_version.desired ||
        before.acknowledge_version.desired != desired.acknowledge_version.desired ||
        before.alarms_version.desired != desired.alarms_version.desired ||
        before.reset_version.desired != desired.reset_version.desired ||
        before.clear_version.desired != desired.clear_version.desired || before.stopped != desired.stopped;
    const bool was_judged = tenant.account_unix != UnixTime{} && before.judged_at < tenant.account_unix &&
                            desired.judged_at >= tenant.account_unix;
    tenant.desired = desired;
    const auto reach = [&tenant](Part part, server::Version version) {
        tenant.reached[at(part)] = std::max(tenant.reached[at(part)], version.reached);
    };
    reach(Part::kRemoteHold, desired.remote_version);
    reach(Part::kForce, desired.force_version);
    reach(Part::kAcknowledge, desired.acknowledge_version);
    reach(Part::kAlarms, desired.alarms_version);
    reach(Part::kResetLockout, desired.reset_version);
    reach(Part::kClear, desired.clear_version);
    if (was_judged && desired.stopped == server::Situation::kNone) tenant.doubted = false;
    Part part{};
    if (!wanted(*box, desired.number, now, part) && ticket_step(tenant, now) != TicketStep::kReadFirst) return;
    if (was_judged) box->command_at = std::min(box->command_at, std::max(now, box->pause_until));
    if (news) box->fresh = true;
    drive(*box, desired.number, now);
}

void LineMaster::desire_settings(const server::BoxSettings& settings, Instant now) {
    if (Box* box = find(settings.box)) box->settings.desire(settings, now);
}

void LineMaster::want_freezes(BoxId id, std::vector<CivilSeconds> due, Instant now) {
    Box* box = find(id);
    if (!box) return;
    std::sort(due.begin(), due.end());
    due.erase(std::unique(due.begin(), due.end()), due.end());
    // One that was not known to be missing is worth a try; what was asked for in vain keeps its pause.
    const bool news = !std::includes(box->freezes.begin(), box->freezes.end(), due.begin(), due.end());
    box->freezes = std::move(due);
    if (!news) return;
    box->freeze_n = 1;
    box->freeze_crc.reset();
    box->freeze_back_off = {};
    box->freeze_at = now;
}

void LineMaster::forget(BoxId id, std::uint8_t number) {
    Box* box = find(id);
    if (!box || number < 1 || number > kHouseholdsMax) return;
    box->tenants[number] = Tenant{};
    box->disagree.reset(number);
    box->accounts_due.reset(number);
}

void LineMaster::read_live(LiveRequest request, BoxId id, std::uint8_t number, Instant now) {
    const Box* box = find(id);
    if (!box || number < 1 || number > box->setup.household_count) {
        office_.on_live(request, std::unexpected(ReadError::kUnknownBox), unix_at(now));
        return;
    }
    lives_.push_back({request, static_cast<std::size_t>(box - boxes_.data()), number, 0});
}

void LineMaster::watch(BoxId id, Instant until) {
    if (Box* box = find(id)) box->watched_until = until;
}

void LineMaster::on_counters(BoxId id, std::uint32_t first, std::uint32_t count, Instant now) {
    Box* box = find(id);
    if (!box) return;
    if (count == 0 || first <= box->counter_above) {  // asked again after counters_asked_until
        if (box->open) refuse(*box, kOfficeText, false, now);
        return;
    }
    box->counter_next = first;
    box->counter_end = first + count;
    box->setting_after = std::min(box->setting_after, now);
    box->command_at = std::min(box->command_at, now);
    queue(*box);
}

void LineMaster::set_clock(Instant now, UnixTime unix_time, CivilSeconds civil) {
    clock_set_at_ = now;
    unix_ = unix_time;
    civil_ = civil;
    clock_known_ = true;
}

// --- The line

void LineMaster::on_byte(Byte byte, Instant now, bool bad_parity) {
    if (exchange_.active) {
        if (now >= exchange_.sent_end) {
            exchange_.begun = true;
            exchange_.last_byte = now;
        }
    } else if (now - ended_at_ < kForeignTrafficMax) {
        quiet_until_ = std::max(quiet_until_, now + character_time(settings_.gap_characters));
    }
    const std::uint32_t bad_before = decoder_.bad_frames();
    const std::optional<dlt645::Frame> frame = decoder_.on_byte(byte, now, bad_parity);
    counters_.bad_frames += decoder_.bad_frames() - bad_before;
    if (frame) on_frame(*frame, now);
}

void LineMaster::on_line_down(Instant now) {
    exchange_.active = false;
    transfer_.active = false;
    for (Reader& reader : readers_)
        reader.driver.drop(now);
    decoder_.reset();
    has_listened_ = false;
    std::deque<Live> lives;
    lives.swap(lives_);
    if (exchange_.kind == Kind::kLive && exchange_.live.request != 0) lives.push_front(exchange_.live);
    exchange_.live = {};
    for (const Live& live : lives)
        office_.on_live(live.request, std::unexpected(ReadError::kLineDown), unix_at(now));
}

LineMaster::Step LineMaster::poll(Instant now) {
    if (exchange_.active) {
        const Instant due = exchange_.begun ? std::min(exchange_.deadline,
                                                       exchange_.last_byte + kReplySilenceMax + settings_.latency_max)
                                            : exchange_.begin_deadline;
        if (now < due) return {{}, due};
        fail(Failure::kTimeout, now);
    }
    if (!has_listened_) {
        has_listened_ = true;
        ended_at_ = now;
        quiet_until_ = now + kListenFirst;
    }
    if (now < quiet_until_) return {{}, quiet_until_};
    if (!choose(now)) return {{}, std::max(next_due(), now + milliseconds(1))};
    return {{sending_.data(), sending_.size()}, exchange_.begin_deadline};
}

LineCounters LineMaster::counters() const {
    LineCounters counters = counters_;
    counters.boxes = static_cast<std::uint32_t>(boxes_.size());
    counters.silent_boxes = static_cast<std::uint32_t>(
        std::count_if(boxes_.begin(), boxes_.end(), [](const Box& b) { return b.contact == Contact::kSilent; }));
    return counters;
}

std::vector<BoxQuality> LineMaster::quality() const {
    std::vector<BoxQuality> list;
    for (const Box& box : boxes_) {
        BoxQuality& quality = list.emplace_back(box.quality);
        quality.answering = box.contact == Contact::kAnswering;
        quality.settings_settled = box.settings.is_settled();
        bool first = true;
        for (const Tenant& tenant : box.tenants) {
            if (!tenant.bound || tenant.epoch == 0) continue;
            quality.accounts_at = first ? tenant.account_unix : std::min(quality.accounts_at, tenant.account_unix);
            first = false;
        }
    }
    return list;
}

bool LineMaster::is_answering(BoxId id) const {
    return std::any_of(boxes_.begin(), boxes_.end(),
                       [id](const Box& b) { return b.setup.id == id && b.contact == Contact::kAnswering; });
}

// --- Choosing the next frame

bool LineMaster::choose(Instant now) {
    if (start_reader(now, false)) return true;
    if (urgent_run_ < settings_.urgent_run_max && choose_urgent(now)) {
        ++urgent_run_;
        return true;
    }
    if (start_reader_before_ordinary(now)) return true;
    if (choose_ordinary(now)) {
        urgent_run_ = 0;
        return true;
    }
    urgent_run_ = 0;
    return choose_urgent(now) || start_reader(now, true);
}

bool LineMaster::choose_urgent(Instant now) {
    if (!lives_.empty()) {  // a person is looking; these are few
        Live live = lives_.front();
        lives_.pop_front();
        ++live.attempts;
        start_read(Kind::kLive, live.box, live.household, dlt645::kLiveValues, kLiveReplyMax, now);
        exchange_.live = live;
        return true;
    }
    for (std::size_t n = urgent_.size(); n > 0; --n) {
        const std::size_t index = urgent_.front();
        urgent_.pop_front();
        Box& box = boxes_[index];
        box.queued = false;
        if (box.contact == Contact::kSilent && !box.fresh) continue;  // the sweep finds it when it is back
        if (box.open && box.open->setting) {
            if (box.disagree.none() && !box.clock_wrong) continue;
            drop_setting(box, now);
        }
        if (box.command_at > now) {
            queue(box);
            continue;
        }
        if (start_command(index, now)) {
            queue(box);
            return true;
        }
        if (box.open || box.disagree.any() || box.clock_wrong) queue(box);
    }
    return false;
}

bool LineMaster::still_wanted(const Box& box, const Open& open, Instant now) const {
    if (open.ours) return now - open.made_at < kClockOld;
    const Tenant& tenant = box.tenants[open.request.household];
    if (!tenant.bound || tenant.desired.household != open.delivery.household) return false;
    const DesiredState& desired = tenant.desired;
    switch (open.delivery.part) {
        case Part::kTicket:
            return desired.stopped == server::Situation::kNone && !tenant.doubted &&
                   desired.ticket.epoch == open.delivery.epoch && desired.ticket.number == open.delivery.version &&
                   newer(desired.ticket.epoch, desired.ticket.number, tenant.epoch, tenant.number);
        case Part::kRemoteHold:
            return desired.remote_version.desired == open.delivery.version;
        case Part::kForce:
            return desired.force_version.desired == open.delivery.version && now - open.made_at < kForceOld;
        case Part::kAcknowledge:
            return desired.acknowledge_version.desired == open.delivery.version;
        case Part::kAlarms:
            return desired.alarms_version.desired == open.delivery.version;
        case Part::kResetLockout:
            return desired.reset_version.desired == open.delivery.version;
        case Part::kClear:
            return desired.clear_version.desired == open.delivery.version;
    }
    return false;
}

bool LineMaster::start_command(std::size_t index, Instant now) {
    Box& box = boxes_[index];
    // What is no longer wanted is not repeated. Whether it was executed does not matter: its successor says all anew.
    if (box.open && !still_wanted(box, *box.open, now)) box.open.reset();
    if (!box.open && !make_command(box, now)) {
        if (box.read_first == 0) return false;
        const std::uint8_t household = std::exchange(box.read_first, std::uint8_t{0});
        box.fresh = false;
        box.tenants[household].account_asked = now;
        box.tenants[household].account_after = now + kAccountPause;
        box.accounts_due.reset(household);
        start_read(Kind::kAccount, index, household, dlt645::kAccountStatus, kAccountReplyMax, now);
        return true;
    }
    Open& open = *box.open;
    if (open.sent++ > 0) {
        ++counters_.retries;
        ++box.quality.retries;
    }
    box.fresh = false;
    transmit(Kind::kCommand, index, 0, Function::kSecurity, {open.bytes.data(), open.bytes.size()}, kAnswerMax, now);
    if (!open.ours) office_.on_sent(open.delivery, unix_at(now));
    return true;
}

LineMaster::TicketStep LineMaster::ticket_step(const Tenant& tenant, Instant now) const {
    const DesiredState& d = tenant.desired;
    if (!tenant.bound || d.stopped != server::Situation::kNone ||
        !newer(d.ticket.epoch, d.ticket.number, tenant.epoch, tenant.number) ||
        (tenant.given_up_epoch == d.ticket.epoch && tenant.given_up[at(Part::kTicket)] == d.ticket.number))
        return TicketStep::kNothing;
    if (tenant.proved && !tenant.doubted && server::follows(d.ticket, tenant.epoch, tenant.number))
        return TicketStep::kSend;
    const bool judged = tenant.account_unix != UnixTime{} && d.judged_at >= tenant.account_unix;
    if (judged && !tenant.doubted && now - tenant.account_at < kAccountFresh) return TicketStep::kSend;
    const bool asked = tenant.account_asked != Instant{} && now < tenant.account_asked + kJudgePatience;
    return asked ? TicketStep::kWait : TicketStep::kReadFirst;
}

std::optional<card::Command> LineMaster::wanted(const Box& box, std::uint8_t household, Instant now, Part& part) const {
    const Tenant& tenant = box.tenants[household];
    if (!tenant.bound) return std::nullopt;
    const DesiredState& d = tenant.desired;
    const auto open = [&](Part p, server::Version version, bool differs) {
        part = p;
        return version.desired != 0 && version.desired != tenant.given_up[at(p)] &&
               (version.desired > tenant.reached[at(p)] || differs);
    };
    part = Part::kTicket;
    if (ticket_step(tenant, now) == TicketStep::kSend)
        return card::Ticket{d.ticket.epoch, d.ticket.number, in_hundredths(d.ticket.credited, Round::kDown)};
    if (open(Part::kRemoteHold, d.remote_version, tenant.remote_differs)) return card::RemoteHold{d.remote_off};
    if (open(Part::kAcknowledge, d.acknowledge_version, false)) return card::Acknowledge{};
    if (open(Part::kForce, d.force_version, false)) {
        const std::int64_t left = divide(d.force_until.ms - unix_at(now).ms, 60'000, Round::kUp);
        return card::ForcePower{static_cast<std::uint16_t>(std::clamp<std::int64_t>(left, 0, 0xFFFF)),
                                d.force_overruled};
    }
    if (open(Part::kAlarms, d.alarms_version, tenant.alarms_differ)) {
        const auto level = [](Energy e) { return static_cast<std::uint32_t>(in_hundredths(e, Round::kDown)); };
        return card::Alarms{level(d.alarms.low), level(d.alarms.cutoff), level(d.alarms.overdraft)};
    }
    if (open(Part::kResetLockout, d.reset_version, false)) return card::ResetLockout{true, true};
    if (open(Part::kClear, d.clear_version, false)) return card::Clear{card::ClearStep::kCarryOut};
    return std::nullopt;
}

bool LineMaster::make_command(Box& box, Instant now) {
    Open open;
    bool found = false;
    bool waits = false;  // for the office's judgement of an account
    for (int n = 0; n < kHouseholdsMax && !found && box.disagree.any(); ++n) {
        const std::uint8_t household = box.next_household;
        box.next_household = static_cast<std::uint8_t>(household % kHouseholdsMax + 1);
        if (!box.disagree.test(household)) continue;
        Part part{};
        const TicketStep ticket = ticket_step(box.tenants[household], now);
        if (ticket == TicketStep::kReadFirst) {
            box.next_household = household;
            box.read_first = household;
            return false;
        }
        const auto command = wanted(box, household, now, part);
        if (!command) {
            if (ticket == TicketStep::kWait)
                waits = true;
            else
                box.disagree.reset(household);
            continue;
        }
        found = true;
        const DesiredState& d = box.tenants[household].desired;
        open.request = {settings_.operator_number, 0, household, *command};
        open.delivery = {d.household, part, 0, 0};
        switch (part) {
            case Part::kTicket:
                open.delivery.epoch = d.ticket.epoch;
                open.delivery.version = d.ticket.number;
                break;
            case Part::kRemoteHold:
                open.delivery.version = d.remote_version.desired;
                break;
            case Part::kForce:
                open.delivery.version = d.force_version.desired;
                break;
            case Part::kAcknowledge:
                open.delivery.version = d.acknowledge_version.desired;
                break;
            case Part::kAlarms:
                open.delivery.version = d.alarms_version.desired;
                break;
            case Part::kResetLockout:
                open.delivery.version = d.reset_version.desired;
                break;
            case Part::kClear:
                open.delivery.version = d.clear_version.desired;
                break;
        }
    }
    if (!found && box.clock_wrong && clock_known_) {
        found = true;
        open.ours = true;
        open.request = {settings_.operator_number, 0, 0, card::SetClock{civil_at(now)}};
    }
    if (!found && waits) box.command_at = now + seconds(1);
    if (!found) return false;
    const std::uint8_t household = open.request.household;
    if (seal(box, open, now)) return true;
    if (!open.ours) box.next_household = household;  // the same one when the counters have come
    return false;
}

// Gives it the next counter of the box; false: there is none yet.
bool LineMaster::seal(Box& box, Open& open, Instant now) {
    if (box.counter_next >= box.counter_end) {
        if (now < box.counters_asked_until) {
            box.command_at = box.counters_asked_until;
            return false;
        }
        box.command_at = box.counters_asked_until = now + settings_.counter_patience;
        office_.need_counters(box.setup.id, box.counter_above, settings_.counters_at_once);
        return false;
    }
    open.request.counter = box.counter_next++;
    open.bytes = card::seal_request(mac_, box.setup.keys, box.setup.number, open.request);
    open.made_at = now;
    box.problem = {};
    box.open = open;
    return true;
}

Instant LineMaster::setting_due(const Box& box) const {
    if (box.open && box.open->setting) return std::max(box.command_at, box.setting_after);
    return std::max(box.settings.due(), box.setting_after);
}

// The next step of the settings of a box.
bool LineMaster::start_setting(std::size_t index, Instant now) {
    Box& box = boxes_[index];
    const bool key_refused = box.command_at > now && box.key_refusals >= kKeyRefusalsMax;
    if (key_refused || (box.open && (!box.open->setting || box.command_at > now))) {
        box.setting_after = std::max(box.command_at, now + kSettingPause);
        return false;
    }
    if (!box.open) {
        const auto step = box.settings.next(now, civil_at(now));
        if (!step) return false;
        if (std::holds_alternative<SettingDriver::ReadSums>(*step)) {
            start_read(Kind::kSums, index, 0, dlt645::kSettingSums, kSumsReplyMax, now);
            return true;
        }
        if (const auto* item = std::get_if<SettingDriver::ReadItem>(&*step)) {
            start_read(Kind::kItem, index, item->household, dlt645::setting_item(item->name.id, item->name.index),
                       kItemReplyMax, now);
            return true;
        }
        const auto& send = std::get<SettingDriver::Send>(*step);
        Open open;
        open.ours = open.setting = true;
        open.request = {settings_.operator_number, 0, send.household, send.command};
        if (!seal(box, open, now)) {
            box.setting_after = box.counters_asked_until;
            return false;
        }
    }
    Open& open = *box.open;
    if (std::holds_alternative<card::SetClock>(open.request.command) && now - open.made_at >= kClockOld) {
        drop_setting(box, now);
        return false;
    }
    if (open.sent++ > 0) {
        ++counters_.retries;
        ++box.quality.retries;
    }
    transmit(Kind::kCommand, index, 0, Function::kSecurity, {open.bytes.data(), open.bytes.size()}, kAnswerMax, now);
    return true;
}

// It gives way, or was asked often enough: what it did is not known.
void LineMaster::drop_setting(Box& box, Instant now) {
    box.open.reset();
    box.settings.on_no_answer(now);
    tell_settings(box, now);
}

void LineMaster::tell_settings(Box& box, Instant now) {
    while (const auto news = box.settings.take_news()) {
        if (!news->problem.empty()) note(box, news->problem, now);
        office_.on_setting(box.setup.id, *news, unix_at(now));
    }
}

void LineMaster::note(Box& box, std::string_view problem, Instant now) {
    box.quality.last_problem = problem;
    box.quality.last_problem_at = unix_at(now);
}

bool LineMaster::choose_ordinary(Instant now) {
    if (transfer_.active) {
        start_following(now);
        return true;
    }
    for (std::size_t k = 0; k < boxes_.size(); ++k)
        if (boxes_[k].look_at <= now && boxes_[k].contact == Contact::kAnswering) {
            start_block(k, now);
            return true;
        }
    if (extra_turn_ && start_extra(now)) {
        extra_turn_ = false;
        return true;
    }
    extra_turn_ = true;
    return start_sweep(now) || start_extra(now);
}

// Number 4: one box further each time.
bool LineMaster::start_extra(Instant now) {
    if (now >= audit_at_) {
        std::int64_t accounts = 0;
        for (const Box& box : boxes_)
            accounts +=
                std::count_if(box.tenants.begin(), box.tenants.end(), [](const Tenant& t) { return t.epoch > 0; });
        audit_at_ = now + std::min(kAuditPauseMax, microseconds(settings_.audit_interval.count() /
                                                                std::max<std::int64_t>(accounts, 1)));
        for (std::size_t n = boxes_.size() * kHouseholdsMax; n > 0 && accounts > 0; --n) {
            if (++audit_household_ > kHouseholdsMax) {
                audit_household_ = 1;
                audit_box_ = (audit_box_ + 1) % boxes_.size();
            }
            Box& box = boxes_[audit_box_];
            if (box.contact != Contact::kAnswering) {
                n -= std::min<std::size_t>(n - 1, kHouseholdsMax - audit_household_);
                audit_household_ = kHouseholdsMax;
            } else if (box.tenants[audit_household_].epoch > 0) {
                box.accounts_due.set(audit_household_);
                break;
            }
        }
    }
    for (std::size_t n = 0; n < boxes_.size(); ++n) {
        extra_cursor_ = (extra_cursor_ + 1) % boxes_.size();
        Box& box = boxes_[extra_cursor_];
        if (box.contact != Contact::kAnswering) continue;
        if (box.accounts_due.any()) {
            for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h) {
                if (!box.accounts_due.test(h)) continue;
                box.accounts_due.reset(h);
                box.tenants[h].account_after = now + kAccountPause;
                start_read(Kind::kAccount, extra_cursor_, h, dlt645::kAccountStatus, kAccountReplyMax, now);
                return true;
            }
        }
        if (now < box.watched_until && now >= box.power_at) {
            box.power_at = now + settings_.power_interval;
            start_read(Kind::kPower, extra_cursor_, 0, dlt645::kBlockPower, kPowerReplyMax, now);
            return true;
        }
        if (now >= box.status_at) {
            box.status_at = now + settings_.status_interval;
            start_read(Kind::kStatus, extra_cursor_, 0, dlt645::kBoxStatus, kStatusReplyMax, now);
            return true;
        }
        if (now >= setting_due(box) && start_setting(extra_cursor_, now)) return true;
        if (!box.freezes.empty() && now >= box.freeze_at) {
            start_freeze(extra_cursor_, now);
            return true;
        }
    }
    return false;
}

bool LineMaster::start_sweep(Instant now) {
    // First those whose turn it is. Silent ones within their share, or when there is nothing else to do.
    for (const bool idle : {false, true}) {
        for (std::size_t n = 0; n < boxes_.size(); ++n) {
            const std::size_t index = (cursor_ + n) % boxes_.size();
            Box& box = boxes_[index];
            const bool silent = box.contact == Contact::kSilent;
            if (silent ? now < box.back_off_until || (!idle && now < probe_after_) : now < box.sweep_after) continue;
            if (cursor_ + n >= boxes_.size() || !sweep_running_) {
                end_sweep();
                sweep_began_ = now;
                sweep_running_ = true;
            }
            cursor_ = index + 1;
            start_block(index, now);
            return true;
        }
    }
    return false;
}

void LineMaster::end_sweep() {
    if (!sweep_running_ || sweep_last_ < sweep_began_) return;
    ++counters_.sweeps;
    counters_.last_sweep = sweep_last_ - sweep_began_;
}

void LineMaster::start_block(std::size_t index, Instant now) {
    Box& box = boxes_[index];
    box.look_at = kNever;
    box.sweep_after = now + settings_.box_interval_min;
    transfer_ = {};
    transfer_.id = dlt645::kHouseholdBlock;
    transfer_.box = index;
    transfer_.asked_at = now;
    transfer_.asked_version = box.version;
    std::array<Byte, 8> data{};
    ByteWriter writer(data);
    writer.put_u32(dlt645::kHouseholdBlock.value);
    if (box.version != 0) writer.put_u32(box.version);
    transmit(Kind::kBlock, index, 0, Function::kRead, writer.written(), kBlockReplyMax, now);
}

void LineMaster::start_freeze(std::size_t index, Instant now) {
    transfer_ = {};
    transfer_.id = dlt645::kMonthlyFreeze;
    transfer_.box = index;
    transfer_.asked_at = now;
    std::array<Byte, 5> data{};
    ByteWriter writer(data);
    writer.put_u32(dlt645::kMonthlyFreeze.value);
    writer.put_u8(boxes_[index].freeze_n);
    transmit(Kind::kFreeze, index, 0, Function::kRead, data, kBlockReplyMax, now);
    exchange_.id = dlt645::kMonthlyFreeze;
}

void LineMaster::start_following(Instant now) {
    std::array<Byte, 5> data{};
    ByteWriter writer(data);
    writer.put_u32(transfer_.id.value);
    writer.put_u8(transfer_.next);
    transmit(Kind::kFollowing, transfer_.box, 0, Function::kReadFollowing, writer.written(), kFollowingReplyMax, now);
    exchange_.id = transfer_.id;
    exchange_.sequence = transfer_.next;
}

void LineMaster::start_read(Kind kind, std::size_t index, std::uint8_t household, dlt645::DataId id,
                            std::size_t reply_data, Instant now) {
    std::array<Byte, 4> data{};
    ByteWriter writer(data);
    writer.put_u32(id.value);
    transmit(kind, index, household, Function::kRead, data, reply_data, now);
    exchange_.id = id;
}

void LineMaster::transmit(Kind kind, std::size_t index, std::uint8_t household, Function function, Bytes data,
                          std::size_t reply_data, Instant now) {
    send_to(dlt645::address_of(boxes_[index].number, Household{household}), kind, function,
            function == Function::kSecurity ? dlt645::kSealedCommand : dlt645::kHouseholdBlock, data, reply_data,
            settings_.preamble, now);
    exchange_.box = index;
    exchange_.household = household;
    ++boxes_[index].quality.asked;
}

void LineMaster::send_to(const dlt645::Address& address, Kind kind, Function function, dlt645::DataId id, Bytes data,
                         std::size_t reply_data, std::size_t preamble, Instant now) {
    exchange_ = {};
    exchange_.active = true;
    exchange_.kind = kind;
    exchange_.function = function;
    exchange_.id = id;
    exchange_.address = address;
    sending_ = dlt645::encode(address, dlt645::request(function), data, preamble);
    const auto reply = static_cast<std::int64_t>(dlt645::kPreambleSize + dlt645::kFrameOverhead + 4 + reply_data);
    exchange_.sent_at = now;
    exchange_.sent_end = now + character_time(static_cast<std::int64_t>(sending_.size()));
    exchange_.begin_deadline =
        exchange_.sent_end + settings_.reply_delay_max + settings_.latency_max + character_time(2);
    exchange_.deadline = exchange_.begin_deadline + character_time(reply);
    decoder_.reset();
    ++counters_.requests;
}

void LineMaster::queue(Box& box) {
    if (box.queued) return;
    box.queued = true;
    urgent_.push_back(static_cast<std::size_t>(&box - boxes_.data()));
}

void LineMaster::drive(Box& box, std::uint8_t household, Instant now) {
    box.disagree.set(household);
    if (box.fresh)
        box.command_at = std::min(box.command_at, now);
    else if (!box.open && box.key_refusals < kKeyRefusalsMax)
        box.command_at = std::min(box.command_at, std::max(now, box.pause_until));
    queue(box);
}

Instant LineMaster::next_due() const {
    Instant due = std::min(audit_at_, reader_due());
    for (const std::size_t index : urgent_) {
        const Box& box = boxes_[index];
        if (box.contact != Contact::kSilent || box.fresh) due = std::min(due, box.command_at);
    }
    for (const Box& box : boxes_) {
        if (box.contact == Contact::kSilent) {
            due = std::min(due, box.back_off_until);
            continue;
        }
        due = std::min({due, box.sweep_after, box.look_at});
        if (box.contact != Contact::kAnswering) continue;
        due = std::min(due, box.status_at);
        due = std::min(due, setting_due(box));
        if (!box.freezes.empty()) due = std::min(due, box.freeze_at);
        if (box.watched_until > box.power_at) due = std::min(due, box.power_at);
    }
    return due;
}

// --- Answers

void LineMaster::on_frame(const dlt645::Frame& frame, Instant now) {
    const bool ours = exchange_.active && frame.control.is_reply() && frame.control.function() == exchange_.function &&
                      frame.address == exchange_.address;
    if (ours && frame.control.is_error()) {
        ++counters_.replies;
        fail(Failure::kErrorReply, now);
        return;
    }
    if (!ours || frame.data_id() != exchange_.id) {
        ++counters_.ignored_frames;
        exchange_.begun = false;  // ours may still come
        return;
    }
    on_reply(frame, now);
}

void LineMaster::on_reply(const dlt645::Frame& frame, Instant now) {
    if (is_of_reader(exchange_.kind)) return on_reader_reply(frame, now);
    Box& box = boxes_[exchange_.box];
    const Bytes body = frame.bytes().subspan(4);
    const auto ignore = [this] {
        ++counters_.ignored_frames;
        exchange_.begun = false;
    };
    const auto accept = [&] {
        ++counters_.replies;
        exchange_.active = false;
        ended_at_ = now;
        quiet_until_ = now + character_time(settings_.gap_characters);
        answered(box, now);
    };
    const auto take = [&](const auto& decoded, const auto& then) {
        if (!decoded) return fail(Failure::kDamaged, now);
        accept();
        then(*decoded);
    };
    switch (exchange_.kind) {
        case Kind::kBlock:
            accept();
            on_block_part(box, body, frame.control.more_follows(), now);
            return;
        case Kind::kFollowing:
            if (body.empty() || body.back() != exchange_.sequence) return ignore();
            accept();
            ++transfer_.next;
            transfer_.attempts = 0;
            on_block_part(box, body.first(body.size() - 1), frame.control.more_follows(), now);
            return;
        case Kind::kFreeze: {
            const auto head = dlt645::decode_freeze_head(body);
            if (head && head->n != box.freeze_n) return ignore();  // a late answer to an earlier question
            return take(head, [&](const dlt645::FreezeHead& begun) {
                on_freeze_begun(box, begun, body, frame.control.more_follows(), now);
            });
        }
        case Kind::kPower:
            return take(dlt645::decode_block_power(body), [&](const dlt645::BlockPower& power) {
                office_.on_power(box.setup.id, power, unix_at(exchange_.sent_at));
            });
        case Kind::kStatus:
            return take(dlt645::decode_box_status(body),
                        [&](const dlt645::BoxStatus& status) { on_status(box, status, now); });
        case Kind::kAccount:
            return take(dlt645::decode_account_status(body), [&](const dlt645::AccountStatus& status) {
                on_account(box, exchange_.household, status, now);
            });
        case Kind::kSums:
            return take(dlt645::decode_setting_sums(body), [&](const dlt645::SettingSums& sums) {
                box.quality.settings_at = unix_at(exchange_.sent_at);
                box.settings.on_sums(sums, now);
                tell_settings(box, now);
            });
        case Kind::kItem:
            return take(dlt645::decode_setting(body), [&](Bytes value) {
                box.settings.on_item(value, now);
                tell_settings(box, now);
            });
        case Kind::kLive:
            return take(dlt645::decode_live_values(body), [&](const dlt645::LiveValues& live) {
                const LiveRequest request = exchange_.live.request;
                exchange_.live = {};
                office_.on_live(request, live, unix_at(exchange_.sent_at));
            });
        case Kind::kCommand: {
            if (!box.open) return accept();
            ByteReader reader(body);
            if (reader.get_u32() != box.open->request.counter) return ignore();  // a late answer to an earlier command
            const auto answer =
                card::unseal_answer(mac_, box.setup.keys, box.setup.number, box.open->request, frame.bytes());
            if (!answer && answer.error() == card::SealError::kOther) return ignore();
            accept();
            if (answer) {
                on_answer(box, *answer, now);
            } else {
                on_key_refused(box, kForgedText, now);
            }
            return;
        }
        case Kind::kTap:
        case Kind::kCard:
        case Kind::kOutcome:
        case Kind::kWritten:
            return;  // on_reader_reply
    }
}

void LineMaster::on_block_part(Box& box, Bytes part, bool more, Instant now) {
    for (const Byte byte : part) {
        if (transfer_.data.push_back(byte)) continue;
        transfer_.active = false;  // longer than any block: not a box of ours
        transfer_.id == dlt645::kMonthlyFreeze ? miss_freezes(box, now)
                                               : void(box.sweep_after = now + kNotSupportedPause);
        return;
    }
    transfer_.active = more;
    if (!more) transfer_.id == dlt645::kMonthlyFreeze ? on_freeze_complete(box, now) : on_block_complete(box, now);
}

// What is wanted and was not found is not there, or not yet.
void LineMaster::miss_freezes(Box& box, Instant now) {
    box.freeze_n = 1;
    box.freeze_crc.reset();
    box.freeze_back_off = std::clamp(box.freeze_back_off * 2, kFreezeBackOffMin, kFreezeBackOffMax);
    box.freeze_at = now + box.freeze_back_off;
}

void LineMaster::on_freeze_begun(Box& box, const dlt645::FreezeHead& head, Bytes part, bool more, Instant now) {
    if (box.freezes.empty()) return;  // nobody wants it any more
    if (std::binary_search(box.freezes.begin(), box.freezes.end(), head.due))
        return on_block_part(box, part, more, now);
    box.freeze_crc.reset();
    if (head.due < box.freezes.front() || box.freeze_n >= dlt645::kMonthlyFreezesMax) return miss_freezes(box, now);
    ++box.freeze_n;
    box.freeze_at = now;
}

void LineMaster::on_freeze_complete(Box& box, Instant now) {
    const Bytes data{transfer_.data.data(), transfer_.data.size()};
    const auto block = dlt645::decode_freeze_block(data);
    const auto wanted = block ? std::find(box.freezes.begin(), box.freezes.end(), block->head.due) : box.freezes.end();
    box.freeze_at = now;
    if (wanted == box.freezes.end()) {
        note(box, kDamagedText, now);
        box.freeze_crc.reset();
        box.freeze_at = now + kFreezeRetry;
        return;
    }
    // Eight bits of check sum are not enough for what is kept for ever.
    const std::uint32_t crc = crc32(data);
    if (box.freeze_crc != crc) {
        box.freeze_crc = crc;
        return;
    }
    box.freezes.erase(wanted);
    box.freeze_crc.reset();
    box.freeze_back_off = {};
    const bool last = box.freezes.empty() || box.freeze_n >= dlt645::kMonthlyFreezesMax;
    std::vector<FrozenReading> households;
    for (std::uint8_t h = 1; h <= block->head.household_count; ++h)
        households.push_back(
            {box.tenants[h].bound ? box.tenants[h].desired.household : HouseholdId{}, h, block->households[h]});
    last ? void(box.freeze_n = 1) : void(++box.freeze_n);
    office_.on_freeze({box.setup.id, block->head.due, block->head.made, households});
}

void LineMaster::on_block_complete(Box& box, Instant now) {
    const auto block = dlt645::decode_household_block({transfer_.data.data(), transfer_.data.size()});
    if (!block) {
        box.look_at = now + seconds(1);
        return;
    }
    box.version = block->version;
    box.quality.block_at = unix_at(transfer_.asked_at);
    sweep_last_ = now;
    readings_.clear();
    for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h) {
        if (!block->present.test(h)) continue;
        on_record(box, h, block->records[h], transfer_.asked_at, now);
        readings_.push_back(
            {box.tenants[h].bound ? box.tenants[h].desired.household : HouseholdId{}, h, block->records[h]});
    }
    const bool waiting =
        std::any_of(box.tenants.begin(), box.tenants.end(), [](const Tenant& t) { return t.awaits_light; });
    if (waiting && box.looks_left > 0) {
        --box.looks_left;
        box.look_at = now + box.look_delay;
        box.look_delay = box.look_delay * 2;
    } else if (waiting) {
        for (Tenant& tenant : box.tenants)
            tenant.awaits_light = false;
    }
    office_.on_block({box.setup.id, unix_at(transfer_.asked_at), unix_at(now), block->flags, block->household_count,
                      readings_, readings_.size() >= block->household_count});
}

// A memory that is gone took the settings along, and nothing else would say so for hours.
void LineMaster::doubt_memory(Box& box, Tenant& tenant, Instant now) {
    if (!tenant.doubted) box.settings.compare_soon(now);
    tenant.doubted = true;
}

void LineMaster::on_record(Box& box, std::uint8_t household, const dlt645::HouseholdRecord& record, Instant asked_at,
                           Instant now) {
    Tenant& tenant = box.tenants[household];
    if (!tenant.bound) return;
    if (asked_at < tenant.changed_at) {  // read before what the box has confirmed since
        tenant.seen = false;
        return;
    }
    if (record.state.has(StateBit::kRelayClosed)) tenant.awaits_light = false;
    const bool opened = !record.state.holds().has(Hold::kNotOpened);
    if (!opened && tenant.epoch > 0) doubt_memory(box, tenant, now);
    if (opened != (tenant.epoch > 0)) read_account(box, household, now);
    if (tenant.desired.remote_version.desired != 0 &&
        record.state.holds().has(Hold::kRemote) != tenant.desired.remote_off) {
        tenant.remote_differs = true;
        drive(box, household, now);
    }
    // In an energy account remaining falls by what the forward total grows, unless a ticket came or memory was lost.
    const std::int64_t grown =
        (std::int64_t{record.forward_hundredths} - tenant.forward + kForwardModulus) % kForwardModulus;
    const std::int64_t balance = record.remaining_hundredths + grown;
    if (tenant.seen && !record.state.has(StateBit::kMoneyAccount) &&
        (balance > tenant.balance + kBalanceSlack || balance < tenant.balance - kBalanceSlack))
        read_account(box, household, now);
    tenant.seen = true;
    tenant.forward = record.forward_hundredths;
    tenant.balance = record.remaining_hundredths;
}

void LineMaster::read_account(Box& box, std::uint8_t household, Instant now) {
    if (now >= box.tenants[household].account_after) box.accounts_due.set(household);
}

// One damaged answer may pass the check sum of the line. What goes on from what was believed before needs no second
// look: an energy account then has been charged for what went through, so no single figure of it is damaged.
bool LineMaster::believe(Tenant& tenant, const dlt645::AccountStatus& status, Instant now) {
    bool believed = false;
    if (tenant.account) {
        const auto grown = growth(*tenant.account, status, now - tenant.account_at);
        believed = grown && !status.state.has(StateBit::kMoneyAccount) &&
                   grown->used + kUsedSlack >= credit_for(grown->forward);
    }
    if (!believed && tenant.surprise) believed = growth(*tenant.surprise, status, now - tenant.surprise_at).has_value();
    if (believed) {
        tenant.account = status;
        tenant.surprise.reset();
    } else {
        tenant.surprise = status;
        tenant.surprise_at = now;
    }
    return believed;
}

void LineMaster::on_account(Box& box, std::uint8_t household, const dlt645::AccountStatus& status, Instant now) {
    Tenant& tenant = box.tenants[household];
    if (!tenant.bound) return;
    // For this one read is enough: no damage makes a number and a total that are known.
    const DesiredState& known = tenant.desired;
    tenant.proved =
        tenant.proved || (status.epoch == tenant.epoch && status.ticket_number == tenant.number &&
                          status.epoch == known.confirmed_epoch && status.ticket_number == known.confirmed_number &&
                          status.credited_hundredths == in_hundredths(known.confirmed_credited, Round::kDown));
    if (!believe(tenant, status, now)) {
        // Once more at once: for a ticket that waits for it before everything else, otherwise as the next of its kind.
        box.accounts_due.set(household);
        extra_cursor_ = (exchange_.box + boxes_.size() - 1) % boxes_.size();
        if (tenant.account_asked != exchange_.sent_at) return;
        tenant.account_asked = now - kJudgePatience;
        box.command_at = std::min(box.command_at, std::max(now, box.pause_until));
        return drive(box, household, now);
    }
    tenant.account_at = now;
    tenant.account_unix = unix_at(exchange_.sent_at);
    // What is read is not authenticated: it can make us send a ticket again, it confirms none.
    const server::TicketTotal& newest = tenant.desired.ticket;
    const bool ahead = newer(status.epoch, status.ticket_number, newest.epoch, newest.number);
    tenant.doubted = tenant.doubted || ahead || status.epoch < tenant.epoch;
    if (ahead || newer(tenant.epoch, tenant.number, status.epoch, status.ticket_number)) {
        tenant.epoch = status.epoch;
        tenant.number = status.ticket_number;
    }
    if (tenant.desired.alarms_version.desired != 0) {
        const auto differs = [](Energy wanted_level, std::uint32_t level) {
            return in_hundredths(wanted_level, Round::kDown) != level;
        };
        const server::AlarmLevels& alarms = tenant.desired.alarms;
        tenant.alarms_differ = differs(alarms.low, status.low_alarm_hundredths) ||
                               differs(alarms.cutoff, status.cutoff_alarm_hundredths) ||
                               differs(alarms.overdraft, status.overdraft_hundredths);
    }
    drive(box, household, now);
    office_.on_account(tenant.desired.household, status, tenant.account_unix);
}

void LineMaster::on_status(Box& box, const dlt645::BoxStatus& status, Instant now) {
    if (clock_known_) {
        const std::int64_t error = std::int64_t{status.clock} - civil_at(now);
        const std::int64_t error_max = settings_.clock_error_max.count() / 1'000'000;
        box.clock_wrong = status.clock == 0 || error > error_max || error < -error_max;
        if (box.clock_wrong) queue(box);
    }
    box.quality.status_at = unix_at(now);
    office_.on_status(box.setup.id, status, unix_at(now));
}

void LineMaster::on_answer(Box& box, const card::Answer& answer, Instant now) {
    Open& open = *box.open;
    box.key_refusals = 0;
    if (answer.result == card::Result::kOldCounter) {
        box.counter_above = std::max(answer.last_counter, open.request.counter);
        if (box.counter_next <= box.counter_above) box.counter_next = box.counter_end = 0;
        box.counters_asked_until = now;
        if (++box.counter_raises > kCounterRaisesMax) {
            note(box, kCounterText, now);
            refuse(box, kCounterText, false, now);
            box.command_at = box.pause_until = now + kNoEffectPause;
        }
        box.open.reset();
        return;
    }
    box.counter_raises = 0;
    const bool visible = std::holds_alternative<card::Ticket>(open.request.command) ||
                         std::holds_alternative<card::RemoteHold>(open.request.command);
    const bool doubtful = answer.repeated && !box.counter_proved && !visible;
    box.counter_proved = true;
    if (doubtful) {
        // The number was used before we began, perhaps by another command. The next one is new to the box.
        box.open.reset();
        return;
    }
    if (open.setting) {
        box.open.reset();
        box.settings.on_result(answer.result, now);
        return tell_settings(box, now);
    }
    Tenant& tenant = box.tenants[open.request.household];
    switch (answer.result) {
        case card::Result::kOldCounter:
            return;
        case card::Result::kNotStored:
            refuse(box, kNotStoredText, false, now);
            box.command_at = box.pause_until = now + kNotStoredPause;
            return;
        case card::Result::kNoHousehold:
            return refuse(box, kNoHouseholdText, true, now);
        case card::Result::kBadArgument:
            return refuse(box, kArgumentText, true, now);
        case card::Result::kNotSupported:
            return refuse(box, kNotSupportedText, true, now);
        case card::Result::kDone:
            break;
    }
    if (open.ours) {
        box.clock_wrong = false;
        box.open.reset();
        return;
    }
    const card::Effect& effect = answer.effect;
    bool shown = true;
    if (const auto* ticket = std::get_if<card::Ticket>(&open.request.command))
        shown = !newer(ticket->epoch, ticket->number, effect.epoch, effect.ticket_number);
    if (const auto* hold = std::get_if<card::RemoteHold>(&open.request.command))
        shown = effect.state.holds().has(Hold::kRemote) == hold->off;
    const bool new_epoch = effect.epoch != tenant.epoch;
    const server::TicketTotal& newest = tenant.desired.ticket;
    const bool ahead = newer(effect.epoch, effect.ticket_number, newest.epoch, newest.number);
    if (effect.epoch < tenant.epoch) doubt_memory(box, tenant, now);
    if (ahead) tenant.doubted = true;
    const bool told_aside = open.delivery.part != Part::kTicket && !ahead &&
                            newer(effect.epoch, effect.ticket_number, tenant.epoch, tenant.number);
    if (told_aside) {
        tenant.proved = false;
    } else {
        tenant.epoch = effect.epoch;
        tenant.number = effect.ticket_number;
    }
    if (new_epoch || told_aside || open.delivery.part == Part::kTicket) {
        tenant.account_after = now;
        read_account(box, open.request.household, now);
    }
    // It will be read back with what the box has just proved.
    if (const auto* ticket = std::get_if<card::Ticket>(&open.request.command);
        ticket && ticket->epoch == effect.epoch && ticket->number == effect.ticket_number) {
        for (auto* const before : {&tenant.account, &tenant.surprise}) {
            if (!*before || (*before)->epoch != effect.epoch) continue;
            (*before)->ticket_number = ticket->number;
            (*before)->credited_hundredths = ticket->credited_hundredths;
        }
    }
    if (!shown) {
        refuse(box, kNoEffectText, false, now);
        box.open.reset();
        box.command_at = box.pause_until = now + kNoEffectPause;
        return;
    }
    if (open.delivery.part != Part::kTicket) {
        std::uint32_t& reached = tenant.reached[at(open.delivery.part)];
        reached = std::max(reached, open.delivery.version);
    }
    if (open.delivery.part == Part::kRemoteHold) tenant.remote_differs = false;
    if (open.delivery.part == Part::kAlarms) tenant.alarms_differ = false;
    tenant.changed_at = now;
    tenant.seen = false;
    box.problem = {};
    const Delivery delivery = open.delivery;
    box.open.reset();
    tenant.awaits_light = effect.state.holds().empty() && !effect.state.has(StateBit::kRelayClosed);
    look_soon(box, tenant.awaits_light ? kLooksForLight : 0, now);
    office_.on_confirmed(delivery, effect, unix_at(now));
}

void LineMaster::look_soon(Box& box, int looks, Instant now) {
    box.look_delay = kLookDelay;
    box.looks_left = std::max(box.looks_left, looks);
    box.look_at = now + kLookDelay;
}

void LineMaster::on_key_refused(Box& box, std::string_view problem, Instant now) {
    ++box.key_refusals;
    if (box.key_refusals < kKeyRefusalsMax) {
        box.command_at = now + milliseconds(100) * box.key_refusals;
        return;
    }
    box.command_at = now + settings_.key_retry_interval;
    note(box, problem, now);
    if (box.open && box.open->setting) return drop_setting(box, now);
    refuse(box, problem, box.open && !box.open->ours && box.open->delivery.part != Part::kTicket, now);
}

void LineMaster::refuse(Box& box, std::string_view problem, bool for_good, Instant now) {
    if (!box.open) return;
    if (box.open->ours) {
        if (for_good) {
            box.clock_wrong = false;
            box.open.reset();
        }
        return;
    }
    const Delivery delivery = box.open->delivery;
    if (for_good) {
        Tenant& tenant = box.tenants[box.open->request.household];
        tenant.given_up[at(delivery.part)] = delivery.version;
        if (delivery.part == Part::kTicket) tenant.given_up_epoch = delivery.epoch;
        box.open.reset();
    }
    note(box, problem, now);
    if (!for_good && box.problem == problem) return;
    box.problem = problem;
    office_.on_refused(delivery, problem, for_good, unix_at(now));
}

void LineMaster::answered(Box& box, Instant now) {
    box.failures = 0;
    box.back_off = {};
    ++box.quality.answered;
    box.quality.answered_at = unix_at(now);
    if (box.contact == Contact::kAnswering) return;
    if (box.contact == Contact::kSilent) box.settings.compare_soon(now);
    if (box.contact == Contact::kSilent) {
        box.freeze_at = now;
        box.freeze_back_off = {};
    }
    if (box.contact == Contact::kSilent) box.status_at = std::min(box.status_at, now);
    box.contact = Contact::kAnswering;
    if (box.key_refusals < kKeyRefusalsMax) box.command_at = std::min(box.command_at, now);
    if (box.open || box.disagree.any() || box.clock_wrong) queue(box);
    office_.on_answering(box.setup.id, true, unix_at(now));
}

void LineMaster::not_answered(Box& box, Instant now) {
    ++counters_.timeouts;
    ++box.failures;
    note(box, kNoAnswerText, now);
    const int patience = box.contact == Contact::kUnknown ? std::min(2, settings_.attempts) : settings_.attempts;
    if (box.contact == Contact::kSilent) probe_after_ = now + (now - exchange_.sent_at) * kProbeShare;
    if (box.failures < patience) return;
    box.back_off =
        box.back_off == Duration{} ? settings_.back_off_min : std::min(box.back_off * 2, settings_.back_off_max);
    box.back_off_until = now + box.back_off;
    if (box.contact == Contact::kSilent) return;
    box.contact = Contact::kSilent;
    box.look_at = kNever;
    office_.on_answering(box.setup.id, false, unix_at(now));
}

void LineMaster::fail(Failure failure, Instant now) {
    exchange_.active = false;
    ended_at_ = now;
    quiet_until_ = now + character_time(settings_.gap_characters);
    if (is_of_reader(exchange_.kind)) return on_reader_fail(failure, now);
    Box& box = boxes_[exchange_.box];
    const bool refused = failure == Failure::kErrorReply;
    if (failure == Failure::kTimeout)
        not_answered(box, now);
    else
        answered(box, now);
    const bool silent = box.contact == Contact::kSilent;
    if (failure == Failure::kDamaged) note(box, kDamagedText, now);
    switch (exchange_.kind) {
        case Kind::kBlock:
            transfer_.active = false;
            if (refused)
                box.sweep_after = now + kNotSupportedPause;
            else if (!silent)
                box.look_at = box.contact == Contact::kUnknown ? kNever : now;
            if (!refused && box.contact == Contact::kUnknown) box.sweep_after = now;
            return;
        case Kind::kFollowing:
            if (!refused && !silent && ++transfer_.attempts < settings_.attempts) {
                ++counters_.retries;
                ++box.quality.retries;
                return;
            }
            transfer_.active = false;
            if (transfer_.id == dlt645::kMonthlyFreeze)
                box.freeze_at = now + kFreezeRetry;
            else if (!silent)
                box.look_at = now + kLookDelay;  // from the beginning: the box has dropped it
            return;
        case Kind::kFreeze:
            transfer_.active = false;
            if (refused)
                miss_freezes(box, now);
            else
                box.freeze_at = now + kFreezeRetry;
            return;
        case Kind::kPower:
            if (refused) box.power_at = now + kNotSupportedPause;
            return;
        case Kind::kStatus:
            if (!refused) box.status_at = now + seconds(5);
            return;
        case Kind::kAccount:
            if (const Tenant& tenant = box.tenants[exchange_.household];
                tenant.bound && silent && tenant.account_asked == exchange_.sent_at && box.problem != kNoAnswerText) {
                box.problem = kNoAnswerText;
                office_.on_refused({tenant.desired.household, Part::kTicket, tenant.desired.ticket.epoch,
                                    tenant.desired.ticket.number},
                                   kNoAnswerText, false, unix_at(now));
            }
            if (!refused && box.tenants[exchange_.household].bound) box.accounts_due.set(exchange_.household);
            return;
        case Kind::kLive: {
            const Live live = exchange_.live;
            exchange_.live = {};
            if (!refused && !silent && live.attempts < settings_.attempts) {
                ++counters_.retries;
                ++box.quality.retries;
                lives_.push_front(live);
                return;
            }
            office_.on_live(live.request, std::unexpected(refused ? ReadError::kNotSupported : ReadError::kNoAnswer),
                            unix_at(now));
            return;
        }
        case Kind::kSums:
        case Kind::kItem:
            refused ? box.settings.on_read_refused(now) : box.settings.on_no_answer(now);
            return tell_settings(box, now);
        case Kind::kCommand:
            if (refused) {
                on_key_refused(box, kKeyText, now);
            } else if (box.open && box.open->setting) {
                if (silent || box.open->sent % settings_.attempts == 0)
                    drop_setting(box, now);
                else
                    box.command_at = now;
            } else if (box.open && (silent || box.open->sent % settings_.attempts == 0)) {
                box.command_at = now + std::max(box.back_off, settings_.back_off_min);
                refuse(box, kNoAnswerText, false, now);
            } else {
                box.command_at = now;
            }
            return;
        case Kind::kTap:
        case Kind::kCard:
        case Kind::kOutcome:
        case Kind::kWritten:
            return;  // on_reader_fail
    }
}

}  // namespace prewatt::collect

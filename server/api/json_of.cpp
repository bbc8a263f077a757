#include "server/api/json_of.hpp"

#include <map>

namespace prewatt::server::api {
namespace {

using nlohmann::json;

json at(const std::optional<UnixTime>& time) {
    return time ? json(time->ms) : json(nullptr);
}
std::int64_t ckwh(Energy energy) {
    return in_hundredths(energy, Round::kDown);
}
// Of the account's unit: ckwh in an energy account, fen in one of money.
std::int64_t ckwh(Credit credit) {
    return in_hundredths(credit, Round::kDown);
}
std::int64_t tenths(std::int64_t micro) {
    return divide(micro, 100'000, Round::kNearest);
}
json power_dw(const std::optional<ActivePower>& power) {
    return power ? json(tenths(power->count())) : json(nullptr);
}

}  // namespace

std::string_view word(Hold hold) {
    switch (hold) {
        case Hold::kNoCredit:
            return "no_credit";
        case Hold::kCutoffAlarm:
            return "cutoff_alarm";
        case Hold::kMalignant:
            return "malignant";
        case Hold::kOverload:
            return "overload";
        case Hold::kLockedOut:
            return "locked_out";
        case Hold::kSchedule:
            return "schedule";
        case Hold::kRemote:
            return "remote";
        case Hold::kNotOpened:
            return "not_opened";
        case Hold::kSupply:
            break;
    }
    return "supply";
}

json holds_of(HoldSet holds) {
    json list = json::array();
    for (int bit = 0; bit < kHoldCount; ++bit)
        if (holds.has(static_cast<Hold>(bit))) list.push_back(word(static_cast<Hold>(bit)));
    return list;
}

json json_of(const HouseholdRecord& h) {
    const DesiredState& d = h.desired;
    json pending = json::array();
    if (d.ticket_open()) pending.push_back(word(Part::kTicket));
    if (d.remote_version.open()) pending.push_back(word(Part::kRemoteHold));
    if (d.force_version.open()) pending.push_back(word(Part::kForce));
    if (d.acknowledge_version.open()) pending.push_back(word(Part::kAcknowledge));
    if (d.alarms_version.open()) pending.push_back(word(Part::kAlarms));
    const bool known = h.read_at.has_value();
    return {{"id", h.id.value},
            {"room", h.room},
            {"building", h.building},
            {"floor", h.floor},
            {"resident", h.resident},
            {"box_number", h.box_number ? json(box_digits(h.box_number)) : json(nullptr)},
            {"household_number", d.number},
            {"closed", h.closed},
            {"epoch", d.ticket.epoch},
            {"state_bits", known ? json(h.state.bits) : json(nullptr)},
            {"holds", known ? holds_of(h.state.holds()) : json::array()},
            {"relay_closed", known ? json(h.state.has(StateBit::kRelayClosed)) : json(nullptr)},
            {"remaining_ckwh", known ? json(ckwh(h.remaining)) : json(nullptr)},
            {"forward_ckwh", known ? json(ckwh(h.forward)) : json(nullptr)},
            {"power_dw", power_dw(h.power)},
            {"read_at", at(h.read_at)},
            {"credited_ckwh", ckwh(d.ticket.credited)},
            {"ticket_number", d.ticket.number},
            {"confirmed_ticket_number", d.confirmed_epoch == d.ticket.epoch ? d.confirmed_number : 0},
            {"alarms",
             {{"low_ckwh", ckwh(d.alarms.low)},
              {"cutoff_ckwh", ckwh(d.alarms.cutoff)},
              {"overdraft_ckwh", ckwh(d.alarms.overdraft)}}},
            {"price_e4", h.price.count()},
            {"pending", std::move(pending)},
            {"by_card", h.by_card},
            {"answering", h.box_answering}};
}

json json_of(const SaleRecord& s) {
    json steps = json::array();
    const auto step = [&steps](const char* name, UnixTime time) { steps.push_back({{"step", name}, {"at", time.ms}}); };
    step("accepted", s.accepted_at);
    step("booked", s.booked_at);
    step("desired", s.desired_at);
    if (s.sent_at) step("sent", *s.sent_at);
    if (s.card_at) step("card", *s.card_at);
    if (s.confirmed_at) step("confirmed", *s.confirmed_at);
    if (s.lit_at) step("lit", *s.lit_at);
    return {{"id", s.id.value},
            {"receipt", s.receipt},
            {"order_id", s.order_id},
            {"household_id", s.household.value},
            {"room", s.room},
            {"amount_fen", s.amount.count()},
            {"energy_ckwh", ckwh(s.energy)},
            {"unit", s.ticket.unit == AccountUnit::kEnergy ? "ckwh" : "fen"},
            {"given", in_hundredths(s.given, Round::kDown)},
            {"fee_fen", s.fee.count()},
            {"price_e4", s.price.count()},
            {"channel", word(s.channel)},
            {"payer_id", s.payer ? json(s.payer.value) : json(nullptr)},
            {"drawer_id", s.drawer ? json(s.drawer.value) : json(nullptr)},
            {"corrected", s.corrected},
            {"operator", s.operator_name},
            {"epoch", s.ticket.epoch},
            {"ticket_number", s.ticket.number},
            {"credited_ckwh", ckwh(s.ticket.credited)},
            {"state", s.confirmed_at ? "confirmed" : "pending"},
            {"steps", std::move(steps)},
            {"attempts", s.attempts},
            {"last_problem", s.last_problem}};
}

json json_of(const LedgerEntry& e) {
    return {{"number", e.number},
            {"at", e.at.ms},
            {"sale_id", e.sale ? json(e.sale.value) : json(nullptr)},
            {"epoch", e.epoch},
            {"from", word(e.from)},
            {"to", word(e.to)},
            {"unit", e.unit == LedgerUnit::kFen          ? "fen"
                     : e.unit == LedgerUnit::kHundredths ? "ckwh"
                                                         : "credit_fen"},
            {"amount", e.amount},
            {"paid_total_fen", e.paid_total.count()},
            {"credited_total_ckwh", ckwh(e.credited_total)}};
}

json json_of(const Reading& r) {
    return {{"at", r.at.ms},
            {"forward_ckwh", ckwh(r.forward)},
            {"remaining_ckwh", ckwh(r.remaining)},
            {"state", r.state.bits}};
}

json json_of(const JobRecord& j) {
    return {{"id", j.id.value},       {"household_id", j.household.value}, {"kind", j.kind},
            {"state", word(j.state)}, {"created_at", j.created_at.ms},     {"confirmed_at", at(j.confirmed_at)},
            {"attempts", j.attempts}, {"last_problem", j.last_problem},    {"operator", j.operator_name},
            {"reason", j.reason}};
}

json json_of(const BoxRecord& b) {
    return {{"id", b.id.value},
            {"number", box_digits(b.number)},
            {"line_id", b.line.value},
            {"wiring", word(b.wiring)},
            {"households", households_of(b.wiring)},
            {"answering", b.answering},
            {"last_seen_at", at(b.last_seen_at)},
            {"values_at", at(b.values_at)}};
}

json json_of(const LineStatus& l) {
    json silent = json::array();
    for (std::uint64_t number : l.silent_boxes)
        silent.push_back(box_digits(number));
    const auto time = [](UnixTime at) { return at == UnixTime{} ? json(nullptr) : json(at.ms); };
    json readers = json::array();
    for (const CardReaderQuality& reader : l.readers)
        readers.push_back({{"number", reader.number},
                           {"state", reader.state},
                           {"polls", reader.polls},
                           {"answered", reader.answered},
                           {"taps", reader.taps},
                           {"booked", reader.booked},
                           {"heard_at", time(reader.heard_at)},
                           {"tapped_at", time(reader.tapped_at)}});
    return {{"id", l.id.value},
            {"name", l.name},
            {"url", l.url},
            {"state", l.state},
            {"problem", l.problem},
            {"sweep_ms", l.sweep_ms},
            {"sweeps", l.sweeps},
            {"frames_sent", l.frames_sent},
            {"frames_received", l.frames_received},
            {"retries", l.retries},
            {"bad_frames", l.bad_frames},
            {"silent_boxes", std::move(silent)},
            {"readers", std::move(readers)}};
}

json quality_of(const LineStatus& l) {
    const auto time = [](UnixTime at) { return at == UnixTime{} ? json(nullptr) : json(at.ms); };
    json quality = json::array();
    for (const BoxQuality& box : l.quality)
        quality.push_back({{"box", box_digits(box.number)},
                           {"answering", box.answering},
                           {"asked", box.asked},
                           {"answered", box.answered},
                           {"retries", box.retries},
                           {"last_problem", box.last_problem},
                           {"last_problem_at", time(box.last_problem_at)},
                           {"answered_at", time(box.answered_at)},
                           {"block_at", time(box.block_at)},
                           {"status_at", time(box.status_at)},
                           {"settings_at", time(box.settings_at)},
                           {"accounts_at", time(box.accounts_at)},
                           {"settings_settled", box.settings_settled}});
    return {{"boxes", std::move(quality)}};
}

json json_of(const LiveValues& live) {
    json circuits = json::array();
    for (const LiveCircuit& c : live.circuits)
        circuits.push_back({{"current_ma", divide(c.current.count(), 1000, Round::kNearest)},
                            {"active_dw", tenths(c.active.count())},
                            {"reactive_dvar", tenths(c.reactive.count())},
                            {"apparent_dva", tenths(c.apparent.count())},
                            {"power_factor_e3", c.power_factor.count()},
                            {"relay_closed", c.relay_closed}});
    return {{"read_at", live.read_at.ms},
            {"voltage_mv", live.voltage.count()},
            {"frequency_mhz", live.frequency.count()},
            {"circuits", std::move(circuits)}};
}

json json_of(const UserRecord& u) {
    return {{"id", u.id.value}, {"user", u.user}, {"name", u.name}, {"role", word(u.role)}, {"disabled", u.disabled}};
}

json json_of(const TicketQuestion& q) {
    return {{"household_id", q.household.value},
            {"situation", word(q.situation)},
            {"asked_at", q.asked_at.ms},
            {"unit", q.office.unit == AccountUnit::kEnergy ? "ckwh" : "fen"},
            {"meter",
             {{"epoch", q.shown.epoch},
              {"ticket_number", q.shown.ticket_number},
              {"credited", q.shown.credited ? json(in_hundredths(*q.shown.credited, Round::kDown)) : json(nullptr)},
              {"remaining", in_hundredths(q.shown.remaining, Round::kDown)}}},
            {"office",
             {{"epoch", q.office.epoch},
              {"ticket_number", q.office.number},
              {"credited", in_hundredths(q.office.credited, Round::kDown)},
              {"used_known", in_hundredths(q.used_known, Round::kDown)},
              {"known_at", q.known_at == UnixTime{} ? json(nullptr) : json(q.known_at.ms)}}},
            {"figures", figures(q)},
            {"explanation", explain(q)},
            {"take_meters", proposal(q, TicketAnswer::kTakeMeters)},
            {"take_offices", proposal(q, TicketAnswer::kTakeOffices)}};
}

json causes_of(const std::vector<Cause>& causes) {
    json list = json::array();
    for (const Cause& cause : causes)
        list.push_back({{"text", cause.text}, {"members", cause.members}});
    return list;
}
json json_of(const CampaignRecord& c) {
    const auto time = [](std::optional<UnixTime> at) { return at ? json(at->ms) : json(nullptr); };
    const CampaignProgress& p = c.progress;
    return {{"id", c.id.value},
            {"order_id", c.order.order_id},
            {"selection", text_of(c.order.selection)},
            {"wish", text_of(c.order.wish)},
            {"state", word(c.state)},
            {"parent_id", c.parent ? json(c.parent.value) : json(nullptr)},
            {"start_at", c.order.schedule.start_at.ms},
            {"daily", c.order.schedule.daily},
            {"from_minute", c.order.schedule.from_minute},
            {"to_minute", c.order.schedule.to_minute},
            {"created_at", c.created_at.ms},
            {"started_at", time(c.started_at)},
            {"ended_at", time(c.ended_at)},
            {"operator", c.operator_name},
            {"approved_by", c.order.approved_by},
            {"problem", c.problem},
            {"reason", c.order.reason},
            {"all_reached", c.expanded},
            {"members", p.members},
            {"confirmed", p.confirmed},
            {"already", p.already},
            {"waiting", p.waiting},
            {"failed", p.failed},
            {"cannot", p.cannot},
            {"causes", causes_of(p.causes)}};
}
json json_of(const CampaignPreview& p) {
    json lines = json::array();
    for (const PreviewLine& line : p.lines)
        lines.push_back({{"member", line.member},
                         {"room", line.room},
                         {"from", line.from},
                         {"to", line.to},
                         {"cannot", line.cannot}});
    return {{"members", p.members},          {"already", p.already},     {"cannot", p.cannot},
            {"households", p.households},    {"needs_two", p.needs_two}, {"changes", causes_of(p.changes)},
            {"causes", causes_of(p.causes)}, {"lines", std::move(lines)}};
}
json json_of(const SettingState& s) {
    return {{"of_box", !s.wish.household},
            {"setting", s.wish.name.id},
            {"index", s.wish.name.index},
            {"bytes", hex_of(s.wish.bytes)},
            {"version", s.wish.version.desired},
            {"reached", !s.wish.version.open() && !s.wish.given_up},
            {"refused", s.wish.given_up},
            {"desired_at", s.desired_at.ms},
            {"reached_at", s.reached_at ? json(s.reached_at->ms) : json(nullptr)},
            {"last_problem", s.last_problem}};
}

json json_of(const SiteRecord& site, const std::vector<LineStatus>& statuses) {
    std::map<std::int64_t, json> rooms;
    for (const RoomRecord& room : site.rooms) {
        json& list = rooms.try_emplace(room.building.value, json::array()).first->second;
        list.push_back({{"id", room.id.value},
                        {"label", room.label},
                        {"floor", room.floor},
                        {"household_id", room.household ? json(room.household.value) : json(nullptr)}});
    }
    json buildings = json::array();
    for (const BuildingRecord& building : site.buildings) {
        const auto found = rooms.find(building.id.value);
        buildings.push_back({{"id", building.id.value},
                             {"name", building.name},
                             {"rooms", found == rooms.end() ? json::array() : std::move(found->second)}});
    }
    json lines = json::array();
    for (const LineStatus& status : statuses)
        lines.push_back(json_of(status));
    json boxes = json::array();
    for (const BoxRecord& box : site.boxes)
        boxes.push_back(json_of(box));
    return {{"site", {{"id", site.id}, {"name", site.name}}},
            {"buildings", std::move(buildings)},
            {"lines", std::move(lines)},
            {"boxes", std::move(boxes)},
            {"price", {{"price_e4", site.price.count()}}}};
}

json wall_of(const BoxRecord& box, const std::vector<HouseholdRecord>& households) {
    json windows = json::array();
    for (int number = 1; number <= households_of(box.wiring); ++number) {
        const HouseholdRecord* bound = nullptr;
        for (const HouseholdRecord& h : households)
            if (h.desired.number == number) bound = &h;
        json window{{"household", number},       {"household_id", nullptr}, {"room", nullptr},
                    {"remaining_ckwh", nullptr}, {"forward_ckwh", nullptr}, {"state", nullptr},
                    {"holds", json::array()},    {"relay_closed", nullptr}, {"power_dw", nullptr},
                    {"read_at", nullptr}};
        if (bound) {
            window["household_id"] = bound->id.value;
            window["room"] = bound->room;
            window["power_dw"] = power_dw(bound->power);
            window["read_at"] = at(bound->read_at);
            if (bound->read_at) {
                window["remaining_ckwh"] = ckwh(bound->remaining);
                window["forward_ckwh"] = ckwh(bound->forward);
                window["state"] = bound->state.bits;
                window["holds"] = holds_of(bound->state.holds());
                window["relay_closed"] = bound->state.has(StateBit::kRelayClosed);
            }
        }
        windows.push_back(std::move(window));
    }
    const auto phase = [&box](int bit) { return (box.flags >> bit & 1) != 0; };
    return {{"box",
             {{"number", box_digits(box.number)},
              {"wiring", word(box.wiring)},
              {"answering", box.answering},
              {"last_seen_at", at(box.last_seen_at)},
              {"phases", {phase(0), phase(1), phase(2)}},
              {"clock_at", at(box.clock_at)}}},
            {"windows", std::move(windows)}};
}

}  // namespace prewatt::server::api

#include "tests/powerloss/rig.hpp"

#include <algorithm>
#include <sstream>

#include "base/crc.hpp"

namespace prewatt::powerloss {
namespace {

using meter::Books;
using meter::HouseholdBook;

meter::NodeConfig config_for(meter::Wiring wiring) {
    meter::NodeConfig config;
    config.box = dlt645::BoxNumber{2026000001};
    config.wiring = wiring;
    return config;
}

// The books of a household without what flows: energies and what is used of the present account.
HouseholdBook without_flow(HouseholdBook book) {
    book.forward = book.reverse = Energy{};
    book.account.used = Credit{};
    book.mark = {};
    return book;
}

}  // namespace

std::string to_text(const Step& step) {
    std::ostringstream text;
    if (const auto* request = std::get_if<card::Request>(&step)) {
        static constexpr const char* kNames[] = {"ticket", "remote hold", "force power",    "acknowledge",
                                                 "alarms", "clock",       "constant",       "stage",
                                                 "commit", "clear",       "reset lock-out", "learn"};
        text << kNames[request->command.index()] << " household " << int{request->household} << " counter "
             << request->counter;
        if (const auto* ticket = std::get_if<card::Ticket>(&request->command))
            text << " epoch " << ticket->epoch << " number " << ticket->number << " total "
                 << ticket->credited_hundredths;
    } else if (const auto* flow = std::get_if<Flow>(&step)) {
        text << "flow " << flow->forward.count() << "/" << flow->reverse.count() << " J x " << flow->windows
             << ", households " << flow->from << ".." << flow->to;
    } else if (const auto* setting = std::get_if<SetSetting>(&step)) {
        text << "setting " << static_cast<int>(setting->key.id) << " household " << int{setting->key.household}
             << " counters from " << setting->counter;
    } else if (const auto* overload = std::get_if<Overload>(&step)) {
        text << "overload, household " << overload->household;
    } else if (const auto* heater = std::get_if<Heater>(&step)) {
        text << "heater, household " << heater->household;
    } else {
        text << (std::holds_alternative<Fail>(step) ? "announced loss of supply" : "loss of supply");
    }
    return text.str();
}

Rig::Rig(meter::Wiring wiring, std::uint32_t storage_bytes) : config_(config_for(wiring)), storage_(storage_bytes) {}
Rig::Rig(meter::Wiring wiring, const std::vector<Byte>& image)
    : config_(config_for(wiring)), storage_(static_cast<std::uint32_t>(image.size())) {
    storage_.bytes() = image;
}

bool Rig::start_box() {
    box_.emplace(config_, storage_, relays_, clock_);
    now_ = now_ + seconds(10);
    const meter::StartResult result = box_->start(now_);
    box_->on_metering_session(window_.session, now_);
    return result == meter::StartResult::kFresh || result == meter::StartResult::kRecovered;
}

bool Rig::start() {
    // The supply went for both processors.
    window_ = {};
    window_.measurement.span = milliseconds(200);
    for (meter::PhaseMeasurement& phase : window_.measurement.phases)
        phase = {volts(220), millihertz(50'000), true};
    return start_box();
}

bool Rig::restart_management() {
    if (!start_box()) return false;
    now_ = now_ + window_.measurement.span;
    box_->on_window(window_, now_);
    return true;
}

bool Rig::run_command(const card::Request& request) {
    last_answer = box_->execute({request, true}, request.counter * 2654435761u, 0, true, now_);
    return last_answer.result == card::Result::kDone;
}

bool Rig::run(const Step& step) {
    now_ = now_ + seconds(2);
    if (const auto* request = std::get_if<card::Request>(&step)) return run_command(*request);
    if (const auto* setting = std::get_if<SetSetting>(&step)) {
        std::uint32_t counter = setting->counter;
        const Bytes bytes = setting->bytes;
        const std::uint8_t household = setting->key.household;
        for (std::size_t from = 0; from < bytes.size(); from += card::kSettingPartMax) {
            card::StageSetting part{setting->key.id, setting->key.index, static_cast<std::uint8_t>(from), {}};
            for (std::size_t k = from; k < std::min(bytes.size(), from + card::kSettingPartMax); ++k)
                part.part.push_back(bytes[k]);
            if (!run_command({7, counter++, household, part})) return false;
        }
        return run_command({7, counter, household,
                            card::CommitSetting{setting->key.id, setting->key.index,
                                                static_cast<std::uint8_t>(bytes.size()), crc32(bytes)}});
    }
    if (const auto* flow = std::get_if<Flow>(&step)) {
        windows_ = 0;
        for (int k = 0; k < flow->windows; ++k) {
            ++windows_;
            now_ = now_ + window_.measurement.span;
            if (box_->session_order().replaces == window_.session) window_.session = box_->session_order().name;
            for (int n = flow->from; n <= flow->to; ++n) {
                meter::HouseholdTotals& totals = window_.totals[static_cast<std::size_t>(n - 1)];
                totals.forward += static_cast<std::uint32_t>(flow->forward.count());
                totals.reverse += static_cast<std::uint32_t>(flow->reverse.count());
            }
            box_->on_window(window_, now_);
            if (storage_.is_cut()) return false;
        }
        return true;
    }
    if (const auto* overload = std::get_if<Overload>(&step)) {
        const Circuit circuit = circuit_of(config_.wiring, {static_cast<std::uint8_t>(overload->household)}, 0);
        box_->on_overcurrent({circuit, amperes(90)}, now_);
        return !storage_.is_cut();
    }
    if (const auto* heater = std::get_if<Heater>(&step)) {
        meter::StepReport report;
        report.circuit = circuit_of(config_.wiring, {static_cast<std::uint8_t>(heater->household)}, 0);
        report.shape = meter::StepShape::kResistive;
        report.power = report.resistive = watts(1500);
        report.conductance_microsiemens = report.total_conductance_microsiemens = 30'992;
        report.power_factor_ten_thousandths = 9999;
        report.cycles = report.cycles_agreed = 6;
        (void)box_->on_step(report, now_);
        return !storage_.is_cut();
    }
    if (std::holds_alternative<Fail>(step)) {
        box_->on_power_fail(now_);
        if (storage_.is_cut()) return false;
    }
    return start();
}

std::string judge(const Books& found, const Books& before, const Books& after, const Books& in_memory,
                  bool acknowledged, int households, Energy may_be_lost) {
    std::ostringstream wrong;
    const std::uint32_t counter = found.box.last_command.counter;
    const bool has_counter = found.box.last_command == after.box.last_command;
    // The parts of a setting have counters of their own.
    const bool between = counter > before.box.last_command.counter && counter < after.box.last_command.counter;
    if (!has_counter && !between && found.box.last_command != before.box.last_command)
        wrong << "last command neither before nor after: counter " << counter << "; ";
    if (acknowledged && !has_counter) wrong << "answered command forgotten; ";
    if (found.box.boots < before.box.boots) wrong << "starts went back; ";
    if (!(found.settings == before.settings) && !(found.settings == after.settings)) wrong << "settings torn; ";
    if (acknowledged && !(found.settings == after.settings)) wrong << "acknowledged setting forgotten; ";
    const bool is_command = before.box.last_command != after.box.last_command;
    if (is_command && !(before.settings == after.settings) && (found.settings == after.settings) != has_counter)
        wrong << "setting and counter parted; ";
    for (int n = 1; n <= households; ++n) {
        const auto k = static_cast<std::size_t>(n - 1);
        const HouseholdBook& f = found.households[k];
        const HouseholdBook& b = before.households[k];
        const HouseholdBook& a = after.households[k];
        const HouseholdBook& m = in_memory.households[k];
        const bool as_before = without_flow(f) == without_flow(b);
        const bool as_after = without_flow(f) == without_flow(a);
        if (!as_before && !as_after) wrong << "household " << n << ": books torn; ";
        if (acknowledged && !as_after) wrong << "household " << n << ": acknowledged effect forgotten; ";
        if (is_command && !(without_flow(b) == without_flow(a)) && as_after != has_counter)
            wrong << "household " << n << ": effect and counter parted; ";
        // A clear takes all registers at once; it is there or it is not. Nothing else leaves less than the box knew.
        if (a.forward < std::max(b.forward, m.forward) || a.reverse < std::max(b.reverse, m.reverse)) {
            if (as_after ? f.forward != a.forward : f.forward < b.forward)
                wrong << "household " << n << ": half cleared; ";
            continue;
        }
        const Energy total = f.forward + f.reverse;
        if (f.forward < b.forward || f.reverse < b.reverse) wrong << "household " << n << ": energy went back; ";
        if (f.forward > m.forward || f.reverse > m.reverse) wrong << "household " << n << ": energy doubled; ";
        if (m.forward + m.reverse - total > may_be_lost)
            wrong << "household " << n << ": lost " << (m.forward + m.reverse - total).count() << " J; ";
        if (f.account.epoch == b.account.epoch && f.account.used < b.account.used)
            wrong << "household " << n << ": used went back; ";
        if (f.account.epoch == m.account.epoch && f.account.used > m.account.used)
            wrong << "household " << n << ": used doubled; ";
    }
    return wrong.str();
}

}  // namespace prewatt::powerloss

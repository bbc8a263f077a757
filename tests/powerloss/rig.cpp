#include "tests/powerloss/rig.hpp"

#include <algorithm>
#include <sstream>

#include "base/crc.hpp"
#include "card/copies.hpp"
#include "meter/node/card_swipe.hpp"
#include "sim/card/field.hpp"

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
    // Of the card in its slots: a visit that is done once more goes on with the next generation, after another start.
    // Judged by itself.
    book.card.boots = book.card.return_given = book.card.return_kept = 0;
    return book;
}

card::Uid uid_of_card(int household) {
    return card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, static_cast<Byte>(household)});
}

// Says that a write stands on the card, and reads it back as it should be, from a memory of its own: the card has
// nothing of it.
class LyingReader final : public card::M1Reader {
  public:
    explicit LyingReader(card::M1Reader& field) : field_(field) {}
    std::expected<card::Uid, card::CardFault> select() override { return field_.select(); }
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, card::KeyKind kind,
                                                      const card::SectorKey& key) override {
        return field_.authenticate(block, kind, key);
    }
    std::expected<card::Block, card::CardFault> read(std::uint8_t block) override {
        if (const auto kept = kept_.find(block); kept != kept_.end()) return kept->second;
        return field_.read(block);
    }
    std::expected<void, card::CardFault> write(std::uint8_t block, const card::Block& data) override {
        kept_[block] = data;
        return {};
    }

  private:
    card::M1Reader& field_;
    std::map<std::uint8_t, card::Block> kept_;
};

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
    } else if (const auto* swipe = std::get_if<Swipe>(&step)) {
        text << "swipe, household " << int{swipe->household} << " epoch " << swipe->ticket.epoch << " number "
             << swipe->ticket.number << " total " << swipe->ticket.credited_hundredths << " generation "
             << swipe->generation;
    } else if (const auto* order = std::get_if<Restore>(&step)) {
        text << "restore card, household " << int{order->household} << " sequence " << order->sequence;
    } else {
        text << (std::holds_alternative<Fail>(step) ? "announced loss of supply" : "loss of supply");
    }
    return text.str();
}

Rig::Rig(meter::Wiring wiring, std::uint32_t storage_bytes, std::optional<Cards> cards)
    : config_(config_for(wiring)), storage_(storage_bytes) {
    if (!cards) return;
    config_.card_keys = desk_.keys();
    cards_ = std::move(*cards);
}
Rig::Rig(meter::Wiring wiring, const std::vector<Byte>& image, std::optional<Cards> cards)
    : Rig(wiring, static_cast<std::uint32_t>(image.size()), std::move(cards)) {
    storage_.bytes() = image;
}

// As the desk leaves it; tears at the desk are another campaign (torture/).
sim::M1Card& Rig::household_card(const Swipe& swipe) {
    desk_.uid = uid_of_card(swipe.household);
    desk_.credit.household = swipe.household;
    desk_.credit.serial = 4711u + swipe.household;
    desk_.credit.generation = swipe.generation;
    desk_.credit.ticket = swipe.ticket;
    desk_.credit.sale_hundredths = 100;
    desk_.credit.sale_number = swipe.ticket.number;
    desk_.credit.may_release_lockout = swipe.may_release_lockout;
    auto found = cards_.find(swipe.household);
    if (found == cards_.end()) {
        found = cards_.emplace(swipe.household, desk_.formatted(desk_.uid)).first;
        desk_.identify(found->second);
    }
    desk_.write_credit(found->second);
    return found->second;
}

sim::M1Card& Rig::restore_card(const Restore& order) {
    const card::Uid uid = uid_of_card(0);
    card::IdentityRecord identity;
    identity.kind = card::CardKind::kRestore;
    identity.generation = 1;
    identity.serial = 4711;
    identity.issue = 1;
    identity.rights = 1;
    card::RightRecord right;
    right.kind = card::CardKind::kRestore;
    right.household = order.household;
    right.sequence = order.sequence;
    right.from = *clock_.read() - 1000;
    right.until = right.from + 1'000'000;
    right.lockouts = {true, true};
    right.cutoff_alarm = true;
    sim::M1Card card = desk_.formatted(uid);
    meter::CardDesk::put(card, card::Layout{}.identity(), card::seal(desk_.mac, desk_.site, uid, identity));
    meter::CardDesk::put(card, *card::Layout{}.right(0), card::seal(desk_.mac, desk_.own, uid, right));
    return cards_.insert_or_assign(0, card).first->second;
}

// The person holds the card until the box leaves it alone. True: it said that it is done, and did all of it.
bool Rig::lay_down(sim::M1Card& card) {
    constexpr int kPolls = 2000;
    lying = {};
    sim::Field field;
    field.put(card);
    if (trouble_.torn_at) field.tear_at(*trouble_.torn_at, trouble_.tear);
    LyingReader liar(field);
    meter::CardSwipe swipe(*box_, desk_.mac, trouble_.reader_lies ? static_cast<card::M1Reader*>(&liar) : &field);
    bool whole = false;
    for (int k = 0; k < kPolls; ++k) {
        now_ = now_ + meter::CardSwipe::kExchange;
        (void)swipe.poll(now_);
        lying.exchanges = field.exchanges();
        lying.writes = field.writes();
        if (storage_.is_cut()) return false;  // in the middle of that: nobody has seen a word
        while (const auto notice = swipe.take_notice()) {
            const bool good = notice->kind != meter::CardNotice::Kind::kCode;
            lying.told = lying.told || good;
            if (good) lying.bought = lying.bought + notice->bought;
            lying.code = good ? meter::CardCode::kDone : notice->code;
            whole = good;
        }
        if (trouble_.box_dies_at && lying.exchanges >= *trouble_.box_dies_at) return false;
        if (trouble_.both && field.things().empty()) return false;
        if (!swipe.is_busy()) return whole;
    }
    return false;
}

std::optional<card::ReturnRecord> Rig::newest_return(int household) {
    const auto found = cards_.find(household);
    if (found == cards_.end()) return std::nullopt;
    const sim::M1Card::Dump dump = found->second.dump();
    card::Copies copies{};
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        const std::uint8_t block = card::first_block(card::Layout{}.returns(slot));
        for (std::size_t k = 0; k < copies[slot].size(); ++k)
            copies[slot][k] = dump[block + k / card::kBlockBytes][k % card::kBlockBytes];
    }
    std::optional<card::ReturnRecord> newest;
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        const auto opened = card::open_return(desk_.mac, desk_.own, found->second.uid(), copies[slot]);
        if (opened && (opened->generation & 1) == slot && (!newest || opened->generation > newest->generation))
            newest = *opened;
    }
    return newest;
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
    if (const auto* swipe = std::get_if<Swipe>(&step)) return lay_down(household_card(*swipe));
    if (const auto* order = std::get_if<Restore>(&step)) return lay_down(restore_card(*order));
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
    const std::uint32_t order = found.box.cards.right_sequence;
    if (order != before.box.cards.right_sequence && order != after.box.cards.right_sequence) wrong << "orders torn; ";
    const bool is_order = before.box.cards.right_sequence != after.box.cards.right_sequence;
    const bool ordered = is_order && order == after.box.cards.right_sequence;
    if (acknowledged && is_order && !ordered) wrong << "order that was carried out can be used again; ";
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
        // The other way round it may be: what was restored and not said is restored once more.
        if (ordered && !as_after) wrong << "household " << n << ": order used up and not carried out; ";
        if (f.card.return_given < b.card.return_given || f.card.return_kept < b.card.return_kept ||
            f.card.return_kept > f.card.return_given)
            wrong << "household " << n << ": generations of RETURN torn; ";
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

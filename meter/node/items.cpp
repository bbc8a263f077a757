#include "meter/node/items.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/bcd.hpp"
#include "meter/node/item_writer.hpp"
#include "meter/node/record_items.hpp"
#include "meter/node/setting_items.hpp"

namespace prewatt::meter {
namespace {

using dlt645::DataId;
using dlt645::Error;

constexpr Byte kBlock = 0xFF;  // FF in a position of an identifier: all of them
constexpr std::uint64_t kRegister = 100'000'000;
constexpr std::string_view kModel = "PREWATT-39";
constexpr std::string_view kProtocol = "DL/T645-2007";
constexpr std::string_view kSoftware = "prewatt meter 0.1";
constexpr std::string_view kHardware = "prewatt box";
constexpr std::string_view kFactory = "prewatt";

Household household(int number) {
    return {static_cast<std::uint8_t>(number)};
}

// --- DI3 = 00, energy

struct Energies {
    Energy forward;
    Energy reverse;
};

// Of one phase position (0 A .. 2 C), or of all (-1). Nothing: not fitted; a three-phase household books its three
// phases as one, so it has no energies of single phases.
std::optional<Energies> energies(const Box& box, std::uint8_t meter, int phase) {
    const Wiring wiring = box.config().wiring;
    if (is_three_phase(wiring) && phase >= 0) return std::nullopt;
    if (meter != 0) {
        if (phase > 0) return std::nullopt;
        const HouseholdBook& book = box.book({meter});
        return Energies{book.forward, book.reverse};
    }
    Energies sum;
    for (int n = 1; n <= box.household_count(); ++n) {
        if (phase >= 0 && static_cast<int>(phase_of(wiring, household(n), 0)) != phase) continue;
        sum.forward += box.book(household(n)).forward;
        sum.reverse += box.book(household(n)).reverse;
    }
    return sum;
}

bool put_energy(const Box& box, std::uint8_t meter, DataId id, ItemWriter& out) {
    struct Kind {
        Byte di2;
        int phase;
        bool forward;
        bool reverse;
    };
    // 04000601 says the same: combined is forward plus reverse.
    static constexpr Kind kKinds[] = {
        {0x00, -1, true, true}, {0x01, -1, true, false}, {0x02, -1, false, true},
        {0x15, 0, true, false}, {0x16, 0, false, true},  {0x29, 1, true, false},
        {0x2A, 1, false, true}, {0x3D, 2, true, false},  {0x3E, 2, false, true},
    };
    const auto* kind =
        std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) { return k.di2 == id.di2(); });
    if (kind == std::end(kKinds) || id.di0() != 0) return false;
    if (id.di1() != 0 && id.di1() != 1 && id.di1() != kBlock) return false;
    const std::optional<Energies> sums = energies(box, meter, kind->phase);
    // There is one tariff, so it holds everything.
    for (int k = 0; k < (id.di1() == kBlock ? 2 : 1); ++k) {
        if (!sums) {
            out.absent(4);
            continue;
        }
        const Energy sum = (kind->forward ? sums->forward : Energy{}) + (kind->reverse ? sums->reverse : Energy{});
        const auto hundredths = static_cast<std::uint64_t>(in_hundredths(sum, Round::kDown)) % kRegister;
        if (kind->di2 == 0)
            out.signed_bcd(static_cast<std::int64_t>(hundredths), 4);
        else
            out.unsigned_bcd(static_cast<std::int64_t>(hundredths), 4);
    }
    return true;
}

// 00900100 remaining, 00900101 overdrawn energy: exactly one of the two is not zero.
bool put_prepaid(const Box& box, std::uint8_t meter, DataId id, ItemWriter& out) {
    if (meter == 0 || id.di1() != 0x01 || id.di0() > 1) return false;
    const std::int64_t remaining = box.remaining_hundredths({meter});
    out.unsigned_bcd(id.di0() == 0 ? remaining : -remaining, 4);
    return true;
}

// --- DI3 = 02, present values

// 0280000B price of the step, 02800020 of the next joule, 02800021 of the rate; of a money account.
bool put_present_price(const Box& box, std::uint8_t meter, DataId id, ItemWriter& out) {
    if (meter == 0 || box.book({meter}).account.unit != settings::AccountUnit::kMoney) return false;
    const settings::PriceSet& prices = box.prices({meter});
    const int rate = box.plan({meter}).rate;
    const std::int64_t of_rate = prices.rates[static_cast<std::size_t>(rate - 1)];
    const std::int64_t now = price_at(prices, rate, box.book({meter}).tariff.month.present.used).count();
    switch (id.value) {
        case 0x0280000B:
            return out.unsigned_bcd(now - of_rate, 4), true;
        case 0x02800020:
            return out.unsigned_bcd(now, 4), true;
        case 0x02800021:
            return out.unsigned_bcd(of_rate, 4), true;
        default:
            return false;
    }
}

struct Figures {
    bool fitted = false;
    Voltage voltage;
    Current current;
    ActivePower active;
    ReactivePower reactive;
    ApparentPower apparent;
};

void add(Figures& sum, const CircuitMeasurement& circuit) {
    sum.current += circuit.current;
    sum.active += circuit.active;
    sum.reactive += circuit.reactive;
    sum.apparent += circuit.apparent;
}

// Total, A, B, C.
std::array<Figures, 4> figures(const Box& box, std::uint8_t meter) {
    std::array<Figures, 4> all;
    const Wiring wiring = box.config().wiring;
    const Measurement& present = box.present();
    all[0].fitted = true;
    const int from = meter == 0 ? 1 : meter;
    const int to = meter == 0 ? box.household_count() : meter;
    for (int n = from; n <= to; ++n) {
        for (int k = 0; k < circuits_each(wiring); ++k) {
            const auto phase = static_cast<std::size_t>(phase_of(wiring, household(n), k));
            // A single-phase household is a single-phase meter, whose only phase is called A.
            Figures& position = all[1 + (meter == 0 || is_three_phase(wiring) ? phase : 0)];
            position.fitted = true;
            position.voltage = present.phases[phase].voltage;
            const CircuitMeasurement& circuit = present.circuits[circuit_of(wiring, household(n), k).index];
            add(position, circuit);
            add(all[0], circuit);
        }
    }
    return all;
}

Frequency frequency(const Box& box, std::uint8_t meter) {
    const auto& phases = box.present().phases;
    if (meter != 0) {
        const PhaseMeasurement& own = phases[static_cast<std::size_t>(phase_of(box.config().wiring, {meter}, 0))];
        if (own.present) return own.frequency;
    }
    for (const PhaseMeasurement& phase : phases)
        if (phase.present) return phase.frequency;
    return {};
}

std::int64_t power_factor_thousandths(const Figures& f) {
    if (f.apparent <= ApparentPower{}) return 1000;
    return std::clamp<std::int64_t>(divide(f.active.count() * 1000, f.apparent.count(), Round::kNearest), -1000, 1000);
}

// Tenths of a degree, 0..3599, by rotation: angle of (active, reactive).
std::int64_t phase_angle_tenths(const Figures& f) {
    static constexpr std::int32_t kMillidegrees[] = {45000, 26565, 14036, 7125, 3576, 1790, 895,
                                                     448,   224,   112,   56,   28,   14,   7};
    std::int64_t x = f.active.count();
    std::int64_t y = f.reactive.count();
    if (x == 0 && y == 0) return 0;
    std::int64_t angle = 0;
    if (x < 0) {
        x = -x;
        y = -y;
        angle = 180'000;
    }
    for (int k = 0; k < static_cast<int>(std::size(kMillidegrees)); ++k) {
        const std::int64_t turned = y > 0 ? 1 : -1;
        const std::int64_t x_next = x + turned * (y >> k);
        y -= turned * (x >> k);
        x = x_next;
        angle += turned * kMillidegrees[k];
    }
    return (divide(angle, 100, Round::kNearest) + 3600) % 3600;
}

struct Quantity {
    Byte di2;
    std::size_t bytes;
    bool has_total;
    bool has_sign;
    std::int64_t (*value)(const Figures&);
};
constexpr Quantity kQuantities[] = {
    {0x01, 2, false, false, [](const Figures& f) { return divide(f.voltage.count(), 100, Round::kNearest); }},
    {0x02, 3, false, true, [](const Figures& f) { return divide(f.current.count(), 1000, Round::kNearest); }},
    {0x03, 3, true, true, [](const Figures& f) { return divide(f.active.count(), 100'000, Round::kNearest); }},
    {0x04, 3, true, true, [](const Figures& f) { return divide(f.reactive.count(), 100'000, Round::kNearest); }},
    {0x05, 3, true, true, [](const Figures& f) { return divide(f.apparent.count(), 100'000, Round::kNearest); }},
    {0x06, 2, true, true, power_factor_thousandths},
    {0x07, 2, false, false, phase_angle_tenths},
};

bool put_present(const Box& box, std::uint8_t meter, DataId id, ItemWriter& out) {
    if (id == DataId{0x02800002}) {
        out.unsigned_bcd(divide(frequency(box, meter).count(), 10, Round::kNearest), 2);
        return true;
    }
    const auto* quantity = std::find_if(std::begin(kQuantities), std::end(kQuantities),
                                        [&](const Quantity& q) { return q.di2 == id.di2(); });
    if (quantity == std::end(kQuantities) || id.di0() != 0) return false;
    const int first = quantity->has_total ? 0 : 1;
    int from = id.di1();
    int to = id.di1();
    if (id.di1() == kBlock) {
        from = first;
        to = 3;
    }
    if (from < first || to > 3) return false;
    const auto all = figures(box, meter);
    for (int k = from; k <= to; ++k) {
        const Figures& f = all[static_cast<std::size_t>(k)];
        if (!f.fitted)
            out.absent(quantity->bytes);
        else if (quantity->has_sign)
            out.signed_bcd(quantity->value(f), quantity->bytes);
        else
            out.unsigned_bcd(quantity->value(f), quantity->bytes);
    }
    return true;
}

// --- DI3 = 04, parameters

std::uint16_t phase_status(const Box& box, int phase) {
    const PhaseMeasurement& p = box.present().phases[static_cast<std::size_t>(phase)];
    unsigned bits = 0;
    if (!p.present) bits |= 1u << 0 | 1u << 7;  // lost voltage, phase broken
    if (p.present && p.voltage < SupplyGuard::kLowest) bits |= 1u << 1;
    if (p.present && p.voltage > SupplyGuard::kHighest) bits |= 1u << 2;
    return static_cast<std::uint16_t>(bits);
}

std::uint16_t status_word(const Box& box, std::uint8_t meter, int number) {
    unsigned bits = 0;
    const Household h{meter};
    switch (number) {
        case 1:
            if (!box.storage_sound()) bits |= 1u << 13;
            if (meter != 0 && box.remaining_hundredths(h) < 0) bits |= 1u << 14;
            if (!box.clock()) bits |= 1u << 15;
            if (meter != 0 && box.active(h) < ActivePower{}) bits |= 1u << 4;
            break;
        case 2: {
            const auto all = figures(box, meter);
            for (std::size_t k = 0; k < 3; ++k)
                if (all[k + 1].active < ActivePower{}) bits |= 1u << k;
            break;
        }
        case 3: {
            if (meter == 0) break;
            const HouseholdState state = box.state(h);
            if (!state.has(StateBit::kRelayClosed)) bits |= 1u << 4;
            if (!state.holds().without(box.overruled(h)).empty()) bits |= 1u << 6;
            if (state.has(StateBit::kLowCredit)) bits |= 1u << 7;
            bits |= state.has(StateBit::kMoneyAccount) ? 1u << 9 : 1u << 8;
            if (state.has(StateBit::kForced)) bits |= 1u << 12;
            if (state.holds().has(Hold::kNotOpened)) bits |= 1u << 14 | 1u << 15;
            break;
        }
        case 4:
        case 5:
        case 6:
            if (meter == 0 || is_three_phase(box.config().wiring))
                bits = phase_status(box, number - 4);
            else if (number == 4)
                bits = phase_status(box, static_cast<int>(phase_of(box.config().wiring, h, 0)));
            if (meter != 0 && number == 4 && box.state(h).holds().has(Hold::kOverload)) bits |= 1u << 4 | 1u << 5;
            break;
        default:
            break;
    }
    return static_cast<std::uint16_t>(bits);
}

void put_date(CivilSeconds seconds, ItemWriter& out) {
    const CivilTime t = to_civil(seconds);
    out.byte(to_bcd(static_cast<unsigned>(weekday(seconds))));
    out.byte(to_bcd(t.day));
    out.byte(to_bcd(t.month));
    out.byte(to_bcd(t.year % 100u));
}
void put_time(CivilSeconds seconds, ItemWriter& out) {
    const CivilTime t = to_civil(seconds);
    out.byte(to_bcd(t.second));
    out.byte(to_bcd(t.minute));
    out.byte(to_bcd(t.hour));
}
bool put_clock(const Box& box, DataId id, ItemWriter& out) {
    const bool time = id.di0() != 0x01;
    const bool date = id.di0() != 0x02;
    const std::optional<CivilSeconds> now = box.clock();
    if (!now) {
        out.absent((time ? 3u : 0u) + (date ? 4u : 0u));
        return true;
    }
    if (time) put_time(*now, out);
    if (date) put_date(*now, out);
    return true;
}

std::string_view amperes_text(unsigned amperes, std::array<char, 6>& buffer) {
    std::size_t n = 0;
    if (amperes >= 100) buffer[n++] = static_cast<char>('0' + amperes / 100);
    if (amperes >= 10) buffer[n++] = static_cast<char>('0' + amperes / 10 % 10);
    buffer[n++] = static_cast<char>('0' + amperes % 10);
    buffer[n++] = 'A';
    return {buffer.data(), n};
}

bool put_parameter(const Box& box, std::uint8_t meter, DataId id, ItemWriter& out) {
    std::array<char, 6> text;
    if (put_setting_item(box.settings(), meter, id, out)) return true;
    switch (id.value) {
        case 0x04000101:
        case 0x04000102:
        case 0x0400010C:
            return put_clock(box, id, out);
        case 0x04000301:  // screens of the loop, seconds each, decimals of energy
            return out.unsigned_bcd(box.household_count() + 2, 1), true;
        case 0x04000303:
            return out.unsigned_bcd(1, 1), true;
        case 0x04000401:  // address; meter number
        case 0x04000402:
            return out.bytes(dlt645::address_of(box.config().box, {meter}).bytes), true;
        case 0x04000404:
            return out.text("220V", 6), true;
        case 0x04000405:
            return out.text(amperes_text(box.config().basic_current_amperes, text), 6), true;
        case 0x04000406:
            return out.text(amperes_text(box.config().max_current_amperes, text), 6), true;
        case 0x04000407:
            return out.text("1.0", 4), true;
        case 0x04000409:  // active, reactive
        case 0x0400040A:
            return out.unsigned_bcd(box.box_book().pulse_constant, 3), true;
        case 0x0400040B:
            return out.text(kModel, 10), true;
        case 0x0400040D:
            return out.text(kProtocol, 16), true;
        case 0x040005FF:
            for (int k = 1; k <= 7; ++k)
                out.word(status_word(box, meter, k));
            return true;
        case 0x04000601:  // combined active: forward added, reverse added
            return out.byte(0x05), true;
        case 0x04000E03:  // upper and lower limit of the voltage
            return out.unsigned_bcd(SupplyGuard::kHighest.count() / 100, 2), true;
        case 0x04000E04:
            return out.unsigned_bcd(SupplyGuard::kLowest.count() / 100, 2), true;
        case 0x04001401:  // minutes from the end of the credit to the opening of the relay
            return out.unsigned_bcd(0, 2), true;
        case 0x04800001:
            return out.text(kSoftware, 32), true;
        case 0x04800002:
            return out.text(kHardware, 32), true;
        case 0x04800003:
            return out.text(kFactory, 32), true;
        default:
            break;
    }
    if (id.value >= 0x04000501 && id.value <= 0x04000507) return out.word(status_word(box, meter, id.di0())), true;
    if (id.value >= 0x04000F01 && id.value <= 0x04000F04 && meter != 0) {
        const AlarmLevels& levels = box.book({meter}).account.levels;
        // The hoarding limit is one of cards; nobody has set it: none.
        const std::uint32_t hoarding = box.settings().households[meter - 1u].hoarding.hundredths;
        const std::int64_t values[] = {levels.low_hundredths, levels.cutoff_hundredths,
                                       hoarding != 0 ? hoarding : 99'999'999, levels.overdraft_hundredths};
        return out.unsigned_bcd(values[id.di0() - 1], 4), true;
    }
    return false;
}

// --- DI3 = EC, ours

dlt645::AccountStatus account_status(const Box& box, Household h) {
    const HouseholdBook& book = box.book(h);
    const Account& account = book.account;
    dlt645::AccountStatus status;
    status.epoch = account.epoch;
    status.ticket_number = account.ticket_number;
    status.credited_hundredths = in_hundredths(account.credited, Round::kDown);
    status.used = account.used;
    status.forward = book.forward;
    status.reverse = book.reverse;
    status.state = box.state(h);
    status.low_alarm_hundredths = account.levels.low_hundredths;
    status.cutoff_alarm_hundredths = account.levels.cutoff_hundredths;
    status.overdraft_hundredths = account.levels.overdraft_hundredths;
    status.previous_epoch = account.previous_epoch;
    status.previous_used = account.previous_used;
    status.previous_credited = account.previous_credited;
    return status;
}

dlt645::LiveValues live_values(const Box& box, Household h) {
    const Wiring wiring = box.config().wiring;
    dlt645::LiveValues live;
    const auto& phases = box.present().phases;
    live.phase = phase_of(wiring, h, 0);
    live.voltage = phases[static_cast<std::size_t>(live.phase)].voltage;
    live.three_phase = is_three_phase(wiring);
    if (live.three_phase) live.voltage_b_c = {phases[1].voltage, phases[2].voltage};
    live.frequency = frequency(box, h.number);
    for (int k = 0; k < circuits_each(wiring); ++k) {
        const Circuit circuit = circuit_of(wiring, h, k);
        const CircuitMeasurement& m = box.present().circuits[circuit.index];
        live.circuits.push_back(
            {m.current, m.active, m.reactive, m.apparent, m.power_factor, box.relay_closed(circuit)});
    }
    return live;
}

std::uint32_t seconds_until(Instant end, Instant now) {
    if (end == kNever || end <= now) return 0;
    return static_cast<std::uint32_t>(
        std::min<std::int64_t>(divide((end - now).count(), 1'000'000, Round::kUp), UINT32_MAX));
}

dlt645::GuardStatus guard_status(const Box& box, Household h, Instant now) {
    const HouseholdControl& control = box.control(h);
    const settings::HouseholdSettings& own = box.settings().households[static_cast<std::size_t>(h.index())];
    const GuardBook& book = box.book(h).guards;
    const bool watched = own.plan.malignant_profile != 0;
    dlt645::GuardStatus status;
    status.holds = box.state(h).holds();
    status.overruled = box.overruled(h);
    status.waiting = box.book(h).waiting;
    status.forced_seconds = seconds_until(box.forced_until(h), now);
    status.load.stage = static_cast<std::uint8_t>(book.load.stage);
    status.load.used = book.load.cuts;
    status.load.left = static_cast<std::uint8_t>(control.load.tries_left(own.load));
    if (book.load.stage == LoadStage::kCut)
        status.load.seconds_to_restore = seconds_until(control.load.next_poll(), now);
    status.malignant.stage = static_cast<std::uint8_t>(book.malignant.stage);
    status.malignant.used = book.malignant.restores_used;
    if (watched)
        status.malignant.left = static_cast<std::uint8_t>(
            control.malignant.restores_left(box.settings().malignant[own.plan.malignant_profile - 1u]));
    if (book.malignant.stage == MalignantStage::kHeld)
        status.malignant.seconds_to_restore = seconds_until(control.malignant.next_due(), now);
    status.locked_since = book.locked_since;
    status.last_because = book.last_cut.because;
    status.last_at = book.last_cut.at;
    status.last_watts = book.last_cut.watts;
    status.last_shape = static_cast<std::uint8_t>(book.last_cut.shape);
    status.last_rule = static_cast<std::uint8_t>(book.last_cut.rule);
    status.last_power_factor_ten_thousandths = book.last_cut.power_factor_ten_thousandths;
    status.mode = static_cast<std::uint8_t>(box.plan(h).mode);
    status.rate = box.plan(h).rate;
    status.cut_at = box.plan(h).cut_at;
    return status;
}

dlt645::BoxStatus box_status(const Box& box, Instant now) {
    const BoxBook& book = box.box_book();
    dlt645::BoxStatus status;
    status.circuits_per_household = static_cast<std::uint8_t>(circuits_each(box.config().wiring));
    status.household_count = static_cast<std::uint8_t>(box.household_count());
    status.pulse_constant = book.pulse_constant;
    status.basic_current_amperes = box.config().basic_current_amperes;
    status.max_current_amperes = box.config().max_current_amperes;
    status.flags = box.flags(now);
    status.boot_count = book.boots;
    status.command_counter = book.last_command.counter;
    status.clock = box.clock().value_or(0);
    for (std::size_t p = 0; p < status.voltage.size(); ++p)
        status.voltage[p] = box.present().phases[p].voltage;
    status.frequency = frequency(box, 0);
    return status;
}

std::expected<std::size_t, Error> read_private(Box& box, std::uint8_t meter, DataId id, Bytes asked, MutableBytes out,
                                               Instant now) {
    if (meter == 0 && id == dlt645::kHouseholdBlock) {
        if (!asked.empty() && asked.size() != 4) return std::unexpected(Error::kOther);
        ByteReader reader(asked);
        return dlt645::encode(box.changes_since(asked.empty() ? 0 : reader.get_u32(), now), out);
    }
    if (!asked.empty()) return std::unexpected(Error::kOther);
    if (meter == 0 && id == dlt645::kBlockPower) {
        dlt645::BlockPower power;
        power.household_count = static_cast<std::uint8_t>(box.household_count());
        for (int n = 1; n <= box.household_count(); ++n)
            power.tenths_of_watt[static_cast<std::size_t>(n)] =
                static_cast<std::int32_t>(divide(box.active(household(n)).count(), 100'000, Round::kNearest));
        return dlt645::encode(power, out);
    }
    if (meter == 0 && id == dlt645::kBoxStatus) return dlt645::encode(box_status(box, now), out);
    if (meter != 0 && id == dlt645::kAccountStatus) return dlt645::encode(account_status(box, {meter}), out);
    if (meter != 0 && id == dlt645::kGuardStatus) return dlt645::encode(guard_status(box, {meter}, now), out);
    if (meter != 0 && id == dlt645::kLiveValues) return dlt645::encode(live_values(box, {meter}), out);
    if (dlt645::is_setting_item(id)) {
        const std::size_t size = read_setting(box.settings(), box.household_count(), meter, id, out);
        if (size != 0) return size;
    }
    return std::unexpected(Error::kNoSuchData);
}

}  // namespace

std::expected<std::size_t, Error> read_item(Box& box, std::uint8_t meter, DataId id, Bytes asked, MutableBytes out,
                                            Instant now) {
    if (is_record_item(id)) {
        const auto size = read_record_item(box.archive(), box.books(), meter, id, asked, out);
        if (size && is_event_list(id)) box.on_log_read();
        return size;
    }
    if (id.di3() == 0xEC) return read_private(box, meter, id, asked, out, now);
    ItemWriter writer(out);
    bool known = false;
    switch (id.di3()) {
        case 0x00:
            known = id.di2() == 0x90 ? put_prepaid(box, meter, id, writer) : put_energy(box, meter, id, writer);
            break;
        case 0x02:
            known = put_present_price(box, meter, id, writer) || put_present(box, meter, id, writer);
            break;
        case 0x04:
            known = put_parameter(box, meter, id, writer);
            break;
        default:
            break;
    }
    if (!known) return std::unexpected(Error::kNoSuchData);
    // A number of blocks or a time behind the identifier belongs to load records, which none of these is.
    if (!asked.empty()) return std::unexpected(Error::kOther);
    return writer.size();
}

}  // namespace prewatt::meter

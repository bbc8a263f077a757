#include "cli/frame_words.hpp"

#include <algorithm>
#include <array>

#include "base/civil_time.hpp"
#include "cli/meter_name.hpp"
#include "cli/output.hpp"
#include "protocols/dlt645/item.hpp"
#include "protocols/dlt645/item_text.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::cli {
namespace {

using dlt645::DataId;
using dlt645::Frame;
using dlt645::Function;

std::string hex_of(Bytes bytes) {
    return cli::hex_of(bytes.data(), bytes.size());
}

constexpr const char* kHoldWords[kHoldCount] = {"no credit", "cut-off alarm", "malignant load",
                                                "overload",  "locked out",    "schedule",
                                                "remote",    "no account",    "supply"};

std::string fixed(std::int64_t value, std::int64_t unit, int decimals) {
    const bool negative = value < 0;
    const std::int64_t magnitude = negative ? -value : value;
    std::string rest = std::to_string(magnitude % unit);
    rest.insert(0, static_cast<std::size_t>(decimals) - rest.size(), '0');
    return (negative ? "-" : "") + std::to_string(magnitude / unit) + "." + rest;
}
std::string two(unsigned n) {
    return {static_cast<char>('0' + n / 10 % 10), static_cast<char>('0' + n % 10)};
}
std::string text_of(CivilSeconds clock) {
    const CivilTime t = to_civil(clock);
    return std::to_string(t.year) + "-" + two(t.month) + "-" + two(t.day) + " " + two(t.hour) + ":" + two(t.minute) +
           ":" + two(t.second);
}
// BCD in the order of the wire, low pair first, as printed with a letter of `pattern` for each pair from the end.
std::string time_text(Bytes wire) {
    std::string out;
    for (std::size_t k = wire.size(); k-- > 0;) {
        constexpr char digits[] = "0123456789ABCDEF";
        out += digits[wire[k] >> 4];
        out += digits[wire[k] & 15];
        if (k > 0) out += k >= 4 ? '-' : k == 3 ? ' ' : ':';
    }
    return out;
}

constexpr std::pair<std::uint8_t, const char*> kControls[] = {
    {0x1A, "open the relay"},
    {0x1B, "permit closing"},
    {0x1C, "close the relay"},
    {0x1D, "open the relay, close it again after some minutes"},
    {0x1E, "open the relay, permit closing after some minutes"},
    {0x2A, "alarm on"},
    {0x2B, "alarm off"},
    {0x3A, "keep power"},
    {0x3B, "end of keeping power"},
};
constexpr const char* kControlStates[16] = {"on",
                                            "closing permitted",
                                            "off",
                                            "off later",
                                            "off until a time",
                                            "off soon for over-current",
                                            nullptr,
                                            nullptr,
                                            "power kept",
                                            "power no longer kept",
                                            "alarm on",
                                            "alarm off"};
constexpr const char* kControlErrors[16] = {"hung up",
                                            "authentication wrong",
                                            "not authorised",
                                            "authentication expired",
                                            "time of validity over",
                                            "power is kept",
                                            "power is kept, no return",
                                            "automatic time invalid",
                                            "is open already"};
constexpr const char* kSecurityErrors[16] = {"other",
                                             "repeated recharge",
                                             "verification failed",
                                             "authentication failed",
                                             "customer number differs",
                                             "count is wrong",
                                             "over hoarding limit",
                                             "address abnormal",
                                             "hung up",
                                             "reconnection failed"};

std::string bits_text(std::uint16_t bits, const char* const* names) {
    std::string out;
    for (int bit = 0; bit < 16; ++bit) {
        if ((bits >> bit & 1) == 0) continue;
        if (!out.empty()) out += ", ";
        out += names[bit] != nullptr ? names[bit] : "bit " + std::to_string(bit);
    }
    return out.empty() ? "nothing" : out;
}

void add_item(Words& words, DataId id) {
    words.emplace_back("item", printed(id));
    std::array<char, dlt645::kNameTextMax> name{};
    const dlt645::Item* item = dlt645::find_item(id);
    words.emplace_back("name", item != nullptr ? std::string(describe(*item, id, name)) : "not in the table");
}

void add_value(Words& words, DataId id, Bytes data) {
    if (auto ours = private_words(id, data)) {
        words.insert(words.end(), ours->begin(), ours->end());
        return;
    }
    const dlt645::Item* item = dlt645::find_item(id);
    if (item == nullptr || item->size() == 0) {
        if (!data.empty()) words.emplace_back("bytes", hex_of(data));
        return;
    }
    std::array<char, dlt645::kValueTextMax> text{};
    words.emplace_back("value", std::string(format_value(*item, id, data, text)));
}

void add_password(Words& words, ByteReader& reader) {
    const Bytes password = reader.take(4);
    const Bytes who = reader.take(4);
    if (!reader.ok()) return;
    words.emplace_back("level", hex_of(password.first(1)));
    words.emplace_back("operator", hex_of(std::array<Byte, 4>{who[3], who[2], who[1], who[0]}));
}

void add_request_words(Words& words, const Frame& frame, SealReader* seals) {
    ByteReader reader(frame.bytes());
    const Function function = frame.control.function();
    switch (function) {
        case Function::kRead:
        case Function::kReadFollowing: {
            if (reader.left() < 4) break;
            const DataId id{reader.get_u32()};
            add_item(words, id);
            if (function == Function::kReadFollowing && reader.left() == 1)
                words.emplace_back("part", std::to_string(reader.get_u8()));
            else if (id == dlt645::kHouseholdBlock && reader.left() == 4)
                words.emplace_back("changed since version", std::to_string(reader.get_u32()));
            break;
        }
        case Function::kWrite: {
            if (reader.left() < 12) break;
            const DataId id{reader.get_u32()};
            add_item(words, id);
            add_password(words, reader);
            add_value(words, id, reader.take(reader.left()));
            break;
        }
        case Function::kWriteAddress:
            if (reader.left() == 6) {
                dlt645::Address address;
                const Bytes bytes = reader.take(6);
                std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
                words.emplace_back("new address", printed(address));
            }
            break;
        case Function::kSetTime:
            if (reader.left() == 6) words.emplace_back("time", "20" + time_text(reader.take(6)));
            break;
        case Function::kFreeze:
            if (reader.left() == 4) {
                const Bytes when = reader.take(4);
                words.emplace_back("when", when[0] == 0x99 ? "now"
                                                           : "month " + hex_of(when.subspan(3)) + ", day " +
                                                                 hex_of(when.subspan(2, 1)) + ", " +
                                                                 time_text(when.first(2)) + " (99: every)");
            }
            break;
        case Function::kSetSpeed:
        case Function::kTerminal:
            words.emplace_back("code", hex_of(frame.bytes()));
            break;
        case Function::kSetPassword:
            if (reader.left() == 12) {
                add_item(words, DataId{reader.get_u32()});
                words.emplace_back("password", "old and new stand in the frame in clear");
                (void)reader.take(8);
            }
            break;
        case Function::kClearDemand:
        case Function::kClearMeter:
        case Function::kClearEvents:
            add_password(words, reader);
            if (function == Function::kClearEvents && reader.left() == 4) add_item(words, DataId{reader.get_u32()});
            break;
        case Function::kControl: {
            add_password(words, reader);
            if (reader.left() != 8) break;
            const std::uint8_t command = reader.get_u8();
            const std::uint8_t steps = reader.get_u8();
            std::string text = "command " + hex_of({&command, 1});
            for (const auto& [number, meaning] : kControls)
                if (number == command) text = meaning;
            words.emplace_back("command", text);
            if (steps != 0) words.emplace_back("minutes", std::to_string(5 * steps));
            words.emplace_back("valid until", "20" + time_text(reader.take(6)));
            break;
        }
        case Function::kSecurity: {
            if (reader.left() < 8) break;
            const DataId id{reader.get_u32()};
            add_item(words, id);
            if (id == dlt645::kSealedCommand && seals != nullptr) {
                seals->add_request(frame, words);
                return;
            }
            words.emplace_back("operator", std::to_string(reader.get_u32()));
            break;
        }
        case Function::kReadAddress:
            break;
    }
    if (reader.left() > 0) words.emplace_back("bytes", hex_of(reader.take(reader.left())));
}

void add_reply_words(Words& words, const Frame& frame, SealReader* seals) {
    ByteReader reader(frame.bytes());
    switch (frame.control.function()) {
        case Function::kRead: {
            if (reader.left() < 4) break;
            const DataId id{reader.get_u32()};
            add_item(words, id);
            const Bytes data = reader.take(reader.left());
            if (frame.control.more_follows())
                words.emplace_back("bytes", hex_of(data));
            else
                add_value(words, id, data);
            break;
        }
        case Function::kReadFollowing: {
            if (reader.left() < 5) break;
            add_item(words, DataId{reader.get_u32()});
            words.emplace_back("bytes", hex_of(reader.take(reader.left() - 1)));
            words.emplace_back("part", std::to_string(reader.get_u8()));
            break;
        }
        case Function::kReadAddress:
            if (reader.left() == 6) {
                dlt645::Address address;
                const Bytes bytes = reader.take(6);
                std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
                words.emplace_back("meter", printed(address));
            }
            break;
        case Function::kControl:
            if (reader.left() == 2) words.emplace_back("state", bits_text(reader.get_u16(), kControlStates));
            break;
        case Function::kSecurity: {
            if (reader.left() < 4) break;
            const DataId id{reader.get_u32()};
            add_item(words, id);
            if (id == dlt645::kSealedCommand && seals != nullptr) {
                seals->add_answer(frame, words);
                return;
            }
            break;
        }
        default:
            break;
    }
    if (reader.left() > 0) words.emplace_back("bytes", hex_of(reader.take(reader.left())));
}

void add_error_words(Words& words, const Frame& frame) {
    const Function function = frame.control.function();
    std::uint16_t bits = 0;
    for (std::size_t k = 0; k < std::min<std::size_t>(frame.data.size(), 2); ++k)
        bits = static_cast<std::uint16_t>(bits | frame.data[k] << (8 * k));
    if (function == Function::kSecurity && bits == 4)
        words.emplace_back("refused", "verification failed");
    else if (function == Function::kSecurity && frame.data.size() == 2)
        words.emplace_back("refused", bits_text(bits, kSecurityErrors));
    else if (function == Function::kControl && frame.data.size() == 2)
        words.emplace_back("refused", bits_text(bits, kControlErrors));
    else
        words.emplace_back("refused", words_of_error(static_cast<std::uint8_t>(bits)));
}

void add_effect(Words& words, const card::Effect& effect) {
    words.emplace_back("epoch", std::to_string(effect.epoch));
    words.emplace_back("ticket", std::to_string(effect.ticket_number));
    words.emplace_back("remaining", decimal(effect.remaining_hundredths));
    words.emplace_back("state", words_of_state(effect.state));
}

// "load limit", "day table 3": indices are counted from 1 here.
std::string words_of_setting(settings::SettingId id, std::uint8_t index) {
    using settings::SettingId;
    const char* name = nullptr;
    switch (id) {
        case SettingId::kHouseholdPlan:
            return "household plan";
        case SettingId::kLoadLimit:
            return "load limit";
        case SettingId::kHoardingLimit:
            return "hoarding limit";
        case SettingId::kGeneral:
            return "general";
        case SettingId::kPermittedAppliance:
            name = "permitted appliance";
            break;
        case SettingId::kMalignantProfile:
            name = "malignant profile";
            break;
        case SettingId::kDayTable:
            name = "day table";
            break;
        case SettingId::kWeekPlan:
            name = "week plan";
            break;
        case SettingId::kHolidayPage:
            name = "holiday page";
            break;
        case SettingId::kPriceSet:
            name = "price set";
            break;
    }
    if (name == nullptr) return "number " + std::to_string(static_cast<int>(id)) + ", not known";
    return std::string(name) + " " + std::to_string(index + 1);
}

void add_guards(Words& words, const dlt645::GuardStatus& guards) {
    static constexpr const char* kShapes[] = {"other", "resistive", "half-wave", "phase-cut", "ramp", "reclose"};
    static constexpr const char* kModes[] = {"on", "off", "limited power"};
    const auto none = [](const std::string& text) { return text.empty() ? "nothing" : text; };
    const auto tries = [&](const char* what, const dlt645::GuardTries& guard) {
        std::string text = std::to_string(guard.used) + " used, " + std::to_string(guard.left) + " left";
        if (guard.seconds_to_restore != 0)
            text += ", power comes back in " + std::to_string(guard.seconds_to_restore) + " s";
        words.emplace_back(what, text);
    };
    words.emplace_back("held by", none(words_of_holds(guards.holds)));
    words.emplace_back("overruled", none(words_of_holds(guards.overruled)));
    words.emplace_back("waiting", none(words_of_holds(guards.waiting)));
    if (guards.forced_seconds != 0) words.emplace_back("forced power", std::to_string(guards.forced_seconds) + " s");
    tries("load control", guards.load);
    tries("malignant loads", guards.malignant);
    if (guards.locked_since != 0) words.emplace_back("locked out since", text_of(guards.locked_since));
    if (!guards.last_because.empty()) {
        words.emplace_back("last cut", words_of_holds(guards.last_because) + ", " + std::to_string(guards.last_watts) +
                                           " W" + (guards.last_at != 0 ? ", " + text_of(guards.last_at) : ""));
        if (guards.last_because.has(Hold::kMalignant))
            words.emplace_back(
                "step", std::string(guards.last_shape < std::size(kShapes) ? kShapes[guards.last_shape] : "not known") +
                            ", power factor " + fixed(guards.last_power_factor_ten_thousandths, 10'000, 4) + ", rule " +
                            std::to_string(guards.last_rule));
    }
    words.emplace_back("schedule", std::string(guards.mode < std::size(kModes) ? kModes[guards.mode] : "not known") +
                                       ", rate " + std::to_string(guards.rate));
    if (guards.cut_at != 0) words.emplace_back("timed cut-off at", text_of(guards.cut_at));
}

void add_command(Words& words, const card::Command& command) {
    if (const auto* ticket = std::get_if<card::Ticket>(&command)) {
        words.emplace_back("command", "ticket");
        words.emplace_back("epoch", std::to_string(ticket->epoch));
        words.emplace_back("ticket", std::to_string(ticket->number));
        words.emplace_back("credited so far", decimal(ticket->credited_hundredths));
    } else if (const auto* hold = std::get_if<card::RemoteHold>(&command)) {
        words.emplace_back("command", hold->off ? "switch off" : "end of switching off");
    } else if (const auto* force = std::get_if<card::ForcePower>(&command)) {
        words.emplace_back("command", force->minutes == 0 ? "end of forced power" : "force power");
        words.emplace_back("minutes", std::to_string(force->minutes));
        words.emplace_back("overrules", words_of_holds(force->overruled));
    } else if (std::get_if<card::Acknowledge>(&command) != nullptr) {
        words.emplace_back("command", "acknowledge the cut-off alarm");
    } else if (const auto* alarms = std::get_if<card::Alarms>(&command)) {
        words.emplace_back("command", "alarms");
        words.emplace_back("low credit below", decimal(alarms->low_hundredths));
        words.emplace_back("cut-off at", decimal(alarms->cutoff_hundredths));
        words.emplace_back("overdraft", decimal(alarms->overdraft_hundredths));
    } else if (const auto* clock = std::get_if<card::SetClock>(&command)) {
        words.emplace_back("command", "set the clock");
        words.emplace_back("time", text_of(clock->time));
    } else if (const auto* constant = std::get_if<card::SetConstant>(&command)) {
        words.emplace_back("command", "set the pulse constant");
        words.emplace_back("pulses per kWh", std::to_string(constant->pulses_per_kwh));
    } else if (const auto* stage = std::get_if<card::StageSetting>(&command)) {
        words.emplace_back("command", "part of a setting");
        words.emplace_back("setting", words_of_setting(stage->setting, stage->index));
        words.emplace_back("offset", std::to_string(stage->offset));
        words.emplace_back("bytes", hex_of({stage->part.data(), stage->part.size()}));
    } else if (const auto* commit = std::get_if<card::CommitSetting>(&command)) {
        words.emplace_back("command", "set");
        words.emplace_back("setting", words_of_setting(commit->setting, commit->index));
        words.emplace_back("length", std::to_string(commit->length));
    } else if (const auto* clear = std::get_if<card::Clear>(&command)) {
        words.emplace_back("command", clear->step == card::ClearStep::kAnnounce ? "announce a clear" : "clear");
    } else if (const auto* reset = std::get_if<card::ResetLockout>(&command)) {
        words.emplace_back("command", "reset the lock-out");
        words.emplace_back("of", !reset->malignant  ? "overload"
                                 : !reset->overload ? "malignant load"
                                                    : "overload, malignant load");
    } else if (const auto* learn = std::get_if<card::LearnAppliance>(&command)) {
        words.emplace_back("command", learn->days == 0 ? "stop learning an appliance" : "learn a permitted appliance");
        words.emplace_back("slot", std::to_string(learn->slot));
        words.emplace_back("days", std::to_string(learn->days));
    }
}

constexpr const char* kResults[] = {"done",         "old counter",   "no such household",
                                    "bad argument", "not supported", "not stored, try again later"};
constexpr const char* kFlags[16] = {"phase A",       "phase B",     "phase C",          "metering runs",
                                    "storage sound", "clock valid", "verification plug"};

}  // namespace

void SealReader::add_request(const Frame& frame, Words& words) {
    const auto box = box_of(frame.address);
    if (!box) {
        words.emplace_back("seal", "cannot be checked: the address is not that of a box");
        return;
    }
    const auto opened = unseal_request(mac_, diversify(mac_, master_, *box), *box, frame.bytes());
    if (!opened) {
        words.emplace_back("seal", opened.error() == card::SealError::kLength
                                       ? "broken: wrong length"
                                       : "broken: another key, another box, or damaged");
        return;
    }
    words.emplace_back("seal", "authentic");
    words.emplace_back("operator", std::to_string(opened->request.operator_number));
    words.emplace_back("counter", std::to_string(opened->request.counter));
    words.emplace_back("household", std::to_string(opened->request.household));
    if (opened->known)
        add_command(words, opened->request.command);
    else
        words.emplace_back("command", "not known to this version");
    asked_[{*box, opened->request.counter}] = opened->request;
}

void SealReader::add_answer(const Frame& frame, Words& words) {
    const auto box = box_of(frame.address);
    ByteReader reader(frame.bytes());
    (void)reader.take(4);
    const std::uint32_t counter = reader.get_u32();
    const auto asked = box ? asked_.find({*box, counter}) : asked_.end();
    if (!reader.ok() || asked == asked_.end()) {
        words.emplace_back("seal", "cannot be checked: give the request in front of its answer");
        words.emplace_back("counter", std::to_string(counter));
        return;
    }
    const auto answer = unseal_answer(mac_, diversify(mac_, master_, *box), *box, asked->second, frame.bytes());
    if (!answer) {
        words.emplace_back("seal", "broken: not this box's answer to this request");
        return;
    }
    words.emplace_back("seal", "authentic");
    words.emplace_back("counter", std::to_string(answer->counter));
    words.emplace_back("household", std::to_string(answer->household));
    words.emplace_back("result", std::string(kResults[static_cast<int>(answer->result)]) +
                                     (answer->repeated ? " (had been executed before)" : ""));
    if (answer->result == card::Result::kOldCounter)
        words.emplace_back("highest counter", std::to_string(answer->last_counter));
    else if (answer->household != 0 && answer->result != card::Result::kNoHousehold)
        add_effect(words, answer->effect);
}

Words words_of(const Frame& frame, SealReader* seals) {
    Words words;
    std::string address = printed(frame.address);
    if (frame.address == dlt645::kBroadcast) address += " (everybody)";
    if (frame.address == dlt645::kWildcard) address += " (whoever is there)";
    words.emplace_back("address", address);
    words.emplace_back("direction",
                       frame.control.is_reply() ? (frame.control.is_error() ? "refusal" : "reply") : "request");
    words.emplace_back("function", std::string(word_of(frame.control.function())));
    words.emplace_back("control", hex_of({&frame.control.code, 1}));
    if (frame.control.is_error())
        add_error_words(words, frame);
    else if (frame.control.is_reply())
        add_reply_words(words, frame, seals);
    else
        add_request_words(words, frame, seals);
    if (frame.control.more_follows()) words.emplace_back("more", "follows");
    return words;
}

std::string_view word_of(Function function) {
    switch (function) {
        case Function::kSecurity:
            return "security";
        case Function::kSetTime:
            return "set time";
        case Function::kRead:
            return "read";
        case Function::kReadFollowing:
            return "read following";
        case Function::kReadAddress:
            return "read address";
        case Function::kWrite:
            return "write";
        case Function::kWriteAddress:
            return "write address";
        case Function::kFreeze:
            return "freeze";
        case Function::kSetSpeed:
            return "set speed";
        case Function::kSetPassword:
            return "set password";
        case Function::kClearDemand:
            return "clear demand";
        case Function::kClearMeter:
            return "clear meter";
        case Function::kClearEvents:
            return "clear events";
        case Function::kControl:
            return "relay control";
        case Function::kTerminal:
            return "test output";
    }
    return "not known";
}

std::string words_of_error(std::uint8_t error) {
    constexpr const char* names[16] = {"other error",
                                       "no such data",
                                       "password wrong or not authorised",
                                       "speed cannot change",
                                       "too many year zones",
                                       "too many day periods",
                                       "too many tariffs",
                                       "programming key not pressed"};
    return bits_text(error, names);
}

std::string words_of_holds(HoldSet holds) {
    std::string out;
    for (int hold = 0; hold < kHoldCount; ++hold) {
        if (!holds.has(static_cast<Hold>(hold))) continue;
        if (!out.empty()) out += ", ";
        out += kHoldWords[hold];
    }
    return out;
}

std::string words_of_state(HouseholdState state) {
    std::string out = state.has(StateBit::kRelayClosed) ? "on" : "off";
    const std::string holds = words_of_holds(state.holds());
    if (!holds.empty()) out += ": " + holds;
    if (state.has(StateBit::kForced)) out += "; forced power";
    if (state.has(StateBit::kLowCredit)) out += "; low credit";
    if (state.has(StateBit::kRelayFault)) out += "; relay does not obey";
    if (state.has(StateBit::kReverse)) out += "; reverse energy";
    return out;
}

std::optional<Words> private_words(DataId id, Bytes data) {
    Words words;
    if (id == dlt645::kHouseholdBlock) {
        const auto block = dlt645::decode_household_block(data);
        if (!block) return std::nullopt;
        words.emplace_back("version", std::to_string(block->version));
        words.emplace_back("box", bits_text(block->flags.bits, kFlags));
        words.emplace_back("households", std::to_string(block->household_count));
        for (int n = 1; n <= block->household_count; ++n) {
            if (!block->present[static_cast<std::size_t>(n)]) continue;
            const dlt645::HouseholdRecord& record = block->records[static_cast<std::size_t>(n)];
            words.emplace_back("household " + std::to_string(n), decimal(record.remaining_hundredths) + " remaining, " +
                                                                     decimal(record.forward_hundredths) + " kWh, " +
                                                                     words_of_state(record.state));
        }
    } else if (id == dlt645::kBlockPower) {
        const auto power = dlt645::decode_block_power(data);
        if (!power) return std::nullopt;
        for (int n = 1; n <= power->household_count; ++n)
            words.emplace_back("household " + std::to_string(n),
                               fixed(power->tenths_of_watt[static_cast<std::size_t>(n)], 10, 1) + " W");
    } else if (id == dlt645::kAccountStatus) {
        const auto account = dlt645::decode_account_status(data);
        if (!account) return std::nullopt;
        words.emplace_back("epoch", std::to_string(account->epoch));
        words.emplace_back("ticket", std::to_string(account->ticket_number));
        words.emplace_back("credited so far", decimal(account->credited_hundredths));
        words.emplace_back("used", decimal(in_hundredths(account->used, Round::kUp)));
        words.emplace_back("forward", decimal(in_hundredths(account->forward, Round::kDown)) + " kWh");
        words.emplace_back("reverse", decimal(in_hundredths(account->reverse, Round::kDown)) + " kWh");
        words.emplace_back("state", words_of_state(account->state));
        words.emplace_back("low credit below", decimal(account->low_alarm_hundredths));
        words.emplace_back("cut-off at", decimal(account->cutoff_alarm_hundredths));
        words.emplace_back("overdraft", decimal(account->overdraft_hundredths));
        if (account->previous_epoch != 0) {
            words.emplace_back("epoch before", std::to_string(account->previous_epoch));
            words.emplace_back("used then", decimal(in_hundredths(account->previous_used, Round::kUp)));
            words.emplace_back("credited then", decimal(in_hundredths(account->previous_credited, Round::kDown)));
        }
    } else if (id == dlt645::kLiveValues) {
        const auto live = dlt645::decode_live_values(data);
        if (!live) return std::nullopt;
        words.emplace_back("phase", live->three_phase
                                        ? "A, B, C"
                                        : std::string(1, static_cast<char>('A' + static_cast<int>(live->phase))));
        words.emplace_back("voltage", fixed(live->voltage.count(), 1000, 3) + " V");
        if (live->three_phase)
            for (std::size_t k = 0; k < live->voltage_b_c.size(); ++k)
                words.emplace_back(k == 0 ? "voltage B" : "voltage C",
                                   fixed(live->voltage_b_c[k].count(), 1000, 3) + " V");
        words.emplace_back("frequency", fixed(live->frequency.count(), 1000, 3) + " Hz");
        int n = 0;
        for (const dlt645::LiveCircuit& circuit : live->circuits)
            words.emplace_back("circuit " + std::to_string(++n),
                               fixed(circuit.current.count() / 1000, 1000, 3) + " A, " +
                                   fixed(circuit.active.count() / 100'000, 10, 1) + " W, " +
                                   fixed(circuit.reactive.count() / 100'000, 10, 1) + " var, " +
                                   fixed(circuit.apparent.count() / 100'000, 10, 1) + " VA, power factor " +
                                   fixed(circuit.power_factor.count(), 1000, 3) + ", relay " +
                                   (circuit.relay_closed ? "closed" : "open"));
    } else if (id == dlt645::kGuardStatus) {
        const auto guards = dlt645::decode_guard_status(data);
        if (!guards) return std::nullopt;
        add_guards(words, *guards);
    } else if (id == dlt645::kSettingSums) {
        const auto sums = dlt645::decode_setting_sums(data);
        if (!sums) return std::nullopt;
        words.emplace_back("check sum of the box", std::to_string(sums->box));
        for (std::size_t n = 0; n < sums->household_count; ++n)
            words.emplace_back(
                sums->household_count == 1 ? "of the household" : "of household " + std::to_string(n + 1),
                std::to_string(sums->households[n]));
    } else if (dlt645::is_setting_item(id)) {
        const auto bytes = dlt645::decode_setting(data);
        if (!bytes) return std::nullopt;
        words.emplace_back("setting", words_of_setting(static_cast<settings::SettingId>(id.di1()), id.di0()));
        words.emplace_back("bytes", hex_of(*bytes));
    } else if (id == dlt645::kBoxStatus) {
        const auto box = dlt645::decode_box_status(data);
        if (!box) return std::nullopt;
        words.emplace_back("circuits per household", std::to_string(box->circuits_per_household));
        words.emplace_back("households", std::to_string(box->household_count));
        words.emplace_back("pulses per kWh", std::to_string(box->pulse_constant));
        words.emplace_back("rating", std::to_string(box->basic_current_amperes) + "(" +
                                         std::to_string(box->max_current_amperes) + ") A");
        words.emplace_back("starts", std::to_string(box->boot_count));
        words.emplace_back("last command", std::to_string(box->command_counter));
        words.emplace_back("clock", box->clock == 0 ? "not set" : text_of(box->clock));
        for (std::size_t phase = 0; phase < 3; ++phase)
            words.emplace_back(std::string("voltage ") + static_cast<char>('A' + phase),
                               fixed(box->voltage[phase].count(), 1000, 3) + " V");
        words.emplace_back("frequency", fixed(box->frequency.count(), 1000, 3) + " Hz");
    } else {
        return std::nullopt;
    }
    return words;
}

}  // namespace prewatt::cli

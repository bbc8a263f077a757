// A box as a line master sees it, for tests: answers the private items from plain values and keeps the rules of sealed
// commands (docs/formats/sealed-command.md). No metering and no time of its own; whoever owns it decides when an answer
// arrives, whether it arrives, and how damaged. The real device is meter/node; tests/scenario puts it on the simulated
// line.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/crc.hpp"
#include "card/seal.hpp"
#include "protocols/dlt645/frame.hpp"
#include "protocols/dlt645/private_items.hpp"
#include "settings/settings.hpp"

namespace prewatt::collect {

class FakeBox {
  public:
    FakeBox(card::Mac& mac, std::uint64_t ten_digits, const card::BoxKeys& box_keys)
        : keys(box_keys), number(ten_digits), mac_(mac) {
        for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h) {
            accounts[h].state.set(StateBit::kRelayClosed, false);
            HoldSet holds;
            holds.set(Hold::kNotOpened, true);
            accounts[h].state.set_holds(holds);
        }
    }

    // --- Faults, as data
    std::uint32_t refuse_next = 0;  // this many sealed commands are refused as if the tag were wrong
    std::optional<card::Result> result_always;
    std::uint32_t restart_before_commit = 0;  // this many commits find the parts forgotten
    bool has_no_settings = false;             // firmware of the first boxes
    bool is_dead = false;

    // --- What it is and has seen
    card::BoxKeys keys;
    std::uint64_t number;
    std::array<dlt645::AccountStatus, kHouseholdsMax + 1> accounts;
    std::array<std::uint32_t, kHouseholdsMax + 1> changed{};  // version of the last change
    std::uint32_t version = 1;
    std::uint32_t command_counter = 0;
    CivilSeconds clock = 0;
    std::unique_ptr<settings::Settings> all_settings = std::make_unique<settings::Settings>();
    int sums_read = 0;
    int items_read = 0;
    int executed = 0;  // sealed commands that changed the counter
    std::vector<card::SealedRequest> requests;
    std::vector<dlt645::FreezeBlock> freezes;  // of month's ends, the newest first
    int freeze_frames = 0;                     // first frames that were asked for

    void touch(std::uint8_t household) { changed[household] = ++version; }
    // Everything as it left the factory, but for number and keys.
    void forget_all() {
        const FakeBox fresh(mac_, number, keys);
        accounts = fresh.accounts;
        *all_settings = {};
        changed = {};
        version = 1000;
        command_counter = 0;
    }

    std::optional<dlt645::FrameBytes> on_request(const dlt645::Frame& frame) {
        using dlt645::Function;
        if (is_dead || frame.control.is_reply()) return {};
        std::uint8_t household = 0xFF;
        for (std::uint8_t h = 0; h <= kHouseholdsMax; ++h)
            if (frame.address == dlt645::address_of({number}, Household{h})) household = h;
        if (household == 0xFF) return {};
        switch (frame.control.function()) {
            case Function::kRead:
                return read(frame, household);
            case Function::kReadFollowing:
                return following(frame);
            case Function::kSecurity:
                return command(frame);
            default:
                return {};
        }
    }

  private:
    dlt645::FrameBytes reply(const dlt645::Frame& frame, Bytes data, bool more = false) const {
        return dlt645::encode(frame.address, dlt645::reply(frame.control.function(), more), data, 0);
    }
    static dlt645::FrameBytes error(const dlt645::Frame& frame, Bytes code) {
        return dlt645::encode(frame.address, dlt645::error_reply(frame.control.function()), code, 0);
    }
    std::optional<dlt645::FrameBytes> read(const dlt645::Frame& frame, std::uint8_t household) {
        rest_.clear();
        ByteReader reader(frame.bytes());
        const dlt645::DataId id{reader.get_u32()};
        std::array<Byte, 1024> body{};
        std::size_t size = 0;
        if (id == dlt645::kHouseholdBlock && household == 0) {
            std::uint32_t held = reader.left() >= 4 ? reader.get_u32() : 0;
            if (held > version) held = 0;
            dlt645::HouseholdBlock block;
            block.version = version;
            block.household_count = kHouseholdsMax;
            for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h) {
                if (held != 0 && changed[h] <= held) continue;
                block.present.set(h);
                block.records[h] = {static_cast<std::int32_t>(in_hundredths(remaining(accounts[h]), Round::kDown)),
                                    static_cast<std::uint32_t>(in_hundredths(accounts[h].forward, Round::kDown)),
                                    accounts[h].state};
            }
            size = dlt645::encode(block, body);
        } else if (id == dlt645::kAccountStatus && household != 0) {
            size = dlt645::encode(accounts[household], body);
        } else if (id == dlt645::kBlockPower && household == 0) {
            size = dlt645::encode(dlt645::BlockPower{.household_count = kHouseholdsMax, .tenths_of_watt = {}}, body);
        } else if (id == dlt645::kLiveValues && household != 0) {
            dlt645::LiveValues live{
                .phase = Phase::kA, .voltage = volts(230), .frequency = millihertz(50000), .circuits = {}};
            live.circuits.push_back({});
            size = dlt645::encode(live, body);
        } else if (id == dlt645::kSettingSums && household == 0 && !has_no_settings) {
            ++sums_read;
            dlt645::SettingSums sums;
            sums.box = settings::checksum(*all_settings, 0);
            sums.household_count = kHouseholdsMax;
            for (std::uint8_t h = 1; h <= kHouseholdsMax; ++h)
                sums.households[h - 1] = settings::checksum(*all_settings, h);
            size = dlt645::encode(sums, body);
        } else if (dlt645::is_setting_item(id) && !has_no_settings &&
                   settings::exists(key_of(id, household), kHouseholdsMax)) {
            ++items_read;
            body[0] = 1;
            size = 1 + settings::encode(*all_settings, key_of(id, household), MutableBytes(body).subspan(1));
        } else if (id == dlt645::kMonthlyFreeze && household == 0) {
            ++freeze_frames;
            const std::size_t n = reader.get_u8();
            if (n < 1 || n > freezes.size()) return error(frame, std::array<Byte, 1>{0x02});
            dlt645::FreezeBlock block = freezes[n - 1];
            block.head.n = static_cast<std::uint8_t>(n);
            size = dlt645::encode(block, body);
        } else if (id == dlt645::kBoxStatus && household == 0) {
            dlt645::BoxStatus status;
            status.command_counter = command_counter;
            status.clock = clock;
            size = dlt645::encode(status, body);
        } else {
            return error(frame, std::array<Byte, 1>{0x02});
        }
        return pieces(frame, {body.data(), size}, 196);
    }
    std::optional<dlt645::FrameBytes> following(const dlt645::Frame& frame) {
        if (rest_.empty() || frame.data.size() != 5) return error(frame, std::array<Byte, 1>{0x02});
        const std::size_t from = (frame.data[4] - 1u) * 195u;
        if (frame.data[4] == 0 || from >= rest_.size()) return error(frame, std::array<Byte, 1>{0x02});
        const std::size_t size = std::min<std::size_t>(rest_.size() - from, 195);
        std::vector<Byte> data(frame.data.begin(), frame.data.begin() + 4);
        const auto begin = rest_.begin() + static_cast<std::ptrdiff_t>(from);
        data.insert(data.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
        data.push_back(frame.data[4]);
        // rest_ stays: a repeat of the same number is answered again
        return reply(frame, data, from + size < rest_.size());
    }
    dlt645::FrameBytes pieces(const dlt645::Frame& frame, Bytes body, std::size_t size_max) {
        const std::size_t size = std::min(body.size(), size_max);
        std::vector<Byte> data(frame.data.begin(), frame.data.begin() + 4);
        data.insert(data.end(), body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
        rest_.assign(body.begin() + static_cast<std::ptrdiff_t>(size), body.end());
        return reply(frame, data, !rest_.empty());
    }
    static Credit remaining(const dlt645::AccountStatus& account) {
        return credit_of_hundredths(account.credited_hundredths) - account.used;
    }
    card::Effect effect(std::uint8_t household) const {
        const dlt645::AccountStatus& a = accounts[household];
        return {a.epoch, a.ticket_number, static_cast<std::int32_t>(in_hundredths(remaining(a), Round::kDown)),
                a.state};
    }
    std::optional<dlt645::FrameBytes> command(const dlt645::Frame& frame) {
        rest_.clear();
        requests.emplace_back();
        for (const Byte byte : frame.bytes())
            requests.back().push_back(byte);
        const auto opened = card::unseal_request(mac_, keys, number, frame.bytes());
        if (!opened || refuse_next > 0) {
            if (refuse_next > 0) --refuse_next;
            return error(frame, std::array<Byte, 2>{0x04, 0x00});
        }
        const card::Request& request = opened->request;
        card::Answer answer;
        answer.counter = request.counter;
        answer.household = request.household;
        if (request.counter < command_counter) {
            answer.result = card::Result::kOldCounter;
            answer.last_counter = command_counter;
        } else {
            if (request.counter == command_counter) {
                answer.repeated = true;
            } else if (!result_always) {
                command_counter = request.counter;
                ++executed;
                last_result_ = execute(request);
            }
            answer.result = result_always.value_or(last_result_);
            if (request.household != 0) answer.effect = effect(request.household);
        }
        const card::SealedAnswer sealed = card::seal_answer(mac_, keys, number, request.operator_number, answer);
        return reply(frame, {sealed.data(), sealed.size()});
    }
    static settings::SettingKey key_of(dlt645::DataId id, std::uint8_t household) {
        return {static_cast<settings::SettingId>(id.value >> 8 & 0xFF), household,
                static_cast<std::uint8_t>(id.value & 0xFF)};
    }
    card::Result set(const card::Request& request) {
        if (const auto* part = std::get_if<card::StageSetting>(&request.command)) {
            const settings::SettingKey key{part->setting, request.household, part->index};
            if (!(key == staged_key_) || part->offset == 0) staged_.clear();
            staged_key_ = key;
            if (staged_.size() != part->offset) staged_.clear();
            staged_.insert(staged_.end(), part->part.begin(), part->part.end());
            return card::Result::kDone;
        }
        if (restart_before_commit > 0) {
            --restart_before_commit;
            staged_.clear();
        }
        const auto& whole = std::get<card::CommitSetting>(request.command);
        const settings::SettingKey key{whole.setting, request.household, whole.index};
        const Bytes value{staged_.data(), staged_.size()};
        const bool fits = key == staged_key_ && staged_.size() == whole.length && crc32(value) == whole.crc;
        return fits && settings::decode(*all_settings, key, value, kHouseholdsMax) ? card::Result::kDone
                                                                                   : card::Result::kBadArgument;
    }
    card::Result execute(const card::Request& request) {
        if (std::holds_alternative<card::StageSetting>(request.command) ||
            std::holds_alternative<card::CommitSetting>(request.command))
            return set(request);
        dlt645::AccountStatus& a = accounts[request.household];
        HoldSet holds = a.state.holds();
        if (const auto* ticket = std::get_if<card::Ticket>(&request.command)) {
            if (ticket->epoch > a.epoch) {
                a.epoch = ticket->epoch;
                a.ticket_number = 0;
                a.used = {};
            }
            if (ticket->epoch == a.epoch && ticket->number > a.ticket_number) {
                a.ticket_number = ticket->number;
                a.credited_hundredths = ticket->credited_hundredths;
            }
            holds.set(Hold::kNotOpened, false);
        } else if (const auto* hold = std::get_if<card::RemoteHold>(&request.command)) {
            holds.set(Hold::kRemote, hold->off);
        } else if (const auto* alarms = std::get_if<card::Alarms>(&request.command)) {
            a.low_alarm_hundredths = alarms->low_hundredths;
            a.cutoff_alarm_hundredths = alarms->cutoff_hundredths;
            a.overdraft_hundredths = alarms->overdraft_hundredths;
        } else if (const auto* clock_set = std::get_if<card::SetClock>(&request.command)) {
            clock = clock_set->time;
        } else if (std::holds_alternative<card::Clear>(request.command)) {
            const dlt645::AccountStatus before = a;
            a = {};
            a.state = before.state;
            a.previous_epoch = before.epoch;
            holds.set(Hold::kNotOpened, true);
        }
        a.state.set_holds(holds);
        touch(request.household);
        return card::Result::kDone;
    }

    card::Result last_result_ = card::Result::kDone;
    settings::SettingKey staged_key_;
    std::vector<Byte> staged_;
    card::Mac& mac_;
    std::vector<Byte> rest_;
};

}  // namespace prewatt::collect

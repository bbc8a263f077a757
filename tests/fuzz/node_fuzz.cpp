// A live box under a script of accidents: bytes on the line, sealed commands, loads, samples, time, a wire between its
// two processors that flips, tears, loses and doubles, resets and hangs of either processor, supply that goes with
// and without warning, writes that are refused. What was used only grows, credit comes from tickets that were sent and
// from nothing else, and the box always comes back.
//   wiring and how it is fed u8 | (operation u8, argument u8, further bytes) ...
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.hpp"
#include "base/crc.hpp"
#include "card/seal.hpp"
#include "meter/node/fake_board.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::meter;

namespace {

// Not yet booked when the supply goes without warning: 0.01 kWh, and windows that were on their way.
constexpr Energy kMayBeLost{36'000 + 4 * 3'600};

// What happens to frames between the processors, from the input.
class Accidents final : public WireFault {
  public:
    std::size_t disturb(Bytes sent, Processor, MutableBytes out) override {
        std::copy(sent.begin(), sent.end(), out.begin());
        if (left == 0 || sent.empty()) return sent.size();
        --left;
        switch (kind % 4) {
            case 0:
                out[where % sent.size()] ^= static_cast<Byte>(1 << where % 8);
                return sent.size();
            case 1:
                return 0;
            case 2:
                return where % sent.size();
            default:
                std::copy(sent.begin(), sent.end(), out.begin() + static_cast<std::ptrdiff_t>(sent.size()));
                return 2 * sent.size();
        }
    }
    int left = 0;
    std::uint8_t kind = 0;
    std::size_t where = 0;
};

struct Known {
    std::map<std::pair<std::uint16_t, std::uint32_t>, std::int64_t> tickets;  // epoch, number: hundredths
    Energy forward, reverse;
    bool cleared = false;
};

class Story {
  public:
    explicit Story(std::uint8_t head)
        : board_(static_cast<Wiring>(head % 4), head & 0x10 ? 512 * 1024 : 32 * 1024), sampled_((head & 0x20) != 0) {
        start();
    }
    void run(ByteReader& reader) {
        for (int budget = 60; budget > 0 && reader.left() >= 2; --budget) {
            const std::uint8_t operation = reader.get_u8(), argument = reader.get_u8();
            step(operation % 14, argument, reader);
            if (!reader.ok()) break;
            look();
        }
        // All faults over: the box works.
        accidents_.left = 0;
        go(seconds(5));
        look(true);
        cut();
        go(seconds(3));
        FUZZ_CHECK(board_.node->storage_sound());
        look();
        const card::Answer answer = board_.command(
            {.operator_number = 7, .counter = next_counter(), .household = 1, .command = card::RemoteHold{false}});
        FUZZ_CHECK(answer.result == card::Result::kDone);
    }

  private:
    void start() {
        FUZZ_CHECK(board_.start() != StartResult::kStorageDead);
        board_.node->set_wire_fault(&accidents_);
    }
    // Without warning; the memory is sound afterwards.
    void cut() {
        board_.now = board_.now + seconds(1);
        board_.storage.power_up();
        board_.retained = {};
        restarted_ = true;
        start();
    }
    std::uint32_t next_counter() {
        board_.counter = std::max(board_.counter, board_.node->command_counter()) + 1;
        return board_.counter;
    }
    void go(Duration d) {
        if (!sampled_) return board_.run(d);
        const Instant end = board_.now + d;
        while (board_.now < end) {
            SampleBlock block;
            block.sample_count = kBlockSamplesMax;
            for (std::size_t k = 0; k < static_cast<std::size_t>(kBlockSamplesMax); ++k) {
                static constexpr std::array<std::int16_t, 20> kQuarter{0,     1883,  3754,  5603,  7416,  9184,  10896,
                                                                       12539, 14107, 15587, 16971, 18250, 19416, 20463,
                                                                       21384, 22173, 22825, 23337, 23705, 23926};
                const std::size_t n = k % 40, q = n < 20 ? n : 39 - n;
                const auto v = static_cast<std::int16_t>(k < 40 ? kQuarter[q] : -kQuarter[q]);
                for (auto& row : block.voltage)
                    row[k] = v;
                for (std::size_t c = 0; c < kCircuitsMax; ++c)
                    if (board_.relays.contact[c]) block.current[c][k] = static_cast<std::int16_t>(v * load_[c] / 256);
            }
            board_.now = board_.now + milliseconds(20);
            board_.next = board_.node->on_samples(block, board_.now);
            while (board_.next <= board_.now)
                board_.next = board_.node->poll(board_.now);
        }
    }

    void step(int operation, std::uint8_t argument, ByteReader& reader) {
        Node& node = *board_.node;
        switch (operation) {
            case 0:
                go(milliseconds(sampled_ ? argument * 4 : argument * 40));
                break;
            case 1:
                load_[argument % kCircuitsMax] = static_cast<std::int8_t>(reader.get_u8());
                board_.load({static_cast<std::uint8_t>(argument % kCircuitsMax)},
                            watts(50 * load_[argument % kCircuitsMax]));
                break;
            case 2: {  // bytes on the line
                const Bytes bytes = reader.take(std::min<std::size_t>(argument, reader.left()));
                (void)board_.exchange({bytes.begin(), bytes.end()}, milliseconds(100));
                break;
            }
            case 3: {  // a reading, with the address and check right
                const Bytes id = reader.take(std::min<std::size_t>(4, reader.left()));
                const auto frame = dlt645::encode(
                    dlt645::address_of(board_.config.box, {static_cast<std::uint8_t>(argument % 41)}),
                    dlt645::request(argument & 0x80 ? dlt645::Function::kReadFollowing : dlt645::Function::kRead), id);
                (void)board_.exchange({frame.begin(), frame.end()}, milliseconds(200));
                break;
            }
            case 4:
                command(argument, reader);
                break;
            case 5:
                board_.next = node.on_power_fail(board_.now);
                break;
            case 6:
                cut();
                break;
            case 7:
                accidents_.left = argument % 32;
                accidents_.kind = reader.get_u8();
                accidents_.where = reader.get_u16();
                break;
            case 8:
                board_.next = node.reset(argument % 2 == 0 ? Processor::kMetering : Processor::kManagement, board_.now);
                break;
            case 9:
                // Whoever hangs is reset by the other; that both hang at once is the business of a watchdog outside.
                if (board_.now < hung_until_) break;
                hung_until_ = board_.now + seconds(5);
                board_.next = node.hang(argument % 2 == 0 ? Processor::kMetering : Processor::kManagement, board_.now);
                break;
            case 10: {  // writes that are refused, or the supply goes inside one
                FakeStorage::Faults faults;
                (argument & 1 ? faults.cut_at_byte : faults.fail_at_write) = reader.get_u8();
                faults.failed_writes_arrive = (argument & 2) != 0;
                faults.damaged_byte = argument & 4 ? -1 : 256;
                board_.storage.power_up(faults);
                go(milliseconds(200));
                board_.next = node.on_power_fail(board_.now);
                cut();
                break;
            }
            case 11:
                board_.clock.time = argument == 0 ? std::nullopt : std::optional<CivilSeconds>(reader.get_u32());
                break;
            case 12:
                node.set_byte_time(microseconds(argument % 4 * 10));
                break;
            case 13:  // a setting, whole and in order
                setting(argument, reader);
                break;
        }
    }

    void command(std::uint8_t argument, ByteReader& reader) {
        const int count = board_.node->household_count();
        card::Request request;
        request.operator_number = 7;
        request.counter = next_counter();
        request.household = static_cast<std::uint8_t>(1 + reader.get_u8() % count);
        Known& known = known_[request.household];
        switch (argument % 9) {
            case 0: {
                const card::Ticket ticket{static_cast<std::uint16_t>(1 + reader.get_u8() % 3), reader.get_u8() % 8u,
                                          reader.get_u16()};
                // The office never gives a number twice.
                if (!known.tickets.emplace(std::pair{ticket.epoch, ticket.number}, ticket.credited_hundredths).second)
                    return;
                request.command = ticket;
                break;
            }
            case 1:
                request.command = card::RemoteHold{(reader.get_u8() & 1) != 0};
                break;
            case 2:
                request.command = card::ForcePower{reader.get_u16(), HoldSet{reader.get_u8()}};
                break;
            case 3:
                request.command = card::Acknowledge{};
                break;
            case 4:
                request.command = card::Alarms{reader.get_u16(), reader.get_u16(), reader.get_u8()};
                break;
            case 5:
                request.household = 0;
                request.command = card::SetClock{reader.get_u32()};
                break;
            case 6:
                request.command = card::ResetLockout{true, true};
                break;
            case 7:
                request.command = card::LearnAppliance{reader.get_u8(), reader.get_u16()};
                break;
            case 8:
                request.command = card::Clear{card::ClearStep::kCarryOut};
                known.cleared = true;
                break;
        }
        (void)board_.command(request);
        if (argument & 0x80) (void)board_.command(request);  // a repeat is not executed again
    }

    // Any bytes under any identifier, announced rightly: the box takes them as a whole or not at all.
    void setting(std::uint8_t argument, ByteReader& reader) {
        const auto id = static_cast<settings::SettingId>(reader.get_u8() % 32);
        const auto household =
            static_cast<std::uint8_t>(argument & 0x80 ? 0 : 1 + argument % board_.node->household_count());
        const std::uint8_t index = reader.get_u8() % 16;
        const Bytes value = reader.take(std::min<std::size_t>(argument % 64u, reader.left()));
        for (std::size_t at = 0; at < value.size(); at += card::kSettingPartMax) {
            card::StageSetting part{id, index, static_cast<std::uint8_t>(at), {}};
            for (const Byte byte : value.subspan(at, std::min(card::kSettingPartMax, value.size() - at)))
                (void)part.part.push_back(byte);
            (void)board_.command(
                {.operator_number = 7, .counter = next_counter(), .household = household, .command = part});
        }
        (void)board_.command(
            {.operator_number = 7,
             .counter = next_counter(),
             .household = household,
             .command = card::CommitSetting{id, index, static_cast<std::uint8_t>(value.size()), crc32(value)}});
    }

    // What must be true at every instant.
    void look(bool settled = false) {
        const Node& node = *board_.node;
        FUZZ_CHECK(board_.relays.coils_on <= 1);
        for (int n = 1; n <= node.household_count(); ++n) {
            const HouseholdView view = node.household({static_cast<std::uint8_t>(n)});
            Known& known = known_[static_cast<std::size_t>(n)];
            if (view.ticket_number != 0) {
                const auto ticket = known.tickets.find({view.epoch, view.ticket_number});
                FUZZ_CHECK(ticket != known.tickets.end());
                FUZZ_CHECK(view.credited == Credit{ticket->second * 36'000});
            } else {
                FUZZ_CHECK(view.credited == Credit{});
            }
            FUZZ_CHECK(view.remaining.count() == view.credited.count() - view.used.count());
            FUZZ_CHECK(view.used >= Credit{});
            // What a reset of one processor takes back comes again with the next window; what went with the supply does
            // not.
            if (!known.cleared) {
                const Energy back = settled ? Energy{} : kMayBeLost;
                FUZZ_CHECK(view.forward + back >= known.forward);
                FUZZ_CHECK(view.reverse + back >= known.reverse);
            }
            const bool anew = known.cleared || restarted_;
            known.forward = anew ? view.forward : std::max(known.forward, view.forward);
            known.reverse = anew ? view.reverse : std::max(known.reverse, view.reverse);
            known.cleared = false;
        }
        restarted_ = false;
    }

    FakeBoard board_;
    bool sampled_;
    Accidents accidents_;
    std::array<Known, kHouseholdsMax + 1> known_{};
    std::array<std::int8_t, kCircuitsMax> load_{};
    bool restarted_ = false;
    Instant hung_until_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Story story(data[0]);
    ByteReader reader(Bytes(data + 1, size - 1));
    story.run(reader);
    return 0;
}

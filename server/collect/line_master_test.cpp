#include "server/collect/line_master.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "card/openssl/openssl_mac.hpp"
#include "server/collect/fake_box.hpp"
#include "server/domain/reconcile.hpp"

namespace prewatt::collect {
namespace {

constexpr card::Key kMaster{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr UnixTime kUnixStart{1'790'000'000'000};
constexpr CivilSeconds kCivilStart = 842'000'000;

// Writes down what the line says, and keeps the counters as a store would.
class RecordingOffice final : public LineOffice {
  public:
    void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) override {
        ++asked_for_counters;
        if (!gives_counters || !master) return;
        std::uint32_t& next = counter_next[box.value];
        next = std::max(next, above + 1);
        const std::uint32_t first = next;
        next += count;
        give = [this, box, first, count](Instant now) { master->on_counters(box, first, count, now); };
    }
    void on_block(const BlockReading& reading) override {
        ++blocks[reading.box.value];
        if (reading.complete) ++complete_blocks[reading.box.value];
        for (const HouseholdReading& h : reading.changed) {
            ++readings;
            last[reading.box.value * 100 + h.number] = h.record;
        }
    }
    void on_power(BoxId, const dlt645::BlockPower&, UnixTime) override { ++powers; }
    void on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) override {
        accounts.push_back(status);
        if (judge) judge(household, status, at);
    }
    void on_status(BoxId, const dlt645::BoxStatus&, UnixTime) override { ++statuses; }
    void on_live(LiveRequest request, const std::expected<dlt645::LiveValues, ReadError>& live, UnixTime) override {
        lives.emplace_back(request, live ? std::optional<ReadError>{} : live.error());
    }
    void on_answering(BoxId box, bool answers, UnixTime) override { answering[box.value] = answers; }
    void on_sent(const Delivery& delivery, UnixTime at) override { sent.emplace_back(delivery, at); }
    void on_confirmed(const Delivery& delivery, const card::Effect& effect, UnixTime at) override {
        confirmed.push_back({delivery, effect, at});
    }
    void on_freeze(const FreezeReading& reading) override {
        freezes.emplace_back(reading.box, reading.due);
        frozen.assign(reading.households.begin(), reading.households.end());
    }
    void on_setting(BoxId box, const SettingNews& one, UnixTime) override { settings.emplace_back(box, one); }
    void on_refused(const Delivery& delivery, std::string_view problem, bool for_good, UnixTime) override {
        refused.push_back({delivery, std::string(problem), for_good});
    }

    struct Confirmed {
        Delivery delivery;
        card::Effect effect;
        UnixTime at;
    };
    struct Refused {
        Delivery delivery;
        std::string problem;
        bool for_good;
    };
    LineMaster* master = nullptr;
    bool gives_counters = true;
    int asked_for_counters = 0;
    std::map<std::int64_t, std::uint32_t> counter_next;
    std::function<void(Instant)> give;
    std::function<void(HouseholdId, const dlt645::AccountStatus&, UnixTime)> judge;
    std::map<std::int64_t, int> blocks;
    std::map<std::int64_t, int> complete_blocks;
    std::map<std::int64_t, dlt645::HouseholdRecord> last;
    std::map<std::int64_t, bool> answering;
    int readings = 0;
    int powers = 0;
    int statuses = 0;
    std::vector<dlt645::AccountStatus> accounts;
    std::vector<std::pair<LiveRequest, std::optional<ReadError>>> lives;
    std::vector<std::pair<Delivery, UnixTime>> sent;
    std::vector<Confirmed> confirmed;
    std::vector<Refused> refused;
    std::vector<std::pair<BoxId, SettingNews>> settings;
    std::vector<std::pair<BoxId, CivilSeconds>> freezes;
    std::vector<FrozenReading> frozen;  // of the last one
};

// Due at the first of a month.
constexpr CivilSeconds first_of(int month) {
    return to_seconds({2026, static_cast<std::uint8_t>(month), 1, 0, 0, 0});
}
dlt645::FreezeBlock frozen_at(CivilSeconds due) {
    dlt645::FreezeBlock block;
    block.head = {0, due, due, 0, 39};
    for (std::uint32_t h = 1; h <= 39; ++h)
        block.households[h] = {due / 1000 + h, 0, static_cast<std::int32_t>(h) - 5, 0};
    return block;
}

// A line of fake boxes: frames take their time, answers come whole. What happens to an answer is decided by `fate`.
class Line {
  public:
    explicit Line(int boxes, const LineSettings& settings = {}) : settings_(settings) {
        for (int k = 1; k <= boxes; ++k) {
            const std::uint64_t number = 1'000'000'000u + static_cast<unsigned>(k);
            const card::BoxKeys keys = card::diversify(mac_, kMaster, number);
            boxes_.push_back(std::make_unique<FakeBox>(mac_, number, keys));
            boxes_.back()->clock = kCivilStart;
            setups_.push_back({BoxId{k}, number, 39, keys});
        }
        restart_office();
    }
    // The office process dies and comes back: a new master, what was on disk stays.
    void restart_office() {
        master = std::make_unique<LineMaster>(settings_, office_mac_, office);
        office.master = master.get();
        office.judge = [this](HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) {
            judge(household, status, at);
        };
        pending_.clear();
        master->set_clock(now, UnixTime{kUnixStart.ms + now.microseconds() / 1000},
                          kCivilStart + static_cast<CivilSeconds>(now.microseconds() / 1'000'000));
        master->set_boxes(setups_);
        for (const auto& [key, desired] : desired_)
            master->desire(desired, now);
    }
    FakeBox& box(int k) { return *boxes_[k - 1]; }
    // As the office on its database: a total that is not the one of this ticket, a ticket that it has not issued or an
    // account that went back stops the tickets.
    void judge(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) {
        if (!judges) return;
        DesiredState& d = desired_[static_cast<int>(household.value)];
        server::KnownAccount known;
        known.newest = d.ticket;
        known.meter_epoch = d.confirmed_epoch;
        for (const auto& c : office.confirmed)
            if (c.delivery.household == household) known.meter_epoch = std::max(known.meter_epoch, c.effect.epoch);
        server::MeterEffect shown;
        shown.epoch = status.epoch;
        shown.ticket_number = status.ticket_number;
        shown.previous_epoch = status.previous_epoch;
        shown.remaining = credit_of_hundredths(status.credited_hundredths) - status.used;
        known.as_issued = credit_of_hundredths(status.credited_hundredths);
        if (status.epoch == d.ticket.epoch && status.ticket_number == d.ticket.number)
            known.as_issued = d.ticket.credited;
        shown.credited = credit_of_hundredths(status.credited_hundredths);
        d.stopped = server::judge_account(known, shown);
        d.judged_at = at;
        judged_.push_back(d);
    }
    // Desires what `change` makes of what is desired so far.
    void desire(int box, std::uint8_t household, const std::function<void(DesiredState&)>& change) {
        DesiredState& d = desired_[box * 100 + household];
        d.household = HouseholdId{box * 100 + household};
        d.box = BoxId{box};
        d.number = household;
        change(d);
        master->desire(d, now);
    }
    // A load limit for every household of the box.
    void limit(int box, std::uint32_t milliamperes, std::uint32_t version) {
        settings::Settings all;
        all.households[0].load.milliamperes = milliamperes;
        server::BoxSettings wanted;
        wanted.box = BoxId{box};
        for (std::uint8_t h = 1; h <= 39; ++h) {
            server::SettingWish wish;
            wish.box = wanted.box;
            wish.household = HouseholdId{box * 100 + h};
            wish.number = h;
            wish.name = {0x02, 0};
            wish.version = {version, 0};
            wish.bytes.resize(settings::kSettingBytesMax);
            wish.bytes.resize(settings::encode(all, {settings::SettingId::kLoadLimit, 1, 0}, wish.bytes));
            wanted.wishes.push_back(std::move(wish));
        }
        master->desire_settings(wanted, now);
    }
    int limited(int box, std::uint32_t milliamperes) {
        int count = 0;
        for (const auto& household : boxes_[box - 1]->all_settings->households)
            count += household.load.milliamperes == milliamperes ? 1 : 0;
        return count;
    }
    void sell(int box, std::uint8_t household, std::uint32_t number, std::int64_t hundredths) {
        desire(box, household, [&](DesiredState& d) { d.ticket = {1, number, credit_of_hundredths(hundredths)}; });
    }
    void run(Duration span) {
        const Instant end = now + span;
        for (;;) {
            if (office.give) std::exchange(office.give, nullptr)(now);
            const LineMaster::Step step = master->poll(now);
            if (!step.send.empty()) {
                ++frames;
                ask(step.send);
            }
            if (office.give) continue;
            while (!judged_.empty()) {
                master->desire(judged_.front(), now);
                judged_.erase(judged_.begin());
            }
            Instant next = step.send.empty() ? step.wake_up : std::min(step.wake_up, now + microseconds(1));
            if (!pending_.empty()) next = std::min(next, pending_.begin()->first);
            if (next > end) break;
            now = std::max(now, next);
            while (!pending_.empty() && pending_.begin()->first <= now) {
                const std::vector<Byte> bytes = pending_.begin()->second;
                pending_.erase(pending_.begin());
                for (const Byte byte : bytes)
                    master->on_byte(byte, now);
            }
        }
        now = end;
    }
    bool run_until(const std::function<bool()>& done, Duration limit) {
        const Instant end = now + limit;
        while (!done() && now < end)
            run(milliseconds(10));
        return done();
    }
    enum class Fate { kArrives, kLost, kTorn, kLate };

    RecordingOffice office;
    std::unique_ptr<LineMaster> master;
    Instant now{1'000'000};
    int frames = 0;
    // Looks at a request and its answer.
    std::function<Fate(const dlt645::Frame&, std::uint64_t)> fate;
    // What becomes of an answer on its way, in a manner that its check sum does not show.
    std::function<void(std::vector<Byte>&, const dlt645::Frame&)> damage;
    bool judges = true;
    std::vector<dlt645::Frame> asked;
    std::map<int, DesiredState> desired_;

  private:
    void ask(Bytes bytes) {
        dlt645::Decoder decoder;
        std::optional<dlt645::Frame> frame;
        for (const Byte byte : bytes)
            if (auto found = decoder.on_byte(byte, now)) frame = found;
        ASSERT_TRUE(frame) << "the master sent something that is no frame";
        asked.push_back(*frame);
        Instant at = now + characters(bytes.size()) + milliseconds(20);
        for (auto& box : boxes_) {
            const auto reply = box->on_request(*frame);
            if (!reply) continue;
            const Fate what = fate ? fate(*frame, box->number) : Fate::kArrives;
            if (what == Fate::kLost) continue;
            at = at + characters(reply->size());
            if (what == Fate::kLate) at = at + milliseconds(900);
            std::vector<Byte> out(reply->begin(), reply->end());
            if (what == Fate::kTorn) out.resize(out.size() / 2);
            if (damage) damage(out, *frame);
            pending_.emplace(at, out);
        }
    }
    static Duration characters(std::size_t n) { return microseconds(static_cast<std::int64_t>(n) * 1146); }

    LineSettings settings_;
    card::OpensslMac mac_;
    card::OpensslMac office_mac_;
    std::vector<std::unique_ptr<FakeBox>> boxes_;
    std::vector<BoxSetup> setups_;
    std::multimap<Instant, std::vector<Byte>> pending_;
    std::vector<DesiredState> judged_;
};

TEST(LineMaster, ReadsEverythingOnFirstContactThenOnlyWhatChanged) {
    // A line that reads 39 rooms to learn of one needs three minutes for what it could know in half a minute.
    Line line(2);
    ASSERT_TRUE(line.run_until([&] { return line.office.complete_blocks.size() == 2; }, seconds(3)));
    EXPECT_EQ(line.office.readings, 78);
    line.box(2).accounts[7].forward += energy_of_hundredths(5);
    line.box(2).touch(7);
    line.run(seconds(3));
    EXPECT_EQ(line.office.readings, 79);
    EXPECT_EQ(line.office.last[207].forward_hundredths, 5u);
    EXPECT_GT(line.office.blocks[1], 3) << "an answer without news is still a sign of life";
}

TEST(LineMaster, ATicketIsSentOnceAndConfirmedByTheBoxItself) {
    // Success that is not the box's own word has sold light that never came.
    Line line(3);
    line.run(seconds(5));
    const UnixTime before{kUnixStart.ms + line.now.microseconds() / 1000 - 1000};
    line.sell(2, 5, 1, 5000);
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(1)));
    const auto& c = line.office.confirmed[0];
    EXPECT_EQ(c.delivery.household, HouseholdId{205});
    EXPECT_EQ(c.delivery.part, Part::kTicket);
    EXPECT_EQ(c.delivery.version, 1u);
    EXPECT_EQ(c.effect.ticket_number, 1u);
    EXPECT_EQ(c.effect.remaining_hundredths, 5000);
    EXPECT_GT(c.at, before);
    line.run(minutes(5));
    EXPECT_EQ(line.box(2).executed, 1);
    EXPECT_EQ(line.office.sent.size(), 1u);
}

TEST(LineMaster, LooksAtTheBoxAgainUntilTheRelayIsSeenClosed) {
    // The person at the desk waits for the light, not for the sweep to come round 256 boxes.
    Line line(40);
    line.run(seconds(30));
    line.sell(9, 3, 1, 5000);
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(1)));
    line.box(9).accounts[3].state.set(StateBit::kRelayClosed, true);
    line.box(9).touch(3);
    EXPECT_TRUE(
        line.run_until([&] { return line.office.last[903].state.has(StateBit::kRelayClosed); }, milliseconds(700)));
}

TEST(LineMaster, ALostAnswerIsAskedForWithTheSameBytesAndExecutedOnce) {
    // The box has taken the ticket and nobody heard it say so: a second counter would be a second command.
    Line line(1);
    line.run(seconds(2));
    int lose = 2;
    line.fate = [&](const dlt645::Frame& frame, std::uint64_t) {
        return frame.control.function() == dlt645::Function::kSecurity && lose-- > 0 ? Line::Fate::kLost
                                                                                     : Line::Fate::kArrives;
    };
    line.sell(1, 1, 1, 100);
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(4)));
    ASSERT_EQ(line.box(1).requests.size(), 3u);
    const auto bytes = [](const card::SealedRequest& r) { return std::vector<Byte>(r.data(), r.data() + r.size()); };
    EXPECT_EQ(bytes(line.box(1).requests[0]), bytes(line.box(1).requests[2]));
    EXPECT_EQ(line.box(1).executed, 1);
    EXPECT_EQ(line.office.confirmed.size(), 1u);
    EXPECT_EQ(line.office.sent.size(), 3u) << "every attempt is told";
}

TEST(LineMaster, AnOfficeOfAnOldBackupFindsTheCounterOfTheBox) {
    // After a restore every command would be a replay to the box, for ever.
    Line line(1);
    line.box(1).command_counter = 5000;
    line.sell(1, 1, 1, 100);
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(3)));
    EXPECT_GT(line.box(1).command_counter, 5000u);
    EXPECT_EQ(line.box(1).executed, 1);
    EXPECT_TRUE(line.office.refused.empty());
}

TEST(LineMaster, ACounterThatWasUsedBeforeIsNotMistakenForSuccess) {
    // The restored office begins at the very number that the box has seen last: "repeated" means somebody else's
    // command was done.
    Line line(1);
    line.box(1).command_counter = 1;
    line.desire(1, 4, [](DesiredState& d) {
        d.alarms_version.desired = 1;
        d.alarms = {energy_of_hundredths(500), energy_of_hundredths(100), {}};
    });
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(3)));
    EXPECT_EQ(line.box(1).accounts[4].low_alarm_hundredths, 500u);
    EXPECT_EQ(line.box(1).command_counter, 2u);
}

TEST(LineMaster, AWrongKeyIsReportedAndNotTriedForEver) {
    // A box of another site on this line: it must not fill the line, and somebody must learn of it.
    Line line(2);
    line.run(seconds(3));
    line.box(1).keys.to_meter[0] ^= 1;
    line.sell(1, 1, 1, 100);
    line.desire(1, 2, [](DesiredState& d) {
        d.remote_version.desired = 1;
        d.remote_off = true;
    });
    line.run(minutes(30));
    EXPECT_LE(line.box(1).requests.size(), 6u);
    ASSERT_EQ(line.office.refused.size(), 1u);
    EXPECT_NE(line.office.refused[0].problem.find("key"), std::string::npos);
    EXPECT_GT(line.office.blocks[2], 100);
    // The technician gives the box its right key; the hourly try finds it.
    line.box(1).keys.to_meter[0] ^= 1;
    EXPECT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 2; }, minutes(45)));
}

TEST(LineMaster, BeingToldTheSameAgainIsNoReasonToTryAgainAtOnce) {
    // The office tells the row again for every attempt that it notes: that must not turn into a storm on the line.
    Line line(1);
    line.run(seconds(3));
    line.box(1).keys.to_meter[0] ^= 1;
    line.sell(1, 1, 1, 100);
    for (int k = 0; k < 600; ++k) {
        line.desire(1, 1, [](DesiredState&) {});
        line.run(seconds(1));
    }
    EXPECT_LE(line.box(1).requests.size(), 4u);
}

TEST(LineMaster, ABoxThatSaysDoneAndDoesNotShowItIsNotWornOut) {
    // Each command is a write to the memory of the box; one at each reading would end it within a year.
    Line line(1);
    line.run(seconds(2));
    line.box(1).result_always = card::Result::kDone;
    line.desire(1, 6, [](DesiredState& d) {
        d.remote_version.desired = 1;
        d.remote_off = true;
    });
    line.run(minutes(10));
    EXPECT_LE(line.box(1).requests.size(), 12u);
    ASSERT_FALSE(line.office.refused.empty());
    EXPECT_TRUE(line.office.confirmed.empty());
}

TEST(LineMaster, AJobThatTheKeyForbidsFailsAndATicketStaysOpen) {
    // A job has an owner who waits for its end; a ticket is money and is never dropped.
    Line line(1);
    line.run(seconds(3));
    line.box(1).keys.to_meter[0] ^= 1;
    line.desire(1, 2, [](DesiredState& d) {
        d.remote_version.desired = 1;
        d.remote_off = true;
    });
    line.run(seconds(30));
    ASSERT_EQ(line.office.refused.size(), 1u);
    EXPECT_TRUE(line.office.refused[0].for_good);
}

TEST(LineMaster, AnAnswerThatIsForgedConfirmsNothing) {
    // Whoever taps the line can write "done"; only the box can sign it.
    Line line(1);
    line.run(seconds(2));
    line.box(1).keys.from_meter[3] ^= 0x40;
    line.sell(1, 1, 1, 100);
    line.run(seconds(30));
    EXPECT_TRUE(line.office.confirmed.empty());
    ASSERT_FALSE(line.office.refused.empty());
    EXPECT_FALSE(line.office.refused[0].for_good);
}

TEST(LineMaster, DeadBoxesDoNotSlowTheOthers) {
    // One box without supply costs a time-out of half a second each time it is asked: 20 of them would freeze the wall.
    LineSettings settings;
    settings.box_interval_min = milliseconds(1);
    const auto blocks_in_a_minute = [&](int dead) {
        Line line(30, settings);
        for (int k = 1; k <= dead; ++k)
            line.box(k).is_dead = true;
        line.run(minutes(2));
        const int before = line.office.blocks[30];
        line.run(minutes(1));
        EXPECT_EQ(line.office.answering.at(1), dead == 0);
        EXPECT_TRUE(line.office.answering.at(30));
        return line.office.blocks[30] - before;
    };
    const int alone = blocks_in_a_minute(0);
    const int with_dead = blocks_in_a_minute(10);
    EXPECT_GE(with_dead, alone) << "20 boxes are swept at least as often as 30, with 10 dead ones beside them";
}

TEST(LineMaster, ABoxThatComesBackGetsWhatItMissed) {
    // The supply of the floor was off for a month; the tickets of that month are waiting.
    Line line(3);
    line.box(2).is_dead = true;
    line.run(seconds(30));
    line.sell(2, 1, 3, 300);
    line.run(minutes(60));
    EXPECT_TRUE(line.office.confirmed.empty());
    ASSERT_FALSE(line.office.refused.empty());
    EXPECT_FALSE(line.office.refused[0].for_good);
    line.box(2).is_dead = false;
    EXPECT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(75)));
    EXPECT_TRUE(line.office.answering.at(2));
}

TEST(LineMaster, ABoxThatLostItsMemoryGetsItsHoldsAtOnceAndItsCreditWhenTheOfficeHasJudged) {
    // A repaired box comes back empty. The old ticket again would give what was used a second time.
    Line line(1);
    line.run(seconds(2));
    line.sell(1, 1, 1, 100);
    line.desire(1, 1, [](DesiredState& d) {
        d.alarms_version.desired = 1;
        d.alarms = {energy_of_hundredths(500), {}, {}};
        d.remote_version.desired = 1;
        d.remote_off = true;
    });
    ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 3; }, seconds(5)));
    line.run(minutes(2));
    line.box(1).forget_all();
    line.run(minutes(10));
    EXPECT_EQ(line.desired_[101].stopped, server::Situation::kForgotten);
    EXPECT_EQ(line.box(1).accounts[1].ticket_number, 0u);
    EXPECT_EQ(line.box(1).accounts[1].low_alarm_hundredths, 500u);
    EXPECT_TRUE(line.box(1).accounts[1].state.holds().has(Hold::kRemote));
    // The office opens a new account with what was known to remain.
    line.desire(1, 1, [](DesiredState& d) {
        d.stopped = server::Situation::kNone;
        d.ticket = {2, 1, credit_of_hundredths(40), {}};
    });
    ASSERT_TRUE(line.run_until([&] { return line.box(1).accounts[1].epoch == 2; }, seconds(15)));
    EXPECT_EQ(line.box(1).accounts[1].credited_hundredths, 40);
}

// Adds to one byte of the data of an answer and takes it from another: the sum of the frame stays what it was.
void shift(std::vector<Byte>& answer, std::size_t to, std::size_t from, int amount) {
    constexpr std::size_t kData = 10 + 4;  // behind the head of the frame and the identifier
    answer[kData + to] = static_cast<Byte>(answer[kData + to] + amount);
    answer[kData + from] = static_cast<Byte>(answer[kData + from] - amount);
}
bool is_account(const dlt645::Frame& request) {
    return request.control.function() == dlt645::Function::kRead && request.data_id() == dlt645::kAccountStatus;
}

TEST(LineMaster, ADamagedAccountThatPassesTheCheckSumIsSeenByNobody) {
    // Two characters are hit and cancel out in the sum: the room gets a new account, because its meter "forgot" 5 kWh.
    dlt645::AccountStatus clean;
    clean.epoch = 2;
    clean.ticket_number = 9;
    clean.credited_hundredths = 9000;
    std::array<Byte, 128> plain{};
    const std::size_t size = dlt645::encode(clean, plain);
    int passed = 0;
    for (std::size_t hit = 0; hit < size; ++hit) {
        Line line(1);
        dlt645::AccountStatus& account = line.box(1).accounts[5];
        account = clean;
        account.used = credit_of_hundredths(4321);
        account.forward = energy_of_hundredths(777'00);
        account.state.set(StateBit::kRelayClosed, true);
        line.desire(1, 5, [](DesiredState& d) {
            d.confirmed_epoch = 2;
            d.confirmed_number = 9;
            d.ticket = {2, 9, credit_of_hundredths(9000), {}};
        });
        int reads = 0;
        line.damage = [&](std::vector<Byte>& answer, const dlt645::Frame& request) {
            if (is_account(request) && ++reads % 3 == 1) shift(answer, hit, (hit + 7) % size, 0x21);
        };
        line.run(minutes(20));
        ASSERT_GE(reads, 4) << "byte " << hit;
        ASSERT_FALSE(line.office.accounts.empty()) << "byte " << hit;
        for (const dlt645::AccountStatus& seen : line.office.accounts)
            EXPECT_EQ(seen, account) << "byte " << hit;
        EXPECT_EQ(line.desired_[105].stopped, server::Situation::kNone) << "byte " << hit;
        EXPECT_TRUE(line.box(1).requests.empty()) << "byte " << hit;
        ++passed;
    }
    EXPECT_GT(passed, 40) << "every byte of the account";
}

TEST(LineMaster, WhatTwoReadsInARowShowIsBelievedWhateverWasKnown) {
    // A box really lost its memory, and the office waits for ever for a third opinion.
    Line line(1);
    line.run(seconds(2));
    line.sell(1, 5, 1, 1000);
    ASSERT_TRUE(line.run_until([&] { return !line.office.accounts.empty() && line.office.accounts.back().epoch == 1; },
                               minutes(1)));
    const std::size_t told = line.office.accounts.size();
    int reads = 0;
    line.fate = [&](const dlt645::Frame& request, std::uint64_t) {
        reads += is_account(request) ? 1 : 0;
        return Line::Fate::kArrives;
    };
    line.run(minutes(3));
    EXPECT_EQ(line.office.accounts.size(), static_cast<std::size_t>(reads) + told)
        << "nothing is new: one read is enough";
    line.sell(1, 5, 2, 2000);
    line.run(seconds(30));
    const std::size_t before = line.office.accounts.size();
    const int reads_before = reads;
    line.box(1).forget_all();
    ASSERT_TRUE(line.run_until([&] { return line.office.accounts.size() > before; }, minutes(2)));
    EXPECT_EQ(reads, reads_before + 2);
    EXPECT_EQ(line.office.accounts.back().epoch, 0);
}

TEST(LineMaster, ATicketThatStepsOverANumberWaitsForTheJudgementOfTheOffice) {
    // The database is old: numbers 2 and 3 were issued before, with totals that it does not know.
    Line line(1);
    line.box(1).accounts[5].epoch = 1;
    line.box(1).accounts[5].ticket_number = 3;
    line.box(1).accounts[5].credited_hundredths = 9000;
    line.box(1).accounts[5].state.set_holds({});
    line.judges = false;
    line.desire(1, 5, [](DesiredState& d) {
        d.confirmed_epoch = 1;
        d.confirmed_number = 1;
        d.ticket = {1, 4, credit_of_hundredths(4000), {}};
    });
    line.run(seconds(30));
    EXPECT_TRUE(line.box(1).requests.empty()) << "a lower total must not go over the higher one";
    EXPECT_GE(line.office.accounts.size(), 2u) << "it asks again while nobody has judged";
    EXPECT_LE(line.office.accounts.size(), 10u);
    line.judges = true;
    line.run(seconds(30));
    EXPECT_EQ(line.box(1).accounts[5].credited_hundredths, 4000) << "judged as known: it goes";
}

TEST(LineMaster, ARestoredOfficeSendsNoTicketUnderANumberThatTheBoxHas) {
    // The backup is of yesterday: ticket 3 was issued with another total since, and the next sale is number 3 again.
    // The box would say that it has it, and the office would take its own total for the one that is there.
    for (const bool another_sold : {true, false}) {
        Line line(1);
        dlt645::AccountStatus& account = line.box(1).accounts[5];
        account.epoch = 1;
        account.ticket_number = another_sold ? 3 : 2;
        account.credited_hundredths = another_sold ? 9000 : 5001;
        account.state.set_holds({});
        line.judges = false;
        line.desire(1, 5, [](DesiredState& d) {
            d.confirmed_epoch = 1;
            d.confirmed_number = 2;
            d.confirmed_credited = credit_of_hundredths(5000);
            d.ticket = {1, 3, credit_of_hundredths(6000), {}};
            d.remote_version.desired = 1;
            d.remote_off = true;
        });
        line.run(seconds(30));
        EXPECT_GE(line.office.accounts.size(), 2u);
        ASSERT_EQ(line.box(1).requests.size(), 1u) << "switching does not wait";
        EXPECT_EQ(line.office.confirmed[0].delivery.part, Part::kRemoteHold);
        if (!another_sold) continue;
        // The answer to it showed ticket 3, aside: that is no proof of ours.
        line.judges = true;
        line.run(minutes(2));
        EXPECT_EQ(line.box(1).requests.size(), 1u);
        EXPECT_EQ(line.desired_[105].stopped, server::Situation::kOtherTotal);
    }
}

TEST(LineMaster, BeforeItsFirstTicketAnAccountIsReadOnceAndFromThenOnNeverWaitedFor) {
    // After each update of the office the first sale of a room costs a fifth of a second, not two, and the second
    // nothing.
    Line line(1);
    dlt645::AccountStatus& account = line.box(1).accounts[5];
    account.epoch = 1;
    account.ticket_number = 2;
    account.credited_hundredths = 5000;
    account.state.set_holds({});
    line.judges = false;
    std::vector<bool> asked;  // true: an account
    line.fate = [&](const dlt645::Frame& request, std::uint64_t) {
        const bool ticket = request.control.function() == dlt645::Function::kSecurity;
        if (ticket || is_account(request)) asked.push_back(!ticket);
        return Line::Fate::kArrives;
    };
    line.desire(1, 5, [](DesiredState& d) {
        d.confirmed_epoch = 1;
        d.confirmed_number = 2;
        d.confirmed_credited = credit_of_hundredths(5000);
        d.ticket = {1, 3, credit_of_hundredths(6000), {}};
    });
    ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 1; }, seconds(2)));
    ASSERT_GE(asked.size(), 2u);
    EXPECT_TRUE(asked[0] && !asked[1]) << "the account once, then the ticket";
    line.run(seconds(30));
    asked.clear();
    line.sell(1, 5, 4, 7000);
    ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 2; }, seconds(1)));
    EXPECT_FALSE(asked.at(0)) << "the ticket at once";
}

TEST(LineMaster, AStoppedHouseholdGetsNoTicketAndEverythingElse) {
    // A person has to decide about its money; switching and alarms have nothing to do with it.
    Line line(1);
    line.run(seconds(2));
    line.desire(1, 5, [](DesiredState& d) {
        d.stopped = server::Situation::kAhead;
        d.ticket = {1, 1, credit_of_hundredths(4000), {}};
        d.remote_version.desired = 1;
        d.remote_off = true;
        d.reset_version.desired = 1;
    });
    line.run(minutes(3));
    EXPECT_EQ(line.box(1).accounts[5].epoch, 0);
    EXPECT_EQ(line.box(1).requests.size(), 2u);
    ASSERT_EQ(line.office.confirmed.size(), 2u);
    EXPECT_EQ(line.office.confirmed[1].delivery.part, Part::kResetLockout);
}

TEST(LineMaster, AnAnswerWithALaterTicketStopsWhatFollows) {
    // The blind ticket met a box that has number 7 already: number 8 of this office would be a total of last week.
    Line line(1);
    line.run(seconds(2));
    line.box(1).accounts[5].epoch = 1;
    line.box(1).accounts[5].ticket_number = 7;
    line.box(1).accounts[5].credited_hundredths = 9000;
    line.judges = false;
    line.sell(1, 5, 1, 1000);
    line.run(seconds(5));
    for (std::uint32_t n = 2; n <= 8; ++n)
        line.sell(1, 5, n, 1000 * n);
    line.run(minutes(5));
    EXPECT_EQ(line.box(1).accounts[5].ticket_number, 7u);
}

TEST(LineMaster, ABoxWithAnOlderAccountIsFoundByItsReadings) {
    // Both banks of the storage were damaged and an old record came up: epoch right, ticket of last week.
    Line line(1);
    line.run(seconds(2));
    line.sell(1, 1, 1, 100);
    line.run(seconds(5));
    line.sell(1, 1, 2, 10'000);
    line.run(minutes(2));
    ASSERT_EQ(line.office.confirmed.size(), 2u);
    line.box(1).accounts[1].ticket_number = 1;
    line.box(1).accounts[1].credited_hundredths = 100;
    line.box(1).touch(1);
    EXPECT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 3; }, minutes(1)));
    EXPECT_EQ(line.box(1).accounts[1].credited_hundredths, 10'000);
}

TEST(LineMaster, AnOfficeThatDiesBetweenSendingAndTheAnswerDeliversOnce) {
    // The ticket is in the box, the confirmation is not in the database.
    Line line(1);
    line.run(seconds(2));
    line.fate = [](const dlt645::Frame& frame, std::uint64_t) {
        return frame.control.function() == dlt645::Function::kSecurity ? Line::Fate::kLost : Line::Fate::kArrives;
    };
    line.sell(1, 1, 1, 777);
    line.run(milliseconds(400));
    ASSERT_EQ(line.box(1).executed, 1);
    ASSERT_TRUE(line.office.confirmed.empty());
    line.fate = nullptr;
    line.restart_office();
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(2)));
    EXPECT_EQ(line.office.confirmed[0].effect.remaining_hundredths, 777) << "a total, not an increment";
    EXPECT_EQ(line.office.confirmed.size(), 1u);
}

TEST(LineMaster, AfterARestartNothingThatWasConfirmedIsSentAgain) {
    // 10,000 households times one command: half an hour of a dead line after each update of the office.
    Line line(2);
    line.sell(1, 1, 1, 100);
    line.run(seconds(5));
    line.desired_[101].confirmed_epoch = 1;
    line.desired_[101].confirmed_number = 1;
    line.restart_office();
    line.run(minutes(10));
    EXPECT_EQ(line.box(1).requests.size(), 1u);
}

TEST(LineMaster, ALateAnswerOfAnotherQuestionIsNotTakenForThisOne) {
    // The box answered after the time-out; by then the master had asked its neighbour.
    Line line(2);
    line.run(seconds(3));
    line.box(1).accounts[1].forward += energy_of_hundredths(11);
    line.box(1).touch(1);
    int late = 1;
    line.fate = [&](const dlt645::Frame&, std::uint64_t number) {
        return number == 1'000'000'001u && late-- > 0 ? Line::Fate::kLate : Line::Fate::kArrives;
    };
    line.run(seconds(5));
    EXPECT_EQ(line.master->counters().timeouts, 1u);
    EXPECT_EQ(line.office.last[101].forward_hundredths, 11u);
    EXPECT_EQ(line.office.last.count(201), 1u);
    EXPECT_EQ(line.office.last[201].forward_hundredths, 0u) << "a neighbour's figure in the wrong room";
}

TEST(LineMaster, TornAnswersAreAskedForAgainAndNothingIsLost) {
    // Every third reply is cut in half by a bad contact.
    Line line(4);
    int n = 0;
    line.fate = [&](const dlt645::Frame&, std::uint64_t) {
        return ++n % 3 == 0 ? Line::Fate::kTorn : Line::Fate::kArrives;
    };
    line.sell(3, 1, 1, 100);
    ASSERT_TRUE(line.run_until(
        [&] { return line.office.complete_blocks.size() == 4 && !line.office.confirmed.empty(); }, seconds(30)));
    EXPECT_EQ(line.box(3).executed, 1);
}

TEST(LineMaster, ATicketGoesBetweenAFirstAndItsFollowingFrame) {
    // Two frames of 200 bytes are half a second: the ticket does not wait for the second.
    Line line(2);
    bool sold = false;
    line.fate = [&](const dlt645::Frame& frame, std::uint64_t number) {
        if (!sold && number == 1'000'000'002u && frame.control.function() == dlt645::Function::kRead) {
            sold = true;
            line.sell(1, 1, 1, 100);
        }
        return Line::Fate::kArrives;
    };
    line.office.need_counters(BoxId{1}, 0, 16);
    line.run(seconds(5));
    ASSERT_TRUE(sold);
    for (std::size_t k = 0; k + 2 < line.asked.size(); ++k) {
        if (line.asked[k].address != dlt645::address_of({1'000'000'002u}, Household{0})) continue;
        // The account first, as before every first ticket.
        EXPECT_EQ(line.asked[k + 1].address, dlt645::address_of({1'000'000'001u}, Household{1}));
        EXPECT_EQ(line.asked[k + 2].control.function(), dlt645::Function::kSecurity);
        break;
    }
    EXPECT_EQ(line.office.complete_blocks[2], 1) << "and the block is still read to its end";
}

TEST(LineMaster, ABigJobDoesNotStopTheReadings) {
    // New alarm levels for every room of the building: the wall must not freeze meanwhile.
    Line line(4);
    line.run(seconds(5));
    const int before = line.office.blocks[4];
    for (int b = 1; b <= 4; ++b)
        for (std::uint8_t h = 1; h <= 39; ++h)
            line.desire(b, h, [](DesiredState& d) {
                d.alarms_version.desired = 1;
                d.alarms = {energy_of_hundredths(500), {}, {}};
            });
    ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 156; }, seconds(60)));
    EXPECT_GE(line.office.blocks[4] - before, 4);
}

TEST(LineMaster, ANewerTicketReplacesOneThatWasNotAnswered) {
    // Two sales in a row to a box that is slow: the second total holds the first.
    Line line(1);
    line.run(seconds(2));
    line.fate = [](const dlt645::Frame& frame, std::uint64_t) {
        return frame.control.function() == dlt645::Function::kSecurity ? Line::Fate::kLost : Line::Fate::kArrives;
    };
    line.sell(1, 1, 1, 100);
    line.run(milliseconds(500));
    line.sell(1, 1, 2, 250);
    line.fate = nullptr;
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(4)));
    EXPECT_EQ(line.office.confirmed[0].delivery.version, 2u);
    EXPECT_EQ(line.box(1).accounts[1].credited_hundredths, 250);
}

TEST(LineMaster, WithoutADurableCounterNothingIsSent) {
    // The disk is full: a command whose counter is not on disk could be sent twice with different content.
    Line line(1);
    line.run(seconds(2));
    line.office.gives_counters = false;
    line.sell(1, 1, 1, 100);
    line.run(seconds(30));
    EXPECT_TRUE(line.box(1).requests.empty());
    EXPECT_GE(line.office.asked_for_counters, 3);
    EXPECT_LE(line.office.asked_for_counters, 10);
    line.office.gives_counters = true;
    EXPECT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(10)));
}

TEST(LineMaster, WhatTheBoxWillNeverDoIsGivenUpOnce) {
    // A retry for ever of what is refused for good hides that a person has to act.
    Line line(1);
    line.run(seconds(2));
    line.box(1).result_always = card::Result::kBadArgument;
    line.desire(1, 1, [](DesiredState& d) { d.alarms_version.desired = 1; });
    line.run(minutes(5));
    EXPECT_EQ(line.box(1).requests.size(), 1u);
    ASSERT_EQ(line.office.refused.size(), 1u);
    EXPECT_TRUE(line.office.refused[0].for_good);
}

TEST(LineMaster, AHoldThatTheBoxDoesNotShowIsSetAgain) {
    // Somebody switched the room back on with the tool of another maker.
    Line line(1);
    line.run(seconds(2));
    line.desire(1, 6, [](DesiredState& d) {
        d.remote_version.desired = 1;
        d.remote_off = true;
    });
    ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 1; }, seconds(2)));
    HoldSet holds = line.box(1).accounts[6].state.holds();
    holds.set(Hold::kRemote, false);
    line.box(1).accounts[6].state.set_holds(holds);
    line.box(1).touch(6);
    EXPECT_TRUE(line.run_until([&] { return line.office.confirmed.size() == 2; }, seconds(5)));
    EXPECT_TRUE(line.box(1).accounts[6].state.holds().has(Hold::kRemote));
}

TEST(LineMaster, ALiveReadIsAnsweredExactlyOnceWhateverHappens) {
    // A page that waits for ever, or a request that ends twice.
    Line line(2);
    line.run(seconds(3));
    line.master->read_live(1, BoxId{1}, 5, line.now);
    line.run(seconds(1));
    line.box(2).is_dead = true;
    line.master->read_live(2, BoxId{2}, 5, line.now);
    line.run(seconds(5));
    line.master->read_live(3, BoxId{77}, 1, line.now);
    line.master->read_live(4, BoxId{1}, 1, line.now);
    line.master->on_line_down(line.now);
    ASSERT_EQ(line.office.lives.size(), 4u);
    EXPECT_EQ(line.office.lives[0], (std::pair<LiveRequest, std::optional<ReadError>>(1, std::nullopt)));
    EXPECT_EQ(line.office.lives[1].second, ReadError::kNoAnswer);
    EXPECT_EQ(line.office.lives[2].second, ReadError::kUnknownBox);
    EXPECT_EQ(line.office.lives[3].second, ReadError::kLineDown);
}

TEST(LineMaster, AWrongClockIsSet) {
    // Free electricity by schedule at the wrong hour; events with a date of the year 2000.
    Line line(1);
    line.box(1).clock = 0;
    line.run(seconds(10));
    EXPECT_NEAR(line.box(1).clock, kCivilStart + 1, 3);
    EXPECT_EQ(line.box(1).executed, 1);
    EXPECT_TRUE(line.office.confirmed.empty()) << "the office did not ask for it and is not told";
}

TEST(LineMaster, PowerIsReadOnlyForBoxesThatSomebodyWatches) {
    // 256 boxes times 140 bytes, again and again, for a page that nobody has open.
    Line line(2);
    line.run(seconds(20));
    EXPECT_EQ(line.office.powers, 0);
    line.master->watch(BoxId{1}, line.now + seconds(20));
    line.run(seconds(60));
    EXPECT_NEAR(line.office.powers, 7, 2);
}

TEST(LineMaster, EveryAccountIsReadInFullNowAndThen) {
    // What the block does not show (alarm levels, overdraft) can also be wrong in a box.
    Line line(1);
    line.desire(1, 3, [](DesiredState& d) {
        d.ticket = {1, 1, credit_of_hundredths(100)};
        d.alarms_version.desired = 1;
        d.alarms = {energy_of_hundredths(500), {}, {}};
    });
    line.run(minutes(3));
    const std::size_t confirmed = line.office.confirmed.size();
    line.box(1).accounts[3].low_alarm_hundredths = 0;
    line.run(minutes(3));
    EXPECT_EQ(line.office.confirmed.size(), confirmed + 1);
    EXPECT_EQ(line.box(1).accounts[3].low_alarm_hundredths, 500u);
}

TEST(LineMaster, SettingsOfAWholeLineKeepNoTicketWaitingAndStopNoReadings) {
    // New limits for 30 boxes are an hour of work on the line: the desk sells all the same, and the wall is alive.
    Line line(30);
    line.run(seconds(40));
    for (int b = 1; b <= 30; ++b)
        line.limit(b, 16'000, 1);
    line.run(seconds(5));
    const int blocks = line.office.blocks[7];
    Duration slowest{};
    for (int n = 1; n <= 20; ++n) {
        const Instant sold = line.now;
        const std::size_t before = line.office.confirmed.size();
        line.sell(n, 3, 1, 1000);
        ASSERT_TRUE(line.run_until([&] { return line.office.confirmed.size() > before; }, seconds(3)));
        slowest = std::max(slowest, line.now - sold);
        line.run(milliseconds(700));
    }
    EXPECT_LT(slowest, milliseconds(1000));
    EXPECT_LT(line.limited(30, 16'000), 39) << "the settings were under way all the time";
    EXPECT_GT(line.office.blocks[7], blocks);
    line.run(minutes(30));
    for (int b = 1; b <= 30; ++b)
        EXPECT_EQ(line.limited(b, 16'000), 39) << b;
}

TEST(LineMaster, OneDeadBoxDoesNotSlowTheSettingsOfTheOthers) {
    // Its breaker is off for a week: 38 floors must not wait for the 39th.
    const auto time_of = [](int dead) {
        Line line(10);
        for (int k = 1; k <= dead; ++k)
            line.box(k).is_dead = true;
        line.run(seconds(40));
        for (int b = 1; b <= 10; ++b)
            line.limit(b, 16'000, 1);
        const Instant began = line.now;
        EXPECT_TRUE(line.run_until([&] { return line.limited(10, 16'000) == 39 && line.limited(9, 16'000) == 39; },
                                   minutes(30)));
        return line.now - began;
    };
    EXPECT_LE(time_of(1).count(), time_of(0).count() * 11 / 10);
}

TEST(LineMaster, SettingsGoOnAfterAMonthsAbsenceWithOneFrameWhenNothingChanged) {
    // The floor was without supply over the holidays: what was proved before is compared and not read again.
    Line line(2);
    line.run(seconds(3));
    line.limit(1, 16'000, 1);
    line.run(minutes(5));
    ASSERT_EQ(line.limited(1, 16'000), 39);
    line.box(1).is_dead = true;
    line.run(minutes(60));
    const int items = line.box(1).items_read;
    const int sums = line.box(1).sums_read;
    line.box(1).is_dead = false;
    line.run(minutes(5));
    EXPECT_TRUE(line.office.answering.at(1));
    EXPECT_EQ(line.box(1).items_read, items);
    EXPECT_EQ(line.box(1).sums_read, sums + 1);
}

TEST(LineMaster, ABoxThatLostItsMemoryGetsItsSettingsBackAtOnce) {
    // It answers all the time, so nothing but its accounts says that the load limits are those of the factory again.
    Line line(1);
    line.sell(1, 1, 1, 1000);
    line.run(seconds(30));
    line.limit(1, 16'000, 1);
    line.run(minutes(5));
    ASSERT_EQ(line.limited(1, 16'000), 39);
    line.box(1).forget_all();
    line.box(1).touch(1);  // the next block shows it
    ASSERT_EQ(line.limited(1, 16'000), 0);
    line.run(minutes(30));
    EXPECT_EQ(line.limited(1, 16'000), 39) << "before the six hours after which all is compared anyway";
}

TEST(LineMaster, ATicketInTheMiddleOfASettingGoesFirstAndTheSettingIsCompleteAfterwards) {
    // The answer to a part was lost; the ticket does not wait until it has come.
    Line line(1);
    line.run(seconds(3));
    line.limit(1, 16'000, 1);
    int commands = 0;
    line.fate = [&](const dlt645::Frame& frame, std::uint64_t) {
        if (frame.control.function() != dlt645::Function::kSecurity) return Line::Fate::kArrives;
        return ++commands % 7 == 3 ? Line::Fate::kLost : Line::Fate::kArrives;
    };
    for (std::uint8_t h = 1; h <= 10; ++h) {
        line.sell(1, h, 1, 1000);
        line.run(milliseconds(900));
    }
    line.run(minutes(20));
    EXPECT_EQ(line.office.confirmed.size(), 10u);
    EXPECT_EQ(line.limited(1, 16'000), 39);
}

TEST(LineMaster, TheFreezesThatAreMissingAreReadAndNoOthers) {
    // The month's bill is guessed although the meter has the figure; or the line reads thirteen months each month.
    Line line(2);
    for (const int month : {9, 8, 7, 6})
        for (int k = 1; k <= 2; ++k)
            line.box(k).freezes.push_back(frozen_at(first_of(month)));
    line.desire(1, 7, [](DesiredState&) {});
    line.run(seconds(5));
    EXPECT_EQ(line.box(1).freeze_frames, 0) << "nobody wants any";
    line.master->want_freezes(BoxId{1}, {first_of(7), first_of(9)}, line.now);
    line.run(seconds(10));
    ASSERT_EQ(line.office.freezes.size(), 2u);
    EXPECT_EQ(line.office.freezes[0], (std::pair{BoxId{1}, first_of(9)}));
    EXPECT_EQ(line.office.freezes[1], (std::pair{BoxId{1}, first_of(7)}));
    ASSERT_EQ(line.office.frozen.size(), 39u);
    EXPECT_EQ(line.office.frozen[6].household, HouseholdId{107});
    EXPECT_EQ(line.office.frozen[6].number, 7);
    EXPECT_EQ(line.office.frozen[38].registers, frozen_at(first_of(7)).households[39]);
    EXPECT_EQ(line.box(1).freeze_frames, 5) << "two reads of each, one look at August";
    line.master->want_freezes(BoxId{1}, {}, line.now);
    line.run(minutes(60));
    EXPECT_EQ(line.box(1).freeze_frames, 5);
    EXPECT_EQ(line.box(2).freeze_frames, 0);
}

TEST(LineMaster, AFreezeThatIsNotThereIsAskedForAgainLessAndLessOften) {
    // A meter without supply at midnight makes its freeze good in the morning; one that never will must not cost a
    // line.
    Line line(1);
    line.box(1).freezes = {frozen_at(first_of(8))};
    line.run(seconds(5));
    line.master->want_freezes(BoxId{1}, {first_of(9)}, line.now);
    line.run(minutes(60));
    EXPECT_EQ(line.box(1).freeze_frames, 5) << "after 0, 2, 6, 14 and 30 minutes";
    line.master->want_freezes(BoxId{1}, {first_of(9)}, line.now);  // told again: no news
    line.run(minutes(24 * 60));
    EXPECT_LE(line.box(1).freeze_frames, 13);
    EXPECT_TRUE(line.office.freezes.empty());
    line.box(1).freezes.insert(line.box(1).freezes.begin(), frozen_at(first_of(9)));
    line.run(minutes(6 * 60));
    EXPECT_EQ(line.office.freezes.size(), 1u);
}

TEST(LineMaster, ABoxThatComesBackIsAskedForItsFreezesAtOnceAndADeadOneSlowsNobody) {
    // The line to a house is cut over the month's end; its neighbours' bills must not wait for it.
    Line line(4);
    for (int k = 1; k <= 4; ++k)
        line.box(k).freezes = {frozen_at(first_of(9)), frozen_at(first_of(8))};
    line.box(2).is_dead = true;
    line.run(minutes(2));
    for (int k = 1; k <= 4; ++k)
        line.master->want_freezes(BoxId{k}, {first_of(9)}, line.now);
    ASSERT_TRUE(line.run_until([&] { return line.office.freezes.size() == 3; }, seconds(20)));
    line.run(minutes(3 * 60));
    EXPECT_EQ(line.office.freezes.size(), 3u);
    line.box(2).is_dead = false;
    ASSERT_TRUE(line.run_until([&] { return line.office.freezes.size() == 4; }, seconds(75)));
    EXPECT_EQ(line.office.freezes.back().first, BoxId{2});
}

TEST(LineMaster, FreezesOfAWholeLineKeepNoTicketWaitingAndStopNoReadings) {
    // At midnight of the first the line is full of freezes, and somebody who has just paid sits in the dark.
    Line line(20);
    for (int k = 1; k <= 20; ++k)
        for (int month = 12; month >= 1; --month)
            line.box(k).freezes.push_back(frozen_at(first_of(month)));
    line.run(seconds(20));
    for (int k = 1; k <= 20; ++k)
        line.master->want_freezes(BoxId{k}, {first_of(12), first_of(6)}, line.now);
    line.run(seconds(3));
    const int blocks = line.office.blocks[11];
    line.sell(7, 3, 1, 100);
    const Instant sold = line.now;
    ASSERT_TRUE(line.run_until([&] { return !line.office.confirmed.empty(); }, seconds(5)));
    EXPECT_LT(line.now - sold, milliseconds(1000));
    EXPECT_LT(line.office.freezes.size(), 40u) << "they were still under way";
    ASSERT_TRUE(line.run_until([&] { return line.office.freezes.size() == 40; }, minutes(4)));
    EXPECT_GE(line.office.blocks[11] - blocks, 4) << "the sweep went on";
}

TEST(LineMaster, ADamagedFreezeIsReadAgainAndNotKeptForEver) {
    // Two characters that cancel out in the sum of the frame end up on the bill of a month.
    Line line(1);
    line.box(1).freezes = {frozen_at(first_of(9))};
    line.run(seconds(5));
    int frames = 0;
    line.damage = [&](std::vector<Byte>& answer, const dlt645::Frame& request) {
        if (request.data_id() == dlt645::kMonthlyFreeze && answer.size() > 100 && frames++ % 7 == 2)
            shift(answer, 40, 60, 0x11);
    };
    line.master->want_freezes(BoxId{1}, {first_of(9)}, line.now);
    ASSERT_TRUE(line.run_until([&] { return !line.office.freezes.empty(); }, minutes(2)));
    EXPECT_GT(frames, 8);
    for (std::size_t k = 0; k < 39; ++k)
        EXPECT_EQ(line.office.frozen[k].registers, frozen_at(first_of(9)).households[k + 1]);
}

TEST(LineMaster, AnOldBoxWithoutTheItemIsLeftAlone) {
    // It refuses what it does not know, twice a second for ever.
    Line line(1);
    line.run(seconds(5));
    line.master->want_freezes(BoxId{1}, {first_of(9)}, line.now);
    line.run(minutes(2 * 60));
    EXPECT_EQ(line.box(1).freeze_frames, 6) << "after 0, 2, 6, 14, 30 and 62 minutes";
}

TEST(LineMaster, TheQualityOfEachBoxIsKnown) {
    // "The line is slow" is not a fault that anybody can repair; "box 2 answers every third question" is.
    Line line(2);
    int n = 0;
    line.fate = [&](const dlt645::Frame&, std::uint64_t number) {
        return number == 1'000'000'002u && ++n % 3 == 0 ? Line::Fate::kLost : Line::Fate::kArrives;
    };
    line.sell(1, 1, 1, 1000);
    line.run(minutes(2));
    const auto quality = line.master->quality();
    ASSERT_EQ(quality.size(), 2u);
    EXPECT_EQ(quality[0].asked, quality[0].answered);
    EXPECT_GT(quality[0].asked, 50u);
    EXPECT_TRUE(quality[0].last_problem.empty());
    EXPECT_GT(quality[0].accounts_at, kUnixStart);
    EXPECT_GT(quality[0].status_at, kUnixStart);
    EXPECT_NEAR(static_cast<double>(quality[1].answered) / static_cast<double>(quality[1].asked), 0.67, 0.05);
    EXPECT_FALSE(quality[1].last_problem.empty());
    EXPECT_GT(quality[1].last_problem_at, kUnixStart);
    EXPECT_GT(quality[1].block_at, kUnixStart);
}

}  // namespace
}  // namespace prewatt::collect

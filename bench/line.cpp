#include "bench/line.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include "bench/line_of_meters.hpp"
#include "bench/measuring.hpp"
#include "server/collect/quiet_office.hpp"

namespace prewatt::bench {
namespace {

constexpr double kChangedShare = 0.05;
constexpr Duration kTurnaround = milliseconds(20);
constexpr Duration kTicketGap = milliseconds(1500);  // mean, between tickets
constexpr int kChangedSweeps = 3;
constexpr Duration kLimit = minutes(60);

// Takes the time of what it hears.
class Clerk final : public collect::QuietOffice {
  public:
    void on_block(const collect::BlockReading& reading) override {
        if (reading.complete) complete[reading.box.value] = true;
        changed += static_cast<std::int64_t>(reading.changed.size());
        for (const collect::HouseholdReading& one : reading.changed) {
            const auto sold = dark.find(reading.box.value * 100 + one.number);
            if (sold == dark.end() || !one.record.state.has(StateBit::kRelayClosed)) continue;
            lit.push_back(seconds_of(line->now() - sold->second));
            dark.erase(sold);
        }
    }
    void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, server::UnixTime) override {
        const auto sold = open.find(delivery.household.value);
        if (sold == open.end() || effect.ticket_number < delivery.version) return;
        confirmed.push_back(seconds_of(line->now() - sold->second));
        if (effect.state.has(StateBit::kRelayClosed)) dark.erase(delivery.household.value);
        open.erase(sold);
    }
    void on_refused(const server::Delivery&, std::string_view, bool, server::UnixTime) override { ++refused; }

    LineOfMeters* line = nullptr;
    std::map<std::int64_t, bool> complete;  // by box
    std::int64_t changed = 0;
    std::map<std::int64_t, Instant> open;  // household: since when a ticket is on its way
    std::map<std::int64_t, Instant> dark;  // and its relay was not yet seen closed
    std::vector<double> confirmed;
    std::vector<double> lit;
    int refused = 0;
};

}  // namespace

Figures run_line(const LineOptions& options) {
    const auto began = std::chrono::steady_clock::now();
    const int households = options.boxes * kHouseholdsMax;
    Random random{options.seed};
    Clerk clerk;
    LineOfMeters building({.boxes = options.boxes, .faults = {}, .seed = options.seed, .settings = {}}, clerk);
    clerk.line = &building;
    const auto all_complete = [&] { return clerk.complete.size() == static_cast<std::size_t>(options.boxes); };
    Figures figures;

    // 1. A full sweep: an office that has just been started, boxes that have run for a while.
    building.run_for(seconds(5));
    building.restart_master();
    clerk.complete.clear();
    building.traffic = {};
    const std::uint64_t damaged_before = building.line.counts().collided;
    const Instant full_began = building.now();
    if (!building.run_until(all_complete, kLimit)) return figures;
    const double full = seconds_of(building.now() - full_began);
    const double wire = seconds_of(building.line.character_time(building.traffic.characters) +
                                   kTurnaround * building.traffic.exchanges);
    constexpr std::int64_t kSecondFrame = static_cast<std::int64_t>(dlt645::kHouseholdBlockSizeMax) - 196;
    constexpr std::int64_t kRequest = dlt645::kFrameOverhead + 4;
    constexpr std::int64_t kFullFrame = dlt645::kFrameSizeMax;
    constexpr std::int64_t kShortest =
        kRequest + kFullFrame + (kRequest + 1) + (dlt645::kFrameOverhead + 4 + kSecondFrame + 1);
    const double shortest =
        seconds_of(building.line.character_time(kShortest * options.boxes) + kTurnaround * 2 * options.boxes);

    // 2. What changed: everywhere somebody uses 0.01 kWh now and then, so that each sweep finds 5 % of the households
    // new.
    double lap = full / 5;
    double changed_sweep = 0;
    double changed_share = 0;
    std::uint64_t sweeps = building.master().counters().sweeps;
    double due = 0;
    const auto live = [&](Duration span) {
        due += 1.25 * kChangedShare * households * seconds_of(span) / lap;
        for (; due >= 1; due -= 1)
            building.box(random.below(options.boxes))
                .use({static_cast<std::uint8_t>(1 + random.below(kHouseholdsMax))}, energy_of_hundredths(1));
        building.run_for(span);
    };
    for (int n = 0; n < kChangedSweeps + 2; ++n) {
        const std::int64_t changed_before = clerk.changed;
        while (building.master().counters().sweeps == sweeps)
            live(milliseconds(20));
        sweeps = building.master().counters().sweeps;
        lap = std::max(1e-3, seconds_of(building.master().counters().last_sweep));
        if (n < 2) continue;  // the rest of the full sweep, and one to learn how long a lap is
        changed_sweep = std::max(changed_sweep, lap);
        changed_share += static_cast<double>(clerk.changed - changed_before) / households / kChangedSweeps;
    }

    // 3. Tickets at random instants while full sweeps run, one after the other.
    std::map<std::int64_t, server::DesiredState> desired;
    clerk.complete.clear();
    building.restart_master();
    for (int n = 0; n < options.tickets; ++n) {
        live(microseconds(static_cast<std::int64_t>(2 * random.uniform() * static_cast<double>(kTicketGap.count()))));
        if (all_complete() && clerk.open.empty()) {  // the office starts once more, so that the next sweep is full too
            clerk.complete.clear();
            building.restart_master();
            for (auto& [key, state] : desired) {
                state.confirmed_epoch = state.ticket.epoch;
                state.confirmed_number = state.ticket.number;
                state.confirmed_credited = state.ticket.credited;
                building.desire(state);
            }
        }
        const int box = random.below(options.boxes);
        const int number = 1 + random.below(kHouseholdsMax);
        server::DesiredState& state = desired[LineOfMeters::box_id(box).value * 100 + number];
        state.household = {LineOfMeters::box_id(box).value * 100 + number};
        if (clerk.open.contains(state.household.value)) continue;
        state.box = LineOfMeters::box_id(box);
        state.number = static_cast<std::uint8_t>(number);
        if (state.ticket.number == 0) clerk.dark[state.household.value] = building.now();
        state.ticket = {1, state.ticket.number + 1, state.ticket.credited + credit_of_hundredths(5000)};
        clerk.open[state.household.value] = building.now();
        building.desire(state);
    }
    static_cast<void>(building.run_until([&] { return clerk.open.empty() && clerk.dark.empty(); }, minutes(1)));
    const auto unconfirmed = static_cast<double>(clerk.open.size());
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

    const std::string scale = std::to_string(options.boxes) + " boxes of 39, 9600 8E1";
    figures.rows = {
        {"full sweep", full, "s", Goal::kAtMost, 180, scale + ", simulated character by character"},
        {"full sweep over the bound", full / wire, "x", Goal::kAtMost, 1.10,
         "bound: bytes on the wire and 20 ms turn-around"},
        {"full sweep over the strict bound", full / shortest, "x", Goal::kAtMost, 1.10,
         "bound: the shortest frames, no FE, and 20 ms turn-around"},
        {"sweep of what changed", changed_sweep, "s", Goal::kAtMost, 60, "the slowest of 3 sweeps"},
        {"households changed in it", 100 * changed_share, "%", Goal::kAtLeast, 100 * kChangedShare,
         "mean of the 3 sweeps; what they were to find"},
        {"ticket confirmed, 95th percentile", percentile(clerk.confirmed, 0.95), "s", Goal::kAtMost, 1,
         std::to_string(clerk.confirmed.size()) + " tickets in the middle of full sweeps"},
        {"ticket confirmed, slowest", percentile(clerk.confirmed, 1), "s", Goal::kNone, 0, ""},
        {"light seen, 95th percentile", percentile(clerk.lit, 0.95), "s", Goal::kNone, 0,
         "ticket to a reading with the relay closed"},
        {"tickets without confirmation", unconfirmed, "", Goal::kAtMost, 0, ""},
        {"collisions", static_cast<double>(building.line.counts().collided - damaged_before), "", Goal::kAtMost, 0, ""},
        {"simulated time", seconds_of(building.now() - Instant{}), "s", Goal::kNone, 0, ""},
        {"time that the run took", wall, "s", Goal::kNone, 0, ""},
    };
    return figures;
}

}  // namespace prewatt::bench

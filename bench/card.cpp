#include "bench/card.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "bench/card_at_desk.hpp"
#include "bench/line_of_meters.hpp"
#include "bench/measuring.hpp"
#include "meter/node/node.hpp"
#include "server/collect/quiet_office.hpp"
#include "sim/virtual_meter.hpp"

namespace prewatt::bench {
namespace {

constexpr Duration kExchange = milliseconds(10);
constexpr int kSwipes = kHouseholdsMax;

class Clerk final : public collect::QuietOffice {
  public:
    void on_block(const collect::BlockReading&) override { ++blocks; }
    std::int64_t blocks = 0;
};

card::Uid uid_of_tap(int n) {
    return card::uid_of(std::array<Byte, 4>{0x21, static_cast<Byte>(n >> 8), static_cast<Byte>(n), 0x5A});
}

// --- The shared reader

struct Taps {
    std::vector<double> lit;   // card on the reader to the relay closed
    std::vector<double> done;  // ... to "done": the card may be taken away
    int failed = 0;
};

// `full`: the office has just begun and reads everything, two long frames for each box; otherwise what changed.
Taps tap_at(std::uint32_t baud, bool full, const CardOptions& options) {
    Random random{options.seed + baud};
    Clerk clerk;
    LineOfMeters building({.boxes = options.boxes,
                           .baud = baud,
                           .faults = {},
                           .seed = options.seed,
                           .settings = {},
                           .card_reader = true,
                           .card_exchange = kExchange},
                          clerk);
    building.run_for(full ? seconds(5) : minutes(5));
    Taps taps;
    for (int n = 0; n < options.taps; ++n) {
        if (full && n % 10 == 0) building.restart_master();
        for (int k = 0; k < options.boxes; ++k)
            building.box(random.below(options.boxes))
                .use({static_cast<std::uint8_t>(1 + random.below(kHouseholdsMax))}, energy_of_hundredths(1));
        building.run_for(milliseconds(2500 + random.below(2500)));
        const int box = random.below(options.boxes);
        const Household household{static_cast<std::uint8_t>(1 + random.below(kHouseholdsMax))};
        if (building.box(box).node().household(household).lit) continue;
        sim::M1Card card = building.issuer().issue(uid_of_tap(n), LineOfMeters::box_number(box), household.number);
        building.issuer().sell(card, LineOfMeters::box_number(box), household.number, 1, 5'000);
        const Instant began = building.now();
        building.card_reader().field.put(card);
        const auto done = [&] { return building.card_reader().shown().signal == reader::Signal::kDone; };
        const bool lit =
            building.run_until([&] { return building.box(box).node().household(household).lit; }, seconds(20));
        if (lit) taps.lit.push_back(seconds_of(building.now() - began));
        if (lit && building.run_until(done, seconds(20)))
            taps.done.push_back(seconds_of(building.now() - began));
        else
            ++taps.failed;
        building.card_reader().field.clear();
        building.run_for(reader::SharedReader::kShowTime + seconds(1));
    }
    return taps;
}

// Household blocks that a busy line reads in a minute, with a reader on it that nobody uses against none.
double cost_of_polls(std::uint32_t baud, const CardOptions& options) {
    double blocks[2]{};
    for (const bool with : {false, true}) {
        Clerk clerk;
        LineOfMeters building({.boxes = options.boxes,
                               .baud = baud,
                               .faults = {},
                               .seed = options.seed,
                               .settings = {},
                               .card_reader = with},
                              clerk);
        building.run_for(seconds(10));
        const std::int64_t before = clerk.blocks;
        building.run_for(minutes(2));
        blocks[with ? 1 : 0] = static_cast<double>(clerk.blocks - before);
    }
    return 100 * (1 - blocks[1] / blocks[0]);
}

// --- The box's own reader

struct Swipes {
    std::vector<double> stored;  // card before the reader to the credit in the books
    std::vector<double> shown;   // ... to the purchase on the display
    int failed = 0;
};

Swipes swipe(const CardOptions& options) {
    constexpr std::uint64_t kBox = 2'026'000'001;
    card::OpensslMac mac;
    const reader::Issuer issuer(mac, card::Key{7, 7, 7});
    sim::VirtualMeterOptions meter_options;
    meter_options.node.box = {kBox};
    meter_options.node.card_keys = card::meter_card_keys(mac, issuer.masters, kBox);
    meter_options.level = sim::Level::kCycle;
    meter_options.civil = to_seconds({2026, 9, 21, 8, 0, 0});
    meter_options.card_reader = true;
    sim::BuildingOptions homes;
    homes.box = kBox;
    homes.seed = options.seed;
    homes.converter = sim::nominal_converter(60);
    sim::MemoryStorage storage;
    sim::VirtualMeter meter(meter_options, storage, std::make_unique<sim::HomesTerminals>(homes),
                            [](Bytes, Instant) {});
    static_cast<void>(meter.start(Instant{}));
    Instant now{};
    const auto run_until = [&](const auto& done, Duration limit) {
        const Instant end = now + limit;
        while (now < end && !done()) {
            now = std::min(end, now + milliseconds(1));
            meter.run_until(now);
        }
        return done();
    };
    const auto never = [] { return false; };
    run_until(never, seconds(5));
    Random random{options.seed};
    Swipes swipes;
    for (int n = 0; n < kSwipes; ++n) {
        const Household household{static_cast<std::uint8_t>(1 + n)};
        sim::M1Card card = issuer.issue(uid_of_tap(n), kBox, household.number);
        // Each purchase is another amount, so that it is told from what the display loop shows of others.
        const int amount = 40'000 + 100 * n;
        issuer.sell(card, kBox, household.number, 1, amount);
        const std::string text = std::to_string(amount / 100) + ".0";
        run_until(never, milliseconds(5000 + random.below(1000)));
        const Instant began = now;
        meter.card_field().put(card);
        const auto stored = [&] { return meter.node().household(household).ticket_number == 1; };
        const auto shown = [&] { return sim::text_of(meter.display().frame()).find(text) != std::string::npos; };
        if (run_until(stored, seconds(5))) swipes.stored.push_back(seconds_of(now - began));
        if (run_until(shown, seconds(5)))
            swipes.shown.push_back(seconds_of(now - began));
        else
            ++swipes.failed;
        meter.card_field().clear();
    }
    return swipes;
}

}  // namespace

Figures run_card(const CardOptions& options) {
    Figures figures;
    const std::string scale = std::to_string(options.boxes) + " boxes of 39, card exchanges of 10 ms";
    for (const auto& [baud, goal] : {std::pair{2400u, 2.0}, std::pair{9600u, 1.0}}) {
        for (const bool full : {false, true}) {
            const Taps taps = tap_at(baud, full, options);
            const std::string at =
                " at " + std::to_string(baud) + (full ? ", in a full sweep" : ", in a sweep of what changed");
            figures.rows.push_back({"tap at the shared reader to light" + at + ", 95th percentile",
                                    percentile(taps.lit, 0.95), "s", Goal::kAtMost, goal,
                                    std::to_string(taps.lit.size()) + " taps; " + scale});
            figures.rows.push_back(
                {"tap to light" + at + ", slowest", percentile(taps.lit, 1), "s", Goal::kAtMost, goal, ""});
            figures.rows.push_back({"tap to \"done\"" + at + ", 95th percentile", percentile(taps.done, 0.95), "s",
                                    Goal::kNone, 0, "RETURN written and read back"});
            figures.rows.push_back(
                {"taps that failed" + at, static_cast<double>(taps.failed), "", Goal::kAtMost, 0, ""});
        }
        const std::string at = " at " + std::to_string(baud);
        figures.rows.push_back({"what idle polls take of the sweep" + at, cost_of_polls(baud, options), "%",
                                Goal::kAtMost, 20, "household blocks in 2 minutes, without a reader on the line"});
    }
    const Swipes swipes = swipe(options);
    figures.rows.push_back(
        {"swipe at the box to stored, slowest", percentile(swipes.stored, 1), "s", Goal::kAtMost, 3,
         std::to_string(swipes.stored.size()) + " swipes; 3 s: State Grid's limit for a whole swipe"});
    figures.rows.push_back(
        {"swipe at the box to shown, slowest", percentile(swipes.shown, 1), "s", Goal::kAtMost, 3, ""});
    const DeskSales sales = sell_at_desk(options.desk_sales, kExchange);
    figures.rows.push_back(
        {"desk sale from card on reader to verified, slowest", percentile(sales.took, 1), "s", Goal::kAtMost, 1,
         std::to_string(sales.took.size()) + " sales on SQLite, host time; " +
             std::to_string(static_cast<int>(percentile(sales.exchanges, 1))) + " exchanges of 10 ms with the card"});
    figures.rows.push_back(
        {"desk sale from card on reader to verified, median", percentile(sales.took, 0.5), "s", Goal::kNone, 0, ""});
    figures.rows.push_back({"desk sales that failed",
                            static_cast<double>(options.desk_sales) - static_cast<double>(sales.took.size()), "",
                            Goal::kAtMost, 0, sales.problem});
    figures.rows.push_back({"swipes that failed", static_cast<double>(swipes.failed), "", Goal::kAtMost, 0, ""});
    return figures;
}

}  // namespace prewatt::bench

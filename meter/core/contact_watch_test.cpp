#include "meter/core/contact_watch.hpp"

#include <gtest/gtest.h>

#include "meter/core/relay_driver.hpp"

namespace prewatt::meter {
namespace {

// Contacts behind coils: one may be welded, one may hang; loads that are plugged in or not.
struct Bank final : RelayBank {
    void begin_pulse(Circuit circuit, RelayDrive drive) override {
        const std::uint64_t bit = std::uint64_t{1} << circuit.index;
        if (bit & (welded | hanging)) return;
        contacts = drive == RelayDrive::kClose ? contacts | bit : contacts & ~bit;
    }
    void end_pulse(Circuit) override {}
    std::uint64_t contacts = 0;
    std::uint64_t welded = 0;
    std::uint64_t hanging = 0;
};

struct Box {
    explicit Box(bool senses) : sensed(senses) { driver.start(now, 1); }
    void run(Duration time) {
        for (const Instant end = now + time; now < end;) {
            const Instant from = now;
            for (Instant next = driver.poll(now); next <= from + kWindow; next = driver.poll(now))
                now = std::max(next, now);
            now = from + kWindow;
            driver.poll(now);
            const ContactNews news =
                watch.on_window({kWindow, driver.resting_since(from - ContactWatch::kLate), driver.closed(),
                                 bank.contacts & plugged, supplied, sensed, bank.contacts & supplied},
                                now);
            faults += std::popcount(news.stays_closed | news.stays_open);
            cleared += std::popcount(news.obeys);
            if (again)
                for (std::uint8_t k = 0; k < 39; ++k)
                    if ((news.stays_closed | news.stays_open) >> k & 1) driver.drive_again({k});
        }
    }
    static constexpr Duration kWindow = milliseconds(200);
    bool sensed;
    bool again = true;
    Instant now{};
    Bank bank;
    RelayDriver driver{bank, 39};
    ContactWatch watch;
    std::uint64_t plugged = ~std::uint64_t{0};
    std::uint64_t supplied = ~std::uint64_t{0};
    int faults = 0, cleared = 0;
};
constexpr std::uint64_t bit(int k) {
    return std::uint64_t{1} << k;
}

TEST(ContactWatch, WeldedContactIsFoundWithinASecondOfTheCommand) {
    // The room is switched off at zero, the contact is welded, and it uses electricity for a month that nobody paid.
    for (const bool sensed : {false, true})
        for (int shift = 0; shift < 10; ++shift) {
            Box box(sensed);
            box.driver.want({7}, true);
            box.run(seconds(5));
            box.bank.welded = bit(7);
            box.now = box.now + milliseconds(20 * shift);
            box.driver.want({7}, false);
            const Instant command = box.now;
            while (box.faults == 0 && box.now - command < seconds(5))
                box.run(Box::kWindow);
            EXPECT_LE(box.now - command, seconds(1));
            EXPECT_EQ(box.watch.stays_closed(), bit(7));
            EXPECT_EQ(box.watch.since({7}), box.now);
            box.run(minutes(60));
            EXPECT_EQ(box.faults, 1) << "one fault is one record, whatever the refresh tries";
            EXPECT_EQ(box.cleared, 0);
        }
}

TEST(ContactWatch, ContactThatHangsOnceIsDrivenAgainAndTheFaultGoes) {
    // A contact that hung for a moment is reported for ever, and a technician climbs the stairs for nothing.
    for (const bool sensed : {false, true}) {
        Box box(sensed);
        box.driver.want({0}, true);
        box.run(seconds(5));
        box.bank.hanging = bit(0);
        box.driver.want({0}, false);
        box.run(milliseconds(600));
        box.bank.hanging = 0;
        box.run(seconds(2));
        EXPECT_EQ(box.faults, 1);
        EXPECT_EQ(box.cleared, 1);
        EXPECT_EQ(box.watch.faulty(), 0u);
        EXPECT_EQ(box.bank.contacts & bit(0), 0u);
    }
}

TEST(ContactWatch, NoVoltageBehindAClosedContactIsFoundWithinASecond) {
    // A household has paid and sits in the dark; the office sees "on".
    Box box(true);
    box.run(seconds(5));
    box.bank.hanging = bit(3);
    box.driver.want({3}, true);
    const Instant command = box.now;
    while (box.faults == 0 && box.now - command < seconds(5))
        box.run(Box::kWindow);
    EXPECT_LE(box.now - command, seconds(1));
    EXPECT_EQ(box.watch.stays_open(), bit(3));
    box.run(minutes(20));
    EXPECT_EQ(box.faults, 1);
    box.bank.hanging = 0;
    box.run(minutes(16));
    EXPECT_EQ(box.cleared, 1) << "the next refresh has made it good";
    EXPECT_EQ(box.watch.faulty(), 0u);

    Box blind(false);  // nothing senses the load side: no verdict, no false alarm
    blind.bank.hanging = ~std::uint64_t{0};
    blind.driver.want({3}, true);
    blind.run(minutes(5));
    EXPECT_EQ(blind.faults, 0);
}

TEST(ContactWatch, PhaseThatIsMissingIsNoFaultOfTheRelay) {
    // Thirteen relays are reported as broken because a fuse in the cellar has gone.
    Box box(true);
    for (std::uint8_t k = 0; k < 39; ++k)
        box.driver.want({k}, true);
    box.run(seconds(20));
    box.supplied = 0;
    box.plugged = 0;
    box.run(minutes(5));
    EXPECT_EQ(box.faults, 0);
}

TEST(ContactWatch, HealthyBoxIsNeverAccusedWhateverIsSwitchedAndPluggedIn) {
    // A year of false alarms and nobody looks at the true one.
    for (const bool sensed : {false, true}) {
        Box box(sensed);
        std::uint64_t x = 88172645463325252u;
        for (int k = 0; k < 20'000; ++k) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            box.driver.want({static_cast<std::uint8_t>(x % 39)}, x >> 32 & 1);
            if (k % 3 == 0) box.plugged ^= bit(static_cast<int>(x >> 8 & 31));
            box.now = box.now + milliseconds(static_cast<std::int64_t>(x >> 40 & 127));
            box.run(Box::kWindow);
        }
        EXPECT_EQ(box.faults, 0);
    }
}

TEST(ContactWatch, RefrigeratorBehindAWeldedContactIsOneFault) {
    // Without sensing, a load that switches itself off looks like a contact that obeys: fifty records a day.
    Box box(false);
    box.driver.want({1}, true);
    box.run(seconds(5));
    box.bank.welded = bit(1);
    box.driver.want({1}, false);
    for (int k = 0; k < 24; ++k) {
        box.plugged |= bit(1);
        box.run(minutes(15));
        box.plugged &= ~bit(1);
        box.run(minutes(25));
    }
    EXPECT_EQ(box.faults, 1);
    EXPECT_EQ(box.cleared, 0);
    box.bank.welded = box.bank.contacts = 0;
    box.run(minutes(30));
    EXPECT_EQ(box.cleared, 1);
}

TEST(ContactWatch, MarkStaysWhileTheHouseholdHasPaidAndGoesWithTheNextGoodOpening) {
    // The fault is forgotten with the next purchase, and nobody mends the contact before it is needed again.
    Box box(true);
    box.driver.want({2}, true);
    box.run(seconds(5));
    box.bank.welded = bit(2);
    box.driver.want({2}, false);
    box.run(seconds(2));
    box.driver.want({2}, true);
    box.run(minutes(60));
    EXPECT_EQ(box.watch.stays_closed(), bit(2));
    box.bank.welded = 0;
    box.driver.want({2}, false);
    box.run(seconds(2));
    EXPECT_EQ(box.watch.faulty(), 0u);
}

TEST(ContactWatch, LongWindowsProveInOne) {
    // A simulator that measures once a minute must not need three minutes.
    ContactWatch watch;
    EXPECT_EQ(watch.on_window({.span = seconds(60), .judged = 1, .flowing = 1}, Instant{}).stays_closed, 1u);
    ContactWatch half;
    EXPECT_TRUE(half.on_window({.span = milliseconds(300), .judged = 1, .flowing = 1}, Instant{}).empty());
    EXPECT_FALSE(half.on_window({.span = milliseconds(300), .judged = 1, .flowing = 1}, Instant{}).empty());
}

}  // namespace
}  // namespace prewatt::meter

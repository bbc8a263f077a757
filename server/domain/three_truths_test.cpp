#include "server/domain/three_truths.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace prewatt::server {
namespace {

constexpr UnixTime kNow{1'790'000'000'000};
constexpr std::int64_t kHour_ms = 3'600'000;
const ReconcileRules kRules;

UnixTime later(std::int64_t hours) {
    return UnixTime{kNow.ms + hours * kHour_ms};
}

// 50.00 kWh were credited by ticket 2 and confirmed; 12.00 are used.
MeterFacts sound() {
    MeterFacts facts;
    facts.household = HouseholdId{7};
    facts.newest = {1, 2, credit_of_hundredths(5000)};
    facts.credited_possible = {credit_of_hundredths(5000)};
    facts.meter_epoch = 1;
    facts.meter_number = 2;
    facts.used = credit_of_hundredths(1200);
    facts.base = {1,
                  kNow,
                  energy_of_hundredths(10'000),
                  credit_of_hundredths(4500),
                  credit_of_hundredths(5000),
                  energy_of_hundredths(10'000)};
    facts.reading =
        Reading{facts.household, later(24), energy_of_hundredths(10'700), credit_of_hundredths(3800), HouseholdState{}};
    return facts;
}
std::vector<std::string> kinds(const std::vector<WorkItem>& items) {
    std::vector<std::string> list;
    for (const WorkItem& item : items) {
        EXPECT_FALSE(item.figures.empty());
        EXPECT_FALSE(item.explanation.empty());
        EXPECT_FALSE(item.proposals.empty());
        list.push_back(item.kind);
    }
    return list;
}
std::vector<std::string> found(const MeterFacts& facts) {
    return kinds(compare_account(facts, kRules, later(24)).items);
}
using Kinds = std::vector<std::string>;

TEST(ThreeTruths, SoundAccountIsNoWork) {
    // A list that is full of what is right is not read.
    EXPECT_EQ(found(sound()), Kinds{});
    MeterFacts within = sound();
    within.reading->remaining += credit_of_hundredths(5);
    EXPECT_EQ(found(within), Kinds{});
}

TEST(ThreeTruths, TicketThatTheLedgerDoesNotKnowIsFound) {
    // The booking was deleted with a database tool; the meter still has its energy.
    MeterFacts facts = sound();
    facts.credited_possible.clear();
    EXPECT_EQ(found(facts), Kinds{"ledger_ticket_unknown"});
}

TEST(ThreeTruths, PaidAndNotConfirmedForADayIsFoundAndNotBefore) {
    // The student paid and sits in the dark behind a dead gateway.
    MeterFacts facts = sound();
    facts.unconfirmed_since = kNow;
    facts.credited_possible.push_back(credit_of_hundredths(9000));
    EXPECT_EQ(found(facts), Kinds{"ledger_ticket_not_confirmed"});
    EXPECT_EQ(kinds(compare_account(facts, kRules, UnixTime{later(24).ms - 1}).items), Kinds{});
}

TEST(ThreeTruths, MoreRemainingThanWasCreditedLessUsedIsFound) {
    // A meter that forgot its use gives the whole credit a second time.
    MeterFacts facts = sound();
    facts.base = {};
    facts.reading->remaining = credit_of_hundredths(3806);
    EXPECT_EQ(found(facts), Kinds{"ledger_remaining_too_high"});
    facts.reading->remaining = credit_of_hundredths(3805);
    EXPECT_EQ(found(facts), Kinds{});
}

TEST(ThreeTruths, RegisterThatWentBackIsFoundAndStaysFound) {
    // A box was exchanged in the night and nobody told the office.
    MeterFacts facts = sound();
    facts.base.forward_since = energy_of_hundredths(10'900);
    auto findings = compare_account(facts, kRules, later(24));
    EXPECT_EQ(kinds(findings.items), Kinds{"ledger_register_went_back"});
    facts.base = findings.base;
    facts.reading->at = later(48);
    EXPECT_EQ(found(facts), Kinds{"ledger_register_went_back"});
}

TEST(ThreeTruths, UseThatTheRegisterDidNotCountIsFoundInBothDirections) {
    // Reverse energy is charged and not in the forward register; a tampered account is charged too little.
    for (const std::int64_t off : {-10, 10}) {
        MeterFacts facts = sound();
        facts.used = Credit{0};
        facts.reading->remaining += credit_of_hundredths(off);
        const auto items = compare_account(facts, kRules, later(24)).items;
        ASSERT_EQ(kinds(items), Kinds{"ledger_use_unlike_registers"});
        EXPECT_EQ(items[0].size, off);
    }
    MeterFacts money = sound();
    money.newest.unit = money.meter_unit = AccountUnit::kMoney;
    money.used = Credit{0};
    money.reading->remaining -= credit_of_hundredths(500);
    EXPECT_EQ(found(money), Kinds{}) << "the price stands between register and account";
}

TEST(ThreeTruths, AccountInMoneyIsMeasuredInYuanAndItsRegisterAllTheSame) {
    // Fifty yuan read as fifty kWh: every household of a money site on the list, and the one that is wrong among them.
    MeterFacts money = sound();
    money.newest.unit = money.meter_unit = AccountUnit::kMoney;
    money.base = {};
    EXPECT_EQ(found(money), Kinds{});
    money.reading->remaining = credit_of_hundredths(3806);
    auto findings = compare_account(money, kRules, later(24));
    ASSERT_EQ(kinds(findings.items), Kinds{"ledger_remaining_too_high"});
    EXPECT_NE(findings.items[0].figures.find("credited 50.00 yuan"), std::string::npos) << findings.items[0].figures;
    EXPECT_EQ(findings.base.epoch, 1) << "its register is followed from here on";
    money.base = findings.base;
    money.reading->remaining = credit_of_hundredths(2000);
    money.reading->at = later(25);
    money.reading->forward += energy_of_hundredths(900);
    EXPECT_EQ(found(money), Kinds{});
    money.reading->forward -= energy_of_hundredths(2000);
    EXPECT_EQ(found(money), Kinds{"ledger_register_went_back"});
    // The next account counts in kWh and has not reached the meter: what it shows is still yuan.
    money = sound();
    money.meter_unit = AccountUnit::kMoney;
    money.newest = {2, 1, credit_of_hundredths(100), AccountUnit::kEnergy};
    money.used = Credit{0};
    money.reading->remaining -= credit_of_hundredths(500);
    EXPECT_EQ(found(money), Kinds{});
}

TEST(ThreeTruths, MovedAwayAndUsedBeforeIsWorkOnlyWhereNothingGivesItBack) {
    // The resident moved, used two kWh in the old room before its meter heard of it, and moved out of the campus.
    ShortMove facts;
    facts.move_out = BookingId{9};
    facts.from = HouseholdId{1};
    facts.into_room = "3-0102";
    facts.taken = credit_of_hundredths(600);
    facts.remaining = credit_of_hundredths(-200);
    EXPECT_FALSE(short_move(facts, kNow)) << "it is given back by itself";
    facts.into_closed = true;
    auto item = short_move(facts, kNow);
    ASSERT_TRUE(item);
    EXPECT_EQ(kinds({*item}), Kinds{"move_short"});
    EXPECT_EQ(item->size, 200);
    EXPECT_NE(item->figures.find("room 3-0102: 6.00 kWh; of it the old meter had used 2.00 kWh"), std::string::npos)
        << item->figures;
    facts.remaining = credit_of_hundredths(-900);
    EXPECT_EQ(short_move(facts, kNow)->size, 600) << "more than was taken along is the old room's own debt";
    facts.into_closed = false;
    facts.from_another = true;
    EXPECT_NE(short_move(facts, kNow)->explanation.find("the old room has another account"), std::string::npos);
}

TEST(ThreeTruths, HeadMeterThatIsNotReadOrWasExchangedSaysSoAndAccusesNobody) {
    // A new head meter began at 0: "the rooms counted 400,000 kWh too much" sends people to 39 rooms.
    const HeadSeen seen{BuildingId{1}, "3", kNow};
    EXPECT_FALSE(old_head(seen, kRules, later(71)));
    const auto old = old_head(seen, kRules, later(72));
    ASSERT_TRUE(old);
    EXPECT_EQ(kinds({*old}), Kinds{"head_reading_old"});
    BuildingDay day{BuildingId{1}, "3", kNow, later(24), energy_of_hundredths(-4'000'000), {}, 0};
    day.rooms.push_back({{energy_of_hundredths(0), energy_of_hundredths(0)},
                         {energy_of_hundredths(50'000), energy_of_hundredths(50'000)}});
    const auto back = compare_building(day, kRules, later(24));
    ASSERT_TRUE(back);
    EXPECT_EQ(kinds({*back}), Kinds{"head_went_back"});
}

TEST(ThreeTruths, HonestLifeOfAHouseholdRaisesNothing) {
    // One false alarm a day teaches everybody to look away. Any order of buying, using, reading, supply failures and
    // answers that are lost on the line.
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937 random(seed);
        const auto upto = [&](std::int64_t n) {
            return static_cast<std::int64_t>(random() % static_cast<unsigned>(n));
        };
        std::vector<std::int64_t> credited_milli;  // of each ticket, thousandths of a kWh
        std::int64_t used_milli = 0;
        std::int64_t forward_milli = upto(5'000'000);
        std::size_t in_meter = 0;  // tickets that the meter has
        std::size_t confirmed = 0;
        std::int64_t used_known = 0;
        std::int64_t failures_today = 0;
        AccountBase base;
        for (int hour = 0; hour < 400; ++hour) {
            const UnixTime now = later(hour);
            if (upto(20) == 0)
                credited_milli.push_back((credited_milli.empty() ? 0 : credited_milli.back()) + 10 * (1 + upto(5000)));
            if (upto(3) == 0) in_meter = credited_milli.size();
            if (upto(3) == 0 && in_meter > 0) confirmed = in_meter;
            if (hour % 24 == 0) failures_today = 0;
            if (in_meter > 0) {
                const std::int64_t use = upto(3000);
                used_milli += use;
                forward_milli += use;
                if (upto(40) == 0 && failures_today < 2) {
                    ++failures_today;
                    used_milli -= std::min<std::int64_t>(used_milli, 10);
                }
            }
            if (confirmed == 0 || upto(2) == 0) continue;
            MeterFacts facts;
            facts.household = HouseholdId{1};
            facts.newest = {1, static_cast<std::uint32_t>(credited_milli.size()),
                            credit_of_hundredths(credited_milli.back() / 10)};
            for (std::size_t k = confirmed; k <= credited_milli.size(); ++k)
                facts.credited_possible.push_back(credit_of_hundredths(credited_milli[k - 1] / 10));
            facts.meter_epoch = 1;
            facts.meter_number = static_cast<std::uint32_t>(confirmed);
            const auto down = [](std::int64_t milli) { return milli >= 0 ? milli / 10 : -((9 - milli) / 10); };
            const std::int64_t remaining = down(credited_milli[in_meter - 1] - used_milli);
            used_known = std::max(used_known, credited_milli[confirmed - 1] / 10 - remaining);
            facts.used = credit_of_hundredths(used_known);
            facts.reading = Reading{HouseholdId{1}, now, energy_of_hundredths(forward_milli / 10),
                                    credit_of_hundredths(remaining), HouseholdState{}};
            facts.base = base;
            const auto findings = compare_account(facts, kRules, now);
            ASSERT_TRUE(findings.items.empty()) << "seed " << seed << " hour " << hour << ": " << findings.items[0].kind
                                                << " " << findings.items[0].figures;
            base = findings.base;
        }
        EXPECT_EQ(base.epoch, credited_milli.empty() ? base.epoch : 1) << seed;
    }
}

// --- Statements

BookedLine booked(std::int64_t id, std::string order, std::int64_t minute, std::int64_t amount_fen) {
    return {SaleId{id},      HouseholdId{id},   std::move(order), UnixTime{kNow.ms + minute * 60'000},
            fen(amount_fen), LineKind::kPayment};
}
StatementLine line(std::string reference, std::string order, std::int64_t minute, std::int64_t amount_fen) {
    return {UnixTime{kNow.ms + minute * 60'000}, std::move(reference), std::move(order), fen(amount_fen),
            LineKind::kPayment};
}
std::vector<WorkItem> compare(const std::vector<BookedLine>& bookings, const std::vector<StatementLine>& lines) {
    return compare_statement(Channel::kTransfer, bookings, lines, kNow, later(24), kRules, later(24));
}

TEST(ThreeTruths, StatementThatAgreesIsNoWorkWithAndWithoutOrderIds) {
    // The bank tells no order id; two students of one room pay the same amount within minutes.
    EXPECT_TRUE(compare({booked(1, "a", 0, 5000), booked(2, "b", 3, 5000), booked(3, "c", 9, 700)},
                        {line("r1", "", 1, 5000), line("r2", "", 4, 5000), line("r3", "c", 600, 700)})
                    .empty());
}

TEST(ThreeTruths, EachKindOfDifferenceWithAChannelIsFound) {
    // Money that only one side knows of is somebody's loss.
    const auto missing_here = compare({}, {line("r1", "", 1, 5000)});
    ASSERT_EQ(kinds(missing_here), Kinds{"channel_missing_here"});
    EXPECT_EQ(missing_here[0].size, 5000);
    EXPECT_EQ(missing_here[0].subject, "transfer r1");
    EXPECT_EQ(kinds(compare({booked(1, "a", 0, 5000)}, {})), Kinds{"channel_missing_there"});
    const auto other = compare({booked(1, "a", 0, 5000)}, {line("r1", "a", 1, 4500)});
    ASSERT_EQ(kinds(other), Kinds{"channel_other_amount"});
    EXPECT_EQ(other[0].size, -500);
    EXPECT_EQ(other[0].household, HouseholdId{1});
    EXPECT_EQ(kinds(compare({booked(1, "a", 0, 5000)}, {line("r1", "a", 1, 5000), line("r2", "a", 2, 5000)})),
              Kinds{"channel_double"});
    EXPECT_EQ(kinds(compare({booked(1, "a", 0, 5000)}, {line("r1", "", 16, 5000)})),
              (Kinds{"channel_missing_here", "channel_missing_there"}))
        << "beyond the time in which it is the same payment";
}

TEST(ThreeTruths, RandomDayAgreesAndOnePlantedFaultIsTheOnlyOneFound) {
    // A matching that is right for two lines and wrong for two hundred.
    for (unsigned seed = 1; seed <= 100; ++seed) {
        std::mt19937 random(seed);
        std::vector<BookedLine> bookings;
        std::vector<StatementLine> lines;
        for (std::int64_t k = 1; k <= 200; ++k) {
            const std::int64_t minute = static_cast<std::int64_t>(random() % 1400);
            const std::int64_t amount = 100 * (1 + static_cast<std::int64_t>(random() % 3));
            const bool tells = random() % 2 == 0;
            bookings.push_back(booked(k, "order-" + std::to_string(k), minute, amount));
            lines.push_back(line("r" + std::to_string(k), tells ? "order-" + std::to_string(k) : "", minute, amount));
        }
        std::shuffle(lines.begin(), lines.end(), random);
        ASSERT_TRUE(compare(bookings, lines).empty()) << seed;
        lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(random() % lines.size()));
        ASSERT_EQ(kinds(compare(bookings, lines)), Kinds{"channel_missing_there"}) << seed;
    }
}

TEST(ThreeTruths, StatementIsReadExactlyOrRefusedWithItsLine) {
    // "50" read as fen, or a cut file taken for a quiet day.
    const std::string heading = "time,reference,order_id,amount_yuan,kind\n";
    const auto lines = read_statement("\xEF\xBB\xBF" + heading +
                                      "2026-09-23 14:05:09,\"4200,1\",order-1,50.00,payment\r\n"
                                      "2026-09-23 14:06:00,42002,,0.5,refund\n"
                                      "2026-09-23 14:05:09,\"4200,1\",order-1,50.00,payment\n");
    ASSERT_TRUE(lines) << lines.error().message;
    ASSERT_EQ(lines->size(), 2u);
    EXPECT_EQ((*lines)[0].reference, "4200,1");
    EXPECT_EQ((*lines)[0].amount, fen(5000));
    EXPECT_EQ((*lines)[0].at.ms, 1'790'143'509'000);
    EXPECT_EQ((*lines)[1].amount, fen(50));
    EXPECT_EQ((*lines)[1].kind, LineKind::kRefund);
    for (const char* bad : {"", "time,reference\n", "2026-09-23 14:05:09,a,b,50.00,payment\n"})
        EXPECT_FALSE(read_statement(bad)) << bad;
    for (const char* bad :
         {"2026-02-30 14:05:09,a,,1,payment", "2026-09-23,a,,1,payment", "2026-09-23 14:05:09,a,,-1,payment",
          "2026-09-23 14:05:09,a,,1.001,payment", "2026-09-23 14:05:09,a,,0,payment",
          "2026-09-23 14:05:09,a,,1.,payment", "2026-09-23 14:05:09,,,1,payment", "2026-09-23 14:05:09,a,,1,gift",
          "2026-09-23 14:05:09,a,,1", "2026-09-23 14:05:09,\"a,,1,payment", "2026-09-23 14:05:09,a,,1e3,payment",
          "2026-09-23 14:05:09,a,,1,payment\n2026-09-23 14:05:09,a,,2,payment"})
        EXPECT_FALSE(read_statement(heading + bad)) << bad;
}

// --- Head meters

BuildingDay day_of(std::int64_t head, std::vector<std::array<std::int64_t, 4>> rooms) {
    BuildingDay day{BuildingId{1}, "3", kNow, later(24), energy_of_hundredths(head), {}, 0};
    for (const auto& r : rooms)
        day.rooms.push_back({{energy_of_hundredths(r[0]), energy_of_hundredths(r[1])},
                             {energy_of_hundredths(r[2]), energy_of_hundredths(r[3])}});
    return day;
}

TEST(ThreeTruths, LossOfABuildingIsFoundOnlyBeyondWhatTheTimesOfReadingExplain) {
    // A reading that is an hour late must not send somebody through the building with a torch.
    const BuildingDay agrees = day_of(10'500, {{0, 100, 5'000, 5'100}, {0, 100, 5'000, 5'100}});
    EXPECT_FALSE(compare_building(agrees, kRules, later(25)));
    const BuildingDay lost = day_of(10'800, {{0, 100, 5'000, 5'100}, {0, 100, 5'000, 5'100}});
    const auto item = compare_building(lost, kRules, later(25));
    ASSERT_TRUE(item);
    EXPECT_EQ(item->kind, kHeadKinds[0]);
    EXPECT_EQ(item->size, 600);
    EXPECT_NE(item->figures.find("5.55 %"), std::string::npos) << item->figures;
    EXPECT_EQ(difference_of(*item), difference_of(head_item(lost, kHeadKinds[0])));
    const BuildingDay gained = day_of(9'000, {{0, 100, 5'000, 5'100}, {0, 100, 5'000, 5'100}});
    ASSERT_TRUE(compare_building(gained, kRules, later(25)));
    EXPECT_EQ(compare_building(gained, kRules, later(25))->size, -800);
    BuildingDay unknown = lost;
    unknown.rooms_unknown = 1;
    EXPECT_FALSE(compare_building(unknown, kRules, later(25))) << "what one room used is not known";
}

}  // namespace
}  // namespace prewatt::server

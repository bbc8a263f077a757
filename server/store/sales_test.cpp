#include <map>
#include <random>
#include <thread>

#include "server/store/office_fixture.hpp"
#include "server/store/sales.hpp"

namespace prewatt::server::store {
namespace {

class Sales : public OfficeTest {};

TEST_F(Sales, OrdersOfOneTransactionAreBookedAsIfTheyHadComeOneAfterTheOther) {
    // The rush at the beginning of term: sixty desks at once, two of them for the same room, one clicks twice. Asked
    // together, answered apart.
    start();
    const HouseholdId a = room("3-0101");
    const HouseholdId b = room("3-0102");
    ASSERT_TRUE(sell(order("before", b, 500)));
    office_.reset();
    const std::vector<SaleOrder> orders{
        order("1", a, 2000),    order("2", b, 1000), order("3", a, 3000), order("1", a, 2000),
        order("2", a, 1000),    order("4", a, 0),    order("5", b, 700),  order("6", HouseholdId{999}, 100),
        order("before", b, 500)};
    std::vector<Answer<SaleAnswer>> answers(orders.size(), std::unexpected(Refusal{}));
    std::vector<const SaleOrder*> asked;
    std::vector<Answer<SaleAnswer>*> answered;
    for (std::size_t k = 0; k < orders.size(); ++k) {
        asked.push_back(&orders[k]);
        answered.push_back(&answers[k]);
    }
    Changes changes;
    const auto db = beside();
    db->begin_write();
    book_sales(*db, asked, answered, now(), changes);
    ASSERT_TRUE(db->commit()) << db->failure()->message;
    const auto ticket = [&](std::size_t k) {
        EXPECT_TRUE(answers[k]) << k << ": " << (answers[k] ? "" : answers[k].error().message);
        return answers[k] ? answers[k]->sale.ticket.number : 0u;
    };
    const auto id = [&](std::size_t k) { return answers[k] ? answers[k]->sale.id.value : 0; };
    EXPECT_EQ(ticket(0), 1u);
    EXPECT_EQ(ticket(1), 2u);
    EXPECT_EQ(ticket(2), 2u);
    EXPECT_EQ(ticket(6), 3u);
    EXPECT_EQ(answers[2]->sale.ticket.credited.count(),
              answers[0]->sale.ticket.credited.count() + answers[2]->sale.given.count());
    EXPECT_TRUE(answers[3] && answers[3]->repeated && id(3) == id(0)) << "the double click";
    EXPECT_TRUE(answers[8] && answers[8]->repeated) << "of another transaction";
    ASSERT_FALSE(answers[4]);
    EXPECT_EQ(answers[4].error().reason, Reason::kOrderIdReused);
    ASSERT_FALSE(answers[5]);
    EXPECT_EQ(answers[5].error().reason, Reason::kAmountNotPositive);
    ASSERT_FALSE(answers[7]);
    EXPECT_EQ(answers[7].error().reason, Reason::kNotFound);
    EXPECT_EQ((std::vector{id(0), id(1), id(2), id(6)}), (std::vector<std::int64_t>{2, 3, 4, 5})) << "without gaps";
    EXPECT_EQ(changes.size(), 12u) << "three of each sale, none of a refusal or a repeat";
    expect_balanced();
}

TEST_F(Sales, SaleIsBookedDesiredAndShownAtOnce) {
    // The cashier hands out the receipt when the page says so: by then the sale must be everywhere.
    start();
    const HouseholdId household = room("3-0101");
    const auto sold = sell(order("a1", household, 5000));
    ASSERT_TRUE(sold) << sold.error().message;
    EXPECT_FALSE(sold->repeated);
    EXPECT_EQ(sold->sale.room, "3-0101");
    EXPECT_EQ(sold->sale.energy, energy_of_hundredths(7812));
    EXPECT_EQ(sold->sale.ticket, (TicketTotal{1, 1, credit_of_hundredths(7812)}));
    EXPECT_EQ(sold->sale.accepted_at, now());

    const auto shown = office_->sale(sold->sale.id);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->receipt, sold->sale.receipt);
    EXPECT_EQ(shown->price, UnitPrice{6400});
    EXPECT_FALSE(shown->sent_at);
    EXPECT_EQ(office_->sale_by_order("a1")->id, sold->sale.id);
    EXPECT_EQ(office_->sales({}, {}, 10)->size(), 1u);
    EXPECT_EQ(office_->sales(household, {}, 10)->size(), 1u);
    EXPECT_TRUE(office_->sales(room("3-0102"), {}, 10)->empty());

    const auto desired = office_->desired(household);
    ASSERT_TRUE(desired);
    EXPECT_TRUE(desired->ticket_open());
    EXPECT_EQ(desired->ticket, sold->sale.ticket);
    const auto entries = office_->entries(household, 0, 10);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 2u);
    EXPECT_EQ(entries->front().to, LedgerAccount::kHousehold);
    EXPECT_EQ(entries->front().credited_total, credit_of_hundredths(7812));
    EXPECT_EQ(entries->back().paid_total, fen(5000));
    expect_balanced();
}

TEST_F(Sales, DoubleClickSellsOnce) {
    // The cashier's second click, the browser's retry and the proxy's retry arrive together.
    start();
    const HouseholdId household = room("3-0101");
    std::vector<std::thread> desks;
    std::atomic<int> first{0};
    std::atomic<int> repeated{0};
    std::array<std::int64_t, 8> ids{};
    for (std::size_t k = 0; k < ids.size(); ++k)
        desks.emplace_back([&, k] {
            const auto sold = sell(order("same-form", household, 2000));
            if (!sold) return;
            ids[k] = sold->sale.id.value;
            ++(sold->repeated ? repeated : first);
        });
    for (auto& desk : desks)
        desk.join();
    EXPECT_EQ(first, 1);
    EXPECT_EQ(repeated, 7);
    for (const auto id : ids)
        EXPECT_EQ(id, ids[0]);
    EXPECT_EQ(office_->sales({}, {}, 10)->size(), 1u);
    EXPECT_EQ(office_->desired(household)->ticket.credited, credit_of_hundredths(3125));
    expect_balanced();
}

TEST_F(Sales, TwoDesksSellingToOneRoomBothCount) {
    // Father pays at one window, mother at the other: neither purchase may swallow the other.
    start();
    const HouseholdId household = room("3-0101");
    std::vector<std::thread> desks;
    for (int desk = 0; desk < 2; ++desk)
        desks.emplace_back([&, desk] {
            for (int k = 0; k < 100; ++k)
                EXPECT_TRUE(sell(order("desk-" + std::to_string(desk) + "-" + std::to_string(k), household, 64)));
        });
    for (auto& desk : desks)
        desk.join();
    EXPECT_EQ(office_->desired(household)->ticket, (TicketTotal{1, 200, credit_of_hundredths(200 * 100)}));
    expect_balanced();
}

TEST_F(Sales, SameOrderIdWithOtherContentIsRefused) {
    // A program that re-uses an id would otherwise hand one room's receipt to another.
    start();
    const HouseholdId household = room("3-0101");
    ASSERT_TRUE(sell(order("x", household, 2000)));
    for (const auto& other : {order("x", household, 2001), order("x", room("3-0102"), 2000)}) {
        const auto refused = sell(other);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason, Reason::kOrderIdReused);
    }
    EXPECT_EQ(office_->sales({}, {}, 10)->size(), 1u);
}

TEST_F(Sales, WrongAmountsLeaveNoTrace) {
    // A refused sale that left an entry, a ticket or an opened account would be found by nobody.
    start();
    const HouseholdId household = room("3-0101");
    for (const std::int64_t amount : {std::int64_t{0}, std::int64_t{-5}, std::int64_t{1'000'001}, INT64_MAX, INT64_MIN})
        EXPECT_FALSE(sell(order("bad" + std::to_string(amount), household, amount)));
    EXPECT_EQ(sell(order("nobody", HouseholdId{4711}, 100)).error().reason, Reason::kNotFound);
    EXPECT_TRUE(office_->sales({}, {}, 10)->empty());
    EXPECT_TRUE(office_->entries(household, 0, 10)->empty());
    EXPECT_EQ(office_->desired(household)->ticket.epoch, 0);
    EXPECT_TRUE(sell(order("bad0", household, 100))) << "a refused order does not use its id up";
}

TEST_F(Sales, PriceChangeHoldsFromTheNextSale) {
    // What was bought before the change keeps its price on the receipt.
    start();
    const HouseholdId household = room("3-0101");
    const auto before = sell(order("p1", household, 1000));
    ASSERT_TRUE(wait<Done>([&](auto done) { office_->set_price(UnitPrice{10'000}, {"owner", "cli"}, "", done); }));
    const auto after = sell(order("p2", household, 1000));
    EXPECT_EQ(after->sale.energy, energy_of_hundredths(1000));
    EXPECT_EQ(office_->sale(before->sale.id)->price, UnitPrice{6400});
    EXPECT_EQ(office_->site()->price, UnitPrice{10'000});
    EXPECT_FALSE(wait<Done>([&](auto done) { office_->set_price(UnitPrice{0}, {"owner", "cli"}, "", done); }));
    expect_balanced();
}

TEST_F(Sales, PagesOfSalesAndEntriesFollowEachOther) {
    // An auditor who scrolls must see each line once.
    start();
    const HouseholdId household = room("3-0101");
    for (int k = 0; k < 25; ++k)
        ASSERT_TRUE(sell(order("s" + std::to_string(k), household, 640)));
    for (const HouseholdId of : {HouseholdId{}, household}) {
        std::vector<std::int64_t> seen;
        SaleId before;
        for (;;) {
            const auto page = office_->sales(of, before, 10);
            ASSERT_TRUE(page);
            if (page->empty()) break;
            for (const auto& sale : *page)
                seen.push_back(sale.id.value);
            before = page->back().id;
        }
        ASSERT_EQ(seen.size(), 25u);
        EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
    }
    EXPECT_EQ(office_->entries(household, 11, 100)->size(), 10u);
}

// Any sequence of orders, repeats and reopenings: each order id is executed at most once and the books balance.
TEST_F(Sales, RandomOrdersAndRepeatsBalance) {
    // One lost or doubled fen in a year of 100,000 sales is what an audit finds.
    const auto seed = 20260923u;
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random{seed};
    start();
    std::map<std::string, SaleOrder> executed;
    std::vector<SaleOrder> orders;
    for (int k = 0; k < 400; ++k) {
        SaleOrder wanted;
        if (!orders.empty() && random() % 4 == 0) {
            wanted = orders[random() % orders.size()];
            if (random() % 4 == 0) wanted.amount += fen(1);
        } else {
            wanted = order("r" + std::to_string(k), HouseholdId{static_cast<std::int64_t>(random() % 41)},
                           static_cast<std::int64_t>(random() % 60'000) - 500);
            wanted.channel = static_cast<Channel>(random() % 3 + 1);
            orders.push_back(wanted);
        }
        const auto sold = sell(wanted);
        if (sold && !sold->repeated) {
            EXPECT_TRUE(executed.emplace(wanted.order_id, wanted).second);
        }
        if (k % 100 == 99) reopen();
    }
    Money taken;
    for (const auto& [id, done] : executed)
        taken += done.amount;
    const auto check = check_ledger(options_.url);
    ASSERT_TRUE(check);
    EXPECT_TRUE(check->balanced) << check->problem;
    EXPECT_EQ(check->taken, taken);
    EXPECT_EQ(check->sales, static_cast<std::int64_t>(executed.size()));
    EXPECT_GT(check->sales, 200);
}

}  // namespace
}  // namespace prewatt::server::store

#include "torture/witness.hpp"

#include <gtest/gtest.h>

namespace prewatt::torture {
namespace {

SaleOrdered order(const std::string& key, std::int64_t household = 1, std::int64_t amount = 100) {
    return {key, household, amount, "cash"};
}
SaleSeen sale(const SaleOrdered& of, std::int64_t id, std::int64_t ticket, std::int64_t credited) {
    return {of, id, "20260923-" + std::to_string(id), 156, 1, ticket, credited};
}

// Two sales, answered and there.
class WitnessTest : public testing::Test {
  protected:
    WitnessTest() {
        for (const auto& [o, s] : {std::pair{a_, sale_a_}, std::pair{b_, sale_b_}}) {
            witness_.ordered(o);
            witness_.answered(o.key, s);
        }
    }
    SaleOrdered a_ = order("a");
    SaleOrdered b_ = order("b", 2);
    SaleSeen sale_a_ = sale(a_, 1, 1, 156);
    SaleSeen sale_b_ = sale(b_, 2, 1, 156);
    Witness witness_;
};

TEST_F(WitnessTest, BooksThatAreAsTheyWereAnsweredGiveNoFinding) {
    // A doubter that cries wolf is switched off.
    witness_.found(sale_a_);
    witness_.found(sale_b_);
    witness_.looked_through();
    witness_.answered("a", sale_a_);
    EXPECT_TRUE(witness_.findings().empty()) << witness_.findings().front();
    EXPECT_EQ(witness_.counts().sales_answered, 2);
    EXPECT_EQ(witness_.counts().repeats, 1);
}

TEST_F(WitnessTest, AnsweredSaleThatIsNotThereIsLost) {
    // The student has a receipt and no light.
    witness_.found(sale_a_);
    witness_.looked_through();
    EXPECT_EQ(witness_.counts().lost, 1);
    ASSERT_FALSE(witness_.findings().empty());
    EXPECT_TRUE(witness_.findings().front().starts_with("lost: order b")) << witness_.findings().front();
}

TEST_F(WitnessTest, OneOrderWithTwoSalesIsDoubled) {
    // The cashier clicks twice and the student pays twice.
    witness_.answered("a", sale(a_, 3, 2, 312));
    EXPECT_EQ(witness_.counts().doubled, 1);
    witness_.found(sale_a_);
    witness_.found(sale_b_);
    witness_.found(sale(a_, 3, 2, 312));
    EXPECT_EQ(witness_.counts().doubled, 2);
}

TEST_F(WitnessTest, OtherContentOrReceiptIsChanged) {
    // The repeat after a crash prints another receipt or another amount.
    SaleSeen other = sale_a_;
    other.receipt = "20260923-9";
    witness_.answered("a", other);
    EXPECT_EQ(witness_.counts().changed, 1);
    other = sale_a_;
    other.order.amount_fen = 101;
    witness_.found(other);
    EXPECT_EQ(witness_.counts().changed, 2);
}

TEST_F(WitnessTest, SaleThatNobodyOrderedIsUnknown) {
    // Half a request was booked, or the order id was lost.
    witness_.found(sale_a_);
    witness_.found(sale_b_);
    witness_.found(sale(order("x"), 3, 2, 312));
    EXPECT_EQ(witness_.counts().unknown, 1);
}

TEST_F(WitnessTest, NumbersThatAreLeftOutAndTotalsThatDoNotAddUpAreGaps) {
    // A ticket number that no meter ever sees; a meter that is given energy which nobody paid.
    witness_.found(sale_a_);
    witness_.ordered(order("c"));
    witness_.found(sale(order("c"), 3, 2, 312));  // sale 2 is left out
    EXPECT_EQ(witness_.counts().gaps, 1);
    witness_.ordered(order("d"));
    witness_.found(sale(order("d"), 4, 4, 468));  // ticket 3 is left out
    EXPECT_EQ(witness_.counts().gaps, 2);
    witness_.ordered(order("e"));
    witness_.found(sale(order("e"), 5, 5, 625));  // 1 too much
    EXPECT_EQ(witness_.counts().gaps, 3);
}

TEST_F(WitnessTest, OrderWithoutAnswerMayBeThereOrNotAndItsRepeatDecides) {
    // The answer was lost with the office; both are honest, but not both at once.
    witness_.ordered(order("there"));
    witness_.ordered(order("not there"));
    witness_.found(sale_a_);
    witness_.found(sale_b_);
    witness_.found(sale(order("there"), 3, 2, 312));
    witness_.looked_through();
    EXPECT_EQ(witness_.counts().sales_unanswered, 2);
    EXPECT_EQ(witness_.counts().unanswered_found, 1);
    EXPECT_EQ(witness_.unanswered_sales().size(), 2u);
    witness_.answered("there", sale(order("there"), 3, 2, 312));
    witness_.answered("not there", sale(order("not there"), 4, 3, 468));
    EXPECT_TRUE(witness_.unanswered_sales().empty());
    witness_.looked_through();  // the second is not there after all
    EXPECT_EQ(witness_.counts().lost, 1);
    EXPECT_EQ(witness_.counts().doubled, 0);
}

TEST_F(WitnessTest, JobsAreHeldToTheSame) {
    // A room that was to be switched off stays on; or an order that nobody gave switches it.
    const JobOrdered ordered{"j", 1, "relay_off"};
    witness_.ordered(ordered);
    witness_.answered("j", JobSeen{1, 1, "relay_off"});
    witness_.found_jobs(1, {{1, 1, "relay_off"}});
    EXPECT_TRUE(witness_.findings().empty());
    witness_.answered("j", JobSeen{2, 1, "relay_off"});
    EXPECT_EQ(witness_.counts().doubled, 1);
    witness_.found_jobs(1, {{2, 1, "relay_off"}, {3, 1, "relay_on"}});
    EXPECT_EQ(witness_.counts().lost, 1);
    EXPECT_EQ(witness_.counts().unknown, 1);
}

}  // namespace
}  // namespace prewatt::torture

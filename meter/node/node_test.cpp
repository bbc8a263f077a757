#include "meter/node/node.hpp"

#include <gtest/gtest.h>

#include "meter/node/fake_board.hpp"

namespace prewatt::meter {
namespace {

TEST(Node, TicketLightsADarkRoom) {
    // Somebody pays, and stays in the dark.
    FakeBoard board;
    EXPECT_EQ(board.start(), StartResult::kFresh);
    board.run(seconds(5));
    EXPECT_TRUE(board.node->household({1}).state.holds().has(Hold::kNotOpened));
    EXPECT_FALSE(board.node->relay_closed({0}));
    EXPECT_EQ(board.command({.household = 1, .command = card::Ticket{1, 1, 1000}}).result, card::Result::kDone);
    board.run(milliseconds(200));
    EXPECT_TRUE(board.node->relay_closed({0}));
    EXPECT_EQ(board.node->household({1}).remaining, credit_of_hundredths(1000));
}

}  // namespace
}  // namespace prewatt::meter

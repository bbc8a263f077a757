#include "base/fixed_vector.hpp"

#include <gtest/gtest.h>

namespace prewatt {
namespace {

TEST(FixedVector, AFullOneRefusesAndKeepsWhatItHas) {
    FixedVector<int, 2> v;
    EXPECT_TRUE(v.push_back(1));
    EXPECT_TRUE(v.push_back(2));
    EXPECT_FALSE(v.push_back(3));
    EXPECT_EQ(v.size(), 2u);
    EXPECT_EQ(v.back(), 2);
}

TEST(FixedQueue, WrapsAroundInOrder) {
    FixedQueue<int, 3> q;
    for (int k = 0; k < 10; ++k) {
        EXPECT_TRUE(q.push(k));
        EXPECT_EQ(q.front(), k);
        q.pop();
    }
    EXPECT_TRUE(q.empty());
    q.push(1), q.push(2), q.push(3);
    EXPECT_FALSE(q.push(4));
    EXPECT_EQ(q.front(), 1);
}

}  // namespace
}  // namespace prewatt

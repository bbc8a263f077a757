#include "server/domain/room_search.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

int rank(std::string_view text, std::string_view label = "3-0512", std::string_view resident = "Wang Fang",
         std::uint64_t box = 2026000001) {
    return RoomSearch{text}.rank(label, resident, box);
}

TEST(RoomSearch, RoomIsFoundHoweverItIsTyped) {
    // The cashier types what the resident says: with dash, without, with and without the leading zero.
    for (const char* text : {"3-0512", "30512", "3-512", " 3-0512 ", "3 0512", "03-0512"})
        EXPECT_EQ(rank(text), 100) << text;
    for (const char* text : {"0512", "512"})
        EXPECT_EQ(rank(text), 80) << text;
    for (const char* text : {"3-05", "305"})
        EXPECT_EQ(rank(text), 60) << text;
}

TEST(RoomSearch, OtherRoomsDoNotMatch) {
    // Selling to the neighbour is the most expensive typing error there is.
    for (const char* text : {"3-0513", "4-0512", "30513", "5120", "3-5120", "513"})
        EXPECT_EQ(rank(text), 0) << text;
}

TEST(RoomSearch, ExactRoomComesBeforeRoomsThatOnlyBeginSo) {
    // 3-051 in a building with three digits a room stands before 3-0512.
    EXPECT_GT(rank("3-051", "3-051"), rank("3-051", "3-0512"));
}

TEST(RoomSearch, ResidentsAreFoundByPartOfTheNameInAnyScript) {
    // Residents know their name better than their room number.
    EXPECT_EQ(rank("fang"), 40);
    EXPECT_EQ(rank("WANG"), 40);
    EXPECT_EQ(rank("王", "3-0512", "王芳"), 40);
    EXPECT_EQ(rank("李", "3-0512", "王芳"), 0);
}

TEST(RoomSearch, BoxIsFoundByItsNumberOrItsLastDigits) {
    // The technician reads the plate of the box.
    EXPECT_EQ(rank("2026000001"), 30);
    EXPECT_EQ(rank("0001"), 20);
    EXPECT_EQ(rank("2026000002"), 0);
    EXPECT_EQ(rank("0001", "3-0512", "", 0), 0);
}

TEST(RoomSearch, NothingTypedFindsEverything) {
    // The desk opens with the list of rooms.
    EXPECT_TRUE(RoomSearch{"  "}.finds_all());
    EXPECT_EQ(rank(""), 1);
    EXPECT_EQ(rank("---"), 0);
}

}  // namespace
}  // namespace prewatt::server

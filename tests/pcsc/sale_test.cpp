// The whole way of a card on a site without a network: the desk on the real pcscd, the real office on SQLite behind it,
// the same plastic at the reader of a real box, and back.
#include <gtest/gtest.h>

#include "card/pcsc/apdu_reader.hpp"
#include "card/uid.hpp"
#include "tests/desk/corridor_box.hpp"
#include "tests/desk/office_at_desk.hpp"
#include "tests/pcsc/pcscd_fixture.hpp"

namespace prewatt::tests {
namespace {

using card::desk::OrderKind;

class PcscdSale : public PcscdTest {
  protected:
    PcscdSale() : at_(by_card()) {}
    static server::store::BuildingSpec by_card() {
        server::store::BuildingSpec building;
        building.line_url = "card";
        return building;
    }
    // The card is put on the reader, and whatever is done with it there; then it is taken away. The office's word.
    template <class What>
    std::string at_desk(sim::M1Card& plastic, What what) {
        sim::Field field;
        field.put(plastic);
        std::string word = "no card";
        {
            auto seated = seat(field);
            if (!seated) return word;
            card::ApduReader reader(*seated);
            word = what(reader);
            hand->take_away();
            EXPECT_TRUE(pcsc->wait_for_removal(reader_name, kLong));
        }
        return word;
    }
    std::string carry_out(card::ApduReader& reader, const card::desk::Order& order) {
        const auto report = card::desk::carry_out(reader, at_.direct(), order);
        return report ? report->text
                      : "fault " + std::to_string(static_cast<int>(report.error().fault)) + " " +
                            report.error().office.message;
    }
    std::string look(card::ApduReader& reader) {
        const auto looked = card::desk::look(reader, at_.direct(), card::desk::Depth::kRecords);
        return looked ? looked->report.text : "fault " + std::to_string(static_cast<int>(looked.error().fault));
    }

    OfficeAtDesk at_;
};

// AC11. Each half is tested without the other elsewhere; that what the desk writes through a real card service is what
// a real box takes, and that what the box writes is what the office believes, is seen only here.
TEST_F(PcscdSale, AC11ACardIsSoldOntoSwipedReadAndPaidBackThroughTheRealCardService) {
    const server::HouseholdId household = at_.room("3-0101");
    const auto record = at_.office().household(household);
    const std::uint8_t number = record->desired.number;
    CorridorBox box(at_, record->box_number);
    ASSERT_FALSE(box.view(number).lit) << "nothing was bought yet";
    sim::M1Card plastic(card::uid_of(std::array<Byte, 7>{0x04, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB}));

    const auto issued = at_desk(plastic, [&](card::ApduReader& reader) {
        return carry_out(reader, {OrderKind::kIssue, "i1", household.value, 0, "moved in"});
    });
    ASSERT_EQ(issued, "written");
    const auto sale = at_.sell("s1", household, 6400);
    const auto sold = at_desk(plastic, [&](card::ApduReader& reader) {
        EXPECT_EQ(look(reader), "behind");
        return carry_out(reader, {OrderKind::kTicket, "t1", 0, 0, ""});
    });
    ASSERT_EQ(sold, "written");
    EXPECT_TRUE(at_.office().sale(sale.id)->card_at) << "on the card";
    EXPECT_EQ(at_.office().household(household)->desired.confirmed_number, 0u) << "and not in the meter";

    box.swipe(plastic);
    EXPECT_EQ(box.view(number).ticket_number, 1u);
    EXPECT_EQ(box.view(number).credited, credit_of_hundredths(10'000));
    EXPECT_TRUE(box.view(number).lit);

    ASSERT_EQ(at_desk(plastic, [&](card::ApduReader& reader) { return look(reader); }), "up_to_date");
    const auto known = at_.office().household(household);
    EXPECT_EQ(known->desired.confirmed_epoch, 1);
    EXPECT_EQ(known->desired.confirmed_number, 1u);
    EXPECT_EQ(at_.card_of(household).said->credited(), credit_of_hundredths(10'000));
    EXPECT_TRUE(at_.card_of(household).said->swiped_at);
    EXPECT_GT(known->remaining, credit_of_hundredths(9'000));

    // Half of it is wanted back: paid out when the box has taken the ticket that takes it out, and not before.
    const auto refunded = at_.refund("r1", sale.id, 3200);
    ASSERT_TRUE(refunded) << refunded.error().message;
    const auto booking = refunded->bookings.front().id;
    const auto is_behind = [&](const std::string& id) {
        const auto paid = at_.pay_out(id, booking);
        return !paid && paid.error().reason == server::Reason::kMeterBehind;
    };
    EXPECT_TRUE(is_behind("p1"));
    const auto taken_out = at_desk(
        plastic, [&](card::ApduReader& reader) { return carry_out(reader, {OrderKind::kTicket, "t2", 0, 0, ""}); });
    ASSERT_EQ(taken_out, "written");
    EXPECT_TRUE(is_behind("p2")) << "on the card is not in the meter";
    box.swipe(plastic);
    EXPECT_EQ(box.view(number).ticket_number, 2u);
    EXPECT_EQ(box.view(number).credited, credit_of_hundredths(5'000));
    EXPECT_TRUE(is_behind("p3")) << "in the meter, and the office has not heard of it";
    ASSERT_EQ(at_desk(plastic, [&](card::ApduReader& reader) { return look(reader); }), "up_to_date");
    const auto paid = at_.pay_out("p4", booking);
    EXPECT_TRUE(paid) << paid.error().message;
}

}  // namespace
}  // namespace prewatt::tests

// An office whose meters are told by hand what they have used, for tests of accounts.
#pragma once
#include <map>

#include "server/store/office_fixture.hpp"

namespace prewatt::server::store {

class AccountsTest : public OfficeTest {
  protected:
    MoneyOrder money(std::string id, std::string reason = "because") {
        MoneyOrder order;
        order.order_id = std::move(id);
        order.who = {"owner", "test"};
        order.reason = std::move(reason);
        return order;
    }
    Accounts& accounts() { return office_->accounts(); }
    Answer<BookingsAnswer> refund(std::string id, BookingId sale, std::optional<Money> amount = {}) {
        return wait<BookingsAnswer>([&](auto done) { accounts().refund({money(std::move(id)), sale, amount}, done); });
    }
    Answer<MovementsAnswer> pay_out(std::string id, BookingId booking, int part = 0, DrawerId drawer = {}) {
        return wait<MovementsAnswer>(
            [&](auto done) { accounts().pay_out({money(std::move(id)), booking, part, drawer}, done); });
    }
    Answer<BookingsAnswer> settle(std::string id, HouseholdId household) {
        return wait<BookingsAnswer>([&](auto done) { accounts().settle(money(std::move(id)), household, done); });
    }
    Answer<BookingsAnswer> grant(std::string id, HouseholdId household, std::int64_t hundredths) {
        return wait<BookingsAnswer>([&](auto done) {
            accounts().grant(money(std::move(id)), household, credit_of_hundredths(hundredths), done);
        });
    }
    Answer<BookingsAnswer> open_account(std::string id, HouseholdId household) {
        return wait<BookingsAnswer>([&](auto done) { accounts().open(money(std::move(id)), household, done); });
    }
    Answer<BookingsAnswer> move_to(std::string id, HouseholdId from, HouseholdId to) {
        return wait<BookingsAnswer>([&](auto done) { accounts().move({money(std::move(id)), from, to}, done); });
    }
    Answer<BookingsAnswer> correct(std::string id, BookingId sale, HouseholdId right = {},
                                   std::optional<Money> amount = {}) {
        return wait<BookingsAnswer>(
            [&](auto done) { accounts().correct({money(std::move(id)), sale, right, amount}, done); });
    }
    ResidentId resident(std::string id, HouseholdId household, std::string name) {
        ResidentRecord record;
        record.household = household;
        record.name = std::move(name);
        const auto added =
            wait<ResidentRecord>([&](auto done) { accounts().add_resident(money(std::move(id)), record, done); });
        EXPECT_TRUE(added);
        return added ? added->id : ResidentId{};
    }
    // The meter has the newest ticket and has used so much of this epoch.
    void meter(HouseholdId household, std::int64_t used_hundredths) {
        move(seconds(1));
        const auto desired = office_->desired(household);
        ASSERT_TRUE(desired);
        MeterEffect effect;
        effect.epoch = desired->ticket.epoch;
        effect.ticket_number = desired->ticket.number;
        effect.remaining = desired->ticket.credited - credit_of_hundredths(used_hundredths);
        ASSERT_TRUE(wait<Done>([&](auto done) { office_->record_effect(household, effect, now(), done); }));
    }
    Account account(HouseholdId household) {
        const auto record = accounts().account(household);
        EXPECT_TRUE(record);
        return record ? record->account : Account{};
    }
};

}  // namespace prewatt::server::store

// An office on SQLite in a folder of its own, with a desk: what tests of cards stand on. Time goes by a second with
// each question; somebody sells, pays back and looks at the books as "owner".
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "card/openssl/openssl_mac.hpp"
#include "server/desk/office_desk.hpp"
#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"
#include "tests/desk/direct_office.hpp"

namespace prewatt {

class OfficeAtDesk {
  public:
    static constexpr card::Key kMaster{7, 7, 7};
    static constexpr std::int64_t kBegin_ms = 1'790'000'000'000;

    explicit OfficeAtDesk(const server::store::BuildingSpec& building = {})
        : folder_(std::filesystem::temp_directory_path() /
                  ("prewatt-desk-" + std::to_string(getpid()) + "-" +
                   testing::UnitTest::GetInstance()->current_test_info()->name())) {
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        options_.url = (folder_ / "office.db").string();
        options_.clock = [this] { return server::UnixTime{now_ms += 1000}; };
        options_.cheap_password_hash = true;
        const auto made = server::store::create_demo(
            options_, {.name = "Campus", .owner_user = "owner", .owner_password = "correct horse", .price = {}},
            building);
        EXPECT_TRUE(made);
        auto opened = server::store::open_office(options_);
        EXPECT_TRUE(opened);
        office_ = std::move(*opened);
        desk_.emplace(office_->cards(), mac, kMaster, card::Layout{}, &office_->warrants());
        direct_.emplace(*desk_, kClerk);
    }
    ~OfficeAtDesk() {
        office_.reset();
        std::filesystem::remove_all(folder_);
    }
    OfficeAtDesk(const OfficeAtDesk&) = delete;
    OfficeAtDesk& operator=(const OfficeAtDesk&) = delete;

    server::Office& office() { return *office_; }
    server::CardDesk& desk() { return *desk_; }
    // As card/desk asks it.
    DirectOffice& direct() { return *direct_; }

    server::HouseholdId room(std::string_view label) { return office_->find_households(label, 1)->front().id; }
    server::SaleRecord sell(const std::string& id, server::HouseholdId household, std::int64_t amount_fen = 6400) {
        server::SaleOrder order;
        order.order_id = id;
        order.household = household;
        order.amount = fen(amount_fen);
        order.operator_name = "owner";
        const auto sold = server::wait<server::SaleAnswer>([&](auto done) { office_->sell(order, std::move(done)); });
        EXPECT_TRUE(sold);
        return sold ? sold->sale : server::SaleRecord{};
    }
    server::Answer<server::BookingsAnswer> refund(const std::string& id, server::SaleId sale, std::int64_t amount_fen) {
        return server::wait<server::BookingsAnswer>([&](auto done) {
            office_->accounts().refund({{id, kClerk, "moves out"}, sale, fen(amount_fen)}, std::move(done));
        });
    }
    server::Answer<server::MovementsAnswer> pay_out(const std::string& id, server::BookingId booking) {
        return server::wait<server::MovementsAnswer>(
            [&](auto done) { office_->accounts().pay_out({{id, kClerk, "cash"}, booking, 0, {}}, std::move(done)); });
    }
    server::CardRecord card_of(server::HouseholdId household) {
        const auto list = office_->cards().cards(household, {}, 1);
        return list && !list->empty() ? list->front() : server::CardRecord{};
    }

    const server::Actor kClerk{"owner", "desk"};
    std::atomic<std::int64_t> now_ms{kBegin_ms};
    card::OpensslMac mac;
    card::SiteMasters masters = card::site_masters(mac, kMaster);

  private:
    std::filesystem::path folder_;
    server::store::OfficeOptions options_;
    std::unique_ptr<server::Office> office_;
    std::optional<server::desk::OfficeDesk> desk_;
    std::optional<DirectOffice> direct_;
};

}  // namespace prewatt

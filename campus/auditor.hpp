// The database as an auditor reads it: with statements of his own on a connection of his own, beside the office.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/store/db.hpp"

namespace prewatt::campus {

struct BookingSeen {
    std::int64_t id = 0;
    std::int64_t household = 0;
    std::int64_t kind = 0;  // docs/formats/ledger.md
    std::string order_id;   // as it was asked for: of the k-th booking of an order without its "\u00b7k"
    int place = 1;          // k
    std::int64_t amount_fen = 0;
    std::int64_t energy_hundredths = 0;
    std::int64_t epoch = 0;
    std::int64_t ticket_number = 0;
    std::int64_t credited_hundredths = 0;
    bool confirmed = false;
};

class Auditor {
  public:
    explicit Auditor(std::unique_ptr<server::store::Db> db) : db_(std::move(db)) {}

    [[nodiscard]] std::int64_t newest_booking();
    // Of a household: its accounts, and epoch and number of its newest ticket.
    [[nodiscard]] std::vector<std::uint16_t> accounts(std::int64_t household);
    [[nodiscard]] std::pair<std::uint16_t, std::uint32_t> newest_ticket(std::int64_t household);
    // Bookings with an id above `after`, by id.
    [[nodiscard]] std::vector<BookingSeen> bookings_after(std::int64_t after);
    [[nodiscard]] std::optional<BookingSeen> booking(std::int64_t household, std::int64_t epoch, std::int64_t number);
    // Of those whose progress says so, the newest of each household: who has not that one is behind.
    struct Confirmed {
        std::int64_t household;
        std::int64_t epoch;
        std::int64_t number;
    };
    [[nodiscard]] std::vector<Confirmed> confirmed();
    // All that was ever given to each household less what was taken, hundredths, and how many accounts it had.
    struct Given {
        std::int64_t household;
        std::int64_t given_hundredths;
        std::int64_t epochs;
        std::int64_t short_hundredths;  // visibly short: taken out and no longer there, not given back
    };
    [[nodiscard]] std::vector<Given> given();
    // The accounts of a household that were ended by the office, with what it knew to have been used in each when the
    // end was booked or confirmed: carried on in another meter or memory, settled, moved away.
    struct Ended {
        std::uint16_t epoch;
        std::int64_t used_hundredths;
        bool carried;
        std::string order_id;
    };
    [[nodiscard]] std::vector<Ended> ended(std::int64_t household);
    // The account of a household as lines for a person, oldest first.
    [[nodiscard]] std::string story_of(std::int64_t household);
    // The first thing that does not add up; empty: all does.
    [[nodiscard]] std::string add_up();
    [[nodiscard]] bool ok() const { return db_->ok(); }

  private:
    std::unique_ptr<server::store::Db> db_;
};

}  // namespace prewatt::campus

// What ledger, meters, channel statements and head meters say of each other, and when that is a difference. Pure; kept
// and raised as items of work by server/store (reconciliation.cpp). Nothing is mended here or there.
//
// Bounds. Office and meter round to a hundredth; a supply failure may cost the meter 0.01 kWh (product.md M14), of
// which two a day are allowed. A head meter and its rooms are never read at the same instant: a room's register at the
// instant of the head reading lies between its readings before and after (it only grows), so the sum of the rooms is
// known between two bounds, and only what lies outside of both is called a loss or a gain.
#pragma once
#include "server/domain/booking.hpp"
#include "server/domain/types.hpp"
#include "server/domain/work_list.hpp"

namespace prewatt::server {

struct ReconcileRules {
    Duration ticket_patience = minutes(24 * 60);  // paid or granted, and still not confirmed by the meter
    Energy register_slack = energy_of_hundredths(5);
    Energy slack_per_day = energy_of_hundredths(2);
    Duration match_within = minutes(15);  // a statement's line without an order id, and a booking of the same amount
    Duration head_patience = minutes(3 * 24 * 60);  // a head meter that was read before, and is not any more
    std::int64_t loss_permille = 50;                // of what the head meter counted
    Energy loss_least = energy_of_hundredths(100);
    std::int64_t gain_permille = 10;  // rooms counted more than their head meter: both are class 1
};

// --- Ledger and meter

// What was known of a household when the office first looked in this epoch, and is measured against since.
struct AccountBase {
    std::uint16_t epoch = 0;  // 0: nothing yet
    UnixTime at;
    Energy forward;
    Credit remaining;
    Credit credited;       // of the ticket that the meter had then
    Energy forward_since;  // the highest register seen since
};
struct MeterFacts {
    HouseholdId household;
    std::string room;
    TicketTotal newest;  // of the ledger
    // Of the ledger, for the tickets from the one that the meter confirmed to the newest of the meter's epoch: what
    // each has credited. Empty: the ledger does not know the meter's ticket.
    std::vector<Credit> credited_possible;
    std::uint16_t meter_epoch = 0;                  // 0: the meter has shown none
    AccountUnit meter_unit = AccountUnit::kEnergy;  // of that account; a later one may count in another
    std::uint32_t meter_number = 0;
    Credit used;  // that the office knows of, in the meter's epoch
    std::optional<Reading> reading;
    AccountBase base;
    std::optional<UnixTime> unconfirmed_since;  // the oldest booking of the newest epoch that no meter has confirmed
    std::string last_problem;                   // of its delivery
};
struct AccountFindings {
    std::vector<WorkItem> items;
    AccountBase base;  // to be kept
};
[[nodiscard]] AccountFindings compare_account(const MeterFacts& facts, const ReconcileRules& rules, UnixTime now);
// The kinds that compare_account can raise: what is not found any more is closed.
inline constexpr std::string_view kAccountKinds[] = {"ledger_ticket_unknown", "ledger_ticket_not_confirmed",
                                                     "ledger_register_went_back", "ledger_use_unlike_registers",
                                                     "ledger_remaining_too_high"};

// --- Ledger and channel

enum class LineKind : std::uint8_t { kPayment = 1, kRefund = 2 };
struct StatementLine {
    UnixTime at;
    std::string reference;  // of the channel; unique there
    std::string order_id;   // ours; empty: the channel does not know it
    Money amount;           // positive
    LineKind kind = LineKind::kPayment;
};
// Lines of a CSV text as docs/formats/statement.md has it; the first thing wrong with its line.
[[nodiscard]] Answer<std::vector<StatementLine>> read_statement(std::string_view csv);

// A sale, or what was paid out through the channel (`booking`: of the refund or settlement, `order_id`: of the payout).
struct BookedLine {
    SaleId booking;
    HouseholdId household;
    std::string order_id;
    UnixTime at;
    Money amount;
    LineKind kind = LineKind::kPayment;
};
// `booked` and `lines` are all of one channel in one span of time (and a little around it); `from`, `to`: the span that
// statements cover. Items of the kinds channel_missing_here, channel_missing_there, channel_other_amount,
// channel_double.
[[nodiscard]] std::vector<WorkItem> compare_statement(Channel channel, const std::vector<BookedLine>& booked,
                                                      const std::vector<StatementLine>& lines, UnixTime from,
                                                      UnixTime to, const ReconcileRules& rules, UnixTime now);
inline constexpr std::string_view kChannelKinds[] = {"channel_missing_here", "channel_missing_there",
                                                     "channel_other_amount", "channel_double"};

// --- Head meter and rooms

// A register at an instant: read before it and after it.
struct Bracket {
    Energy before;
    Energy after;
};
struct BuildingDay {
    BuildingId building;
    std::string name;
    UnixTime from;  // of the two head readings
    UnixTime to;
    Energy head;
    struct Room {
        Bracket from;
        Bracket to;
    };
    std::vector<Room> rooms;
    int rooms_unknown = 0;  // that have no reading near enough
};
// Nothing: they agree within the bounds, or it cannot be told (a room is unknown and the head counted more). A head
// meter that shows less than before was exchanged or misread: it says so, and nothing of its rooms.
[[nodiscard]] std::optional<WorkItem> compare_building(const BuildingDay& day, const ReconcileRules& rules,
                                                       UnixTime now);
// The item of such a day, without its figures: what names the difference.
[[nodiscard]] WorkItem head_item(const BuildingDay& day, std::string_view kind);
inline constexpr std::string_view kHeadKinds[] = {"head_unlike_rooms", "head_went_back"};

// A head meter that was read once and has not been for longer than the patience: what its rooms use is not compared.
struct HeadSeen {
    BuildingId building;
    std::string name;
    UnixTime newest;
};
[[nodiscard]] std::optional<WorkItem> old_head(const HeadSeen& seen, const ReconcileRules& rules, UnixTime now);
inline constexpr std::string_view kOldHeadKind = "head_reading_old";

// --- What a room change took along and the old meter had used already

struct ShortMove {
    BookingId move_out;
    HouseholdId from;
    std::string into_room;
    Credit taken;      // along
    Credit remaining;  // of the old meter when it confirmed that; negative
    AccountUnit unit = AccountUnit::kEnergy;
    bool into_closed = false;   // the account that it went into
    bool into_another = false;  // that room has another account now
    bool from_another = false;  // the old room has
};
// Nothing: it is given back by itself (Accounts::give_back).
[[nodiscard]] std::optional<WorkItem> short_move(const ShortMove& facts, UnixTime now);
inline constexpr std::string_view kShortMoveKind = "move_short";

}  // namespace prewatt::server

// A campus for days or a year: boxes with their rooms, the lines, the office, people, and everything that can go wrong,
// on one thread under one virtual clock, all of it from one seed. And a judge who looks at it from outside at every
// step.
//
// The real things: the meters (both processors, their storage format), the sealed commands, the line masters, the
// office with its SQL on the real SQLite. The fakes, each with its fault model at its head: the disk (fake_disk.hpp),
// the boards (box.hpp), the copper (sim/serial_line.hpp), somebody on the line who says old frames again
// (mischief.hpp). People: they buy before it is dark or long after, click twice, give up in the middle, ask again;
// operators switch off and on, force, set alarms.
//
// What the judge knows is his own: what people asked for and were told, what went through the contacts, what he saw
// the displays show, and the rows of the database as an auditor reads them. What he demands, at every step:
//   M1  what a meter was credited with is the total of a booking of the ledger, under its number
//   M2  remaining = credited - used, and used moves with the registers, joule for joule
//   M3  the registers hold what went through the contacts; a lost supply takes no more than 0.01 kWh and the window
//   that
//       was under the pen
//   O1  an order that was answered as sold stands in the ledger once, with the amount and the room that were asked for;
//   one
//       that was not answered at most once; nothing else stands there
//   O2  the ledger adds up: entries, running totals, remainders, chain
//   O3  what the office calls confirmed, the meter has
//   P1  money goes back to people only after the meter has shown the ticket that took the credit out
//   L1  no room stays lit longer than kReliefMax with its credit used up, or with a hold that nobody overrules
//   L2  no room with credit and without a hold that the judge knows of stays dark longer than kReliefMax
//   D1  a sale that was answered reaches its meter within kDeliveryMax of undisturbed time (office, box and line)
//   D3  a room whose meter was changed or lost its memory, with credit, has an account again within kRecoveryMax of
//       undisturbed time
//   R1  an account is carried on in a new one only where a meter was changed or lost its memory, and with no more use
//       taken from it than there was
//   R2  and with no less than the meter had shown for kKnowledgeMax of undisturbed time
//   B1  a room whose meter has a ticket that a restored office does not know: within kRecoveryMax of undisturbed time a
//       question with both figures stands, and no ticket goes to it before it is answered
//   A1  a question can be answered, by two different people and upon the figures that the meter shows; from then on the
//   room
//       is judged as every other
//   D2  what an operator was told to be ordered, off or on, the meter holds within kHoldMax of undisturbed time, and
//   goes on
//       holding
// and after the faults have stopped:
//   E1  all that was ever given to a room less what was taken back is in its registers or remains, to the joule within
//   an account C1  within kConvergenceMax everything that the office desires is so, and every order is settled
// A demand that is not met ends the run with the step, the virtual time and what was seen. The same options give the
// same run to the same byte; `digest` says so.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "campus/defect.hpp"

namespace prewatt::campus {

inline constexpr Duration kReliefMax = minutes(18);      // a round of refresh is 15 minutes at most
inline constexpr Duration kDeliveryMax = minutes(10);    // back-off of a box that was away is 60 s at most
inline constexpr Duration kHoldMax = minutes(75);        // a round of the sweep, which finds what has changed by itself
inline constexpr Duration kRecoveryMax = minutes(180);   // a sweep finds it, then it is read in full and judged
inline constexpr Duration kKnowledgeMax = minutes(150);  // two rounds of the sweep: one damaged reading is not believed
inline constexpr Duration kConvergenceMax = minutes(180);  // a full round of the sweep, of status and of accounts

struct CampusOptions {
    std::uint64_t seed = 1;
    double days = 7;
    int boxes = 4;
    int homes = kHouseholdsMax;  // of each box
    int lines = 2;
    Duration window = seconds(60);  // of a measurement
    Duration sweep = minutes(60);   // a box is read no more often than this, unless something is going on
    bool faults = true;
    bool answered = true;  // what a restored backup left; false: it ends in the questions
    bool cards = false;    // readers at the boxes, and residents with cards (cards.cpp)
    Duration absence{};    // of a box that is away for long; 0: 30 days, and no more than 0.4 of the run
    Defect defect = Defect::kNone;
    std::function<void(double days)> progress = {};  // may be empty
};

struct CampusReport {
    bool held = false;
    std::string violation;   // which demand, who, what was seen
    std::string story;       // the account of the room concerned, where there is one
    std::uint64_t step = 0;  // of the violation, or all
    double virtual_seconds = 0;
    double processor_seconds = 0;
    std::uint64_t digest = 0;

    // what happened
    std::int64_t orders = 0;
    std::int64_t sold = 0;
    std::int64_t double_clicks = 0;
    std::int64_t asked_again = 0;
    std::int64_t given_up = 0;
    std::int64_t jobs = 0;
    std::int64_t clerk_orders = 0;  // refunds, corrections, settlements, moves, grants, payouts
    std::int64_t clerk_orders_done = 0;
    std::int64_t given_back = 0;         // bookings that gave back what a meter no longer had
    std::int64_t office_kills = 0;       // between two steps
    std::int64_t office_deaths = 0;      // in the middle of a write
    std::int64_t host_power_losses = 0;  // of both, those that lost what was not synchronised
    std::int64_t disk_errors = 0;        // armed: refused writes, refused syncs, full disks
    std::int64_t supply_losses = 0;      // of boxes
    std::int64_t supply_losses_in_write = 0;
    std::int64_t processor_resets = 0;
    std::int64_t clock_jumps = 0;
    std::int64_t noisy_hours = 0;
    std::int64_t replays = 0;
    std::int64_t messages_held_back = 0;  // between line masters and office
    std::int64_t long_absences = 0;       // of a box: its supply or its line
    std::int64_t boxes_changed = 0;       // for one from the cupboard, with all their rooms
    std::int64_t memories_lost = 0;       // of boxes, with their registers
    std::int64_t backups_restored = 0;
    std::int64_t rooms_ahead = 0;            // of a restored office
    std::int64_t answered_meters = 0;        // of them, by two people: the meter's total counts
    std::int64_t answered_offices = 0;       // the office's
    std::int64_t answers_refused = 0;        // by the second person
    std::int64_t answers_by_one = 0;         // tries of whoever asked to approve it too: refused
    std::int64_t answers_failed = 0;         // approved when something was another way than proposed: nothing done
    std::int64_t receipts_sold_again = 0;    // of what the answered total does not hold
    std::int64_t cards_written = 0;          // at the desk, and read back
    std::int64_t cards_torn = 0;             // away from there
    std::int64_t cards_lost = 0;             // and replaced
    std::int64_t taps = 0;                   // at a box
    std::int64_t cheats = 0;                 // of them
    std::int64_t credited_while_tapped = 0;  // the meter took a newer ticket
    std::int64_t cards_of_before = 0;        // of them, one that only the books before a restore knew
    std::int64_t prices_changed = 0;
    std::int64_t settings_changed = 0;
    std::uint64_t characters = 0;
    std::uint64_t damaged_characters = 0;
    std::int64_t windows = 0;
    std::int64_t checks = 0;

    // what was found
    Energy through_contacts;
    Energy in_registers;
    Energy lost_at_supply_losses;  // by all boxes together
    Money taken;
    Money paid_out;
    Energy sold_energy;
    Duration longest_lit_without_credit;
    Duration longest_dark_with_credit;
    Duration longest_delivery;  // of undisturbed time
    Duration longest_recovery;  // likewise
    Energy used_unknown;        // by rooms after the office had last read the meter that they lost
    Duration convergence;
};
[[nodiscard]] CampusReport run_campus(const CampusOptions& options);

}  // namespace prewatt::campus

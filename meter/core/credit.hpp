// The account of a household: what has been credited, what has been used, and which holds follow from it.
//
// Credit is a total, not an increment (docs/formats/sealed-command.md): a ticket says "epoch e, number n, credited T so
// far". In an epoch the highest number counts; a ticket that comes twice, late or out of order changes nothing. A
// higher epoch closes the account, keeps its final figures for the settlement, and opens a new one with nothing used.
// `used` only grows: forward and reverse energy are both charged, so turning a wire round steals nothing.
//
// Everything here is a pure function of its arguments; who stores it, and when, is decided elsewhere.
#pragma once
#include <cstdint>

#include "base/hold.hpp"
#include "base/units.hpp"
#include "meter/core/cutoff_alarm.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

struct AlarmLevels {  // hundredths of the account's unit; 0 switches an alarm off
    std::uint32_t low_hundredths = 0;
    std::uint32_t cutoff_hundredths = 0;
    std::uint32_t overdraft_hundredths = 0;  // how far below zero the household may go
    friend constexpr bool operator==(const AlarmLevels&, const AlarmLevels&) = default;
};

struct Account {
    std::uint16_t epoch = 0;  // 0: never opened
    std::uint32_t ticket_number = 0;
    Credit credited;
    Credit used;
    AlarmLevels levels;
    CutoffStage cutoff = CutoffStage::kArmed;
    settings::AccountUnit unit = settings::AccountUnit::kEnergy;  // of credited and used, for the whole epoch
    std::uint16_t previous_epoch = 0;
    Credit previous_used;
    Credit previous_credited;
    Energy reverse_at_opening;
    [[nodiscard]] constexpr bool is_open() const { return epoch != 0; }
    [[nodiscard]] constexpr Credit remaining() const { return credited - used; }
    friend constexpr bool operator==(const Account&, const Account&) = default;
};

struct CreditTotal {  // what a ticket says
    std::uint16_t epoch = 0;
    std::uint32_t number = 0;
    std::int64_t credited_hundredths = 0;
};
// 6 bytes on the wire; with 36,000 grains each the product still fits 64 bits.
inline constexpr std::int64_t kCreditedHundredthsMax = (std::int64_t{1} << 47) - 1;

enum class TicketEffect : std::uint8_t {
    kMalformed,  // epoch 0, number 0 or a total out of range: nothing changed
    kKnown,      // an older or the same ticket: nothing changed
    kTaken,      // the total of the same epoch
    kOpened,     // a new epoch
};
struct Taken {
    TicketEffect effect = TicketEffect::kMalformed;
    Credit bought;  // how much the total grew; negative when credit was taken out
};
// `reverse` is the household's reverse energy total at this moment.
Taken take_ticket(Account& account, const CreditTotal& ticket, Energy reverse);

// Nothing is charged to an account that was never opened. `cost`: what the energy costs in the account's unit.
constexpr void charge(Account& account, Credit cost) {
    if (account.is_open()) account.used += cost;
}
constexpr void charge(Account& account, Energy used) {  // of an energy account
    charge(account, credit_for(used));
}

// Compares what remains with the cut-off level and moves the alarm; true when its stage changed, which must be stored.
bool watch_cutoff(Account& account);
void acknowledge(Account& account);

// Of the holds: no credit, cut-off alarm, not opened.
[[nodiscard]] HoldSet credit_holds(const Account& account);
[[nodiscard]] bool is_low(const Account& account);

}  // namespace prewatt::meter

#include "meter/core/credit.hpp"

namespace prewatt::meter {

Taken take_ticket(Account& account, const CreditTotal& ticket, Energy reverse) {
    if (ticket.epoch == 0 || ticket.number == 0) return {TicketEffect::kMalformed, {}};
    if (ticket.credited_hundredths > kCreditedHundredthsMax || ticket.credited_hundredths < -kCreditedHundredthsMax)
        return {TicketEffect::kMalformed, {}};
    if (ticket.epoch < account.epoch) return {TicketEffect::kKnown, {}};
    if (ticket.epoch == account.epoch && ticket.number <= account.ticket_number) return {TicketEffect::kKnown, {}};
    // After a clear no account is open; tickets of the epochs before it stay worthless.
    if (!account.is_open() && ticket.epoch <= account.previous_epoch) return {TicketEffect::kKnown, {}};

    const Credit credited = credit_of_hundredths(ticket.credited_hundredths);
    TicketEffect effect = TicketEffect::kTaken;
    Credit bought = credited - account.credited;
    if (ticket.epoch > account.epoch) {
        effect = TicketEffect::kOpened;
        bought = credited;
        if (account.is_open()) {
            account.previous_epoch = account.epoch;
            account.previous_used = account.used;
            account.previous_credited = account.credited;
        }
        account.epoch = ticket.epoch;
        account.used = Credit{};
        account.cutoff = CutoffStage::kArmed;
        account.reverse_at_opening = reverse;
    }
    account.ticket_number = ticket.number;
    account.credited = credited;
    if (bought > Credit{}) account.cutoff = next(account.cutoff, CutoffEvent::kPurchase);
    watch_cutoff(account);
    return {effect, bought};
}

bool watch_cutoff(Account& account) {
    const CutoffStage before = account.cutoff;
    const std::uint32_t level = account.levels.cutoff_hundredths;
    const bool below = account.is_open() && level != 0 && account.remaining() <= credit_of_hundredths(level);
    account.cutoff = next(before, below ? CutoffEvent::kBelow : CutoffEvent::kAbove);
    return account.cutoff != before;
}

void acknowledge(Account& account) {
    account.cutoff = next(account.cutoff, CutoffEvent::kAcknowledge);
}

HoldSet credit_holds(const Account& account) {
    HoldSet holds;
    if (!account.is_open()) {
        holds.set(Hold::kNotOpened, true);
        return holds;
    }
    const Credit floor = -credit_of_hundredths(account.levels.overdraft_hundredths);
    holds.set(Hold::kNoCredit, account.remaining() <= floor);
    holds.set(Hold::kCutoffAlarm, account.cutoff == CutoffStage::kReminding);
    return holds;
}

bool is_low(const Account& account) {
    return account.is_open() && account.levels.low_hundredths != 0 &&
           account.remaining() <= credit_of_hundredths(account.levels.low_hundredths);
}

}  // namespace prewatt::meter

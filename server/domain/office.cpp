#include "server/domain/office.hpp"

namespace prewatt::server {

std::string_view word(Reason reason) {
    switch (reason) {
        case Reason::kNotFound:
            return "not_found";
        case Reason::kBadArgument:
            return "bad_argument";
        case Reason::kAmountNotPositive:
            return "amount_not_positive";
        case Reason::kAmountTooLarge:
            return "amount_too_large";
        case Reason::kAmountTooSmall:
            return "amount_too_small";
        case Reason::kHoarding:
            return "hoarding_limit";
        case Reason::kTotalTooLarge:
            return "total_too_large";
        case Reason::kAccountClosed:
            return "account_closed";
        case Reason::kNoMeter:
            return "no_meter";
        case Reason::kPriceNotSet:
            return "price_not_set";
        case Reason::kAccountUnit:
            return "account_unit";
        case Reason::kAccountOpen:
            return "account_open";
        case Reason::kMeterBehind:
            return "meter_behind";
        case Reason::kMeterUnread:
            return "meter_unread";
        case Reason::kNothingToRefund:
            return "nothing_to_refund";
        case Reason::kRefundTooLarge:
            return "refund_too_large";
        case Reason::kOwing:
            return "owing";
        case Reason::kNotCorrectable:
            return "not_correctable";
        case Reason::kNotDue:
            return "not_due";
        case Reason::kDrawerClosed:
            return "drawer_closed";
        case Reason::kNotResident:
            return "not_resident";
        case Reason::kOrderIdReused:
            return "order_id_reused";
        case Reason::kNameTaken:
            return "name_taken";
        case Reason::kLastOwner:
            return "last_owner";
        case Reason::kPasswordWeak:
            return "password_weak";
        case Reason::kSignInRefused:
            return "sign_in_refused";
        case Reason::kLockedOut:
            return "locked_out";
        case Reason::kStorageFull:
            return "storage_full";
        case Reason::kStorageFailed:
            return "storage_failed";
        case Reason::kNeedsApproval:
            return "needs_approval";
        case Reason::kAlreadyDecided:
            return "already_decided";
        case Reason::kNoRight:
            return "no_right";
        case Reason::kCampaignOld:
            return "campaign_old";
        case Reason::kQuestionChanged:
            return "question_changed";
        case Reason::kTicketsUnclear:
            return "tickets_unclear";
        case Reason::kCardInUse:
            return "card_in_use";
        case Reason::kCardRevoked:
            return "card_revoked";
        case Reason::kCardUnlike:
            return "card_unlike";
        case Reason::kCardNotUsable:
            return "card_not_usable";
        case Reason::kStopping:
            return "stopping";
    }
    return "unknown";
}

std::string_view word(Wiring wiring) {
    switch (wiring) {
        case Wiring::k39x1:
            return "39x1";
        case Wiring::k18x2:
            return "18x2";
        case Wiring::k12x3:
            return "12x3";
    }
    return "unknown";
}

std::string_view word(Part part) {
    switch (part) {
        case Part::kTicket:
            return "ticket";
        case Part::kRemoteHold:
            return "remote_hold";
        case Part::kForce:
            return "force";
        case Part::kAcknowledge:
            return "acknowledge";
        case Part::kAlarms:
            return "alarms";
        case Part::kResetLockout:
            return "reset_lockout";
        case Part::kClear:
            return "clear";
    }
    return "unknown";
}

std::string_view word(Situation situation) {
    switch (situation) {
        case Situation::kNone:
            return "none";
        case Situation::kAhead:
            return "ahead";
        case Situation::kOtherTotal:
            return "other_total";
        case Situation::kForgotten:
            return "forgotten";
        case Situation::kUsedLess:
            return "used_less";
        case Situation::kCleared:
            return "cleared";
    }
    return "unknown";
}

std::string_view word(Channel channel) {
    switch (channel) {
        case Channel::kNone:
            return "none";
        case Channel::kWechat:
            return "wechat";
        case Channel::kCash:
            return "cash";
        case Channel::kTransfer:
            return "transfer";
        case Channel::kOther:
            return "other";
    }
    return "unknown";
}

std::optional<Channel> channel_of(std::string_view text) {
    for (const Channel channel : {Channel::kCash, Channel::kTransfer, Channel::kOther, Channel::kWechat})
        if (word(channel) == text) return channel;
    return std::nullopt;
}

std::string_view word(LedgerAccount account) {
    switch (account) {
        case LedgerAccount::kCash:
            return "cash";
        case LedgerAccount::kTransfer:
            return "transfer";
        case LedgerAccount::kOtherChannel:
            return "other";
        case LedgerAccount::kSales:
            return "sales";
        case LedgerAccount::kRounding:
            return "rounding";
        case LedgerAccount::kSupply:
            return "supply";
        case LedgerAccount::kHousehold:
            return "household";
        case LedgerAccount::kWechat:
            return "wechat";
        case LedgerAccount::kGrants:
            return "grants";
        case LedgerAccount::kRefundsDue:
            return "refunds_due";
        case LedgerAccount::kServiceFees:
            return "service_fees";
        case LedgerAccount::kSafe:
            return "safe";
        case LedgerAccount::kDifference:
            return "difference";
        case LedgerAccount::kTakenOver:
            return "taken_over";
    }
    return "unknown";
}

std::string_view word(JobState state) {
    switch (state) {
        case JobState::kWaiting:
            return "waiting";
        case JobState::kSent:
            return "sent";
        case JobState::kConfirmed:
            return "confirmed";
        case JobState::kFailed:
            return "failed";
    }
    return "unknown";
}

std::string_view word(Role role) {
    switch (role) {
        case Role::kOwner:
            return "owner";
        case Role::kCashier:
            return "cashier";
        case Role::kTechnician:
            return "technician";
        case Role::kAuditor:
            return "auditor";
    }
    return "unknown";
}

std::optional<Role> role_of(std::string_view text) {
    for (const Role role : {Role::kOwner, Role::kCashier, Role::kTechnician, Role::kAuditor})
        if (word(role) == text) return role;
    return std::nullopt;
}

}  // namespace prewatt::server

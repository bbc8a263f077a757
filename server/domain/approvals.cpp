#include "server/domain/approvals.hpp"

#include <charconv>

#include "server/domain/audit.hpp"

namespace prewatt::server {

std::string_view word(ActKind kind) {
    switch (kind) {
        case ActKind::kPrice:
            return "price";
        case ActKind::kRefund:
            return "refund";
        case ActKind::kCorrection:
            return "correction";
        case ActKind::kClear:
            return "clear";
        case ActKind::kMassAction:
            return "mass_action";
        case ActKind::kRestoredReset:
            return "restored_reset";
        case ActKind::kRightsCard:
            return "rights_card";
        case ActKind::kRules:
            break;
    }
    return "rules";
}

bool may_approve(Role role, ActKind kind) {
    if (role == Role::kOwner) return true;
    switch (kind) {
        case ActKind::kRefund:
            return role == Role::kCashier;
        case ActKind::kClear:
        case ActKind::kMassAction:
        case ActKind::kRightsCard:
            return role == Role::kTechnician;
        case ActKind::kPrice:
        case ActKind::kCorrection:
        case ActKind::kRestoredReset:
        case ActKind::kRules:
            break;
    }
    return false;
}

bool may_ask(Role role, ActKind kind) {
    if (role == Role::kOwner) return true;
    switch (kind) {
        case ActKind::kRefund:
        case ActKind::kCorrection:
            return role == Role::kCashier;
        case ActKind::kClear:
        case ActKind::kMassAction:
        case ActKind::kRightsCard:
            return role == Role::kTechnician;
        case ActKind::kRestoredReset:
            return role == Role::kCashier || role == Role::kTechnician;
        case ActKind::kPrice:
        case ActKind::kRules:
            break;
    }
    return false;
}

std::string_view word(TwoPeople mode) {
    switch (mode) {
        case TwoPeople::kAlways:
            return "always";
        case TwoPeople::kNever:
            return "never";
        case TwoPeople::kAuto:
            break;
    }
    return "auto";
}

std::optional<TwoPeople> two_people_of(std::string_view text) {
    for (const TwoPeople mode : {TwoPeople::kAuto, TwoPeople::kAlways, TwoPeople::kNever})
        if (word(mode) == text) return mode;
    return std::nullopt;
}

std::optional<Refusal> check_rules(const ApprovalRules& rules) {
    if (rules.refund_max < Money{0})
        return Refusal{Reason::kBadArgument, "The limit of a refund is 0 or more; nothing was changed.", 0};
    if (rules.households_max < 0)
        return Refusal{Reason::kBadArgument, "The limit of households is 0 or more; nothing was changed.", 0};
    if (rules.valid_for < minutes(5) || rules.valid_for > minutes(60 * 24 * 60))
        return Refusal{Reason::kBadArgument, "A request waits 5 minutes to 60 days; nothing was changed.", 0};
    return std::nullopt;
}

bool needs_two(const ApprovalRules& rules, const Act& act, bool second_person_exists) {
    if (rules.two_people == TwoPeople::kNever) return false;
    if (rules.two_people == TwoPeople::kAuto && !second_person_exists) return false;
    if (act.kind == ActKind::kRefund || act.kind == ActKind::kCorrection) return act.amount > rules.refund_max;
    if (act.kind == ActKind::kMassAction) return act.households > rules.households_max;
    return true;
}

std::string act_content(std::string_view action, std::initializer_list<ActField> fields) {
    std::string content = "prewatt-act 1\n";
    content += action;
    content += '\n';
    for (const auto& [name, value] : fields) {
        content += name;
        content += '=';
        content += journal_text(value);
        content += '\n';
    }
    return content;
}

std::optional<std::string> act_field(std::string_view content, std::string_view name) {
    while (!content.empty()) {
        const std::size_t end = content.find('\n');
        const std::string_view line = content.substr(0, end);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=')
            return std::string{line.substr(name.size() + 1)};
        content = end == std::string_view::npos ? std::string_view{} : content.substr(end + 1);
    }
    return std::nullopt;
}

std::optional<std::int64_t> act_number(std::string_view content, std::string_view name) {
    const auto text = act_field(content, name);
    if (!text) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (fault != std::errc{} || end != text->data() + text->size()) return std::nullopt;
    return value;
}

std::string_view word(ApprovalState state) {
    switch (state) {
        case ApprovalState::kDone:
            return "done";
        case ApprovalState::kRefused:
            return "refused";
        case ApprovalState::kFailed:
            return "failed";
        case ApprovalState::kExpired:
            return "expired";
        case ApprovalState::kWaiting:
            break;
    }
    return "waiting";
}

std::optional<ApprovalState> approval_state_of(std::string_view text) {
    for (int k = 1; k <= 5; ++k)
        if (word(static_cast<ApprovalState>(k)) == text) return static_cast<ApprovalState>(k);
    return std::nullopt;
}

std::optional<Refusal> check_decision(const ApprovalRecord& request, const UserRecord& by, bool asker_made_account,
                                      UnixTime now) {
    const auto refuse = [](Reason reason, std::string message) { return Refusal{reason, std::move(message), 0}; };
    if (request.state != ApprovalState::kWaiting)
        return refuse(Reason::kAlreadyDecided,
                      "This request is " + std::string{word(request.state)} + " already; nothing was done.");
    if (now >= request.expires_at)
        return refuse(Reason::kAlreadyDecided, "This request has expired; nothing was done. Ask for it again.");
    if (by.disabled || !may_approve(by.role, request.kind))
        return refuse(Reason::kNoRight, "Your role may not approve this kind of act; nothing was done.");
    if (by.user == request.asked_by.user)
        return refuse(Reason::kNoRight, "Another person than the one who asked has to approve; nothing was done.");
    if (asker_made_account)
        return refuse(
            Reason::kNoRight,
            "Your account was made, or got its password, from the one who asks, within the last day; somebody "
            "else has to approve. Nothing was done.");
    return std::nullopt;
}

std::optional<Refusal> check_asker(const ApprovalRecord& request, const UserRecord& asker) {
    // The price of a campaign is a setting like any other to whoever asks; only approving it is the owner's.
    const bool by_campaign = request.kind == ActKind::kPrice && request.action == "campaign.start";
    const bool may = may_ask(asker.role, by_campaign ? ActKind::kMassAction : request.kind);
    if (!asker.disabled && may) return std::nullopt;
    return Refusal{Reason::kNoRight,
                   asker.user + ", who asked for this, " +
                       (asker.disabled ? "has been locked out since" : "may no longer order it") +
                       "; nothing was done. Refuse the request; somebody who may has to ask again.",
                   0};
}

}  // namespace prewatt::server

#include "server/domain/warrants.hpp"

#include <algorithm>
#include <charconv>

#include "server/domain/box_number.hpp"

namespace prewatt::server {
namespace {

constexpr std::uint64_t kBoxNumberMax = 9'999'999'999;
constexpr std::int64_t kCivilBegin_ms = 946'684'800'000;

Refusal bad(std::string message, std::int64_t limit = 0) {
    return {Reason::kBadArgument, std::move(message) + " Nothing was done.", limit};
}

}  // namespace

std::optional<Refusal> check_wish(const WarrantWish& wish) {
    const bool changes = !only_shows(wish.kind);
    if (word(wish.kind) == "unknown" || wish.kind == CardKind::kHousehold)
        return bad("A card with rights is one of set_up, inspection, clear, restore, reader_test.");
    if (wish.valid_hours < 1 || wish.valid_hours > valid_hours_max(wish.kind))
        return bad("A card of this kind is valid for 1 to " + std::to_string(valid_hours_max(wish.kind)) + " hours.",
                   valid_hours_max(wish.kind));
    if (!changes && (!wish.boxes.empty() || wish.household))
        return bad("A card that only shows is for every box; none is named.");
    if (wish.kind != CardKind::kRestore && wish.restored != Restored{})
        return bad("Only a card that restores says what is forgotten.");
    if (!changes) return std::nullopt;
    if (wish.household && !wish.boxes.empty()) return bad("Either a household is named or boxes, not both.");
    if (!wish.household && wish.boxes.empty()) return bad("Name the boxes, or the household, that it is for.");
    if (wish.household && wish.kind == CardKind::kSetUp) return bad("A set-up card is for a box.");
    const std::size_t boxes_max = wish.kind == CardKind::kRestore ? kWarrantBoxesMax : 1;
    if (wish.boxes.size() > boxes_max)
        return bad(
            boxes_max == 1 ? "A card of this kind is for one box." : "A card has room for rights of 14 boxes at most.",
            static_cast<std::int64_t>(boxes_max));
    for (std::size_t k = 0; k < wish.boxes.size(); ++k) {
        if (wish.boxes[k] == 0 || wish.boxes[k] > kBoxNumberMax) return bad("A box has a number of ten digits.");
        if (std::count(wish.boxes.begin(), wish.boxes.end(), wish.boxes[k]) > 1)
            return bad("Box " + box_digits(wish.boxes[k]) + " is named twice.");
    }
    if (wish.kind == CardKind::kRestore && wish.restored == Restored{})
        return bad("Say what is to be forgotten: overload, malignant load, or the cut-off alarm.");
    return std::nullopt;
}

std::string content_of(const WarrantWish& wish, std::string_view order_id) {
    std::string boxes;
    for (const std::uint64_t box : wish.boxes)
        boxes += (boxes.empty() ? "" : " ") + box_digits(box);
    const auto bit = [](bool set) { return std::string{set ? "1" : "0"}; };
    return act_content(kWarrantAction, {{"order_id", std::string{order_id}},
                                        {"kind", std::string{word(wish.kind)}},
                                        {"boxes", boxes},
                                        {"household", std::to_string(wish.household.value)},
                                        {"hours", std::to_string(wish.valid_hours)},
                                        {"restores", bit(wish.restored.overload) + bit(wish.restored.malignant) +
                                                         bit(wish.restored.cutoff_alarm)}});
}

std::optional<WarrantWish> warrant_wish_of(std::string_view content) {
    WarrantWish wish;
    const auto kind = card_kind_of(act_field(content, "kind").value_or(""));
    const auto household = act_number(content, "household");
    const auto hours = act_number(content, "hours");
    const auto restores = act_field(content, "restores");
    const auto boxes = act_field(content, "boxes");
    if (!kind || !household || !hours || !restores || restores->size() != 3 || !boxes) return std::nullopt;
    wish.kind = *kind;
    wish.household = HouseholdId{*household};
    wish.valid_hours = static_cast<int>(std::clamp<std::int64_t>(*hours, 0, INT32_MAX));
    wish.restored = {(*restores)[0] == '1', (*restores)[1] == '1', (*restores)[2] == '1'};
    for (std::string_view rest = *boxes; !rest.empty();) {
        const std::string_view one = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), one.size() + 1));
        std::uint64_t box = 0;
        const auto [end, fault] = std::from_chars(one.data(), one.data() + one.size(), box);
        if (fault != std::errc{} || end != one.data() + one.size()) return std::nullopt;
        wish.boxes.push_back(box);
    }
    return wish;
}

std::string in_words(const WarrantWish& wish) {
    std::string text{word(wish.kind)};
    if (wish.household) return text + " of household " + std::to_string(wish.household.value);
    if (wish.boxes.empty()) return text + " of every box";
    text += wish.boxes.size() == 1 ? " of box " : " of boxes ";
    for (std::size_t k = 0; k < wish.boxes.size(); ++k)
        text += (k == 0 ? "" : ", ") + box_digits(wish.boxes[k]);
    return text;
}

std::string_view word(WarrantState state) {
    switch (state) {
        case WarrantState::kOnCard:
            return "on_card";
        case WarrantState::kWithdrawn:
            return "withdrawn";
        case WarrantState::kAgreed:
            break;
    }
    return "agreed";
}

std::string_view word(RightState state) {
    switch (state) {
        case RightState::kCarriedOut:
            return "carried_out";
        case RightState::kOvertaken:
            return "overtaken";
        case RightState::kExpired:
            return "expired";
        case RightState::kRefused:
            return "refused";
        case RightState::kOpen:
            break;
    }
    return "open";
}

RightState state_of(const CardRight& right, bool carried_out_later, UnixTime now) {
    if (right.receipt) {
        // Shown once more, a box answers that it is used: that is this very right, where its number is the newest.
        if (right.receipt->sequence == right.sequence) return RightState::kCarriedOut;
        if (right.receipt->sequence > right.sequence) return RightState::kOvertaken;
    }
    if (carried_out_later) return RightState::kOvertaken;
    if (now >= right.until) return RightState::kExpired;
    return right.receipt ? RightState::kRefused : RightState::kOpen;
}

std::uint32_t next_sequence(std::uint32_t last, UnixTime now) {
    const std::int64_t seconds = std::max<std::int64_t>(1, (now.ms - kCivilBegin_ms) / 1000);
    return std::max(last + 1, static_cast<std::uint32_t>(seconds));
}

}  // namespace prewatt::server

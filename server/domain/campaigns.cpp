#include "server/domain/campaigns.hpp"

#include <charconv>

#include "server/domain/orders.hpp"

namespace prewatt::server {
namespace {

constexpr std::int64_t kMinute_ms = 60'000;
constexpr std::int64_t kDay_ms = 24 * 60 * kMinute_ms;
constexpr std::uint8_t kFirstBoxSetting = 0x10;
constexpr std::uint8_t kPriceSetting = 0x15;

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        if (end != 0) words.push_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return words;
}
std::optional<std::int64_t> number_of(std::string_view word) {
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (fault != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return value;
}
struct Named {
    WishKind kind;
    std::string_view name;
    std::size_t numbers;
};
constexpr Named kWishes[] = {
    {WishKind::kRemoteOff, "remote_off", 0},
    {WishKind::kRemoteOn, "remote_on", 0},
    {WishKind::kForce, "force", 1},
    {WishKind::kForceEnd, "force_end", 0},
    {WishKind::kAcknowledge, "acknowledge", 0},
    {WishKind::kAlarms, "alarms", 3},
    {WishKind::kResetLockout, "reset_lockout", 0},
    {WishKind::kSetting, "setting", 2},
    {WishKind::kClock, "clock", 0},
};
constexpr std::string_view kSelections[] = {"",    "all",   "building", "floor",      "line",
                                            "box", "group", "list",     "price_group"};

}  // namespace

std::string text_of(const Wish& wish) {
    std::string text;
    for (const Named& named : kWishes)
        if (named.kind == wish.kind) text = named.name;
    switch (wish.kind) {
        case WishKind::kForce:
            return text + " " + std::to_string(wish.force_minutes);
        case WishKind::kAlarms:
            for (const Energy level : {wish.alarms.low, wish.alarms.cutoff, wish.alarms.overdraft})
                text += " " + std::to_string(in_hundredths(level, Round::kDown));
            return text;
        case WishKind::kSetting:
            return text + " " + std::to_string(wish.setting.id) + " " + std::to_string(wish.setting.index) + " " +
                   hex_of(wish.bytes);
        default:
            return text;
    }
}

std::optional<Wish> wish_of(std::string_view text) {
    const auto words = words_of(text);
    for (const Named& named : kWishes) {
        if (words.empty() || words[0] != named.name) continue;
        const std::size_t size = 1 + named.numbers + (named.kind == WishKind::kSetting ? 1 : 0);
        if (words.size() != size) return std::nullopt;
        std::int64_t numbers[3] = {};
        for (std::size_t k = 0; k < named.numbers; ++k) {
            const auto value = number_of(words[1 + k]);
            if (!value || *value < 0) return std::nullopt;
            numbers[k] = *value;
        }
        Wish wish;
        wish.kind = named.kind;
        if (named.kind == WishKind::kForce)
            wish.force_minutes = static_cast<int>(std::min<std::int64_t>(numbers[0], 1'000'000));
        if (named.kind == WishKind::kAlarms)
            wish.alarms = {energy_of_hundredths(std::min<std::int64_t>(numbers[0], 1'000'000'000)),
                           energy_of_hundredths(std::min<std::int64_t>(numbers[1], 1'000'000'000)),
                           energy_of_hundredths(std::min<std::int64_t>(numbers[2], 1'000'000'000))};
        if (named.kind == WishKind::kSetting) {
            if (numbers[0] > 0xFF || numbers[1] > 0xFF) return std::nullopt;
            wish.setting = {static_cast<std::uint8_t>(numbers[0]), static_cast<std::uint8_t>(numbers[1])};
            const auto bytes = bytes_of_hex(words[3]);
            if (!bytes) return std::nullopt;
            wish.bytes = *bytes;
        }
        return wish;
    }
    return std::nullopt;
}

std::optional<Refusal> check_wish(const Wish& wish) {
    switch (wish.kind) {
        case WishKind::kForce:
            return wish.force_minutes == 0
                       ? Refusal{Reason::kBadArgument, "Forced power lasts 1 to 1440 minutes; nothing was done.", 1440}
                       : check_force(wish.force_minutes);
        case WishKind::kAlarms:
            return check_alarms(wish.alarms);
        case WishKind::kSetting: {
            const settings::SettingKey key{static_cast<settings::SettingId>(wish.setting.id),
                                           static_cast<std::uint8_t>(is_of_box(wish) ? 0 : 1), wish.setting.index};
            if (settings::check(key, {wish.bytes.data(), wish.bytes.size()}, kHouseholdsMax)) return std::nullopt;
            return Refusal{Reason::kBadArgument,
                           "This is no legal value of a setting (docs/formats/settings.md); nothing was done.", 0};
        }
        default:
            return std::nullopt;
    }
}

bool is_of_box(const Wish& wish) {
    return wish.kind == WishKind::kClock || (wish.kind == WishKind::kSetting && wish.setting.id >= kFirstBoxSetting);
}

std::string text_of(const Selection& selection) {
    std::string text(kSelections[static_cast<std::size_t>(selection.kind)]);
    if (selection.kind == Selection::Kind::kList) {
        for (const HouseholdId household : selection.list)
            text += " " + std::to_string(household.value);
    } else if (selection.kind != Selection::Kind::kAll) {
        text += " " + std::to_string(selection.id);
        if (selection.kind == Selection::Kind::kFloor) text += " " + std::to_string(selection.floor);
    }
    return text;
}

std::optional<Selection> selection_of(std::string_view text) {
    const auto words = words_of(text);
    for (std::size_t k = 1; k < std::size(kSelections); ++k) {
        if (words.empty() || words[0] != kSelections[k]) continue;
        Selection selection;
        selection.kind = static_cast<Selection::Kind>(k);
        std::vector<std::int64_t> numbers;
        for (std::size_t n = 1; n < words.size(); ++n) {
            const auto value = number_of(words[n]);
            if (!value) return std::nullopt;
            numbers.push_back(*value);
        }
        if (selection.kind == Selection::Kind::kList) {
            for (const std::int64_t id : numbers)
                selection.list.push_back({id});
            if (numbers.empty()) return std::nullopt;
            return selection;
        }
        const std::size_t wanted = selection.kind == Selection::Kind::kAll     ? 0
                                   : selection.kind == Selection::Kind::kFloor ? 2
                                                                               : 1;
        if (numbers.size() != wanted) return std::nullopt;
        if (wanted > 0) selection.id = numbers[0];
        if (wanted > 1) selection.floor = static_cast<std::int32_t>(numbers[1]);
        return selection;
    }
    return std::nullopt;
}

bool in_window(const Schedule& schedule, UnixTime now) {
    if (schedule.from_minute == schedule.to_minute) return true;
    const std::int64_t minute = (now.ms + kOfficeOffset.count() / 1000) % kDay_ms / kMinute_ms;
    return schedule.from_minute < schedule.to_minute ? minute >= schedule.from_minute && minute < schedule.to_minute
                                                     : minute >= schedule.from_minute || minute < schedule.to_minute;
}

UnixTime next_start(const Schedule& schedule, UnixTime now) {
    const UnixTime from = std::max(schedule.start_at, now);
    if (in_window(schedule, from)) return from;
    const std::int64_t offset = kOfficeOffset.count() / 1000;
    const std::int64_t day = (from.ms + offset) / kDay_ms;
    std::int64_t opens = day * kDay_ms - offset + schedule.from_minute * kMinute_ms;
    if (opens < from.ms) opens += kDay_ms;
    return UnixTime{opens};
}

ActKind kind_of_act(const Wish& wish) {
    return wish.kind == WishKind::kSetting && wish.setting.id == kPriceSetting ? ActKind::kPrice : ActKind::kMassAction;
}

std::string_view word(MemberState state) {
    switch (state) {
        case MemberState::kConfirmed:
            return "confirmed";
        case MemberState::kAlready:
            return "already";
        case MemberState::kFailed:
            return "failed";
        case MemberState::kCannot:
            return "cannot";
        case MemberState::kWaiting:
            break;
    }
    return "waiting";
}
std::optional<MemberState> member_state_of(std::string_view text) {
    for (int k = 1; k <= 5; ++k)
        if (word(static_cast<MemberState>(k)) == text) return static_cast<MemberState>(k);
    return std::nullopt;
}

std::string_view word(CampaignState state) {
    switch (state) {
        case CampaignState::kScheduled:
            return "scheduled";
        case CampaignState::kRunning:
            return "running";
        case CampaignState::kPaused:
            return "paused";
        case CampaignState::kDone:
            return "done";
        case CampaignState::kCancelled:
            return "cancelled";
    }
    return "unknown";
}

std::string hex_of(const std::vector<Byte>& bytes) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string text;
    for (const Byte byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 0xF];
    }
    return text.empty() ? "-" : text;
}

std::optional<std::vector<Byte>> bytes_of_hex(std::string_view text) {
    std::vector<Byte> bytes;
    if (text == "-") return bytes;
    if (text.size() % 2 != 0) return std::nullopt;
    for (std::size_t k = 0; k < text.size(); k += 2) {
        unsigned value = 0;
        const auto [end, fault] = std::from_chars(text.data() + k, text.data() + k + 2, value, 16);
        if (fault != std::errc{} || end != text.data() + k + 2) return std::nullopt;
        bytes.push_back(static_cast<Byte>(value));
    }
    return bytes;
}

}  // namespace prewatt::server

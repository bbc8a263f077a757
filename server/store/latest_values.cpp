#include "server/store/latest_values.hpp"

#include <algorithm>

namespace prewatt::server::store {
namespace {

// Numbers of households count up from 1 and none is ever used again; one beyond this is no household.
constexpr std::int64_t kNumberMax = 50'000'000;

}  // namespace

void LatestValues::overlay(HouseholdRecord& household) const {
    const std::lock_guard lock(mutex_);
    const LatestValue* value = find(household.id);
    if (!value || value->at == UnixTime{} || (household.told_at && *household.told_at >= value->at)) return;
    household.told_at = value->at;
    household.read_at = household.held_at ? std::max(*household.held_at, value->at) : value->at;
    household.forward = value->forward;
    household.remaining = value->remaining;
    household.state = value->state;
}

const LatestValue* LatestValues::find(HouseholdId household) const {
    const auto index = static_cast<std::size_t>(household.value);
    return household.value > 0 && index < values_.size() && values_[index].known ? &values_[index] : nullptr;
}

LatestValue* LatestValues::at(HouseholdId household) {
    return const_cast<LatestValue*>(find(household));
}

void LatestValues::learn(HouseholdId household, UnixTime read_at, bool careful) {
    if (household.value <= 0 || household.value > kNumberMax) return;
    const std::lock_guard lock(mutex_);
    const auto index = static_cast<std::size_t>(household.value);
    if (index >= values_.size()) values_.resize(std::max(index + 1, values_.size() * 3 / 2));
    LatestValue& value = values_[index];
    value.known = true;
    value.in_meters_at = read_at;
    value.careful = careful;
}

void LatestValues::set_careful(HouseholdId household, bool careful) {
    if (LatestValue* value = at(household)) value->careful = careful;
}

void LatestValues::forget(HouseholdId household, UnixTime until) {
    const std::lock_guard lock(mutex_);
    LatestValue* value = at(household);
    if (!value || value->in_meters_at > until) return;
    set_waiting(*value, false);
    value->at = {};
    value->in_meters_at = until;
}

void LatestValues::show(const std::vector<Shown>& shown) {
    const std::lock_guard lock(mutex_);
    for (const auto& [reading, in_meters] : shown) {
        LatestValue* value = at(reading.household);
        if (!value || reading.at < value->newest()) continue;
        value->at = reading.at;
        value->forward = reading.forward;
        value->remaining = reading.remaining;
        value->state = reading.state;
        if (in_meters) value->in_meters_at = reading.at;
        set_waiting(*value, !in_meters);
    }
}

void LatestValues::settled(HouseholdId household, UnixTime until) {
    LatestValue* value = at(household);
    if (!value) return;
    value->in_meters_at = std::max(value->in_meters_at, until);
    if (until >= value->at) set_waiting(*value, false);
}

std::vector<HouseholdId> LatestValues::waiting(std::size_t& cursor, std::size_t count) const {
    std::vector<HouseholdId> found;
    for (; cursor < values_.size() && found.size() < count; ++cursor)
        if (values_[cursor].waiting) found.push_back(HouseholdId{static_cast<std::int64_t>(cursor)});
    return found;
}

std::optional<UnixTime> LatestValues::oldest_waiting(
    const std::vector<std::pair<HouseholdId, UnixTime>>& settled) const {
    std::optional<UnixTime> oldest;
    if (waiting_count_ == 0) return oldest;
    auto next = settled.begin();
    for (std::size_t index = 0; index < values_.size(); ++index) {
        const LatestValue& value = values_[index];
        if (!value.waiting) continue;
        const HouseholdId household{static_cast<std::int64_t>(index)};
        while (next != settled.end() && next->first < household)
            ++next;
        bool is_settled = false;
        for (; next != settled.end() && next->first == household; ++next)
            is_settled = is_settled || next->second >= value.at;
        if (!is_settled && (!oldest || value.at < *oldest)) oldest = value.at;
    }
    return oldest;
}

void LatestValues::set_waiting(LatestValue& value, bool waiting) {
    if (value.waiting == waiting) return;
    value.waiting = waiting;
    waiting ? ++waiting_count_ : --waiting_count_;
}

}  // namespace prewatt::server::store

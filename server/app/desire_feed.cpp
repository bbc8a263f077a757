#include "server/app/desire_feed.hpp"

#include <algorithm>
#include <utility>

#include "server/app/line_link.hpp"

namespace prewatt::server::app {

bool DesireFeed::note(std::span<const Change> changes) {
    bool any = false;
    const std::lock_guard lock(mutex_);
    for (const Change& change : changes) {
        if (change.kind == Change::Kind::kDesired) noted_.households.insert(HouseholdId{change.id});
        if (change.kind == Change::Kind::kSettings) noted_.boxes.insert(BoxId{change.id});
        any = any || change.kind == Change::Kind::kDesired || change.kind == Change::Kind::kSettings;
    }
    return any;
}

void DesireFeed::note_line(LineId line) {
    const std::lock_guard lock(mutex_);
    noted_.lines.insert(line);
}

Instant DesireFeed::due() {
    const std::lock_guard lock(mutex_);
    return noted_.empty() ? read_again_at_ : Instant{};
}

void DesireFeed::turn(Instant now) {
    Notes work;
    {
        const std::lock_guard lock(mutex_);
        work = std::exchange(noted_, {});
    }
    if (now >= read_again_at_) {
        work.lines.insert(unread_.lines.begin(), unread_.lines.end());
        work.households.insert(unread_.households.begin(), unread_.households.end());
        work.boxes.insert(unread_.boxes.begin(), unread_.boxes.end());
        read_again_at_ = kNever;
    }
    for (const LineId line : work.lines)
        read_line(line, work);
    std::vector<DesiredState> changed;
    for (const HouseholdId household : work.households) {
        auto desired = office_.desired(household);
        if (!is_read(desired, "what is desired of household " + std::to_string(household.value), unread_.households,
                     household))
            continue;
        desired ? changed.push_back(std::move(*desired)) : leave(household);
    }
    take(std::move(changed), work);
    for (const BoxId box : work.boxes) {
        if (!masters_.reaches(box)) {
            unread_.boxes.erase(box);
            continue;
        }
        auto settings = office_.campaigns().settings_of_box(box);
        if (is_read(settings, "the settings of a box", unread_.boxes, box) && settings)
            masters_.desire_settings(std::move(*settings));
    }
    if (unread_.empty()) {
        problem_.clear();
        read_again_at_ = kNever;
    } else if (read_again_at_ == kNever) {
        read_again_at_ = now + kReadAgainAfter;
    }
}

void DesireFeed::look_for_freezes() {
    const auto wishes = office_.archive().freezes_wanted();
    if (!wishes) {
        if (problem_ != wishes.error().message)
            tell_("which freezes are missing cannot be read, it is tried again: " + wishes.error().message);
        problem_ = wishes.error().message;
        return;
    }
    std::map<BoxId, std::vector<CivilSeconds>> by_box;
    for (const BoxId box : wanting_)
        by_box[box];
    for (const FreezeWish& wish : *wishes)
        by_box[wish.box].push_back(civil_of_unix(wish.at));
    wanting_.clear();
    for (auto& [box, due] : by_box) {
        if (!due.empty()) wanting_.insert(box);
        if (masters_.reaches(box)) masters_.want_freezes(box, std::move(due));
    }
}

// Read, or known not to be there. Otherwise it is kept for the next time.
template <class T, class Id>
bool DesireFeed::is_read(const Answer<T>& answer, std::string_view what, std::set<Id>& unread, Id id) {
    if (answer || answer.error().reason == Reason::kNotFound) {
        unread.erase(id);
        return true;
    }
    unread.insert(id);
    // Told by its cause: with a thousand households behind it the log would hold nothing else.
    if (problem_ != answer.error().message) {
        problem_ = answer.error().message;
        tell_(std::string(what) + " cannot be read, it is tried again: " + problem_);
    }
    return false;
}

void DesireFeed::read_line(LineId line, Notes& work) {
    const auto boxes = office_.boxes_of_line(line);
    if (!is_read(boxes, "the boxes of a line", unread_.lines, line) || !boxes) return;
    auto desired = office_.desired_of_line(line);
    if (!is_read(desired, "what is desired of a line", unread_.lines, line) || !desired) return;
    take(std::move(*desired), work);
    for (const BoxRecord& box : *boxes)
        work.boxes.insert(box.id);
}

void DesireFeed::take(std::vector<DesiredState> desired, Notes& work) {
    std::erase_if(desired, [&](const DesiredState& one) {
        if (one.box && masters_.reaches(one.box)) return false;
        leave(one.household);
        return true;
    });
    for (const DesiredState& one : desired)
        move_in(one, work);
    if (!desired.empty()) masters_.desire(desired);
}

void DesireFeed::move_in(const DesiredState& desired, Notes& work) {
    const Place place{desired.box, desired.number};
    const auto [known, is_new] = places_.try_emplace(desired.household, place);
    if (is_new || known->second == place) return;
    const Place before = std::exchange(known->second, place);
    vacate(before);
    work.boxes.insert(before.first);
    work.boxes.insert(place.first);
}

// It has no box any more, or one that nobody drives.
void DesireFeed::leave(HouseholdId household) {
    const auto known = places_.find(household);
    if (known == places_.end()) return;
    const Place before = known->second;
    places_.erase(known);
    vacate(before);
}

// Nothing is driven there any more, unless somebody else has been seen there meanwhile.
void DesireFeed::vacate(const Place& place) {
    const bool is_taken =
        std::any_of(places_.begin(), places_.end(), [&](const auto& one) { return one.second == place; });
    if (!is_taken && masters_.reaches(place.first)) masters_.forget(place.first, place.second);
}

}  // namespace prewatt::server::app

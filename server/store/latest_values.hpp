// What every meter showed last, in memory: the values that pages show, ahead of the table `meters`, which gets them in
// bulk (reading_log.hpp). 48 bytes a household.
//
// One thread changes it, the writing one, and may look without asking; everybody else asks through find() and
// overlay().
#pragma once
#include <mutex>
#include <vector>

#include "server/domain/types.hpp"

namespace prewatt::server::store {

struct LatestValue {
    UnixTime at;            // of the values below; 0: nothing was read since the office started
    UnixTime in_meters_at;  // `meters` holds what was read up to this time
    Energy forward;
    Credit remaining;
    HouseholdState state;
    bool known = false;    // the household is in `meters`
    bool waiting = false;  // newer than `meters`
    [[nodiscard]] UnixTime newest() const { return at > in_meters_at ? at : in_meters_at; }
    bool careful = false;  // its next reading may complete a sale: it goes into `meters` at once
};

class LatestValues {
  public:
    // --- Any thread
    // Shows the newer of the record and what is known here.
    void overlay(HouseholdRecord& household) const;
    // More than the highest number of a household.
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return values_.size();
    }

    // --- The writing thread
    [[nodiscard]] const LatestValue* find(HouseholdId household) const;  // nothing: not known
    void learn(HouseholdId household, UnixTime read_at, bool careful);
    void set_careful(HouseholdId household, bool careful);
    // Nothing of it is known, and nothing up to `until` will be shown; what was in `meters` later stays.
    void forget(HouseholdId household, UnixTime until);
    // Several at once, oldest first; older ones than what is known are passed over. in_meters: `meters` has it too.
    struct Shown {
        Reading reading;
        bool in_meters = false;
    };
    void show(const std::vector<Shown>& shown);
    // `meters` has what was shown of it up to `at`.
    void settled(HouseholdId household, UnixTime at);
    // The next households that wait, from `cursor` on, at most `count`; moves the cursor, to the end when none is left.
    [[nodiscard]] std::vector<HouseholdId> waiting(std::size_t& cursor, std::size_t count) const;
    [[nodiscard]] std::size_t waiting_count() const { return waiting_count_; }
    // Of all that wait, without those of `settled` (sorted) that are about to be; nothing when none does.
    [[nodiscard]] std::optional<UnixTime> oldest_waiting(
        const std::vector<std::pair<HouseholdId, UnixTime>>& settled) const;

  private:
    [[nodiscard]] LatestValue* at(HouseholdId household);
    void set_waiting(LatestValue& value, bool waiting);

    mutable std::mutex mutex_;
    std::vector<LatestValue> values_;  // by the number of the household, which counts up from 1
    std::size_t waiting_count_ = 0;
};

}  // namespace prewatt::server::store

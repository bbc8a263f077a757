// What the line masters are to be told of what the office desires, and what could not be read yet.
//
// Decides: what is asked of the office when something changes; that an old state never follows a newer one (it is
// always read on the one thread that calls turn); that whoever moved is forgotten where it was; and that nothing is
// forgotten because the database could not be read for a moment: whatever was not read is asked for again every
// kReadAgainAfter until it is. A lost note would leave a household dark until somebody touches it again.
//
// Threads: note and note_line from any; everything else, and every call of Masters and Tell, on the thread of turn.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::app {

inline constexpr Duration kReadAgainAfter = seconds(1);

class DesireFeed {
  public:
    // Where the boxes are.
    class Masters {
      public:
        // Whether somebody drives this box.
        [[nodiscard]] virtual bool reaches(BoxId box) = 0;
        // Each of a box that is reached.
        virtual void desire(std::span<const DesiredState> desired) = 0;
        virtual void forget(BoxId box, std::uint8_t number) = 0;
        virtual void desire_settings(BoxSettings settings) = 0;
        // All that are missing of this box; none: nothing any more.
        virtual void want_freezes(BoxId box, std::vector<CivilSeconds> due) = 0;

      protected:
        ~Masters() = default;
    };
    using Tell = std::function<void(std::string)>;  // a problem, once until it has ended or is another

    // Both outlive it.
    DesireFeed(Office& office, Masters& masters, Tell tell)
        : office_(office), masters_(masters), tell_(std::move(tell)) {}

    // True: there is something to do now.
    bool note(std::span<const Change> changes);
    // Everything that is desired of the boxes of this line: at the start, and when a box is new on it.
    void note_line(LineId line);
    // Reads what was noted, and again what could not be read before, and tells the masters.
    void turn(Instant now);
    // Tells the masters which freezes the archive misses. To be called every few minutes.
    void look_for_freezes();
    // When turn has something to do; kNever: not before something is noted.
    [[nodiscard]] Instant due();

  private:
    using Place = std::pair<BoxId, std::uint8_t>;
    struct Notes {
        std::set<LineId> lines;
        std::set<HouseholdId> households;
        std::set<BoxId> boxes;  // their settings
        [[nodiscard]] bool empty() const { return lines.empty() && households.empty() && boxes.empty(); }
    };
    void read_line(LineId line, Notes& work);
    void take(std::vector<DesiredState> desired, Notes& work);
    void move_in(const DesiredState& desired, Notes& work);
    void leave(HouseholdId household);
    void vacate(const Place& place);
    template <class T, class Id>
    [[nodiscard]] bool is_read(const Answer<T>& answer, std::string_view what, std::set<Id>& unread, Id id);

    Office& office_;
    Masters& masters_;
    Tell tell_;
    std::mutex mutex_;
    Notes noted_;  // guarded by mutex_
    Notes unread_;
    Instant read_again_at_ = kNever;
    std::string problem_;
    std::set<BoxId> wanting_;  // freezes
    std::map<HouseholdId, Place> places_;
};

}  // namespace prewatt::server::app

// The way between a line master and the office, on which messages are late, overtake each other and come twice.
//
// In the product both stand in one process: the master's reports are queued to the writing thread in their order, and
// one thread reads what is desired and hands it on, so that an old state never follows a newer one. Neither queue has a
// bound, so any message may be late behind a slow disk; and a collector at another place would have a network between.
//
// The fault model. Of each direction, each message by itself:
//   late        a share of them is held back, by up to kLateMax; those behind go past it.
//   reordered   that is what being late does to reports: a reading, a confirmation, a refusal of before comes after
//   those
//               of later. States of one household keep their order, as the feed promises (server/app/desire_feed.hpp);
//               those of different households do not.
//   doubled     a small share of the reports comes a second time, late.
// A message that is on its way is lost with the process.
#pragma once
#include <algorithm>
#include <functional>
#include <map>

#include "server/collect/line_office.hpp"
#include "sim/random.hpp"

namespace prewatt::campus {

inline constexpr Duration kLateMax = seconds(30);

class LateMessages {
  public:
    LateMessages(double share, std::uint64_t seed) : share_(share), random_(seed, {0x6C617465}) {}

    template <class Message>
    void report(Instant now, Message message) {
        if (share_ > 0 && random_.chance(share_ / 5)) on_way_.emplace(late(now), message);
        put(due(now), now, std::move(message));
    }
    // In order among those with the same key.
    template <class Message>
    void tell(std::int64_t key, Instant now, Message message) {
        Instant& last = last_[key];
        last = std::max(last, due(now));
        put(last, now, std::move(message));
    }
    // Hands over what has arrived.
    void arrive(Instant now) {
        while (!on_way_.empty() && on_way_.begin()->first <= now) {
            const auto message = std::move(on_way_.begin()->second);
            on_way_.erase(on_way_.begin());
            message();
        }
    }
    [[nodiscard]] Instant next() const { return on_way_.empty() ? kNever : on_way_.begin()->first; }
    void forget() {
        on_way_.clear();
        last_.clear();
    }
    [[nodiscard]] std::int64_t held_back() const { return held_back_; }

  private:
    [[nodiscard]] Instant due(Instant now) { return share_ > 0 && random_.chance(share_) ? late(now) : now; }
    [[nodiscard]] Instant late(Instant now) {
        ++held_back_;
        return now +
               microseconds(static_cast<std::int64_t>(1 + random_.below(static_cast<std::uint64_t>(kLateMax.count()))));
    }
    template <class Message>
    void put(Instant at, Instant now, Message message) {
        if (at <= now) return message();
        on_way_.emplace(at, std::move(message));
    }

    double share_;
    sim::Random random_;
    std::multimap<Instant, std::function<void()>> on_way_;
    std::map<std::int64_t, Instant> last_;
    std::int64_t held_back_ = 0;
};

}  // namespace prewatt::campus

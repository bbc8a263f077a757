// Turns the office's changes into events for whoever watches. The office calls it on its writing thread, so it only
// notes what has changed; a thread of its own asks the office for the present record and publishes that. A thing that
// changed ten times while the thread was busy is published once, as it is now: an event is a state, not a difference.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "server/api/event_hub.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::api {

class ChangeFeed final : public OfficeObserver {
  public:
    // Registers itself; both outlive it.
    ChangeFeed(Office& office, EventHub& hub);
    ~ChangeFeed();
    ChangeFeed(const ChangeFeed&) = delete;
    ChangeFeed& operator=(const ChangeFeed&) = delete;

    void on_changes(std::span<const Change> changes) override;

  private:
    void work();
    void publish(const Change& change);

    Office& office_;
    EventHub& hub_;
    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<Change> queue_;
    std::set<std::pair<int, std::int64_t>> queued_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace prewatt::server::api

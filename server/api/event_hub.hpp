// What has changed, for everybody who watches. One ring of the newest events; each watcher remembers only the number of
// the last event that it has, so a slow one costs nothing and a fast one waits for nobody. Numbers rise without gaps
// and begin anew at every start of the office, at a number no earlier start has used (the start time), so that a page
// that resumes after a restart is told to load anew instead of missing something.
//
// Thread-safe. `wake` of a watcher is called by the publishing thread: it must only pass the call on.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace prewatt::server::api {

class EventHub {
  public:
    using Text = std::shared_ptr<const std::string>;
    struct News {
        bool lost = false;  // `after` is unknown: older than the ring, or of another start
        std::uint64_t last = 0;
        std::vector<Text> texts;  // ready for the wire: "id: 7\nevent: sale\ndata: {...}\n\n"
    };

    EventHub(std::size_t events_max, std::uint64_t first_number) : events_max_(events_max), next_(first_number) {}

    void publish(std::string_view type, std::string_view json);
    [[nodiscard]] std::uint64_t last() const;
    // Events after `after`, `texts_max` at most.
    [[nodiscard]] News news(std::uint64_t after, std::size_t texts_max) const;

    [[nodiscard]] std::uint64_t watch(std::function<void()> wake);
    // After the return `wake` is not called any more.
    void unwatch(std::uint64_t watcher);
    [[nodiscard]] std::size_t watchers() const;

  private:
    mutable std::mutex mutex_;
    std::size_t events_max_;
    std::uint64_t next_;
    std::deque<Text> ring_;  // of the numbers next_ - ring_.size() .. next_ - 1
    std::map<std::uint64_t, std::function<void()>> watchers_;
    std::uint64_t next_watcher_ = 1;
};

}  // namespace prewatt::server::api

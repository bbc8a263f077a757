#include "server/api/event_hub.hpp"

#include <algorithm>

namespace prewatt::server::api {

void EventHub::publish(std::string_view type, std::string_view json) {
    const std::lock_guard lock(mutex_);
    std::string text = "id: " + std::to_string(next_) + "\nevent: ";
    text.append(type).append("\ndata: ").append(json).append("\n\n");
    ring_.push_back(std::make_shared<const std::string>(std::move(text)));
    ++next_;
    if (ring_.size() > events_max_) ring_.pop_front();
    for (const auto& [id, wake] : watchers_)
        wake();
}

std::uint64_t EventHub::last() const {
    const std::lock_guard lock(mutex_);
    return next_ - 1;
}

EventHub::News EventHub::news(std::uint64_t after, std::size_t texts_max) const {
    const std::lock_guard lock(mutex_);
    News news;
    const std::uint64_t oldest = next_ - ring_.size();
    if (after + 1 < oldest || after >= next_) {
        news.lost = true;
        news.last = next_ - 1;
        return news;
    }
    const std::size_t skip = static_cast<std::size_t>(after + 1 - oldest);
    const std::size_t count = std::min(texts_max, ring_.size() - skip);
    news.texts.assign(ring_.begin() + static_cast<std::ptrdiff_t>(skip),
                      ring_.begin() + static_cast<std::ptrdiff_t>(skip + count));
    news.last = after + count;
    return news;
}

std::uint64_t EventHub::watch(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    watchers_.emplace(next_watcher_, std::move(wake));
    return next_watcher_++;
}

void EventHub::unwatch(std::uint64_t watcher) {
    const std::lock_guard lock(mutex_);
    watchers_.erase(watcher);
}

std::size_t EventHub::watchers() const {
    const std::lock_guard lock(mutex_);
    return watchers_.size();
}

}  // namespace prewatt::server::api

#include "meter/core/contact_watch.hpp"

#include <bit>

namespace prewatt::meter {

std::uint64_t ContactWatch::Streak::confirm(std::uint64_t seen, Duration span) {
    std::uint64_t confirmed = seen;
    if (span * 2 < kConfirm)
        confirmed = seen & two;
    else if (span < kConfirm)
        confirmed = seen & one;
    two = seen & one;
    one = seen;
    return confirmed;
}

ContactNews ContactWatch::on_window(const ContactWindow& window, Instant now) {
    const std::uint64_t live = window.sensed ? window.live : 0;
    const std::uint64_t open = window.judged & ~window.closed;
    const std::uint64_t closed = window.judged & window.closed & window.supplied;
    const std::uint64_t has_power = window.flowing | live;

    const std::uint64_t not_open = against_open_.confirm(open & has_power, window.span);
    const std::uint64_t not_closed = against_closed_.confirm(window.sensed ? closed & ~has_power : 0, window.span);
    const std::uint64_t is_open = for_open_.confirm(open & ~has_power, window.span);
    const std::uint64_t is_closed = for_closed_.confirm(closed & has_power, window.span);

    pulse_broke_ = (pulse_broke_ | (flowed_ & ~window.judged)) & ~(window.judged & window.flowing);
    flowed_ = (flowed_ & ~window.judged) | (window.flowing & window.judged);
    for (std::uint64_t left = open & has_power & (stays_closed_ | not_open); left != 0; left &= left - 1)
        contradicted_[static_cast<std::size_t>(std::countr_zero(left))] = now;

    ContactNews news;
    news.stays_closed = not_open & ~stays_closed_;
    news.stays_open = not_closed & ~stays_open_;
    for (std::uint64_t left = news.stays_closed | news.stays_open; left != 0; left &= left - 1)
        since_[static_cast<std::size_t>(std::countr_zero(left))] = now;

    std::uint64_t opened = is_open & stays_closed_;
    if (!window.sensed)
        for (std::uint64_t left = opened & ~pulse_broke_; left != 0; left &= left - 1) {
            const int circuit = std::countr_zero(left);
            if (now - contradicted_[static_cast<std::size_t>(circuit)] < kUnloaded)
                opened &= ~(std::uint64_t{1} << circuit);
        }
    news.obeys = opened | (is_closed & stays_open_);
    stays_closed_ = (stays_closed_ | news.stays_closed) & ~opened;
    stays_open_ = (stays_open_ | news.stays_open) & ~is_closed;
    return news;
}

}  // namespace prewatt::meter

// Bad cards (altered, forged, copied): three of them, then nobody's card is looked at for a minute (reference AC26). A
// record opens with a tag of 8 bytes, so nobody guesses one at three a minute; and whoever tries is counted.
//
// Counted apart for the box's own reader and for the line: somebody who forges taps on the line closes no reader. An
// attempt is forgotten ten minutes after the last one, not by a good card in between.
//
// What is counted is stored, so pulling the plug shortens nothing: after a start the pause begins anew, unless the
// clock tells that it is over.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "base/units.hpp"

namespace prewatt::meter {

enum class CardPath : std::uint8_t { kOwnReader = 0, kLine = 1 };
inline constexpr int kCardPaths = 2;

struct CardAttempts {
    std::uint8_t count = 0;    // in a row; kAttemptsMax: paused
    CivilSeconds last_at = 0;  // 0: the clock was not known
    friend constexpr bool operator==(const CardAttempts&, const CardAttempts&) = default;
};

class CardGuard {
  public:
    static constexpr std::uint8_t kAttemptsMax = 3;
    static constexpr Duration kPause = seconds(60);
    static constexpr Duration kForget = minutes(10);

    constexpr void start(const CardAttempts& stored, std::optional<CivilSeconds> time, Instant now) {
        count_ = std::min(stored.count, kAttemptsMax);
        const bool known = time && stored.last_at != 0 && *time >= stored.last_at;
        last_ = now - seconds(known ? std::min<std::int64_t>(*time - stored.last_at, 3600) : 0);
    }
    [[nodiscard]] constexpr bool is_paused(Instant now) const { return count_ >= kAttemptsMax && now - last_ < kPause; }
    // One more. Returns what is to be stored.
    constexpr CardAttempts on_bad_card(std::optional<CivilSeconds> time, Instant now) {
        if (count_ >= kAttemptsMax || now - last_ >= kForget) count_ = 0;
        ++count_;
        last_ = now;
        return {count_, time.value_or(0)};
    }

  private:
    std::uint8_t count_ = 0;
    Instant last_{};
};

}  // namespace prewatt::meter

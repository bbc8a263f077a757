// What a program that runs virtual meters on the host needs beside them: words to values, the pace of virtual time, an
// orderly end.
#pragma once
#include <poll.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/node/node.hpp"
#include "sim/home.hpp"

namespace prewatt::sim {

// --- Words. The error says what was expected.
[[nodiscard]] std::expected<std::uint64_t, std::string> parse_box_number(std::string_view text);
[[nodiscard]] std::expected<meter::Wiring, std::string> parse_wiring(std::string_view text);
[[nodiscard]] std::string_view name_of(meter::Wiring wiring);
[[nodiscard]] std::expected<Life, std::string> parse_life(std::string_view text);
// "90", "90s", "5m", "2h"; above 0.
[[nodiscard]] std::expected<Duration, std::string> parse_duration(std::string_view text);
// A number above 0, or "max" (nothing).
[[nodiscard]] std::expected<std::optional<double>, std::string> parse_speed(std::string_view text);
// Why a node did not start, as a sentence; empty when it did.
[[nodiscard]] std::string problem_of(meter::StartResult result, std::uint64_t box, meter::Wiring wiring,
                                     const std::string& store);

// Virtual time against the host's monotonic clock. When the machine cannot keep up by more than a second (it was
// asleep, or the speed is too high) the debt is dropped: time then goes slower rather than the line being deaf.
class Pace {
  public:
    // speed: nothing = as fast as it goes.
    explicit Pace(std::optional<double> speed);
    [[nodiscard]] bool is_max() const { return !speed_; }
    // Where virtual time should be now; not below `reached`, and not more than a second's worth of debt above it.
    [[nodiscard]] Instant due(Instant reached);
    // How long to sleep until virtual `at`.
    [[nodiscard]] Duration until(Instant at, Instant reached) const;

  private:
    std::optional<double> speed_;
    std::int64_t host_origin_;
    Instant virtual_origin_{};
};
// Microseconds of the host's monotonic clock.
[[nodiscard]] std::int64_t host_now();

// SIGINT and SIGTERM set a flag; SIGPIPE is ignored. Waiting ends at once when one comes.
void catch_stop_signals();
[[nodiscard]] bool stop_asked();
// ppoll() for at most `longest`.
void wait_for(std::vector<pollfd>& handles, Duration longest);

}  // namespace prewatt::sim

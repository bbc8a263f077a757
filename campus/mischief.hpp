// Somebody on the line who ought not to be there: hears every frame and says old ones again, as a cheat with a recorder
// does, or as a meter that answers to somebody else's request. Nothing that it says may change a balance or a relay.
#pragma once
#include <array>
#include <vector>

#include "protocols/dlt645/frame.hpp"
#include "sim/random.hpp"
#include "sim/serial_line.hpp"

namespace prewatt::campus {

class Mischief final : public sim::Station {
  public:
    Mischief(sim::SerialLine& line, std::uint64_t seed);

    Heard on_character(const sim::Character& character) override;
    Instant on_time(Instant) override { return kNever; }
    // Says one of the frames that it has heard, a request or an answer; nothing when it has heard none yet.
    void replay();
    [[nodiscard]] int replays() const { return replays_; }

  private:
    static constexpr std::size_t kKept = 64;
    sim::SerialLine& line_;
    sim::Random random_;
    dlt645::Decoder decoder_;
    std::vector<dlt645::Frame> heard_;
    std::size_t next_ = 0;
    sim::SerialLine::Id id_ = 0;
    int replays_ = 0;
};

}  // namespace prewatt::campus

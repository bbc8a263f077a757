// Spares a node the characters of frames that are for other boxes, as far as the header can be read, which changes
// nothing that the node would do: a line of 256 boxes would otherwise run every character through 256 decoders.
//
// Feed every character to add(). kHold: it may be for us, wait. kOthers: the rest of this frame is nobody of ours
// (Station::Heard::skip_frame). kTake: hand the held characters (held()), then this one, to the node; from then on
// every character of the frame is kTake.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "protocols/dlt645/frame.hpp"
#include "sim/serial_line.hpp"

namespace prewatt::sim {

class FrameFilter {
  public:
    enum class Verdict : std::uint8_t { kHold, kOthers, kTake };
    // `gap`: so long without a character begins a new frame.
    FrameFilter(dlt645::BoxNumber box, Duration gap);

    [[nodiscard]] Verdict add(const Character& character);
    // The characters before the one that was last added and that the node has not had; empties.
    [[nodiscard]] std::vector<Byte> take_held();

  private:
    [[nodiscard]] bool is_for_others(const Character& character);

    std::array<Byte, 5> own_{};
    Duration gap_;
    std::vector<Byte> head_;
    bool undecided_ = false;
    Instant heard_at_{};
};

}  // namespace prewatt::sim

// A landing in the evening as samples, made without floating point, so that every machine feeds its meter with the
// same: three phases with noise, motors, kettles, empty rooms, and a kettle that comes and goes on every circuit in
// turn.
#pragma once
#include <array>
#include <cstdint>

#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::firmware {

class Signal {
  public:
    // One sample of all channels: voltage A, B, C, current 0..38.
    struct Frame {
        std::array<std::int16_t, kPhasesMax> voltage;
        std::array<std::int16_t, kCircuitsMax> current;
    };

    void next(Frame& frame) {
        // A rotating vector in 1/2^30: 50 Hz is 4.5 degrees a sample. The length, pulled back once a sample, stays.
        constexpr std::int64_t kCosine = 1070431486, kSine = 84244668;
        const std::int64_t turned = (x_ * kCosine - y_ * kSine) >> 30;
        y_ = (x_ * kSine + y_ * kCosine) >> 30;
        x_ = turned;
        const std::array<std::int32_t, 3> phase{static_cast<std::int32_t>(x_ >> 15),
                                                static_cast<std::int32_t>((-x_ / 2 + y_ * 887 / 1024) >> 15),
                                                static_cast<std::int32_t>((-x_ / 2 - y_ * 887 / 1024) >> 15)};
        const std::array<std::int32_t, 3> behind{static_cast<std::int32_t>(y_ >> 15),
                                                 static_cast<std::int32_t>((-y_ / 2 - x_ * 887 / 1024) >> 15),
                                                 static_cast<std::int32_t>((-y_ / 2 + x_ * 887 / 1024) >> 15)};
        for (std::size_t p = 0; p < kPhasesMax; ++p)
            frame.voltage[p] = static_cast<std::int16_t>(phase[p] + noise());
        const std::uint32_t kettle = sample_ / kSamplesPerKettle * 5 % kCircuitsMax;
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            const std::int32_t v = phase[c % 3], q = behind[c % 3];
            std::int32_t i = 0;
            switch (c % 4) {
                case 0:  // resistors
                    i = v * static_cast<std::int32_t>(c + 1) / 64;
                    break;
                case 1:  // a motor
                    i = v / 12 + q / 16;
                    break;
                case 2:  // an empty room
                    break;
                case 3:  // the starting current
                    i = v / 1024;
                    break;
            }
            if (c == kettle) i += v / 7;  // 1.7 kW, about
            frame.current[c] = static_cast<std::int16_t>(i + noise());
        }
        ++sample_;
    }

  private:
    static constexpr std::uint32_t kSamplesPerKettle = 4013;

    std::int32_t noise() {
        random_ = random_ * 1664525 + 1013904223;
        return static_cast<std::int32_t>(random_ >> 30) - 2;
    }

    std::int64_t x_ = std::int64_t{24000} << 15, y_ = 0;
    std::uint32_t random_ = 12345;
    std::uint32_t sample_ = 0;
};

}  // namespace prewatt::firmware

// What a calibration bench does with one box: reads what the box measures at a reference source and works out the
// constants of its channels. Three settings for all channels at once: nothing applied (offsets), Ib at power factor 1
// (gains), Ib at 0.5 inductive (skews); the latter two once more with the new constants.
//
// One gain, one skew and one offset for each channel, from starting current to Imax: nothing here or in the meter knows
// at which current it is tested (reference metrology 1.7: what does is a defeat device).
#pragma once
#include "meter/metrology/calibration.hpp"
#include "verify/front_end.hpp"

namespace prewatt::verify {

// The source is set and left at 220 V, 50 Hz, without load. reference_error: how wrong the bench's own reference is,
// relative.
[[nodiscard]] meter::Calibration calibrate(FrontEnd& front_end, double reference_error = 0);

}  // namespace prewatt::verify

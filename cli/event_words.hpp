// Events of a meter in words, from the table in meter/core/event_log.hpp; captures of malignant loads as an explanation
// and a picture of characters.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "meter/core/capture_store.hpp"
#include "meter/core/event_log.hpp"

namespace prewatt::cli {

// "2026-11-22 16:59:30", or "start 5 + 90 s" where the clock was not valid.
[[nodiscard]] std::string time_of(const meter::Event& event);
// {"power", "900.0 W"}, {"because", "remote"}, ... in the order of the layout.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> words_of(const meter::Event& event);
[[nodiscard]] std::string word_of(meter::StepShape shape);
[[nodiscard]] std::string word_of(meter::CardCode code);

// What the meter saw in a step, one line each.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> words_of(const meter::StoredCapture& stored);
// Two cycles before and two after, 75 characters wide: '.' voltage, '#' current, each scaled to its own peak.
[[nodiscard]] std::string picture_of(const meter::StepCapture& capture);

}  // namespace prewatt::cli

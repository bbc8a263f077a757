// Values that a card carries to a box because the office desires them there: settings, and the alarm levels of a
// household. Decides which of them go onto one card and how a list of them is kept in the books. Pure.
//
// A meter takes a list once, all of it or nothing (card/parameters.hpp). What was written is not so yet; it is so when
// the meter has said that it took it (warrants.hpp).
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

// Beside the numbers of settings::SettingId; card::kAlarmsParameter.
inline constexpr std::uint8_t kAlarmsValue = 0xE1;

struct CardValue {
    std::uint8_t id = 0;
    std::uint8_t number = 0;  // of the household in its box; 0: the box itself
    std::uint8_t index = 0;
    std::uint32_t version = 0;  // of the wish, so that only this one is confirmed
    std::vector<std::uint8_t> bytes;
    friend bool operator==(const CardValue&, const CardValue&) = default;
};
// What a card's parameters have room for: twelve parts of eighteen bytes, four beside each value.
inline constexpr std::size_t kCardValuesBytesMax = 216;
[[nodiscard]] std::size_t size_on_card(const CardValue& value);
// Three levels, four bytes each, low byte first; hundredths of the account's unit.
[[nodiscard]] std::vector<std::uint8_t> bytes_of(const AlarmLevels& levels);

// The first that fit, in the order given; what does not waits for the next card. `left`: so many.
struct FittedValues {
    std::vector<CardValue> values;
    int left = 0;
};
[[nodiscard]] FittedValues fit(std::vector<CardValue> wanted, std::size_t bytes_max = kCardValuesBytesMax);

// "2 12 0 3 8813...", a line each: id, household in the box, index, version of the wish, bytes.
[[nodiscard]] std::string text_of(const std::vector<CardValue>& values);
[[nodiscard]] std::optional<std::vector<CardValue>> card_values_of(std::string_view text);

}  // namespace prewatt::server

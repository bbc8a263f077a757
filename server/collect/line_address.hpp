// Where a line is: the url of LineRecord.
//
//   serial:///dev/ttyUSB0?baud=9600            a port of this machine (also a pseudo-terminal), 8E1
//   tcp://192.168.1.20:4001?baud=9600          a serial gateway that passes bytes as they are; baud is that of its
//   serial side
//
// ?latency_ms= says what the way adds to a question and its answer together (default 60 for serial, 400 for tcp).
// ?readers=7 or ?readers=7,8: shared card readers of these numbers hang on the line (docs/formats/dlt645-private.md).
// Several options: & between them.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace prewatt::collect {

inline constexpr std::size_t kReadersMax = 4;  // of one line: each is asked for itself

struct LineAddress {
    enum class Kind : std::uint8_t { kSerial, kTcp } kind = Kind::kSerial;
    std::string host;  // or the path of the port
    std::uint16_t port = 0;
    std::uint32_t baud = 9600;
    Duration latency_max;
    std::vector<std::uint16_t> readers;  // of cards, at most kReadersMax
    friend bool operator==(const LineAddress&, const LineAddress&) = default;
};
// The error is a sentence for a person.
[[nodiscard]] std::expected<LineAddress, std::string> parse_line_url(std::string_view url);

}  // namespace prewatt::collect

// A serial port of this machine as a line: raw, 8 data bits, even parity, one stop bit (DL/T 645-2007), locked so that
// no two programs are masters on it. A pseudo-terminal, which has no parity to set, will do as well.
#pragma once
#include <cstdint>
#include <expected>
#include <string>

namespace prewatt::collect {

// 600 .. 115,200 bit/s as the operating system knows them.
[[nodiscard]] bool is_line_speed(std::uint32_t baud);

// An open, non-blocking descriptor that the caller closes. The error is a sentence for a person: the port does not
// open, is used by another program, is no serial port, or cannot be set.
[[nodiscard]] std::expected<int, std::string> open_serial_port(const std::string& path, std::uint32_t baud);

}  // namespace prewatt::collect

// `prewatt frame decode` and `prewatt frame encode`: DL/T 645 in words and back, without a meter.
//
//   prewatt frame decode "68 12 90 ... 16" [...]     or hex on stdin; every frame in it, noise is counted
//   prewatt frame encode 123456789012 read 00010000
//   prewatt frame encode 123456789012 reply 00010000 123456.78
//   prewatt frame encode 123456789012 write 04000102 16:59:30 --password 02:123456 --operator 11223344
//   prewatt frame encode 2026000017:12 ticket 1 2 1234.56 --key FILE --counter 100
// With --bus the frame also goes out on a line, and the answer is said in words: how a person sells to a meter that no
// office has.
//
// Exit codes: 0; 2 wrong use or a value that does not fit its item; 3 the key file is not there; 4 no answer from the
// line; 5 decode found no whole frame, or the meter refused; 9 the line does not open.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace prewatt::cli {

struct FrameDecodeOptions {
    std::vector<std::string> hex;  // none: stdin
    std::filesystem::path key;     // master key file: sealed commands are opened
    std::string output = "table";
};
struct FrameEncodeOptions {
    std::string meter;
    std::string what;  // read, following, reply, refuse, write, read-address, write-address, set-time, freeze, speed,
                       // control, raw; sealed: ticket, remote, force, acknowledge, alarms, clock, constant
    std::vector<std::string> arguments;
    std::string password = "02:000000";  // level:digits
    std::string operator_number;         // eight hex digits of the standard, or a number for sealed commands
    std::filesystem::path key;
    std::uint32_t counter = 0;
    int preamble = 0;
    std::string bus;  // a line to send it on; empty: it is only printed
    int speed = 9600;
    std::string output = "table";  // table: hex alone; json: hex and words
};
[[nodiscard]] int run(const FrameDecodeOptions& options);
[[nodiscard]] int run(const FrameEncodeOptions& options);

// What `frame encode` can be asked for, one line each, for --help.
[[nodiscard]] std::string frame_encode_help();

}  // namespace prewatt::cli

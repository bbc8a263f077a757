// A master on a DL/T 645 line for a person at a terminal: one question at a time, blocking, with repeats. The office
// has its own (server/collect); this one serves `prewatt read --bus` and `frame encode --bus`.
//
// The time-out of a question is computed: 500 ms that the standard gives a meter, plus the characters of question and
// answer at the line's speed, plus a margin; a fixed second would be too short for a long answer at 1200 bit/s.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::cli {

enum class BusError : std::uint8_t {
    kWrongName,     // what names the bus is none of the three forms
    kNotReachable,  // the port does not open, or broke while it was used
    kNoAnswer,      // nothing, after every repeat
    kDamaged,       // an answer came but was never whole or never to this question
    kRefused,       // the meter's error; refusal() says which
};

struct BusOptions {
    std::string bus;  // tcp://host:port | host:port | a serial device or pseudo-terminal
    int speed = 9600;
    int tries = 3;
    // Each frame that goes out or comes in, for --raw; may be empty.
    std::function<void(bool outgoing, Bytes frame)> trace;
};

class BusClient {
  public:
    static std::expected<BusClient, BusError> open(const BusOptions& options);
    BusClient(BusClient&& other) noexcept;
    BusClient& operator=(BusClient&&) = delete;
    ~BusClient();

    // Asks and gives the reply whose address and function fit.
    [[nodiscard]] std::expected<dlt645::Frame, BusError> ask(const dlt645::Address& meter, dlt645::Control control,
                                                             Bytes data, std::size_t answer_bytes = 40);
    // Data of an item without its identifier; following frames are fetched and joined. `asked` goes behind the
    // identifier.
    [[nodiscard]] std::expected<std::vector<Byte>, BusError> read(const dlt645::Address& meter, dlt645::DataId id,
                                                                  Bytes asked = {}, std::size_t answer_bytes = 40);
    [[nodiscard]] const BusOptions& options() const { return options_; }
    // The error byte of the last refusal.
    [[nodiscard]] std::uint8_t refusal() const { return refusal_; }
    // How long a question with so many characters there and back may take.
    [[nodiscard]] Duration time_out(std::size_t characters) const;
    // Why the bus did not open, in words; for the message after kWrongName and kNotReachable.
    [[nodiscard]] static const std::string& why() { return why_; }

  private:
    BusClient(const BusOptions& options, int descriptor);
    [[nodiscard]] bool send(Bytes bytes);
    // Next frame before the deadline; kNoAnswer when none was whole.
    [[nodiscard]] std::expected<dlt645::Frame, BusError> receive(Instant deadline);
    BusOptions options_;
    int descriptor_ = -1;
    dlt645::Decoder decoder_;
    std::vector<Byte> unread_;
    std::uint8_t refusal_ = 0;
    static std::string why_;
};

// Says on standard error why `meter` could not be asked and what to try; the exit code for it.
int complain(const BusClient& bus, BusError error, const std::string& meter);

}  // namespace prewatt::cli

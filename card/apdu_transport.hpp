// A smart card reader that carries commands (APDUs, ISO 7816-4) to a card, or to itself on the card's behalf (PC/SC
// part 3), as a port: what libpcsclite (card/pcsc) and the model of a reader (sim/card) both can do. Decides nothing.
#pragma once
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"
#include "base/fixed_vector.hpp"

namespace prewatt::card {

inline constexpr std::size_t kApduBytesMax = 261;    // header, length, 255 bytes, expected length
inline constexpr std::size_t kAnswerBytesMax = 258;  // 256 bytes and the two of the status
inline constexpr std::size_t kAtrBytesMax = 33;
using ApduAnswer = FixedVector<Byte, kAnswerBytesMax>;
using Atr = FixedVector<Byte, kAtrBytesMax>;

enum class TransportFault : std::uint8_t {
    kGone,    // no card, it left during the exchange, or it is another than before; what the command did is unknown
    kReader,  // the reader or what drives it does not work
};

class ApduTransport {
  public:
    // One command and its answer; the answer has at least the two bytes of the status.
    [[nodiscard]] virtual std::expected<ApduAnswer, TransportFault> transceive(Bytes command) = 0;
    // What the card, or the reader in its name, said of itself when it was put on.
    [[nodiscard]] virtual Atr atr() const = 0;
    // Takes the power from the card and gives it back: it has forgotten everything and is awake.
    [[nodiscard]] virtual std::expected<void, TransportFault> reset() = 0;

  protected:
    ~ApduTransport() = default;
};

}  // namespace prewatt::card

// The model of a reader behind the real pcscd: vsmartcard's virtual reader (vpcd) listens on a TCP port, and whoever
// connects is the card. Decides how such a card comes, answers and leaves.
//
// On the wire, both ways: two bytes of length, highest first, then as many bytes. From vpcd a single byte is an order:
// 00 power off, 01 power on, 02 reset (no answer to these), 04 the answer to reset, which is also its question every
// 400 ms whether the card is still there. Anything longer is a command, and is answered. A card that leaves closes the
// connection.
//
// vpcd listens on all addresses and asks nobody for a password: it belongs into a private network namespace or onto a
// machine of its own, and into no product (AC33).
#pragma once
#include <expected>
#include <functional>
#include <string>
#include <utility>

#include "base/units.hpp"
#include "sim/card/apdu_card.hpp"

namespace prewatt::sim {

class VpcdLink {
  public:
    // Puts the card on: connects within `timeout`. vpcd takes one card a port; a second would hang in the queue for
    // minutes, hence the limit. The error says what is wrong.
    [[nodiscard]] static std::expected<VpcdLink, std::string> insert(const std::string& host, std::uint16_t port,
                                                                     Duration timeout);
    VpcdLink(VpcdLink&& other) noexcept : socket_(std::exchange(other.socket_, -1)), input_(std::move(other.input_)) {}
    VpcdLink& operator=(VpcdLink&& other) noexcept;
    VpcdLink(const VpcdLink&) = delete;
    ~VpcdLink() { leave(); }

    enum class Served : std::uint8_t {
        kNothing,  // within `wait`
        kOrder,    // powered on or off, reset, asked for its answer to reset
        kCommand,
        kLeft,    // the card was torn away in this exchange; the connection is closed without an answer
        kLost,    // `keep` failed; closed without an answer
        kClosed,  // vpcd went
    };
    // One message, waiting for it no longer than `wait`. `exchange`: how long the card takes for a command. `keep`:
    // called after a command was carried out, also one in which the card was torn away, and before it is answered;
    // false: the card could not be kept, and leaves without an answer (kLost).
    Served serve(ApduCard& card, Duration wait, Duration exchange = {}, const std::function<bool()>& keep = {});
    // Takes the card away. `abruptly`: as a process that dies (RST instead of FIN).
    void leave(bool abruptly = false);
    [[nodiscard]] bool is_inserted() const { return socket_ >= 0; }
    // To wait for the next message together with other things; below 0 when not inserted.
    [[nodiscard]] int handle() const { return socket_; }

  private:
    explicit VpcdLink(int socket) : socket_(socket) {}
    bool send(Bytes body);
    int socket_;
    std::string input_;
};

}  // namespace prewatt::sim

// The readers of this machine through pcscd (libpcsclite), and the card on one of them as an ApduTransport. Decides
// which reader is meant, when a card counts as there, and what is said to a cashier or a technician when something is
// missing.
//
// A card is held for this program alone and left as it is when it is let go (SCARD_LEAVE_CARD): resetting a card that
// was torn away hides it from pcscd until it has been away for a whole poll of 400 ms. pcscd notices a card that comes
// or leaves at its next poll, so within 400 ms, and one exchanged for another within that time not at all (see
// ApduReader).
//
// Not for several threads, but for cancel().
#pragma once
#include <atomic>
#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"
#include "card/apdu_transport.hpp"
#include "card/m1_reader.hpp"
#include "card/pcsc/atr.hpp"

namespace prewatt::card {

enum class PcscFault : std::uint8_t {
    kNoService,       // no pcscd, or it does not let us in
    kNoReader,        // it sees no reader at all
    kUnknownReader,   // none of that name, or it was unplugged
    kSeveralReaders,  // more than one fits: a name must be given
    kBusy,            // another program holds the reader
    kNoCard,          // none came, or the one that was there did not leave, within the time
    kMute,            // something lies there that does not answer
    kOtherCard,       // a card that is not M1
    kCancelled,       // cancel() was called
    kReader,          // the reader or its driver failed
};
struct PcscError {
    PcscFault fault;
    std::string words;  // a sentence or two for who stands before it, with what to do
};

// A card on a reader. Gone for good once transceive() said kGone: get another from wait_for_card().
class PcscCard final : public ApduTransport {
  public:
    PcscCard(PcscCard&& other) noexcept;
    PcscCard& operator=(PcscCard&&) = delete;
    PcscCard(const PcscCard&) = delete;
    ~PcscCard();

    std::expected<ApduAnswer, TransportFault> transceive(Bytes command) override;
    [[nodiscard]] Atr atr() const override { return atr_; }
    std::expected<void, TransportFault> reset() override;
    // What pcscd said to the last call that failed, for a log; empty when none did.
    [[nodiscard]] const std::string& last_error() const { return last_error_; }

  private:
    friend class Pcsc;
    PcscCard(long handle, unsigned long protocol, const Atr& atr) : handle_(handle), protocol_(protocol), atr_(atr) {}
    TransportFault fault_of(long code);
    long handle_;  // 0: none
    unsigned long protocol_;
    Atr atr_;
    std::string last_error_;
};

class Pcsc {
  public:
    [[nodiscard]] static std::expected<Pcsc, PcscError> open();
    Pcsc(Pcsc&& other) noexcept;
    Pcsc& operator=(Pcsc&&) = delete;
    Pcsc(const Pcsc&) = delete;
    ~Pcsc();

    // In pcscd's order; kNoReader rather than an empty list.
    [[nodiscard]] std::expected<std::vector<std::string>, PcscError> readers() const;
    // The reader that is meant by a name or a part of it, capital or small; without: the only one, or the only one
    // among several that says it is contactless.
    [[nodiscard]] std::expected<std::string, PcscError> choose(std::string_view wanted = {}) const;
    // A card that lies there, or comes within `timeout`; M1 cards only. A service that was started anew since is found
    // again.
    [[nodiscard]] std::expected<PcscCard, PcscError> wait_for_card(const std::string& reader, Duration timeout);
    // Nothing lies there any more.
    [[nodiscard]] std::expected<void, PcscError> wait_for_removal(const std::string& reader, Duration timeout);
    // From any thread: a wait that runs ends with kCancelled.
    void cancel() const;

  private:
    explicit Pcsc(long context) : context_(context) {}
    [[nodiscard]] std::expected<PcscCard, PcscError> look_for_card(const std::string& reader,
                                                                   std::chrono::steady_clock::time_point until);
    [[nodiscard]] std::expected<PcscCard, PcscError> connect(const std::string& reader);
    bool open_again();
    std::atomic<long> context_;  // 0: none
};

// The choice alone, for names that are not this machine's.
[[nodiscard]] std::expected<std::string, PcscError> choose_reader(const std::vector<std::string>& readers,
                                                                  std::string_view wanted);
// What a cashier is told of a fault that an M1Reader over a PcscCard reports.
[[nodiscard]] std::string sentence_of(CardFault fault, ChipKind kind);

}  // namespace prewatt::card

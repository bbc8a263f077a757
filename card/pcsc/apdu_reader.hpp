// An M1 card over any reader that shows it as a storage card (PC/SC part 3, 3.2.2): the M1Reader over an ApduTransport.
// Decides which command a reader understands and what its status words mean for the caller.
//
// Readers differ, so each finds out by trying, once, and remembers:
// - where a key is loaded: the volatile memory (P1 00); where it is refused, the lasting one (P1 20, OMNIKEY 5x21),
// which
//   is then written only when the key differs, for it wears out;
// - GENERAL AUTHENTICATE (FF 86); where it is unknown, its older form (FF 88);
// - after a refusal the card is halted. Most readers wake it before they authenticate; when a second attempt in a row
// is
//   refused, the card is reset once and asked again before the refusal is believed.
//
// A card exchanged for another within one poll of the reader (400 ms at pcscd) raises no event: authenticate() looks at
// the number first, and is_same_card() lets the caller look again before it reports success. Some readers answer both
// from memory, so what is written must carry the number under its seal all the same.
#pragma once
#include <optional>

#include "card/apdu_transport.hpp"
#include "card/m1_reader.hpp"
#include "card/pcsc/atr.hpp"

namespace prewatt::card {

class ApduReader final : public M1Reader {
  public:
    // The transport must outlive it. One object for one card on a reader; for the next card a new one.
    explicit ApduReader(ApduTransport& transport) : transport_(transport) {}

    // M1Reader. kSeveral never comes: of several cards a PC/SC reader shows one or none. kNotM1: kind() says what it
    // is.
    std::expected<Uid, CardFault> select() override;
    std::expected<void, CardFault> authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) override;
    std::expected<Block, CardFault> read(std::uint8_t block) override;
    std::expected<void, CardFault> write(std::uint8_t block, const Block& data) override;

    // The card of the last select() still lies there; what is authenticated stays so. kNoCard: it does not.
    std::expected<void, CardFault> is_same_card();
    [[nodiscard]] ChipKind kind() const;
    // The last status word, for a technician's log: 9000, 6300, ...; 0 when there was none.
    [[nodiscard]] std::uint16_t last_status() const { return last_status_; }

  private:
    struct Answer {
        ApduAnswer data;  // without the status
        std::uint16_t status;
    };
    std::expected<Answer, CardFault> ask(Bytes command);
    std::expected<Uid, CardFault> number();
    std::expected<Byte, CardFault> load_key(KeyKind kind, const SectorKey& key);  // the slot
    std::expected<void, CardFault> authenticate_once(std::uint8_t block, KeyKind kind, const SectorKey& key);
    // What a refused access is; asks for the number, for some readers say the same of a card that has left.
    CardFault fault_of_access(std::uint16_t status);
    CardFault believed(CardFault refusal);

    ApduTransport& transport_;
    std::optional<Uid> selected_;
    bool keys_last_ = false;  // P1 20
    bool old_form_ = false;   // FF 88
    bool refused_last_ = false;
    std::optional<SectorKey> lasting_[2];
    std::uint16_t last_status_ = 0;
};

}  // namespace prewatt::card

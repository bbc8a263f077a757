// A PC/SC reader with its field as a model: an ApduTransport that speaks the commands of PC/SC part 3 over a Field,
// with the habits of real readers as data. What the desk's driver is tested against, and what stands behind pcscd's
// virtual reader (vpcd_link). Decides what such a reader answers to any bytes at all.
#pragma once
#include <string_view>

#include "card/apdu_transport.hpp"
#include "sim/card/field.hpp"

namespace prewatt::sim {

// Where readers differ (manuals of ACS ACR122U, 1252U, 1281U and HID OMNIKEY 5x21).
struct ReaderHabits {
    bool volatile_keys = true;         // FF 82 with P1 00
    bool lasting_keys = true;          // FF 82 with P1 20
    std::uint8_t slots = 2;            // for keys
    bool general_authenticate = true;  // FF 86
    bool old_authenticate = true;      // FF 88
    bool only_6300 = false;            // says "operation failed" to all that fails, the card that has left included
    bool wakes_the_card = true;        // a halted card, before it authenticates
    bool three_blocks = false;         // reads with Le 30
    bool value_commands = true;        // FF D7, FF B1
    bool remembers_number = false;     // answers FF CA with the number of when the card was put on
    bool one_of_several = false;       // takes the first card of several; others show none
};
inline constexpr ReaderHabits kPlainReader{};
inline constexpr ReaderHabits kAcr122{.lasting_keys = false, .only_6300 = true};
inline constexpr ReaderHabits kAcr1252{.only_6300 = true, .three_blocks = true};
inline constexpr ReaderHabits kOmnikey5x21{.volatile_keys = false, .slots = 32, .value_commands = false};
inline constexpr ReaderHabits kOldReader{
    .general_authenticate = false, .wakes_the_card = false, .value_commands = false, .remembers_number = true};

class ApduCard final : public card::ApduTransport {
  public:
    // The field is one without wakes_by_itself: waking is the reader's habit. It must outlive the reader.
    explicit ApduCard(Field& field, const ReaderHabits& habits = kPlainReader) : field_(field), habits_(habits) {
        power_on();
    }

    // A card is given power, as when it is put on: woken, its answer to reset made. false: nothing that could be shown.
    bool power_on();
    // It lies there still, and has forgotten what was authenticated.
    void power_off();

    // ApduTransport. A card that is torn away, or was taken away before, is kGone, as pcscd says it.
    std::expected<card::ApduAnswer, card::TransportFault> transceive(Bytes command) override;
    [[nodiscard]] card::Atr atr() const override { return still_there() ? atr_ : card::Atr{}; }
    std::expected<void, card::TransportFault> reset() override;

    [[nodiscard]] std::uint64_t lasting_key_writes() const { return lasting_key_writes_; }

  private:
    struct Answer {
        card::ApduAnswer data;
        std::uint16_t status = 0x9000;
    };
    [[nodiscard]] Answer answer(Bytes command);
    [[nodiscard]] Answer number(Bytes command);
    [[nodiscard]] Answer load_key(Bytes command);
    [[nodiscard]] Answer authenticate(std::uint8_t block, std::uint8_t kind, std::uint8_t slot);
    [[nodiscard]] Answer read(Bytes command);
    [[nodiscard]] Answer update(Bytes command);
    [[nodiscard]] Answer change_value(Bytes command);
    [[nodiscard]] Answer read_value(Bytes command);
    // In the words of this reader.
    [[nodiscard]] Answer failed(card::CardFault fault, std::uint16_t otherwise) const;
    [[nodiscard]] bool still_there() const { return on_ && !field_.things().empty(); }
    void lose();

    Field& field_;
    ReaderHabits habits_;
    card::Atr atr_;
    Uid number_;                      // of when it was put on
    std::optional<Field::Thing> on_;  // what was put on
    std::array<std::optional<SectorKey>, 32> keys_{};
    std::uint64_t lasting_key_writes_ = 0;
};

// What a reader shows for this thing (PC/SC part 3): made of its SAK for our cards.
[[nodiscard]] card::Atr atr_of(const Field::Thing& thing);

}  // namespace prewatt::sim

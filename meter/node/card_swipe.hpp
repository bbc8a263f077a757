// A card at the box's own reader, from its coming to its leaving: look, who is it, read, is it still the same, verify
// and commit (Box), write the state back, parameters or orders, done or why not; then wait until it has left.
//
// One exchange with the card a poll(), some milliseconds each, so the line, the relays and the display never wait for
// it. While nothing lies there the reader looks four times a second. A card that was dealt with is left alone until it
// has left (two looks without it); one that vanishes in the middle may come again at once, and loses nothing: before
// the commit nothing has happened, after it the next visit writes the state into the same place again.
//
// Things that are not ours (a key that does not fit, another kind of card, a number drawn anew each time) are passed
// over without a word; two cards at once are touched by nobody. Only the RETURN sectors are ever written, of a card
// with rights with a receipt where it wants one.
#pragma once
#include <cstdint>
#include <optional>

#include "card/layout.hpp"
#include "card/record_io.hpp"
#include "meter/node/box.hpp"
#include "meter/node/card_shown.hpp"

namespace prewatt::meter {

// What is to be shown.
struct CardNotice {
    enum class Kind : std::uint8_t {
        kSwiped,      // the amount bought, if any, then the total
        kCode,        // why not
        kPassed,      // an order was carried out, a reader works
        kInspection,  // what is set, household by household
    } kind = Kind::kCode;
    CardCode code = CardCode::kDone;
    Household household{};  // 0: not known, or the box
    Credit bought;
    bool follows = false;  // something else was already told of this card: behind it
};

class CardSwipe {
  public:
    static constexpr Duration kLook = milliseconds(250);
    static constexpr Duration kExchange = milliseconds(5);  // from one to the next, at least
    static constexpr Duration kSwipeMax = seconds(3);       // a card that takes longer is given up
    static constexpr int kAbsentLooks = 2;

    // `reader` null, or a box without card keys: nothing is ever done.
    CardSwipe(Box& box, card::Mac& mac, card::M1Reader* reader) : box_(box), mac_(mac), reader_(reader) {}

    // Returns when it wants to be called again.
    Instant poll(Instant now);
    // The oldest that nobody has taken; nothing: none.
    [[nodiscard]] std::optional<CardNotice> take_notice();
    [[nodiscard]] bool is_busy() const { return step_ != Step::kLook; }

  private:
    enum class Step : std::uint8_t {
        kLook,
        kIdentity,
        kCredit,
        kReturn,
        kSameCard,
        kWriteBack,
        kParameters,
        kRight,
        kOrderedParameters,
        kOrder,
        kReceipt,
    };
    void step(Instant now);
    void look(Instant now);
    void read_identity(Instant now);
    void read_copies();
    void check_same_card(Instant now);
    void present(Instant now);
    void write_back(Instant now);
    void read_parameters(Instant now);
    void read_right();
    void show_order(Instant now);
    void write_receipt();

    // Begins to read a sector; the next polls go on.
    void read(Step step, std::uint8_t sector, std::optional<card::BoxDigits> wanted = std::nullopt);
    // True: the record is there. False: not yet, or it failed and was dealt with.
    [[nodiscard]] bool has_read();
    void wake();
    void begin_parameters();
    void tell(CardNotice notice);
    void refuse(CardCode code);  // told, and left alone until it has left
    void lose();                 // vanished: it may come again at once
    void rest() {
        step_ = Step::kLook;
        asleep_ = false;
    }
    void end_parameters(Instant now);

    Box& box_;
    card::Mac& mac_;
    card::M1Reader* reader_;
    Instant next_{};
    Instant began_{};
    Step step_ = Step::kLook;
    card::Uid known_;  // lies there and has been dealt with, or is being; empty: none
    std::uint8_t absent_ = 0;
    bool several_ = false;
    bool asleep_ = false;   // it refused, and must be woken before the next sector
    bool told_ = false;     // something of this card
    bool damaged_ = false;  // a sector did not let itself be read
    std::uint8_t part_ = 0;
    std::uint8_t place_ = 0;  // of the right among those of the card
    card::IdentityRecord identity_;
    CardAnswer answer_;
    card::Copies credits_{};
    card::Copies returns_{};
    std::optional<card::RecordReader> reading_;
    std::optional<card::RecordWriter> writing_;
    card::RecordBytes right_{};
    std::optional<card::ParameterGatherer> gathered_;
    FixedQueue<CardNotice, 4> notices_;
};

}  // namespace prewatt::meter

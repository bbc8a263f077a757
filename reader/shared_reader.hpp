// One reader for all boxes of a line (product.md B4): a card lies on it, its CREDIT goes up the line as it is, the
// box's RETURN comes down and is written. The same code in a reader's firmware and in `prewatt reader`: no heap, no
// clock.
//
// What it knows. The two sector masters that every reader of the site holds (card/card_keys.hpp), and nothing that
// opens or seals a record: whoever steals it can do to a card what anybody can do to an M1 card anyway. It finds box,
// household and the newest copy by the clear headers, which may lie: then the box refuses.
//
// What it does. A card comes: number, identity's header, newest CREDIT; "hold the card". The master of the line asks
// (EC040100) and takes the record to the box; the outcome comes (EC040200); the card is asked once more who it is, the
// RETURN goes into the slot of its generation, is read back, and the signal follows. A card that leaves early has lost
// nothing: shown again, everything begins anew, and the box has taken its ticket at most once. Cards that are not the
// site's are ignored until they leave: no tap, no frame. Two cards at once are none.
//
// Only CREDIT goes up and only RETURN comes down. A card with rights says what is to be done to up to 14 boxes, and
// here nobody knows before which of them its owner means to stand; it is refused before a tap, whatever it carries, and
// is as good as before at the box. Parameters on a household's card are left where they are: where there is a line to
// carry a tap, the office's settings come over it.
//
// Who can frighten it: anybody on the two wires. An outcome counts once, for the tap and the copy that are waiting and
// went up, and its RETURN must be one by its header, of the box and household of the card; so a forged one can show a
// lie and put a record into a RETURN slot that the office will not open, and never touches CREDIT or a trailer.
//
// Two halves, called by whoever owns the board: the card's, at most one exchange with the card a call, and the line's,
// which answers no sooner than 20 ms after the question. Instants must not run backwards.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>

#include "card/card_keys.hpp"
#include "card/copies.hpp"
#include "card/layout.hpp"
#include "card/record_io.hpp"
#include "protocols/dlt645/reader_items.hpp"
#include "reader/tap_state.hpp"

namespace prewatt::reader {

struct ReaderConfig {
    dlt645::ReaderNumber number{1};
    card::Layout layout;
    card::Key sector_read{};
    card::Key sector_return{};
    std::uint32_t first_tap =
        1;  // another one at each start: an answer to the tap before it is not taken for a new one
};

// What is shown and sounded.
enum class Signal : std::uint8_t {
    kReady,
    kHoldCard,       // it is being worked on: leave it there
    kDone,           // with what was bought and what remains
    kComeAgain,      // taken away too early or exchanged for another: nothing is lost, show it again
    kRefused,        // `code` says why
    kBoxOffLine,     // the box does not answer; the card is as it was
    kOfficeOffLine,  // nobody has asked for a while
    kSeveralCards,
    kNotForThisReader,  // a set-up, inspection, clear or restore card: it belongs onto the box that it is for
    kReads,             // a reader test card: this reader reads cards
    kDamagedCard,       // it does not let itself be written: the desk gives a new one. What was bought is in the box
    kBroken,            // the reader itself
};
struct Shown {
    Signal signal = Signal::kReady;
    std::uint8_t code = 0;  // docs/formats/card-codes.md; from 128 on dlt645::kCode..
    std::uint8_t household = 0;
    std::int32_t bought_hundredths = 0;
    std::int32_t remaining_hundredths = 0;
    friend bool operator==(const Shown&, const Shown&) = default;
};

// Since it began; for a log and for whoever asks.
struct ReaderCounts {
    std::uint32_t taps = 0;            // cards that were offered to the line
    std::uint32_t written = 0;         // RETURN records that stand on their card
    std::uint32_t gone_early = 0;      // cards that left while they were worked on, or were exchanged
    std::uint32_t ignored_cards = 0;   // foreign ones
    std::uint32_t stray_outcomes = 0;  // for no tap that waits, or not of its card: late, or forged
    std::uint32_t questions = 0;       // frames to this reader
};

class SharedReader {
  public:
    static constexpr Duration kTurnaround = milliseconds(20);
    static constexpr Duration kLookInterval = milliseconds(100);      // for a card that may come
    static constexpr Duration kPresenceInterval = milliseconds(200);  // whether it is still there
    static constexpr Duration kOfficeSilence = seconds(10);
    static constexpr Duration kShowTime = seconds(4);  // a signal stays so long after its card has left
    static constexpr int kMissesMax = 2;               // looks in a row that find nothing: it has left

    // `mac` for the sector keys. Both outlive the reader.
    SharedReader(const ReaderConfig& config, card::Mac& mac, card::M1Reader& field);

    // At most one exchange with the card. Returns when it wants to be called again.
    Instant step_card(Instant now);
    // As step_card() returned it, or sooner since: a question makes an idle reader look at once, so that whoever has
    // just put a card there does not wait for the next one.
    [[nodiscard]] Instant card_due() const { return card_at_; }

    void on_byte(Byte byte, Instant now, bool bad_parity = false);
    struct Step {
        Bytes send;  // a whole reply or nothing; valid until the next call
        Instant wake_up = kNever;
    };
    [[nodiscard]] Step poll_line(Instant now);

    [[nodiscard]] Shown shown(Instant now) const;
    [[nodiscard]] TapState state() const { return state_; }
    [[nodiscard]] std::uint32_t tap() const { return tap_; }
    [[nodiscard]] const ReaderCounts& counts() const { return counts_; }

  private:
    // What is still to be read of the card that has come, in this order.
    enum class Reading : std::uint8_t {
        kOpenIdentity,
        kIdentity,
        kOpenFirst,
        kFirst,
        kOpenSecond,
        kSecond,
        kOpenChosen,  // the first copy is the newer one, and the second sector is open
        kBody,
        kTail,
    };
    void go(TapEvent event);
    void show(Signal signal, Instant now, std::uint8_t code = 0);
    void look(Instant now);
    void read_on(Instant now);
    void choose_copy(Instant now);
    void offer();
    void check_presence(Instant now);
    void write_on(Instant now);
    void left(Instant now);
    void ignore(Instant now, std::optional<Signal> signal);
    [[nodiscard]] card::SectorKey key_a(std::uint8_t sector);
    [[nodiscard]] std::expected<void, card::CardFault> open(std::uint8_t sector);
    // Into record_[slot]; false: handled, nothing more to do in this step.
    [[nodiscard]] bool read(std::uint8_t sector, std::uint8_t block, card::RecordBytes& into, Instant now);
    void on_fault(card::CardFault fault, Instant now);

    void handle(const dlt645::Frame& frame, Instant now);
    void answer_tap(const dlt645::Frame& frame, Instant now);
    void take_outcome(const dlt645::Frame& frame, Instant now);
    [[nodiscard]] bool fits(const dlt645::CardOutcome& outcome) const;
    void put_tap();
    void reply(dlt645::Function function, Bytes data, Instant now);
    void refuse(dlt645::Function function, dlt645::Error error, Instant now);

    ReaderConfig config_;
    card::Mac& mac_;
    card::M1Reader& field_;
    dlt645::Address address_;

    TapState state_ = TapState::kAway;
    std::uint32_t tap_;
    card::Uid uid_;
    Reading reading_ = Reading::kOpenIdentity;
    card::Copies copies_{};
    std::uint8_t slot_ = 0;  // of the copy that is read or shown
    bool has_other_ = false;
    bool other_shown_ = false;   // the second look: nothing is chosen any more
    bool went_up_ = false;       // the record has been given to the line
    card::RecordHeader credit_;  // of the copy that is shown
    dlt645::CardOutcome outcome_;
    std::optional<card::RecordWriter> writer_;
    bool checked_ = false;  // it is still the same card, at the beginning of the write
    bool report_ = false;
    dlt645::ReaderTap report_of_;
    int misses_ = 0;
    Instant card_at_{};

    Shown shown_;
    Instant shown_at_{};
    bool started_ = false;
    Instant heard_at_{};

    dlt645::Decoder decoder_;
    dlt645::FrameBytes reply_;
    Instant reply_at_ = kNever;
    bool reply_is_tap_ = false;  // made when it goes out: a card may come within those 20 ms
    ReaderCounts counts_;
};

}  // namespace prewatt::reader

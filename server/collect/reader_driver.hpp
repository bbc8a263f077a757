// What is to be done next about one shared reader (reader/, product.md B4). Pure, like the master that asks it: answers
// and `now` in, the next frame and when it is due out.
//
//   poll, every so often          a card waits ->  its record to the box  ->  the outcome to the reader  ->  poll
//                                                   no answer: twice more, then "box off line"
//   poll: RETURN stands on it ->  that to the box -> poll
//
// A person stands there, so whoever has a tap in hand goes before everything else on the line. What that may cost is
// bounded: idle polls take a sixth to a quarter of a busy line (more often only when nothing else is to be done), a
// reader waits after a tap as long as the tap took, and taps that come faster than people do are refused (a dongle on
// the wires).
#pragma once
#include <cstdint>
#include <optional>
#include <variant>

#include "base/units.hpp"
#include "card/sealed_record.hpp"
#include "protocols/dlt645/reader_items.hpp"

namespace prewatt::collect {

class ReaderDriver {
  public:
    struct Timing {
        // Between two polls, while others have something to say, in times of what the last one took: `pauses`, cut to
        // `pause_max` as far as `pauses_min` are kept.
        int pauses = 5;
        int pauses_min = 2;
        Duration pause_max = milliseconds(500);
        Duration idle_interval = milliseconds(100);  // while nobody has
        // Nothing is begun that would end later than this after the last poll: it is asked first. A full frame at 2400
        // just fits.
        Duration wait_max = milliseconds(1100);
        int busy_polls = 3;                       // in a row, directly: it reads a card, and its record comes soon
        Duration write_time = milliseconds(150);  // of RETURN, before it is asked whether it stands
        Duration silent_min = seconds(1);         // a reader that does not answer is asked less and less often
        Duration silent_max = seconds(10);
        int attempts = 3;   // of one question
        int taps_max = 10;  // in a row; then one in ...
        Duration tap_interval = seconds(2);
    };
    struct Poll {
        std::optional<std::uint32_t> heard;  // the report of this tap
    };
    struct Present {
        card::BoxDigits box = 0;
        dlt645::CardPresented card;
    };
    struct Tell {
        dlt645::CardOutcome outcome;
    };
    struct Written {
        card::BoxDigits box = 0;
        dlt645::CardWritten written;
    };
    using Step = std::variant<Poll, Present, Tell, Written>;

    ReaderDriver(dlt645::ReaderNumber number, const Timing& timing) : number_(number), timing_(timing) {}

    // `idle`: nothing else is to be done on the line.
    [[nodiscard]] Instant due(bool idle) const;
    [[nodiscard]] std::optional<Step> next(Instant now, bool idle);
    // Something that takes `takes` is to be begun now: due earlier, when somebody would wait too long behind it.
    void make_way(Instant now, Duration takes);

    // Exactly one of these for each step. Present: an outcome of the box, or of the master in its place.
    void on_tap(const dlt645::ReaderTap& tap, Instant now);
    void on_outcome(const dlt645::CardOutcome& outcome, Instant now);
    void on_told(Instant now);
    void on_written(Instant now);
    // `last`: no use in asking once more (the box is known to be off line).
    void on_no_answer(Instant now, bool last = false);
    void on_refused(Instant now);
    // The line is gone, or the boxes are others: what is in hand is dropped, the reader will offer it again.
    void drop(Instant now);

    [[nodiscard]] dlt645::ReaderNumber number() const { return number_; }
    [[nodiscard]] const dlt645::CardPresented& presented() const { return presented_; }
    [[nodiscard]] dlt645::CardOutcome said_by_master(std::uint8_t code) const;
    [[nodiscard]] bool is_answering() const { return failures_ < timing_.attempts; }
    [[nodiscard]] bool has_answered() const { return answered_; }

  private:
    enum class Stage : std::uint8_t { kPolling, kPresenting, kTelling, kConfirming };
    void poll_at(Instant at) {
        stage_ = Stage::kPolling;
        attempts_ = 0;
        poll_at_ = at;
    }
    [[nodiscard]] bool too_many(Instant now);

    dlt645::ReaderNumber number_;
    Timing timing_;
    [[nodiscard]] Instant next_poll(Instant now) const;

    Stage stage_ = Stage::kPolling;
    int attempts_ = 0;  // of this step
    int failures_ = 0;  // polls in a row
    int busy_ = 0;      // likewise
    bool answered_ = false;
    Duration back_off_;
    Instant polled_at_{};
    Instant heard_at_{};  // the end of the last poll
    Instant poll_at_{};
    std::optional<std::uint32_t> heard_;
    Instant tap_began_{};
    dlt645::CardPresented presented_;
    card::BoxDigits box_ = 0;
    dlt645::CardOutcome outcome_;
    dlt645::CardWritten written_;
    int taps_left_ = -1;  // -1: as many as there may be
    Instant taps_at_{};
};

}  // namespace prewatt::collect

// The RS-485 line of a building under virtual time, character by character: who hears what, when, and how damaged.
//
// What it promises. A character takes 11 bits at the line's speed (8E1); a station that speaks puts its characters on
// the line one directly after the other; every other station that listens hears each character at the end of its stop
// bit. Distances are ignored (300 m are 1.5 us). The line runs on nobody's clock but the caller's: run_until(t) hands
// out everything up to t in the order of time and calls stations that wanted to be woken. The same seed and the same
// calls give the same run.
//
// What can go wrong on it, and how:
//   noise       every bit on the line may flip. One flip in a character is seen by the receiver's parity check or as a
//   missing
//               stop bit (bad_parity); two flips in one character may pass unseen. All stations hear the same damage.
//   loss        a whole character disappears (an overrun in a receiver, a start bit drowned). All stations miss it.
//   collision   characters of two talkers that overlap are destroyed, both: a listener gets rubbish, half of it with
//   bad parity. A talker
//               keeps its driver on for `driver_hold` after its last stop bit; whoever speaks into that collides too. A
//               talker is deaf.
//   idle noise  a line without bias resistors makes characters of its own while nobody speaks.
//   absence     a station that is not connected neither hears nor is heard.
// Not modelled: slopes and reflections, clocks that are off by some percent, a driver that is stuck on (a station that
// speaks without end does the same).
#pragma once
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/units.hpp"

namespace prewatt::sim {

struct Character {
    Byte value = 0;
    Instant at;  // end of the stop bit
    bool bad_parity = false;
};

// What is connected to the line. Calls come in the order of time, from run_until only; send() may be called from
// inside.
class Station {
  public:
    struct Heard {
        Instant wake_up = kNever;  // replaces the wake-up that was asked for before
        bool skip_frame = false;   // this frame is for somebody else: call again after a character of silence
    };
    virtual Heard on_character(const Character& character) = 0;
    // The wake-up that was asked for. Returns the next one.
    virtual Instant on_time(Instant now) = 0;

  protected:
    ~Station() = default;
};

struct LineFaults {
    double bit_errors_per_million = 0;       // of bits on the line
    double lost_characters_per_million = 0;  // of characters
    double idle_characters_per_minute = 0;   // that nobody sent
    Duration driver_hold = microseconds(100);
};

struct LineCounts {
    std::uint64_t characters = 0;  // put on the line by stations
    std::uint64_t damaged = 0;
    std::uint64_t lost = 0;
    std::uint64_t collided = 0;
    std::uint64_t idle_noise = 0;
    Duration busy;  // at least one talker
};

class SerialLine {
  public:
    using Id = std::size_t;
    explicit SerialLine(std::uint32_t baud = 9600, const LineFaults& faults = {}, std::uint64_t seed = 1);

    // The station is not owned and must outlive the line. Its first on_time is at `first_wake_up`.
    Id attach(Station& station, Instant first_wake_up = kNever);
    void set_connected(Id id, bool connected);
    void set_faults(const LineFaults& faults);
    // Wake the station no later than `at` (the earlier of this and what it asked for before).
    void wake(Id id, Instant at);
    // Characters of `from`, from `at` on or, when it is speaking, directly behind what it is saying. `at` is not before
    // now().
    void send(Id from, Bytes bytes, Instant at);
    // When something happens next if nobody calls; kNever: nothing.
    [[nodiscard]] Instant next();
    // Runs everything up to and including `end`.
    void run_until(Instant end);

    [[nodiscard]] Instant now() const { return now_; }
    [[nodiscard]] Duration character_time(std::int64_t characters) const;
    [[nodiscard]] const LineCounts& counts() const { return counts_; }

  private:
    struct Talk {  // what a station is saying
        std::vector<Byte> bytes;
        std::size_t next = 0;
        Instant start;
        Instant next_start;  // of the character that is on its way
        Instant next_end;
        Instant held_until;  // end of the last character, and of the driver's hold
        [[nodiscard]] bool speaking() const { return next < bytes.size(); }
    };
    struct Seat {
        Station* station = nullptr;
        bool connected = true;
        bool listening = true;
        Talk talk;
        Instant wake_up = kNever;
        Instant queued = kNever;  // its entry of wakes_ that counts: never later than wake_up
    };
    struct Wake {
        Instant at;
        Id id;
        friend bool operator>(const Wake& a, const Wake& b) { return a.at != b.at ? a.at > b.at : a.id > b.id; }
    };
    // Of those who speak, the one whose character ends first, and when.
    [[nodiscard]] std::pair<Id, Instant> next_character() const;
    [[nodiscard]] Instant next_wake();
    [[nodiscard]] bool collides(Id talker, Instant start, Instant end) const;
    void finish_character(Id talker);
    void deliver(const Character& character, Id talker);
    void set_wake_up(Id id, Instant at);
    void draw_next_bit_error();
    void draw_next_loss();
    void draw_next_idle_noise(Instant from);
    void damage(Character& character);
    double uniform();

    std::uint32_t baud_;
    Duration frame_silence_;  // ends a frame that was skipped
    LineFaults faults_;
    std::uint64_t random_;
    std::vector<Seat> seats_;
    std::vector<Id> listening_;
    std::vector<Id> talkers_;  // speaking, or spoke within the last character times
    std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
    Instant now_{};
    Instant quiet_since_{};
    double bits_to_error_ = -1;  // < 0: never
    double characters_to_loss_ = -1;
    Instant next_idle_noise_ = kNever;
    LineCounts counts_;
};

}  // namespace prewatt::sim

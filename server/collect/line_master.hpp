// The master of one RS-485 line: decides which frame goes out next, and what an answer means. Pure: bytes, wishes and
// `now` go in; a frame to send, the next wake-up and calls to LineOffice come out. No thread, no clock, no socket
// (line_runner.hpp has those).
//
// What it does, most urgent first, and decided anew between ANY two frames (also between a first and its following
// frame):
//   0. a card on a shared reader of the line (reader_driver.hpp): a person holds it
//   1. sealed commands, until the state that the office desires has been confirmed by the box; live reads that a person
//   waits for
//   2. the following frame of a block that has begun
//   3. a box whose relay should be seen closing; accounts whose block reading contradicts what was confirmed
//   4. power of the boxes that somebody watches; status and clock of a box from time to time; one account after the
//   other; settings (setting_driver.hpp), which so get half of the line at most and never keep a ticket waiting
//   and behind the settings the freezes of a month's end that the office still misses
//   5. the sweep: what changed in each box, for ever
// After `urgent_run_max` urgent frames in a row one of the others comes, so a job for 10,000 households does not stop
// the readings.
//
// Cards on a shared reader. Their CREDIT goes to the box that its clear header names, opaque; the RETURN in the answer
// is opened where the keys of the box's records are known, and what it proves is confirmed like an authenticated
// answer.
//
// Time-outs come from the speed and from what is expected (Td 500 ms at most by the standard, then the characters). A
// box that does not answer is tried less and less often, and all silent boxes together get a tenth of the line. Replies
// count when address, function and identifier are those that were asked for; anything else on the line is ignored.
//
// Commands. One is open for each box at a time. Its counter was reserved durably before (LineOffice::need_counters).
// When no answer comes, the same bytes go out again, so it is executed once. An authenticated "old counter" raises the
// counter and sends anew. A ticket is confirmed when the answer shows its epoch and number or later ones.
//
// Tickets are money, so what is seen decides who decides. A master begins with an office that may have been restored
// from an old backup: the account of a household is read once before its first ticket, and must show the ticket and the
// total that the office knows as confirmed. From then on the ticket that follows directly on the one which the box has
// shown goes out at once: a box that has it already changes nothing and says so. Any other (a step over a number, a new
// epoch, another total, a box whose readings contradict what was confirmed: hold "not opened", remaining + forward that
// jumps) waits until the account has been read in full and the office has judged what it shows
// (DesiredState::judged_at); it may find that the memory was lost or that its own database is old
// (server/domain/reconcile.hpp) and stop the tickets. What the answer to another command shows of a ticket proves its
// number and not its total: it is read too. Every confirmed ticket is read back in full once, behind what is urgent.
//
// The check sum of the line is eight bits wide: one damaged answer in some hundreds passes it. An account that was read
// therefore counts, here and for the office, when it is what the one that was believed before can have become, or when
// two reads in a row say the same.
//
// Freezes. A box keeps the registers of the last 13 months' ends. Which of them the office misses it says itself
// (want_freezes), so nothing depends on what the master remembers. The newest is asked for first, then older ones until
// all that are wanted have been seen; of one that nobody wants only the first frame is read. What was not there is
// asked for again, 2 minutes to 6 hours apart, and at once when the box has come back. Each is read twice and counts
// when both reads are alike: it is kept for ever.
//
// Confined to one strand. Instants must not run backwards. The Mac and the LineOffice outlive the master.
#pragma once
#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/civil_time.hpp"
#include "card/seal.hpp"
#include "protocols/dlt645/frame.hpp"
#include "protocols/dlt645/private_items.hpp"
#include "server/collect/line_office.hpp"
#include "server/collect/reader_driver.hpp"
#include "server/collect/setting_driver.hpp"

namespace prewatt::collect {

// How fast the line is and how we behave on it. The defaults are for 9600 8E1 with our own boxes.
struct LineSettings {
    std::uint32_t baud = 9600;
    Duration reply_delay_max = milliseconds(500);   // Td of the standard
    Duration latency_max{};                         // what the transport adds to a question and its answer together
    std::size_t preamble = dlt645::kPreambleSize;   // FE before each request, 0..4
    int gap_characters = 2;                         // silence before a request
    int attempts = 3;                               // of one question before something else is tried
    Duration box_interval_min = milliseconds(500);  // a box is swept no more often than this
    Duration back_off_min = seconds(2);
    Duration back_off_max = seconds(60);
    Duration status_interval = minutes(30);
    Duration clock_error_max = seconds(10);
    Duration power_interval = seconds(3);        // of a watched box
    Duration audit_interval = minutes(24 * 60);  // every account is read in full once in this time
    Duration counter_patience = seconds(5);
    Duration key_retry_interval = minutes(60);  // after a box has rejected our key
    std::uint32_t counters_at_once = 32;
    std::uint32_t operator_number = 1;  // in the box's log
    SettingDriver::Timing setting_timing{};
    int urgent_run_max = 8;
};

struct BoxSetup {
    BoxId id;
    std::uint64_t number = 0;  // ten digits
    std::uint8_t household_count = 39;
    card::BoxKeys keys;
    std::optional<card::RecordKeys> record_keys{};  // of its cards; none: what a card brought is confirmed by reading
};

// Since the master began; for the page of lines and for metrics.
struct LineCounters {
    std::uint64_t requests = 0;
    std::uint64_t replies = 0;
    std::uint64_t retries = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t bad_frames = 0;
    std::uint64_t ignored_frames = 0;  // well formed, not what was asked for
    std::uint64_t sweeps = 0;
    Duration last_sweep;  // of all boxes that answer, from the first question to the last answer
    std::uint32_t silent_boxes = 0;
    std::uint32_t boxes = 0;
};

// A shared reader as it answers.
struct ReaderQuality {
    std::uint16_t number = 0;
    bool answering = false;
    std::uint64_t polls = 0;     // questions, with their repeats
    std::uint64_t answered = 0;  // of these
    UnixTime heard_at;           // the last answer; 0: never
    std::uint64_t taps = 0;      // cards that were brought to a box, or refused by the master
    std::uint64_t booked = 0;    // of these, those that the box took
    UnixTime tapped_at;          // 0: never
};

// How one box answers; ages come from the times, Instant{}: never.
struct BoxQuality {
    BoxId box;
    std::uint64_t asked = 0;  // requests, with their repeats
    std::uint64_t answered = 0;
    std::uint64_t retries = 0;
    std::string_view last_problem;  // in words; empty: none yet
    UnixTime last_problem_at;
    bool answering = false;
    bool settings_settled = true;  // everything desired is proved or given up
    UnixTime answered_at;          // anything at all
    UnixTime block_at;             // what changed
    UnixTime status_at;
    UnixTime settings_at;  // check sums compared
    UnixTime accounts_at;  // the account read longest ago; 0: one was never read
};

class LineMaster {
  public:
    LineMaster(const LineSettings& settings, card::Mac& mac, LineOffice& office);

    // --- Wishes
    // All boxes of the line. Boxes that were there before keep what is known of them unless number or keys have
    // changed.
    void set_boxes(std::span<const BoxSetup> boxes);
    // All shared readers of the line; those that were there before go on.
    void set_readers(std::span<const std::uint16_t> numbers, Instant now);
    // What the office desires of a household now. The first one for a household also tells what had been confirmed
    // before; later ones do not, because the master knows better by then.
    void desire(const DesiredState& desired, Instant now);
    // All settings that are desired of a box, whole; again whenever any of them has changed.
    void desire_settings(const server::BoxSettings& settings, Instant now);
    // The freezes of a month's end that the office misses of this box, by the time at which they were due, whole; again
    // whenever they have changed, or just now and then.
    void want_freezes(BoxId box, std::vector<CivilSeconds> due, Instant now);
    // Nobody is bound any more: nothing is driven there.
    void forget(BoxId box, std::uint8_t household_number);
    // Answered through on_live exactly once.
    void read_live(LiveRequest request, BoxId box, std::uint8_t household_number, Instant now);
    // Power is read for this box until then.
    void watch(BoxId box, Instant until);
    // first .. first + count - 1 are ours. count 0: the office could not; asked again after a while.
    void on_counters(BoxId box, std::uint32_t first, std::uint32_t count, Instant now);
    // What the clocks show at `now`; between two calls the master counts on.
    void set_clock(Instant now, UnixTime unix_time, CivilSeconds civil);

    // --- The line
    void on_byte(Byte byte, Instant now, bool bad_parity = false);
    // The transport is gone: the open question is dropped (its command goes on with the same bytes), live reads are
    // answered.
    void on_line_down(Instant now);
    struct Step {
        Bytes send;                // a whole frame or nothing; valid until the next call
        Instant wake_up = kNever;  // call poll no later than this, and after every other call
    };
    [[nodiscard]] Step poll(Instant now);

    [[nodiscard]] LineCounters counters() const;
    [[nodiscard]] bool is_answering(BoxId box) const;
    [[nodiscard]] std::vector<BoxQuality> quality() const;
    [[nodiscard]] std::vector<ReaderQuality> reader_quality() const;

  private:
    enum class Kind : std::uint8_t {
        kBlock,
        kFollowing,
        kPower,
        kStatus,
        kAccount,
        kLive,
        kCommand,
        kSums,
        kItem,
        kFreeze,
        kTap,
        kCard,
        kOutcome,
        kWritten
    };
    enum class Contact : std::uint8_t { kUnknown, kAnswering, kSilent };
    enum class Failure : std::uint8_t { kTimeout, kErrorReply, kDamaged };

    struct Tenant {  // a household of a box, as the office desires it and as we know it
        bool bound = false;
        DesiredState desired;
        std::uint16_t epoch = 0;  // newest ticket that is confirmed or was last read
        std::uint32_t number = 0;
        bool proved = false;  // that one, with its total, has been read since the master began
        std::array<std::uint32_t, server::kParts> reached{};   // version, by Part; kTicket is not used
        std::array<std::uint32_t, server::kParts> given_up{};  // version (ticket: number) that was refused for good
        std::uint16_t given_up_epoch = 0;
        bool remote_differs = false;  // a reading contradicts what was reached
        bool alarms_differ = false;
        Instant changed_at{};  // last authenticated change; readings asked before it are old
        bool awaits_light = false;
        Instant account_after{};  // read in full no sooner
        bool doubted = false;     // what was shown contradicts what was confirmed: nothing goes before it is judged
        Instant account_at{};     // last read in full
        UnixTime account_unix;    // likewise; judged when DesiredState::judged_at has come so far. 0: never
        Instant account_asked{};  // for a ticket, 0: never; not asked again before kJudgePatience has passed
        std::optional<dlt645::AccountStatus> account;   // the last one that was believed, read at account_at
        std::optional<dlt645::AccountStatus> surprise;  // read after it and to be seen once more
        Instant surprise_at{};
        bool seen = false;         // a record has been read since the last change
        std::int64_t balance = 0;  // remaining + forward of that record, hundredths
        std::uint32_t forward = 0;
    };
    struct Open {  // a sealed command that has no answer yet
        card::Request request;
        card::SealedRequest bytes;
        Delivery delivery;
        bool ours = false;     // of the box itself (clock): the office is not told
        bool setting = false;  // of the setting driver, which is told; gives way to everything urgent
        int sent = 0;
        Instant made_at{};
    };
    struct Box {
        BoxSetup setup;
        dlt645::BoxNumber number;
        Contact contact = Contact::kUnknown;
        int failures = 0;
        Duration back_off;
        Instant back_off_until{};
        // block
        std::uint32_t version = 0;
        Instant sweep_after{};
        Instant look_at = kNever;  // look again soon
        int looks_left = 0;
        Duration look_delay;
        // others
        Instant status_at{};
        Instant power_at{};
        Instant watched_until{};
        bool clock_wrong = false;
        // commands
        std::array<Tenant, kHouseholdsMax + 1> tenants;
        std::bitset<kHouseholdsMax + 1> disagree;      // may have something to drive
        std::bitset<kHouseholdsMax + 1> accounts_due;  // to be read in full
        std::uint8_t next_household = 1;
        std::optional<Open> open;
        Instant command_at{};
        Instant pause_until{};  // after an answer that makes an early repeat useless
        bool queued = false;
        std::uint8_t read_first = 0;  // an account to be read at once, for its ticket
        bool fresh = false;           // something new is desired: worth a try even when the box is silent
        std::uint32_t counter_next = 0;
        std::uint32_t counter_end = 0;
        std::uint32_t counter_above = 0;
        bool counter_proved = false;  // the box has answered to a counter of ours as new
        Instant counters_asked_until{};
        int key_refusals = 0;
        int counter_raises = 0;
        std::string_view problem;  // last one told
        SettingDriver settings;
        Instant setting_after{};  // no step of the settings sooner: counters are awaited, something urgent is open
        std::vector<CivilSeconds> freezes;        // wanted, rising
        std::uint8_t freeze_n = 1;                // to be asked for next
        std::optional<std::uint32_t> freeze_crc;  // of the first of two reads
        Instant freeze_at{};
        Duration freeze_back_off;
        BoxQuality quality;
    };
    struct Live {
        LiveRequest request = 0;
        std::size_t box = 0;
        std::uint8_t household = 0;
        int attempts = 0;
    };
    struct Reader {
        ReaderDriver driver;
        ReaderQuality quality;
        bool told_answering = false;
        dlt645::CardOutcome told_outcome;
    };
    struct Exchange {
        bool active = false;
        std::size_t reader = 0;  // of a tap
        Kind kind = Kind::kBlock;
        std::size_t box = 0;
        std::uint8_t household = 0;
        dlt645::Function function = dlt645::Function::kRead;
        dlt645::DataId id;
        std::uint8_t sequence = 0;
        dlt645::Address address;
        Instant sent_at{};
        Instant sent_end{};
        Instant begin_deadline{};  // a reply must have begun
        Instant deadline{};        // and ended
        Instant last_byte{};
        bool begun = false;
        Live live;
    };
    struct Transfer {  // a household block or a freeze that is coming in
        bool active = false;
        dlt645::DataId id;
        std::size_t box = 0;
        std::uint8_t next = 1;
        int attempts = 0;
        Instant asked_at{};
        std::uint32_t asked_version = 0;
        FixedVector<Byte, 1024> data;
    };

    [[nodiscard]] Duration character_time(std::int64_t characters) const;
    [[nodiscard]] UnixTime unix_at(Instant now) const;
    [[nodiscard]] CivilSeconds civil_at(Instant now) const;
    [[nodiscard]] Box* find(BoxId id);

    // choosing
    bool choose(Instant now);
    bool choose_urgent(Instant now);
    bool choose_ordinary(Instant now);
    bool start_command(std::size_t index, Instant now);
    [[nodiscard]] std::optional<card::Command> wanted(const Box& box, std::uint8_t household, Instant now,
                                                      Part& part) const;
    bool make_command(Box& box, Instant now);
    bool seal(Box& box, Open& open, Instant now);
    [[nodiscard]] Instant setting_due(const Box& box) const;
    bool start_setting(std::size_t index, Instant now);
    void drop_setting(Box& box, Instant now);
    void tell_settings(Box& box, Instant now);
    void note(Box& box, std::string_view problem, Instant now);
    // What is to become of the ticket that is desired.
    enum class TicketStep : std::uint8_t { kNothing, kSend, kReadFirst, kWait };
    [[nodiscard]] TicketStep ticket_step(const Tenant& tenant, Instant now) const;
    [[nodiscard]] bool still_wanted(const Box& box, const Open& open, Instant now) const;
    bool start_sweep(Instant now);
    bool start_extra(Instant now);
    // line_readers.cpp
    bool start_reader(Instant now, bool idle);
    // A reader is asked first when the next of the ordinary questions is so long that somebody would wait.
    bool start_reader_before_ordinary(Instant now);
    [[nodiscard]] Instant reader_due() const;
    [[nodiscard]] static constexpr bool is_of_reader(Kind kind) {
        return kind == Kind::kTap || kind == Kind::kCard || kind == Kind::kOutcome || kind == Kind::kWritten;
    }
    void on_reader_reply(const dlt645::Frame& frame, Instant now);
    void on_reader_fail(Failure failure, Instant now);
    void on_card_answer(Box& box, const dlt645::CardPresented& presented, const dlt645::CardOutcome& outcome,
                        Instant now);
    void on_return(Box& box, const dlt645::CardPresented& presented, const dlt645::CardOutcome& outcome, Instant now);
    void tell_tap(Reader& reader, const dlt645::CardOutcome& outcome, Instant now);
    void tell_reader(Reader& reader, Instant now);

    void start_block(std::size_t index, Instant now);
    void start_freeze(std::size_t index, Instant now);
    void start_following(Instant now);
    void start_read(Kind kind, std::size_t index, std::uint8_t household, dlt645::DataId id, std::size_t reply_data,
                    Instant now);
    void transmit(Kind kind, std::size_t index, std::uint8_t household, dlt645::Function function, Bytes data,
                  std::size_t reply_data, Instant now);
    void send_to(const dlt645::Address& address, Kind kind, dlt645::Function function, dlt645::DataId id, Bytes data,
                 std::size_t reply_data, std::size_t preamble, Instant now);
    void queue(Box& box);
    void drive(Box& box, std::uint8_t household, Instant now);
    [[nodiscard]] Instant next_due() const;

    // answers
    void on_frame(const dlt645::Frame& frame, Instant now);
    void on_reply(const dlt645::Frame& frame, Instant now);
    void on_block_part(Box& box, Bytes part, bool more, Instant now);
    void on_block_complete(Box& box, Instant now);
    void on_freeze_begun(Box& box, const dlt645::FreezeHead& head, Bytes part, bool more, Instant now);
    void on_freeze_complete(Box& box, Instant now);
    static void miss_freezes(Box& box, Instant now);
    void doubt_memory(Box& box, Tenant& tenant, Instant now);
    void on_record(Box& box, std::uint8_t household, const dlt645::HouseholdRecord& record, Instant asked_at,
                   Instant now);
    [[nodiscard]] static bool believe(Tenant& tenant, const dlt645::AccountStatus& status, Instant now);
    void on_account(Box& box, std::uint8_t household, const dlt645::AccountStatus& status, Instant now);
    void on_status(Box& box, const dlt645::BoxStatus& status, Instant now);
    void on_answer(Box& box, const card::Answer& answer, Instant now);
    void fail(Failure failure, Instant now);
    void answered(Box& box, Instant now);
    void not_answered(Box& box, Instant now);
    void on_key_refused(Box& box, std::string_view problem, Instant now);
    void refuse(Box& box, std::string_view problem, bool for_good, Instant now);
    void read_account(Box& box, std::uint8_t household, Instant now);
    void look_soon(Box& box, int looks, Instant now);
    void end_sweep();

    LineSettings settings_;
    card::Mac& mac_;
    LineOffice& office_;
    dlt645::Decoder decoder_;
    dlt645::FrameBytes sending_;
    std::vector<Box> boxes_;
    std::deque<std::size_t> urgent_;  // boxes with commands, in the order in which they are served
    std::deque<Live> lives_;
    std::vector<Reader> readers_;
    std::size_t reader_cursor_ = 0;
    Exchange exchange_;
    Transfer transfer_;
    int urgent_run_ = 0;
    bool extra_turn_ = false;  // one of number 4 may come before the sweep goes on
    std::size_t cursor_ = 0;
    std::size_t extra_cursor_ = 0;
    std::size_t audit_box_ = 0;
    std::uint8_t audit_household_ = 0;
    Instant audit_at_{};
    Instant probe_after_{};  // silent boxes share a tenth of the line
    Instant sweep_began_{};
    Instant sweep_last_{};
    bool sweep_running_ = false;
    bool has_listened_ = false;  // a master that begins may fall into the answer to the one before it
    Instant quiet_until_{};
    Instant ended_at_{};
    Instant clock_set_at_{};
    UnixTime unix_;
    CivilSeconds civil_ = 0;
    bool clock_known_ = false;
    LineCounters counters_;
    std::vector<HouseholdReading> readings_;
};

}  // namespace prewatt::collect

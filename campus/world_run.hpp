// The inside of a campus run: what world.hpp promises, in seven files. world.cpp: time, the office's process, faults.
// people.cpp: residents, the desk, operators. clerk.cpp: what else is done to accounts. misfortune.cpp: what happens
// once a year. answers.cpp: who answers what a restored backup left. cards.cpp: residents with cards, and cheats.
// judge.cpp: what is demanded, and how it is looked at.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "campus/auditor.hpp"
#include "campus/box.hpp"
#include "campus/fake_disk.hpp"
#include "campus/mischief.hpp"
#include "campus/office_process.hpp"
#include "campus/world.hpp"
#include "server/domain/card_desk.hpp"
#include "settings/settings.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::campus {

inline constexpr card::Key kMasterKey{0x43, 0x61, 0x6D, 0x70, 0x75, 0x73};

struct Order {
    std::string id;
    std::size_t room = 0;
    std::int64_t amount_fen = 0;
    bool answered = false;
    bool settled = false;  // answered, refused or given up
    bool refused = false;
    std::uint32_t ticket_number = 0;
    std::uint16_t epoch = 0;
    std::int64_t sale = 0;
    int tries = 0;
    bool found = false;  // in the ledger
    std::int64_t found_at = 0;
    bool lost = false;  // with the database, when an older one was restored; its receipt is there
};

// Asked for until it is answered or refused.
using ActDone = std::function<void(const server::Refusal* refusal, std::int64_t first_booking)>;
struct Act {
    std::string id;
    std::function<void(const std::string& id, ActDone done)> ask;
    std::function<void()> then;  // once, when it is answered; may be empty
    bool answered = false;
    bool settled = false;
    bool refused = false;
    bool found = false;  // in the ledger
    std::int64_t found_at = 0;
    bool lost = false;
    std::int64_t first_booking = 0;
};

// By the clerk, whom the owner has approved.
[[nodiscard]] server::MoneyOrder money_order(const std::string& id);

enum class Temper : std::uint8_t { kCareful, kForgetful, kStingy, kCheat };

struct Room {
    std::size_t box = 0;
    Household number{};
    server::HouseholdId id;
    sim::Random habits{0};
    Temper temper = Temper::kCareful;
    std::size_t open_order = SIZE_MAX;
    bool switched_off = false;  // by the operator, who will want it back on
    bool remote_off = false;    // as was last answered
    Instant hold_due_since = kNever;
    // the judge's
    std::uint16_t epoch = 0;
    std::uint32_t number_seen = 0;  // newest ticket that the meter has shown
    std::int64_t base = 0;          // registers less used, joules; the same within an epoch
    Energy missing_seen;            // in the registers of this meter, of what went through, when they were last read
    int losses_seen = 0;            // of its box until then
    Instant lit_wrongly = kNever;   // since
    Instant dark_wrongly = kNever;
    // Of meters that it had before, and of memories that were lost: joules.
    std::int64_t registers_before = 0;
    std::int64_t truth_before = 0;
    std::map<std::uint16_t, std::int64_t> registers_at;     // of all its meters when an account began, joules
    std::pair<std::uint16_t, std::uint32_t> newest_before;  // ticket that a meter had which is gone
    std::set<std::uint16_t> lost_in;                        // accounts in which a meter or its memory went
    // What was used when the office has had time to learn it since.
    Instant shown_at = kNever;
    std::uint16_t shown_epoch = 0;
    Credit shown_used;
    Credit known_at_least;
    std::map<std::uint16_t, Credit> known_when_lost;
    Instant ahead_since = kNever;   // the meter knows more than the restored office
    std::uint16_t ahead_epoch = 0;  // what it knows
    std::uint32_t ahead_number = 0;
    std::int64_t ahead_credited = -1;   // hundredths; -1: it has no supply
    std::uint16_t restored_epoch = 0;   // the newest account that the restored books have; 0: none
    std::uint32_t restored_number = 0;  // and its newest ticket
    bool is_asked = false;              // the office has asked a person
    bool may_be_answered = false;       // somebody has approved an answer, and the office may have booked it
    bool was_ahead = false;             // and was answered
    std::size_t answer = SIZE_MAX;
    std::pair<std::uint16_t, std::uint32_t> from_card;  // the newest ticket that came by a card
    Instant without_account_since = kNever;             // it had credit when that happened
    // Answered and not yet seen in the meter.
    std::uint16_t due_epoch = 0;
    std::uint32_t due_number = 0;
    Instant due_since = kNever;
};

// An answer to a ticket question, by two people.
struct Answering {
    std::size_t room = 0;
    std::size_t act = 0;
    server::TicketAnswer what = server::TicketAnswer::kTakeMeters;
    std::optional<std::uint32_t> contains;
    std::int64_t waits = 0;  // for approval; 0: nothing
    bool booked = false;
    bool slipped = false;       // a number was named that cannot be
    bool changed_mind = false;  // once
};

// A card of a room.
struct Plastic {
    std::unique_ptr<sim::M1Card> card;
    std::size_t room = 0;
    bool is_cheat = false;
    bool is_issued = false;
    bool found_by_somebody = false;  // it was lost
    std::int64_t serial = 0;
    std::int64_t replaces = 0;
    std::optional<sim::M1Card::Dump> before;  // what stood on it before it was last written
};
// What is held to the reader of a box: as the card is, or something made of it.
struct Presented {
    std::unique_ptr<sim::M1Card> card;
    std::unique_ptr<sim::M1Card> other;  // takes its place
    std::size_t plastic = 0;
    bool keeps = false;                                // what is written is on the card afterwards
    std::pair<std::uint16_t, std::uint32_t> before{};  // the newest ticket of the room
};

enum class What : std::uint8_t {
    kResident,
    kAskAgain,
    kOperator,
    kCheck,
    kDay,
    kSupplyLoss,
    kSupplyBack,
    kReset,
    kClock,
    kNoise,
    kQuiet,
    kLate,
    kPunctual,
    kReplay,
    kKill,
    kArmDeath,
    kDiskError,
    kDiskSound,
    kStartOffice,
    kSwitchBack,
    kClerk,
    kAskActAgain,
    kCashHour,
    kNewTenant,
    kAway,
    kBack,
    kBoxBroken,
    kMemoryLost,
    kPrice,
    kSetting,
    kBackup,
    kRestore,
    kAnswer,
    kConsent,
    kPriceConsent,
    kAtDesk,
    kTap,
    kTakeAway,
};
struct Event {
    Instant at;
    std::uint64_t order;
    What what;
    std::size_t who;
    friend bool operator>(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
};

class World {
  public:
    explicit World(const CampusOptions& options);
    CampusReport run();

  private:
    [[nodiscard]] bool failed() const { return !report_.violation.empty(); }
    [[nodiscard]] Duration within(double from_seconds, double to_seconds);
    void at(Instant when, What what, std::size_t who) { events_.push({when, ++event_order_, what, who}); }
    void note(std::uint64_t value) { digest_ = sim::mix(digest_ ^ value); }
    [[nodiscard]] DiskFaults quiet_disk() const;
    void violate(std::string_view demand, const std::string& seen, const Room* room = nullptr);
    [[nodiscard]] const Room& room_of(std::int64_t household) const;
    [[nodiscard]] std::string name_of(const Room& room) const;

    // --- time

    void run_until(Instant end);
    [[nodiscard]] Duration commit_time();
    void take_turn();
    void happen(const Event& event);

    // --- the office

    void start_office();
    void plant();
    void kill_office(bool host_loses_power);
    void lose(bool host_loses_power);

    // --- people

    void resident(Room& room, std::size_t index);
    void buy(Room& room, std::size_t index, std::int64_t amount_fen);
    void ask(std::size_t number);
    void heard(std::size_t number, const server::Answer<server::SaleAnswer>& answer);
    void ask_again(std::size_t number);
    void operator_acts();
    [[nodiscard]] server::JobOrder job(const Room& room);
    void switch_off(std::size_t index, bool off);

    // --- the clerk

    std::size_t begin_act(std::string_view kind, std::function<void(const std::string&, ActDone)> ask);
    void ask_act(std::size_t number);
    template <class T>
    [[nodiscard]] server::WhenDone<T> told(ActDone done);
    void clerk_acts();
    [[nodiscard]] std::optional<std::size_t> last_sale(std::size_t index) const;
    void refund_some(std::size_t index);
    void correct_some(std::size_t index);
    void move_out(std::size_t index);
    void reopen_later(std::size_t index);
    void new_tenant(std::size_t index);
    void cash_hour();
    void judge_payout(const server::DueRecord& due, const server::MovementsAnswer& paid);

    // --- cards (cards.cpp)

    void plan_cards();
    [[nodiscard]] card::Uid new_card_number();
    void at_desk(std::size_t index);
    void serve_card(std::size_t index, server::CardDesk& desk);
    void tap(std::size_t index);
    void forge(const Plastic& one, sim::M1Card::Dump& dump);
    void take_away(std::size_t box);

    // --- faults

    void plan_faults();
    void suffer(const Event& event);

    // --- what happens once a year (misfortune.cpp)

    void plan_misfortunes();
    [[nodiscard]] bool misfortune(const Event& event);
    [[nodiscard]] Duration absence() const;
    void go_away();
    void come_back(std::size_t box);
    void box_broken(std::size_t line);
    void memory_lost(std::size_t box);
    [[nodiscard]] bool can_be_lost(std::size_t box) const;
    void close_books(Room& room);
    void restore();
    void mark_restored();
    void look_after_restore();
    void look_after_cards();
    void keep_books_of_before(Auditor& auditor);
    [[nodiscard]] bool was_issued_before(const Room& room, std::uint16_t epoch, std::uint32_t number,
                                         std::int64_t credited) const;
    [[nodiscard]] bool take_ticket_of_card(Room& room, const meter::HouseholdView& view);
    void check_question(Room& room, const meter::HouseholdView& view);
    void check_question_figures(const Room& room, const meter::HouseholdView& view, const server::TicketQuestion& one);
    void price_changes();
    void price_consent(std::int64_t approval);
    void setting_changes();

    // --- what a restored backup left (answers.cpp)

    void begin_answer(std::size_t index);
    void answer_refused(std::size_t number, const server::Refusal& refusal, const ActDone& done);
    void consent(std::size_t number);
    void judge_consent(Answering& one, const server::ApprovalRecord& record);
    void answered(std::size_t number, const server::BookingsAnswer& answer);
    [[nodiscard]] std::int64_t used_in_lost_accounts(Auditor& auditor, Room& room);

    // --- the judge

    void check_meters();
    void check_room(Room& room);

    struct CreditSeen {
        std::ptrdiff_t room;
        std::uint16_t epoch;
        std::uint32_t number;
        std::int64_t credited;
    };
    // What a meter shows must stand in the ledger, now and after every restart: the booking was durable before it went
    // out.
    void check_credits();
    void check_light(Room& room, const CampusBox& box, const meter::HouseholdView& view);
    void judge(Instant& since, bool wrong, Duration& longest, std::string_view demand, const Room& room,
               const meter::HouseholdView& view, const char* how);

    // How long nothing has stood between the office and this room, from `since` on.
    [[nodiscard]] Duration undisturbed(const Room& room, Instant since) const;
    void check_hold(Room& room, const meter::HouseholdView& view);
    void check_delivery(Room& room);
    void check_recovery(Room& room);
    [[nodiscard]] static bool may_go_on(const Room& room);
    void watch_knowledge(Room& room, const meter::HouseholdView& view);
    [[nodiscard]] Auditor* open_auditor();

    // Orders against the ledger, the ledger against itself, confirmations against the meters.
    void check_day();
    void check_ledger();
    void check_booking(const BookingSeen& booking);
    void check_energy_of_rooms();
    [[nodiscard]] Energy largest_window() const;
    [[nodiscard]] std::int64_t lost_knowledge(Auditor& auditor, Room& room);
    [[nodiscard]] std::string setting_not_so();
    [[nodiscard]] std::string not_yet();
    void converge();
    void sum_up();

    CampusOptions options_;
    sim::Random random_;
    CampusReport report_;
    FakeDisk disk_;
    card::OpensslMac mac_;
    std::vector<std::unique_ptr<sim::SerialLine>> lines_;
    std::unique_ptr<OfficeProcess> office_;
    std::vector<std::unique_ptr<CampusBox>> boxes_;
    std::vector<std::unique_ptr<Mischief>> mischief_;
    std::vector<Room> rooms_;
    std::vector<Order> orders_;
    std::map<std::string, std::size_t> by_id_;
    std::vector<Act> acts_;
    std::map<std::string, std::size_t> acts_by_id_;
    std::vector<Answering> answers_;
    std::vector<Plastic> plastics_;
    std::vector<Presented> presented_;  // by box
    std::uint32_t cards_made_ = 0;
    std::int64_t card_orders_ = 0;
    std::map<std::pair<std::int64_t, int>, std::size_t> payouts_;  // by booking and part
    std::int64_t paid_out_ = 0;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t event_order_ = 0;
    Instant now_{};
    Instant end_{};
    Instant turn_at_ = kNever;
    Instant office_since_{};
    std::vector<Instant> box_clean_since_;
    std::vector<bool> in_cupboard_;           // by box: with the technician, not on a wall
    std::vector<bool> away_;                  // by box: without its line or its supply for long
    std::vector<std::size_t> spare_of_line_;  // the box in the cupboard
    std::optional<FakeDisk::Copy> backup_;
    // What the tickets of the books credited that an old backup has replaced, by household, account and number: cards
    // may still bring them.
    std::map<std::array<std::int64_t, 3>, std::int64_t> books_of_before_;
    bool just_restored_ = false;
    std::vector<std::size_t> changing_;  // acts of a change of box that are not settled
    std::size_t changing_on_ = 0;        // the box that comes to the wall
    std::vector<Instant> line_clean_since_;
    std::vector<int> line_disturbed_;
    std::vector<CreditSeen> credits_to_check_;
    std::optional<Auditor> auditor_;
    std::uint64_t auditor_life_ = 0;
    std::int64_t newest_checked_ = 0;
    std::int64_t newest_added_up_ = 0;  // the books up to this one added up
    std::size_t oldest_open_ = 0;
    std::int64_t sold_energy_ = 0;
    std::int64_t taken_ = 0;
    std::uint64_t step_ = 0;
    std::uint64_t digest_ = 0;
};

}  // namespace prewatt::campus

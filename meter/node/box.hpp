// The household side of a box: energies, accounts, holds, relays, and the books that survive. Knows neither frames nor
// the display.
//
// Every change goes: check everything, put what changes into one journal entry, commit it, and only then let it take
// effect. A refusal changes nothing. Energy is booked with every window of the metering side and saved as soon as
// so much of a household is not that, with all that is under way, no more than 0.01 kWh of it can be lost without
// warning (meter/core/save_budget.hpp).
//
// Energy comes as totals of a metering session. The books say how far a household's totals have been booked, in the
// same record as the energy; what lies between is booked, so windows may be lost, repeated or late, and either
// processor may start anew at any instant. The name of a session is stored before it is given away and never given
// twice.
//
// In four files: box.cpp (start, holds, relays, saving), box_commands.cpp (what an office orders), box_cards.cpp (what
// cards order), box_guards.cpp (steps, overloads, schedule, clock: what acts by itself).
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "card/seal.hpp"
#include "meter/core/books.hpp"
#include "meter/core/card_guard.hpp"
#include "meter/core/clock_guard.hpp"
#include "meter/core/contact_watch.hpp"
#include "meter/core/journal.hpp"
#include "meter/core/relay_driver.hpp"
#include "meter/core/schedule.hpp"
#include "meter/core/supply_guard.hpp"
#include "meter/node/card_shown.hpp"
#include "meter/node/config.hpp"
#include "meter/node/household_control.hpp"
#include "meter/node/recorder.hpp"
#include "meter/node/settings_writer.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::meter {

// A credit that has just come, for the display.
struct Purchase {
    Household household{};  // 0: none
    Credit bought;
};

class Box {
  public:
    static constexpr Duration kSaveRetry = seconds(1);
    static constexpr Duration kCaptureWait = seconds(2);
    // A reader on the line asks again within this time, with the same tap, when it has heard no answer.
    static constexpr Duration kTapRepeat = seconds(10);

    // `load_sense` may be null: then a contact that does not close is not noticed.
    Box(const NodeConfig& config, Storage& storage, RelayBank& relays, RealTimeClock& clock,
        LoadSense* load_sense = nullptr);

    // `supply_failed`: the supply was gone, not only this processor's program.
    StartResult start(Instant now, bool supply_failed = true);
    void on_window(const MeteringWindow& window, Instant now);
    // The metering side counts in this session, 0: none yet. Windows say so too; this is for before the first one.
    void on_metering_session(std::uint16_t session, Instant now);
    // What the metering side shall call its session: while it counts under `replaces` it takes the name; totals that it
    // has counted without a name (0) go with it, those of a session that nobody here knows end.
    struct SessionOrder {
        std::uint16_t name = 0;  // 0: none to give
        std::uint16_t replaces = 0;
        friend constexpr bool operator==(const SessionOrder&, const SessionOrder&) = default;
    };
    [[nodiscard]] SessionOrder session_order() const { return session_order_; }
    // Whether the metering side is heard; until somebody says otherwise it is.
    void on_metering_heard(bool heard) { metering_heard_ = heard; }

    // A step of the current (product.md M8). True: the waveforms that belong to it are wanted, by on_capture() within
    // kCaptureWait; the contact does not wait for them.
    bool on_step(const StepReport& report, Instant now);
    void on_capture(const StepCapture& capture, Instant now);
    // Single cycles above the gross limit (M9).
    void on_overcurrent(const OvercurrentReport& report, Instant now);
    // The current of single cycles above which the metering side shall report; zero: never.
    [[nodiscard]] Current gross_limit(Circuit circuit) const;
    // Relays, ends of forced power. Returns when it wants to be called again.
    Instant poll(Instant now);
    void on_power_fail(Instant now);
    // The processor is being reset: no coil stays under current.
    void release_coils() { relays_.stop(); }

    // None of what follows moves a contact by itself: poll() does, and must be called afterwards.
    // An authentic command. `digest`: the first bytes of its tag; `household_of_address` 0 for the box, else the
    // household whose address it was sent to; `known_code`: the command byte is one of ours.
    card::Answer execute(const card::OpenedRequest& opened, std::uint32_t digest, std::uint8_t household_of_address,
                         bool known_code, Instant now);
    // The plain control of the standard; false: not stored, nothing changed.
    [[nodiscard]] bool set_remote_hold(Household household, bool off, std::uint32_t operator_number, Instant now);
    // Sets the clock without a seal, within the limits of meter/core/clock_guard; false: refused, nothing changed.
    [[nodiscard]] bool correct_clock(ClockSource source, CivilSeconds time, std::uint32_t operator_number, Instant now);
    // A copy of a household card's CREDIT, on whichever reader. Everything is checked, then one entry is stored, then
    // it takes effect: new credit once, whatever comes first, card or network; and without any the swipe is still what
    // resumes after the cut-off alarm and, where the card says so, after a lock-out. `mac`: the box's own.
    CardAnswer present_card(card::Mac& mac, const CardShown& shown, Instant now);
    // The RETURN of this generation stands whole on the card: written, read back, the card still there. False: not
    // stored, or no such generation; then the next visit writes into the same slot again.
    bool card_written(Household household, std::uint32_t generation, Instant now);
    // A list from a household card that present_card() has just answered kDone for; once for each version.
    CardCode take_card_parameters(Household household, std::uint32_t version, const card::ParameterList& list,
                                  Instant now);
    // Orders: set-up, clear, restore, and what only shows.
    OrderAnswer present_order(card::Mac& mac, const OrderShown& shown, Instant now);
    // Who a card says it is, of the site's or of this box. A forged one counts as a bad card.
    [[nodiscard]] std::expected<card::IdentityRecord, CardCode> open_identity(card::Mac& mac, const card::Uid& uid,
                                                                              const card::RecordBytes& record,
                                                                              CardPlace place, Instant now);
    // A part of a list of parameters, of the site's or of this box; in the same way.
    [[nodiscard]] std::expected<card::ParameterRecord, CardCode> open_parameter(card::Mac& mac, const card::Uid& uid,
                                                                                const card::RecordBytes& record,
                                                                                CardPlace place, Instant now);
    // The purchase since the last call, for the display.
    [[nodiscard]] Purchase take_purchase();

    // EC000100 for somebody who holds `version`; what changes from now on belongs to a later version.
    [[nodiscard]] dlt645::HouseholdBlock changes_since(std::uint32_t version, Instant now);

    // --- To read.
    [[nodiscard]] const NodeConfig& config() const { return config_; }
    [[nodiscard]] int household_count() const { return households(config_.wiring); }
    [[nodiscard]] bool has(Household h) const { return h.number >= 1 && h.number <= household_count(); }
    [[nodiscard]] const HouseholdBook& book(Household h) const { return books_.households[at(h)]; }
    [[nodiscard]] const BoxBook& box_book() const { return books_.box; }
    [[nodiscard]] HouseholdState state(Household h) const { return published_[at(h)].state; }
    [[nodiscard]] std::int32_t remaining_hundredths(Household h) const {
        return published_[at(h)].remaining_hundredths;
    }
    [[nodiscard]] HoldSet overruled(Household h) const;
    [[nodiscard]] const Measurement& present() const { return present_; }  // without energies
    [[nodiscard]] ActivePower active(Household h) const { return active_[at(h)]; }
    [[nodiscard]] bool relay_closed(Circuit circuit) const { return relays_.is_closed(circuit); }
    [[nodiscard]] bool storage_sound() const { return journal_.is_sound(); }
    [[nodiscard]] dlt645::BoxFlags flags(Instant now) const;
    // Nothing while the clock has stopped or is not believed.
    [[nodiscard]] std::optional<CivilSeconds> clock() const { return clock_guard_.time(clock_.read()); }
    // What the household's week plan says now, the warning before a timed cut-off with it.
    [[nodiscard]] const PlanState& plan(Household h) const {
        return schedule_.of(books_.settings.households[at(h)].plan.week_plan);
    }
    // Of the household's price plan, in force.
    [[nodiscard]] const settings::PriceSet& prices(Household h) const {
        return books_.settings.prices[2u * (books_.settings.households[at(h)].plan.price_plan - 1u)];
    }
    [[nodiscard]] const HouseholdControl& control(Household h) const { return controls_[at(h)]; }
    [[nodiscard]] Instant forced_until(Household h) const { return forced_until_[at(h)]; }  // kNever: not forced
    // Events, freezes, load profile, captures; to read, and for whoever sees what the box does not (wrong passwords).
    [[nodiscard]] Recorder& recorder() { return recorder_; }
    [[nodiscard]] const Archive& archive() const { return recorder_.archive(); }
    // Somebody has read events of the box or of a household over the line.
    void on_log_read() { log_read_at_ = clock().value_or(log_read_at_); }
    [[nodiscard]] const settings::Settings& settings() const { return books_.settings; }
    [[nodiscard]] const Books& books() const { return books_; }

  private:
    static constexpr std::size_t at(Household h) { return static_cast<std::size_t>(h.number - 1); }
    static constexpr std::uint64_t bit(Household h) { return std::uint64_t{1} << (h.number - 1); }
    [[nodiscard]] bool lit(Household h) const;
    [[nodiscard]] std::uint64_t circuits_of(Household h) const;
    [[nodiscard]] HoldSet holds(Household h);
    // Everything that follows from the books, the guards, the supply and the relays: state, published record, wanted
    // contacts, the event when the household goes dark or comes back.
    void refresh(Household h);
    void refresh_all();
    [[nodiscard]] Energy quiet_energy(Household h) const;
    [[nodiscard]] Credit cost(Household h, Energy used);
    void book(Household h, const HouseholdTotals& totals, std::uint16_t session);
    void save(Instant now, Energy at_least, bool supply_fails = false);
    void forget_unsaved(Household h);
    void end_forced_power(Instant now);

    // box_guards.cpp
    [[nodiscard]] ControlRules rules(Household h) const;
    void watch_load(Household h);
    void apply(Household h, const LoadDecision& decision, const Load& load);
    void apply(Household h, const MalignantDecision& decision, const StepReport& report);
    void poll_guards(Instant now);
    void guards_changed(Household h);
    [[nodiscard]] bool learn_appliance(Household h, const StepReport& report);
    void finish_capture(const StepCapture* capture);
    void on_minute(Instant now);
    void update_schedule(Instant now);
    void change_prices();
    static void follow(const ClockChange& change, BoxBook& box);
    void clock_was_set(const ClockChange& change, std::uint32_t operator_number);
    void watch_phases();
    void watch_contacts();

    // Every call from outside begins here.
    void begin(Instant now) {
        now_ = now;
        recorder_.at(now);
    }
    [[nodiscard]] card::Effect effect(Household h) const;
    // box_commands.cpp. What a command makes of the books: copies that replace them when the entry has been stored.
    struct Draft {
        BoxBook box;
        HouseholdBook book;
        Purchase purchase;
        bool touches_book = true;  // false: the household's book is as it was
        settings::SettingKey key{};
        Bytes value;  // of a setting, to be stored
        bool cleared = false;
        bool clear_all = false;
        bool reset_load = false;
        bool reset_malignant = false;
        std::optional<ClockChange> clock;
    };
    [[nodiscard]] card::Result stage(const card::Request& request, Draft& draft, Instant now);
    [[nodiscard]] card::Result stage_setting(const card::Request& request, Draft& draft);
    [[nodiscard]] card::Result stage_clear(const card::Request& request, Draft& draft, Instant now);
    void take_effect(const card::Request& request, const Draft& draft, Instant now);
    void take_setting(settings::SettingKey key, Bytes value, std::uint32_t operator_number);
    [[nodiscard]] bool commit(Entry& entry, bool supply_fails = false) {
        return journal_.commit(entry, books_, supply_fails);
    }
    void reserve_versions();
    // The ticket into the book; nullopt: refused, and the book is worthless.
    [[nodiscard]] std::optional<Taken> take(const card::Ticket& ticket, Household h, HouseholdBook& book) const;

    // box_cards.cpp
    [[nodiscard]] std::optional<CardCode> closed_to_cards(CardPath path) const;
    CardCode refuse_card(card::RecordError error, const card::Uid& uid, CardPlace place);
    template <class Record, class Open>
    std::expected<Record, CardCode> open_record(Open open, card::Mac& mac, const card::Uid& uid,
                                                const card::RecordBytes& record, CardPlace place, Instant now);
    void log_bad_card(const card::Uid& uid, CardCode code, CardPlace place);
    void end_half_shown(CardPath path);
    [[nodiscard]] CardAnswer judge_card(card::Mac& mac, const CardShown& shown);
    [[nodiscard]] CardCode take_card(Household h, const card::CreditRecord& credit, card::Mac& mac,
                                     const CardShown& shown, CardAnswer& answer);
    [[nodiscard]] bool tampered(Household h) const;
    [[nodiscard]] bool records_wait(Household h) const;
    [[nodiscard]] Credit may_hold(Household h) const;
    [[nodiscard]] std::uint32_t next_return(card::Mac& mac, Household h, const CardShown& shown) const;
    [[nodiscard]] card::ReturnRecord return_of(Household h, std::uint32_t generation, bool supply_failed,
                                               bool ticket_refused) const;
    [[nodiscard]] bool put_parameters(Entry& entry, const card::ParameterList& list) const;
    void take_parameters(const card::ParameterList& list);
    [[nodiscard]] card::ReceiptRecord receipt_of(const card::RightRecord& right, CardCode code,
                                                 std::uint32_t card_serial) const;
    [[nodiscard]] CardCode carry_out(card::Mac& mac, const card::RightRecord& right,
                                     const card::ParameterList* parameters);
    CardCode restore(const card::RightRecord& right, const BoxBook& box);

    NodeConfig config_;
    RealTimeClock& clock_;
    Journal journal_;
    RelayDriver relays_;
    Books books_{};
    Measurement present_{};
    static constexpr Instant kNeverMeasured{INT64_MIN / 2};
    Instant measured_at_ = kNeverMeasured;
    bool relays_started_ = false;
    Instant relays_start_at_{};
    std::array<SupplyGuard, kPhasesMax> supply_{};
    std::array<dlt645::HouseholdRecord, kHouseholdsMax> published_{};
    std::array<std::uint32_t, kHouseholdsMax> changed_at_{};
    std::array<ActivePower, kHouseholdsMax> active_{};
    std::array<Energy, kHouseholdsMax> unsaved_{};
    std::array<Energy, kHouseholdsMax> quiet_{};  // so much may still be used before anything published can change
    std::array<Instant, kHouseholdsMax> forced_until_{};  // kNever: not forced
    Instant next_forced_end_ = kNever;
    Instant next_save_{};
    Energy save_at_;                        // of one household
    Instant change_not_before_{INT64_MIN};  // of the journal's bank, after a power-fail warning
    SessionOrder session_order_{};
    bool session_seen_ = false;  // the metering side counts under the newest name
    Instant next_name_{};
    bool metering_heard_ = true;
    std::uint64_t closed_seen_ = 0;
    std::uint32_t first_version_ = 1;  // of this start
    std::uint32_t version_ = 1;
    Purchase purchase_{};
    SettingsWriter settings_writer_;
    std::uint32_t clear_announced_ = 0;  // counter of the command that announced a clear of the box; 0: none
    Instant clear_announced_at_{};
    std::uint64_t account_unsaved_ = 0;  // bit k: household k+1; moved without a command
    CivilSeconds log_read_at_ = 0;       // 0: not since the start
    std::uint64_t guards_unsaved_ = 0;

    ClockGuard clock_guard_;
    Recorder recorder_;
    Schedule schedule_;
    LoadSense* load_sense_;
    ContactWatch contacts_;
    std::array<HouseholdControl, kHouseholdsMax> controls_{};
    Instant next_guard_ = kNever;
    Instant next_minute_{};
    Instant now_{};  // of the present call
    struct PendingCapture {
        Household household{};  // 0: none
        StepReport report;
        MalignantDecision decision;
        Instant until = kNever;
    } capture_;
    std::array<CardGuard, kCardPaths> card_guards_{};
    struct HalfShown {
        bool pending = false;  // a copy did not open, and the other one is still to come
        card::Uid uid;
        card::RecordError error{};
        CardPlace place;
    };
    std::array<HalfShown, kCardPaths> half_shown_{};
    struct LastTap {
        CardPlace place;
        card::Uid uid;
        card::RecordBytes credit{};
        bool has_other = false;
        Instant at{};
        CardAnswer answer;
    };
    std::optional<LastTap> last_tap_;
    std::array<Instant, kPhasesMax> phase_differs_since_{};  // from what is told of it; kNever: it does not
    std::array<bool, kPhasesMax> phase_lost_{};
    bool memory_fault_told_ = false;
};

}  // namespace prewatt::meter

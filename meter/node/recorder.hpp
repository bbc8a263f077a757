// Writes down what happens in a box: the box says what has changed, this says which event that is and puts it into the
// archive with its time. It decides nothing and refuses nothing; a memory without records makes every call an empty
// one.
//
// Cuts and restores follow from the published state of a household, so whatever opened the relay is written once, with
// all that held it. A cut by a guard that has numbers of its own (malignant load, overload) is written by the guard's
// event instead.
#pragma once
#include <array>
#include <cstdint>

#include "base/hold.hpp"
#include "card/seal.hpp"
#include "meter/core/archive.hpp"
#include "meter/core/books.hpp"
#include "meter/core/clock_guard.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

class Recorder {
  public:
    Recorder(Storage& storage, RealTimeClock& clock, const ClockGuard& believed)
        : clock_(clock), believed_(believed), archive_(storage) {}

    // When the books have been recovered. `back`: this is not the first start, so the supply has been away (or the
    // processor was reset).
    void open(int households, std::uint32_t boots, bool back, Instant now);
    // Every entry of the box says first what time it is.
    void at(Instant now) { now_ = now; }
    [[nodiscard]] EventTime time() const { return {civil(), boots_, now_}; }

    void on_state(Household household, HouseholdState before, HouseholdState after, HoldSet overruled,
                  ActivePower power, std::int32_t remaining_hundredths, Energy forward);
    // A command that has been carried out, with the books of its household before and after it.
    void on_command(const card::Request& request, const HouseholdBook& before, const HouseholdBook& after);
    // A ticket that has been stored, from the line or from a card.
    void on_ticket(Household household, std::uint32_t number, const HouseholdBook& before, const HouseholdBook& after);
    // A setting that has been stored; check sums of its bytes.
    void on_setting(settings::SettingKey key, std::uint32_t operator_number, Bytes before, Bytes after);
    void on_constant(std::uint16_t before, std::uint16_t after, std::uint32_t operator_number);
    // Before it is carried out, so that the values before are never lost.
    void on_household_cleared(Household household, const HouseholdBook& before, std::uint32_t operator_number);
    void on_box_cleared(const Books& before, int households, std::uint32_t operator_number);
    void on_clock_set(std::optional<CivilSeconds> before, CivilSeconds after, std::uint32_t operator_number,
                      ClockSource source);
    void on_phase(Phase phase, bool lost, Voltage voltage);
    void on_power_fail();
    // Freezes and load profile; does nothing until they may be due.
    void on_time(const Books& books);

    bool log(EventKind kind, Household household, const EventData& data) {
        return archive_.log(kind, household, data, time());
    }
    [[nodiscard]] Archive& archive() { return archive_; }
    [[nodiscard]] const Archive& archive() const { return archive_; }

  private:
    static constexpr Duration kLook = seconds(5);
    // Nothing while the clock is not believed.
    [[nodiscard]] std::optional<CivilSeconds> civil() const { return believed_.time(clock_.read()); }
    RealTimeClock& clock_;
    const ClockGuard& believed_;
    Archive archive_;
    std::uint32_t boots_ = 0;
    Instant now_{};
    Instant next_look_{};
    std::array<Instant, kHouseholdsMax> dark_since_{};
    // What held last while it was dark: the holds go before the contact closes.
    std::array<HoldSet, kHouseholdsMax> held_{};
    std::uint64_t seen_ = 0;  // bit k: household k+1 has been lit since the start
    struct Lost {
        bool lost = false;
        Instant at{};
        std::optional<CivilSeconds> from;
    };
    std::array<Lost, kPhasesMax> phases_{};
};

}  // namespace prewatt::meter

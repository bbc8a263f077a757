// Registers as they stood at a fixed hour: 62 days and 13 months of every household (DL/T 645 DI3 = 05; product.md M15,
// M17). The hour and the day of the month are settings::General.
//
// A freeze belongs to the instant at which it was due. One that could not be made then (no supply, no clock) is made
// good as soon as it can, and marked. When several were missed only the newest is made: what the registers were before
// nobody knows, so the gap is marked instead of filled. A clock that goes back makes no second freeze of an instant
// that has one.
#pragma once
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "meter/core/books.hpp"
#include "meter/core/records.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// Why a freeze or a row of the load profile may not be what its neighbours suggest. Bits; they stand in storage and on
// the wire.
struct RecordMarks {
    static constexpr std::uint8_t kLate = 1;       // made more than a minute after it was due
    static constexpr std::uint8_t kGap = 2;        // the one before it is missing
    static constexpr std::uint8_t kClockBack = 4;  // the clock had gone back: the one before it is of a later time
};

struct FreezeValues {           // hundredths
    std::uint32_t forward = 0;  // kWh, modulo 100,000,000 as the register
    std::uint32_t reverse = 0;
    std::int32_t remaining = 0;  // of the account's unit
    std::int32_t used = 0;       // of the account's unit, in its present epoch
    friend constexpr bool operator==(const FreezeValues&, const FreezeValues&) = default;
};
[[nodiscard]] FreezeValues freeze_values(const HouseholdBook& book);

struct FreezeHead {
    std::uint32_t sequence = 0;
    CivilSeconds due = 0;
    CivilSeconds made = 0;
    std::uint8_t marks = 0;
    std::uint8_t household_count = 0;
    friend constexpr bool operator==(const FreezeHead&, const FreezeHead&) = default;
};

enum class FreezeKind : std::uint8_t { kDaily = 0, kMonthly = 1 };
// The last instant at or before `now` at which a freeze was due.
[[nodiscard]] CivilSeconds freeze_due(FreezeKind kind, const settings::General& general, CivilSeconds now);

class Freezes {
  public:
    static constexpr int kDailyMax = 62;
    static constexpr int kMonthlyMax = 13;

    explicit Freezes(RecordMemory& memory) : memory_(memory) {}
    // `start`: where the rings lie; they take bytes(households).
    void open(std::uint32_t start);
    [[nodiscard]] static std::uint32_t bytes(int households);

    // Makes what is due. Call at least once a minute; true when something was stored.
    bool on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books);

    // n-th last, 1..62 or 1..13. Nothing: there are not so many, or it is damaged.
    [[nodiscard]] std::optional<FreezeHead> head(FreezeKind kind, int n) const;
    [[nodiscard]] std::optional<FreezeValues> values(FreezeKind kind, int n, Household household) const;

  private:
    struct State {
        Ring ring;
        RingEnd end;
        CivilSeconds newest = 0;   // due time of the newest
        CivilSeconds settled = 0;  // this due time needs nothing more
    };
    [[nodiscard]] State& state(FreezeKind kind) { return states_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const State& state(FreezeKind kind) const { return states_[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] bool exists(const State& state, CivilSeconds due) const;
    bool settle(FreezeKind kind, CivilSeconds now, const settings::General& general, const Books& books);
    RecordMemory& memory_;
    std::array<State, 2> states_{};
};

}  // namespace prewatt::meter

// Registers of every household each 15, 30 or 60 minutes (settings::General::profile_minutes), in a ring as long as the
// memory allows: with 39 households 23 days at 60 minutes, with 12 households 145. DL/T 645 DI3 = 06 and private items.
//
// A row holds totals, not differences, so a gap (no supply, no clock) costs the times in between and no energy; it is
// marked on the row behind it. Totals are hundredths of a kWh modulo 2^24; the present register, which is at most
// 167,772 kWh ahead, makes them whole again.
#pragma once
#include <cstdint>
#include <optional>

#include "base/civil_time.hpp"
#include "meter/core/books.hpp"
#include "meter/core/freeze.hpp"
#include "meter/core/records.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

struct ProfileHead {
    std::uint32_t sequence = 0;
    CivilSeconds time = 0;     // the end of the interval
    std::uint8_t minutes = 0;  // its length
    std::uint8_t marks = 0;    // RecordMarks
    friend constexpr bool operator==(const ProfileHead&, const ProfileHead&) = default;
};
struct ProfileTotals {  // hundredths of a kWh at the end of the interval
    std::uint64_t forward = 0;
    std::uint64_t reverse = 0;
    friend constexpr bool operator==(const ProfileTotals&, const ProfileTotals&) = default;
};

class LoadProfile {
  public:
    explicit LoadProfile(RecordMemory& memory) : memory_(memory) {}
    // All the memory from `start` to its end.
    void open(std::uint32_t start);

    bool on_time(std::optional<CivilSeconds> now, const settings::General& general, const Books& books);

    [[nodiscard]] int rows_max() const { return ring_.slots; }
    // Rows that are there, damaged ones included; at most rows_max().
    [[nodiscard]] int rows() const { return rows_; }
    // n-th last, 1..rows(). Nothing: not there, or damaged.
    [[nodiscard]] std::optional<ProfileHead> head(int n) const;
    [[nodiscard]] std::optional<ProfileTotals> totals(int n, Household household, const HouseholdBook& present) const;
    // The oldest row at or after `time`, as n; 0: there is none. By time of the record, newest backwards, so a clock
    // that was set back ends the search.
    [[nodiscard]] int first_at_or_after(CivilSeconds time) const;

  private:
    [[nodiscard]] bool exists(CivilSeconds time) const;
    RecordMemory& memory_;
    Ring ring_;
    RingEnd end_;
    int rows_ = 0;
    CivilSeconds newest_ = 0;
    CivilSeconds settled_ = 0;
};

}  // namespace prewatt::meter

// What a box must never forget. Everything else is measured again or follows from this.
#pragma once
#include <array>
#include <cstdint>

#include "base/civil_time.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "meter/core/card_guard.hpp"
#include "meter/core/clock_guard.hpp"
#include "meter/core/command_guard.hpp"
#include "meter/core/credit.hpp"
#include "meter/core/load_guard.hpp"
#include "meter/core/malignant_load.hpp"
#include "meter/core/tariff.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// Forced power: `overruled` holds do not count for `minutes`. It outlives a loss of supply only where the clock can
// tell how long that lasted.
struct ForcedPower {
    HoldSet overruled;
    std::uint16_t minutes = 0;
    // On the clock as it would run had it never been set: its time less BoxBook::clock_moved, so setting the clock
    // makes forced power neither longer nor shorter. 0: the clock was not valid when it was ordered.
    CivilSeconds until = 0;
    friend constexpr bool operator==(const ForcedPower&, const ForcedPower&) = default;
};

// How far a household's totals of a metering session have been booked (meter/metrology/measurement.hpp). It stands in
// the same record as the energy, so either processor may restart at any instant and nothing is booked twice.
struct MeteringMark {
    std::uint16_t session = 0;  // 0: nothing booked yet
    std::uint32_t forward = 0;  // joules of that session, modulo 2^32
    std::uint32_t reverse = 0;
    friend constexpr bool operator==(const MeteringMark&, const MeteringMark&) = default;
};

// For whoever asks why it is dark: the last cut by one of the guards of circuit 1.
struct LastCut {
    HoldSet because;          // kMalignant or kOverload; empty: none yet
    CivilSeconds at = 0;      // 0: the clock was not known
    std::uint16_t watts = 0;  // of the step that was surely resistive; of the whole load
    StepShape shape{};        // of a malignant step
    MalignantRule rule{};     // that decided
    std::int16_t power_factor_ten_thousandths = 0;
    friend constexpr bool operator==(const LastCut&, const LastCut&) = default;
};
// What the guards of circuit 1 must not forget: tries, pauses, lock-outs.
struct GuardBook {
    LoadBook load;
    MalignantState malignant;
    LastCut last_cut;
    CivilSeconds locked_since = 0;  // 0: not locked out, or the clock was not known
    friend constexpr bool operator==(const GuardBook&, const GuardBook&) = default;
};
// The next malignant step before `until` becomes the permitted appliance `slot` for so many days; 0 days: nobody asked.
struct LearnOrder {
    std::uint8_t slot = 0;
    std::uint16_t days = 0;
    CivilSeconds until = 0;
    friend constexpr bool operator==(const LearnOrder&, const LearnOrder&) = default;
};

// What the box knows of the household's card.
struct CardBook {
    std::uint16_t epoch = 0;  // of the newest card that was taken, and which card of the household it was:
    std::uint8_t issue = 0;   // an older epoch, or a lower issue of the same, is dead
    // RETURN: the newest generation that was given out, and the newest of which is known that it stands whole on the
    // card (card/copies.hpp). 0: none.
    std::uint32_t return_given = 0;
    std::uint32_t return_kept = 0;
    std::uint32_t parameters = 0;  // version of the newest list of parameters that was taken from a card
    std::uint32_t boots = 0;       // starts of the box at the last swipe
    friend constexpr bool operator==(const CardBook&, const CardBook&) = default;
};

struct HouseholdBook {
    Account account;
    bool remote_off = false;
    ForcedPower forced;
    Energy forward;  // for ever
    Energy reverse;
    MeteringMark mark;
    TariffBook tariff;  // of a money account
    HoldSet waiting;    // of the credit's holds, in the no-cut hours (meter/core/schedule)
    GuardBook guards;
    LearnOrder learn;
    CardBook card;
    friend constexpr bool operator==(const HouseholdBook&, const HouseholdBook&) = default;
};

// What the box knows of all cards together.
struct BoxCards {
    std::uint32_t right_sequence = 0;  // of the newest order from a card that was carried out
    std::uint8_t bad_cards = 0;        // since the box was cleared; stays at 255
    std::array<CardAttempts, kCardPaths> attempts{};
    friend constexpr bool operator==(const BoxCards&, const BoxCards&) = default;
};

struct BoxBook {
    std::uint32_t boots = 0;
    // Versions of the household block up to here have been promised to this start or an earlier one.
    std::uint32_t versions_reserved = 0;
    LastCommand last_command;
    std::uint16_t pulse_constant = 1600;
    std::uint16_t session = 0;  // the newest name given to a metering session; never given twice
    ClockBook clock;
    std::uint32_t clock_moved = 0;  // by all settings together, modulo 2^32
    BoxCards cards;
    friend constexpr bool operator==(const BoxBook&, const BoxBook&) = default;
};

struct Books {
    BoxBook box;
    std::array<HouseholdBook, kHouseholdsMax> households{};
    settings::Settings settings;
    friend constexpr bool operator==(const Books&, const Books&) = default;
};

}  // namespace prewatt::meter

// Negative controls: defects that are planted at the seams of the campus, one at a time, to see that the checks notice
// them. No product code knows of them; each stands in a fake or in what joins two rooms, where the real one would show
// in the same way.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

namespace prewatt::campus {

enum class Defect : std::uint8_t {
    kNone,
    kIncrementForTotal,
    kAnswerBeforeCommit,
    kNoIdempotency,
    kRefreshForgetsHold,
    kMeterAnswersBeforeStoring,
    kConfirmOnSend,
    kStaleDesire,
    kLyingDisk,
    kEntryForgotten,
    kHoldLostOnRestart,
    kPaysBeforeConfirmed,
    kBoxCarriesOldTotal,
    kUseForgotten,
    kRestoredGoesOn,
    kRestoredUnsaid,
    kOldFigureAsked,
    kForgedCardTaken,
};

struct DefectEntry {
    Defect defect;
    std::string_view name;
    std::string_view what;  // is wrong
    int seeds_max;          // it must be found within so many seeds of a week
};
// In the names of tests.
inline void PrintTo(const DefectEntry& entry, std::ostream* out) {
    *out << entry.name;
}

inline constexpr std::array kDefects{
    DefectEntry{Defect::kIncrementForTotal, "increment-for-total",
                "a ticket carries what was bought instead of the total", 1},
    DefectEntry{Defect::kAnswerBeforeCommit, "answer-before-commit",
                "the desk is told of a sale before it is on the disk", 5},
    DefectEntry{Defect::kNoIdempotency, "no-idempotency", "a desk that asks again asks under a new order id", 2},
    DefectEntry{Defect::kRefreshForgetsHold, "refresh-forgets-hold", "the refresh of an open relay closes it", 1},
    DefectEntry{Defect::kMeterAnswersBeforeStoring, "meter-answers-before-storing",
                "a meter says stored and has not stored", 2},
    DefectEntry{Defect::kConfirmOnSend, "confirm-on-send", "a ticket counts as confirmed when it has gone out", 2},
    DefectEntry{Defect::kStaleDesire, "stale-desire", "a line master is told the state before the last one", 2},
    DefectEntry{Defect::kLyingDisk, "lying-disk", "the disk says synchronised and is not", 5},
    DefectEntry{Defect::kEntryForgotten, "entry-forgotten", "one booking in fifty has no entry of its energy", 2},
    DefectEntry{Defect::kHoldLostOnRestart, "hold-lost-on-restart",
                "a remote hold is not told to a line that begins anew", 5},
    DefectEntry{Defect::kPaysBeforeConfirmed, "pays-before-confirmed",
                "a refund is paid out before the meter has given the energy back", 5},
    DefectEntry{Defect::kBoxCarriesOldTotal, "box-carries-old-total",
                "the meter that takes the place of another is told the total of the old account", 3},
    DefectEntry{Defect::kUseForgotten, "use-forgotten",
                "an account that is carried on counts what was known to be used at first", 5},
    DefectEntry{Defect::kRestoredGoesOn, "restored-goes-on",
                "an office that was restored from an old backup goes on with its numbers and asks nobody", 6},
    DefectEntry{Defect::kRestoredUnsaid, "restored-unsaid",
                "books that were restored do not say so, and cards are written before the meters have been read", 15},
    DefectEntry{Defect::kOldFigureAsked, "old-figure-asked",
                "the question about a ticket shows another total than the meter has", 6},
    DefectEntry{Defect::kForgedCardTaken, "forged-card-taken", "a box takes what a cheat has written onto his card", 2},
};

// CampusOptions::cards.
[[nodiscard]] constexpr bool needs_cards(Defect defect) {
    return defect == Defect::kForgedCardTaken || defect == Defect::kRestoredUnsaid;
}
[[nodiscard]] constexpr std::optional<Defect> defect_of(std::string_view name) {
    for (const DefectEntry& entry : kDefects)
        if (entry.name == name) return entry.defect;
    return std::nullopt;
}

}  // namespace prewatt::campus

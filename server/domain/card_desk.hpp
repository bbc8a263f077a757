// The office's half of a desk: what a reader saw is opened here, what is written onto a card is sealed here, because
// the master key is here. Implemented by server/desk over the Cards of the office; the routes ask through this port.
//
// Trust. Whoever asks has a session with the right to sell. It gets the sector keys of the one card whose number it
// names (they keep accidents away, not people: docs/decisions/0016-cards-at-the-desk.md) and, against an order that is
// in the books before it leaves, sealed bytes for that card. It never gets a key that seals. What it says was read back
// is opened and compared before it counts.
//
// Blocks until the office has answered; any thread.
#pragma once
#include <array>

#include "server/domain/cards.hpp"
#include "server/domain/warrants.hpp"

namespace prewatt::server {

inline constexpr std::size_t kCardSectors = 16;
using CardSectorKey = std::array<std::uint8_t, 6>;
using CardRecordBytes = std::array<std::uint8_t, 48>;  // the three data blocks of a sector

struct DeskKeys {
    std::uint8_t base = 1;  // first sector of ours
    struct Pair {
        CardSectorKey a{};
        CardSectorKey b{};
    };
    std::array<Pair, kCardSectors> sectors{};
};

enum class SectorOpens : std::uint8_t { kOurs = 0, kTransport = 1, kTorn = 2, kNot = 3 };
struct DeskSector {
    std::uint8_t sector = 0;
    SectorOpens opens = SectorOpens::kNot;
    std::optional<CardRecordBytes> record;
};
struct DeskSight {
    std::string uid;
    std::vector<DeskSector> sectors;
};

// What stands in one sector, in a word: "good", "empty", "torn_or_forged", "other_box", "other_key", "misplaced",
// "unknown_version", "impossible", "not_read".
struct DeskCopy {
    std::string_view state = "not_read";
    std::uint32_t generation = 0;
};
struct DeskReport {
    CardSeen seen;
    std::optional<SeenIdentity> identity;
    std::string_view identity_state = "not_read";
    std::array<DeskCopy, 2> tickets;
    std::array<DeskCopy, 2> returns;
    std::optional<SeenTicket> newest;
    std::optional<WarrantRecord> warrant;  // of a card with rights
    int sectors_ours = 0;
    int sectors_transport = 0;
    int sectors_torn = 0;
    int sectors_closed = 0;  // that open with no key of ours
};

struct DeskOrder {
    CardWriteKind kind = CardWriteKind::kTicket;
    std::string order_id;
    HouseholdId household;  // issue
    CardId replaces;        // issue
    std::string reason;
    WarrantId warrant;  // issue: of a card with rights; 0: of a household's card
};
struct DeskStep {
    std::uint8_t sector = 0;
    bool is_trailer = false;
    std::vector<std::uint8_t> bytes;  // 16 of a trailer, 48 of a record
};
struct DeskPlan {
    CardWriteId write;
    CardRecord card;  // of a format of an unknown card: without number
    bool repeated = false;
    std::vector<DeskStep> steps;  // none: it is done already
};

class CardDesk {
  public:
    virtual ~CardDesk() = default;
    // kCardNotUsable: no card is found again by this number.
    [[nodiscard]] virtual Answer<DeskKeys> keys(std::string_view uid) = 0;
    [[nodiscard]] virtual Answer<DeskReport> look(const DeskSight& sight, const Actor& who) = 0;
    // As the orders of Cards; and kCardNotUsable: a sector that is needed does not open.
    [[nodiscard]] virtual Answer<DeskPlan> order(const DeskOrder& order, const DeskSight& sight, const Actor& who) = 0;
    // `read_back`: the sectors that were written. kCardUnlike: they do not hold what was ordered.
    [[nodiscard]] virtual Answer<CardRecord> done(CardWriteId write, const DeskSight& read_back, const Actor& who) = 0;
};

}  // namespace prewatt::server

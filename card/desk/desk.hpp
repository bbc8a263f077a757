// What is done with a card at a desk, over any reader: look at it, and carry out what the office orders. Pure of
// windows and wires: the command, the desk agent and the tests bring a reader and a way to an office, and hear of each
// step.
//
// The office decides and seals; it alone has the master key. For a card that lies there it gives this card's sector
// keys and, against an order that it has kept, the bytes to write. The desk decides how they come onto the card so that
// a card that is torn away loses nothing:
//
// - the card is asked who it is first, after every record, and before success: another one that took its place within
// an
//   instant is never taken for it;
// - a trailer is checked before it is sent and read back; one that was torn is found again by the half-written key;
// - nothing is reported as done that was not read back;
// - whatever was broken off is begun again from what stands on the card then: carry_out() with the same order.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "card/access_bits.hpp"
#include "card/layout.hpp"
#include "card/sealed_record.hpp"

namespace prewatt::card::desk {

enum class Opens : std::uint8_t {
    kOurs,       // with this card's keys, access bits as we write them
    kTransport,  // as it came from the factory
    kTorn,       // a trailer was torn; it opens with half a key and wants its trailer again
    kNot,        // another system's, or lost
};
struct SectorSight {
    std::uint8_t sector = 0;
    Opens opens = Opens::kNot;
    std::optional<RecordBytes> record;            // the three data blocks
    std::optional<std::array<Byte, 4>> access{};  // bytes 6 to 9 of the trailer, when all was looked at
};
struct Sight {
    Uid uid;
    std::vector<SectorSight> sectors;
};

struct SectorKeys {
    SectorKey a{};
    SectorKey b{};
};
struct CardKeys {
    Layout layout;
    std::array<SectorKeys, kSectorCount> sectors{};
};

enum class OrderKind : std::uint8_t { kIssue, kTicket, kFormat, kWarrant };
struct Order {
    OrderKind kind = OrderKind::kTicket;
    std::string order_id;        // the same one again goes on where it was broken off
    std::int64_t household = 0;  // issue
    std::int64_t replaces = 0;   // issue: the card that is dead from now on
    std::string reason;          // issue
    std::int64_t warrant = 0;    // a card with rights: what it is made for
};
struct Step {
    std::uint8_t sector = 0;
    bool is_trailer = false;
    Block trailer{};
    RecordBytes record{};
};
struct Plan {
    std::int64_t write = 0;  // the office's number of it
    std::vector<Step> steps;
};
// What the office says of the card, for whoever asked; JSON where the office is reached over HTTP.
struct Report {
    std::string text;
};
struct OfficeRefusal {
    std::string code;  // "card_revoked"
    std::string message;
    int status = 0;  // of HTTP; 0: it did not answer
};

class Office {
  public:
    template <class T>
    using Answer = std::expected<T, OfficeRefusal>;
    [[nodiscard]] virtual Answer<CardKeys> keys(const Uid& uid) = 0;
    [[nodiscard]] virtual Answer<Report> look(const Sight& sight) = 0;
    [[nodiscard]] virtual Answer<Plan> order(const Order& order, const Sight& sight) = 0;
    // `read_back`: the sectors that were written.
    [[nodiscard]] virtual Answer<Report> done(std::int64_t write, const Sight& read_back) = 0;

  protected:
    ~Office() = default;
};

enum class Fault : std::uint8_t {
    kNoCard,       // none, or torn away: put it back and do the same again
    kNotM1,        // something else than an M1 card
    kSeveral,      // more than one card in the field
    kNotUsable,    // its number is one that cannot be found again
    kSwapped,      // another card took its place: nothing of this is to be believed
    kRefused,      // the card does not let itself be written: damaged, or not ours
    kNotVerified,  // written, and reads back as something else: worn out
    kReader,       // the reader does not work
    kOffice,       // the office refused, or did not answer: `office`
    kPlan,         // the office ordered a trailer that would lock the sector for ever: not sent
};
struct Failure {
    Fault fault = Fault::kNoCard;
    std::uint8_t sector = 0;
    bool begun = false;  // something may have been written
    OfficeRefusal office{};
};

enum class Phase : std::uint8_t { kReading, kAsking, kWriting, kVerifying, kDone };
struct Moment {
    Phase phase = Phase::kReading;
    int step = 0;  // of the writing
    int steps = 0;
};
using Tell = std::function<void(const Moment&)>;

// kRecords: identity, tickets and what came back, about 20 exchanges; kAll: every sector with its access bits.
enum class Depth : std::uint8_t { kRecords, kAll };

// --- With keys at hand: what the desk agent does for a page, which asks the office itself.
[[nodiscard]] std::expected<Uid, Failure> who_lies_there(M1Reader& reader);
// kSwapped: it is not the card `uid`.
[[nodiscard]] std::expected<Sight, Failure> read_with(M1Reader& reader, const Uid& uid, const CardKeys& keys,
                                                      Depth depth, const Tell& tell = {});
// Writes and reads back: the sectors that were written, for the office's `done`.
[[nodiscard]] std::expected<Sight, Failure> write_with(M1Reader& reader, const Uid& uid, const CardKeys& keys,
                                                       const Plan& plan, const Tell& tell = {});

// --- With the office at hand.
// Only reads; the office is not told.
[[nodiscard]] std::expected<Sight, Failure> read_card(M1Reader& reader, Office& office, Depth depth,
                                                      const Tell& tell = {});

struct Looked {
    Sight sight;
    Report report;
};
// Reads, and the office hears of it: it keeps what came back and says what the card is.
[[nodiscard]] std::expected<Looked, Failure> look(M1Reader& reader, Office& office, Depth depth, const Tell& tell = {});

// Reads, orders, writes, reads back, reports.
[[nodiscard]] std::expected<Report, Failure> carry_out(M1Reader& reader, Office& office, const Order& order,
                                                       const Tell& tell = {});

}  // namespace prewatt::card::desk

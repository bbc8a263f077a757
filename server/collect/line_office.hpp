// What a line needs from the office and gives to it: the narrow waist between line masters and everything else. Whoever
// implements it (server/app on top of server/domain/office.hpp; a recorder in the tests) is called on the line's own
// strand, one call at a time, and must not block: what takes time is answered later through LineMaster's inputs.
//
// Success is effect. on_confirmed is called for an authenticated answer only; what a plain reading shows can make a
// master send again, never believe. Times are those of the office (UnixTime); `asked_at` is when the request left, so a
// value is at least as new as that.
#pragma once
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "card/seal.hpp"
#include "protocols/dlt645/private_items.hpp"
#include "server/collect/setting_driver.hpp"
#include "server/domain/types.hpp"

namespace prewatt::collect {

using server::BoxId;
using server::Delivery;
using server::DesiredState;
using server::HouseholdId;
using server::Part;
using server::UnixTime;

struct HouseholdReading {
    HouseholdId household;    // 0: the box has it, nobody is bound to it
    std::uint8_t number = 0;  // 1..39 in the box
    dlt645::HouseholdRecord record;
};
// One answer to "what changed": those that are not in it are as they were last told.
struct BlockReading {
    BoxId box;
    UnixTime asked_at;
    UnixTime at;
    dlt645::BoxFlags flags;
    std::uint8_t household_count = 0;
    std::span<const HouseholdReading> changed;
    bool complete = false;  // every household of the box is in it
};

// What a box had frozen at the instant `due`, read twice alike.
struct FrozenReading {
    HouseholdId household;    // 0: nobody is bound to it
    std::uint8_t number = 0;  // in the box
    dlt645::FrozenRegisters registers;
};
struct FreezeReading {
    BoxId box;
    CivilSeconds due = 0;   // of the box's clock
    CivilSeconds made = 0;  // later when it had no supply then
    std::span<const FrozenReading> households;
};

enum class ReadError : std::uint8_t {
    kUnknownBox,    // not on this line; nothing was sent
    kNoAnswer,      // asked as often as is useful; the box is silent or the line is cut
    kNotSupported,  // the meter does not know the item
    kLineDown,      // the port or the gateway cannot be opened
};
// A card on a shared reader of the line, and what became of it.
struct TapNews {
    std::uint16_t reader = 0;
    std::uint32_t tap = 0;
    std::uint64_t box_number = 0;  // as the card's clear header has it
    HouseholdId household;         // 0: not known
    std::uint8_t code = 0;         // docs/formats/card-codes.md; from 128 on dlt645::kCode..
    std::int32_t bought_hundredths = 0;
    std::int32_t remaining_hundredths = 0;
};
using LiveRequest = std::uint64_t;  // chosen by whoever asks

class LineOffice {
  public:
    // The master is out of command counters for this box: reserve `count`, all of them above `above` (0: no wish),
    // durably, and hand them to LineMaster::on_counters. Not asked again before that, or before counter_patience has
    // passed.
    virtual void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) = 0;

    virtual void on_block(const BlockReading& reading) = 0;
    virtual void on_power(BoxId box, const dlt645::BlockPower& power, UnixTime at) = 0;
    virtual void on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) = 0;
    virtual void on_status(BoxId box, const dlt645::BoxStatus& status, UnixTime at) = 0;
    virtual void on_live(LiveRequest request, const std::expected<dlt645::LiveValues, ReadError>& live,
                         UnixTime at) = 0;
    // The box began or ceased to answer.
    virtual void on_answering(BoxId box, bool answering, UnixTime at) = 0;

    // It went out on the line (every attempt).
    virtual void on_sent(const Delivery& delivery, UnixTime at) = 0;
    // The box's authenticated answer shows it.
    virtual void on_confirmed(const Delivery& delivery, const card::Effect& effect, UnixTime at) = 0;
    // It did not come through; a sentence for a person. for_good: the box will never do it, the master has given up.
    // Otherwise it goes on trying, and tells each new problem once.
    virtual void on_refused(const Delivery& delivery, std::string_view problem, bool for_good, UnixTime at) = 0;

    // Of the settings of this box (setting_driver.hpp). Whoever desires none hears nothing.
    virtual void on_setting(BoxId, const SettingNews&, UnixTime) {}
    // A freeze that was wanted (LineMaster::want_freezes). Whoever wants none hears nothing.
    virtual void on_freeze(const FreezeReading&) {}

    // Of the shared readers. What a tap did to an account also comes as on_confirmed, where the box's RETURN proves it.
    virtual void on_tap(const TapNews&, UnixTime) {}
    // The reader began or ceased to answer.
    virtual void on_reader(std::uint16_t, bool, UnixTime) {}

  protected:
    ~LineOffice() = default;
};

}  // namespace prewatt::collect

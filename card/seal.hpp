// Sealed commands: what an office says to a box and what the box answers, authenticated and safe against replay.
// Byte-exact in docs/formats/sealed-command.md. This file decides the layout, the keys and what a ticket is; whether a
// counter is fresh is decided by the meter (meter/core/command_guard), when to send is decided by server/collect.
//
//   request   DI 4 | operator 4 | counter 4 | household 1 | command 1 + arguments 0..15 | tag 12      at most 41 bytes
//   answer    DI 4 | counter 4 | household 1 | result 1 | body 0..16 | tag 12
//
// Keys: one per box and direction, made from the master key of the site, so a box that is opened gives away itself
// only. The tag of an answer covers the request's operator and counter, so an old answer cannot be played to a new
// request.
#pragma once
#include <cstdint>
#include <expected>
#include <variant>

#include "base/bytes.hpp"
#include "base/civil_time.hpp"
#include "base/fixed_vector.hpp"
#include "base/hold.hpp"
#include "base/units.hpp"
#include "card/mac.hpp"
#include "settings/settings.hpp"

namespace prewatt::card {

// The ten digits of a box number.
using BoxDigits = std::uint64_t;

enum class Direction : std::uint8_t { kToMeter = 1, kFromMeter = 2 };
struct BoxKeys {
    Key to_meter{};
    Key from_meter{};
};
// K = CMAC(master, 01 | "PREWATT" | direction | box number, 5 BCD bytes low first | 0080H): NIST SP 800-108 counter
// mode, one block.
[[nodiscard]] BoxKeys diversify(Mac& mac, const Key& master, BoxDigits box);

// --- Commands. Amounts are hundredths of the account's unit.
// "Credited so far in epoch e, as of ticket n, is T": a total, not an increment.
struct Ticket {
    std::uint16_t epoch = 0;   // 1.. ; a higher one opens a new account
    std::uint32_t number = 0;  // 1.. ; within the epoch the highest counts
    std::int64_t credited_hundredths = 0;
    friend constexpr bool operator==(const Ticket&, const Ticket&) = default;
};
struct RemoteHold {
    bool off = false;
    friend constexpr bool operator==(RemoteHold, RemoteHold) = default;
};
// Overrule `overruled` for `minutes` (0: end it now).
struct ForcePower {
    std::uint16_t minutes = 0;
    HoldSet overruled;
    friend constexpr bool operator==(ForcePower, ForcePower) = default;
};
struct Acknowledge {
    friend constexpr bool operator==(Acknowledge, Acknowledge) = default;
};  // the cut-off alarm
struct Alarms {
    std::uint32_t low_hundredths = 0;
    std::uint32_t cutoff_hundredths = 0;
    std::uint32_t overdraft_hundredths = 0;
    friend constexpr bool operator==(const Alarms&, const Alarms&) = default;
};
struct SetClock {
    CivilSeconds time = 0;
    friend constexpr bool operator==(SetClock, SetClock) = default;
};  // household 0
struct SetConstant {
    std::uint16_t pulses_per_kwh = 0;
    friend constexpr bool operator==(SetConstant, SetConstant) = default;
};  // household 0
// Some bytes of a setting. A box gathers the parts of one setting at a time, in memory that a restart empties; a part
// of another setting drops what was gathered. Nothing takes effect before CommitSetting.
inline constexpr std::size_t kSettingPartMax = 12;
struct StageSetting {
    settings::SettingId setting{};
    std::uint8_t index = 0;
    std::uint8_t offset = 0;
    FixedVector<Byte, kSettingPartMax> part;  // 1..12 bytes
    friend constexpr bool operator==(const StageSetting& a, const StageSetting& b) {
        return a.setting == b.setting && a.index == b.index && a.offset == b.offset &&
               equal({a.part.data(), a.part.size()}, {b.part.data(), b.part.size()});
    }
};
// The parts together are this setting; it takes effect as a whole or not at all.
struct CommitSetting {
    settings::SettingId setting{};
    std::uint8_t index = 0;
    std::uint8_t length = 0;
    std::uint32_t crc = 0;  // CRC-32 of the whole
    friend constexpr bool operator==(const CommitSetting&, const CommitSetting&) = default;
};
// Registers and account to nothing (product.md M18). A household: kCarryOut at once. The box: kAnnounce, and kCarryOut
// as the very next command within five minutes; so no single frame can empty a whole box.
enum class ClearStep : std::uint8_t { kAnnounce = 1, kCarryOut = 2 };
struct Clear {
    ClearStep step = ClearStep::kAnnounce;
    friend constexpr bool operator==(Clear, Clear) = default;
};
// Tries counted so far, and the lock-out that came of them.
struct ResetLockout {
    bool overload = false;
    bool malignant = false;
    friend constexpr bool operator==(ResetLockout, ResetLockout) = default;
};
// The next malignant step of the household is stored as a permitted appliance, for so many days. 0 days: no longer.
struct LearnAppliance {
    std::uint8_t slot = 0;
    std::uint16_t days = 0;
    friend constexpr bool operator==(LearnAppliance, LearnAppliance) = default;
};
using Command = std::variant<Ticket, RemoteHold, ForcePower, Acknowledge, Alarms, SetClock, SetConstant, StageSetting,
                             CommitSetting, Clear, ResetLockout, LearnAppliance>;
// Commands are numbered 1.. on the wire.
inline constexpr std::uint8_t kCommandCodeMax = std::variant_size_v<Command>;

struct Request {
    std::uint32_t operator_number = 0;  // who, for the meter's log
    std::uint32_t counter = 0;          // strictly rising for each box
    std::uint8_t household = 0;         // 0: the box
    Command command;
};

enum class Result : std::uint8_t {
    kDone = 0,
    kOldCounter = 1,    // nothing done; body: the highest counter that the box has accepted, u32
    kNoHousehold = 2,   // nothing done
    kBadArgument = 3,   // nothing done
    kNotSupported = 4,  // nothing done: a command that this firmware does not know
    kNotStored = 5,     // nothing done: storage refused; try again later
};
// The body of an answer to a command for a household: the effect, so that success is what the meter shows.
struct Effect {
    std::uint16_t epoch = 0;
    std::uint32_t ticket_number = 0;
    std::int32_t remaining_hundredths = 0;
    HouseholdState state;
    friend constexpr bool operator==(const Effect&, const Effect&) = default;
};
struct Answer {
    std::uint32_t counter = 0;
    std::uint8_t household = 0;
    Result result = Result::kDone;
    bool repeated = false;           // this counter had been executed before and was not executed again
    Effect effect;                   // when a household was meant and the result is not kOldCounter
    std::uint32_t last_counter = 0;  // when the result is kOldCounter
};

enum class SealError : std::uint8_t {
    kLength,  // too short or too long: nothing may be concluded
    kTag,     // not from who it claims, or damaged: nothing may be concluded
    kOther,   // an authentic answer to something else, or with a result that this version does not know
};

inline constexpr std::size_t kSealedRequestMax = 41;
inline constexpr std::size_t kSealedAnswerMax = 4 + 4 + 1 + 1 + 16 + 12;
using SealedRequest = FixedVector<Byte, kSealedRequestMax>;
using SealedAnswer = FixedVector<Byte, kSealedAnswerMax>;

// What was asked, authentic. `known` is false where this firmware does not know the command or its arguments are
// malformed; counter and household are right even then, so that the refusal can be authenticated too.
struct OpenedRequest {
    Request request;
    bool known = true;
};

[[nodiscard]] SealedRequest seal_request(Mac& mac, const BoxKeys& keys, BoxDigits box, const Request& request);
// Errors: kLength, kTag.
[[nodiscard]] std::expected<OpenedRequest, SealError> unseal_request(Mac& mac, const BoxKeys& keys, BoxDigits box,
                                                                     Bytes data);
[[nodiscard]] SealedAnswer seal_answer(Mac& mac, const BoxKeys& keys, BoxDigits box, std::uint32_t operator_number,
                                       const Answer& answer);
// `asked` is the request that this should answer. Errors: kLength, kTag, kOther.
[[nodiscard]] std::expected<Answer, SealError> unseal_answer(Mac& mac, const BoxKeys& keys, BoxDigits box,
                                                             const Request& asked, Bytes data);

}  // namespace prewatt::card

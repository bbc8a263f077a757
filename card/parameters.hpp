// A list of parameters on a card: settings (settings/, the same bytes as on the line) and alarm levels, cut into parts
// of one sector each. Byte-exact in docs/formats/card.md. Taken as a whole or not at all: every part names the version
// and the sum of the whole, and every value is checked before the first takes effect.
//
// On a household card the list is sealed for the box and may name that household only. On a set-up card it is sealed
// site-wide, once for many boxes, and counts only under a right (records.hpp) whose digest, made with the keys of that
// one box, fits.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>

#include "card/records.hpp"
#include "settings/settings.hpp"

namespace prewatt::card {

// Beside the numbers of settings::SettingId: alarm levels of a household, 12 bytes as in a sealed command.
inline constexpr std::uint8_t kAlarmsParameter = 0xE1;
inline constexpr std::size_t kParameterListBytesMax = kParameterPartsMax * kParameterPartBytes;

enum class ParameterError : std::uint8_t {
    kPart,       // a part of another version or another writing: nothing may be concluded
    kMissing,    // not all parts are there: the card was torn when it was written; the desk writes it again
    kMalformed,  // authentic, and no list of parameters: the office's mistake
    kForeign,    // names another household, or the box, on a household card
    kValue,      // a setting that does not exist in this box or is out of its range
};

struct Parameter {
    std::uint8_t id = 0;  // settings::SettingId or kAlarmsParameter
    std::uint8_t household = 0;
    std::uint8_t index = 0;
    Bytes bytes;  // points into the list
    [[nodiscard]] settings::SettingKey key() const { return {static_cast<settings::SettingId>(id), household, index}; }
};
// Of kAlarmsParameter; nullopt: not twelve bytes.
[[nodiscard]] std::optional<Alarms> alarms_of(Bytes bytes);

class ParameterList {
  public:
    // False: no room (kParameterListBytesMax with 4 bytes beside each value); nothing was added.
    [[nodiscard]] bool add(settings::SettingKey key, Bytes value);
    [[nodiscard]] bool add_alarms(std::uint8_t household, const Alarms& alarms);

    [[nodiscard]] std::uint8_t parts() const;  // 0: empty
    // Part k of the list, to be sealed. `household` and `version` as in ParameterRecord.
    [[nodiscard]] ParameterRecord part(std::uint8_t k, std::uint8_t household, std::uint32_t version) const;
    // What a right for the box of `keys` names.
    [[nodiscard]] ParameterDigest digest(Mac& mac, const RecordKeys& keys) const;
    // Is this the list that the right, opened with the same keys, orders for their box?
    [[nodiscard]] bool is_ordered_by(const RightRecord& right, Mac& mac, const RecordKeys& keys) const;

    // The entry that begins at `at`, which is moved behind it; nullopt at the end. Errors: kMalformed.
    [[nodiscard]] std::expected<std::optional<Parameter>, ParameterError> next(std::size_t& at) const;
    // Everything before anything takes effect. `only_household`: of a household card; nullopt: any, and the box's own.
    // Errors: kMalformed, kForeign, kValue.
    [[nodiscard]] std::expected<void, ParameterError> check(std::optional<std::uint8_t> only_household,
                                                            int household_count) const;

  private:
    friend class ParameterGatherer;
    [[nodiscard]] Bytes padded() const;
    [[nodiscard]] bool add(std::uint8_t id, std::uint8_t household, std::uint8_t index, Bytes value);

    std::array<Byte, kParameterListBytesMax> bytes_{};
    std::size_t size_ = 0;
};

// Puts parts together, in any order.
class ParameterGatherer {
  public:
    // The first part decides version and count. Errors: kPart (it is not taken; the others stay).
    [[nodiscard]] std::expected<void, ParameterError> take(const ParameterRecord& record);
    [[nodiscard]] std::uint8_t parts() const { return parts_; }  // 0: none came yet
    [[nodiscard]] std::uint32_t version() const { return version_; }
    // Errors: kMissing, kPart (the sum does not fit).
    [[nodiscard]] std::expected<ParameterList, ParameterError> list() const;

  private:
    ParameterList list_;
    std::uint32_t version_ = 0;
    std::uint32_t crc_ = 0;
    std::uint16_t seen_ = 0;
    std::uint8_t parts_ = 0;
    std::uint8_t household_ = 0;
};

}  // namespace prewatt::card

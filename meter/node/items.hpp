// What a read (function 11H) of DL/T 645 finds in a box: standard items of every household and of the box itself, and
// our private ones. Settings are in setting_items, what has happened is in record_items.
//
// A household is a single-phase meter: whatever phase it hangs on is its phase A; B and C are "not fitted" and read FF.
// The box (household number 0) is a three-phase meter over all its households. Numbers too large for their digits are
// saturated, energies wrap as the standard's registers do. Lengths and formats: docs/formats/dlt645.md,
// docs/formats/dlt645-private.md.
#pragma once
#include <algorithm>
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"
#include "base/units.hpp"
#include "meter/node/box.hpp"
#include "meter/node/record_items.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::meter {

inline constexpr std::size_t kItemSizeMax = std::max(dlt645::kHouseholdBlockSizeMax, kRecordItemSizeMax);

// The data of item `id` behind its identifier. `meter`: 0 the box, else a household that exists. `asked`: what followed
// the identifier in the request. Errors: kNoSuchData (not known, or not of this meter), kOther (the request has a wrong
// length).
[[nodiscard]] std::expected<std::size_t, dlt645::Error> read_item(Box& box, std::uint8_t meter, dlt645::DataId id,
                                                                  Bytes asked, MutableBytes out, Instant now);

}  // namespace prewatt::meter

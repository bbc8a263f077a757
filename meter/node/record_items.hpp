// What a read (function 11H) finds of the archive: events, trips and closings, freezes, load records, captures.
// Standard items DI3 = 03, 05, 06, 1D, 1E as docs/formats/dlt645.md has them, private ones as in
// docs/formats/event-log.md.
//
// A household answers for itself, the box for itself and, in counters of households' kinds, for all of them. A box
// whose memory is too small for records has none of this (kNoSuchData).
#pragma once
#include <cstdint>
#include <expected>

#include "base/bytes.hpp"
#include "meter/core/archive.hpp"
#include "meter/core/books.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::meter {

inline constexpr std::size_t kRecordItemSizeMax = 656;

// Is this identifier answered here?
[[nodiscard]] bool is_record_item(dlt645::DataId id);
// The private item that brings events, newest first: whoever asks for it reads the log.
[[nodiscard]] constexpr bool is_event_list(dlt645::DataId id) {
    return id.di3() == 0xEC && id.di2() == 0x03 && id.di1() == 0x01;
}
// As read_item (meter/node/items.hpp).
[[nodiscard]] std::expected<std::size_t, dlt645::Error> read_record_item(const Archive& archive, const Books& books,
                                                                         std::uint8_t meter, dlt645::DataId id,
                                                                         Bytes asked, MutableBytes out);

}  // namespace prewatt::meter

// Settings as a read of DL/T 645 finds them: our own bytes whole (EC02iikk), and what the standard has items for, as
// far as it can say it. A household answers with the plans that it follows, the box with those of household 1.
//
// The standard knows rates but no "off" or "limited" in a day table, one week pattern of working days and rest days,
// and lists of fixed length: the first period that a table lacks repeats its last one.
#pragma once
#include <cstdint>

#include "meter/node/item_writer.hpp"
#include "protocols/dlt645/private_items.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

// Items of DI3 = 04 that are settings. False: none of them, nothing written.
[[nodiscard]] bool put_setting_item(const settings::Settings& settings, std::uint8_t meter, dlt645::DataId id,
                                    ItemWriter& out);
// EC02xxxx. Bytes written; 0: not a setting of this meter.
[[nodiscard]] std::size_t read_setting(const settings::Settings& settings, int household_count, std::uint8_t meter,
                                       dlt645::DataId id, MutableBytes out);

}  // namespace prewatt::meter

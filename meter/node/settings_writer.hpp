// Gathers the parts of one setting until they are committed as a whole (docs/formats/sealed-command.md, 08 and 09).
//
// Decides which bytes belong together, not whether they are legal (settings::check) nor whether they may be stored
// (Box). One setting at a time: a part of another one drops what was there. Held in memory only; a restart empties it,
// and the office that then hears "bad argument" sends all parts again.
#pragma once
#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "settings/settings.hpp"

namespace prewatt::meter {

class SettingsWriter {
  public:
    // A part that may be staged: it ends within the largest setting.
    [[nodiscard]] static bool fits(std::uint8_t offset, std::size_t part_bytes) {
        return part_bytes > 0 && offset + part_bytes <= settings::kSettingBytesMax;
    }
    // Only what fits().
    void stage(settings::SettingKey key, std::uint8_t offset, Bytes part);
    // The first `length` bytes of this setting; nothing where a part of them is missing or their CRC-32 is another one.
    [[nodiscard]] Bytes whole(settings::SettingKey key, std::uint8_t length, std::uint32_t crc) const;
    void drop() { there_ = 0; }

  private:
    settings::SettingKey key_{};
    std::array<Byte, settings::kSettingBytesMax> bytes_{};
    std::uint64_t there_ = 0;  // bit k: byte k has come
    static_assert(settings::kSettingBytesMax <= 64);
};

}  // namespace prewatt::meter

#include "meter/node/settings_writer.hpp"

#include <algorithm>

#include "base/crc.hpp"

namespace prewatt::meter {

void SettingsWriter::stage(settings::SettingKey key, std::uint8_t offset, Bytes part) {
    if (!(key == key_)) there_ = 0;
    key_ = key;
    std::copy(part.begin(), part.end(), bytes_.begin() + offset);
    for (std::size_t k = offset; k < offset + part.size(); ++k)
        there_ |= std::uint64_t{1} << k;
}

Bytes SettingsWriter::whole(settings::SettingKey key, std::uint8_t length, std::uint32_t crc) const {
    if (!(key == key_) || length == 0 || length > bytes_.size()) return {};
    const std::uint64_t all = length == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1;
    const Bytes value{bytes_.data(), length};
    if ((there_ & all) != all || crc32(value) != crc) return {};
    return value;
}

}  // namespace prewatt::meter

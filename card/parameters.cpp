#include "card/parameters.hpp"

#include <cassert>

#include "base/crc.hpp"

namespace prewatt::card {
namespace {

constexpr std::size_t kEntryHead = 4;  // id, household, index, length
constexpr std::size_t kAlarmsBytes = 12;
static_assert(kParameterPartsMax <= 16);

}  // namespace

std::optional<Alarms> alarms_of(Bytes bytes) {
    ByteReader reader(bytes);
    Alarms alarms;
    alarms.low_hundredths = reader.get_u32();
    alarms.cutoff_hundredths = reader.get_u32();
    alarms.overdraft_hundredths = reader.get_u32();
    if (!reader.finished()) return std::nullopt;
    return alarms;
}

bool ParameterList::add(std::uint8_t id, std::uint8_t household, std::uint8_t index, Bytes value) {
    if (id == 0 || value.empty() || value.size() > settings::kSettingBytesMax) return false;
    if (kEntryHead + value.size() > bytes_.size() - size_) return false;
    ByteWriter writer(MutableBytes(bytes_).subspan(size_));
    writer.put_u8(id);
    writer.put_u8(household);
    writer.put_u8(index);
    writer.put_u8(static_cast<std::uint8_t>(value.size()));
    writer.put(value);
    size_ += writer.size();
    return true;
}
bool ParameterList::add(settings::SettingKey key, Bytes value) {
    return add(static_cast<std::uint8_t>(key.id), key.household, key.index, value);
}
bool ParameterList::add_alarms(std::uint8_t household, const Alarms& alarms) {
    std::array<Byte, kAlarmsBytes> value{};
    ByteWriter writer(value);
    writer.put_u32(alarms.low_hundredths);
    writer.put_u32(alarms.cutoff_hundredths);
    writer.put_u32(alarms.overdraft_hundredths);
    return add(kAlarmsParameter, household, 0, value);
}

std::uint8_t ParameterList::parts() const {
    return static_cast<std::uint8_t>((size_ + kParameterPartBytes - 1) / kParameterPartBytes);
}
Bytes ParameterList::padded() const {
    return Bytes(bytes_).first(parts() * kParameterPartBytes);
}

ParameterRecord ParameterList::part(std::uint8_t k, std::uint8_t household, std::uint32_t version) const {
    assert(k < parts());
    ParameterRecord record;
    record.household = household;
    record.version = version;
    record.part = k;
    record.parts = parts();
    record.crc = crc32(padded());
    ByteWriter(record.bytes).put(padded().subspan(k * kParameterPartBytes, kParameterPartBytes));
    return record;
}

ParameterDigest ParameterList::digest(Mac& mac, const RecordKeys& keys) const {
    // 'P' begins no other message under this key: the tag of a record begins with the length of a UID.
    std::array<Byte, 2 + kParameterListBytesMax> message{};
    ByteWriter writer(message);
    writer.put_u8('P');
    writer.put_u8(parts());
    writer.put(padded());
    const Tag whole = mac.cmac(keys.mac, writer.written());
    ParameterDigest digest{};
    for (std::size_t k = 0; k < digest.size(); ++k)
        digest[k] = whole[k];
    return digest;
}

bool ParameterList::is_ordered_by(const RightRecord& right, Mac& mac, const RecordKeys& keys) const {
    return right.kind == CardKind::kSetUp && keys.box != 0 && right.parts == parts() &&
           equal_constant_time(right.digest, digest(mac, keys));
}

std::expected<std::optional<Parameter>, ParameterError> ParameterList::next(std::size_t& at) const {
    const Bytes all = padded();
    if (at >= all.size() || all[at] == 0) {
        for (std::size_t k = at; k < all.size(); ++k)
            if (all[k] != 0) return std::unexpected(ParameterError::kMalformed);
        return std::optional<Parameter>{};
    }
    ByteReader reader(all.subspan(at));
    Parameter parameter;
    parameter.id = reader.get_u8();
    parameter.household = reader.get_u8();
    parameter.index = reader.get_u8();
    const std::uint8_t length = reader.get_u8();
    parameter.bytes = reader.take(length);
    if (!reader.ok() || length == 0) return std::unexpected(ParameterError::kMalformed);
    at += kEntryHead + length;
    return std::optional<Parameter>{parameter};
}

std::expected<void, ParameterError> ParameterList::check(std::optional<std::uint8_t> only_household,
                                                         int household_count) const {
    std::size_t at = 0;
    for (;;) {
        const auto entry = next(at);
        if (!entry) return std::unexpected(entry.error());
        if (!*entry) break;
        const Parameter& parameter = **entry;
        if (only_household && parameter.household != *only_household) return std::unexpected(ParameterError::kForeign);
        if (parameter.id == kAlarmsParameter) {
            if (parameter.household == 0 || parameter.household > household_count || parameter.index != 0 ||
                !alarms_of(parameter.bytes))
                return std::unexpected(ParameterError::kValue);
        } else if (!settings::check(parameter.key(), parameter.bytes, household_count)) {
            return std::unexpected(ParameterError::kValue);
        }
    }
    return {};
}

std::expected<void, ParameterError> ParameterGatherer::take(const ParameterRecord& record) {
    if (!is_legal(record)) return std::unexpected(ParameterError::kPart);
    if (parts_ == 0) {
        parts_ = record.parts;
        version_ = record.version;
        crc_ = record.crc;
        household_ = record.household;
        list_.size_ = parts_ * kParameterPartBytes;
    }
    if (record.parts != parts_ || record.version != version_ || record.crc != crc_ || record.household != household_)
        return std::unexpected(ParameterError::kPart);
    ByteWriter(MutableBytes(list_.bytes_).subspan(record.part * kParameterPartBytes)).put(record.bytes);
    seen_ = static_cast<std::uint16_t>(seen_ | 1u << record.part);
    return {};
}

std::expected<ParameterList, ParameterError> ParameterGatherer::list() const {
    if (parts_ == 0 || seen_ != (1u << parts_) - 1) return std::unexpected(ParameterError::kMissing);
    if (crc32(list_.padded()) != crc_) return std::unexpected(ParameterError::kPart);
    return list_;
}

}  // namespace prewatt::card

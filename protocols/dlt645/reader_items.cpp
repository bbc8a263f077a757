#include "protocols/dlt645/reader_items.hpp"

namespace prewatt::dlt645 {
namespace {

constexpr std::uint8_t kFormat = 1;

// --- The byte in front of a card: bits 0..2 length of the number, 3 slot, 4 there is another copy.
void put_card(ByteWriter& writer, const ShownCard& card) {
    writer.put_u8(static_cast<std::uint8_t>(card.uid.size() | (card.slot & 1u) << 3 | (card.has_other ? 1u : 0u) << 4));
    std::array<Byte, 7> uid{};
    for (std::size_t k = 0; k < card.uid.size(); ++k)
        uid[k] = card.uid[k];
    writer.put(uid);
    writer.put(card.credit);
}

bool get_card(ByteReader& reader, ShownCard& card) {
    const std::uint8_t head = reader.get_u8();
    const Bytes uid = reader.take(7);
    const Bytes credit = reader.take(kCardRecordBytes);
    if (!reader.ok() || (head & 0xE0) != 0) return false;
    const std::size_t length = head & 7u;
    if (length != 4 && length != 7) return false;
    for (std::size_t k = 0; k < uid.size(); ++k) {
        if (k < length)
            card.uid.push_back(uid[k]);
        else if (uid[k] != 0)
            return false;
    }
    card.slot = head >> 3 & 1;
    card.has_other = (head >> 4 & 1) != 0;
    for (std::size_t k = 0; k < kCardRecordBytes; ++k)
        card.credit[k] = credit[k];
    return true;
}

std::size_t size_of(const ByteWriter& writer) {
    return writer.ok() ? writer.size() : 0;
}

}  // namespace

Address address_of(ReaderNumber reader) {
    return address_of(BoxNumber{reader.value}, Household{kReaderHousehold});
}

std::size_t encode(const ReaderTap& tap, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u8(static_cast<std::uint8_t>(tap.state));
    if (tap.state == TapState::kWaiting) {
        writer.put_u32(tap.tap);
        put_card(writer, tap.card);
    } else if (tap.state == TapState::kReport) {
        writer.put_u32(tap.tap);
        writer.put_u8(tap.written ? 1 : 0);
        writer.put_u32(tap.generation);
    }
    return size_of(writer);
}

std::optional<ReaderTap> decode_reader_tap(Bytes data) {
    ByteReader reader(data);
    ReaderTap tap;
    if (reader.get_u8() != kFormat) return std::nullopt;
    const std::uint8_t state = reader.get_u8();
    if (!reader.ok() || state > static_cast<std::uint8_t>(TapState::kReport)) return std::nullopt;
    tap.state = static_cast<TapState>(state);
    if (tap.state == TapState::kWaiting) {
        tap.tap = reader.get_u32();
        if (!get_card(reader, tap.card)) return std::nullopt;
    } else if (tap.state == TapState::kReport) {
        tap.tap = reader.get_u32();
        const std::uint8_t written = reader.get_u8();
        if (written > 1) return std::nullopt;
        tap.written = written == 1;
        tap.generation = reader.get_u32();
    }
    return reader.finished() ? std::optional(tap) : std::nullopt;
}

std::size_t encode(const CardPresented& presented, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u16(presented.reader.value);
    writer.put_u32(presented.tap);
    put_card(writer, presented.card);
    return size_of(writer);
}

std::optional<CardPresented> decode_card_presented(Bytes data) {
    ByteReader reader(data);
    CardPresented presented;
    if (reader.get_u8() != kFormat) return std::nullopt;
    presented.reader.value = reader.get_u16();
    presented.tap = reader.get_u32();
    if (!get_card(reader, presented.card)) return std::nullopt;
    return reader.finished() && presented.reader.value != 0 ? std::optional(presented) : std::nullopt;
}

std::size_t encode(const CardOutcome& outcome, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u16(outcome.reader.value);
    writer.put_u32(outcome.tap);
    writer.put_u8(static_cast<std::uint8_t>((outcome.slot & 1u) | (outcome.has_return ? 1u : 0u) << 1));
    writer.put_u8(outcome.code);
    writer.put_u8(outcome.household);
    writer.put_u32(static_cast<std::uint32_t>(outcome.bought_hundredths));
    writer.put_u32(static_cast<std::uint32_t>(outcome.remaining_hundredths));
    if (outcome.has_return) writer.put(outcome.return_record);
    return size_of(writer);
}

std::optional<CardOutcome> decode_card_outcome(Bytes data) {
    ByteReader reader(data);
    CardOutcome outcome;
    if (reader.get_u8() != kFormat) return std::nullopt;
    outcome.reader.value = reader.get_u16();
    outcome.tap = reader.get_u32();
    const std::uint8_t flags = reader.get_u8();
    if ((flags & 0xFC) != 0) return std::nullopt;
    outcome.slot = flags & 1;
    outcome.has_return = (flags >> 1 & 1) != 0;
    outcome.code = reader.get_u8();
    outcome.household = reader.get_u8();
    outcome.bought_hundredths = static_cast<std::int32_t>(reader.get_u32());
    outcome.remaining_hundredths = static_cast<std::int32_t>(reader.get_u32());
    if (outcome.has_return) {
        const Bytes record = reader.take(kCardRecordBytes);
        for (std::size_t k = 0; k < record.size(); ++k)
            outcome.return_record[k] = record[k];
    }
    return reader.finished() && outcome.reader.value != 0 ? std::optional(outcome) : std::nullopt;
}

std::size_t encode(const CardWritten& written, MutableBytes out) {
    ByteWriter writer(out);
    writer.put_u8(kFormat);
    writer.put_u16(written.reader.value);
    writer.put_u32(written.tap);
    writer.put_u8(written.household);
    writer.put_u32(written.generation);
    return size_of(writer);
}

std::optional<CardWritten> decode_card_written(Bytes data) {
    ByteReader reader(data);
    CardWritten written;
    if (reader.get_u8() != kFormat) return std::nullopt;
    written.reader.value = reader.get_u16();
    written.tap = reader.get_u32();
    written.household = reader.get_u8();
    written.generation = reader.get_u32();
    return reader.finished() && written.reader.value != 0 ? std::optional(written) : std::nullopt;
}

}  // namespace prewatt::dlt645

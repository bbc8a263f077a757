#include "card/sealed_record.hpp"

#include <cassert>

#include "base/bcd.hpp"

namespace prewatt::card {
namespace {

constexpr std::size_t kBoxBytes = 5;
using Header = std::array<Byte, kHeaderBytes>;
using ShortTag = std::array<Byte, kRecordTagBytes>;

Header encode(const RecordHeader& header) {
    Header bytes{};
    ByteWriter writer(bytes);
    writer.put_u8(kRecordMagic);
    writer.put_u8(static_cast<std::uint8_t>(header.type));
    writer.put_u8(header.key_version);
    writer.put_u8(header.note);
    std::array<Byte, kBoxBytes> box{};
    put_bcd(box, header.box);
    writer.put(box);
    writer.put_u8(header.household);
    writer.put_u32(header.generation);
    writer.put_u16(header.epoch);
    assert(writer.ok() && writer.size() == kHeaderBytes);
    return bytes;
}

ShortTag tag_of(Mac& mac, const RecordKeys& keys, const Uid& uid, Bytes header, const Body& body) {
    std::array<Byte, 1 + Uid::capacity() + kHeaderBytes + kBodyBytes> message{};
    ByteWriter writer(message);
    writer.put_u8(static_cast<std::uint8_t>(uid.size()));
    writer.put({uid.data(), uid.size()});
    writer.put(header);
    writer.put(body);
    assert(writer.ok());
    const Tag whole = mac.cmac(keys.mac, writer.written());
    ShortTag tag{};
    for (std::size_t k = 0; k < tag.size(); ++k)
        tag[k] = whole[k];
    return tag;
}

// The body with the key stream that belongs to the tag; twice gives the body again.
Body masked(Mac& mac, const RecordKeys& keys, const Uid& uid, const ShortTag& tag, Body body) {
    for (std::size_t at = 0; at < body.size(); at += kBlockBytes) {
        std::array<Byte, kBlockBytes> input{};
        for (std::size_t k = 0; k < tag.size(); ++k)
            input[k] = tag[k];
        for (std::size_t k = 0; k < uid.size(); ++k)
            input[tag.size() + k] = uid[k];
        input[kBlockBytes - 1] = static_cast<Byte>(1 + at / kBlockBytes);
        const Tag stream = mac.cmac(keys.encryption, input);
        for (std::size_t k = 0; k < kBlockBytes && at + k < body.size(); ++k)
            body[at + k] = static_cast<Byte>(body[at + k] ^ stream[k]);
    }
    return body;
}
static_assert(kRecordTagBytes + Uid::capacity() + 1 == kBlockBytes);

}  // namespace

std::expected<RecordHeader, RecordError> read_header(Bytes block_0) {
    ByteReader reader(block_0);
    const std::uint8_t magic = reader.get_u8();
    if (block_0.size() != kHeaderBytes || magic >> 4 != kRecordMagic >> 4) return std::unexpected(RecordError::kEmpty);
    if (magic != kRecordMagic) return std::unexpected(RecordError::kVersion);
    RecordHeader header;
    const std::uint8_t type = reader.get_u8();
    header.key_version = reader.get_u8();
    header.note = reader.get_u8();
    const auto box = get_bcd(reader.take(kBoxBytes));
    header.household = reader.get_u8();
    header.generation = reader.get_u32();
    header.epoch = reader.get_u16();
    if (!box) return std::unexpected(RecordError::kEmpty);
    header.box = *box;
    if (type == 0 || type > kRecordTypeMax) return std::unexpected(RecordError::kVersion);
    header.type = static_cast<RecordType>(type);
    return header;
}

RecordBytes seal_record(Mac& mac, const RecordKeys& keys, const Uid& uid, RecordHeader header, const Body& body) {
    header.box = keys.box;
    header.key_version = keys.version;
    const Header head = encode(header);
    const ShortTag tag = tag_of(mac, keys, uid, head, body);
    RecordBytes bytes{};
    ByteWriter writer(bytes);
    writer.put(head);
    writer.put(masked(mac, keys, uid, tag, body));
    writer.put(tag);
    assert(writer.ok() && writer.size() == kRecordBytes);
    return bytes;
}

std::expected<OpenedRecord, RecordError> open_record(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                     const RecordBytes& bytes) {
    ByteReader reader(bytes);
    const Bytes head = reader.take(kHeaderBytes);
    const auto header = read_header(head);
    if (!header) return std::unexpected(header.error());
    if (header->box != keys.box) return std::unexpected(RecordError::kNotYours);
    if (header->key_version != keys.version) return std::unexpected(RecordError::kKeyVersion);
    Body body{};
    ByteWriter(body).put(reader.take(kBodyBytes));
    ShortTag tag{};
    ByteWriter(tag).put(reader.take(kRecordTagBytes));
    body = masked(mac, keys, uid, tag, body);
    if (!equal_constant_time(tag_of(mac, keys, uid, head, body), tag)) return std::unexpected(RecordError::kTag);
    return OpenedRecord{*header, body};
}

}  // namespace prewatt::card

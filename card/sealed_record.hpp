// A record on a card: 48 bytes that anybody may copy, restore, move and edit, and that open only with the keys of the
// box that they were sealed for, on the card (UID) that they were sealed for. Byte-exact in docs/formats/card.md.
//
//   block 0   header, clear and authenticated: C1 | type | key version | note | box 5 BCD | household | generation 4 |
//             epoch 2: a reader on the line finds the box without holding a key
//   block 1   first 16 bytes of the sealed body
//   block 2   last 8 bytes of the sealed body | tag 8
//
// Written in the order block 1, block 0, block 2: the tag comes last, so a record that was torn does not open.
// Sealed as SIV: the tag over UID, header and body is also the start of the key stream. Two bodies never share a key
// stream, also where an old copy of the card is restored and generations repeat, which would break a counter mode.
// The only primitive is CMAC (key stream = CMAC in counter mode, SP 800-108), so a meter needs no second cipher.
//
// What a type's body means is decided by records.hpp, which copy counts by copies.hpp, what happens by the meter.
#pragma once
#include <array>
#include <cstdint>
#include <expected>

#include "card/card_keys.hpp"
#include "card/m1_reader.hpp"
#include "card/mac.hpp"

namespace prewatt::card {

inline constexpr std::size_t kRecordBlocks = 3;
inline constexpr std::size_t kRecordBytes = kRecordBlocks * kBlockBytes;
inline constexpr std::size_t kHeaderBytes = kBlockBytes;
inline constexpr std::size_t kBodyBytes = 24;
inline constexpr std::size_t kRecordTagBytes = 8;
static_assert(kHeaderBytes + kBodyBytes + kRecordTagBytes == kRecordBytes);
using RecordBytes = std::array<Byte, kRecordBytes>;
using Body = std::array<Byte, kBodyBytes>;

// C: a card record; 1: this version of the format. A version that reads differently gets another number.
inline constexpr Byte kRecordMagic = 0xC1;

enum class RecordType : std::uint8_t {
    kIdentity = 1,
    kCredit = 2,
    kReturn = 3,
    kParameter = 4,
    kRight = 5,
    kReceipt = 6,
};
inline constexpr std::uint8_t kRecordTypeMax = 6;

struct RecordHeader {
    RecordType type{};
    std::uint8_t key_version = 1;
    std::uint8_t note = 0;  // by type: records.hpp
    BoxDigits box = 0;      // 0: the site
    std::uint8_t household = 0;
    std::uint32_t generation = 0;
    std::uint16_t epoch = 0;
    friend constexpr bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

enum class RecordError : std::uint8_t {
    kEmpty,       // no record stands here: never written, or something else's data
    kVersion,     // a record of a format or a type that this program does not know
    kNotYours,    // says that it is for another box: nothing more was looked at
    kKeyVersion,  // for this box, sealed with keys that it does not hold (any more)
    kTag,         // altered, torn, forged, or copied from another card: no byte of it may be believed
    kMisplaced,   // authentic, but of another type or in another copy's slot than where it was found
    kContents,    // authentic, and says something impossible: the office's mistake
};

// The header, not authenticated: to find the box and to decide what to read, for nothing else. Errors: kEmpty,
// kVersion.
[[nodiscard]] std::expected<RecordHeader, RecordError> read_header(Bytes block_0);

struct OpenedRecord {
    RecordHeader header;
    Body body{};
};
// `header.box` and `header.key_version` are those of the keys.
[[nodiscard]] RecordBytes seal_record(Mac& mac, const RecordKeys& keys, const Uid& uid, RecordHeader header,
                                      const Body& body);
// Errors: kEmpty, kVersion, kNotYours, kKeyVersion, kTag.
[[nodiscard]] std::expected<OpenedRecord, RecordError> open_record(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                                   const RecordBytes& bytes);

}  // namespace prewatt::card

#include "card/records.hpp"

#include <cassert>

namespace prewatt::card {
namespace {

constexpr std::int64_t kCreditedMax = (std::int64_t{1} << 47) - 1;  // as meter/core/credit.hpp: six bytes, either sign
constexpr std::uint32_t kSaleBehindMax = 0xFFFF;
constexpr std::uint8_t kMayReleaseLockout = 1;
constexpr std::uint8_t kCourier = 2;
constexpr std::uint8_t kReceipts = 1;
constexpr std::uint8_t kClockKnown = 1;
constexpr std::uint8_t kOverload = 1;
constexpr std::uint8_t kMalignant = 2;
constexpr std::uint8_t kCutoffAlarm = 4;

bool is_household(std::uint8_t number) {
    return number >= 1 && number <= kHouseholdsMax;
}

RecordHeader header(RecordType type, std::uint8_t household, std::uint32_t generation, std::uint16_t epoch = 0,
                    std::uint8_t note = 0) {
    RecordHeader head;
    head.type = type;
    head.household = household;
    head.generation = generation;
    head.epoch = epoch;
    head.note = note;
    return head;
}

std::expected<OpenedRecord, RecordError> open(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                              const RecordBytes& bytes, RecordType type) {
    auto opened = open_record(mac, keys, uid, bytes);
    if (!opened) return opened;
    if (opened->header.type != type) return std::unexpected(RecordError::kMisplaced);
    // Whoever opened any box holds the site-wide keys: no credit and no state is believed under them.
    if ((type == RecordType::kCredit || type == RecordType::kReturn || type == RecordType::kReceipt) &&
        opened->header.box == 0)
        return std::unexpected(RecordError::kContents);
    return opened;
}

template <class Record>
std::expected<Record, RecordError> if_legal(const Record& record) {
    if (!is_legal(record)) return std::unexpected(RecordError::kContents);
    return record;
}

}  // namespace

std::optional<RightRefusal> refusal_of(const RightRecord& right, std::uint32_t last_sequence,
                                       std::optional<CivilSeconds> now) {
    if (!only_shows(right.kind) && right.sequence <= last_sequence) return RightRefusal::kUsed;
    if (!now) return RightRefusal::kClockUnknown;
    if (*now < right.from) return RightRefusal::kNotYet;
    if (*now >= right.until) return RightRefusal::kExpired;
    return std::nullopt;
}

bool is_legal(const IdentityRecord& record) {
    const bool of_household = record.kind == CardKind::kHousehold;
    return record.kind >= CardKind::kHousehold && static_cast<std::uint8_t>(record.kind) <= kCardKindMax &&
           (of_household ? is_household(record.household) && record.rights == 0 && !record.receipts
                         : record.household == 0) &&
           record.generation != 0 && record.serial != 0 && record.issue != 0 && record.rights < kSectorCount;
}
bool is_legal(const CreditRecord& record) {
    return is_household(record.household) && record.generation != 0 && record.serial != 0 && record.issue != 0 &&
           record.ticket.epoch != 0 && record.ticket.number != 0 &&
           record.ticket.credited_hundredths >= -kCreditedMax && record.ticket.credited_hundredths <= kCreditedMax &&
           record.sale_number <= record.ticket.number && record.ticket.number - record.sale_number <= kSaleBehindMax;
}
bool is_legal(const ReturnRecord& record) {
    return is_household(record.household) && record.generation != 0 && record.used_hundredths <= kUsedHundredthsMax;
}
bool is_legal(const ParameterRecord& record) {
    return record.household <= kHouseholdsMax && record.version != 0 && record.parts >= 1 &&
           record.parts <= kParameterPartsMax && record.part < record.parts;
}
bool is_legal(const ReceiptRecord& record) {
    return record.household <= kHouseholdsMax && record.serial != 0;
}
bool is_legal(const RightRecord& record) {
    if (record.kind <= CardKind::kHousehold || static_cast<std::uint8_t>(record.kind) > kCardKindMax) return false;
    if (record.household > kHouseholdsMax || record.sequence == 0 || record.from >= record.until) return false;
    const bool forgets = record.lockouts.overload || record.lockouts.malignant || record.cutoff_alarm;
    if (forgets != (record.kind == CardKind::kRestore)) return false;
    const bool orders = record.parts != 0 || record.digest != ParameterDigest{};
    if (record.kind == CardKind::kSetUp) return record.parts >= 1 && record.parts <= kParameterPartsMax;
    return !orders;
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const IdentityRecord& record) {
    assert(is_legal(record) && (record.kind == CardKind::kHousehold) == (keys.box != 0));
    Body body{};
    ByteWriter writer(body);
    writer.put_u32(record.serial);
    writer.put_u8(record.issue);
    writer.put_u32(record.user_number);
    writer.put_u32(record.issued);
    writer.put_u8(record.rights);
    writer.put_u8(record.receipts ? kReceipts : 0);
    return seal_record(
        mac, keys, uid,
        header(RecordType::kIdentity, record.household, record.generation, 0, static_cast<std::uint8_t>(record.kind)),
        body);
}
std::expected<IdentityRecord, RecordError> open_identity(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                         const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kIdentity);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    IdentityRecord record;
    record.kind = static_cast<CardKind>(opened->header.note);
    record.household = opened->header.household;
    record.generation = opened->header.generation;
    record.serial = reader.get_u32();
    record.issue = reader.get_u8();
    record.user_number = reader.get_u32();
    record.issued = reader.get_u32();
    record.rights = reader.get_u8();
    record.receipts = (reader.get_u8() & kReceipts) != 0;
    if ((record.kind == CardKind::kHousehold) != (opened->header.box != 0))
        return std::unexpected(RecordError::kContents);
    return if_legal(record);
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const CreditRecord& record) {
    assert(is_legal(record));
    Body body{};
    ByteWriter writer(body);
    writer.put_u32(record.ticket.number);
    writer.put_le(static_cast<std::uint64_t>(record.ticket.credited_hundredths), 6);
    writer.put_u32(record.serial);
    writer.put_u8(record.issue);
    writer.put_u32(static_cast<std::uint32_t>(record.sale_hundredths));
    writer.put_u16(static_cast<std::uint16_t>(record.sale_number));
    writer.put_u8(static_cast<std::uint8_t>((record.may_release_lockout ? kMayReleaseLockout : 0) |
                                            (record.courier ? kCourier : 0)));
    return seal_record(mac, keys, uid,
                       header(RecordType::kCredit, record.household, record.generation, record.ticket.epoch), body);
}
std::expected<CreditRecord, RecordError> open_credit(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                     const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kCredit);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    CreditRecord record;
    record.household = opened->header.household;
    record.generation = opened->header.generation;
    record.ticket.epoch = opened->header.epoch;
    record.ticket.number = reader.get_u32();
    const std::uint64_t total = reader.get_le(6);
    record.ticket.credited_hundredths = static_cast<std::int64_t>(total << 16) >> 16;
    record.serial = reader.get_u32();
    record.issue = reader.get_u8();
    record.sale_hundredths = static_cast<std::int32_t>(reader.get_u32());
    // The newest number with these low 16 bits that is not after the ticket's; below 0 there is none (is_legal).
    const std::uint32_t behind = (record.ticket.number - reader.get_u16()) & kSaleBehindMax;
    record.sale_number = record.ticket.number - behind;
    const std::uint8_t flags = reader.get_u8();
    record.may_release_lockout = (flags & kMayReleaseLockout) != 0;
    record.courier = (flags & kCourier) != 0;
    return if_legal(record);
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ReturnRecord& record) {
    assert(is_legal(record));
    Body body{};
    ByteWriter writer(body);
    writer.put_u32(record.ticket_number);
    writer.put_le(record.used_hundredths, 5);
    writer.put_u32(static_cast<std::uint32_t>(record.remaining_hundredths));
    writer.put_u32(record.energy_hundredths);
    writer.put_u32(record.time);
    writer.put_u16(record.state.bits);
    writer.put_u8(record.bad_cards);
    return seal_record(mac, keys, uid,
                       header(RecordType::kReturn, record.household, record.generation, record.epoch, record.hints),
                       body);
}
std::expected<ReturnRecord, RecordError> open_return(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                     const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kReturn);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    ReturnRecord record;
    record.household = opened->header.household;
    record.generation = opened->header.generation;
    record.epoch = opened->header.epoch;
    record.hints = opened->header.note;
    record.ticket_number = reader.get_u32();
    record.used_hundredths = reader.get_le(5);
    record.remaining_hundredths = static_cast<std::int32_t>(reader.get_u32());
    record.energy_hundredths = reader.get_u32();
    record.time = reader.get_u32();
    record.state.bits = reader.get_u16();
    record.bad_cards = reader.get_u8();
    return if_legal(record);
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ParameterRecord& record) {
    assert(is_legal(record));
    Body body{};
    ByteWriter writer(body);
    writer.put_u8(record.part);
    writer.put_u8(record.parts);
    writer.put_u32(record.crc);
    writer.put(record.bytes);
    return seal_record(mac, keys, uid, header(RecordType::kParameter, record.household, record.version), body);
}
std::expected<ParameterRecord, RecordError> open_parameter(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                           const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kParameter);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    ParameterRecord record;
    record.household = opened->header.household;
    record.version = opened->header.generation;
    record.part = reader.get_u8();
    record.parts = reader.get_u8();
    record.crc = reader.get_u32();
    ByteWriter(record.bytes).put(reader.take(record.bytes.size()));
    return if_legal(record);
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const RightRecord& record) {
    assert(is_legal(record) && only_shows(record.kind) == (keys.box == 0));
    Body body{};
    ByteWriter writer(body);
    writer.put_u8(static_cast<std::uint8_t>(record.kind));
    writer.put_u8(static_cast<std::uint8_t>((record.lockouts.overload ? kOverload : 0) |
                                            (record.lockouts.malignant ? kMalignant : 0) |
                                            (record.cutoff_alarm ? kCutoffAlarm : 0)));
    writer.put_u32(record.from);
    writer.put_u32(record.until);
    writer.put_u8(record.parts);
    writer.put(record.digest);
    return seal_record(mac, keys, uid, header(RecordType::kRight, record.household, record.sequence), body);
}
std::expected<RightRecord, RecordError> open_right(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                   const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kRight);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    RightRecord record;
    record.household = opened->header.household;
    record.sequence = opened->header.generation;
    record.kind = static_cast<CardKind>(reader.get_u8());
    const std::uint8_t what = reader.get_u8();
    record.lockouts = {(what & kOverload) != 0, (what & kMalignant) != 0};
    record.cutoff_alarm = (what & kCutoffAlarm) != 0;
    record.from = reader.get_u32();
    record.until = reader.get_u32();
    record.parts = reader.get_u8();
    ByteWriter(record.digest).put(reader.take(record.digest.size()));
    // And nothing that changes something.
    if (only_shows(record.kind) != (opened->header.box == 0)) return std::unexpected(RecordError::kContents);
    return if_legal(record);
}

RecordBytes seal(Mac& mac, const RecordKeys& keys, const Uid& uid, const ReceiptRecord& record) {
    assert(is_legal(record) && keys.box != 0);
    Body body{};
    ByteWriter writer(body);
    writer.put_u32(record.serial);
    writer.put_u8(record.code);
    writer.put_u8(record.bad_cards);
    writer.put_u8(record.clock_known ? kClockKnown : 0);
    writer.put_u32(record.time);
    return seal_record(mac, keys, uid, header(RecordType::kReceipt, record.household, record.sequence), body);
}
std::expected<ReceiptRecord, RecordError> open_receipt(Mac& mac, const RecordKeys& keys, const Uid& uid,
                                                       const RecordBytes& bytes) {
    const auto opened = open(mac, keys, uid, bytes, RecordType::kReceipt);
    if (!opened) return std::unexpected(opened.error());
    ByteReader reader(opened->body);
    ReceiptRecord record;
    record.household = opened->header.household;
    record.sequence = opened->header.generation;
    record.serial = reader.get_u32();
    record.code = reader.get_u8();
    record.bad_cards = reader.get_u8();
    record.clock_known = (reader.get_u8() & kClockKnown) != 0;
    record.time = reader.get_u32();
    return if_legal(record);
}

}  // namespace prewatt::card

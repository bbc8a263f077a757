#include "meter/core/journal.hpp"

#include "base/crc.hpp"
#include "meter/core/clear.hpp"

namespace prewatt::meter {
namespace {

enum class RecordType : std::uint8_t {
    kBox = 1,
    kAccount = 2,
    kEnergyOfVersion1 = 3,
    kEnergy = 4,
    kSetting = 5,
    kSession = 6,
    kClearAll = 7,
    kGuards = 8,
    kLearn = 9,
    kClock = 10,
    kTariff = 11,
    kCard = 12,
    kCards = 13,
    kLevels = 14,
};

constexpr std::array<Byte, 4> kMagic{'P', 'W', 'M', 'J'};
constexpr std::size_t kHeaderSize = 24;
constexpr std::uint32_t kEntryOverhead = 2 + 4;
constexpr Byte kSpoilt = 0xEE;  // neither of the two values of blank memory
// What a bank must hold beside its snapshot: room for a few entries, or every commit would be a move.
constexpr std::uint32_t kRoomToWork = 512;
constexpr settings::Settings kFactory{};

constexpr std::int64_t sign_extend_48(std::uint64_t value) {
    return static_cast<std::int64_t>(value << 16) >> 16;
}
constexpr std::uint32_t get_u32_at(Bytes bytes, std::size_t at) {
    ByteReader reader(bytes.subspan(at, 4));
    return reader.get_u32();
}
constexpr bool is_blank(Bytes bytes) {
    for (const Byte byte : bytes)
        if (byte != bytes[0]) return false;
    return bytes[0] == 0x00 || bytes[0] == 0xFF;
}

}  // namespace

void Entry::put(const BoxBook& box) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kBox));
    writer_.put_u32(box.boots);
    writer_.put_u32(box.versions_reserved);
    writer_.put_u32(box.last_command.counter);
    writer_.put_u32(box.last_command.digest);
    writer_.put_u8(box.last_command.result);
    writer_.put_u16(box.pulse_constant);
}

void Entry::put_account(Household household, const HouseholdBook& book) {
    const Account& account = book.account;
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kAccount));
    writer_.put_u8(household.number);
    writer_.put_u16(account.epoch);
    writer_.put_u32(account.ticket_number);
    writer_.put_le(static_cast<std::uint64_t>(in_hundredths(account.credited, Round::kDown)), 6);
    writer_.put_u32(account.levels.low_hundredths);
    writer_.put_u32(account.levels.cutoff_hundredths);
    writer_.put_u32(account.levels.overdraft_hundredths);
    const bool money = account.unit == settings::AccountUnit::kMoney;
    writer_.put_u8(static_cast<std::uint8_t>(static_cast<unsigned>(account.cutoff) | (book.remote_off ? 4u : 0u) |
                                             (money ? 8u : 0u) | (book.waiting.has(Hold::kNoCredit) ? 0x10u : 0u) |
                                             (book.waiting.has(Hold::kCutoffAlarm) ? 0x20u : 0u)));
    writer_.put_u16(book.forced.overruled.bits());
    writer_.put_u16(book.forced.minutes);
    writer_.put_u32(book.forced.until);
    writer_.put_u16(account.previous_epoch);
    writer_.put_i64(account.previous_used.count());
    writer_.put_i64(account.previous_credited.count());
    writer_.put_le(static_cast<std::uint64_t>(account.reverse_at_opening.count()), 6);
}

void Entry::put_session(std::uint16_t session) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kSession));
    writer_.put_u16(session);
}

void Entry::put_energy(Household household, const HouseholdBook& book) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kEnergy));
    writer_.put_u8(household.number);
    writer_.put_le(static_cast<std::uint64_t>(book.forward.count()), 6);
    writer_.put_le(static_cast<std::uint64_t>(book.reverse.count()), 6);
    writer_.put_i64(book.account.used.count());
    writer_.put_u16(book.mark.session);
    writer_.put_u32(book.mark.forward);
    writer_.put_u32(book.mark.reverse);
    if (book.tariff == TariffBook{}) return;
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kTariff));
    writer_.put_u8(household.number);
    for (const MonthlyCount::Month& month : {book.tariff.month.present, book.tariff.month.other}) {
        writer_.put_u16(month.month);
        writer_.put_le(static_cast<std::uint64_t>(month.used.count()), 6);
    }
    writer_.put_u16(book.tariff.parts);
}

void Entry::put_guards(Household household, const HouseholdBook& book) {
    const GuardBook& guards = book.guards;
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kGuards));
    writer_.put_u8(household.number);
    writer_.put_u8(static_cast<std::uint8_t>(guards.load.stage));
    writer_.put_u8(guards.load.cuts);
    writer_.put_u8(guards.load.quiet_hours);
    const MalignantState& malignant = guards.malignant;
    writer_.put_u8(static_cast<std::uint8_t>(malignant.stage));
    writer_.put_u8(malignant.restores_used);
    writer_.put_u16(malignant.day);
    writer_.put_u32(static_cast<std::uint32_t>(malignant.signature.conductance_microsiemens));
    writer_.put_u32(static_cast<std::uint32_t>(malignant.signature.base_conductance_microsiemens));
    writer_.put_u16(malignant.delay_seconds);
    writer_.put_u8(static_cast<std::uint8_t>(malignant.shape));
    writer_.put_u16(guards.last_cut.because.bits());
    writer_.put_u32(guards.last_cut.at);
    writer_.put_u16(guards.last_cut.watts);
    writer_.put_u8(static_cast<std::uint8_t>(static_cast<unsigned>(guards.last_cut.shape) << 4 |
                                             static_cast<unsigned>(guards.last_cut.rule)));
    writer_.put_u16(static_cast<std::uint16_t>(guards.last_cut.power_factor_ten_thousandths));
    writer_.put_u32(guards.locked_since);
}

void Entry::put_learn(Household household, const HouseholdBook& book) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kLearn));
    writer_.put_u8(household.number);
    writer_.put_u8(book.learn.slot);
    writer_.put_u16(book.learn.days);
    writer_.put_u32(book.learn.until);
}

void Entry::put_clock(const BoxBook& box) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kClock));
    writer_.put_u32(box.clock.sealed_at);
    writer_.put_u32(box.clock.latest);
    writer_.put_u32(static_cast<std::uint32_t>(box.clock.corrected));
    writer_.put_u16(box.clock.corrected_day);
    writer_.put_u16(static_cast<std::uint16_t>(box.clock.drift_tenths_ppm));
    writer_.put_u8(box.clock.drift_settings);
    writer_.put_u32(box.clock_moved);
}

void Entry::put_card(Household household, const HouseholdBook& book) {
    const CardBook& card = book.card;
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kCard));
    writer_.put_u8(household.number);
    writer_.put_u16(card.epoch);
    writer_.put_u8(card.issue);
    writer_.put_u32(card.return_given);
    writer_.put_u32(card.return_kept);
    writer_.put_u32(card.parameters);
    writer_.put_u32(card.boots);
}

void Entry::put_cards(const BoxBook& box) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kCards));
    writer_.put_u32(box.cards.right_sequence);
    writer_.put_u8(box.cards.bad_cards);
    for (const CardAttempts& attempts : box.cards.attempts) {
        writer_.put_u8(attempts.count);
        writer_.put_u32(attempts.last_at);
    }
}

void Entry::put_levels(Household household, const AlarmLevels& levels) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kLevels));
    writer_.put_u8(household.number);
    writer_.put_u32(levels.low_hundredths);
    writer_.put_u32(levels.cutoff_hundredths);
    writer_.put_u32(levels.overdraft_hundredths);
}

// The only record that is no value but a change of all of them: forty records would not fit one entry, and a box is
// cleared as a whole or not at all. Carried out twice it does the same.
void Entry::put_clear_all() {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kClearAll));
}

void Entry::put_setting(settings::SettingKey key, Bytes value) {
    writer_.put_u8(static_cast<std::uint8_t>(RecordType::kSetting));
    writer_.put_u8(static_cast<std::uint8_t>(key.id));
    writer_.put_u8(key.household);
    writer_.put_u8(key.index);
    writer_.put_u8(static_cast<std::uint8_t>(value.size()));
    writer_.put(value);
}

namespace {

// The bytes of a setting that differs from its factory value; 0: it does not.
std::size_t own_value(const settings::Settings& all, settings::SettingKey key, MutableBytes out) {
    std::array<Byte, settings::kSettingBytesMax> factory;
    const std::size_t size = settings::encode(all, key, out);
    const std::size_t factory_size = settings::encode(kFactory, key, factory);
    return equal(out.first(size), Bytes{factory.data(), factory_size}) ? 0 : size;
}

bool get_setting(ByteReader& reader, settings::Settings& all, int households) {
    settings::SettingKey key;
    key.id = static_cast<settings::SettingId>(reader.get_u8());
    key.household = reader.get_u8();
    key.index = reader.get_u8();
    const std::size_t size = reader.get_u8();
    return settings::decode(all, key, reader.take(size), households).has_value();
}

bool get_account(ByteReader& reader, HouseholdBook& book) {
    Account& account = book.account;
    account.epoch = reader.get_u16();
    account.ticket_number = reader.get_u32();
    account.credited = credit_of_hundredths(sign_extend_48(reader.get_le(6)));
    account.levels.low_hundredths = reader.get_u32();
    account.levels.cutoff_hundredths = reader.get_u32();
    account.levels.overdraft_hundredths = reader.get_u32();
    const std::uint8_t flags = reader.get_u8();
    if ((flags & 3) >= kCutoffStages) return false;
    account.cutoff = static_cast<CutoffStage>(flags & 3);
    book.remote_off = (flags & 4) != 0;
    book.waiting.set(Hold::kNoCredit, (flags & 0x10) != 0);
    book.waiting.set(Hold::kCutoffAlarm, (flags & 0x20) != 0);
    account.unit = (flags & 8) != 0 ? settings::AccountUnit::kMoney : settings::AccountUnit::kEnergy;
    book.forced.overruled = HoldSet{reader.get_u16()};
    book.forced.minutes = reader.get_u16();
    book.forced.until = reader.get_u32();
    account.previous_epoch = reader.get_u16();
    account.previous_used = Credit{reader.get_i64()};
    account.previous_credited = Credit{reader.get_i64()};
    account.reverse_at_opening = Energy{static_cast<std::int64_t>(reader.get_le(6))};
    return true;
}

}  // namespace

namespace {

bool get_guards(ByteReader& reader, GuardBook& guards) {
    guards.load.stage = static_cast<LoadStage>(reader.get_u8());
    guards.load.cuts = reader.get_u8();
    guards.load.quiet_hours = reader.get_u8();
    MalignantState& malignant = guards.malignant;
    malignant.stage = static_cast<MalignantStage>(reader.get_u8());
    malignant.restores_used = reader.get_u8();
    malignant.day = reader.get_u16();
    malignant.signature.conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    malignant.signature.base_conductance_microsiemens = static_cast<std::int32_t>(reader.get_u32());
    malignant.delay_seconds = reader.get_u16();
    const std::uint8_t shape = reader.get_u8();
    malignant.shape = static_cast<StepShape>(shape);
    guards.last_cut.because = HoldSet{reader.get_u16()};
    guards.last_cut.at = reader.get_u32();
    guards.last_cut.watts = reader.get_u16();
    const std::uint8_t why = reader.get_u8();
    guards.last_cut.shape = static_cast<StepShape>(why >> 4);
    guards.last_cut.rule = static_cast<MalignantRule>(why & 15);
    guards.last_cut.power_factor_ten_thousandths = static_cast<std::int16_t>(reader.get_u16());
    guards.locked_since = reader.get_u32();
    return guards.load.stage <= LoadStage::kLockedOut && malignant.stage <= MalignantStage::kLockedOut &&
           shape <= static_cast<std::uint8_t>(StepShape::kReclose);
}

void get_card(ByteReader& reader, CardBook& card) {
    card.epoch = reader.get_u16();
    card.issue = reader.get_u8();
    card.return_given = reader.get_u32();
    card.return_kept = reader.get_u32();
    card.parameters = reader.get_u32();
    card.boots = reader.get_u32();
}

void get_cards(ByteReader& reader, BoxCards& cards) {
    cards.right_sequence = reader.get_u32();
    cards.bad_cards = reader.get_u8();
    for (CardAttempts& attempts : cards.attempts) {
        attempts.count = reader.get_u8();
        attempts.last_at = reader.get_u32();
    }
}

void get_clock(ByteReader& reader, BoxBook& box) {
    box.clock.sealed_at = reader.get_u32();
    box.clock.latest = reader.get_u32();
    box.clock.corrected = static_cast<std::int32_t>(reader.get_u32());
    box.clock.corrected_day = reader.get_u16();
    box.clock.drift_tenths_ppm = static_cast<std::int16_t>(reader.get_u16());
    box.clock.drift_settings = reader.get_u8();
    box.clock_moved = reader.get_u32();
}

}  // namespace

// The first 24 bytes of a bank. This layout is fixed for every future format.
struct Journal::Header {
    std::uint8_t format = kFormat;
    std::uint8_t wiring = 0;
    std::uint64_t box_number = 0;
    std::uint32_t generation = 0;
    std::uint32_t snapshot_end = 0;

    void encode(std::array<Byte, kHeaderSize>& out) const {
        ByteWriter writer(out);
        writer.put(kMagic);
        writer.put_u8(format);
        writer.put_u8(wiring);
        writer.put_le(box_number, 5);
        writer.put_u8(0);
        writer.put_u32(generation);
        writer.put_u32(snapshot_end);
        writer.put_u32(crc32(writer.written()));
    }
    bool decode(Bytes in) {
        ByteReader reader(in);
        if (!equal(reader.take(4), kMagic)) return false;
        format = reader.get_u8();
        wiring = reader.get_u8();
        box_number = reader.get_le(5);
        reader.get_u8();
        generation = reader.get_u32();
        snapshot_end = reader.get_u32();
        return reader.get_u32() == crc32(in.first(kHeaderSize - 4));
    }
};

bool Journal::write_checked(std::uint32_t address, Bytes bytes) {
    if (!storage_.write(address, bytes)) return false;
    std::array<Byte, Entry::kRecordsAt + Entry::kRecordBytesMax + 4> back;
    const MutableBytes read{back.data(), bytes.size()};
    return storage_.read(address, read) && equal(read, bytes);
}

bool Journal::write_entry(int bank, std::uint32_t generation, std::uint32_t offset, Entry& entry, bool in_two_steps) {
    ByteWriter head({entry.bytes_, Entry::kRecordsAt});
    head.put_u32(generation);
    head.put_u32(offset);
    head.put_u16(static_cast<std::uint16_t>(entry.writer_.size()));
    const std::size_t covered = Entry::kRecordsAt + entry.writer_.size();
    ByteWriter check({entry.bytes_ + covered, 4});
    check.put_u32(crc32({entry.bytes_, covered}));

    const std::uint32_t address = bank_start(bank) + offset;
    const Bytes body{entry.bytes_ + Entry::kLengthAt, covered - Entry::kLengthAt};
    if (!in_two_steps) return write_checked(address, {body.data(), body.size() + 4});
    return write_checked(address, body) &&
           write_checked(address + static_cast<std::uint32_t>(body.size()), check.written());
}

bool Journal::append(Entry& entry) {
    const auto size = static_cast<std::uint32_t>(entry.writer_.size()) + kEntryOverhead;
    if (bank_size_ - end_ < size) return false;
    if (!write_entry(bank_, generation_, end_, entry, true)) {
        bank_spoilt_ = true;
        return false;
    }
    end_ += size;
    return true;
}

bool Journal::commit(Entry& entry, const Books& books, bool supply_fails) {
    if (!open_ || !entry.writer_.ok()) return false;
    // A write that was refused once is tried again on the other bank; a memory that refuses twice is given up for this
    // time.
    bool stored = false;
    for (int attempt = 0; attempt < 2 && !stored; ++attempt) {
        const std::uint32_t reserve = supply_fails ? 0 : power_fail_reserve();
        const bool full = bank_size_ - end_ < entry.writer_.size() + kEntryOverhead + reserve;
        if ((full || bank_spoilt_ || other_unclear_) && !move_to_other_bank(books)) continue;
        stored = append(entry);
    }
    refused_ = !stored;
    return stored;
}

bool Journal::has_room_for(settings::SettingKey changed, std::size_t value_bytes, const Books& books) const {
    std::size_t size = kHeaderSize + kEntryOverhead + Entry::kBoxRecord + Entry::kSessionRecord + Entry::kClockRecord;
    if (identity_.cards || books.box.cards != BoxCards{}) size += Entry::kCardsRecord;
    for (int n = 0; n < identity_.households; ++n) {
        size += kEntryOverhead + Entry::kHouseholdMax;
        if (identity_.cards || books.households[static_cast<std::size_t>(n)].card != CardBook{})
            size += Entry::kCardRecord;
    }
    // Several settings share an entry, and leave less than the largest of them empty.
    std::size_t values = 0;
    for (auto key = settings::next({}, identity_.households); key; key = settings::next(*key, identity_.households)) {
        std::array<Byte, settings::kSettingBytesMax> value;
        const std::size_t own = *key == changed ? value_bytes : own_value(books.settings, *key, value);
        if (own != 0) values += Entry::kSettingRecord + own;
    }
    constexpr std::size_t kLeast = Entry::kRecordBytesMax - Entry::kSettingRecord - settings::kSettingBytesMax;
    size += values + (values / kLeast + 1) * kEntryOverhead;
    return size + kRoomToWork + power_fail_reserve() <= bank_size_;
}

bool Journal::move_to_other_bank(const Books& books) {
    const int other = 1 - bank_;
    const std::uint32_t start = bank_start(other);
    std::array<Byte, kHeaderSize> header;
    header.fill(kSpoilt);
    if (!write_checked(start, header)) return false;
    other_unclear_ = false;

    const std::uint32_t generation = generation_ + 1;
    std::uint32_t end = kHeaderSize;
    const auto put = [&](Entry& entry) {
        if (!write_entry(other, generation, end, entry, false)) return false;
        end += static_cast<std::uint32_t>(entry.writer_.size()) + kEntryOverhead;
        return true;
    };
    {
        Entry entry;
        entry.put(books.box);
        entry.put_session(books.box.session);
        entry.put_clock(books.box);
        if (books.box.cards != BoxCards{}) entry.put_cards(books.box);
        if (!put(entry)) return false;
    }
    for (int n = 1; n <= identity_.households; ++n) {
        Entry entry;
        const Household h{static_cast<std::uint8_t>(n)};
        const HouseholdBook& book = books.households[static_cast<std::size_t>(n - 1)];
        entry.put(h, book);
        if (book.guards != GuardBook{}) entry.put_guards(h, book);
        if (book.learn != LearnOrder{}) entry.put_learn(h, book);
        if (book.card != CardBook{}) entry.put_card(h, book);
        if (!put(entry)) return false;
    }
    Entry several;
    for (auto key = settings::next({}, identity_.households); key; key = settings::next(*key, identity_.households)) {
        std::array<Byte, settings::kSettingBytesMax> value;
        const std::size_t size = own_value(books.settings, *key, value);
        if (size == 0) continue;
        if (!several.has_room(Entry::kSettingRecord + size)) {
            if (!put(several)) return false;
            several.clear();
        }
        several.put_setting(*key, {value.data(), size});
    }
    if (!several.empty() && !put(several)) return false;
    Header{kFormat, identity_.wiring, identity_.box_number, generation, end}.encode(header);
    if (!write_checked(start, header)) {
        // It may be there all the same. Nothing may be committed to the old bank while the new one could win at the
        // next start.
        other_unclear_ = true;
        header.fill(kSpoilt);
        if (write_checked(start, header)) other_unclear_ = false;
        return false;
    }
    bank_ = static_cast<std::uint8_t>(other);
    generation_ = generation;
    end_ = end;
    bank_spoilt_ = false;
    damaged_ = false;
    return true;
}

bool Journal::apply(Bytes records, Books& books) const {
    ByteReader reader(records);
    while (reader.ok() && reader.left() > 0) {
        const auto type = static_cast<RecordType>(reader.get_u8());
        if (type == RecordType::kBox) {
            books.box.boots = reader.get_u32();
            books.box.versions_reserved = reader.get_u32();
            books.box.last_command.counter = reader.get_u32();
            books.box.last_command.digest = reader.get_u32();
            books.box.last_command.result = reader.get_u8();
            books.box.pulse_constant = reader.get_u16();
            continue;
        }
        if (type == RecordType::kSession) {
            books.box.session = reader.get_u16();
            continue;
        }
        if (type == RecordType::kClock) {
            get_clock(reader, books.box);
            continue;
        }
        if (type == RecordType::kCards) {
            get_cards(reader, books.box.cards);
            continue;
        }
        if (type == RecordType::kClearAll) {
            for (HouseholdBook& book : books.households)
                clear(book);
            continue;
        }
        if (type == RecordType::kSetting) {
            if (!get_setting(reader, books.settings, identity_.households)) return false;
            continue;
        }
        const int number = reader.get_u8();
        if (number < 1 || number > identity_.households) return false;
        HouseholdBook& book = books.households[static_cast<std::size_t>(number - 1)];
        switch (type) {
            case RecordType::kAccount:
                if (!get_account(reader, book)) return false;
                break;
            case RecordType::kEnergyOfVersion1:
            case RecordType::kEnergy:
                book.forward = Energy{static_cast<std::int64_t>(reader.get_le(6))};
                book.reverse = Energy{static_cast<std::int64_t>(reader.get_le(6))};
                book.account.used = Credit{reader.get_i64()};
                book.tariff = {};  // follows where there is something of it
                if (type == RecordType::kEnergyOfVersion1) break;
                book.mark.session = reader.get_u16();
                book.mark.forward = reader.get_u32();
                book.mark.reverse = reader.get_u32();
                break;
            case RecordType::kTariff:
                for (MonthlyCount::Month* month : {&book.tariff.month.present, &book.tariff.month.other}) {
                    month->month = reader.get_u16();
                    month->used = Energy{static_cast<std::int64_t>(reader.get_le(6))};
                }
                book.tariff.parts = reader.get_u16();
                if (book.tariff.parts >= kPartsPerGrain) return false;
                break;
            case RecordType::kGuards:
                if (!get_guards(reader, book.guards)) return false;
                break;
            case RecordType::kCard:
                get_card(reader, book.card);
                break;
            case RecordType::kLevels:
                book.account.levels.low_hundredths = reader.get_u32();
                book.account.levels.cutoff_hundredths = reader.get_u32();
                book.account.levels.overdraft_hundredths = reader.get_u32();
                break;
            case RecordType::kLearn:
                book.learn.slot = reader.get_u8();
                book.learn.days = reader.get_u16();
                book.learn.until = reader.get_u32();
                break;
            default:
                return false;
        }
    }
    return reader.ok();
}

// `books` null: only looked at.
Journal::Slot Journal::read_entry(std::uint32_t offset, Books* books, std::uint32_t& size) {
    std::array<Byte, Entry::kRecordsAt + Entry::kRecordBytesMax + 4> bytes;
    ByteWriter head(bytes);
    head.put_u32(generation_);
    head.put_u32(offset);
    size = 0;
    if (bank_size_ - offset < kEntryOverhead) return Slot::kNone;
    const std::uint32_t address = bank_start(bank_) + offset;
    if (!storage_.read(address, {bytes.data() + Entry::kLengthAt, 2})) return Slot::kNone;
    const std::uint32_t length = bytes[Entry::kLengthAt] | static_cast<std::uint32_t>(bytes[Entry::kLengthAt + 1]) << 8;
    if (length == 0 || length > Entry::kRecordBytesMax || bank_size_ - offset < length + kEntryOverhead)
        return Slot::kNone;
    size = length + kEntryOverhead;
    if (!storage_.read(address + 2, {bytes.data() + Entry::kRecordsAt, length + 4})) return Slot::kNone;
    const std::size_t covered = Entry::kRecordsAt + length;
    if (get_u32_at(bytes, covered) != crc32({bytes.data(), covered})) return Slot::kDamaged;
    if (books != nullptr && !apply({bytes.data() + Entry::kRecordsAt, length}, *books)) return Slot::kDamaged;
    return Slot::kGood;
}

bool Journal::replay(std::uint32_t snapshot_end, Books& books) {
    end_ = kHeaderSize;
    for (;;) {
        std::uint32_t size = 0;
        const Slot slot = read_entry(end_, &books, size);
        if (slot == Slot::kGood) {
            end_ += size;
            continue;
        }
        if (end_ < snapshot_end) return false;
        if (slot == Slot::kNone) return true;
        // A torn entry is the last one. One that good entries follow has been damaged since: what follows still counts.
        std::uint32_t next_size = 0;
        if (read_entry(end_ + size, nullptr, next_size) != Slot::kGood) return true;
        damaged_ = true;
        bank_spoilt_ = true;
        end_ += size;
    }
}

OpenResult Journal::open(const JournalIdentity& identity, Books& books) {
    identity_ = identity;
    if (storage_.size() < kStorageSizeMin) return OpenResult::kUnreadable;
    bank_size_ = storage_.size() / 2;
    if (bank_size_ > kBankSizeMax) bank_size_ = kBankSizeMax;

    std::array<std::array<Byte, kHeaderSize>, 2> raw;
    std::array<Header, 2> headers;
    std::array<bool, 2> valid{};
    for (int bank = 0; bank < 2; ++bank) {
        const auto k = static_cast<std::size_t>(bank);
        if (!storage_.read(bank_start(bank), raw[k])) return OpenResult::kUnreadable;
        valid[k] = headers[k].decode(raw[k]);
        if (valid[k] && headers[k].format > kFormat) return OpenResult::kNewerFormat;
    }
    if (!valid[0] && !valid[1]) {
        // Formatting ends with a valid header in the second bank, so memory whose second bank is still blank was never
        // in service.
        if (!is_blank(raw[1])) return OpenResult::kUnreadable;
        bank_ = 1;
        generation_ = 0;
        if (!move_to_other_bank(books) || !move_to_other_bank(books)) return OpenResult::kUnreadable;
        open_ = true;
        return OpenResult::kFresh;
    }
    bank_ = !valid[0] || (valid[1] && headers[1].generation > headers[0].generation) ? 1 : 0;
    const Header& header = headers[bank_];
    if (header.format < kOldestFormat) return OpenResult::kNewerFormat;
    if (header.box_number != identity.box_number || header.wiring != identity.wiring) return OpenResult::kForeign;
    generation_ = header.generation;
    if (!replay(header.snapshot_end, books)) return OpenResult::kUnreadable;
    // An entry of this version would be unreadable to the older firmware whose bank this is: the other bank is ours.
    if (header.format != kFormat) bank_spoilt_ = true;
    open_ = true;
    return OpenResult::kRecovered;
}

}  // namespace prewatt::meter

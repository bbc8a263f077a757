// Keeps the books in a memory that may lose power at any byte. Byte-exact in docs/formats/meter-storage.md.
//
// An entry (one or more records) is appended, then committed by a second write: all of it counts or none of it. Two
// banks: when one is full, a snapshot and then a new header make the other one valid with the next generation. Records
// carry whole values, not differences, so nothing can be booked twice.
//
// Memory written by an older version is read as it stands, and goes over to this one with the first commit.
//
// A write is believed when the memory took it and reads back what was written. When it does not, the journal moves to
// the other bank; when that fails too it is no longer sound and refuses every commit until the memory takes one again.
// A refused entry is not promised: whoever asked must be told so. (Where the memory lies about a refusal the entry may
// still be found after the next start; its command counter then says so.)
#pragma once
#include <cstdint>

#include "base/bytes.hpp"
#include "meter/core/books.hpp"
#include "meter/core/save_budget.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

struct JournalIdentity {
    std::uint64_t box_number = 0;
    std::uint8_t wiring = 0;
    int households = 0;
    bool cards = false;  // the box takes cards: room is kept for what must be remembered of them
};

enum class OpenResult : std::uint8_t {
    kFresh,        // blank memory, now formatted; the books are untouched
    kRecovered,    // the books are what was committed last
    kForeign,      // belongs to another box number or wiring: nothing was written
    kNewerFormat,  // written by newer firmware: nothing was written
    kUnreadable,   // neither blank nor readable, or does not answer, or too small: nothing was written
};

// What must be committed together. Holds its own bytes; about what one command changes, or the energy of ten
// households.
class Entry {
  public:
    static constexpr std::size_t kRecordBytesMax = 240;
    static constexpr std::size_t kBoxRecord = 20;
    static constexpr std::size_t kSessionRecord = 3;
    static constexpr std::size_t kAccountRecord = 59;
    static constexpr std::size_t kEnergyRecord = 32;
    static constexpr std::size_t kSettingRecord = 5;  // and the setting's own bytes
    static constexpr std::size_t kGuardRecord = 35;
    static constexpr std::size_t kLearnRecord = 9;
    static constexpr std::size_t kTariffRecord = 20;
    static constexpr std::size_t kClockRecord = 22;
    static constexpr std::size_t kCardRecord = 21;
    static constexpr std::size_t kCardsRecord = 16;
    static constexpr std::size_t kLevelsRecord = 14;
    static constexpr std::size_t kHouseholdMax =  // all that a household can have, its card apart
        kAccountRecord + kEnergyRecord + kTariffRecord + kGuardRecord + kLearnRecord;

    Entry() : writer_({bytes_ + kRecordsAt, kRecordBytesMax}) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    void put(const BoxBook& box);
    void put_session(std::uint16_t session);                           // the name of a metering session is given away
    void put_account(Household household, const HouseholdBook& book);  // account, remote hold, forced power, waiting
    // Energies, how far booked, used of the credit; of a money account the month and what is not yet charged.
    void put_energy(Household household, const HouseholdBook& book);
    [[nodiscard]] static std::size_t energy_bytes(const HouseholdBook& book) {
        return kEnergyRecord + (book.tariff != TariffBook{} ? kTariffRecord : 0);
    }
    void put_guards(Household household, const HouseholdBook& book);
    void put_learn(Household household, const HouseholdBook& book);
    void put_card(Household household, const HouseholdBook& book);
    void put_cards(const BoxBook& box);                               // bad cards, the newest order from a card
    void put_levels(Household household, const AlarmLevels& levels);  // of the account, and nothing else of it
    void put_clock(const BoxBook& box);                               // the clock guard's book, how far it was moved
    void put_clear_all();                                             // clear() of every household
    void put_setting(settings::SettingKey key, Bytes value);          // as settings::encode has it
    void put(Household household, const HouseholdBook& book) {
        put_account(household, book);
        put_energy(household, book);
    }
    void clear() { writer_ = ByteWriter({bytes_ + kRecordsAt, kRecordBytesMax}); }
    [[nodiscard]] bool empty() const { return writer_.size() == 0; }
    [[nodiscard]] bool has_room(std::size_t record_bytes) const {
        return kRecordBytesMax - writer_.size() >= record_bytes;
    }

  private:
    friend class Journal;
    // The bytes of an entry as the check sum sees them: generation, address, length, records, check sum.
    static constexpr std::size_t kLengthAt = 8;
    static constexpr std::size_t kRecordsAt = 10;
    Byte bytes_[kRecordsAt + kRecordBytesMax + 4];
    ByteWriter writer_;
};

class Journal {
  public:
    static constexpr std::uint8_t kFormat = 3;
    static constexpr std::uint8_t kOldestFormat = 1;
    static constexpr std::uint32_t kStorageSizeMin = 16 * 1024;
    static constexpr std::uint32_t kBankSizeMax = 64 * 1024;

    explicit Journal(Storage& storage) : storage_(storage) {}

    // Once. `books` comes with what a fresh box starts with, and goes with what was recovered.
    OpenResult open(const JournalIdentity& identity, Books& books);
    // `books` are the books without the entry, for the case that a snapshot must be taken first. False: not stored. A
    // bank is left while it has room for what a power-fail warning saves; with `supply_fails` that room is used, so
    // that no snapshot falls into the time that the board holds up (save_budget.hpp).
    [[nodiscard]] bool commit(Entry& entry, const Books& books, bool supply_fails = false);
    // The next entry may no longer fit beside the reserve: save what is not saved with `supply_fails`, then change().
    // Whoever does not is served by commit(), with the snapshot before the entry.
    [[nodiscard]] bool wants_change() const { return open_ && bank_size_ - end_ < kEntryMax + power_fail_reserve(); }
    // A snapshot of these books in the other bank. False: the memory refused, the books stay in this one.
    [[nodiscard]] bool change(const Books& books) { return !(refused_ = !move_to_other_bank(books)); }
    // Would a snapshot still fit a bank, with room to work, if `key` had a value of so many bytes and every household
    // had everything that it can have (a card only where cards are taken)? Whoever changes a setting asks first: a
    // memory that cannot hold its snapshot would be full for ever.
    [[nodiscard]] bool has_room_for(settings::SettingKey key, std::size_t value_bytes, const Books& books) const;
    // False: the memory refused the last commit, or something committed earlier could no longer be read.
    [[nodiscard]] bool is_sound() const { return !refused_ && !damaged_; }
    // For tests and for a reader of an image.
    [[nodiscard]] std::uint32_t generation() const { return generation_; }
    [[nodiscard]] std::uint32_t bytes_free() const { return bank_size_ - end_; }

  private:
    struct Header;
    enum class Slot : std::uint8_t { kNone, kGood, kDamaged };
    static constexpr std::uint32_t kEntryMax = static_cast<std::uint32_t>(Entry::kRecordBytesMax) + 6;
    [[nodiscard]] std::uint32_t power_fail_reserve() const {
        return kPowerFailReserve < bank_size_ / 12 ? kPowerFailReserve : bank_size_ / 12;
    }
    [[nodiscard]] std::uint32_t bank_start(int bank) const { return bank == 0 ? 0 : bank_size_; }
    [[nodiscard]] bool write_checked(std::uint32_t address, Bytes bytes);
    [[nodiscard]] bool write_entry(int bank, std::uint32_t generation, std::uint32_t offset, Entry& entry,
                                   bool in_two_steps);
    [[nodiscard]] bool append(Entry& entry);
    [[nodiscard]] bool move_to_other_bank(const Books& books);
    [[nodiscard]] Slot read_entry(std::uint32_t offset, Books* books, std::uint32_t& size);
    [[nodiscard]] bool replay(std::uint32_t snapshot_end, Books& books);
    [[nodiscard]] bool apply(Bytes records, Books& books) const;

    Storage& storage_;
    JournalIdentity identity_{};
    std::uint32_t bank_size_ = 0;
    std::uint32_t generation_ = 0;
    std::uint32_t end_ = 0;  // of what is committed, counted from the start of the bank
    std::uint8_t bank_ = 0;
    bool open_ = false;
    bool bank_spoilt_ = false;    // a commit failed here: go to the other bank first
    bool other_unclear_ = false;  // the other bank's header may or may not have been written
    bool refused_ = false;
    bool damaged_ = false;
};

}  // namespace prewatt::meter

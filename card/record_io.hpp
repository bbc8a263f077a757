// Records over a reader, one exchange with the card a call: a meter calls step() once in each of its rounds and is
// never held up; a desk or a shared reader calls finish() and waits. Decides nothing about what a record means.
//
// Both are values of a few bytes without a heap; one is used for one record and then made anew. The card may vanish at
// any exchange. After kDone and after kFailed, step() does nothing more.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>

#include "card/m1_reader.hpp"
#include "card/sealed_record.hpp"

namespace prewatt::card {

enum class Progress : std::uint8_t { kBusy, kDone, kFailed };

// The three blocks of a sector: 4 exchanges (authenticate, read three times). Key A of the sector.
class RecordReader {
  public:
    // `wanted_box`: stops after the header (2 exchanges) where it names another box, with kDone and record() holding
    // the header alone, so a card of the neighbours is told quickly. nullopt: everything is read.
    explicit RecordReader(std::uint8_t sector, const SectorKey& key, KeyKind kind = KeyKind::kA,
                          std::optional<BoxDigits> wanted_box = std::nullopt)
        : sector_(sector), key_(key), kind_(kind), wanted_box_(wanted_box) {}

    Progress step(M1Reader& reader);
    [[nodiscard]] Progress progress() const { return progress_; }
    // When kDone. Bytes that were not read are 0.
    [[nodiscard]] const RecordBytes& record() const { return record_; }
    [[nodiscard]] CardFault fault() const { return fault_; }  // when kFailed

  private:
    std::uint8_t sector_;
    SectorKey key_;
    KeyKind kind_;
    std::optional<BoxDigits> wanted_box_;
    std::uint8_t next_ = 0;  // 0: authenticate; 1..3: read block next_ - 1
    Progress progress_ = Progress::kBusy;
    CardFault fault_ = CardFault::kReader;
    RecordBytes record_{};
};

enum class WriteFault : std::uint8_t {
    kNoCard,       // gone: nothing, a part or all of it was written; the other copy is as it was
    kWrongKey,     // nothing was written
    kRefused,      // the card did not let itself be written or read: its access bits are not ours
    kReader,       // the reader does not work; as kNoCard
    kNotVerified,  // written, and reads back as something else: this sector of the card is worn out
    kSwapped,      // another card lies there now: nothing of this success is to be believed
};

// Block 1, block 0, block 2, then all three read back and the card asked once more who it is: 8 exchanges. Only kDone
// acknowledges the generation (copies.hpp).
class RecordWriter {
  public:
    // `uid`: of the card for which the record was sealed. Key B of the sector.
    RecordWriter(const Uid& uid, std::uint8_t sector, const SectorKey& key, const RecordBytes& record)
        : uid_(uid), sector_(sector), key_(key), record_(record) {}

    Progress step(M1Reader& reader);
    [[nodiscard]] Progress progress() const { return progress_; }
    [[nodiscard]] WriteFault fault() const { return fault_; }  // when kFailed
    // The commit mark (block 2) was sent: from here on the card may hold the new record, also after a failure.
    [[nodiscard]] bool may_be_written() const { return next_ > kCommit; }

  private:
    static constexpr std::uint8_t kCommit = 3;
    Progress fail(WriteFault fault);

    Uid uid_;
    std::uint8_t sector_;
    SectorKey key_;
    RecordBytes record_;
    std::uint8_t next_ = 0;  // 0 authenticate, 1..3 write, 4..6 read back, 7 who is it
    Progress progress_ = Progress::kBusy;
    WriteFault fault_ = WriteFault::kReader;
};

// For whoever may wait: steps until done or failed.
template <class Steps>
Progress finish(Steps& steps, M1Reader& reader) {
    while (steps.progress() == Progress::kBusy)
        steps.step(reader);
    return steps.progress();
}

}  // namespace prewatt::card

// Readings as they arrive: raw rows in bulk, latest values in memory, `meters` behind them.
//
// record() only gathers. Before COMMIT all that the transaction gathered is appended to `readings` at once; after
// COMMIT the latest values show it. The table `meters` gets them later, in bulk and in chunks (flush), at the latest
// after kFlushEvery and at an orderly stop. The mark `values_flushed_at` says from which time on a reading may be
// missing in `meters`; after a kill load() reads the raw rows from there on, so nothing that was reported as done is
// lost.
//
// What is known of the energy used and whether a sale's relay is seen closed is decided on `meters`: a household whose
// ticket awaits light goes there with each reading (touch() says that it may), and settle() brings a household's newest
// reading there before somebody decides with it.
//
// A reading that is a repetition of the newest one is passed over. Other repetitions are stored twice and shown once.
//
// Everything but latest() is for the writing thread.
#pragma once
#include <atomic>
#include <map>
#include <set>
#include <vector>

#include "server/store/latest_values.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// Also the work of a chunk: what is bearable between two sales.
inline constexpr std::size_t kFlushChunk = 2000;

class ReadingLog final : public Writer::Companion {
  public:
    // The office that it is of begins now.
    explicit ReadingLog(UnixTime runs_since) : runs_since_(runs_since) {}

    [[nodiscard]] const LatestValues& latest() const { return latest_; }

    // Before anything else: who there is, and what `meters` has not got yet.
    [[nodiscard]] Answer<Done> load(Db& db);
    [[nodiscard]] Answer<Done> record(Db& db, const std::vector<Reading>& readings, Changes& changes);
    // `meters` has the newest reading of the household when it returns.
    void settle(Db& db, HouseholdId household, Changes& changes);
    // The next reading of the household may complete a sale.
    void touch(HouseholdId household);

    // From now on a reading before `hours_until` comes too late for its hour, and is noted in roll_ups_changed.
    void sum_up_until(UnixTime hours_until) { hours_until_ = std::max(hours_until_, hours_until); }
    // What is older has been removed after it was summed up; a reading of then is passed over.
    void keep_from(UnixTime at) { raw_from_ = std::max(raw_from_, at); }
    // False: readings are refused with kStorageFull and counted, so that what room is left is for sales. Any thread.
    void take_readings(bool take) { takes_ = take; }
    [[nodiscard]] bool takes_readings() const { return takes_; }
    [[nodiscard]] std::uint64_t refused() const { return refused_; }
    // The latest time of any reading. Any thread.
    [[nodiscard]] UnixTime newest_at() const { return UnixTime{newest_at_ms_}; }

    // The household has another meter from now on: what the old one showed is shown no more, whenever it comes.
    void forget(Db& db, HouseholdId household, UnixTime now);

    // A chunk of what `meters` has not got yet. True: the end of a round, everything that waited at its beginning is
    // there. `now` is the wall clock.
    [[nodiscard]] Answer<bool> flush(Db& db, UnixTime now, std::size_t households_max, Changes& changes);

    void on_begin() override;
    void before_commit(Db& db) override;
    void on_committed() override;

  private:
    void append(Db& db);
    void make_partition(Db& db, UnixTime at);

    UnixTime runs_since_;
    LatestValues latest_;
    bool loaded_ = false;
    bool with_spans_ = false;
    UnixTime mark_;  // values_flushed_at
    std::size_t cursor_ = 0;
    UnixTime round_began_at_;
    UnixTime hours_until_;
    UnixTime raw_from_;
    UnixTime first_at_;          // of the first reading ever, as archive_state says; 0: it does not yet
    UnixTime carried_first_at_;  // of those that an older version had stored
    std::atomic<bool> takes_{true};
    std::atomic<std::uint64_t> refused_{0};
    std::atomic<std::int64_t> newest_at_ms_{0};
    std::set<int> partitions_;  // months that are known to be there

    // Of the transaction under way.
    struct Gathered {
        std::vector<LatestValues::Shown> shown;
        std::vector<Reading> rows;
        std::vector<std::pair<HouseholdId, UnixTime>> settled;
        std::vector<HouseholdId> no_longer_careful;
        std::vector<std::pair<HouseholdId, UnixTime>> forgotten;
        std::optional<UnixTime> mark;
        std::size_t cursor = 0;
        bool cursor_moved = false;
        bool round_complete = false;
        std::vector<int> partitions;
        std::map<UnixTime, std::int64_t> late;  // by hour
        UnixTime newest_at;
        UnixTime first_at;
    } gathered_;
    std::vector<Value> values_;  // of the rows that are appended; its memory serves the next transaction too
};

}  // namespace prewatt::server::store

// A disk that forgets what was not synchronised, fails when it is told to, and dies in the middle of a write: a file
// system in memory behind SQLite's own port (VFS), so that the real office with the real SQLite stands on it.
//
// The fault model.
//   process killed     what was written stays (the system has it), handles are dead, shared memory and locks are gone.
//   supply of the host lost
//                      of what was written since the last successful synchronisation of its file, each sector of 512
//                      bytes is either there or as it was, by chance and without regard to the order of the writes; a
//                      length that was not synchronised is the old or the new one; a file that was never synchronised
//                      may be missing; one that was removed may be back as long as no file was synchronised after it
//                      (a journalling file system commits in order).
//   death in a write   the process or the host ends with the n-th write: of that write a prefix of sectors was made.
//   refused write      the n-th write fails with an input/output error and changes nothing.
//   refused sync       a synchronisation fails, and what it should have made durable counts as clean from then on, as
//                      Linux does it: a later one that succeeds does not bring it to the disk.
//   full               a write that would make the files larger than the disk is refused.
//   lying              synchronising says yes and does nothing (planted, to see that it is noticed).
// Not modelled: a sector that decays while nobody writes, bytes that change on their way.
//
// One thread. The disk outlives every connection that was opened through it. Names of files are plain words; all of
// them lie in one folder.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/random.hpp"

struct sqlite3_vfs;

namespace prewatt::campus {

struct DiskFaults {
    std::int64_t die_at_write = -1;  // counted from set_faults(), 0 is the next one; -1: never
    std::int64_t fail_at_write = -1;
    std::int64_t fail_at_sync = -1;
    std::int64_t bytes_max = -1;  // of all files together; -1: without bound
    bool lies = false;
};

class FakeDisk {
  public:
    explicit FakeDisk(std::uint64_t seed);
    FakeDisk(const FakeDisk&) = delete;
    FakeDisk& operator=(const FakeDisk&) = delete;
    ~FakeDisk();

    // The name by which sqlite3_open_v2 finds it.
    [[nodiscard]] const char* vfs() const { return name_.c_str(); }
    void set_faults(const DiskFaults& faults);
    // Has an end that may be reached: who writes may be refused for as long as that is so.
    [[nodiscard]] bool is_bounded() const { return faults_.bytes_max >= 0; }
    // From this instant on nothing that the process does reaches the disk. Then one of the two below.
    void die() { dead_ = true; }
    // Every handle that was opened before answers with errors from now on.
    void kill_process();
    void lose_power();
    // All files as they are now, and all of them as they were in a copy, on the disk for good: a backup that was taken
    // between two writes, and its return. Handles that are open answer with errors from then on.
    using Copy = std::map<std::string, std::vector<std::uint8_t>>;
    [[nodiscard]] Copy copy() const;
    void restore(const Copy& copy);
    // Of die() or die_at_write: nothing is written any more until one of the two above.
    [[nodiscard]] bool is_dead() const { return dead_; }

    [[nodiscard]] std::int64_t writes() const { return writes_; }
    [[nodiscard]] std::int64_t bytes() const;
    [[nodiscard]] bool has(const std::string& file) const { return files_.contains(file); }

    // --- for its own handles
    struct Shared {  // memory and locks of one file, as the processes of one machine share them
        std::vector<std::unique_ptr<std::uint8_t[]>> regions;
        int shared_locks[8]{};
        bool exclusive_locks[8]{};
        int readers = 0;
        bool reserved = false;
        bool exclusive = false;
    };
    struct File {
        std::vector<std::uint8_t> present;  // what a reader sees
        std::vector<std::uint8_t> durable;  // what would be there after the supply was lost
        std::vector<bool> unsynced;         // by sector
        std::vector<std::size_t> dirty;     // the sectors of which unsynced is true
        bool ever_synced = false;
        std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    };
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    [[nodiscard]] std::shared_ptr<File> find(const std::string& name, bool create);
    void remove(const std::string& name, bool sync_folder);
    enum class Outcome : std::uint8_t { kDone, kFailed, kFull };
    [[nodiscard]] Outcome write(File& file, std::int64_t offset, const std::uint8_t* bytes, std::size_t count);
    [[nodiscard]] Outcome truncate(File& file, std::int64_t size);
    [[nodiscard]] Outcome sync(File& file);
    [[nodiscard]] std::uint64_t random_bits() { return random_.bits(); }

  private:
    void put(File& file, std::size_t offset, const std::uint8_t* bytes, std::size_t count);

    std::string name_;
    std::unique_ptr<sqlite3_vfs> vfs_;
    sim::Random random_;
    std::map<std::string, std::shared_ptr<File>> files_;
    std::map<std::string, std::shared_ptr<File>> removed_;  // not yet for good
    DiskFaults faults_;
    std::int64_t writes_ = 0;  // since set_faults
    std::int64_t syncs_ = 0;
    std::uint64_t generation_ = 0;
    bool dead_ = false;
};

}  // namespace prewatt::campus

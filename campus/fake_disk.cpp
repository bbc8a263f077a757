#include "campus/fake_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "server/store/sqlite_db.hpp"

namespace prewatt::campus {
namespace {

constexpr std::size_t kSector = 512;

// What SQLite holds of an open file. It allocates the bytes, xOpen and xClose are the constructor and the destructor.
struct Handle {
    sqlite3_file base;
    FakeDisk* disk;
    std::shared_ptr<FakeDisk::File> file;
    std::shared_ptr<FakeDisk::Shared> shared;
    std::uint64_t generation;
    int level;                  // of the lock on the whole file
    std::uint16_t shared_mask;  // of the locks in shared memory
    std::uint16_t exclusive_mask;
    std::string name;
    bool remove_at_close;
};

Handle& handle_of(sqlite3_file* file) {
    return *reinterpret_cast<Handle*>(file);
}
bool alive(const Handle& h) {
    return h.generation == h.disk->generation() && !h.disk->is_dead();
}
int code_of(FakeDisk::Outcome outcome, int failed) {
    switch (outcome) {
        case FakeDisk::Outcome::kDone:
            return SQLITE_OK;
        case FakeDisk::Outcome::kFull:
            return SQLITE_FULL;
        case FakeDisk::Outcome::kFailed:
            break;
    }
    return failed;
}

void release(Handle& h) {
    FakeDisk::Shared& s = *h.shared;
    for (int k = 0; k < 8; ++k) {
        if (h.shared_mask >> k & 1) --s.shared_locks[k];
        if (h.exclusive_mask >> k & 1) s.exclusive_locks[k] = false;
    }
    h.shared_mask = h.exclusive_mask = 0;
}

int unlock(sqlite3_file* file, int level) {
    Handle& h = handle_of(file);
    if (level >= h.level) return SQLITE_OK;
    FakeDisk::Shared& s = *h.shared;
    if (h.level == SQLITE_LOCK_EXCLUSIVE || h.level == SQLITE_LOCK_PENDING) s.exclusive = false;
    if (h.level >= SQLITE_LOCK_RESERVED) s.reserved = false;
    if (level == SQLITE_LOCK_NONE) --s.readers;
    h.level = level;
    return SQLITE_OK;
}

int close(sqlite3_file* file) {
    Handle& h = handle_of(file);
    unlock(file, SQLITE_LOCK_NONE);
    release(h);
    if (h.remove_at_close && alive(h)) h.disk->remove(h.name, true);
    h.~Handle();
    return SQLITE_OK;
}

int read(sqlite3_file* file, void* out, int count, sqlite3_int64 offset) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_READ;
    const std::vector<std::uint8_t>& bytes = h.file->present;
    const std::size_t from = static_cast<std::size_t>(offset);
    const std::size_t wanted = static_cast<std::size_t>(count);
    const std::size_t there = from < bytes.size() ? std::min(wanted, bytes.size() - from) : 0;
    if (there > 0) std::memcpy(out, bytes.data() + from, there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<std::uint8_t*>(out) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_WRITE;
    return code_of(
        h.disk->write(*h.file, offset, static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(count)),
        SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_TRUNCATE;
    return code_of(h.disk->truncate(*h.file, size), SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* file, int) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_FSYNC;
    return code_of(h.disk->sync(*h.file), SQLITE_IOERR_FSYNC);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>(h.file->present.size());
    return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_LOCK;
    if (level <= h.level) return SQLITE_OK;
    FakeDisk::Shared& s = *h.shared;
    if (h.level == SQLITE_LOCK_NONE) {
        if (s.exclusive) return SQLITE_BUSY;
        ++s.readers;
        h.level = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_RESERVED) {
        if (s.reserved) return SQLITE_BUSY;
        s.reserved = true;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (s.readers > 1 || (s.reserved && h.level < SQLITE_LOCK_RESERVED)) return SQLITE_BUSY;
        s.reserved = true;
        s.exclusive = true;
    }
    h.level = level;
    return SQLITE_OK;
}

int check_reserved(sqlite3_file* file, int* reserved) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
    *reserved = h.shared->reserved ? 1 : 0;
    return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
    return static_cast<int>(kSector);
}
int characteristics(sqlite3_file*) {
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_ATOMIC512;
}

int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    Handle& h = handle_of(file);
    *out = nullptr;
    if (!alive(h)) return SQLITE_IOERR_SHMMAP;
    auto& regions = h.shared->regions;
    const std::size_t index = static_cast<std::size_t>(region);
    if (index >= regions.size() && extend == 0) return SQLITE_OK;
    while (index >= regions.size())
        regions.push_back(std::make_unique<std::uint8_t[]>(static_cast<std::size_t>(size)));
    *out = regions[index].get();
    return SQLITE_OK;
}

int lock_shared(sqlite3_file* file, int offset, int n, int flags) {
    Handle& h = handle_of(file);
    if (!alive(h)) return SQLITE_IOERR_SHMLOCK;
    FakeDisk::Shared& s = *h.shared;
    const auto mask = static_cast<std::uint16_t>(((1u << n) - 1u) << offset);
    if (flags & SQLITE_SHM_UNLOCK) {
        for (int k = offset; k < offset + n; ++k) {
            if (flags & SQLITE_SHM_SHARED && h.shared_mask >> k & 1) --s.shared_locks[k];
            if (flags & SQLITE_SHM_EXCLUSIVE && h.exclusive_mask >> k & 1) s.exclusive_locks[k] = false;
        }
        if (flags & SQLITE_SHM_SHARED) h.shared_mask = static_cast<std::uint16_t>(h.shared_mask & ~mask);
        if (flags & SQLITE_SHM_EXCLUSIVE) h.exclusive_mask = static_cast<std::uint16_t>(h.exclusive_mask & ~mask);
        return SQLITE_OK;
    }
    if (flags & SQLITE_SHM_SHARED) {
        if (h.shared_mask >> offset & 1) return SQLITE_OK;
        if (s.exclusive_locks[offset]) return SQLITE_BUSY;
        ++s.shared_locks[offset];
        h.shared_mask = static_cast<std::uint16_t>(h.shared_mask | mask);
        return SQLITE_OK;
    }
    for (int k = offset; k < offset + n; ++k) {
        const int own = h.shared_mask >> k & 1;
        if (s.exclusive_locks[k] || s.shared_locks[k] > own) return SQLITE_BUSY;
    }
    for (int k = offset; k < offset + n; ++k)
        s.exclusive_locks[k] = true;
    h.exclusive_mask = static_cast<std::uint16_t>(h.exclusive_mask | mask);
    return SQLITE_OK;
}

void barrier(sqlite3_file*) {}

int unmap_shared(sqlite3_file* file, int remove) {
    Handle& h = handle_of(file);
    release(h);
    if (remove != 0 && alive(h)) h.shared->regions.clear();
    return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods{2,
                                      close,
                                      read,
                                      write,
                                      truncate,
                                      sync,
                                      file_size,
                                      lock,
                                      unlock,
                                      check_reserved,
                                      control,
                                      sector_size,
                                      characteristics,
                                      map_shared,
                                      lock_shared,
                                      barrier,
                                      unmap_shared,
                                      nullptr,
                                      nullptr};

FakeDisk& disk_of(sqlite3_vfs* vfs) {
    return *static_cast<FakeDisk*>(vfs->pAppData);
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    FakeDisk& disk = disk_of(vfs);
    file->pMethods = nullptr;
    if (disk.is_dead()) return SQLITE_CANTOPEN;
    static std::atomic<std::uint64_t> temporary{0};
    const std::string own = name ? name : "temporary-" + std::to_string(++temporary);
    auto found = disk.find(own, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!found) return SQLITE_CANTOPEN;
    auto* h = new (file) Handle{};
    h->base.pMethods = &kMethods;
    h->disk = &disk;
    h->shared = found->shared;
    h->file = std::move(found);
    h->generation = disk.generation();
    h->level = SQLITE_LOCK_NONE;
    h->name = own;
    h->remove_at_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

int remove_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    FakeDisk& disk = disk_of(vfs);
    if (disk.is_dead()) return SQLITE_IOERR_DELETE;
    if (!disk.has(name)) return SQLITE_IOERR_DELETE_NOENT;
    disk.remove(name, sync_folder != 0);
    return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* name, int, int* answer) {
    *answer = disk_of(vfs).has(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int count, char* out) {
    for (int k = 0; k < count; ++k)
        out[k] = static_cast<char>(disk_of(vfs).random_bits() & 0xFF);
    return count;
}
int sleep(sqlite3_vfs*, int us) {
    return us;  // nobody else runs: waiting would change nothing
}
int present_time(sqlite3_vfs*, double* julian) {
    *julian = 2461000.5;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

}  // namespace

FakeDisk::FakeDisk(std::uint64_t seed) : random_(seed, {0x6469736B}) {
    server::store::start_sqlite();
    static std::atomic<std::uint64_t> made{0};
    name_ = "fake-disk-" + std::to_string(++made);
    vfs_ = std::make_unique<sqlite3_vfs>();
    vfs_->iVersion = 1;
    vfs_->szOsFile = sizeof(Handle);
    vfs_->mxPathname = 256;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = this;
    vfs_->xOpen = open;
    vfs_->xDelete = remove_file;
    vfs_->xAccess = access;
    vfs_->xFullPathname = full_path;
    vfs_->xRandomness = randomness;
    vfs_->xSleep = sleep;
    vfs_->xCurrentTime = present_time;
    vfs_->xGetLastError = last_error;
    sqlite3_vfs_register(vfs_.get(), 0);
}
FakeDisk::~FakeDisk() {
    sqlite3_vfs_unregister(vfs_.get());
}

void FakeDisk::set_faults(const DiskFaults& faults) {
    faults_ = faults;
    writes_ = 0;
    syncs_ = 0;
}

std::int64_t FakeDisk::bytes() const {
    std::int64_t sum = 0;
    for (const auto& [name, file] : files_)
        sum += static_cast<std::int64_t>(file->present.size());
    return sum;
}

std::shared_ptr<FakeDisk::File> FakeDisk::find(const std::string& name, bool create) {
    const auto found = files_.find(name);
    if (found != files_.end()) return found->second;
    if (!create) return nullptr;
    return files_.emplace(name, std::make_shared<File>()).first->second;
}

void FakeDisk::remove(const std::string& name, bool sync_folder) {
    const auto found = files_.find(name);
    if (found == files_.end()) return;
    if (!sync_folder) removed_[name] = found->second;
    files_.erase(found);
    if (sync_folder) removed_.clear();
}

void FakeDisk::put(File& file, std::size_t offset, const std::uint8_t* bytes, std::size_t count) {
    if (count == 0) return;
    if (file.present.size() < offset) file.present.resize(offset);
    const std::size_t inside = std::min(count, file.present.size() - offset);
    std::copy_n(bytes, inside, file.present.begin() + static_cast<std::ptrdiff_t>(offset));
    file.present.insert(file.present.end(), bytes + inside, bytes + count);
    const std::size_t last = (offset + count - 1) / kSector;
    if (file.unsynced.size() <= last) file.unsynced.resize(last + 1);
    for (std::size_t sector = offset / kSector; sector <= last; ++sector) {
        if (file.unsynced[sector]) continue;
        file.unsynced[sector] = true;
        file.dirty.push_back(sector);
    }
}

FakeDisk::Outcome FakeDisk::write(File& file, std::int64_t offset, const std::uint8_t* bytes, std::size_t count) {
    const std::int64_t number = writes_++;
    const std::size_t at = static_cast<std::size_t>(offset);
    if (number == faults_.die_at_write) {
        put(file, at, bytes, std::min(count, static_cast<std::size_t>(random_.below(count / kSector + 1)) * kSector));
        dead_ = true;
        return Outcome::kFailed;
    }
    if (number == faults_.fail_at_write) return Outcome::kFailed;
    const std::int64_t end = offset + static_cast<std::int64_t>(count);
    const auto size = static_cast<std::int64_t>(file.present.size());
    if (faults_.bytes_max >= 0 && end > size && this->bytes() + end - size > faults_.bytes_max) return Outcome::kFull;
    put(file, at, bytes, count);
    return Outcome::kDone;
}

FakeDisk::Outcome FakeDisk::truncate(File& file, std::int64_t size) {
    if (writes_++ == faults_.die_at_write) {
        dead_ = true;
        return Outcome::kFailed;
    }
    file.present.resize(static_cast<std::size_t>(size));
    return Outcome::kDone;
}

FakeDisk::Outcome FakeDisk::sync(File& file) {
    if (faults_.lies) return Outcome::kDone;
    const bool fails = syncs_++ == faults_.fail_at_sync;
    if (!fails) {
        // Whatever lies behind its old end is new.
        const std::size_t old_end = std::min(file.durable.size(), file.present.size());
        file.durable.resize(old_end);
        file.durable.insert(file.durable.end(), file.present.begin() + static_cast<std::ptrdiff_t>(old_end),
                            file.present.end());
        for (const std::size_t sector : file.dirty) {
            const std::size_t from = sector * kSector;
            if (from >= old_end) continue;
            const std::size_t count = std::min(kSector, old_end - from);
            std::memcpy(file.durable.data() + from, file.present.data() + from, count);
        }
        file.ever_synced = true;
        removed_.clear();
    }
    for (const std::size_t sector : file.dirty)
        file.unsynced[sector] = false;
    file.dirty.clear();
    return fails ? Outcome::kFailed : Outcome::kDone;
}

void FakeDisk::kill_process() {
    ++generation_;
    dead_ = false;
    for (auto& [name, file] : files_)
        file->shared = std::make_shared<Shared>();
}

FakeDisk::Copy FakeDisk::copy() const {
    Copy all;
    for (const auto& [name, file] : files_)
        all[name] = file->present;
    return all;
}

void FakeDisk::restore(const Copy& copy) {
    kill_process();
    files_.clear();
    removed_.clear();
    for (const auto& [name, bytes] : copy) {
        auto file = std::make_shared<File>();
        file->present = file->durable = bytes;
        file->unsynced.assign(bytes.size() / kSector + 1, false);
        file->ever_synced = true;
        files_.emplace(name, std::move(file));
    }
}

void FakeDisk::lose_power() {
    for (const auto& [name, file] : removed_)
        if (file->ever_synced && !files_.contains(name) && random_.chance(0.5)) files_[name] = file;
    removed_.clear();
    for (auto it = files_.begin(); it != files_.end();) {
        File& file = *it->second;
        if (!file.ever_synced && random_.chance(0.5)) {
            it = files_.erase(it);
            continue;
        }
        // In place: dead handles are refused before they see any of it, and only what is not synchronised is touched.
        const std::size_t size = random_.chance(0.5) ? file.present.size() : file.durable.size();
        std::sort(file.dirty.begin(), file.dirty.end());
        std::size_t end = size;
        for (const std::size_t sector : file.dirty) {
            file.unsynced[sector] = false;
            const std::size_t from = sector * kSector;
            if (from >= file.present.size()) continue;
            const std::size_t count = std::min(kSector, file.present.size() - from);
            if (random_.chance(0.5)) {
                if (file.durable.size() < from + count) file.durable.resize(from + count);
                std::memcpy(file.durable.data() + from, file.present.data() + from, count);
                end = std::max(end, from + count);
            } else {
                const std::size_t old = from < file.durable.size() ? std::min(count, file.durable.size() - from) : 0;
                if (old > 0) std::memcpy(file.present.data() + from, file.durable.data() + from, old);
                std::memset(file.present.data() + from + old, 0, count - old);
            }
        }
        file.dirty.clear();
        // A shrinking that was not synchronised may be undone.
        if (const std::size_t shrunk = file.present.size(); end > shrunk) {
            file.present.resize(end);
            const std::size_t known = std::min(end, file.durable.size());
            if (known > shrunk) std::memcpy(file.present.data() + shrunk, file.durable.data() + shrunk, known - shrunk);
        }
        file.present.resize(end);
        file.durable.resize(end);
        file.ever_synced = true;
        file.shared = std::make_shared<Shared>();
        ++it;
    }
    ++generation_;
    dead_ = false;
}

}  // namespace prewatt::campus

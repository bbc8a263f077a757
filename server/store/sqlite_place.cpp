#include "server/store/sqlite_place.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "server/store/migrations.hpp"
#include "server/store/retention.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::server::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kQuickCheckMax = std::uintmax_t{64} << 20;

// Held by the one process that has the database; the system lets go of it when the process dies, however it dies.
class FileLock {
  public:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock() { close(descriptor_); }

  private:
    int descriptor_;
};

Opened<std::shared_ptr<void>> take_lock(const fs::path& file) {
    const std::string name = file.string() + ".lock";
    const int descriptor = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return open_failure(OpenError::kFailed, name + ": " + std::strerror(errno));
    auto lock = std::make_shared<FileLock>(descriptor);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return open_failure(OpenError::kInUse, "Another process has the database " + file.string() +
                                                   " open. Stop it first, or give this one another data folder.");
    return std::static_pointer_cast<void>(lock);
}

std::uint32_t big_endian(const char* bytes) {
    std::uint32_t value = 0;
    for (int k = 0; k < 4; ++k)
        value = value << 8 | static_cast<unsigned char>(bytes[k]);
    return value;
}

// What the head of the file says, before the engine touches anything. The version in it is exact: every migration ends
// with a checkpoint.
Opened<void> check_head(const fs::path& file) {
    std::error_code error;
    if (!fs::exists(file, error))
        return open_failure(OpenError::kMissing, "There is no database " + file.string() + " yet.");
    std::array<char, 100> head{};
    std::ifstream in(file, std::ios::binary);
    if (!in) return open_failure(OpenError::kFailed, "Cannot read " + file.string() + ": " + std::strerror(errno));
    if (!in.read(head.data(), static_cast<std::streamsize>(head.size())) ||
        std::memcmp(head.data(), "SQLite format 3", 16) != 0 || big_endian(head.data() + 68) != kApplicationId)
        return open_failure(OpenError::kDamaged,
                            file.string() +
                                " is not a Prewatt database, or its beginning is damaged. It was not touched; "
                                "restore it from a backup.");
    const std::uint32_t version = big_endian(head.data() + 60);
    if (version > static_cast<std::uint32_t>(newest_migration()))
        return open_failure(OpenError::kNewer, "The database " + file.string() + " has version " +
                                                   std::to_string(version) + ", this program knows version " +
                                                   std::to_string(newest_migration()) +
                                                   ". It was not touched; use the newer program.");
    return {};
}

// Pages that the file has free, and room on the disk, up to the bound.
std::optional<std::int64_t> room_in(Db& db, const fs::path& file, std::int64_t pages_max) {
    std::int64_t page = 0;
    std::int64_t pages = 0;
    std::int64_t free_pages = 0;
    db.query("PRAGMA page_size", {}, [&](const Row& row) { page = row.integer(0); });
    db.query("PRAGMA page_count", {}, [&](const Row& row) { pages = row.integer(0); });
    db.query("PRAGMA freelist_count", {}, [&](const Row& row) { free_pages = row.integer(0); });
    const auto disk = free_bytes_of(file.has_parent_path() ? file.parent_path() : fs::path{"."});
    if (!db.ok() || !disk) return std::nullopt;
    const std::int64_t grow =
        pages_max > 0 ? std::min(*disk, std::max<std::int64_t>(pages_max - pages, 0) * page) : *disk;
    return grow + free_pages * page;
}

void remove_all_of(const fs::path& file) {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"})
        fs::remove(file.string() + suffix, ignored);
}

void sync_folder(const fs::path& file) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    fsync(descriptor);
    close(descriptor);
}

class SqlitePlace final : public Place {
  public:
    SqlitePlace(fs::path file, std::int64_t pages_max) : file_(std::move(file)), pages_max_(pages_max) {}
    std::string name() const override { return file_.string(); }
    std::string_view engine() const override { return "SQLite"; }

    Opened<Writing> open_writing() override {
        if (auto head = check_head(file_); !head) return std::unexpected(head.error());
        auto lock = take_lock(file_);
        if (!lock) return std::unexpected(lock.error());
        auto db = open_sqlite(file_, {.create = false, .read_only = false, .pages_max = pages_max_});
        if (!db) return open_failure(name(), db.error());
        return Writing{std::move(*db), std::move(*lock)};
    }
    Opened<std::unique_ptr<Db>> open_reading() override {
        if (auto head = check_head(file_); !head) return std::unexpected(head.error());
        auto db = reader()();
        if (!db) return open_failure(name(), db.error());
        return std::move(*db);
    }
    std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> reader() const override {
        return [file = file_] { return open_sqlite(file, {.create = false, .read_only = true, .pages_max = 0}); };
    }

    Opened<void> create(const Fill& fill) override {
        auto lock = take_lock(file_);
        if (!lock) return std::unexpected(lock.error());
        std::error_code error;
        if (fs::exists(file_, error))
            return open_failure(OpenError::kExists, "There is a database " + name() + " already; it was not touched.");
        const fs::path fresh = file_.string() + ".new";
        remove_all_of(fresh);
        auto filled = fill_file(fresh, fill);
        if (filled) {
            fs::rename(fresh, file_, error);
            if (error) filled = open_failure(OpenError::kFailed, name() + ": " + error.message());
        }
        remove_all_of(fresh);
        if (filled) sync_folder(file_);
        return filled;
    }

    std::string find_damage(Db& db, bool quick) override {
        std::error_code error;
        if (quick && fs::file_size(file_, error) >= kQuickCheckMax) return {};
        std::string verdict;
        db.query(quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)", {},
                 [&](const Row& row) { verdict = row.as<std::string>(0); });
        if (!quick && verdict == "ok")
            db.query("PRAGMA foreign_key_check", {}, [&](const Row& row) {
                verdict = "a row of " + row.as<std::string>(0) + " refers to a row of " + row.as<std::string>(2) +
                          " that is not there";
            });
        if (!db.ok()) return db.failure()->message;
        return verdict == "ok" ? std::string{} : verdict;
    }
    std::function<std::optional<std::int64_t>(Db&)> room() const override {
        return [file = file_, pages_max = pages_max_](Db& db) { return room_in(db, file, pages_max); };
    }
    std::string ballast() const override { return file_.string() + ".ballast"; }
    // The version in the head of the file is exact only after a checkpoint.
    void settle(Db& db) override {
        db.query("PRAGMA wal_checkpoint(TRUNCATE)", {}, [](const Row&) {});
    }

    std::vector<std::string> tables(Db& db) override {
        std::vector<std::string> found;
        db.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name", {},
                 [&](const Row& row) { found.push_back(row.as<std::string>(0)); });
        return found;
    }
    std::vector<Column> columns(Db& db, const std::string& table) override {
        std::vector<Column> found;
        db.query("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid", {table}, [&](const Row& row) {
            const auto type = row.text(1);
            Column column{row.as<std::string>(0), Column::Kind::kOther, row.integer(2) > 0};
            if (type == "BIGINT" || type == "INTEGER") column.kind = Column::Kind::kInteger;
            if (type == "TEXT") column.kind = Column::Kind::kText;
            found.push_back(std::move(column));
        });
        return found;
    }
    std::vector<std::pair<std::string, std::string>> references(Db& db) override {
        std::vector<std::pair<std::string, std::string>> found;
        db.query(
            "SELECT t.name, f.\"table\" FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = "
            "'table'",
            {}, [&](const Row& row) { found.emplace_back(row.as<std::string>(0), row.as<std::string>(1)); });
        return found;
    }
    void expect_rows(Db&, std::string_view, std::span<const std::string_view>, std::span<const Value>) override {}
    // The next key is one more than the greatest. Readings were appended in the order of their time, so those of one
    // hour stand together.
    void loaded(Db& db) override {
        if (!db.has_table("reading_spans")) return;
        db.define("DELETE FROM reading_spans");
        db.define(
            "INSERT INTO reading_spans (first_number, last_number, first_at, last_at, first_household, last_household) "
            "SELECT MIN(number), MAX(number), MIN(at), MAX(at), MIN(household_id), MAX(household_id) FROM readings "
            "GROUP BY (number - 1) / 1000, at / 3600000");
    }
    std::string what_was_checked(Db&) override { return "every page, index and reference of the file was compared"; }

  private:
    // A file that nobody else knows of.
    Opened<void> fill_file(const fs::path& fresh, const Fill& fill) {
        auto db = open_sqlite(fresh, {.create = true, .read_only = false, .pages_max = pages_max_});
        if (!db) return open_failure(name(), db.error());
        auto filled = fill(**db);
        if (filled) settle(**db);
        if (filled && !(*db)->ok()) return open_failure(name(), *(*db)->failure());
        return filled;
    }

    fs::path file_;
    std::int64_t pages_max_;
};

}  // namespace

std::unique_ptr<Place> make_sqlite_place(const fs::path& file, std::int64_t pages_max) {
    return std::make_unique<SqlitePlace>(file, pages_max);
}

}  // namespace prewatt::server::store

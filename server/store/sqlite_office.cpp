#include "server/store/sqlite_office.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>

#include "server/domain/sale.hpp"
#include "server/store/migrations.hpp"
#include "server/store/office_on_db.hpp"
#include "server/store/planted_db.hpp"
#include "server/store/sales.hpp"
#include "server/store/sqlite_db.hpp"
#include "server/store/users.hpp"

namespace prewatt::server::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<OpenFailure> fail(OpenError error, std::string message) {
    return std::unexpected(OpenFailure{error, std::move(message)});
}
std::unexpected<OpenFailure> fail(const fs::path& file, const DbFailure& failure) {
    const OpenError error = failure.error == DbError::kDamaged ? OpenError::kDamaged : OpenError::kFailed;
    return fail(error, file.string() + ": " + failure.message);
}

UnixTime now_of(const OfficeOptions& options) {
    if (options.clock) return options.clock();
    using namespace std::chrono;
    return UnixTime{duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count()};
}

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
    if (descriptor < 0) return fail(OpenError::kFailed, name + ": " + std::strerror(errno));
    auto lock = std::make_shared<FileLock>(descriptor);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return fail(OpenError::kInUse, "Another process has the database " + file.string() +
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
    if (!fs::exists(file, error)) return fail(OpenError::kMissing, "There is no database " + file.string() + " yet.");
    std::array<char, 100> head{};
    std::ifstream in(file, std::ios::binary);
    if (!in) return fail(OpenError::kFailed, "Cannot read " + file.string() + ": " + std::strerror(errno));
    if (!in.read(head.data(), static_cast<std::streamsize>(head.size())) ||
        std::memcmp(head.data(), "SQLite format 3", 16) != 0 || big_endian(head.data() + 68) != kApplicationId)
        return fail(OpenError::kDamaged,
                    file.string() +
                        " is not a Prewatt database, or its beginning is damaged. It was not touched; "
                        "restore it from a backup.");
    const std::uint32_t version = big_endian(head.data() + 60);
    if (version > static_cast<std::uint32_t>(newest_migration()))
        return fail(OpenError::kNewer, "The database " + file.string() + " has version " + std::to_string(version) +
                                           ", this program knows version " + std::to_string(newest_migration()) +
                                           ". It was not touched; use the newer program.");
    return {};
}

Opened<void> bring_up_to_date(Db& db, const fs::path& file, UnixTime now) {
    if (applied_migration(db) < newest_migration())
        if (const auto why = migrate(db, now)) return fail(file, *why);
    if (db.ok()) db.query("PRAGMA wal_checkpoint(TRUNCATE)", {}, [](const Row&) {});
    if (!db.ok()) return fail(file, *db.failure());
    return {};
}

// Two digits, at least.
std::string padded(int number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

void insert_household(Db& db, std::int64_t room, std::string_view resident, std::int64_t box, int number) {
    std::int64_t household = 0;
    db.query("INSERT INTO households (room_id, resident, box_id, number_in_box) VALUES ($1, $2, $3, $4) RETURNING id",
             {room, resident, box, number}, [&](const Row& row) { household = row.integer(0); });
    db.execute("INSERT INTO desired (household_id) VALUES ($1)", {household});
    db.execute("INSERT INTO meters (household_id) VALUES ($1)", {household});
}

std::string made_up_resident(int k) {
    static constexpr const char* kSurnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵",
                                                "黄", "周", "吴", "徐", "孙", "马"};
    static constexpr const char* kNames[] = {"芳", "伟", "娜", "敏", "静", "磊", "洋", "艳", "勇",
                                             "杰", "婷", "浩", "雪", "宇", "欣", "晨", "琳"};
    return std::string{kSurnames[static_cast<std::size_t>(k) % std::size(kSurnames)]} +
           kNames[static_cast<std::size_t>(k) % std::size(kNames)];
}

void insert_building(Db& db, const BuildingSpec& spec) {
    std::int64_t building = 0;
    std::int64_t line = 0;
    db.query("INSERT INTO buildings (name) VALUES ($1) RETURNING id", {spec.name},
             [&](const Row& row) { building = row.integer(0); });
    db.query("INSERT INTO lines (name, url) VALUES ($1, $2) RETURNING id", {spec.line_name, spec.line_url},
             [&](const Row& row) { line = row.integer(0); });
    int room_index = 0;
    for (int b = 0; b < spec.boxes && db.ok(); ++b) {
        std::int64_t box = 0;
        db.query("INSERT INTO boxes (number, line_id, wiring) VALUES ($1, $2, $3) RETURNING id",
                 {static_cast<std::int64_t>(spec.first_box) + b, line, spec.wiring},
                 [&](const Row& row) { box = row.integer(0); });
        for (int number = 1; number <= households_of(spec.wiring); ++number, ++room_index) {
            const int floor = room_index / spec.rooms_per_floor + 1;
            const std::string label = spec.name + "-" + padded(floor) + padded(room_index % spec.rooms_per_floor + 1);
            std::int64_t room = 0;
            db.query("INSERT INTO rooms (building_id, label, floor) VALUES ($1, $2, $3) RETURNING id",
                     {building, label, floor}, [&](const Row& row) { room = row.integer(0); });
            insert_household(db, room, spec.residents ? made_up_resident(room_index) : std::string{}, box, number);
        }
    }
}

Opened<void> check_spec(const SiteSpec& site, const std::vector<BuildingSpec>& buildings) {
    if (site.owner_user.empty() || site.owner_password.size() < kPasswordSizeMin)
        return fail(OpenError::kBadSpec, "The owner needs a name and a password of at least " +
                                             std::to_string(kPasswordSizeMin) + " characters.");
    for (const BuildingSpec& building : buildings)
        if (building.boxes < 0 || building.boxes > 10'000 || building.rooms_per_floor < 1 ||
            building.rooms_per_floor > 99 || building.first_box < 1 ||
            building.first_box + static_cast<std::uint64_t>(building.boxes) > 10'000'000'000)
            return fail(OpenError::kBadSpec, "Building " + building.name +
                                                 ": boxes 0 to 10,000 with ten-digit numbers, 1 to 99 rooms a floor.");
    return {};
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

// Fills a file that nobody else knows of.
Opened<void> fill(const fs::path& file, const OfficeOptions& options, const SiteSpec& site,
                  const std::vector<BuildingSpec>& buildings) {
    auto opened = open_sqlite(file, {.create = true, .read_only = false, .pages_max = options.database_pages_max});
    if (!opened) return fail(file, opened.error());
    Db& db = **opened;
    const UnixTime now = now_of(options);
    if (const auto why = migrate(db, now)) return fail(file, *why);
    const std::string hash = hash_password(site.owner_password, options.cheap_password_hash);
    if (hash.empty()) return fail(OpenError::kFailed, "Not enough memory to hash the owner's password.");
    const SaleRules rules;
    db.begin_write();
    db.execute("INSERT INTO site (id, name, sale_max_fen, held_max_ckwh, created_at) VALUES (1, $1, $2, $3, $4)",
               {site.name, rules.sale_max, rules.held_max, now});
    if (site.price > UnitPrice{0})
        db.execute("INSERT INTO prices (at, price_e4, operator_name) VALUES ($1, $2, $3)",
                   {now, site.price, site.owner_user});
    UserRecord owner;
    owner.user = site.owner_user;
    owner.name = site.owner_user;
    owner.role = Role::kOwner;
    (void)create_user(db, owner, hash);
    for (const BuildingSpec& building : buildings)
        insert_building(db, building);
    if (db.ok()) db.commit();
    if (!db.ok()) return fail(file, *db.failure());
    return bring_up_to_date(db, file, now);
}

}  // namespace

Opened<void> create_site(const OfficeOptions& options, const SiteSpec& site,
                         const std::vector<BuildingSpec>& buildings) {
    if (auto bad = check_spec(site, buildings); !bad) return bad;
    if (!start_secrets()) return fail(OpenError::kFailed, "The system has no randomness.");
    auto lock = take_lock(options.file);
    if (!lock) return std::unexpected(lock.error());
    std::error_code error;
    if (fs::exists(options.file, error))
        return fail(OpenError::kExists,
                    "There is a database " + options.file.string() + " already; it was not touched.");
    const fs::path fresh = options.file.string() + ".new";
    remove_all_of(fresh);
    auto filled = fill(fresh, options, site, buildings);
    if (filled) {
        fs::rename(fresh, options.file, error);
        if (error) filled = fail(OpenError::kFailed, options.file.string() + ": " + error.message());
    }
    remove_all_of(fresh);
    if (filled) sync_folder(options.file);
    return filled;
}

Opened<void> create_demo(const OfficeOptions& options, SiteSpec site, const BuildingSpec& building) {
    if (site.price == UnitPrice{0}) site.price = UnitPrice{6400};
    return create_site(options, site, {building});
}

Opened<std::unique_ptr<Office>> open_office(const OfficeOptions& options) {
    if (!start_secrets()) return fail(OpenError::kFailed, "The system has no randomness.");
    if (auto head = check_head(options.file); !head) return std::unexpected(head.error());
    auto lock = take_lock(options.file);
    if (!lock) return std::unexpected(lock.error());
    auto writing =
        open_sqlite(options.file, {.create = false, .read_only = false, .pages_max = options.database_pages_max});
    if (!writing) return fail(options.file, writing.error());
    if (auto fresh = bring_up_to_date(**writing, options.file, now_of(options)); !fresh)
        return std::unexpected(fresh.error());
    // A damaged page is better found now than in the middle of a working day; large files are left to `prewatt db
    // check`.
    std::error_code error;
    if (fs::file_size(options.file, error) < (std::uintmax_t{64} << 20)) {
        std::string verdict;
        (*writing)->query("PRAGMA quick_check(1)", {}, [&](const Row& row) { verdict = row.as<std::string>(0); });
        if (verdict != "ok")
            return fail(OpenError::kDamaged,
                        "The database " + options.file.string() + " is damaged (" +
                            (verdict.empty() && !(*writing)->ok() ? (*writing)->failure()->message : verdict) +
                            "). Restore it from a backup.");
    }
    Connections connections;
    connections.writing = plant(std::move(*writing), options.planted_defect);
    connections.open_reading = [file = options.file] {
        return open_sqlite(file, {.create = false, .read_only = true, .pages_max = 0});
    };
    connections.clock = [options] { return now_of(options); };
    connections.batch_max = options.batch_max;
    connections.cheap_password_hash = options.cheap_password_hash;
    connections.lock = std::move(*lock);
    return make_office(std::move(connections));
}

Opened<LedgerCheck> check_ledger(const std::filesystem::path& file) {
    if (auto head = check_head(file); !head) return std::unexpected(head.error());
    auto db = open_sqlite(file, {.create = false, .read_only = true, .pages_max = 0});
    if (!db) return fail(file, db.error());
    const LedgerSums sums = add_up_ledger(**db);
    LedgerCheck check;
    check.balanced = sums.problem.empty();
    check.sales = sums.sales;
    check.entries = sums.entries;
    check.taken = sums.taken;
    check.credited = sums.credited;
    check.problem = sums.problem;
    return check;
}

}  // namespace prewatt::server::store

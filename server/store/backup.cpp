#include "server/store/backup.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "server/store/audit.hpp"
#include "server/store/ledger_check.hpp"
#include "server/store/migrations.hpp"
#include "server/store/restored.hpp"

namespace prewatt::server::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "PWTTBACK";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kBlockRows = 1000;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kTextBytesMax = std::size_t{64} << 20;  // of one value; more is damage
using Hash = std::array<unsigned char, crypto_hash_sha256_BYTES>;

std::string hex_of(const Hash& hash) {
    std::string text(hash.size() * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
    text.pop_back();
    return text;
}

class Hasher {
  public:
    Hasher() { crypto_hash_sha256_init(&state_); }
    void take(std::string_view bytes) {
        crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    }
    Hash finish() {
        Hash hash{};
        crypto_hash_sha256_final(&state_, hash.data());
        return hash;
    }

  private:
    crypto_hash_sha256_state state_{};
};

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int number() const { return number_; }

  private:
    int number_;
};

// --- The file

enum class Mark : std::uint8_t { kTable = 'T', kRows = 'R', kEnd = 'E' };
enum class Tag : std::uint8_t { kNull = 0, kInteger = 1, kText = 2 };

// Failures stick.
class BackupWriter {
  public:
    explicit BackupWriter(int descriptor) : descriptor_(descriptor) {}
    void mark(Mark mark) { number(static_cast<std::uint64_t>(mark), 1); }
    void number(std::uint64_t value, int bytes) {
        std::array<char, 8> raw{};
        for (int k = bytes - 1; k >= 0; --k, value >>= 8)
            raw[static_cast<std::size_t>(k)] = static_cast<char>(value & 0xFF);
        bytes_of({raw.data(), static_cast<std::size_t>(bytes)});
    }
    void text(std::string_view text) {
        number(text.size(), 4);
        bytes_of(text);
    }
    void bytes_of(std::string_view bytes) {
        buffer_ += bytes;
        if (buffer_.size() >= kBufferBytes) flush();
    }
    // The hash of all before it, then to the disk. Empty: it is there.
    std::string finish() {
        flush();
        const Hash hash = hasher_.finish();
        buffer_.assign(reinterpret_cast<const char*>(hash.data()), hash.size());
        write_out();
        if (problem_ == 0 && ::fsync(descriptor_) != 0) problem_ = errno;
        return problem_ == 0 ? std::string{} : std::strerror(problem_);
    }

  private:
    void flush() {
        hasher_.take(buffer_);
        write_out();
    }
    void write_out() {
        for (std::string_view left = buffer_; !left.empty() && problem_ == 0;) {
            const ssize_t written = ::write(descriptor_, left.data(), left.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0)
                problem_ = errno;
            else
                left.remove_prefix(static_cast<std::size_t>(written));
        }
        buffer_.clear();
    }

    int descriptor_;
    Hasher hasher_;
    std::string buffer_;
    int problem_ = 0;
};

// Reads a file whose hash was checked; wrong bytes all the same are failures that stick, never a wrong value.
class BackupReader {
  public:
    BackupReader(int descriptor, std::uint64_t size) : descriptor_(descriptor), left_(size) {}
    std::uint64_t number(int bytes) {
        std::uint64_t value = 0;
        for (const char byte : take(static_cast<std::size_t>(bytes)))
            value = value << 8 | static_cast<unsigned char>(byte);
        return value;
    }
    std::string text() {
        const std::uint64_t size = number(4);
        if (size > kTextBytesMax || size > left_) {
            ok_ = false;
            return {};
        }
        return std::string{take(size)};
    }
    std::string_view take(std::size_t size) {
        while (ok_ && buffer_.size() - at_ < size) {
            buffer_.erase(0, at_);
            at_ = 0;
            const std::size_t had = buffer_.size();
            buffer_.resize(had + std::max(kBufferBytes, size - had));
            const ssize_t got = ::read(descriptor_, buffer_.data() + had, buffer_.size() - had);
            buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) ok_ = false;
        }
        if (!ok_ || size > left_) {
            ok_ = false;
            return {};
        }
        left_ -= size;
        at_ += size;
        return std::string_view{buffer_}.substr(at_ - size, size);
    }
    bool ok() const { return ok_; }
    bool is_at_end() const { return left_ == 0; }

  private:
    int descriptor_;
    std::uint64_t left_;
    std::string buffer_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

// --- The schema

struct Schema {
    std::vector<std::string> tables;  // each behind those that it refers to
    std::map<std::string, std::vector<Column>> columns;
};

Opened<Schema> read_schema(Place& place, Db& db) {
    Schema schema;
    std::vector<std::string> waiting = place.tables(db);
    std::map<std::string, std::set<std::string>> refers;
    for (const auto& [table, to] : place.references(db))
        if (table != to) refers[table].insert(to);
    std::erase_if(waiting, [](const std::string& table) { return is_derived(table); });
    for (const std::string& table : waiting) {
        schema.columns[table] = place.columns(db, table);
        std::erase_if(schema.columns[table], [&](const Column& column) { return is_derived(table, column.name); });
    }
    if (!db.ok()) return open_failure(place.name(), *db.failure());
    std::set<std::string> done;
    while (!waiting.empty()) {
        const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const std::string& table) {
            return std::all_of(refers[table].begin(), refers[table].end(),
                               [&](const std::string& to) { return done.contains(to); });
        });
        if (ready == waiting.end())
            return open_failure(OpenError::kFailed, "The tables " + waiting.front() + " ... of " + place.name() +
                                                        " refer to each other in a circle; they cannot be copied.");
        done.insert(*ready);
        schema.tables.push_back(*ready);
        waiting.erase(ready);
    }
    for (const auto& [table, columns] : schema.columns)
        for (const Column& column : columns)
            if (column.kind == Column::Kind::kOther)
                return open_failure(OpenError::kFailed, "The column " + table + "." + column.name +
                                                            " is neither a number nor a text; it cannot be copied.");
    return schema;
}

std::string select_of(const std::string& table, const std::vector<Column>& columns) {
    std::string names;
    std::string key;
    for (const Column& column : columns) {
        names += (names.empty() ? "" : ", ") + column.name;
        if (column.is_key) key += (key.empty() ? " ORDER BY " : ", ") + column.name;
    }
    // Readings have no key that all engines have; they come in the order of time.
    if (key.empty() && table == "readings") key = " ORDER BY at, household_id";
    return "SELECT " + names + " FROM " + table + key;
}

std::int64_t count_of(Db& db, const std::string& table) {
    std::int64_t count = 0;
    db.scan("SELECT COUNT(*) FROM " + table, [&](const Row& row) { count = row.integer(0); });
    return count;
}

// --- Out

// In the read transaction of `db`.
Opened<Copied> write_backup(Place& place, Db& db, int descriptor, UnixTime now) {
    auto schema = read_schema(place, db);
    if (!schema) return std::unexpected(schema.error());
    Copied copied;
    copied.from = place.name();
    copied.version = applied_migration(db);
    BackupWriter out(descriptor);
    out.bytes_of(kMagic);
    out.number(kFormat, 4);
    out.number(static_cast<std::uint64_t>(copied.version), 4);
    out.number(static_cast<std::uint64_t>(now.ms), 8);
    for (const std::string& table : schema->tables) {
        const std::vector<Column>& columns = schema->columns[table];
        out.mark(Mark::kTable);
        out.text(table);
        out.number(columns.size(), 4);
        for (const Column& column : columns)
            out.text(column.name);
        db.scan(select_of(table, columns), [&](const Row& row) {
            out.mark(Mark::kRows);
            for (int k = 0; const Column& column : columns) {
                if (row.is_null(k)) {
                    out.number(static_cast<std::uint64_t>(Tag::kNull), 1);
                } else if (column.kind == Column::Kind::kInteger) {
                    out.number(static_cast<std::uint64_t>(Tag::kInteger), 1);
                    out.number(static_cast<std::uint64_t>(row.integer(k)), 8);
                } else {
                    out.number(static_cast<std::uint64_t>(Tag::kText), 1);
                    out.text(row.text(k));
                }
                ++k;
            }
            ++copied.rows;
        });
        ++copied.tables;
    }
    copied.balances_before = copied.balances_after = hash_of_balances(db);
    out.mark(Mark::kEnd);
    out.number(static_cast<std::uint64_t>(copied.tables), 4);
    out.number(static_cast<std::uint64_t>(copied.rows), 8);
    out.text(copied.balances_before);
    const std::string problem = out.finish();
    if (!db.ok()) return open_failure(place.name(), *db.failure());
    if (!problem.empty()) return open_failure(OpenError::kFailed, "The backup could not be written: " + problem);
    return copied;
}

// --- In

std::unexpected<OpenFailure> damaged(std::string words) {
    return open_failure(OpenError::kDamaged, "The backup is damaged: " + std::move(words) + ". Nothing was restored.");
}

// Before anything of it is believed. The size without the hash at its end.
Opened<std::uint64_t> check_hash(int descriptor) {
    const off_t end = ::lseek(descriptor, 0, SEEK_END);
    const auto hash_bytes = static_cast<off_t>(crypto_hash_sha256_BYTES);
    if (end < hash_bytes + static_cast<off_t>(kMagic.size())) return damaged("it is too short");
    ::lseek(descriptor, 0, SEEK_SET);
    Hasher hasher;
    std::string block(kBufferBytes, '\0');
    for (off_t left = end - hash_bytes; left > 0;) {
        const ssize_t got = ::read(descriptor, block.data(),
                                   static_cast<std::size_t>(std::min<off_t>(left, static_cast<off_t>(block.size()))));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return open_failure(OpenError::kFailed,
                                std::string{"The backup cannot be read: "} + std::strerror(got < 0 ? errno : EIO));
        hasher.take({block.data(), static_cast<std::size_t>(got)});
        left -= got;
    }
    Hash stored{};
    if (::read(descriptor, stored.data(), stored.size()) != static_cast<ssize_t>(stored.size()) ||
        stored != hasher.finish())
        return damaged("its bytes are not those that were written");
    ::lseek(descriptor, 0, SEEK_SET);
    return static_cast<std::uint64_t>(end - hash_bytes);
}

// The rows of one table, appended in blocks.
class TableLoad {
  public:
    TableLoad(Place& place, Db& db, std::string table, std::vector<std::string> columns,
              std::vector<Column::Kind> kinds)
        : place_(place), db_(db), table_(std::move(table)), columns_(std::move(columns)), kinds_(std::move(kinds)) {
        for (const std::string& column : columns_)
            names_.push_back(column);
    }
    // False: a value of the wrong kind.
    bool take(BackupReader& in) {
        for (std::size_t k = 0; k < columns_.size(); ++k) {
            switch (static_cast<Tag>(in.number(1))) {
                case Tag::kNull:
                    values_.emplace_back();
                    continue;
                case Tag::kInteger:
                    if (kinds_[k] != Column::Kind::kInteger) return false;
                    values_.emplace_back(static_cast<std::int64_t>(in.number(8)));
                    continue;
                case Tag::kText:
                    if (kinds_[k] != Column::Kind::kText) return false;
                    values_.emplace_back(texts_.emplace_back(in.text()));
                    continue;
            }
            return false;
        }
        ++rows_;
        if (values_.size() >= kBlockRows * columns_.size()) flush();
        return true;
    }
    void flush() {
        place_.expect_rows(db_, table_, names_, values_);
        db_.append_rows(table_, names_, values_);
        values_.clear();
        texts_.clear();
    }
    const std::string& table() const { return table_; }
    std::int64_t rows() const { return rows_; }

  private:
    Place& place_;
    Db& db_;
    std::string table_;
    std::vector<std::string> columns_;
    std::vector<std::string_view> names_;
    std::vector<Column::Kind> kinds_;
    std::vector<Value> values_;
    std::deque<std::string> texts_;
    std::int64_t rows_ = 0;
};

// What migrations put into new tables; the backup has its own.
void empty_tables(Db& db, const Schema& schema) {
    for (auto table = schema.tables.rbegin(); table != schema.tables.rend(); ++table)
        if (count_of(db, *table) > 0) db.define("DELETE FROM " + *table);
}

Opened<void> load_tables(Place& place, Db& db, const Schema& schema, BackupReader& in, Copied& copied) {
    std::optional<TableLoad> load;
    const auto finish_table = [&]() -> Opened<void> {
        if (!load) return {};
        load->flush();
        if (!db.ok()) return open_failure(place.name(), *db.failure());
        if (count_of(db, load->table()) != load->rows())
            return damaged("not all rows of " + load->table() + " arrived");
        copied.rows += load->rows();
        ++copied.tables;
        load.reset();
        return {};
    };
    for (;;) {
        const auto mark = static_cast<Mark>(in.number(1));
        if (!in.ok()) return damaged("it ends too early");
        if (mark == Mark::kRows) {
            if (!load || !load->take(in) || !in.ok()) return damaged("a row cannot be read");
            if (!db.ok()) return open_failure(place.name(), *db.failure());
            continue;
        }
        if (auto done = finish_table(); !done) return done;
        if (mark == Mark::kEnd) return {};
        if (mark != Mark::kTable) return damaged("an unknown mark");
        std::string table = in.text();
        const auto found = schema.columns.find(table);
        const std::uint64_t count = in.number(4);
        if (!in.ok() || found == schema.columns.end() || count != found->second.size())
            return damaged("the table '" + table + "' is not one of version " + std::to_string(copied.version));
        std::vector<std::string> columns;
        std::vector<Column::Kind> kinds;
        for (std::uint64_t k = 0; k < count; ++k) {
            columns.push_back(in.text());
            const auto column = std::find_if(found->second.begin(), found->second.end(),
                                             [&](const Column& one) { return one.name == columns.back(); });
            if (column == found->second.end())
                return damaged("the table '" + table + "' has no column '" + columns.back() + "'");
            kinds.push_back(column->kind);
        }
        load.emplace(place, db, std::move(table), std::move(columns), std::move(kinds));
    }
}

// What comes from a backup is older than the meters, and says so (restored.hpp); what is moved is not.
enum class Source : std::uint8_t { kBackup, kOffice };

// Into tables that are empty; one transaction.
Opened<Copied> read_backup(Place& place, Db& db, int descriptor, std::uint64_t size, Source source, UnixTime now) {
    BackupReader in(descriptor, size);
    if (in.take(kMagic.size()) != kMagic) return damaged("it is no backup of Prewatt");
    if (const auto format = in.number(4); format != kFormat)
        return open_failure(OpenError::kNewer, "The backup has format " + std::to_string(format) +
                                                   ", this program knows format 1. Use the newer program.");
    Copied copied;
    copied.to = place.name();
    copied.version = static_cast<int>(in.number(4));
    if (copied.version > newest_migration())
        return open_failure(OpenError::kNewer, "The backup is of version " + std::to_string(copied.version) +
                                                   ", this program knows version " +
                                                   std::to_string(newest_migration()) + ". Use the newer program.");
    if (copied.version < 1) return damaged("it has no version");
    (void)in.number(8);
    if (const auto why = migrate(db, now, copied.version)) return open_failure(place.name(), *why);
    if (applied_migration(db) != copied.version)
        return open_failure(OpenError::kExists, "The empty tables in " + place.name() + " are of version " +
                                                    std::to_string(applied_migration(db)) +
                                                    ", the backup is of version " + std::to_string(copied.version) +
                                                    ". Restore it into a database without tables.");
    db.begin_write();
    auto schema = read_schema(place, db);
    if (!schema) return std::unexpected(schema.error());
    empty_tables(db, *schema);
    if (auto loaded = load_tables(place, db, *schema, in, copied); !loaded) return std::unexpected(loaded.error());
    const auto tables = static_cast<std::int64_t>(in.number(4));
    const auto rows = static_cast<std::int64_t>(in.number(8));
    copied.balances_before = in.text();
    if (!in.ok() || !in.is_at_end() || tables != copied.tables || rows != copied.rows ||
        tables != static_cast<std::int64_t>(schema->tables.size()))
        return damaged("not all of it is there");
    place.loaded(db);
    copied.balances_after = hash_of_balances(db);
    if (!db.ok()) return open_failure(place.name(), *db.failure());
    if (copied.balances_after != copied.balances_before)
        return damaged("the balances would not be those that were saved");
    // With the rows, so that no kill leaves books that do not say so. Older tables cannot hold it and are migrated
    // first.
    const bool is_older = copied.version < newest_migration();
    if (source == Source::kBackup && !is_older) mark_restored(db, now);
    if (!db.ok() || !db.commit()) return open_failure(place.name(), *db.failure());
    if (!is_older) return copied;
    if (const auto why = migrate(db, now)) return open_failure(place.name(), *why);
    if (source == Source::kOffice) return copied;
    db.begin_write();
    mark_restored(db, now);
    if (!db.ok() || !db.commit()) return open_failure(place.name(), *db.failure());
    return copied;
}

Opened<Copied> create_from(int descriptor, Source source, Place& place, UnixTime now) {
    const auto size = check_hash(descriptor);
    if (!size) return std::unexpected(size.error());
    Opened<Copied> copied;
    const auto created = place.create([&](Db& db) -> Opened<void> {
        copied = read_backup(place, db, descriptor, *size, source, now);
        db.rollback();
        if (!copied) return std::unexpected(copied.error());
        return {};
    });
    if (!created) return std::unexpected(created.error());
    return copied;
}

}  // namespace

std::string hash_of_balances(Db& db) {
    Hasher hasher;
    const auto line = [&](const char* word, const Row& row, int columns) {
        std::string text = word;
        for (int k = 0; k < columns; ++k)
            text += " " + std::to_string(row.integer(k));
        hasher.take(text + "\n");
    };
    std::string legs =
        "SELECT unit, from_account AS account, -amount AS amount FROM entries UNION ALL SELECT unit, to_account, "
        "amount "
        "FROM entries";
    if (db.has_table("movements"))
        legs +=
            " UNION ALL SELECT 1, from_account, -amount_fen FROM movements UNION ALL SELECT 1, to_account, "
            "amount_fen FROM movements";
    db.scan("SELECT unit, account, SUM(amount) FROM (" + legs +
                ") AS legs GROUP BY unit, account HAVING SUM(amount) <> 0 ORDER BY unit, account",
            [&](const Row& row) { line("account", row, 3); });
    db.scan(
        "SELECT household_id, epoch, ticket_number, credited_ckwh, paid_total_fen FROM bookings b WHERE NOT EXISTS "
        "(SELECT 1 FROM bookings n WHERE n.household_id = b.household_id AND (n.epoch > b.epoch OR (n.epoch = b.epoch "
        "AND n.ticket_number > b.ticket_number))) ORDER BY household_id",
        [&](const Row& row) { line("household", row, 5); });
    return hex_of(hasher.finish());
}

Opened<Copied> back_up(const std::string& url, const fs::path& file, UnixTime now) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto db = (*place)->open_reading();
    if (!db) return std::unexpected(db.error());
    std::error_code error;
    if (fs::exists(file, error))
        return open_failure(OpenError::kExists, "There is a file " + file.string() + " already; it was not touched.");
    const std::string part = file.string() + ".part";
    Opened<Copied> copied;
    {
        const Descriptor out(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (out.number() < 0) return open_failure(OpenError::kFailed, part + ": " + std::strerror(errno));
        (*db)->begin_read();
        copied = write_backup(**place, **db, out.number(), now);
        (*db)->rollback();
    }
    if (copied) {
        // link() refuses where rename() would overwrite what somebody has put there meanwhile.
        if (::link(part.c_str(), file.c_str()) != 0)
            copied = open_failure(OpenError::kFailed, file.string() + ": " + std::strerror(errno));
        else
            copied->to = file.string();
    }
    ::unlink(part.c_str());
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.number() >= 0) ::fsync(opened.number());
    return copied;
}

Opened<Copied> restore(const fs::path& file, const std::string& url, UnixTime now) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    const Descriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (in.number() < 0)
        return open_failure(errno == ENOENT ? OpenError::kMissing : OpenError::kFailed,
                            file.string() + ": " + std::strerror(errno));
    auto copied = create_from(in.number(), Source::kBackup, **place, now);
    if (copied) copied->from = file.string();
    return copied;
}

Opened<Copied> move_office(const std::string& from, const std::string& to, UnixTime now) {
    auto source = place_of(from);
    if (!source) return std::unexpected(source.error());
    auto target = place_of(to);
    if (!target) return std::unexpected(target.error());
    auto writing = (*source)->open_writing();  // so that no office works there meanwhile
    if (!writing) return std::unexpected(writing.error());
    // A file without a name: it is gone with this process, however that ends.
    const Descriptor between(::open(fs::temp_directory_path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (between.number() < 0)
        return open_failure(OpenError::kFailed,
                            "No temporary file in " + fs::temp_directory_path().string() + ": " + std::strerror(errno));
    writing->db->begin_read();
    const auto written = write_backup(**source, *writing->db, between.number(), now);
    writing->db->rollback();
    if (!written) return std::unexpected(written.error());
    auto copied = create_from(between.number(), Source::kOffice, **target, now);
    if (copied) copied->from = (*source)->name();
    return copied;
}

Opened<Migrated> migrate_office(const std::string& url, UnixTime now) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto writing = (*place)->open_writing();
    if (!writing) return std::unexpected(writing.error());
    Db& db = *writing->db;
    Migrated migrated;
    migrated.name = (*place)->name();
    migrated.version_before = applied_migration(db);
    if (migrated.version_before < newest_migration())
        if (const auto why = migrate(db, now)) return open_failure(migrated.name, *why);
    db.query("SELECT number, name FROM migrations WHERE number > $1 ORDER BY number", {migrated.version_before},
             [&](const Row& row) {
                 migrated.steps.push_back(std::to_string(row.integer(0)) + ": " + row.as<std::string>(1));
             });
    (*place)->settle(db);
    if (!db.ok()) return open_failure(migrated.name, *db.failure());
    return migrated;
}

Opened<std::vector<Finding>> check_office(const std::string& url) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto opened = (*place)->open_reading();
    if (!opened) return std::unexpected(opened.error());
    Db& db = **opened;
    std::vector<Finding> findings;
    const std::string damage = (*place)->find_damage(db, false);
    findings.push_back(
        {"engine", damage.empty(),
         damage.empty() ? std::string{(*place)->engine()} + ": " + (*place)->what_was_checked(db) : damage});
    db.clear_failure();
    if (applied_migration(db) < newest_migration()) {
        findings.push_back({"version", false,
                            "version " + std::to_string(applied_migration(db)) + " of " +
                                std::to_string(newest_migration()) + "; `prewatt db migrate` brings it up to date"});
        return findings;
    }
    const LedgerSums sums = add_up_ledger(db);
    findings.push_back({"ledger", sums.problem.empty(),
                        sums.problem.empty()
                            ? std::to_string(sums.sales) + " sales, " + std::to_string(sums.entries) + " entries add up"
                            : sums.problem});
    db.clear_failure();
    db.begin_read();
    const auto verdict = verify_audit(db, std::nullopt);
    findings.push_back({"audit", verdict && verdict->fault == AuditFault::kNone,
                        verdict ? explain(*verdict) : verdict.error().message});
    const std::string hash = hash_of_balances(db);
    findings.push_back({"balances", db.ok(), db.ok() ? hash : db.failure()->message});
    db.rollback();
    return findings;
}

}  // namespace prewatt::server::store

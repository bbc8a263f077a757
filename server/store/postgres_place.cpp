#include "server/store/postgres_place.hpp"

#include <algorithm>
#include <vector>

#include "server/store/migrations.hpp"
#include "server/store/postgres_db.hpp"
#include "server/store/retention.hpp"

namespace prewatt::server::store {
namespace {

std::vector<std::string> rows_of(Db& db, const char* sql) {
    std::vector<std::string> found;
    db.query(sql, {}, [&](const Row& row) { found.push_back(row.as<std::string>(0)); });
    return found;
}

class PostgresPlace final : public Place {
  public:
    explicit PostgresPlace(std::string url) : url_(std::move(url)), name_(shown_url(url_)) {}
    std::string name() const override { return name_; }
    std::string_view engine() const override { return "PostgreSQL"; }

    Opened<Writing> open_writing() override {
        auto db = open_postgres(url_, {.read_only = false, .office_lock = true});
        if (!db) return open_failure(name_, db.error());
        if (auto there = check_office(**db); !there) return std::unexpected(there.error());
        return Writing{std::move(*db), nullptr};
    }
    Opened<std::unique_ptr<Db>> open_reading() override {
        auto db = reader()();
        if (!db) return open_failure(name_, db.error());
        if (auto there = check_office(**db); !there) return std::unexpected(there.error());
        return std::move(*db);
    }
    std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> reader() const override {
        return [url = url_] { return open_postgres(url, {.read_only = true, .office_lock = false}); };
    }

    // Migrations are applied by `fill` too; a process that is killed after them leaves empty tables, which count as no
    // office.
    Opened<void> create(const Fill& fill) override {
        auto db = open_postgres(url_, {.read_only = false, .office_lock = true});
        if (!db) return open_failure(name_, db.error());
        const auto there = check_office(**db);
        if (there)
            return open_failure(OpenError::kExists, "There is an office in " + name_ + " already; it was not touched.");
        if (there.error().error != OpenError::kMissing) return std::unexpected(there.error());
        return fill(**db);
    }

    // PostgreSQL checks a page when it reads it (where the cluster has checksums); so all are read. amcheck, where the
    // administrator has installed it in this database, compares the indexes with their tables.
    std::string find_damage(Db& db, bool quick) override {
        if (quick) return {};
        const auto broken =
            rows_of(db,
                    "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND NOT "
                    "i.indisvalid");
        if (!broken.empty()) return "the index " + broken.front() + " is not valid; REINDEX it";
        const auto unproven =
            rows_of(db,
                    "SELECT conname::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE "
                    "n.nspname = current_schema() AND NOT c.convalidated");
        if (!unproven.empty()) return "the constraint " + unproven.front() + " was never validated";
        for (const std::string& table :
             rows_of(db, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()"))
            db.scan("SELECT COUNT(*) FROM " + table + " AS t WHERE t IS DISTINCT FROM NULL", [](const Row&) {});
        if (!rows_of(db, "SELECT extname::text FROM pg_extension WHERE extname = 'amcheck'").empty())
            for (const std::string& index :
                 rows_of(db,
                         "SELECT c.oid::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN "
                         "pg_am a ON a.oid = c.relam WHERE n.nspname = current_schema() AND c.relkind = 'i' AND "
                         "a.amname = 'btree' AND c.relpersistence = 'p'"))
                db.scan("SELECT bt_index_check(" + index + ", true)", [](const Row&) {});
        return db.ok() ? std::string{} : db.failure()->message;
    }
    // Of a server on this machine whose folder we may see.
    std::function<std::optional<std::int64_t>(Db&)> room() const override {
        return [](Db& db) -> std::optional<std::int64_t> {
            std::string folder;
            // Not an error for those who may not know it: the setting is then NULL.
            db.query(
                "SELECT CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'MEMBER') THEN "
                "current_setting('data_directory', true) END",
                {}, [&](const Row& row) { folder = row.as<std::string>(0); });
            return folder.empty() ? std::nullopt : free_bytes_of(folder);
        };
    }
    std::string ballast() const override { return {}; }
    void settle(Db&) override {}

    std::vector<std::string> tables(Db& db) override {
        return rows_of(db,
                       "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace "
                       "AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname");
    }
    std::vector<Column> columns(Db& db, const std::string& table) override {
        std::vector<Column> found;
        db.query(
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), COALESCE(a.attnum = ANY (i.indkey), false) "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_index i ON i.indrelid = c.oid AND "
            "i.indisprimary WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = $1 AND a.attnum > 0 "
            "AND NOT a.attisdropped ORDER BY a.attnum",
            {table}, [&](const Row& row) {
                const auto type = row.text(1);
                Column column{row.as<std::string>(0), Column::Kind::kOther, row.as<bool>(2)};
                if (type == "bigint") column.kind = Column::Kind::kInteger;
                if (type == "text") column.kind = Column::Kind::kText;
                found.push_back(std::move(column));
            });
        return found;
    }
    std::vector<std::pair<std::string, std::string>> references(Db& db) override {
        std::vector<std::pair<std::string, std::string>> found;
        db.query(
            "SELECT c.relname::text, r.relname::text FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN "
            "pg_class r ON r.oid = f.confrelid WHERE f.contype = 'f' AND c.relnamespace = "
            "current_schema()::regnamespace AND NOT c.relispartition",
            {}, [&](const Row& row) { found.emplace_back(row.as<std::string>(0), row.as<std::string>(1)); });
        return found;
    }
    // A partition of `readings` for each month of the office (Beijing time) that is among the rows.
    void expect_rows(Db& db, std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        const auto at = std::find(columns.begin(), columns.end(), "at");
        if (table != "readings" || at == columns.end() || !is_partitioned(db)) return;
        for (auto k = static_cast<std::size_t>(at - columns.begin()); k < values.size() && db.ok();
             k += columns.size()) {
            const std::int64_t when = values[k].integer();
            if (when >= month_begin_ && when < month_end_) continue;
            std::string name;
            db.query(
                "SELECT to_char(m, 'YYYYMM'), CAST(extract(epoch FROM m - INTERVAL '8 hours') * 1000 AS BIGINT), "
                "CAST(extract(epoch FROM m + INTERVAL '1 month' - INTERVAL '8 hours') * 1000 AS BIGINT) FROM (SELECT "
                "date_trunc('month', to_timestamp($1 / 1000.0) AT TIME ZONE 'UTC' + INTERVAL '8 hours') AS m) AS one",
                {when}, [&](const Row& row) {
                    name = row.as<std::string>(0);
                    month_begin_ = row.integer(1);
                    month_end_ = row.integer(2);
                });
            db.define("CREATE TABLE IF NOT EXISTS readings_" + name + " PARTITION OF readings FOR VALUES FROM (" +
                      std::to_string(month_begin_) + ") TO (" + std::to_string(month_end_) + ")");
        }
    }
    std::string what_was_checked(Db& db) override {
        std::string checksums;
        std::int64_t amcheck = 0;
        db.query(
            "SELECT current_setting('data_checksums'), (SELECT COUNT(*) FROM pg_extension WHERE extname = 'amcheck')",
            {}, [&](const Row& row) {
                checksums = row.as<std::string>(0);
                amcheck = row.integer(1);
            });
        return "every row was read (checksums of pages: " + checksums + "); indexes were " +
               (amcheck > 0 ? "compared with their tables" : "not compared: amcheck is not installed here");
    }
    void loaded(Db& db) override {
        for (const std::string& statement :
             rows_of(db,
                     "SELECT format('SELECT setval(pg_get_serial_sequence(%L, %L), GREATEST(MAX(%I), 1), MAX(%I) IS "
                     "NOT NULL) FROM %I', c.relname, a.attname, a.attname, a.attname, c.relname) FROM pg_class c "
                     "JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = "
                     "current_schema()::regnamespace AND a.attidentity <> ''"))
            db.scan(statement, [](const Row&) {});
    }

  private:
    // kMissing: nothing there, or tables without a single row. kDamaged: something else. kNewer.
    Opened<void> check_office(Db& db) const {
        const auto tables =
            rows_of(db,
                    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() AND "
                    "tablename <> 'migrations'");
        const bool ours = db.has_table("migrations") && db.has_table("site");
        const int version = ours ? applied_migration(db) : 0;
        if (!db.ok()) return open_failure(name_, *db.failure());
        if (!ours && (!tables.empty() || db.has_table("migrations")))
            return open_failure(OpenError::kDamaged, "The tables in " + name_ +
                                                         " are not those of a Prewatt office. They were not touched; "
                                                         "name a database of its own.");
        if (version > newest_migration())
            return open_failure(OpenError::kNewer, "The database " + name_ + " has version " + std::to_string(version) +
                                                       ", this program knows version " +
                                                       std::to_string(newest_migration()) +
                                                       ". It was not touched; use the newer program.");
        if (ours && !rows_of(db, "SELECT 1 FROM site").empty()) return {};
        for (const std::string& table : tables) {
            bool empty = true;
            db.scan("SELECT 1 FROM " + table + " LIMIT 1", [&](const Row&) { empty = false; });
            if (!empty)
                return open_failure(OpenError::kDamaged, "The database " + name_ + " has rows in " + table +
                                                             " but no site. It was not touched; restore it from a "
                                                             "backup into an empty database.");
        }
        if (!db.ok()) return open_failure(name_, *db.failure());
        return open_failure(OpenError::kMissing, "There is no office in " + name_ + " yet.");
    }

    static bool is_partitioned(Db& db) {
        return db.query(
                   "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = "
                   "'readings' AND relkind = 'p'",
                   {}, [](const Row&) {}) > 0;
    }

    std::string url_;
    std::string name_;
    std::int64_t month_begin_ = 0;  // of the partition that was made last
    std::int64_t month_end_ = 0;
};

}  // namespace

std::unique_ptr<Place> make_postgres_place(const std::string& url) {
    return std::make_unique<PostgresPlace>(url);
}

}  // namespace prewatt::server::store

#include "server/store/sqlite_db.hpp"

#include <sqlite3.h>

#include <array>
#include <unordered_map>

namespace prewatt::server::store {
namespace {

constexpr int kParametersMax = 32;

DbError error_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL:
            return DbError::kFull;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return DbError::kDamaged;
        case SQLITE_CONSTRAINT:
            return DbError::kConstraint;
        case SQLITE_ERROR:
        case SQLITE_RANGE:
        case SQLITE_MISUSE:
        case SQLITE_MISMATCH:
            return DbError::kStatement;
        default:
            return DbError::kFailed;
    }
}

struct Statement {
    sqlite3_stmt* handle = nullptr;
    std::array<std::uint8_t, kParametersMax> position{};  // of $1, $2 ... among sqlite's own numbers; 0: not used
};

class SqliteRow final : public Row {
  public:
    explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
    bool is_null(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
    std::string_view text(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        const int size = sqlite3_column_bytes(statement_, column);
        return bytes ? std::string_view{bytes, static_cast<std::size_t>(size)} : std::string_view{};
    }

  private:
    sqlite3_stmt* statement_;
};

class SqliteDb final : public Db {
  public:
    explicit SqliteDb(sqlite3* handle) : handle_(handle) {}
    SqliteDb(const SqliteDb&) = delete;
    SqliteDb& operator=(const SqliteDb&) = delete;
    ~SqliteDb() override {
        for (auto& [sql, statement] : statements_)
            sqlite3_finalize(statement.handle);
        sqlite3_close(handle_);
    }

    void define(const std::string& sql) override {
        const auto text = sql_for(sql, "sqlite", "INTEGER PRIMARY KEY");
        if (!ok() || !text) return;
        if (const int code = sqlite3_exec(handle_, text->c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
            fail(code, text->c_str());
    }
    void begin_write() override { execute("BEGIN IMMEDIATE"); }
    void begin_read() override { execute("BEGIN"); }
    bool commit() override {
        execute("COMMIT");
        if (ok()) return true;
        const std::optional<DbFailure> why = failure_;
        rollback();
        failure_ = why;
        return false;
    }
    void rollback() override {
        clear_failure();
        if (in_transaction()) execute("ROLLBACK");
        clear_failure();
    }
    bool in_transaction() const override { return sqlite3_get_autocommit(handle_) == 0; }
    bool has_table(std::string_view name) override {
        return query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", {name}, [](const Row&) {}) > 0;
    }
    void mark_version(int number) override {
        if (!ok()) return;
        const std::string sql = "PRAGMA user_version = " + std::to_string(number) +
                                "; PRAGMA application_id = " + std::to_string(kApplicationId);
        if (const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
            fail(code, "PRAGMA user_version");
    }

  protected:
    std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                     void (*each)(const void*, const Row&)) override {
        if (!ok()) return 0;
        Statement* statement = prepared(sql);
        if (!statement) return 0;
        if (!bind(*statement, values)) {
            fail(sqlite3_errcode(handle_), sql);
            return 0;
        }
        std::int64_t rows = 0;
        const SqliteRow row{statement->handle};
        int code = sqlite3_step(statement->handle);
        for (; code == SQLITE_ROW; code = sqlite3_step(statement->handle)) {
            ++rows;
            if (each) each(context, row);
        }
        if (code != SQLITE_DONE) fail(sqlite3_extended_errcode(handle_), sql);
        sqlite3_reset(statement->handle);
        if (code != SQLITE_DONE) return 0;
        return each ? rows : sqlite3_changes64(handle_);
    }

  private:
    Statement* prepared(const char* sql) {
        const auto found = statements_.find(sql);
        if (found != statements_.end()) return &found->second;
        Statement statement;
        if (const int code =
                sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement.handle, nullptr);
            code != SQLITE_OK) {
            fail(sqlite3_extended_errcode(handle_), sql);
            return nullptr;
        }
        for (std::size_t n = 0; n < statement.position.size(); ++n) {
            const std::string name = "$" + std::to_string(n + 1);
            statement.position[n] =
                static_cast<std::uint8_t>(sqlite3_bind_parameter_index(statement.handle, name.c_str()));
        }
        return &statements_.emplace(sql, statement).first->second;
    }
    bool bind(const Statement& statement, std::span<const Value> values) {
        if (values.size() > kParametersMax) return false;
        for (std::size_t n = 0; n < values.size(); ++n) {
            const int position = statement.position[n];
            if (position == 0) return false;
            const Value& value = values[n];
            int code = SQLITE_OK;
            switch (value.kind()) {
                case Value::Kind::kNull:
                    code = sqlite3_bind_null(statement.handle, position);
                    break;
                case Value::Kind::kInteger:
                    code = sqlite3_bind_int64(statement.handle, position, value.integer());
                    break;
                case Value::Kind::kText:
                    code =
                        sqlite3_bind_text(statement.handle, position, value.text().empty() ? "" : value.text().data(),
                                          static_cast<int>(value.text().size()), SQLITE_STATIC);
                    break;
            }
            if (code != SQLITE_OK) return false;
        }
        return true;
    }
    void fail(int code, const char* sql) {
        failure_ = DbFailure{code == SQLITE_OK ? DbError::kStatement : error_of(code),
                             std::string{sqlite3_errmsg(handle_)} + " (" + std::to_string(code) + ") in: " + sql};
    }

    sqlite3* handle_;
    std::unordered_map<const char*, Statement> statements_;
};

}  // namespace

std::expected<std::unique_ptr<Db>, DbFailure> open_sqlite(const std::filesystem::path& file,
                                                          const SqliteOptions& options) {
    sqlite3* handle = nullptr;
    // Reading connections are opened for writing too (WAL needs it for its index) and then bound to queries.
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (options.create ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    if (code != SQLITE_OK) {
        DbFailure failure{error_of(code), handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
        sqlite3_close(handle);
        return std::unexpected(std::move(failure));
    }
    auto db = std::make_unique<SqliteDb>(handle);
    sqlite3_busy_timeout(handle, 5000);
    const auto ignore = [](const Row&) {};
    db->query("PRAGMA journal_mode = WAL", {}, ignore);
    db->query("PRAGMA synchronous = FULL", {}, ignore);
    db->query("PRAGMA foreign_keys = ON", {}, ignore);
    db->query("PRAGMA temp_store = MEMORY", {}, ignore);
    db->query("PRAGMA cache_size = -65536", {}, ignore);        // KiB
    db->query("PRAGMA wal_autocheckpoint = 4000", {}, ignore);  // pages: 16 MB of journal between two copies
    db->query("PRAGMA journal_size_limit = 67108864", {}, ignore);
    if (options.read_only) db->query("PRAGMA query_only = ON", {}, ignore);
    if (options.pages_max > 0) {
        const std::string bound = "PRAGMA max_page_count = " + std::to_string(options.pages_max);
        sqlite3_exec(handle, bound.c_str(), nullptr, nullptr, nullptr);
    }
    if (!db->ok()) return std::unexpected(*db->failure());
    return db;
}

}  // namespace prewatt::server::store

#include "server/store/sqlite_db.hpp"

#include <sqlite3.h>

#include <array>
#include <cassert>
#include <cstdlib>
#include <unordered_map>

namespace prewatt::server::store {
namespace {

constexpr int kParametersMax = 32;
constexpr std::size_t kRowsAtOnce = 32;  // of append_rows; more gains nothing (measured)

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

// BIT_OR and BIT_AND as PostgreSQL has them: NULL over no rows, NULLs are passed over.
struct Bits {
    std::int64_t all = 0;
    bool any = false;
};
template <bool kOr>
void add_bits(sqlite3_context* context, int, sqlite3_value** values) {
    auto* bits = static_cast<Bits*>(sqlite3_aggregate_context(context, sizeof(Bits)));
    if (!bits || sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    const std::int64_t value = sqlite3_value_int64(values[0]);
    bits->all = !bits->any ? value : kOr ? bits->all | value : bits->all & value;
    bits->any = true;
}
void finish_bits(sqlite3_context* context) {
    const auto* bits = static_cast<const Bits*>(sqlite3_aggregate_context(context, 0));
    if (bits && bits->any)
        sqlite3_result_int64(context, bits->all);
    else
        sqlite3_result_null(context);
}

class SqliteDb final : public Db {
  public:
    explicit SqliteDb(sqlite3* handle) : handle_(handle) {}
    SqliteDb(const SqliteDb&) = delete;
    SqliteDb& operator=(const SqliteDb&) = delete;
    ~SqliteDb() override {
        for (auto& [sql, statement] : statements_)
            sqlite3_finalize(statement.handle);
        for (auto& [sql, statement] : inserts_)
            sqlite3_finalize(statement);
        sqlite3_close(handle_);
    }

    void define(const std::string& sql) override {
        const auto text = sql_for(sql, kSqliteDialect);
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
    void append_rows(std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        assert(!columns.empty() && values.size() % columns.size() == 0);
        for (const std::size_t rows : {kRowsAtOnce, std::size_t{1}}) {
            const std::size_t size = rows * columns.size();
            sqlite3_stmt* statement = ok() && values.size() >= size ? insert_of(table, columns, rows) : nullptr;
            for (; statement && ok() && values.size() >= size; values = values.subspan(size))
                insert(statement, values.first(size));
        }
    }
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

    std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) override {
        if (!ok()) return 0;
        sqlite3_stmt* statement = nullptr;
        if (const int code = sqlite3_prepare_v3(handle_, sql.c_str(), -1, 0, &statement, nullptr); code != SQLITE_OK) {
            fail(sqlite3_extended_errcode(handle_), sql.c_str());
            return 0;
        }
        std::int64_t rows = 0;
        const SqliteRow row{statement};
        int code = sqlite3_step(statement);
        for (; code == SQLITE_ROW; code = sqlite3_step(statement), ++rows)
            each(context, row);
        if (code != SQLITE_DONE) fail(sqlite3_extended_errcode(handle_), sql.c_str());
        sqlite3_finalize(statement);
        return code == SQLITE_DONE ? rows : 0;
    }
    void run_later(const char* sql, std::span<const Value> values) override { run(sql, values, nullptr, nullptr); }

  private:
    sqlite3_stmt* insert_of(std::string_view table, std::span<const std::string_view> columns, std::size_t rows) {
        std::string sql = "INSERT INTO " + std::string{table} + " (";
        std::string row = "(";
        for (const std::string_view column : columns) {
            (sql += column) += ",";
            row += "?,";
        }
        sql.back() = ')';
        row.back() = ')';
        for (std::size_t k = 0; k < rows; ++k)
            (sql += k == 0 ? " VALUES " : ",") += row;
        sqlite3_stmt*& statement = inserts_[sql];
        if (!statement)
            if (const int code =
                    sqlite3_prepare_v3(handle_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
                code != SQLITE_OK)
                fail(sqlite3_extended_errcode(handle_), sql.c_str());
        return statement;
    }
    void insert(sqlite3_stmt* statement, std::span<const Value> values) {
        for (std::size_t n = 0; n < values.size(); ++n)
            if (const int code = bind_value(statement, static_cast<int>(n + 1), values[n]); code != SQLITE_OK)
                return fail(code, sqlite3_sql(statement));
        if (sqlite3_step(statement) != SQLITE_DONE)
            fail(sqlite3_extended_errcode(handle_), std::string{sqlite3_sql(statement)}.substr(0, 80).c_str());
        sqlite3_reset(statement);
    }
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
        for (int k = sqlite3_bind_parameter_count(statement.handle); k > 0; --k) {
            const char* name = sqlite3_bind_parameter_name(statement.handle, k);
            const int n = name ? std::atoi(name + 1) : 0;
            if (n >= 1 && n <= kParametersMax)
                statement.position[static_cast<std::size_t>(n - 1)] = static_cast<std::uint8_t>(k);
        }
        return &statements_.emplace(sql, statement).first->second;
    }
    static int bind_value(sqlite3_stmt* statement, int position, const Value& value) {
        switch (value.kind()) {
            case Value::Kind::kNull:
                return sqlite3_bind_null(statement, position);
            case Value::Kind::kInteger:
                return sqlite3_bind_int64(statement, position, value.integer());
            case Value::Kind::kText:
                return sqlite3_bind_text(statement, position, value.text().empty() ? "" : value.text().data(),
                                         static_cast<int>(value.text().size()), SQLITE_STATIC);
        }
        return SQLITE_MISUSE;
    }
    bool bind(const Statement& statement, std::span<const Value> values) {
        if (values.size() > kParametersMax) return false;
        for (std::size_t n = 0; n < values.size(); ++n) {
            const int position = statement.position[n];
            if (position == 0) return false;
            if (bind_value(statement.handle, position, values[n]) != SQLITE_OK) return false;
        }
        return true;
    }
    void fail(int code, const char* sql) {
        failure_ = DbFailure{code == SQLITE_OK ? DbError::kStatement : error_of(code),
                             std::string{sqlite3_errmsg(handle_)} + " (" + std::to_string(code) + ") in: " + sql};
    }

    sqlite3* handle_;
    std::unordered_map<const char*, Statement> statements_;
    std::unordered_map<std::string, sqlite3_stmt*> inserts_;  // of append_rows, by their text
};

}  // namespace

void start_sqlite() {
    [[maybe_unused]] static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

std::expected<std::unique_ptr<Db>, DbFailure> open_sqlite(const std::filesystem::path& file,
                                                          const SqliteOptions& options) {
    start_sqlite();
    sqlite3* handle = nullptr;
    // Reading connections are opened for writing too (WAL needs it for its index) and then bound to queries.
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (options.create ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, options.vfs);
    if (code != SQLITE_OK) {
        DbFailure failure{error_of(code), handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)};
        sqlite3_close(handle);
        return std::unexpected(std::move(failure));
    }
    auto db = std::make_unique<SqliteDb>(handle);
    constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    sqlite3_create_function_v2(handle, "bit_or", 1, kPure, nullptr, nullptr, add_bits<true>, finish_bits, nullptr);
    sqlite3_create_function_v2(handle, "bit_and", 1, kPure, nullptr, nullptr, add_bits<false>, finish_bits, nullptr);
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

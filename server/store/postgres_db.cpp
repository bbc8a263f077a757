#include "server/store/postgres_db.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace prewatt::server::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kParametersMax = 32;
constexpr std::size_t kUnansweredMax = 512;                      // posts; then their answers are looked at
constexpr std::size_t kCopyBlockBytes = std::size_t{64} << 10;   // one message of COPY
constexpr auto kOthersLockMax = std::chrono::milliseconds(500);  // that of a process which has just been killed
constexpr auto kOwnLockMax = std::chrono::seconds(5);  // until the server has noticed that our old session ended
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kInt8Array = 1016;
constexpr Oid kTextArray = 1009;
constexpr int kBinary = 1;

// The first two digits of an SQLSTATE are its class: PostgreSQL's manual, appendix A.
DbError error_of(std::string_view state) {
    if (state == "53100") return DbError::kFull;
    if (state == "XX001" || state == "XX002") return DbError::kDamaged;
    if (state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05" || state.starts_with("08"))
        return DbError::kLost;
    if (state.starts_with("23")) return DbError::kConstraint;
    if (state.starts_with("42") || state.starts_with("22") || state.starts_with("0A") || state.starts_with("26"))
        return DbError::kStatement;
    return DbError::kFailed;
}

std::string trimmed(const char* text) {
    std::string words = text ? text : "";
    while (!words.empty() && (words.back() == '\n' || words.back() == ' '))
        words.pop_back();
    return words;
}

void put_big_endian(char* out, std::uint64_t value, int bytes) {
    for (int k = bytes - 1; k >= 0; --k, value >>= 8)
        out[k] = static_cast<char>(value & 0xFF);
}
void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    std::array<char, 8> raw{};
    put_big_endian(raw.data(), value, bytes);
    out.append(raw.data(), static_cast<std::size_t>(bytes));
}

class Result {
  public:
    explicit Result(PGresult* result = nullptr) : result_(result) {}
    Result(Result&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
    Result& operator=(Result&& other) noexcept {
        std::swap(result_, other.result_);
        return *this;
    }
    ~Result() { PQclear(result_); }
    PGresult* get() const { return result_; }
    explicit operator bool() const { return result_ != nullptr; }
    ExecStatusType status() const { return PQresultStatus(result_); }
    int rows() const { return PQntuples(result_); }
    std::string_view text(int row, int column) const {
        return {PQgetvalue(result_, row, column), static_cast<std::size_t>(PQgetlength(result_, row, column))};
    }

  private:
    PGresult* result_;
};

class PostgresRow final : public Row {
  public:
    PostgresRow(const PGresult* result, int row) : result_(result), row_(row) {}
    bool is_null(int column) const override { return PQgetisnull(result_, row_, column) != 0; }
    // "12", "12.5" (a mean: what SQLite would cut off too), "t".
    std::int64_t integer(int column) const override {
        const std::string_view digits = text(column);
        if (digits == "t") return 1;
        std::int64_t value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    }
    std::string_view text(int column) const override {
        return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
    }

  private:
    const PGresult* result_;
    int row_;
};

// Column `column` of rows of `columns` values as a PostgreSQL array in its binary form: dimensions, no NULL, type,
// length, first index, elements (array_send in PostgreSQL's source). The kind of the first row holds for all.
void append_array(std::string& out, std::span<const Value> rows, std::size_t columns, std::size_t column) {
    const bool integers = rows[column].kind() == Value::Kind::kInteger;
    append_big_endian(out, 1, 4);
    append_big_endian(out, 0, 4);
    append_big_endian(out, integers ? kInt8 : kText, 4);
    append_big_endian(out, rows.size() / columns, 4);
    append_big_endian(out, 1, 4);
    for (std::size_t n = column; n < rows.size(); n += columns) {
        if (integers) {
            append_big_endian(out, 8, 4);
            append_big_endian(out, static_cast<std::uint64_t>(rows[n].integer()), 8);
        } else {
            append_big_endian(out, rows[n].text().size(), 4);
            out += rows[n].text();
        }
    }
}

// A statement is prepared once for each text and each set of kinds of its parameters: an integer is declared as
// BIGINT, a text as TEXT, and only a NULL is left to its context.
struct StatementKey {
    const char* sql;
    std::uint64_t kinds;  // two bits for each parameter
    bool operator==(const StatementKey&) const = default;
};
struct HashOfKey {
    std::size_t operator()(const StatementKey& key) const {
        return std::hash<const char*>{}(key.sql) ^ (key.kinds * 0x9E3779B97F4A7C15ull);
    }
};

class PostgresDb final : public Db {
  public:
    PostgresDb(std::string url, const PostgresOptions& options) : url_(std::move(url)), options_(options) {}
    PostgresDb(const PostgresDb&) = delete;
    PostgresDb& operator=(const PostgresDb&) = delete;
    ~PostgresDb() override {
        rollback();
        // Whoever opens it next need not wait until the server has noticed that this session is over.
        if (options_.office_lock && connected()) execute("SELECT pg_advisory_unlock_all()");
        PQfinish(connection_);
    }

    bool connected() const override { return connection_ && PQstatus(connection_) == CONNECTION_OK; }
    bool reconnect() override {
        if (connected()) return true;
        if (!ok()) return false;
        disconnect();
        if (taken_) return refuse(DbError::kInUse, kTakenWords);
        if (connect() && prepare_session() && (!options_.office_lock || take_lock())) {
            was_open_ = true;
            return true;
        }
        disconnect();
        return false;
    }

    void define(const std::string& sql) override {
        auto text = sql_for(sql, kPostgresDialect);
        if (!ok() || !text || !usable()) return;
        if (text->starts_with("CREATE TABLE") || text->starts_with("ALTER TABLE")) widen(*text);
        if (PQsendQueryParams(connection_, text->c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1)
            return lose(text->c_str());
        unanswered_.push_back({Unanswered::Kind::kStatement, text->c_str(), {}});
        (void)answers(nullptr);
    }
    void begin_write() override { begin("BEGIN"); }
    void begin_read() override { begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); }

    bool commit() override {
        if (ok() && !transaction_) (void)refuse(DbError::kStatement, "COMMIT without a transaction");
        if (ok()) {
            committing_ = true;
            send("COMMIT", {});
            sync();
            const Result result = answers("COMMIT");
            committing_ = false;
            if (ok() && std::strcmp(PQcmdStatus(result.get()), "COMMIT") != 0)
                (void)refuse(DbError::kFailed, "the database rolled the transaction back");
            if (ok()) {
                transaction_ = false;
                return true;
            }
        }
        const std::optional<DbFailure> why = failure_;
        rollback();
        failure_ = why;
        return false;
    }
    void rollback() override {
        clear_failure();
        if (transaction_ && connected()) {
            send("ROLLBACK", {});
            sync();
            (void)answers("ROLLBACK");
        }
        transaction_ = false;
        clear_failure();
    }
    bool in_transaction() const override { return transaction_; }

    bool has_table(std::string_view name) override {
        return query("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1", {name},
                     [](const Row&) {}) > 0;
    }
    void mark_version(int) override {}

    void append_rows(std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        assert(!columns.empty() && values.size() % columns.size() == 0);
        if (!ok() || values.empty() || !usable()) return;
        // COPY does not exist in pipeline mode.
        sync();
        (void)answers(nullptr);
        if (!ok()) return;
        std::string sql = "COPY " + std::string{table} + " (";
        for (const std::string_view column : columns)
            (sql += column) += ',';
        sql.back() = ')';
        sql += " FROM STDIN (FORMAT binary)";
        outside_of_pipeline(sql.c_str(), [&] { copy_in(sql, columns.size(), values); });
    }

  protected:
    std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                     void (*each)(const void*, const Row&)) override {
        if (!ok() || !usable()) return 0;
        send(sql, values);
        const Result result = answers(sql);
        if (!ok()) return 0;
        if (!each) {
            std::int64_t changed = 0;
            const std::string_view digits = PQcmdTuples(result.get());
            std::from_chars(digits.data(), digits.data() + digits.size(), changed);
            return changed;
        }
        for (int row = 0; row < result.rows(); ++row)
            each(context, PostgresRow{result.get(), row});
        return result.rows();
    }
    void run_later(const char* sql, std::span<const Value> values) override {
        if (!ok() || !usable()) return;
        if (!transaction_) {
            run(sql, values, nullptr, nullptr);
            return;
        }
        send(sql, values);
        if (unanswered_.size() >= kUnansweredMax) (void)answers(sql);
    }
    void run_each(const char* sql, std::span<const Value> values, std::size_t parameters, const void* context,
                  void (*each)(const void*, std::size_t, const Row&)) override {
        assert(parameters > 0 && values.size() % parameters == 0);
        if (!transaction_) return Db::run_each(sql, values, parameters, context, each);
        // What was posted before is answered, too; its answers come first.
        if (!ok() || !usable()) return;
        const std::size_t questions = values.size() / parameters;
        for (std::size_t from = 0; from < questions && ok(); from += kUnansweredMax) {
            const std::size_t count = std::min(kUnansweredMax, questions - from);
            const std::size_t before = statements_waiting();
            for (std::size_t k = from; k < from + count; ++k)
                send(sql, values.subspan(k * parameters, parameters));
            std::vector<Result> results;
            keep_ = &results;
            (void)answers(sql);
            keep_ = nullptr;
            if (!ok()) return;
            for (std::size_t k = 0; k < count; ++k)
                for (int row = 0; row < results[before + k].rows(); ++row)
                    each(context, from + k, PostgresRow{results[before + k].get(), row});
        }
    }
    void run_together(const char*, const char* together, std::span<const Value> values, std::size_t parameters,
                      const void* context, void (*each)(const void*, std::size_t, const Row&)) override {
        assert(parameters > 0 && values.size() % parameters == 0);
        if (!ok() || values.empty() || !usable()) return;
        send_arrays(together, values, parameters);
        const Result result = answers(together);
        if (!ok()) return;
        const int last = PQnfields(result.get()) - 1;
        for (int k = 0; k < result.rows(); ++k) {
            const PostgresRow row{result.get(), k};
            each(context, static_cast<std::size_t>(row.integer(last) - 1), row);
        }
    }
    void append_later(std::string_view table, std::span<const std::string_view> columns,
                      std::span<const Value> values) override {
        assert(!columns.empty() && values.size() % columns.size() == 0);
        if (!ok() || values.empty() || !usable()) return;
        if (!transaction_) {
            append_rows(table, columns, values);
            return;
        }
        const bool one = values.size() == columns.size();
        auto& sql = inserts_[{columns.data(), one}];
        if (sql.empty()) sql = insert_of(table, columns, one ? " VALUES (" : " SELECT * FROM unnest(");
        if (one)
            send(sql.c_str(), values);
        else
            send_arrays(sql.c_str(), values, columns.size());
        if (unanswered_.size() >= kUnansweredMax) (void)answers(sql.c_str());
    }
    std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) override {
        if (!ok() || !usable()) return 0;
        sync();
        (void)answers(nullptr);
        if (!ok()) return 0;
        std::int64_t rows = 0;
        outside_of_pipeline(sql.c_str(), [&] {
            if (PQsendQuery(connection_, sql.c_str()) != 1 || PQsetSingleRowMode(connection_) != 1) return;
            for (Result result{PQgetResult(connection_)}; result; result = Result{PQgetResult(connection_)}) {
                if (result.status() == PGRES_SINGLE_TUPLE) {
                    each(context, PostgresRow{result.get(), 0});
                    ++rows;
                } else if (result.status() != PGRES_TUPLES_OK && ok()) {
                    failure_ = failure_of(result, sql.c_str());
                }
            }
            // Single row mode lasts until a question is begun outside of pipeline mode.
            PQclear(PQexec(connection_, ""));
        });
        return ok() ? rows : 0;
    }

  private:
    static constexpr const char* kTakenWords =
        "Another office has taken over the database meanwhile; this one no longer changes anything. Stop one of the "
        "two and start this one again.";

    struct Unanswered {
        enum class Kind : std::uint8_t { kPrepare, kStatement, kSync } kind;
        const char* sql;
        StatementKey key;
    };

    // --- The connection

    bool refuse(DbError error, std::string message) {
        if (!failure_) failure_ = DbFailure{error, std::move(message)};
        return false;
    }
    void disconnect() {
        PQfinish(connection_);
        connection_ = nullptr;
        statements_.clear();
        unanswered_.clear();
        transaction_ = false;
    }
    // What was under way is gone with its connection.
    void lose(const char* sql) {
        const bool at_commit = committing_ && transaction_;
        std::string words = connection_ ? trimmed(PQerrorMessage(connection_)) : "no connection";
        if (words.empty()) words = "the connection is closed";
        if (sql) words += std::string{" (at "} + std::string{sql}.substr(0, 60) + ")";
        failure_ = DbFailure{at_commit ? DbError::kUncertain : DbError::kLost, std::move(words)};
        committing_ = false;
        if (connection_) {
            const int pid = PQbackendPID(connection_);
            if (options_.office_lock) last_pid_ = pid;
        }
        disconnect();
    }
    // A connection to send through; outside of a transaction a lost one is replaced.
    bool usable() {
        if (connected()) return true;
        if (transaction_) {
            lose(nullptr);
            return false;
        }
        return reconnect();
    }

    bool connect() {
        const std::array<const char*, 12> keys{"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                               "keepalives_count", "tcp_user_timeout", "fallback_application_name",
                                               "dbname",           "client_encoding",  nullptr};
        const std::array<const char*, 12> values{"5",       "20",         "5",    "3",    "30000",
                                                 "prewatt", url_.c_str(), "UTF8", nullptr};
        connection_ = PQconnectdbParams(keys.data(), values.data(), 1);
        if (connected()) return true;
        return refuse(DbError::kLost, connection_ ? trimmed(PQerrorMessage(connection_)) : "not enough memory");
    }
    // Before pipeline mode: what the session is like, and whether what it calls done is on the disk.
    bool prepare_session() {
        // The statements of the writing connection are few, prepared, and all of them find rows by key: planned once.
        // Left to itself the server plans the larger ones anew each time, which costs more than carrying them out.
        if (!options_.read_only) {
            const Result planned{PQexec(connection_, "SET plan_cache_mode = force_generic_plan")};
            if (planned.status() != PGRES_COMMAND_OK) return refuse_session(planned);
        }
        const Result result{PQexec(
            connection_,
            "SELECT set_config('jit', 'off', false), set_config('client_min_messages', 'warning', false), "
            "set_config('standard_conforming_strings', 'on', false), set_config('DateStyle', 'ISO', false), "
            "current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), "
            "current_setting('server_encoding'), pg_is_in_recovery(), pg_backend_pid(), (SELECT backend_start::text "
            "FROM pg_stat_activity WHERE pid = pg_backend_pid()), current_setting('prewatt.unsafe_for_tests', true)")};
        if (result.status() != PGRES_TUPLES_OK) return refuse_session(result);
        const bool unsafe_for_tests = result.text(0, 11) == "on";
        for (int k = 0; k < 3 && !options_.read_only && !unsafe_for_tests; ++k) {
            static constexpr std::array<const char*, 3> kSettings{"fsync", "full_page_writes", "synchronous_commit"};
            if (result.text(0, 4 + k) == "off")
                return refuse(DbError::kFailed, std::string{"The database server has "} +
                                                    kSettings[static_cast<std::size_t>(k)] +
                                                    " off: money that it calls booked would not survive a power cut. "
                                                    "Switch it on in postgresql.conf (and for this database and user) "
                                                    "and start again.");
        }
        if (result.text(0, 7) != "UTF8")
            return refuse(DbError::kFailed, "The database has the encoding " + std::string{result.text(0, 7)} +
                                                "; names need UTF8: createdb -E UTF8 -T template0 NAME");
        if (!options_.read_only && result.text(0, 8) == "t")
            return refuse(DbError::kFailed, "The database server is a standby and takes no changes; name the primary.");
        session_start_ = std::string{result.text(0, 10)};
        if (PQenterPipelineMode(connection_) != 1) return refuse_session(Result{});
        return true;
    }
    bool refuse_session(const Result& result) {
        std::string words = trimmed(result ? PQresultErrorMessage(result.get()) : PQerrorMessage(connection_));
        return refuse(DbError::kLost, std::move(words));
    }
    // The server may take a moment to notice that a session has ended.
    bool take_lock() {
        const auto begun = Clock::now();
        for (;;) {
            bool taken = false;
            query("SELECT pg_try_advisory_lock($1)", {kOfficeLockKey},
                  [&](const Row& row) { taken = row.as<bool>(0); });
            if (!ok()) return false;
            if (taken) {
                lock_start_ = session_start_;
                return true;
            }
            std::int64_t holder = 0;
            bool is_ours = false;
            query(
                "SELECT l.pid, a.backend_start::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = 0 AND l.objid::bigint = $1 AND "
                "l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                {kOfficeLockKey}, [&](const Row& row) {
                    holder = row.integer(0);
                    is_ours = was_open_ && holder == last_pid_ && row.text(1) == lock_start_;
                });
            if (!ok()) return false;
            if (holder != 0 && !is_ours && Clock::now() - begun > kOthersLockMax) {
                taken_ = was_open_;
                return refuse(DbError::kInUse, was_open_ ? kTakenWords
                                                         : "Another process has the database open. Stop it first, or "
                                                           "give this one another database.");
            }
            if (is_ours) query("SELECT pg_terminate_backend($1::int)", {holder}, [](const Row&) {});
            if (!ok()) return false;
            if (Clock::now() - begun > kOwnLockMax)
                return refuse(DbError::kLost, "the server still holds the lock of the session before this one");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    // --- Statements

    void begin(const char* sql) {
        if (!ok() || !usable()) return;
        assert(!transaction_);
        transaction_ = true;
        send(sql, {});
    }

    // What stands for $1, $2 ... of one statement; points into values and buffers of whoever sends it.
    struct Parameters {
        std::array<Oid, kParametersMax> types{};
        std::array<const char*, kParametersMax> pointers{};
        std::array<int, kParametersMax> sizes{};
        std::uint64_t kinds = 0;  // two bits for each, as in StatementKey
    };
    // A connection, and room for so many.
    bool may_send(const char* sql, std::size_t parameters) {
        if (!ok()) return false;
        if (!connected()) {
            lose(sql);
            return false;
        }
        return parameters <= kParametersMax ||
               refuse(DbError::kStatement, std::string{"too many parameters in: "} + sql);
    }

    void send(const char* sql, std::span<const Value> values) {
        if (!may_send(sql, values.size())) return;
        Parameters out;
        std::array<char, kParametersMax * 8> integers{};
        for (std::size_t n = 0; n < values.size(); ++n) {
            const Value& value = values[n];
            out.kinds |= static_cast<std::uint64_t>(value.kind()) << (2 * n);
            switch (value.kind()) {
                case Value::Kind::kNull:
                    break;
                case Value::Kind::kInteger:
                    out.types[n] = kInt8;
                    put_big_endian(&integers[n * 8], static_cast<std::uint64_t>(value.integer()), 8);
                    out.pointers[n] = &integers[n * 8];
                    out.sizes[n] = 8;
                    break;
                case Value::Kind::kText:
                    out.types[n] = kText;
                    out.pointers[n] = value.text().empty() ? "" : value.text().data();
                    out.sizes[n] = static_cast<int>(value.text().size());
                    break;
            }
        }
        send_prepared(sql, values.size(), out);
    }
    // Each parameter is the array of one column of `rows`.
    void send_arrays(const char* sql, std::span<const Value> rows, std::size_t columns) {
        if (!may_send(sql, columns)) return;
        Parameters out;
        std::array<std::size_t, kParametersMax + 1> begins{};
        arrays_.clear();
        for (std::size_t n = 0; n < columns; ++n) {
            assert(rows[n].kind() != Value::Kind::kNull);
            out.kinds |= static_cast<std::uint64_t>(rows[n].kind()) << (2 * n);
            out.types[n] = rows[n].kind() == Value::Kind::kInteger ? kInt8Array : kTextArray;
            append_array(arrays_, rows, columns, n);
            begins[n + 1] = arrays_.size();
        }
        for (std::size_t n = 0; n < columns; ++n) {
            out.pointers[n] = arrays_.data() + begins[n];
            out.sizes[n] = static_cast<int>(begins[n + 1] - begins[n]);
        }
        send_prepared(sql, columns, out);
    }
    void send_prepared(const char* sql, std::size_t parameters, const Parameters& of) {
        static constexpr auto kFormats = [] {
            std::array<int, kParametersMax> formats{};
            formats.fill(kBinary);
            return formats;
        }();
        const StatementKey key{sql, of.kinds};
        const int count = static_cast<int>(parameters);
        auto [found, fresh] = statements_.try_emplace(key, statement_next_);
        if (fresh) {
            ++statement_next_;
            if (PQsendPrepare(connection_, name_of(found->second).c_str(), sql, count, of.types.data()) != 1)
                return lose(sql);
            unanswered_.push_back({Unanswered::Kind::kPrepare, sql, key});
        }
        if (PQsendQueryPrepared(connection_, name_of(found->second).c_str(), count, of.pointers.data(), of.sizes.data(),
                                kFormats.data(), 0) != 1)
            return lose(sql);
        unanswered_.push_back({Unanswered::Kind::kStatement, sql, key});
    }
    [[nodiscard]] std::size_t statements_waiting() const {
        return static_cast<std::size_t>(
            std::count_if(unanswered_.begin(), unanswered_.end(),
                          [](const Unanswered& one) { return one.kind == Unanswered::Kind::kStatement; }));
    }
    static std::string insert_of(std::string_view table, std::span<const std::string_view> columns,
                                 std::string_view values) {
        std::string sql = "INSERT INTO " + std::string{table} + " (";
        std::string parameters;
        for (std::size_t n = 0; n < columns.size(); ++n) {
            (sql += columns[n]) += n + 1 < columns.size() ? "," : ")";
            parameters += '$' + std::to_string(n + 1) + (n + 1 < columns.size() ? "," : ")");
        }
        return (sql += values) += parameters;
    }
    static std::string name_of(std::int64_t number) { return "s" + std::to_string(number); }

    void sync() {
        if (!ok()) return;
        if (!connected() || PQpipelineSync(connection_) != 1) return lose("sync");
        unanswered_.push_back({Unanswered::Kind::kSync, "sync", {}});
    }

    // Runs `act`, which may fail or lose the connection, with a pipeline that is empty.
    template <class Act>
    void outside_of_pipeline(const char* sql, const Act& act) {
        if (PQexitPipelineMode(connection_) == 1) {
            act();
            if (connected() && PQenterPipelineMode(connection_) == 1) return;
        }
        lose(sql);
    }

    // Waits for the answers to all that was sent; the last statement's. Outside of a transaction a statement stands for
    // itself: the sync ends it.
    Result answers(const char* sql) {
        Result last;
        if (!ok()) return last;
        if (!connected()) {
            lose(sql);
            return last;
        }
        if (!unanswered_.empty() && unanswered_.back().kind != Unanswered::Kind::kSync) {
            if (!transaction_)
                sync();
            else if (PQsendFlushRequest(connection_) != 1)
                lose(sql);
        }
        std::optional<DbFailure> why;
        bool aborted = false;  // the pipeline, until the next sync
        while (ok() && !unanswered_.empty()) {
            const Unanswered one = unanswered_.front();
            unanswered_.pop_front();
            if (!take_answer(one, why, aborted, last)) break;
            if (aborted && unanswered_.empty()) sync();
        }
        if (!connected()) {
            if (connection_) lose(sql);
            // The server said farewell before it closed.
            if (why && why->error == DbError::kLost) failure_->message = why->message;
            return Result{};
        }
        if (why) {
            failure_ = std::move(why);
            return Result{};
        }
        return last;
    }
    // False: the connection is gone.
    bool take_answer(const Unanswered& one, std::optional<DbFailure>& why, bool& aborted, Result& last) {
        if (one.kind == Unanswered::Kind::kSync) {
            for (;;) {
                const Result result{PQgetResult(connection_)};
                if (result && result.status() == PGRES_PIPELINE_SYNC) break;
                if (!connected()) return false;
                // A session that ended is answered so without end.
                if (result && result.status() == PGRES_FATAL_ERROR) return give_up(result, one, why);
            }
            aborted = false;
            return true;
        }
        bool done = false;
        for (Result result{PQgetResult(connection_)}; result; result = Result{PQgetResult(connection_)}) {
            switch (result.status()) {
                case PGRES_COMMAND_OK:
                case PGRES_TUPLES_OK:
                    done = true;
                    if (keep_ && one.kind == Unanswered::Kind::kStatement)
                        keep_->push_back(std::move(result));
                    else
                        last = std::move(result);
                    break;
                case PGRES_PIPELINE_ABORTED:
                    break;
                default:
                    if (!why) why = failure_of(result, one.sql);
                    aborted = true;
                    if (!connected()) return false;
                    if (why->error == DbError::kLost) return give_up(result, one, why);
                    break;
            }
        }
        if (!done && one.kind == Unanswered::Kind::kPrepare) statements_.erase(one.key);
        return PQstatus(connection_) == CONNECTION_OK;
    }
    // The server has ended the session, whatever libpq thinks of the socket.
    bool give_up(const Result& result, const Unanswered& one, std::optional<DbFailure>& why) {
        if (!why) why = failure_of(result, one.sql);
        why->error = DbError::kLost;
        lose(one.sql);
        return false;
    }
    static DbFailure failure_of(const Result& result, const char* sql) {
        const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
        const char* primary = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
        std::string words = primary ? primary : trimmed(PQresultErrorMessage(result.get()));
        if (state) words += std::string{" ("} + state + ")";
        if (sql) words += std::string{" in: "} + sql;
        const char* severity = PQresultErrorField(result.get(), PG_DIAG_SEVERITY_NONLOCALIZED);
        const bool is_farewell = !state || !severity || std::string_view{severity} != "ERROR";
        return {is_farewell ? DbError::kLost : error_of(state), std::move(words)};
    }

    // --- Many rows

    void copy_in(const std::string& sql, std::size_t columns, std::span<const Value> values) {
        {
            const Result begun{PQexec(connection_, sql.c_str())};
            if (begun.status() != PGRES_COPY_IN) {
                failure_ = failure_of(begun, sql.c_str());
                return;
            }
        }
        std::string block{"PGCOPY\n\377\r\n\0", 11};
        append_big_endian(block, 0, 8);  // no flags, no extension
        for (std::size_t n = 0; n < values.size(); ++n) {
            if (n % columns == 0) {
                if (block.size() >= kCopyBlockBytes) {
                    if (PQputCopyData(connection_, block.data(), static_cast<int>(block.size())) != 1) return;
                    block.clear();
                }
                append_big_endian(block, columns, 2);
            }
            const Value& value = values[n];
            switch (value.kind()) {
                case Value::Kind::kNull:
                    append_big_endian(block, 0xFFFFFFFF, 4);
                    break;
                case Value::Kind::kInteger:
                    append_big_endian(block, 8, 4);
                    append_big_endian(block, static_cast<std::uint64_t>(value.integer()), 8);
                    break;
                case Value::Kind::kText:
                    append_big_endian(block, value.text().size(), 4);
                    block += value.text();
                    break;
            }
        }
        append_big_endian(block, 0xFFFF, 2);
        if (PQputCopyData(connection_, block.data(), static_cast<int>(block.size())) != 1 ||
            PQputCopyEnd(connection_, nullptr) != 1)
            return;
        for (Result result{PQgetResult(connection_)}; result; result = Result{PQgetResult(connection_)})
            if (result.status() != PGRES_COMMAND_OK && ok()) failure_ = failure_of(result, sql.c_str());
    }
    // Every column of text sorts and compares by its bytes, every integer has 64 bits, as in SQLite.
    static void widen(std::string& sql) {
        replace_words(sql, " TEXT", " TEXT COLLATE \"C\"");
        replace_words(sql, " INTEGER", " BIGINT");
    }
    static void replace_words(std::string& sql, std::string_view word, std::string_view words) {
        for (std::size_t at = sql.find(word); at != sql.npos; at = sql.find(word, at)) {
            const char next = at + word.size() < sql.size() ? sql[at + word.size()] : ' ';
            at += word.size();
            if (next != ' ' && next != ',' && next != ')') continue;
            sql.replace(at - word.size(), word.size(), words);
            at += words.size() - word.size();
        }
    }

    std::string url_;
    PostgresOptions options_;
    PGconn* connection_ = nullptr;
    std::unordered_map<StatementKey, std::int64_t, HashOfKey> statements_;
    std::int64_t statement_next_ = 1;
    std::map<std::pair<const std::string_view*, bool>, std::string> inserts_;  // by address, as statements; of one row?
    std::string arrays_;
    std::deque<Unanswered> unanswered_;
    std::vector<Result>* keep_ = nullptr;  // where answers of statements go, each of them
    bool transaction_ = false;
    bool committing_ = false;
    bool was_open_ = false;  // once
    bool taken_ = false;     // by another office, for good
    int last_pid_ = 0;       // of our session that held the lock
    std::string session_start_;
    std::string lock_start_;  // the start of that session
};

}  // namespace

std::expected<std::unique_ptr<Db>, DbFailure> open_postgres(const std::string& url, const PostgresOptions& options) {
    auto db = std::make_unique<PostgresDb>(url, options);
    if (!db->reconnect()) return std::unexpected(*db->failure());
    return db;
}

std::string shown_url(const std::string& url) {
    std::string user;
    std::string host;
    std::string port;
    std::string database;
    PQconninfoOption* options = PQconninfoParse(url.c_str(), nullptr);
    for (const PQconninfoOption* option = options; option && option->keyword; ++option) {
        if (!option->val) continue;
        const std::string_view keyword = option->keyword;
        if (keyword == "user") user = std::string{option->val} + "@";
        if (keyword == "host") host = option->val;
        if (keyword == "port") port = std::string{":"} + option->val;
        if (keyword == "dbname") database = option->val;
    }
    PQconninfoFree(options);
    const bool socket = host.starts_with('/');
    return "postgresql://" + user + (socket ? "" : host) + port + "/" + database + (socket ? "?host=" + host : "");
}

}  // namespace prewatt::server::store

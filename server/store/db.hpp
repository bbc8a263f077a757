// One connection to a database, thin: SQL text in, rows out. It knows nothing of the office, so the same statements run
// on SQLite and on PostgreSQL: parameters are $1, $2 ...; INSERT ... RETURNING and ON CONFLICT are used, nothing that
// only one engine knows.
//
// Failure sticks: after a statement has failed every further one is skipped (no rows, nothing changed) until
// clear_failure(), so that a function of many statements is checked once, at its end. A connection is used by one
// thread at a time.
//
// A connection can be lost (PostgreSQL: the server is restarted, the network is cut). What was under way then fails
// with kLost or kUncertain; the next begin_write() or begin_read() connects anew by itself.
//
// SQL text must live as long as the connection (a literal): prepared statements are kept by its address.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/domain/types.hpp"

namespace prewatt::server::store {

enum class DbError : std::uint8_t {
    kFull,        // no room; the transaction must be rolled back
    kFailed,      // input/output, locks, memory
    kDamaged,     // what is read is not what was written
    kConstraint,  // a rule of the tables forbids it
    kStatement,   // the text or its parameters are wrong: ours
    kLost,        // the connection is gone, before COMMIT: nothing was changed. The next transaction connects anew
    kUncertain,   // the connection was lost at COMMIT: carried out or not, nobody knows until it is looked up
    kInUse,       // another office has the database
};
struct DbFailure {
    DbError error = DbError::kFailed;
    std::string message;
};

// NULL, a 64-bit integer or text (also bytes), for the time of one call.
class Value {
  public:
    enum class Kind : std::uint8_t { kNull, kInteger, kText };
    Value() = default;
    Value(std::int64_t integer) : kind_(Kind::kInteger), integer_(integer) {}
    Value(std::int32_t integer) : Value(std::int64_t{integer}) {}
    Value(std::uint32_t integer) : Value(std::int64_t{integer}) {}
    Value(std::uint16_t integer) : Value(std::int64_t{integer}) {}
    Value(std::uint8_t integer) : Value(std::int64_t{integer}) {}
    Value(bool truth) : Value(std::int64_t{truth}) {}
    Value(std::string_view text) : kind_(Kind::kText), text_(text) {}
    Value(const std::string& text) : Value(std::string_view{text}) {}
    Value(const char* text) : Value(std::string_view{text}) {}
    Value(UnixTime time) : Value(time.ms) {}
    Value(std::optional<UnixTime> time) : Value() {
        if (time) *this = Value(time->ms);
    }
    Value(Money money) : Value(money.count()) {}
    Value(UnitPrice price) : Value(price.count()) {}
    Value(Energy energy) : Value(in_hundredths(energy, Round::kDown)) {}
    Value(Credit credit) : Value(in_hundredths(credit, Round::kDown)) {}
    template <class Tag>
    Value(Id<Tag> id) : Value(id.value) {}
    template <class E>
        requires std::is_enum_v<E>
    Value(E word) : Value(static_cast<std::int64_t>(word)) {}

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] std::int64_t integer() const { return integer_; }
    [[nodiscard]] std::string_view text() const { return text_; }

  private:
    Kind kind_ = Kind::kNull;
    std::int64_t integer_ = 0;
    std::string_view text_;
};

// One row of an answer, for the time of the call that shows it.
class Row {
  public:
    [[nodiscard]] virtual bool is_null(int column) const = 0;
    [[nodiscard]] virtual std::int64_t integer(int column) const = 0;  // NULL: 0
    [[nodiscard]] virtual std::string_view text(int column) const = 0;

    template <class T>
    [[nodiscard]] T as(int column) const {
        if constexpr (std::is_same_v<T, std::string>)
            return std::string{text(column)};
        else if constexpr (std::is_same_v<T, UnixTime>)
            return UnixTime{integer(column)};
        else if constexpr (std::is_same_v<T, std::optional<UnixTime>>)
            return is_null(column) ? std::optional<UnixTime>{} : UnixTime{integer(column)};
        else if constexpr (std::is_same_v<T, Energy>)
            return energy_of_hundredths(integer(column));
        else if constexpr (std::is_same_v<T, Credit>)
            return credit_of_hundredths(integer(column));
        else if constexpr (std::is_same_v<T, bool>)
            return integer(column) != 0;
        else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
            return static_cast<T>(integer(column));
        else
            return T{integer(column)};
    }

  protected:
    ~Row() = default;
};

class Db {
  public:
    virtual ~Db() = default;

    // Rows that were changed.
    std::int64_t execute(const char* sql, std::initializer_list<Value> values = {}) {
        return run(sql, {values.begin(), values.size()}, nullptr, nullptr);
    }
    // As execute, for a change inside a write transaction whose outcome is only needed at COMMIT: PostgreSQL sends it
    // without waiting for an answer. A failure is known at the next query(), execute() or commit(), at the latest.
    void post(const char* sql, std::initializer_list<Value> values = {}) {
        run_later(sql, {values.begin(), values.size()});
    }
    // Whole new rows, as fast as the engine takes them (binary COPY on PostgreSQL, a prepared INSERT of many rows on
    // SQLite), inside a write transaction: `values` are the rows one after the other, each with one value for every
    // column. Table and columns are ours, never a person's words. Every value has the type of its column: integers for
    // BIGINT, texts for TEXT. A row that is there already (any constraint) fails the transaction: COPY knows no ON
    // CONFLICT; who expects such rows takes query() or looks first.
    void append_rows(std::string_view table, std::initializer_list<std::string_view> columns,
                     std::span<const Value> values) {
        append_rows(table, std::span{columns.begin(), columns.size()}, values);
    }
    virtual void append_rows(std::string_view table, std::span<const std::string_view> columns,
                             std::span<const Value> values) = 0;
    // The new rows of a few orders, inside a write transaction: as post(), nothing is waited for, and it is one
    // statement however many rows there are (PostgreSQL takes them as arrays). `columns` lives as long as the
    // connection, as the text of a statement does. Values as for append_rows, none of them NULL.
    void post_rows(std::string_view table, std::span<const std::string_view> columns, std::span<const Value> values) {
        append_later(table, columns, values);
    }
    // Shows each row to `each`; the number of rows.
    template <class F>
    std::int64_t query(const char* sql, std::initializer_list<Value> values, const F& each) {
        return run(sql, {values.begin(), values.size()}, &each,
                   [](const void* context, const Row& row) { (*static_cast<const F*>(context))(row); });
    }
    // One question many times, each with `parameters` of `values`: shows each row to `each(k, row)`, k being the number
    // of the question, all of question k before those of k + 1. Within a transaction one round trip on PostgreSQL.
    template <class F>
    void query_each(const char* sql, std::span<const Value> values, std::size_t parameters, const F& each) {
        run_each(sql, values, parameters, &each,
                 [](const void* context, std::size_t k, const Row& row) { (*static_cast<const F*>(context))(k, row); });
    }
    // As query_each; `together` asks the same of all at once, where an engine can: $n is there an array of the n-th
    // parameters, and its last column is the number of the question, counted from 1. Every question has one row or
    // none, in any order; no parameter is NULL.
    template <class F>
    void query_together(const char* one, const char* together, std::span<const Value> values, std::size_t parameters,
                        const F& each) {
        run_together(one, together, values, parameters, &each, [](const void* context, std::size_t k, const Row& row) {
            (*static_cast<const F*>(context))(k, row);
        });
    }
    // A question whose text is made at run time: not kept prepared, and the rows are streamed however many they are.
    // `each` must not ask anything else of this connection meanwhile.
    template <class F>
    std::int64_t scan(const std::string& sql, const F& each) {
        return stream(sql, &each, [](const void* context, const Row& row) { (*static_cast<const F*>(context))(row); });
    }
    // A statement about tables, once, not kept prepared. Marks as in migrations.hpp: {id}, {key}, "sqlite:" ...
    virtual void define(const std::string& sql) = 0;
    // A transaction that will write; that only reads and sees one state.
    virtual void begin_write() = 0;
    virtual void begin_read() = 0;
    // False: it was rolled back and failure() says why.
    virtual bool commit() = 0;
    // Also after a failure; clears it.
    virtual void rollback() = 0;
    // False after an engine has ended the transaction by itself.
    [[nodiscard]] virtual bool in_transaction() const = 0;
    [[nodiscard]] virtual bool has_table(std::string_view name) = 0;
    // Where the engine has a place for it outside of the tables (the head of an SQLite file).
    virtual void mark_version(int number) = 0;

    // False: the connection is lost.
    [[nodiscard]] virtual bool connected() const { return true; }
    // Between transactions: gets a lost connection back. False: not yet, and failure() says why.
    virtual bool reconnect() { return true; }

    // For a connection that stands before another one (planted_db.hpp).
    std::int64_t pass_on(const char* sql, std::span<const Value> values, const void* context,
                         void (*each)(const void*, const Row&)) {
        return run(sql, values, context, each);
    }
    std::int64_t pass_on_stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) {
        return stream(sql, context, each);
    }
    void pass_on_each(const char* sql, std::span<const Value> values, std::size_t parameters, const void* context,
                      void (*each)(const void*, std::size_t, const Row&)) {
        run_each(sql, values, parameters, context, each);
    }
    void pass_on_later(const char* sql, std::span<const Value> values) { run_later(sql, values); }

    [[nodiscard]] bool ok() const { return !failure_; }
    [[nodiscard]] const std::optional<DbFailure>& failure() const { return failure_; }
    void clear_failure() { failure_.reset(); }

  protected:
    virtual std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                             void (*each)(const void*, const Row&)) = 0;
    virtual std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) = 0;
    virtual void run_later(const char* sql, std::span<const Value> values) = 0;
    // One after the other, where an engine has nothing better.
    virtual void run_each(const char* sql, std::span<const Value> values, std::size_t parameters, const void* context,
                          void (*each)(const void*, std::size_t, const Row&));
    virtual void run_together(const char* one, const char*, std::span<const Value> values, std::size_t parameters,
                              const void* context, void (*each)(const void*, std::size_t, const Row&)) {
        run_each(one, values, parameters, context, each);
    }
    virtual void append_later(std::string_view table, std::span<const std::string_view> columns,
                              std::span<const Value> values) {
        append_rows(table, columns, values);
    }
    std::optional<DbFailure> failure_;
};

// How an engine writes what the marks in statements about tables stand for (migrations.hpp).
struct Dialect {
    std::string_view engine;
    std::string_view id;
    std::string_view key;
    std::string_view compact;
};
inline constexpr Dialect kSqliteDialect{"sqlite", "INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY", " WITHOUT ROWID"};
inline constexpr Dialect kPostgresDialect{"postgres", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                                          "BIGINT PRIMARY KEY", ""};
// What `sql` is in this dialect; nothing: it is meant for another engine.
[[nodiscard]] std::optional<std::string> sql_for(std::string_view sql, const Dialect& dialect);

// How a failure of the database is told to whoever asked.
[[nodiscard]] Refusal refusal_of(const DbFailure& failure);

}  // namespace prewatt::server::store

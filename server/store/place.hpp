// Where an office is kept, and by which engine. One URL says both:
//
//     office.db, /var/lib/prewatt/office.db, sqlite:///var/lib/prewatt/office.db     a file of SQLite's
//     postgresql://prewatt@db.example.com/office                                     a database of a PostgreSQL server
//
// A place knows whether there is an office, lets one process at a time change it, and makes a new one whole or not at
// all. What an office is made of is not its business.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/store/db.hpp"

namespace prewatt::server::store {

enum class OpenError : std::uint8_t {
    kMissing,  // no office there: create it first
    kExists,   // creating: there is one already; untouched
    kInUse,    // another process has it
    kNewer,    // written by a newer version of the program; untouched
    kDamaged,  // not a database of ours, or corrupt; untouched
    kFailed,   // the disk, the folder or the server refuses
    kBadSpec,  // the URL or the specification makes no sense
};
struct OpenFailure {
    OpenError error = OpenError::kFailed;
    std::string message;  // for a person: what, where, what to do
};
template <class T>
using Opened = std::expected<T, OpenFailure>;

[[nodiscard]] inline std::unexpected<OpenFailure> open_failure(OpenError error, std::string message) {
    return std::unexpected(OpenFailure{error, std::move(message)});
}
// What a database says against being opened.
[[nodiscard]] std::unexpected<OpenFailure> open_failure(const std::string& name, const DbFailure& failure);

struct Column {
    enum class Kind : std::uint8_t { kInteger, kText, kOther };
    std::string name;
    Kind kind = Kind::kOther;
    bool is_key = false;  // part of the primary key
};

// What one engine keeps beside the rows that all engines have, and makes again from them: not in a backup.
struct DerivedPart {
    std::string_view table;
    std::string_view column;  // empty: the whole table
};
inline constexpr DerivedPart kDerivedParts[] = {
    {"reading_spans", ""},   // SQLite: where the readings of a time are, by their numbers
    {"readings", "number"},  // SQLite: in the order of their time
};
[[nodiscard]] bool is_derived(std::string_view table, std::string_view column = {});

class Place {
  public:
    virtual ~Place() = default;
    // For people: without the password.
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual std::string_view engine() const = 0;  // "SQLite", "PostgreSQL"

    // The only connection that changes the office there, for as long as `lock` (null: the connection is the lock) is
    // held. Migrations may be missing.
    struct Writing {
        std::unique_ptr<Db> db;
        std::shared_ptr<void> lock;
    };
    [[nodiscard]] virtual Opened<Writing> open_writing() = 0;
    // A connection for questions to an office that is there; any number, beside a writing one.
    [[nodiscard]] virtual Opened<std::unique_ptr<Db>> open_reading() = 0;
    // The same without looking at what is there, for the pool of an open office. Any thread.
    [[nodiscard]] virtual std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> reader() const = 0;

    // Makes an office where there is none: `fill` gets an empty database and must leave a whole one, with the last step
    // of it in one transaction. When it fails, or when the process is killed in the middle, there is still none.
    using Fill = std::function<Opened<void>(Db&)>;
    [[nodiscard]] virtual Opened<void> create(const Fill& fill) = 0;

    // What the engine itself finds wrong with its own structures; empty: nothing. `quick`: in about the time of reading
    // the file once, and nothing at all where that is long.
    [[nodiscard]] virtual std::string find_damage(Db& db, bool quick) = 0;
    // Bytes that may still be written, told by a connection for questions; nothing: it cannot be known from here.
    [[nodiscard]] virtual std::function<std::optional<std::int64_t>(Db&)> room() const = 0;
    // Where the room is kept that retention needs on a full disk (retention.hpp); empty: not by us.
    [[nodiscard]] virtual std::string ballast() const = 0;
    // After migrations: what the engine wants done then.
    virtual void settle(Db& db) = 0;

    // --- What is in the schema, for those who copy all of it
    // Without the engine's own, and without the partitions of a table.
    [[nodiscard]] virtual std::vector<std::string> tables(Db& db) = 0;
    [[nodiscard]] virtual std::vector<Column> columns(Db& db, const std::string& table) = 0;
    // Table and the one that its foreign keys refer to.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> references(Db& db) = 0;
    // Before rows are appended to a table that was copied: what the engine needs for them (a partition).
    virtual void expect_rows(Db& db, std::string_view table, std::span<const std::string_view> columns,
                             std::span<const Value> values) = 0;
    // Rows were appended with keys of their own: the next key of each table that numbers itself, and what is derived
    // from the rows on this engine alone (is_derived).
    virtual void loaded(Db& db) = 0;
    // What the schema looks like for the report of a check: "every row was read; ...".
    [[nodiscard]] virtual std::string what_was_checked(Db& db) = 0;
};

struct PlaceOptions {
    std::int64_t pages_max = 0;  // 0: no bound; else SQLite's max_page_count (a full disk in tests)
};
[[nodiscard]] Opened<std::unique_ptr<Place>> place_of(std::string_view url, const PlaceOptions& options = {});

}  // namespace prewatt::server::store

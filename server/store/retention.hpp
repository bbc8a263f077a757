// Retention in the tables: what server/domain/retention.hpp lets go, piece by piece; the room that it needs for that on
// a full disk; how much room there is.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>

#include "server/domain/retention.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

[[nodiscard]] RetentionRules retention_rules(Db& db);
// About when the oldest raw reading is; nothing: there is none.
[[nodiscard]] std::optional<UnixTime> oldest_raw_at(Db& db);
// Removes a piece of what may go, oldest first. False: nothing is left to remove. PostgreSQL: a whole partition, which
// costs no row; SQLite: the rows of some spans.
[[nodiscard]] Answer<bool> remove_piece(Db& db, const Retention& retention);

// A file beside the database that is nothing but room: a transaction that frees room needs some first, and on a full
// disk there is none. It is given up before such a transaction and made again when there is room enough.
class Ballast {
  public:
    static constexpr std::int64_t kBytes = 32LL << 20;
    explicit Ballast(std::filesystem::path file) : file_(std::move(file)) {}
    // False: there was none.
    bool give_up();
    // True: it is there.
    bool make();
    [[nodiscard]] bool is_there() const;
    // It was given up and not made again.
    [[nodiscard]] bool is_owed() const { return owed_; }

  private:
    std::filesystem::path file_;
    std::atomic<bool> owed_{false};
};

// Of the disk that a folder is on; nothing: it cannot be known.
[[nodiscard]] std::optional<std::int64_t> free_bytes_of(const std::filesystem::path& folder);

}  // namespace prewatt::server::store

// Db over sqlite3. Durable: WAL with synchronous FULL, foreign keys on.
#pragma once
#include <filesystem>
#include <memory>

#include "server/store/db.hpp"

namespace prewatt::server::store {

// "PWTT" in the head of the file (offset 68) says that it is ours; the newest migration stands at offset 60. Big
// endian.
inline constexpr std::uint32_t kApplicationId = 0x50575454;

// Before anything else of SQLite in this process, where something comes before open_sqlite: SQLite keeps no account of
// its memory from then on, which nobody asks for and which would lock each allocation of all threads.
void start_sqlite();

struct SqliteOptions {
    bool create = false;
    bool read_only = false;      // queries only; still takes part in WAL
    std::int64_t pages_max = 0;  // 0: no bound
    const char* vfs = nullptr;   // SQLite's name of another file system (the simulator's disk); null: the system's
};
[[nodiscard]] std::expected<std::unique_ptr<Db>, DbFailure> open_sqlite(const std::filesystem::path& file,
                                                                        const SqliteOptions& options);

}  // namespace prewatt::server::store

// Archive in the tables: server/domain/archive.hpp.
#pragma once
#include <filesystem>
#include <memory>

#include "server/domain/archive.hpp"
#include "server/store/engine.hpp"
#include "server/store/reading_log.hpp"

namespace prewatt::server::store {

struct ArchiveOptions {
    Duration tend_every;  // 0: it looks after itself when it is told to
    std::function<std::optional<std::int64_t>(Db&)> free_bytes;
    std::filesystem::path ballast;  // empty: none
};
[[nodiscard]] std::unique_ptr<Archive> make_archive(Engine& engine, ReadingLog& readings, ArchiveOptions options);

}  // namespace prewatt::server::store

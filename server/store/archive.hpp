// Archive in the tables: server/domain/archive.hpp.
#pragma once
#include <memory>

#include "server/domain/archive.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Archive> make_archive(Engine& engine);

}  // namespace prewatt::server::store

// Warrants in the tables: server/domain/warrants.hpp, docs/formats/database.md.
#pragma once
#include <memory>

#include "server/domain/warrants.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Warrants> make_warrants(Engine& engine);

}  // namespace prewatt::server::store

// WorkList in the tables: server/domain/work_list.hpp.
#pragma once
#include <memory>

#include "server/domain/work_list.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<WorkList> make_work_list(Engine& engine);

}  // namespace prewatt::server::store

// WorkList in the tables: server/domain/work_list.hpp.
#pragma once
#include <memory>

#include "server/domain/work_list.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// In the transaction of whoever found it. One item for each kind and subject: raised again it is brought up to date. On
// the writing connection only.
void raise_work_item(Db& db, const WorkItem& item);

[[nodiscard]] std::unique_ptr<WorkList> make_work_list(Engine& engine);

}  // namespace prewatt::server::store

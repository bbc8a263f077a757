// WorkList in the tables: server/domain/work_list.hpp.
#pragma once
#include <memory>

#include "server/domain/work_list.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// In the transaction of whoever found it. One item for each kind and subject that is not closed: raised again it is
// brought up to date; one that a person has explained is open again when its size has changed. On the writing
// connection only.
void raise_work_item(Db& db, const WorkItem& item);
// The difference is gone: closes what is not closed of it, saying how; nothing when there is none.
void close_work_item(Db& db, std::string_view difference, std::string_view how, UnixTime at);

[[nodiscard]] std::unique_ptr<WorkList> make_work_list(Engine& engine);

}  // namespace prewatt::server::store

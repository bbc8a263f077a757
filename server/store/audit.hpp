// Audit in the tables: server/domain/audit.hpp.
#pragma once
#include <memory>

#include "server/domain/audit.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Writes the act down in the transaction that carries it out, so that there is neither an act without its record nor a
// record without its act. Number and chain are filled in here. On the writing connection only.
void append_audit(Db& db, const AuditRecord& record);

[[nodiscard]] std::unique_ptr<Audit> make_audit(Engine& engine);

}  // namespace prewatt::server::store

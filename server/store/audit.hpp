// Audit in the tables: server/domain/audit.hpp, docs/formats/audit.md.
#pragma once
#include <memory>

#include "server/domain/audit.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

// Writes the act down in the transaction that carries it out, so that there is neither an act without its record nor a
// record without its act. Number and chain are filled in here; texts are kept as journal_text has them. On the writing
// connection only.
void append_audit(Db& db, const AuditRecord& record);
// What an act changed, from what and to what.
struct ActOn {
    std::string action;
    std::string subject;
    std::string before{};
    std::string after{};
};
void append_audit(Db& db, const Actor& who, ActOn act, std::string reason, UnixTime now);

[[nodiscard]] std::string sha256_hex(std::string_view bytes);
[[nodiscard]] AuditHead read_audit_head(Db& db);
[[nodiscard]] Answer<std::vector<AuditRecord>> read_audit(Db& db, const AuditFilter& filter);
// Recomputes the chain over all records, in one pass.
[[nodiscard]] Answer<AuditVerdict> verify_audit(Db& db, std::optional<AuditHead> expected);

[[nodiscard]] std::unique_ptr<Audit> make_audit(Engine& engine);

}  // namespace prewatt::server::store

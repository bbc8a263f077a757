#include "server/store/audit.hpp"

namespace prewatt::server::store {
namespace {

class AuditOnDb final : public Audit {
  public:
    explicit AuditOnDb(Engine& engine) : engine_(engine) {}

  private:
    [[maybe_unused]] Engine& engine_;
};

}  // namespace

void append_audit(Db&, const AuditRecord&) {}

std::unique_ptr<Audit> make_audit(Engine& engine) {
    return std::make_unique<AuditOnDb>(engine);
}

}  // namespace prewatt::server::store

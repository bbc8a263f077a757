#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

class WorkListOnDb final : public WorkList {
  public:
    explicit WorkListOnDb(Engine& engine) : engine_(engine) {}

  private:
    [[maybe_unused]] Engine& engine_;
};

}  // namespace

std::unique_ptr<WorkList> make_work_list(Engine& engine) {
    return std::make_unique<WorkListOnDb>(engine);
}

}  // namespace prewatt::server::store

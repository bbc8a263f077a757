#include "server/store/archive.hpp"

namespace prewatt::server::store {
namespace {

class ArchiveOnDb final : public Archive {
  public:
    explicit ArchiveOnDb(Engine& engine) : engine_(engine) {}

  private:
    [[maybe_unused]] Engine& engine_;
};

}  // namespace

std::unique_ptr<Archive> make_archive(Engine& engine) {
    return std::make_unique<ArchiveOnDb>(engine);
}

}  // namespace prewatt::server::store

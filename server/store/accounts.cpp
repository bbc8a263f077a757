#include "server/store/accounts.hpp"

namespace prewatt::server::store {
namespace {

class AccountsOnDb final : public Accounts {
  public:
    explicit AccountsOnDb(Engine& engine) : engine_(engine) {}

  private:
    [[maybe_unused]] Engine& engine_;
};

}  // namespace

std::unique_ptr<Accounts> make_accounts(Engine& engine) {
    return std::make_unique<AccountsOnDb>(engine);
}

}  // namespace prewatt::server::store

// How an act that two people have agreed upon is carried out: for each action, what to do with its content.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "server/domain/approvals.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

class Acts {
  public:
    // `asked.asked_by` and `asked.reason` are those of the act, `asked.decided_by` is who approves it now. Checks
    // everything before it writes, as every change does; answers what came of it, for people.
    using CarryOut =
        std::function<Answer<std::string>(Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes)>;
    void offer(std::string action, CarryOut carry_out) { list_[std::move(action)] = std::move(carry_out); }
    [[nodiscard]] const CarryOut* find(const std::string& action) const {
        const auto found = list_.find(action);
        return found == list_.end() ? nullptr : &found->second;
    }

  private:
    std::map<std::string, CarryOut> list_;
};

}  // namespace prewatt::server::store

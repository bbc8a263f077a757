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

void raise_work_item(Db& db, const WorkItem& item) {
    std::string proposals;
    for (const std::string& proposal : item.proposals)
        proposals += (proposals.empty() ? "" : "\n") + proposal;
    db.execute(
        "INSERT INTO work_items (kind, household_id, box_id, at, figures, explanation, proposals) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, household_id, box_id) DO UPDATE SET at = excluded.at, "
        "figures = excluded.figures, explanation = excluded.explanation, proposals = excluded.proposals",
        {item.kind, item.household, item.box, item.at, item.figures, item.explanation, proposals});
}

std::unique_ptr<WorkList> make_work_list(Engine& engine) {
    return std::make_unique<WorkListOnDb>(engine);
}

}  // namespace prewatt::server::store

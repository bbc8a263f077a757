#include "server/domain/work_list.hpp"

namespace prewatt::server {

std::string difference_of(const WorkItem& item) {
    return item.kind + " household " + std::to_string(item.household.value) + " box " + std::to_string(item.box.value) +
           (item.subject.empty() ? "" : " " + item.subject);
}

std::string_view word(WorkState state) {
    switch (state) {
        case WorkState::kExplained:
            return "explained";
        case WorkState::kClosed:
            return "closed";
        case WorkState::kOpen:
            break;
    }
    return "open";
}

std::optional<WorkState> work_state_of(std::string_view text) {
    for (const WorkState state : {WorkState::kOpen, WorkState::kExplained, WorkState::kClosed})
        if (word(state) == text) return state;
    return std::nullopt;
}

}  // namespace prewatt::server

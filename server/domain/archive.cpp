#include "server/domain/archive.hpp"

namespace prewatt::server {

std::string_view word(ReportLevel level) {
    switch (level) {
        case ReportLevel::kHousehold:
            return "household";
        case ReportLevel::kBuilding:
            return "building";
        case ReportLevel::kSite:
            return "site";
    }
    return "unknown";
}

std::optional<ReportLevel> report_level_of(std::string_view text) {
    for (const ReportLevel level : {ReportLevel::kHousehold, ReportLevel::kBuilding, ReportLevel::kSite})
        if (word(level) == text) return level;
    return std::nullopt;
}

}  // namespace prewatt::server

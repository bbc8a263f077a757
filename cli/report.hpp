// `prewatt report consumption`: energy used by household, building or site in a month, a day, an hour, with the quality
// of each figure. Asks an office.
#pragma once
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct ReportOptions {
    std::string month;  // 2026-11
    std::string from;   // 2026-11-05, 2026-11-05T14; instead of the month
    std::string to;
    std::string level = "household";
    std::string output = "table";
    ServerOptions server;
};
[[nodiscard]] int run(const ReportOptions& options);

}  // namespace prewatt::cli

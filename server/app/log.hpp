// The office's log: one line for each thing that somebody may have to know, on standard error with the time. Secrets
// (passwords, tokens, keys) are never given to it.
#pragma once
#include <string_view>

namespace prewatt::server::app {

void log_info(std::string_view words);
void log_warning(std::string_view words);
void log_error(std::string_view words);
// "debug", "info", "warning", "error", "off"; false: none of these, nothing has changed.
bool set_log_level(std::string_view level);

}  // namespace prewatt::server::app

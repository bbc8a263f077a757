// A password from the terminal without showing it, or the first line of standard input; never a flag. Empty: none was
// given.
#pragma once
#include <string>

namespace prewatt::cli {

[[nodiscard]] std::string read_password(const char* asked = "Password: ");

}  // namespace prewatt::cli

// A refusal as it is returned from whatever answers with one: nothing was done, and `message` says so to a person.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

[[nodiscard]] inline std::unexpected<Refusal> refuse(Reason reason, std::string message, std::int64_t limit = 0) {
    return std::unexpected(Refusal{reason, std::move(message), limit});
}

}  // namespace prewatt::server

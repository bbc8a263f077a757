// What `prewatt card` says and asks about cards with rights (docs/formats/rest.md, /warrants).
#pragma once
#include <nlohmann/json.hpp>

#include "cli/card.hpp"
#include "cli/office_client.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {

// Of --kind and its flags: asks for the warrant. Error: kRefused with the number of the request where a second person
// has to agree first.
[[nodiscard]] OfficeClient::Answer ask_warrant(const OfficeClient& client, const CardOptions& options,
                                               const std::string& order_id);
void print_warrant(const nlohmann::json& warrant);
[[nodiscard]] int list_warrants(const OfficeClient& client, OutputFormat format);
[[nodiscard]] int withdraw_warrant(const OfficeClient& client, const CardOptions& options);

}  // namespace prewatt::cli

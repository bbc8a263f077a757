// Reads a JSON object that somebody outside sent: every field by name and type, nothing unknown, nothing twice. The
// first thing wrong is kept and becomes a 400; the readers return a harmless value after it, so a handler reads all and
// asks once.
#pragma once
#include <nlohmann/json.hpp>

#include "server/api/http.hpp"

namespace prewatt::server::api {

class JsonInput {
  public:
    // Refusals: bad_content_type, bad_json (malformed, not an object, a name twice, deeper than 16).
    explicit JsonInput(const Request& request);

    [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most);
    [[nodiscard]] std::int64_t integer_or(std::string_view name, std::int64_t fallback, std::int64_t least,
                                          std::int64_t most);
    [[nodiscard]] std::string text(std::string_view name, std::size_t bytes_min, std::size_t bytes_max);
    [[nodiscard]] std::string text_or(std::string_view name, std::string fallback, std::size_t bytes_max);
    [[nodiscard]] bool flag(std::string_view name);
    // One of `words`; its index.
    [[nodiscard]] std::size_t choice(std::string_view name, std::initializer_list<std::string_view> words);
    // The refusal of the first thing wrong, or of a field that nobody asked for.
    [[nodiscard]] std::optional<Problem> problem();

  private:
    const nlohmann::json* take(std::string_view name, bool required);
    void refuse_field(std::string_view name, const std::string& what);
    nlohmann::json object_ = nlohmann::json::object();
    std::vector<std::string> taken_;
    std::optional<Problem> problem_;
};

// A query parameter that is a whole number in a range; nullopt when it is absent. Problem: bad_parameter.
[[nodiscard]] std::expected<std::optional<std::int64_t>, Problem> integer_parameter(const Request& request,
                                                                                    std::string_view name,
                                                                                    std::int64_t least,
                                                                                    std::int64_t most);

}  // namespace prewatt::server::api

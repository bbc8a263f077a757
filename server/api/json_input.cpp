#include "server/api/json_input.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace prewatt::server::api {
namespace {

using nlohmann::json;

// Builds the value and refuses what nlohmann would let pass: a name twice (the last would win) and deep nesting.
json parse_strictly(const std::string& body, std::string& wrong) {
    std::vector<std::set<std::string>> names;
    const json::parser_callback_t check = [&](int depth, json::parse_event_t event, json& value) {
        if (depth > 16) wrong = "it is nested deeper than 16";
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end && !names.empty()) names.pop_back();
        if (event == json::parse_event_t::key && !names.empty() &&
            !names.back().insert(value.get<std::string>()).second)
            wrong = "the name '" + value.get<std::string>() + "' stands in it twice";
        return wrong.empty();
    };
    try {
        return json::parse(body, check);
    } catch (const json::exception& fault) {
        if (wrong.empty()) wrong = fault.what();
        const std::size_t words = wrong.find("] ");
        if (words != std::string::npos) wrong.erase(0, words + 2);
        return nullptr;
    }
}

}  // namespace

JsonInput::JsonInput(const Request& request) {
    std::string_view type = request.header("content-type");
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ')
        type.remove_suffix(1);
    if (type != "application/json") {
        problem_ = Problem{400, "bad_content_type",
                           "the body must be JSON with 'Content-Type: application/json'; nothing was done", nullptr,
                           std::nullopt};
        return;
    }
    std::string wrong;
    object_ = parse_strictly(request.body, wrong);
    if (wrong.empty() && !object_.is_object()) wrong = "it is not an object";
    if (wrong.empty()) return;
    object_ = json::object();
    problem_ =
        Problem{400, "bad_json", "the body could not be read: " + wrong + "; nothing was done", nullptr, std::nullopt};
}

void JsonInput::refuse_field(std::string_view name, const std::string& what) {
    if (problem_) return;
    problem_ = Problem{400, "bad_field", "'" + std::string(name) + "' " + what + "; nothing was done",
                       std::make_shared<json>(json{{"field", name}}), std::nullopt};
}

const json* JsonInput::take(std::string_view name, bool required) {
    taken_.emplace_back(name);
    const auto found = object_.find(std::string(name));
    if (found == object_.end()) {
        if (required) refuse_field(name, "is missing");
        return nullptr;
    }
    return &*found;
}

std::int64_t JsonInput::integer_or(std::string_view name, std::int64_t fallback, std::int64_t least,
                                   std::int64_t most) {
    return object_.contains(std::string(name)) ? integer(name, least, most) : fallback;
}

std::int64_t JsonInput::integer(std::string_view name, std::int64_t least, std::int64_t most) {
    const json* value = take(name, true);
    if (!value) return least;
    if (!value->is_number_integer()) {
        refuse_field(name, "must be a whole number, without quotes and without a fraction");
        return least;
    }
    const bool too_large =
        value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
    if (too_large || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most) {
        refuse_field(name, "must be from " + std::to_string(least) + " to " + std::to_string(most));
        return least;
    }
    return value->get<std::int64_t>();
}

std::string JsonInput::text(std::string_view name, std::size_t bytes_min, std::size_t bytes_max) {
    const json* value = take(name, true);
    if (!value) return {};
    if (!value->is_string()) {
        refuse_field(name, "must be text");
        return {};
    }
    const std::string& words = value->get_ref<const std::string&>();
    if (words.size() < bytes_min || words.size() > bytes_max) {
        refuse_field(name, "must be " + std::to_string(bytes_min) + " to " + std::to_string(bytes_max) + " bytes long");
        return {};
    }
    return words;
}

std::string JsonInput::text_or(std::string_view name, std::string fallback, std::size_t bytes_max) {
    if (!object_.contains(std::string(name))) {
        taken_.emplace_back(name);
        return fallback;
    }
    return text(name, 0, bytes_max);
}

bool JsonInput::flag(std::string_view name) {
    const json* value = take(name, true);
    if (!value) return false;
    if (!value->is_boolean()) {
        refuse_field(name, "must be true or false");
        return false;
    }
    return value->get<bool>();
}

std::size_t JsonInput::choice(std::string_view name, std::initializer_list<std::string_view> words) {
    const std::string have = text(name, 0, 64);
    const auto* found = std::find(words.begin(), words.end(), have);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    std::string all;
    for (std::string_view word : words)
        all += (all.empty() ? "'" : ", '") + std::string(word) + "'";
    refuse_field(name, "must be one of " + all);
    return 0;
}

std::optional<Problem> JsonInput::problem() {
    if (!problem_)
        for (const auto& [name, value] : object_.items())
            if (std::find(taken_.begin(), taken_.end(), name) == taken_.end()) refuse_field(name, "is not known here");
    return problem_;
}

std::expected<std::optional<std::int64_t>, Problem> integer_parameter(const Request& request, std::string_view name,
                                                                      std::int64_t least, std::int64_t most) {
    const std::optional<std::string_view> text = request.parameter(name);
    if (!text) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (fault != std::errc{} || end != text->data() + text->size() || value < least || value > most)
        return refuse(400, "bad_parameter",
                      "'" + std::string(name) + "' must be a whole number from " + std::to_string(least) + " to " +
                          std::to_string(most));
    return value;
}

}  // namespace prewatt::server::api

#include <toml++/toml.h>
#include <charconv>
#include <sstream>

#include "card/layout.hpp"
#include "server/app/office_app.hpp"

namespace prewatt::server::app {
namespace {

// Reads one table: each name once asked for; what is left over is a mistake of whoever wrote the file.
class TableReader {
  public:
    TableReader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

    template <class T>
    void read(std::string_view name, T& into) {
        names_ += " ";
        names_ += name;
        const toml::node* node = table_.get(name);
        if (!node) return;
        if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::filesystem::path>) {
            if (const auto value = node->value_exact<std::string>()) {
                into = *value;
                return;
            }
            complain(*node, name, "must be text");
        } else {
            const auto value = node->value_exact<std::int64_t>();
            if (value && *value >= 0 && std::in_range<T>(*value)) {
                into = static_cast<T>(*value);
                return;
            }
            complain(*node, name, "must be a whole number");
        }
    }
    void leave(std::string_view name) {
        names_ += " ";
        names_ += name;
    }
    std::string problem() {
        for (const auto& [key, node] : table_)
            if ((names_ + " ").find(" " + std::string(key.str()) + " ") == std::string::npos)
                complain(node, key.str(), "is not known here; known are" + names_);
        return problem_;
    }

  private:
    void complain(const toml::node& node, std::string_view name, const std::string& what) {
        if (!problem_.empty()) return;
        problem_ =
            where_ + ", line " + std::to_string(node.source().begin.line) + ": '" + std::string(name) + "' " + what;
    }
    const toml::table& table_;
    std::string where_;
    std::string names_;
    std::string problem_;
};

}  // namespace

std::expected<void, std::string> parse_listen(std::string_view text, AppConfig& config) {
    std::string address = config.address;
    std::string_view port = text;
    if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        address = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (address.size() > 2 && address.front() == '[' && address.back() == ']')
            address = address.substr(1, address.size() - 2);
        if (address == "localhost") address = "127.0.0.1";
        if (address.empty() || address == "*") address = "0.0.0.0";
    }
    int value = -1;
    const auto [end, fault] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (fault != std::errc{} || end != port.data() + port.size() || value < 0 || value > 65535)
        return std::unexpected("'" + std::string(text) +
                               "' is no address to listen on; give HOST:PORT, like 127.0.0.1:8080");
    config.address = address;
    config.port = static_cast<std::uint16_t>(value);
    return {};
}

std::string line_url_of(std::string_view text) {
    if (!text.starts_with('/')) return std::string(text);
    const std::size_t at = text.find('@');
    std::string url = "serial://" + std::string(text.substr(0, at));
    if (at != std::string_view::npos) url += "?baud=" + std::string(text.substr(at + 1));
    return url;
}

std::expected<void, std::string> read_config_file(const std::filesystem::path& file, AppConfig& config) {
    toml::table table;
    try {
        table = toml::parse_file(file.string());
    } catch (const toml::parse_error& fault) {
        std::ostringstream where;
        where << file.string() << ", line " << fault.source().begin.line << ": " << fault.description();
        return std::unexpected(where.str());
    }
    TableReader top(table, file.string());
    std::string listen;
    top.read("listen", listen);
    top.read("db", config.db);
    top.read("ui_dir", config.ui_dir);
    top.read("log_level", config.log_level);
    top.read("site", config.site);
    top.read("price_e4", config.price_e4);
    top.read("card_base", config.card_base);
    top.leave("line");
    top.leave("building");
    if (std::string problem = top.problem(); !problem.empty()) return std::unexpected(std::move(problem));
    if (config.card_base < card::kBaseMin || config.card_base > card::kBaseMax)
        return std::unexpected(file.string() + ": card_base: the first sector of a card is one of " +
                               std::to_string(card::kBaseMin) + " to " + std::to_string(card::kBaseMax));
    if (!listen.empty())
        if (auto parsed = parse_listen(listen, config); !parsed)
            return std::unexpected(file.string() + ": listen: " + parsed.error());
    const auto each = [&](const char* name, const auto& read_one) -> std::string {
        const toml::node* node = table.get(name);
        if (!node) return {};
        const toml::array* list = node->as_array();
        if (!list || !list->is_homogeneous(toml::node_type::table))
            return file.string() + ": write [[" + name + "]] with its fields below";
        for (const toml::node& one : *list) {
            TableReader reader(*one.as_table(), file.string());
            read_one(reader);
            if (std::string problem = reader.problem(); !problem.empty()) return problem;
        }
        return {};
    };
    std::string problem = each("line", [&](TableReader& reader) {
        LineUrl line;
        reader.read("name", line.name);
        reader.read("url", line.url);
        line.url = line_url_of(line.url);
        config.lines.push_back(std::move(line));
    });
    if (problem.empty())
        problem = each("building", [&](TableReader& reader) {
            BuildingConfig building;
            reader.read("name", building.name);
            reader.read("line", building.line);
            reader.read("url", building.url);
            reader.read("first_box", building.first_box);
            reader.read("boxes", building.boxes);
            reader.read("wiring", building.wiring);
            reader.read("rooms_per_floor", building.rooms_per_floor);
            building.url = line_url_of(building.url);
            config.buildings.push_back(std::move(building));
        });
    if (!problem.empty()) return std::unexpected(std::move(problem));
    return {};
}

}  // namespace prewatt::server::app

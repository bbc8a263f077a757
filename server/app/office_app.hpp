// The whole office as one object: data folder, database, lines, port. `prewatt serve` is a thin skin over it, and the
// tests and benchmarks run it in their own process.
//
// Decides: what the first start makes (the folder, the master key, the database with its owner, and the demonstration
// building or the buildings of the configuration), in which order things come up and go down, and how each failure
// reads.
//
// The data folder holds prewatt.db (unless `db` names another database), prewatt.key (card/openssl/master_key_file.hpp)
// and, when a person put it there, prewatt.toml.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/app/lines.hpp"

namespace prewatt::server::app {

// A building to be made at the first start.
struct BuildingConfig {
    std::string name = "3";
    std::string line = "Line 1";
    std::string url;
    std::uint64_t first_box = 2026000001;
    int boxes = 1;
    std::string wiring = "39x1";
    int rooms_per_floor = 13;
};

struct AppConfig {
    std::filesystem::path data = "data";
    std::string db;  // sqlite:///path, a path, postgresql://...; empty: prewatt.db in the data folder
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;
    std::filesystem::path ui_dir;  // empty: the pages beside the program, if there are any
    std::string log_level = "info";
    std::string version = "0";
    std::vector<LineUrl> lines;  // for this run
    std::uint8_t card_base = 1;  // first sector of the site's cards; boxes and readers have the same
    // First start only:
    std::string site = "Prewatt";
    std::int64_t price_e4 = 0;  // 0: not set (the demonstration: 6400)
    std::vector<BuildingConfig> buildings;
    int demo_boxes = 0;     // 0: no demonstration building
    std::string demo_line;  // url of its line; at later starts it replaces the one that the database has
    std::filesystem::path owner_password_file;
    // Who hears the random password of the owner, once, when there is no password file.
    std::function<void(std::string_view)> tell_password;
    bool stop_on_signals = false;
    bool cheap_password_hash = false;  // tests only
    std::string planted_defect;        // tests only: server/store/planted_db.hpp
};

// Overwrites what the file names: db, listen, ui_dir, log_level, site, price_e4, card_base, [[line]] name url,
// [[building]] name line url first_box boxes wiring rooms_per_floor. The error is a sentence with the file and the
// line.
[[nodiscard]] std::expected<void, std::string> read_config_file(const std::filesystem::path& file, AppConfig& config);
// "8080", "HOST:PORT", "[V6]:PORT" into address and port.
[[nodiscard]] std::expected<void, std::string> parse_listen(std::string_view text, AppConfig& config);
// "/dev/ttyUSB0@9600" and "/dev/ttyUSB0" as the url of a line; other text as it is.
[[nodiscard]] std::string line_url_of(std::string_view text);

enum class StartError : std::uint8_t {
    kBadConfig,  // the configuration makes no sense; nothing was made
    kPort,       // the port is taken or may not be used
    kDatabase,   // in use, damaged, of a newer version, or the disk refuses; untouched
    kKey,        // the master key cannot be read or made
};
struct StartFailure {
    StartError error = StartError::kBadConfig;
    std::string words;
};

class OfficeApp {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<OfficeApp>, StartFailure> start(AppConfig config);
    virtual ~OfficeApp() = default;
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    [[nodiscard]] virtual bool first_start() const = 0;
    // Serves until stop() or, when wanted, a signal; then everything has been put down.
    virtual void run() = 0;
    virtual void stop() = 0;  // from any thread
};

}  // namespace prewatt::server::app

#include "cli/serve.hpp"

#include <cstdio>

#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "server/app/office_app.hpp"

namespace prewatt::cli {
namespace {

using server::app::AppConfig;
using server::app::StartError;

ExitCode exit_code_of(StartError error) {
    switch (error) {
        case StartError::kBadConfig:
            return ExitCode::kWrongUse;
        case StartError::kPort:
            return ExitCode::kNotReachable;
        case StartError::kDatabase:
        case StartError::kKey:
            break;
    }
    return ExitCode::kInternal;
}

}  // namespace

int run(const ServeOptions& options) {
    AppConfig config;
    config.data = options.data;
    config.version = options.version;
    std::filesystem::path file = options.config;
    std::error_code ignored;
    if (file.empty() && std::filesystem::exists(options.data / "prewatt.toml", ignored))
        file = options.data / "prewatt.toml";
    if (!file.empty())
        if (const auto read = read_config_file(file, config); !read) return fail(ExitCode::kWrongUse, read.error());
    if (!options.listen.empty())
        if (const auto parsed = parse_listen(options.listen, config); !parsed)
            return fail(ExitCode::kWrongUse, parsed.error());
    if (!options.db.empty()) config.db = options.db;
    if (!options.ui_dir.empty()) config.ui_dir = options.ui_dir;
    if (!options.log_level.empty()) config.log_level = options.log_level;
    for (const std::string& text : options.lines) {
        const std::size_t equals = text.find('=');
        if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
            return fail(ExitCode::kWrongUse, "--line '" + text + "' is not NAME=WHERE",
                        "prewatt serve --line 'Line 1=tcp://192.168.1.20:4001'");
        config.lines.push_back({text.substr(0, equals), server::app::line_url_of(text.substr(equals + 1))});
    }
    if (options.demo_boxes < 0 || options.demo_boxes > 256)
        return fail(ExitCode::kWrongUse, "--demo takes 1 to 256 boxes");
    if (options.demo_boxes > 0 && options.demo_line.empty())
        return fail(ExitCode::kWrongUse, "--demo needs --demo-line: where its line is",
                    "prewatt sim in another window, then prewatt serve --demo 2 --demo-line tcp://127.0.0.1:7645");
    config.demo_boxes = options.demo_boxes;
    config.demo_line = options.demo_line;
    config.owner_password_file = options.owner_password_file;
    config.planted_defect = options.planted_defect;
    config.stop_on_signals = true;
    config.tell_password = [](std::string_view password) {
        std::printf("The owner of this new office signs in as 'owner' with the password   %.*s   (shown only now)\n",
                    static_cast<int>(password.size()), password.data());
        std::fflush(stdout);
    };
    auto office = server::app::OfficeApp::start(std::move(config));
    if (!office) return fail(exit_code_of(office.error().error), office.error().words);
    (*office)->run();
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

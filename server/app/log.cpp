#include "server/app/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <string>

namespace prewatt::server::app {
namespace {

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> one = [] {
        auto made = std::make_shared<spdlog::logger>("prewatt", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %-7l %v");
        made->flush_on(spdlog::level::info);
        return made;
    }();
    return *one;
}

void write(spdlog::level::level_enum level, std::string_view words) {
    logger().log(level, spdlog::string_view_t(words.data(), words.size()));
}

}  // namespace

void log_info(std::string_view words) {
    write(spdlog::level::info, words);
}
void log_warning(std::string_view words) {
    write(spdlog::level::warn, words);
}
void log_error(std::string_view words) {
    write(spdlog::level::err, words);
}

bool set_log_level(std::string_view level) {
    const spdlog::level::level_enum value = spdlog::level::from_str(std::string(level));
    if (value == spdlog::level::off && level != "off") return false;
    logger().set_level(value);
    return true;
}

}  // namespace prewatt::server::app

// The pages: files of one folder, as the build made them (web/dist). Decides what may be kept by a browser and for how
// long: `assets/` have their content's hash in the name and never change; everything else is asked for again with its
// ETag. Nothing outside the folder is ever read: no "..", no hidden names, no links that lead out. Thread-safe.
#pragma once
#include <filesystem>
#include <map>
#include <mutex>

#include "server/api/http.hpp"

namespace prewatt::server::api {

class StaticPages {
  public:
    // An empty path or a folder that is not there: "/" says in words that there are no pages.
    explicit StaticPages(std::filesystem::path folder) : folder_(std::move(folder)) {}
    [[nodiscard]] Response answer(const Request& request);

  private:
    struct File {
        std::filesystem::file_time_type written;
        std::uintmax_t size = 0;
        std::shared_ptr<const std::string> content;
        std::string etag;
    };
    [[nodiscard]] std::optional<File> load(const std::filesystem::path& path);

    std::filesystem::path folder_;
    std::mutex mutex_;
    std::map<std::string, File> files_;
};

}  // namespace prewatt::server::api

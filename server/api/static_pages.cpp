#include "server/api/static_pages.hpp"

#include <array>
#include <fstream>
#include <iterator>

namespace prewatt::server::api {
namespace {

namespace fs = std::filesystem;
constexpr std::uintmax_t kFileBytesMax = 32 * 1024 * 1024;

// The desk agent of the browser's own machine (docs/decisions/0016) is all that a page talks to beside the office.
constexpr std::string_view kPolicy =
    "default-src 'self'; connect-src 'self' http://127.0.0.1:*; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

constexpr std::string_view kNoPages =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Prewatt</title><h1>Prewatt</h1>"
    "<p>The office is running, but its pages were not built. Build them with <code>web/build.sh</code>, or name their "
    "folder "
    "with <code>prewatt serve --ui-dir DIR</code>.</p><p>The interface for programs is described in "
    "<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></html>\n";

std::string_view type_of(std::string_view path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 14> types{{
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".woff", "font/woff"},
        {".txt", "text/plain; charset=utf-8"},
        {".map", "application/json"},
    }};
    for (const auto& [ending, type] : types)
        if (path.ends_with(ending)) return type;
    return "application/octet-stream";
}

// Names only, each visible: no "..", no ".hidden", no backslash.
bool is_plain(std::string_view path) {
    if (path.empty() || path.front() != '/' || path.find('\\') != std::string_view::npos) return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        if (end == 0 || path.front() == '.') return false;
        path.remove_prefix(end);
    }
    return true;
}

bool accepts_gzip(std::string_view header) {
    while (!header.empty()) {
        std::string_view one = header.substr(0, header.find(','));
        header.remove_prefix(std::min(one.size() + 1, header.size()));
        while (!one.empty() && one.front() == ' ')
            one.remove_prefix(1);
        if (!one.starts_with("gzip")) continue;
        const std::size_t quality = one.find("q=");
        return quality == std::string_view::npos ||
               one.substr(quality + 2).find_first_of("123456789") != std::string_view::npos;
    }
    return false;
}

bool names_etag(std::string_view header, std::string_view etag) {
    return header == "*" || header.find(etag) != std::string_view::npos;
}

Response not_found() {
    return Problem{404, "not_found", "there is no such page", nullptr, std::nullopt}.response();
}

// FNV-1a over the content: an ETag needs no secrecy, only another value for another content.
std::string etag_of(std::string_view content) {
    std::uint64_t hash = 14695981039346656037u;
    for (char c : content)
        hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "\"";
    for (int shift = 60; shift >= 0; shift -= 4)
        text.push_back(kDigits[hash >> shift & 15]);
    return text + "-" + std::to_string(content.size()) + "\"";
}

}  // namespace

std::optional<StaticPages::File> StaticPages::load(const fs::path& path) {
    std::error_code fault;
    const fs::path real = fs::canonical(path, fault);
    if (fault) return std::nullopt;
    const fs::path root = fs::canonical(folder_, fault);
    if (fault || !real.native().starts_with(root.native() + "/") || !fs::is_regular_file(real, fault))
        return std::nullopt;
    const std::uintmax_t size = fs::file_size(real, fault);
    if (fault || size > kFileBytesMax) return std::nullopt;
    const fs::file_time_type written = fs::last_write_time(real, fault);
    if (fault) return std::nullopt;
    const std::lock_guard lock(mutex_);
    File& file = files_[real.native()];
    if (!file.content || file.size != size || file.written != written) {
        std::ifstream stream(real, std::ios::binary);
        std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
        if (!stream) return std::nullopt;
        file.etag = etag_of(content);
        file.content = std::make_shared<const std::string>(std::move(content));
        file.size = size;
        file.written = written;
    }
    return file;
}

Response StaticPages::answer(const Request& request) {
    if (request.method != Method::kGet && request.method != Method::kHead)
        return Problem{405, "method_not_allowed", "pages are only read", nullptr, std::nullopt}.response().with(
            "Allow", "GET, HEAD");
    const bool is_root = request.path == "/";
    std::string path = request.path;
    if (is_root) path = "/index.html";
    if (path == "/m") path = "/m.html";
    if (!is_plain(path)) return not_found();
    const fs::path on_disk = folder_.native() + path;
    const std::optional<File> file = folder_.empty() ? std::nullopt : load(on_disk);
    Response response;
    response.with("Content-Security-Policy", std::string(kPolicy));
    if (!file) {
        if (!is_root) return not_found();
        response.content_type = "text/html; charset=utf-8";
        response.body = std::make_shared<const std::string>(kNoPages);
        return response.with("Cache-Control", "no-store");
    }
    const std::optional<File> packed =
        accepts_gzip(request.header("accept-encoding")) ? load(on_disk.native() + ".gz") : std::nullopt;
    const File& chosen = packed ? *packed : *file;
    response.content_type = type_of(path);
    response.with("Vary", "Accept-Encoding").with("ETag", chosen.etag);
    response.with("Cache-Control", path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
    if (names_etag(request.header("if-none-match"), chosen.etag)) {
        response.status = 304;
        response.content_type.clear();
        return response;
    }
    if (packed) response.with("Content-Encoding", "gzip");
    response.body = chosen.content;
    return response;
}

}  // namespace prewatt::server::api

#include "sim/master_key.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace prewatt::sim {
namespace {

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::expected<MasterKey, std::string> read(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) return std::unexpected(file.string() + ": the key cannot be read: " + std::strerror(errno));
    std::string text{std::istreambuf_iterator<char>(in), {}};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    MasterKey key;
    bool good = text.size() == 2 * key.key.size();
    for (std::size_t k = 0; good && k < key.key.size(); ++k) {
        const int high = digit_of(text[2 * k]), low = digit_of(text[2 * k + 1]);
        good = high >= 0 && low >= 0;
        if (good) key.key[k] = static_cast<Byte>(high << 4 | low);
    }
    if (!good)
        return std::unexpected(file.string() +
                               ": is not a master key; it must hold 32 hexadecimal digits and nothing else");
    return key;
}

}  // namespace

std::expected<MasterKey, std::string> load_or_make_master_key(const std::filesystem::path& file) {
    if (std::filesystem::exists(file)) return read(file);
    std::array<Byte, 16> random{};
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
        return std::unexpected(std::string("no random numbers to be had for a new key: ") + std::strerror(errno));
    std::string text;
    for (Byte byte : random) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    text += '\n';
    // Written whole under another name, then given its name unless somebody was faster.
    const std::string draft = file.string() + ".new-" + std::to_string(::getpid());
    const int handle = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = handle < 0 ? errno : 0;
    if (handle >= 0) {
        if (::write(handle, text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(handle) != 0)
            error = errno;
        ::close(handle);
        if (error == 0 && ::link(draft.c_str(), file.c_str()) != 0 && errno != EEXIST) error = errno;
        ::unlink(draft.c_str());
    }
    if (error != 0)
        return std::unexpected(file.string() + ": a new key cannot be stored there: " + std::strerror(error));
    auto key = read(file);
    if (key) key->made = true;
    return key;
}

}  // namespace prewatt::sim

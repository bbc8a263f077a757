#include "card/openssl/master_key_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace prewatt::card {
namespace {

constexpr std::size_t kDigits = 32;

int value_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::unexpected<std::string> fault(const std::filesystem::path& file, const std::string& what) {
    return std::unexpected("the master key " + file.string() + " " + what);
}

// nullopt: there is no such file.
std::optional<std::expected<MasterKey, std::string>> read(const std::filesystem::path& file) {
    const int handle = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0 && errno == ENOENT) return std::nullopt;
    if (handle < 0) return fault(file, std::string("cannot be read: ") + std::strerror(errno));
    char text[kDigits + 8];
    const ssize_t count = ::read(handle, text, sizeof text);
    struct stat status{};
    ::fstat(handle, &status);
    ::close(handle);
    std::size_t size = count > 0 ? static_cast<std::size_t>(count) : 0;
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' '))
        --size;
    MasterKey result;
    result.open_to_all = (status.st_mode & 077) != 0;
    bool sound = size == kDigits;
    for (std::size_t i = 0; sound && i < kDigits; i += 2) {
        const int high = value_of(text[i]);
        const int low = value_of(text[i + 1]);
        sound = high >= 0 && low >= 0;
        if (sound) result.key[i / 2] = static_cast<Byte>(high * 16 + low);
    }
    explicit_bzero(text, sizeof text);
    if (!sound)
        return fault(
            file, "does not hold 32 hexadecimal digits; restore it from the backup: with another key no meter obeys");
    return result;
}

}  // namespace

std::expected<MasterKey, std::string> load_master_key(const std::filesystem::path& file) {
    if (auto present = read(file)) return *present;
    return fault(file, "is not there");
}

std::expected<MasterKey, std::string> load_or_make_master_key(const std::filesystem::path& file) {
    if (auto present = read(file)) return *present;
    Key key{};
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        return fault(file, "could not be made: the system gives no random bytes");
    std::string text;
    for (const Byte byte : key) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    text += '\n';
    // Written whole under another name, then given its own unless another program was faster.
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
    explicit_bzero(text.data(), text.size());
    if (error != 0) return fault(file, std::string("could not be made: ") + std::strerror(error));
    auto stored = read(file);
    if (!stored) return fault(file, "vanished while it was being made");
    if (*stored) (*stored)->made = true;
    return *stored;
}

}  // namespace prewatt::card

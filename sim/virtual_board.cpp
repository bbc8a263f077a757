#include "sim/virtual_board.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace prewatt::sim {
namespace {

// All bytes, or false.
bool write_all(int file, Bytes bytes, off_t at) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(file, bytes.data(), bytes.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        at += n;
    }
    return true;
}

}  // namespace

std::expected<std::unique_ptr<FileStorage>, std::string> FileStorage::open(const std::filesystem::path& file,
                                                                           std::uint32_t bytes) {
    const std::string name = file.string();
    const auto failed = [&name](const std::string& what, int error) {
        std::string hint;
        if (error == ENOENT) hint = "; create its folder first";
        if (error == EACCES || error == EROFS || error == EPERM)
            hint = "; choose another --store, or change who may write there";
        if (error == ENOSPC || error == EDQUOT) hint = "; make room, nothing was written";
        return std::unexpected(name + ": " + what + ": " + std::strerror(error) + hint);
    };
    int handle = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    const bool exists = handle >= 0 || errno != ENOENT;
    if (!exists) handle = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (handle < 0) return failed("cannot be opened as the storage of a meter", errno);
    std::unique_ptr<FileStorage> storage(new FileStorage(handle, bytes));
    if (::flock(handle, LOCK_EX | LOCK_NB) != 0)
        return std::unexpected(name + ": another meter is running on this storage; stop it, or choose another --store");
    struct stat status{};
    if (::fstat(handle, &status) != 0) return failed("cannot be examined", errno);
    // A file that was never filled is one whose making was cut short: it holds nothing yet.
    if (status.st_size == 0) {
        const std::vector<Byte> blank(bytes, 0xFF);
        int error = ::posix_fallocate(handle, 0, bytes);
        if (error == 0 && !write_all(handle, blank, 0)) error = errno == 0 ? EIO : errno;
        if (error == 0 && ::fdatasync(handle) != 0) error = errno;
        if (error != 0) {
            if (::ftruncate(handle, 0) != 0 || !exists) ::unlink(file.c_str());
            return failed("no room for the storage of a meter (" + std::to_string(bytes) + " bytes)", error);
        }
    } else if (bytes == kStorageSize && status.st_size == static_cast<off_t>(kSmallStorageSize)) {
        storage->bytes_ = kSmallStorageSize;
    } else if (status.st_size != static_cast<off_t>(bytes)) {
        return std::unexpected(name + ": has " + std::to_string(status.st_size) +
                               " bytes, the storage of a meter has " + std::to_string(bytes) +
                               "; this is another kind of file, nothing was changed");
    }
    return storage;
}

FileStorage::~FileStorage() {
    sync();
    ::close(file_);
}

bool FileStorage::read(std::uint32_t address, MutableBytes out) {
    if (address > bytes_ || out.size() > bytes_ - address) return false;
    auto at = static_cast<off_t>(address);
    while (!out.empty()) {
        const ssize_t n = ::pread(file_, out.data(), out.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        out = out.subspan(static_cast<std::size_t>(n));
        at += n;
    }
    return true;
}

bool FileStorage::write(std::uint32_t address, Bytes bytes) {
    if (address > bytes_ || bytes.size() > bytes_ - address) return false;
    ++writes_;
    bytes_written_ += bytes.size();
    return write_all(file_, bytes, static_cast<off_t>(address));
}

void FileStorage::sync() {
    ::fdatasync(file_);
}

bool MemoryStorage::read(std::uint32_t address, MutableBytes out) {
    if (!holds(address, out.size())) return false;
    while (!out.empty()) {
        const std::size_t in_page = address % kPage;
        const std::size_t count = std::min<std::size_t>(out.size(), kPage - in_page);
        const auto& page = pages_[address / kPage];
        if (page)
            std::copy_n(page->begin() + static_cast<std::ptrdiff_t>(in_page), count, out.begin());
        else
            std::fill_n(out.begin(), count, Byte{0xFF});
        out = out.subspan(count);
        address += static_cast<std::uint32_t>(count);
    }
    return true;
}

bool MemoryStorage::write(std::uint32_t address, Bytes bytes) {
    if (!holds(address, bytes.size())) return false;
    while (!bytes.empty()) {
        const std::size_t in_page = address % kPage;
        const std::size_t count = std::min<std::size_t>(bytes.size(), kPage - in_page);
        auto& page = pages_[address / kPage];
        if (!page) {
            page = std::make_unique<Page>();
            page->fill(0xFF);
        }
        std::copy_n(bytes.begin(), count, page->begin() + static_cast<std::ptrdiff_t>(in_page));
        bytes = bytes.subspan(count);
        address += static_cast<std::uint32_t>(count);
    }
    return true;
}

// --- relays

void Relays::begin_pulse(Circuit circuit, meter::RelayDrive drive) {
    if (circuit.index >= kCircuitsMax) return;
    drive_[circuit.index] = drive;
    driven_.set(circuit.index);
    coils_at_once_max_ = std::max(coils_at_once_max_, static_cast<int>(driven_.count()));
}

void Relays::end_pulse(Circuit circuit) {
    if (circuit.index >= kCircuitsMax || !driven_[circuit.index]) return;
    driven_.reset(circuit.index);
    ++pulses_;
    if (stuck_[circuit.index] == Stuck::kNo)
        contacts_.set(circuit.index, drive_[circuit.index] == meter::RelayDrive::kClose);
}

void Relays::set_stuck(Circuit circuit, Stuck stuck) {
    stuck_[circuit.index] = stuck;
    if (stuck != Stuck::kNo) contacts_.set(circuit.index, stuck == Stuck::kClosed);
}

// --- display

std::uint64_t ContactSense::live() {
    std::uint64_t live = 0;
    for (std::uint8_t c = 0; c < kCircuitsMax; ++c)
        if (relays_.closed({c}) && phase_is_live_({c})) live |= std::uint64_t{1} << c;
    return live;
}

void LedDisplay::show(const meter::DisplayFrame& frame) {
    if (frame == frame_) return;
    frame_ = frame;
    ++changes_;
}

void LedDisplay::pulse(Household household) {
    if (household.number <= kHouseholdsMax) ++pulses_[household.number];
}

std::string text_of(const std::array<char, 6>& row, std::uint8_t dots) {
    std::string text;
    for (std::size_t k = 0; k < row.size(); ++k) {
        text += row[k];
        if (dots >> k & 1) text += '.';
    }
    return text;
}

std::string text_of(const meter::DisplayFrame& frame) {
    return text_of(frame.upper, frame.upper_dots) + " | " + text_of(frame.lower, frame.lower_dots);
}

// --- clocks

VirtualRealTimeClock::VirtualRealTimeClock(const Instant& now, CivilSeconds civil)
    : now_(now), set_at_(now), civil_(civil), running_(civil != 0) {}

std::optional<CivilSeconds> VirtualRealTimeClock::read() {
    if (!running_) return std::nullopt;
    return static_cast<CivilSeconds>(civil_ + (now_ - set_at_).count() / 1'000'000);
}

void VirtualRealTimeClock::set(CivilSeconds time) {
    civil_ = time;
    set_at_ = now_;
    running_ = true;
}

CivilSeconds host_civil_time() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    CivilTime civil;
    civil.year = static_cast<std::uint16_t>(local.tm_year + 1900);
    civil.month = static_cast<std::uint8_t>(local.tm_mon + 1);
    civil.day = static_cast<std::uint8_t>(local.tm_mday);
    civil.hour = static_cast<std::uint8_t>(local.tm_hour);
    civil.minute = static_cast<std::uint8_t>(local.tm_min);
    civil.second = static_cast<std::uint8_t>(std::min(local.tm_sec, 59));
    return is_valid(civil) ? to_seconds(civil) : 0;
}

// --- socket

void TestSocket::set_output(bool on) {
    if (on == on_) return;
    // Before the first pulse the output was off for ever.
    if (pulses_ > 0) {
        Duration& shortest = shortest_[on_ ? 1 : 0];
        shortest = std::min(shortest, now_ - edge_);
    }
    on_ = on;
    edge_ = now_;
    if (on) ++pulses_;
}

void CountingWatchdog::kick() {
    longest_ = std::max(longest_, now_ - last_);
    last_ = now_;
    ++kicks_;
}

}  // namespace prewatt::sim

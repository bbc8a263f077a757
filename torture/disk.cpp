#include "torture/disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace prewatt::torture {

namespace fs = std::filesystem;

SmallDisk::SmallDisk(fs::path folder, std::uint64_t bytes) : folder_(std::move(folder)) {
    std::error_code ignored;
    fs::create_directories(folder_, ignored);
    const std::string how = "size=" + std::to_string(bytes) + ",mode=0777";
    mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, how.c_str()) == 0;
}

SmallDisk::~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::leave(std::uint64_t bytes) const {
    const fs::path ballast = folder_ / "ballast";
    const int handle = open(ballast.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    std::error_code ignored;
    const std::uint64_t free = fs::space(folder_, ignored).available;
    if (free > bytes) (void)posix_fallocate(handle, 0, static_cast<off_t>(free - bytes));
    close(handle);
}

void SmallDisk::make_room() const {
    std::error_code ignored;
    fs::remove(folder_ / "ballast", ignored);
}

}  // namespace prewatt::torture

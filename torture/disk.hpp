// A folder on a disk that can be full: a small tmpfs where the system lets us mount one (root), else a limit on the
// size of each file that the office writes (RLIMIT_FSIZE), which refuses writes in the same places with another error
// number.
#pragma once
#include <cstdint>
#include <filesystem>

namespace prewatt::torture {

class SmallDisk {
  public:
    // Mounts on `folder`, which is empty.
    SmallDisk(std::filesystem::path folder, std::uint64_t bytes);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] bool is_mounted() const { return mounted_; }
    // Takes all room but so much.
    void leave(std::uint64_t bytes) const;
    void make_room() const;

  private:
    std::filesystem::path folder_;
    bool mounted_ = false;
};

}  // namespace prewatt::torture

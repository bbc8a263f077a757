// A process that torture starts, kills and starts again: the office, the building, a database server.
//
// It ends with the thread that started it, however that one ends (PR_SET_PDEATHSIG), so an interrupted run leaves
// nothing behind. Words of the process go to a log; the last of them explain an end that nobody wanted.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace prewatt::torture {

class Child {
  public:
    struct Settings {
        std::filesystem::path log{};
        std::filesystem::path folder{};                 // it works in; empty: the one of torture
        std::optional<std::uint64_t> file_bytes_max{};  // of every file that it writes (RLIMIT_FSIZE), SIGXFSZ ignored
        std::optional<uid_t> user{};                    // it runs as; only root may say so
        std::optional<gid_t> group{};
    };
    // How it ended: by itself with a code, or by a signal.
    struct End {
        int code = 0;
        int signal = 0;
    };

    // Throws BrokenOff when the system has no process left. A program that is not there ends with code 127.
    Child(const std::vector<std::string>& words, Settings settings);
    // Kills and waits.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t id() const { return id_; }
    // Nothing: it runs.
    [[nodiscard]] std::optional<End> ended();
    // kill -9, and waits until it is gone.
    End kill_now();
    // SIGTERM.
    void ask_to_stop() const;
    // Nothing: it still runs.
    [[nodiscard]] std::optional<End> wait_for_end(std::chrono::milliseconds patience);
    // RLIMIT_FSIZE of the running process.
    [[nodiscard]] bool allow_file_bytes(std::uint64_t bytes) const;
    // For a sentence: the last lines of its log.
    [[nodiscard]] std::string last_words() const;

  private:
    Settings settings_;
    pid_t id_ = -1;
    std::optional<End> end_;
};

// What ends a run that cannot go on: no port, no program, a disk that is full for torture itself. Not a finding.
struct BrokenOff {
    std::string words;
};

// Ctrl-C and SIGTERM end a run at the next place where it may be ended; what it started goes with its objects.
struct Interrupted {};
class StopSignals {
  public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
};
// Throws Interrupted.
void stop_if_asked();

// A port on which nobody listens, below those that the system gives to whoever connects: a caller that tries again and
// again to reach a dead office would otherwise one day get its own port and talk to itself.
[[nodiscard]] std::uint16_t free_port();

// A folder that goes with the object. `parent`: where, instead of where temporary folders are on this machine.
class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::string& name, const std::filesystem::path& parent = {});
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    void keep() { kept_ = true; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    bool kept_ = false;
};

}  // namespace prewatt::torture

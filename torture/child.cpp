#include "torture/child.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>
#include <utility>

namespace prewatt::torture {

namespace fs = std::filesystem;

Child::Child(const std::vector<std::string>& words, Settings settings) : settings_(std::move(settings)) {
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string log = settings_.log.empty() ? "/dev/null" : settings_.log.string();
    const pid_t parent = getpid();
    id_ = fork();
    if (id_ < 0) throw BrokenOff{std::string("no process can be started: ") + std::strerror(errno)};
    if (id_ > 0) return;
    // From here on only what may be called between fork and exec of a program with threads.
    if (settings_.group && (setgroups(0, nullptr) != 0 || setgid(*settings_.group) != 0)) _exit(126);
    if (settings_.user && setuid(*settings_.user) != 0) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    if (!settings_.folder.empty() && chdir(settings_.folder.c_str()) != 0) _exit(126);
    if (settings_.file_bytes_max) {
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = *settings_.file_bytes_max;
        setrlimit(RLIMIT_FSIZE, &limit);
        signal(SIGXFSZ, SIG_IGN);
    }
    setpgid(0, 0);  // Ctrl-C on a terminal goes to torture alone, which then stops its children in order
    const int null = open("/dev/null", O_RDONLY);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    execv(arguments[0], arguments.data());
    _exit(127);
}

Child::~Child() {
    (void)kill_now();
}

std::optional<Child::End> Child::ended() {
    if (end_) return end_;
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) != id_) return std::nullopt;
    end_ = WIFSIGNALED(status) ? End{0, WTERMSIG(status)} : End{WEXITSTATUS(status), 0};
    return end_;
}

Child::End Child::kill_now() {
    if (ended()) return *end_;
    kill(id_, SIGKILL);
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    end_ = WIFSIGNALED(status) ? End{0, WTERMSIG(status)} : End{WEXITSTATUS(status), 0};
    return *end_;
}

void Child::ask_to_stop() const {
    if (!end_) kill(id_, SIGTERM);
}

std::optional<Child::End> Child::wait_for_end(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!ended() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return end_;
}

bool Child::allow_file_bytes(std::uint64_t bytes) const {
    rlimit limit{};
    if (prlimit(id_, RLIMIT_FSIZE, nullptr, &limit) != 0) return false;
    limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
    return prlimit(id_, RLIMIT_FSIZE, &limit, nullptr) == 0;
}

std::string Child::last_words() const {
    std::ifstream log(settings_.log);
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);)
        if (!line.empty()) lines.push_back(std::move(line));
    std::string text;
    for (std::size_t k = lines.size() > 4 ? lines.size() - 4 : 0; k < lines.size(); ++k)
        text += (text.empty() ? "" : " | ") + lines[k];
    return text.empty() ? "it said nothing" : text;
}

namespace {

volatile sig_atomic_t stop_asked = 0;
struct sigaction action_before[2];

}  // namespace

StopSignals::StopSignals() {
    stop_asked = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { stop_asked = 1; };
    sigaction(SIGINT, &action, &action_before[0]);
    sigaction(SIGTERM, &action, &action_before[1]);
}

StopSignals::~StopSignals() {
    sigaction(SIGINT, &action_before[0], nullptr);
    sigaction(SIGTERM, &action_before[1], nullptr);
}

void stop_if_asked() {
    if (stop_asked != 0) throw Interrupted{};
}

std::uint16_t free_port() {
    static std::mt19937 random{std::random_device{}()};
    for (int tries = 0; tries < 1000; ++tries) {
        const auto port = static_cast<std::uint16_t>(std::uniform_int_distribution<int>(20'000, 31'999)(random));
        const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool bound = bind(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        close(handle);
        if (bound) return port;
    }
    throw BrokenOff{"there is no free port"};
}

TemporaryFolder::TemporaryFolder(const std::string& name, const fs::path& parent) {
    std::string pattern = ((parent.empty() ? fs::temp_directory_path() : parent) / (name + "-XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr)
        throw BrokenOff{"no temporary folder: " + std::string(std::strerror(errno))};
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
    if (kept_) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

}  // namespace prewatt::torture

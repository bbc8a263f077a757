#include "torture/postgres_server.hpp"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "server/store/postgres_db.hpp"

namespace prewatt::torture {
namespace {

namespace fs = std::filesystem;
namespace store = server::store;
using std::chrono::steady_clock;

fs::path newest_programs() {
    std::error_code ignored;
    std::vector<std::pair<int, fs::path>> found;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
        if (fs::exists(entry.path() / "bin" / "initdb", ignored))
            found.emplace_back(std::atoi(entry.path().filename().c_str()), entry.path() / "bin");
    if (found.empty())
        throw BrokenOff{"PostgreSQL is not installed (/usr/lib/postgresql): tools/install-packages test brings it"};
    return std::max_element(found.begin(), found.end())->second;
}

}  // namespace

std::string PostgresServer::url_in(const fs::path& folder, const std::string& database) {
    return "postgresql://prewatt@/" + database + "?host=" + folder.string();
}

PostgresServer::PostgresServer(const Settings& settings)
    : folder_("prewatt-pg"), data_(settings.data), programs_(newest_programs()), more_(settings.more) {
    if (data_.empty()) data_ = folder() / "data";
    if (geteuid() == 0) {
        const passwd* user = getpwnam("postgres");
        if (!user) user = getpwnam("nobody");
        if (!user) throw BrokenOff{"there is no user that PostgreSQL could run as"};
        user_ = user->pw_uid;
        group_ = user->pw_gid;
        if (chown(folder().c_str(), *user_, *group_) != 0 ||
            (!settings.data.empty() && chown(settings.data.c_str(), *user_, *group_) != 0))
            throw BrokenOff{"the folder of the database server cannot be given to it"};
    }
    Child init({(programs_ / "initdb").string(), "-D", (data_ / "cluster").string(), "-X", (folder() / "wal").string(),
                "-U", "prewatt", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"},
               as_server(folder() / "initdb.log"));
    const auto end = init.wait_for_end(std::chrono::seconds(60));
    if (!end || end->code != 0) throw BrokenOff{"initdb failed: " + init.last_words()};
    start();
}

PostgresServer::~PostgresServer() {
    if (postmaster_ && !postmaster_->ended()) {
        kill(postmaster_->id(), SIGQUIT);
        (void)postmaster_->wait_for_end(std::chrono::seconds(5));
    }
}

Child::Settings PostgresServer::as_server(const fs::path& log) const {
    Child::Settings settings;
    settings.log = log;
    settings.folder = folder();
    settings.user = user_;
    settings.group = group_;
    return settings;
}

void PostgresServer::start() {
    const auto deadline = steady_clock::now() + std::chrono::seconds(60);
    std::string problem;
    while (steady_clock::now() < deadline) {
        stop_if_asked();
        if (!runs()) {
            // After a kill of the postmaster the next one waits until its sessions have noticed.
            std::vector<std::string> words{(programs_ / "postgres").string(), "-D", (data_ / "cluster").string(), "-k",
                                           folder().string()};
            for (const char* setting : {"listen_addresses=", "max_connections=100", "shared_buffers=128MB",
                                        "dynamic_shared_memory_type=mmap", "log_min_messages=warning"})
                words.insert(words.end(), {"-c", setting});
            std::istringstream more(more_);
            for (std::string setting; more >> setting;)
                words.insert(words.end(), {"-c", setting});
            postmaster_ = std::make_unique<Child>(words, as_server(folder() / "server.log"));
        }
        for (int k = 0; k < 100 && runs(); ++k) {
            const auto db = store::open_postgres(url("postgres"), {});
            if (db) return;
            problem = db.error().message;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw BrokenOff{"the database server does not come up: " + problem + ": " + postmaster_->last_words()};
}

void PostgresServer::stop(Stop how) {
    if (!runs()) return;
    const int signal = how == Stop::kFast ? SIGINT : how == Stop::kImmediate ? SIGQUIT : SIGKILL;
    kill(postmaster_->id(), signal);
    if (!postmaster_->wait_for_end(std::chrono::seconds(60)))
        throw BrokenOff{"the database server does not stop: " + postmaster_->last_words()};
}

bool PostgresServer::runs() const {
    return postmaster_ && !postmaster_->ended();
}

bool PostgresServer::kill_a_session() {
    // All sessions end with the one that is killed, but not at once: this one tells when.
    const auto watch = store::open_postgres(url("postgres"), {});
    if (!watch) throw BrokenOff{"the database server does not answer: " + watch.error().message};
    // Children of the postmaster whose title says that they serve a session.
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const pid_t id = std::atoi(entry.path().filename().c_str());
        if (id <= 0) continue;
        std::ifstream stat(entry.path() / "stat");
        std::string text;
        std::getline(stat, text);
        const std::size_t end = text.rfind(')');
        if (end == std::string::npos || std::atoi(text.c_str() + end + 4) != postmaster_->id()) continue;
        std::ifstream title(entry.path() / "cmdline", std::ios::binary);
        std::string words;
        std::getline(title, words, '\0');
        if (words.find("postgres: prewatt ") == std::string::npos) continue;
        if (kill(id, SIGKILL) != 0) continue;
        const auto deadline = steady_clock::now() + std::chrono::seconds(30);
        while ((*watch)->ok()) {
            stop_if_asked();
            if (steady_clock::now() > deadline) throw BrokenOff{"the database server has not noticed a killed session"};
            (*watch)->query("SELECT 1", {}, [](const store::Row&) {});
        }
        start();  // it runs, and answers when it has recovered
        return true;
    }
    return false;
}

void PostgresServer::administer(const std::string& sql) const {
    const auto db = store::open_postgres(url("postgres"), {});
    if (!db) throw BrokenOff{"the database server does not answer: " + db.error().message};
    (*db)->define(sql);
    if (!(*db)->ok()) throw BrokenOff{(*db)->failure()->message};
}

void PostgresServer::create_database(const std::string& name) const {
    administer("CREATE DATABASE " + name);
}

void PostgresServer::drop_database(const std::string& name) const {
    administer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

int PostgresServer::end_sessions(const std::string& database) const {
    const auto db = store::open_postgres(url("postgres"), {});
    if (!db) return 0;
    return static_cast<int>(
        (*db)->query("SELECT pg_terminate_backend(pid)::integer FROM pg_stat_activity WHERE datname = $1 AND pid <> "
                     "pg_backend_pid()",
                     {database}, [](const store::Row&) {}));
}

}  // namespace prewatt::torture

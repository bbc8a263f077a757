// A PostgreSQL server of its own from Debian's package: a temporary folder, a unix socket, no port, durable as it comes
// (fsync, full_page_writes, synchronous_commit on), nothing of the machine's own clusters. It ends with whoever started
// it, however that one ends.
//
// PostgreSQL refuses to run as root; root runs it as the user postgres or nobody.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torture/child.hpp"

namespace prewatt::torture {

class PostgresServer {
  public:
    struct Settings {
        // On which disk its tables lie; empty: the temporary folder, as everything else.
        std::filesystem::path data{};
        std::string more{};  // settings as NAME=VALUE, one space between them
    };
    // Made, started, answering. Throws BrokenOff: no package, no room.
    PostgresServer() : PostgresServer(Settings{}) {}
    explicit PostgresServer(const Settings& settings);
    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    // Where its socket is.
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
    [[nodiscard]] std::string url(const std::string& database) const { return url_in(folder(), database); }
    [[nodiscard]] static std::string url_in(const std::filesystem::path& folder, const std::string& database);
    void create_database(const std::string& name) const;
    void drop_database(const std::string& name) const;
    // One statement of the administrator, outside of a transaction.
    void administer(const std::string& sql) const;
    // Ends the sessions of everybody else on this database; how many.
    int end_sessions(const std::string& database) const;

    enum class Stop : std::uint8_t {
        kFast,       // as an administrator does: sessions are ended
        kImmediate,  // without writing anything: the next start recovers
        kKill,       // kill -9 of the postmaster
    };
    void stop(Stop how);
    // After a stop, or when it has ended by itself; waits until it answers.
    void start();
    void restart(Stop how) {
        stop(how);
        start();
    }
    // kill -9 of one of its processes that serve a session; the server then recovers by itself, and is
    // waited for. False: there was none.
    bool kill_a_session();
    [[nodiscard]] bool runs() const;

  private:
    [[nodiscard]] Child::Settings as_server(const std::filesystem::path& log) const;

    TemporaryFolder folder_;
    std::filesystem::path data_;
    std::filesystem::path programs_;
    std::string more_;
    std::optional<uid_t> user_;
    std::optional<gid_t> group_;
    std::unique_ptr<Child> postmaster_;
};

}  // namespace prewatt::torture

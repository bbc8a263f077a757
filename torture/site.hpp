// An office with its building as processes on this machine: started, killed, started again, and looked through.
//
// The building (`prewatt sim`) runs on while the office (`prewatt serve`) dies; both are the built program with its
// real port, its real files and its real database.
#pragma once
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/domain/audit.hpp"
#include "server/store/db.hpp"
#include "torture/callers.hpp"
#include "torture/child.hpp"
#include "torture/postgres_server.hpp"
#include "torture/talk.hpp"
#include "torture/witness.hpp"

namespace prewatt::torture {

// Something that must not be: the run ends with it. Findings of the witness are kept by the witness.
struct Finding {
    std::string words;
};

// Where the office keeps its books.
class Database {
  public:
    virtual ~Database() = default;
    [[nodiscard]] virtual std::string word() const = 0;
    // As server/store/place.hpp has it, for the office in this data folder.
    [[nodiscard]] virtual std::string url(const std::filesystem::path& data) const = 0;
    // Beside the running office; only reads.
    [[nodiscard]] virtual std::expected<std::unique_ptr<server::store::Db>, std::string> open_reading(
        const std::filesystem::path& data) const = 0;
    // Empty, of the same kind, for an office of its own.
    [[nodiscard]] virtual std::unique_ptr<Database> another() const = 0;
};

// In the data folder, where `prewatt serve` puts it by itself.
class SqliteDatabase final : public Database {
  public:
    [[nodiscard]] std::string word() const override { return "sqlite"; }
    [[nodiscard]] std::string url(const std::filesystem::path& data) const override;
    [[nodiscard]] std::expected<std::unique_ptr<server::store::Db>, std::string> open_reading(
        const std::filesystem::path& data) const override;
    [[nodiscard]] std::unique_ptr<Database> another() const override { return std::make_unique<SqliteDatabase>(); }
};

// A database of a server that is ours; dropped with the object.
class PostgresDatabase final : public Database {
  public:
    explicit PostgresDatabase(PostgresServer& server);
    ~PostgresDatabase() override;
    [[nodiscard]] std::string word() const override { return "postgres"; }
    [[nodiscard]] std::string url(const std::filesystem::path& data) const override;
    [[nodiscard]] std::expected<std::unique_ptr<server::store::Db>, std::string> open_reading(
        const std::filesystem::path& data) const override;
    [[nodiscard]] std::unique_ptr<Database> another() const override {
        return std::make_unique<PostgresDatabase>(server_);
    }
    [[nodiscard]] const std::string& name() const { return name_; }
    // From now on the office reaches it through the socket in this folder; torture itself does not.
    void go_through(std::filesystem::path folder) { front_ = std::move(folder); }

  private:
    PostgresServer& server_;
    std::string name_;
    std::filesystem::path front_;
};

struct SiteOptions {
    std::filesystem::path program;
    std::filesystem::path folder;  // of everything; made by the caller
    int boxes = 1;
    std::string planted;                          // --planted-defect; empty: none
    std::optional<std::uint64_t> file_bytes_max;  // of the office
};

class Site {
  public:
    Site(SiteOptions options, Database& database);

    void start_building();
    // Begins to start; office() is the process.
    void launch_office();
    // Milliseconds since launch_office() until it answers. A Finding when it does not within 30 s or has ended.
    double wait_until_up();
    double start_office() {
        launch_office();
        return wait_until_up();
    }
    [[nodiscard]] Child& office() { return *office_; }
    // Kills it and waits for its end. A Finding when it had ended by itself before.
    void kill_office();
    // SIGTERM; a Finding when it does not end with 0 within 15 s.
    void stop_office();

    // The first time: signs in and learns the rooms.
    void open_desk();
    [[nodiscard]] const Desk& desk() const { return desk_; }

    // After a restart: everything that the office shows is held against the witness; orders without an answer are
    // repeated until they have one, some others too; ledger, counters and jobs are checked.
    void look_through(Witness& witness);
    // At the end: every ticket is confirmed; the office stops; each meter is read over its line and has the total of
    // the ledger. The number of meters.
    int compare_with_meters(Witness& witness);

    [[nodiscard]] const SiteOptions& options() const { return options_; }
    [[nodiscard]] Database& database() { return database_; }
    [[nodiscard]] std::filesystem::path data() const { return options_.folder / "data"; }
    // A second office on the same books must refuse; its words.
    [[nodiscard]] std::string start_second_office();

  private:
    [[nodiscard]] std::vector<std::string> words_of_serve(std::uint16_t port) const;
    [[nodiscard]] Reply ask(const Question& question);
    void find_new_sales(Witness& witness);
    void check_counters_and_journal();

    SiteOptions options_;
    Database& database_;
    std::uint16_t line_port_;
    std::unique_ptr<Child> building_;
    std::unique_ptr<Child> office_;
    Desk desk_;
    std::unique_ptr<Talk> talk_;
    std::chrono::steady_clock::time_point launched_;
    std::map<std::int64_t, std::int64_t> counters_;
    std::optional<server::AuditHead> audit_head_;
    std::int64_t looks_ = 0;
};

}  // namespace prewatt::torture

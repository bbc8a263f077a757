// PostgreSQL for tests: one server of our own from Debian's package (tests/postgres_server), with a database for each
// test.
//
// ctest starts one server for all tests (a fixture) and names its folder in PREWATT_POSTGRES_FOLDER; a test that is run
// by hand starts one for its process. PREWATT_DB=postgres in the environment puts the tests of the office on it.
#pragma once
#include <string>

namespace prewatt::server::store {

// What PREWATT_DB says.
[[nodiscard]] bool tests_use_postgres();

// The command tests/postgres_server, with its words; false: it failed, and has said why.
bool postgres_server(const std::string& words);

// A server of the test's own, durable as an office wants it; gone with the object. For tests that restart it.
class OwnPostgres {
  public:
    OwnPostgres();
    OwnPostgres(const OwnPostgres&) = delete;
    OwnPostgres& operator=(const OwnPostgres&) = delete;
    ~OwnPostgres();
    [[nodiscard]] bool started() const { return started_; }
    // "fast" as an administrator restarts it, "immediate" as when it crashes.
    bool restart(const std::string& mode);
    bool halt();
    bool resume();
    [[nodiscard]] std::string url(const std::string& database) const;

  private:
    std::string folder_;
    bool started_ = false;
};

// A database with the tables of the newest version and no rows (`with_tables`) or with nothing at all, on the server
// that all tests share; dropped with the object.
class TestDatabase {
  public:
    explicit TestDatabase(bool with_tables);
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;
    ~TestDatabase();
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    std::string name_;
    std::string url_;
};
// One statement as the administrator of the shared server, outside of a transaction.
void administer(const std::string& sql);

}  // namespace prewatt::server::store

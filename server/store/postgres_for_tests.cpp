#include "server/store/postgres_for_tests.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "server/store/migrations.hpp"
#include "server/store/postgres_db.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::int64_t kTemplateLock = 1;

std::string temporary_folder(const char* purpose) {
    static std::atomic<int> count{0};
    return (std::filesystem::temp_directory_path() /
            ("prewatt-" + std::string{purpose} + "-" + std::to_string(getpid()) + "-" + std::to_string(count++)))
        .string();
}

std::string url_in(const std::string& folder, const std::string& database) {
    return "postgresql://prewatt@/" + database + "?host=" + folder;
}

// The folder of the server that all tests of this process share.
const std::string& shared_server() {
    static const std::string folder = [] {
        if (const char* given = std::getenv("PREWATT_POSTGRES_FOLDER")) return std::string{given};
        const std::string own = temporary_folder("postgres");
        postgres_server("start " + own + " --fast --with " + std::to_string(getpid()));
        return own;
    }();
    return folder;
}

std::unique_ptr<Db> administrator() {
    auto db = open_postgres(url_in(shared_server(), "postgres"), {});
    if (db) return std::move(*db);
    ADD_FAILURE() << db.error().message;
    return nullptr;
}

// The database with tables that the others are copied from; the first test that needs it makes it.
void make_template(Db& db) {
    db.query("SELECT pg_advisory_lock($1)", {kTemplateLock}, [](const Row&) {});
    const auto found = db.query("SELECT 1 FROM pg_database WHERE datname = 'with_tables'", {}, [](const Row&) {});
    if (db.ok() && found == 0) {
        db.define("CREATE DATABASE with_tables_being_made");
        {
            auto made = open_postgres(url_in(shared_server(), "with_tables_being_made"), {});
            ASSERT_TRUE(made) << made.error().message;
            const auto why = migrate(**made, UnixTime{1'790'000'000'000});
            ASSERT_FALSE(why) << why->message;
        }
        // The server may still be busy with the session that has just ended.
        for (int k = 0; k < 500; ++k) {
            db.clear_failure();
            db.define("ALTER DATABASE with_tables_being_made RENAME TO with_tables");
            if (db.ok()) break;
            usleep(10'000);
        }
    }
    db.query("SELECT pg_advisory_unlock($1)", {kTemplateLock}, [](const Row&) {});
}

}  // namespace

bool tests_use_postgres() {
    const char* chosen = std::getenv("PREWATT_DB");
    return chosen && std::string_view{chosen} == "postgres";
}

bool postgres_server(const std::string& words) {
    return std::system((PREWATT_SOURCE_DIR "/tests/postgres_server " + words).c_str()) == 0;
}

OwnPostgres::OwnPostgres() : folder_(temporary_folder("own-postgres")) {
    started_ = postgres_server("start " + folder_ + " --with " + std::to_string(getpid()));
}
OwnPostgres::~OwnPostgres() {
    postgres_server("stop " + folder_);
}
bool OwnPostgres::restart(const std::string& mode) {
    return postgres_server("restart " + folder_ + " " + mode);
}
bool OwnPostgres::halt() {
    return postgres_server("halt " + folder_);
}
bool OwnPostgres::resume() {
    return postgres_server("resume " + folder_);
}
std::string OwnPostgres::url(const std::string& database) const {
    return url_in(folder_, database);
}

TestDatabase::TestDatabase(bool with_tables) {
    static std::atomic<int> count{0};
    name_ = "test_" + std::to_string(getpid()) + "_" + std::to_string(count++);
    url_ = url_in(shared_server(), name_);
    const auto db = administrator();
    if (!db) return;
    if (with_tables) make_template(*db);
    db->define("CREATE DATABASE " + name_ + (with_tables ? " TEMPLATE with_tables" : ""));
    EXPECT_TRUE(db->ok()) << db->failure()->message;
}
TestDatabase::~TestDatabase() {
    administer("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
}

void administer(const std::string& sql) {
    const auto db = administrator();
    if (!db) return;
    db->define(sql);
    EXPECT_TRUE(db->ok()) << db->failure()->message;
}

}  // namespace prewatt::server::store

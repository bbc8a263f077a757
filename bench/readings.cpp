#include "bench/readings.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "server/domain/archive.hpp"
#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"
#include "server/store/postgres_db.hpp"
#include "server/store/sqlite_db.hpp"
#include "torture/postgres_server.hpp"

namespace prewatt::bench {
namespace {

namespace fs = std::filesystem;
namespace store = server::store;
using Clock = std::chrono::steady_clock;
using server::HouseholdId;
using server::Reading;
using server::UnixTime;

constexpr std::int64_t kPerBox = 39;
constexpr std::int64_t kRowsMax = 2'500'000;  // of one measurement: what bounds the disk
constexpr int kBoxesInFlight = 2048;
constexpr double kReadingsGoal = 100'000;
constexpr double kShareGoal = 60;
constexpr double kFlatGoal = 1.3;
constexpr double kReportGoal = 2;
constexpr std::int64_t kReportHouseholds = 10'000;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}
double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
UnixTime wall() {
    return UnixTime{
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
}

class Folder {
  public:
    explicit Folder(fs::path path) : path_(std::move(path)) {}
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// Counts transactions, so that the bare one is cut alike.
class CommitCounter final : public server::OfficeObserver {
  public:
    void on_changes(std::span<const server::Change>) override { ++commits_; }
    [[nodiscard]] std::int64_t commits() const { return commits_; }

  private:
    std::atomic<std::int64_t> commits_{0};
};

struct Rate {
    double rows = 0;
    double seconds = 0;
    [[nodiscard]] double per_second() const { return seconds > 0 ? rows / seconds : 0; }
};

// Rooms, boxes and households by the thousand, which the office's own way of making them one by one would take minutes
// for.
std::string fill_estate(store::Db& db, std::int64_t households) {
    const std::string n = std::to_string(households);
    const std::string boxes = std::to_string((households + kPerBox - 1) / kPerBox);
    const auto numbers = [](const std::string& to) {
        return "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < " + to + ") ";
    };
    db.begin_write();
    db.define("INSERT INTO buildings (id, name) VALUES (1, '1')");
    db.define("INSERT INTO lines (id, name, url) VALUES (1, 'Line 1', '')");
    db.define("INSERT INTO boxes (id, number, line_id, wiring) " + numbers(boxes) +
              "SELECT i, 2026000000 + i, 1, 1 FROM n");
    db.define("INSERT INTO rooms (id, building_id, label, floor) " + numbers(n) +
              "SELECT i, 1, '1-' || CAST(1000000 + i AS TEXT), 1 FROM n");
    db.define("INSERT INTO households (id, room_id, resident, box_id, number_in_box) " + numbers(n) +
              "SELECT i, i, '', (i - 1) / 39 + 1, (i - 1) % 39 + 1 FROM n");
    db.define("INSERT INTO desired (household_id) SELECT id FROM households");
    db.define("INSERT INTO meters (household_id) SELECT id FROM households");
    if (!db.ok() || !db.commit()) return db.failure()->message;
    // An office has had its households for long: what PostgreSQL does about a million new rows is not measured.
    db.define("postgres:VACUUM (ANALYZE)");
    db.define("postgres:CHECKPOINT");
    db.clear_failure();  // a user of a named database may not be allowed to
    return {};
}

// The lines of a whole office: box after box hands in its sweep, and after the last the first again.
class Lines {
  public:
    Lines(server::Office& office, std::int64_t households) : office_(office), households_(households) {}

    // False: readings were refused.
    bool run(double seconds, Rate& rate) {
        const auto begin = Clock::now();
        const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        std::int64_t handed_in = 0;
        while (Clock::now() < end && handed_in < kRowsMax) {
            std::vector<Reading> sweep = next_box();
            const auto size = static_cast<std::int64_t>(sweep.size());
            handed_in += size;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return in_flight_ < kBoxesInFlight; });
                ++in_flight_;
            }
            office_.record_readings(std::move(sweep), [this, size](const server::Answer<server::Done>& done) {
                const std::lock_guard lock(mutex_);
                if (!done) problem_ = done.error().message;
                stored_ += size;
                if (--in_flight_ <= kBoxesInFlight / 2) changed_.notify_one();
            });
        }
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return in_flight_ == 0; });
        rate.rows += static_cast<double>(std::exchange(stored_, 0));
        rate.seconds += seconds_since(begin);
        return problem_.empty();
    }
    [[nodiscard]] const std::string& problem() const { return problem_; }

  private:
    std::vector<Reading> next_box() {
        if (next_ > households_) {
            next_ = 1;
            ++sweep_;
        }
        const std::int64_t last = std::min(next_ + kPerBox - 1, households_);
        std::vector<Reading> readings;
        readings.reserve(static_cast<std::size_t>(last - next_ + 1));
        // Sweeps are never at the same time, however fast they come here.
        const UnixTime at{std::max(wall().ms, last_ms_ + (next_ == 1 ? 1 : 0))};
        last_ms_ = at.ms;
        for (; next_ <= last; ++next_) {
            HouseholdState state;
            state.set(StateBit::kRelayClosed, true);
            readings.push_back({HouseholdId{next_}, at, energy_of_hundredths(1000 + sweep_),
                                credit_of_hundredths(90'000 - sweep_), state, watts(100 + next_ % 50)});
        }
        return readings;
    }

    server::Office& office_;
    std::int64_t households_;
    std::int64_t next_ = 1;
    std::int64_t sweep_ = 0;
    std::int64_t last_ms_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    int in_flight_ = 0;
    std::int64_t stored_ = 0;
    std::string problem_;
};

// The same rows into a table that has nothing but them.
class Bare {
  public:
    explicit Bare(std::unique_ptr<store::Db> db) : db_(std::move(db)) { make_table(); }
    bool run(double seconds, std::int64_t rows, std::int64_t households, Rate& rate) {
        rows = std::max<std::int64_t>(rows, 1);
        std::vector<store::Value> values;
        for (std::int64_t k = 0; k < rows; ++k)
            for (const std::int64_t value : {k % households + 1, std::int64_t{1'790'000'000'000}, std::int64_t{1000},
                                             std::int64_t{90'000}, std::int64_t{512}, std::int64_t{1000 + k % 500}})
                values.emplace_back(value);
        const auto begin = Clock::now();
        std::int64_t stored = 0;
        while (seconds_since(begin) < seconds && stored < kRowsMax && db_->ok()) {
            db_->begin_write();
            db_->append_rows("bare_readings",
                             {"household_id", "at", "forward_ckwh", "remaining_ckwh", "state", "power_dw"}, values);
            db_->commit();
            stored += rows;
        }
        rate.rows += static_cast<double>(stored);
        rate.seconds += seconds_since(begin);
        // Outside of the measurement; room on the disk is given back.
        make_table();
        return db_->ok();
    }
    [[nodiscard]] std::string problem() const { return db_->failure() ? db_->failure()->message : std::string{}; }

  private:
    void make_table() {
        db_->define("DROP TABLE IF EXISTS bare_readings");
        db_->define(
            "CREATE TABLE bare_readings (household_id BIGINT NOT NULL, at BIGINT NOT NULL, forward_ckwh BIGINT NOT "
            "NULL, "
            "remaining_ckwh BIGINT NOT NULL, state BIGINT NOT NULL, power_dw BIGINT)");
    }
    std::unique_ptr<store::Db> db_;
};

struct Place {
    std::string engine;
    std::string url;
    std::string bare_url;
};
std::expected<std::unique_ptr<store::Db>, std::string> connect(const std::string& url) {
    auto db = url.starts_with("postgresql://") || url.starts_with("postgres://")
                  ? store::open_postgres(url, {})
                  : store::open_sqlite(url, {.create = true, .read_only = false, .pages_max = 0});
    if (!db) return std::unexpected(db.error().message);
    return std::move(*db);
}

// A month of which only the ends are known, which is all that its report looks at.
void fill_ends_of_month(store::Db& db, server::OfficeMonth month) {
    db.begin_write();
    for (const UnixTime day : {month.begin(), month.end()}) {
        const std::string at = std::to_string(day.ms - server::kDay_ms);
        const std::string last = std::to_string(day.ms - 30'000);
        db.define("DELETE FROM days WHERE at = " + at);
        db.define(
            "INSERT INTO days (at, household_id, readings, first_at, first_forward_ckwh, last_at, "
            "last_forward_ckwh, remaining_ckwh, state) SELECT " +
            at + ", id, 96, " + at + ", 1000, " + last + ", 1000 + " + std::to_string(day.ms / 86'400'000) +
            " * 10 + id % 7, 5000, 512 FROM households");
    }
    db.define("DELETE FROM archive_state");
    db.define("INSERT INTO archive_state (name, value) VALUES ('hours_until', " + std::to_string(month.end().ms) +
              "), ('days_until', " + std::to_string(month.end().ms) + "), ('months_until', " +
              std::to_string(month.end().ms) + ")");
    db.commit();
}

struct Measured {
    double per_second = 0;
    double seconds_per_reading = 0;
};

std::expected<Measured, std::string> measure(const ReadingsOptions& options, const Place& place,
                                             std::int64_t households, Figures& figures) {
    store::OfficeOptions office_options;
    office_options.url = place.url;
    office_options.cheap_password_hash = true;
    store::SiteSpec site;
    site.owner_password = "not a secret";
    if (const auto created = store::create_site(office_options, site); !created)
        return std::unexpected(created.error().message);
    auto beside = connect(place.url);
    if (!beside) return std::unexpected(beside.error());
    if (const std::string problem = fill_estate(**beside, households); !problem.empty())
        return std::unexpected("The households could not be made: " + problem);
    auto bare_db = connect(place.bare_url);
    if (!bare_db) return std::unexpected(bare_db.error());
    Bare bare{std::move(*bare_db)};
    const std::string label = place.engine + ", " + std::to_string(households) + " households: ";

    auto opened = store::open_office(office_options);
    if (!opened) return std::unexpected(opened.error().message);
    server::Office& office = **opened;
    CommitCounter commits;
    office.add_observer(commits);
    Lines lines{office, households};
    Rate warm_up;
    if (!lines.run(options.seconds / 4, warm_up)) return std::unexpected(lines.problem());
    Rate stored;
    Rate bare_stored;
    std::vector<double> shares;
    for (int round = 0; round < options.rounds; ++round) {
        Rate now;
        const std::int64_t before = commits.commits();
        if (!lines.run(options.seconds, now)) return std::unexpected(lines.problem());
        const auto rows = static_cast<std::int64_t>(now.rows) / std::max<std::int64_t>(commits.commits() - before, 1);
        Rate bare_now;
        if (!bare.run(options.seconds, rows, households, bare_now)) return std::unexpected(bare.problem());
        shares.push_back(100 * now.per_second() / bare_now.per_second());
        stored.rows += now.rows;
        stored.seconds += now.seconds;
        bare_stored.rows += bare_now.rows;
        bare_stored.seconds += bare_now.seconds;
    }
    office.remove_observer(commits);
    figures.rows.push_back({label + "readings stored", stored.per_second(), "1/s",
                            place.engine == "PostgreSQL" ? Goal::kAtLeast : Goal::kNone,
                            place.engine == "PostgreSQL" ? kReadingsGoal : 0, "durable, with the latest values"});
    figures.rows.push_back({label + "bare rows", bare_stored.per_second(), "1/s", Goal::kNone, 0,
                            "the same rows, no index, transactions of the same size, values ready"});
    figures.rows.push_back(
        {label + "readings over bare rows", median(shares), "%", Goal::kAtLeast, kShareGoal, "in turns, the median"});

    const auto flush = Clock::now();
    opened->reset();
    figures.rows.push_back(
        {label + "orderly stop", seconds_since(flush), "s", Goal::kNone, 0, "all latest values into their table"});
    if (households == kReportHouseholds) {
        const server::OfficeMonth month = server::office_month_of(wall()).before();
        fill_ends_of_month(**beside, month);
        office_options.archive_tends_itself = false;
        opened = store::open_office(office_options);
        if (!opened) return std::unexpected(opened.error().message);
        const auto begin = Clock::now();
        const auto report = (*opened)->archive().consumption(
            {.from = {}, .to = {}, .month = month, .level = server::ReportLevel::kHousehold});
        const double seconds = seconds_since(begin);
        if (!report) return std::unexpected(report.error().message);
        const auto known = std::count_if(report->rows.begin(), report->rows.end(), [](const auto& row) {
            return row.missing == 0 && row.consumption > Energy{0};
        });
        if (known != households) return std::unexpected("The month's report does not know every household.");
        figures.rows.push_back({label + "report of a month", seconds, "s", Goal::kAtMost, kReportGoal,
                                "each household, from the roll-ups"});
        opened->reset();
    }
    return Measured{stored.per_second(), stored.seconds / std::max(stored.rows, 1.0)};
}

std::expected<Figures, std::string> run(const ReadingsOptions& options) {
    std::error_code error;
    const fs::path base = options.folder.empty() ? fs::temp_directory_path(error) : options.folder;
    const Folder folder{base / ("prewatt-bench-readings-" + std::to_string(getpid()))};
    if (!fs::create_directories(folder.path(), error))
        return std::unexpected("Cannot make " + folder.path().string() + ": " + error.message());
    Figures figures;
    std::unique_ptr<torture::PostgresServer> server;
    if (options.postgres && options.url.empty()) {
        fs::create_directories(folder.path() / "postgres", error);
        server = std::make_unique<torture::PostgresServer>(torture::PostgresServer::Settings{
            .data = folder.path() / "postgres", .more = "shared_buffers=256MB max_wal_size=2GB"});
        server->create_database("bare");
    }
    for (const bool postgres : {true, false}) {
        if (!(postgres ? options.postgres : options.sqlite)) continue;
        double least = 0;
        double most = 0;
        for (const std::int64_t households : options.households) {
            const std::string name = "readings_" + std::to_string(households);
            Place place{"SQLite", (folder.path() / (name + ".db")).string(), (folder.path() / "bare.db").string()};
            if (postgres && server) {
                server->create_database(name);
                place = {"PostgreSQL", server->url(name), server->url("bare")};
            } else if (postgres) {
                place = {"PostgreSQL", options.url, options.url};
            }
            const auto measured = measure(options, place, households, figures);
            if (!measured) return std::unexpected(measured.error());
            least = least == 0 ? measured->seconds_per_reading : std::min(least, measured->seconds_per_reading);
            most = std::max(most, measured->seconds_per_reading);
            if (postgres && server) {
                server->drop_database(name);
            } else if (postgres) {
                break;  // one size for a database that was named; the next would need another empty one
            } else {
                for (const char* suffix : {"", "-wal", "-shm", ".lock", ".ballast"})
                    fs::remove(place.url + suffix, error);
                for (const char* suffix : {"", "-wal", "-shm"})
                    fs::remove(place.bare_url + suffix, error);
            }
        }
        if (options.households.size() > 1 && (!postgres || server))
            figures.rows.push_back(
                {std::string{postgres ? "PostgreSQL" : "SQLite"} + ": dearest over cheapest reading of all sizes",
                 most / least, "", Goal::kAtMost, kFlatGoal, "flat"});
    }
    return figures;
}

}  // namespace

std::expected<Figures, std::string> run_readings(const ReadingsOptions& options) {
    try {
        return run(options);
    } catch (const torture::BrokenOff& why) {
        return std::unexpected(why.words);
    }
}

}  // namespace prewatt::bench

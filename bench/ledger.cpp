#include "bench/ledger.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/store/open_office.hpp"
#include "server/store/postgres_db.hpp"
#include "server/store/sqlite_db.hpp"
#include "torture/postgres_server.hpp"

namespace prewatt::bench {
namespace {

namespace fs = std::filesystem;
namespace store = server::store;
using Clock = std::chrono::steady_clock;

constexpr int kBoxes = 4;

struct Rate {
    double count = 0;
    double seconds = 0;
    [[nodiscard]] double per_second() const { return seconds > 0 ? count / seconds : 0; }
    Rate& operator+=(const Rate& other) {
        count += other.count;
        seconds += other.seconds;
        return *this;
    }
};

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Counts transactions: the office tells of the changes of each at once.
class CommitCounter final : public server::OfficeObserver {
  public:
    void on_changes(std::span<const server::Change>) override { ++commits_; }
    [[nodiscard]] std::int64_t commits() const { return commits_; }

  private:
    std::atomic<std::int64_t> commits_{0};
};

// The bare database, with the settings of the office. What needs no answer is posted, as the office does it.
class Bare {
  public:
    explicit Bare(std::unique_ptr<store::Db> db) : db_(std::move(db)) {
        db_->define("CREATE TABLE one_row (id {key}, text TEXT, a BIGINT, b BIGINT, c BIGINT)");
        db_->define(
            "CREATE TABLE head (id {key}, text TEXT NOT NULL UNIQUE, a BIGINT, b BIGINT, c BIGINT, d BIGINT, e BIGINT, "
            "f BIGINT, g BIGINT, h BIGINT, i BIGINT, j BIGINT, k BIGINT, l BIGINT, UNIQUE (a, b, c))");
        db_->define(
            "CREATE TABLE leg (id {key}, a BIGINT, b BIGINT, c BIGINT, d BIGINT, e BIGINT, f BIGINT, g BIGINT)");
    }
    // `rows` one-row inserts in each transaction.
    bool run_rows(double seconds, int rows, Rate& rate) {
        return run(seconds, rows, rate, [this](bool alone) {
            const char* sql = "INSERT INTO one_row (id, text, a, b, c) VALUES ($1, $2, $3, $4, $5)";
            ++number_;
            const std::initializer_list<store::Value> values{number_, "4f1c5d5e-6a7b-4c8d-9e0f-0123456789ab", number_,
                                                             5000, 7812};
            alone ? (void)db_->execute(sql, values) : db_->post(sql, values);
        });
    }
    // `groups` times the rows of a sale in each transaction.
    bool run_groups(double seconds, int groups, std::size_t rooms, Rate& rate) {
        return run(seconds, groups, rate, [this, rooms](bool) {
            ++number_;
            const std::string text = "4f1c5d5e-6a7b-4c8d-9e0f-" + std::to_string(100'000'000'000 + number_);
            db_->post(
                "INSERT INTO head (id, text, a, b, c, d, e, f, g, h, i, j, k, l) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                {number_, text, number_ % static_cast<std::int64_t>(rooms), 1, number_, 5, 7, 6400, 5200, 1, 78'120,
                 50'000, 1'790'000'000'000, 1'790'000'000'001});
            db_->post(
                "INSERT INTO leg (id, a, b, c, d, e, f, g) VALUES ($1, $2, $3, $4, $5, $6, $7, $8), "
                "($9, $2, $3, $4, $5, $6, $7, $8)",
                {number_ * 8, 1, 4, 1, 5, number_, 50'000, 78'120, number_ * 8 + 1});
        });
    }

  private:
    template <class Insert>
    bool run(double seconds, int rows, Rate& rate, Insert insert) {
        const auto begin = Clock::now();
        double elapsed = 0;
        while (elapsed < seconds && db_->ok()) {
            if (rows > 1) db_->begin_write();
            for (int k = 0; k < rows; ++k)
                insert(rows == 1);
            if (rows > 1) db_->commit();
            rate.count += rows;
            elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
        }
        rate.seconds += elapsed;
        return db_->ok();
    }

    std::unique_ptr<store::Db> db_;
    std::int64_t number_ = 0;
};

// `callers` that each sell to one room after the other and wait for each sale. As in the server, few threads carry many
// callers: one thread hears of what is durable and asks for the next sale of those callers.
class Desks {
  public:
    Desks(server::Office& office, std::vector<server::HouseholdId> rooms) : office_(office), rooms_(std::move(rooms)) {}

    // False: a sale was refused.
    bool run(int callers, double seconds, Rate& rate) {
        const auto begin = Clock::now();
        const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        for (int caller = 0; caller < callers; ++caller)
            ask();
        int waiting = callers;
        std::int64_t sold = 0;
        while (waiting > 0) {
            int answered = 0;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return answered_ > 0; });
                answered = std::exchange(answered_, 0);
            }
            sold += answered;
            waiting -= answered;
            for (; answered > 0 && Clock::now() < end; --answered, ++waiting)
                ask();
        }
        rate.count += static_cast<double>(sold);
        rate.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
        return !failed_;
    }

  private:
    void ask() {
        server::SaleOrder order;
        order.order_id = "4f1c5d5e-6a7b-4c8d-9e0f-" + std::to_string(100'000'000'000 + ++orders_);
        order.household = rooms_[orders_ % rooms_.size()];
        order.amount = fen(5);
        order.operator_name = "bench";
        office_.sell(std::move(order), [this](const server::Answer<server::SaleAnswer>& answer) {
            const std::lock_guard lock(mutex_);
            if (!answer || answer->repeated) failed_ = true;
            if (answered_++ == 0) changed_.notify_one();
        });
    }

    server::Office& office_;
    std::vector<server::HouseholdId> rooms_;
    std::size_t orders_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    int answered_ = 0;
    bool failed_ = false;
};

// A journal that still grows makes each commit dearer than one that is written over again, as it is in an office that
// runs. So it is brought to its full length first.
bool grow_journal(store::Db& db) {
    const std::string page(4000, 'x');
    db.define("CREATE TABLE warm_up (id {key}, text TEXT)");
    db.begin_write();
    for (int k = 0; k < 5000; ++k)
        db.post("INSERT INTO warm_up (id, text) VALUES ($1, $2)", {k, page});
    return db.commit();
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

// One database: the office on it, and another one beside it on the same disk or server.
struct Under {
    std::string word;
    std::string office_url;
    std::function<std::expected<std::unique_ptr<store::Db>, store::DbFailure>()> open_bare;
    std::function<std::expected<std::unique_ptr<store::Db>, store::DbFailure>()> open_beside_office;
};

// What one number of callers reached, and what stood beside it.
struct Reached {
    int callers = 1;
    Rate sales;
    Rate bare;
    Rate bare_rows;
    std::int64_t commits = 0;
    std::vector<double> ratios{};
};

std::expected<void, std::string> measure(const LedgerOptions& options, const Under& under, Figures& figures) {
    store::OfficeOptions office_options;
    office_options.url = under.office_url;
    store::BuildingSpec building;
    building.boxes = kBoxes;
    store::SiteSpec site;
    site.owner_password = "not a secret";
    if (const auto created = store::create_demo(office_options, site, building); !created)
        return std::unexpected(created.error().message);
    auto bare_db = under.open_bare();
    if (!bare_db) return std::unexpected(bare_db.error().message);
    auto opened = store::open_office(office_options);
    if (!opened) return std::unexpected(opened.error().message);
    {
        auto beside_office = under.open_beside_office();
        if (!beside_office) return std::unexpected(beside_office.error().message);
        if (!grow_journal(**bare_db) || !grow_journal(**beside_office))
            return std::unexpected("The database refused the warm-up: is the disk full?");
    }
    Bare bare{std::move(*bare_db)};
    server::Office& office = **opened;
    const auto households = office.find_households("", 10'000);
    if (!households) return std::unexpected(households.error().message);
    std::vector<server::HouseholdId> rooms;
    for (const auto& household : *households)
        rooms.push_back(household.id);

    CommitCounter commits;
    office.add_observer(commits);
    const double slice = options.seconds / options.rounds;
    const std::size_t room_count = rooms.size();
    Desks desks{office, std::move(rooms)};
    std::vector<Reached> all;
    for (const int callers : {1, 8, 64})
        all.push_back({.callers = callers, .sales = {}, .bare = {}, .bare_rows = {}});
    bool sound = true;
    for (int round = 0; round < options.rounds && sound; ++round)
        for (Reached& one : all) {
            Rate sales;
            const std::int64_t before = commits.commits();
            sound = sound && desks.run(one.callers, slice, sales);
            const std::int64_t transactions = std::max<std::int64_t>(commits.commits() - before, 1);
            one.commits += transactions;
            const int groups =
                std::max(static_cast<int>(std::lround(sales.count / static_cast<double>(transactions))), 1);
            Rate beside;
            if (one.callers == 1)
                sound = sound && bare.run_rows(slice, 1, beside);
            else
                sound = sound && bare.run_groups(slice, groups, room_count, beside) &&
                        bare.run_rows(slice / 4, groups, one.bare_rows);
            one.ratios.push_back(100 * sales.per_second() / beside.per_second());
            one.bare += beside;
            one.sales += sales;
        }
    office.remove_observer(commits);
    if (!sound) return std::unexpected("A sale or the bare database failed during the measurement.");
    opened->reset();
    const auto check = store::check_ledger(office_options.url);
    if (!check) return std::unexpected(check.error().message);
    if (!check->balanced) return std::unexpected("The ledger does not balance: " + check->problem);

    const auto row = [&](const std::string& name, double value, const char* unit, Goal direction, double goal,
                         const std::string& beside) {
        figures.rows.push_back({under.word + ": " + name, value, unit, direction, goal, beside});
    };
    for (const Reached& one : all) {
        const std::string who = std::to_string(one.callers) + (one.callers == 1 ? " caller" : " callers");
        const double shape = one.sales.count / static_cast<double>(one.commits);
        char shape_text[32];
        std::snprintf(shape_text, sizeof shape_text, "%.1f", shape);
        const std::string beside =
            one.callers == 1 ? std::string{"bare transactions of one row"}
                             : std::string{"bare transactions of "} + shape_text + " times the rows of a sale";
        row("durable sales, " + who, one.sales.per_second(), "1/s", one.callers == 64 ? Goal::kAtLeast : Goal::kNone,
            one.callers == 64 ? 5000 : 0, one.callers == 1 ? "" : std::string{shape_text} + " in one transaction");
        row("bare commits beside " + who, one.bare.per_second(), "1/s", Goal::kNone, 0,
            "same settings, same disk, same run, in turns");
        row("sales of " + who + " over bare commits", median(one.ratios), "%", Goal::kAtLeast, 70, beside);
        if (one.callers > 1)
            row("one-row inserts beside " + who, one.bare_rows.per_second(), "1/s", Goal::kNone, 0,
                "committed alike; for orientation");
    }
    return {};
}

}  // namespace

std::expected<Figures, std::string> run_ledger(const LedgerOptions& options) {
    std::error_code error;
    const fs::path base = options.folder.empty() ? fs::temp_directory_path(error) : options.folder;
    const Folder folder{base / ("prewatt-bench-ledger-" + std::to_string(getpid()))};
    if (!fs::create_directories(folder.path(), error))
        return std::unexpected("Cannot make " + folder.path().string() + ": " + error.message());
    Figures figures;
    if (options.sqlite) {
        const fs::path office = folder.path() / "office.db";
        const Under sqlite{"sqlite", office.string(),
                           [&] {
                               return store::open_sqlite(folder.path() / "bare.db",
                                                         {.create = true, .read_only = false, .pages_max = 0});
                           },
                           [&] { return store::open_sqlite(office, {}); }};
        if (const auto done = measure(options, sqlite, figures); !done) return std::unexpected(done.error());
    }
    if (options.postgres) try {
            fs::create_directories(folder.path() / "postgres", error);
            const torture::PostgresServer server({.data = folder.path() / "postgres"});
            server.create_database("office");
            server.create_database("bare");
            const Under postgres{"postgres", server.url("office"),
                                 [&] { return store::open_postgres(server.url("bare"), {}); },
                                 [&] { return store::open_postgres(server.url("office"), {}); }};
            if (const auto done = measure(options, postgres, figures); !done) return std::unexpected(done.error());
        } catch (const torture::BrokenOff& why) {
            return std::unexpected(why.words);
        }
    return figures;
}

}  // namespace prewatt::bench

#include "bench/ledger.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "server/store/open_office.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::bench {
namespace {

namespace fs = std::filesystem;
namespace store = server::store;
using Clock = std::chrono::steady_clock;

constexpr int kCallers = 64;
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

// The bare database, with the settings of the office.
class Bare {
  public:
    explicit Bare(std::unique_ptr<store::Db> db) : db_(std::move(db)) {
        db_->execute("CREATE TABLE one_row (id INTEGER PRIMARY KEY, text TEXT, a BIGINT, b BIGINT, c BIGINT)");
        db_->execute(
            "CREATE TABLE head (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, a BIGINT, b BIGINT, c BIGINT, d "
            "BIGINT, "
            "e BIGINT, f BIGINT, g BIGINT, h BIGINT, i BIGINT, j BIGINT, k BIGINT, l BIGINT, UNIQUE (a, b, c))");
        db_->execute(
            "CREATE TABLE leg (id INTEGER PRIMARY KEY, a BIGINT, b BIGINT, c BIGINT, d BIGINT, e BIGINT, f BIGINT, "
            "g BIGINT)");
    }
    // `rows` one-row inserts in each transaction.
    bool run_rows(double seconds, int rows, Rate& rate) {
        return run(seconds, rows, rate, [this] {
            db_->execute("INSERT INTO one_row (text, a, b, c) VALUES ($1, $2, $3, $4)",
                         {"4f1c5d5e-6a7b-4c8d-9e0f-0123456789ab", ++number_, 5000, 7812});
        });
    }
    // `groups` times the rows of a sale in each transaction.
    bool run_groups(double seconds, int groups, std::size_t rooms, Rate& rate) {
        return run(seconds, groups, rate, [this, rooms] {
            ++number_;
            const std::string text = "4f1c5d5e-6a7b-4c8d-9e0f-" + std::to_string(100'000'000'000 + number_);
            db_->execute(
                "INSERT INTO head (text, a, b, c, d, e, f, g, h, i, j, k, l) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                {text, number_ % static_cast<std::int64_t>(rooms), 1, number_, 5, 7, 6400, 5200, 1, 78'120, 50'000,
                 1'790'000'000'000, 1'790'000'000'001});
            db_->execute(
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
                insert();
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
// runs. So both are brought to their full length first.
bool grow_journal(store::Db& db) {
    const std::string page(4000, 'x');
    db.execute("CREATE TABLE warm_up (id INTEGER PRIMARY KEY, text TEXT)");
    db.begin_write();
    for (int k = 0; k < 5000; ++k)
        db.execute("INSERT INTO warm_up (text) VALUES ($1)", {page});
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

}  // namespace

std::expected<Figures, std::string> run_ledger(const LedgerOptions& options) {
    std::error_code error;
    const fs::path base = options.folder.empty() ? fs::temp_directory_path(error) : options.folder;
    const Folder folder{base / ("prewatt-bench-ledger-" + std::to_string(getpid()))};
    if (!fs::create_directories(folder.path(), error))
        return std::unexpected("Cannot make " + folder.path().string() + ": " + error.message());

    store::OfficeOptions office_options;
    office_options.url = (folder.path() / "office.db").string();
    store::BuildingSpec building;
    building.boxes = kBoxes;
    store::SiteSpec site;
    site.owner_password = "not a secret";
    if (const auto created = store::create_demo(office_options, site, building); !created)
        return std::unexpected(created.error().message);
    auto opened = store::open_office(office_options);
    if (!opened) return std::unexpected(opened.error().message);
    server::Office& office = **opened;
    const auto households = office.find_households("", 10'000);
    if (!households) return std::unexpected(households.error().message);
    std::vector<server::HouseholdId> rooms;
    for (const auto& household : *households)
        rooms.push_back(household.id);

    auto bare_db = store::open_sqlite(folder.path() / "bare.db", {.create = true, .read_only = false, .pages_max = 0});
    if (!bare_db) return std::unexpected(bare_db.error().message);
    auto beside_office = store::open_sqlite(office_options.url, {});
    if (!beside_office) return std::unexpected(beside_office.error().message);
    if (!grow_journal(**bare_db) || !grow_journal(**beside_office))
        return std::unexpected("The database refused the warm-up: is the disk full?");
    Bare bare{std::move(*bare_db)};

    CommitCounter commits;
    office.add_observer(commits);
    const double slice = options.seconds / options.rounds;
    const std::size_t room_count = rooms.size();
    Desks desks{office, std::move(rooms)};
    Rate one;
    Rate bare_one;
    Rate many;
    Rate bare_many;
    Rate bare_rows;
    std::int64_t commits_of_many = 0;
    bool sound = true;
    std::vector<double> ratios_of_one;
    std::vector<double> ratios_of_many;
    for (int round = 0; round < options.rounds && sound; ++round) {
        Rate bare_now;
        Rate now;
        sound = bare.run_rows(slice, 1, bare_now) && desks.run(1, slice, now);
        ratios_of_one.push_back(100 * now.per_second() / bare_now.per_second());
        bare_one += bare_now;
        one += now;

        now = {};
        const std::int64_t before = commits.commits();
        sound = sound && desks.run(kCallers, slice, now);
        const std::int64_t transactions = std::max<std::int64_t>(commits.commits() - before, 1);
        commits_of_many += transactions;
        const int groups = std::max(static_cast<int>(std::lround(now.count / static_cast<double>(transactions))), 1);
        bare_now = {};
        sound = sound && bare.run_groups(slice, groups, room_count, bare_now) &&
                bare.run_rows(slice / 4, groups, bare_rows);
        ratios_of_many.push_back(100 * now.per_second() / bare_now.per_second());
        bare_many += bare_now;
        many += now;
    }
    office.remove_observer(commits);
    if (!sound) return std::unexpected("A sale or the bare database failed during the measurement.");
    opened->reset();
    const auto check = store::check_ledger(office_options.url);
    if (!check) return std::unexpected(check.error().message);
    if (!check->balanced) return std::unexpected("The ledger does not balance: " + check->problem);

    const double shape = many.count / static_cast<double>(commits_of_many);
    char shape_text[32];
    std::snprintf(shape_text, sizeof shape_text, "%.1f", shape);
    const std::string group = std::string{"bare transactions of "} + shape_text + " times the rows of a sale";
    Figures figures;
    figures.rows = {
        {"durable sales, 1 caller", one.per_second(), "1/s", Goal::kNone, 0, ""},
        {"bare commits, one row each", bare_one.per_second(), "1/s", Goal::kNone, 0,
         "same settings, same disk, same run"},
        {"sales of 1 caller over bare commits", median(ratios_of_one), "%", Goal::kAtLeast, 70,
         "bare transactions of one row"},
        {"durable sales, 64 callers", many.per_second(), "1/s", Goal::kNone, 0, ""},
        {"bare groups of rows, committed alike", bare_many.per_second(), "1/s", Goal::kNone, 0, group},
        {"sales of 64 callers over bare groups", median(ratios_of_many), "%", Goal::kAtLeast, 70, group},
        {"one-row inserts, committed alike", bare_rows.per_second(), "1/s", Goal::kNone, 0, "for orientation"},
        {"sales in one transaction, 64 callers", shape, "", Goal::kNone, 0, ""},
    };
    return figures;
}

}  // namespace prewatt::bench

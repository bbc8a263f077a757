#include "torture/office.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>
#include <thread>

#include "torture/callers.hpp"
#include "torture/child.hpp"
#include "torture/disk.hpp"
#include "torture/postgres_server.hpp"
#include "torture/proxy.hpp"
#include "torture/site.hpp"
#include "torture/witness.hpp"

namespace prewatt::torture {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kDesks = 8;

struct Tally {
    std::int64_t kills = 0;
    std::int64_t in_start = 0;
    std::int64_t in_first_start = 0;
    std::int64_t in_stop = 0;
    std::vector<double> restart_ms;
    std::int64_t not_now = 0;
    std::int64_t disturbances = 0;  // of the database's server
    int meters = 0;
};

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
}

int number_of(std::mt19937_64& random, int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
}

template <class F>
bool until(std::chrono::milliseconds patience, F&& done) {
    const auto deadline = steady_clock::now() + patience;
    while (!done()) {
        stop_if_asked();
        if (steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(microseconds(200));
    }
    return true;
}

void expect_only_done(const Callers& callers) {
    if (callers.counts().unexpected > 0) throw Finding{"refused: a desk was answered " + callers.unexpected_words()};
}

class Killing {
  public:
    Killing(const OfficeOptions& options, Site& site, Witness& witness, Tally& tally)
        : options_(options), site_(site), witness_(witness), tally_(tally) {}

    // One plan: one kill or some more.
    void run(std::uint64_t number) {
        std::mt19937_64 random(options_.seed * 1'000'003 + number);
        const int dice = number_of(random, 0, 99);
        if (dice < 5) return kill_in_first_start(random, number);
        if (dice < 15)
            after_a_while(random, number, 600'000, microseconds(5000));
        else if (dice < 35)
            after_a_while(random, number, 40'000, microseconds(0));
        else if (dice < 62)
            after_events(random, number, Trigger::At::kSent);
        else if (dice < 90)
            after_events(random, number, Trigger::At::kAnswered);
        else
            in_an_orderly_stop(random, number);
    }

  private:
    void after_a_while(std::mt19937_64& random, std::uint64_t number, int span_us, microseconds pace) {
        Trigger never;
        Callers callers(site_.desk(), kDesks, options_.seed ^ number << 20, witness_, never, pace);
        std::this_thread::sleep_for(microseconds(number_of(random, 0, span_us)));
        site_.kill_office();
        ++tally_.kills;
        come_back(random, callers);
    }

    void after_events(std::mt19937_64& random, std::uint64_t number, Trigger::At at) {
        const pid_t office = site_.office().id();
        Trigger trigger(at, number_of(random, 1, 100), [office] { ::kill(office, SIGKILL); });
        Callers callers(site_.desk(), kDesks, options_.seed ^ number << 20, witness_, trigger);
        until(milliseconds(10'000), [&] { return trigger.has_fired(); });
        site_.kill_office();
        ++tally_.kills;
        come_back(random, callers);
    }

    void in_an_orderly_stop(std::mt19937_64& random, std::uint64_t number) {
        Trigger never;
        Callers callers(site_.desk(), kDesks, options_.seed ^ number << 20, witness_, never);
        std::this_thread::sleep_for(microseconds(number_of(random, 1000, 20'000)));
        site_.office().ask_to_stop();
        std::this_thread::sleep_for(microseconds(number_of(random, 0, 10'000)));
        const Child::End end = site_.office().kill_now();
        if (end.signal == SIGKILL) {
            ++tally_.kills;
            ++tally_.in_stop;
        } else if (end.signal != 0 || end.code != 0) {
            throw Finding{"down: in an orderly stop the office ended with code " + std::to_string(end.code) +
                          ", signal " + std::to_string(end.signal) + ": " + site_.office().last_words()};
        }
        come_back(random, callers);
    }

    // While the desks go on trying.
    void come_back(std::mt19937_64& random, Callers& callers) {
        if (number_of(random, 0, 3) == 0)
            for (int more = number_of(random, 1, 3); more > 0; --more) {
                site_.launch_office();
                const double usual_ms = tally_.restart_ms.empty() ? 10 : percentile(tally_.restart_ms, 0.5);
                std::this_thread::sleep_for(microseconds(number_of(random, 0, static_cast<int>(usual_ms * 1500))));
                site_.kill_office();
                ++tally_.kills;
                ++tally_.in_start;
            }
        callers.stop();
        expect_only_done(callers);
        tally_.not_now += callers.counts().not_now;
        tally_.restart_ms.push_back(site_.start_office());
        site_.look_through(witness_);
    }

    void kill_in_first_start(std::mt19937_64& random, std::uint64_t number) {
        SiteOptions options = site_.options();
        options.folder /= "first-" + std::to_string(number);
        const auto database = site_.database().another();
        {
            Site fresh(options, *database);
            for (int times = number_of(random, 1, 3); times > 0; --times) {
                fresh.launch_office();
                std::this_thread::sleep_for(microseconds(number_of(random, 0, 250'000)));
                fresh.kill_office();
                ++tally_.kills;
                ++tally_.in_first_start;
            }
            fresh.start_office();
            fresh.open_desk();
            Witness witness;
            Trigger trigger(Trigger::At::kAnswered, 10, [] {});
            {
                Callers callers(fresh.desk(), 2, number, witness, trigger);
                if (!until(milliseconds(10'000), [&] { return trigger.has_fired(); }))
                    throw Finding{"down: a new office that was killed in its first start does not sell"};
            }
            fresh.look_through(witness);
            if (const auto findings = witness.findings(); !findings.empty())
                throw Finding{"after a kill in the first start: " + findings.front()};
            fresh.stop_office();
        }
        std::error_code ignored;
        fs::remove_all(options.folder, ignored);
    }

    const OfficeOptions& options_;
    Site& site_;
    Witness& witness_;
    Tally& tally_;
};

// Sells until the office says that it cannot; what it says, with what else must hold meanwhile.
std::string sell_until_refused(Site& site, Witness& witness, std::uint64_t seed) {
    Trigger never;
    Callers callers(site.desk(), kDesks, seed, witness, never);
    if (!until(std::chrono::seconds(30), [&] { return callers.counts().not_now > 20; }))
        throw Finding{"full disk: the office goes on selling where no room should be left"};
    const std::int64_t reads = callers.counts().reads;
    if (!until(std::chrono::seconds(10), [&] { return callers.counts().reads > reads + 5; }))
        throw Finding{"full disk: questions are not answered"};
    callers.stop();
    expect_only_done(callers);
    if (callers.counts().broken > 0) throw Finding{"full disk: connections broke: " + site.office().last_words()};
    const std::string code = callers.not_now_code();
    if (code != "storage_full" && code != "storage_failed")
        throw Finding{"full disk: a sale was refused with '" + code + "'"};
    return code;
}

void expect_selling(Site& site, Witness& witness, std::uint64_t seed, int sales) {
    Trigger trigger(Trigger::At::kAnswered, sales, [] {});
    Callers callers(site.desk(), kDesks, seed, witness, trigger);
    if (!until(std::chrono::seconds(15), [&] { return trigger.has_fired(); }))
        throw Finding{"down: the office does not sell again: " + callers.not_now_code() + " " +
                      site.office().last_words()};
    callers.stop();
    expect_only_done(callers);
}

// The disk of the office's data becomes full under load; room comes while it runs, and after a kill.
std::string fill_the_disk(const OfficeOptions& options, const fs::path& program, const fs::path& folder,
                          Database& database) {
    constexpr std::uint64_t kDisk = 48 << 20;
    SiteOptions site_options{program, folder / "full-disk", options.boxes, options.planted, std::nullopt};
    fs::create_directories(site_options.folder);
    const SmallDisk disk(site_options.folder / "data", kDisk);
    Witness witness;
    Site site(site_options, database);
    site.start_office();
    site.open_desk();
    expect_selling(site, witness, options.seed, 50);
    const auto fill = [&] {
        if (disk.is_mounted()) return disk.leave(1 << 20);
        std::error_code ignored;
        const auto size = std::max(fs::file_size(site.data() / "prewatt.db", ignored),
                                   fs::file_size(site.data() / "prewatt.db-wal", ignored));
        if (!site.office().allow_file_bytes(size + (1 << 19)))
            throw BrokenOff{"the size of the office's files cannot be limited"};
    };
    const auto make_room = [&] {
        if (disk.is_mounted()) return disk.make_room();
        (void)site.office().allow_file_bytes(std::uint64_t{1} << 40);
    };
    // Room comes while it runs.
    fill();
    const std::string code = sell_until_refused(site, witness, options.seed + 1);
    make_room();
    expect_selling(site, witness, options.seed + 2, 50);
    site.look_through(witness);
    // It is killed while there is none; whether it can start without any or says why not, it comes up with room.
    fill();
    (void)sell_until_refused(site, witness, options.seed + 3);
    site.kill_office();
    site.launch_office();
    bool up = true;
    try {
        (void)site.wait_until_up();
    } catch (const Finding&) {
        up = false;
    }
    if (!up && site.office().ended() && site.office().ended()->code != 1)
        throw Finding{"full disk: the office died instead of saying why it does not start: " +
                      site.office().last_words()};
    make_room();
    if (!up) site.start_office();
    site.look_through(witness);
    expect_selling(site, witness, options.seed + 4, 50);
    site.look_through(witness);
    if (const auto findings = witness.findings(); !findings.empty()) throw Finding{"full disk: " + findings.front()};
    site.stop_office();
    return disk.is_mounted() ? "a tmpfs without room, " + code : "a limit on the size of files, " + code;
}

// The office must refuse meanwhile and sell again by itself once the database answers: no restart of it.
void press_while(Site& site, Witness& witness, std::uint64_t seed, const std::string& what,
                 const std::function<void()>& disturb) {
    {
        Trigger never;
        Callers callers(site.desk(), kDesks, seed, witness, never);
        const auto& counts = callers.counts();
        if (!until(milliseconds(10'000), [&] { return counts.answered > 20; }))
            throw Finding{what + ": the office does not sell: " + callers.not_now_code()};
        disturb();
        const std::int64_t before = counts.answered;
        if (!until(milliseconds(20'000), [&] { return counts.answered > before + 20; }))
            throw Finding{what + ": the office does not sell again: " + callers.not_now_code() + " " +
                          site.office().last_words()};
        callers.stop();
        expect_only_done(callers);
        if (counts.broken > 0) throw Finding{what + ": connections broke: " + site.office().last_words()};
    }
    if (site.office().ended()) throw Finding{what + ": the office ended: " + site.office().last_words()};
    site.look_through(witness);
    if (const auto findings = witness.findings(); !findings.empty()) throw Finding{what + ": " + findings.front()};
}

// Everything that may happen to a server of databases while the office runs on.
void disturb_the_server(const OfficeOptions& options, Site& site, Witness& witness, PostgresServer& server,
                        const PostgresDatabase& database, Tally& tally) {
    std::mt19937_64 random(options.seed);
    const auto a_while = [&] { std::this_thread::sleep_for(microseconds(number_of(random, 0, 30'000))); };
    std::uint64_t seed = options.seed * 1000;
    const auto press = [&](const std::string& what, const std::function<void()>& disturb) {
        stop_if_asked();
        press_while(site, witness, ++seed, what, disturb);
        ++tally.disturbances;
    };
    for (const auto& [what, how] : {std::pair{"server restarted", PostgresServer::Stop::kFast},
                                    std::pair{"server stopped without warning", PostgresServer::Stop::kImmediate},
                                    std::pair{"postmaster killed with -9", PostgresServer::Stop::kKill}})
        press(what, [&, how = how] {
            a_while();
            server.restart(how);
        });
    for (int k = 0; k < 2; ++k)
        press("a session's process killed with -9", [&] {
            a_while();
            if (!server.kill_a_session()) throw BrokenOff{"the database server has no session to kill"};
        });
    for (int k = 0; k < 3; ++k)
        press("sessions ended by the administrator", [&] {
            a_while();
            (void)server.end_sessions(database.name());
        });
}

// A man in the middle who drops the answer of COMMIT, or everything at once.
void cut_the_connection(const OfficeOptions& options, const fs::path& program, const fs::path& folder,
                        PostgresServer& server, Tally& tally) {
    // Short: the name of a socket has 107 bytes at most.
    const TemporaryFolder front("prewatt-cut");
    Proxy proxy(front.path(), server.folder());
    PostgresDatabase database(server);
    database.go_through(front.path());
    Witness witness;
    Site site({program, folder / "cut", options.boxes, options.planted, std::nullopt}, database);
    site.start_office();
    site.open_desk();
    std::mt19937_64 random(options.seed);
    for (std::uint64_t k = 0; k < 6; ++k) {
        stop_if_asked();
        press_while(site, witness, options.seed * 77 + k, "the answer of COMMIT lost", [&] {
            const int before = proxy.answers_dropped();
            proxy.drop_answer_of_commit(number_of(random, 1, 5));
            if (!until(milliseconds(10'000), [&] { return proxy.answers_dropped() > before; }))
                throw BrokenOff{"no COMMIT came through the man in the middle"};
        });
        press_while(site, witness, options.seed * 78 + k, "the connections cut", [&] {
            std::this_thread::sleep_for(microseconds(number_of(random, 0, 5000)));
            proxy.cut();
        });
        tally.disturbances += 2;
    }
    site.stop_office();
}

// The disk of the server's tables becomes full; its journal lies elsewhere, so that it can go on answering questions.
std::string fill_the_disk_of_the_server(const OfficeOptions& options, const fs::path& program, const fs::path& folder) {
    const fs::path place = fs::temp_directory_path() / ("prewatt-full-" + std::to_string(getpid()));
    struct Gone {
        fs::path path;
        ~Gone() {
            std::error_code ignored;
            fs::remove_all(path, ignored);
        }
    } const gone{place};
    const SmallDisk disk(place, 160 << 20);
    if (!disk.is_mounted()) return "skipped: only root can mount a small disk for a database server";
    PostgresServer server({.data = place});
    PostgresDatabase database(server);
    Witness witness;
    Site site({program, folder / "full-server", options.boxes, options.planted, std::nullopt}, database);
    site.start_office();
    site.open_desk();
    expect_selling(site, witness, options.seed, 50);
    disk.leave(1 << 18);
    const std::string code = sell_until_refused(site, witness, options.seed + 1);
    disk.make_room();
    expect_selling(site, witness, options.seed + 2, 50);
    site.look_through(witness);
    disk.leave(1 << 18);
    (void)sell_until_refused(site, witness, options.seed + 3);
    site.kill_office();
    disk.make_room();
    site.start_office();
    site.look_through(witness);
    expect_selling(site, witness, options.seed + 4, 50);
    site.look_through(witness);
    if (const auto findings = witness.findings(); !findings.empty()) throw Finding{"full disk: " + findings.front()};
    site.stop_office();
    return "a tmpfs without room, " + code;
}

void add_figures(bench::Figures& figures, const std::string& word, const Witness::Counts& counts, const Tally& tally) {
    using bench::Goal;
    const auto row = [&](const std::string& name, double value, const std::string& unit, Goal goal, double limit,
                         const std::string& beside) {
        figures.rows.push_back({word + ": " + name, value, unit, goal, limit, beside});
    };
    const auto count = [&](const std::string& name, std::int64_t value, const std::string& beside) {
        row(name, static_cast<double>(value), "", Goal::kNone, 0, beside);
    };
    const auto none = [&](const std::string& name, std::int64_t value, const std::string& beside) {
        row(name, static_cast<double>(value), "", Goal::kAtMost, 0, beside);
    };
    count("kills with -9", tally.kills,
          std::to_string(tally.in_start) + " in a restart, " + std::to_string(tally.in_first_start) +
              " in a first start, " + std::to_string(tally.in_stop) + " in an orderly stop");
    count("sales answered", counts.sales_answered, "");
    count("sales unanswered at a kill", counts.sales_unanswered,
          std::to_string(counts.unanswered_found) + " of them were there; each repeat was answered as one sale");
    count("jobs answered", counts.jobs_answered, std::to_string(counts.jobs_unanswered) + " unanswered at a kill");
    count("repeats of an order", counts.repeats, "answered with the same receipt");
    row("restart until it answers, p50", percentile(tally.restart_ms, 0.5), "ms", Goal::kNone, 0, "from exec on");
    row("restart until it answers, p99", percentile(tally.restart_ms, 0.99), "ms", Goal::kAtMost, 2000, "from exec on");
    none("lost", counts.lost, "answered as done and not there");
    none("doubled", counts.doubled, "one order, two receipts");
    none("changed, unknown, gaps", counts.changed + counts.unknown + counts.gaps, "content, receipts, tickets, totals");
    if (tally.disturbances > 0)
        count("disturbances of the database server", tally.disturbances,
              "restarted, killed, sessions ended, connections cut, answers of COMMIT lost; the office ran on");
    if (tally.meters > 0) count("meters with the total of the ledger", tally.meters, "read over their line at the end");
}

void torture(const OfficeOptions& options, const fs::path& program, const fs::path& folder, Database& database,
             PostgresServer* server, OfficeReport& report) {
    Tally tally;
    Witness witness;
    const auto tell = [&](const std::string& words) {
        if (options.tell) options.tell(database.word() + ": " + words);
    };
    const std::string replay = " [" + database.word() + ", --seed " + std::to_string(options.seed);
    std::string where;
    try {
        Site site({program, folder / database.word(), options.boxes, options.planted, std::nullopt}, database);
        site.start_building();
        site.start_office();
        site.open_desk();
        Killing killing(options, site, witness, tally);
        const auto began = steady_clock::now();
        auto told = began;
        for (std::uint64_t number = 1; tally.kills < options.kills; ++number) {
            stop_if_asked();
            where = ", plan " + std::to_string(number) + ", after " + std::to_string(tally.kills) + " kills";
            killing.run(number);
            if (!witness.findings().empty()) break;
            if (steady_clock::now() - told > std::chrono::seconds(10)) {
                told = steady_clock::now();
                tell(std::to_string(tally.kills) + " kills, " + std::to_string(witness.counts().sales_answered) +
                     " sales answered");
            }
        }
        const auto since = [&began] { return std::to_string((steady_clock::now() - began) / milliseconds(1)) + " ms"; };
        tell(std::to_string(tally.kills) + " kills in " + since());
        if (options.scenes && witness.findings().empty()) {
            where = ", two offices";
            (void)site.start_second_office();
            expect_selling(site, witness, options.seed, 20);
            site.look_through(witness);
        }
        if (options.scenes && server && witness.findings().empty()) {
            where = ", the database server";
            disturb_the_server(options, site, witness, *server, static_cast<PostgresDatabase&>(database), tally);
            tell("the database server disturbed, after " + since());
        }
        if (witness.findings().empty()) {
            where = ", at the end";
            tally.meters = site.compare_with_meters(witness);
            tell("meters compared after " + since());
        }
        if (options.scenes && witness.findings().empty()) {
            if (server) {
                where = ", the connection to the database cut";
                cut_the_connection(options, program, folder, *server, tally);
                tell("connections to the database cut, after " + since());
            }
            where = ", full disk";
            stop_if_asked();
            tell("full disk: " + (server ? fill_the_disk_of_the_server(options, program, folder)
                                         : fill_the_disk(options, program, folder, *database.another())));
            tell("all done after " + since());
        }
    } catch (const Finding& finding) {
        report.findings.push_back(finding.words + replay + where + "]");
    }
    for (const std::string& words : witness.findings())
        report.findings.push_back(words + replay + where + "]");
    add_figures(report.figures, database.word(), witness.counts(), tally);
}

}  // namespace

std::expected<OfficeReport, OfficeFailure> torture_office(const OfficeOptions& options) {
    const StopSignals signals;
    try {
        std::error_code fault;
        const fs::path program = options.program.empty() ? fs::read_symlink("/proc/self/exe", fault) : options.program;
        TemporaryFolder folder("prewatt-torture");
        OfficeReport report;
        if (options.sqlite) {
            SqliteDatabase sqlite;
            torture(options, program, folder.path(), sqlite, nullptr, report);
        }
        if (options.postgres && report.findings.empty()) {
            PostgresServer server;
            PostgresDatabase postgres(server);
            torture(options, program, folder.path(), postgres, &server, report);
        }
        if (options.keep || (!report.findings.empty() && options.planted.empty())) {
            folder.keep();
            if (options.tell) options.tell("everything is kept in " + folder.path().string());
        }
        return report;
    } catch (const BrokenOff& why) {
        return std::unexpected(OfficeFailure{why.words, false});
    } catch (const Interrupted&) {
        return std::unexpected(OfficeFailure{"stopped before its end; everything that was started is stopped", true});
    } catch (const std::exception& why) {
        return std::unexpected(OfficeFailure{why.what(), false});
    }
}

}  // namespace prewatt::torture

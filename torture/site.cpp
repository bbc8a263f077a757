#include "torture/site.hpp"

#include <signal.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "server/store/audit.hpp"
#include "server/store/open_office.hpp"
#include "server/store/postgres_db.hpp"
#include "server/store/sqlite_db.hpp"

namespace prewatt::torture {
namespace {

namespace fs = std::filesystem;
namespace store = server::store;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kPassword = "not a secret at all";
constexpr std::uint64_t kFirstBox = 2026000001;
constexpr int kPage = 1000;
constexpr std::int64_t kSalesCheckedEachTime = 20'000;  // beyond that the whole ledger is added up at every 20th look
constexpr auto kSettle = std::chrono::seconds(120);

}  // namespace

std::string SqliteDatabase::url(const fs::path& data) const {
    return (data / "prewatt.db").string();
}

std::expected<std::unique_ptr<store::Db>, std::string> SqliteDatabase::open_reading(const fs::path& data) const {
    auto db = store::open_sqlite(url(data), {.create = false, .read_only = true, .pages_max = 0});
    if (!db) return std::unexpected(db.error().message);
    return std::move(*db);
}

PostgresDatabase::PostgresDatabase(PostgresServer& server) : server_(server) {
    static int last = 0;
    name_ = "office" + std::to_string(++last);
    server_.create_database(name_);
}

PostgresDatabase::~PostgresDatabase() {
    try {
        if (server_.runs()) server_.drop_database(name_);
    } catch (const BrokenOff&) {  // NOLINT(bugprone-empty-catch): it goes with the server
    }
}

std::string PostgresDatabase::url(const fs::path&) const {
    return PostgresServer::url_in(front_.empty() ? server_.folder() : front_, name_);
}

std::expected<std::unique_ptr<store::Db>, std::string> PostgresDatabase::open_reading(const fs::path&) const {
    auto db = store::open_postgres(server_.url(name_), {.read_only = true, .office_lock = false});
    if (!db) return std::unexpected(db.error().message);
    return std::move(*db);
}

Site::Site(SiteOptions options, Database& database)
    : options_(std::move(options)), database_(database), line_port_(free_port()) {
    desk_.port = free_port();
    std::error_code fault;
    fs::create_directories(data(), fault);
    if (fault) throw BrokenOff{data().string() + ": " + fault.message()};
    std::ofstream(options_.folder / "owner-password") << kPassword << "\n";
    talk_ = std::make_unique<Talk>(desk_.port, "");
}

void Site::start_building() {
    building_ = std::make_unique<Child>(
        std::vector<std::string>{options_.program.string(), "sim", "--boxes", std::to_string(options_.boxes),
                                 "--listen", "127.0.0.1:" + std::to_string(line_port_), "--store",
                                 (options_.folder / "building").string(), "--key", (data() / "prewatt.key").string(),
                                 "--level", "cycle", "--baud", "none"},
        Child::Settings{.log = options_.folder / "building.log"});
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    while (true) {
        if (building_->ended()) throw BrokenOff{"the building ended at once: " + building_->last_words()};
        Talk knock(line_port_, "");
        if (knock.send({"GET", "", "", ""}, 0)) return;
        if (steady_clock::now() > deadline) throw BrokenOff{"the building does not come up"};
        std::this_thread::sleep_for(milliseconds(5));
    }
}

std::vector<std::string> Site::words_of_serve(std::uint16_t port) const {
    std::vector<std::string> words{options_.program.string(),
                                   "serve",
                                   "--data",
                                   data().string(),
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(port),
                                   "--demo",
                                   std::to_string(options_.boxes),
                                   "--demo-line",
                                   "tcp://127.0.0.1:" + std::to_string(line_port_),
                                   "--owner-password-file",
                                   (options_.folder / "owner-password").string()};
    if (!options_.planted.empty()) words.insert(words.end(), {"--planted-defect", options_.planted});
    words.insert(words.end(), {"--db", database_.url(data())});
    return words;
}

void Site::launch_office() {
    talk_->drop();
    launched_ = steady_clock::now();
    office_ = std::make_unique<Child>(
        words_of_serve(desk_.port),
        Child::Settings{.log = options_.folder / "office.log", .file_bytes_max = options_.file_bytes_max});
}

double Site::wait_until_up() {
    const auto deadline = launched_ + std::chrono::seconds(30);
    while (true) {
        if (const auto reply = talk_->ask({"GET", "/health", "", ""}); reply && reply->status == 200)
            return std::chrono::duration<double, std::milli>(steady_clock::now() - launched_).count();
        if (office_->ended()) throw Finding{"down: the office does not come up: " + office_->last_words()};
        if (steady_clock::now() > deadline)
            throw Finding{"down: the office does not answer within 30 s: " + office_->last_words()};
        stop_if_asked();
        std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
}

void Site::kill_office() {
    const Child::End end = office_->kill_now();
    if (end.signal != SIGKILL)
        throw Finding{"down: the office ended by itself with " +
                      (end.signal != 0 ? "signal " + std::to_string(end.signal) : "code " + std::to_string(end.code)) +
                      ": " + office_->last_words()};
    talk_->drop();
}

void Site::stop_office() {
    talk_->drop();
    office_->ask_to_stop();
    const auto end = office_->wait_for_end(std::chrono::seconds(15));
    if (!end) throw Finding{"down: the office does not stop when it is asked to: " + office_->last_words()};
    if (end->code != 0 || end->signal != 0)
        throw Finding{"down: the office stopped with code " + std::to_string(end->code) + ", signal " +
                      std::to_string(end->signal) + ": " + office_->last_words()};
}

Reply Site::ask(const Question& question) {
    const auto what = [&] { return std::string(question.method) + " " + question.path; };
    auto reply = talk_->ask(question);
    if (!reply) reply = talk_->ask(question);  // the kept connection may have been closed meanwhile
    stop_if_asked();
    if (!reply) throw Finding{"down: no answer to " + what() + ": " + office_->last_words()};
    if (reply->status / 100 != 2)
        throw Finding{"refused: " + what() + " was answered " + std::to_string(reply->status) + ": " +
                      reply->body.substr(0, 300)};
    return std::move(*reply);
}

void Site::open_desk() {
    const Reply session = ask({"POST", "/session", json{{"user", "owner"}, {"password", kPassword}}.dump(), ""});
    desk_.token = json::parse(session.body).at("token");
    talk_->set_token(desk_.token);
    const json list = json::parse(ask({"GET", "/households?limit=10000", "", ""}).body);
    desk_.households.clear();
    for (const json& household : list.at("households"))
        desk_.households.push_back(household.at("id"));
    const auto expected = static_cast<std::size_t>(options_.boxes) * 39;
    if (desk_.households.size() != expected)
        throw Finding{"lost: the new office has " + std::to_string(desk_.households.size()) + " rooms instead of " +
                      std::to_string(expected)};
}

void Site::find_new_sales(Witness& witness) {
    // The newest come first: pages back to what was seen before.
    std::vector<SaleSeen> all;
    const std::int64_t known = witness.last_found();
    std::int64_t before = 0;
    while (true) {
        const std::string from = before > 0 ? "&before=" + std::to_string(before) : "";
        const auto page =
            sales_in(ask({"GET", "/sales?limit=" + std::to_string(before > 0 ? kPage : 200) + from, "", ""}).body);
        if (!page) throw Finding{"changed: the list of sales is not what the format says"};
        bool more = !page->empty();
        for (const SaleSeen& sale : *page) {
            more = more && sale.id > known;
            if (!more) break;
            all.push_back(sale);
            before = sale.id;
        }
        if (!more || before == 1) break;
    }
    for (auto sale = all.rbegin(); sale != all.rend(); ++sale)
        witness.found(*sale);
    witness.looked_through();
}

void Site::check_counters_and_journal() {
    auto db = database_.open_reading(data());
    if (!db) throw Finding{"down: the database cannot be read: " + db.error()};
    (*db)->begin_read();
    (*db)->query("SELECT id, counter_next FROM boxes ORDER BY id", {}, [this](const store::Row& row) {
        std::int64_t& known = counters_[row.integer(0)];
        if (row.integer(1) < known)
            throw Finding{"lost: the command counter of box " + std::to_string(row.integer(0)) + " went back from " +
                          std::to_string(known) + " to " + std::to_string(row.integer(1))};
        known = row.integer(1);
    });
    // The journal: whole, and goes on from where it was.
    const auto verdict = store::verify_audit(**db, audit_head_);
    (*db)->rollback();
    if (!verdict) throw Finding{"down: the journal cannot be read: " + verdict.error().message};
    if (verdict->fault != server::AuditFault::kNone) throw Finding{"audit: " + server::explain(*verdict)};
    audit_head_ = verdict->head;
}

void Site::look_through(Witness& witness) {
    find_new_sales(witness);
    for (const SaleOrdered& order : witness.unanswered_sales()) {
        const auto sale = sale_in(ask(question_of(order)).body);
        if (!sale) throw Finding{"changed: the answer to a repeated sale is not what the format says"};
        witness.answered(order.key, *sale);
    }
    for (const SaleOrdered& order : witness.answered_sales(4))
        if (const auto sale = sale_in(ask(question_of(order)).body)) witness.answered(order.key, *sale);
    for (const JobOrdered& order : witness.unanswered_jobs()) {
        const auto job = job_in(ask(question_of(order)).body);
        if (!job) throw Finding{"changed: the answer to a repeated job is not what the format says"};
        witness.answered(order.key, *job);
    }
    for (const auto& [order, seen] : witness.answered_jobs(8)) {
        const auto job = job_in(ask({"GET", "/jobs/" + std::to_string(seen.id), "", ""}).body);
        if (!job || !(*job == seen))
            throw Finding{"lost: job " + std::to_string(seen.id) + " is not what was answered"};
    }
    find_new_sales(witness);
    check_counters_and_journal();
    if (++looks_ % 20 == 0 || witness.last_found() < kSalesCheckedEachTime) {
        const auto check = store::check_ledger(database_.url(data()));
        if (!check) throw Finding{"down: the ledger cannot be added up: " + check.error().message};
        if (!check->balanced) throw Finding{"ledger: it does not balance: " + check->problem};
        if (check->sales != witness.last_found())
            throw Finding{"ledger: it has " + std::to_string(check->sales) + " sales, the office shows " +
                          std::to_string(witness.last_found())};
    }
}

int Site::compare_with_meters(Witness& witness) {
    // Every job is there once, too.
    for (const std::int64_t household : desk_.households) {
        const auto jobs =
            jobs_in(ask({"GET", "/households/" + std::to_string(household) + "/jobs?limit=1000", "", ""}).body);
        if (!jobs) throw Finding{"changed: the list of jobs is not what the format says"};
        witness.found_jobs(household, *jobs);
    }
    const auto totals = witness.totals();
    struct Room {
        std::string box;
        int number = 0;
    };
    std::map<std::int64_t, Room> rooms;
    const auto deadline = steady_clock::now() + kSettle;
    while (true) {
        std::string waits;
        const json list = json::parse(ask({"GET", "/households?limit=10000", "", ""}).body);
        for (const json& h : list.at("households")) {
            rooms[h.at("id")] = {h.at("box_number"), h.at("household_number")};
            if (h.at("confirmed_ticket_number") != h.at("ticket_number")) waits = h.at("room");
        }
        if (waits.empty()) break;
        if (steady_clock::now() > deadline)
            throw Finding{"pending: the ticket of room " + waits + " is not confirmed within two minutes"};
        stop_if_asked();
        std::this_thread::sleep_for(milliseconds(20));
    }
    stop_office();
    int compared = 0;
    for (const auto& [household, total] : totals) {
        const Room& room = rooms[household];
        const std::string name = room.box + ":" + std::to_string(room.number);
        const fs::path out = options_.folder / "meter.json";
        fs::remove(out);
        Child read({options_.program.string(), "read", name, "--bus", "tcp://127.0.0.1:" + std::to_string(line_port_),
                    "--item", "EC000200", "-o", "json"},
                   Child::Settings{.log = out});
        const auto end = read.wait_for_end(std::chrono::seconds(30));
        if (!end || end->code != 0) throw Finding{"pending: meter " + name + " cannot be read: " + read.last_words()};
        std::ifstream text(out);
        std::map<std::string, std::string> items;
        const json answer = json::parse(text, nullptr, false);
        if (!answer.is_discarded() && answer.contains("items"))
            for (const json& item : answer["items"])
                items[item.value("name", "")] =
                    item["value"].is_string() ? item["value"].get<std::string>() : item["value"].dump();
        std::string credited = items["credited so far"];
        std::erase(credited, '.');  // two digits after the point: hundredths
        const std::string on_meter = items["epoch"] + "/" + items["ticket"] + "/" + credited;
        const std::string digits = std::to_string(total.credited_ckwh);
        const std::string in_books = std::to_string(total.epoch) + "/" + std::to_string(total.number) + "/" +
                                     (digits.size() < 3 ? std::string(3 - digits.size(), '0') + digits : digits);
        if (on_meter != in_books)
            throw Finding{"meter: " + name + " has epoch/ticket/credited " + on_meter + ", the ledger " + in_books};
        ++compared;
    }
    return compared;
}

std::string Site::start_second_office() {
    Child second(words_of_serve(free_port()), Child::Settings{.log = options_.folder / "second-office.log"});
    const auto end = second.wait_for_end(std::chrono::seconds(15));
    if (!end) throw Finding{"doubled: a second office runs on the same books"};
    if (end->code != 1)
        throw Finding{"down: the second office on the same books ended with code " + std::to_string(end->code) + ": " +
                      second.last_words()};
    return second.last_words();
}

}  // namespace prewatt::torture

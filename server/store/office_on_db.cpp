#include "server/store/office_on_db.hpp"

#include <algorithm>
#include <future>
#include <unordered_map>

#include "server/domain/orders.hpp"
#include "server/store/accounts.hpp"
#include "server/store/approvals.hpp"
#include "server/store/archive.hpp"
#include "server/store/audit.hpp"
#include "server/store/campaigns.hpp"
#include "server/store/cards.hpp"
#include "server/store/desired.hpp"
#include "server/store/engine.hpp"
#include "server/store/estate.hpp"
#include "server/store/raw_readings.hpp"
#include "server/store/reading_log.hpp"
#include "server/store/sales.hpp"
#include "server/store/situations.hpp"
#include "server/store/ticket_answers.hpp"
#include "server/store/users.hpp"
#include "server/store/warrants.hpp"
#include "server/store/work_list.hpp"

namespace prewatt::server::store {
namespace {

constexpr Duration kSessionKeptEvery = minutes(1);
constexpr Duration kPowerHolds = minutes(1);  // a power that was told so long before or after a reading belongs to it
// Actions that two people may be needed for.
constexpr const char* kSetPrice = "price.set";
constexpr const char* kClear = "household.clear";

// One thread that does slow things one after the other: at most one Argon2id at a time, so that sign-ins cannot eat the
// memory.
class SlowThread {
  public:
    SlowThread() : thread_([this] { loop(); }) {}
    SlowThread(const SlowThread&) = delete;
    SlowThread& operator=(const SlowThread&) = delete;
    ~SlowThread() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        arrived_.notify_one();
        thread_.join();
    }
    void run(std::function<void()> work) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(work));
        }
        arrived_.notify_one();
    }

  private:
    void loop() {
        for (;;) {
            std::vector<std::function<void()>> works;
            {
                std::unique_lock lock(mutex_);
                arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
                if (queue_.empty()) return;
                works.swap(queue_);
            }
            for (const auto& work : works)
                work();
        }
    }
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::function<void()>> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

class OfficeOnDb final : public Office {
  public:
    explicit OfficeOnDb(Connections c)
        : lock_(std::move(c.lock)),
          cheap_password_hash_(c.cheap_password_hash),
          readings_(c.clock()),
          engine_{std::move(c.clock), c.open_reading ? ReadPool{std::move(c.open_reading)} : ReadPool{*c.writing},
                  Writer{with_readings(std::move(c.writing)), c.batch_max,
                         [this](const Changes& changes) { tell(changes); }, c.by_hand, &readings_},
                  &readings_},
          accounts_(make_accounts(engine_)),
          campaigns_(make_campaigns(engine_)),
          archive_(
              make_archive(engine_, readings_,
                           {c.by_hand ? Duration{0} : c.tend_every, std::move(c.free_bytes), std::move(c.ballast)})),
          audit_(make_audit(engine_)),
          approvals_(make_approvals(engine_)),
          work_list_(make_work_list(engine_)),
          cards_(make_cards(engine_)),
          warrants_(make_warrants(engine_)) {
        engine_.acts.offer(
            kSetPrice, [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                const UnitPrice price{act_number(asked.content, "price_e4").value_or(0)};
                auto set = store::set_price(db, price, asked.asked_by, asked.reason, now, changes);
                if (!set) return std::unexpected(std::move(set.error()));
                return "The price is set.";
            });
        engine_.acts.offer(
            kAnswerTicket,
            [this](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                engine_.readings->settle(db, household_of_answer(asked), changes);
                const auto booked = carry_out_ticket_answer(db, asked, now, changes);
                if (!booked) return std::unexpected(booked.error());
                return "Ticket " + std::to_string(booked->bookings.back().ticket.number) + " goes to the meter.";
            });
        engine_.acts.offer(
            kClear, [](Db& db, const ApprovalRecord& asked, UnixTime now, Changes& changes) -> Answer<std::string> {
                JobOrder order;
                order.order_id = act_field(asked.content, "order_id").value_or("");
                order.household = HouseholdId{act_number(asked.content, "household").value_or(0)};
                order.operator_name = asked.asked_by.user;
                order.from = asked.asked_by.from;
                order.reason = asked.reason;
                PartOrder wanted;
                wanted.part = Part::kClear;
                wanted.kind = "clear";
                auto job = order_part(db, order, wanted, now, changes);
                if (!job) return std::unexpected(std::move(job.error()));
                return "Ordered, job " + std::to_string(job->id.value) + ".";
            });
    }

    Accounts& accounts() override { return *accounts_; }
    Campaigns& campaigns() override { return *campaigns_; }
    Archive& archive() override { return *archive_; }
    Audit& audit() override { return *audit_; }
    Approvals& approvals() override { return *approvals_; }
    WorkList& work_list() override { return *work_list_; }
    Cards& cards() override { return *cards_; }
    Warrants& warrants() override { return *warrants_; }

    ~OfficeOnDb() override {
        slow_.reset();  // it waits for the writer
        archive_->close();
        engine_.writer.stop();
    }

    void add_observer(OfficeObserver& observer) override {
        const std::lock_guard lock(observers_mutex_);
        observers_.push_back(&observer);
    }
    void remove_observer(OfficeObserver& observer) override {
        const std::lock_guard lock(observers_mutex_);
        std::erase(observers_, &observer);
    }

    // --- Questions
    Answer<SiteRecord> site() override { return engine_.pool.ask(read_site); }
    Answer<HouseholdRecord> household(HouseholdId id) override {
        return with_latest(engine_.pool.ask([&](Db& db) { return read_household(db, id); }));
    }
    Answer<std::vector<HouseholdRecord>> find_households(std::string_view text, int limit) override {
        return with_latest(engine_.pool.ask([&](Db& db) { return store::find_households(db, text, limit); }));
    }
    Answer<BoxRecord> box(std::uint64_t number) override {
        return engine_.pool.ask([&](Db& db) { return read_box(db, number); });
    }
    Answer<BoxRecord> box(BoxId id) override {
        return engine_.pool.ask([&](Db& db) { return read_box(db, id); });
    }
    Answer<std::vector<HouseholdRecord>> households_of_box(BoxId id) override {
        return with_latest(engine_.pool.ask([&](Db& db) { return read_households_of_box(db, id); }));
    }
    Answer<SaleRecord> sale(SaleId id) override {
        return engine_.pool.ask([&](Db& db) { return read_sale(db, id); });
    }
    Answer<SaleRecord> sale_by_order(std::string_view order_id) override {
        return engine_.pool.ask([&](Db& db) { return read_sale_by_order(db, order_id); });
    }
    Answer<std::vector<SaleRecord>> sales(HouseholdId household, SaleId before, int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_sales(db, household, before, limit); });
    }
    Answer<std::vector<LedgerEntry>> entries(HouseholdId household, std::int64_t before, int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_entries(db, household, before, limit); });
    }
    Answer<std::vector<Reading>> readings(HouseholdId household, UnixTime from, UnixTime to, Step step) override {
        return engine_.pool.ask([&](Db& db) { return read_readings(db, household, from, to, step); });
    }
    Answer<JobRecord> job(JobId id) override {
        return engine_.pool.ask([&](Db& db) { return read_job(db, id); });
    }
    Answer<std::vector<JobRecord>> jobs(HouseholdId household, int limit) override {
        return engine_.pool.ask([&](Db& db) { return read_jobs(db, household, limit); });
    }

    // --- Money
    void sell(SaleOrder order, WhenDone<SaleAnswer> done) override {
        if (order.accepted_at == UnixTime{}) order.accepted_at = engine_.clock();
        engine_.writer.submit_to(sales_, std::move(order), std::move(done));
    }
    void set_price(UnitPrice price, Actor who, std::string reason, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, price, who = std::move(who), reason = std::move(reason)](Db& db, Changes& changes) {
                const UnixTime now = engine_.clock();
                if (auto bad = check_price(price)) return Answer<Done>(std::unexpected(*bad));
                const Act act{ActKind::kPrice,
                              kSetPrice,
                              "site",
                              act_content(kSetPrice, {{"price_e4", std::to_string(price.count())}}),
                              {},
                              1};
                if (auto waits = wait_for_second_person(db, act, who, reason, now))
                    return Answer<Done>(std::unexpected(*waits));
                return store::set_price(db, price, who, reason, now, changes);
            },
            std::move(done));
    }

    // --- Desired state
    void set_remote_hold(JobOrder order, bool off, WhenDone<JobRecord> done) override {
        PartOrder wanted;
        wanted.part = Part::kRemoteHold;
        wanted.kind = off ? "relay_off" : "relay_on";
        wanted.off = off;
        submit_part(std::move(order), wanted, std::move(done));
    }
    void set_force(JobOrder order, int force_minutes, WhenDone<JobRecord> done) override {
        if (auto bad = check_force(force_minutes)) return refuse(std::move(done), std::move(*bad));
        PartOrder wanted;
        wanted.part = Part::kForce;
        wanted.kind = force_minutes == 0 ? "force_end" : "force";
        wanted.force_minutes = force_minutes;
        if (force_minutes > 0) wanted.force_until = engine_.clock() + minutes(force_minutes);
        submit_part(std::move(order), wanted, std::move(done));
    }
    void acknowledge(JobOrder order, WhenDone<JobRecord> done) override {
        PartOrder wanted;
        wanted.part = Part::kAcknowledge;
        wanted.kind = "acknowledge";
        submit_part(std::move(order), wanted, std::move(done));
    }
    void set_alarms(JobOrder order, AlarmLevels levels, WhenDone<JobRecord> done) override {
        if (auto bad = check_alarms(levels)) return refuse(std::move(done), std::move(*bad));
        PartOrder wanted;
        wanted.part = Part::kAlarms;
        wanted.kind = "alarms";
        wanted.alarms = levels;
        submit_part(std::move(order), wanted, std::move(done));
    }

    void reset_lockout(JobOrder order, WhenDone<JobRecord> done) override {
        PartOrder wanted;
        wanted.part = Part::kResetLockout;
        wanted.kind = "reset_lockout";
        submit_part(std::move(order), wanted, std::move(done));
    }
    void clear_household(JobOrder order, WhenDone<JobRecord> done) override {
        PartOrder wanted;
        wanted.part = Part::kClear;
        wanted.kind = "clear";
        engine_.writer.submit<JobRecord>(
            [this, order = std::move(order), wanted](Db& db, Changes& changes) -> Answer<JobRecord> {
                const UnixTime now = engine_.clock();
                if (!is_ordered(db, order.order_id) && db.ok()) {
                    if (const auto known = read_desired(db, order.household); !known)
                        return std::unexpected(known.error());
                    const Act act{ActKind::kClear,
                                  kClear,
                                  "household " + std::to_string(order.household.value),
                                  act_content(kClear, {{"order_id", order.order_id},
                                                       {"household", std::to_string(order.household.value)}}),
                                  {},
                                  1};
                    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
                    if (auto waits =
                            wait_for_second_person(db, act, {order.operator_name, order.from}, order.reason, now))
                        return std::unexpected(*waits);
                }
                return order_part(db, order, wanted, now, changes);
            },
            std::move(done));
    }
    Answer<std::vector<TicketQuestion>> ticket_questions() override { return engine_.pool.ask(read_ticket_questions); }
    void answer_ticket_question(TicketAnswerOrder order, WhenDone<BookingsAnswer> done) override {
        engine_.writer.submit<BookingsAnswer>(
            [this, order = std::move(order)](Db& db, Changes& changes) {
                engine_.readings->settle(db, order.household, changes);
                return store::answer_ticket_question(db, order, engine_.clock(), changes);
            },
            std::move(done));
    }

    // --- Users
    Answer<std::vector<UserRecord>> users() override { return engine_.pool.ask(read_users); }
    void create_user(UserRecord user, std::string password, Actor who, WhenDone<UserRecord> done) override {
        if (user.user.empty() || user.user.size() > 64)
            return refuse(std::move(done), {Reason::kBadArgument, "A user name has 1 to 64 bytes.", 64});
        with_hash<UserRecord>(std::move(password), std::move(done),
                              [this, user = std::move(user), who = std::move(who)](Db& db, const std::string& hash) {
                                  return store::create_user(db, user, hash, who, engine_.clock());
                              });
    }
    void change_user(UserChange change, Actor who, WhenDone<UserRecord> done) override {
        engine_.writer.submit<UserRecord>(
            [this, change = std::move(change), who = std::move(who)](Db& db, Changes&) {
                return store::change_user(db, change, who, engine_.clock());
            },
            std::move(done));
    }
    void set_password(UserId user, std::string password, Actor who, WhenDone<Done> done) override {
        with_hash<Done>(std::move(password), std::move(done),
                        [this, user, who = std::move(who)](Db& db, const std::string& hash) {
                            return store::set_password(db, user, hash, who, engine_.clock());
                        });
    }
    void sign_in(std::string user, std::string password, std::string from, WhenDone<Session> done) override {
        slow_->run([this, user = std::move(user), password = std::move(password), from = std::move(from),
                    done = std::move(done)] { done(try_sign_in(user, password, from)); });
    }
    void sign_out(std::string token, std::string from, WhenDone<Done> done) override {
        engine_.writer.submit<Done>([this, hash = hash_token(token), from = std::move(from)](
                                        Db& db, Changes&) { return end_session(db, hash, from, engine_.clock()); },
                                    std::move(done));
    }
    Answer<UserRecord> session(std::string_view token) override {
        const std::string hash = hash_token(token);
        const UnixTime now = engine_.clock();
        auto found = engine_.pool.ask([&](Db& db) { return read_session(db, hash, now); });
        if (!found) return std::unexpected(std::move(found.error()));
        if (now - found->used_at >= kSessionKeptEvery)
            engine_.writer.submit<Done>([hash, now](Db& db, Changes&) { return keep_session(db, hash, now); }, {});
        return std::move(found->user);
    }

    // --- Line masters
    Answer<std::vector<LineRecord>> lines() override { return engine_.pool.ask(read_lines); }
    Answer<std::vector<BoxRecord>> boxes_of_line(LineId line) override {
        return engine_.pool.ask([&](Db& db) { return read_boxes_of_line(db, line); });
    }
    Answer<DesiredState> desired(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_desired(db, household); });
    }
    Answer<std::vector<DesiredState>> desired_of_box(BoxId box) override {
        return engine_.pool.ask([&](Db& db) { return read_desired_of_box(db, box); });
    }
    Answer<std::vector<DesiredState>> desired_of_line(LineId line) override {
        return engine_.pool.ask([&](Db& db) { return read_desired_of_line(db, line); });
    }
    void reserve_counters(BoxId box, std::uint32_t count, WhenDone<std::uint32_t> done) override {
        engine_.writer.submit<std::uint32_t>(
            [box, count](Db& db, Changes&) { return store::reserve_counters(db, box, count); }, std::move(done));
    }
    void raise_counter(BoxId box, std::uint32_t last_counter, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [box, last_counter](Db& db, Changes&) { return store::raise_counter(db, box, last_counter); },
            std::move(done));
    }
    void record_readings(std::vector<Reading> readings, WhenDone<Done> done) override {
        add_known_powers(readings);
        engine_.writer.submit<Done>([this, readings = std::move(readings)](
                                        Db& db, Changes& changes) { return readings_.record(db, readings, changes); },
                                    std::move(done));
    }
    void record_powers(std::vector<PowerReading> powers) override {
        const std::lock_guard lock(powers_mutex_);
        for (const PowerReading& power : powers)
            powers_[power.household.value] = power;
    }
    void record_box_seen(BoxSeen seen, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [seen](Db& db, Changes& changes) { return store::record_box_seen(db, seen, changes); }, std::move(done));
    }
    void record_sent(Delivery delivery, UnixTime at, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [delivery, at](Db& db, Changes& changes) { return store::record_sent(db, delivery, at, changes); },
            std::move(done));
    }
    void record_confirmed(Delivery delivery, MeterEffect effect, UnixTime at, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, delivery, effect, at](Db& db, Changes& changes) {
                readings_.settle(db, delivery.household, changes);
                readings_.touch(delivery.household);
                return store::record_confirmed(db, delivery, effect, at, changes);
            },
            std::move(done));
    }
    void record_effect(HouseholdId household, MeterEffect effect, UnixTime at, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, household, effect, at](Db& db, Changes& changes) {
                readings_.settle(db, household, changes);
                readings_.touch(household);
                return store::record_effect(db, household, effect, at, changes);
            },
            std::move(done));
    }
    void record_refused(Delivery delivery, std::string problem, bool for_good, UnixTime at,
                        WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [delivery, problem = std::move(problem), for_good, at](Db& db, Changes& changes) {
                return store::record_refused(db, delivery, problem, for_good, at, changes);
            },
            std::move(done));
    }

  private:
    template <class T>
    static void refuse(WhenDone<T> done, Refusal refusal) {
        if (done) done(std::unexpected(std::move(refusal)));
    }
    static bool is_ordered(Db& db, std::string_view order_id) {
        return db.query("SELECT 1 FROM jobs WHERE order_id = $1", {order_id}, [](const Row&) {}) > 0;
    }
    void submit_part(JobOrder order, const PartOrder& wanted, WhenDone<JobRecord> done) {
        engine_.writer.submit<JobRecord>(
            [this, order = std::move(order), wanted](Db& db, Changes& changes) {
                return order_part(db, order, wanted, engine_.clock(), changes);
            },
            std::move(done));
    }
    // Hashes on the slow thread, then changes the tables on the writing one.
    template <class T, class Apply>
    void with_hash(std::string password, WhenDone<T> done, Apply apply) {
        if (password.size() < kPasswordSizeMin)
            return refuse(
                std::move(done),
                {Reason::kPasswordWeak, "A password has at least " + std::to_string(kPasswordSizeMin) + " characters.",
                 static_cast<std::int64_t>(kPasswordSizeMin)});
        slow_->run([this, password = std::move(password), done = std::move(done), apply = std::move(apply)] {
            std::string hash = hash_password(password, cheap_password_hash_);
            if (hash.empty())
                return refuse(done, {Reason::kStorageFailed, "Not enough memory to hash the password.", 0});
            engine_.writer.submit<T>([apply, hash = std::move(hash)](Db& db, Changes&) { return apply(db, hash); },
                                     done);
        });
    }
    // What the journal says of a sign-in that was refused. A name that nobody has is not written down: people type
    // their password there. Of those at most one record a minute, with how many there were, so that nobody can fill the
    // journal.
    RefusedSignIn refused_sign_in(const UserRecord* user, bool right, const std::string& from, UnixTime now) {
        AuditRecord record{0, now, {"", from}, "session.refuse", "a name that nobody has", "", "", "", ""};
        if (user) {
            record.who.user = user->user;
            record.subject = "user " + user->user;
            record.after = right ? "the user is disabled" : "wrong password";
            return record;
        }
        ++nobodys_tries_;
        if (nobodys_tries_noted_at_ != UnixTime{} && now - nobodys_tries_noted_at_ < minutes(1)) return std::nullopt;
        record.after = std::to_string(nobodys_tries_) + " since the record before";
        nobodys_tries_ = 0;
        nobodys_tries_noted_at_ = now;
        return record;
    }
    // On the slow thread: waits for the writer, so that the next try sees this one's outcome.
    template <class Apply>
    Answer<Done> write_and_wait(Apply apply) {
        std::promise<Answer<Done>> written;
        auto outcome = written.get_future();
        engine_.writer.submit<Done>(std::move(apply),
                                    [&](Answer<Done> answer) { written.set_value(std::move(answer)); });
        return outcome.get();
    }
    Answer<Session> try_sign_in(const std::string& user, const std::string& password, const std::string& from) {
        const UnixTime now = engine_.clock();
        std::optional<UserSecret> secret;
        const auto allowed = engine_.pool.ask([&](Db& db) {
            secret = find_user(db, user);
            return check_lock(db, user, now);
        });
        if (!allowed) return std::unexpected(allowed.error());
        // A name that nobody has takes as long as a wrong password.
        if (nobody_hash_.empty()) nobody_hash_ = hash_password("nobody signs in with this", cheap_password_hash_);
        const bool right = is_password(secret ? secret->password_hash : nobody_hash_, password);
        if (!secret || !right || secret->user.disabled) {
            const RefusedSignIn record = refused_sign_in(secret ? &secret->user : nullptr, right, from, now);
            const auto counted = write_and_wait(
                [&](Db& db, Changes&) { return record_wrong_password(db, user.substr(0, 64), record, now); });
            if (!counted) return std::unexpected(counted.error());
            return std::unexpected(Refusal{Reason::kSignInRefused, "User or password is wrong.", 0});
        }
        Session session{secret->user, new_token()};
        const auto begun = write_and_wait([&, hash = hash_token(session.token)](Db& db, Changes&) {
            return begin_session(db, session.user, hash, from, now);
        });
        if (!begun) return std::unexpected(begun.error());
        return session;
    }

    std::unique_ptr<Db> with_readings(std::unique_ptr<Db> db) {
        // A failure shows itself at the first reading, which tries again.
        (void)readings_.load(*db);
        db->rollback();
        return db;
    }
    void add_known_powers(std::vector<Reading>& readings) {
        const std::lock_guard lock(powers_mutex_);
        if (powers_.empty()) return;
        for (Reading& reading : readings) {
            const auto found = powers_.find(reading.household.value);
            if (found == powers_.end() || reading.power) continue;
            const Duration apart = reading.at - found->second.at;
            if (apart < kPowerHolds && apart > -kPowerHolds) reading.power = found->second.power;
        }
    }
    void add_latest(HouseholdRecord& household) {
        readings_.latest().overlay(household);
        const auto found = powers_.find(household.id.value);
        if (found != powers_.end()) household.power = found->second.power;
    }
    Answer<HouseholdRecord> with_latest(Answer<HouseholdRecord> household) {
        const std::lock_guard lock(powers_mutex_);
        if (household) add_latest(*household);
        return household;
    }
    Answer<std::vector<HouseholdRecord>> with_latest(Answer<std::vector<HouseholdRecord>> households) {
        const std::lock_guard lock(powers_mutex_);
        if (households)
            for (HouseholdRecord& household : *households)
                add_latest(household);
        return households;
    }
    void tell(const Changes& changes) {
        const std::lock_guard lock(observers_mutex_);
        for (OfficeObserver* observer : observers_)
            observer->on_changes(changes);
    }

    std::shared_ptr<void> lock_;
    bool cheap_password_hash_;
    std::mutex observers_mutex_;
    std::vector<OfficeObserver*> observers_;
    std::mutex powers_mutex_;
    std::unordered_map<std::int64_t, PowerReading> powers_;
    ReadingLog readings_;
    std::string nobody_hash_;  // slow thread only, as the two below
    std::int64_t nobodys_tries_ = 0;
    UnixTime nobodys_tries_noted_at_;
    // Before the engine: what its writer still has to write at the end goes through it.
    const Writer::Group<SaleOrder, SaleAnswer> sales_{[this](Db& db, std::span<const SaleOrder* const> orders,
                                                             std::span<Answer<SaleAnswer>* const> answers,
                                                             Changes& changes) {
        for (const SaleOrder* order : orders)
            readings_.settle(db, order->household, changes);  // what was used decides how much may be held
        book_sales(db, orders, answers, engine_.clock(), changes);
    }};
    Engine engine_;
    std::unique_ptr<Accounts> accounts_;
    std::unique_ptr<Campaigns> campaigns_;
    std::unique_ptr<Archive> archive_;
    std::unique_ptr<Audit> audit_;
    std::unique_ptr<Approvals> approvals_;
    std::unique_ptr<WorkList> work_list_;
    std::unique_ptr<Cards> cards_;
    std::unique_ptr<Warrants> warrants_;
    std::optional<SlowThread> slow_{std::in_place};
};

}  // namespace

std::unique_ptr<Office> make_office(Connections connections) {
    return std::make_unique<OfficeOnDb>(std::move(connections));
}

}  // namespace prewatt::server::store

// An office in memory for the tests of the routes: two rooms of one box (household 1 has been read, household 2 never
// was), four users whose password is "correct-horse" (owner, cashier, technician, auditor). It executes sales and jobs
// at once and remembers order ids; a test sets `refuse_changes` to see how a refusal reads in HTTP. Not thread-safe
// beyond one lock.
#pragma once
#include <algorithm>
#include <map>
#include <mutex>

#include "server/api/field.hpp"
#include "server/api/testing/fake_accounts.hpp"
#include "server/api/testing/fake_archive.hpp"
#include "server/api/testing/fake_audit.hpp"
#include "server/api/testing/fake_cards.hpp"
#include "server/api/testing/fake_warrants.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::api {

inline constexpr UnixTime kFakeNow{1'790'000'000'000};

class FakeCampaigns final : public Campaigns {
  public:
    CampaignRecord record_of(CampaignId id) const {
        CampaignRecord record = started_;
        record.id = id;
        return record;
    }
    Answer<CampaignPreview> preview(const Selection&, const Wish& wish, const Actor& actor) override {
        if (auto bad = check_wish(wish)) return std::unexpected(*bad);
        CampaignPreview preview;
        preview.members = selected;
        preview.households = selected;
        preview.needs_two = selected > ApprovalRules{}.households_max;
        last_actor = actor;
        preview.lines.push_back({1, "3-0101", "relay on", "relay off", ""});
        return preview;
    }
    void start(CampaignOrder order, Actor actor, WhenDone<CampaignRecord> done) override {
        started_.id = {1};
        started_.order = std::move(order);
        started_.operator_name = actor.user;
        last_actor = actor;
        done(started_);
    }
    Answer<CampaignRecord> campaign(CampaignId id) override {
        if (id.value != 1) return std::unexpected(Refusal{Reason::kNotFound, "There is no such campaign.", 0});
        return record_of(id);
    }
    Answer<std::vector<CampaignRecord>> campaigns(int) override { return std::vector{started_}; }
    Answer<std::vector<CampaignMember>> members(CampaignId id, std::optional<MemberState> state, std::int64_t after,
                                                int limit) override {
        if (id.value != 1) return std::unexpected(Refusal{Reason::kNotFound, "There is no such campaign.", 0});
        last_question =
            std::string{state ? word(*state) : "all"} + " " + std::to_string(after) + " " + std::to_string(limit);
        return std::vector{CampaignMember{7, "3-0107", MemberState::kFailed, "the meter refused it", 1, JobId{12}}};
    }
    void pause(CampaignId id, Actor, WhenDone<CampaignRecord> done) override { done(record_of(id)); }
    void resume(CampaignId id, Actor, WhenDone<CampaignRecord> done) override { done(record_of(id)); }
    void cancel(CampaignId id, Actor, WhenDone<CampaignRecord> done) override { done(record_of(id)); }
    void retry(CampaignId id, Actor, WhenDone<CampaignRecord> done) override { done(record_of(id)); }
    void set_group(std::string name, std::vector<HouseholdId> list, Actor, WhenDone<GroupRecord> done) override {
        done(GroupRecord{{1}, std::move(name), static_cast<std::int64_t>(list.size())});
    }
    Answer<std::vector<GroupRecord>> groups() override { return std::vector<GroupRecord>{{{1}, "floor 5", 13}}; }
    Answer<std::optional<UnixTime>> due(UnixTime) override { return std::optional<UnixTime>{}; }
    void advance(UnixTime, WhenDone<bool> done) override { done(false); }
    Answer<BoxSettings> settings_of_box(BoxId box) override {
        if (refuse_questions) return std::unexpected(*refuse_questions);
        return BoxSettings{box, {}, {}};
    }
    Answer<std::vector<SettingState>> settings_of_household(HouseholdId) override {
        return std::vector<SettingState>{};
    }
    void record_setting(SettingReport, WhenDone<Done> done) override { done(Done{}); }

    std::int64_t selected = 39;
    Actor last_actor;
    std::string last_question;  // of members: "failed 0 200"
    std::optional<Refusal> refuse_questions;

  private:
    CampaignRecord started_;
};

class FakeOffice : public Office {
  public:
    std::optional<Refusal> refuse_changes;
    bool throw_on_site = false;
    int sales_made = 0;

    FakeOffice() {
        for (int i = 0; i < 4; ++i) {
            const auto role = static_cast<Role>(i + 1);
            users_.push_back({UserId{i + 1}, std::string(word(role)), "The " + std::string(word(role)), role, false});
        }
    }
    void tell(Change change) {
        if (observer_) observer_->on_changes({&change, 1});
    }

    FakeAccounts& accounts() override { return accounts_; }
    Campaigns& campaigns() override { return campaigns_; }
    FakeCampaigns& campaigns_fake() { return campaigns_; }
    FakeArchive& archive() override { return archive_; }
    FakeApprovals& approvals() override { return approvals_; }
    FakeAudit& audit() override { return audit_; }
    FakeWorkList& work_list() override { return work_list_; }
    FakeCards& cards() override { return cards_; }
    FakeWarrants& warrants() override { return warrants_; }
    void add_observer(OfficeObserver& observer) override { observer_ = &observer; }
    void remove_observer(OfficeObserver&) override { observer_ = nullptr; }

    Answer<SiteRecord> site() override {
        if (throw_on_site) throw std::runtime_error("a fault of the program");
        SiteRecord site;
        site.name = "Fake";
        site.price = UnitPrice{6400};
        site.buildings = {{BuildingId{1}, "3"}};
        site.rooms = {{RoomId{1}, BuildingId{1}, "3-0101", 1, HouseholdId{1}},
                      {RoomId{2}, BuildingId{1}, "3-0102", 1, {}}};
        site.boxes = {fake_box()};
        return site;
    }
    Answer<HouseholdRecord> household(HouseholdId id) override {
        if (id.value < 1 || id.value > 2) return none("no such household");
        HouseholdRecord h;
        h.id = id;
        h.room = id.value == 1 ? "3-0101" : "3-0102";
        h.building = "3";
        h.floor = 1;
        h.resident = "刘芳";
        h.box_number = 2026000001;
        h.box_answering = true;
        h.desired.household = id;
        h.desired.box = BoxId{1};
        h.desired.number = static_cast<std::uint8_t>(id.value);
        h.price = UnitPrice{6400};
        if (id.value == 1) {
            h.desired.ticket = {1, 2, credit_of_hundredths(5000)};
            h.desired.confirmed_epoch = 1;
            h.desired.confirmed_number = 1;
            h.read_at = kFakeNow;
            h.state.set_holds(HoldSet{0b101});
            h.remaining = credit_of_hundredths(-3);
            h.forward = energy_of_hundredths(123456);
            h.power = watts(75);
        }
        return h;
    }
    Answer<std::vector<HouseholdRecord>> find_households(std::string_view text, int limit) override {
        std::vector<HouseholdRecord> found;
        for (std::int64_t id = 1; id <= 2 && id <= limit; ++id)
            if (text.empty() || household(HouseholdId{id})->room.find(text) != std::string::npos)
                found.push_back(*household(HouseholdId{id}));
        return found;
    }
    Answer<BoxRecord> box(std::uint64_t number) override {
        if (number != 2026000001) return none("no such box");
        return fake_box();
    }
    Answer<BoxRecord> box(BoxId id) override {
        if (id.value != 1) return none("no such box");
        return fake_box();
    }
    Answer<std::vector<HouseholdRecord>> households_of_box(BoxId) override { return find_households("", 2); }

    Answer<SaleRecord> sale(SaleId id) override {
        const std::lock_guard lock(mutex_);
        for (const auto& [order, sale] : sales_)
            if (sale.id == id) return sale;
        return none("no such sale");
    }
    Answer<SaleRecord> sale_by_order(std::string_view order_id) override {
        const std::lock_guard lock(mutex_);
        const auto found = sales_.find(std::string(order_id));
        if (found == sales_.end()) return none("no such sale");
        return found->second;
    }
    Answer<std::vector<SaleRecord>> sales(HouseholdId household, SaleId, int) override {
        const std::lock_guard lock(mutex_);
        std::vector<SaleRecord> list;
        for (const auto& [order, sale] : sales_)
            if (!household || sale.household == household) list.push_back(sale);
        return list;
    }
    Answer<std::vector<LedgerEntry>> entries(HouseholdId household, std::int64_t, int) override {
        LedgerEntry paid{household,        1,    kFakeNow,  SaleId{1}, 1, LedgerAccount::kCash, LedgerAccount::kSales,
                         LedgerUnit::kFen, 2000, fen(2000), {}};
        LedgerEntry given{household,
                          2,
                          kFakeNow,
                          SaleId{},
                          1,
                          LedgerAccount::kSupply,
                          LedgerAccount::kHousehold,
                          LedgerUnit::kHundredths,
                          3125,
                          fen(2000),
                          credit_of_hundredths(3125)};
        return std::vector{given, paid};
    }
    Answer<std::vector<Reading>> readings(HouseholdId household, UnixTime from, UnixTime, Step) override {
        return std::vector{
            Reading{household, from, energy_of_hundredths(1), credit_of_hundredths(2), HouseholdState{0x200}}};
    }
    Answer<JobRecord> job(JobId id) override {
        if (id.value != 7) return none("no such job");
        return fake_job({"x", HouseholdId{1}, "owner", "because"}, "relay_off");
    }
    Answer<std::vector<JobRecord>> jobs(HouseholdId, int) override { return std::vector{*job(JobId{7})}; }

    void sell(SaleOrder order, WhenDone<SaleAnswer> done) override {
        if (refuse_changes) return done(std::unexpected(*refuse_changes));
        SaleAnswer answer;
        {
            const std::lock_guard lock(mutex_);
            const auto [where, is_new] = sales_.try_emplace(order.order_id);
            SaleRecord& sale = where->second;
            if (is_new) {
                ++sales_made;
                sale.id = SaleId{sales_made};
                sale.receipt = "20260923-00000" + std::to_string(sales_made);
                sale.order_id = order.order_id;
                sale.household = order.household;
                sale.room = "3-0101";
                sale.amount = order.amount;
                sale.energy = energy_of_hundredths(3125);
                sale.price = UnitPrice{6400};
                sale.channel = order.channel;
                sale.operator_name = order.operator_name;
                sale.ticket = {1, 1, credit_of_hundredths(3125)};
                sale.accepted_at = sale.booked_at = sale.desired_at = order.accepted_at;
                sale.sent_at = order.accepted_at;
            }
            answer = {sale, !is_new};
        }
        tell({Change::Kind::kSale, answer.sale.id.value});
        done(answer);
    }
    void set_price(UnitPrice, Actor, std::string, WhenDone<Done> done) override {
        finish<Done>(std::move(done), Done{});
    }
    void set_remote_hold(JobOrder order, bool off, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, off ? "relay_off" : "relay_on"));
    }
    void set_force(JobOrder order, int minutes, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, minutes ? "force" : "force_end"));
    }
    void acknowledge(JobOrder order, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, "acknowledge"));
    }
    void set_alarms(JobOrder order, AlarmLevels, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, "alarms"));
    }
    void reset_lockout(JobOrder order, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, "reset_lockout"));
    }
    void clear_household(JobOrder order, WhenDone<JobRecord> done) override {
        finish(std::move(done), fake_job(order, "clear"));
    }
    Answer<std::vector<TicketQuestion>> ticket_questions() override { return questions_; }
    void answer_ticket_question(TicketAnswerOrder order, WhenDone<BookingsAnswer> done) override {
        if (order.household != questions_.front().household)
            return done(std::unexpected(Refusal{Reason::kNotFound, "Nothing is asked about this room.", 0}));
        Booking booking;
        booking.id = BookingId{77};
        booking.kind = order.answer == TicketAnswer::kTakeMeters ? BookingKind::kTakeOver : BookingKind::kReissue;
        booking.order_id = order.order.order_id;
        booking.household = order.household;
        booking.operator_name = order.order.who.user;
        booking.reason = order.order.reason;
        booking.ticket = {1, order.contains.value_or(9), credit_of_hundredths(7000), AccountUnit::kEnergy};
        finish<BookingsAnswer>(std::move(done), BookingsAnswer{{booking}, false});
    }

    Answer<std::vector<UserRecord>> users() override { return users_; }
    void create_user(UserRecord user, std::string, Actor, WhenDone<UserRecord> done) override {
        user.id = UserId{9};
        finish(std::move(done), user);
    }
    void change_user(UserChange change, Actor who, WhenDone<UserRecord> done) override {
        if (auto bad = check_user_change(users_, change, who)) return done(std::unexpected(*bad));
        UserRecord user = *std::ranges::find(users_, change.user, &UserRecord::id);
        user.name = change.name;
        user.role = change.role;
        user.disabled = change.disabled;
        finish(std::move(done), user);
    }
    void set_password(UserId, std::string, Actor, WhenDone<Done> done) override {
        finish<Done>(std::move(done), Done{});
    }
    void sign_in(std::string user, std::string password, std::string, WhenDone<Session> done) override {
        if (refuse_changes) return done(std::unexpected(*refuse_changes));
        for (const UserRecord& known : users_)
            if (known.user == user && password == "correct-horse") {
                const std::lock_guard lock(mutex_);
                sessions_["token-of-" + user] = known;
                return done(Session{known, "token-of-" + user});
            }
        done(std::unexpected(Refusal{Reason::kSignInRefused, "the user or the password is wrong"}));
    }
    void sign_out(std::string token, std::string, WhenDone<Done> done) override {
        const std::lock_guard lock(mutex_);
        sessions_.erase(token);
        done(Done{});
    }
    Answer<UserRecord> session(std::string_view token) override {
        const std::lock_guard lock(mutex_);
        const auto found = sessions_.find(std::string(token));
        if (found == sessions_.end()) return std::unexpected(Refusal{Reason::kSignInRefused, "no such session"});
        return found->second;
    }

    // The routes never ask these.
    Answer<std::vector<LineRecord>> lines() override { return none("unused"); }
    Answer<std::vector<BoxRecord>> boxes_of_line(LineId) override { return none("unused"); }
    Answer<DesiredState> desired(HouseholdId) override { return none("unused"); }
    Answer<std::vector<DesiredState>> desired_of_box(BoxId) override { return none("unused"); }
    Answer<std::vector<DesiredState>> desired_of_line(LineId) override { return none("unused"); }
    void reserve_counters(BoxId, std::uint32_t, WhenDone<std::uint32_t>) override {}
    void raise_counter(BoxId, std::uint32_t, WhenDone<Done>) override {}
    void record_readings(std::vector<Reading>, WhenDone<Done>) override {}
    void record_powers(std::vector<PowerReading>) override {}
    void record_box_seen(BoxSeen, WhenDone<Done>) override {}
    void record_sent(Delivery, UnixTime, WhenDone<Done>) override {}
    void record_confirmed(Delivery, MeterEffect, UnixTime, WhenDone<Done>) override {}
    void record_effect(HouseholdId, MeterEffect, UnixTime, WhenDone<Done>) override {}
    void record_refused(Delivery, std::string, bool, UnixTime, WhenDone<Done>) override {}

  private:
    static std::unexpected<Refusal> none(const char* what) { return std::unexpected(Refusal{Reason::kNotFound, what}); }
    static BoxRecord fake_box() {
        return {BoxId{1}, 2026000001, LineId{1}, Wiring::k39x1, true, kFakeNow, kFakeNow, 0b1011, kFakeNow};
    }
    static JobRecord fake_job(const JobOrder& order, const char* kind) {
        JobRecord job;
        job.id = JobId{7};
        job.household = order.household;
        job.kind = kind;
        job.created_at = kFakeNow;
        job.operator_name = order.operator_name;
        job.reason = order.reason;
        return job;
    }
    template <class T>
    void finish(WhenDone<T> done, T value) {
        if (refuse_changes) return done(std::unexpected(*refuse_changes));
        done(std::move(value));
    }

    std::mutex mutex_;
    OfficeObserver* observer_ = nullptr;
    FakeAccounts accounts_;
    FakeCampaigns campaigns_;
    FakeArchive archive_;
    FakeAudit audit_;
    FakeApprovals approvals_;
    FakeWorkList work_list_;
    FakeCards cards_;
    FakeWarrants warrants_;
    std::vector<UserRecord> users_;
    std::vector<TicketQuestion> questions_ = {{HouseholdId{1},
                                               Situation::kAhead,
                                               kFakeNow,
                                               {1, 5, credit_of_hundredths(6000), {}, credit_of_hundredths(7000)},
                                               {1, 2, credit_of_hundredths(2000), AccountUnit::kEnergy},
                                               credit_of_hundredths(750),
                                               kFakeNow}};
    std::map<std::string, UserRecord> sessions_;
    std::map<std::string, SaleRecord> sales_;
};

class FakeField final : public Field {
  public:
    std::optional<LiveError> live_error;
    std::vector<LineStatus> lines() override {
        LineStatus line;
        line.id = LineId{1};
        line.name = "Line 1";
        line.url = "tcp://127.0.0.1:4001";
        line.state = "up";
        line.silent_boxes = {2026000002};
        line.readers = {{7, "answering", 120, 118, 4, 3, kFakeNow, {}}};
        return {line};
    }
    std::expected<LiveValues, LiveError> live(HouseholdId) override {
        if (live_error) return std::unexpected(*live_error);
        LiveValues live;
        live.read_at = kFakeNow;
        live.voltage = volts(229);
        live.frequency = millihertz(50'010);
        live.circuits = {
            {milliamperes(328), watts(75), ReactivePower{}, ApparentPower{watts(76).count()}, PowerFactor{987}, true}};
        return live;
    }
    void watch(BoxId) override {}
};

}  // namespace prewatt::server::api

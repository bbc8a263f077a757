// Accounts for the tests of the interface: answers that show every field, one of each; changes are remembered. A test
// sets `refuse` to see how a refusal reads.
#pragma once
#include "server/domain/accounts.hpp"

namespace prewatt::server::api {

class FakeAccounts final : public Accounts {
  public:
    static constexpr UnixTime kNow{1'790'000'000'000};
    std::optional<Refusal> refuse;
    std::string last_order_id;
    std::string last_change;   // "refund 3 1000"
    std::string last_preview;  // "owner refund 3 all"

    Answer<Booking> booking(BookingId id) override {
        if (id.value != 42) return none("booking");
        return refund_booking();
    }
    Answer<std::vector<Booking>> bookings(HouseholdId, BookingId, int) override {
        return std::vector{refund_booking()};
    }
    Answer<AccountRecord> account(HouseholdId household) override {
        AccountRecord record;
        record.household = household;
        record.account.ticket = {1, 5, credit_of_hundredths(5000)};
        record.account.used_known = credit_of_hundredths(1000);
        record.account.free_left = credit_of_hundredths(500);
        record.account.paid = fen(3000);
        record.confirmed = true;
        record.worth = fen(2240);
        record.payers = {{ResidentId{3}, "李雷", Channel::kCash, fen(2000), fen(1500)},
                         {ResidentId{}, "", Channel::kWechat, fen(1000), fen(740)}};
        return record;
    }
    Answer<std::vector<DueRecord>> dues(HouseholdId household) override { return std::vector{due(household)}; }
    Answer<std::vector<DueRecord>> dues_of(BookingId booking) override {
        if (booking.value != 42) return none("refund or settlement");
        return std::vector{due(HouseholdId{1})};
    }
    Answer<std::vector<ResidentRecord>> residents(HouseholdId household) override {
        return std::vector{ResidentRecord{ResidentId{3}, household, "李雷", "13800000000", kNow, std::nullopt}};
    }
    Answer<std::vector<DrawerRecord>> drawers() override {
        return std::vector{DrawerRecord{DrawerId{1}, "Desk 1", true, "owner", fen(12'300)}};
    }
    Answer<std::vector<Movement>> movements(DrawerId, std::int64_t, int) override { return std::vector{movement()}; }
    Answer<std::vector<PlanVersion>> plans() override { return std::vector{plan_version()}; }
    Answer<PlanPreview> preview(HouseholdId, Money amount) override {
        if (refuse) return std::unexpected(*refuse);
        PlanPreview preview;
        preview.plan = PlanId{2};
        preview.content = plan_version().plan;
        preview.position_ckwh = 4900;
        preview.priced = price_sale(preview.content, AccountUnit::kEnergy, amount, preview.position_ckwh);
        return preview;
    }
    Answer<std::vector<QuotaRule>> quota_rules() override {
        return std::vector{QuotaRule{0, QuotaPer::kResident, credit_of_hundredths(800), credit_of_hundredths(500)}};
    }

    void preview_refund(RefundOrder o, WhenDone<MoneyPreview> done) override {
        previewed(o.order, "refund " + number(o.sale.value) + (o.amount ? number(o.amount->count()) : "all"),
                  std::move(done));
    }
    void preview_correction(CorrectionOrder o, WhenDone<MoneyPreview> done) override {
        previewed(o.order, "correct " + number(o.sale.value) + number(o.right_household.value), std::move(done));
    }
    void preview_settlement(MoneyOrder order, HouseholdId h, WhenDone<MoneyPreview> done) override {
        previewed(order, "settle " + number(h.value), std::move(done));
    }

    void grant(MoneyOrder order, HouseholdId h, Credit amount, WhenDone<BookingsAnswer> done) override {
        booked(order, "grant " + number(h.value) + number(in_hundredths(amount, Round::kDown)), std::move(done));
    }
    void refund(RefundOrder o, WhenDone<BookingsAnswer> done) override {
        booked(o.order, "refund " + number(o.sale.value) + (o.amount ? number(o.amount->count()) : "all"),
               std::move(done));
    }
    void pay_out(PayoutOrder o, WhenDone<MovementsAnswer> done) override {
        moved(o.order, "pay_out " + number(o.booking.value) + number(o.part) + number(o.drawer.value), std::move(done));
    }
    void correct(CorrectionOrder o, WhenDone<BookingsAnswer> done) override {
        booked(o.order,
               "correct " + number(o.sale.value) + number(o.right_household.value) +
                   (o.right_amount ? number(o.right_amount->count()) : ""),
               std::move(done));
    }
    void settle(MoneyOrder order, HouseholdId h, WhenDone<BookingsAnswer> done) override {
        booked(order, "settle " + number(h.value), std::move(done));
    }
    void open(MoneyOrder order, HouseholdId h, WhenDone<BookingsAnswer> done) override {
        booked(order, "open " + number(h.value), std::move(done));
    }
    void move(MoveOrder o, WhenDone<BookingsAnswer> done) override {
        booked(o.order, "move " + number(o.from.value) + number(o.to.value), std::move(done));
    }
    void change_box(BoxOrder o, WhenDone<BookingsAnswer> done) override {
        booked(o.order,
               "change_box " + number(o.household.value) + number(static_cast<std::int64_t>(o.box_number)) +
                   number(o.number),
               std::move(done));
    }
    void reopen(MoneyOrder order, HouseholdId h, WhenDone<BookingsAnswer> done) override {
        booked(order, "reopen " + number(h.value), std::move(done));
    }
    void give_back(Actor, WhenDone<int> done) override { answer(std::move(done), 0); }
    void add_resident(MoneyOrder order, ResidentRecord resident, WhenDone<ResidentRecord> done) override {
        last_order_id = order.order_id;
        last_change = "add_resident " + resident.name;
        resident.id = ResidentId{3};
        resident.from = kNow;
        answer(std::move(done), std::move(resident));
    }
    void end_stay(Actor, ResidentId resident, WhenDone<ResidentRecord> done) override {
        last_change = "end_stay " + number(resident.value);
        answer(std::move(done), ResidentRecord{resident, HouseholdId{1}, "李雷", "", kNow, kNow});
    }
    void add_drawer(Actor, std::string name, WhenDone<DrawerRecord> done) override {
        answer(std::move(done), DrawerRecord{DrawerId{1}, std::move(name), false, "", Money{}});
    }
    void open_drawer(DrawerOrder o, WhenDone<MovementsAnswer> done) override { of_drawer("open", o, std::move(done)); }
    void count_drawer(DrawerOrder o, WhenDone<MovementsAnswer> done) override {
        of_drawer("count", o, std::move(done));
    }
    void empty_drawer(DrawerOrder o, WhenDone<MovementsAnswer> done) override {
        of_drawer("empty", o, std::move(done));
    }
    void add_plan(MoneyOrder order, PlanVersion plan, WhenDone<PlanVersion> done) override {
        last_order_id = order.order_id;
        last_change = "add_plan " + text_of(plan.plan);
        plan.id = PlanId{2};
        plan.created_at = kNow;
        plan.operator_name = order.who.user;
        answer(std::move(done), std::move(plan));
    }
    void set_price_group(Actor, HouseholdId h, std::int64_t group, std::string reason, WhenDone<Done> done) override {
        last_change = "set_price_group " + number(h.value) + number(group) + reason;
        answer(std::move(done), Done{});
    }
    void set_quota_rule(Actor, QuotaRule rule, std::string, WhenDone<Done> done) override {
        last_change = "set_quota_rule " + number(rule.group) + number(in_hundredths(rule.quota, Round::kDown));
        answer(std::move(done), Done{});
    }
    void run_quotas(Actor, WhenDone<QuotaRun> done) override { answer(std::move(done), QuotaRun{30, 5, 4, 0}); }

  private:
    static std::unexpected<Refusal> none(const char* what) {
        return std::unexpected(Refusal{Reason::kNotFound, std::string{"There is no such "} + what + ".", 0});
    }
    static std::string number(std::int64_t value) { return std::to_string(value) + " "; }
    static Booking refund_booking() {
        Booking b;
        b.id = BookingId{42};
        b.kind = BookingKind::kRefund;
        b.order_id = "r-1";
        b.household = HouseholdId{1};
        b.amount = fen(-1000);
        b.given = credit_of_hundredths(-1562);
        b.channel = Channel::kCash;
        b.payer = ResidentId{3};
        b.refers = BookingId{3};
        b.operator_name = "owner";
        b.reason = "moves out";
        b.accepted_at = b.booked_at = kNow;
        b.ticket = {1, 6, credit_of_hundredths(3438)};
        b.paid_total = fen(2000);
        b.chain = std::string(64, 'a');
        return b;
    }
    static DueRecord due(HouseholdId household) {
        return {BookingId{42}, 0, household, {ResidentId{3}, Channel::kCash, fen(1000)}, fen(900), true, false};
    }
    static Movement movement() {
        Movement m;
        m.id = 7;
        m.order_id = "p-1";
        m.amount = fen(900);
        m.drawer = DrawerId{1};
        m.booking = BookingId{42};
        m.operator_name = "owner";
        m.at = kNow;
        m.chain = std::string(64, 'b');
        return m;
    }
    static PlanVersion plan_version() {
        PlanVersion version;
        version.id = PlanId{2};
        version.name = "Stepped 2026";
        version.group = 1;
        version.valid_from = kNow;
        version.plan = *plan_of("stepped energy month 5000:6400,0:9000 fee 100 5");
        version.operator_name = "owner";
        version.created_at = kNow;
        return version;
    }
    void previewed(const MoneyOrder& order, std::string what, WhenDone<MoneyPreview> done) {
        last_preview = order.who.user + " " + std::move(what);
        MoneyPreview preview;
        preview.bookings = {refund_booking()};
        preview.bookings[0].id = {};
        preview.pays = {{ResidentId{3}, Channel::kCash, fen(1000)}};
        AccountChange change{HouseholdId{1}, account(HouseholdId{1})->account, account(HouseholdId{1})->account};
        change.after.ticket.credited = change.before.ticket.credited - credit_of_hundredths(1562);
        preview.accounts = {change};
        preview.needs_two = true;
        answer(std::move(done), std::move(preview));
    }
    template <class T>
    void answer(WhenDone<T> done, T value) {
        if (refuse) return done(std::unexpected(*refuse));
        done(std::move(value));
    }
    void booked(const MoneyOrder& order, std::string change, WhenDone<BookingsAnswer> done) {
        last_order_id = order.order_id;
        last_change = std::move(change);
        answer(std::move(done), BookingsAnswer{{refund_booking()}, false});
    }
    void moved(const MoneyOrder& order, std::string change, WhenDone<MovementsAnswer> done) {
        last_order_id = order.order_id;
        last_change = std::move(change);
        answer(std::move(done), MovementsAnswer{{movement()}, {}, false});
    }
    void of_drawer(const char* what, const DrawerOrder& o, WhenDone<MovementsAnswer> done) {
        moved(o.order, std::string{what} + " " + number(o.drawer.value) + number(o.counted.count()), std::move(done));
    }
};

}  // namespace prewatt::server::api

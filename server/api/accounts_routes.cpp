// Accounts beside the plain sale: refunds, payouts, corrections, grants, settlement, moves, residents, cash drawers,
// price plans, quotas.
#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr Roles kSellers = roles({Role::kOwner, Role::kCashier});
constexpr Roles kAnswerers = roles({Role::kOwner, Role::kCashier, Role::kTechnician});
constexpr Roles kFitters = roles({Role::kOwner, Role::kTechnician});
constexpr std::int64_t kFenMax = 100'000'000'000;
constexpr std::int64_t kTime_ms_max = 4'102'444'800'000;  // 2100-01-01

std::int64_t hundredths(Credit credit) {
    return in_hundredths(credit, Round::kDown);
}
json id_or_null(std::int64_t id) {
    return id ? json(id) : json(nullptr);
}
std::string_view unit_of(AccountUnit unit) {
    return unit == AccountUnit::kEnergy ? "ckwh" : "fen";
}

json json_of(const Booking& b) {
    return {{"id", b.id.value},
            {"receipt", receipt_of(b.id, b.booked_at)},
            {"kind", word(b.kind)},
            {"order_id", b.order_id},
            {"household_id", b.household.value},
            {"amount_fen", b.amount.count()},
            {"fee_fen", b.fee.count()},
            {"unit", unit_of(b.ticket.unit)},
            {"given", hundredths(b.given)},
            {"given_free", hundredths(b.free)},
            {"price_e4", b.price.count()},
            {"plan_id", id_or_null(b.plan.value)},
            {"channel", word(b.channel)},
            {"payer_id", id_or_null(b.payer.value)},
            {"drawer_id", id_or_null(b.drawer.value)},
            {"corrects", id_or_null(b.corrects.value)},
            {"refers", id_or_null(b.refers.value)},
            {"operator", b.operator_name},
            {"reason", b.reason},
            {"booked_at", b.booked_at.ms},
            {"epoch", b.ticket.epoch},
            {"ticket_number", b.ticket.number},
            {"credited", hundredths(b.ticket.credited)},
            {"paid_total_fen", b.paid_total.count()},
            {"month_ckwh", b.month_ckwh},
            {"year_ckwh", b.year_ckwh},
            {"chain", b.chain}};
}
json json_of(const Movement& m) {
    return {{"id", m.id},
            {"kind", word(m.kind)},
            {"order_id", m.order_id},
            {"from", word(m.from)},
            {"to", word(m.to)},
            {"amount_fen", m.amount.count()},
            {"drawer_id", id_or_null(m.drawer.value)},
            {"booking_id", id_or_null(m.booking.value)},
            {"counted_fen", m.counted_fen},
            {"operator", m.operator_name},
            {"reason", m.reason},
            {"at", m.at.ms},
            {"chain", m.chain}};
}
json json_of(const DueRecord& d) {
    return {{"booking_id", d.booking.value},
            {"part", d.part},
            {"household_id", d.household.value},
            {"payer_id", id_or_null(d.share.payer.value)},
            {"channel", word(d.share.channel)},
            {"ordered_fen", d.share.amount.count()},
            {"to_pay_fen", d.to_pay.count()},
            {"confirmed", d.confirmed},
            {"paid", d.paid}};
}
json json_of(const ResidentRecord& r) {
    return {{"id", r.id.value},     {"household_id", r.household.value},
            {"name", r.name},       {"phone", r.phone},
            {"from_at", r.from.ms}, {"to_at", r.to ? json(r.to->ms) : json(nullptr)}};
}
json json_of(const DrawerRecord& d) {
    return {{"id", d.id.value},
            {"name", d.name},
            {"open", d.open},
            {"operator", d.operator_name},
            {"expected_fen", d.expected.count()}};
}
json json_of(const PlanVersion& p) {
    return {{"id", p.id.value},
            {"name", p.name},
            {"group", p.group},
            {"valid_from_at", p.valid_from.ms},
            {"content", text_of(p.plan)},
            {"operator", p.operator_name},
            {"created_at", p.created_at.ms}};
}
json json_of(const AccountRecord& a) {
    json payers = json::array();
    for (const PayerSum& p : a.payers)
        payers.push_back({{"payer_id", id_or_null(p.payer.value)},
                          {"name", p.name},
                          {"channel", word(p.channel)},
                          {"paid_fen", p.paid.count()},
                          {"fair_part_fen", p.fair_part.count()}});
    return {{"household_id", a.household.value},
            {"open", a.account.open()},
            {"unit", unit_of(a.account.ticket.unit)},
            {"price_group", a.price_group},
            {"epoch", a.account.ticket.epoch},
            {"ticket_number", a.account.ticket.number},
            {"credited", hundredths(a.account.ticket.credited)},
            {"used_known", hundredths(a.account.used_known)},
            {"remaining", hundredths(a.account.remaining())},
            {"free_left", hundredths(a.account.free_now())},
            {"refundable", hundredths(a.account.refundable())},
            {"confirmed", a.confirmed},
            {"paid_fen", a.account.paid.count()},
            {"worth_fen", a.worth.count()},
            {"month_ckwh", a.account.month_ckwh},
            {"year_ckwh", a.account.year_ckwh},
            {"payers", std::move(payers)}};
}
json json_of(const AccountChange& change) {
    const auto side = [](const Account& account) {
        return json{{"open", account.open()},
                    {"ticket_number", account.ticket.number},
                    {"credited", hundredths(account.ticket.credited)},
                    {"remaining", hundredths(account.remaining())},
                    {"free_left", hundredths(account.free_now())},
                    {"paid_fen", account.paid.count()}};
    };
    return {{"household_id", change.household.value},
            {"unit", unit_of(change.after.ticket.unit)},
            {"before", side(change.before)},
            {"after", side(change.after)}};
}
// What is only thought of has no number yet.
json preview_json(const Booking& b) {
    json booking = json_of(b);
    for (const char* name : {"id", "receipt", "order_id", "chain"})
        booking.erase(name);
    return booking;
}
json json_of(const MoneyPreview& p) {
    json bookings = json::array();
    for (const Booking& booking : p.bookings)
        bookings.push_back(preview_json(booking));
    json pays = json::array();
    for (const Share& share : p.pays)
        pays.push_back({{"payer_id", id_or_null(share.payer.value)},
                        {"channel", word(share.channel)},
                        {"amount_fen", share.amount.count()}});
    json accounts = json::array();
    for (const AccountChange& change : p.accounts)
        accounts.push_back(json_of(change));
    return {{"bookings", std::move(bookings)},
            {"pays", std::move(pays)},
            {"accounts", std::move(accounts)},
            {"needs_two", p.needs_two}};
}
json json_of(const PlanPreview& p, Money amount) {
    json lines = json::array();
    for (const PriceLine& line : p.priced.lines)
        lines.push_back({{"ckwh", line.ckwh}, {"price_e4", line.price.count()}});
    return {{"amount_fen", amount.count()},          {"plan_id", id_or_null(p.plan.value)},
            {"content", text_of(p.content)},         {"unit", unit_of(p.unit)},
            {"position_ckwh", p.position_ckwh},      {"fee_fen", p.priced.fee.count()},
            {"given", hundredths(p.priced.given)},   {"cost_fen", p.priced.cost.count()},
            {"remainder_e4", p.priced.remainder_e4}, {"lines", std::move(lines)}};
}
template <class T>
json list_of(const std::vector<T>& records) {
    json list = json::array();
    for (const T& record : records)
        list.push_back(json_of(record));
    return list;
}

Outcome answer_of(const Answer<BookingsAnswer>& booked) {
    if (!booked) return refused(booked.error());
    Response response = Response::json(201, {{"bookings", list_of(booked->bookings)}});
    if (booked->repeated) response.with("Idempotency-Replayed", "true");
    return response;
}
Outcome answer_of(const Answer<MovementsAnswer>& moved) {
    if (!moved) return refused(moved.error());
    Response response =
        Response::json(201, {{"movements", list_of(moved->movements)}, {"bookings", list_of(moved->bookings)}});
    if (moved->repeated) response.with("Idempotency-Replayed", "true");
    return response;
}

// The key, who asks, and the reason, which every change of money has.
std::expected<MoneyOrder, Problem> money_order_of(const Call& call, JsonInput& input) {
    MoneyOrder order;
    order.reason = input.text("reason", 1, 500);
    auto order_id = order_id_of(call.request);
    if (!order_id) return std::unexpected(order_id.error());
    order.order_id = std::move(*order_id);
    order.who = actor_of(call);
    return order;
}

}  // namespace

void OfficeApi::add_accounts_routes() {
    add_money_previews();
    add_account_questions();
    add_account_changes();
    add_drawer_routes();
    add_plan_routes();
}

void OfficeApi::add_account_questions() {
    router_.add(Method::kGet, "/api/v1/bookings/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto booking = office_.accounts().booking(BookingId{id_in(call.values[0])});
        if (!booking) return refused(booking.error());
        return Response::json(200, json_of(*booking));
    });
    router_.add(Method::kGet, "/api/v1/bookings/{id}/dues", kAnyRole, [this](const Call& call) -> Outcome {
        const auto dues = office_.accounts().dues_of(BookingId{id_in(call.values[0])});
        if (!dues) return refused(dues.error());
        return Response::json(200, {{"dues", list_of(*dues)}});
    });
    router_.add(Method::kGet, "/api/v1/dues", kAnyRole, [this](const Call&) -> Outcome {
        const auto dues = office_.accounts().dues(HouseholdId{});
        if (!dues) return refused(dues.error());
        return Response::json(200, {{"dues", list_of(*dues)}});
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/bookings", kAnyRole, [this](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        if (const auto household = office_.household(id); !household) return refused(household.error());
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto bookings =
            office_.accounts().bookings(id, BookingId{before->value_or(0)}, static_cast<int>(limit->value_or(50)));
        if (!bookings) return refused(bookings.error());
        return Response::json(200, {{"bookings", list_of(*bookings)}});
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/account", kAnyRole, [this](const Call& call) -> Outcome {
        const auto account = office_.accounts().account(HouseholdId{id_in(call.values[0])});
        if (!account) return refused(account.error());
        return Response::json(200, json_of(*account));
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/residents", kAnyRole, [this](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        if (const auto household = office_.household(id); !household) return refused(household.error());
        const auto residents = office_.accounts().residents(id);
        if (!residents) return refused(residents.error());
        return Response::json(200, {{"residents", list_of(*residents)}});
    });
}

void OfficeApi::add_money_previews() {
    const auto answer = [](const Answer<MoneyPreview>& preview) -> Outcome {
        if (!preview) return refused(preview.error());
        return Response::json(200, json_of(*preview));
    };
    router_.add(Method::kPost, "/api/v1/refunds/preview", kSellers, [this, answer](const Call& call) -> Outcome {
        JsonInput input(call.request);
        RefundOrder wanted;
        wanted.sale = BookingId{input.integer("sale_id", 1, INT64_MAX)};
        if (const auto amount = input.integer("amount_fen", 0, kFenMax)) wanted.amount = fen(amount);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        wanted.order.who = actor_of(call);
        return answer(
            wait<MoneyPreview>([&](auto done) { office_.accounts().preview_refund(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/corrections/preview", kSellers, [this, answer](const Call& call) -> Outcome {
        JsonInput input(call.request);
        CorrectionOrder wanted;
        wanted.sale = BookingId{input.integer("sale_id", 1, INT64_MAX)};
        wanted.right_household = HouseholdId{input.integer("right_household_id", 0, INT64_MAX)};
        if (const auto amount = input.integer("right_amount_fen", 0, kFenMax)) wanted.right_amount = fen(amount);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        wanted.order.who = actor_of(call);
        return answer(
            wait<MoneyPreview>([&](auto done) { office_.accounts().preview_correction(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/households/{id}/settlement/preview", kSellers,
                [this, answer](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    if (auto problem = input.problem()) return std::unexpected(*problem);
                    MoneyOrder order;
                    order.who = actor_of(call);
                    return answer(wait<MoneyPreview>([&](auto done) {
                        office_.accounts().preview_settlement(order, HouseholdId{id_in(call.values[0])},
                                                              std::move(done));
                    }));
                });
}

void OfficeApi::add_account_changes() {
    router_.add(Method::kPost, "/api/v1/refunds", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        RefundOrder wanted;
        wanted.sale = BookingId{input.integer("sale_id", 1, INT64_MAX)};
        // 0: all that is left of it.
        if (const auto amount = input.integer("amount_fen", 0, kFenMax)) wanted.amount = fen(amount);
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        wanted.order = std::move(*order);
        return answer_of(wait<BookingsAnswer>([&](auto done) { office_.accounts().refund(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/bookings/{id}/payout", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        PayoutOrder wanted;
        wanted.booking = BookingId{id_in(call.values[0])};
        wanted.part = static_cast<int>(input.integer("part", 0, 1000));
        wanted.drawer = DrawerId{input.integer("drawer_id", 0, INT64_MAX)};
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        wanted.order = std::move(*order);
        return answer_of(
            wait<MovementsAnswer>([&](auto done) { office_.accounts().pay_out(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/corrections", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        CorrectionOrder wanted;
        wanted.sale = BookingId{input.integer("sale_id", 1, INT64_MAX)};
        // Both 0: the sale is only taken back.
        wanted.right_household = HouseholdId{input.integer("right_household_id", 0, INT64_MAX)};
        if (const auto amount = input.integer("right_amount_fen", 0, kFenMax)) wanted.right_amount = fen(amount);
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        wanted.order = std::move(*order);
        return answer_of(wait<BookingsAnswer>([&](auto done) { office_.accounts().correct(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/households/{id}/grants", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const Credit amount = credit_of_hundredths(input.integer("given", 1, 10'000'000));
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        return answer_of(wait<BookingsAnswer>([&](auto done) {
            office_.accounts().grant(*order, HouseholdId{id_in(call.values[0])}, amount, std::move(done));
        }));
    });
    // Changes that need nothing but the household and the reason.
    using Change = void (Accounts::*)(MoneyOrder, HouseholdId, WhenDone<BookingsAnswer>);
    const auto plain = [this](const char* pattern, Roles who, Change change) {
        router_.add(Method::kPost, pattern, who, [this, change](const Call& call) -> Outcome {
            JsonInput input(call.request);
            auto order = money_order_of(call, input);
            if (auto problem = input.problem()) return std::unexpected(*problem);
            if (!order) return std::unexpected(order.error());
            return answer_of(wait<BookingsAnswer>([&](auto done) {
                (office_.accounts().*change)(*order, HouseholdId{id_in(call.values[0])}, std::move(done));
            }));
        });
    };
    plain("/api/v1/households/{id}/settlement", kSellers, &Accounts::settle);
    plain("/api/v1/households/{id}/opening", kSellers, &Accounts::open);
    plain("/api/v1/households/{id}/reopening", kFitters, &Accounts::reopen);
    router_.add(
        Method::kPost, "/api/v1/households/{id}/ticket-answer", kAnswerers, [this](const Call& call) -> Outcome {
            JsonInput input(call.request);
            TicketAnswerOrder wanted;
            wanted.household = HouseholdId{id_in(call.values[0])};
            wanted.answer = input.choice("answer", {"take_meters", "take_offices"}) == 0 ? TicketAnswer::kTakeMeters
                                                                                         : TicketAnswer::kTakeOffices;
            // Left out: it can be told, or nothing is done.
            if (const auto upto = input.integer_or("contains_ticket", -1, 0, UINT32_MAX); upto >= 0)
                wanted.contains = static_cast<std::uint32_t>(upto);
            auto order = money_order_of(call, input);
            if (auto problem = input.problem()) return std::unexpected(*problem);
            if (!order) return std::unexpected(order.error());
            wanted.order = std::move(*order);
            return answer_of(
                wait<BookingsAnswer>([&](auto done) { office_.answer_ticket_question(wanted, std::move(done)); }));
        });
    router_.add(Method::kPost, "/api/v1/households/{id}/move", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        MoveOrder wanted;
        wanted.from = HouseholdId{id_in(call.values[0])};
        wanted.to = HouseholdId{input.integer("to_household_id", 1, INT64_MAX)};
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        wanted.order = std::move(*order);
        return answer_of(wait<BookingsAnswer>([&](auto done) { office_.accounts().move(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/households/{id}/box", kFitters, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        BoxOrder wanted;
        wanted.household = HouseholdId{id_in(call.values[0])};
        const std::string digits = input.text("box_number", 10, 10);
        wanted.number = static_cast<std::uint8_t>(input.integer("household_number", 1, kHouseholdsMax));
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        wanted.box_number = static_cast<std::uint64_t>(id_in(digits));
        wanted.order = std::move(*order);
        return answer_of(
            wait<BookingsAnswer>([&](auto done) { office_.accounts().change_box(wanted, std::move(done)); }));
    });
    router_.add(Method::kPost, "/api/v1/households/{id}/residents", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        ResidentRecord wanted;
        wanted.household = HouseholdId{id_in(call.values[0])};
        wanted.name = input.text("name", 1, 100);
        wanted.phone = input.text_or("phone", "", 40);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        MoneyOrder order;
        auto order_id = order_id_of(call.request);
        if (!order_id) return std::unexpected(order_id.error());
        order.order_id = std::move(*order_id);
        order.who = actor_of(call);
        const auto added =
            wait<ResidentRecord>([&](auto done) { office_.accounts().add_resident(order, wanted, std::move(done)); });
        if (!added) return refused(added.error());
        return Response::json(201, json_of(*added));
    });
    router_.add(Method::kDelete, "/api/v1/residents/{id}", kSellers, [this](const Call& call) -> Outcome {
        const auto ended = wait<ResidentRecord>([&](auto done) {
            office_.accounts().end_stay(actor_of(call), ResidentId{id_in(call.values[0])}, std::move(done));
        });
        if (!ended) return refused(ended.error());
        return Response::json(200, json_of(*ended));
    });
}

void OfficeApi::add_drawer_routes() {
    router_.add(Method::kGet, "/api/v1/drawers", kAnyRole, [this](const Call&) -> Outcome {
        const auto drawers = office_.accounts().drawers();
        if (!drawers) return refused(drawers.error());
        return Response::json(200, {{"drawers", list_of(*drawers)}});
    });
    router_.add(Method::kPost, "/api/v1/drawers", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string name = input.text("name", 1, 100);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto added = wait<DrawerRecord>(
            [&](auto done) { office_.accounts().add_drawer(actor_of(call), name, std::move(done)); });
        if (!added) return refused(added.error());
        return Response::json(201, json_of(*added));
    });
    router_.add(Method::kGet, "/api/v1/drawers/{id}/movements", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto movements = office_.accounts().movements(DrawerId{id_in(call.values[0])}, before->value_or(0),
                                                            static_cast<int>(limit->value_or(50)));
        if (!movements) return refused(movements.error());
        return Response::json(200, {{"movements", list_of(*movements)}});
    });
    using Change = void (Accounts::*)(DrawerOrder, WhenDone<MovementsAnswer>);
    const auto counted = [this](const char* pattern, Change change) {
        router_.add(Method::kPost, pattern, kSellers, [this, change](const Call& call) -> Outcome {
            JsonInput input(call.request);
            DrawerOrder wanted;
            wanted.drawer = DrawerId{id_in(call.values[0])};
            wanted.counted = fen(input.integer("counted_fen", 0, kFenMax));
            auto order = money_order_of(call, input);
            if (auto problem = input.problem()) return std::unexpected(*problem);
            if (!order) return std::unexpected(order.error());
            wanted.order = std::move(*order);
            return answer_of(
                wait<MovementsAnswer>([&](auto done) { (office_.accounts().*change)(wanted, std::move(done)); }));
        });
    };
    counted("/api/v1/drawers/{id}/open", &Accounts::open_drawer);
    counted("/api/v1/drawers/{id}/count", &Accounts::count_drawer);
    counted("/api/v1/drawers/{id}/empty", &Accounts::empty_drawer);
}

void OfficeApi::add_plan_routes() {
    router_.add(Method::kGet, "/api/v1/price-plans", kAnyRole, [this](const Call&) -> Outcome {
        const auto plans = office_.accounts().plans();
        if (!plans) return refused(plans.error());
        return Response::json(200, {{"plans", list_of(*plans)}});
    });
    router_.add(Method::kPost, "/api/v1/price-plans/preview", kAnyRole, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string content = input.text("content", 1, 500);
        const Money amount = fen(input.integer("amount_fen", 1, kFenMax));
        if (auto problem = input.problem()) return std::unexpected(*problem);
        PlanPreview preview;
        const auto plan = plan_of(content);
        if (!plan) return refuse(400, "bad_field", "'content' is no price plan; nothing was done");
        if (const auto bad = check_plan(*plan)) return refused(*bad);
        preview.content = *plan;
        preview.unit = plan->unit;
        preview.priced = price_sale(*plan, plan->unit, amount, 0);
        return Response::json(200, json_of(preview, amount));
    });
    router_.add(Method::kPost, "/api/v1/price-plans", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        PlanVersion wanted;
        wanted.name = input.text("name", 1, 100);
        wanted.group = input.integer("group", 0, INT32_MAX);
        wanted.valid_from = UnixTime{input.integer("valid_from_at", 0, kTime_ms_max)};
        const std::string content = input.text("content", 1, 500);
        auto order = money_order_of(call, input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!order) return std::unexpected(order.error());
        const auto plan = plan_of(content);
        if (!plan)
            return refuse(400, "bad_field",
                          "'content' is no price plan, as 'flat energy month 0:6400 fee 0 0' or 'stepped energy month "
                          "5000:6400,0:9000 fee 100 5'; nothing was changed");
        wanted.plan = *plan;
        const auto added =
            wait<PlanVersion>([&](auto done) { office_.accounts().add_plan(*order, wanted, std::move(done)); });
        if (!added) return refused(added.error());
        return Response::json(201, json_of(*added));
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/preview", kAnyRole, [this](const Call& call) -> Outcome {
        const auto amount = integer_parameter(call.request, "amount_fen", 1, kFenMax);
        if (!amount) return std::unexpected(amount.error());
        const Money money = fen(amount->value_or(5000));
        const auto preview = office_.accounts().preview(HouseholdId{id_in(call.values[0])}, money);
        if (!preview) return refused(preview.error());
        return Response::json(200, json_of(*preview, money));
    });
    router_.add(Method::kPut, "/api/v1/households/{id}/price-group", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::int64_t group = input.integer("group", 0, INT32_MAX);
        const std::string reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto set = wait<Done>([&](auto done) {
            office_.accounts().set_price_group(actor_of(call), HouseholdId{id_in(call.values[0])}, group, reason,
                                               std::move(done));
        });
        if (!set) return refused(set.error());
        return Response::json(200, {{"group", group}});
    });
    router_.add(Method::kGet, "/api/v1/quota-rules", kAnyRole, [this](const Call&) -> Outcome {
        const auto rules = office_.accounts().quota_rules();
        if (!rules) return refused(rules.error());
        json list = json::array();
        for (const QuotaRule& rule : *rules)
            list.push_back({{"group", rule.group},
                            {"per", rule.per == QuotaPer::kRoom ? "room" : "resident"},
                            {"quota_ckwh", hundredths(rule.quota)},
                            {"quota_fen", hundredths(rule.quota_money)}});
        return Response::json(200, {{"rules", std::move(list)}});
    });
    router_.add(Method::kPut, "/api/v1/quota-rules", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        QuotaRule rule;
        rule.group = input.integer("group", 0, INT32_MAX);
        rule.per = input.choice("per", {"room", "resident"}) == 0 ? QuotaPer::kRoom : QuotaPer::kResident;
        rule.quota = credit_of_hundredths(input.integer("quota_ckwh", 0, 10'000'000));
        rule.quota_money = credit_of_hundredths(input.integer("quota_fen", 0, 10'000'000));
        const std::string reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto set = wait<Done>(
            [&](auto done) { office_.accounts().set_quota_rule(actor_of(call), rule, reason, std::move(done)); });
        if (!set) return refused(set.error());
        return Response::json(200, {{"group", rule.group}});
    });
    router_.add(Method::kPost, "/api/v1/quotas", kOwners, [this](const Call& call) -> Outcome {
        const auto run =
            wait<QuotaRun>([&](auto done) { office_.accounts().run_quotas(actor_of(call), std::move(done)); });
        if (!run) return refused(run.error());
        return Response::json(
            200,
            {{"granted", run->granted}, {"had_it", run->had_it}, {"without", run->without}, {"refused", run->refused}});
    });
}

}  // namespace prewatt::server::api

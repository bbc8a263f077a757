#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"
#include "server/domain/card_desk.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr Roles kSellers = roles({Role::kOwner, Role::kCashier});
constexpr Roles kOrderers = roles({Role::kOwner, Role::kTechnician});
constexpr Roles kLookers = roles({Role::kOwner, Role::kCashier, Role::kTechnician});
constexpr std::string_view kOpens[] = {"ours", "transport", "torn", "none"};
constexpr std::size_t kSectorsTextMax = kCardSectors * 128;

json at(const std::optional<UnixTime>& time) {
    return time ? json(time->ms) : json(nullptr);
}
std::int64_t hundredths(Credit credit) {
    return in_hundredths(credit, Round::kDown);
}
json json_of_ticket(const TicketTotal& ticket) {
    if (ticket.epoch == 0) return nullptr;
    return {{"epoch", ticket.epoch}, {"ticket_number", ticket.number}, {"credited", hundredths(ticket.credited)}};
}
json json_of_said(const CardRecord& card) {
    if (!card.said) return nullptr;
    const CardReturn& said = *card.said;
    return {{"epoch", said.epoch},
            {"ticket_number", said.ticket_number},
            {"used", hundredths(said.used)},
            {"remaining", hundredths(said.remaining)},
            {"forward_ckwh", in_hundredths(said.forward, Round::kDown)},
            {"holds", holds_of(said.state.holds())},
            {"relay_closed", said.state.has(StateBit::kRelayClosed)},
            {"low_credit", said.state.has(StateBit::kLowCredit)},
            {"hints", words_of_hints(said.hints)},
            {"bad_cards", said.bad_cards},
            {"swiped_at", at(said.swiped_at)},
            {"source", "card"}};
}
json json_of(const CardRecord& card) {
    return {{"id", card.id.value},
            {"uid", card.uid},
            {"kind", word(card.kind)},
            {"household_id", card.household.value},
            {"room", card.room},
            {"issue", card.issue},
            {"state", word(card.state)},
            {"box_number", card.box_number ? json(box_digits(card.box_number)) : json(nullptr)},
            {"unit", card.carries.unit == AccountUnit::kMoney ? "fen" : "ckwh"},
            {"carries", card.generation ? json_of_ticket(card.carries) : json(nullptr)},
            {"written_at", at(card.written_at)},
            {"write_open", card.write_open},
            {"said", json_of_said(card)},
            {"said_at", at(card.said_at)},
            {"seen_at", at(card.seen_at)},
            {"issued_at", card.issued_at.ms},
            {"issued_by", card.issued_by},
            {"replaces", card.replaces ? json(card.replaces.value) : json(nullptr)},
            {"ended_at", at(card.ended_at)},
            {"why", card.why}};
}
json json_of(const CardWrite& write) {
    return {{"id", write.id.value},
            {"order_id", write.order_id},
            {"kind", word(write.kind)},
            {"state", word(write.state)},
            {"generation", write.generation},
            {"ticket", json_of_ticket(write.ticket)},
            {"operator", write.operator_name},
            {"ordered_at", write.ordered_at.ms},
            {"done_at", at(write.done_at)}};
}

char digit_of(unsigned value) {
    return "0123456789abcdef"[value & 15];
}
template <class Range>
std::string hex_of(const Range& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digit_of(byte >> 4u);
        text += digit_of(byte);
    }
    return text;
}
std::optional<unsigned> value_of(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    return std::nullopt;
}

// "1 ours 00c1...\n2 none -": sector, how it opens, its 48 bytes or "-"; a line each.
std::optional<std::vector<DeskSector>> sectors_of(std::string_view text) {
    std::vector<DeskSector> sectors;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t first = line.find(' ');
        const std::size_t second = line.find(' ', first == std::string_view::npos ? first : first + 1);
        if (second == std::string_view::npos) return std::nullopt;
        const std::string_view number = line.substr(0, first);
        const std::string_view opens = line.substr(first + 1, second - first - 1);
        const std::string_view record = line.substr(second + 1);
        DeskSector& one = sectors.emplace_back();
        if (number.empty() || number.size() > 2) return std::nullopt;
        unsigned sector = 0;
        for (const char c : number) {
            if (c < '0' || c > '9') return std::nullopt;
            sector = sector * 10 + static_cast<unsigned>(c - '0');
        }
        if (sector >= kCardSectors || sectors.size() > kCardSectors) return std::nullopt;
        for (const DeskSector& before : sectors)
            if (&before != &one && before.sector == sector) return std::nullopt;
        one.sector = static_cast<std::uint8_t>(sector);
        const auto* known = std::find(std::begin(kOpens), std::end(kOpens), opens);
        if (known == std::end(kOpens)) return std::nullopt;
        one.opens = static_cast<SectorOpens>(known - std::begin(kOpens));
        if (record == "-") continue;
        if (record.size() != 96) return std::nullopt;
        CardRecordBytes& bytes = one.record.emplace();
        for (std::size_t k = 0; k < bytes.size(); ++k) {
            const auto high = value_of(record[2 * k]);
            const auto low = value_of(record[2 * k + 1]);
            if (!high || !low) return std::nullopt;
            bytes[k] = static_cast<std::uint8_t>(*high << 4 | *low);
        }
    }
    return sectors;
}
// The fields `uid` and `sectors`, which all questions of a desk have.
std::optional<DeskSight> sight_in(JsonInput& input) {
    DeskSight sight;
    sight.uid = input.text("uid", 8, 14);
    const std::string text = input.text("sectors", 1, kSectorsTextMax);
    auto sectors = sectors_of(text);
    if (!sectors) return std::nullopt;
    sight.sectors = std::move(*sectors);
    return sight;
}
std::unexpected<Problem> bad_sectors() {
    return refuse(
        400, "bad_field",
        "'sectors' must be lines of sector, 'ours', 'transport', 'torn' or 'none', and 96 hexadecimal digits or "
        "'-'; nothing was done");
}

json json_of(const DeskReport& report) {
    const auto copies = [](const std::array<DeskCopy, 2>& two) {
        json list = json::array();
        for (const DeskCopy& copy : two)
            list.push_back({{"state", copy.state}, {"generation", copy.generation}});
        return list;
    };
    json identity = nullptr;
    if (report.identity)
        identity = {{"serial", report.identity->serial.value},
                    {"kind", word(report.identity->kind)},
                    {"issue", report.identity->issue},
                    {"generation", report.identity->generation}};
    return {{"finding", word(report.seen.finding)},
            {"rolled_back", report.seen.rolled_back},
            {"took_said", report.seen.took_said},
            {"card", report.seen.card ? json_of(*report.seen.card) : json(nullptr)},
            {"newest", json_of_ticket(report.seen.newest)},
            {"identity", std::move(identity)},
            {"identity_state", report.identity_state},
            {"tickets", copies(report.tickets)},
            {"returns", copies(report.returns)},
            {"warrant", report.warrant ? api::json_of(*report.warrant) : json(nullptr)},
            {"on_card", report.newest ? json_of_ticket(report.newest->ticket) : json(nullptr)},
            {"sectors",
             {{"ours", report.sectors_ours},
              {"transport", report.sectors_transport},
              {"torn", report.sectors_torn},
              {"closed", report.sectors_closed}}}};
}

}  // namespace

void OfficeApi::add_card_routes() {
    const auto list = [this](HouseholdId household, const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto found =
            office_.cards().cards(household, CardId{before->value_or(0)}, static_cast<int>(limit->value_or(100)));
        if (!found) return refused(found.error());
        json cards = json::array();
        for (const CardRecord& card : *found)
            cards.push_back(json_of(card));
        return Response::json(200, {{"cards", std::move(cards)}});
    };
    router_.add(Method::kGet, "/api/v1/cards", kAnyRole, [list](const Call& call) { return list({}, call); });
    router_.add(Method::kGet, "/api/v1/households/{id}/cards", kAnyRole, [this, list](const Call& call) -> Outcome {
        const HouseholdId id{id_in(call.values[0])};
        if (const auto household = office_.household(id); !household) return refused(household.error());
        return list(id, call);
    });
    router_.add(Method::kGet, "/api/v1/cards/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const CardId id{id_in(call.values[0])};
        const auto card = office_.cards().card(id);
        if (!card) return refused(card.error());
        const auto writes = office_.cards().writes(id, 100);
        if (!writes) return refused(writes.error());
        json orders = json::array();
        for (const CardWrite& write : *writes)
            orders.push_back(json_of(write));
        return Response::json(200, {{"card", json_of(*card)}, {"writes", std::move(orders)}});
    });
    router_.add(Method::kPost, "/api/v1/cards/{id}/end", kSellers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::size_t how = input.choice("how", {"lost", "taken_back", "dead"});
        const std::string reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const CardEnd end{CardId{id_in(call.values[0])}, static_cast<CardState>(static_cast<std::size_t>(3) + how),
                          actor_of(call), reason};
        const auto card =
            wait<CardRecord>([&](WhenDone<CardRecord> done) { office_.cards().end(end, std::move(done)); });
        if (!card) return refused(card.error());
        return Response::json(200, json_of(*card));
    });
    router_.add(Method::kGet, "/api/v1/card-rules", kAnyRole, [this](const Call&) -> Outcome {
        const auto may = office_.cards().may_release_lockout();
        if (!may) return refused(may.error());
        return Response::json(200, {{"may_release_lockout", *may}});
    });
    router_.add(Method::kPut, "/api/v1/card-rules", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const bool may = input.choice("swipe_after_lockout", {"refused", "releases"}) == 1;
        const std::string reason = input.text_or("reason", "", 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto set = wait<Done>([&](WhenDone<Done> done) {
            office_.cards().set_may_release_lockout(may, actor_of(call), reason, std::move(done));
        });
        if (!set) return refused(set.error());
        return Response::json(200, {{"may_release_lockout", may}});
    });

    // --- What a desk asks. There is none where the office has no master key (tests).
    CardDesk* const desk = options_.desk;
    if (!desk) return;
    router_.add(Method::kPost, "/api/v1/desk/keys", kLookers, [desk](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string uid = input.text("uid", 8, 14);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto keys = desk->keys(uid);
        if (!keys) return refused(keys.error());
        json sectors = json::array();
        for (const DeskKeys::Pair& pair : keys->sectors)
            sectors.push_back({{"a", hex_of(pair.a)}, {"b", hex_of(pair.b)}});
        return Response::json(200, {{"base", keys->base}, {"sectors", std::move(sectors)}});
    });
    router_.add(Method::kPost, "/api/v1/desk/look", kLookers, [desk](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const auto sight = sight_in(input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!sight) return bad_sectors();
        const auto report = desk->look(*sight, actor_of(call));
        if (!report) return refused(report.error());
        return Response::json(200, json_of(*report));
    });
    const auto plan_for = [desk](DeskOrder order, const Call& call, JsonInput& input) -> Outcome {
        auto order_id = order_id_of(call.request);
        if (!order_id) return std::unexpected(order_id.error());
        order.order_id = std::move(*order_id);
        const auto sight = sight_in(input);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!sight) return bad_sectors();
        const auto plan = desk->order(order, *sight, actor_of(call));
        if (!plan) return refused(plan.error());
        json steps = json::array();
        for (const DeskStep& step : plan->steps)
            steps.push_back({{"sector", step.sector},
                             {"kind", step.is_trailer ? "trailer" : "record"},
                             {"bytes", hex_of(step.bytes)}});
        return Response::json(201, {{"write_id", plan->write.value},
                                    {"repeated", plan->repeated},
                                    {"card", plan->card.id ? json_of(plan->card) : json(nullptr)},
                                    {"steps", std::move(steps)}});
    };
    router_.add(Method::kPost, "/api/v1/desk/orders", kSellers, [plan_for](const Call& call) -> Outcome {
        JsonInput input(call.request);
        DeskOrder wanted;
        wanted.kind = static_cast<CardWriteKind>(1 + input.choice("kind", {"issue", "ticket", "format"}));
        wanted.household = HouseholdId{input.integer_or("household_id", 0, 0, INT64_MAX)};
        wanted.replaces = CardId{input.integer_or("replaces", 0, 0, INT64_MAX)};
        wanted.reason = input.text_or("reason", "", 500);
        return plan_for(std::move(wanted), call, input);
    });
    // A card with rights is written by who orders what is done to boxes.
    router_.add(Method::kPost, "/api/v1/desk/warrants/{id}", kOrderers, [plan_for](const Call& call) -> Outcome {
        JsonInput input(call.request);
        DeskOrder wanted;
        wanted.kind = CardWriteKind::kIssue;
        wanted.warrant = WarrantId{id_in(call.values[0])};
        return plan_for(std::move(wanted), call, input);
    });
    router_.add(Method::kPost, "/api/v1/desk/writes/{id}/done", kLookers, [desk](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string uid = input.text("uid", 8, 14);
        const std::string text = input.text_or("sectors", "", kSectorsTextMax);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        auto sectors = sectors_of(text);
        if (!sectors) return bad_sectors();
        const auto card =
            desk->done(CardWriteId{id_in(call.values[0])}, DeskSight{uid, std::move(*sectors)}, actor_of(call));
        if (!card) return refused(card.error());
        return Response::json(200, {{"card", card->id ? json_of(*card) : json(nullptr)}});
    });
}

}  // namespace prewatt::server::api

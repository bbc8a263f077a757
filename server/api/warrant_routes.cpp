#include <charconv>

#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"
#include "server/domain/warrants.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

// Who orders what is done to boxes; how a card is written and who agrees is decided elsewhere.
constexpr Roles kOrderers = roles({Role::kOwner, Role::kTechnician});

json at(const std::optional<UnixTime>& time) {
    return time ? json(time->ms) : json(nullptr);
}
json json_of_right(const CardRight& right, RightState state) {
    json said = nullptr;
    if (right.receipt)
        said = {{"sequence", right.receipt->sequence}, {"code", right.receipt->code}, {"at", at(right.receipt->at)}};
    return {{"box_number", right.box_number ? json(box_digits(right.box_number)) : json(nullptr)},
            {"household_id", right.household ? json(right.household.value) : json(nullptr)},
            {"number", right.number},
            {"sequence", right.sequence},
            {"from", right.from.ms},
            {"until", right.until.ms},
            {"state", word(state)},
            {"said", std::move(said)},
            {"told_at", at(right.told_at)}};
}
// "2026000001 2026000002".
std::optional<std::vector<std::uint64_t>> boxes_of(std::string_view text) {
    std::vector<std::uint64_t> boxes;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        const auto [end, fault] = std::from_chars(one.data(), one.data() + one.size(), boxes.emplace_back());
        if (one.size() != 10 || fault != std::errc{} || end != one.data() + one.size()) return std::nullopt;
    }
    return boxes;
}
// "overload malignant cutoff_alarm", any of them.
std::optional<Restored> restored_of(std::string_view text) {
    Restored restored;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        bool* const which = one == "overload"       ? &restored.overload
                            : one == "malignant"    ? &restored.malignant
                            : one == "cutoff_alarm" ? &restored.cutoff_alarm
                                                    : nullptr;
        if (!which) return std::nullopt;
        *which = true;
    }
    return restored;
}

}  // namespace

json json_of(const WarrantRecord& warrant) {
    json boxes = json::array();
    for (const std::uint64_t box : warrant.wish.boxes)
        boxes.push_back(box_digits(box));
    json rights = json::array();
    for (std::size_t k = 0; k < warrant.rights.size(); ++k)
        rights.push_back(json_of_right(warrant.rights[k], warrant.states[k]));
    json restores = json::array();
    if (warrant.wish.restored.overload) restores.push_back("overload");
    if (warrant.wish.restored.malignant) restores.push_back("malignant");
    if (warrant.wish.restored.cutoff_alarm) restores.push_back("cutoff_alarm");
    return {{"id", warrant.id.value},
            {"kind", word(warrant.wish.kind)},
            {"boxes", std::move(boxes)},
            {"household_id", warrant.wish.household ? json(warrant.wish.household.value) : json(nullptr)},
            {"valid_hours", warrant.wish.valid_hours},
            {"restores", std::move(restores)},
            {"state", word(warrant.state)},
            {"asked_by", warrant.asked_by.user},
            {"agreed_by", warrant.agreed_by},
            {"reason", warrant.reason},
            {"asked_at", warrant.asked_at.ms},
            {"card_id", warrant.card ? json(warrant.card.value) : json(nullptr)},
            {"rights", std::move(rights)},
            {"values", warrant.values.size()},
            {"values_left", warrant.values_left}};
}

void OfficeApi::add_warrant_routes() {
    router_.add(Method::kGet, "/api/v1/warrants", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto before = integer_parameter(call.request, "before", 1, INT64_MAX);
        if (!before) return std::unexpected(before.error());
        const auto found =
            office_.warrants().warrants(WarrantId{before->value_or(0)}, static_cast<int>(limit->value_or(100)));
        if (!found) return refused(found.error());
        json list = json::array();
        for (const WarrantRecord& warrant : *found)
            list.push_back(json_of(warrant));
        return Response::json(200, {{"warrants", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/warrants/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto found = office_.warrants().warrant(WarrantId{id_in(call.values[0])});
        if (!found) return refused(found.error());
        return Response::json(200, json_of(*found));
    });
    router_.add(Method::kPost, "/api/v1/warrants", kOrderers, [this](const Call& call) -> Outcome {
        auto order_id = order_id_of(call.request);
        if (!order_id) return std::unexpected(order_id.error());
        JsonInput input(call.request);
        WarrantOrder order;
        order.wish.kind = static_cast<CardKind>(
            2 + input.choice("kind", {"set_up", "inspection", "clear", "restore", "reader_test"}));
        const auto boxes = boxes_of(input.text_or("boxes", "", 11 * kWarrantBoxesMax));
        order.wish.household = HouseholdId{input.integer_or("household_id", 0, 0, INT64_MAX)};
        order.wish.valid_hours = static_cast<int>(input.integer_or("valid_hours", 24, 1, 100'000));
        const auto restored = restored_of(input.text_or("restores", "", 64));
        order.reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        if (!boxes)
            return refuse(400, "bad_field",
                          "'boxes' must be box numbers of ten digits with a space between them; nothing was done");
        if (!restored)
            return refuse(400, "bad_field",
                          "'restores' must be some of overload, malignant, cutoff_alarm with a space between them; "
                          "nothing was done");
        order.wish.boxes = *boxes;
        order.wish.restored = *restored;
        order.order_id = std::move(*order_id);
        order.who = actor_of(call);
        const auto warrant = wait<WarrantRecord>(
            [&](WhenDone<WarrantRecord> done) { office_.warrants().ask(std::move(order), std::move(done)); });
        if (!warrant) return refused(warrant.error());
        return Response::json(201, json_of(*warrant));
    });
    router_.add(Method::kPost, "/api/v1/warrants/{id}/withdraw", kOrderers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto warrant = wait<WarrantRecord>([&](WhenDone<WarrantRecord> done) {
            office_.warrants().withdraw(WarrantId{id_in(call.values[0])}, actor_of(call), reason, std::move(done));
        });
        if (!warrant) return refused(warrant.error());
        return Response::json(200, json_of(*warrant));
    });
}

}  // namespace prewatt::server::api

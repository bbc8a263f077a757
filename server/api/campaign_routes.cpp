// Campaigns, groups, desired settings, the quality of lines: docs/formats/rest.md.
#include <charconv>

#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

constexpr Roles kSwitchers = roles({Role::kOwner, Role::kTechnician});
constexpr std::int64_t kTime_ms_max = 4'102'444'800'000;  // 2100-01-01

// "23:00-01:30" as minutes of the day.
std::optional<std::pair<int, int>> minutes_of_window(const std::string& text) {
    int minutes[2] = {};
    if (text.size() != 11 || text[5] != '-') return std::nullopt;
    for (int k = 0; k < 2; ++k) {
        const std::string_view part = std::string_view(text).substr(k == 0 ? 0 : 6, 5);
        int hour = 0;
        int minute = 0;
        const auto read = [](std::string_view digits, int& value) {
            const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return fault == std::errc{} && end == digits.data() + digits.size() && value >= 0;
        };
        if (part[2] != ':' || !read(part.substr(0, 2), hour) || !read(part.substr(3), minute) || hour > 23 ||
            minute > 59)
            return std::nullopt;
        minutes[k] = hour * 60 + minute;
    }
    return std::pair{minutes[0], minutes[1]};
}

}  // namespace

void OfficeApi::add_campaign_routes() {
    const auto wish_in = [](const std::string& text) -> std::expected<Wish, Problem> {
        const auto wish = wish_of(text);
        if (!wish)
            return refuse(400, "bad_argument",
                          "'wish' is remote_off, remote_on, force MINUTES, force_end, acknowledge, alarms LOW CUTOFF "
                          "OVERDRAFT, reset_lockout, clock or setting ID INDEX HEX; nothing was done");
        if (const auto bad = check_wish(*wish)) return refused(*bad);
        return *wish;
    };
    const auto selection_text = [](const std::string& text) -> std::expected<Selection, Problem> {
        const auto selection = selection_of(text);
        if (!selection)
            return refuse(400, "bad_argument",
                          "'selection' is all, building ID, floor BUILDING FLOOR, line ID, box ID, group ID, "
                          "price_group NUMBER or list ID ID ...; nothing was done");
        return *selection;
    };
    router_.add(Method::kPost, "/api/v1/campaigns/preview", kSwitchers,
                [this, wish_in, selection_text](const Call& call) -> Outcome {
                    JsonInput input(call.request);
                    const std::string selected = input.text("selection", 1, 65'536);
                    const std::string wanted = input.text("wish", 1, 256);
                    if (auto problem = input.problem()) return std::unexpected(*problem);
                    const auto selection = selection_text(selected);
                    if (!selection) return std::unexpected(selection.error());
                    const auto wish = wish_in(wanted);
                    if (!wish) return std::unexpected(wish.error());
                    const auto preview = office_.campaigns().preview(*selection, *wish, actor_of(call));
                    if (!preview) return refused(preview.error());
                    return Response::json(200, json_of(*preview));
                });
    router_.add(
        Method::kPost, "/api/v1/campaigns", kSwitchers, [this, wish_in, selection_text](const Call& call) -> Outcome {
            JsonInput input(call.request);
            auto key = order_id_of(call.request);
            if (!key) return std::unexpected(key.error());
            CampaignOrder order;
            order.order_id = std::move(*key);
            const std::string selected = input.text("selection", 1, 65'536);
            const std::string wanted = input.text("wish", 1, 256);
            order.reason = input.text("reason", 1, 500);
            const std::string start_at = input.text_or("start_at", "", 20);
            const std::string repeat = input.text_or("repeat", "once", 8);
            const std::string window = input.text_or("window", "", 11);
            if (auto problem = input.problem()) return std::unexpected(*problem);
            const auto selection = selection_text(selected);
            if (!selection) return std::unexpected(selection.error());
            const auto wish = wish_in(wanted);
            if (!wish) return std::unexpected(wish.error());
            order.selection = *selection;
            order.wish = *wish;
            order.schedule.start_at.ms = start_at.empty() ? 0 : id_in(start_at);
            if (!start_at.empty() && (order.schedule.start_at.ms == 0 || order.schedule.start_at.ms > kTime_ms_max))
                return refuse(400, "bad_argument", "'start_at' is milliseconds since 1970; nothing was done");
            if (repeat != "once" && repeat != "daily")
                return refuse(400, "bad_argument", "'repeat' is once or daily; nothing was done");
            order.schedule.daily = repeat == "daily";
            if (!window.empty()) {
                const auto minutes = minutes_of_window(window);
                if (!minutes)
                    return refuse(400, "bad_argument", "'window' is HH:MM-HH:MM of the office's day; nothing was done");
                order.schedule.from_minute = minutes->first;
                order.schedule.to_minute = minutes->second;
            }
            const auto started = wait<CampaignRecord>([&](WhenDone<CampaignRecord> done) {
                office_.campaigns().start(std::move(order), actor_of(call), std::move(done));
            });
            if (!started) return refused(started.error());
            return Response::json(202, json_of(*started))
                .with("Location", "/api/v1/campaigns/" + std::to_string(started->id.value));
        });
    router_.add(Method::kGet, "/api/v1/campaigns", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, 1000);
        if (!limit) return std::unexpected(limit.error());
        const auto campaigns = office_.campaigns().campaigns(static_cast<int>(limit->value_or(20)));
        if (!campaigns) return refused(campaigns.error());
        json list = json::array();
        for (const CampaignRecord& campaign : *campaigns)
            list.push_back(json_of(campaign));
        return Response::json(200, {{"campaigns", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/campaigns/{id}", kAnyRole, [this](const Call& call) -> Outcome {
        const auto campaign = office_.campaigns().campaign(CampaignId{id_in(call.values[0])});
        if (!campaign) return refused(campaign.error());
        return Response::json(200, json_of(*campaign));
    });
    router_.add(Method::kGet, "/api/v1/campaigns/{id}/members", kAnyRole, [this](const Call& call) -> Outcome {
        const auto limit = integer_parameter(call.request, "limit", 1, kMembersAtOnceMax);
        if (!limit) return std::unexpected(limit.error());
        const auto after = integer_parameter(call.request, "after", 0, INT64_MAX);
        if (!after) return std::unexpected(after.error());
        std::optional<MemberState> state;
        if (const auto text = call.request.parameter("state")) {
            state = member_state_of(*text);
            if (!state)
                return refuse(400, "bad_parameter", "'state' must be confirmed, already, waiting, failed or cannot");
        }
        const auto members = office_.campaigns().members(CampaignId{id_in(call.values[0])}, state, after->value_or(0),
                                                         static_cast<int>(limit->value_or(200)));
        if (!members) return refused(members.error());
        json list = json::array();
        for (const CampaignMember& m : *members)
            list.push_back({{"member", m.member},
                            {"room", m.room},
                            {"state", word(m.state)},
                            {"problem", m.problem},
                            {"tries", m.tries},
                            {"job_id", m.job ? json(m.job.value) : json(nullptr)}});
        return Response::json(200, {{"members", std::move(list)}});
    });
    using Command = void (Campaigns::*)(CampaignId, Actor, WhenDone<CampaignRecord>);
    const auto add_act = [this](const char* path, Command act) {
        router_.add(Method::kPost, path, kSwitchers, [this, act](const Call& call) -> Outcome {
            const CampaignId id{id_in(call.values[0])};
            const auto changed = wait<CampaignRecord>([&](WhenDone<CampaignRecord> done) {
                (office_.campaigns().*act)(id, actor_of(call), std::move(done));
            });
            if (!changed) return refused(changed.error());
            return Response::json(200, json_of(*changed));
        });
    };
    add_act("/api/v1/campaigns/{id}/pause", &Campaigns::pause);
    add_act("/api/v1/campaigns/{id}/resume", &Campaigns::resume);
    add_act("/api/v1/campaigns/{id}/cancel", &Campaigns::cancel);
    add_act("/api/v1/campaigns/{id}/retry", &Campaigns::retry);

    router_.add(Method::kGet, "/api/v1/groups", kAnyRole, [this](const Call&) -> Outcome {
        const auto groups = office_.campaigns().groups();
        if (!groups) return refused(groups.error());
        json list = json::array();
        for (const GroupRecord& group : *groups)
            list.push_back({{"id", group.id.value}, {"name", group.name}, {"members", group.members}});
        return Response::json(200, {{"groups", std::move(list)}});
    });
    router_.add(Method::kPut, "/api/v1/groups", kSwitchers, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        const std::string name = input.text("name", 1, 64);
        const std::string households = input.text("households", 0, 65'536);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto list = selection_of("list " + households);
        if (!households.empty() && !list)
            return refuse(400, "bad_argument", "'households' are numbers with spaces between; nothing was done");
        const auto group = wait<GroupRecord>([&](WhenDone<GroupRecord> done) {
            office_.campaigns().set_group(name, list ? list->list : std::vector<HouseholdId>{}, actor_of(call),
                                          std::move(done));
        });
        if (!group) return refused(group.error());
        return Response::json(200, {{"id", group->id.value}, {"name", group->name}, {"members", group->members}});
    });
    // An order to one household that needs nothing but a reason.
    const auto plain_order = [this](auto order) {
        return [this, order](const Call& call) -> Outcome {
            JsonInput input(call.request);
            auto key = order_id_of(call.request);
            if (!key) return std::unexpected(key.error());
            const std::string reason = input.text("reason", 1, 500);
            if (auto problem = input.problem()) return std::unexpected(*problem);
            const auto job = wait<JobRecord>([&](WhenDone<JobRecord> done) {
                (office_.*order)(
                    {*key, HouseholdId{id_in(call.values[0])}, call.caller->user.user, reason, call.request.remote},
                    std::move(done));
            });
            if (!job) return refused(job.error());
            return Response::json(202, json_of(*job)).with("Location", "/api/v1/jobs/" + std::to_string(job->id.value));
        };
    };
    router_.add(Method::kPost, "/api/v1/households/{id}/reset-lockout", kSwitchers,
                plain_order(&Office::reset_lockout));
    router_.add(Method::kPost, "/api/v1/households/{id}/clear", kSwitchers, plain_order(&Office::clear_household));
    router_.add(Method::kGet, "/api/v1/households/{id}/settings", kAnyRole, [this](const Call& call) -> Outcome {
        const auto settings = office_.campaigns().settings_of_household(HouseholdId{id_in(call.values[0])});
        if (!settings) return refused(settings.error());
        json list = json::array();
        for (const SettingState& setting : *settings)
            list.push_back(json_of(setting));
        return Response::json(200, {{"settings", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/lines/{id}/quality", kAnyRole, [this](const Call& call) -> Outcome {
        const std::int64_t id = id_in(call.values[0]);
        for (const LineStatus& line : field_.lines())
            if (line.id.value == id) return Response::json(200, quality_of(line));
        return refuse(404, "not_found", "there is no such line");
    });
    router_.add(Method::kGet, "/api/v1/ticket-questions", kAnyRole, [this](const Call&) -> Outcome {
        const auto questions = office_.ticket_questions();
        if (!questions) return refused(questions.error());
        json list = json::array();
        for (const TicketQuestion& question : *questions)
            list.push_back(json_of(question));
        return Response::json(200, {{"questions", std::move(list)}});
    });
}

}  // namespace prewatt::server::api

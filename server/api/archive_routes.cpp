// Reports of what the archive keeps: consumption of a month, a day, an hour or any whole hours; closings with all their
// versions.
#include <algorithm>
#include <charconv>

#include "server/api/json_input.hpp"
#include "server/api/json_of.hpp"
#include "server/api/route.hpp"
#include "server/domain/archive.hpp"

namespace prewatt::server::api {
namespace {

using nlohmann::json;

std::int64_t ckwh(Energy energy) {
    return in_hundredths(energy, Round::kDown);
}
json time_or_null(const std::optional<UnixTime>& time) {
    return time ? json(time->ms) : json(nullptr);
}
json register_or_null(const std::optional<RegisterAt>& value) {
    if (!value) return nullptr;
    return {{"forward_ckwh", ckwh(value->forward)},
            {"quality", word(value->quality)},
            {"before_at", time_or_null(value->before_at)},
            {"after_at", time_or_null(value->after_at)}};
}
json json_of(const ConsumptionRow& row, ReportLevel level) {
    json out{{"id", row.id},
             {"name", row.name},
             {"households", row.households},
             {"estimated", row.estimated},
             {"missing", row.missing},
             {"corrected", row.corrected},
             {"consumption_ckwh", row.quality == Quality::kNone ? json(nullptr) : json(ckwh(row.consumption))},
             {"quality", word(row.quality)}};
    if (level == ReportLevel::kHousehold) {
        out["building"] = row.building;
        out["from"] = register_or_null(row.from);
        out["to"] = register_or_null(row.to);
    }
    return out;
}
json json_of(const ClosingRecord& closing) {
    return {{"month", text_of(closing.month)},
            {"version", closing.version},
            {"replaces", closing.replaces ? json(*closing.replaces) : json(nullptr)},
            {"at", closing.at.ms},
            {"forward_ckwh", ckwh(closing.value.forward)},
            {"remaining_ckwh", in_hundredths(closing.value.remaining, Round::kDown)},
            {"quality", word(closing.value.quality)},
            {"before_at", time_or_null(closing.value.before_at)},
            {"after_at", time_or_null(closing.value.after_at)},
            {"made_at", closing.made_at.ms},
            {"why", closing.why}};
}

json json_of(const ArchiveSettings& settings) {
    json out = json::object();
    for (const ArchiveSettingName& setting : kArchiveSettings)
        out[std::string{setting.name}] = *archive_setting(settings, setting.name);
    return out;
}

// In quotes where a comma or a quote asks for it.
std::string csv(std::string_view text) {
    if (text.find_first_of(",\"\n") == text.npos) return std::string{text};
    std::string out = "\"";
    for (const char c : text)
        out += c == '"' ? "\"\"" : std::string{c};
    return out + "\"";
}
std::string decimal(std::int64_t hundredths) {
    const std::string digits = std::to_string(hundredths < 0 ? -hundredths : hundredths);
    const std::string padded = std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
    return (hundredths < 0 ? "-" : "") + padded.substr(0, padded.size() - 2) + "." + padded.substr(padded.size() - 2);
}
std::string csv_of(const ConsumptionReport& report) {
    std::string text =
        "building,name,consumption_kwh,quality,households,estimated,missing,corrected,from_kwh,to_kwh\r\n";
    for (const ConsumptionRow& row : report.rows) {
        text += csv(row.building) + "," + csv(row.name) + ",";
        if (row.quality != Quality::kNone) text += decimal(ckwh(row.consumption));
        text += "," + std::string{word(row.quality)};
        for (const int count : {row.households, row.estimated, row.missing, row.corrected})
            text += "," + std::to_string(count);
        for (const auto& end : {row.from, row.to})
            text += "," + (end ? decimal(ckwh(end->forward)) : std::string{});
        text += "\r\n";
    }
    return text;
}

}  // namespace

void OfficeApi::add_archive_routes() {
    router_.add(Method::kGet, "/api/v1/reports/consumption", kAnyRole, [this](const Call& call) -> Outcome {
        ConsumptionQuestion question;
        const auto level = report_level_of(call.request.parameter("level").value_or("household"));
        if (!level) return refuse(400, "bad_parameter", "'level' must be one of 'household', 'building', 'site'");
        question.level = *level;
        const auto month = call.request.parameter("month");
        const auto from = call.request.parameter("from");
        const auto to = call.request.parameter("to");
        if (month ? from || to : !from)
            return refuse(400, "bad_parameter",
                          "give 'month' (2026-11), or 'from' and perhaps 'to' (2026-11-05 or 2026-11-05T14), each the "
                          "beginning of a month, a day or an hour of the office");
        if (month) {
            const auto period = month->size() == 7 ? period_of(*month) : std::nullopt;
            if (!period) return refuse(400, "bad_parameter", "'month' must be written as 2026-11");
            question.month = office_month_of(period->from);
        } else {
            const auto begin = period_of(*from);
            const auto end = to ? period_of(*to) : begin;
            if (!begin || !end)
                return refuse(400, "bad_parameter",
                              "'from' and 'to' must be written as 2026-11, 2026-11-05 or 2026-11-05T14");
            question.from = begin->from;
            question.to = to ? end->from : begin->to;
            if (question.from >= question.to) return refuse(400, "bad_parameter", "'from' must be before 'to'");
        }
        const std::string_view format = call.request.parameter("format").value_or("json");
        if (format != "json" && format != "csv")
            return refuse(400, "bad_parameter", "'format' must be 'json' or 'csv'");
        const auto report = office_.archive().consumption(question);
        if (!report) return std::unexpected(problem_of(report.error()));
        if (format == "csv") {
            Response response;
            response.content_type = "text/csv; charset=utf-8";
            response.body = std::make_shared<const std::string>(csv_of(*report));
            return response;
        }
        json rows = json::array();
        for (const ConsumptionRow& row : report->rows)
            rows.push_back(json_of(row, report->level));
        return Response::json(200, {{"level", word(report->level)},
                                    {"from", report->from.ms},
                                    {"to", report->to.ms},
                                    {"closed", report->closed},
                                    {"consumption", std::move(rows)}});
    });
    router_.add(Method::kGet, "/api/v1/households/{id}/closings", kAnyRole, [this](const Call& call) -> Outcome {
        std::int64_t id = 0;
        const std::string& text = call.values[0];
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (fault != std::errc{} || end != text.data() + text.size()) id = 0;
        const auto household = office_.household(HouseholdId{id});
        if (!household) return std::unexpected(problem_of(household.error()));
        const auto closings = office_.archive().closings(household->id);
        if (!closings) return std::unexpected(problem_of(closings.error()));
        json list = json::array();
        for (const ClosingRecord& closing : *closings)
            list.push_back(json_of(closing));
        return Response::json(200, {{"closings", std::move(list)}});
    });
    router_.add(Method::kGet, "/api/v1/archive", kAnyRole, [this](const Call&) -> Outcome {
        const ArchiveStatus status = office_.archive().status();
        const auto until = [](UnixTime time) { return time == UnixTime{} ? json(nullptr) : json(time.ms); };
        return Response::json(
            200, {{"takes_readings", status.takes_readings},
                  {"refused_readings", status.refused_readings},
                  {"free_bytes", status.free_bytes ? json(*status.free_bytes) : json(nullptr)},
                  {"hours_until", until(status.hours_until)},
                  {"days_until", until(status.days_until)},
                  {"months_until", until(status.months_until)},
                  {"closed_until", status.closed_until ? json(text_of(*status.closed_until)) : json(nullptr)},
                  {"problem", status.problem}});
    });
    router_.add(Method::kGet, "/api/v1/archive/settings", kAnyRole, [this](const Call&) -> Outcome {
        const auto settings = office_.archive().settings();
        if (!settings) return refused(settings.error());
        return Response::json(200, json_of(*settings));
    });
    router_.add(Method::kPut, "/api/v1/archive/settings", kOwners, [this](const Call& call) -> Outcome {
        JsonInput input(call.request);
        ArchiveSettings settings;
        for (const ArchiveSettingName& setting : kArchiveSettings)
            (void)set_archive_setting(settings, setting.name, input.integer(setting.name, 0, INT64_MAX));
        const std::string reason = input.text("reason", 1, 500);
        if (auto problem = input.problem()) return std::unexpected(*problem);
        const auto set = wait<ArchiveSettings>([&](WhenDone<ArchiveSettings> done) {
            office_.archive().set_settings(settings, actor_of(call), reason, std::move(done));
        });
        if (!set) return refused(set.error());
        return Response::json(200, json_of(*set));
    });
}

}  // namespace prewatt::server::api

#include "cli/db.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "cli/output.hpp"
#include "server/store/archive_settings.hpp"
#include "server/store/backup.hpp"

namespace prewatt::cli {
namespace {

namespace store = server::store;

server::UnixTime wall_clock() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return server::UnixTime{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

int fail(const store::OpenFailure& failure) {
    ExitCode exit = ExitCode::kInternal;
    switch (failure.error) {
        case store::OpenError::kBadSpec:
            exit = ExitCode::kWrongUse;
            break;
        case store::OpenError::kMissing:
            exit = ExitCode::kNotFound;
            break;
        case store::OpenError::kExists:
        case store::OpenError::kInUse:
        case store::OpenError::kNewer:
        case store::OpenError::kDamaged:
            exit = ExitCode::kRefused;
            break;
        case store::OpenError::kFailed:
            break;
    }
    return fail(exit, failure.message);
}
int fail_output(const std::string& output) {
    return fail(ExitCode::kWrongUse, "'" + output + "' is none of table, json, csv");
}

int show(const store::Opened<store::Copied>& copied, const std::string& output) {
    const auto format = output_format(output);
    if (!format) return fail_output(output);
    if (!copied) return fail(copied.error());
    print({"copies",
           {{"from", "From"},
            {"to", "To"},
            {"version", "Version", true},
            {"tables", "Tables", true},
            {"rows", "Rows", true},
            {"balances_before", "Balances before"},
            {"balances_after", "Balances after"}},
           {{copied->from, copied->to, std::int64_t{copied->version}, copied->tables, copied->rows,
             copied->balances_before, copied->balances_after}}},
          *format);
    return code(ExitCode::kDone);
}

}  // namespace

int run(const DbCheckOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail_output(options.output);
    const auto findings = store::check_office(options.db);
    if (!findings) return fail(findings.error());
    Table table{"findings", {{"subject", "Subject"}, {"sound", "Sound"}, {"words", "Finding"}}, {}};
    bool sound = true;
    for (const store::Finding& finding : *findings) {
        table.rows.push_back({finding.subject, finding.sound, finding.words});
        sound = sound && finding.sound;
    }
    print(table, *format);
    return sound ? code(ExitCode::kDone)
                 : fail(ExitCode::kRefused, "the database is not as it should be; do not sell from it",
                        "prewatt db backup, then ask for help before anything is changed");
}
int run(const DbSettingsOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail_output(options.output);
    std::vector<std::pair<std::string, std::int64_t>> changes;
    for (const std::string& change : options.changes) {
        const std::size_t equals = std::min(change.find('='), change.size());
        std::int64_t value = 0;
        const char* const begin = change.data() + std::min(equals + 1, change.size());
        const char* const end = change.data() + change.size();
        const auto [read_to, fault] = std::from_chars(begin, end, value);
        if (equals == 0 || begin == end || fault != std::errc{} || read_to != end)
            return fail(ExitCode::kWrongUse, "'" + change + "' is no NAME=NUMBER", "raw_days=90 close_hour=6");
        changes.emplace_back(change.substr(0, equals), value);
    }
    if (!changes.empty() && options.reason.empty())
        return fail(ExitCode::kWrongUse, "a reason is needed for the journal", "--reason \"a larger disk\"");
    const char* const user = std::getenv("USER");
    const auto settings = changes.empty()
                              ? store::archive_settings(options.db)
                              : store::set_archive_settings(options.db, changes, {user && *user ? user : "root", "cli"},
                                                            options.reason, wall_clock());
    if (!settings) return fail(settings.error());
    Table table{"settings", {{"name", "Setting"}, {"value", "Value", true}, {"words", "What it is"}}, {}};
    for (const server::ArchiveSettingName& setting : server::kArchiveSettings)
        table.rows.push_back(
            {std::string{setting.name}, *server::archive_setting(*settings, setting.name), std::string{setting.words}});
    print(table, *format);
    return code(ExitCode::kDone);
}
int run(const DbBackupOptions& options) {
    if (!output_format(options.output)) return fail_output(options.output);
    return show(store::back_up(options.db, options.file, wall_clock()), options.output);
}
int run(const DbRestoreOptions& options) {
    if (!output_format(options.output)) return fail_output(options.output);
    const auto copied = store::restore(options.file, options.db, wall_clock());
    const int result = show(copied, options.output);
    if (copied && result == code(ExitCode::kDone))
        std::fprintf(
            stderr,
            "prewatt: what was sold after this backup is in the meters and not in these books. Start the "
            "office: rooms whose meters know more are asked about, and no card is written before its meter has "
            "been read (work item \"books_restored\").\n");
    return result;
}
int run(const DbMoveOptions& options) {
    if (!output_format(options.output)) return fail_output(options.output);
    return show(store::move_office(options.from, options.to, wall_clock()), options.output);
}
int run(const DbMigrateOptions& options) {
    const auto format = output_format(options.output);
    if (!format) return fail_output(options.output);
    const auto migrated = store::migrate_office(options.db, wall_clock());
    if (!migrated) return fail(migrated.error());
    Table table{"steps", {{"db", "Database"}, {"step", "Step applied"}}, {}};
    for (const std::string& step : migrated->steps)
        table.rows.push_back({migrated->name, step});
    if (migrated->steps.empty())
        table.rows.push_back({migrated->name, "none: it has version " + std::to_string(migrated->version_before)});
    print(table, *format);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

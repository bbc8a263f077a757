#include "cli/audit.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "server/store/audit.hpp"
#include "server/store/place.hpp"

namespace prewatt::cli {
namespace {

using nlohmann::json;
namespace store = server::store;

store::Opened<std::unique_ptr<store::Db>> open_database(const AuditOptions& options) {
    const std::string url = options.db.empty() ? (options.data / "prewatt.db").string() : options.db;
    auto place = store::place_of(url);
    if (!place) return std::unexpected(std::move(place.error()));
    auto db = (*place)->open_reading();
    if (db && !(*db)->has_table("audit_journal"))
        return store::open_failure(store::OpenError::kFailed,
                                   (*place)->name() +
                                       " has no journal yet: it was made by an older version. Start the "
                                       "office once with this one.");
    return db;
}

int not_read(const std::string& why) {
    return fail(ExitCode::kInternal, why);
}

std::string text_of(const server::AuditHead& head) {
    return std::to_string(head.number) + ":" + head.chain;
}

}  // namespace

int run(const AuditVerifyOptions& options) {
    std::optional<server::AuditHead> expected;
    if (!options.expect.empty()) {
        expected = server::audit_head_of(options.expect);
        if (!expected)
            return fail(ExitCode::kWrongUse, "--expect '" + options.expect + "' is not NUMBER:CHAIN",
                        "what prewatt audit head printed when the journal was last looked at");
    }
    auto db = open_database(options);
    if (!db) return not_read(db.error().message);
    (*db)->begin_read();
    const auto verdict = store::verify_audit(**db, std::move(expected));
    (*db)->rollback();
    if (!verdict) return not_read(verdict.error().message);
    const bool whole = verdict->fault == server::AuditFault::kNone;
    if (options.json) {
        const json out{{"format", 1},
                       {"whole", whole},
                       {"fault", server::word(verdict->fault)},
                       {"number", verdict->number},
                       {"records", verdict->records},
                       {"head", text_of(verdict->head)},
                       {"explanation", explain(*verdict)}};
        std::printf("%s\n", out.dump().c_str());
    } else {
        std::printf("%s\nhead %s\n", explain(*verdict).c_str(), text_of(verdict->head).c_str());
    }
    std::fflush(stdout);
    return whole ? code(ExitCode::kDone)
                 : fail(ExitCode::kInternal, "the journal is not whole at number " + std::to_string(verdict->number));
}

int run(const AuditHeadOptions& options) {
    auto db = open_database(options);
    if (!db) return not_read(db.error().message);
    const server::AuditHead head = store::read_audit_head(**db);
    if (!(*db)->ok()) return not_read((*db)->failure()->message);
    if (options.json)
        std::printf("%s\n", json{{"format", 1}, {"number", head.number}, {"chain", head.chain}}.dump().c_str());
    else
        std::printf("%s\n", text_of(head).c_str());
    std::fflush(stdout);
    return code(ExitCode::kDone);
}

int run(const AuditShowOptions& options) {
    if (options.canonical && options.number <= 0)
        return fail(ExitCode::kWrongUse, "--canonical needs the number of one record",
                    "prewatt audit show 12 --canonical | sha256sum");
    auto db = open_database(options);
    if (!db) return not_read(db.error().message);
    server::AuditFilter filter;
    filter.user = options.user;
    filter.action = options.action;
    filter.subject = options.subject;
    filter.limit = options.limit;
    if (options.number > 0) {
        filter.before = options.number + 1;
        filter.limit = options.canonical ? 2 : 1;
    }
    const auto records = store::read_audit(**db, filter);
    if (!records) return not_read(records.error().message);
    if (options.number > 0 && (records->empty() || records->front().number != options.number))
        return fail(ExitCode::kNotFound, "there is no record " + std::to_string(options.number));
    if (options.canonical) {
        const std::string before = records->size() > 1 ? (*records)[1].chain : std::string{server::kChainBeginning};
        const std::string bytes = canonical_bytes(records->front(), before);
        std::fwrite(bytes.data(), 1, bytes.size(), stdout);
        std::fflush(stdout);
        return code(ExitCode::kDone);
    }
    Table table{"records",
                {{"number", "Number", true},
                 {"at", "At, ms", true},
                 {"user", "User"},
                 {"from", "From"},
                 {"action", "Action"},
                 {"subject", "Subject"},
                 {"before", "Before"},
                 {"after", "After"},
                 {"reason", "Reason"},
                 {"chain", "Chain"}},
                {}};
    for (const server::AuditRecord& r : *records)
        table.rows.push_back(
            {r.number, r.at.ms, r.who.user, r.who.from, r.action, r.subject, r.before, r.after, r.reason, r.chain});
    print(table, options.json ? OutputFormat::kJson : OutputFormat::kTable);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

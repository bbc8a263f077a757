#include "server/store/audit.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

#define PREWATT_AUDIT_SELECT                                                                               \
    "SELECT number, at, user_name, from_address, action, subject, old_text, new_text, reason, chain FROM " \
    "audit_journal "

AuditRecord record_of(const Row& row) {
    AuditRecord record;
    record.number = row.integer(0);
    record.at = row.as<UnixTime>(1);
    record.who = {row.as<std::string>(2), row.as<std::string>(3)};
    record.action = row.as<std::string>(4);
    record.subject = row.as<std::string>(5);
    record.before = row.as<std::string>(6);
    record.after = row.as<std::string>(7);
    record.reason = row.as<std::string>(8);
    record.chain = row.as<std::string>(9);
    return record;
}

class AuditOnDb final : public Audit {
  public:
    explicit AuditOnDb(Engine& engine) : engine_(engine) {}

    void note(AuditRecord record, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, record = std::move(record)](Db& db, Changes&) mutable -> Answer<Done> {
                record.at = engine_.clock();
                append_audit(db, record);
                return Done{};
            },
            std::move(done));
    }
    Answer<std::vector<AuditRecord>> records(const AuditFilter& filter) override {
        return engine_.pool.ask([&](Db& db) { return read_audit(db, filter); });
    }
    Answer<AuditHead> head() override {
        return engine_.pool.ask([](Db& db) { return checked(db, read_audit_head(db)); });
    }
    Answer<AuditVerdict> verify(std::optional<AuditHead> expected) override {
        return engine_.pool.ask([&](Db& db) { return verify_audit(db, expected); });
    }

  private:
    Engine& engine_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    std::string text(hash.size() * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
    text.pop_back();
    return text;
}

AuditHead read_audit_head(Db& db) {
    AuditHead head;
    db.query("SELECT number, chain FROM audit_journal ORDER BY number DESC LIMIT 1", {},
             [&](const Row& row) { head = {row.integer(0), row.as<std::string>(1)}; });
    return head;
}

void append_audit(Db& db, const AuditRecord& record) {
    const AuditHead head = read_audit_head(db);
    if (!db.ok()) return;  // an empty head would begin a second chain
    AuditRecord kept = record;
    kept.number = head.number + 1;
    for (std::string* text :
         {&kept.who.user, &kept.who.from, &kept.action, &kept.subject, &kept.before, &kept.after, &kept.reason})
        *text = journal_text(*text);
    db.post(
        "INSERT INTO audit_journal (number, at, user_name, from_address, action, subject, old_text, new_text, reason, "
        "chain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        {kept.number, kept.at, kept.who.user, kept.who.from, kept.action, kept.subject, kept.before, kept.after,
         kept.reason, sha256_hex(canonical_bytes(kept, head.chain))});
}

void append_audit(Db& db, const Actor& who, ActOn act, std::string reason, UnixTime now) {
    append_audit(db, {0, now, who, std::move(act.action), std::move(act.subject), std::move(act.before),
                      std::move(act.after), std::move(reason), ""});
}

Answer<std::vector<AuditRecord>> read_audit(Db& db, const AuditFilter& filter) {
    std::vector<AuditRecord> records;
    db.query(PREWATT_AUDIT_SELECT
             "WHERE number < $1 AND (user_name = $2 OR $2 = '') AND (action = $3 OR $3 = '' OR substr(action, 1, "
             "length($3) + 1) = $3 || '.') AND (subject = $4 OR $4 = '') AND at >= $5 AND at < $6 ORDER BY number DESC "
             "LIMIT $7",
             {filter.before > 0 ? filter.before : INT64_MAX, filter.user, filter.action, filter.subject,
              filter.from ? filter.from->ms : INT64_MIN, filter.to ? filter.to->ms : INT64_MAX,
              std::clamp(filter.limit, 1, 10'000)},
             [&](const Row& row) { records.push_back(record_of(row)); });
    return checked(db, std::move(records));
}

Answer<AuditVerdict> verify_audit(Db& db, std::optional<AuditHead> expected) {
    AuditCheck check(sha256_hex, std::move(expected));
    db.query(PREWATT_AUDIT_SELECT "ORDER BY number", {}, [&](const Row& row) { check.take(record_of(row)); });
    return checked(db, check.finish());
}

std::unique_ptr<Audit> make_audit(Engine& engine) {
    return std::make_unique<AuditOnDb>(engine);
}

}  // namespace prewatt::server::store

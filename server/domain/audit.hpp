// The journal of who did what, from where, when, why, old and new; chained by hashes (product.md H9). Byte-exact:
// docs/formats/audit.md. What needs two people is decided in approvals.hpp.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

// One act. `subject` names what it was done to ("household 12", "price plan 3"); before and after are short texts that
// a person reads, empty where there is nothing to say. `chain` is the hash over this record and the chain of the one
// before.
struct AuditRecord {
    std::int64_t number = 0;  // 1.. without gaps
    UnixTime at;
    Actor who;
    std::string action;  // "sale.refund", "household.relay_off": subject first, verb last
    std::string subject;
    std::string before;
    std::string after;
    std::string reason;
    std::string chain;  // 64 hexadecimal digits, lower case
};

inline constexpr std::size_t kJournalTextSizeMax = 4096;
// The chain before the first record.
inline constexpr std::string_view kChainBeginning = "0000000000000000000000000000000000000000000000000000000000000000";

// A text as the journal keeps it: valid UTF-8 (a wrong byte becomes '?'), control characters as spaces, so that a
// record is one line whatever somebody typed; cut at a whole character at kJournalTextSizeMax bytes.
[[nodiscard]] std::string journal_text(std::string_view text);

// What SHA-256 goes over: the record, without its own chain, after the chain of the one before.
[[nodiscard]] std::string canonical_bytes(const AuditRecord& record, std::string_view chain_before);

struct AuditHead {
    std::int64_t number = 0;  // of the newest record; 0: the journal is empty
    std::string chain{kChainBeginning};
    friend bool operator==(const AuditHead&, const AuditHead&) = default;
};
// "1207:5f0c...": what an auditor notes down. Nothing when it is not of this form.
[[nodiscard]] std::optional<AuditHead> audit_head_of(std::string_view text);

enum class AuditFault : std::uint8_t {
    kNone,
    kMissing,   // a number is not there: a record was taken out, or several
    kChanged,   // record and chain do not fit: the record was changed, or one before it was taken out, put in or
                // exchanged
    kCutOff,    // the journal ends before the head that somebody noted down
    kReplaced,  // the chain at the noted number is another: the journal was written anew from somewhere before it
};
[[nodiscard]] std::string_view word(AuditFault fault);  // "missing", "changed", "cut_off", "replaced"
struct AuditVerdict {
    AuditFault fault = AuditFault::kNone;
    std::int64_t number = 0;  // the first that does not fit
    std::int64_t records = 0;
    AuditHead head;
};
// What it means, in a sentence for whoever asked.
[[nodiscard]] std::string explain(const AuditVerdict& verdict);

// Takes the records in the order of their numbers and says what does not fit. `hash` is SHA-256 in hexadecimal digits.
class AuditCheck {
  public:
    using Hash = std::function<std::string(std::string_view)>;
    explicit AuditCheck(Hash hash, std::optional<AuditHead> expected = std::nullopt)
        : hash_(std::move(hash)), expected_(std::move(expected)) {}
    void take(const AuditRecord& record);
    [[nodiscard]] AuditVerdict finish() const;

  private:
    Hash hash_;
    std::optional<AuditHead> expected_;
    AuditVerdict verdict_;
    bool expected_met_ = false;
};

struct AuditFilter {
    std::int64_t before = 0;  // numbers below this; 0: from the newest
    int limit = 100;          // 1..10000
    std::string user;         // empty: all
    std::string action;       // this one, or all that begin so and go on with a dot ("household")
    std::string subject;
    std::optional<UnixTime> from;  // from <= at < to
    std::optional<UnixTime> to;
};

class Audit {
  public:
    virtual ~Audit() = default;

    // An act that changes no table (an export, a refusal worth keeping). `at` is filled in.
    virtual void note(AuditRecord record, WhenDone<Done> done) = 0;
    // Newest first.
    [[nodiscard]] virtual Answer<std::vector<AuditRecord>> records(const AuditFilter& filter) = 0;
    [[nodiscard]] virtual Answer<AuditHead> head() = 0;
    // Recomputes the whole chain.
    [[nodiscard]] virtual Answer<AuditVerdict> verify(std::optional<AuditHead> expected) = 0;
};

}  // namespace prewatt::server

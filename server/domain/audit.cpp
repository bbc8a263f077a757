#include "server/domain/audit.hpp"

#include <charconv>

namespace prewatt::server {
namespace {

// The bytes of the character that begins here; 0: they are no UTF-8.
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xC2 && first < 0xE0   ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t k = 1; k < size; ++k)
        if ((byte(k) & 0xC0) != 0x80) return 0;
    // Too long for what they say, a half of a pair, beyond the last character.
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) || (first == 0xF0 && byte(1) < 0x90) ||
        (first == 0xF4 && byte(1) >= 0x90))
        return 0;
    return size;
}

void add_text(std::string& bytes, std::string_view text) {
    bytes += std::to_string(text.size());
    bytes += ':';
    bytes += text;
    bytes += '\n';
}

}  // namespace

std::string journal_text(std::string_view text) {
    std::string kept;
    kept.reserve(std::min(text.size(), kJournalTextSizeMax));
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (kept.size() + std::max<std::size_t>(size, 1) > kJournalTextSizeMax) break;
        const auto first = static_cast<unsigned char>(text.front());
        if (size == 0)
            kept += '?';
        else if (size == 1)
            kept += first < 0x20 || first == 0x7F ? ' ' : text.front();
        else
            kept += text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return kept;
}

std::string canonical_bytes(const AuditRecord& record, std::string_view chain_before) {
    std::string bytes = "prewatt-audit 1\n";
    bytes += chain_before;
    bytes += '\n';
    bytes += std::to_string(record.number);
    bytes += '\n';
    bytes += std::to_string(record.at.ms);
    bytes += '\n';
    for (const std::string* text : {&record.who.user, &record.who.from, &record.action, &record.subject, &record.before,
                                    &record.after, &record.reason})
        add_text(bytes, *text);
    return bytes;
}

std::optional<AuditHead> audit_head_of(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    AuditHead head;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + colon, head.number);
    if (fault != std::errc{} || end != text.data() + colon || head.number < 0) return std::nullopt;
    head.chain = text.substr(colon + 1);
    if (head.chain.size() != kChainBeginning.size() ||
        head.chain.find_first_not_of("0123456789abcdef") != std::string::npos)
        return std::nullopt;
    return head;
}

std::string_view word(AuditFault fault) {
    switch (fault) {
        case AuditFault::kMissing:
            return "missing";
        case AuditFault::kChanged:
            return "changed";
        case AuditFault::kCutOff:
            return "cut_off";
        case AuditFault::kReplaced:
            return "replaced";
        case AuditFault::kNone:
            break;
    }
    return "whole";
}

void AuditCheck::take(const AuditRecord& record) {
    ++verdict_.records;
    if (verdict_.fault != AuditFault::kNone) return;
    if (record.number != verdict_.head.number + 1) {
        verdict_.fault = AuditFault::kMissing;
        verdict_.number = verdict_.head.number + 1;
        return;
    }
    if (record.chain != hash_(canonical_bytes(record, verdict_.head.chain))) {
        verdict_.fault = AuditFault::kChanged;
        verdict_.number = record.number;
        return;
    }
    verdict_.head = {record.number, record.chain};
    if (expected_ && expected_->number == record.number) {
        expected_met_ = true;
        if (expected_->chain != record.chain) {
            verdict_.fault = AuditFault::kReplaced;
            verdict_.number = record.number;
        }
    }
}

AuditVerdict AuditCheck::finish() const {
    AuditVerdict verdict = verdict_;
    if (verdict.fault == AuditFault::kNone && expected_ && expected_->number > 0 && !expected_met_) {
        verdict.fault = AuditFault::kCutOff;
        verdict.number = verdict.head.number + 1;
    }
    return verdict;
}

std::string explain(const AuditVerdict& verdict) {
    const std::string number = std::to_string(verdict.number);
    switch (verdict.fault) {
        case AuditFault::kMissing:
            return "Record " + number +
                   " is not there: it was taken out, alone or with those after it. All before it are as they were "
                   "written.";
        case AuditFault::kChanged:
            return "Record " + number +
                   " is not what was written: it was changed, or a record was put in, taken out or exchanged here and "
                   "the numbers were made to fit. All before it are as they were written.";
        case AuditFault::kCutOff:
            return "The journal ends before the number that was noted down: records from " + number +
                   " on were cut off, or the database was restored from an older backup.";
        case AuditFault::kReplaced:
            return "Record " + number +
                   " carries another chain than the one that was noted down: the journal was written anew, from this "
                   "record or from one before it.";
        case AuditFault::kNone:
            break;
    }
    return "All " + std::to_string(verdict.records) + " records are as they were written.";
}

}  // namespace prewatt::server

#include "server/domain/audit.hpp"

#include <gtest/gtest.h>

namespace prewatt::server {
namespace {

AuditRecord golden() {
    return {1, UnixTime{1'790'000'000'000}, {"owner", "10.0.0.7"}, "price.set", "site", "0.6400", "0.7000", "", ""};
}

TEST(AuditRecords, CanonicalBytesAreThoseOfTheFormatsPage) {
    // An auditor recomputes the chain with sha256sum years later; a byte that moved makes an honest journal look
    // forged.
    EXPECT_EQ(canonical_bytes(golden(), kChainBeginning),
              "prewatt-audit 1\n"
              "0000000000000000000000000000000000000000000000000000000000000000\n"
              "1\n1790000000000\n"
              "5:owner\n8:10.0.0.7\n9:price.set\n4:site\n6:0.6400\n6:0.7000\n0:\n");
}

TEST(AuditRecords, NoTwoRecordsHaveTheSameBytes) {
    // A text that flows from one field into the next lets a forger move words between them unseen.
    AuditRecord one = golden();
    AuditRecord other = golden();
    one.before = "0\n1:";
    one.after = "";
    other.before = "0";
    other.after = "\n1:";
    EXPECT_NE(canonical_bytes(one, kChainBeginning), canonical_bytes(other, kChainBeginning));
}

TEST(AuditRecords, TextsAreOneLineOfValidUtf8AndBounded) {
    // A wrong password is typed by anybody: what a name contains must neither break a line of the journal nor be
    // refused by a database that takes only UTF-8.
    EXPECT_EQ(journal_text("a\nb\tc\x7F"
                           "d"),
              "a b c d");
    EXPECT_EQ(journal_text("房间 3-0101"), "房间 3-0101");
    EXPECT_EQ(journal_text(std::string_view("a\0b", 3)), "a b");
    EXPECT_EQ(journal_text("\xFF\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80\xE6\x88"), "????????????");
    EXPECT_EQ(journal_text("\xF0\x9F\x94\x8C"), "\xF0\x9F\x94\x8C");
    std::string lengthy(kJournalTextSizeMax - 1, 'x');
    EXPECT_EQ(journal_text(lengthy + "房"), lengthy);
    EXPECT_EQ(journal_text(lengthy + "yz").size(), kJournalTextSizeMax);
}

TEST(AuditRecords, HeadIsReadAsItWasNotedDown) {
    // A head that was copied with a wrong digit must be refused, not taken for "no expectation".
    const std::string chain(64, 'f');
    EXPECT_EQ(audit_head_of("12:" + chain), (AuditHead{12, chain}));
    for (const std::string& wrong : {std::string{}, "12:" + chain + "0", ":" + chain, "x:" + chain, "-1:" + chain,
                                     "12:" + std::string(64, 'F'), chain, "12 :" + chain})
        EXPECT_FALSE(audit_head_of(wrong)) << wrong;
}

}  // namespace
}  // namespace prewatt::server

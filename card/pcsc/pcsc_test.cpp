#include "card/pcsc/pcsc.hpp"

#include <gtest/gtest.h>

namespace prewatt::card {
namespace {

// A sale that goes onto the card on the neighbour's reader, or a cashier who cannot say which one is meant.
TEST(PcscReaders, ReaderIsChosenByNamePartOfItOrBecauseItIsTheOnlyOne) {
    const std::vector<std::string> one{"ACS ACR122U PICC Interface 00 00"};
    EXPECT_EQ(choose_reader(one, ""), one[0]);
    EXPECT_EQ(choose_reader(one, "acr122"), one[0]);
    EXPECT_EQ(choose_reader(one, "OMNIKEY").error().fault, PcscFault::kUnknownReader);
    EXPECT_NE(choose_reader(one, "OMNIKEY").error().words.find("ACR122U"), std::string::npos) << "says what there is";
    const std::vector<std::string> two{"Virtual M1 00 00", "Virtual M1 00 01"};
    EXPECT_EQ(choose_reader(two, "").error().fault, PcscFault::kSeveralReaders);
    EXPECT_EQ(choose_reader(two, "virtual").error().fault, PcscFault::kSeveralReaders);
    EXPECT_NE(choose_reader(two, "").error().words.find("Virtual M1 00 01"), std::string::npos);
    EXPECT_EQ(choose_reader(two, "00 01"), two[1]);
    EXPECT_EQ(choose_reader(two, "Virtual M1 00 00"), two[0]);
    const std::vector<std::string> prefix{"Desk", "Desk 2"};
    EXPECT_EQ(choose_reader(prefix, "Desk"), "Desk") << "a whole name before a part of one";
}

TEST(PcscReaders, BoxWithSeveralSlotsIsItsContactlessOne) {
    // A reader with three slots would make every cashier type a name for the only surface there is.
    const std::vector<std::string> box{"ACS ACR1281 1S Dual Reader [ICC] 00 00",
                                       "ACS ACR1281 1S Dual Reader [PICC] 01 00",
                                       "ACS ACR1281 1S Dual Reader [SAM] 02 00"};
    EXPECT_EQ(choose_reader(box, ""), box[1]);
    EXPECT_EQ(choose_reader(box, "1281"), box[1]);
    const std::vector<std::string> omnikey{"HID Global OMNIKEY 5422 Smartcard Reader 00 00",
                                           "HID Global OMNIKEY 5422CL Smartcard Reader 01 00", "Gemalto PC Twin 02 00"};
    EXPECT_EQ(choose_reader(omnikey, "5422CL"), omnikey[1]);
    std::vector<std::string> two_boxes = box;
    two_boxes.push_back("ACS ACR122U PICC Interface 03 00");
    EXPECT_EQ(choose_reader(two_boxes, "").error().fault, PcscFault::kSeveralReaders);
}

TEST(PcscReaders, EveryFaultIsASentenceThatSaysWhatToDo) {
    // The cashier reads "SCARD_W_REMOVED_CARD" to a technician over the telephone.
    for (int fault = 0; fault <= static_cast<int>(CardFault::kReader); ++fault) {
        for (int kind = 0; kind <= static_cast<int>(ChipKind::kUnknown); ++kind) {
            const std::string words = sentence_of(static_cast<CardFault>(fault), static_cast<ChipKind>(kind));
            EXPECT_GT(words.size(), 30u);
            EXPECT_EQ(words.back(), '.');
            EXPECT_EQ(words.find("SCARD"), std::string::npos);
        }
    }
    EXPECT_NE(sentence_of(CardFault::kNotM1, ChipKind::kChipCard).find("bank card"), std::string::npos);
    EXPECT_EQ(sentence_of(CardFault::kNotM1, ChipKind::kM1).find("not a card for a meter"), std::string::npos);
}

TEST(PcscReaders, MachineWithoutAServiceSaysSoAtOnce) {
    // A desk that hangs, or blames the card. The name of a socket that does not exist stands for a machine without
    // pcscd.
    const char* before = std::getenv("PCSCLITE_CSOCK_NAME");
    const std::string kept = before != nullptr ? before : "";
    setenv("PCSCLITE_CSOCK_NAME", "/nowhere/pcscd.comm", 1);
    const auto opened = Pcsc::open();
    if (before != nullptr)
        setenv("PCSCLITE_CSOCK_NAME", kept.c_str(), 1);
    else
        unsetenv("PCSCLITE_CSOCK_NAME");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().fault, PcscFault::kNoService);
    EXPECT_NE(opened.error().words.find("pcscd"), std::string::npos);
}

}  // namespace
}  // namespace prewatt::card

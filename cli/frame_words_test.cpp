#include "cli/frame_words.hpp"

#include <gtest/gtest.h>

#include <array>

#include "card/openssl/openssl_mac.hpp"
#include "cli/meter_name.hpp"
#include "protocols/dlt645/private_items.hpp"

namespace prewatt::cli {
namespace {

using dlt645::Frame;
using dlt645::Function;

Frame frame_of(std::string_view hex) {
    dlt645::Decoder decoder;
    const auto bytes = parse_hex(hex);
    for (Byte byte : *bytes)
        if (auto frame = decoder.on_byte(byte, Instant{})) return *frame;
    return {};
}
std::string word(const Words& words, std::string_view name) {
    for (const auto& [key, text] : words)
        if (key == name) return text;
    return "(none)";
}

TEST(FrameWords, AnAnswerIsReadAsAnEngineerWouldSayIt) {
    const Words words = words_of(frame_of("68 12 90 78 56 34 12 68 91 08 33 33 34 33 AB 89 67 45 CC 16"));
    EXPECT_EQ(words, (Words{{"address", "123456789012"},
                            {"direction", "reply"},
                            {"function", "read"},
                            {"control", "91"},
                            {"item", "00010000"},
                            {"name", "forward active energy, total"},
                            {"value", "123456.78 kWh"}}));
}

TEST(FrameWords, RefusalsSayWhy) {
    EXPECT_EQ(word(words_of(frame_of("68 12 90 78 56 34 12 68 D1 01 35 8D 16")), "refused"), "no such data");
    EXPECT_EQ(word(words_of(frame_of("68 12 90 78 56 34 12 68 DC 02 43 33 DA 16")), "refused"),
              "time of validity over");
    EXPECT_EQ(word(words_of(frame_of("68 12 90 78 56 34 12 68 C3 02 35 33 B3 16")), "refused"), "repeated recharge");
    EXPECT_EQ(word(words_of(frame_of("68 12 90 78 56 34 12 68 C3 02 37 33 B5 16")), "refused"), "verification failed");
}

TEST(FrameWords, RelayControlSaysUntilWhen) {
    const Words words =
        words_of(frame_of("68 11 11 11 11 11 11 68 1C 10 33 33 33 33 33 33 33 33 4D 33 57 74 48 45 38 4B 55 16"));
    EXPECT_EQ(word(words, "command"), "open the relay");
    EXPECT_EQ(word(words, "valid until"), "2018-05-12 15:41:24");
    EXPECT_EQ(word(words, "level"), "00");
}

TEST(FrameWords, BroadcastsSayTheirTime) {
    EXPECT_EQ(word(words_of(frame_of("68 99 99 99 99 99 99 68 08 06 63 8C 49 55 44 59 9E 16")), "time"),
              "2026-11-22 16:59:30");
    EXPECT_EQ(word(words_of(frame_of("68 99 99 99 99 99 99 68 16 04 CC CC CC CC B0 16")), "when"), "now");
}

TEST(FrameWords, EveryLengthOfEveryFunctionIsSaidWithoutReadingPastItsEnd) {
    card::OpensslMac mac;
    SealReader seals(mac, {});
    for (unsigned control = 0; control < 256; ++control)
        for (std::size_t size = 0; size < 40; ++size) {
            Frame frame;
            frame.control.code = static_cast<std::uint8_t>(control);
            for (std::size_t k = 0; k < size; ++k)
                frame.data.push_back(k == 3 ? 0xEC : static_cast<Byte>(k));
            EXPECT_GE(words_of(frame, &seals).size(), 4u);
            if (size >= 4) frame.data[3] = 0x00;
            EXPECT_GE(words_of(frame, nullptr).size(), 4u);
        }
}

struct SealedWords : testing::Test {
    card::OpensslMac mac;
    card::Key master{1, 2, 3};
    std::uint64_t box = 2026000017;
    card::BoxKeys keys = card::diversify(mac, master, box);
    card::Request request{7, 100, 12, card::Ticket{1, 2, 123'456}};

    Frame carried(dlt645::Control control, Bytes data) const {
        Frame frame;
        frame.address = dlt645::address_of({box}, Household{12});
        frame.control = control;
        for (Byte byte : data)
            frame.data.push_back(byte);
        return frame;
    }
    Frame question() {
        const auto bytes = seal_request(mac, keys, box, request);
        return carried(dlt645::request(Function::kSecurity), {bytes.data(), bytes.size()});
    }
    Frame answer() {
        card::Answer done;
        done.counter = request.counter;
        done.household = request.household;
        done.effect = {1, 2, 4270, {0x0200}};
        const auto bytes = seal_answer(mac, keys, box, request.operator_number, done);
        return carried(dlt645::reply(Function::kSecurity), {bytes.data(), bytes.size()});
    }
};

TEST_F(SealedWords, WithTheKeyATicketAndItsAnswerAreOpened) {
    SealReader seals(mac, master);
    const Words asked = words_of(question(), &seals);
    EXPECT_EQ(word(asked, "seal"), "authentic");
    EXPECT_EQ(word(asked, "command"), "ticket");
    EXPECT_EQ(word(asked, "credited so far"), "1234.56");
    const Words answered = words_of(answer(), &seals);
    EXPECT_EQ(word(answered, "seal"), "authentic");
    EXPECT_EQ(word(answered, "result"), "done");
    EXPECT_EQ(word(answered, "remaining"), "42.70");
    EXPECT_EQ(word(answered, "state"), "on");
}

TEST_F(SealedWords, AForgedOneIsCalledForged) {
    SealReader seals(mac, master);
    Frame forged = question();
    forged.data[20] = static_cast<Byte>(forged.data[20] ^ 1);
    EXPECT_EQ(word(words_of(forged, &seals), "seal"), "broken: another key, another box, or damaged");
    EXPECT_EQ(word(words_of(answer(), &seals), "seal"), "cannot be checked: give the request in front of its answer");
    SealReader other(mac, {9});
    EXPECT_EQ(word(words_of(question(), &other), "seal"), "broken: another key, another box, or damaged");
}

TEST(FrameWords, AHouseholdBlockIsAListOfRooms) {
    dlt645::HouseholdBlock block;
    block.version = 5;
    block.flags.bits = 0x09;
    block.household_count = 3;
    block.present[2] = true;
    block.records[2] = {-150, 4270, {0x0041}};
    std::array<Byte, dlt645::kHouseholdBlockSizeMax> data{};
    const std::size_t size = encode(block, data);
    const auto words = private_words(dlt645::kHouseholdBlock, Bytes(data).first(size));
    ASSERT_TRUE(words);
    EXPECT_EQ(word(*words, "box"), "phase A, metering runs");
    EXPECT_EQ(word(*words, "household 2"), "-1.50 remaining, 42.70 kWh, off: no credit, remote");
    EXPECT_EQ(word(*words, "household 1"), "(none)");
}

}  // namespace
}  // namespace prewatt::cli

#include "card/seal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "card/openssl/openssl_mac.hpp"

namespace prewatt::card {
namespace {

constexpr BoxDigits kBox = 2026000017;
constexpr Key kMaster{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

std::string hex(Bytes bytes) {
    std::string out;
    for (Byte byte : bytes) {
        constexpr char digits[] = "0123456789abcdef";
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}
template <std::size_t n>
Bytes view(const FixedVector<Byte, n>& bytes) {
    return {bytes.data(), bytes.size()};
}

struct Seal : testing::Test {
    OpensslMac mac;
    BoxKeys keys = diversify(mac, kMaster, kBox);
    std::string sealed(const Request& request) { return hex(view(seal_request(mac, keys, kBox, request))); }
};

FixedVector<Byte, kSettingPartMax> part(std::initializer_list<Byte> bytes) {
    FixedVector<Byte, kSettingPartMax> part;
    for (const Byte byte : bytes)
        part.push_back(byte);
    return part;
}

struct Golden {
    const char* name;
    Request request;
    const char* bytes;
};
const Golden kGolden[] = {
    {"ticket",
     {7, 100, 12, Ticket{1, 2, 123'456}},
     "000001ec07000000640000000c0101000200000040e2010000002cc50e03f871058f82e3bd56"},
    {"ticket that takes more back than was ever paid",
     {7, 101, 12, Ticket{2, 0xFFFFFFFF, -5}},
     "000001ec07000000650000000c010200fffffffffbffffffffff8cc830da50fde63576031224"},
    {"off", {0x11223344, 102, 39, RemoteHold{true}}, "000001ec4433221166000000270201b216e83536a965f662fd8cb6"},
    {"force",
     {1, 103, 1, ForcePower{90, HoldSet{0x41}}},
     "000001ec010000006700000001035a0041003000330518b7edfcff346647"},
    {"acknowledge", {1, 104, 1, Acknowledge{}}, "000001ec01000000680000000104c9be1ba4c9a04091080bed4e"},
    {"alarms",
     {1, 105, 1, Alarms{1000, 500, 0}},
     "000001ec01000000690000000105e8030000f401000000000000ab452dcac546b64516e2a5cc"},
    {"clock", {1, 106, 0, SetClock{0x32ABCDEF}}, "000001ec010000006a0000000006efcdab32750e50f4fe5e1fc6afb6031c"},
    {"constant", {1, 107, 0, SetConstant{1600}}, "000001ec010000006b00000000074006f0a6dee65adfcdaec221708a"},
    {"part of a setting",
     {7, 108, 12, StageSetting{settings::SettingId::kDayTable, 3, 24, part({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})}},
     "000001ec070000006c0000000c081203180102030405060708090a0b0c23013ad28f6f8c3625b030cb"},
    {"commit of a setting",
     {7, 109, 12, CommitSetting{settings::SettingId::kLoadLimit, 0, 11, 0xCBF43926}},
     "000001ec070000006d0000000c0902000b2639f4cba2cd39a7656fa0c457e1106a"},
    {"clear", {1, 110, 12, Clear{ClearStep::kCarryOut}}, "000001ec010000006e0000000c0a02058735f1ada2e2aac484e2a5"},
    {"announced clear of the box",
     {1, 111, 0, Clear{ClearStep::kAnnounce}},
     "000001ec010000006f000000000a01c1f860ee2c0d00b9baf594a7"},
    {"reset of a lock-out",
     {1, 112, 39, ResetLockout{true, true}},
     "000001ec0100000070000000270b039b808d1d82251af721aaed09"},
    {"learn", {1, 113, 5, LearnAppliance{2, 365}}, "000001ec0100000071000000050c026d018076d303847d8f8d66d1e13f"},
};

TEST_F(Seal, KeysOfABoxAreThese) {
    // Keys are written into boxes at the factory; an office that derives others can never sell to them.
    EXPECT_EQ(hex(keys.to_meter), "840421d2393cfc5bba322f8e7d97663d");
    EXPECT_EQ(hex(keys.from_meter), "3bdd7b0ca7b1c6a84fa85e548db16d9e");
}

TEST_F(Seal, EveryCommandHasTheseBytesAndComesBack) {
    for (const Golden& golden : kGolden) {
        SCOPED_TRACE(golden.name);
        EXPECT_EQ(sealed(golden.request), golden.bytes);
        const SealedRequest bytes = seal_request(mac, keys, kBox, golden.request);
        EXPECT_LE(bytes.size(), kSealedRequestMax);
        const auto opened = unseal_request(mac, keys, kBox, view(bytes));
        ASSERT_TRUE(opened);
        EXPECT_TRUE(opened->known);
        EXPECT_EQ(opened->request.operator_number, golden.request.operator_number);
        EXPECT_EQ(opened->request.counter, golden.request.counter);
        EXPECT_EQ(opened->request.household, golden.request.household);
        EXPECT_EQ(opened->request.command, golden.request.command);
    }
}

TEST_F(Seal, NoBitOfARequestCanBeChanged) {
    // Whoever sits on the wire must not be able to give himself a kilowatt-hour.
    for (const Golden& golden : kGolden) {
        SealedRequest bytes = seal_request(mac, keys, kBox, golden.request);
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            for (int bit = 0; bit < 8; ++bit) {
                bytes[at] = static_cast<Byte>(bytes[at] ^ 1 << bit);
                EXPECT_EQ(unseal_request(mac, keys, kBox, view(bytes)).error(), SealError::kTag) << at;
                bytes[at] = static_cast<Byte>(bytes[at] ^ 1 << bit);
            }
        }
    }
}

TEST_F(Seal, NoPartOfARequestPassesForTheWhole) {
    for (const Golden& golden : kGolden) {
        const SealedRequest bytes = seal_request(mac, keys, kBox, golden.request);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_FALSE(unseal_request(mac, keys, kBox, view(bytes).first(size))) << size;
    }
    EXPECT_EQ(unseal_request(mac, keys, kBox, std::vector<Byte>(25)).error(), SealError::kLength);
    EXPECT_EQ(unseal_request(mac, keys, kBox, std::vector<Byte>(42)).error(), SealError::kLength);
}

TEST_F(Seal, ARequestIsForOneBoxUnderOneKeyInOneDirection) {
    const SealedRequest bytes = seal_request(mac, keys, kBox, kGolden[0].request);
    EXPECT_EQ(unseal_request(mac, keys, kBox + 1, view(bytes)).error(), SealError::kTag);
    const BoxKeys other_box = diversify(mac, kMaster, kBox + 1);
    EXPECT_EQ(unseal_request(mac, other_box, kBox, view(bytes)).error(), SealError::kTag);
    const BoxKeys turned{keys.from_meter, keys.to_meter};
    EXPECT_EQ(unseal_request(mac, turned, kBox, view(bytes)).error(), SealError::kTag);
    // Bytes of an answer never open as a request, nor the other way round.
    const SealedAnswer answer = seal_answer(mac, keys, kBox, 7, {100, 12, Result::kDone, false, {}, 0});
    EXPECT_FALSE(unseal_request(mac, keys, kBox, view(answer)));
    EXPECT_FALSE(unseal_answer(mac, keys, kBox, kGolden[0].request, view(bytes)));
}

TEST_F(Seal, AnAuthenticCommandThatIsNotKnownKeepsItsCounterForTheRefusal) {
    // An older box must be able to say "not supported" so that the office stops asking.
    std::array<Byte, 64> covered{};
    for (const std::vector<Byte>& command :
         {std::vector<Byte>{0x00}, std::vector<Byte>{0x0D}, std::vector<Byte>{0x02, 2}, std::vector<Byte>{0x02},
          std::vector<Byte>{0x04, 0}, std::vector<Byte>{0x08, 2, 0, 0}, std::vector<Byte>{0x09, 2, 0, 11, 1, 2, 3},
          std::vector<Byte>{0x0A, 3}, std::vector<Byte>{0x0B, 0}, std::vector<Byte>{0x0B, 4},
          std::vector<Byte>{0x0C, 1, 2}}) {
        ByteWriter writer(covered);
        for (int digits : {0x17, 0x00, 0x00, 0x26, 0x20})
            writer.put_u8(static_cast<Byte>(digits));
        writer.put_u32(0xEC010000);
        writer.put_u32(7);
        writer.put_u32(500);
        writer.put_u8(3);
        writer.put(command);
        const Tag tag = mac.cmac(keys.to_meter, writer.written());
        std::vector<Byte> data(writer.written().begin() + 5, writer.written().end());
        data.insert(data.end(), tag.begin(), tag.begin() + 12);
        const auto opened = unseal_request(mac, keys, kBox, data);
        ASSERT_TRUE(opened);
        EXPECT_FALSE(opened->known);
        EXPECT_EQ(opened->request.counter, 500u);
        EXPECT_EQ(opened->request.household, 3);
    }
}

Answer an_answer(const Request& asked, Result result) {
    Answer answer;
    answer.counter = asked.counter;
    answer.household = asked.household;
    answer.result = result;
    if (result == Result::kOldCounter) answer.last_counter = 4711;
    if (result != Result::kOldCounter && result != Result::kNoHousehold && asked.household != 0)
        answer.effect = {1, 2, -150, {0x0600}};
    return answer;
}

TEST_F(Seal, EveryAnswerComesBack) {
    for (const Golden& golden : kGolden) {
        for (int code = 0; code <= 5; ++code) {
            Answer answer = an_answer(golden.request, static_cast<Result>(code));
            answer.repeated = code % 2 == 0;
            const SealedAnswer bytes = seal_answer(mac, keys, kBox, golden.request.operator_number, answer);
            const auto back = unseal_answer(mac, keys, kBox, golden.request, view(bytes));
            ASSERT_TRUE(back) << golden.name << code;
            EXPECT_EQ(back->counter, answer.counter);
            EXPECT_EQ(back->result, answer.result);
            EXPECT_EQ(back->repeated, answer.repeated);
            EXPECT_EQ(back->effect, answer.effect);
            EXPECT_EQ(back->last_counter, answer.last_counter);
        }
    }
}

TEST_F(Seal, AnswersHaveTheseBytes) {
    const Request asked = kGolden[0].request;
    const auto bytes = [&](Result result) {
        return hex(view(seal_answer(mac, keys, kBox, asked.operator_number, an_answer(asked, result))));
    };
    EXPECT_EQ(bytes(Result::kDone), "000001ec640000000c000100020000006affffff000687ea2800b9b8bda00d5de57d");
    EXPECT_EQ(bytes(Result::kOldCounter), "000001ec640000000c01671200005ba768a97b62a31ad4662e05");
    EXPECT_EQ(bytes(Result::kNoHousehold), "000001ec640000000c02e874f68ff7bd6939addbb21f");
}

TEST_F(Seal, NoBitOfAnAnswerCanBeChanged) {
    // A forged "done" would tell the payer that the light is on.
    const Request asked = kGolden[0].request;
    SealedAnswer bytes = seal_answer(mac, keys, kBox, asked.operator_number, an_answer(asked, Result::kDone));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            bytes[at] = static_cast<Byte>(bytes[at] ^ 1 << bit);
            EXPECT_EQ(unseal_answer(mac, keys, kBox, asked, view(bytes)).error(), SealError::kTag) << at;
            bytes[at] = static_cast<Byte>(bytes[at] ^ 1 << bit);
        }
        EXPECT_FALSE(unseal_answer(mac, keys, kBox, asked, view(bytes).first(at)));
    }
}

TEST_F(Seal, AnOldAnswerDoesNotFitANewRequest) {
    // Recorded yesterday and played back today, it would confirm a sale that the meter has never seen.
    const Request asked = kGolden[0].request;
    const SealedAnswer bytes = seal_answer(mac, keys, kBox, asked.operator_number, an_answer(asked, Result::kDone));
    Request next = asked;
    ++next.counter;
    EXPECT_EQ(unseal_answer(mac, keys, kBox, next, view(bytes)).error(), SealError::kOther);
    Request neighbour = asked;
    ++neighbour.household;
    EXPECT_EQ(unseal_answer(mac, keys, kBox, neighbour, view(bytes)).error(), SealError::kOther);
    Request somebody = asked;
    ++somebody.operator_number;
    EXPECT_EQ(unseal_answer(mac, keys, kBox, somebody, view(bytes)).error(), SealError::kTag);
}

}  // namespace
}  // namespace prewatt::card

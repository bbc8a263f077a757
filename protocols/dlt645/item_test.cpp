#include "protocols/dlt645/item.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "protocols/dlt645/item_text.hpp"

namespace prewatt::dlt645 {
namespace {

std::vector<Byte> hex(std::string_view text) {
    std::vector<Byte> out;
    std::string digits;
    for (char c : text)
        if (c != ' ') digits += c;
    for (std::size_t k = 0; k + 1 < digits.size(); k += 2)
        out.push_back(static_cast<Byte>(std::stoi(digits.substr(k, 2), nullptr, 16)));
    return out;
}
std::string hex(Bytes bytes) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (Byte byte : bytes) {
        if (!out.empty()) out += ' ';
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}
nlohmann::json golden(const std::string& name) {
    std::ifstream file(std::filesystem::path(PREWATT_SOURCE_DIR) / "protocols/dlt645/golden" / (name + ".json"));
    return nlohmann::json::parse(file);
}
std::vector<Frame> decode(Bytes bytes, std::size_t bad_parity_at = SIZE_MAX) {
    Decoder decoder;
    std::vector<Frame> frames;
    for (std::size_t k = 0; k < bytes.size(); ++k)
        if (auto frame = decoder.on_byte(bytes[k], Instant{}, k == bad_parity_at)) frames.push_back(*frame);
    return frames;
}
Address address(const std::string& printed) {
    Address out;
    const auto bytes = hex(printed);
    std::reverse_copy(bytes.begin(), bytes.end(), out.bytes.begin());
    return out;
}

std::string text_of_value(const Item& item, DataId id, Bytes data) {
    std::array<char, kValueTextMax> out{};
    return std::string(format_value(item, id, data, out));
}
std::string name_of(const Item& item, DataId id) {
    std::array<char, kNameTextMax> out{};
    return std::string(describe(item, id, out));
}

TEST(Golden, EveryFrameDecodesEncodesAndReadsAsWritten) {
    // A wrong length or digit order is the most frequent fault in the field: the bill is a hundred times too high.
    std::size_t count = 0;
    for (const char* file :
         {"reads", "following", "addresses", "writes", "maintenance", "control", "security", "captures", "shapes"}) {
        for (const auto& row : golden(file)) {
            SCOPED_TRACE(row["name"].get<std::string>());
            ++count;
            const auto bytes = hex(row["frame"].get<std::string>());
            const auto frames = decode(bytes);
            ASSERT_EQ(frames.size(), 1u);
            const Frame& frame = frames[0];
            EXPECT_EQ(frame.address, address(row["address"]));
            EXPECT_EQ(frame.control.code, hex(row["control"].get<std::string>())[0]);
            EXPECT_EQ(hex(frame.bytes()), row["data"].get<std::string>());

            const std::size_t preamble = bytes[0] == 0xFE ? kPreambleSize : 0;
            const FrameBytes again = encode(frame.address, frame.control, frame.bytes(), preamble);
            EXPECT_EQ(hex({again.data(), again.size()}), hex(bytes));

            if (row["item"].is_null()) continue;
            const DataId id{static_cast<std::uint32_t>(std::stoul(row["item"].get<std::string>(), nullptr, 16))};
            EXPECT_EQ(frame.data_id(), id);
            const Item* item = find_item(id);
            ASSERT_EQ(item != nullptr, row["item_name"].is_string());
            if (item == nullptr) continue;
            EXPECT_EQ(name_of(*item, id), row["item_name"].get<std::string>());
            if (row["value"].is_null()) continue;
            const bool is_write = frame.control == request(Function::kWrite);
            const Bytes value = frame.bytes().subspan(is_write ? 12 : 4);
            const auto text = row["value"].get<std::string>();
            EXPECT_EQ(text_of_value(*item, id, value), text);
            if (text[0] == '?') continue;
            std::array<Byte, kDataSizeMax> parsed{};
            const auto size = parse_value(*item, id, text, parsed);
            ASSERT_TRUE(size);
            // Text may be filled with 00 or spaces; everything else comes back to the byte.
            if (item->parts.front().format == Format::kText) {
                EXPECT_EQ(text_of_value(*item, id, Bytes(parsed).first(*size)), text);
            } else {
                EXPECT_EQ(hex(Bytes(parsed).first(*size)), hex(value));
            }
        }
    }
    EXPECT_EQ(count, 124u);
}

TEST(Golden, WhatMustBeIgnoredIsIgnored) {
    for (const auto& row : golden("negative")) {
        SCOPED_TRACE(row["name"].get<std::string>() + ": " + row["why"].get<std::string>());
        const auto frames = decode(hex(row["bytes"].get<std::string>()), row.value("bad_parity_at", SIZE_MAX));
        ASSERT_EQ(frames.size(), row["frames"].get<std::size_t>());
        if (row.contains("matches")) {
            EXPECT_EQ(matches(frames[0].address, address(row["matches"])), row["matched"].get<bool>());
        }
    }
}

TEST(ItemTable, NoIdentifierHasTwoMeanings) {
    for (const Item& item : items()) {
        for (DataId id : {item.first, item.last}) {
            EXPECT_EQ(find_item(id), &item) << std::hex << id.value;
            int rows = 0;
            for (const Item& other : items())
                rows += other.contains(id) ? 1 : 0;
            EXPECT_EQ(rows, 1) << std::hex << id.value;
        }
    }
}

TEST(ItemTable, EveryRowIsWhole) {
    for (const Item& item : items()) {
        SCOPED_TRACE(item.name);
        EXPECT_FALSE(std::string_view(item.name).empty());
        ASSERT_FALSE(item.parts.empty());
        // The two clear records carry more than a frame: they come with following frames.
        EXPECT_LE(item.size(), 202u);
        for (const Part& part : item.parts) {
            EXPECT_EQ(part.format == Format::kTime, part.pattern != nullptr);
            EXPECT_TRUE(part.format != Format::kSpeed || part.size == 1);
            EXPECT_LE(part.decimals, 2 * part.size);
            if (part.bit_names != nullptr) {
                EXPECT_LE(part.size, 2);
            }
        }
    }
}

TEST(ItemTable, LengthsThatTwoSourcesAgreeOn) {
    const auto size = [](std::uint32_t id) { return find_item(DataId{id})->size(); };
    EXPECT_EQ(size(0x01010000), 8u);
    EXPECT_EQ(size(0x02020100), 3u);
    EXPECT_EQ(size(0x03010000), 18u);
    EXPECT_EQ(size(0x03010101), 131u);
    EXPECT_EQ(size(0x030C0101), 115u);
    EXPECT_EQ(size(0x03070001), 76u);
    EXPECT_EQ(size(0x03090001), 78u);
    EXPECT_EQ(size(0x03050001), 15u);
    EXPECT_EQ(size(0x03100000), 27u);
    EXPECT_EQ(size(0x03120101), 20u);
    EXPECT_EQ(size(0x03300001), 50u);
    EXPECT_EQ(size(0x03300101), 106u);
    EXPECT_EQ(size(0x03300201), 202u);
    EXPECT_EQ(size(0x03300D01), 60u);
    EXPECT_EQ(size(0x040005FF), 14u);
    EXPECT_EQ(size(0x040604FF), 64u);
    EXPECT_EQ(size(0x05001001), 24u);
}

TEST(ItemTable, KnowsWhoMayWriteWhat) {
    // What changes a price must never be reachable with the installer's password.
    EXPECT_EQ(find_item(DataId{0x00900100})->write, Write::kNever);
    EXPECT_EQ(find_item(DataId{0x00010000})->write, Write::kNever);
    EXPECT_EQ(find_item(DataId{0x04000102})->write, Write::kParameter);
    EXPECT_EQ(find_item(DataId{0x040502FF})->write, Write::kPrice);
    EXPECT_EQ(find_item(DataId{0x04001001})->write, Write::kPrice);
    EXPECT_FALSE(find_item(DataId{0x04000C03})->readable());
    EXPECT_EQ(find_item(DataId{0xC0FFEE00}), nullptr);
    EXPECT_EQ(find_item(DataId{0x0001FFFF}), nullptr);  // both dimensions at once
    EXPECT_EQ(find_item(DataId{0x0001400C}), nullptr);  // tariff 64
}

TEST(ItemNumber, RoundTripsAtTheEdges) {
    std::array<Byte, 4> out{};
    const Item& energy = *find_item(DataId{0x00010000});
    for (std::int64_t value : {0LL, 1LL, 12'345'678LL, 99'999'999LL}) {
        ASSERT_EQ(put_number(energy, value, out), 4u);
        EXPECT_EQ(number_of(energy, out), value);
    }
    // A register of energy wraps like a mechanical one; a power that is too large stays at its largest.
    ASSERT_EQ(put_number(energy, 100'000'001, out), 4u);
    EXPECT_EQ(number_of(energy, out), 1);
    const Item& power = *find_item(DataId{0x02030000});
    for (std::int64_t value : {-799'999LL, -1LL, 0LL, 799'999LL}) {
        ASSERT_EQ(put_number(power, value, out), 3u);
        EXPECT_EQ(number_of(power, Bytes(out).first(3)), value);
    }
    ASSERT_EQ(put_number(power, 5'000'000, out), 3u);
    EXPECT_EQ(number_of(power, Bytes(out).first(3)), 799'999);
    ASSERT_EQ(put_number(power, INT64_MIN, out), 3u);
    EXPECT_EQ(number_of(power, Bytes(out).first(3)), -799'999);
    EXPECT_EQ(put_number(energy, 1, MutableBytes(out).first(3)), 0u);
    EXPECT_EQ(put_number(*find_item(DataId{0x04000403}), 1, out), 0u);
}

TEST(ItemNumber, WhatTheMeterDoesNotHaveIsNoNumber) {
    const Item& voltage = *find_item(DataId{0x02010200});
    EXPECT_EQ(number_of(voltage, std::vector<Byte>{0xFF, 0xFF}), std::nullopt);
    EXPECT_EQ(number_of(voltage, std::vector<Byte>{0x0A, 0x22}), std::nullopt);
    EXPECT_EQ(number_of(voltage, std::vector<Byte>{0x01}), std::nullopt);
    EXPECT_EQ(number_of(voltage, std::vector<Byte>{0x01, 0x22}), 2201);
}

TEST(ItemText, WhatIsWrittenWrongIsRefused) {
    std::array<Byte, kDataSizeMax> out{};
    const auto error = [&](std::uint32_t id, std::string_view text) {
        return parse_value(*find_item(DataId{id}), DataId{id}, text, out).error();
    };
    EXPECT_EQ(error(0x00010000, ""), TextError::kSyntax);
    EXPECT_EQ(error(0x00010000, "12.345"), TextError::kRange);
    EXPECT_EQ(error(0x00010000, "1000000"), TextError::kRange);
    EXPECT_EQ(error(0x00010000, "-1"), TextError::kRange);
    EXPECT_EQ(error(0x00010000, "99999999999999999999999"), TextError::kRange);
    EXPECT_EQ(error(0x00010000, "1 kW"), TextError::kSyntax);
    EXPECT_EQ(error(0x00010000, "1, 2"), TextError::kSyntax);
    EXPECT_EQ(error(0x00000000, "800000"), TextError::kRange);
    EXPECT_EQ(error(0x04000703, "9601 bit/s"), TextError::kRange);
    EXPECT_EQ(error(0x04000102, "16:59"), TextError::kSyntax);
    EXPECT_EQ(error(0x04000404, "\"1234567\""), TextError::kRange);
    EXPECT_EQ(error(0x04000402, "00224102020A"), TextError::kSyntax);
    EXPECT_EQ(error(0x06000000, "1"), TextError::kNoFormat);
    EXPECT_EQ(error(0xEC000100, "1"), TextError::kNoFormat);
    std::array<Byte, 7> small{};
    EXPECT_EQ(parse_value(*find_item(DataId{0x0001FF00}), DataId{0x0001FF00}, "1, 2", small).error(),
              TextError::kTooLong);
}

TEST(ItemText, EveryRowComesBackFromItsOwnText) {
    // The engineer copies what `read` printed into a write; it must be the same value.
    const unsigned seed = 645;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (const Item& item : items()) {
        if (item.size() == 0 || item.size() > kDataSizeMax) continue;
        for (int round = 0; round < 20; ++round) {
            SCOPED_TRACE(item.name);
            std::vector<Byte> data;
            bool has_bytes = false;
            for (const Part& part : item.parts) {
                has_bytes |= part.format == Format::kBytes;
                for (int k = 0; k < part.times * part.size; ++k) {
                    const unsigned any = static_cast<unsigned>(random());
                    Byte byte = static_cast<Byte>((any % 10) << 4 | any / 16 % 10);
                    if (part.format == Format::kText) byte = static_cast<Byte>('A' + any % 26);
                    if (part.format == Format::kSpeed) byte = static_cast<Byte>(2 << any % 6);
                    if (part.format == Format::kSigned && k % part.size == part.size - 1)
                        byte = static_cast<Byte>(byte & 0xF7) & 0xF9;
                    data.push_back(byte);
                }
            }
            if (has_bytes) continue;
            const std::string text = text_of_value(item, item.first, data);
            if (text.find('?') != std::string::npos) continue;
            std::array<Byte, kDataSizeMax> parsed{};
            const auto size = parse_value(item, item.first, text, parsed);
            ASSERT_TRUE(size) << text;
            EXPECT_EQ(text_of_value(item, item.first, Bytes(parsed).first(*size)), text);
        }
    }
}

TEST(ItemText, ArbitraryBytesAlwaysFitTheBufferAndNeverCrash) {
    const unsigned seed = 20261122;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::size_t longest = 0;
    for (const Item& item : items()) {
        for (int round = 0; round < 30; ++round) {
            std::vector<Byte> data(round < 3 ? kDataSizeMax - 4 : random() % kDataSizeMax);
            if (item.size() != 0 && round % 3 == 0) data.resize(data.size() / item.size() * item.size());
            for (Byte& byte : data)
                byte = round % 2 == 0 ? Byte{0x99} : static_cast<Byte>(random());
            DataId id = item.first;
            if (item.blocks != 0) id.value |= (item.blocks & kBlockDi0) != 0 ? 0xFFu : 0xFF00u;
            longest =
                std::max({longest, text_of_value(item, id, data).size(), text_of_value(item, item.first, data).size()});
            EXPECT_LT(name_of(item, id).size(), kNameTextMax);
        }
    }
    EXPECT_LT(longest, kValueTextMax);
}

}  // namespace
}  // namespace prewatt::dlt645

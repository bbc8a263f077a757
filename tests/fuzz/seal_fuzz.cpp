// Arbitrary bytes as a sealed request and as an answer. Two engines: the real one, under which nothing but the golden
// bytes ever opens, and one whose tag is constant, so that mutated contents reach what lies behind the check.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "card/seal.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::card;

namespace {

constexpr BoxDigits kBox = 2026000017;

class ConstantMac final : public Mac {
  public:
    Tag cmac(const Key&, Bytes) override { return {}; }
};

void open_everything(Mac& mac, const BoxKeys& keys, Bytes data) {
    if (const auto opened = unseal_request(mac, keys, kBox, data); opened && opened->known) {
        const SealedRequest again = seal_request(mac, keys, kBox, opened->request);
        FUZZ_CHECK(equal({again.data(), again.size()}, data));
    }
    Request asked;
    asked.operator_number = 7;
    if (data.size() >= 9) {
        ByteReader reader(data.subspan(4));
        asked.counter = reader.get_u32();
        asked.household = reader.get_u8();
    }
    asked.command = Acknowledge{};
    if (const auto answer = unseal_answer(mac, keys, kBox, asked, data)) {
        const SealedAnswer again = seal_answer(mac, keys, kBox, asked.operator_number, *answer);
        FUZZ_CHECK(equal({again.data(), again.size()}, data));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static OpensslMac openssl;
    static const Key master{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const BoxKeys keys = diversify(openssl, master, kBox);
    open_everything(openssl, keys, {data, size});

    ConstantMac constant;
    std::vector<std::uint8_t> passing(data, data + size);
    std::fill(passing.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(12, size)), passing.end(),
              std::uint8_t{0});
    open_everything(constant, {}, passing);
    return 0;
}

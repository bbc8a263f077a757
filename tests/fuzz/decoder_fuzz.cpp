// Arbitrary bytes on the line. Whatever came before, a frame that comes after half a second of silence is found; what
// comes out is a frame that encodes to bytes that stood in the input; bytes are accounted for.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "protocols/dlt645/frame.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::dlt645;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Decoder decoder;
    Instant now{};
    std::size_t frame_bytes = 0;
    const Bytes input(data, size);
    for (std::size_t k = 0; k < size; ++k) {
        now = now + milliseconds(1);
        const auto frame = decoder.on_byte(data[k], now);
        if (!frame) continue;
        const FrameBytes again = encode(frame->address, frame->control, frame->bytes(), 0);
        frame_bytes += again.size();
        const Bytes heard = input.first(k + 1);
        FUZZ_CHECK(std::search(heard.begin(), heard.end(), again.begin(), again.end()) != heard.end());
        (void)frame->data_id();
    }
    FUZZ_CHECK(frame_bytes + decoder.noise_bytes() <= size);

    now = now + milliseconds(501);
    const std::array<Byte, 4> item{0x00, 0x01, 0x90, 0x00};
    const Address meter = address_of({2026000017}, Household{12});
    const FrameBytes good = encode(meter, request(Function::kRead), item);
    bool found = false;
    for (Byte byte : good)
        if (const auto frame = decoder.on_byte(byte, now))
            found = frame->address == meter && equal(frame->bytes(), item);
    FUZZ_CHECK(found);
    return 0;
}

// The wire between the two processors of a box. Arbitrary bytes: a frame that comes out stood in the input, and after
// silence the next good frame is found. A script of accidents between two ends: every record that an end handed over
// comes out once and in order, and all of them once the wire is sound again.
//   kind u8 | bytes      or      kind u8 | (operation u8, argument u8) ...
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "protocols/interlink/link.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::interlink;

namespace {

void arbitrary_bytes(Bytes input) {
    std::vector<Byte> buffer(kPayloadSizeMax);
    Decoder decoder(buffer);
    Instant now{};
    std::size_t frame_bytes = 0;
    for (std::size_t k = 0; k < input.size(); ++k) {
        now = now + microseconds(100);
        const auto frame = decoder.on_byte(input[k], now);
        if (!frame) continue;
        std::vector<Byte> again(frame->payload.size() + kFrameOverhead);
        std::copy(frame->payload.begin(), frame->payload.end(), again.begin() + kHeaderSize);
        const Bytes encoded = finish_frame(frame->head, frame->payload.size(), again);
        const Bytes heard = input.first(k + 1);
        FUZZ_CHECK(std::search(heard.begin(), heard.end(), encoded.begin(), encoded.end()) != heard.end());
        frame_bytes += encoded.size();
    }
    FUZZ_CHECK(frame_bytes <= input.size());

    now = now + kByteGapMax + milliseconds(1);
    std::vector<Byte> good(kFrameOverhead + 4);
    ByteWriter(MutableBytes(good).subspan(kHeaderSize)).put_u32(0x12345678);
    const Head head{{0x81}, 7, 9, 3, 4};
    bool found = false;
    for (const Byte byte : finish_frame(head, 4, good))
        if (const auto frame = decoder.on_byte(byte, now)) found = frame->head == head && frame->payload.size() == 4;
    FUZZ_CHECK(found);
}

// One processor's end.
struct End {
    std::vector<Byte> receive = std::vector<Byte>(kPayloadSizeMax);
    std::vector<Byte> send = std::vector<Byte>(kFrameSizeMax);
    std::uint16_t start = 1;
    std::unique_ptr<Link> link = std::make_unique<Link>(start, receive, send);
    std::uint32_t put = 0;  // records, numbered 1..
    std::uint32_t put_at_start = 0;
    std::uint32_t heard_last = 0;  // of the other end's

    void put_record() {
        std::array<Byte, 4> payload;
        ByteWriter(payload).put_u32(put + 1);
        if (link->put_record(Type{0x81}, payload)) ++put;
    }
    void hear(Bytes bytes, Instant now) {
        while (const auto message = link->on_bytes(bytes, now)) {
            if (!message->type.is_record()) continue;
            const std::uint32_t number = ByteReader(message->payload).get_u32();
            FUZZ_CHECK(number > heard_last);  // once, and in order
            heard_last = number;
        }
    }
    void restart(Instant now) {
        const RecordMark taken = link->taken();
        link = std::make_unique<Link>(++start, receive, send, taken);
        link->begin(now);
        put_at_start = put;
    }
};

void script(ByteReader reader) {
    std::array<End, 2> ends;
    Instant now{};
    for (End& end : ends)
        end.link->begin(now);
    for (int budget = 600; budget > 0 && reader.left() >= 2; --budget) {
        const std::uint8_t operation = reader.get_u8(), argument = reader.get_u8();
        End& from = ends[operation & 1];
        End& to = ends[(operation & 1) ^ 1];
        const auto sent = [&](Bytes frame) { return std::vector<Byte>(frame.begin(), frame.end()); };
        switch (operation / 2 % 9) {
            case 0:
                now = now + milliseconds(argument);
                break;
            case 1:
                from.put_record();
                break;
            case 2:
                to.hear(sent(from.link->poll(now)), now);
                break;
            case 3: {  // one bit turned
                std::vector<Byte> bytes = sent(from.link->poll(now));
                if (!bytes.empty()) bytes[argument % bytes.size()] ^= static_cast<Byte>(1 << argument % 7);
                to.hear(bytes, now);
                break;
            }
            case 4: {  // torn, then a pause
                std::vector<Byte> bytes = sent(from.link->poll(now));
                bytes.resize(std::min<std::size_t>(bytes.size(), argument));
                to.hear(bytes, now);
                now = now + kByteGapMax + milliseconds(1);
                break;
            }
            case 5: {  // twice
                const std::vector<Byte> bytes = sent(from.link->poll(now));
                to.hear(bytes, now);
                to.hear(bytes, now);
                break;
            }
            case 6:  // lost
                (void)from.link->poll(now);
                break;
            case 7:
                from.restart(now);
                break;
            case 8:
                to.hear(sent(from.link->state(Type{0x01}, argument % 32, now)), now);
                break;
        }
    }
    for (int n = 0; n < 400; ++n) {
        now = now + milliseconds(10);
        for (std::size_t k = 0; k < 2; ++k) {
            const Bytes frame = ends[k].link->poll(now);
            ends[k ^ 1].hear(frame, now);
        }
    }
    for (std::size_t k = 0; k < 2; ++k) {
        FUZZ_CHECK(ends[k].link->records_waiting() == 0);
        FUZZ_CHECK(!ends[k].link->is_silent(now));
        // What was put since the last start has arrived; of earlier starts at most what they had.
        if (ends[k].put > ends[k].put_at_start) FUZZ_CHECK(ends[k ^ 1].heard_last == ends[k].put);
        FUZZ_CHECK(ends[k ^ 1].heard_last <= ends[k].put);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest(data + 1, size - 1);
    if (data[0] % 2 == 0)
        arbitrary_bytes(rest);
    else
        script(ByteReader(rest));
    return 0;
}

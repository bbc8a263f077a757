#include "meter/node/retained_memory.hpp"

#include <atomic>
#include <cstddef>

#include "base/crc.hpp"

namespace prewatt::meter {
namespace {

// A memory full of zeros is not believed.
constexpr std::uint32_t kCheckMask = 0x5A17'0000;

Bytes bytes_of(const RetainedMemory::Copy& copy) {
    return {reinterpret_cast<const Byte*>(&copy), offsetof(RetainedMemory::Copy, check)};
}
std::uint32_t check_of(const RetainedMemory::Copy& copy) {
    return kCheckMask | crc16(bytes_of(copy));
}
bool is_whole(const RetainedMemory::Copy& copy) {
    return copy.check == check_of(copy);
}
// The newer of two generations, which may have gone round.
bool is_newer(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b) > 0;
}
std::size_t newer_of(const RetainedMemory& memory) {
    return is_newer(memory.copies[1].generation, memory.copies[0].generation) ? 1 : 0;
}
// Nothing of what follows reaches the memory before what came before.
void barrier() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}
RetainedMemory::Copy& older_invalidated(RetainedMemory& memory) {
    RetainedMemory::Copy& copy = memory.copies[1 - newer_of(memory)];
    copy.check = 0;
    barrier();
    return copy;
}

}  // namespace

const RetainedState* recall(RetainedMemory& memory) {
    const std::array<bool, 2> whole{is_whole(memory.copies[0]), is_whole(memory.copies[1])};
    if (!whole[0] && !whole[1]) {
        for (RetainedMemory::Copy& copy : memory.copies)
            copy.generation = copy.check = 0;
        return nullptr;
    }
    if (!whole[0] || !whole[1]) {
        const std::size_t good = whole[0] ? 0 : 1;
        memory.copies[1 - good].generation = memory.copies[good].generation - 1;
        return &memory.copies[good].state;
    }
    return &kept(memory);
}

const RetainedState& kept(const RetainedMemory& memory) {
    return memory.copies[newer_of(memory)].state;
}

RetainedState& begin_keeping(RetainedMemory& memory) {
    RetainedState& state = older_invalidated(memory).state;
    state = kept(memory);
    return state;
}

RetainedState& begin_keeping_anew(RetainedMemory& memory) {
    RetainedState& state = older_invalidated(memory).state;
    state = RetainedState{};
    return state;
}

void end_keeping(RetainedMemory& memory) {
    const std::size_t newer = newer_of(memory);
    RetainedMemory::Copy& copy = memory.copies[1 - newer];
    barrier();
    copy.generation = memory.copies[newer].generation + 1;
    barrier();
    copy.check = check_of(copy);
    barrier();
}

std::uint16_t noise_of(const RetainedMemory& memory) {
    return crc16({reinterpret_cast<const Byte*>(&memory), sizeof memory});
}

}  // namespace prewatt::meter

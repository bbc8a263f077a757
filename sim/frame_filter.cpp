#include "sim/frame_filter.hpp"

#include <algorithm>

namespace prewatt::sim {
namespace {
constexpr std::size_t kHeadSize = 9;  // 68, six of the address, 68, control
}

FrameFilter::FrameFilter(dlt645::BoxNumber box, Duration gap) : gap_(gap) {
    const dlt645::Address own = dlt645::address_of(box, Household{0});
    std::copy(own.bytes.begin() + 1, own.bytes.end(), own_.begin());
}

// Collects the beginning of a frame; true as soon as it is certain that this box has nothing to do with it.
bool FrameFilter::is_for_others(const Character& character) {
    if (character.at - heard_at_ > gap_) {
        head_.clear();
        undecided_ = true;
    }
    heard_at_ = character.at;
    if (!undecided_) return false;
    if (head_.empty() && character.value == 0xFE && !character.bad_parity) return false;
    head_.push_back(character.value);
    const std::size_t n = head_.size();
    if (character.bad_parity || (n == 1 && character.value != 0x68) || (n == 8 && character.value != 0x68)) {
        undecided_ = false;  // not a clean beginning: the node shall see for itself
        return false;
    }
    if (n >= 3 && n <= 7) {
        const Byte own = own_[n - 3];
        if (character.value != own && character.value != 0xAA && character.value != 0x99) return true;
    }
    if (n == kHeadSize) {
        if ((character.value & 0x80) != 0) return true;  // an answer
        undecided_ = false;
    }
    return false;
}

FrameFilter::Verdict FrameFilter::add(const Character& character) {
    if (is_for_others(character)) {
        head_.clear();
        undecided_ = false;
        return Verdict::kOthers;
    }
    return undecided_ ? Verdict::kHold : Verdict::kTake;
}

std::vector<Byte> FrameFilter::take_held() {
    if (!head_.empty()) head_.pop_back();  // the last of them is the present character
    std::vector<Byte> held;
    held.swap(head_);
    return held;
}

}  // namespace prewatt::sim

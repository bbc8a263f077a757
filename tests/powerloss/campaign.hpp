// What the campaigns of this folder have in common: the kinds of damage, and how steps are written down.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/powerloss/rig.hpp"

namespace prewatt::powerloss {

// What the memory does at byte or write number `at`.
enum class Mode { kTurned, kZero, kOnes, kClean, kRefused, kRefusedForGood, kRefusedButThere, kCount };
inline constexpr const char* kModeNames[] = {"turned", "zero", "ones", "clean", "refused", "dead", "lied"};

inline bool is_cut(Mode mode) {
    return mode <= Mode::kClean;
}
inline meter::FakeStorage::Faults faults_of(Mode mode, std::int64_t at) {
    meter::FakeStorage::Faults faults;
    if (is_cut(mode)) {
        faults.cut_at_byte = at;
        faults.damaged_byte = mode == Mode::kTurned ? -1 : mode == Mode::kZero ? 0 : mode == Mode::kOnes ? 255 : 256;
    } else {
        faults.fail_at_write = at;
        faults.fail_writes = mode == Mode::kRefusedForGood ? 1'000'000 : 1;
        faults.failed_writes_arrive = mode == Mode::kRefusedButThere;
    }
    return faults;
}

inline card::Request command(std::uint32_t counter, int household, card::Command what) {
    return {7, counter, static_cast<std::uint8_t>(household), what};
}

inline Step set(std::uint32_t& counter, settings::SettingKey key, const settings::Settings& wanted) {
    SetSetting setting{counter + 1, key, std::vector<Byte>(settings::kSettingBytesMax)};
    setting.bytes.resize(settings::encode(wanted, key, setting.bytes));
    counter += setting.commands();
    return setting;
}

// Of the first boxes, a journal alone; and of those that keep records behind it.
inline constexpr std::uint32_t kSmall = 16 * 1024;
inline constexpr std::uint32_t kWithRecords = 512 * 1024;

// 0: the short form.
inline int long_factor() {
    const char* text = std::getenv("PREWATT_POWERLOSS_LONG");
    return text != nullptr ? std::max(1, std::atoi(text)) : 0;
}

}  // namespace prewatt::powerloss

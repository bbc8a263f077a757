// What may be asked of a household besides a sale: the checks of an order id and of each part of the desired state, and
// the holds that forced power overrules. Pure.
#pragma once
#include "server/domain/types.hpp"

namespace prewatt::server {

inline constexpr int kForceMinutesMax = 24 * 60;
inline constexpr std::size_t kOrderIdSizeMax = 64;
inline constexpr Energy kAlarmMax = energy_of_hundredths(99'999'999);

// Forced power overrules what the household or the office brought about; never a missing phase, nor a household without
// an account, which would take electricity that nobody has agreed to pay.
[[nodiscard]] constexpr HoldSet overruled_by_force() {
    HoldSet all{0x1FF};
    all.set(Hold::kSupply, false);
    all.set(Hold::kNotOpened, false);
    return all;
}

// Each answers the refusal, or nothing when all is well.
[[nodiscard]] std::optional<Refusal> check_order_id(std::string_view order_id);  // 1..64 printable ASCII characters
[[nodiscard]] std::optional<Refusal> check_force(int minutes);                   // 0..1440
[[nodiscard]] std::optional<Refusal> check_alarms(const AlarmLevels& levels);    // 0..kAlarmMax, whole hundredths

// The newer of two tickets: a higher epoch, or the same and a higher number.
[[nodiscard]] constexpr bool is_newer(std::uint16_t epoch, std::uint32_t number, std::uint16_t than_epoch,
                                      std::uint32_t than_number) {
    return epoch > than_epoch || (epoch == than_epoch && number > than_number);
}

}  // namespace prewatt::server

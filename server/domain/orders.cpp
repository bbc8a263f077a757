#include "server/domain/orders.hpp"

#include <algorithm>

namespace prewatt::server {

std::optional<Refusal> check_order_id(std::string_view order_id) {
    const bool printable = std::all_of(order_id.begin(), order_id.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (order_id.empty() || order_id.size() > kOrderIdSizeMax || !printable)
        return Refusal{Reason::kBadArgument, "An order id has 1 to 64 printable characters; nothing was done.",
                       static_cast<std::int64_t>(kOrderIdSizeMax)};
    return std::nullopt;
}

std::optional<Refusal> check_force(int minutes) {
    if (minutes < 0 || minutes > kForceMinutesMax)
        return Refusal{Reason::kBadArgument, "Power can be forced for 1 to 1440 minutes, 0 ends it; nothing was done.",
                       kForceMinutesMax};
    return std::nullopt;
}

std::optional<Refusal> check_alarms(const AlarmLevels& levels) {
    for (const Energy level : {levels.low, levels.cutoff, levels.overdraft}) {
        if (level < Energy{0} || level > kAlarmMax)
            return Refusal{Reason::kBadArgument, "An alarm level is 0 to 999,999.99 kWh; nothing was done.",
                           in_hundredths(kAlarmMax, Round::kDown)};
        if (level.count() % kJoulesPerHundredth != 0)
            return Refusal{Reason::kBadArgument, "An alarm level is a whole number of 0.01 kWh; nothing was done.", 0};
    }
    return std::nullopt;
}

}  // namespace prewatt::server

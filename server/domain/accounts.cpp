#include "server/domain/accounts.hpp"

namespace prewatt::server {

std::string_view word(MovementKind kind) {
    switch (kind) {
        case MovementKind::kPayout:
            return "payout";
        case MovementKind::kDrawerOpened:
            return "drawer_opened";
        case MovementKind::kDrawerCounted:
            return "drawer_counted";
        case MovementKind::kDrawerEmptied:
            return "drawer_emptied";
    }
    return "unknown";
}

void canonical(const Movement& m, std::string& text) {
    text.clear();
    const auto number = [&text](std::int64_t value) { text += std::to_string(value) + "\n"; };
    const auto words = [&](const std::string& value) {
        number(static_cast<std::int64_t>(value.size()));
        text += value + "\n";
    };
    number(m.id);
    number(static_cast<std::int64_t>(m.kind));
    words(m.order_id);
    number(static_cast<std::int64_t>(m.from));
    number(static_cast<std::int64_t>(m.to));
    number(m.amount.count());
    number(m.drawer.value);
    number(m.booking.value);
    number(m.part);
    number(m.counted_fen);
    words(m.operator_name);
    words(m.reason);
    number(m.at.ms);
}

}  // namespace prewatt::server

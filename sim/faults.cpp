#include "sim/faults.hpp"

#include <charconv>
#include <vector>

#include "sim/host_run.hpp"

namespace prewatt::sim {

std::expected<Fault, std::string> parse_fault(std::string_view text) {
    const auto wrong = [&](const std::string& why) {
        return std::unexpected(
            "'" + std::string(text) + "': " + why +
            "; lost:B:30s[:10s], sag:A:60%:20s:2s, stuck-open:12:5s[:1h] or stuck-closed:12:5s[:1h]");
    };
    std::vector<std::string_view> parts;
    for (std::string_view rest = text;;) {
        const std::size_t colon = rest.find(':');
        parts.push_back(rest.substr(0, colon));
        if (colon == std::string_view::npos) break;
        rest.remove_prefix(colon + 1);
    }
    Fault fault;
    const std::string_view kind = parts[0];
    const bool sag = kind == "sag";
    if (sag)
        fault.kind = Fault::Kind::kSag;
    else if (kind == "stuck-open")
        fault.kind = Fault::Kind::kStuckOpen;
    else if (kind == "stuck-closed")
        fault.kind = Fault::Kind::kStuckClosed;
    else if (kind != "lost")
        return wrong("no such fault");
    const std::size_t times = sag ? 3 : 2;  // where the times begin
    if (parts.size() < times + (sag ? 2 : 1) || parts.size() > times + 2) return wrong("too few or too many parts");

    const auto number = [](std::string_view digits, int from, int to) {
        int value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return error == std::errc{} && end == digits.data() + digits.size() && value >= from && value <= to ? value
                                                                                                            : -1;
    };
    if (fault.is_of_supply()) {
        if (parts[1].size() != 1 || parts[1][0] < 'A' || parts[1][0] > 'C') return wrong("a phase is A, B or C");
        fault.phase = static_cast<Phase>(parts[1][0] - 'A');
    } else {
        const int channel = number(parts[1], 1, kCircuitsMax);
        if (channel < 0) return wrong("a channel is 1 to 39");
        fault.circuit = Circuit{static_cast<std::uint8_t>(channel - 1)};
    }
    if (sag) {
        const std::string_view percent = parts[2];
        const int value = percent.ends_with('%') ? number(percent.substr(0, percent.size() - 1), 0, 200) : -1;
        if (value < 0) return wrong("a sag is 0% to 200% of the voltage");
        fault.factor = value / 100.0;
    }
    // "0s" is the start; parse_duration takes what is above zero.
    if (parts[times] != "0s" && parts[times] != "0") {
        const auto from = parse_duration(parts[times]);
        if (!from) return wrong("'" + std::string(parts[times]) + "' is no time");
        fault.from = *from;
    }
    if (parts.size() > times + 1) {
        const auto span = parse_duration(parts[times + 1]);
        if (!span) return wrong("'" + std::string(parts[times + 1]) + "' is no time");
        fault.span = *span;
    }
    return fault;
}

}  // namespace prewatt::sim

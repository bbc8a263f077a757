#include "server/collect/line_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace prewatt::collect {
namespace {

constexpr std::array<std::uint32_t, 8> kSpeeds{600, 1200, 2400, 4800, 9600, 19200, 38400, 115200};

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
    return value;
}

}  // namespace

std::expected<LineAddress, std::string> parse_line_url(std::string_view url) {
    const auto wrong = [url](std::string_view why) {
        return std::unexpected("line \"" + std::string(url) + "\": " + std::string(why));
    };
    LineAddress address;
    std::string_view rest = url;
    std::string_view options;
    if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
        options = rest.substr(mark + 1);
        rest = rest.substr(0, mark);
    }
    if (rest.starts_with("serial://")) {
        address.host = rest.substr(9);
        address.latency_max = milliseconds(60);
        if (!address.host.starts_with('/')) return wrong("write the port as serial:///dev/ttyUSB0");
    } else if (rest.starts_with("tcp://")) {
        address.kind = LineAddress::Kind::kTcp;
        address.latency_max = milliseconds(400);
        rest.remove_prefix(6);
        const auto colon = rest.rfind(':');
        if (colon == std::string_view::npos) return wrong("write the gateway as tcp://host:port");
        address.host = rest.substr(0, colon);
        if (address.host.starts_with('[') && address.host.ends_with(']'))
            address.host = address.host.substr(1, address.host.size() - 2);
        const auto port = number(rest.substr(colon + 1), 65535);
        if (address.host.empty() || !port || *port == 0) return wrong("write the gateway as tcp://host:port");
        address.port = static_cast<std::uint16_t>(*port);
    } else {
        return wrong("begins with neither serial:// nor tcp://");
    }
    while (!options.empty()) {
        const std::string_view option = options.substr(0, options.find('&'));
        options.remove_prefix(std::min(options.size(), option.size() + 1));
        if (option.starts_with("baud=")) {
            const auto baud = number(option.substr(5), 115200);
            if (!baud || std::find(kSpeeds.begin(), kSpeeds.end(), *baud) == kSpeeds.end())
                return wrong("baud is one of 600, 1200, 2400, 4800, 9600, 19200, 38400, 115200");
            address.baud = *baud;
        } else if (option.starts_with("latency_ms=")) {
            const auto latency = number(option.substr(11), 10'000);
            if (!latency) return wrong("latency_ms is 0 to 10000");
            address.latency_max = milliseconds(*latency);
        } else if (option.starts_with("readers=")) {
            std::string_view list = option.substr(8);
            while (true) {
                const std::string_view one = list.substr(0, list.find(','));
                const auto reader = number(one, 65535);
                if (!reader || *reader == 0) return wrong("readers are numbers from 1 to 65535, with commas between");
                const auto value = static_cast<std::uint16_t>(*reader);
                if (std::find(address.readers.begin(), address.readers.end(), value) != address.readers.end())
                    return wrong("names a reader twice");
                address.readers.push_back(value);
                if (one.size() == list.size()) break;
                list.remove_prefix(one.size() + 1);
            }
            if (address.readers.size() > kReadersMax) return wrong("has at most 4 readers");
        } else {
            return wrong("knows the options baud, latency_ms and readers only");
        }
    }
    return address;
}

}  // namespace prewatt::collect

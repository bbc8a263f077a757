#include "cli/verify.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <expected>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/output.hpp"
#include "verify/class1.hpp"
#include "verify/storage.hpp"

namespace prewatt::cli {
namespace {

// What a verification has to say: the text to print and whether every goal was met.
struct Verdict {
    std::string text;
    bool met = false;
};
using Verified = std::expected<Verdict, std::string>;  // the error: wrong use, as a sentence
using Verification = std::pair<const char*, std::function<Verified(const VerifyOptions&)>>;

// "1-5,12" as numbers of 1..39.
std::expected<std::vector<int>, std::string> parse_channels(std::string_view text) {
    std::vector<int> channels;
    const auto wrong = [&] {
        return std::unexpected("--channels: '" + std::string(text) + "' are no channels: 1 to 39, as 1-5,12");
    };
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        int from = 0;
        const auto [at, error] = std::from_chars(part.data(), part.data() + part.size(), from);
        int to = from;
        const char* end = at;
        if (error == std::errc{} && at != part.data() + part.size() && *at == '-')
            end = std::from_chars(at + 1, part.data() + part.size(), to).ptr;
        if (error != std::errc{} || end != part.data() + part.size() || from < 1 || to > kCircuitsMax || from > to)
            return wrong();
        for (int channel = from; channel <= to; ++channel)
            channels.push_back(channel);
    }
    return channels;
}

Verified verify_class1(const VerifyOptions& options) {
    auto channels = parse_channels(options.channels);
    if (!channels) return std::unexpected(channels.error());
    verify::Class1Options class1;
    class1.quick = options.quick;
    class1.channels = std::move(*channels);
    class1.model.cross_talk = std::pow(10.0, options.cross_talk_decibels / 20);
    class1.model.noise_counts = options.noise_counts;
    class1.model.seed = options.seed;
    const verify::Class1Report report = verify::run_class1(class1);
    return Verdict{options.json ? report.json() + "\n" : report.table(), report.all_met()};
}

Verified verify_storage(const VerifyOptions& options) {
    verify::StorageOptions storage;
    if (options.quick) storage.days = 0.15;
    if (options.days > 0) storage.days = options.days;
    if (options.kilowatt_hours > 0) storage.kilowatt_hours_per_day = options.kilowatt_hours;
    storage.memory_bytes = static_cast<std::uint32_t>(options.memory_kibibytes) * 1024;
    storage.seed = options.seed;
    const bench::Figures figures = verify::run_storage(storage);
    return Verdict{options.json ? figures.json() + "\n" : figures.table(), figures.all_met()};
}

const std::vector<Verification>& verifications() {
    static const std::vector<Verification> list = {
        {"class1", verify_class1},
        {"storage", verify_storage},
    };
    return list;
}

}  // namespace

std::string verify_names() {
    std::string out;
    for (const auto& [name, verify] : verifications())
        out += (out.empty() ? "" : " ") + std::string(name);
    return out;
}

int run(const VerifyOptions& options) {
    for (const auto& [name, verify] : verifications()) {
        if (options.name != name) continue;
        const Verified verdict = verify(options);
        if (!verdict) return fail(ExitCode::kWrongUse, verdict.error());
        std::fputs(verdict->text.c_str(), stdout);
        std::fflush(stdout);
        if (options.strict && !verdict->met)
            return fail(ExitCode::kInternal, std::string("verify ") + name + ": a goal was missed");
        return code(ExitCode::kDone);
    }
    return fail(ExitCode::kWrongUse, "there is no verification '" + options.name + "'", verify_names());
}

}  // namespace prewatt::cli

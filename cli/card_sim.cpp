#include "cli/card_sim.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "card/layout.hpp"
#include "card/uid.hpp"
#include "cli/output.hpp"
#include "sim/card/vpcd_link.hpp"
#include "sim/host_run.hpp"

namespace prewatt::cli {
namespace {

constexpr std::pair<const char*, sim::ReaderHabits> kReaders[] = {{"plain", sim::kPlainReader},
                                                                  {"acr122", sim::kAcr122},
                                                                  {"acr1252", sim::kAcr1252},
                                                                  {"omnikey", sim::kOmnikey5x21},
                                                                  {"old", sim::kOldReader}};

std::optional<card::Uid> number_of(const std::string& hex) {
    if (hex.size() != 8 && hex.size() != 14) return {};
    card::Uid uid;
    for (std::size_t k = 0; k < hex.size(); k += 2) {
        const std::string digits = hex.substr(k, 2);
        if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return {};
        uid.push_back(static_cast<Byte>(std::stoi(digits, nullptr, 16)));
    }
    if (card::fault_of(uid)) return {};
    return uid;
}

}  // namespace

bool keep_card(const std::filesystem::path& file, const std::string& bytes) {
    const std::string beside = file.string() + ".new";
    const int handle = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (handle < 0) return false;
    const bool written = ::write(handle, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    return (::close(handle) == 0) && written && std::rename(beside.c_str(), file.c_str()) == 0;
}

int run(const CardSimOptions& options) {
    const auto* reader = std::find_if(std::begin(kReaders), std::end(kReaders),
                                      [&](const auto& each) { return options.reader == each.first; });
    if (reader == std::end(kReaders))
        return fail(ExitCode::kWrongUse,
                    "--reader: '" + options.reader + "' is none of plain, acr122, acr1252, omnikey, old");
    std::optional<sim::PlannedTear> tear;
    if (!options.tear.empty()) {
        const auto parsed = sim::parse_tear(options.tear);
        if (!parsed) return fail(ExitCode::kWrongUse, "--tear: " + parsed.error());
        tear = *parsed;
    }
    std::optional<Duration> duration;
    if (!options.duration.empty()) {
        const auto parsed = sim::parse_duration(options.duration);
        if (!parsed) return fail(ExitCode::kWrongUse, "--for: " + parsed.error());
        duration = *parsed;
    }
    const bool is_there = std::filesystem::exists(options.file);
    if (!options.new_number.empty()) {
        const auto uid = number_of(options.new_number);
        if (!uid)
            return fail(ExitCode::kWrongUse, "--new: '" + options.new_number + "' is no lasting number of a card",
                        "8 or 14 hex digits, not 08 in front, not all 0 or F");
        if (is_there)
            return fail(ExitCode::kWrongUse,
                        options.file.string() + " is there, and is a card with money on it perhaps",
                        "another name, or leave --new away");
        if (!keep_card(options.file, sim::M1Card(*uid).to_bytes()))
            return fail(ExitCode::kNotFound, options.file.string() + " cannot be written");
    } else if (!is_there) {
        return fail(ExitCode::kNotFound, "there is no card in " + options.file.string(), "--new 11223344 makes one");
    }
    std::ifstream in(options.file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    auto card = sim::M1Card::from_bytes(bytes, options.seed);
    if (!card) return fail(ExitCode::kNotFound, options.file.string() + ": " + card.error());

    sim::Field field;
    field.put(*card);
    if (tear) field.tear_at(tear->write, tear->tear);
    sim::ApduCard apdus(field, reader->second);
    auto link = sim::VpcdLink::insert(options.host, options.port, seconds(5));
    if (!link)
        return fail(ExitCode::kNotReachable, link.error(),
                    "tests/pcsc/run_pcscd bash starts a pcscd with one, for that shell");
    sim::catch_stop_signals();
    std::fprintf(stderr, "prewatt: card %s lies on the virtual reader; Ctrl-C takes it away\n",
                 hex_of(card->uid().data(), card->uid().size()).c_str());
    const std::int64_t begin = sim::host_now();
    std::uint64_t kept = card->writes();
    for (;;) {
        if (sim::stop_asked()) return code(ExitCode::kInterrupted);
        if (duration && sim::host_now() - begin >= duration->count()) return code(ExitCode::kDone);
        using Served = sim::VpcdLink::Served;
        const auto served = link->serve(apdus, Duration{}, milliseconds(options.exchange_ms), [&]() -> bool {
            if (card->writes() == kept) return true;
            kept = card->writes();
            return keep_card(options.file, card->to_bytes());
        });
        switch (served) {
            case Served::kLeft:
                std::fprintf(
                    stderr,
                    "prewatt: the card was torn away in a write; the same command without --tear puts it back\n");
                return code(ExitCode::kDone);
            case Served::kClosed:
                return fail(ExitCode::kNotReachable, "the virtual reader has gone");
            case Served::kLost:
                return fail(ExitCode::kInternal,
                            options.file.string() + " cannot be written; the write was not answered");
            case Served::kNothing: {
                std::vector<pollfd> handles{{link->handle(), POLLIN, 0}};
                sim::wait_for(handles, milliseconds(100));
                break;
            }
            case Served::kOrder:
            case Served::kCommand:
                break;
        }
    }
}

}  // namespace prewatt::cli

#include "cli/shared_reader.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>
#include <vector>

#include "card/openssl/master_key_file.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/pcsc/apdu_reader.hpp"
#include "card/pcsc/pcsc.hpp"
#include "cli/card_slot.hpp"
#include "cli/output.hpp"
#include "reader/shared_reader.hpp"
#include "server/collect/line_address.hpp"
#include "server/collect/serial_port.hpp"
#include "sim/host_run.hpp"
#include "sim/line_port.hpp"

namespace prewatt::cli {
namespace {

// --- The key file

struct ReaderKeys {
    card::Key read{};
    card::Key write_return{};
};

std::optional<card::Key> key_of(const std::string& text) {
    if (text.size() != 32 || text.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return {};
    card::Key key{};
    for (std::size_t k = 0; k < key.size(); ++k)
        key[k] = static_cast<Byte>(std::stoi(text.substr(2 * k, 2), nullptr, 16));
    return key;
}

std::optional<ReaderKeys> read_keys(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string read;
    std::string write_return;
    if (!(in >> read >> write_return)) return {};
    const auto first = key_of(read);
    const auto second = key_of(write_return);
    if (!first || !second) return {};
    return ReaderKeys{*first, *second};
}

// For its owner only; an existing file stays.
bool make_keys(const std::filesystem::path& file, const card::SiteMasters& masters) {
    std::string text = hex_of(masters.sector_read.data(), masters.sector_read.size()) + "\n" +
                       hex_of(masters.sector_return.data(), masters.sector_return.size()) + "\n";
    std::erase(text, ' ');
    const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (handle < 0) return false;
    const bool written = ::write(handle, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return ::close(handle) == 0 && written;
}

// --- Whatever lies on a PC/SC reader, card after card, as one field

class PcscField final : public card::M1Reader {
  public:
    PcscField(card::Pcsc pcsc, std::string name) : pcsc_(std::move(pcsc)), name_(std::move(name)) {}

    std::expected<card::Uid, card::CardFault> select() override {
        if (!card_) {
            auto found = pcsc_.wait_for_card(name_, Duration{});
            if (!found) {
                switch (found.error().fault) {
                    case card::PcscFault::kNoCard:
                    case card::PcscFault::kCancelled:
                    case card::PcscFault::kMute:
                        return std::unexpected(card::CardFault::kNoCard);
                    case card::PcscFault::kOtherCard:
                        return std::unexpected(card::CardFault::kNotM1);
                    default:
                        return std::unexpected(card::CardFault::kReader);
                }
            }
            card_ = std::make_unique<card::PcscCard>(std::move(*found));
            reader_.emplace(*card_);
        }
        return heard(reader_->select());
    }
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, card::KeyKind kind,
                                                      const card::SectorKey& key) override {
        if (!reader_) return std::unexpected(card::CardFault::kNoCard);
        return heard(reader_->authenticate(block, kind, key));
    }
    std::expected<card::Block, card::CardFault> read(std::uint8_t block) override {
        if (!reader_) return std::unexpected(card::CardFault::kNoCard);
        return heard(reader_->read(block));
    }
    std::expected<void, card::CardFault> write(std::uint8_t block, const card::Block& data) override {
        if (!reader_) return std::unexpected(card::CardFault::kNoCard);
        return heard(reader_->write(block, data));
    }

  private:
    // A card that has gone is gone for good: the next look takes another.
    template <class Answer>
    Answer heard(Answer answer) {
        if (!answer && (answer.error() == card::CardFault::kNoCard || answer.error() == card::CardFault::kReader)) {
            reader_.reset();
            card_.reset();
        }
        return answer;
    }
    card::Pcsc pcsc_;
    std::string name_;
    std::unique_ptr<card::PcscCard> card_;
    std::optional<card::ApduReader> reader_;
};

// --- The line

std::expected<int, std::string> open_line(const std::string& url) {
    const auto address = collect::parse_line_url(url);
    if (!address) return std::unexpected(address.error());
    if (address->kind == collect::LineAddress::Kind::kSerial)
        return collect::open_serial_port(address->host, address->baud);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address->host.c_str(), std::to_string(address->port).c_str(), &hints, &found) != 0)
        return std::unexpected(address->host + ": no such host");
    int handle = -1;
    for (const addrinfo* one = found; one != nullptr && handle < 0; one = one->ai_next) {
        handle = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (handle >= 0 && ::connect(handle, one->ai_addr, one->ai_addrlen) != 0) {
            ::close(handle);
            handle = -1;
        }
    }
    ::freeaddrinfo(found);
    if (handle < 0) return std::unexpected(url + ": nobody answers there");
    const int on = 1;
    ::setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(handle, F_SETFL, O_NONBLOCK);
    return handle;
}

// What waits is a frame or two; a line that takes nothing loses them, as copper does.
void put(int handle, Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(handle, bytes.data(), bytes.size());
        if (written <= 0) return;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

// --- The panel

std::string words_of(const reader::Shown& shown) {
    switch (shown.signal) {
        case reader::Signal::kReady:
            return "ready";
        case reader::Signal::kHoldCard:
            return "hold the card";
        case reader::Signal::kDone:
            return "done: household " + std::to_string(shown.household) + ", bought " +
                   decimal(shown.bought_hundredths) + ", remaining " + decimal(shown.remaining_hundredths);
        case reader::Signal::kComeAgain:
            return "come again: the card left too early; nothing is lost";
        case reader::Signal::kRefused:
            return "refused, code " + std::to_string(shown.code);
        case reader::Signal::kBoxOffLine:
            return "the box does not answer; the card is as it was";
        case reader::Signal::kOfficeOffLine:
            return "the office is off line";
        case reader::Signal::kSeveralCards:
            return "one card at a time";
        case reader::Signal::kNotForThisReader:
            return "this card belongs onto the box that it is for";
        case reader::Signal::kReads:
            return "this reader reads cards";
        case reader::Signal::kDamagedCard:
            return "the card is damaged: the desk gives a new one; what was bought is in the box";
        case reader::Signal::kBroken:
            break;
    }
    return "the reader does not work";
}

}  // namespace

int run(const ReaderOptions& options) {
    card::OpensslMac mac;
    if (!options.master_key.empty()) {
        const auto master = card::load_master_key(options.master_key);
        if (!master) return fail(ExitCode::kNotFound, "--make-keys: " + master.error());
        if (!make_keys(options.key_file, card::site_masters(mac, master->key)))
            return fail(ExitCode::kWrongUse, options.key_file.string() + " is there already, or cannot be written");
        return code(ExitCode::kDone);
    }
    const auto keys = read_keys(options.key_file);
    if (!keys)
        return fail(ExitCode::kNotFound, options.key_file.string() + " does not hold two keys of 32 hexadecimal digits",
                    "prewatt reader --make-keys MASTER --key-file FILE, in the office");
    if (options.pcsc.has_value() != options.card.empty())
        return fail(ExitCode::kWrongUse, "either --pcsc or --card: a reader has one place for cards");
    if (options.line.empty() && options.tcp.empty())
        return fail(ExitCode::kWrongUse, "--line or --tcp: a reader hangs on a line");
    Instant end = kNever;
    if (!options.duration.empty()) {
        const auto duration = sim::parse_duration(options.duration);
        if (!duration) return fail(ExitCode::kWrongUse, "--for: " + duration.error());
        end = Instant{sim::host_now()} + *duration;
    }

    std::unique_ptr<PcscField> pcsc_field;
    sim::Field file_field;
    std::optional<CardSlot> slot;
    if (options.pcsc) {
        auto pcsc = card::Pcsc::open();
        if (!pcsc) return fail(ExitCode::kNotReachable, pcsc.error().words);
        const auto name = pcsc->choose(*options.pcsc);
        if (!name) return fail(ExitCode::kNotReachable, name.error().words);
        pcsc_field = std::make_unique<PcscField>(std::move(*pcsc), *name);
    } else {
        slot.emplace(options.card);
    }
    card::M1Reader& field = pcsc_field ? static_cast<card::M1Reader&>(*pcsc_field) : file_field;

    int bus = -1;
    if (!options.line.empty()) {
        const auto opened = open_line(options.line);
        if (!opened) return fail(ExitCode::kNotReachable, "--line: " + opened.error());
        bus = *opened;
    }
    std::optional<sim::LinePort> port;
    if (!options.tcp.empty()) {
        const auto at = sim::parse_host_port(options.tcp);
        if (!at) return fail(ExitCode::kWrongUse, "--tcp: " + at.error());
        auto opened = sim::LinePort::listen(*at);
        if (!opened) return fail(ExitCode::kNotReachable, "--tcp: " + opened.error());
        port.emplace(std::move(*opened));
    }

    reader::ReaderConfig config;
    config.number = {static_cast<std::uint16_t>(options.number)};
    config.layout.base = static_cast<std::uint8_t>(options.base);
    config.sector_read = keys->read;
    config.sector_return = keys->write_return;
    config.first_tap = static_cast<std::uint32_t>(sim::host_now() / 1'000'000) + 1;
    reader::SharedReader shared(config, mac, field);
    sim::catch_stop_signals();
    std::fprintf(stderr, "prewatt: card reader %d%s%s\n", options.number, port ? ", office at " : "",
                 port ? port->name().c_str() : "");
    std::optional<reader::Shown> told;
    std::vector<pollfd> handles;
    std::array<Byte, 512> incoming{};
    while (!sim::stop_asked()) {
        Instant now{sim::host_now()};
        if (now >= end) break;
        if (slot) slot->service(file_field, sim::host_now());
        if (port) {
            const std::vector<Byte> bytes = port->service();
            now = Instant{sim::host_now()};
            for (const Byte byte : bytes)
                shared.on_byte(byte, now);
            if (bus >= 0) put(bus, {bytes.data(), bytes.size()});
        }
        if (bus >= 0) {
            const ssize_t count = ::read(bus, incoming.data(), incoming.size());
            if (count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
                return fail(ExitCode::kNotReachable, "--line: " + options.line + " has gone");
            now = Instant{sim::host_now()};
            const Bytes bytes(incoming.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
            for (const Byte byte : bytes)
                shared.on_byte(byte, now);
            if (port && !bytes.empty()) port->send(bytes);
        }
        const auto step = shared.poll_line(now);
        if (!step.send.empty()) port ? port->send(step.send) : put(bus, step.send);
        const Instant card_at = shared.step_card(now);
        const reader::Shown shown = shared.shown(now);
        if (told != shown) {
            told = shown;
            std::printf("%s\n", words_of(shown).c_str());
            std::fflush(stdout);
        }
        handles.clear();
        if (port) port->add_to(handles);
        if (bus >= 0) handles.push_back({bus, POLLIN, 0});
        const Instant wake_up = std::min({card_at, step.wake_up, end, now + milliseconds(100)});
        sim::wait_for(handles, std::max(wake_up - Instant{sim::host_now()}, Duration{}));
    }
    if (bus >= 0) ::close(bus);
    return code(ExitCode::kDone);
}

}  // namespace prewatt::cli

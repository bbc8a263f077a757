#include "card/pcsc/pcsc.hpp"

#include <winscard.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace prewatt::card {
namespace {

using Steady = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBusyPatience{2000};
constexpr std::chrono::milliseconds kBusyPause{100};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
    });
    return out;
}
bool holds(std::string_view text, std::string_view part) {
    return lower(text).find(lower(part)) != std::string::npos;
}
std::string list_of(const std::vector<std::string>& readers) {
    std::string text;
    for (const std::string& each : readers)
        text += (text.empty() ? "\"" : ", \"") + each + "\"";
    return text;
}

PcscError error_of(LONG code, const std::string& reader) {
    switch (code) {
        case SCARD_E_NO_SERVICE:
        case SCARD_E_SERVICE_STOPPED:
        case SCARD_E_INVALID_HANDLE:
        case SCARD_F_COMM_ERROR:  // it ended while we asked
            return {PcscFault::kNoService,
                    "No card service runs on this machine. Install pcscd and start it: systemctl start pcscd.socket"};
        case SCARD_W_SECURITY_VIOLATION:
        case SCARD_E_NO_ACCESS:
            return {PcscFault::kNoService,
                    "This user may not use card readers. Allow org.debian.pcsc-lite.access_pcsc in polkit for it."};
        case SCARD_E_NO_READERS_AVAILABLE:
            return {PcscFault::kNoReader,
                    "No card reader is connected. Plug one in; an ACR122U is seen only when the kernel modules "
                    "pn533_usb and nfc are kept out (modprobe.d: blacklist)."};
        case SCARD_E_UNKNOWN_READER:
        case SCARD_E_READER_UNAVAILABLE:
            return {PcscFault::kUnknownReader,
                    "The reader \"" + reader + "\" is not connected any more. Plug it in again."};
        case SCARD_E_SHARING_VIOLATION:
            return {PcscFault::kBusy, "Another program on this machine is using the reader \"" + reader +
                                          "\". Close it, then try again."};
        case SCARD_E_TIMEOUT:
        case SCARD_E_NO_SMARTCARD:
        case SCARD_W_REMOVED_CARD:
            return {PcscFault::kNoCard,
                    "No card lies on the reader \"" + reader + "\". Put the card on it and leave it there."};
        case SCARD_W_UNRESPONSIVE_CARD:
        case SCARD_W_UNPOWERED_CARD:
        case SCARD_W_UNSUPPORTED_CARD:
        case SCARD_E_PROTO_MISMATCH:
            return {PcscFault::kMute,
                    "What lies on the reader \"" + reader +
                        "\" does not answer. Take it away, make sure that it is one card alone, and put it on again."};
        case SCARD_E_CANCELLED:
            return {PcscFault::kCancelled, "Cancelled."};
        default:
            return {PcscFault::kReader, "The reader \"" + reader + "\" failed: " + pcsc_stringify_error(code) +
                                            " Unplug it and plug it in again."};
    }
}

DWORD milliseconds_left(Steady::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now()).count();
    return static_cast<DWORD>(std::max<std::int64_t>(left, 0));
}
Steady::time_point in(Duration timeout) {
    return Steady::now() + std::chrono::microseconds(timeout.count());
}

}  // namespace

// --- the card ---------------------------------------------------------------------------------------------------

PcscCard::PcscCard(PcscCard&& other) noexcept
    : handle_(std::exchange(other.handle_, 0)),
      protocol_(other.protocol_),
      atr_(other.atr_),
      last_error_(std::move(other.last_error_)) {}

PcscCard::~PcscCard() {
    if (handle_ != 0) SCardDisconnect(handle_, SCARD_LEAVE_CARD);
}

TransportFault PcscCard::fault_of(long code) {
    last_error_ = pcsc_stringify_error(code);
    switch (code) {
        case SCARD_W_REMOVED_CARD:
        case SCARD_W_RESET_CARD:
        case SCARD_W_UNPOWERED_CARD:
        case SCARD_W_UNRESPONSIVE_CARD:
        case SCARD_E_NO_SMARTCARD:
        case SCARD_E_NOT_TRANSACTED:  // the exchange after one in which the card was torn away
            return TransportFault::kGone;
        default:
            return TransportFault::kReader;
    }
}

std::expected<ApduAnswer, TransportFault> PcscCard::transceive(Bytes command) {
    BYTE received[kAnswerBytesMax];
    DWORD length = sizeof received;
    const LONG code = SCardTransmit(handle_, protocol_ == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1,
                                    command.data(), command.size(), nullptr, received, &length);
    if (code != SCARD_S_SUCCESS) return std::unexpected(fault_of(code));
    if (length < 2) {
        last_error_ = "The card left during the exchange.";
        return std::unexpected(TransportFault::kGone);
    }
    ApduAnswer answer;
    for (DWORD k = 0; k < length && k < sizeof received; ++k)
        answer.push_back(received[k]);
    return answer;
}

std::expected<void, TransportFault> PcscCard::reset() {
    const LONG code = SCardReconnect(handle_, SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                     SCARD_RESET_CARD, &protocol_);
    if (code != SCARD_S_SUCCESS) return std::unexpected(fault_of(code));
    return {};
}

// --- the readers ------------------------------------------------------------------------------------------------

std::expected<Pcsc, PcscError> Pcsc::open() {
    SCARDCONTEXT context = 0;
    const LONG code = SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context);
    if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, ""));
    return Pcsc(context);
}

Pcsc::Pcsc(Pcsc&& other) noexcept : context_(other.context_.exchange(0)) {}

Pcsc::~Pcsc() {
    if (context_ != 0) SCardReleaseContext(context_);
}

std::expected<std::vector<std::string>, PcscError> Pcsc::readers() const {
    // The list may grow between the question for its length and the one for itself.
    for (;;) {
        DWORD length = 0;
        LONG code = SCardListReaders(context_, nullptr, nullptr, &length);
        std::vector<char> names(length + 1, '\0');
        if (code == SCARD_S_SUCCESS) code = SCardListReaders(context_, nullptr, names.data(), &length);
        if (code == SCARD_E_INSUFFICIENT_BUFFER) continue;
        if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, ""));
        std::vector<std::string> readers;
        for (const char* at = names.data(); *at != '\0'; at += readers.back().size() + 1)
            readers.emplace_back(at);
        if (readers.empty()) return std::unexpected(error_of(SCARD_E_NO_READERS_AVAILABLE, ""));
        return readers;
    }
}

std::expected<std::string, PcscError> Pcsc::choose(std::string_view wanted) const {
    const auto all = readers();
    if (!all) return std::unexpected(all.error());
    return choose_reader(*all, wanted);
}

std::expected<std::string, PcscError> choose_reader(const std::vector<std::string>& readers, std::string_view wanted) {
    std::vector<std::string> fitting;
    for (const std::string& each : readers) {
        if (each == wanted) return each;
        if (holds(each, wanted)) fitting.push_back(each);
    }
    if (fitting.empty())
        return std::unexpected(PcscError{PcscFault::kUnknownReader, "No reader is called \"" + std::string(wanted) +
                                                                        "\"; there are " + list_of(readers) + "."});
    if (fitting.size() > 1) {
        // A box with a slot for chip cards, one for its own and a surface shows itself as three readers.
        std::vector<std::string> surfaces;
        for (const std::string& each : fitting)
            if (holds(each, "PICC") || holds(each, "contactless") || holds(each, "-CL")) surfaces.push_back(each);
        if (surfaces.size() != 1)
            return std::unexpected(
                PcscError{PcscFault::kSeveralReaders,
                          "More than one reader is connected: say which, by a part of its name; there are " +
                              list_of(fitting) + "."});
        return surfaces.front();
    }
    return fitting.front();
}

std::expected<PcscCard, PcscError> Pcsc::connect(const std::string& reader) {
    const auto patience = Steady::now() + kBusyPatience;
    SCARDHANDLE handle = 0;
    DWORD protocol = 0;
    LONG code = SCARD_S_SUCCESS;
    do {
        code = SCardConnect(context_, reader.c_str(), SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                            &handle, &protocol);
        if (code != SCARD_E_SHARING_VIOLATION) break;
        std::this_thread::sleep_for(kBusyPause);
    } while (Steady::now() < patience);
    if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, reader));
    BYTE bytes[MAX_ATR_SIZE];
    DWORD length = sizeof bytes;
    PcscCard card(handle, protocol, {});
    code = SCardStatus(handle, nullptr, nullptr, nullptr, nullptr, bytes, &length);
    if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, reader));
    for (DWORD k = 0; k < length && k < sizeof bytes; ++k)
        card.atr_.push_back(bytes[k]);
    return card;
}

bool Pcsc::open_again() {
    SCARDCONTEXT context = 0;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context) != SCARD_S_SUCCESS) return false;
    SCardReleaseContext(context_.exchange(context));
    return true;
}

std::expected<PcscCard, PcscError> Pcsc::wait_for_card(const std::string& reader, Duration timeout) {
    const auto until = in(timeout);
    auto card = look_for_card(reader, until);
    if (card || card.error().fault != PcscFault::kNoService || !open_again()) return card;
    return look_for_card(reader, until);
}

std::expected<PcscCard, PcscError> Pcsc::look_for_card(const std::string& reader, Steady::time_point until) {
    SCARD_READERSTATE state{};
    state.szReader = reader.c_str();
    state.dwCurrentState = SCARD_STATE_UNAWARE;
    PcscError last = error_of(SCARD_E_TIMEOUT, reader);
    for (;;) {
        const LONG code = SCardGetStatusChange(context_, milliseconds_left(until), &state, 1);
        if (code == SCARD_E_TIMEOUT) return std::unexpected(last);
        if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, reader));
        const DWORD now = state.dwEventState;
        state.dwCurrentState = now & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
        if ((now & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) != 0)
            return std::unexpected(error_of(SCARD_E_UNKNOWN_READER, reader));
        if ((now & SCARD_STATE_PRESENT) == 0) {
            last = error_of(SCARD_E_TIMEOUT, reader);
            continue;
        }
        if ((now & SCARD_STATE_MUTE) != 0) {
            // A card that is put on slowly is mute at first: the next event may tell another story.
            last = error_of(SCARD_W_UNRESPONSIVE_CARD, reader);
            continue;
        }
        auto card = connect(reader);
        if (!card) {
            // Torn away again before it was held.
            if (card.error().fault == PcscFault::kNoCard || card.error().fault == PcscFault::kMute) {
                last = card.error();
                continue;
            }
            return card;
        }
        const Atr atr = card->atr();
        const ChipKind kind = kind_of_chip({atr.data(), atr.size()});
        if (!is_m1(kind))
            return std::unexpected(PcscError{PcscFault::kOtherCard, sentence_of(CardFault::kNotM1, kind)});
        return card;
    }
}

std::expected<void, PcscError> Pcsc::wait_for_removal(const std::string& reader, Duration timeout) {
    const auto until = in(timeout);
    SCARD_READERSTATE state{};
    state.szReader = reader.c_str();
    state.dwCurrentState = SCARD_STATE_UNAWARE;
    for (;;) {
        const LONG code = SCardGetStatusChange(context_, milliseconds_left(until), &state, 1);
        if (code == SCARD_E_TIMEOUT)
            return std::unexpected(
                PcscError{PcscFault::kNoCard, "The card still lies on the reader \"" + reader + "\". Take it away."});
        if (code != SCARD_S_SUCCESS) return std::unexpected(error_of(code, reader));
        state.dwCurrentState = state.dwEventState & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
        if ((state.dwEventState & SCARD_STATE_PRESENT) == 0) return {};
    }
}

void Pcsc::cancel() const {
    SCardCancel(context_);
}

std::string sentence_of(CardFault fault, ChipKind kind) {
    switch (fault) {
        case CardFault::kNoCard:
            return "The card has left the reader, or another was put there. Put the card back and leave it until it "
                   "says done.";
        case CardFault::kNotM1:
            if (is_m1(kind))
                return "This card has no lasting number of its own, as phones and poor copies have none. It cannot be "
                       "used.";
            return "This is " + std::string(words_of(kind)) +
                   ", not a card for a meter. Take it away and put on the right one.";
        case CardFault::kSeveral:
            return "More than one card lies on the reader. Leave only one there.";
        case CardFault::kWrongKey:
            return "The card does not open with the keys of this site: it is of another site, or it is damaged.";
        case CardFault::kRefused:
            return "The card does not let itself be read or written where it should: it is damaged or was made by "
                   "somebody else.";
        case CardFault::kReader:
            return "The reader does not work as it should. Unplug it and plug it in again.";
    }
    return "The reader does not work as it should. Unplug it and plug it in again.";
}

}  // namespace prewatt::card

#include "cli/card_place.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "card/pcsc/apdu_reader.hpp"
#include "card/pcsc/pcsc.hpp"
#include "sim/card/field.hpp"

namespace prewatt::cli {
namespace {

namespace fs = std::filesystem;

std::unexpected<OfficeFailure> failed(ExitCode exit, std::string what, std::string what_to_try = {}) {
    return std::unexpected(OfficeFailure{exit, std::move(what), std::move(what_to_try), 0, {}});
}

// Nobody sits before a terminal that says nothing for 20 s.
void say_waiting(const std::string& what, std::chrono::milliseconds patience) {
    std::fprintf(stderr, "prewatt: %s; waiting %lld s for it (Ctrl-C ends it, --wait-card 0s does not wait)\n",
                 what.c_str(), static_cast<long long>((patience.count() + 999) / 1000));
}

// A card in a file. It is there while its file is; what is written stands in the file before it is acknowledged.
class ModelReader final : public card::M1Reader {
  public:
    ModelReader(fs::path file, std::chrono::milliseconds exchange, std::optional<std::pair<int, std::uint8_t>>& tear)
        : file_(std::move(file)), exchange_(exchange), tear_(tear) {}

    // Error: a sentence.
    std::expected<void, std::string> load() {
        std::ifstream in(file_, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), {}};
        auto read = sim::M1Card::from_bytes(bytes);
        if (!read) return std::unexpected(read.error());
        card_ = std::move(*read);
        field_.hold({&*card_});
        return {};
    }
    std::expected<card::Uid, card::CardFault> select() override {
        if (!lies_there()) return std::unexpected(card::CardFault::kNoCard);
        return field_.select();
    }
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, card::KeyKind kind,
                                                      const card::SectorKey& key) override {
        if (!lies_there()) return std::unexpected(card::CardFault::kNoCard);
        return field_.authenticate(block, kind, key);
    }
    std::expected<card::Block, card::CardFault> read(std::uint8_t block) override {
        if (!lies_there()) return std::unexpected(card::CardFault::kNoCard);
        return field_.read(block);
    }
    std::expected<void, card::CardFault> write(std::uint8_t block, const card::Block& data) override {
        if (!lies_there()) return std::unexpected(card::CardFault::kNoCard);
        if (tear_ && --tear_->first <= 0) {
            field_.tear_at(0, {tear_->second, sim::Tear::Rest::kOld});
            tear_.reset();
        }
        const auto written = field_.write(block, data);
        if (!keep()) return std::unexpected(card::CardFault::kNoCard);
        return written;
    }

  private:
    bool lies_there() {
        if (exchange_.count() > 0) std::this_thread::sleep_for(exchange_);
        std::error_code ignored;
        if (fs::is_regular_file(file_, ignored)) return true;
        field_.clear();
        return false;
    }
    // Into the file that is there: a card that was taken away meanwhile does not come back by being written.
    bool keep() {
        const std::string bytes = card_->to_bytes();
        const int file = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
        if (file < 0) return false;
        const bool kept = ::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
                          ::ftruncate(file, static_cast<off_t>(bytes.size())) == 0;
        ::close(file);
        return kept;
    }

    fs::path file_;
    std::chrono::milliseconds exchange_;
    std::optional<std::pair<int, std::uint8_t>>& tear_;
    std::optional<sim::M1Card> card_;
    sim::Field field_;
};

class ModelPlace final : public CardPlace {
  public:
    ModelPlace(fs::path file, std::chrono::milliseconds exchange, std::optional<std::pair<int, std::uint8_t>> tear,
               bool says_waiting)
        : file_(std::move(file)), exchange_(exchange), tear_(tear), says_waiting_(says_waiting) {}
    std::string name() const override { return file_.string(); }
    std::expected<void, OfficeFailure> visit(std::chrono::milliseconds patience,
                                             const std::function<void(card::M1Reader&)>& what) override {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        std::error_code ignored;
        bool said = !says_waiting_ || patience.count() <= 0;
        while (!fs::is_regular_file(file_, ignored)) {
            if (!std::exchange(said, true))
                say_waiting("no card lies on the reader: there is no file " + name(), patience);
            if (std::chrono::steady_clock::now() >= deadline)
                return failed(ExitCode::kNoAnswer, "no card lies on the reader (there is no file " + name() + ")",
                              "put the card there and do the same again");
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        ModelReader reader(file_, exchange_, tear_);
        if (const auto loaded = reader.load(); !loaded)
            return failed(ExitCode::kNotFound, name() + " is no card: " + loaded.error());
        what(reader);
        return {};
    }

  private:
    fs::path file_;
    std::chrono::milliseconds exchange_;
    std::optional<std::pair<int, std::uint8_t>> tear_;
    bool says_waiting_;
};

OfficeFailure failure_of(const card::PcscError& error) {
    OfficeFailure failure;
    failure.what = error.words;
    switch (error.fault) {
        case card::PcscFault::kNoCard:
        case card::PcscFault::kMute:
            failure.exit = ExitCode::kNoAnswer;
            break;
        case card::PcscFault::kOtherCard:
            failure.exit = ExitCode::kRefused;
            break;
        case card::PcscFault::kUnknownReader:
            failure.exit = ExitCode::kNotFound;
            break;
        case card::PcscFault::kSeveralReaders:
            failure.exit = ExitCode::kWrongUse;
            failure.what_to_try = "--reader NAME";
            break;
        default:
            failure.exit = ExitCode::kNotReachable;
            break;
    }
    return failure;
}

class PcscPlace final : public CardPlace {
  public:
    PcscPlace(card::Pcsc pcsc, std::string reader, bool says_waiting)
        : pcsc_(std::move(pcsc)), reader_(std::move(reader)), says_waiting_(says_waiting) {}
    std::string name() const override { return reader_; }
    std::expected<void, OfficeFailure> visit(std::chrono::milliseconds patience,
                                             const std::function<void(card::M1Reader&)>& what) override {
        using std::chrono::steady_clock;
        const auto deadline = steady_clock::now() + patience;
        bool said = false;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
            // A card that lies there already is found at once, and nothing is said.
            const bool says = says_waiting_ && !said && left.count() > 0;
            auto lying = pcsc_.wait_for_card(reader_, milliseconds(says ? 0 : std::max<std::int64_t>(left.count(), 0)));
            if (says && !lying && lying.error().fault == card::PcscFault::kNoCard) {
                said = true;
                say_waiting("no card lies on " + name() + " yet", patience);
                continue;
            }
            if (!lying) return std::unexpected(failure_of(lying.error()));
            card::ApduReader reader(*lying);
            // pcscd knows of a card that has left, or was exchanged, at its next poll only: until then nobody lies
            // there.
            const auto uid = reader.select();
            if (!uid && uid.error() == card::CardFault::kNoCard && steady_clock::now() < deadline) {
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
                continue;
            }
            what(reader);
            return {};
        }
    }

  private:
    card::Pcsc pcsc_;
    std::string reader_;
    bool says_waiting_;
};

}  // namespace

std::expected<std::unique_ptr<CardPlace>, OfficeFailure> CardPlace::open(const CardPlaceOptions& options) {
    std::optional<std::pair<int, std::uint8_t>> tear;
    if (!options.tear.empty()) {
        const std::string& text = options.tear;
        int write = 0;
        int bytes = 0;
        auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), write);
        bool sound = fault == std::errc{} && write >= 1;
        if (sound && *end == ':') {
            const auto rest = std::from_chars(end + 1, text.data() + text.size(), bytes);
            sound = rest.ec == std::errc{} && bytes >= 0 && bytes <= 16;
            end = rest.ptr;
        }
        if (!sound || end != text.data() + text.size())
            return failed(ExitCode::kWrongUse, "'" + text + "' is no tear; write the number of the write, and bytes",
                          "--tear 2:8");
        tear = {write, static_cast<std::uint8_t>(bytes)};
    }
    if (!options.model.empty()) {
        if (!options.reader.empty())
            return failed(ExitCode::kWrongUse, "a card lies on a reader or in a file: --reader or --model, not both");
        return std::make_unique<ModelPlace>(options.model, std::chrono::milliseconds(options.exchange_ms), tear,
                                            options.says_waiting);
    }
    if (tear || options.exchange_ms != 0)
        return failed(ExitCode::kWrongUse, "--tear and --exchange-ms are for a card in a file", "--model FILE");
    auto pcsc = card::Pcsc::open();
    if (!pcsc) return std::unexpected(failure_of(pcsc.error()));
    const auto reader = pcsc->choose(options.reader);
    if (!reader) return std::unexpected(failure_of(reader.error()));
    return std::make_unique<PcscPlace>(std::move(*pcsc), *reader, options.says_waiting);
}

}  // namespace prewatt::cli

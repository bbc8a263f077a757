// A shared reader between arbitrary frames and cards that come, leave, are exchanged and torn. Input: operations of two
// bytes, what and how, and what some of them read behind it.
//
// Whatever comes: only RETURN blocks of a card are ever written, and only while the table says "writing"; nothing is
// answered that was not asked of this reader, nor before 20 ms; with the card gone it is ready for the next one.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "card/openssl/openssl_mac.hpp"
#include "reader/shared_reader.hpp"
#include "reader/testing/issued_card.hpp"
#include "sim/card/field.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;

namespace {

constexpr card::BoxDigits kBox = 2026000017;
constexpr std::uint8_t kHousehold = 12;
constexpr dlt645::ReaderNumber kNumber{7};
constexpr std::size_t kQuestionMax = 32;  // a longer question is noise to every decoder

struct World {
    card::OpensslMac mac;
    reader::Issuer issuer{mac, card::Key{1, 2, 3}};
    std::vector<sim::M1Card> cards;
    World() {
        cards.push_back(issuer.issue(card::uid_of(std::array<Byte, 4>{0xA1, 0xB2, 0xC3, 0xD4}), kBox, kHousehold));
        issuer.sell(cards[0], kBox, kHousehold, 1, 5'000);
        issuer.sell(cards[0], kBox, kHousehold, 2, 8'000);
        cards.push_back(issuer.issue(card::uid_of(std::array<Byte, 7>{0x04, 1, 2, 3, 4, 5, 6}), kBox, 3));
        issuer.sell(cards[1], kBox, 3, 1, 100);
        cards.push_back(issuer.issue(card::uid_of(std::array<Byte, 4>{0x51, 2, 3, 4}), kBox, kHousehold,
                                     card::CardKind::kInspection));
        cards.emplace_back(card::uid_of(std::array<Byte, 4>{0x61, 2, 3, 4}));
        cards.emplace_back(card::uid_of(std::array<Byte, 4>{0x08, 2, 3, 4}));  // a number that is drawn anew
    }
};

class Bench {
  public:
    explicit Bench(const World& world) : issuer_(world.issuer), cards_(world.cards) {
        for (sim::M1Card& card : cards_)
            before_.push_back(card.dump());
    }

    void run(ByteReader& input) {
        for (int budget = 200; budget > 0 && input.left() >= 2; --budget) {
            const std::uint8_t what = input.get_u8();
            step(what % 9, input.get_u8(), input);
        }
        // The hall is empty: whatever was said before, the next card finds a reader.
        field_.forget_plans();
        field_.clear();
        pass(reader::SharedReader::kShowTime + seconds(3));
        ask(dlt645::Function::kRead, id_of(dlt645::kReaderTap));
        FUZZ_CHECK(reader_.state() == reader::TapState::kAway);
        FUZZ_CHECK(reader_.shown(now_).signal == reader::Signal::kReady);
        look_at_cards();
    }

  private:
    static std::vector<Byte> id_of(dlt645::DataId id) {
        std::vector<Byte> data(4);
        ByteWriter(data).put_u32(id.value);
        return data;
    }

    void step(int what, std::uint8_t how, ByteReader& input) {
        sim::M1Card& card = cards_[how % cards_.size()];
        switch (what) {
            case 0:
                return pass(milliseconds(10) * how);
            case 1:  // whatever the wires carry
                for (const Byte byte : input.take(std::min<std::size_t>(how, input.left())))
                    hear(byte);
                return;
            case 2: {
                std::vector<Byte> data = id_of(dlt645::kReaderTap);
                if ((how & 1) != 0) {
                    data.resize(8);
                    ByteWriter(MutableBytes(data).subspan(4)).put_u32(reader_.tap() - (how >> 1));
                }
                return ask(dlt645::Function::kRead, data);
            }
            case 3:
                return tell(how, input);
            case 4:
                return field_.hold({&card});
            case 5:
                return field_.clear();
            case 6:  // before some exchange from now another one lies there, or two do
                return field_.at(how / 8,
                                 how % 2 == 0 ? sim::Field::Things{&card} : sim::Field::Things{&cards_[0], &cards_[1]});
            case 7:
                return field_.tear_at(
                    how / 16 % 4, {static_cast<std::uint8_t>(how % 17), sim::kTearRests[how % sim::kTearRests.size()]});
            case 8: {  // a sound frame with anything in it
                const Bytes data = input.take(std::min<std::size_t>(how, input.left()));
                constexpr dlt645::Function kFunctions[] = {dlt645::Function::kRead, dlt645::Function::kSecurity,
                                                           dlt645::Function::kReadAddress, dlt645::Function::kWrite,
                                                           dlt645::Function::kWriteAddress};
                const dlt645::Function function = kFunctions[how % std::size(kFunctions)];
                const bool is_long = function == dlt645::Function::kSecurity || function == dlt645::Function::kWrite;
                return ask(function, data.first(std::min(data.size(), is_long ? dlt645::kDataSizeMax : kQuestionMax)));
            }
            default:
                return;
        }
    }

    // What a master says that a box said: of this tap or another, with a RETURN that looks like one or with anything.
    void tell(std::uint8_t how, ByteReader& input) {
        dlt645::CardOutcome outcome;
        outcome.reader = kNumber;
        outcome.tap = reader_.tap() - ((how & 1) != 0 ? input.get_u8() : 0u);
        outcome.slot = how >> 1 & 1;
        outcome.code = (how & 4) != 0 ? input.get_u8() : dlt645::kCodeDone;
        outcome.household = kHousehold;
        outcome.has_return = (how & 8) != 0;
        if (outcome.has_return) {
            const Bytes bytes = input.take(std::min(input.left(), outcome.return_record.size()));
            std::copy(bytes.begin(), bytes.end(), outcome.return_record.begin());
            if ((how & 16) != 0) {
                card::ReturnRecord record;
                record.household = (how & 32) != 0 ? 3 : kHousehold;
                record.generation = 1u + (how >> 6);
                record.epoch = 1;
                record.ticket_number = 2;
                outcome.return_record =
                    card::seal(mac_, card::record_keys(mac_, issuer_.masters, kBox), cards_[0].uid(), record);
            }
        }
        std::vector<Byte> data = id_of(dlt645::kReaderOutcome);
        data.resize(4 + dlt645::kCardOutcomeSizeMax);
        data.resize(4 + dlt645::encode(outcome, MutableBytes(data).subspan(4)));
        ask(dlt645::Function::kSecurity, data);
    }

    void hear(Byte byte) {
        reader_.on_byte(byte, now_);
        FUZZ_CHECK(reader_.poll_line(now_).send.empty());
    }
    void ask(dlt645::Function function, Bytes data) {
        const dlt645::Address address = dlt645::address_of(kNumber);
        // Half a second of silence: no noise of before stands in front of it.
        pass(milliseconds(600));
        const auto frame = dlt645::encode(address, dlt645::request(function), data);
        for (const Byte byte : Bytes(frame.data(), frame.size()))
            hear(byte);
        now_ = now_ + reader::SharedReader::kTurnaround;
        const Bytes sent = reader_.poll_line(now_).send;
        if (function == dlt645::Function::kWriteAddress) {
            FUZZ_CHECK(sent.empty());
            return;
        }
        dlt645::Decoder decoder;
        std::optional<dlt645::Frame> reply;
        for (const Byte byte : sent)
            if (auto found = decoder.on_byte(byte, now_)) reply = found;
        FUZZ_CHECK(reply && reply->control.is_reply() && reply->control.function() == function);
        FUZZ_CHECK(reply->address == address);
        if (function != dlt645::Function::kRead || reply->control.is_error()) return;
        const auto tap = dlt645::decode_reader_tap(reply->bytes().subspan(4));
        FUZZ_CHECK(tap && (tap->state != dlt645::TapState::kWaiting || tap->tap == reader_.tap()));
    }
    void pass(Duration span) {
        const Instant end = now_ + span;
        while (now_ < end) {
            const auto count = [&] {
                std::uint64_t writes = 0;
                for (const sim::M1Card& card : cards_)
                    writes += card.writes();
                return writes;
            };
            const std::uint64_t writes = count();
            const bool writing = reader_.state() == reader::TapState::kWriting;
            const Instant wants = reader_.step_card(now_);
            FUZZ_CHECK(count() == writes || writing);
            const reader::Shown shown = reader_.shown(now_);
            FUZZ_CHECK(shown.signal != reader::Signal::kDone || shown.code == dlt645::kCodeDone);
            now_ = std::min(end, std::max(wants, now_ + milliseconds(10)));
            static_cast<void>(reader_.poll_line(now_));  // an answer to noise that happened to be a question
        }
    }
    void look_at_cards() {
        for (std::size_t k = 0; k < cards_.size(); ++k) {
            const sim::M1Card::Dump after = cards_[k].dump();
            for (std::uint8_t block = 0; block < card::kBlockCount; ++block) {
                const auto sector = static_cast<std::uint8_t>(block / 4);
                const bool may = issuer_.layout.is_return(sector) && block % 4 != 3;
                FUZZ_CHECK(may || after[block] == before_[k][block]);
            }
        }
    }

    card::OpensslMac mac_;
    const reader::Issuer& issuer_;
    std::vector<sim::M1Card> cards_;
    std::vector<sim::M1Card::Dump> before_;
    sim::Field field_;
    reader::SharedReader reader_{
        {kNumber, {}, issuer_.masters.sector_read, issuer_.masters.sector_return, 100}, mac_, field_};
    Instant now_ = Instant{} + seconds(1000);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const World world;
    ByteReader input({data, size});
    Bench(world).run(input);
    return 0;
}

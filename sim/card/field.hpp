// The field of a reader, with what is held into it: cards of ours (M1Card), and things of another kind. It is an
// M1Reader, so all that runs over a reader runs over this, at some tens of nanoseconds an exchange. Decides what a
// reader's chip hears when cards come, leave, are swapped, or are torn away while they write.
//
// What happens in the middle of a transaction is said before it: at(n) changes what is in the field in front of the
// n-th exchange from now, tear_at(n) tears the card away inside the n-th write from now. Nothing waits; `elapsed` adds
// up what the exchanges would have taken.
//
// Cards belong to who put them in and must outlive their stay. Copying a field copies what it knows, not the cards.
#pragma once
#include <variant>
#include <vector>

#include "base/units.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::sim {

// Held to a reader by people who have nothing better at hand.
enum class Foreign : std::uint8_t { kUltralight, kNtag, kDesfire, kBankCard, kPhone, kIdentityCard };

struct PlannedTear {
    std::uint64_t write = 0;  // 0: the next
    Tear tear;
};
// As text, for flags: W[:BYTES[:REST]] is the W-th write from now (1: the next), after so many bytes of the block
// (0..16; without: 0), the rest being old (without), zeros, ones, noise, weak or allweak. The error says what was
// expected.
[[nodiscard]] std::expected<PlannedTear, std::string> parse_tear(std::string_view text);

class Field final : public card::M1Reader {
  public:
    using Thing = std::variant<M1Card*, Foreign>;
    using Things = std::vector<Thing>;
    struct Options {
        Duration exchange;  // how long one takes
        // A reader on a desk wakes whatever card it finds before it authenticates, so a card that took the place of
        // another within an instant is written as if it were the same (AC19). false: a bare chip, where only select()
        // wakes.
        bool wakes_by_itself = false;
    };
    Field() : Field(Options{}) {}
    explicit Field(const Options& options) : options_(options) {}

    // Comes beside what is there.
    void put(M1Card& card);
    void put(Foreign thing);
    void clear();
    void hold(const Things& things);  // these and nothing else
    [[nodiscard]] const Things& things() const { return things_; }

    // In front of the n-th exchange from now (0: the next) the field holds `things` and nothing else.
    void at(std::uint64_t exchange, const Things& things);
    // In the n-th write from now (0: the next) that a card accepts, the card loses its power and is gone.
    void tear_at(std::uint64_t write, const Tear& tear);
    void forget_plans();  // at() and tear_at() that have not come yet

    // M1Reader. Beyond what it says there: a halted card answers nothing but select(), which is kNoCard here.
    std::expected<Uid, card::CardFault> select() override;
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) override;
    std::expected<Block, card::CardFault> read(std::uint8_t block) override;
    std::expected<void, card::CardFault> write(std::uint8_t block, const Block& data) override;
    // The number of the only card there, also of one that we would not use; nothing is woken, nothing ends. Errors:
    // kNoCard (none or several), kNotM1.
    std::expected<Uid, card::CardFault> number();
    // The value blocks, for those who try them.
    std::expected<void, card::CardFault> increment(std::uint8_t block, std::int32_t by);
    std::expected<void, card::CardFault> decrement(std::uint8_t block, std::int32_t by);
    std::expected<void, card::CardFault> copy_value(std::uint8_t from, std::uint8_t to);

    // Counted since the field is there; all calls of M1Reader, refused ones too.
    [[nodiscard]] std::uint64_t exchanges() const { return exchanges_; }
    [[nodiscard]] std::uint64_t writes() const { return writes_; }
    [[nodiscard]] Duration elapsed() const {
        return Duration{options_.exchange.count() * static_cast<std::int64_t>(exchanges_)};
    }

  private:
    struct Plan {
        std::uint64_t exchange;
        Things things;
    };
    void begin_exchange();
    [[nodiscard]] bool holds(const M1Card* card) const;
    std::expected<M1Card*, card::CardFault> selected();
    // The tear that is planned for the write that now comes.
    [[nodiscard]] std::optional<Tear> next_write();
    std::expected<void, card::CardFault> after_write(const std::expected<void, CardAnswer>& answer,
                                                     const std::optional<Tear>& tear);

    Options options_;
    Things things_;
    std::vector<Plan> plans_;
    std::vector<PlannedTear> tears_;
    M1Card* selected_ = nullptr;
    std::uint64_t exchanges_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace prewatt::sim

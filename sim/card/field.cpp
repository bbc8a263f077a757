#include "sim/card/field.hpp"

#include <algorithm>
#include <charconv>

namespace prewatt::sim {

using card::CardFault;

namespace {

CardFault heard(CardAnswer answer) {
    switch (answer) {
        case CardAnswer::kSilence:
            return CardFault::kNoCard;
        case CardAnswer::kWrongKey:
            return CardFault::kWrongKey;
        case CardAnswer::kNak:
            return CardFault::kRefused;
    }
    return CardFault::kReader;
}
std::expected<void, CardFault> heard(const std::expected<void, CardAnswer>& answer) {
    if (!answer) return std::unexpected(heard(answer.error()));
    return {};
}

// The plans whose turn has come leave the list; the last of them counts.
template <class Plans, class Position>
auto take_due(Plans& plans, Position position, std::uint64_t now) {
    std::optional<typename Plans::value_type> due;
    std::erase_if(plans, [&](const auto& plan) {
        if (plan.*position > now) return false;
        due = plan;
        return true;
    });
    return due;
}

// The piece up to the next colon, which leaves the text.
std::string_view take_piece(std::string_view& text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view piece = text.substr(0, colon);
    text.remove_prefix(std::min(colon + 1, text.size()));
    return piece;
}
std::optional<unsigned> number_in(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

}  // namespace

std::expected<PlannedTear, std::string> parse_tear(std::string_view text) {
    constexpr std::pair<std::string_view, Tear::Rest> kRests[] = {
        {"old", Tear::Rest::kOld},     {"zeros", Tear::Rest::kZeros}, {"ones", Tear::Rest::kOnes},
        {"noise", Tear::Rest::kNoise}, {"weak", Tear::Rest::kWeak},   {"allweak", Tear::Rest::kAllWeak}};
    const auto wrong = [&](const std::string& why) {
        return std::unexpected("'" + std::string(text) + "' is no tear: " + why);
    };
    if (std::count(text.begin(), text.end(), ':') > 2) return wrong("WRITE[:BYTES[:REST]], as 2:7:weak");
    std::string_view left = text;
    PlannedTear planned;
    const auto write = number_in(take_piece(left));
    if (!write || *write < 1) return wrong("which write from now, 1 being the next");
    planned.write = *write - 1;
    if (const std::string_view piece = take_piece(left); text.find(':') != std::string_view::npos) {
        const auto bytes = number_in(piece);
        if (!bytes || *bytes > kBlockBytes) return wrong("after 0 to 16 bytes");
        planned.tear.split = static_cast<std::uint8_t>(*bytes);
    }
    if (std::count(text.begin(), text.end(), ':') == 2) {
        const auto* rest =
            std::find_if(std::begin(kRests), std::end(kRests), [&](const auto& each) { return each.first == left; });
        if (rest == std::end(kRests)) return wrong("the rest is old, zeros, ones, noise, weak or allweak");
        planned.tear.rest = rest->second;
    }
    return planned;
}

void Field::put(M1Card& card) {
    Things with = things_;
    with.emplace_back(&card);
    hold(with);
}

void Field::put(Foreign thing) {
    things_.emplace_back(thing);
}

void Field::clear() {
    hold({});
}

void Field::hold(const Things& things) {
    const auto has = [](const Things& in, const M1Card* card) {
        return std::any_of(in.begin(), in.end(), [&](const Thing& each) {
            const auto* held = std::get_if<M1Card*>(&each);
            return held != nullptr && *held == card;
        });
    };
    // Without the field a card forgets what it was about to do.
    for (const Thing& old : things_)
        if (const auto* card = std::get_if<M1Card*>(&old); card != nullptr && !has(things, *card)) (*card)->power_up();
    for (const Thing& fresh : things)
        if (const auto* card = std::get_if<M1Card*>(&fresh); card != nullptr && !has(things_, *card))
            (*card)->power_up();
    things_ = things;
    if (!holds(selected_)) selected_ = nullptr;
}

void Field::at(std::uint64_t exchange, const Things& things) {
    plans_.push_back({exchanges_ + exchange, things});
}

void Field::tear_at(std::uint64_t write, const Tear& tear) {
    tears_.push_back({writes_ + write, tear});
}

void Field::forget_plans() {
    plans_.clear();
    tears_.clear();
}

void Field::begin_exchange() {
    if (!plans_.empty())
        if (const auto due = take_due(plans_, &Plan::exchange, exchanges_)) hold(due->things);
    ++exchanges_;
}

bool Field::holds(const M1Card* card) const {
    return card != nullptr && std::any_of(things_.begin(), things_.end(), [&](const Thing& each) {
               const auto* held = std::get_if<M1Card*>(&each);
               return held != nullptr && *held == card;
           });
}

std::expected<M1Card*, CardFault> Field::selected() {
    if (selected_ == nullptr) return std::unexpected(CardFault::kNoCard);
    return selected_;
}

std::expected<Uid, CardFault> Field::select() {
    begin_exchange();
    selected_ = nullptr;
    if (things_.empty()) return std::unexpected(CardFault::kNoCard);
    if (things_.size() > 1) return std::unexpected(CardFault::kSeveral);
    const auto* card = std::get_if<M1Card*>(&things_.front());
    if (card == nullptr) return std::unexpected(CardFault::kNotM1);
    const Uid uid = (*card)->select();
    if (card::fault_of(uid)) return std::unexpected(CardFault::kNotM1);
    selected_ = *card;
    return uid;
}

std::expected<Uid, CardFault> Field::number() {
    begin_exchange();
    if (things_.size() != 1) return std::unexpected(CardFault::kNoCard);
    const auto* card = std::get_if<M1Card*>(&things_.front());
    if (card == nullptr) return std::unexpected(CardFault::kNotM1);
    return (*card)->uid();
}

std::expected<void, CardFault> Field::authenticate(std::uint8_t block, KeyKind kind, const SectorKey& key) {
    begin_exchange();
    if (options_.wakes_by_itself && (selected_ == nullptr || !selected_->is_selected()) && things_.size() == 1)
        if (const auto* card = std::get_if<M1Card*>(&things_.front())) {
            selected_ = *card;
            selected_->select();
        }
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    return heard((*card)->authenticate(block, kind, key));
}

std::expected<Block, CardFault> Field::read(std::uint8_t block) {
    begin_exchange();
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    const auto read = (*card)->read(block);
    if (!read) return std::unexpected(heard(read.error()));
    return *read;
}

std::expected<void, CardFault> Field::write(std::uint8_t block, const Block& data) {
    begin_exchange();
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    const auto tear = next_write();
    return after_write((*card)->write(block, data, tear), tear);
}

std::expected<void, CardFault> Field::increment(std::uint8_t block, std::int32_t by) {
    begin_exchange();
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    if (const auto loaded = (*card)->increment(block, by); !loaded) return heard(loaded);
    const auto tear = next_write();
    return after_write((*card)->transfer(block, tear), tear);
}

std::expected<void, CardFault> Field::decrement(std::uint8_t block, std::int32_t by) {
    begin_exchange();
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    if (const auto loaded = (*card)->decrement(block, by); !loaded) return heard(loaded);
    const auto tear = next_write();
    return after_write((*card)->transfer(block, tear), tear);
}

std::expected<void, CardFault> Field::copy_value(std::uint8_t from, std::uint8_t to) {
    begin_exchange();
    const auto card = selected();
    if (!card) return std::unexpected(card.error());
    if (const auto loaded = (*card)->restore(from); !loaded) return heard(loaded);
    const auto tear = next_write();
    return after_write((*card)->transfer(to, tear), tear);
}

std::optional<Tear> Field::next_write() {
    for (const PlannedTear& plan : tears_)
        if (plan.write == writes_) return plan.tear;
    return {};
}

std::expected<void, CardFault> Field::after_write(const std::expected<void, CardAnswer>& answer,
                                                  const std::optional<Tear>& tear) {
    if (!answer) return heard(answer);
    ++writes_;
    if (!tear) return {};
    std::erase_if(tears_, [&](const PlannedTear& plan) { return plan.write < writes_; });
    Things left = things_;
    std::erase_if(left, [&](const Thing& each) {
        const auto* held = std::get_if<M1Card*>(&each);
        return held != nullptr && *held == selected_;
    });
    hold(left);
    return std::unexpected(CardFault::kNoCard);
}

}  // namespace prewatt::sim

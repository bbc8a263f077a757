#include "cli/card_slot.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>

#include "cli/card_sim.hpp"

namespace prewatt::cli {
namespace {

constexpr std::int64_t kLookEvery = 100'000;  // microseconds
constexpr std::int64_t kAway = 1'000'000;

}  // namespace

void CardSlot::service(sim::Field& field, std::int64_t host_now) {
    if (card_ && card_->writes() != kept_) {
        kept_ = card_->writes();
        known_ = card_->to_bytes();
        if (!keep_card(file_, known_))
            std::fprintf(stderr, "prewatt: --card: %s cannot be written; the card is as it was\n", file_.c_str());
    }
    if (host_now - looked_at_ < kLookEvery) return;
    looked_at_ = host_now;
    look(field);
}

void CardSlot::look(sim::Field& field) {
    std::ifstream in(file_, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (bytes == known_) return;
    field.clear();
    const bool was_there = card_.has_value();
    card_.reset();
    known_.clear();
    // It was at a desk meanwhile, or is another one: it has left for as long as the meter needs to notice.
    if (was_there) {
        looked_at_ += kAway;
        return;
    }
    known_ = bytes;
    if (bytes.empty()) return;
    auto card = sim::M1Card::from_bytes(bytes);
    if (!card) {
        std::fprintf(stderr, "prewatt: --card: %s: %s\n", file_.c_str(), card.error().c_str());
        return;
    }
    card_ = std::move(*card);
    kept_ = card_->writes();
    field.put(*card_);
}

}  // namespace prewatt::cli

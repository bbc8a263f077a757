#include "server/collect/setting_driver.hpp"

#include <algorithm>

#include "base/crc.hpp"
#include "settings/settings.hpp"

namespace prewatt::collect {
namespace {

using settings::SettingId;

constexpr int kRefusalsMax = 3;  // a commit that misses a part looks like an illegal value: the box may have restarted

constexpr std::string_view kValueText = "the meter refuses the value of this setting";
constexpr std::string_view kUnknownText = "the meter does not know this setting";
constexpr std::string_view kNoRoomText = "the meter could not store the setting; it is tried again";
constexpr std::string_view kNotShownText = "the meter took the setting and does not show it; it is tried again";
constexpr std::string_view kNoAnswerText = "the meter does not answer; the setting is tried again";

Bytes bytes_of(const server::SettingWish& wish) {
    return {wish.bytes.data(), wish.bytes.size()};
}

}  // namespace

void SettingDriver::desire(const server::BoxSettings& settings, Instant now) {
    std::vector<Wish> next;
    next.reserve(settings.wishes.size());
    bool news = false;
    bool same = settings.wishes.size() == wishes_.size();
    for (const server::SettingWish& wanted : settings.wishes) {
        if (wanted.number > kHouseholdsMax) continue;
        const auto old = std::find_if(wishes_.begin(), wishes_.end(), [&](const Wish& w) {
            return w.wish.number == wanted.number && w.wish.name == wanted.name &&
                   w.wish.household == wanted.household && w.wish.version.desired == wanted.version.desired;
        });
        if (old != wishes_.end()) {
            same = same && static_cast<std::size_t>(old - wishes_.begin()) == next.size();
            next.push_back(std::move(*old));
            next.back().wish = wanted;
            continue;
        }
        news = true;
        same = false;
        Wish wish;
        wish.wish = wanted;
        wish.was_proved = !wanted.version.open() && !wanted.given_up;
        if (wanted.given_up && !wanted.version.open()) wish.state = State::kGivenUp;
        if (wanted.name == server::kClockWish) wish.state = wanted.version.open() ? State::kToWrite : State::kProved;
        next.push_back(std::move(wish));
    }
    const bool first = wishes_.empty();
    wishes_ = std::move(next);
    if (!same) doing_ = Doing::kNothing;  // what is under way is asked for again
    for (const server::SettingProof& proof : settings.proofs)
        if (first && proof.number <= kHouseholdsMax) targets_[proof.number].proved = proof.sum;
    if (wishes_.empty()) {
        sums_at_ = kNever;
    } else if (news) {
        for (Wish& wish : wishes_) {
            if (wish.wish.version.open() && wish.state != State::kProved) target_of(wish).proved.reset();
            if (wish.state == State::kToRead) target_of(wish).seen.reset();
        }
        sums_at_ = std::min(sums_at_, now);
        sums_tries_ = 0;
    }
}

void SettingDriver::compare_soon(Instant now, bool other_box) {
    if (other_box) {
        targets_ = {};
        doing_ = Doing::kNothing;
        for (Wish& wish : wishes_)
            if (wish.wish.name != server::kClockWish) {
                wish.state = State::kToRead;
                wish.was_proved = false;
                wish.retry_at = now;
                wish.tries = 0;
            }
    }
    if (!wishes_.empty()) sums_at_ = std::min(sums_at_, now);
}

std::optional<SettingDriver::Step> SettingDriver::next(Instant now, CivilSeconds civil) {
    if (doing_ == Doing::kStage || doing_ == Doing::kCommit) return send_part();
    doing_ = Doing::kNothing;
    const auto choose = [&](State state, bool fresh_only) {
        for (std::size_t k = 0; k < wishes_.size(); ++k) {
            const Wish& wish = wishes_[k];
            if (wish.state != state || wish.retry_at > now) continue;
            if (fresh_only && !target_of(wish).seen) continue;
            active_ = k;
            return true;
        }
        return false;
    };
    if (choose(State::kToRead, true)) {
        doing_ = Doing::kItem;
        return ReadItem{wishes_[active_].wish.number, wishes_[active_].wish.name};
    }
    if (choose(State::kToWrite, false)) {
        if (wishes_[active_].wish.name == server::kClockWish) {
            doing_ = Doing::kClock;
            return Send{0, card::SetClock{civil}};
        }
        doing_ = Doing::kStage;
        offset_ = 0;
        return send_part();
    }
    if (now >= sums_at_) {
        doing_ = Doing::kSums;
        return ReadSums{};
    }
    return std::nullopt;
}

SettingDriver::Step SettingDriver::send_part() {
    const server::SettingWish& wish = wishes_[active_].wish;
    const auto id = static_cast<SettingId>(wish.name.id);
    if (doing_ == Doing::kCommit)
        return Send{wish.number, card::CommitSetting{id, wish.name.index, static_cast<std::uint8_t>(wish.bytes.size()),
                                                     crc32(bytes_of(wish))}};
    card::StageSetting stage;
    stage.setting = id;
    stage.index = wish.name.index;
    stage.offset = static_cast<std::uint8_t>(offset_);
    for (std::size_t k = offset_; k < std::min(wish.bytes.size(), offset_ + card::kSettingPartMax); ++k)
        stage.part.push_back(wish.bytes[k]);
    return Send{wish.number, stage};
}

Instant SettingDriver::due() const {
    if (doing_ == Doing::kStage || doing_ == Doing::kCommit) return Instant{};
    Instant due = sums_at_;
    for (const Wish& wish : wishes_) {
        const bool open = wish.state == State::kToWrite ||
                          (wish.state == State::kToRead && targets_[wish.wish.number].seen.has_value());
        if (open) due = std::min(due, wish.retry_at);
    }
    return due;
}

bool SettingDriver::is_settled() const {
    return std::all_of(wishes_.begin(), wishes_.end(),
                       [](const Wish& w) { return w.state == State::kProved || w.state == State::kGivenUp; });
}

void SettingDriver::on_sums(const dlt645::SettingSums& sums, Instant now) {
    doing_ = Doing::kNothing;
    compared_at_ = now;
    sums_at_ = now + timing_.sums_interval;
    sums_tries_ = 0;
    for (std::size_t number = 0; number < targets_.size(); ++number) {
        if (number > sums.household_count) {
            targets_[number].seen.reset();
            continue;
        }
        targets_[number].seen = number == 0 ? sums.box : sums.households[number - 1];
    }
    for (Wish& wish : wishes_) {
        const Target& target = target_of(wish);
        if (wish.wish.name == server::kClockWish || wish.state == State::kGivenUp || wish.state == State::kToWrite)
            continue;
        if (!target.seen) {
            refuse(wish, kUnknownText, true, now);  // the box has no such household
        } else if (target.proved == target.seen && wish.was_proved) {
            wish.state = State::kProved;
        } else {
            wish.state = State::kToRead;
        }
    }
}

bool SettingDriver::is_shown(const Wish& wish, Bytes value) const {
    if (equal(value, bytes_of(wish.wish))) return true;
    if (static_cast<SettingId>(wish.wish.name.id) != SettingId::kPriceSet || wish.wish.name.index % 2 != 0)
        return false;
    // The pending set of the same plan has come into force and stands in the place of the present one.
    return std::any_of(wishes_.begin(), wishes_.end(), [&](const Wish& pending) {
        return pending.wish.number == wish.wish.number && pending.wish.name.id == wish.wish.name.id &&
               pending.wish.name.index == wish.wish.name.index + 1 && equal(value, bytes_of(pending.wish));
    });
}

void SettingDriver::on_item(Bytes value, Instant now) {
    if (doing_ != Doing::kItem) return;
    doing_ = Doing::kNothing;
    Wish& wish = wishes_[active_];
    if (is_shown(wish, value)) {
        const bool news = !wish.was_proved || wish.wish.version.open();
        wish.state = State::kProved;
        wish.was_proved = true;
        wish.tries = 0;
        wish.problem = {};
        if (news) tell(wish, SettingNews::Kind::kProved);
        prove_sum(wish.wish.number);
        return;
    }
    if (wish.was_proved) {
        tell(wish, SettingNews::Kind::kDrifted);
        news_.back().found.assign(value.begin(), value.end());
        wish.was_proved = false;
    }
    wish.state = State::kToWrite;
    if (wish.tries > 0) refuse(wish, kNotShownText, false, now);
}

// When all of it is proved, so is its check sum, which was read before.
void SettingDriver::prove_sum(std::uint8_t number) {
    Target& target = targets_[number];
    const bool all = std::all_of(wishes_.begin(), wishes_.end(), [number](const Wish& w) {
        return w.wish.number != number || w.wish.name == server::kClockWish || w.state == State::kProved ||
               w.state == State::kGivenUp;
    });
    if (!all || !target.seen || target.proved == target.seen) return;
    target.proved = target.seen;
    SettingNews& news = news_.emplace_back();
    news.kind = SettingNews::Kind::kSum;
    news.household = number;
    news.sum = *target.proved;
}

void SettingDriver::on_result(card::Result result, Instant now) {
    const Doing done = doing_;
    if (done != Doing::kStage && done != Doing::kCommit && done != Doing::kClock) return;
    Wish& wish = wishes_[active_];
    if (result == card::Result::kDone) {
        if (done == Doing::kClock) {
            doing_ = Doing::kNothing;
            wish.state = State::kProved;
            wish.was_proved = true;
            tell(wish, SettingNews::Kind::kProved);
        } else if (done == Doing::kStage) {
            offset_ += card::kSettingPartMax;
            if (offset_ >= wish.wish.bytes.size()) doing_ = Doing::kCommit;
        } else {
            doing_ = Doing::kNothing;
            ++wish.tries;
            wish.state = State::kToRead;
            wish.retry_at = now;
            target_of(wish).seen.reset();
            sums_at_ = std::min(sums_at_, now);
        }
        return;
    }
    doing_ = Doing::kNothing;
    switch (result) {
        case card::Result::kNotStored:
            return refuse(wish, kNoRoomText, false, now);
        case card::Result::kNotSupported:
        case card::Result::kNoHousehold:
            return refuse(wish, kUnknownText, true, now);
        default:
            return refuse(wish, kValueText, done == Doing::kStage || wish.tries + 1 >= kRefusalsMax, now);
    }
}

void SettingDriver::on_no_answer(Instant now) {
    const Doing lost = doing_;
    doing_ = Doing::kNothing;
    if (lost == Doing::kNothing) return;
    if (lost == Doing::kSums) {
        sums_at_ = now + std::min(timing_.retry_max, timing_.retry_min * (1 << std::min(sums_tries_++, 10)));
        return;
    }
    Wish& wish = wishes_[active_];
    if (lost == Doing::kCommit) {  // perhaps it is done: look first
        wish.state = State::kToRead;
        target_of(wish).seen.reset();
        sums_at_ = std::min(sums_at_, now + timing_.retry_min);
    }
    refuse(wish, kNoAnswerText, false, now);
}

void SettingDriver::on_read_refused(Instant now) {
    const Doing lost = doing_;
    doing_ = Doing::kNothing;
    if (lost == Doing::kItem) return refuse(wishes_[active_], kUnknownText, true, now);
    if (lost != Doing::kSums) return;
    // Firmware that knows no sums has no settings.
    sums_at_ = now + timing_.sums_interval;
    for (Wish& wish : wishes_)
        if (wish.wish.name != server::kClockWish && wish.state != State::kGivenUp)
            refuse(wish, kUnknownText, true, now);
}

void SettingDriver::retry(Wish& wish, Instant now) {
    wish.retry_at = now + std::min(timing_.retry_max, timing_.retry_min * (1 << std::min(wish.tries, 10)));
    ++wish.tries;
}

void SettingDriver::refuse(Wish& wish, std::string_view problem, bool for_good, Instant now) {
    if (for_good)
        wish.state = State::kGivenUp;
    else
        retry(wish, now);
    if (!for_good && wish.problem == problem) return;
    wish.problem = problem;
    tell(wish, SettingNews::Kind::kRefused);
    news_.back().problem = problem;
    news_.back().for_good = for_good;
}

void SettingDriver::tell(const Wish& wish, SettingNews::Kind kind) {
    SettingNews& news = news_.emplace_back();
    news.kind = kind;
    news.household = wish.wish.number;
    news.owner = wish.wish.household;
    news.name = wish.wish.name;
    news.version = wish.wish.version.desired;
}

std::optional<SettingNews> SettingDriver::take_news() {
    if (news_.empty()) return std::nullopt;
    SettingNews news = std::move(news_.front());
    news_.pop_front();
    return news;
}

}  // namespace prewatt::collect

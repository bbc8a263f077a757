#include "sim/serial_line.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace prewatt::sim {
namespace {
constexpr std::int64_t kBitsPerCharacter = 11;
constexpr std::int64_t kFrameSilence = 1;  // characters
constexpr SerialLine::Id kNobody = static_cast<SerialLine::Id>(-1);
}  // namespace

SerialLine::SerialLine(std::uint32_t baud, const LineFaults& faults, std::uint64_t seed)
    : baud_(baud), frame_silence_(character_time(kFrameSilence)), random_(seed * 0x9E3779B97F4A7C15u + 1) {
    set_faults(faults);
}

void SerialLine::set_faults(const LineFaults& faults) {
    faults_ = faults;
    draw_next_bit_error();
    draw_next_loss();
    draw_next_idle_noise(now_);
}

Duration SerialLine::character_time(std::int64_t characters) const {
    return microseconds(divide(characters * kBitsPerCharacter * 1'000'000, baud_, Round::kNearest));
}

// SplitMix64, so that a run is the same on every platform.
double SerialLine::uniform() {
    std::uint64_t z = random_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

void SerialLine::draw_next_bit_error() {
    const double p = faults_.bit_errors_per_million * 1e-6;
    bits_to_error_ = p <= 0 ? -1 : p >= 1 ? 0 : std::floor(std::log(1 - uniform()) / std::log(1 - p));
}
void SerialLine::draw_next_loss() {
    const double p = faults_.lost_characters_per_million * 1e-6;
    characters_to_loss_ = p <= 0 ? -1 : p >= 1 ? 0 : std::floor(std::log(1 - uniform()) / std::log(1 - p));
}
void SerialLine::draw_next_idle_noise(Instant from) {
    const double rate = faults_.idle_characters_per_minute / 60e6;
    next_idle_noise_ =
        rate <= 0 ? kNever : from + microseconds(1 + static_cast<std::int64_t>(-std::log(1 - uniform()) / rate));
}

SerialLine::Id SerialLine::attach(Station& station, Instant first_wake_up) {
    const Id id = seats_.size();
    seats_.push_back({});
    seats_.back().station = &station;
    listening_.push_back(id);
    set_wake_up(id, first_wake_up);
    return id;
}

void SerialLine::set_connected(Id id, bool connected) {
    seats_[id].connected = connected;
    if (connected && !seats_[id].listening) {
        seats_[id].listening = true;
        listening_.push_back(id);
    }
}

// Put off, it stays where it is in the queue until it comes up: each character puts off the end of a pause.
void SerialLine::set_wake_up(Id id, Instant at) {
    Seat& seat = seats_[id];
    seat.wake_up = at;
    if (at >= seat.queued) return;
    seat.queued = at;
    wakes_.push({at, id});
}

void SerialLine::wake(Id id, Instant at) {
    if (at < seats_[id].wake_up) set_wake_up(id, at);
}

void SerialLine::send(Id from, Bytes bytes, Instant at) {
    assert(at >= now_);
    Talk& talk = seats_[from].talk;
    if (bytes.empty()) return;
    if (talk.speaking()) {
        talk.bytes.insert(talk.bytes.end(), bytes.begin(), bytes.end());
    } else {
        const bool silent =
            std::none_of(talkers_.begin(), talkers_.end(), [this](Id id) { return seats_[id].talk.speaking(); });
        if (silent && at - quiet_since_ >= frame_silence_ && listening_.size() < seats_.size()) {
            listening_.clear();
            for (Id id = 0; id < seats_.size(); ++id) {
                seats_[id].listening = true;
                listening_.push_back(id);
            }
        }
        talk.bytes.assign(bytes.begin(), bytes.end());
        talk.next = 0;
        talk.start = talk.next_start = at;
        talk.next_end = at + character_time(1);
        if (std::find(talkers_.begin(), talkers_.end(), from) == talkers_.end()) talkers_.push_back(from);
    }
    talk.held_until = talk.start + character_time(static_cast<std::int64_t>(talk.bytes.size())) + faults_.driver_hold;
}

bool SerialLine::collides(Id talker, Instant start, Instant end) const {
    return std::any_of(talkers_.begin(), talkers_.end(), [&](Id other) {
        const Seat& seat = seats_[other];
        return other != talker && seat.connected && seat.talk.start < end && seat.talk.held_until > start;
    });
}

void SerialLine::damage(Character& character) {
    // Bits on the line in their order: start, 8 data, parity, stop.
    int flips = 0;
    bool frame_broken = false;
    while (bits_to_error_ >= 0 && bits_to_error_ < static_cast<double>(kBitsPerCharacter)) {
        const int bit = static_cast<int>(bits_to_error_);
        if (bit >= 1 && bit <= 8) character.value = static_cast<Byte>(character.value ^ (1u << (bit - 1)));
        if (bit == 0 || bit == 10)
            frame_broken = true;
        else
            ++flips;
        const double here = bits_to_error_;
        draw_next_bit_error();
        if (bits_to_error_ >= 0) bits_to_error_ += here + 1;
    }
    if (bits_to_error_ >= 0) bits_to_error_ -= static_cast<double>(kBitsPerCharacter);
    if (flips > 0 || frame_broken) {
        ++counts_.damaged;
        character.bad_parity = frame_broken || flips % 2 == 1;
    }
}

void SerialLine::deliver(const Character& character, Id talker) {
    std::size_t kept = 0;
    for (std::size_t k = 0; k < listening_.size(); ++k) {
        const Id id = listening_[k];
        bool keep = true;
        if (id != talker && seats_[id].connected && !seats_[id].talk.speaking()) {
            const Station::Heard heard = seats_[id].station->on_character(character);
            set_wake_up(id, heard.wake_up);
            keep = !heard.skip_frame;
            seats_[id].listening = keep;
        }
        if (keep) listening_[kept++] = id;
    }
    listening_.resize(kept);
}

void SerialLine::finish_character(Id talker) {
    Talk& talk = seats_[talker].talk;
    const Instant start = talk.next_start;
    Character character{talk.bytes[talk.next], talk.next_end, false};
    const bool collided = collides(talker, start, character.at);
    ++talk.next;
    talk.next_start = talk.next_end;
    talk.next_end = talk.start + character_time(static_cast<std::int64_t>(talk.next) + 1);
    quiet_since_ = character.at;
    if (!seats_[talker].connected) return;
    ++counts_.characters;
    counts_.busy += character.at - start;
    damage(character);
    if (collided) {
        ++counts_.collided;
        character.value = static_cast<Byte>(uniform() * 256);
        character.bad_parity = uniform() < 0.5;
    }
    const bool is_lost = characters_to_loss_ >= 0 && characters_to_loss_ < 1;
    if (characters_to_loss_ >= 0) --characters_to_loss_;
    if (is_lost) {
        draw_next_loss();
        ++counts_.lost;
        return;
    }
    deliver(character, talker);
}

std::pair<SerialLine::Id, Instant> SerialLine::next_character() const {
    Id talker = kNobody;
    Instant first = kNever;
    for (Id id : talkers_) {
        const Talk& talk = seats_[id].talk;
        if (!talk.speaking()) continue;
        if (talk.next_end < first) {
            first = talk.next_end;
            talker = id;
        }
    }
    return {talker, first};
}

Instant SerialLine::next_wake() {
    while (!wakes_.empty()) {
        const auto [at, id] = wakes_.top();
        Seat& seat = seats_[id];
        if (seat.queued == at && seat.wake_up == at) return at;
        wakes_.pop();
        if (seat.queued != at) continue;
        seat.queued = kNever;
        set_wake_up(id, seat.wake_up);
    }
    return kNever;
}

Instant SerialLine::next() {
    return std::min({next_character().second, next_wake(), next_idle_noise_});
}

void SerialLine::run_until(Instant end) {
    for (;;) {
        const auto [talker, first] = next_character();
        const Instant woken = next_wake();
        const Instant next = std::min({first, woken, next_idle_noise_});
        if (next > end || next == kNever) break;
        now_ = next;
        if (first == next) {
            finish_character(talker);
        } else if (next_idle_noise_ == next) {
            draw_next_idle_noise(next);
            if (talker == kNobody) {
                ++counts_.idle_noise;
                quiet_since_ = next;
                deliver({static_cast<Byte>(uniform() * 256), next, uniform() < 0.5}, kNobody);
            }
        } else {
            const Id id = wakes_.top().id;
            wakes_.pop();
            seats_[id].wake_up = seats_[id].queued = kNever;
            set_wake_up(id, seats_[id].station->on_time(next));
        }
        if (talkers_.size() > 1 || (talkers_.size() == 1 && !seats_[talkers_[0]].talk.speaking()))
            std::erase_if(talkers_, [this](Id id) {
                const Talk& talk = seats_[id].talk;
                return !talk.speaking() && now_ - talk.held_until > frame_silence_;
            });
    }
    now_ = std::max(now_, end);
}

}  // namespace prewatt::sim

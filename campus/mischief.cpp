#include "campus/mischief.hpp"

namespace prewatt::campus {

Mischief::Mischief(sim::SerialLine& line, std::uint64_t seed) : line_(line), random_(seed, {0x6D697363}) {
    id_ = line.attach(*this);
}

sim::Station::Heard Mischief::on_character(const sim::Character& character) {
    if (const auto frame = decoder_.on_byte(character.value, character.at, character.bad_parity)) {
        // Sealed commands and their answers are what is worth keeping; of the rest a few.
        const bool sealed = frame->control.function() == dlt645::Function::kSecurity;
        if (sealed || random_.chance(0.05)) {
            if (heard_.size() < kKept)
                heard_.push_back(*frame);
            else
                heard_[next_ % kKept] = *frame;
            ++next_;
        }
    }
    return {kNever, false};
}

void Mischief::replay() {
    if (heard_.empty()) return;
    const dlt645::Frame& frame = heard_[random_.below(heard_.size())];
    const auto bytes = dlt645::encode(frame.address, frame.control, frame.bytes(), dlt645::kPreambleSize);
    line_.send(id_, {bytes.data(), bytes.size()}, line_.now());
    ++replays_;
}

}  // namespace prewatt::campus

// The box behind a desk of the tests: the real meter code with a reader of its own, whose clock goes with the office's.
#pragma once
#include "sim/virtual_meter.hpp"
#include "tests/desk/office_at_desk.hpp"

namespace prewatt {

// A box in a corridor with a reader of its own; its clock goes with the office's.
class CorridorBox {
  public:
    CorridorBox(OfficeAtDesk& at, std::uint64_t number, bool card_clears = false)
        : at_(at), meter_(make(at, number, card_clears)) {
        static_cast<void>(meter_->start(now_));
        run(seconds(5));
    }
    // Held there as long as the whole swipe takes, then taken away.
    void swipe(sim::M1Card& card) {
        meter_->card_field().put(card);
        run(seconds(5));
        meter_->card_field().clear();
        run(seconds(3));
    }
    meter::HouseholdView view(std::uint8_t household) { return meter_->node().household({household}); }

    const meter::Node& node() const { return meter_->node(); }
    void run(Duration span) {
        const Instant end = now_ + span;
        while (now_ < end) {
            now_ = std::min(end, std::max(meter_->next(), now_ + milliseconds(1)));
            meter_->run_until(now_);
        }
        at_.now_ms += span.count() / 1000;
    }

  private:
    std::unique_ptr<sim::VirtualMeter> make(OfficeAtDesk& at, std::uint64_t number, bool card_clears) {
        constexpr std::int64_t kCivilBegin_s = 946'684'800;
        sim::VirtualMeterOptions options;
        options.node.box = {number};
        options.node.card_keys = card::meter_card_keys(at.mac, at.masters, number);
        options.node.card_clears = card_clears;
        options.level = sim::Level::kCycle;
        options.civil =
            static_cast<CivilSeconds>((at.now_ms + server::kOfficeOffset.count() / 1000) / 1000 - kCivilBegin_s);
        options.card_reader = true;
        sim::BuildingOptions homes;
        homes.box = number;
        homes.converter = sim::nominal_converter(60);
        return std::make_unique<sim::VirtualMeter>(options, storage_, std::make_unique<sim::HomesTerminals>(homes),
                                                   [](Bytes, Instant) {});
    }
    OfficeAtDesk& at_;
    Instant now_{};
    sim::MemoryStorage storage_;
    std::unique_ptr<sim::VirtualMeter> meter_;
};

}  // namespace prewatt

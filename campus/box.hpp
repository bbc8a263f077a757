// One box of the campus with the rooms behind it: the real node with both of its processors and its real storage
// format, fed at cycle level from what the residents have switched on, on the simulated copper.
//
// What goes through the contacts is counted here, beside the meter and independent of it (Truth). A window covers
// `window`; what is on during it is what the home's plan says at its end, through the contact as it stands then.
//
// The fault model.
//   supply lost, warned       on_power_fail comes, then the node is gone; contacts and clock stay as they are.
//   supply lost, unwarned     the node is gone between two calls.
//   supply lost in a write    the memory is cut at one of the next bytes that are written: what came before is there,
//   the
//                             byte under the pen is damaged, the rest is old; then the node is gone.
//   processor reset, hanging  either of the two, as meter/node/node.hpp says.
//   line cut                  the pair to the box is torn: it hears nothing and is not heard, its rooms live on.
//   memory lost               as from the factory under the old number and keys: accounts, settings, registers and the
//                             contacts' positions are gone (a board was changed, or a tool has reset it).
//   clock jumps               the battery-backed clock shows another time, or has stopped.
//   late answers              the converter holds an answer back by up to a second, into somebody else's exchange.
// A wrong way round wire counts the same energy in the other direction.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "campus/defect.hpp"
#include "meter/node/node.hpp"
#include "sim/card/field.hpp"
#include "sim/frame_filter.hpp"
#include "sim/home.hpp"
#include "sim/random.hpp"
#include "sim/serial_line.hpp"
#include "sim/virtual_board.hpp"

namespace prewatt::campus {

// The box's memory, which can be cut in the middle of a write.
class CutMemory final : public meter::Storage {
  public:
    [[nodiscard]] std::uint32_t size() const override { return memory_.size(); }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override {
        return !cut_ && memory_.read(address, out);
    }
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override;
    // After so many further bytes.
    void cut_after(std::int64_t bytes) { until_cut_ = bytes; }
    [[nodiscard]] bool is_cut() const { return cut_; }
    [[nodiscard]] bool is_armed() const { return until_cut_ >= 0; }
    void power_up() {
        cut_ = false;
        until_cut_ = -1;
    }
    // Planted: the newest writes never arrive.
    void lose_writes(bool lose) { loses_ = lose; }

  private:
    sim::MemoryStorage memory_;
    std::int64_t until_cut_ = -1;
    bool cut_ = false;
    bool loses_ = false;
};

// Relays of the board; a planted defect may stand between.
class CampusRelays final : public meter::RelayBank {
  public:
    explicit CampusRelays(bool refresh_closes) : refresh_closes_(refresh_closes) {}
    void begin_pulse(Circuit circuit, meter::RelayDrive drive) override;
    void end_pulse(Circuit circuit) override { relays_.end_pulse(circuit); }
    [[nodiscard]] bool closed(Circuit circuit) const { return relays_.closed(circuit); }
    [[nodiscard]] const sim::Relays& relays() const { return relays_; }

  private:
    sim::Relays relays_;
    bool refresh_closes_;
};

class CampusBox final : public sim::Station {
  public:
    struct Options {
        std::uint64_t number = 0;
        card::BoxKeys keys;
        std::optional<card::MeterCardKeys> card_keys = {};  // none: no reader is fitted
        int homes = kHouseholdsMax;
        std::uint64_t seed = 1;
        Duration window = seconds(60);
        CivilSeconds start = 0;  // civil time at Instant{}
        Defect defect = Defect::kNone;
    };
    enum class SupplyLoss : std::uint8_t { kWarned, kUnwarned, kInWrite };

    CampusBox(sim::SerialLine& line, card::Mac& mac, const Options& options);
    ~CampusBox();

    Heard on_character(const sim::Character& character) override;
    Instant on_time(Instant now) override;

    void lose_supply(SupplyLoss how);
    void restore_supply();
    void reset(meter::Processor which);
    void hang(meter::Processor which);
    void jump_clock(std::int64_t seconds);  // 0: it stops
    void set_late_answers(double share) { late_share_ = share; }
    void set_wire_reversed(Household household, bool reversed) { reversed_[at(household)] = reversed; }
    // A box as it leaves the factory takes its place, with the same number and keys: memory, contacts and registers are
    // new. The homes behind it stay.
    void replace();
    void cut_line(bool cut);
    // The wires of a room are taken from one box and put to another.
    [[nodiscard]] std::unique_ptr<sim::Home> take_home(Household household);
    void put_home(Household household, std::unique_ptr<sim::Home> home);

    // What is held to its reader. Cards must outlive their stay.
    [[nodiscard]] sim::Field& field() { return field_; }
    [[nodiscard]] std::uint64_t number() const { return options_.number; }
    // It will lose its supply at one of the next writes.
    [[nodiscard]] bool is_armed() const { return memory_->is_armed(); }
    [[nodiscard]] bool powered() const { return node_ != nullptr; }
    [[nodiscard]] bool line_is_cut() const { return line_cut_; }
    [[nodiscard]] Instant powered_since() const { return powered_since_; }
    [[nodiscard]] const meter::Node& node() const { return *node_; }
    [[nodiscard]] bool contact_closed(Household household) const {
        return relays_->closed({static_cast<std::uint8_t>(household.index())});
    }
    // What went through the contacts of this box since it came into the house.
    [[nodiscard]] Energy truth_forward(Household household) const { return forward_[at(household)]; }
    [[nodiscard]] Energy truth_reverse(Household household) const { return reverse_[at(household)]; }
    [[nodiscard]] ActivePower drawn(Household household) const { return power_[at(household)]; }
    // Epoch and number of the newest ticket that the meter has, or had when its supply went.
    [[nodiscard]] std::pair<std::uint16_t, std::uint32_t> newest_ticket(Household household) const;
    [[nodiscard]] Energy largest_window() const { return largest_window_; }
    [[nodiscard]] int losses() const { return losses_; }  // of the supply without a save, and resets
    [[nodiscard]] sim::SerialLine::Id id() const { return id_; }
    [[nodiscard]] std::uint64_t windows() const { return windows_; }

  private:
    static constexpr std::size_t at(Household household) { return static_cast<std::size_t>(household.index()); }
    void start_node(Instant now);
    void feed(Instant now);
    void after(Instant now);
    void drop_node();

    sim::SerialLine& line_;
    card::Mac& mac_;
    Options options_;
    sim::Random random_;
    Instant now_{};
    std::unique_ptr<CutMemory> memory_;
    std::unique_ptr<CampusRelays> relays_;
    sim::LedDisplay display_;
    sim::VirtualRealTimeClock clock_;
    sim::CountingWatchdog watchdog_;
    sim::Field field_;
    sim::CallingBus bus_;
    sim::FrameFilter filter_;
    std::unique_ptr<meter::Node> node_;
    sim::SerialLine::Id id_ = 0;
    Instant feed_at_{};
    Instant node_wants_ = kNever;
    Instant powered_since_{};
    meter::Measurement measurement_;
    std::array<std::unique_ptr<sim::Home>, kHouseholdsMax> homes_{};
    std::array<ActivePower, kHouseholdsMax> wanted_{};  // by what is switched on
    std::array<ActivePower, kHouseholdsMax> power_{};   // through the contact
    std::array<Energy, kHouseholdsMax> forward_{};
    std::array<Energy, kHouseholdsMax> reverse_{};
    std::array<bool, kHouseholdsMax> reversed_{};
    std::array<std::uint8_t, kHouseholdsMax> used_{};
    int used_count_ = 0;
    Energy largest_window_;
    std::array<std::pair<std::uint16_t, std::uint32_t>, kHouseholdsMax> last_tickets_{};  // while there is no supply
    int losses_ = 0;
    double late_share_ = 0;
    bool line_cut_ = false;
    std::uint64_t windows_ = 0;
};

}  // namespace prewatt::campus

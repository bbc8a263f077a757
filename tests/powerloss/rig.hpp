// A box on a memory that loses power: runs one step after another, cuts it where it is told, starts it again and says
// what is wrong.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "card/seal.hpp"
#include "meter/core/fake_storage.hpp"
#include "meter/node/box.hpp"
#include "meter/node/fake_card_desk.hpp"
#include "sim/card/m1_card.hpp"

namespace prewatt::powerloss {

// Energy flows for so many windows of 200 ms, the same in each household from `from` to `to`.
struct Flow {
    int from = 1;
    int to = 1;
    int windows = 1;
    Energy forward;
    Energy reverse;
};
// Circuit 1 of a household draws far above its limit for an instant; or a heater is switched on.
struct Overload {
    int household = 1;
};
struct Heater {
    int household = 1;
};
// A setting as the office sends it: its parts, then the commit, each under a counter of its own.
struct SetSetting {
    std::uint32_t counter = 0;  // of the first part
    settings::SettingKey key;
    std::vector<Byte> bytes;
    [[nodiscard]] std::uint32_t commands() const {
        return static_cast<std::uint32_t>((bytes.size() + card::kSettingPartMax - 1) / card::kSettingPartMax + 1);
    }
};
// The household's card lies on the box's own reader until it is left alone; the desk has written `ticket` onto it, as
// `generation` of CREDIT.
struct Swipe {
    std::uint8_t household = 1;
    card::Ticket ticket;
    std::uint32_t generation = 1;
    bool may_release_lockout = false;
};
// A restore card: lock-outs and the cut-off alarm of a household, or of all (0), are forgotten.
struct Restore {
    std::uint8_t household = 0;
    std::uint32_t sequence = 1;
};
struct Fail {};     // the supply announces that it goes, then goes
struct Restart {};  // it goes without a word, between two writes
using Step = std::variant<card::Request, SetSetting, Flow, Overload, Heater, Swipe, Restore, Fail, Restart>;

[[nodiscard]] std::string to_text(const Step& step);

class QuietRelays final : public meter::RelayBank {
  public:
    void begin_pulse(Circuit, meter::RelayDrive) override {}
    void end_pulse(Circuit) override {}
};
class StandingClock final : public meter::RealTimeClock {
  public:
    [[nodiscard]] std::optional<CivilSeconds> read() override { return 800'000'000; }
    void set(CivilSeconds) override {}
};

// What happens while a card lies there, beside what happens to the memory. Counted from the beginning of the step.
struct CardTrouble {
    std::optional<std::uint64_t> box_dies_at;  // in front of this exchange with the card, or of the next thing after it
    std::optional<std::uint64_t> torn_at;      // away in this write
    sim::Tear tear;
    bool both = false;  // torn, and the box is dead as well: the fuse of the room and a frightened hand
    // Controls: what must be found (powerloss `...Finds`).
    bool reader_lies = false;  // it says that a write stands on the card that never arrived there
};

// The cards of the place, by household; 0: the technician's.
using Cards = std::map<int, sim::M1Card>;

class Rig {
  public:
    // With cards: a box with a reader and keys, which sets aside room for what it must know of cards.
    Rig(meter::Wiring wiring, std::uint32_t storage_bytes, std::optional<Cards> cards = {});
    explicit Rig(meter::Wiring wiring, const std::vector<Byte>& image, std::optional<Cards> cards = {});

    // False: the box stays dead.
    bool start();
    // True: answered "done" (a command), or carried through. Stops as soon as the memory is cut.
    bool run(const Step& step);
    // The managing processor alone starts anew; the metering side has counted on. One more window brings its totals.
    bool restart_management();
    // Of the last flow: how many the metering side has counted, seen or not.
    [[nodiscard]] int windows() const { return windows_; }
    [[nodiscard]] const meter::Books& books() const { return box_->books(); }
    [[nodiscard]] meter::FakeStorage& storage() { return storage_; }
    [[nodiscard]] const meter::Box& box() const { return *box_; }
    card::Answer last_answer;

    // --- Cards
    [[nodiscard]] Cards& cards() { return cards_; }
    void trouble(const CardTrouble& what) { trouble_ = what; }
    struct Lying {
        bool told = false;                                  // "bought ..., remaining ..." or "passed" was shown
        meter::CardCode code = meter::CardCode::kNoReader;  // of the last word, when it was a refusal
        Credit bought;
        std::uint64_t exchanges = 0;
        std::uint64_t writes = 0;
    };
    Lying lying;  // of the last card that lay there
    // What the box wrote onto the household's card, as the office would open it; the newest that opens.
    [[nodiscard]] std::optional<card::ReturnRecord> newest_return(int household);

  private:
    bool lay_down(sim::M1Card& card);
    sim::M1Card& household_card(const Swipe& swipe);
    sim::M1Card& restore_card(const Restore& order);
    bool start_box();
    bool run_command(const card::Request& request);
    meter::NodeConfig config_;
    meter::FakeStorage storage_;
    QuietRelays relays_;
    StandingClock clock_;
    std::optional<meter::Box> box_;
    meter::MeteringWindow window_{};  // of the metering side, which counts on
    Instant now_{};
    int windows_ = 0;
    meter::CardDesk desk_;
    Cards cards_;
    CardTrouble trouble_;
};

inline constexpr Energy kMayBeLost = energy_of_hundredths(1);

// Is `found`, read after a cut, a state that may follow when `before` was stored and acknowledged, `after` is what the
// interrupted step makes of it, and `in_memory` is what the box knew when it died? Empty: yes; else what is wrong.
// `acknowledged`: the step had been answered, so nothing but `after` will do. `may_be_lost`: energy of a household that
// the box had counted and not saved.
[[nodiscard]] std::string judge(const meter::Books& found, const meter::Books& before, const meter::Books& after,
                                const meter::Books& in_memory, bool acknowledged, int households,
                                Energy may_be_lost = kMayBeLost);

}  // namespace prewatt::powerloss

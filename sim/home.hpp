// Homes: who owns what, and when it is on. Decides the daily life of one household as a function of seed, home and day;
// electricity is decided by sim/appliance.
//
// A day is a list of uses (appliance, from, to). It is made new for each day from the stream (seed, home, day), so the
// life of day 100 does not depend on whether days 1..99 were run, and two runs of one seed switch the same kettle at
// the same second.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/civil_time.hpp"
#include "sim/appliance.hpp"
#include "sim/grid.hpp"

namespace prewatt::sim {

enum class Life : std::uint8_t {
    kStudents,  // two to six in a dormitory room: laptops far into the night, lamps, the kettle in the evening, now and
                // then a hair dryer
    kFamily,    // fridge, rice cooker, television, washing machine, air conditioner on hot afternoons
    kShop,      // a stall in a market hall: lamps and a till in the day, a fridge always
    kLively,    // students who never sleep: something is always on, for demonstrations
};
[[nodiscard]] std::string_view name_of(Life life);

// Which of a household's circuits an appliance hangs on, where the box has that many: M11 of the product. In a
// household that is fed by three phases: which phase.
enum class Use : std::uint8_t { kSockets = 0, kAirConditioning = 1, kLighting = 2 };

struct Appliance {
    Kind kind = Kind::kLedLamp;
    double watts = 10;
    Use use = Use::kSockets;
};

class Home {
  public:
    // `id` names the home within the seed: box number x 100 + household.
    Home(Life life, std::uint64_t seed, std::uint64_t id);

    [[nodiscard]] Life life() const { return life_; }
    [[nodiscard]] const std::vector<Appliance>& appliances() const { return appliances_; }
    // Lets the people do what they do at `now`. true: something was switched since the last call.
    bool set_time(CivilSeconds now);
    [[nodiscard]] bool is_on(std::size_t appliance) const { return on_[appliance]; }
    // Somebody else's hand on the switch, until the plan of the day switches it again.
    void set_on(std::size_t appliance, bool on) {
        touched_ |= on_[appliance] != on;
        on_[appliance] = on;
    }

  private:
    struct Switching {
        std::uint32_t second;  // of the day
        std::uint16_t appliance;
        bool on;
    };
    void furnish();
    void plan_day(std::uint32_t day);
    void plan(std::size_t appliance, double from_hour, double hours);

    Life life_;
    std::uint64_t seed_;
    std::uint64_t id_;
    int people_ = 4;
    std::vector<Appliance> appliances_;
    std::vector<bool> on_;
    std::vector<Switching> day_plan_;
    std::uint32_t day_ = UINT32_MAX;
    std::size_t next_ = 0;
    bool touched_ = false;  // by set_on, since the last set_time
};

}  // namespace prewatt::sim

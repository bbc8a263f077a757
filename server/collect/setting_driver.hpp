// Drives the settings of one box, and of its households, to what the office desires, and proves them by reading them
// back. Pure: it says which frame should go next and is told the answer; server/collect/line_master sends it, behind
// everything that is urgent.
//
// One frame compares the whole box: its check sums (EC020000). A household whose sum is the one that it showed when all
// that is desired of it had last been read costs nothing more. Where the sum differs, the desired items are read, and
// only those that differ are written (parts of 12 bytes, then the commit); then sums and items are read again. The sum
// is always read BEFORE the items that prove it, so a change between the two shows as another sum next time.
//
// What was proved and is found changed was changed at the meter: it is told (kDrifted) and driven back. What the box
// refuses for good is given up until the office desires something else; everything else is tried again, later and
// later. A present set of prices that the pending set has replaced in its time is right as it is.
#pragma once
#include <array>
#include <deque>
#include <optional>
#include <variant>
#include <vector>

#include "card/seal.hpp"
#include "protocols/dlt645/private_items.hpp"
#include "server/domain/types.hpp"

namespace prewatt::collect {

using server::SettingName;

struct SettingNews {
    enum class Kind : std::uint8_t {
        kProved,   // the meter shows it
        kRefused,  // it did not come through; a sentence for a person
        kDrifted,  // it was right, and the meter shows something else: `found`
        kSum,      // all of this household, or of the box, was read back under this check sum
    };
    Kind kind = Kind::kProved;
    std::uint8_t household = 0;  // number in the box; 0: the box itself
    server::HouseholdId owner;   // 0: the box
    SettingName name;
    std::uint32_t version = 0;
    std::string_view problem;
    bool for_good = false;
    std::vector<Byte> found;
    std::uint32_t sum = 0;
};

class SettingDriver {
  public:
    struct Timing {
        Duration sums_interval = minutes(6 * 60);
        Duration retry_min = seconds(30);
        Duration retry_max = minutes(60);
    };
    SettingDriver() = default;
    explicit SettingDriver(const Timing& timing) : timing_(timing) {}

    // All that is desired of this box, whole. What is known of wishes that have not changed stays.
    void desire(const server::BoxSettings& settings, Instant now);
    // The box was away, or is another one: compare soon; `other_box`: nothing that was proved counts.
    void compare_soon(Instant now, bool other_box = false);

    struct ReadSums {};
    struct ReadItem {
        std::uint8_t household = 0;
        SettingName name;
    };
    struct Send {
        std::uint8_t household = 0;
        card::Command command;
    };
    using Step = std::variant<ReadSums, ReadItem, Send>;
    // What should go out next; nothing before due(). Each step is answered by exactly one of the functions below;
    // asked again without an answer, it is the same step. `civil` is for a clock that is to be set.
    [[nodiscard]] std::optional<Step> next(Instant now, CivilSeconds civil);
    [[nodiscard]] Instant due() const;

    void on_sums(const dlt645::SettingSums& sums, Instant now);
    void on_item(Bytes value, Instant now);
    void on_result(card::Result result, Instant now);
    void on_no_answer(Instant now);     // none, or the command had to give way: what it did is not known
    void on_read_refused(Instant now);  // the box does not know what was to be read

    [[nodiscard]] std::optional<SettingNews> take_news();
    [[nodiscard]] bool is_settled() const;                              // everything is proved or given up
    [[nodiscard]] Instant compared_at() const { return compared_at_; }  // sums were last read; Instant{}: never

  private:
    enum class State : std::uint8_t { kToRead, kToWrite, kProved, kGivenUp };
    struct Wish {
        server::SettingWish wish;
        State state = State::kToRead;
        bool was_proved = false;
        int tries = 0;
        Instant retry_at{};
        std::string_view problem;  // last one told
    };
    struct Target {
        std::optional<std::uint32_t> seen;  // since the last write
        std::optional<std::uint32_t> proved;
    };
    enum class Doing : std::uint8_t { kNothing, kSums, kItem, kStage, kCommit, kClock };

    [[nodiscard]] Target& target_of(const Wish& wish) { return targets_[wish.wish.number]; }
    [[nodiscard]] bool is_shown(const Wish& wish, Bytes value) const;
    [[nodiscard]] Step send_part();
    void retry(Wish& wish, Instant now);
    void tell(const Wish& wish, SettingNews::Kind kind);
    void refuse(Wish& wish, std::string_view problem, bool for_good, Instant now);
    void prove_sum(std::uint8_t number);

    Timing timing_;
    std::vector<Wish> wishes_;
    std::array<Target, kHouseholdsMax + 1> targets_{};
    Instant sums_at_ = kNever;
    Instant compared_at_{};
    int sums_tries_ = 0;
    Doing doing_ = Doing::kNothing;
    std::size_t active_ = 0;  // the wish that is read or written
    std::size_t offset_ = 0;  // of the part that is staged
    std::deque<SettingNews> news_;
};

}  // namespace prewatt::collect

// The office of the campus as a process that can be killed: the real office on the real SQLite on the fake disk, the
// real line masters, and what joins them, all on one thread under virtual time.
//
// It writes when turn() says so. A change that waits is lost with the process, and whoever asked for it hears nothing:
// that is what a kill between any two steps means. A death inside of a transaction comes from the disk
// (DiskFaults::die_at_write): after a turn that met it, is_dead() is true and nobody is answered any more.
//
// Its questions go over the writing connection: in one thread none is asked while something is written. What several
// connections of one office see of each other is for `prewatt torture office` and the tests of server/store.
//
// Owned by the world. Boxes, lines and disk outlive it.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "campus/defect.hpp"
#include "campus/fake_disk.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "server/app/desire_feed.hpp"
#include "server/app/line_link.hpp"
#include "server/app/scheduler.hpp"
#include "server/collect/line_master.hpp"
#include "server/store/office_on_db.hpp"
#include "sim/serial_line.hpp"

namespace prewatt::campus {

// The second owner, who approves what the first has asked for.
inline constexpr const char* kDeputyName = "deputy";

struct CampusEstate {
    std::vector<std::uint64_t> boxes;   // numbers, rising one by one; those of a line stand together
    std::vector<std::uint64_t> spares;  // one for each line, behind the others: known to the office, nobody is bound
    card::Key master_key{};
    UnitPrice price{6400};
};

class OfficeProcess final : private server::OfficeObserver, private server::app::DesireFeed::Masters {
  public:
    struct Options {
        CampusEstate estate;
        collect::LineSettings lines;
        server::UnixTime unix_start;  // at Instant{}
        CivilSeconds civil_start = 0;
        Defect defect = Defect::kNone;
        double late_messages = 0;  // share of them, between line masters and office (late_messages.hpp)
        std::uint64_t seed = 1;
    };
    OfficeProcess(const Options& options, FakeDisk& disk, std::vector<std::unique_ptr<sim::SerialLine>>& lines);
    ~OfficeProcess();

    // The first call makes the database. False: the disk refuses or has died; try again later.
    [[nodiscard]] bool start(Instant now);
    // Gone without a word. The disk is told by whoever kills (kill_process, lose_power).
    void kill();
    // Everything finished, then closed.
    void stop_in_order(Instant now);
    [[nodiscard]] bool runs() const { return office_ != nullptr; }
    [[nodiscard]] server::Office& office() { return *office_; }
    [[nodiscard]] std::uint64_t life() const { return life_; }  // rises with each start
    // Something waits to be written, or to be told to the lines.
    [[nodiscard]] bool waits() { return by_hand_.waits() || (feed_ && feed_->due() <= now_); }
    // Writes one transaction of what waits, then lets the line masters know what is desired now.
    void turn(Instant now);
    [[nodiscard]] std::int64_t messages_held_back() const;
    [[nodiscard]] const std::string& problem() const { return problem_; }

    [[nodiscard]] server::HouseholdId household(std::size_t box, int number) const {
        return {static_cast<std::int64_t>(box) * kHouseholdsMax + number};
    }
    [[nodiscard]] server::BoxId box_id(std::size_t box) const { return {static_cast<std::int64_t>(box) + 1}; }
    [[nodiscard]] const collect::LineMaster& master(std::size_t line) const;
    [[nodiscard]] std::size_t line_of_box(std::size_t box) const;
    [[nodiscard]] server::UnixTime unix_at(Instant now) const;
    [[nodiscard]] static const char* file() { return "office.db"; }

  private:
    class Seat;
    void on_changes(std::span<const server::Change> changes) override;
    // What the feed tells: the lines are those of the product, the planted defects stand here.
    [[nodiscard]] bool reaches(server::BoxId box) override;
    void desire(std::span<const server::DesiredState> desired) override;
    void forget(server::BoxId box, std::uint8_t number) override;
    void desire_settings(server::BoxSettings settings) override;
    void want_freezes(server::BoxId box, std::vector<CivilSeconds> due) override;
    [[nodiscard]] Seat& seat_of(server::BoxId box);
    [[nodiscard]] std::optional<server::store::DbFailure> make_estate(server::store::Db& db);

    Options options_;
    FakeDisk& disk_;
    std::vector<std::unique_ptr<sim::SerialLine>>& lines_;
    std::vector<std::unique_ptr<Seat>> seats_;
    Instant now_{};
    Instant tended_at_{};
    server::store::Writer::ByHand by_hand_;
    std::unique_ptr<server::Office> office_;
    std::optional<server::app::DesireFeed> feed_;
    std::optional<server::app::Scheduler> scheduler_;  // campaigns
    Instant ticked_at_{};
    std::map<std::int64_t, server::DesiredState> told_;                    // for Defect::kStaleDesire
    std::map<std::int64_t, std::pair<std::uint16_t, Credit>> old_totals_;  // for Defect::kBoxCarriesOldTotal
    std::uint64_t life_ = 0;
    std::string problem_;
};

}  // namespace prewatt::campus

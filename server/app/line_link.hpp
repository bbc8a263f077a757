// Joins one line to the office: what the line master finds out becomes records of the office, and what the office
// reserves for it comes back. Called on the line's strand and never blocks; the office answers later, on a thread of
// its own.
//
// What a line says only once (a confirmation, a refusal for good, what a meter said of a setting, that a box is silent)
// is said to the office again until it has kept it: with the answers of boxes, every kSeenInterval, in place of what
// was said of the same thing before. Where it is never kept, the line masters say it after the next start.
//
// Decides how often an unchanged box is written down (kSeenInterval): a quiet line of 256 boxes must not cost 256
// commits a sweep.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "server/collect/line_office.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::app {

inline constexpr Duration kSeenInterval = seconds(5);

class LineLink final : public collect::LineOffice {
  public:
    using GiveCounters = std::function<void(BoxId box, std::uint32_t first, std::uint32_t count)>;  // from any thread
    using OnLive = std::function<void(collect::LiveRequest,
                                      const std::expected<dlt645::LiveValues, collect::ReadError>&, UnixTime)>;
    using Tell = std::function<void(std::string)>;  // a problem for the log

    // `office` outlives it.
    LineLink(Office& office, GiveCounters give_counters, OnLive on_live, Tell tell)
        : office_(office),
          give_counters_(std::move(give_counters)),
          on_live_(std::move(on_live)),
          tell_(std::move(tell)) {}

    // Who lives where, for readings that name only the place. From any thread.
    void bind(BoxId box, std::uint8_t number, HouseholdId household);

    void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) override;
    void on_block(const collect::BlockReading& reading) override;
    void on_power(BoxId box, const dlt645::BlockPower& power, UnixTime at) override;
    void on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) override;
    void on_status(BoxId box, const dlt645::BoxStatus& status, UnixTime at) override;
    void on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                 UnixTime at) override;
    void on_answering(BoxId box, bool answering, UnixTime at) override;
    void on_sent(const Delivery& delivery, UnixTime at) override;
    void on_confirmed(const Delivery& delivery, const card::Effect& effect, UnixTime at) override;
    void on_setting(BoxId box, const collect::SettingNews& news, UnixTime at) override;
    void on_freeze(const collect::FreezeReading& reading) override;
    void on_refused(const Delivery& delivery, std::string_view problem, bool for_good, UnixTime at) override;
    void on_tap(const collect::TapNews& news, UnixTime at) override;
    void on_reader(std::uint16_t number, bool answering, UnixTime at) override;

  private:
    struct Place {
        std::array<HouseholdId, kHouseholdsMax + 1> households{};
        UnixTime told_at;
        std::uint8_t flags = 0;
        bool told = false;
    };
    // What is said once, by whom or what it is about: a household and a part; a box, a place in it and a setting; a
    // box.
    enum class About : std::uint8_t { kPart, kSetting, kAnswering };
    using Key = std::tuple<About, std::int64_t, std::int64_t>;
    using Say = std::function<void(WhenDone<Done>)>;
    struct Said {
        std::uint64_t serial = 0;  // of the newest about it
        Say say;
        bool waits = false;  // it was not kept
    };
    struct Unkept {
        std::mutex mutex;
        std::uint64_t serial = 0;
        std::map<Key, Said> said;  // on its way to the office, or waiting
    };

    [[nodiscard]] WhenDone<Done> heard(std::string_view what) const;
    void say_until_kept(Key key, std::string_view what, Say say);
    void say_again(UnixTime now);
    [[nodiscard]] WhenDone<Done> kept(Key key, std::uint64_t serial, WhenDone<Done> hear) const;

    Office& office_;
    GiveCounters give_counters_;
    OnLive on_live_;
    Tell tell_;
    std::mutex mutex_;
    std::map<BoxId, Place> boxes_;
    UnixTime said_again_at_;
    std::shared_ptr<Unkept> unkept_ = std::make_shared<Unkept>();  // the office may answer after this has gone
};

// Seconds since 2000 on the clock of a box, which shows the time of the office (office_calendar.hpp), as a point in
// time, and back.
[[nodiscard]] UnixTime unix_of_civil(CivilSeconds civil);
[[nodiscard]] CivilSeconds civil_of_unix(UnixTime time);

}  // namespace prewatt::server::app

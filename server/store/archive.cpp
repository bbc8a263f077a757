#include "server/store/archive.hpp"

#include <chrono>

#include "server/store/archive_settings.hpp"
#include "server/store/closings.hpp"
#include "server/store/estate.hpp"
#include "server/store/retention.hpp"
#include "server/store/roll_up.hpp"

namespace prewatt::server::store {
namespace {

constexpr Duration kFlushEvery = minutes(1);
constexpr Duration kRetentionEvery = minutes(60);
constexpr Duration kClosingHourEvery = minutes(10);
constexpr Duration kRetentionWhenShort = seconds(10);
constexpr Duration kTryAgainAfter = seconds(10);

// One job at a time: what is due is found on a connection for questions, and written piece by piece; the next piece is
// asked for when the one before it is there, so that others get their turn between two.
class ArchiveOnDb final : public Archive {
  public:
    ArchiveOnDb(Engine& engine, ReadingLog& readings, ArchiveOptions options)
        : engine_(engine),
          readings_(readings),
          free_bytes_(std::move(options.free_bytes)),
          ballast_(options.ballast),
          has_ballast_(!options.ballast.empty()) {
        if (options.tend_every > Duration{0})
            thread_ = std::thread([this, every = options.tend_every] { loop(every); });
    }
    ArchiveOnDb(const ArchiveOnDb&) = delete;
    ArchiveOnDb& operator=(const ArchiveOnDb&) = delete;
    ~ArchiveOnDb() override { stop(); }

    // --- Questions
    Answer<ConsumptionReport> consumption(const ConsumptionQuestion& question) override {
        if (!question.month &&
            (question.from >= question.to || !is_in_calendar(question.from) || question.to > kCalendarEnd ||
             begin_of_hour(question.from) != question.from || begin_of_hour(question.to) != question.to))
            return std::unexpected(Refusal{
                Reason::kBadArgument, "A report is from one whole hour to a later one, between 2000 and 2100.", 0});
        return engine_.pool.ask([&](Db& db) { return read_consumption(db, question); });
    }
    Answer<std::vector<ClosingRecord>> closings(HouseholdId household) override {
        return engine_.pool.ask([&](Db& db) { return read_closings(db, household); });
    }
    ArchiveStatus status() override {
        ArchiveStatus status;
        (void)engine_.pool.ask([&](Db& db) {
            status.hours_until = UnixTime{archive_value(db, "hours_until", 0)};
            status.days_until = UnixTime{archive_value(db, "days_until", 0)};
            status.months_until = UnixTime{archive_value(db, "months_until", 0)};
            if (const auto month = static_cast<int>(archive_value(db, "closed_until", 0)))
                status.closed_until = month_of_number(month);
            status.free_bytes = free_bytes_(db);
            return checked(db, Done{});
        });
        status.takes_readings = readings_.takes_readings();
        status.refused_readings = readings_.refused();
        const std::lock_guard lock(mutex_);
        status.problem = problem_;
        return status;
    }
    Answer<ArchiveSettings> settings() override {
        return engine_.pool.ask([](Db& db) { return checked(db, read_archive_settings(db)); });
    }
    void set_settings(ArchiveSettings settings, Actor who, std::string reason,
                      WhenDone<ArchiveSettings> done) override {
        engine_.writer.submit<ArchiveSettings>(
            [this, settings, who = std::move(who), reason = std::move(reason)](
                Db& db, Changes& changes) -> Answer<ArchiveSettings> {
                if (auto bad = check_archive_settings(settings)) return std::unexpected(std::move(*bad));
                write_archive_settings(db, settings, who, reason, engine_.clock());
                desire_closing_hour(db, engine_.clock(), changes);
                return settings;
            },
            std::move(done));
    }
    Answer<std::vector<FreezeWish>> freezes_wanted() override {
        return engine_.pool.ask([&](Db& db) { return store::freezes_wanted(db, engine_.clock()); });
    }
    void record_freezes(std::vector<Freeze> freezes, WhenDone<Done> done) override {
        engine_.writer.submit<Done>(
            [this, freezes = std::move(freezes)](Db& db, Changes&) {
                return store::record_freezes(db, freezes, engine_.clock());
            },
            std::move(done));
    }

    // --- Work
    bool tend() override {
        const UnixTime now = engine_.clock();
        // A clock that was set back must not end the flushing.
        if (now >= next_flush_at_ || next_flush_at_ - now > kFlushEvery) {
            next_flush_at_ = now + kFlushEvery;
            flush();
        }
        if (now - closing_hour_at_ >= kClosingHourEvery || now < closing_hour_at_) {
            closing_hour_at_ = now;
            engine_.writer.submit<Done>(
                [this](Db& db, Changes& changes) -> Answer<Done> {
                    desire_closing_hour(db, engine_.clock(), changes);
                    return Done{};
                },
                {});
        }
        if (stage_ == Stage::kBusy) return true;
        if (stage_ == Stage::kAnnounced) return begin_roll_up();
        if (now < try_again_at_ && try_again_at_ - now <= kTryAgainAfter) return false;
        return begin_something(now);
    }

    void close() override {
        stop();
        // More pieces than there can be: those that find nothing cost nothing.
        for (std::size_t piece = 0; piece <= readings_.latest().size() / kFlushChunk + 1; ++piece)
            engine_.writer.submit<bool>(
                [this](Db& db, Changes& changes) { return readings_.flush(db, engine_.clock(), kFlushChunk, changes); },
                {});
    }

  private:
    // kAnnounced: whatever comes from now on for the period is noted as late, so it may be summed up.
    enum class Stage : std::uint8_t { kIdle, kAnnounced, kBusy };

    // One piece of the latest values.
    void flush() {
        if (!flushing_.exchange(true)) flush_piece();
    }
    void flush_piece() {
        engine_.writer.submit<bool>(
            [this](Db& db, Changes& changes) { return readings_.flush(db, engine_.clock(), kFlushChunk, changes); },
            [this](const Answer<bool>& complete) {
                if (complete && !*complete) return flush_piece();
                flushing_ = false;
            });
    }

    void end(Stage stage) {
        stage_ = stage;
        const std::lock_guard lock(mutex_);
        poked_ = true;
        woken_.notify_one();
    }
    void fail(const Refusal& refusal) {
        if (refusal.reason != Reason::kStopping) {
            const std::lock_guard lock(mutex_);
            problem_ = refusal.message;
        }
        try_again_at_ = engine_.clock() + kTryAgainAfter;
        end(Stage::kIdle);
    }

    // What is due, in the order of what others wait for.
    bool begin_something(UnixTime now) {
        struct Due {
            RollUpState roll_up;
            RetentionRules rules;
            std::optional<std::int64_t> free_bytes;
            std::optional<UnixTime> oldest_raw_at;
            ClosingHour close_at;
            ClosingState closing;
        };
        const auto due = engine_.pool.ask([&](Db& db) -> Answer<Due> {
            Due found;
            auto roll_up = read_roll_up_state(db, now, readings_.newest_at());
            if (!roll_up) return std::unexpected(roll_up.error());
            found.roll_up = std::move(*roll_up);
            found.rules = retention_rules(db);
            found.free_bytes = free_bytes_(db);
            // What the ballast has given is not there to be used up.
            if (found.free_bytes && ballast_.is_owed()) *found.free_bytes -= Ballast::kBytes;
            if (is_short_of_room(found.rules, found.free_bytes)) found.oldest_raw_at = store::oldest_raw_at(db);
            found.close_at = closing_hour(db);
            if (const auto month = static_cast<int>(archive_value(db, "closed_until", 0)))
                found.closing.newest = month_of_number(month);
            found.closing.newest_looked_at = UnixTime{archive_value(db, "closing_looked_at", 0)};
            db.query("SELECT MIN(at) FROM hours", {},
                     [&](const Row& row) { found.closing.first_reading_at = row.as<std::optional<UnixTime>>(0); });
            return checked(db, std::move(found));
        });
        if (!due) {
            fail(due.error());
            return false;
        }
        readings_.take_readings(takes_readings(due->rules, due->free_bytes));
        if (has_ballast_ &&
            due->free_bytes.value_or(0) > due->rules.short_bytes + (ballast_.is_owed() ? 0 : Ballast::kBytes))
            (void)ballast_.make();

        const Retention retention = decide_retention(due->rules,
                                                     {due->roll_up.hours_until, due->roll_up.days_until,
                                                      due->roll_up.months_until, due->oldest_raw_at, due->free_bytes},
                                                     now);
        const Duration pause = retention.disk_is_short ? kRetentionWhenShort : kRetentionEvery;
        if (now - retention_at_ >= pause || now < retention_at_) {
            retention_at_ = now;
            return begin_retention(retention);
        }
        if (const auto period = roll_up_due(due->roll_up, now)) {
            announce(due->roll_up, *period);
            return true;
        }
        ClosingState closing = due->closing;
        closing.hours_until = due->roll_up.hours_until;
        closing.days_until = due->roll_up.days_until;
        if (const auto month = closing_due(closing, due->close_at, now))
            return begin_closing(*month, due->close_at, now);
        return false;
    }

    // --- Roll-ups
    void announce(RollUpState state, RollUpPeriod period) {
        stage_ = Stage::kBusy;
        state_ = std::move(state);
        period_ = period;
        engine_.writer.submit<Done>(
            [this, period](Db&, Changes&) -> Answer<Done> {
                if (period.step == RollUpStep::kHour) readings_.sum_up_until(period.to);
                return Done{};
            },
            [this](const Answer<Done>& done) { done ? end(Stage::kAnnounced) : fail(done.error()); });
    }
    bool begin_roll_up() {
        stage_ = Stage::kBusy;
        auto summed = engine_.pool.ask([&](Db& db) { return sum_up(db, period_); });
        if (!summed) {
            fail(summed.error());
            return false;
        }
        store_roll_up(std::make_shared<SummedUp>(std::move(*summed)), 0);
        return true;
    }
    void store_roll_up(std::shared_ptr<SummedUp> summed, std::size_t from) {
        engine_.writer.submit<std::size_t>(
            [this, summed, from](Db& db, Changes&) -> Answer<std::size_t> {
                const std::size_t left = store_piece(db, period_, summed->rows, from);
                if (left == 0) finish_roll_up(db, state_, period_, summed->changed);
                return left;
            },
            [this, summed](const Answer<std::size_t>& left) {
                if (!left) return fail(left.error());
                if (*left == 0) return end(Stage::kIdle);
                store_roll_up(summed, summed->rows.size() - *left);
            });
    }

    // --- Closings
    bool begin_closing(OfficeMonth month, ClosingHour when, UnixTime now) {
        stage_ = Stage::kBusy;
        auto found = engine_.pool.ask([&](Db& db) { return closing_to_make(db, month, when); });
        if (!found) {
            fail(found.error());
            return false;
        }
        store_closing(month, when, now, std::make_shared<std::vector<ClosingToMake>>(std::move(*found)), 0);
        return true;
    }
    void store_closing(OfficeMonth month, ClosingHour when, UnixTime now,
                       std::shared_ptr<std::vector<ClosingToMake>> closings, std::size_t from) {
        engine_.writer.submit<std::size_t>(
            [=](Db& db, Changes&) -> Answer<std::size_t> {
                return store_closings(db, month, when, *closings, from, now);
            },
            [=, this](const Answer<std::size_t>& left) {
                if (!left) return fail(left.error());
                if (*left == 0) return end(Stage::kIdle);
                store_closing(month, when, now, closings, closings->size() - *left);
            });
    }

    // --- Retention
    bool begin_retention(const Retention& retention) {
        stage_ = Stage::kBusy;
        // The transaction that frees room needs some itself.
        if (retention.disk_is_short && has_ballast_) (void)ballast_.give_up();
        remove_more(retention);
        return true;
    }
    void remove_more(const Retention& retention) {
        engine_.writer.submit<bool>(
            [this, retention](Db& db, Changes&) {
                readings_.keep_from(retention.raw_before);
                return remove_piece(db, retention);
            },
            [this, retention](const Answer<bool>& more) {
                if (!more) {
                    if (more.error().reason == Reason::kStorageFull && has_ballast_ && ballast_.give_up())
                        return remove_more(retention);
                    return fail(more.error());
                }
                if (*more) return remove_more(retention);
                end(Stage::kIdle);
            });
    }

    void loop(Duration every) {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            woken_.wait_for(lock, std::chrono::microseconds(every.count()), [this] { return stopping_ || poked_; });
            if (stopping_) return;
            poked_ = false;
            lock.unlock();
            (void)tend();
            lock.lock();
        }
    }
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        woken_.notify_one();
        if (thread_.joinable()) thread_.join();
    }

    Engine& engine_;
    ReadingLog& readings_;
    std::function<std::optional<std::int64_t>(Db&)> free_bytes_;
    Ballast ballast_;
    bool has_ballast_;
    UnixTime next_flush_at_;
    UnixTime retention_at_;     // the last one
    UnixTime closing_hour_at_;  // looked at last
    std::atomic<UnixTime> try_again_at_{UnixTime{}};
    std::atomic<bool> flushing_{false};
    std::atomic<Stage> stage_{Stage::kIdle};
    RollUpState state_;    // of the roll-up under way
    RollUpPeriod period_;  // likewise
    std::mutex mutex_;
    std::condition_variable woken_;
    bool poked_ = false;
    bool stopping_ = false;
    std::string problem_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Archive> make_archive(Engine& engine, ReadingLog& readings, ArchiveOptions options) {
    return std::make_unique<ArchiveOnDb>(engine, readings, std::move(options));
}

}  // namespace prewatt::server::store

#include "campus/office_process.hpp"

#include <algorithm>

#include "campus/late_messages.hpp"
#include "server/store/migrations.hpp"
#include "server/store/site.hpp"
#include "server/store/sqlite_db.hpp"
#include "server/store/users.hpp"

namespace prewatt::campus {

constexpr Duration kTendEvery = minutes(10);
constexpr Duration kTickEvery = seconds(60);

using server::BoxId;
using server::DesiredState;
using server::HouseholdId;
using server::UnixTime;

// The place of the office on one line: its converter stays, the master in it comes and goes with the process.
class OfficeProcess::Seat final : public sim::Station {
  public:
    Seat(OfficeProcess& owner, sim::SerialLine& line, std::size_t index)
        : owner_(owner),
          line_(line),
          index_(index),
          messages_(owner.options_.late_messages, sim::Random::combine(owner.options_.seed, {index})) {
        id_ = line.attach(*this);
        line.set_connected(id_, false);
    }

    void start(Instant now) {
        const std::uint64_t life = owner_.life_;
        link_.emplace(
            *owner_.office_,
            [this, life](BoxId box, std::uint32_t first, std::uint32_t count) {
                if (life != owner_.life_ || !master_) return;
                messages_.tell(0, owner_.now_, [this, box, first, count] {
                    master_->on_counters(box, first, count, owner_.now_);
                    line_.wake(id_, owner_.now_);
                });
                wake_for_messages();
            },
            [](collect::LiveRequest, const auto&, UnixTime) {}, [](std::string) {});
        collect::LineOffice* office = &late_.emplace(*this, *link_);
        if (owner_.options_.defect == Defect::kConfirmOnSend) office = &hasty_.emplace(*office);
        master_.emplace(owner_.options_.lines, mac_, *office);
        master_->set_clock(now, owner_.unix_at(now),
                           owner_.options_.civil_start + static_cast<CivilSeconds>(now.microseconds() / 1'000'000));
        std::vector<collect::BoxSetup> setups;
        const CampusEstate& estate = owner_.options_.estate;
        for (std::size_t box = 0; box < estate.boxes.size() + estate.spares.size(); ++box) {
            if (owner_.line_of_box(box) != index_) continue;
            const std::uint64_t number =
                box < estate.boxes.size() ? estate.boxes[box] : estate.spares[box - estate.boxes.size()];
            setups.push_back({owner_.box_id(box), number, static_cast<std::uint8_t>(kHouseholdsMax),
                              card::diversify(mac_, estate.master_key, number)});
        }
        master_->set_boxes(setups);
        line_.set_connected(id_, true);
        line_.wake(id_, now);
    }
    void end() {
        messages_.forget();
        master_.reset();
        hasty_.reset();
        late_.reset();
        line_.set_connected(id_, false);
    }
    // After the office is gone: its last answers may still come here.
    void forget_link() { link_.reset(); }

    // What is told of one place of a box keeps its order: whoever moves in comes after whoever was there.
    void desire(const DesiredState& desired, Instant now) {
        messages_.tell(place(desired.box, desired.number), now, [this, desired] {
            link_->bind(desired.box, desired.number, desired.household);
            master_->desire(desired, owner_.now_);
            line_.wake(id_, owner_.now_);
        });
        wake_for_messages();
    }
    void forget(BoxId box, std::uint8_t number) {
        messages_.tell(place(box, number), owner_.now_, [this, box, number] {
            link_->bind(box, number, HouseholdId{});
            master_->forget(box, number);
        });
        wake_for_messages();
    }
    void desire_settings(const server::BoxSettings& settings, Instant now) {
        messages_.tell(place(settings.box, 0), now, [this, settings] {
            master_->desire_settings(settings, owner_.now_);
            line_.wake(id_, owner_.now_);
        });
        wake_for_messages();
    }
    [[nodiscard]] std::int64_t messages_held_back() const { return messages_.held_back(); }
    void want_freezes(BoxId box, const std::vector<CivilSeconds>& due, Instant now) {
        messages_.tell(place(box, 0), now, [this, box, due] {
            master_->want_freezes(box, due, owner_.now_);
            line_.wake(id_, owner_.now_);
        });
        wake_for_messages();
    }
    [[nodiscard]] const collect::LineMaster& master() const { return *master_; }

    Heard on_character(const sim::Character& character) override {
        if (!master_) return {kNever, true};
        owner_.now_ = character.at;
        master_->on_byte(character.value, character.at, character.bad_parity);
        return {poll(character.at), false};
    }
    Instant on_time(Instant now) override {
        owner_.now_ = now;
        if (!master_) return kNever;
        messages_.arrive(now);
        return poll(now);
    }

  private:
    // What the master reports, held back and handed over out of order.
    class LateOffice final : public collect::LineOffice {
      public:
        LateOffice(Seat& seat, collect::LineOffice& office) : seat_(seat), office_(office) {}
        void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) override {
            send([=, this] { office_.need_counters(box, above, count); });
        }
        void on_block(const collect::BlockReading& reading) override {
            send([this, reading,
                  changed = std::vector<collect::HouseholdReading>(reading.changed.begin(), reading.changed.end())] {
                collect::BlockReading late = reading;
                late.changed = changed;
                office_.on_block(late);
            });
        }
        void on_power(BoxId box, const dlt645::BlockPower& power, UnixTime at) override {
            send([=, this] { office_.on_power(box, power, at); });
        }
        void on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) override {
            send([=, this] { office_.on_account(household, status, at); });
        }
        void on_status(BoxId box, const dlt645::BoxStatus& status, UnixTime at) override {
            send([=, this] { office_.on_status(box, status, at); });
        }
        void on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                     UnixTime at) override {
            send([=, this] { office_.on_live(request, live, at); });
        }
        void on_freeze(const collect::FreezeReading& reading) override {
            send([this, reading,
                  households =
                      std::vector<collect::FrozenReading>(reading.households.begin(), reading.households.end())] {
                collect::FreezeReading late = reading;
                late.households = households;
                office_.on_freeze(late);
            });
        }
        void on_answering(BoxId box, bool answering, UnixTime at) override {
            send([=, this] { office_.on_answering(box, answering, at); });
        }
        void on_sent(const server::Delivery& delivery, UnixTime at) override {
            send([=, this] { office_.on_sent(delivery, at); });
        }
        void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, UnixTime at) override {
            send([=, this] { office_.on_confirmed(delivery, effect, at); });
        }
        void on_refused(const server::Delivery& delivery, std::string_view problem, bool for_good,
                        UnixTime at) override {
            send([=, this, problem = std::string(problem)] { office_.on_refused(delivery, problem, for_good, at); });
        }
        void on_setting(BoxId box, const collect::SettingNews& news, UnixTime at) override {
            send([=, this, problem = std::string(news.problem)] {
                collect::SettingNews late = news;
                late.problem = problem;
                office_.on_setting(box, late, at);
            });
        }

      private:
        template <class Message>
        void send(Message message) {
            seat_.messages_.report(seat_.owner_.now_, std::move(message));
            seat_.wake_for_messages();
        }
        Seat& seat_;
        collect::LineOffice& office_;
    };

    static std::int64_t place(BoxId box, std::uint8_t number) { return box.value * 256 + number; }
    void wake_for_messages() {
        if (messages_.next() != kNever) line_.wake(id_, std::max(messages_.next(), line_.now()));
    }

    // Planted: what has gone out counts as done.
    class HastyOffice final : public collect::LineOffice {
      public:
        explicit HastyOffice(collect::LineOffice& office) : office_(office) {}
        void need_counters(BoxId box, std::uint32_t above, std::uint32_t count) override {
            office_.need_counters(box, above, count);
        }
        void on_block(const collect::BlockReading& reading) override { office_.on_block(reading); }
        void on_power(BoxId box, const dlt645::BlockPower& power, UnixTime at) override {
            office_.on_power(box, power, at);
        }
        void on_account(HouseholdId household, const dlt645::AccountStatus& status, UnixTime at) override {
            office_.on_account(household, status, at);
        }
        void on_status(BoxId box, const dlt645::BoxStatus& status, UnixTime at) override {
            office_.on_status(box, status, at);
        }
        void on_live(collect::LiveRequest request, const std::expected<dlt645::LiveValues, collect::ReadError>& live,
                     UnixTime at) override {
            office_.on_live(request, live, at);
        }
        void on_freeze(const collect::FreezeReading& reading) override { office_.on_freeze(reading); }
        void on_answering(BoxId box, bool answering, UnixTime at) override { office_.on_answering(box, answering, at); }
        void on_sent(const server::Delivery& delivery, UnixTime at) override {
            office_.on_sent(delivery, at);
            if (delivery.part != server::Part::kTicket) return;
            card::Effect effect;
            effect.epoch = delivery.epoch;
            effect.ticket_number = delivery.version;
            office_.on_confirmed(delivery, effect, at);
        }
        void on_confirmed(const server::Delivery& delivery, const card::Effect& effect, UnixTime at) override {
            office_.on_confirmed(delivery, effect, at);
        }
        void on_refused(const server::Delivery& delivery, std::string_view problem, bool for_good,
                        UnixTime at) override {
            office_.on_refused(delivery, problem, for_good, at);
        }
        void on_setting(BoxId box, const collect::SettingNews& news, UnixTime at) override {
            office_.on_setting(box, news, at);
        }

      private:
        collect::LineOffice& office_;
    };

    Instant poll(Instant now) {
        const collect::LineMaster::Step step = master_->poll(now);
        if (!step.send.empty()) line_.send(id_, step.send, now);
        return std::min(step.wake_up, messages_.next());
    }

    OfficeProcess& owner_;
    sim::SerialLine& line_;
    std::size_t index_;
    sim::SerialLine::Id id_ = 0;
    card::OpensslMac mac_;
    std::optional<server::app::LineLink> link_;
    LateMessages messages_;
    std::optional<LateOffice> late_;
    std::optional<HastyOffice> hasty_;
    std::optional<collect::LineMaster> master_;
};

OfficeProcess::OfficeProcess(const Options& options, FakeDisk& disk,
                             std::vector<std::unique_ptr<sim::SerialLine>>& lines)
    : options_(options), disk_(disk), lines_(lines) {
    for (std::size_t k = 0; k < lines_.size(); ++k)
        seats_.push_back(std::make_unique<Seat>(*this, *lines_[k], k));
}
OfficeProcess::~OfficeProcess() {
    kill();
}

std::size_t OfficeProcess::line_of_box(std::size_t box) const {
    const std::size_t boxes = options_.estate.boxes.size();
    return box < boxes ? box * lines_.size() / boxes : box - boxes;
}
const collect::LineMaster& OfficeProcess::master(std::size_t line) const {
    return seats_[line]->master();
}
UnixTime OfficeProcess::unix_at(Instant now) const {
    return UnixTime{options_.unix_start.ms + now.microseconds() / 1000};
}

std::optional<server::store::DbFailure> OfficeProcess::make_estate(server::store::Db& db) {
    db.begin_write();
    bool there = false;
    db.query("SELECT id FROM site", {}, [&](const server::store::Row&) { there = true; });
    if (there) {
        db.rollback();
        return std::nullopt;
    }
    server::store::SiteSpec site;
    site.name = "Campus";
    site.price = options_.estate.price;
    std::vector<server::store::BuildingSpec> buildings;
    const std::vector<std::uint64_t>& boxes = options_.estate.boxes;
    for (std::size_t box = 0; box < boxes.size(); ++box) {
        const std::size_t line = line_of_box(box);
        if (buildings.size() <= line) {
            server::store::BuildingSpec& building = buildings.emplace_back();
            building.name = std::to_string(line + 1);
            building.line_name = "Line " + building.name;
            building.first_box = boxes[box];
            building.boxes = 0;
            building.residents = false;
        }
        ++buildings.back().boxes;
    }
    server::store::insert_site(db, site, "nobody signs in", buildings, options_.unix_start);
    server::UserRecord deputy;
    deputy.user = deputy.name = kDeputyName;
    deputy.role = server::Role::kOwner;
    (void)server::store::create_user(db, deputy, "nobody signs in", {"office", "cli"}, options_.unix_start);
    for (std::size_t line = 0; line < options_.estate.spares.size(); ++line)
        db.execute("INSERT INTO boxes (number, line_id, wiring) VALUES ($1, $2, $3)",
                   {static_cast<std::int64_t>(options_.estate.spares[line]), static_cast<std::int64_t>(line + 1),
                    server::Wiring::k39x1});
    if (db.ok() && db.commit()) return std::nullopt;
    auto why = *db.failure();
    db.rollback();
    return why;
}

bool OfficeProcess::start(Instant now) {
    now_ = now;
    using namespace server::store;
    const SqliteOptions options{.create = true, .read_only = false, .pages_max = 0, .vfs = disk_.vfs()};
    auto writing = open_sqlite(file(), options);
    if (!writing) {
        problem_ = writing.error().message;
        return false;
    }
    if (const auto why = migrate(**writing, unix_at(now))) {
        problem_ = why->message;
        return false;
    }
    if (const auto why = make_estate(**writing)) {
        problem_ = why->message;
        return false;
    }
    // As open_office does it: a file that was just made is on the disk only then.
    (*writing)->query("PRAGMA wal_checkpoint(TRUNCATE)", {}, [](const Row&) {});
    if (!(*writing)->ok()) {
        problem_ = (*writing)->failure()->message;
        return false;
    }
    Connections connections;
    connections.writing = std::move(*writing);
    connections.clock = [this] { return unix_at(now_); };
    connections.cheap_password_hash = true;
    connections.by_hand = &by_hand_;
    ++life_;
    office_ = make_office(std::move(connections));
    office_->add_observer(*this);
    for (auto& seat : seats_)
        seat->start(now);
    told_.clear();
    server::app::DesireFeed::Masters& masters = *this;
    feed_.emplace(*office_, masters, [this](std::string problem) { problem_ = std::move(problem); });
    for (std::size_t line = 0; line < lines_.size(); ++line)
        feed_->note_line({static_cast<std::int64_t>(line) + 1});
    feed_->turn(now);
    scheduler_.emplace([this](std::string problem) { problem_ = std::move(problem); });
    scheduler_->add(server::app::campaigns_part(*office_));
    return true;
}

std::int64_t OfficeProcess::messages_held_back() const {
    std::int64_t all = 0;
    for (const auto& seat : seats_)
        all += seat->messages_held_back();
    return all;
}

void OfficeProcess::kill() {
    if (!office_) return;
    ++life_;
    by_hand_.forget();
    for (auto& seat : seats_)
        seat->end();
    scheduler_->stop();
    feed_.reset();
    office_.reset();
    for (auto& seat : seats_)
        seat->forget_link();
}

void OfficeProcess::stop_in_order(Instant now) {
    if (!office_) return;
    now_ = now;
    for (auto& seat : seats_)
        seat->end();
    office_->archive().close();
    while (by_hand_.turn()) {
    }
    kill();
}

void OfficeProcess::turn(Instant now) {
    now_ = now;
    if (!office_) return;
    // In virtual time the archive has no thread of its own.
    if (now - tended_at_ >= kTendEvery || now < tended_at_) {
        tended_at_ = now;
        (void)office_->archive().tend();
        feed_->look_for_freezes();
    }
    if (now - ticked_at_ >= kTickEvery || now < ticked_at_) {
        ticked_at_ = now;
        scheduler_->tick(unix_at(now));
    }
    (void)by_hand_.turn();
    if (disk_.is_dead() || !office_ || feed_->due() > now) return;
    feed_->turn(now);
}

void OfficeProcess::on_changes(std::span<const server::Change> changes) {
    if (feed_) (void)feed_->note(changes);
}

bool OfficeProcess::reaches(BoxId box) {
    const CampusEstate& estate = options_.estate;
    return box.value >= 1 && static_cast<std::size_t>(box.value) <= estate.boxes.size() + estate.spares.size();
}
OfficeProcess::Seat& OfficeProcess::seat_of(BoxId box) {
    return *seats_[line_of_box(static_cast<std::size_t>(box.value - 1))];
}
void OfficeProcess::forget(BoxId box, std::uint8_t number) {
    seat_of(box).forget(box, number);
}
void OfficeProcess::desire_settings(server::BoxSettings settings) {
    seat_of(settings.box).desire_settings(settings, now_);
}

void OfficeProcess::want_freezes(BoxId box, std::vector<CivilSeconds> due) {
    seat_of(box).want_freezes(box, due, now_);
}

void OfficeProcess::desire(std::span<const DesiredState> desired) {
    for (const DesiredState& one : desired) {
        const std::int64_t id = one.household.value;
        const auto before = told_.find(id);
        DesiredState told = one;
        switch (options_.defect) {
            case Defect::kIncrementForTotal:
                if (before != told_.end() && before->second.ticket.epoch == told.ticket.epoch)
                    told.ticket.credited = one.ticket.credited - before->second.ticket.credited;
                break;
            case Defect::kStaleDesire:
                if (before != told_.end()) told = before->second;
                break;
            case Defect::kHoldLostOnRestart:
                if (before == told_.end() && life_ > 2) {
                    told.remote_off = false;
                    told.remote_version.desired += told.remote_version.desired > 0 ? 1 : 0;
                }
                break;
            case Defect::kBoxCarriesOldTotal:
                if (before != told_.end() && before->second.box != one.box)
                    old_totals_[id] = {one.ticket.epoch, before->second.ticket.credited};
                if (const auto old = old_totals_.find(id);
                    old != old_totals_.end() && old->second.first == one.ticket.epoch && one.ticket.number == 1)
                    told.ticket.credited = old->second.second;
                break;
            default:
                break;
        }
        told_[id] = one;
        seat_of(one.box).desire(told, now_);
    }
}

}  // namespace prewatt::campus

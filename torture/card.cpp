#include "torture/card.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>

#include "base/civil_time.hpp"
#include "card/desk/desk.hpp"
#include "card/layout.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/records.hpp"
#include "meter/node/card_swipe.hpp"
#include "meter/node/fake_board.hpp"
#include "server/desk/office_desk.hpp"
#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"
#include "sim/card/field.hpp"
#include "tests/desk/direct_office.hpp"
#include "torture/child.hpp"

namespace prewatt::torture {
namespace {

namespace store = server::store;
using card::desk::OrderKind;
using server::HouseholdId;
using sim::M1Card;
using sim::Tear;

constexpr card::Key kMaster{7, 7, 7, 1};
constexpr card::Layout kLayout;
constexpr int kRooms = 12;  // of one box of 12 households
constexpr std::uint64_t kBoxNumber = 2026000001;
constexpr std::int64_t kBegin_ms = 1'790'000'000'000;
constexpr std::int64_t kCivilBegin_s = 946'684'800;
constexpr std::int64_t kFenPerKwh = 64;  // the demonstration building's price; all amounts are multiples
constexpr std::size_t kFindingsMax = 40;
// What a power failure does to the books is another campaign's subject (torture office); here they are in memory where
// the machine has a folder there, for each visit commits some times.
std::filesystem::path place_of_books() {
    std::error_code ignored;
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory, ignored) && access(memory.c_str(), W_OK) == 0
               ? memory
               : std::filesystem::path{};
}
const server::Actor kClerk{"owner", "desk"};

// --- Defects that must be found

// Says the same to everybody: a record that was edited, torn or spliced opens as well as any other.
class BlindMac final : public card::Mac {
  public:
    card::Tag cmac(const card::Key&, Bytes) override { return {}; }
};

// Books that forget which generation was read back whole, so the desk goes by what reads well.
class ForgetfulCards final : public server::Cards {
  public:
    explicit ForgetfulCards(server::Cards& cards) : cards_(cards) {}
    server::Answer<server::CardRecord> card(server::CardId id) override { return cards_.card(id); }
    server::Answer<std::vector<server::CardRecord>> cards(HouseholdId household, server::CardId before,
                                                          int limit) override {
        return cards_.cards(household, before, limit);
    }
    server::Answer<std::vector<server::CardWrite>> writes(server::CardId card, int limit) override {
        return cards_.writes(card, limit);
    }
    server::Answer<server::CardWrite> write(server::CardWriteId id) override { return cards_.write(id); }
    server::Answer<bool> may_release_lockout() override { return cards_.may_release_lockout(); }
    void see(server::CardSight sight, server::Actor who, server::WhenDone<server::CardSeen> done) override {
        cards_.see(std::move(sight), std::move(who), [done](server::Answer<server::CardSeen> seen) {
            if (seen && seen->card) seen->card->generation = 0;
            done(std::move(seen));
        });
    }
    void issue(server::CardIssue order, server::WhenDone<server::CardOrdered> done) override {
        cards_.issue(std::move(order), std::move(done));
    }
    // The store refuses a generation that is not above what was read back; what is planted here is the choice of the
    // slot alone.
    void order_ticket(server::CardTicketOrder order, server::WhenDone<server::CardOrdered> done) override {
        if (const auto known = cards_.card(order.card))
            while (order.generation <= known->generation)
                order.generation += 2;
        cards_.order_ticket(std::move(order), std::move(done));
    }
    void order_format(server::CardFormatOrder order, server::WhenDone<server::CardWrite> done) override {
        cards_.order_format(std::move(order), std::move(done));
    }
    void written(server::CardWriteId write, server::Actor who, server::WhenDone<server::CardRecord> done) override {
        cards_.written(write, std::move(who), std::move(done));
    }
    void end(server::CardEnd end, server::WhenDone<server::CardRecord> done) override {
        cards_.end(std::move(end), std::move(done));
    }
    void set_may_release_lockout(bool may, server::Actor who, std::string reason,
                                 server::WhenDone<server::Done> done) override {
        cards_.set_may_release_lockout(may, std::move(who), std::move(reason), std::move(done));
    }

  private:
    server::Cards& cards_;
};

// --- The two ends between which cards are carried

// A desk whose report to the office is lost when that is asked for.
class LossyOffice final : public card::desk::Office {
  public:
    enum class Lost : std::uint8_t { kNothing, kQuestion, kAnswer };
    explicit LossyOffice(DirectOffice& office) : office_(office) {}
    Answer<card::desk::CardKeys> keys(const card::Uid& uid) override { return office_.keys(uid); }
    Answer<card::desk::Report> look(const card::desk::Sight& sight) override { return office_.look(sight); }
    Answer<card::desk::Plan> order(const card::desk::Order& order, const card::desk::Sight& sight) override {
        return office_.order(order, sight);
    }
    Answer<card::desk::Report> done(std::int64_t write, const card::desk::Sight& read_back) override {
        const Lost lost = std::exchange(loses, Lost::kNothing);
        if (lost == Lost::kNothing) return office_.done(write, read_back);
        if (lost == Lost::kAnswer) (void)office_.done(write, read_back);
        return std::unexpected(card::desk::OfficeRefusal{"", "no answer", 0});
    }
    Lost loses = Lost::kNothing;  // of the next done()

  private:
    DirectOffice& office_;
};

// A box with its own reader. Its memory may be cut at any byte; then it is started anew.
class Meter {
  public:
    Meter(card::Mac& mac, sim::Field& field, Instant& now) : mac_(mac), field_(field), now_(now) {
        config_.box = dlt645::BoxNumber{kBoxNumber};
        config_.wiring = meter::Wiring::k12x3;
        config_.card_keys = card::meter_card_keys(mac, card::site_masters(mac, kMaster), kBoxNumber);
        clock_.time = static_cast<CivilSeconds>((kBegin_ms + server::kOfficeOffset.count() / 1000) / 1000 +
                                                now.microseconds() / 1'000'000 - kCivilBegin_s);
        window_.measurement.span = milliseconds(200);
        for (meter::PhaseMeasurement& phase : window_.measurement.phases)
            phase = {volts(220), millihertz(50'000), true};
        start();
    }
    void start() {
        storage_.power_up();
        box_ = std::make_unique<meter::Box>(config_, storage_, relays_, clock_);
        if (const auto result = box_->start(now_);
            result != meter::StartResult::kFresh && result != meter::StartResult::kRecovered)
            throw BrokenOff{"the box does not start"};
        swipe_ = std::make_unique<meter::CardSwipe>(*box_, mac_, &field_);
        // The metering side starts anew with it, and takes the name that it is given.
        window_.totals = {};
        window_.session = 0;
        box_->on_window(window_, now_);
        window_.session = box_->session_order().name;
    }
    void use(Household h, std::int64_t hundredths) {
        window_.totals[h.number - 1u].forward += static_cast<std::uint32_t>(energy_of_hundredths(hundredths).count());
        box_->on_window(window_, now_);
    }
    void cut_at(std::int64_t byte, int damage) { storage_.power_up({.cut_at_byte = byte, .damaged_byte = damage}); }
    // False: its supply has gone. `until_gone`: only as long as something lies there.
    bool run(Duration d, bool until_gone = false) {
        const Instant end = now_ + d;
        while (now_ < end && !storage_.is_cut() && !(until_gone && field_.things().empty())) {
            const Instant next = std::min(box_->poll(now_), swipe_->poll(now_));
            while (swipe_->take_notice()) {
            }
            now_ = std::min(end, std::max(next, now_ + milliseconds(1)));
        }
        return !storage_.is_cut();
    }
    [[nodiscard]] const meter::Box& box() const { return *box_; }
    [[nodiscard]] const meter::HouseholdBook& book(Household h) const { return box_->book(h); }

  private:
    card::Mac& mac_;
    sim::Field& field_;
    Instant& now_;
    meter::FakeStorage storage_{512 * 1024};
    meter::FakeRelays relays_;
    meter::FakeClock clock_{now_};
    meter::NodeConfig config_;
    meter::MeteringWindow window_{};
    std::unique_ptr<meter::Box> box_;
    std::unique_ptr<meter::CardSwipe> swipe_;
};

// --- What the world outside knows

struct Plastic {
    Plastic(const card::Uid& uid, std::uint64_t seed) : card(uid, seed) {}
    M1Card card;
    // What is acknowledged to stand whole on it; nothing: never, or somebody wrote it back since, or a copy of it was
    // in use, so that what desk and box remember is not about this one.
    std::optional<std::uint32_t> credit_kept;
    std::optional<std::uint32_t> return_kept;
    std::vector<M1Card::Dump> dumps;  // a cheat's
    bool was_torn = false;            // at the visit before
    void forget() { credit_kept = return_kept = std::nullopt; }
};
struct PendingRefund {
    server::BookingId booking;
    std::uint32_t ticket_number = 0;
};
struct Room {
    HouseholdId id;
    Household number{};
    std::vector<std::int64_t> totals{0};  // in hundredths, by ticket number: what each ticket must say
    std::vector<std::pair<server::SaleId, std::int64_t>> sales;  // that were not paid back; kWh
    std::optional<PendingRefund> refund;
    std::unique_ptr<Plastic> card;
    std::unique_ptr<Plastic> lost;  // the one before, in a finder's pocket
    std::unique_ptr<Plastic> twin;  // a copy with the same number
    // That was broken off: the same order goes on with the same card. Once the office may have booked it, it stands
    // for what was newest then.
    std::string open_order;
    bool may_be_done = false;
    std::uint32_t meter_number = 0;
    [[nodiscard]] std::uint32_t newest() const { return static_cast<std::uint32_t>(totals.size() - 1); }
};

enum class Kind : std::uint8_t {
    kLost,
    kDoubled,
    kUnreadable,
    kHidden,
    kPaid,
    kBelieved,
    kUnfinished,
    kOther,
};
constexpr const char* kKindWords[] = {"lost",
                                      "doubled",
                                      "unreadable",
                                      "hidden",
                                      "paid too early",
                                      "believed too early",
                                      "not finished by an untorn visit",
                                      "other"};
constexpr std::size_t kKinds = std::size(kKindWords);

enum class Side : std::uint8_t { kDesk, kMeter, kMaking };
constexpr const char* kSideWords[] = {"desk, CREDIT", "box, RETURN", "while made or emptied"};
constexpr const char* kRestWords[] = {"old", "zeros", "ones", "noise", "weak", "all weak"};

class Campaign {
  public:
    explicit Campaign(const CardOptions& options)
        : options_(options),
          random_(options.seed),
          folder_("prewatt-torture-card", place_of_books()),
          field_(sim::Field::Options{}) {
        office_options_.url = (folder_.path() / "office.db").string();
        office_options_.clock = [this] { return office_time(); };
        office_options_.archive_tends_itself = false;
        office_options_.cheap_password_hash = true;
        store::BuildingSpec building;
        building.line_url = "card";
        building.wiring = server::Wiring::k12x3;
        const auto made = store::create_demo(
            office_options_, {.name = "Campus", .owner_user = "owner", .owner_password = "correct horse", .price = {}},
            building);
        if (!made) throw BrokenOff{"the office cannot be made: " + made.error().message};
        auto opened = store::open_office(office_options_);
        if (!opened) throw BrokenOff{"the office does not open: " + opened.error().message};
        office_ = std::move(*opened);
        server::Cards* cards = &office_->cards();
        if (options.planted == "naive-slot") cards = &forgetful_.emplace(*cards);
        desk_.emplace(*cards, mac(), kMaster);
        direct_.emplace(*desk_, kClerk);
        lossy_.emplace(*direct_);
        masters_ = card::site_masters(mac(), kMaster);
        keys_ = card::record_keys(mac(), masters_, kBoxNumber);
        meter_.emplace(mac(), field_, now_);
        const auto found = office_->find_households("", kRooms);
        if (!found || found->size() != kRooms) throw BrokenOff{"the office has no rooms"};
        for (const server::HouseholdRecord& record : *found) {
            Room& room = rooms_.emplace_back();
            room.id = record.id;
            room.number = Household{office_->desired(record.id)->number};
        }
    }

    CardReport run() {
        const StopSignals signals;
        for (Room& room : rooms_)
            make_card(room, nullptr, false);
        std::int64_t told = 0;
        // Most visits tear a card, so this ends; a defect ends it at once.
        for (std::int64_t step = 0; tears_ < options_.tears && step < 20 * options_.tears + 1000; ++step) {
            stop_if_asked();
            if (!options_.planted.empty() && !findings_.empty()) break;
            if (findings_.size() >= kFindingsMax) break;
            one_step();
            if (options_.tell && tears_ - told >= 10'000) {
                told = tears_;
                options_.tell(std::to_string(tears_) + " tears, " + std::to_string(findings_.size()) + " findings");
            }
        }
        if (options_.planted.empty() && findings_.size() < kFindingsMax) finish_all();
        return report();
    }

  private:
    // --- Chance
    [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_() % n; }
    [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }
    // Most dangerous is a block of which all but a little is new: it may read well once.
    [[nodiscard]] Tear some_tear() {
        const std::uint64_t split = one_in(3) ? 13 + below(4) : below(17);
        return {static_cast<std::uint8_t>(split), sim::kTearRests[below(sim::kTearRests.size())]};
    }
    [[nodiscard]] card::Mac& mac() {
        if (options_.planted == "no-tag") return blind_mac_;
        return sound_mac_;
    }
    [[nodiscard]] server::UnixTime office_time() const {
        return server::UnixTime{kBegin_ms + clock_us_.load(std::memory_order_relaxed) / 1000};
    }
    void pass(Duration d) {
        now_ = now_ + d;
        clock_us_.store(now_.microseconds(), std::memory_order_relaxed);
    }
    [[nodiscard]] std::string next_id(const char* kind) { return kind + std::to_string(++orders_); }
    void mix(std::uint64_t value) {
        for (int k = 0; k < 8; ++k)
            digest_ = (digest_ ^ (value >> 8 * k & 0xFF)) * 0x100000001B3u;
    }

    void find(Kind kind, const Room& room, const std::string& words) {
        ++found_[static_cast<std::size_t>(kind)];
        if (findings_.size() < kFindingsMax)
            findings_.push_back(std::string(kKindWords[static_cast<std::size_t>(kind)]) + ": household " +
                                std::to_string(room.number.number) + ", after " + std::to_string(tears_) +
                                " tears of seed " + std::to_string(options_.seed) + ": " + words);
    }

    // --- As a meter reads a card
    [[nodiscard]] card::Copies copies_in(const M1Card::Dump& dump, std::uint8_t first, std::uint8_t second) const {
        card::Copies copies{};
        for (std::size_t slot = 0; slot < 2; ++slot)
            for (std::size_t k = 0; k < card::kRecordBytes; ++k)
                copies[slot][k] = dump[card::first_block(slot == 0 ? first : second) + k / 16u][k % 16];
        return copies;
    }
    [[nodiscard]] card::OpenedPair<card::CreditRecord> credits_on(Plastic& plastic) {
        const M1Card::Dump dump = plastic.card.dump();
        return card::open_credits(mac(), keys_, plastic.card.uid(),
                                  copies_in(dump, kLayout.credit(0), kLayout.credit(1)));
    }

    // --- The judge
    void judge(Room& room, Plastic& plastic) {
        const M1Card::Dump dump = plastic.card.dump();
        const auto credits =
            card::open_credits(mac(), keys_, plastic.card.uid(), copies_in(dump, kLayout.credit(0), kLayout.credit(1)));
        const auto returns = card::open_returns(mac(), keys_, plastic.card.uid(),
                                                copies_in(dump, kLayout.returns(0), kLayout.returns(1)));
        judge_copies(room, "CREDIT", plastic.credit_kept, credits);
        judge_copies(room, "RETURN", plastic.return_kept, returns);
        if (credits.newest) {
            const card::Ticket& ticket = credits.newest->ticket;
            if (ticket.epoch != 1 || ticket.number > room.newest() ||
                ticket.credited_hundredths != room.totals[ticket.number])
                find(Kind::kOther, room,
                     "a ticket opens that was never written: number " + std::to_string(ticket.number) + ", total " +
                         std::to_string(ticket.credited_hundredths));
            mix(ticket.number);
        }
        judge_meters();
    }
    template <class Record>
    void judge_copies(Room& room, const std::string& what, const std::optional<std::uint32_t>& kept,
                      const card::OpenedPair<Record>& pair) {
        if (!kept) {
            unreadable_after_cheats_ += !pair.newest && pair.newest.error() != card::PairError::kEmpty;
            return;
        }
        ++judged_whole_;
        if (!pair.newest)
            find(Kind::kUnreadable, room,
                 "no copy of " + what + " opens; generation " + std::to_string(*kept) + " was acknowledged");
        else if (pair.newest->generation < *kept)
            find(Kind::kUnreadable, room,
                 what + " " + std::to_string(*kept) + " was acknowledged, the newest that opens is " +
                     std::to_string(pair.newest->generation));
    }
    void judge_meters() {
        for (Room& room : rooms_) {
            const meter::Account& account = meter_->book(room.number).account;
            const std::uint32_t number = account.ticket_number;
            if (number < room.meter_number)
                find(Kind::kLost, room,
                     "the box went back from ticket " + std::to_string(room.meter_number) + " to " +
                         std::to_string(number));
            room.meter_number = number;
            mix(number);
            const std::int64_t credited = in_hundredths(account.credited, Round::kDown);
            if (number > room.newest()) {
                find(Kind::kDoubled, room,
                     "the box has ticket " + std::to_string(number) + ", which was never sold; credited " +
                         std::to_string(credited));
                continue;
            }
            if (credited == room.totals[number]) continue;
            find(credited < room.totals[number] ? Kind::kLost : Kind::kDoubled, room,
                 "the box has credited " + std::to_string(credited) + " by ticket " + std::to_string(number) +
                     "; sold were " + std::to_string(room.totals[number]));
        }
    }
    void judge_office(Room& room) {
        const auto desired = office_->desired(room.id);
        if (!desired) return find(Kind::kOther, room, "the office does not answer: " + desired.error().message);
        if (desired->ticket.number != room.newest() ||
            in_hundredths(desired->ticket.credited, Round::kDown) != room.totals.back())
            find(Kind::kOther, room, "the office's own total is not what was sold");
        if (desired->confirmed_epoch != 0 && desired->confirmed_number > room.meter_number)
            find(Kind::kBelieved, room,
                 "the office takes ticket " + std::to_string(desired->confirmed_number) +
                     " for confirmed, the box has " + std::to_string(room.meter_number));
    }

    // --- The desk
    void sell(Room& room) {
        const auto kwh = static_cast<std::int64_t>(1 + below(20));
        server::SaleOrder order;
        order.order_id = next_id("s");
        order.household = room.id;
        order.amount = fen(kwh * kFenPerKwh);
        order.operator_name = "owner";
        order.accepted_at = office_time();
        const auto sold = server::wait<server::SaleAnswer>([&](auto done) { office_->sell(order, std::move(done)); });
        if (!sold) return find(Kind::kOther, room, "a sale is refused: " + sold.error().message);
        leave_order(room);
        room.totals.push_back(room.totals.back() + kwh * 100);
        room.sales.emplace_back(sold->sale.id, kwh);
        ++sales_;
        if (sold->sale.ticket.number != room.newest())
            find(Kind::kOther, room, "a sale has ticket " + std::to_string(sold->sale.ticket.number));
    }
    server::MoneyOrder money(const char* kind) { return {next_id(kind), kClerk, "said so"}; }
    // What was bought last is taken back, as long as it is still there.
    void refund(Room& room) {
        if (room.refund || room.sales.empty()) return;
        const auto [sale, kwh] = room.sales.back();
        const std::int64_t used = in_hundredths(meter_->book(room.number).account.used, Round::kUp);
        if (room.totals.back() - used < kwh * 100) return;
        const auto answer = server::wait<server::BookingsAnswer>(
            [&, id = sale](auto done) { office_->accounts().refund({money("r"), id, std::nullopt}, std::move(done)); });
        if (!answer) return find(Kind::kOther, room, "a refund is refused: " + answer.error().message);
        leave_order(room);
        room.sales.pop_back();
        room.totals.push_back(room.totals.back() - kwh * 100);
        room.refund = PendingRefund{answer->bookings.front().id, room.newest()};
        ++refunds_;
    }
    void demand_payout(Room& room) {
        if (!room.refund) return;
        const auto answer = server::wait<server::MovementsAnswer>([&](auto done) {
            office_->accounts().pay_out({money("p"), room.refund->booking, 0, {}}, std::move(done));
        });
        if (!answer) {
            ++payouts_refused_;
            if (answer.error().reason != server::Reason::kMeterBehind)
                find(Kind::kOther, room, "a payout is refused: " + answer.error().message);
            return;
        }
        if (room.meter_number < room.refund->ticket_number)
            find(Kind::kPaid, room,
                 "paid back under ticket " + std::to_string(room.refund->ticket_number) + ", the box has " +
                     std::to_string(room.meter_number));
        // What the meter no longer had when it confirmed is given back; here nobody uses it meanwhile.
        if (!answer->bookings.empty()) find(Kind::kOther, room, "credit was given back at a payout");
        room.refund.reset();
        ++payouts_;
    }

    // Its result: whether a card was torn away. `writes`: among how many writes.
    enum class Trouble : std::uint8_t { kNone, kTorn, kGone };
    struct Planned {
        Trouble trouble = Trouble::kNone;
        std::uint64_t write = 0;
        Tear tear;
    };
    Planned plan(std::uint64_t writes, std::uint64_t exchanges) {
        field_.forget_plans();
        Planned planned;
        const std::uint64_t dice = below(16);
        if (dice < 10) {
            planned = {Trouble::kTorn, below(writes), some_tear()};
            field_.tear_at(planned.write, planned.tear);
        } else if (dice < 12) {
            planned.trouble = Trouble::kGone;
            field_.at(below(exchanges), {});
        }
        return planned;
    }
    // After a visit: what was planned and came. Leaves an empty field.
    bool count_tear(const Planned& planned, Side side, Plastic& plastic) {
        const bool left = field_.things().empty();
        field_.forget_plans();
        field_.clear();
        gone_ += left && planned.trouble == Trouble::kGone;
        const bool torn = left && planned.trouble == Trouble::kTorn;
        if (torn) {
            ++tears_;
            ++by_side_[static_cast<std::size_t>(side)];
            ++by_rest_[static_cast<std::size_t>(side)][static_cast<std::size_t>(planned.tear.rest)];
            if (side != Side::kMaking) ++by_block_[static_cast<std::size_t>(side)][planned.write];
            ++by_split_[planned.tear.split];
            in_a_row_ += plastic.was_torn;
            mix(planned.write << 16 | planned.tear.split << 8 | static_cast<std::uint64_t>(planned.tear.rest));
        }
        plastic.was_torn = torn;
        return left;
    }

    void begin_order(Room& room) {
        room.open_order = next_id("t");
        room.may_be_done = false;
    }
    static void end_order(Room& room) { room.open_order.clear(); }
    // Something has changed: an order that may be done already is not asked for again.
    static void leave_order(Room& room) {
        if (room.may_be_done) end_order(room);
    }

    void at_desk(Room& room, Plastic& plastic, bool in_peace) {
        pass(minutes(11));
        field_.forget_plans();
        field_.hold({&plastic.card});
        if (in_peace || one_in(2)) {
            const auto looked = card::desk::look(field_, *direct_, card::desk::Depth::kRecords);
            if (!looked) return find(Kind::kOther, room, "the desk cannot read a card that lies still");
            const auto credits = credits_on(plastic);
            const std::uint32_t carries = credits.newest ? credits.newest->ticket.number : 0;
            if ((plastic.credit_kept || !plastic.card.has_weak_cells()) && carries < room.newest() &&
                looked->report.text == "up_to_date")
                find(Kind::kHidden, room,
                     "the card carries ticket " + std::to_string(carries) + " of " + std::to_string(room.newest()) +
                         " and is said to be up to date");
        }
        if (room.open_order.empty() || one_in(2)) begin_order(room);
        const Planned planned = in_peace ? Planned{} : plan(3, 42);
        if (!in_peace && planned.trouble == Trouble::kNone && one_in(2)) {
            lossy_->loses = one_in(2) ? LossyOffice::Lost::kQuestion : LossyOffice::Lost::kAnswer;
            ++unheard_;
        }
        const bool heard = lossy_->loses == LossyOffice::Lost::kNothing;
        room.may_be_done = room.may_be_done || lossy_->loses == LossyOffice::Lost::kAnswer;
        const auto done = card::desk::carry_out(field_, *lossy_, {OrderKind::kTicket, room.open_order, 0, 0, ""});
        lossy_->loses = LossyOffice::Lost::kNothing;
        const bool left = count_tear(planned, Side::kDesk, plastic);
        if (done) {
            end_order(room);
            const auto credits = credits_on(plastic);
            if (!credits.newest || credits.newest->ticket.number != room.newest())
                find(Kind::kLost, room,
                     "the desk has acknowledged ticket " + std::to_string(room.newest()) +
                         ", and it does not stand on the card");
            else
                plastic.credit_kept = credits.newest->generation;
            ++acknowledged_;
            remember_only(room, plastic);
            if (options_.planted == "early-payout") believe_the_card(room);
        } else if (!left && heard) {
            find(Kind::kUnfinished, room,
                 "nothing disturbed the desk, and it failed: fault " +
                     std::to_string(static_cast<int>(done.error().fault)) + " " + done.error().office.code + " " +
                     done.error().office.message);
        }
        if (!heard) remember_only(room, plastic);
        judge(room, plastic);
        judge_office(room);
        demand_payout(room);
    }
    // What desk and box remember is about the card that lay there last; of its copies they know nothing.
    static void remember_only(Room& room, const Plastic& plastic) {
        for (Plastic* other : {room.card.get(), room.twin.get()})
            if (other && other != &plastic) other->forget();
    }
    // The planted defect: what stands on the card counts as the meter's.
    void believe_the_card(Room& room) {
        const auto desired = office_->desired(room.id);
        server::MeterEffect effect;
        effect.epoch = desired->ticket.epoch;
        effect.ticket_number = desired->ticket.number;
        effect.remaining = desired->ticket.credited - meter_->book(room.number).account.used;
        (void)server::wait<server::Done>(
            [&](auto done) { office_->record_effect(room.id, effect, office_time(), std::move(done)); });
    }

    // --- The box
    void at_meter(Room& room, Plastic& plastic, bool in_peace) {
        pass(minutes(11));
        const bool is_theirs = &plastic == room.card.get() || &plastic == room.twin.get();
        if (!room.refund && one_in(2)) {
            const meter::Account& account = meter_->book(room.number).account;
            const std::int64_t left = in_hundredths(account.remaining(), Round::kDown);
            if (account.is_open() && left > 1) {
                const std::int64_t used =
                    1 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(left) / 2 + 1));
                meter_->use(room.number, std::min<std::int64_t>(used, 50'000));
            }
        }
        const auto credits = credits_on(plastic);
        const std::uint32_t kept_before = meter_->book(room.number).card.return_kept;
        field_.forget_plans();
        field_.hold({&plastic.card});
        const Planned planned = in_peace ? Planned{} : plan(3, 40);
        const bool cuts = !in_peace && one_in(4);
        if (cuts) {
            constexpr int kDamages[] = {-1, 0, 255, 256};
            meter_->cut_at(static_cast<std::int64_t>(below(320)), kDamages[below(4)]);
        }
        // The supply goes, and the field with it, while the card writes.
        const bool goes_too = planned.trouble == Trouble::kTorn && one_in(3);
        bool alive = meter_->run(milliseconds(1200), goes_too);
        if (alive && goes_too && field_.things().empty()) {
            alive = false;
            ++cuts_with_tears_;
        }
        if (!alive) {
            ++cuts_;
            pass(seconds(1));
            meter_->start();
            // Half of the time it still lies there, or again, when the supply is back.
            if (one_in(2)) (void)meter_->run(milliseconds(1200));
        } else if (cuts) {
            meter_->cut_at(-1, -1);
        }
        const bool left = count_tear(planned, Side::kMeter, plastic);
        (void)meter_->run(milliseconds(800));
        clock_us_.store(now_.microseconds(), std::memory_order_relaxed);
        const std::uint32_t kept = meter_->book(room.number).card.return_kept;
        if (kept != kept_before) {
            plastic.return_kept = kept;
            ++returns_kept_;
            for (Plastic* other : {room.card.get(), room.twin.get(), room.lost.get()})
                if (other && other != &plastic) other->return_kept.reset();
        }
        judge(room, plastic);
        // What was not acknowledged and has weak cells read well just now, and need not do so for the box.
        const bool may_fade =
            plastic.card.has_weak_cells() && credits.newest && plastic.credit_kept != credits.newest->generation;
        if (is_theirs && alive && !left && credits.newest && !may_fade &&
            room.meter_number < credits.newest->ticket.number)
            find(Kind::kUnfinished, room,
                 "nothing disturbed the box, the card carries ticket " + std::to_string(credits.newest->ticket.number) +
                     " and it has " + std::to_string(room.meter_number));
    }

    // --- Cards come and go
    [[nodiscard]] card::Uid next_uid() {
        const std::uint32_t n = ++plastics_;
        if (n % 3 == 0)
            return card::uid_of(std::array<Byte, 7>{0x04, 0x51, static_cast<Byte>(n >> 24), static_cast<Byte>(n >> 16),
                                                    static_cast<Byte>(n >> 8), static_cast<Byte>(n), 0x80});
        return card::uid_of(
            std::array<Byte, 4>{0x51, static_cast<Byte>(n >> 16), static_cast<Byte>(n >> 8), static_cast<Byte>(n)});
    }
    [[nodiscard]] server::CardId live_card_of(const Room& room) {
        const auto list = office_->cards().cards(room.id, {}, 1);
        if (!list || list->empty() || !server::is_live(list->front().state)) return {};
        return list->front().id;
    }
    // Onto this plastic, or onto a new one. Ends with a whole card in the room.
    void make_card(Room& room, std::unique_ptr<Plastic> plastic, bool torn) {
        end_order(room);
        room.twin.reset();
        std::string id;
        std::int64_t replaces = 0;
        for (int attempt = 0; attempt < 40; ++attempt) {
            if (!plastic) {
                plastic = std::make_unique<Plastic>(next_uid(), random_());
                id.clear();
            }
            if (id.empty()) {
                id = next_id("i");
                replaces = live_card_of(room).value;
            }
            pass(minutes(11));
            field_.forget_plans();
            field_.hold({&plastic->card});
            Planned planned;
            if (torn && attempt < 3) {
                planned = {Trouble::kTorn, below(23), some_tear()};
                field_.tear_at(planned.write, planned.tear);
            }
            const auto done =
                card::desk::carry_out(field_, *direct_, {OrderKind::kIssue, id, room.id.value, replaces, "moved in"});
            const bool left = count_tear(planned, Side::kMaking, *plastic);
            if (done) {
                plastic->forget();
                plastic->dumps.clear();
                const auto credits = credits_on(*plastic);
                if (credits.newest) plastic->credit_kept = credits.newest->generation;
                if (room.newest() > 0 && (!credits.newest || credits.newest->ticket.number != room.newest()))
                    find(Kind::kLost, room, "a card that was just made does not carry what was sold");
                room.card = std::move(plastic);
                ++made_;
                return;
            }
            if (left) continue;
            if (done.error().office.code != "card_not_usable" && done.error().fault != card::desk::Fault::kRefused)
                find(Kind::kOther, room,
                     "a card cannot be made: fault " + std::to_string(static_cast<int>(done.error().fault)) + " " +
                         done.error().office.message);
            // A trailer that was torn within its access bits: the plastic is gone, nothing else.
            ++plastics_lost_;
            plastic.reset();
        }
        throw BrokenOff{"no card can be made for household " + std::to_string(room.number.number)};
    }
    void replace(Room& room) {
        room.lost = std::move(room.card);
        ++replaced_;
        make_card(room, nullptr, one_in(2));
    }
    void take_back(Room& room) {
        const auto ended = server::wait<server::CardRecord>([&](auto done) {
            office_->cards().end({live_card_of(room), server::CardState::kTakenBack, kClerk, "moves out"},
                                 std::move(done));
        });
        if (!ended) return find(Kind::kOther, room, "a card is not taken back: " + ended.error().message);
        ++taken_back_;
        const std::string id = next_id("f");
        std::unique_ptr<Plastic> plastic = std::move(room.card);
        for (int attempt = 0; attempt < 2; ++attempt) {
            field_.forget_plans();
            field_.hold({&plastic->card});
            Planned planned;
            if (attempt == 0 && one_in(2)) {
                planned = {Trouble::kTorn, below(36), some_tear()};
                field_.tear_at(planned.write, planned.tear);
            }
            const auto done = card::desk::carry_out(field_, *direct_, {OrderKind::kFormat, id, 0, 0, ""});
            const bool left = count_tear(planned, Side::kMaking, *plastic);
            if (done) return make_card(room, std::move(plastic), one_in(4));
            if (!left) break;
        }
        ++plastics_lost_;
        make_card(room, nullptr, false);
    }

    // --- Cheats. Sectors with CREDIT and RETURN; every key is known to them.
    void cheat(Room& room) {
        Plastic& plastic = *room.card;
        leave_order(room);
        const auto some_sector = [&] { return static_cast<std::uint8_t>(kLayout.credit(0) + below(4)); };
        const auto copy_block = [](M1Card::Dump& to, std::size_t at, const M1Card::Dump& from, std::size_t source) {
            to[at] = from[source];
        };
        const std::uint64_t kind = below(6);
        ++cheats_[kind];
        mix(kind);
        switch (kind) {
            case 0: {  // the state of last week
                if (plastic.dumps.empty()) return;
                plastic.card.overwrite(plastic.dumps[below(plastic.dumps.size())]);
                plastic.forget();
                break;
            }
            case 1:  // a copy with the same number; both are in use from now on
                room.twin = std::make_unique<Plastic>(plastic);
                room.twin->forget();
                return;
            case 2: {  // blocks of two states, copies that change places, CREDIT where RETURN belongs
                M1Card::Dump dump = plastic.card.dump();
                const M1Card::Dump from = plastic.dumps.empty() ? dump : plastic.dumps[below(plastic.dumps.size())];
                const std::uint8_t to = some_sector();
                const std::uint8_t source = one_in(2) ? to : some_sector();
                for (std::size_t block = 0; block < 3; ++block)
                    if (one_in(2))
                        copy_block(dump, card::first_block(to) + block, from, card::first_block(source) + block);
                plastic.card.overwrite(dump);
                plastic.forget();
                break;
            }
            case 3: {  // the neighbour's figures on the own card
                Room& other = rooms_[below(rooms_.size())];
                M1Card::Dump dump = plastic.card.dump();
                const M1Card::Dump from = other.card->card.dump();
                for (std::uint8_t sector = kLayout.credit(0); sector <= kLayout.returns(1); ++sector)
                    for (std::size_t block = 0; block < 3; ++block)
                        copy_block(dump, card::first_block(sector) + block, from, card::first_block(sector) + block);
                if (&other == &room) return;
                plastic.card.overwrite(dump);
                plastic.forget();
                break;
            }
            case 4: {  // some bits of an amount
                M1Card::Dump dump = plastic.card.dump();
                for (std::uint64_t k = 1 + below(3); k > 0; --k)
                    dump[card::first_block(some_sector()) + below(3)][below(16)] ^= static_cast<Byte>(1u << below(8));
                plastic.card.overwrite(dump);
                plastic.forget();
                break;
            }
            default: {  // the same contents under another number: seen by the box, and thrown away
                Plastic copy(next_uid(), random_());
                copy.card = plastic.card.clone_as(copy.card.uid());
                at_meter(room, copy, true);
                return;
            }
        }
        if (one_in(2)) at_meter(room, plastic, one_in(2));
    }

    void one_step() {
        Room& room = rooms_[below(rooms_.size())];
        const std::uint64_t dice = below(100);
        if (dice < 1) return one_in(3) ? take_back(room) : replace(room);
        if (dice < 3 && room.lost) return at_meter(room, *room.lost, one_in(2));
        if (dice < 11) return cheat(room);
        if (dice < 14) return refund(room);
        if (room.twin) leave_order(room);
        Plastic& plastic = room.twin && one_in(3) ? *room.twin : *room.card;
        if (room.twin && &plastic == room.card.get() && one_in(6)) room.twin.reset();
        if (one_in(8)) {
            plastic.dumps.push_back(plastic.card.dump());
            if (plastic.dumps.size() > 6) plastic.dumps.erase(plastic.dumps.begin());
        }
        if (dice < 58) {
            if (!one_in(3) || room.newest() == 0) sell(room);
            return at_desk(room, plastic, false);
        }
        at_meter(room, plastic, false);
    }

    // Nobody disturbs any more: whatever was sold is at its meter, and the office knows.
    void finish_all() {
        for (Room& room : rooms_) {
            if (room.newest() == 0) continue;
            at_desk(room, *room.card, true);
            at_meter(room, *room.card, true);
            at_desk(room, *room.card, true);
            if (room.meter_number != room.newest())
                find(Kind::kLost, room,
                     "at the end the box has ticket " + std::to_string(room.meter_number) + " of " +
                         std::to_string(room.newest()));
            const auto desired = office_->desired(room.id);
            if (!desired || desired->confirmed_number != room.newest())
                find(Kind::kOther, room, "at the end the office does not know that the box has everything");
            if (room.refund) find(Kind::kOther, room, "at the end a refund is not paid out");
        }
        office_.reset();
        const auto check = store::check_ledger(office_options_.url);
        if (!check || !check->balanced)
            find(Kind::kOther, rooms_.front(), "the ledger: " + (check ? check->problem : check.error().message));
    }

    [[nodiscard]] CardReport report() {
        CardReport out;
        using bench::Goal;
        const auto row = [&](const std::string& name, std::int64_t value, const std::string& unit, Goal goal,
                             std::int64_t bound, const std::string& compared) {
            out.figures.rows.push_back(
                {name, static_cast<double>(value), unit, goal, static_cast<double>(bound), compared});
        };
        row("tears", tears_, "", Goal::kAtLeast, options_.tears, "asked for");
        row("tears at the desk", by_side_[0], "", Goal::kAtLeast, options_.tears / 5, "in a write of CREDIT");
        row("tears at the box", by_side_[1], "", Goal::kAtLeast, options_.tears / 5, "in a write of RETURN");
        row("tears of a card that was torn at its visit before", in_a_row_, "", Goal::kAtLeast, options_.tears / 10,
            "two in a row and more");
        row("cuts of the box's supply", cuts_, "", Goal::kAtLeast, options_.tears / 20,
            "at a byte that it stores, or with the card's write");
        for (std::size_t kind = 0; kind < kKinds; ++kind)
            row(kKindWords[kind], found_[kind], "", Goal::kAtMost, 0, "findings");
        row("sales", sales_, "", Goal::kAtLeast, options_.tears / 10, "each credited once");
        row("looks at a card with something acknowledged on it", judged_whole_, "", Goal::kAtLeast, options_.tears / 2,
            "each time it opened");
        out.findings = findings_;
        out.digest = digest_;
        out.what_happened = happened();
        return out;
    }
    [[nodiscard]] std::string happened() const {
        const auto n = [](auto value) { return std::to_string(value); };
        std::string text = "tears by side:";
        for (std::size_t side = 0; side < std::size(kSideWords); ++side) {
            text += "\n  " + std::string(kSideWords[side]) + ": " + n(by_side_[side]) + ";";
            for (std::size_t rest = 0; rest < std::size(kRestWords); ++rest)
                text += " " + std::string(kRestWords[rest]) + " " + n(by_rest_[side][rest]);
            if (side < 2)
                text += "; in the body " + n(by_block_[side][0]) + ", the header " + n(by_block_[side][1]) +
                        ", the tag " + n(by_block_[side][2]);
        }
        text += "\nbytes that were new:";
        for (std::size_t split = 0; split < by_split_.size(); ++split)
            text += " " + n(split) + ": " + n(by_split_[split]);
        text += "\ncards gone between two exchanges " + n(gone_) + ", reports of the desk unheard " + n(unheard_) +
                ", cuts of the supply " + n(cuts_) + ", together with a tear " + n(cuts_with_tears_);
        text += "\nsales " + n(sales_) + ", tickets acknowledged at the desk " + n(acknowledged_) +
                ", states acknowledged at the box " + n(returns_kept_);
        text += "\nrefunds " + n(refunds_) + ", payouts " + n(payouts_) + ", payouts demanded too early and refused " +
                n(payouts_refused_);
        text += "\ncheats: old state " + n(cheats_[0]) + ", copy of the same number " + n(cheats_[1]) + ", spliced " +
                n(cheats_[2]) + ", the neighbour's " + n(cheats_[3]) + ", edited " + n(cheats_[4]) +
                ", copy of another number " + n(cheats_[5]) +
                "; looks at a card with nothing acknowledged on it, of which no copy opened " +
                n(unreadable_after_cheats_);
        text += "\ncards made " + n(made_) + ", replaced " + n(replaced_) + ", taken back " + n(taken_back_) +
                ", plastic lost to a torn trailer " + n(plastics_lost_) + "\n";
        return text;
    }

    CardOptions options_;
    std::mt19937_64 random_;
    TemporaryFolder folder_;
    Instant now_ = Instant{} + seconds(1);
    std::atomic<std::int64_t> clock_us_{1'000'000};  // now_, for the office's threads
    card::OpensslMac sound_mac_;
    BlindMac blind_mac_;
    sim::Field field_;
    store::OfficeOptions office_options_;
    std::unique_ptr<server::Office> office_;
    std::optional<ForgetfulCards> forgetful_;
    std::optional<server::desk::OfficeDesk> desk_;
    std::optional<DirectOffice> direct_;
    std::optional<LossyOffice> lossy_;
    std::optional<Meter> meter_;
    card::SiteMasters masters_{};
    card::RecordKeys keys_{};
    std::vector<Room> rooms_;

    std::vector<std::string> findings_;
    std::array<std::int64_t, kKinds> found_{};
    std::uint64_t digest_ = 0xCBF29CE484222325u;
    std::int64_t tears_ = 0;
    std::int64_t in_a_row_ = 0;
    std::array<std::int64_t, 3> by_side_{};
    std::array<std::array<std::int64_t, sim::kTearRests.size()>, 3> by_rest_{};
    std::array<std::array<std::int64_t, 3>, 2> by_block_{};
    std::array<std::int64_t, 17> by_split_{};
    std::array<std::int64_t, 6> cheats_{};
    std::int64_t orders_ = 0;
    std::uint32_t plastics_ = 0;
    std::int64_t gone_ = 0;
    std::int64_t unheard_ = 0;
    std::int64_t cuts_ = 0;
    std::int64_t cuts_with_tears_ = 0;
    std::int64_t sales_ = 0;
    std::int64_t refunds_ = 0;
    std::int64_t payouts_ = 0;
    std::int64_t payouts_refused_ = 0;
    std::int64_t acknowledged_ = 0;
    std::int64_t returns_kept_ = 0;
    std::int64_t judged_whole_ = 0;
    std::int64_t unreadable_after_cheats_ = 0;
    std::int64_t made_ = 0;
    std::int64_t replaced_ = 0;
    std::int64_t taken_back_ = 0;
    std::int64_t plastics_lost_ = 0;
};

}  // namespace

CardReport torture_cards(const CardOptions& options) {
    return Campaign(options).run();
}

}  // namespace prewatt::torture

#include "bench/card_at_desk.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "card/desk/desk.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/uid.hpp"
#include "server/desk/office_desk.hpp"
#include "server/domain/wait.hpp"
#include "server/store/open_office.hpp"
#include "sim/card/field.hpp"
#include "tests/desk/direct_office.hpp"

namespace prewatt::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

// Each exchange takes its time, as over the air and a reader's wire.
class SlowReader final : public card::M1Reader {
  public:
    SlowReader(card::M1Reader& reader, Duration exchange) : reader_(reader), exchange_(exchange.count()) {}
    std::expected<card::Uid, card::CardFault> select() override {
        pass();
        return reader_.select();
    }
    std::expected<void, card::CardFault> authenticate(std::uint8_t block, card::KeyKind kind,
                                                      const card::SectorKey& key) override {
        pass();
        return reader_.authenticate(block, kind, key);
    }
    std::expected<card::Block, card::CardFault> read(std::uint8_t block) override {
        pass();
        return reader_.read(block);
    }
    std::expected<void, card::CardFault> write(std::uint8_t block, const card::Block& data) override {
        pass();
        return reader_.write(block, data);
    }
    int exchanges = 0;

  private:
    void pass() {
        ++exchanges;
        std::this_thread::sleep_for(exchange_);
    }
    card::M1Reader& reader_;
    std::chrono::microseconds exchange_;
};

class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / ("prewatt-bench-card-" + std::to_string(getpid()))) {
        fs::create_directories(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

}  // namespace

DeskSales sell_at_desk(int sales, Duration exchange) {
    DeskSales out;
    const Folder folder;
    server::store::OfficeOptions options;
    options.url = (folder.path() / "office.db").string();
    options.clock = [] {
        return server::UnixTime{
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count()};
    };
    options.cheap_password_hash = true;
    const auto made = server::store::create_demo(
        options, {.name = "Bench", .owner_user = "owner", .owner_password = "correct horse", .price = {}}, {});
    if (!made) {
        out.problem = made.error().message;
        return out;
    }
    auto office = server::store::open_office(options);
    if (!office) {
        out.problem = office.error().message;
        return out;
    }
    const server::Actor clerk{"owner", "desk"};
    card::OpensslMac mac;
    server::desk::OfficeDesk desk((*office)->cards(), mac, card::Key{7, 7, 7});
    DirectOffice direct(desk, clerk);
    const auto rooms = (*office)->find_households("", 1);
    if (!rooms || rooms->empty()) {
        out.problem = "the office has no rooms";
        return out;
    }
    const server::HouseholdId household = rooms->front().id;
    sim::M1Card plastic(card::uid_of(std::array<Byte, 4>{0x21, 0x22, 0x23, 0x24}));
    sim::Field field;
    field.put(plastic);
    const auto issued =
        card::desk::carry_out(field, direct, {card::desk::OrderKind::kIssue, "issue", household.value, 0, "moved in"});
    if (!issued) {
        out.problem = "no card was made: " + issued.error().office.message;
        return out;
    }
    for (int n = 0; n < sales; ++n) {
        SlowReader reader(field, exchange);
        const auto began = steady_clock::now();
        // As `prewatt card sell` and the page do it: whose is it, the sale, the newest ticket onto it.
        const auto looked = card::desk::look(reader, direct, card::desk::Depth::kRecords);
        server::SaleOrder order;
        order.order_id = "sale-" + std::to_string(n);
        order.household = household;
        order.amount = fen(6400);
        order.operator_name = clerk.user;
        const auto sold = server::wait<server::SaleAnswer>([&](auto done) { (*office)->sell(order, std::move(done)); });
        const auto written = card::desk::carry_out(
            reader, direct, {card::desk::OrderKind::kTicket, "ticket-" + std::to_string(n), 0, 0, ""});
        const std::chrono::duration<double> took = steady_clock::now() - began;
        const auto known = (*office)->cards().cards(household, {}, 1);
        const bool is_on_card = looked && sold && written && known && !known->empty() &&
                                known->front().carries.number == sold->sale.ticket.number &&
                                known->front().carries.credited == sold->sale.ticket.credited;
        if (!is_on_card) {
            out.problem = "sale " + std::to_string(n) + " did not reach the card" +
                          (written ? "" : ": " + written.error().office.message);
            return out;
        }
        out.took.push_back(took.count());
        out.exchanges.push_back(reader.exchanges);
    }
    return out;
}

}  // namespace prewatt::bench

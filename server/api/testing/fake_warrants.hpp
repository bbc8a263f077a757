// One warrant on a card, number 1: for the tests of the routes.
#pragma once
#include "server/domain/warrants.hpp"

namespace prewatt::server::api {

class FakeWarrants final : public Warrants {
  public:
    FakeWarrants() {
        record.id = WarrantId{1};
        record.wish.kind = CardKind::kRestore;
        record.wish.boxes = {2026000001};
        record.wish.restored = {true, false, true};
        record.state = WarrantState::kOnCard;
        record.asked_by = {"technician", "desk"};
        record.reason = "kettle is gone";
        record.card = CardId{1};
        CardRight& right = record.rights.emplace_back();
        right.box_number = 2026000001;
        right.sequence = 77;
        right.until = UnixTime{3'600'000};
        right.receipt = RightReceipt{77, 0, UnixTime{1000}};
        right.told_at = UnixTime{2000};
        record.states = {RightState::kCarriedOut};
    }
    Answer<WarrantRecord> warrant(WarrantId id) override {
        if (id.value != 1) return none();
        return record;
    }
    Answer<std::vector<WarrantRecord>> warrants(WarrantId, int) override { return std::vector{record}; }
    Answer<WarrantRecord> of_card(CardId) override { return record; }
    Answer<WarrantOrdered> ordered(CardWriteId) override { return none(); }
    void ask(WarrantOrder order, WhenDone<WarrantRecord> done) override {
        if (auto bad = check_wish(order.wish)) return done(std::unexpected(*bad));
        asked = order;
        WarrantRecord made = record;
        made.wish = order.wish;
        done(made);
    }
    void withdraw(WarrantId id, Actor, std::string, WhenDone<WarrantRecord> done) override { done(warrant(id)); }
    void write(WarrantWrite, WhenDone<WarrantOrdered> done) override { done(none()); }
    void take_receipt(CardId, std::uint64_t, RightReceipt, Actor, WhenDone<WarrantRecord> done) override {
        done(none());
    }

    WarrantRecord record;
    WarrantOrder asked;

  private:
    static std::unexpected<Refusal> none() {
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such warrant.", 0});
    }
};

}  // namespace prewatt::server::api

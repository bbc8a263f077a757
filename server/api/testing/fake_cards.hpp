// One card of household 1, number 1, and a desk that answers about it: for the tests of the routes.
#pragma once
#include "server/domain/card_desk.hpp"

namespace prewatt::server::api {

class FakeCards : public Cards {
  public:
    FakeCards() {
        CardRecord& card = list.emplace_back();
        card.id = CardId{1};
        card.uid = "A1B2C3D4";
        card.household = HouseholdId{1};
        card.room = "3-0101";
        card.state = CardState::kWritten;
        card.box_number = 2026000001;
        card.generation = 4;
        card.carries = {1, 2, credit_of_hundredths(5000)};
        card.said.emplace().remaining = credit_of_hundredths(1200);
        card.said->hints = 1;
    }
    Answer<CardRecord> card(CardId id) override {
        if (id.value != 1) return none();
        return list.front();
    }
    Answer<std::vector<CardRecord>> cards(HouseholdId, CardId, int) override { return list; }
    Answer<std::vector<CardWrite>> writes(CardId, int) override { return std::vector<CardWrite>(1); }
    Answer<CardWrite> write(CardWriteId) override { return none(); }
    Answer<bool> may_release_lockout() override { return may_release; }
    void see(CardSight, Actor, WhenDone<CardSeen> done) override { done(CardSeen{}); }
    void issue(CardIssue, WhenDone<CardOrdered> done) override { done(none()); }
    void order_ticket(CardTicketOrder, WhenDone<CardOrdered> done) override { done(none()); }
    void order_format(CardFormatOrder, WhenDone<CardWrite> done) override { done(none()); }
    void written(CardWriteId, Actor, WhenDone<CardRecord> done) override { done(none()); }
    void end(CardEnd order, WhenDone<CardRecord> done) override {
        if (order.card.value != 1) return done(none());
        list.front().state = order.how;
        list.front().why = order.reason;
        done(list.front());
    }
    void set_may_release_lockout(bool may, Actor, std::string, WhenDone<Done> done) override {
        may_release = may;
        done(Done{});
    }

    std::vector<CardRecord> list;
    bool may_release = false;

  private:
    static std::unexpected<Refusal> none() {
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such card.", 0});
    }
};

class FakeDesk final : public CardDesk {
  public:
    explicit FakeDesk(FakeCards& cards) : cards_(cards) {}
    Answer<DeskKeys> keys(std::string_view uid) override {
        if (!is_uid_text(uid)) return std::unexpected(Refusal{Reason::kCardNotUsable, "No card has this number.", 0});
        return DeskKeys{};
    }
    Answer<DeskReport> look(const DeskSight& sight, const Actor&) override {
        seen = sight;
        DeskReport report;
        report.seen.finding = CardFinding::kUpToDate;
        report.seen.card = cards_.list.front();
        report.seen.newest = cards_.list.front().carries;
        report.identity = SeenIdentity{CardId{1}, CardKind::kHousehold, 1, 1};
        report.identity_state = "good";
        return report;
    }
    Answer<DeskPlan> order(const DeskOrder& order, const DeskSight& sight, const Actor&) override {
        seen = sight;
        ordered = order;
        return DeskPlan{CardWriteId{9}, cards_.list.front(), false, {{2, false, std::vector<std::uint8_t>(48, 0xC1)}}};
    }
    Answer<CardRecord> done(CardWriteId, const DeskSight& sight, const Actor&) override {
        seen = sight;
        return cards_.list.front();
    }
    DeskSight seen;
    DeskOrder ordered;

  private:
    FakeCards& cards_;
};

}  // namespace prewatt::server::api

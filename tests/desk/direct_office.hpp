// The way from a desk to the office without wires: what HTTP and JSON do elsewhere is a copy from field to field here.
#pragma once
#include "card/desk/desk.hpp"
#include "server/desk/office_desk.hpp"
#include "server/domain/card_desk.hpp"

namespace prewatt {

class DirectOffice final : public card::desk::Office {
  public:
    DirectOffice(server::CardDesk& desk, server::Actor who) : desk_(desk), who_(std::move(who)) {}

    Answer<card::desk::CardKeys> keys(const card::Uid& uid) override {
        const auto keys = desk_.keys(server::desk::text_of(uid));
        if (!keys) return refusal_of(keys.error());
        card::desk::CardKeys out;
        out.layout.base = keys->base;
        for (std::size_t k = 0; k < out.sectors.size(); ++k)
            out.sectors[k] = {keys->sectors[k].a, keys->sectors[k].b};
        return out;
    }
    Answer<card::desk::Report> look(const card::desk::Sight& sight) override {
        const auto report = desk_.look(sight_of(sight), who_);
        if (!report) return refusal_of(report.error());
        last = *report;
        return card::desk::Report{std::string{server::word(report->seen.finding)}};
    }
    Answer<card::desk::Plan> order(const card::desk::Order& order, const card::desk::Sight& sight) override {
        server::DeskOrder wanted;
        constexpr server::CardWriteKind kinds[] = {server::CardWriteKind::kIssue, server::CardWriteKind::kTicket,
                                                   server::CardWriteKind::kFormat, server::CardWriteKind::kIssue};
        wanted.kind = kinds[static_cast<int>(order.kind)];
        wanted.order_id = order.order_id;
        wanted.household = server::HouseholdId{order.household};
        wanted.replaces = server::CardId{order.replaces};
        wanted.reason = order.reason;
        wanted.warrant = server::WarrantId{order.warrant};
        const auto plan = desk_.order(wanted, sight_of(sight), who_);
        if (!plan) return refusal_of(plan.error());
        card::desk::Plan out;
        out.write = plan->write.value;
        for (const server::DeskStep& step : plan->steps) {
            card::desk::Step one;
            one.sector = step.sector;
            one.is_trailer = step.is_trailer;
            if (step.is_trailer)
                std::copy(step.bytes.begin(), step.bytes.end(), one.trailer.begin());
            else
                std::copy(step.bytes.begin(), step.bytes.end(), one.record.begin());
            out.steps.push_back(one);
        }
        return out;
    }
    Answer<card::desk::Report> done(std::int64_t write, const card::desk::Sight& read_back) override {
        const auto card = desk_.done(server::CardWriteId{write}, sight_of(read_back), who_);
        if (!card) return refusal_of(card.error());
        return card::desk::Report{std::string{server::word(card->state)}};
    }

    server::DeskReport last;  // of look()

  private:
    static std::unexpected<card::desk::OfficeRefusal> refusal_of(const server::Refusal& refusal) {
        return std::unexpected(
            card::desk::OfficeRefusal{std::string{server::word(refusal.reason)}, refusal.message, 409});
    }
    static server::DeskSight sight_of(const card::desk::Sight& sight) {
        server::DeskSight out;
        out.uid = server::desk::text_of(sight.uid);
        for (const card::desk::SectorSight& one : sight.sectors)
            out.sectors.push_back({one.sector, static_cast<server::SectorOpens>(one.opens), one.record});
        return out;
    }

    server::CardDesk& desk_;
    server::Actor who_;
};

}  // namespace prewatt

// The office's cards for a desk that waits: what is asked for is written at once, in a turn of the office of its own,
// and an office that dies meanwhile is a refusal. So the piece of the product that seals (server/desk), which blocks
// its thread elsewhere, runs in virtual time.
#pragma once
#include <functional>
#include <memory>

#include "server/domain/cards.hpp"

namespace prewatt::campus {

class CardsAtOnce final : public server::Cards {
  public:
    template <class T>
    using Answer = server::Answer<T>;
    template <class T>
    using WhenDone = server::WhenDone<T>;

    // `turn` writes what waits; false: nobody is there any more to do it.
    CardsAtOnce(server::Cards& cards, std::function<bool()> turn) : cards_(cards), turn_(std::move(turn)) {}

    Answer<server::CardRecord> card(server::CardId id) override { return cards_.card(id); }
    Answer<std::vector<server::CardRecord>> cards(server::HouseholdId household, server::CardId before,
                                                  int limit) override {
        return cards_.cards(household, before, limit);
    }
    Answer<std::vector<server::CardWrite>> writes(server::CardId card, int limit) override {
        return cards_.writes(card, limit);
    }
    Answer<server::CardWrite> write(server::CardWriteId id) override { return cards_.write(id); }
    Answer<bool> may_release_lockout() override { return cards_.may_release_lockout(); }

    void see(server::CardSight sight, server::Actor who, WhenDone<server::CardSeen> done) override {
        at_once<server::CardSeen>(std::move(done),
                                  [&](auto then) { cards_.see(std::move(sight), std::move(who), std::move(then)); });
    }
    void issue(server::CardIssue order, WhenDone<server::CardOrdered> done) override {
        at_once<server::CardOrdered>(std::move(done),
                                     [&](auto then) { cards_.issue(std::move(order), std::move(then)); });
    }
    void order_ticket(server::CardTicketOrder order, WhenDone<server::CardOrdered> done) override {
        at_once<server::CardOrdered>(std::move(done),
                                     [&](auto then) { cards_.order_ticket(std::move(order), std::move(then)); });
    }
    void order_format(server::CardFormatOrder order, WhenDone<server::CardWrite> done) override {
        at_once<server::CardWrite>(std::move(done),
                                   [&](auto then) { cards_.order_format(std::move(order), std::move(then)); });
    }
    void written(server::CardWriteId write, server::Actor who, WhenDone<server::CardRecord> done) override {
        at_once<server::CardRecord>(std::move(done),
                                    [&](auto then) { cards_.written(write, std::move(who), std::move(then)); });
    }
    void end(server::CardEnd end, WhenDone<server::CardRecord> done) override {
        at_once<server::CardRecord>(std::move(done), [&](auto then) { cards_.end(std::move(end), std::move(then)); });
    }
    void set_may_release_lockout(bool may, server::Actor who, std::string reason,
                                 WhenDone<server::Done> done) override {
        at_once<server::Done>(std::move(done), [&](auto then) {
            cards_.set_may_release_lockout(may, std::move(who), std::move(reason), std::move(then));
        });
    }

  private:
    template <class T, class Begin>
    void at_once(WhenDone<T> done, Begin&& begin) {
        const auto answer = std::make_shared<std::optional<Answer<T>>>();
        begin(WhenDone<T>([answer](const Answer<T>& said) {
            if (!*answer) *answer = said;
        }));
        for (bool there = true; there && !*answer;)
            there = turn_();
        if (!*answer)
            *answer = std::unexpected(server::Refusal{server::Reason::kStorageFailed, "The office did not answer.", 0});
        done(**answer);
    }

    server::Cards& cards_;
    std::function<bool()> turn_;
};

}  // namespace prewatt::campus

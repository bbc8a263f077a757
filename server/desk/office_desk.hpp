// The office's half of a desk (server/domain/card_desk.hpp): opens what a reader saw, seals what is written. The only
// place of the office where card records and its books meet.
//
// Decides: which sectors a card of ours has and in which order they are written (trailers first; the ticket; the
// identity last, so that a card is one of ours only when all of it stands), which copy a ticket goes into
// (card/copies), and that a card holds nothing of who had the plastic before.
//
// A card with rights (rights.cpp): parameters, then the rights, then the identity. What the boxes of its first two
// rights said stands in the sectors of RETURN, and is told to the warrants whenever the card is looked at.
#pragma once
#include <mutex>

#include "card/card_keys.hpp"
#include "card/layout.hpp"
#include "server/domain/card_desk.hpp"

namespace prewatt::server::desk {

// A card's number as the books and the API write it: capital hexadecimal digits.
[[nodiscard]] std::string text_of(const card::Uid& uid);

class OfficeDesk final : public CardDesk {
  public:
    // All outlive it. `mac` is asked by one thread at a time. Without `warrants` it makes no cards with rights.
    OfficeDesk(Cards& cards, card::Mac& mac, const card::Key& master, card::Layout layout = {},
               Warrants* warrants = nullptr);
    ~OfficeDesk() override;
    OfficeDesk(const OfficeDesk&) = delete;
    OfficeDesk& operator=(const OfficeDesk&) = delete;

    [[nodiscard]] Answer<DeskKeys> keys(std::string_view uid) override;
    [[nodiscard]] Answer<DeskReport> look(const DeskSight& sight, const Actor& who) override;
    [[nodiscard]] Answer<DeskPlan> order(const DeskOrder& order, const DeskSight& sight, const Actor& who) override;
    [[nodiscard]] Answer<CardRecord> done(CardWriteId write, const DeskSight& read_back, const Actor& who) override;

  private:
    Answer<DeskPlan> order_issue(const DeskOrder& order, const DeskSight& sight, const Actor& who);
    Answer<DeskPlan> order_ticket(const DeskOrder& order, const DeskSight& sight, const Actor& who);
    Answer<DeskPlan> order_rights(const DeskOrder& order, const DeskSight& sight, const Actor& who);
    std::optional<WarrantRecord> take_receipts(const DeskSight& sight, const CardRecord& card, const Actor& who);
    // Is this what was ordered, to the byte?
    [[nodiscard]] bool holds_rights(CardWriteId write, const DeskSight& read_back);
    Answer<DeskPlan> order_format(const DeskOrder& order, const DeskSight& sight, const Actor& who);

    class OneAtATime final : public card::Mac {
      public:
        explicit OneAtATime(card::Mac& mac) : mac_(mac) {}
        card::Tag cmac(const card::Key& key, Bytes message) override {
            const std::lock_guard lock(mutex_);
            return mac_.cmac(key, message);
        }

      private:
        std::mutex mutex_;
        card::Mac& mac_;
    };

    Cards& cards_;
    Warrants* warrants_;
    OneAtATime mac_;
    card::SiteMasters masters_;
    card::Layout layout_;
};

}  // namespace prewatt::server::desk

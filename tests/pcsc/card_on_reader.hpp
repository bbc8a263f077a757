// A hand at the virtual reader of the real pcscd: puts a card of the model on it, takes it away, lays another in its
// place. The card answers from a thread of its own while it lies there, as a card does; look at it, or at its field,
// only when it does not.
#pragma once
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>

#include "sim/card/vpcd_link.hpp"

namespace prewatt::tests {

class CardOnReader {
  public:
    explicit CardOnReader(std::uint16_t port) : port_(port) {}
    ~CardOnReader() { take_away(); }

    // What lies in the field is put on, however the field is prepared. false: the reader took no card.
    [[nodiscard]] bool put_on(sim::Field& field, const sim::ReaderHabits& habits = sim::kPlainReader) {
        take_away();
        // vpcd takes the next card at its next poll, 400 ms at most; a loaded machine may take seconds for it.
        auto link = sim::VpcdLink::insert("127.0.0.1", port_, seconds(30));
        if (!link) {
            std::fprintf(stderr, "%s\n", link.error().c_str());
            return false;
        }
        link_.emplace(std::move(*link));
        leaves_ = false;
        answers_ = std::thread([this, &field, habits] {
            sim::ApduCard card(field, habits);
            while (!leaves_ && link_->is_inserted())
                static_cast<void>(link_->serve(card, milliseconds(5)));
            link_->leave(abruptly_);
        });
        return true;
    }
    // `abruptly`: as a process that dies.
    void take_away(bool abruptly = false) {
        abruptly_ = abruptly;
        leaves_ = true;
        if (answers_.joinable()) answers_.join();
        link_.reset();
    }

  private:
    std::uint16_t port_;
    std::optional<sim::VpcdLink> link_;
    std::thread answers_;
    std::atomic<bool> leaves_ = false;
    std::atomic<bool> abruptly_ = false;
};

}  // namespace prewatt::tests

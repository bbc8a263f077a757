// Where a card lies for the verbs of `prewatt card` and the desk agent: a PC/SC reader of this machine, or a card in a
// file (docs/formats/virtual-card.md), so that everything can be tried without hardware.
//
//   --reader NAME       reader       a reader of this machine, or a part of its name; without: the only one
//   --model FILE        model        instead: the card in FILE lies on the reader; while there is no such file, none
//   does
//   --exchange-ms N     exchange_ms  how long the model's card takes for an exchange
//   --tear W[:BYTES]    tear         the model's card is torn away in the W-th write, after so many bytes of the block
//   --wait-card TIME    wait_card    how long to wait for a card, 20s
//
// Each visit() is one card from its coming to its leaving. Errors: 9 no reader, 4 no card came, 5 no M1 card.
#pragma once
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "card/m1_reader.hpp"
#include "cli/office_client.hpp"

namespace prewatt::cli {

struct CardPlaceOptions {
    std::string reader;
    std::filesystem::path model;
    int exchange_ms = 0;
    std::string tear;
    std::string wait_card = "20s";
    bool says_waiting = false;  // on stderr, where somebody sits before it
};

class CardPlace {
  public:
    [[nodiscard]] static std::expected<std::unique_ptr<CardPlace>, OfficeFailure> open(const CardPlaceOptions& options);
    virtual ~CardPlace() = default;
    // For a person: the reader's name, or the file.
    [[nodiscard]] virtual std::string name() const = 0;
    // Waits for a card and does `what` with it.
    [[nodiscard]] virtual std::expected<void, OfficeFailure> visit(
        std::chrono::milliseconds patience, const std::function<void(card::M1Reader&)>& what) = 0;
};

}  // namespace prewatt::cli

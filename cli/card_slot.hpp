// A card in a file before the reader of a virtual meter, or a shared one: it lies there as long as the file does, and
// the file is taken away, put back or changed (by `prewatt card-sim`, which lays the same file on a desk's reader) as a
// hand would. What is written onto it is kept at once.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "sim/card/field.hpp"

namespace prewatt::cli {

class CardSlot {
  public:
    // docs/formats/virtual-card.md. The file need not be there yet.
    explicit CardSlot(std::filesystem::path file) : file_(std::move(file)) {}
    // To be called every round; `host_now` in microseconds. Looks after the file ten times a second of the host's.
    void service(sim::Field& field, std::int64_t host_now);

  private:
    void look(sim::Field& field);
    std::filesystem::path file_;
    std::optional<sim::M1Card> card_;
    std::string known_;       // the file as it was read or kept last
    std::uint64_t kept_ = 0;  // writes of the card that stand in the file
    std::int64_t looked_at_ = INT64_MIN / 2;
};

}  // namespace prewatt::cli

// A frame of DL/T 645 in words: who, what, which item, which value; our private items and, with the master key, sealed
// commands.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "card/mac.hpp"
#include "card/seal.hpp"
#include "protocols/dlt645/frame.hpp"

namespace prewatt::cli {

// Named texts in the order of the frame: {"address", "123456789012"}, {"function", "read"}, ...
using Words = std::vector<std::pair<std::string, std::string>>;

// Opens sealed commands under a site's master key. Remembers the requests that it saw, since an answer is bound to its
// request and can be checked only beside it.
class SealReader {
  public:
    SealReader(card::Mac& mac, const card::Key& master) : mac_(mac), master_(master) {}
    void add_request(const dlt645::Frame& frame, Words& words);
    void add_answer(const dlt645::Frame& frame, Words& words);

  private:
    card::Mac& mac_;
    card::Key master_;
    std::map<std::pair<std::uint64_t, std::uint32_t>, card::Request> asked_;  // by box and counter
};

// `seals` may be null: sealed commands are then shown as far as they are readable.
[[nodiscard]] Words words_of(const dlt645::Frame& frame, SealReader* seals = nullptr);

[[nodiscard]] std::string_view word_of(dlt645::Function function);
// "no such data, not authorised"
[[nodiscard]] std::string words_of_error(std::uint8_t error);
[[nodiscard]] std::string words_of_holds(HoldSet holds);
// "on", or what holds the household off.
[[nodiscard]] std::string words_of_state(HouseholdState state);
// Contents of one of our private items; nothing when the data is none of it.
[[nodiscard]] std::optional<Words> private_words(dlt645::DataId id, Bytes data);

}  // namespace prewatt::cli

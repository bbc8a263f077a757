// All lines of the office: one runner and one link for each, fed with what the office desires, read by the pages.
//
// Decides: who is asked when a page wants the values of this moment; whose power is read because somebody looks; in
// which order the desired states reach a line (always by asking the office on one thread, so an old one never follows a
// newer one). A line whose address makes no sense stays down and says so; the others work.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "card/mac.hpp"
#include "server/api/event_hub.hpp"
#include "server/api/field.hpp"
#include "server/domain/office.hpp"

namespace prewatt::server::app {

// For one run: the line of this name is reached there, whatever the database says.
struct LineUrl {
    std::string name;
    std::string url;
};

class Lines : public api::Field {
  public:
    // `hub` outlives it. The office too, with one exception: it may be destroyed after stop(), before Lines is, and its
    // last answers still find everything that they need.
    [[nodiscard]] static std::unique_ptr<Lines> make(Office& office, const card::Key& master_key, api::EventHub& hub);
    // Opens every line. The error is a sentence: the office cannot be read, or a name in `urls` is unknown.
    [[nodiscard]] virtual std::expected<void, std::string> start(const std::vector<LineUrl>& urls) = 0;
    // Returns when nothing goes out any more.
    virtual void stop() = 0;
};

}  // namespace prewatt::server::app

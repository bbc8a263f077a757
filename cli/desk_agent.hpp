// `prewatt desk-agent`: the card reader of a clerk's machine, for the office's pages in the browser there. It reads and
// writes what a page asks; the page asks the office. So the agent holds no key of the site, no password and no session,
// and what it writes was sealed by the office against an order.
//
//   --office URL           office        the only origin that may ask: https://office.example, http://10.0.0.5:8080
//   --port N               port          8086, on 127.0.0.1 and nowhere else; 0: any, it is printed
//   --pairing-file FILE    pairing_file  where the code is kept (~/.config/prewatt/desk-agent.code, its owner's only)
//   --new-code             new_code      makes another
//   and the flags of cli/card_place.hpp
//
// Who may ask: a page of that origin (header Origin) that knows the pairing code, which the clerk reads off this
// program's window once and types into the page. Other programs of the machine do not know the code; other pages have
// another origin; a name that was made to point at 127.0.0.1 is another Host. Ten wrong codes: nobody for a minute.
//
//   GET  /v1/state                                             {reader, card: null or {uid}, words}
//   POST /v1/read   {uid, depth: "records" | "all", keys}      {uid, sectors}
//   POST /v1/write  {uid, keys, write_id, steps}               {uid, sectors}: what was read back
//   GET  /v1/progress                                          {phase, step, steps}
//
// `keys`, `steps` are the office's answers to /desk/keys and /desk/orders; `sectors` is what it wants to be told
// (docs/formats/rest.md). Refusals: {"error": {"code", "message", "details": {"begun"}}}.
//
// Exit codes: 0 stopped; 2 wrong use; 9 no reader, or the port is taken.
#pragma once
#include <memory>
#include <mutex>

#include "card/desk/desk.hpp"
#include "cli/card_place.hpp"
#include "server/api/http.hpp"

namespace prewatt::cli {

struct DeskAgentOptions {
    std::string office;
    std::uint16_t port = 8086;
    std::filesystem::path pairing_file;
    bool new_code = false;
    CardPlaceOptions place;
};
[[nodiscard]] int run(const DeskAgentOptions& options);

// What the agent answers, without a socket. Thread-safe; one card at a time.
class DeskAgent {
  public:
    // `hosts`: what the header Host may be.
    DeskAgent(CardPlace& place, std::string origin, std::string code, std::vector<std::string> hosts,
              std::function<std::chrono::steady_clock::time_point()> clock = std::chrono::steady_clock::now)
        : place_(place),
          origin_(std::move(origin)),
          code_(std::move(code)),
          hosts_(std::move(hosts)),
          clock_(std::move(clock)) {}
    [[nodiscard]] server::api::Response handle(const server::api::Request& request);

  private:
    server::api::Response answer(const server::api::Request& request);
    bool knows_code(std::string_view given);

    CardPlace& place_;
    std::string origin_;
    std::string code_;
    std::vector<std::string> hosts_;
    std::function<std::chrono::steady_clock::time_point()> clock_;
    std::mutex card_mutex_;   // whoever holds it has the reader
    std::mutex state_mutex_;  // of what follows
    card::desk::Moment moment_{card::desk::Phase::kDone, 0, 0};
    int wrong_codes_ = 0;
    std::chrono::steady_clock::time_point closed_until_{};
};

// "https://office.example/": as a browser writes an origin, without path; nothing: it is none.
[[nodiscard]] std::optional<std::string> origin_of(std::string_view url);

}  // namespace prewatt::cli

// The front of a virtual meter: two rows of digits, the LEDs, the relays with what holds them, the seven-pin socket.
// On a terminal, redrawn, with keys for what a hand does at a real box; and as JSON over HTTP on this machine.
//
// Decides how the front looks and what a key or a request does at the socket. Everything shown is read from the node
// and the virtual board; nothing here can touch credit or relays.
//
//   terminal keys   p plug in or pull, h join or part pins 4 and 6, arrows look at a household, q quit
//   GET  /          the state (docs in cli/README.md)
//   POST /plug /unplug /hold /release     acts, then answers with the state
#pragma once
#include <poll.h>
#include <termios.h>

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "sim/virtual_meter.hpp"

namespace prewatt::cli {

// {"format": 1, ...}; `civil`: what the host calls now.
[[nodiscard]] std::string panel_json(sim::VirtualMeter& meter, CivilSeconds civil);

class TerminalPanel {
  public:
    // Standard input and output are a terminal.
    [[nodiscard]] static bool possible();
    // Takes the terminal over: other screen, no echo, single keys. Gives it back in the destructor.
    explicit TerminalPanel(std::string box);
    ~TerminalPanel();
    TerminalPanel(const TerminalPanel&) = delete;
    TerminalPanel& operator=(const TerminalPanel&) = delete;

    void add_to(std::vector<pollfd>& wanted) const;
    // Keys that were pressed. True: quit.
    [[nodiscard]] bool keys(sim::VirtualMeter& meter);
    // Draws at most every 50 ms of the host, and only what has changed.
    void draw(sim::VirtualMeter& meter, CivilSeconds civil);

  private:
    [[nodiscard]] std::string picture(sim::VirtualMeter& meter, CivilSeconds civil);
    std::string box_;
    termios before_{};
    std::string drawn_;
    std::string escape_;  // the beginning of an arrow key
    std::int64_t drawn_at_ = 0;
    int looked_at_ = 1;
    std::array<std::uint64_t, kHouseholdsMax + 1> pulses_seen_{};
};

// One thread of its own for the sockets; what it is asked is answered in service(), by the thread that runs the meter.
class PanelPort {
  public:
    // Port 0: any free one. The error is a sentence.
    [[nodiscard]] static std::expected<std::unique_ptr<PanelPort>, std::string> listen(std::uint16_t port);
    ~PanelPort();
    PanelPort(const PanelPort&) = delete;
    PanelPort& operator=(const PanelPort&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    void service(sim::VirtualMeter& meter, CivilSeconds civil);

  private:
    struct Inside;
    explicit PanelPort(std::unique_ptr<Inside> inside);
    std::unique_ptr<Inside> inside_;
};

}  // namespace prewatt::cli

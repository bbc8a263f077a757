// Runs one LineMaster on a real port or gateway: the rim with the socket, the clock and the strand.
//
// Threads. All functions may be called from any thread and return at once; what they ask for happens on the line's own
// strand of the io_context, and so does every call of LineOffice. The Mac belongs to the line alone. Life. start()
// once; stop() ends it: no call of LineOffice begins after the function given to stop() has been called (on the
// strand). LineOffice, Mac and io_context outlive that moment. The runner may be destroyed any time after it.
// A port that cannot be opened, a gateway that is away or silent for a minute: it is tried again, 1 s to 30 s apart,
// for ever; status() says what is wrong.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/collect/line_address.hpp"
#include "server/collect/line_master.hpp"

namespace boost::asio {
class io_context;
}

namespace prewatt::collect {

enum class LineState : std::uint8_t { kConnecting, kUp, kDown };
struct LineStatus {
    LineState state = LineState::kConnecting;
    std::string problem;  // why it is down
    LineCounters counters;
    std::vector<BoxQuality> boxes;
    std::vector<ReaderQuality> readers;
};

class LineRunner {
  public:
    // settings.baud, settings.latency_max and the readers of the line are taken from the address.
    LineRunner(boost::asio::io_context& io, const LineAddress& address, LineSettings settings, card::Mac& mac,
               LineOffice& office);
    ~LineRunner();
    LineRunner(const LineRunner&) = delete;
    LineRunner& operator=(const LineRunner&) = delete;

    void start();
    void stop(std::function<void()> stopped);

    // The inputs of LineMaster.
    void set_boxes(std::vector<BoxSetup> boxes);
    void desire(std::vector<DesiredState> desired);
    void desire_settings(server::BoxSettings settings);
    void want_freezes(BoxId box, std::vector<CivilSeconds> due);
    void forget(BoxId box, std::uint8_t household_number);
    void read_live(LiveRequest request, BoxId box, std::uint8_t household_number);
    void watch(BoxId box, Duration span);
    void give_counters(BoxId box, std::uint32_t first, std::uint32_t count);

    [[nodiscard]] LineStatus status() const;
    // Called on the strand when state or problem have changed. Set before start.
    void on_status(std::function<void(const LineStatus&)> observer);

  private:
    struct Running;
    std::shared_ptr<Running> running_;
};

}  // namespace prewatt::collect

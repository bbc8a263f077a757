// A whole RS-485 line under virtual time: real meter nodes and the real line master on the simulated copper, character
// by character. What bench/line measures and tests/scenario/line_test breaks.
//
// The nodes are fed at cycle level with the energy that the owner puts into them; between two calls nothing happens but
// virtual time. A node is spared the characters of frames that are addressed to other boxes (as far as the header can
// be read), which changes nothing that it would do. The office answers a request for counters 5 ms later, as a durable
// commit would.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "card/card_keys.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "meter/node/node.hpp"
#include "reader/shared_reader.hpp"
#include "reader/testing/issued_card.hpp"
#include "server/collect/line_master.hpp"
#include "sim/card/field.hpp"
#include "sim/frame_filter.hpp"
#include "sim/serial_line.hpp"
#include "sim/virtual_board.hpp"

namespace prewatt::bench {

inline constexpr std::uint64_t kFirstBoxNumber = 3'500'000'001;

// One box with its converter on the line.
class MeterStation final : public sim::Station {
  public:
    // `card_keys`: none, and the box takes no cards.
    MeterStation(sim::SerialLine& line, std::uint64_t number, const card::BoxKeys& keys,
                 const std::optional<card::MeterCardKeys>& card_keys, card::Mac& mac, Duration window);

    Heard on_character(const sim::Character& character) override;
    Instant on_time(Instant now) override;

    // The household draws this much, spread over nothing: it is booked with the next window.
    void use(Household household, Energy energy);
    // Power off and on again: what is in storage stays. `factory`: nothing stays.
    void restart(bool factory);
    [[nodiscard]] const meter::Node& node() const { return *node_; }
    void set_supply(bool on) { line_.set_connected(id_, on); }
    [[nodiscard]] sim::SerialLine::Id id() const { return id_; }

  private:
    sim::SerialLine& line_;
    meter::NodeConfig config_;
    card::Mac& mac_;
    Duration window_;
    sim::MemoryStorage storage_;
    sim::Relays relays_;
    sim::LedDisplay display_;
    Instant now_{};
    sim::VirtualRealTimeClock clock_;
    sim::CountingWatchdog watchdog_;
    sim::CallingBus bus_;
    std::unique_ptr<meter::Node> node_;
    sim::SerialLine::Id id_ = 0;
    Instant feed_at_{};
    Instant node_wants_{};
    meter::Measurement measurement_;
    std::array<std::uint8_t, kHouseholdsMax> used_{};  // circuits whose energy is not booked yet
    int used_count_ = 0;
    sim::FrameFilter filter_;
};

// A shared card reader on the line. Cards are held into `field`; each exchange with one takes `exchange` and has its
// effect at its end.
class ReaderStation final : public sim::Station {
  public:
    ReaderStation(sim::SerialLine& line, const reader::ReaderConfig& config, Duration exchange);

    Heard on_character(const sim::Character& character) override;
    Instant on_time(Instant now) override;
    // Power off and on again.
    void restart();
    [[nodiscard]] reader::SharedReader& reader() { return *reader_; }
    [[nodiscard]] reader::Shown shown() const { return reader_->shown(line_.now()); }
    void set_connected(bool on) { line_.set_connected(id_, on); }
    sim::Field field;

  private:
    [[nodiscard]] Instant speak(Instant now);
    sim::SerialLine& line_;
    reader::ReaderConfig config_;
    Duration exchange_;
    card::OpensslMac mac_;
    std::optional<reader::SharedReader> reader_;
    sim::SerialLine::Id id_ = 0;
    Instant card_at_{};
    Instant line_at_ = kNever;
    sim::FrameFilter filter_;
};

class LineOfMeters {
  public:
    static constexpr std::uint16_t kReaderNumber = 7;
    struct Options {
        int boxes = 1;
        std::uint32_t baud = 9600;
        sim::LineFaults faults{};
        std::uint64_t seed = 1;
        Duration window = seconds(1);
        collect::LineSettings settings{};
        bool card_reader = false;  // a shared reader on the line, and boxes that take cards
        Duration card_exchange = milliseconds(10);
    };
    // The office hears everything but need_counters, which is answered here.
    LineOfMeters(const Options& options, collect::LineOffice& office);
    ~LineOfMeters();

    // The office's process begins anew: a new master that knows nothing but the boxes.
    void restart_master();
    void run_for(Duration span);
    // Until `done`, looked at every millisecond; false when `limit` was not enough.
    bool run_until(const std::function<bool()>& done, Duration limit);
    void desire(const server::DesiredState& desired);

    [[nodiscard]] Instant now() const { return line.now(); }
    [[nodiscard]] collect::LineMaster& master();
    [[nodiscard]] MeterStation& box(int index) { return *boxes_[static_cast<std::size_t>(index)]; }
    [[nodiscard]] static server::BoxId box_id(int index) { return {index + 1}; }
    [[nodiscard]] static std::uint64_t box_number(int index) {
        return kFirstBoxNumber + static_cast<std::uint64_t>(index);
    }
    [[nodiscard]] ReaderStation& card_reader() { return *reader_; }
    // The desk of this site: issues and sells onto models of cards.
    [[nodiscard]] reader::Issuer& issuer() { return issuer_; }
    // The office's process is gone, and back with restart_master().
    void stop_master();

    // Household-block traffic since the last reset: what the sweep itself puts on the line.
    struct Traffic {
        std::int64_t characters = 0;
        std::int64_t exchanges = 0;
    };
    Traffic traffic;
    // The office's judgement of an account that was read in full, 5 ms later: may stop the tickets. What was read is
    // judged either way.
    std::function<void(server::DesiredState&, const dlt645::AccountStatus&)> judge;
    // Every request, before it goes out.
    std::function<void(const dlt645::Frame&)> on_request;
    sim::SerialLine line;

  private:
    class MasterStation;
    std::vector<std::unique_ptr<MeterStation>> boxes_;
    card::OpensslMac meter_mac_;
    reader::Issuer issuer_;
    std::unique_ptr<ReaderStation> reader_;
    std::unique_ptr<MasterStation> master_;
};

// Frames of a request, as the master sends it. Nothing when it is none.
[[nodiscard]] std::optional<dlt645::Frame> frame_in(Bytes bytes);

}  // namespace prewatt::bench

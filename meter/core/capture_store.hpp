// Why a household was cut for a malignant load: the features of the step and two mains cycles of voltage and current
// before and after it, of at least the last two of each household (product.md M8, M17). Byte-exact in
// docs/formats/event-log.md; the same bytes go over the line, so a threshold can be tried again on what really
// happened.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "meter/core/event_log.hpp"
#include "meter/core/records.hpp"
#include "meter/reports.hpp"

namespace prewatt::meter {

struct StoredCapture {
    std::uint32_t sequence = 0;  // of the household's captures, 1..
    bool clock_valid = false;
    std::uint32_t time = 0;  // as of an Event
    std::uint16_t boots = 0;
    std::uint8_t household = 0;
    std::uint8_t verdict = 0;  // settings::MalignantAction
    bool has_waveform = false;
    StepReport report;
    StepCapture capture;  // zero without a waveform
};
inline constexpr std::size_t kStepReportBytes = 48;
inline constexpr std::size_t kCaptureWireBytes = record_map::kCaptureBytes - kSlotCheck;
std::size_t encode(const StepReport& report, MutableBytes out);
std::size_t encode(const StoredCapture& stored, MutableBytes out);
[[nodiscard]] std::optional<StoredCapture> decode_capture(Bytes in);

class CaptureStore {
  public:
    explicit CaptureStore(RecordMemory& memory) : memory_(memory) {}
    void open(std::uint32_t start);
    [[nodiscard]] static std::uint32_t bytes(int households);

    // `capture` null: the waveforms were no longer held. The number under which it is stored (low 8 bits go into the
    // event, events::malignant), 0: not stored.
    std::uint32_t put(Household household, const StepReport& report, const StepCapture* capture, std::uint8_t verdict,
                      const EventTime& now);
    // n-th last of a household, 1..2 at least. The bytes as they go over the line; 0: not there.
    [[nodiscard]] std::size_t read(Household household, int n, MutableBytes out) const;

  private:
    [[nodiscard]] Ring ring(Household household) const;
    RecordMemory& memory_;
    std::uint32_t start_ = 0;
};

}  // namespace prewatt::meter

// A fake: an office that hears everything of its lines and does nothing. Tests and benchmarks derive from it what they
// look at.
#pragma once
#include "server/collect/line_office.hpp"

namespace prewatt::collect {

class QuietOffice : public LineOffice {
  public:
    void need_counters(BoxId, std::uint32_t, std::uint32_t) override {}
    void on_block(const BlockReading&) override {}
    void on_power(BoxId, const dlt645::BlockPower&, UnixTime) override {}
    void on_account(HouseholdId, const dlt645::AccountStatus&, UnixTime) override {}
    void on_status(BoxId, const dlt645::BoxStatus&, UnixTime) override {}
    void on_live(LiveRequest, const std::expected<dlt645::LiveValues, ReadError>&, UnixTime) override {}
    void on_answering(BoxId, bool, UnixTime) override {}
    void on_sent(const Delivery&, UnixTime) override {}
    void on_confirmed(const Delivery&, const card::Effect&, UnixTime) override {}
    void on_refused(const Delivery&, std::string_view, bool, UnixTime) override {}

  protected:
    ~QuietOffice() = default;
};

}  // namespace prewatt::collect

// An archive that answers what a test has put into it.
#pragma once
#include "server/domain/archive.hpp"

namespace prewatt::server::api {

class FakeArchive final : public Archive {
  public:
    Answer<ConsumptionReport> consumption(const ConsumptionQuestion& question) override {
        asked = question;
        return report;
    }
    Answer<std::vector<ClosingRecord>> closings(HouseholdId) override { return history; }
    ArchiveStatus status() override { return {}; }
    void record_freezes(std::vector<Freeze>, WhenDone<Done> done) override {
        if (done) done(Done{});
    }
    bool tend() override { return false; }
    void close() override {}

    ConsumptionQuestion asked;
    ConsumptionReport report;
    std::vector<ClosingRecord> history;
};

}  // namespace prewatt::server::api

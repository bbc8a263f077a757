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
    Answer<ArchiveSettings> settings() override { return kept; }
    void set_settings(ArchiveSettings settings, Actor who, std::string reason,
                      WhenDone<ArchiveSettings> done) override {
        last_change = who.user + " " + who.from + " " + reason;
        if (auto bad = check_archive_settings(settings)) return done(std::unexpected(*bad));
        kept = settings;
        done(kept);
    }
    Answer<std::vector<FreezeWish>> freezes_wanted() override { return wishes; }
    void record_freezes(std::vector<Freeze> list, WhenDone<Done> done) override {
        freezes.insert(freezes.end(), list.begin(), list.end());
        if (done) done(Done{});
    }
    bool tend() override { return false; }
    void close() override {}

    ArchiveSettings kept;
    std::string last_change;  // of the settings: "owner 10.0.0.7 a larger disk"
    ConsumptionQuestion asked;
    ConsumptionReport report;
    std::vector<ClosingRecord> history;
    std::vector<FreezeWish> wishes;
    std::vector<Freeze> freezes;
};

}  // namespace prewatt::server::api

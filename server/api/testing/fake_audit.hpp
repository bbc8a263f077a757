// A journal and a work list in memory for the tests of the routes: one record, one open item.
#pragma once
#include "server/domain/audit.hpp"
#include "server/domain/work_list.hpp"

namespace prewatt::server::api {

class FakeAudit final : public Audit {
  public:
    std::vector<AuditRecord> noted;
    AuditFilter asked;
    AuditVerdict verdict;

    void note(AuditRecord record, WhenDone<Done> done) override {
        noted.push_back(std::move(record));
        if (done) done(Done{});
    }
    Answer<std::vector<AuditRecord>> records(const AuditFilter& filter) override {
        asked = filter;
        return std::vector{AuditRecord{1,
                                       UnixTime{1'790'000'000'000},
                                       {"owner", "10.0.0.7"},
                                       "price.set",
                                       "site",
                                       "0.6400",
                                       "0.7000",
                                       "",
                                       std::string(64, 'a')}};
    }
    Answer<AuditHead> head() override { return AuditHead{1, std::string(64, 'a')}; }
    Answer<AuditVerdict> verify(std::optional<AuditHead>) override { return verdict; }
};

class FakeWorkList final : public WorkList {
  public:
    WorkFilter asked;

    Answer<std::vector<WorkRecord>> items(const WorkFilter& filter) override {
        asked = filter;
        return std::vector{record_};
    }
    Answer<WorkRecord> item(WorkItemId id) override {
        if (id == record_.id) return record_;
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such item of work.", 0});
    }
    void assign(WorkItemId id, std::string to, Actor, WhenDone<WorkRecord> done) override {
        if (id == record_.id) record_.assigned_to = std::move(to);
        done(item(id));
    }
    void comment(WorkItemId id, std::string text, Actor who, WhenDone<WorkRecord> done) override {
        if (id == record_.id) record_.comments.push_back({record_.first_at, who.user, std::move(text)});
        done(item(id));
    }
    void resolve(WorkItemId id, std::string resolution, Actor who, WhenDone<WorkRecord> done) override {
        if (id == record_.id) {
            record_.state = WorkState::kExplained;
            record_.resolution = std::move(resolution);
            record_.resolved_by = who.user;
        }
        done(item(id));
    }

  private:
    static WorkRecord made_up() {
        WorkRecord record;
        record.id = WorkItemId{5};
        record.item.kind = "ledger_use_unlike_meter";
        record.item.household = HouseholdId{1};
        record.item.at = UnixTime{1'790'000'000'000};
        record.item.figures = "12.00 kWh";
        record.item.explanation = "The meter says otherwise.";
        record.item.proposals = {"Read it on the spot."};
        record.room = "3-0101";
        record.first_at = UnixTime{1'789'000'000'000};
        record.times_seen = 3;
        return record;
    }
    WorkRecord record_ = made_up();
};

}  // namespace prewatt::server::api

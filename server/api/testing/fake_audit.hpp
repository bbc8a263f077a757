// A journal, requests for approval and a work list in memory for the tests of the routes: one record, one waiting
// request, one open item.
#pragma once
#include "server/domain/approvals.hpp"
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

class FakeApprovals final : public Approvals {
  public:
    ApprovalRules kept;

    Answer<ApprovalRules> rules() override { return kept; }
    void set_rules(ApprovalRules rules, Actor, std::string, WhenDone<Done> done) override {
        kept = rules;
        done(Done{});
    }
    Answer<std::vector<ApprovalRecord>> requests(std::optional<ApprovalState>, ApprovalId, int) override {
        return std::vector{record_};
    }
    Answer<ApprovalRecord> request(ApprovalId id) override {
        if (id == record_.id) return record_;
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such request for approval.", 0});
    }
    void approve(ApprovalId id, Actor who, WhenDone<ApprovalRecord> done) override {
        if (id == record_.id && who.user == record_.asked_by.user)
            return done(std::unexpected(Refusal{Reason::kNoRight, "Another person has to approve.", 0}));
        if (id == record_.id) record_.state = ApprovalState::kDone;
        done(request(id));
    }
    void refuse(ApprovalId id, Actor who, std::string why, WhenDone<ApprovalRecord> done) override {
        if (id == record_.id) {
            record_.state = ApprovalState::kRefused;
            record_.decided_by = std::move(who);
            record_.outcome = std::move(why);
        }
        done(request(id));
    }

  private:
    static ApprovalRecord made_up() {
        ApprovalRecord record;
        record.id = ApprovalId{3};
        record.action = "price.set";
        record.subject = "site";
        record.content = act_content("price.set", {{"price_e4", "7000"}});
        record.content_hash = std::string(64, 'b');
        record.asked_by = {"another", "10.0.0.8"};
        record.reason = "new tariff";
        record.asked_at = UnixTime{1'790'000'000'000};
        record.expires_at = UnixTime{1'790'200'000'000};
        return record;
    }
    ApprovalRecord record_ = made_up();
};

class FakeWorkList final : public WorkList {
  public:
    WorkFilter asked;

    void import_statement(StatementOrder, Actor, WhenDone<StatementAnswer> done) override {
        done(StatementAnswer{2, 2});
    }
    void record_head_readings(std::vector<HeadReading>, Actor, WhenDone<Done> done) override { done(Done{}); }
    void reconcile(WhenDone<ReconcileAnswer> done) override { done(ReconcileAnswer{2, 2, 1, 1}); }
    void tend(UnixTime) override {}
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

// What the world outside of the office knows: which sales and jobs were ordered, which were answered and how. It holds
// everything that the office shows after a kill against that. Pure: no process, no socket. Any thread.
//
// The rules, each with the word that a finding begins with:
//   lost      what was answered as done is not there
//   doubled   one order id, two sales or jobs
//   changed   another content or receipt than was ordered, answered or seen before
//   unknown   a sale that nobody ordered
//   gap       numbers of sales or tickets are left out; totals are not the sum of what came before
// An order without an answer may have been done or not, but once at most: its repeat decides.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace prewatt::torture {

struct SaleOrdered {
    std::string key;
    std::int64_t household = 0;
    std::int64_t amount_fen = 0;
    std::string channel;
};
struct SaleSeen {
    SaleOrdered order;
    std::int64_t id = 0;
    std::string receipt;
    std::int64_t energy_ckwh = 0;
    std::int64_t epoch = 0;
    std::int64_t ticket_number = 0;
    std::int64_t credited_ckwh = 0;
    bool operator==(const SaleSeen&) const;
};
struct JobOrdered {
    std::string key;
    std::int64_t household = 0;
    std::string kind;
};
struct JobSeen {
    std::int64_t id = 0;
    std::int64_t household = 0;
    std::string kind;
    bool operator==(const JobSeen&) const = default;
};

class Witness {
  public:
    struct Counts {
        std::int64_t sales_answered = 0;    // by the first answer to their order
        std::int64_t sales_unanswered = 0;  // no answer before the kill
        std::int64_t unanswered_found = 0;  // of them: they were there
        std::int64_t repeats = 0;           // answers to an order that had one already, or was found
        std::int64_t jobs_answered = 0;
        std::int64_t jobs_unanswered = 0;
        std::int64_t lost = 0;
        std::int64_t doubled = 0;
        std::int64_t changed = 0;
        std::int64_t unknown = 0;
        std::int64_t gaps = 0;
    };

    // Before the request goes out.
    void ordered(const SaleOrdered& order);
    void ordered(const JobOrdered& order);
    // The office said: done.
    void answered(const std::string& key, const SaleSeen& sale);
    void answered(const std::string& key, const JobSeen& job);
    // After a restart: each sale above last_found(), the oldest first.
    void found(const SaleSeen& sale);
    [[nodiscard]] std::int64_t last_found() const;
    // Everything that there is was found(): what had been answered before must be among it.
    void looked_through();
    // Jobs that the office shows of a household, all of them; call it when every order has its answer.
    void found_jobs(std::int64_t household, const std::vector<JobSeen>& jobs);

    // Orders without an answer, to be repeated; each stays here until it is answered.
    [[nodiscard]] std::vector<SaleOrdered> unanswered_sales() const;
    [[nodiscard]] std::vector<JobOrdered> unanswered_jobs() const;
    // Up to `count` of the newest that were answered.
    [[nodiscard]] std::vector<SaleOrdered> answered_sales(std::size_t count) const;
    [[nodiscard]] std::vector<std::pair<JobOrdered, JobSeen>> answered_jobs(std::size_t count) const;
    // Total of the newest ticket that was found; (epoch, number, credited).
    struct Total {
        std::int64_t epoch = 0;
        std::int64_t number = 0;
        std::int64_t credited_ckwh = 0;
    };
    [[nodiscard]] std::map<std::int64_t, Total> totals() const;

    [[nodiscard]] Counts counts() const;
    [[nodiscard]] std::vector<std::string> findings() const;

  private:
    struct Order {
        SaleOrdered order;
        bool is_answered = false;
        bool is_found = false;
        bool counted_unanswered = false;
        SaleSeen seen;  // when answered or found
    };
    struct Job {
        JobOrdered order;
        bool is_answered = false;
        bool counted_unanswered = false;
        JobSeen seen;
    };
    void report(std::int64_t Counts::* kind, const std::string& words);

    mutable std::mutex mutex_;
    std::map<std::string, Order> sales_;
    std::map<std::string, Job> jobs_;
    std::map<std::int64_t, std::string> key_of_job_;
    std::set<std::string> unanswered_;
    std::set<std::string> unanswered_jobs_;
    std::set<std::string> not_found_;  // answered, but not found yet
    std::vector<std::string> newest_;
    std::vector<std::string> newest_jobs_;
    std::map<std::int64_t, Total> totals_;
    std::int64_t last_found_ = 0;
    Counts counts_;
    std::vector<std::string> findings_;
};

}  // namespace prewatt::torture

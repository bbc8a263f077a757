// The load: desks that sell, click twice, switch rooms, ask, repeat and walk away in the middle, each on a connection
// of its own, all at once, until they are told to stop. What they send and hear goes to the witness.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "torture/talk.hpp"
#include "torture/witness.hpp"

namespace prewatt::torture {

// The instant of a kill as the callers see it: whoever brings the count to zero kills, before it does anything else.
class Trigger {
  public:
    enum class At : std::uint8_t { kNever, kSent, kAnswered };
    Trigger() = default;
    Trigger(At at, int count, std::function<void()> act) : at_(at), left_(count), act_(std::move(act)) {}

    void on_sent() { count(At::kSent); }
    void on_answered() { count(At::kAnswered); }
    [[nodiscard]] bool has_fired() const { return fired_; }

  private:
    void count(At what) {
        if (at_ != what || left_.fetch_sub(1) != 1) return;
        act_();
        fired_ = true;
    }
    At at_ = At::kNever;
    std::atomic<int> left_{0};
    std::function<void()> act_;
    std::atomic<bool> fired_{false};
};

struct Desk {
    std::uint16_t port = 0;
    std::string token;
    std::vector<std::int64_t> households;
};

class Callers {
  public:
    // They begin at once; an office that is not there yet is tried again. `pace`: between two calls of one desk.
    Callers(const Desk& desk, int count, std::uint64_t seed, Witness& witness, Trigger& trigger,
            std::chrono::microseconds pace = {});
    ~Callers() { stop(); }
    // Each finishes the call that it is in.
    void stop();

    struct Counts {
        std::atomic<std::int64_t> sent{0};
        std::atomic<std::int64_t> answered{0};    // sales and jobs, done
        std::atomic<std::int64_t> not_now{0};     // 503
        std::atomic<std::int64_t> reads{0};       // questions answered
        std::atomic<std::int64_t> broken{0};      // no answer
        std::atomic<std::int64_t> unexpected{0};  // any other status
    };
    [[nodiscard]] const Counts& counts() const { return counts_; }
    // Of the first answer that was neither done nor 503; and the code of the last 503.
    [[nodiscard]] std::string unexpected_words() const;
    [[nodiscard]] std::string not_now_code() const;

  private:
    void call_on(std::uint64_t seed);
    void sell(Talk& talk, std::mt19937_64& random, double share);
    void click_twice(Talk& talk, Talk& other, std::mt19937_64& random);
    void order_job(Talk& talk, std::mt19937_64& random);
    void ask(Talk& talk, std::mt19937_64& random);
    void repeat(Talk& talk);
    void hear(const SaleOrdered& order, const std::optional<Reply>& reply);
    void note(const std::optional<Reply>& reply, int done);

    Desk desk_;
    Witness& witness_;
    Trigger& trigger_;
    std::chrono::microseconds pace_;
    std::atomic<bool> stopping_{false};
    Counts counts_;
    mutable std::mutex words_mutex_;
    std::string unexpected_words_;
    std::string not_now_code_;
    std::vector<std::thread> threads_;
};

// Requests and answers as the witness has them.
[[nodiscard]] Question question_of(const SaleOrdered& order);
[[nodiscard]] Question question_of(const JobOrdered& order);
// Nothing: the text is none.
[[nodiscard]] std::optional<SaleSeen> sale_in(const std::string& json_text);
[[nodiscard]] std::optional<std::vector<SaleSeen>> sales_in(const std::string& json_text);
[[nodiscard]] std::optional<JobSeen> job_in(const std::string& json_text);
[[nodiscard]] std::optional<std::vector<JobSeen>> jobs_in(const std::string& json_text);

}  // namespace prewatt::torture

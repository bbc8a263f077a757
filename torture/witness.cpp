#include "torture/witness.hpp"

#include <algorithm>
#include <utility>

namespace prewatt::torture {
namespace {

constexpr std::size_t kNewestKept = 256;
constexpr std::size_t kFindingsMax = 50;

void keep_newest(std::vector<std::string>& list, const std::string& key) {
    if (list.size() >= kNewestKept) list.erase(list.begin(), list.begin() + kNewestKept / 2);
    list.push_back(key);
}

std::string text_of(const SaleSeen& s) {
    return "sale " + std::to_string(s.id) + " (receipt " + s.receipt + ", household " +
           std::to_string(s.order.household) + ", " + std::to_string(s.order.amount_fen) + " fen, " +
           std::to_string(s.energy_ckwh) + " ckwh, ticket " + std::to_string(s.ticket_number) + ")";
}

}  // namespace

bool SaleSeen::operator==(const SaleSeen& o) const {
    return order.key == o.order.key && order.household == o.order.household && order.amount_fen == o.order.amount_fen &&
           order.channel == o.order.channel && id == o.id && receipt == o.receipt && energy_ckwh == o.energy_ckwh &&
           epoch == o.epoch && ticket_number == o.ticket_number && credited_ckwh == o.credited_ckwh;
}

void Witness::report(std::int64_t Counts::* kind, const std::string& words) {
    ++(counts_.*kind);
    if (findings_.size() < kFindingsMax) findings_.push_back(words);
}

void Witness::ordered(const SaleOrdered& order) {
    const std::lock_guard lock(mutex_);
    sales_[order.key].order = order;
    unanswered_.insert(order.key);
}

void Witness::ordered(const JobOrdered& order) {
    const std::lock_guard lock(mutex_);
    jobs_[order.key].order = order;
    unanswered_jobs_.insert(order.key);
}

void Witness::answered(const std::string& key, const SaleSeen& sale) {
    const std::lock_guard lock(mutex_);
    Order& order = sales_[key];
    unanswered_.erase(key);
    if (sale.order.key != key || sale.order.household != order.order.household ||
        sale.order.amount_fen != order.order.amount_fen || sale.order.channel != order.order.channel)
        report(&Counts::changed, "changed: order " + key + " (household " + std::to_string(order.order.household) +
                                     ", " + std::to_string(order.order.amount_fen) + " fen) was answered with " +
                                     text_of(sale));
    if (order.is_answered || order.is_found) {
        ++counts_.repeats;
        if (order.seen.id != sale.id)
            report(&Counts::doubled, "doubled: order " + key + " is " + text_of(order.seen) + " and " + text_of(sale));
        else if (!(order.seen == sale))
            report(&Counts::changed,
                   "changed: order " + key + " was " + text_of(order.seen) + " and is " + text_of(sale));
    } else {
        order.seen = sale;
        not_found_.insert(key);
    }
    if (!order.is_answered && !order.counted_unanswered) ++counts_.sales_answered;
    order.is_answered = true;
    keep_newest(newest_, key);
}

void Witness::answered(const std::string& key, const JobSeen& job) {
    const std::lock_guard lock(mutex_);
    Job& known = jobs_[key];
    unanswered_jobs_.erase(key);
    if (job.household != known.order.household || job.kind != known.order.kind)
        report(&Counts::changed, "changed: job order " + key + " (household " + std::to_string(known.order.household) +
                                     ", " + known.order.kind + ") was answered with job " + std::to_string(job.id) +
                                     " (household " + std::to_string(job.household) + ", " + job.kind + ")");
    if (known.is_answered && known.seen.id != job.id)
        report(&Counts::doubled, "doubled: job order " + key + " is job " + std::to_string(known.seen.id) +
                                     " and job " + std::to_string(job.id));
    if (const auto other = key_of_job_.find(job.id); other != key_of_job_.end() && other->second != key)
        report(&Counts::lost, "lost: job " + std::to_string(job.id) + " was answered to order " + other->second +
                                  " and again to order " + key);
    if (!known.is_answered && !known.counted_unanswered) ++counts_.jobs_answered;
    known.is_answered = true;
    known.seen = job;
    key_of_job_[job.id] = key;
    keep_newest(newest_jobs_, key);
}

void Witness::found(const SaleSeen& sale) {
    const std::lock_guard lock(mutex_);
    if (sale.id != last_found_ + 1)
        report(&Counts::gaps, "gap: after sale " + std::to_string(last_found_) + " comes " + text_of(sale));
    last_found_ = sale.id;
    Total& total = totals_[sale.order.household];
    const bool next = sale.epoch == total.epoch || total.epoch == 0;
    if (!next || sale.ticket_number != total.number + 1 || sale.credited_ckwh != total.credited_ckwh + sale.energy_ckwh)
        report(&Counts::gaps, "gap: after ticket " + std::to_string(total.number) + " with a total of " +
                                  std::to_string(total.credited_ckwh) + " ckwh comes " + text_of(sale) +
                                  " with a total of " + std::to_string(sale.credited_ckwh) + " ckwh");
    total = {sale.epoch, sale.ticket_number, sale.credited_ckwh};
    const auto known = sales_.find(sale.order.key);
    if (known == sales_.end())
        return report(&Counts::unknown, "unknown: nobody ordered " + text_of(sale) + " under '" + sale.order.key + "'");
    Order& order = known->second;
    if (order.is_found)
        return report(&Counts::doubled,
                      "doubled: order " + sale.order.key + " is " + text_of(order.seen) + " and " + text_of(sale));
    if (order.is_answered && !(order.seen == sale))
        report(order.seen.id == sale.id ? &Counts::changed : &Counts::lost,
               "changed: order " + sale.order.key + " was answered with " + text_of(order.seen) + " and is " +
                   text_of(sale));
    if (!order.is_answered &&
        (sale.order.household != order.order.household || sale.order.amount_fen != order.order.amount_fen ||
         sale.order.channel != order.order.channel))
        report(&Counts::changed, "changed: order " + sale.order.key + " (household " +
                                     std::to_string(order.order.household) + ", " +
                                     std::to_string(order.order.amount_fen) + " fen) is " + text_of(sale));
    if (!order.is_answered && !order.counted_unanswered) ++counts_.unanswered_found;
    order.is_found = true;
    order.seen = sale;
    not_found_.erase(sale.order.key);
}

std::int64_t Witness::last_found() const {
    const std::lock_guard lock(mutex_);
    return last_found_;
}

void Witness::looked_through() {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : not_found_)
        report(&Counts::lost,
               "lost: order " + key + " was answered with " + text_of(sales_[key].seen) + " and is not there");
    not_found_.clear();
    for (const std::string& key : unanswered_)
        if (Order& order = sales_[key]; !std::exchange(order.counted_unanswered, true)) ++counts_.sales_unanswered;
    for (const std::string& key : unanswered_jobs_)
        if (Job& job = jobs_[key]; !std::exchange(job.counted_unanswered, true)) ++counts_.jobs_unanswered;
}

void Witness::found_jobs(std::int64_t household, const std::vector<JobSeen>& jobs) {
    const std::lock_guard lock(mutex_);
    std::set<std::int64_t> shown;
    for (const JobSeen& job : jobs) {
        shown.insert(job.id);
        const auto key = key_of_job_.find(job.id);
        if (key == key_of_job_.end())
            report(&Counts::unknown, "unknown: nobody ordered job " + std::to_string(job.id) + " of household " +
                                         std::to_string(household) + ", or it is there twice");
        else if (!(jobs_[key->second].seen == job))
            report(&Counts::changed, "changed: job " + std::to_string(job.id) + " is of household " +
                                         std::to_string(job.household) + ", " + job.kind);
    }
    for (const auto& [id, key] : key_of_job_)
        if (jobs_[key].seen.household == household && !shown.contains(id))
            report(&Counts::lost, "lost: job " + std::to_string(id) + " of household " + std::to_string(household) +
                                      " was answered and is not there");
}

std::vector<SaleOrdered> Witness::unanswered_sales() const {
    const std::lock_guard lock(mutex_);
    std::vector<SaleOrdered> list;
    for (const std::string& key : unanswered_)
        list.push_back(sales_.at(key).order);
    return list;
}

std::vector<JobOrdered> Witness::unanswered_jobs() const {
    const std::lock_guard lock(mutex_);
    std::vector<JobOrdered> list;
    for (const std::string& key : unanswered_jobs_)
        list.push_back(jobs_.at(key).order);
    return list;
}

std::vector<SaleOrdered> Witness::answered_sales(std::size_t count) const {
    const std::lock_guard lock(mutex_);
    std::vector<SaleOrdered> list;
    for (auto key = newest_.rbegin(); key != newest_.rend() && list.size() < count; ++key)
        list.push_back(sales_.at(*key).order);
    return list;
}

std::vector<std::pair<JobOrdered, JobSeen>> Witness::answered_jobs(std::size_t count) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<JobOrdered, JobSeen>> list;
    for (auto key = newest_jobs_.rbegin(); key != newest_jobs_.rend() && list.size() < count; ++key)
        list.emplace_back(jobs_.at(*key).order, jobs_.at(*key).seen);
    return list;
}

std::map<std::int64_t, Witness::Total> Witness::totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
}

Witness::Counts Witness::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

std::vector<std::string> Witness::findings() const {
    const std::lock_guard lock(mutex_);
    return findings_;
}

}  // namespace prewatt::torture

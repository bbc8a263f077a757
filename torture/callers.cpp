#include "torture/callers.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace prewatt::torture {
namespace {

using nlohmann::json;

constexpr std::array kChannels{"cash", "transfer", "other"};

int number_of(std::mt19937_64& random, int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
}

std::string new_key() {
    static std::atomic<std::int64_t> last{0};
    return "torture-" + std::to_string(++last);
}

SaleSeen sale_of(const json& j) {
    SaleSeen sale;
    sale.order = {j.at("order_id"), j.at("household_id"), j.at("amount_fen"), j.at("channel")};
    sale.id = j.at("id");
    sale.receipt = j.at("receipt");
    sale.energy_ckwh = j.at("energy_ckwh");
    sale.epoch = j.at("epoch");
    sale.ticket_number = j.at("ticket_number");
    sale.credited_ckwh = j.at("credited_ckwh");
    return sale;
}

JobSeen job_of(const json& j) {
    return {j.at("id"), j.at("household_id"), j.at("kind")};
}

template <class T, class F>
std::optional<T> parsed(const std::string& text, F read) {
    try {
        return read(json::parse(text));
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

template <class T>
std::vector<T> list_of(const json& list, T (*read)(const json&)) {
    std::vector<T> out;
    for (const json& one : list)
        out.push_back(read(one));
    return out;
}

}  // namespace

std::optional<SaleSeen> sale_in(const std::string& text) {
    return parsed<SaleSeen>(text, sale_of);
}
std::optional<std::vector<SaleSeen>> sales_in(const std::string& text) {
    return parsed<std::vector<SaleSeen>>(text, [](const json& j) { return list_of(j.at("sales"), sale_of); });
}
std::optional<JobSeen> job_in(const std::string& text) {
    return parsed<JobSeen>(text, job_of);
}
std::optional<std::vector<JobSeen>> jobs_in(const std::string& text) {
    return parsed<std::vector<JobSeen>>(text, [](const json& j) { return list_of(j.at("jobs"), job_of); });
}

Question question_of(const SaleOrdered& order) {
    return {
        "POST", "/sales",
        json{{"household_id", order.household}, {"amount_fen", order.amount_fen}, {"channel", order.channel}}.dump(),
        order.key};
}

Question question_of(const JobOrdered& order) {
    const std::string path = "/households/" + std::to_string(order.household);
    if (order.kind == "alarms")
        return {"PUT", path + "/alarms", R"({"low_ckwh":500,"cutoff_ckwh":0,"overdraft_ckwh":0})", order.key};
    const char* action = order.kind == "relay_off" ? "off" : "on";
    return {"POST", path + "/relay", json{{"action", action}, {"reason", "torture"}}.dump(), order.key};
}

Callers::Callers(const Desk& desk, int count, std::uint64_t seed, Witness& witness, Trigger& trigger,
                 std::chrono::microseconds pace)
    : desk_(desk), witness_(witness), trigger_(trigger), pace_(pace) {
    for (int k = 0; k < count; ++k)
        threads_.emplace_back([this, seed, k] { call_on(seed * 1000 + static_cast<std::uint64_t>(k)); });
}

void Callers::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

std::string Callers::unexpected_words() const {
    const std::lock_guard lock(words_mutex_);
    return unexpected_words_;
}

std::string Callers::not_now_code() const {
    const std::lock_guard lock(words_mutex_);
    return not_now_code_;
}

void Callers::call_on(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Talk talk(desk_.port, desk_.token);
    Talk other(desk_.port, desk_.token);
    while (!stopping_) {
        if (!talk.reach()) {
            // Nobody there: as a program would, it waits a little before it tries again.
            std::this_thread::sleep_for(std::chrono::microseconds(500));
            continue;
        }
        const std::int64_t not_now_before = counts_.not_now;
        const int dice = number_of(random, 0, 99);
        if (dice < 62)
            sell(talk, random, 1);
        else if (dice < 72)
            click_twice(talk, other, random);
        else if (dice < 80)
            sell(talk, random, number_of(random, 0, 1) == 0 ? 2 : 0.7);  // walks away
        else if (dice < 90)
            order_job(talk, random);
        else if (dice < 95)
            repeat(talk);
        else
            ask(talk, random);
        // The office said "not now": a program waits before it tries again.
        if (counts_.not_now != not_now_before) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        if (pace_.count() > 0) std::this_thread::sleep_for(pace_);
    }
}

// `share` 1: waits for the answer; above: sends all and walks away; below: walks away in the middle of the request.
void Callers::sell(Talk& talk, std::mt19937_64& random, double share) {
    const SaleOrdered order{
        new_key(),
        desk_.households[static_cast<std::size_t>(number_of(random, 0, static_cast<int>(desk_.households.size()) - 1))],
        number_of(random, 1, 200), kChannels[static_cast<std::size_t>(number_of(random, 0, 2))]};
    witness_.ordered(order);
    ++counts_.sent;
    if (!talk.send(question_of(order), std::min(share, 1.0))) return note(std::nullopt, 201);
    trigger_.on_sent();
    if (share != 1) return talk.drop();
    hear(order, talk.receive());
}

void Callers::click_twice(Talk& talk, Talk& other, std::mt19937_64& random) {
    const SaleOrdered order{
        new_key(),
        desk_.households[static_cast<std::size_t>(number_of(random, 0, static_cast<int>(desk_.households.size()) - 1))],
        number_of(random, 1, 200), kChannels[static_cast<std::size_t>(number_of(random, 0, 2))]};
    witness_.ordered(order);
    ++counts_.sent;
    const bool first = talk.send(question_of(order));
    const bool second = other.send(question_of(order));
    if (first || second) trigger_.on_sent();
    hear(order, second ? other.receive() : std::nullopt);
    hear(order, first ? talk.receive() : std::nullopt);
}

void Callers::order_job(Talk& talk, std::mt19937_64& random) {
    constexpr std::array kKinds{"alarms", "relay_on", "relay_off"};
    const JobOrdered order{
        new_key(),
        desk_.households[static_cast<std::size_t>(number_of(random, 0, static_cast<int>(desk_.households.size()) - 1))],
        kKinds[static_cast<std::size_t>(number_of(random, 0, 2))]};
    witness_.ordered(order);
    ++counts_.sent;
    if (!talk.send(question_of(order))) return note(std::nullopt, 202);
    trigger_.on_sent();
    const auto reply = talk.receive();
    if (reply && reply->status == 202)
        if (const auto job = job_in(reply->body)) {
            witness_.answered(order.key, *job);
            ++counts_.answered;
            return trigger_.on_answered();
        }
    note(reply, 202);
}

void Callers::repeat(Talk& talk) {
    for (const SaleOrdered& order : witness_.answered_sales(1))
        hear(order, talk.ask(question_of(order)));
}

void Callers::ask(Talk& talk, std::mt19937_64& random) {
    const auto which = static_cast<std::size_t>(number_of(random, 0, static_cast<int>(desk_.households.size()) - 1));
    const auto reply = talk.ask({"GET", "/households/" + std::to_string(desk_.households[which]), "", ""});
    if (reply && reply->status == 200)
        ++counts_.reads;
    else
        note(reply, 200);
}

void Callers::hear(const SaleOrdered& order, const std::optional<Reply>& reply) {
    if (reply && reply->status == 201)
        if (const auto sale = sale_in(reply->body)) {
            witness_.answered(order.key, *sale);
            ++counts_.answered;
            return trigger_.on_answered();
        }
    note(reply, 201);
}

void Callers::note(const std::optional<Reply>& reply, int done) {
    if (!reply) {
        ++counts_.broken;
        return;
    }
    const std::lock_guard lock(words_mutex_);
    if (reply->status == 503) {
        ++counts_.not_now;
        not_now_code_ = parsed<std::string>(reply->body, [](const json& j) {
                            return j.at("error").at("code").get<std::string>();
                        }).value_or("");
        return;
    }
    ++counts_.unexpected;
    if (unexpected_words_.empty())
        unexpected_words_ =
            std::to_string(reply->status) + " instead of " + std::to_string(done) + ": " + reply->body.substr(0, 300);
}

}  // namespace prewatt::torture

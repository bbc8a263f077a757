#include "server/api/change_feed.hpp"

#include "server/api/json_of.hpp"

namespace prewatt::server::api {
namespace {

std::string text_of(const nlohmann::json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ChangeFeed::ChangeFeed(Office& office, EventHub& hub) : office_(office), hub_(hub), thread_([this] { work(); }) {
    office_.add_observer(*this);
}

ChangeFeed::~ChangeFeed() {
    office_.remove_observer(*this);
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    filled_.notify_one();
    thread_.join();
}

void ChangeFeed::on_changes(std::span<const Change> changes) {
    {
        const std::lock_guard lock(mutex_);
        for (Change change : changes) {
            // What is desired of a household shows in the household.
            if (change.kind == Change::Kind::kDesired) change.kind = Change::Kind::kHousehold;
            if (queued_.emplace(static_cast<int>(change.kind), change.id).second) queue_.push_back(change);
        }
    }
    filled_.notify_one();
}

void ChangeFeed::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const Change change = queue_.front();
        queue_.pop_front();
        queued_.erase({static_cast<int>(change.kind), change.id});
        lock.unlock();
        publish(change);
        lock.lock();
    }
}

// A record that cannot be read now (the disk fails) is not published; whoever watches still has its last state and its
// time.
void ChangeFeed::publish(const Change& change) {
    switch (change.kind) {
        case Change::Kind::kSale:
            if (const auto sale = office_.sale(SaleId{change.id})) hub_.publish("sale", text_of(json_of(*sale)));
            return;
        case Change::Kind::kHousehold:
        case Change::Kind::kDesired:
            if (const auto household = office_.household(HouseholdId{change.id}))
                hub_.publish("household", text_of(json_of(*household)));
            return;
        case Change::Kind::kJob:
            if (const auto job = office_.job(JobId{change.id})) hub_.publish("job", text_of(json_of(*job)));
            return;
        case Change::Kind::kBox:
            if (const auto box = office_.box(BoxId{change.id})) hub_.publish("box", text_of(json_of(*box)));
            return;
        case Change::Kind::kSettings:
            return;  // for line masters
        case Change::Kind::kCampaign:
            if (const auto campaign = office_.campaigns().campaign(CampaignId{change.id}))
                hub_.publish("campaign", text_of(json_of(*campaign)));
            return;
        case Change::Kind::kSite:
            hub_.publish("site", "{}");
            return;
    }
}

}  // namespace prewatt::server::api

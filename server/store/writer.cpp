#include "server/store/writer.hpp"

#include <chrono>
#include <iterator>

namespace prewatt::server::store {
namespace {

constexpr auto kLookForDatabaseEvery = std::chrono::seconds(1);

}  // namespace

Writer::Writer(std::unique_ptr<Db> db, std::size_t batch_max, std::function<void(const Changes&)> committed,
               ByHand* by_hand, Companion* companion)
    : db_(std::move(db)),
      batch_max_(batch_max == 0 ? 1 : batch_max),
      committed_(std::move(committed)),
      by_hand_(by_hand),
      companion_(companion) {
    if (by_hand_)
        by_hand_->writer_ = this;
    else
        thread_ = std::thread([this] { loop(); });
}

void Writer::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        stopping_ = true;
    }
    arrived_.notify_one();
    if (thread_.joinable()) thread_.join();
    if (by_hand_) {
        while (by_hand_->turn()) {
        }
        by_hand_->writer_ = nullptr;
    }
}

bool Writer::ByHand::turn() {
    if (!writer_) return false;
    Batch batch;
    {
        const std::lock_guard lock(writer_->mutex_);
        if (writer_->queue_.empty()) return false;
        writer_->take(batch);
    }
    writer_->write(batch);
    return true;
}

void Writer::ByHand::forget() {
    if (!writer_) return;
    const std::lock_guard lock(writer_->mutex_);
    writer_->queue_.clear();
    writer_->forgotten_ = true;
}

bool Writer::ByHand::waits() const {
    if (!writer_) return false;
    const std::lock_guard lock(writer_->mutex_);
    return !writer_->queue_.empty();
}

void Writer::push(std::unique_ptr<Work> work) {
    bool refused = false;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        if (forgotten_) return;
        refused = stopping_;
        if (!refused) {
            wake = queue_.empty() && asleep_;
            queue_.push_back(std::move(work));
            waiting_work_ = true;
        }
    }
    if (refused)
        work->answer();  // NOLINT(bugprone-use-after-move): it was not moved then
    else if (wake)
        arrived_.notify_one();
}

void Writer::loop() {
    Batch batch;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            asleep_ = true;
            const auto is_wanted = [this] { return stopping_ || !queue_.empty(); };
            if (db_->connected() && perhaps_.empty())
                arrived_.wait(lock, is_wanted);
            else
                arrived_.wait_for(lock, kLookForDatabaseEvery, is_wanted);
            asleep_ = false;
            if (queue_.empty() && stopping_) return;
            if (!queue_.empty()) take(batch);
        }
        if (batch.empty()) {
            look_for_database();
            continue;
        }
        write(batch);
        batch.clear();
        look_out();
    }
}

void Writer::take(Batch& batch) {
    if (queue_.size() <= batch_max_) {
        batch.swap(queue_);
    } else {
        const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(batch_max_);
        batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
        queue_.erase(queue_.begin(), end);
    }
    waiting_work_ = !queue_.empty();
}

// Who has just been answered often asks again at once; going to sleep and being woken costs more than looking for it so
// long.
void Writer::look_out() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
    while (!waiting_work_ && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
}

void Writer::look_for_database() {
    db_->clear_failure();
    const bool reached = db_->reconnect();
    db_->clear_failure();
    if (!reached || perhaps_.empty()) return;
    if (committed_) committed_(perhaps_);
    perhaps_.clear();
}

std::optional<DbError> Writer::try_batch(Batch& batch, Changes& changes) {
    if (companion_) companion_->on_begin();
    db_->begin_write();
    for (std::size_t k = 0; k < batch.size() && db_->ok();) {
        if (const void* group = batch[k]->group()) {
            std::size_t end = k + 1;
            while (end < batch.size() && batch[end]->group() == group)
                ++end;
            batch[k]->apply_together(*db_, std::span{batch}.subspan(k, end - k), changes);
            k = end;
            continue;
        }
        const std::size_t changes_before = changes.size();
        if (!batch[k]->apply(*db_, changes)) changes.resize(changes_before);
        ++k;
    }
    if (companion_ && db_->ok()) companion_->before_commit(*db_);
    if (db_->ok() && db_->commit()) {
        if (companion_) companion_->on_committed();
        return std::nullopt;
    }
    const DbFailure why = *db_->failure();
    db_->rollback();
    if (why.error == DbError::kUncertain) perhaps_.insert(perhaps_.end(), changes.begin(), changes.end());
    changes.clear();
    for (const auto& work : batch)
        work->refuse(refusal_of(why));
    return why.error;
}

void Writer::write(Batch& batch) {
    Changes changes;
    std::optional<DbError> why = try_batch(batch, changes);
    if (why == DbError::kLost) why = try_batch(batch, changes);
    // Somebody's change does not fit or is broken: each alone, so that it takes nobody with it. Not so when it is the
    // database that is away, and never when it may be there already.
    const bool each_alone = why && *why != DbError::kLost && *why != DbError::kUncertain && *why != DbError::kInUse;
    if (each_alone && batch.size() > 1) {
        Batch single(1);
        for (auto& work : batch) {
            Changes of_this;
            single[0] = std::move(work);
            (void)try_batch(single, of_this);
            work = std::move(single[0]);
            changes.insert(changes.end(), of_this.begin(), of_this.end());
        }
    }
    if (!changes.empty() && committed_) {
        changes.insert(changes.begin(), perhaps_.begin(), perhaps_.end());
        perhaps_.clear();
        committed_(changes);
    }
    for (const auto& work : batch)
        work->answer();
}

}  // namespace prewatt::server::store

#include "server/store/writer.hpp"

#include <iterator>

namespace prewatt::server::store {

Writer::Writer(std::unique_ptr<Db> db, std::size_t batch_max, std::function<void(const Changes&)> committed)
    : db_(std::move(db)), batch_max_(batch_max == 0 ? 1 : batch_max), committed_(std::move(committed)) {
    thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    arrived_.notify_one();
    thread_.join();
}

void Writer::push(std::unique_ptr<Work> work) {
    bool refused = false;
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        refused = stopping_;
        if (!refused) {
            wake = queue_.empty();
            queue_.push_back(std::move(work));
        }
    }
    if (refused)
        work->answer();
    else if (wake)
        arrived_.notify_one();
}

void Writer::loop() {
    Batch batch;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            if (queue_.size() <= batch_max_) {
                batch.swap(queue_);
            } else {
                const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(batch_max_);
                batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
                queue_.erase(queue_.begin(), end);
            }
        }
        write(batch);
        batch.clear();
    }
}

// False: the storage has failed and the transaction is gone.
bool Writer::apply_one(Work& work, Changes& changes) {
    const std::size_t changes_before = changes.size();
    db_->execute("SAVEPOINT one");
    const bool applied = work.apply(*db_, changes);
    if (applied && db_->ok()) {
        db_->execute("RELEASE one");
        if (db_->ok()) return true;
    }
    changes.resize(changes_before);
    if (!db_->ok()) {
        work.refuse(refusal_of(*db_->failure()));
        db_->clear_failure();
        if (!db_->in_transaction()) return false;
    }
    db_->execute("ROLLBACK TO one");
    db_->execute("RELEASE one");
    return db_->ok();
}

void Writer::write(Batch& batch) {
    Changes changes;
    std::optional<Refusal> lost;  // why nothing of this batch is there
    db_->begin_write();
    if (!db_->ok()) lost = refusal_of(*db_->failure());
    for (std::size_t k = 0; k < batch.size() && !lost; ++k) {
        if (apply_one(*batch[k], changes)) continue;
        lost = db_->ok()
                   ? Refusal{Reason::kStorageFailed, "The database ended the transaction; nothing was changed.", 0}
                   : refusal_of(*db_->failure());
    }
    if (!lost && !db_->commit()) lost = refusal_of(*db_->failure());
    if (lost) {
        db_->rollback();
        for (const auto& work : batch)
            work->refuse(*lost);
        changes.clear();
    }
    if (!changes.empty() && committed_) committed_(changes);
    for (const auto& work : batch)
        work->answer();
}

}  // namespace prewatt::server::store

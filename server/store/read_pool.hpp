// Connections for questions, as many as there are threads that ask at once. Any thread; a connection serves one
// question at a time.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/store/db.hpp"

namespace prewatt::server::store {

class ReadPool {
  public:
    explicit ReadPool(std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> open) : open_(std::move(open)) {}
    // Of an office in one thread, that asks nothing while it writes: `only`, which outlives it, is asked as well.
    explicit ReadPool(Db& only) : only_(&only) {}

    // Runs `question(Db&)` in one state of the database; a second time, on a new connection, when the first one turns
    // out to be lost: what it fills in outside must be the same then.
    template <class F>
    auto ask(F&& question) -> decltype(question(std::declval<Db&>())) {
        if (only_) {
            only_->begin_read();
            auto answer = question(*only_);
            only_->rollback();
            return answer;
        }
        for (bool again = false;; again = true) {
            std::unique_ptr<Db> db = take();
            if (!db) {
                auto opened = open_();
                if (!opened) return std::unexpected(refusal_of(opened.error()));
                db = std::move(*opened);
            }
            db->begin_read();
            auto answer = question(*db);
            const bool lost = !db->ok() && db->failure()->error == DbError::kLost;
            db->rollback();
            if (lost) {
                // Its neighbours were lost with it.
                const std::lock_guard lock(mutex_);
                free_.clear();
            } else {
                give_back(std::move(db));
            }
            if (!lost || again) return answer;
        }
    }

  private:
    std::unique_ptr<Db> take() {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) return nullptr;
        auto db = std::move(free_.back());
        free_.pop_back();
        return db;
    }
    void give_back(std::unique_ptr<Db> db) {
        const std::lock_guard lock(mutex_);
        if (free_.size() < 16) free_.push_back(std::move(db));
    }

    std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> open_;
    Db* only_ = nullptr;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Db>> free_;
};

}  // namespace prewatt::server::store

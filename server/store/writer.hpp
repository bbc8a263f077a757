// The one thread that changes the database. Changes wait in a queue; all that wait go into one transaction, so that
// many share the price of one write to the disk (group commit). Answers are given after COMMIT.
//
// Each change stands alone: it checks everything before it writes anything, so one that is refused leaves nothing
// behind; and when the storage refuses a transaction of many, it is rolled back and each is tried in one of its own. (A
// savepoint for each would do the same and costs a copy of every page that it touches.) A failure of the storage is
// told to exactly those whose change is not there; the next change is tried anew.
//
// When the connection to the database is lost before COMMIT the transaction is tried once more on a new one. When it is
// lost at COMMIT nobody knows whether the changes are there: all of them are refused with "ask again with the same
// order id", and once the database answers again the observers are told to look (they may be there). The writer tries
// to reach the database every second, also while nothing is asked of it.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "server/domain/office.hpp"
#include "server/store/db.hpp"

namespace prewatt::server::store {

using Changes = std::vector<Change>;

class Writer {
  public:
    // Takes part in every transaction, on the writing thread: what gathers rows of many changes and appends them at
    // once.
    class Companion {
      public:
        virtual void on_begin() = 0;  // also after a transaction that was rolled back
        virtual void before_commit(Db& db) = 0;
        virtual void on_committed() = 0;  // before the answers

      protected:
        ~Companion() = default;
    };

    // For an owner of virtual time: no thread; what waits is written when the owner says so. Outlives the writer.
    class ByHand {
      public:
        // Writes one transaction of what waits; false: nothing waited.
        bool turn();
        // The process is gone: what waits is neither written nor answered.
        void forget();
        [[nodiscard]] bool waits() const;

      private:
        friend class Writer;
        Writer* writer_ = nullptr;
    };

    // `committed` hears what has changed, after COMMIT and before the answers.
    Writer(std::unique_ptr<Db> db, std::size_t batch_max, std::function<void(const Changes&)> committed,
           ByHand* by_hand = nullptr, Companion* companion = nullptr);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer() { stop(); }
    // Finishes what is queued; what comes later is answered with kStopping.
    void stop();

    // `apply` is run on the writing thread: it checks everything first, then changes the database and names what it
    // changed. It need not look at failures of the database: they overrule its answer.
    template <class T, class Apply>
    void submit(Apply apply, WhenDone<T> done) {
        push(std::make_unique<WorkOf<T, Apply>>(std::move(apply), std::move(done)));
    }

    // Orders of one kind that stand side by side in a transaction and are applied together, so that what all of them
    // need to know is asked at once. Each is answered, and refused, alone; `apply` writes nothing for those that it
    // refuses and names no changes of theirs. Outlives the writer.
    template <class Order, class T>
    struct Group {
        std::function<void(Db&, std::span<const Order* const> orders, std::span<Answer<T>* const> answers, Changes&)>
            apply;
    };
    template <class Order, class T>
    void submit_to(const Group<Order, T>& group, Order order, WhenDone<T> done) {
        push(std::make_unique<WorkInGroup<Order, T>>(group, std::move(order), std::move(done)));
    }

  private:
    class Work;
    using Batch = std::vector<std::unique_ptr<Work>>;
    class Work {
      public:
        virtual ~Work() = default;
        virtual bool apply(Db& db, Changes& changes) = 0;  // false: refused
        // Of those with the same group the first applies all.
        [[nodiscard]] virtual const void* group() const { return nullptr; }
        virtual void apply_together(Db&, std::span<const std::unique_ptr<Work>>, Changes&) {}
        virtual void refuse(Refusal refusal) = 0;
        virtual void answer() = 0;
    };
    template <class T, class Apply>
    class WorkOf final : public Work {
      public:
        WorkOf(Apply apply, WhenDone<T> done) : apply_(std::move(apply)), done_(std::move(done)) {}
        bool apply(Db& db, Changes& changes) override {
            result_ = apply_(db, changes);
            return result_.has_value();
        }
        void refuse(Refusal refusal) override { result_ = std::unexpected(std::move(refusal)); }
        void answer() override {
            if (done_) done_(std::move(result_));
        }

      private:
        Apply apply_;
        WhenDone<T> done_;
        Answer<T> result_ =
            std::unexpected(Refusal{Reason::kStopping, "The office is going down; nothing was done.", 0});
    };
    template <class Order, class T>
    class WorkInGroup final : public Work {
      public:
        WorkInGroup(const Group<Order, T>& group, Order order, WhenDone<T> done)
            : group_(group), order_(std::move(order)), done_(std::move(done)) {}
        bool apply(Db&, Changes&) override { return false; }
        const void* group() const override { return &group_; }
        void apply_together(Db& db, std::span<const std::unique_ptr<Work>> works, Changes& changes) override {
            std::vector<const Order*> orders;
            std::vector<Answer<T>*> answers;
            for (const auto& work : works) {
                auto& one = static_cast<WorkInGroup&>(*work);
                orders.push_back(&one.order_);
                answers.push_back(&one.result_);
            }
            group_.apply(db, orders, answers, changes);
        }
        void refuse(Refusal refusal) override { result_ = std::unexpected(std::move(refusal)); }
        void answer() override {
            if (done_) done_(std::move(result_));
        }

      private:
        const Group<Order, T>& group_;
        Order order_;
        WhenDone<T> done_;
        Answer<T> result_ =
            std::unexpected(Refusal{Reason::kStopping, "The office is going down; nothing was done.", 0});
    };

    void push(std::unique_ptr<Work> work);
    void loop();
    void take(Batch& batch);  // under the lock
    void write(Batch& batch);
    void look_out();
    void look_for_database();
    // All of them in one transaction; why not. Then nothing of it is there, but for kUncertain.
    std::optional<DbError> try_batch(Batch& batch, Changes& changes);

    std::unique_ptr<Db> db_;
    std::size_t batch_max_;
    std::function<void(const Changes&)> committed_;
    ByHand* by_hand_ = nullptr;
    Companion* companion_ = nullptr;
    bool forgotten_ = false;  // by hand: the process is gone, nothing is written any more
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    Batch queue_;
    Changes perhaps_;  // changed, or not: the connection was lost at COMMIT
    std::atomic<bool> waiting_work_{false};
    bool asleep_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace prewatt::server::store

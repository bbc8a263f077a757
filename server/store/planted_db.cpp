#include "server/store/planted_db.hpp"

#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace prewatt::server::store {
namespace {

enum class Defect : std::uint8_t { kAnswerBeforeCommit, kForgetOrders, kEntriesLater, kCountersGoBack };
struct Named {
    std::string_view word;
    Defect defect;
};
constexpr std::array<Named, 4> kDefects{{{"answer-before-commit", Defect::kAnswerBeforeCommit},
                                         {"forget-orders", Defect::kForgetOrders},
                                         {"entries-later", Defect::kEntriesLater},
                                         {"counters-go-back", Defect::kCountersGoBack}}};

class PlantedDb final : public Db {
  public:
    PlantedDb(std::unique_ptr<Db> db, Defect defect) : db_(std::move(db)), defect_(defect) {}
    ~PlantedDb() override { commit_late(); }

    void define(const std::string& sql) override {
        db_->define(sql);
        take_failure();
    }
    void begin_write() override {
        commit_late();
        db_->begin_write();
        take_failure();
    }
    void begin_read() override {
        commit_late();
        db_->begin_read();
        take_failure();
    }
    bool commit() override {
        if (defect_ == Defect::kAnswerBeforeCommit && ok() && std::exchange(sold_, false)) return owes_ = true;
        const bool done = db_->commit();
        take_failure();
        return done;
    }
    void rollback() override {
        db_->rollback();
        clear_failure();
    }
    bool in_transaction() const override { return !owes_ && db_->in_transaction(); }
    bool has_table(std::string_view name) override { return db_->has_table(name); }
    void mark_version(int number) override { db_->mark_version(number); }

    bool connected() const override { return db_->connected(); }
    bool reconnect() override {
        const bool reached = db_->reconnect();
        take_failure();
        return reached;
    }
    void append_rows(std::string_view table, std::span<const std::string_view> columns,
                     std::span<const Value> values) override {
        if (!ok()) return;
        prepare("INSERT INTO " + std::string(table));
        db_->append_rows(table, columns, salted(table == "bookings", values, columns.size()));
        take_failure();
    }

  protected:
    std::int64_t run(const char* sql, std::span<const Value> values, const void* context,
                     void (*each)(const void*, const Row&)) override {
        if (!ok()) return 0;
        const std::string_view text{sql};
        prepare(text);
        const std::int64_t rows =
            db_->pass_on(sql, salted(text.starts_with("INSERT INTO bookings"), values, values.size()), context, each);
        if (defect_ == Defect::kCountersGoBack && text.starts_with("UPDATE boxes SET counter_next"))
            db_->execute("UPDATE boxes SET counter_next = 1 WHERE counter_next > 100");
        take_failure();
        return rows;
    }
    std::int64_t stream(const std::string& sql, const void* context, void (*each)(const void*, const Row&)) override {
        if (!ok()) return 0;
        const std::int64_t rows = db_->pass_on_stream(sql, context, each);
        take_failure();
        return rows;
    }
    void run_each(const char* sql, std::span<const Value> values, std::size_t parameters, const void* context,
                  void (*each)(const void*, std::size_t, const Row&)) override {
        if (!ok()) return;
        prepare(sql);
        db_->pass_on_each(sql, values, parameters, context, each);
        take_failure();
    }
    void run_later(const char* sql, std::span<const Value> values) override {
        if (!ok()) return;
        const std::string_view text{sql};
        prepare(text);
        db_->pass_on_later(sql, salted(text.starts_with("INSERT INTO bookings"), values, values.size()));
        take_failure();
    }

  private:
    void prepare(std::string_view sql) {
        if (db_->failure()) db_->clear_failure();
        sold_ |= sql.starts_with("INSERT INTO bookings");
        if (defect_ == Defect::kEntriesLater && sql.starts_with("INSERT INTO entries") && db_->in_transaction()) {
            db_->commit();
            db_->begin_write();
        }
    }
    // The first text of each row of bookings is its order id.
    std::span<const Value> salted(bool bookings, std::span<const Value> values, std::size_t columns) {
        if (defect_ != Defect::kForgetOrders || !bookings) return values;
        values_.assign(values.begin(), values.end());
        texts_.clear();
        for (std::size_t row = 0; row < values_.size(); row += columns)
            for (std::size_t k = row; k < row + columns; ++k)
                if (values_[k].kind() == Value::Kind::kText) {
                    texts_.push_back(std::string(values_[k].text()) + "#" + std::to_string(++number_));
                    values_[k] = Value(texts_.back());
                    break;
                }
        return values_;
    }
    void commit_late() {
        if (owes_) db_->commit();
        owes_ = false;
    }
    void take_failure() { failure_ = db_->failure(); }

    std::unique_ptr<Db> db_;
    Defect defect_;
    bool sold_ = false;  // since the last commit
    bool owes_ = false;
    std::int64_t number_ = 0;
    std::vector<Value> values_;
    std::deque<std::string> texts_;
};

}  // namespace

bool is_planted_defect(std::string_view word) {
    for (const Named& one : kDefects)
        if (one.word == word) return true;
    return false;
}

std::unique_ptr<Db> plant(std::unique_ptr<Db> db, std::string_view defect) {
    for (const Named& one : kDefects)
        if (one.word == defect) return std::make_unique<PlantedDb>(std::move(db), one.defect);
    return db;
}

}  // namespace prewatt::server::store

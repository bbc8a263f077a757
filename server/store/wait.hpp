// For those who have a thread to spare (tests, tools): a change, and waiting until it is durable or refused.
//
//     auto sold = wait<SaleAnswer>([&](auto done) { office.sell(order, done); });
//
// Never on a thread of the office itself: it would wait for itself.
#pragma once
#include <future>

#include "server/domain/office.hpp"

namespace prewatt::server::store {

template <class T, class Ask>
[[nodiscard]] Answer<T> wait(Ask&& ask) {
    auto answered = std::make_shared<std::promise<Answer<T>>>();
    auto outcome = answered->get_future();
    ask(WhenDone<T>([answered](Answer<T> answer) { answered->set_value(std::move(answer)); }));
    return outcome.get();
}

}  // namespace prewatt::server::store

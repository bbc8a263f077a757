// For those who have a thread to spare (tests, tools, the handler of a request): a change, and waiting until it is
// durable or refused.
//
//     auto sold = wait<SaleAnswer>([&](auto done) { office.sell(order, done); });
//
// Never on a thread of the office itself: it would wait for itself.
#pragma once
#include <future>
#include <memory>

#include "server/domain/office.hpp"

namespace prewatt::server {

template <class T, class Ask>
[[nodiscard]] Answer<T> wait(Ask&& ask) {
    // Shared: who answers may still be in set_value() when the outcome is already taken.
    auto answered = std::make_shared<std::promise<Answer<T>>>();
    auto outcome = answered->get_future();
    ask(WhenDone<T>([answered](Answer<T> answer) { answered->set_value(std::move(answer)); }));
    return outcome.get();
}

}  // namespace prewatt::server

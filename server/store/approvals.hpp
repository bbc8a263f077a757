// Approvals in the tables: server/domain/approvals.hpp.
//
// A change that may need two people asks `wait_for_second_person` after its checks and before it writes. A refusal from
// it is the change's answer: the request is kept, nothing else was done, Refusal::limit is its number. The part that
// offers the change also offers how it is carried out from the content (Acts), on the writing connection.
#pragma once
#include <functional>
#include <map>
#include <memory>

#include "server/domain/approvals.hpp"
#include "server/store/engine.hpp"

namespace prewatt::server::store {

[[nodiscard]] ApprovalRules read_approval_rules(Db& db);
[[nodiscard]] std::optional<Refusal> wait_for_second_person(Db& db, const Act& act, const Actor& who,
                                                            const std::string& reason, UnixTime now);
// Whether it would.
[[nodiscard]] bool needs_second_person(Db& db, const Act& act, const Actor& who, UnixTime now);
// The refusal of an order id under which another order waits: it is taken, as one that was executed is. `order` is the
// order's own text, field "order" of the content of its act.
[[nodiscard]] std::optional<Refusal> check_waiting_orders(Db& db, const std::string& order_id, const std::string& order,
                                                          UnixTime now);
[[nodiscard]] std::unique_ptr<Approvals> make_approvals(Engine& engine);

}  // namespace prewatt::server::store

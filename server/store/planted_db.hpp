// Defects for the tests of the tests: a connection that does what the books must never suffer, between the office and
// its database. `prewatt torture` and the simulator must find each within a few kills or seeds; if they do not, they
// are the ones to be mended. Nothing of this is reachable but by an option that no help names.
//
//   answer-before-commit   COMMIT of sales is answered at once and done before the next transaction: a kill loses them
//   forget-orders          a sale's order id is kept with a number of its own: a repeat sells again
//   entries-later          a booking is committed before its entries: a kill leaves it without
//   counters-go-back       command counters of boxes begin at 1 again after 100
#pragma once
#include <memory>
#include <string_view>

#include "server/store/db.hpp"

namespace prewatt::server::store {

[[nodiscard]] bool is_planted_defect(std::string_view word);
// `db` with the defect; as it is when there is none of this name.
[[nodiscard]] std::unique_ptr<Db> plant(std::unique_ptr<Db> db, std::string_view defect);

}  // namespace prewatt::server::store

#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Whether a refund of a household is under way is asked whenever anything is done to its account, and where a move
    // out went whenever it was short; without these all bookings of the account, or of everybody, are walked through.
    "CREATE INDEX bookings_refunds ON bookings (household_id, epoch) WHERE kind = 3",
    "CREATE INDEX bookings_moved_in ON bookings (refers) WHERE kind = 9",
};

}  // namespace

Migration refund_searches_migration() {
    return {"refunds and moves: found without walking through the bookings", kStatements};
}

}  // namespace prewatt::server::store

#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // What of the refunds is still to be done, so that whoever asks does not walk through all that there ever were.
    // Both
    // follow from dues, movements and bookings.
    "CREATE TABLE unpaid_dues (booking_id BIGINT NOT NULL REFERENCES bookings (id), part BIGINT NOT NULL, PRIMARY KEY "
    "(booking_id, part))",
    "INSERT INTO unpaid_dues (booking_id, part) SELECT d.booking_id, d.part FROM dues d LEFT JOIN movements v ON "
    "v.kind = 1 AND v.booking_id = d.booking_id AND v.part = d.part WHERE v.id IS NULL",
    // Of each it is not yet known that the meter had all that was taken out, and nothing was given back.
    "CREATE TABLE unsettled_refunds (booking_id {key} REFERENCES bookings (id))",
    "INSERT INTO unsettled_refunds (booking_id) SELECT s.id FROM bookings s LEFT JOIN progress p ON p.booking_id = "
    "s.id WHERE s.kind IN (3, 6, 8) AND (p.remaining_ckwh IS NULL OR p.remaining_ckwh < 0)",
};

}  // namespace

Migration refunds_migration() {
    return {"refunds: what is unpaid, what may have to be given back", kStatements};
}

}  // namespace prewatt::server::store

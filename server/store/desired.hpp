// Desired state and what comes back from the line: jobs, deliveries, effects.
#pragma once
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// What an order wants of one part. `content` decides whether a repeated order id is the same order.
struct PartOrder {
    Part part = Part::kRemoteHold;
    const char* kind = "";
    bool off = false;       // remote hold
    UnixTime force_until;   // force
    int force_minutes = 0;  // force
    AlarmLevels alarms;     // alarms
    [[nodiscard]] std::string content() const;
};

[[nodiscard]] Answer<JobRecord> order_part(Db& db, const JobOrder& order, const PartOrder& wanted, UnixTime now,
                                           Changes& changes);
[[nodiscard]] Answer<JobRecord> read_job(Db& db, JobId id);
[[nodiscard]] Answer<std::vector<JobRecord>> read_jobs(Db& db, HouseholdId household, int limit);

[[nodiscard]] Answer<Done> record_sent(Db& db, const Delivery& delivery, UnixTime at, Changes& changes);
[[nodiscard]] Answer<Done> record_confirmed(Db& db, const Delivery& delivery, const MeterEffect& effect, UnixTime at,
                                            Changes& changes);
[[nodiscard]] Answer<Done> record_effect(Db& db, HouseholdId household, const MeterEffect& effect, UnixTime at,
                                         Changes& changes);
[[nodiscard]] Answer<Done> record_refused(Db& db, const Delivery& delivery, std::string_view problem, bool for_good,
                                          UnixTime at, Changes& changes);
// The newest reading of a household into `meters`: what it shows, what it tells of the energy used, and sales whose
// relay is seen closed. An older one than `meters` holds changes nothing. The office runs since `runs_since`: its books
// may be older than what the meter has, and a reading of then tells no use until the account was read in full. True: a
// confirmed ticket still awaits light, so the next reading is wanted here too.
bool apply_reading(Db& db, const Reading& reading, UnixTime runs_since, Changes& changes);

}  // namespace prewatt::server::store

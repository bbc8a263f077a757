#include "server/store/open_office.hpp"

#include <chrono>

#include "server/store/ledger_check.hpp"
#include "server/store/migrations.hpp"
#include "server/store/office_on_db.hpp"
#include "server/store/planted_db.hpp"
#include "server/store/users.hpp"

namespace prewatt::server::store {
namespace {

UnixTime now_of(const OfficeOptions& options) {
    if (options.clock) return options.clock();
    using namespace std::chrono;
    return UnixTime{duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch()).count()};
}

Opened<std::unique_ptr<Place>> place_in(const OfficeOptions& options) {
    return place_of(options.url, {.pages_max = options.database_pages_max});
}

Opened<void> bring_up_to_date(Place& place, Db& db, UnixTime now) {
    if (applied_migration(db) < newest_migration())
        if (const auto why = migrate(db, now)) return open_failure(place.name(), *why);
    if (db.ok()) place.settle(db);
    if (!db.ok()) return open_failure(place.name(), *db.failure());
    return {};
}

}  // namespace

Opened<void> create_site(const OfficeOptions& options, const SiteSpec& site,
                         const std::vector<BuildingSpec>& buildings) {
    if (std::string fault = find_fault(site, buildings); !fault.empty())
        return open_failure(OpenError::kBadSpec, std::move(fault));
    if (!start_secrets()) return open_failure(OpenError::kFailed, "The system has no randomness.");
    auto place = place_in(options);
    if (!place) return std::unexpected(place.error());
    return (*place)->create([&](Db& db) -> Opened<void> {
        const std::string hash = hash_password(site.owner_password, options.cheap_password_hash);
        if (hash.empty()) return open_failure(OpenError::kFailed, "Not enough memory to hash the owner's password.");
        const UnixTime now = now_of(options);
        if (const auto why = migrate(db, now)) return open_failure((*place)->name(), *why);
        db.begin_write();
        insert_site(db, site, hash, buildings, now);
        if (!db.ok() || !db.commit()) return open_failure((*place)->name(), *db.failure());
        return {};
    });
}

Opened<void> create_demo(const OfficeOptions& options, SiteSpec site, const BuildingSpec& building) {
    if (site.price == UnitPrice{0}) site.price = UnitPrice{6400};
    return create_site(options, site, {building});
}

Opened<bool> is_office_there(const OfficeOptions& options) {
    auto place = place_in(options);
    if (!place) return std::unexpected(place.error());
    const auto db = (*place)->open_reading();
    if (db) return true;
    if (db.error().error == OpenError::kMissing) return false;
    return std::unexpected(db.error());
}

Opened<std::unique_ptr<Office>> open_office(const OfficeOptions& options) {
    if (!start_secrets()) return open_failure(OpenError::kFailed, "The system has no randomness.");
    auto place = place_in(options);
    if (!place) return std::unexpected(place.error());
    auto writing = (*place)->open_writing();
    if (!writing) return std::unexpected(writing.error());
    if (auto fresh = bring_up_to_date(**place, *writing->db, now_of(options)); !fresh)
        return std::unexpected(fresh.error());
    // A damaged page is better found now than in the middle of a working day; large databases are left to `prewatt db
    // check`.
    if (const std::string damage = (*place)->find_damage(*writing->db, true); !damage.empty())
        return open_failure(OpenError::kDamaged, "The database " + (*place)->name() + " is damaged (" + damage +
                                                     "). Restore it from a backup.");
    Connections connections;
    connections.writing = plant(std::move(writing->db), options.planted_defect);
    connections.lock = std::move(writing->lock);
    connections.open_reading = (*place)->reader();
    connections.clock = [options] { return now_of(options); };
    connections.batch_max = options.batch_max;
    connections.free_bytes = (*place)->room();
    connections.ballast = (*place)->ballast();
    if (!options.archive_tends_itself) connections.tend_every = Duration{0};
    connections.cheap_password_hash = options.cheap_password_hash;
    return make_office(std::move(connections));
}

Opened<LedgerCheck> check_ledger(const std::string& url) {
    auto place = place_of(url);
    if (!place) return std::unexpected(place.error());
    auto db = (*place)->open_reading();
    if (!db) return std::unexpected(db.error());
    const LedgerSums sums = add_up_ledger(**db);
    LedgerCheck check;
    check.balanced = sums.problem.empty();
    check.sales = sums.sales;
    check.entries = sums.entries;
    check.taken = sums.taken;
    check.credited = sums.credited;
    check.problem = sums.problem;
    return check;
}

}  // namespace prewatt::server::store

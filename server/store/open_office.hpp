// An office on a database: made, opened, its books added up. One process at a time; one writing thread that gathers
// waiting changes into one transaction (group commit); questions on connections of their own.
//
// What was reported as done is on the disk, whatever is killed afterwards. A disk that is full or fails, or a database
// server that does not answer, makes changes be refused with kStorageFull / kStorageFailed, whole; questions go on
// where they can and the next change is tried anew.
#pragma once
#include <memory>

#include "server/domain/office.hpp"
#include "server/store/place.hpp"
#include "server/store/site.hpp"

namespace prewatt::server::store {

struct OfficeOptions {
    std::string url;  // place.hpp: a path, sqlite:///path, postgresql://...
    // Wall clock; the simulator and tests bring their own. Must be callable from any thread.
    std::function<UnixTime()> clock;
    std::size_t batch_max = 256;          // changes in one transaction
    std::int64_t database_pages_max = 0;  // 0: no bound; else SQLite's max_page_count (a full disk in tests)
    bool archive_tends_itself = true;     // false: when it is told to (Archive::tend)
    bool cheap_password_hash = false;     // tests only: Argon2id at its least cost for NEW hashes
    std::string planted_defect;           // tests only: planted_db.hpp
};

// Makes the office and closes it again: a file (its folder must exist), or tables in a database that has none. Nothing
// is left behind on an error.
[[nodiscard]] Opened<void> create_site(const OfficeOptions& options, const SiteSpec& site,
                                       const std::vector<BuildingSpec>& buildings = {});
// The demonstration building: price 0.6400 yuan/kWh unless the site says another.
[[nodiscard]] Opened<void> create_demo(const OfficeOptions& options, SiteSpec site, const BuildingSpec& building);

// Whether there is an office to be opened; not, for instance, while a server does not answer.
[[nodiscard]] Opened<bool> is_office_there(const OfficeOptions& options);
// Applies missing migrations. The destructor finishes what is queued.
[[nodiscard]] Opened<std::unique_ptr<Office>> open_office(const OfficeOptions& options);

// What an auditor would add up; used by tests, benchmarks and `prewatt db check`.
struct LedgerCheck {
    bool balanced = false;  // per unit, all balances add up to zero; household totals match accounts and sales
    std::int64_t sales = 0;
    std::int64_t entries = 0;
    Money taken;          // by all channels
    Energy credited;      // to all households
    std::string problem;  // the first difference found
};
[[nodiscard]] Opened<LedgerCheck> check_ledger(const std::string& url);

}  // namespace prewatt::server::store

// The office on SQLite, in one file: docs/formats/database.md. One process at a time (a lock file beside the database);
// one writing thread that gathers waiting changes into one transaction (group commit); questions on connections of
// their own.
//
// WAL, synchronous FULL: what was reported as done is on the disk, whatever is killed afterwards. A disk that is full
// or fails makes changes be refused with kStorageFull / kStorageFailed, whole; questions go on and the next change is
// tried anew.
#pragma once
#include <filesystem>
#include <memory>

#include "server/domain/office.hpp"

namespace prewatt::server::store {

enum class OpenError : std::uint8_t {
    kMissing,  // no such file: create it first
    kExists,   // creating: there is one already; untouched
    kInUse,    // another process has it
    kNewer,    // written by a newer version of the program; untouched
    kDamaged,  // not a database of ours, or corrupt; untouched
    kFailed,   // the disk or the folder refuses
    kBadSpec,  // creating: the specification makes no sense
};
struct OpenFailure {
    OpenError error = OpenError::kFailed;
    std::string message;  // for a person: what, which file, what to do
};
template <class T>
using Opened = std::expected<T, OpenFailure>;

struct OfficeOptions {
    std::filesystem::path file;
    // Wall clock; the simulator and tests bring their own. Must be callable from any thread.
    std::function<UnixTime()> clock;
    std::size_t batch_max = 256;          // changes in one transaction
    std::int64_t database_pages_max = 0;  // 0: no bound; else SQLite's max_page_count (a full disk in tests)
    bool cheap_password_hash = false;     // tests only: Argon2id at its least cost for NEW hashes
    std::string planted_defect;           // tests only: planted_db.hpp
};

// A new database with one site and nothing in it but the owner.
struct SiteSpec {
    std::string name = "Prewatt";
    std::string owner_user = "owner";
    std::string owner_password;  // kPasswordSizeMin at least
    UnitPrice price;             // 0: not set yet
};
// A building whose rooms are all bound: box k of `boxes` (numbers first_box + k) serves the next households_of(wiring)
// rooms.
struct BuildingSpec {
    std::string name = "3";  // prefix of the room labels: "3-0101"
    std::string line_name = "Line 1";
    std::string line_url;  // where the boxes are
    std::uint64_t first_box = 2026000001;
    int boxes = 1;
    Wiring wiring = Wiring::k39x1;
    int rooms_per_floor = 13;  // 1..99
    bool residents = true;     // give each room a made-up resident
};

// Creates the file (its folder must exist) and closes it again. Nothing is left behind on an error.
[[nodiscard]] Opened<void> create_site(const OfficeOptions& options, const SiteSpec& site,
                                       const std::vector<BuildingSpec>& buildings = {});
// The demonstration building: price 0.6400 yuan/kWh unless the site says another.
[[nodiscard]] Opened<void> create_demo(const OfficeOptions& options, SiteSpec site, const BuildingSpec& building);

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
[[nodiscard]] Opened<LedgerCheck> check_ledger(const std::filesystem::path& file);

}  // namespace prewatt::server::store

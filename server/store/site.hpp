// What a new office begins with: the site, its owner, buildings with their boxes and rooms. Pure rows; where they go is
// place.hpp's.
#pragma once
#include <string>
#include <vector>

#include "server/store/db.hpp"

namespace prewatt::server::store {

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

// Why the specification makes no sense; empty: it does.
[[nodiscard]] std::string find_fault(const SiteSpec& site, const std::vector<BuildingSpec>& buildings);
// Into an open write transaction on empty tables. Failures stick to `db`.
void insert_site(Db& db, const SiteSpec& site, std::string_view owner_password_hash,
                 const std::vector<BuildingSpec>& buildings, UnixTime now);

}  // namespace prewatt::server::store

#include "server/store/site.hpp"

#include "server/domain/sale.hpp"
#include "server/store/audit.hpp"
#include "server/store/users.hpp"

namespace prewatt::server::store {
namespace {

// Two digits, at least.
std::string padded(int number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

void insert_household(Db& db, std::int64_t room, std::string_view resident, std::int64_t box, int number) {
    std::int64_t household = 0;
    db.query("INSERT INTO households (room_id, resident, box_id, number_in_box) VALUES ($1, $2, $3, $4) RETURNING id",
             {room, resident, box, number}, [&](const Row& row) { household = row.integer(0); });
    db.execute("INSERT INTO desired (household_id) VALUES ($1)", {household});
    db.execute("INSERT INTO meters (household_id) VALUES ($1)", {household});
}

std::string made_up_resident(int k) {
    static constexpr const char* kSurnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵",
                                                "黄", "周", "吴", "徐", "孙", "马"};
    static constexpr const char* kNames[] = {"芳", "伟", "娜", "敏", "静", "磊", "洋", "艳", "勇",
                                             "杰", "婷", "浩", "雪", "宇", "欣", "晨", "琳"};
    return std::string{kSurnames[static_cast<std::size_t>(k) % std::size(kSurnames)]} +
           kNames[static_cast<std::size_t>(k) % std::size(kNames)];
}

void insert_building(Db& db, const BuildingSpec& spec) {
    std::int64_t building = 0;
    std::int64_t line = 0;
    db.query("INSERT INTO buildings (name) VALUES ($1) RETURNING id", {spec.name},
             [&](const Row& row) { building = row.integer(0); });
    db.query("INSERT INTO lines (name, url) VALUES ($1, $2) RETURNING id", {spec.line_name, spec.line_url},
             [&](const Row& row) { line = row.integer(0); });
    int room_index = 0;
    for (int b = 0; b < spec.boxes && db.ok(); ++b) {
        std::int64_t box = 0;
        db.query("INSERT INTO boxes (number, line_id, wiring) VALUES ($1, $2, $3) RETURNING id",
                 {static_cast<std::int64_t>(spec.first_box) + b, line, spec.wiring},
                 [&](const Row& row) { box = row.integer(0); });
        for (int number = 1; number <= households_of(spec.wiring); ++number, ++room_index) {
            const int floor = room_index / spec.rooms_per_floor + 1;
            const std::string label = spec.name + "-" + padded(floor) + padded(room_index % spec.rooms_per_floor + 1);
            std::int64_t room = 0;
            db.query("INSERT INTO rooms (building_id, label, floor) VALUES ($1, $2, $3) RETURNING id",
                     {building, label, floor}, [&](const Row& row) { room = row.integer(0); });
            insert_household(db, room, spec.residents ? made_up_resident(room_index) : std::string{}, box, number);
        }
    }
}

}  // namespace

std::string find_fault(const SiteSpec& site, const std::vector<BuildingSpec>& buildings) {
    if (site.owner_user.empty() || site.owner_password.size() < kPasswordSizeMin)
        return "The owner needs a name and a password of at least " + std::to_string(kPasswordSizeMin) + " characters.";
    for (const BuildingSpec& building : buildings)
        if (building.boxes < 0 || building.boxes > 10'000 || building.rooms_per_floor < 1 ||
            building.rooms_per_floor > 99 || building.first_box < 1 ||
            building.first_box + static_cast<std::uint64_t>(building.boxes) > 10'000'000'000)
            return "Building " + building.name + ": boxes 0 to 10,000 with ten-digit numbers, 1 to 99 rooms a floor.";
    return {};
}

void insert_site(Db& db, const SiteSpec& site, std::string_view owner_password_hash,
                 const std::vector<BuildingSpec>& buildings, UnixTime now) {
    const SaleRules rules;
    db.execute("INSERT INTO site (id, name, sale_max_fen, held_max_ckwh, created_at) VALUES (1, $1, $2, $3, $4)",
               {site.name, rules.sale_max, rules.held_max, now});
    if (site.price > UnitPrice{0})
        db.execute("INSERT INTO prices (at, price_e4, operator_name) VALUES ($1, $2, $3)",
                   {now, site.price, site.owner_user});
    UserRecord owner;
    owner.user = site.owner_user;
    owner.name = site.owner_user;
    owner.role = Role::kOwner;
    const Actor first_start{"office", "cli"};
    append_audit(db, {0, now, first_start, "site.create", "site " + site.name, "", "", "", ""});
    (void)create_user(db, owner, owner_password_hash, first_start, now);
    for (const BuildingSpec& building : buildings)
        insert_building(db, building);
}

}  // namespace prewatt::server::store

// Site, buildings, rooms, lines, boxes, households: their rows as records.
#pragma once
#include "server/store/writer.hpp"

namespace prewatt::server::store {

[[nodiscard]] Answer<SiteRecord> read_site(Db& db);
[[nodiscard]] Answer<HouseholdRecord> read_household(Db& db, HouseholdId id);
[[nodiscard]] Answer<std::vector<HouseholdRecord>> find_households(Db& db, std::string_view text, int limit);
[[nodiscard]] Answer<std::vector<HouseholdRecord>> read_households_of_box(Db& db, BoxId box);
[[nodiscard]] Answer<BoxRecord> read_box(Db& db, BoxId id);
[[nodiscard]] Answer<BoxRecord> read_box(Db& db, std::uint64_t number);
[[nodiscard]] Answer<std::vector<LineRecord>> read_lines(Db& db);
[[nodiscard]] Answer<std::vector<BoxRecord>> read_boxes_of_line(Db& db, LineId line);
[[nodiscard]] Answer<DesiredState> read_desired(Db& db, HouseholdId id);
[[nodiscard]] Answer<std::vector<DesiredState>> read_desired_of_box(Db& db, BoxId box);
[[nodiscard]] Answer<std::vector<DesiredState>> read_desired_of_line(Db& db, LineId line);

[[nodiscard]] Answer<std::uint32_t> reserve_counters(Db& db, BoxId box, std::uint32_t count);
[[nodiscard]] Answer<Done> raise_counter(Db& db, BoxId box, std::uint32_t last_counter);
[[nodiscard]] Answer<Done> record_box_seen(Db& db, const BoxSeen& seen, Changes& changes);
[[nodiscard]] std::optional<Refusal> check_price(UnitPrice price);
[[nodiscard]] Answer<Done> set_price(Db& db, UnitPrice price, const Actor& who, const std::string& reason, UnixTime now,
                                     Changes& changes);

// What a question answers when its connection has failed, else the value.
template <class T>
[[nodiscard]] Answer<T> checked(Db& db, T value) {
    if (db.ok()) return value;
    return std::unexpected(refusal_of(*db.failure()));
}
template <class T>
[[nodiscard]] Answer<T> checked(Db& db, std::optional<T> value, const char* what) {
    if (!db.ok()) return std::unexpected(refusal_of(*db.failure()));
    if (!value) return std::unexpected(Refusal{Reason::kNotFound, std::string{"There is no such "} + what + ".", 0});
    return std::move(*value);
}

}  // namespace prewatt::server::store

#include "server/store/place.hpp"

#include "server/store/postgres_place.hpp"
#include "server/store/sqlite_place.hpp"

namespace prewatt::server::store {

std::unexpected<OpenFailure> open_failure(const std::string& name, const DbFailure& failure) {
    OpenError error = OpenError::kFailed;
    if (failure.error == DbError::kDamaged) error = OpenError::kDamaged;
    if (failure.error == DbError::kInUse) error = OpenError::kInUse;
    return open_failure(error, name + ": " + failure.message);
}

bool is_derived(std::string_view table, std::string_view column) {
    for (const DerivedPart& part : kDerivedParts)
        if (part.table == table && (part.column.empty() || part.column == column)) return true;
    return false;
}

Opened<std::unique_ptr<Place>> place_of(std::string_view url, const PlaceOptions& options) {
    if (url.starts_with("postgresql://") || url.starts_with("postgres://"))
        return make_postgres_place(std::string{url});
    constexpr std::string_view sqlite = "sqlite://";
    if (url.starts_with(sqlite)) {
        url.remove_prefix(sqlite.size());
        if (!url.starts_with('/'))
            return open_failure(
                OpenError::kBadSpec,
                "'sqlite://" + std::string{url} + "' names no file: sqlite:///path/office.db has three strokes.");
    } else if (const std::size_t colon = url.find("://"); colon != url.npos) {
        return open_failure(OpenError::kBadSpec, "'" + std::string{url.substr(0, colon)} +
                                                     "' is no database that Prewatt knows: sqlite:///path/office.db, a "
                                                     "plain path, or postgresql://user@host/database.");
    }
    if (url.empty()) return open_failure(OpenError::kBadSpec, "No database was named.");
    return make_sqlite_place(std::string{url}, options.pages_max);
}

}  // namespace prewatt::server::store

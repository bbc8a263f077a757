// An office in a database of a PostgreSQL server: docs/formats/database.md. The database itself is made by whoever runs
// the server (createdb); the lock is the writing connection's (postgres_db.hpp).
#pragma once
#include "server/store/place.hpp"

namespace prewatt::server::store {

[[nodiscard]] std::unique_ptr<Place> make_postgres_place(const std::string& url);

}  // namespace prewatt::server::store

// Db over libpq, in pipeline mode: what post() and begin_write() send is not waited for, so that a change costs as many
// round trips as it has questions. Durable: a server with fsync, full_page_writes or synchronous_commit off is refused.
//
// One office at a time changes a database: whoever writes holds a session's advisory lock on the very connection that
// it writes through, so that nothing can be written by somebody who has lost the lock. The server lets go of it when
// that connection ends, however it ends.
//
// A lost connection (the server was restarted, the network was cut, an administrator ended the session) fails what is
// under way; the next transaction connects anew and takes the lock again. When another office has it by then, this one
// changes nothing any more until it is started again: what it remembers may be out of date.
#pragma once
#include <memory>
#include <string>

#include "server/store/db.hpp"

namespace prewatt::server::store {

// "PWTT": the key of the advisory lock.
inline constexpr std::int64_t kOfficeLockKey = 0x50575454;

struct PostgresOptions {
    bool read_only = false;    // questions only
    bool office_lock = false;  // take the office's lock and keep it, or fail with kInUse
};
// `url` as libpq takes it: postgresql://user:password@host:port/database?sslmode=verify-full; what is not in it comes
// from the environment and ~/.pgpass as everywhere.
[[nodiscard]] std::expected<std::unique_ptr<Db>, DbFailure> open_postgres(const std::string& url,
                                                                          const PostgresOptions& options);
// The same URL for people: user, host, port and database, never the password.
[[nodiscard]] std::string shown_url(const std::string& url);

}  // namespace prewatt::server::store

// Users, sessions and wrong passwords in the tables. Passwords are Argon2id (libsodium); a session's token is kept as a
// hash only, so a stolen copy of the database opens no door.
#pragma once
#include "server/domain/audit.hpp"
#include "server/domain/users.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

// False: libsodium found no randomness; nothing below may be used.
[[nodiscard]] bool start_secrets();
// Slow on purpose (tens of milliseconds, 64 MiB). Empty: not enough memory.
[[nodiscard]] std::string hash_password(std::string_view password, bool cheap);
[[nodiscard]] bool is_password(const std::string& hash, std::string_view password);
[[nodiscard]] std::string new_token();
[[nodiscard]] std::string hash_token(std::string_view token);

struct UserSecret {
    UserRecord user;
    std::string password_hash;
};
// Whether this name may try a password now. Also for names that nobody has: a lock-out does not tell who exists.
[[nodiscard]] Answer<Done> check_lock(Db& db, std::string_view user, UnixTime now);
[[nodiscard]] std::optional<UserSecret> find_user(Db& db, std::string_view user);
[[nodiscard]] Answer<std::vector<UserRecord>> read_users(Db& db);

[[nodiscard]] Answer<UserRecord> create_user(Db& db, UserRecord user, std::string_view password_hash, const Actor& who,
                                             UnixTime now);
[[nodiscard]] Answer<UserRecord> change_user(Db& db, const UserChange& change, const Actor& who, UnixTime now);
[[nodiscard]] Answer<Done> set_password(Db& db, UserId user, std::string_view password_hash, const Actor& who,
                                        UnixTime now);
// What the journal says of it; nothing: it is not written down (sign-in tries with names that nobody has).
using RefusedSignIn = std::optional<AuditRecord>;
[[nodiscard]] Answer<Done> record_wrong_password(Db& db, std::string_view user, RefusedSignIn record, UnixTime now);
[[nodiscard]] Answer<Done> begin_session(Db& db, const UserRecord& user, std::string_view token_hash,
                                         std::string_view from, UnixTime now);
[[nodiscard]] Answer<Done> end_session(Db& db, std::string_view token_hash, std::string_view from, UnixTime now);
[[nodiscard]] Answer<Done> keep_session(Db& db, std::string_view token_hash, UnixTime now);

struct SessionRow {
    UserRecord user;
    UnixTime used_at;
};
[[nodiscard]] Answer<SessionRow> read_session(Db& db, std::string_view token_hash, UnixTime now);

}  // namespace prewatt::server::store

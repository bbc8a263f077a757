#include "server/store/users.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "server/store/audit.hpp"
#include "server/store/estate.hpp"

namespace prewatt::server::store {
namespace {

constexpr std::size_t kTokenBytes = 32;

UserRecord user_of(const Row& row) {
    UserRecord user;
    user.id = row.as<UserId>(0);
    user.user = row.as<std::string>(1);
    user.name = row.as<std::string>(2);
    user.role = row.as<Role>(3);
    user.disabled = row.as<bool>(4);
    return user;
}

std::string hex(const unsigned char* bytes, std::size_t size) {
    std::string text(size * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), bytes, size);
    text.pop_back();
    return text;
}

UnixTime idle_since(UnixTime now) {
    return UnixTime{now.ms - kSessionIdleMax.count() / 1000};
}

}  // namespace

bool start_secrets() {
    return sodium_init() >= 0;
}

std::string hash_password(std::string_view password, bool cheap) {
    std::array<char, crypto_pwhash_STRBYTES> out{};
    const auto operations = cheap ? crypto_pwhash_OPSLIMIT_MIN : crypto_pwhash_OPSLIMIT_INTERACTIVE;
    const auto memory = cheap ? crypto_pwhash_MEMLIMIT_MIN : crypto_pwhash_MEMLIMIT_INTERACTIVE;
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), operations, memory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return {};
    return out.data();
}

bool is_password(const std::string& hash, std::string_view password) {
    return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

std::string new_token() {
    std::array<unsigned char, kTokenBytes> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    return hex(bytes.data(), bytes.size());
}

std::string hash_token(std::string_view token) {
    std::array<unsigned char, crypto_generichash_BYTES> hash{};
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(token.data()), token.size(),
                       nullptr, 0);
    return hex(hash.data(), hash.size());
}

Answer<Done> check_lock(Db& db, std::string_view user, UnixTime now) {
    UnixTime locked_until;
    db.query("SELECT locked_until FROM sign_in_failures WHERE user_name = $1", {user},
             [&](const Row& row) { locked_until = row.as<UnixTime>(0); });
    if (locked_until > now) {
        const std::int64_t wait_s = (locked_until.ms - now.ms + 999) / 1000;
        return std::unexpected(Refusal{
            Reason::kLockedOut,
            "Too many wrong passwords. Try again in " + std::to_string((wait_s + 59) / 60) + " minutes.", wait_s});
    }
    return checked(db, Done{});
}

std::optional<UserSecret> find_user(Db& db, std::string_view user) {
    std::optional<UserSecret> found;
    db.query("SELECT id, user_name, name, role, disabled, password_hash FROM users WHERE user_name = $1", {user},
             [&](const Row& row) { found = UserSecret{user_of(row), row.as<std::string>(5)}; });
    return found;
}

Answer<std::vector<UserRecord>> read_users(Db& db) {
    std::vector<UserRecord> users;
    db.query("SELECT id, user_name, name, role, disabled FROM users ORDER BY user_name", {},
             [&](const Row& row) { users.push_back(user_of(row)); });
    return checked(db, std::move(users));
}

Answer<UserRecord> create_user(Db& db, UserRecord user, std::string_view password_hash, const Actor& who,
                               UnixTime now) {
    if (find_user(db, user.user))
        return std::unexpected(Refusal{Reason::kNameTaken, "There is a user of this name already.", 0});
    db.query(
        "INSERT INTO users (user_name, name, role, disabled, password_hash) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        {user.user, user.name, user.role, user.disabled, password_hash},
        [&](const Row& row) { user.id = row.as<UserId>(0); });
    append_audit(db, {0, now, who, "user.create", "user " + user.user, "", std::string{word(user.role)}, "", ""});
    return user;
}

Answer<UserRecord> change_user(Db& db, const UserChange& change, const Actor& who, UnixTime now) {
    const auto users = read_users(db);
    if (!users) return std::unexpected(users.error());
    if (auto bad = check_user_change(*users, change, who)) return std::unexpected(*bad);
    const UserRecord before = *std::ranges::find(*users, change.user, &UserRecord::id);
    const UserRecord after{before.id, before.user, change.name, change.role, change.disabled};
    db.execute("UPDATE users SET name = $2, role = $3, disabled = $4 WHERE id = $1",
               {after.id, after.name, after.role, after.disabled});
    if (after.disabled) db.execute("DELETE FROM sessions WHERE user_id = $1", {after.id});
    append_audit(
        db, {0, now, who, "user.change", "user " + after.user, in_words(before), in_words(after), change.reason, ""});
    return checked(db, after);
}

Answer<Done> set_password(Db& db, UserId user, std::string_view password_hash, const Actor& who, UnixTime now) {
    std::string name;
    if (db.query("UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING user_name", {user, password_hash},
                 [&](const Row& row) { name = row.as<std::string>(0); }) == 0)
        return std::unexpected(Refusal{Reason::kNotFound, "There is no such user.", 0});
    db.execute("DELETE FROM sessions WHERE user_id = $1", {user});
    append_audit(db, {0, now, who, "user.set_password", "user " + name, "", "its sessions ended", "", ""});
    return Done{};
}

Answer<Done> record_wrong_password(Db& db, std::string_view user, RefusedSignIn record, UnixTime now) {
    // A lock that has run out, or a mistake of yesterday, does not count.
    const UnixTime forgotten{now.ms - kLockOut.count() / 1000};
    db.execute("DELETE FROM sign_in_failures WHERE last_at < $1 AND locked_until <= $2", {forgotten, now});
    db.execute(
        "INSERT INTO sign_in_failures (user_name, wrong, last_at) VALUES ($1, 1, $2) "
        "ON CONFLICT (user_name) DO UPDATE SET wrong = CASE WHEN sign_in_failures.locked_until > 0 THEN 1 "
        "ELSE sign_in_failures.wrong + 1 END, last_at = excluded.last_at, locked_until = 0",
        {user, now});
    const bool locked = db.execute("UPDATE sign_in_failures SET locked_until = $2 WHERE user_name = $1 AND wrong >= $3",
                                   {user, now + kLockOut, kWrongPasswordsMax}) > 0;
    if (record) {
        if (locked)
            record->after += (record->after.empty() ? "" : "; ") + std::string{"the name is locked for a while"};
        append_audit(db, *record);
    }
    return Done{};
}

Answer<Done> begin_session(Db& db, const UserRecord& user, std::string_view token_hash, std::string_view from,
                           UnixTime now) {
    db.execute("DELETE FROM sign_in_failures WHERE user_name = $1", {user.user});
    db.execute("DELETE FROM sessions WHERE used_at < $1", {idle_since(now)});
    db.execute("INSERT INTO sessions (token_hash, user_id, created_at, used_at) VALUES ($1, $2, $3, $3)",
               {token_hash, user.id, now});
    append_audit(db, {0, now, {user.user, std::string{from}}, "session.begin", "user " + user.user, "", "", "", ""});
    return Done{};
}

Answer<Done> end_session(Db& db, std::string_view token_hash, std::string_view from, UnixTime now) {
    std::string user;
    db.query("SELECT u.user_name FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1",
             {token_hash}, [&](const Row& row) { user = row.as<std::string>(0); });
    if (user.empty()) return Done{};
    db.execute("DELETE FROM sessions WHERE token_hash = $1", {token_hash});
    append_audit(db, {0, now, {user, std::string{from}}, "session.end", "user " + user, "", "", "", ""});
    return Done{};
}

Answer<Done> keep_session(Db& db, std::string_view token_hash, UnixTime now) {
    db.execute("UPDATE sessions SET used_at = $2 WHERE token_hash = $1 AND used_at < $2", {token_hash, now});
    return Done{};
}

Answer<SessionRow> read_session(Db& db, std::string_view token_hash, UnixTime now) {
    std::optional<SessionRow> found;
    db.query(
        "SELECT u.id, u.user_name, u.name, u.role, u.disabled, s.used_at FROM sessions s JOIN users u ON u.id = "
        "s.user_id "
        "WHERE s.token_hash = $1 AND s.used_at >= $2 AND u.disabled = 0",
        {token_hash, idle_since(now)}, [&](const Row& row) { found = SessionRow{user_of(row), row.as<UnixTime>(5)}; });
    if (!db.ok()) return std::unexpected(refusal_of(*db.failure()));
    if (!found) return std::unexpected(Refusal{Reason::kSignInRefused, "Not signed in, or idle for too long.", 0});
    return *found;
}

}  // namespace prewatt::server::store

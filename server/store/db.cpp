#include "server/store/db.hpp"

namespace prewatt::server::store {

std::optional<std::string> sql_for(std::string_view sql, std::string_view engine, std::string_view self_numbering_key) {
    for (const std::string_view known : {"sqlite", "postgres"}) {
        if (!sql.starts_with(known) || !sql.substr(known.size()).starts_with(':')) continue;
        if (known != engine) return std::nullopt;
        sql.remove_prefix(known.size() + 1);
    }
    constexpr std::string_view mark = "{id}";
    std::string text;
    for (std::size_t from = 0;;) {
        const std::size_t at = sql.find(mark, from);
        text += sql.substr(from, at == sql.npos ? sql.npos : at - from);
        if (at == sql.npos) return text;
        text += self_numbering_key;
        from = at + mark.size();
    }
}

Refusal refusal_of(const DbFailure& failure) {
    if (failure.error == DbError::kFull)
        return {Reason::kStorageFull, "The disk is full; nothing was changed. Make room and send the same order again.",
                0};
    return {Reason::kStorageFailed, "The database refused; nothing was changed. " + failure.message, 0};
}

}  // namespace prewatt::server::store

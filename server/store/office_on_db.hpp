// The office on any Db: a writer, a pool of connections for questions, a thread for passwords, observers. Which engine
// it is, and how its files are opened and locked, is decided by whoever makes it (open_office.cpp).
#pragma once
#include <filesystem>

#include "server/store/writer.hpp"

namespace prewatt::server::store {

struct Connections {
    std::unique_ptr<Db> writing;
    // None: questions go over `writing`, of an office in one thread (by_hand).
    std::function<std::expected<std::unique_ptr<Db>, DbFailure>()> open_reading;
    std::function<UnixTime()> clock;
    std::size_t batch_max = 256;
    Duration tend_every =
        seconds(1);  // how often the archive looks after itself; 0: when it is told to (Archive::tend)
    // Bytes that may still be written, told by a connection for questions; nothing: not known.
    std::function<std::optional<std::int64_t>(Db&)> free_bytes = [](Db&) { return std::nullopt; };
    std::filesystem::path ballast;  // room kept for retention on a full disk (retention.hpp); empty: none
    bool cheap_password_hash = false;
    std::shared_ptr<void> lock;         // held as long as the office lives
    Writer::ByHand* by_hand = nullptr;  // not null: the office writes when its owner says so (the simulator)
};
[[nodiscard]] std::unique_ptr<Office> make_office(Connections connections);

}  // namespace prewatt::server::store

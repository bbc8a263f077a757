#include "card/copies.hpp"

#include <algorithm>

namespace prewatt::card {
namespace {

constexpr std::uint32_t kGenerationMax = 0xFFFFFFFF;

PairError as_pair(RecordError error) {
    switch (error) {
        case RecordError::kEmpty:
            return PairError::kEmpty;
        case RecordError::kVersion:
            return PairError::kVersion;
        case RecordError::kNotYours:
            return PairError::kNotYours;
        case RecordError::kKeyVersion:
            return PairError::kKeyVersion;
        case RecordError::kTag:
            return PairError::kTag;
        case RecordError::kMisplaced:
            return PairError::kMisplaced;
        case RecordError::kContents:
            return PairError::kContents;
    }
    return PairError::kTag;
}

template <class Record, class Open>
OpenedPair<Record> open_pair(const Copies& copies, const Open& open) {
    OpenedPair<Record> pair;
    std::array<std::expected<Record, RecordError>, 2> opened{open(copies[0]), open(copies[1])};
    for (std::size_t slot = 0; slot < 2; ++slot) {
        if (opened[slot] && (opened[slot]->generation & 1) != slot)
            opened[slot] = std::unexpected(RecordError::kMisplaced);
        if (opened[slot])
            pair.copies[slot] = {opened[slot]->generation, std::nullopt};
        else
            pair.copies[slot] = {0, opened[slot].error()};
    }
    if (const auto best = newest_of(pair.copies))
        pair.newest = *opened[*best];
    else
        pair.newest = std::unexpected(best.error());
    return pair;
}

}  // namespace

std::expected<std::uint8_t, PairError> newest_of(const std::array<CopyState, 2>& copies) {
    const bool good[2] = {!copies[0].error, !copies[1].error};
    if (good[0] && good[1]) return copies[0].generation > copies[1].generation ? std::uint8_t{0} : std::uint8_t{1};
    if (good[0]) return std::uint8_t{0};
    if (good[1]) return std::uint8_t{1};
    const RecordError first = *copies[0].error;
    const RecordError second = *copies[1].error;
    // The later in the enumeration tells more; a single one that does not open, beside an empty one, was torn.
    if (std::min(first, second) == RecordError::kEmpty && std::max(first, second) == RecordError::kTag)
        return std::unexpected(PairError::kTorn);
    return std::unexpected(as_pair(std::max(first, second)));
}

std::optional<NextWrite> next_write(const std::array<CopyState, 2>& copies, std::optional<std::uint32_t> acknowledged,
                                    std::uint32_t begun) {
    std::uint32_t seen = 0;
    for (const CopyState& copy : copies)
        if (!copy.error) seen = std::max(seen, copy.generation);
    // What is remembered counts only while it stands on the card.
    const bool stands =
        acknowledged && !copies[*acknowledged & 1].error && copies[*acknowledged & 1].generation == *acknowledged;
    const std::uint32_t kept = stands ? *acknowledged : seen;
    const std::uint32_t above = std::max({seen, acknowledged.value_or(0), begun});
    if (above == kGenerationMax) return std::nullopt;
    std::uint32_t generation = above + 1;
    // The slot of what is known to be whole stays as it is.
    if (((generation ^ kept) & 1) == 0) {
        if (generation == kGenerationMax) return std::nullopt;
        ++generation;
    }
    return NextWrite{static_cast<std::uint8_t>(generation & 1), generation};
}

OpenedPair<CreditRecord> open_credits(Mac& mac, const RecordKeys& keys, const Uid& uid, const Copies& copies) {
    return open_pair<CreditRecord>(copies,
                                   [&](const RecordBytes& bytes) { return open_credit(mac, keys, uid, bytes); });
}
OpenedPair<ReturnRecord> open_returns(Mac& mac, const RecordKeys& keys, const Uid& uid, const Copies& copies) {
    return open_pair<ReturnRecord>(copies,
                                   [&](const RecordBytes& bytes) { return open_return(mac, keys, uid, bytes); });
}

std::optional<std::uint8_t> newest_by_header(const Copies& copies, RecordType type) {
    std::optional<std::uint8_t> best;
    std::uint32_t generation = 0;
    for (std::uint8_t slot = 0; slot < 2; ++slot) {
        const auto header = read_header(Bytes(copies[slot]).first(kHeaderBytes));
        if (!header || header->type != type || (header->generation & 1) != slot) continue;
        if (best && header->generation < generation) continue;
        best = slot;
        generation = header->generation;
    }
    return best;
}

}  // namespace prewatt::card

// What the files of this room share: a sight's records by their sector, numbers and times as cards have them.
#pragma once
#include <algorithm>

#include "card/layout.hpp"
#include "card/sealed_record.hpp"
#include "card/uid.hpp"
#include "server/domain/card_desk.hpp"
#include "server/domain/refuse.hpp"

namespace prewatt::server::desk {

// The clock of a box shows the office's civil time.
inline constexpr std::int64_t kCivilBegin_s = 946'684'800;
[[nodiscard]] inline CivilSeconds civil_of(UnixTime time) {
    return static_cast<CivilSeconds>((time.ms + kOfficeOffset.count() / 1000) / 1000 - kCivilBegin_s);
}
[[nodiscard]] inline UnixTime unix_of(CivilSeconds time) {
    return UnixTime{(std::int64_t{time} + kCivilBegin_s) * 1000 - kOfficeOffset.count() / 1000};
}

// Nothing: no card is found again by it.
[[nodiscard]] inline std::optional<card::Uid> uid_of_text(std::string_view text) {
    if (!is_uid_text(text)) return std::nullopt;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
    card::Uid uid;
    for (std::size_t k = 0; k < text.size(); k += 2)
        uid.push_back(static_cast<Byte>(digit(text[k]) << 4 | digit(text[k + 1])));
    if (card::fault_of(uid)) return std::nullopt;
    return uid;
}

[[nodiscard]] inline const DeskSector* sector_of(const DeskSight& sight, std::uint8_t sector) {
    const auto found = std::find_if(sight.sectors.begin(), sight.sectors.end(),
                                    [&](const DeskSector& one) { return one.sector == sector; });
    return found == sight.sectors.end() ? nullptr : &*found;
}
[[nodiscard]] inline std::optional<card::RecordBytes> record_in(const DeskSight& sight, std::uint8_t sector) {
    const DeskSector* found = sector_of(sight, sector);
    if (!found || !found->record) return std::nullopt;
    return *found->record;
}
[[nodiscard]] inline bool is_zero(const DeskSight& sight, std::uint8_t sector) {
    const auto record = record_in(sight, sector);
    return record && std::all_of(record->begin(), record->end(), [](Byte byte) { return byte == 0; });
}
// That the header in clear names; 0: the site, or no record.
[[nodiscard]] inline std::uint64_t box_in(const card::RecordBytes& bytes) {
    const auto header = card::read_header(Bytes(bytes).first(card::kHeaderBytes));
    return header ? header->box : 0;
}
// A card that serves another system too is not touched: all of these must open.
[[nodiscard]] inline std::optional<Refusal> closed_sector(const DeskSight& sight, std::uint8_t first,
                                                          std::uint8_t last) {
    for (std::uint8_t sector = first; sector <= last; ++sector) {
        const DeskSector* one = sector_of(sight, sector);
        if (!one || one->opens == SectorOpens::kNot)
            return Refusal{Reason::kCardNotUsable,
                           "Sector " + std::to_string(sector) +
                               " of this card does not open: it serves another system, or it is damaged. Use another "
                               "card. Nothing was done.",
                           sector};
    }
    return std::nullopt;
}
// The sectors that bear the keys of the factory, or whose trailer was torn away, get those of the site.
inline void add_trailers(const DeskSight& sight, const DeskKeys& keys, std::vector<DeskStep>& steps) {
    for (const DeskSector& one : sight.sectors) {
        if (one.opens != SectorOpens::kTransport && one.opens != SectorOpens::kTorn) continue;
        const auto& [a, b] = keys.sectors[one.sector];
        const card::Block trailer = card::make_trailer(a, b);
        steps.push_back({one.sector, true, {trailer.begin(), trailer.end()}});
    }
}
[[nodiscard]] inline DeskStep record_step(std::uint8_t sector, const card::RecordBytes& bytes) {
    return {sector, false, {bytes.begin(), bytes.end()}};
}

}  // namespace prewatt::server::desk

// The site, box and cards of docs/formats/card.md, for the tests of this room.
#pragma once
#include <string>

#include "card/card_keys.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/parameters.hpp"
#include "card/records.hpp"
#include "card/testing/hex.hpp"

namespace prewatt::card {

inline constexpr BoxDigits kGoldenBox = 2026000017;
inline constexpr Key kGoldenMaster{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
inline Uid uid_of(const std::string& text) {
    Uid uid;
    for (const Byte byte : bytes_of(text))
        uid.push_back(byte);
    return uid;
}

struct GoldenSite {
    OpensslMac mac;
    SiteMasters masters = site_masters(mac, kGoldenMaster);
    RecordKeys box = record_keys(mac, masters, kGoldenBox);
    RecordKeys site = record_keys(mac, masters, 0);
    Uid uid = uid_of("a1b2c3d4");
};

inline constexpr CivilSeconds kGoldenDay = to_seconds({2026, 11, 27, 9, 0, 0});
inline IdentityRecord golden_identity() {
    return {CardKind::kHousehold, 12, 1, 4711, 2, 30815, kGoldenDay, 0};
}
inline CreditRecord golden_credit() {
    return {12, 6, Ticket{3, 9, 123'456}, 4711, 2, 5'000, 8, true, false};
}
inline ReturnRecord golden_return() {
    ReturnRecord record{12, 41, 3, 9, 100'000, 23'456, 7'654'321, kGoldenDay + 3600, {0x0600}, 2, 0};
    record.set(Hint::kSupplyFailed);
    return record;
}
inline RightRecord golden_right(CardKind kind) {
    RightRecord right;
    right.kind = kind;
    right.sequence = 77;
    right.from = kGoldenDay;
    right.until = kGoldenDay + 7 * 86'400;
    if (kind == CardKind::kClear) right.household = 12;
    if (kind == CardKind::kRestore) {
        right.lockouts = {true, true};
        right.cutoff_alarm = true;
    }
    return right;
}
inline ParameterList golden_parameters() {
    ParameterList list;
    const std::vector<Byte> load_limit = bytes_of(
        "88130000"
        "0a"
        "2c01"
        "3c00"
        "06"
        "18");
    (void)list.add({settings::SettingId::kLoadLimit, 12, 0}, load_limit);
    (void)list.add_alarms(12, Alarms{1000, 500, 0});
    return list;
}

}  // namespace prewatt::card

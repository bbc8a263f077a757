// What a swipe costs a meter in cryptography: Mbed TLS on the Cortex-M4 of QEMU. First the vectors of RFC 4493 and a
// golden record of docs/formats/card.md, which must come out to the bit; then the instructions of each step. One line
// `name value` for each figure; firmware/report.py reads them.
#include <array>
#include <cstdint>

#include "card/card_keys.hpp"
#include "card/mbedtls/mbedtls_mac.hpp"
#include "card/records.hpp"
#include "card/testing/rfc4493.hpp"
#include "firmware/metering/machine.hpp"

namespace prewatt::firmware {
namespace {

using namespace card;

void figure(const char* name, std::uint32_t value) {
    std::array<char, 14> text{};
    std::size_t at = text.size() - 1;
    text[--at] = '\n';
    do {
        text[--at] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    text[--at] = ' ';
    print(name);
    print(&text[at]);
}

MbedtlsMac mac;

// CREDIT of generation 6 on the golden household card (docs/formats/card.md).
constexpr RecordBytes kCredit{0xc1, 0x02, 0x01, 0x00, 0x17, 0x00, 0x00, 0x26, 0x20, 0x0c, 0x06, 0x00,
                              0x00, 0x00, 0x03, 0x00, 0x21, 0xb3, 0x02, 0x92, 0x4a, 0xae, 0x3a, 0xab,
                              0x09, 0xf4, 0xd6, 0x2d, 0xc6, 0x7c, 0x50, 0xab, 0x1d, 0x5c, 0xb4, 0xc1,
                              0x8f, 0xd0, 0x00, 0xcb, 0x22, 0x18, 0xf2, 0xa9, 0x62, 0x3e, 0x9d, 0x29};

}  // namespace

int run() {
    std::uint32_t wrong = 0;
    for (const auto& vector : rfc4493::kVectors)
        if (mac.cmac(rfc4493::kKey, Bytes(rfc4493::kMessage).first(vector.size)) != vector.tag) ++wrong;
    figure("card_vectors_wrong", wrong);

    Key site{};
    for (std::size_t k = 0; k < site.size(); ++k)
        site[k] = static_cast<Byte>(k);
    Uid uid;
    for (const Byte byte : {Byte{0xA1}, Byte{0xB2}, Byte{0xC3}, Byte{0xD4}})
        uid.push_back(byte);
    const MeterCardKeys keys = meter_card_keys(mac, site_masters(mac, site), 2026000017);

    std::uint32_t before = ticks();
    (void)mac.cmac(keys.own.mac, Bytes(kCredit));
    figure("card_cmac_48_ticks", ticks() - before);
    before = ticks();
    const SectorKey key = sector_key(mac, keys.sector_read, uid, 2, KeyKind::kA);
    figure("card_sector_key_ticks", ticks() - before);
    constexpr SectorKey kKeyOfThePage{0xaa, 0x18, 0xbb, 0x3c, 0x88, 0x8b};
    figure("card_sector_key_wrong", key != kKeyOfThePage);
    before = ticks();
    const auto credit = open_credit(mac, keys.own, uid, kCredit);
    figure("card_open_ticks", ticks() - before);
    figure("card_open_wrong", !credit || credit->ticket != Ticket{3, 9, 123'456});
    RecordBytes forged = kCredit;
    forged[20] ^= 1;
    figure("card_forged_wrong", open_credit(mac, keys.own, uid, forged).has_value());

    ReturnRecord returned;
    returned.household = 12;
    returned.generation = 42;
    before = ticks();
    const RecordBytes sealed = seal(mac, keys.own, uid, returned);
    figure("card_seal_ticks", ticks() - before);
    const auto back = open_return(mac, keys.own, uid, sealed);
    figure("card_seal_wrong", !back || *back != returned);
    figure("card_stack_used", stack_used());
    print("end\n");
    return wrong == 0 ? 0 : 1;
}

}  // namespace prewatt::firmware

// Arbitrary bytes as what stands on a card: two copies and some parts of a list of parameters. Two engines: the real
// one, under which nothing but golden records ever opens, and one whose tag is constant, so that mutated contents reach
// what lies behind the check. And arbitrary bytes as a trailer.
//
//   input   48 bytes a record, at most 12 of them
#include <algorithm>
#include <cstdint>
#include <vector>

#include "card/access_bits.hpp"
#include "card/copies.hpp"
#include "card/layout.hpp"
#include "card/openssl/openssl_mac.hpp"
#include "card/parameters.hpp"
#include "card/records.hpp"
#include "tests/fuzz/check.hpp"

using namespace prewatt;
using namespace prewatt::card;

namespace {

class ConstantMac final : public Mac {
  public:
    Tag cmac(const Key&, Bytes) override { return {}; }
};

// What opens is sealed to something that opens as the same again. Not to the same bytes: reserved ones are not kept.
template <class Record, class Open>
void seal_again(Mac& mac, const RecordKeys& keys, const Uid& uid, const std::expected<Record, RecordError>& record,
                Open open) {
    if (!record) return;
    FUZZ_CHECK(is_legal(*record));
    const auto again = open(mac, keys, uid, seal(mac, keys, uid, *record));
    FUZZ_CHECK(again && *again == *record);
}

void open_everything(Mac& mac, const RecordKeys& keys, const Uid& uid, const std::vector<RecordBytes>& records) {
    ParameterGatherer gatherer;
    for (const RecordBytes& bytes : records) {
        seal_again(mac, keys, uid, open_identity(mac, keys, uid, bytes), open_identity);
        seal_again(mac, keys, uid, open_credit(mac, keys, uid, bytes), open_credit);
        seal_again(mac, keys, uid, open_return(mac, keys, uid, bytes), open_return);
        seal_again(mac, keys, uid, open_right(mac, keys, uid, bytes), open_right);
        seal_again(mac, keys, uid, open_receipt(mac, keys, uid, bytes), open_receipt);
        const auto part = open_parameter(mac, keys, uid, bytes);
        seal_again(mac, keys, uid, part, open_parameter);
        if (part) (void)gatherer.take(*part);
        if (const auto right = open_right(mac, keys, uid, bytes)) (void)refusal_of(*right, 7, right->from);
    }
    if (const auto list = gatherer.list()) {
        std::size_t at = 0;
        std::size_t entries = 0;
        for (;;) {
            const std::size_t before = at;
            const auto entry = list->next(at);
            if (!entry || !*entry) break;
            FUZZ_CHECK(at > before && at <= kParameterListBytesMax);
            ++entries;
        }
        FUZZ_CHECK(entries <= kParameterListBytesMax / 5);
        (void)list->check(std::nullopt, 39);
        (void)list->check(std::uint8_t{12}, 39);
        FUZZ_CHECK(list->parts() == gatherer.parts());
    }
    if (records.size() < 2) return;
    const Copies copies{records[0], records[1]};
    const auto pair = open_credits(mac, keys, uid, copies);
    if (pair.newest) FUZZ_CHECK(newest_by_header(copies, RecordType::kCredit));
    for (const auto acknowledged : {std::optional<std::uint32_t>{}, std::optional<std::uint32_t>{5}}) {
        const auto next = next_write(pair.copies, acknowledged);
        if (!next) continue;
        FUZZ_CHECK((next->generation & 1) == next->slot);
        for (const CopyState& copy : pair.copies)
            FUZZ_CHECK(copy.error || copy.generation < next->generation);
        // Whatever is on the card: the newest that stands there is not written over, unless a better one is known.
        if (pair.newest && !acknowledged) FUZZ_CHECK((pair.newest->generation & 1) != next->slot);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static OpensslMac openssl;
    static const Key master{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const SiteMasters masters = site_masters(openssl, master);
    static const RecordKeys box = record_keys(openssl, masters, 2026000017);
    static const RecordKeys site = record_keys(openssl, masters, 0);
    Uid uid;
    for (const Byte byte : {Byte{0xA1}, Byte{0xB2}, Byte{0xC3}, Byte{0xD4}})
        uid.push_back(byte);

    std::vector<RecordBytes> records;
    for (std::size_t at = 0; at + kRecordBytes <= size && records.size() < kParameterPartsMax; at += kRecordBytes) {
        RecordBytes bytes{};
        std::copy_n(data + at, kRecordBytes, bytes.begin());
        records.push_back(bytes);
    }
    open_everything(openssl, box, uid, records);
    open_everything(openssl, site, uid, records);

    // Under a constant engine the body stands in clear and the tag is zeros.
    ConstantMac constant;
    for (RecordBytes& bytes : records)
        std::fill(bytes.end() - static_cast<std::ptrdiff_t>(kRecordTagBytes), bytes.end(), Byte{0});
    open_everything(constant, box, uid, records);
    open_everything(constant, site, uid, records);

    if (size >= kBlockBytes) {
        Block trailer{};
        std::copy_n(data, kBlockBytes, trailer.begin());
        if (const auto access = decode_access(Bytes(trailer).subspan(6, 3)))
            FUZZ_CHECK(equal(encode_access(*access), Bytes(trailer).subspan(6, 3)));
        else
            FUZZ_CHECK(!is_our_trailer(trailer));
    }
    return 0;
}

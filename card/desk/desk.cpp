#include "card/desk/desk.hpp"

#include <algorithm>

#include "card/record_io.hpp"
#include "card/uid.hpp"

namespace prewatt::card::desk {
namespace {

std::unexpected<Failure> failed(Fault fault, std::uint8_t sector = 0, bool begun = false) {
    return std::unexpected(Failure{fault, sector, begun, {}});
}
std::unexpected<Failure> failed(OfficeRefusal refusal, bool begun = false) {
    return std::unexpected(Failure{Fault::kOffice, 0, begun, std::move(refusal)});
}
Fault fault_of(CardFault fault) {
    switch (fault) {
        case CardFault::kNoCard:
            return Fault::kNoCard;
        case CardFault::kNotM1:
            return Fault::kNotM1;
        case CardFault::kSeveral:
            return Fault::kSeveral;
        case CardFault::kWrongKey:
        case CardFault::kRefused:
            return Fault::kRefused;
        case CardFault::kReader:
            break;
    }
    return Fault::kReader;
}
Fault fault_of(WriteFault fault) {
    switch (fault) {
        case WriteFault::kNoCard:
            return Fault::kNoCard;
        case WriteFault::kWrongKey:
        case WriteFault::kRefused:
            return Fault::kRefused;
        case WriteFault::kNotVerified:
            return Fault::kNotVerified;
        case WriteFault::kSwapped:
            return Fault::kSwapped;
        case WriteFault::kReader:
            break;
    }
    return Fault::kReader;
}
// The card refused; everything else ends the visit.
bool is_refusal(CardFault fault) {
    return fault == CardFault::kWrongKey || fault == CardFault::kRefused;
}

struct Opener {
    KeyKind kind = KeyKind::kA;
    SectorKey key{};
};

// One card in the field, from the first question to the last.
class Visit {
  public:
    Visit(M1Reader& reader, const Tell& tell) : reader_(reader), tell_(tell) {}

    std::expected<void, Failure> begin(Office& office) {
        const auto uid = who_lies_there(reader_);
        if (!uid) return std::unexpected(uid.error());
        uid_ = *uid;
        auto keys = office.keys(uid_);
        if (!keys) return failed(std::move(keys.error()));
        keys_ = *keys;
        return {};
    }
    std::expected<void, Failure> begin(const Uid& uid, const CardKeys& keys) {
        uid_ = uid;
        keys_ = keys;
        return still_there(false);
    }

    std::expected<Sight, Failure> read(Depth depth) {
        Sight sight;
        sight.uid = uid_;
        const Layout layout = keys_.layout;
        for (std::uint8_t sector = 0; sector < kSectorCount; ++sector) {
            const bool wanted = depth == Depth::kAll || (sector >= layout.identity() && sector <= layout.returns(0)) ||
                                sector == layout.returns(1);
            if (!wanted) continue;
            auto one = depth == Depth::kAll ? look_closely(sector) : look_quickly(sector);
            if (!one) return std::unexpected(std::move(one.error()));
            sight.sectors.push_back(*one);
        }
        if (auto same = still_there(false); !same) return std::unexpected(std::move(same.error()));
        return sight;
    }

    std::expected<Sight, Failure> write(const Plan& plan) {
        for (const Step& step : plan.steps)
            if (step.sector >= kSectorCount || (step.is_trailer && !is_our_trailer(step.trailer)))
                return failed(Fault::kPlan, step.sector);
        Sight read_back;
        read_back.uid = uid_;
        bool begun = false;
        for (std::size_t k = 0; k < plan.steps.size(); ++k) {
            const Step& step = plan.steps[k];
            tell(Phase::kWriting, static_cast<int>(k), static_cast<int>(plan.steps.size()));
            auto written = step.is_trailer ? write_trailer(step, begun) : write_record(step, begun);
            if (!written) return std::unexpected(std::move(written.error()));
            begun = true;
            auto known = std::find_if(read_back.sectors.begin(), read_back.sectors.end(),
                                      [&](const SectorSight& one) { return one.sector == step.sector; });
            if (known == read_back.sectors.end()) known = read_back.sectors.insert(known, {step.sector, {}, {}});
            if (step.is_trailer) {
                const auto access = decode_access(Bytes(step.trailer).subspan(6, 3));
                known->opens = access && *access == kOurAccess ? Opens::kOurs : Opens::kTransport;
            } else {
                known->opens = Opens::kOurs;
                known->record = step.record;
            }
        }
        tell(Phase::kVerifying, static_cast<int>(plan.steps.size()), static_cast<int>(plan.steps.size()));
        if (auto same = still_there(begun); !same) return std::unexpected(std::move(same.error()));
        return read_back;
    }

    void tell(Phase phase, int step = 0, int steps = 0) const {
        if (tell_) tell_({phase, step, steps});
    }

  private:
    std::expected<void, Failure> still_there(bool begun) {
        const auto uid = reader_.select();
        if (!uid) return failed(fault_of(uid.error()), 0, begun);
        if (!same(*uid, uid_)) return failed(Fault::kSwapped, 0, begun);
        return {};
    }
    // True: it opened; false: the card refused, and was woken again.
    std::expected<bool, Failure> try_key(std::uint8_t sector, KeyKind kind, const SectorKey& key) {
        const auto opened = reader_.authenticate(first_block(sector), kind, key);
        if (opened) {
            openers_[sector] = {kind, key};
            return true;
        }
        if (!is_refusal(opened.error())) return failed(fault_of(opened.error()), sector);
        if (auto same = still_there(false); !same) return std::unexpected(std::move(same.error()));
        return false;
    }
    // nullopt: the card refused.
    std::expected<std::optional<RecordBytes>, Failure> read_record(std::uint8_t sector) {
        RecordBytes record{};
        for (std::uint8_t k = 0; k < kRecordBlocks; ++k) {
            const auto block = reader_.read(static_cast<std::uint8_t>(first_block(sector) + k));
            if (!block && is_refusal(block.error())) {
                if (auto same = still_there(false); !same) return std::unexpected(std::move(same.error()));
                return std::optional<RecordBytes>{};
            }
            if (!block) return failed(fault_of(block.error()), sector);
            std::copy(block->begin(), block->end(), record.begin() + k * kBlockBytes);
        }
        return std::optional<RecordBytes>{record};
    }

    std::expected<SectorSight, Failure> look_quickly(std::uint8_t sector) {
        SectorSight sight{sector, Opens::kNot, {}};
        auto opened = try_key(sector, KeyKind::kA, keys_.sectors[sector].a);
        if (!opened) return std::unexpected(std::move(opened.error()));
        if (*opened) {
            sight.opens = Opens::kOurs;
        } else {
            opened = try_key(sector, KeyKind::kA, kTransportKey);
            if (!opened) return std::unexpected(std::move(opened.error()));
            if (!*opened) return sight;
            sight.opens = Opens::kTransport;
        }
        auto record = read_record(sector);
        if (!record) return std::unexpected(std::move(record.error()));
        sight.record = *record;
        return sight;
    }

    // A trailer is written key A first, then the access bits, then key B; where it was torn, the key of before stands
    // behind the first bytes of the new one.
    std::vector<Opener> half_keys(std::uint8_t sector) const {
        const SectorKeys& ours = keys_.sectors[sector];
        std::vector<Opener> list;
        for (std::size_t split = 1; split < kTransportKey.size(); ++split) {
            SectorKey a = kTransportKey;
            SectorKey b = kTransportKey;
            std::copy_n(ours.a.begin(), split, a.begin());
            std::copy_n(ours.b.begin(), split, b.begin());
            list.push_back({KeyKind::kA, a});
            list.push_back({KeyKind::kB, b});
        }
        return list;
    }

    std::expected<SectorSight, Failure> look_closely(std::uint8_t sector) {
        SectorSight sight{sector, Opens::kNot, {}};
        openers_.erase(sector);
        const SectorKeys& ours = keys_.sectors[sector];
        std::vector<Opener> candidates{
            {KeyKind::kA, ours.a}, {KeyKind::kA, kTransportKey}, {KeyKind::kB, ours.b}, {KeyKind::kB, kTransportKey}};
        for (const Opener& half : half_keys(sector))
            candidates.push_back(half);
        std::optional<RecordBytes> record;
        std::optional<std::array<Byte, 4>> access;
        bool by_our_a = false;
        for (const Opener& one : candidates) {
            const auto opened = try_key(sector, one.kind, one.key);
            if (!opened) return std::unexpected(opened.error());
            if (!*opened) continue;
            const auto trailer = reader_.read(trailer_block(sector));
            if (!trailer && !is_refusal(trailer.error())) return failed(fault_of(trailer.error()), sector);
            if (!trailer) {  // a key B that can be read opens and does nothing
                openers_.erase(sector);
                if (auto same = still_there(false); !same) return std::unexpected(std::move(same.error()));
                continue;
            }
            std::array<Byte, 4> bytes{};
            std::copy_n(trailer->begin() + 6, 4, bytes.begin());
            access = bytes;
            auto read = read_record(sector);
            if (!read) return std::unexpected(std::move(read.error()));
            record = *read;
            by_our_a = one.kind == KeyKind::kA && one.key == ours.a;
            sight.opens = one.kind == KeyKind::kA && one.key == kTransportKey ? Opens::kTransport : Opens::kTorn;
            break;
        }
        sight.record = record;
        sight.access = access;
        if (!access) {
            sight.opens = Opens::kNot;
            return sight;
        }
        const auto bits = decode_access(Bytes(*access).first(3));
        if (by_our_a && bits && *bits == kOurAccess) {
            // Key A never writes here: key B decides whether the trailer is whole.
            auto whole = try_key(sector, KeyKind::kB, ours.b);
            if (!whole) return std::unexpected(std::move(whole.error()));
            if (*whole) {
                sight.opens = Opens::kOurs;
                return sight;
            }
            sight.opens = Opens::kNot;
            std::vector<Opener> keys_b = half_keys(sector);
            keys_b.push_back({KeyKind::kB, kTransportKey});
            for (const Opener& half : keys_b) {
                if (half.kind != KeyKind::kB) continue;
                auto opened = try_key(sector, half.kind, half.key);
                if (!opened) return std::unexpected(std::move(opened.error()));
                if (!*opened) continue;
                sight.opens = Opens::kTorn;
                break;
            }
        }
        return sight;
    }

    std::expected<void, Failure> write_trailer(const Step& step, bool begun) {
        auto opener = openers_.find(step.sector);
        if (opener == openers_.end()) {
            if (auto looked = look_closely(step.sector); !looked)
                return std::unexpected(Failure{looked.error().fault, step.sector, begun, {}});
            opener = openers_.find(step.sector);
        }
        if (opener == openers_.end()) return failed(Fault::kRefused, step.sector, begun);
        // What opened last may have been key A, where only key B writes.
        Opener with = opener->second;
        const SectorKeys& ours = keys_.sectors[step.sector];
        if (with.kind == KeyKind::kA && with.key == ours.a) {
            const auto by_b = try_key(step.sector, KeyKind::kB, ours.b);
            if (!by_b) return std::unexpected(Failure{by_b.error().fault, step.sector, begun, {}});
            if (*by_b) with = {KeyKind::kB, ours.b};
        }
        if (const auto opened = reader_.authenticate(first_block(step.sector), with.kind, with.key); !opened)
            return failed(fault_of(opened.error()), step.sector, begun);
        if (const auto written = reader_.write(trailer_block(step.sector), step.trailer); !written)
            return failed(fault_of(written.error()), step.sector, true);
        // Keys do not read back: that they open proves them.
        SectorKey a{};
        SectorKey b{};
        std::copy_n(step.trailer.begin(), 6, a.begin());
        std::copy_n(step.trailer.begin() + 10, 6, b.begin());
        const auto access = decode_access(Bytes(step.trailer).subspan(6, 3));
        if (access && *access == kOurAccess) {
            const auto opened = reader_.authenticate(first_block(step.sector), KeyKind::kB, b);
            if (!opened && !is_refusal(opened.error())) return failed(fault_of(opened.error()), step.sector, true);
            if (!opened) return failed(Fault::kNotVerified, step.sector, true);
            openers_[step.sector] = {KeyKind::kB, b};
        } else {
            openers_[step.sector] = {KeyKind::kA, a};
        }
        const auto opened = reader_.authenticate(first_block(step.sector), KeyKind::kA, a);
        if (!opened && !is_refusal(opened.error())) return failed(fault_of(opened.error()), step.sector, true);
        if (!opened) return failed(Fault::kNotVerified, step.sector, true);
        const auto back = reader_.read(trailer_block(step.sector));
        if (!back) return failed(fault_of(back.error()), step.sector, true);
        if (!equal(Bytes(*back).subspan(6, 4), Bytes(step.trailer).subspan(6, 4)))
            return failed(Fault::kNotVerified, step.sector, true);
        return {};
    }
    std::expected<void, Failure> write_record(const Step& step, bool begun) {
        RecordWriter writer(uid_, step.sector, keys_.sectors[step.sector].b, step.record);
        if (finish(writer, reader_) == Progress::kDone) return {};
        const bool untouched = writer.fault() == WriteFault::kWrongKey;
        return failed(fault_of(writer.fault()), step.sector, begun || !untouched);
    }

    M1Reader& reader_;
    const Tell& tell_;
    Uid uid_;
    CardKeys keys_;
    std::map<std::uint8_t, Opener> openers_;
};

}  // namespace

std::expected<Uid, Failure> who_lies_there(M1Reader& reader) {
    const auto uid = reader.select();
    if (!uid) return failed(fault_of(uid.error()));
    if (card::fault_of(*uid)) return failed(Fault::kNotUsable);
    return *uid;
}

std::expected<Sight, Failure> read_with(M1Reader& reader, const Uid& uid, const CardKeys& keys, Depth depth,
                                        const Tell& tell) {
    Visit visit(reader, tell);
    visit.tell(Phase::kReading);
    if (auto begun = visit.begin(uid, keys); !begun) return std::unexpected(std::move(begun.error()));
    return visit.read(depth);
}

std::expected<Sight, Failure> write_with(M1Reader& reader, const Uid& uid, const CardKeys& keys, const Plan& plan,
                                         const Tell& tell) {
    Visit visit(reader, tell);
    if (auto begun = visit.begin(uid, keys); !begun) return std::unexpected(std::move(begun.error()));
    return visit.write(plan);
}

std::expected<Sight, Failure> read_card(M1Reader& reader, Office& office, Depth depth, const Tell& tell) {
    Visit visit(reader, tell);
    visit.tell(Phase::kReading);
    if (auto begun = visit.begin(office); !begun) return std::unexpected(std::move(begun.error()));
    return visit.read(depth);
}

std::expected<Looked, Failure> look(M1Reader& reader, Office& office, Depth depth, const Tell& tell) {
    auto sight = read_card(reader, office, depth, tell);
    if (!sight) return std::unexpected(std::move(sight.error()));
    if (tell) tell({Phase::kAsking, 0, 0});
    auto report = office.look(*sight);
    if (!report) return failed(std::move(report.error()));
    if (tell) tell({Phase::kDone, 0, 0});
    return Looked{std::move(*sight), std::move(*report)};
}

std::expected<Report, Failure> carry_out(M1Reader& reader, Office& office, const Order& order, const Tell& tell) {
    Visit visit(reader, tell);
    visit.tell(Phase::kReading);
    if (auto begun = visit.begin(office); !begun) return std::unexpected(std::move(begun.error()));
    const auto sight = visit.read(order.kind == OrderKind::kTicket ? Depth::kRecords : Depth::kAll);
    if (!sight) return std::unexpected(sight.error());
    visit.tell(Phase::kAsking);
    auto plan = office.order(order, *sight);
    if (!plan) return failed(std::move(plan.error()));
    const auto read_back = visit.write(*plan);
    if (!read_back) return std::unexpected(read_back.error());
    auto report = office.done(plan->write, *read_back);
    if (!report) return failed(std::move(report.error()), true);
    visit.tell(Phase::kDone, static_cast<int>(plan->steps.size()), static_cast<int>(plan->steps.size()));
    return std::move(*report);
}

}  // namespace prewatt::card::desk

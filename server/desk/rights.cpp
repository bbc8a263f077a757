// Cards with rights: what a warrant allows, sealed for the piece of plastic that lies there.
#include "card/access_bits.hpp"
#include "card/parameters.hpp"
#include "card/records.hpp"
#include "server/desk/office_desk.hpp"
#include "server/desk/sight.hpp"
#include "server/domain/wait.hpp"

namespace prewatt::server::desk {
namespace {

// The boxes of so many rights write what they say; the other two places stay free for it.
constexpr std::size_t kReceiptsMax = 2;
constexpr std::uint8_t kPlacesBeforeParameters = 4;  // two rights, two receipts

bool takes_receipts(const WarrantRecord& warrant) {
    return !only_shows(warrant.wish.kind) && warrant.rights.size() <= kReceiptsMax;
}

std::optional<card::ParameterList> list_of(const std::vector<CardValue>& values) {
    card::ParameterList list;
    for (const CardValue& value : values) {
        bool added = false;
        if (value.id == kAlarmsValue) {
            const auto alarms = card::alarms_of(value.bytes);
            added = alarms && list.add_alarms(value.number, *alarms);
        } else {
            added = list.add({static_cast<settings::SettingId>(value.id), value.number, value.index}, value.bytes);
        }
        if (!added) return std::nullopt;
    }
    return list;
}

// Parameters, rights, identity: in the order of the writing. The same order gives the same bytes.
Answer<std::vector<DeskStep>> seal_rights(card::Mac& mac, const card::SiteMasters& masters, const card::Layout& layout,
                                          const card::Uid& uid, const WarrantOrdered& ordered) {
    const WarrantRecord& warrant = ordered.warrant;
    const card::RecordKeys site = card::record_keys(mac, masters, 0);
    const auto impossible = [] {
        return refuse(Reason::kCardNotUsable, "A card cannot carry these figures; nothing is written.");
    };
    card::IdentityRecord identity;
    identity.kind = static_cast<card::CardKind>(warrant.wish.kind);
    identity.generation = ordered.write.identity_generation;
    identity.serial = static_cast<std::uint32_t>(ordered.card.id.value);
    identity.issued = civil_of(ordered.card.issued_at);
    identity.receipts = takes_receipts(warrant);
    identity.rights = static_cast<std::uint8_t>(warrant.rights.size());

    std::vector<DeskStep> steps;
    std::optional<card::ParameterList> list;
    if (warrant.wish.kind == CardKind::kSetUp) {
        identity.rights = kPlacesBeforeParameters;
        list = list_of(warrant.values);
        if (!list || list->parts() == 0) return impossible();
        for (std::uint8_t part = 0; part < list->parts(); ++part) {
            const auto sector = layout.ordered_parameter(identity.rights, part);
            const card::ParameterRecord record = list->part(part, 0, identity.generation);
            if (!sector || !card::is_legal(record)) return impossible();
            steps.push_back(record_step(*sector, card::seal(mac, site, uid, record)));
        }
    }
    for (std::size_t k = 0; k < warrant.rights.size(); ++k) {
        const CardRight& one = warrant.rights[k];
        const card::RecordKeys keys = card::record_keys(mac, masters, one.box_number);
        card::RightRecord right;
        right.kind = identity.kind;
        right.household = one.number;
        right.sequence = one.sequence;
        right.from = civil_of(one.from);
        right.until = civil_of(one.until);
        right.lockouts = {warrant.wish.restored.overload, warrant.wish.restored.malignant};
        right.cutoff_alarm = warrant.wish.restored.cutoff_alarm;
        if (list) {
            right.parts = list->parts();
            right.digest = list->digest(mac, keys);
        }
        const auto sector = layout.right(static_cast<std::uint8_t>(k));
        if (!sector || !card::is_legal(right)) return impossible();
        steps.push_back(record_step(*sector, card::seal(mac, keys, uid, right)));
    }
    if (!card::is_legal(identity)) return impossible();
    steps.push_back(record_step(layout.identity(), card::seal(mac, site, uid, identity)));
    return steps;
}

bool holds(const DeskSight& sight, const std::vector<DeskStep>& steps) {
    return std::all_of(steps.begin(), steps.end(), [&](const DeskStep& step) {
        const auto record = record_in(sight, step.sector);
        return record && std::equal(record->begin(), record->end(), step.bytes.begin(), step.bytes.end());
    });
}

}  // namespace

Answer<DeskPlan> OfficeDesk::order_rights(const DeskOrder& order, const DeskSight& sight, const Actor& who) {
    if (!warrants_) return refuse(Reason::kBadArgument, "This desk makes no cards with rights. Nothing was done.");
    const card::Uid uid = *uid_of_text(sight.uid);
    if (auto closed = closed_sector(sight, layout_.base, card::kSectorCount - 1))
        return std::unexpected(std::move(*closed));
    std::optional<card::IdentityRecord> stands;
    if (const auto bytes = record_in(sight, layout_.identity()))
        if (const auto opened =
                card::open_identity(mac_, card::record_keys(mac_, masters_, box_in(*bytes)), uid, *bytes))
            stands = *opened;

    WarrantWrite wanted;
    wanted.warrant = order.warrant;
    wanted.who = who;
    wanted.uid = sight.uid;
    wanted.identity_generation = stands ? stands->generation + 1 : 1;
    wanted.rights_max = layout_.sectors_behind_identity();
    const std::size_t parts_max = std::size_t{card::kSectorCount} - 1 - layout_.base - kPlacesBeforeParameters;
    wanted.values_bytes_max = std::min<std::size_t>(card::kParameterPartsMax, parts_max) * card::kParameterPartBytes;
    auto ordered = wait<WarrantOrdered>(
        [&](WhenDone<WarrantOrdered> done) { warrants_->write(std::move(wanted), std::move(done)); });
    if (!ordered) return std::unexpected(std::move(ordered.error()));
    auto sealed = seal_rights(mac_, masters_, layout_, uid, *ordered);
    if (!sealed) return std::unexpected(std::move(sealed.error()));
    DeskPlan plan{ordered->write.id, ordered->card, ordered->repeated, {}};
    if (ordered->repeated) {
        // Done: but does what lies here still carry it?
        if (!holds(sight, *sealed))
            return refuse(Reason::kCardUnlike,
                          "Card " + std::to_string(ordered->card.id.value) +
                              " was written, and what lies on the reader does not carry it any more: somebody has put "
                              "other contents onto it. Take it back, and ask for another card. Nothing was written.",
                          ordered->card.id.value);
        return plan;
    }
    const auto keys_of = keys(sight.uid);
    if (!keys_of) return std::unexpected(keys_of.error());
    add_trailers(sight, *keys_of, plan.steps);
    // Nothing of who had the plastic before. Where only the acknowledgement was lost, a box may have written its word.
    const bool is_this = stands && stands->serial == ordered->card.id.value;
    for (std::uint8_t sector = layout_.base; sector < card::kSectorCount; ++sector)
        if (!is_zero(sight, sector) && !(is_this && layout_.is_return(sector) && takes_receipts(ordered->warrant)))
            plan.steps.push_back(record_step(sector, {}));
    plan.steps.insert(plan.steps.end(), sealed->begin(), sealed->end());
    return plan;
}

bool OfficeDesk::holds_rights(CardWriteId write, const DeskSight& read_back) {
    const auto uid = uid_of_text(read_back.uid);
    if (!uid || !warrants_) return false;
    const auto ordered = warrants_->ordered(write);
    if (!ordered || ordered->card.uid != read_back.uid) return false;
    const auto sealed = seal_rights(mac_, masters_, layout_, *uid, *ordered);
    return sealed && holds(read_back, *sealed);
}

std::optional<WarrantRecord> OfficeDesk::take_receipts(const DeskSight& sight, const CardRecord& card,
                                                       const Actor& who) {
    const auto uid = uid_of_text(sight.uid);
    if (!warrants_ || !uid) return std::nullopt;
    for (std::uint8_t slot = 0; slot < kReceiptsMax; ++slot) {
        const auto bytes = record_in(sight, layout_.returns(slot));
        const std::uint64_t box = bytes ? box_in(*bytes) : 0;
        if (box == 0) continue;
        const auto said = card::open_receipt(mac_, card::record_keys(mac_, masters_, box), *uid, *bytes);
        if (!said || said->serial != card.id.value) continue;
        RightReceipt receipt;
        receipt.sequence = said->sequence;
        receipt.code = said->code;
        if (said->clock_known) receipt.at = unix_of(said->time);
        (void)wait<WarrantRecord>([&](WhenDone<WarrantRecord> done) {
            warrants_->take_receipt(card.id, box, receipt, who, std::move(done));
        });
    }
    const auto warrant = warrants_->of_card(card.id);
    if (!warrant) return std::nullopt;
    return *warrant;
}

}  // namespace prewatt::server::desk

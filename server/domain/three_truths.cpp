#include "server/domain/three_truths.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>

#include "base/civil_time.hpp"

namespace prewatt::server {
namespace {

constexpr std::int64_t kSecondsTo2000 = 946'684'800;
constexpr std::int64_t kDay_ms = 24 * 3600 * 1000;

std::string two_decimals(std::int64_t hundredths) {
    const std::int64_t whole = hundredths < 0 ? -hundredths : hundredths;
    std::string text = std::to_string(whole % 100 + 100);
    text.front() = '.';
    return (hundredths < 0 ? "-" : "") + std::to_string(whole / 100) + text;
}
std::string kwh(Energy energy) {
    return two_decimals(in_hundredths(energy, Round::kDown)) + " kWh";
}
std::string amount_of(Credit credit, AccountUnit unit) {
    return two_decimals(in_hundredths(credit, Round::kDown)) + (unit == AccountUnit::kMoney ? " yuan" : " kWh");
}
std::string yuan(Money money) {
    return two_decimals(money.count()) + " yuan";
}
std::string time_text(UnixTime at) {
    const CivilTime t = to_civil(static_cast<CivilSeconds>((at + kOfficeOffset).ms / 1000 - kSecondsTo2000));
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", t.year, t.month, t.day, t.hour, t.minute);
    return text;
}

WorkItem item_of(std::string_view kind, HouseholdId household, UnixTime now) {
    WorkItem item;
    item.kind = kind;
    item.household = household;
    item.at = now;
    return item;
}

Credit magnitude(Credit credit) {
    return credit < Credit{0} ? Credit{0} - credit : credit;
}
Credit whole_hundredths(Energy energy) {
    return credit_of_hundredths(in_hundredths(energy, Round::kDown));
}

void look_at_ticket(const MeterFacts& facts, const ReconcileRules& rules, UnixTime now, AccountFindings& out) {
    if (facts.meter_epoch != 0 && facts.credited_possible.empty()) {
        WorkItem item = item_of("ledger_ticket_unknown", facts.household, now);
        item.size = facts.meter_number;
        item.figures = "meter: epoch " + std::to_string(facts.meter_epoch) + ", ticket " +
                       std::to_string(facts.meter_number) + "; ledger: epoch " + std::to_string(facts.newest.epoch) +
                       ", ticket " + std::to_string(facts.newest.number);
        item.explanation =
            "The meter has confirmed a ticket that the ledger does not know. Probable causes, in this order: the "
            "database "
            "was restored from an older backup; a booking was taken out of the database; another office has written to "
            "the meter.";
        item.proposals = {"Compare with the newest backup and with the receipts of those days.",
                          "Answer the question about the household's ticket, when there is one."};
        out.items.push_back(std::move(item));
    }
    if (facts.unconfirmed_since && now - *facts.unconfirmed_since >= rules.ticket_patience) {
        WorkItem item = item_of("ledger_ticket_not_confirmed", facts.household, now);
        item.size = facts.newest.number;
        item.figures = "waiting since " + time_text(*facts.unconfirmed_since) + "; newest ticket " +
                       std::to_string(facts.newest.number) + ", the meter has " +
                       std::to_string(facts.meter_epoch == facts.newest.epoch ? facts.meter_number : 0) +
                       (facts.last_problem.empty() ? "" : "; " + facts.last_problem);
        item.explanation =
            "What was paid or granted has not arrived in the meter. Probable causes, in this order: the box or its "
            "line "
            "does not answer; the ticket waits for the answer to a question; the box has another key.";
        item.proposals = {"Look at the line and the box.",
                          "Nothing is to be sold again: the ticket goes out by itself."};
        out.items.push_back(std::move(item));
    }
}

// remaining + used = credited: used only grows, so what remains can be at most what was credited less the use that is
// known. And what left the account went through the registers.
void look_at_reading(const MeterFacts& facts, const ReconcileRules& rules, UnixTime now, AccountFindings& out) {
    const Reading& reading = *facts.reading;
    const Credit most = *std::max_element(facts.credited_possible.begin(), facts.credited_possible.end());
    const Credit slack = whole_hundredths(rules.register_slack);
    const Credit beyond = reading.remaining + facts.used - most;
    if (beyond > slack) {
        WorkItem item = item_of("ledger_remaining_too_high", facts.household, now);
        item.size = in_hundredths(beyond, Round::kDown);
        item.figures = "credited " + amount_of(most, facts.meter_unit) + ", known to be used " +
                       amount_of(facts.used, facts.meter_unit) + ", and the meter shows " +
                       amount_of(reading.remaining, facts.meter_unit) +
                       " remaining: " + amount_of(beyond, facts.meter_unit) + " too much";
        item.explanation =
            "The meter holds more credit than the ledger has given less what was used. Probable causes, in this order: "
            "the "
            "meter has lost its memory and counts its use anew; a ticket of another office; a booking was taken out of "
            "the database.";
        item.proposals = {"Read the meter's account in full and compare its ticket.",
                          "A correction or a new epoch, by two people; nothing is changed by itself."};
        out.items.push_back(std::move(item));
    }

    AccountBase& base = out.base;
    if (base.epoch != facts.meter_epoch) {
        // From here on it is measured; only while it is certain which ticket the meter counts with.
        if (facts.credited_possible.size() == 1)
            base = {facts.meter_epoch, reading.at, reading.forward, reading.remaining, most, reading.forward};
        return;
    }
    if (reading.at <= base.at) return;
    const std::int64_t days = (reading.at.ms - base.at.ms) / kDay_ms + 1;
    const Energy bound = rules.register_slack + rules.slack_per_day * days;
    if (base.forward_since - reading.forward > bound) {
        WorkItem item = item_of("ledger_register_went_back", facts.household, now);
        item.size = in_hundredths(base.forward_since - reading.forward, Round::kDown);
        item.figures = "was " + kwh(base.forward_since) + ", is " + kwh(reading.forward);
        item.explanation =
            "The register of energy shows less than before; it can only grow. Probable causes, in this order: the "
            "meter was "
            "exchanged or went back to its factory state and the office was not told; its memory was damaged.";
        item.proposals = {"Look which box is there; a changed box is told to the office as such."};
        out.items.push_back(std::move(item));
        return;
    }
    base.forward_since = std::max(base.forward_since, reading.forward);
    if (facts.meter_unit != AccountUnit::kEnergy) return;  // money: the price stands between register and account
    const Credit through = whole_hundredths(reading.forward - base.forward);
    std::optional<Credit> nearest;
    for (const Credit credited : facts.credited_possible) {
        const Credit off = reading.remaining - (base.remaining + (credited - base.credited) - through);
        if (!nearest || magnitude(off) < magnitude(*nearest)) nearest = off;
    }
    if (magnitude(*nearest) > whole_hundredths(bound)) {
        WorkItem item = item_of("ledger_use_unlike_registers", facts.household, now);
        item.size = in_hundredths(*nearest, Round::kNearest);
        item.figures = "since " + time_text(base.at) + ": " + amount_of(through, AccountUnit::kEnergy) +
                       " through the register; what remains is " + amount_of(reading.remaining, AccountUnit::kEnergy) +
                       ", " + amount_of(magnitude(*nearest), AccountUnit::kEnergy) +
                       (*nearest > Credit{0} ? " more" : " less") + " than it should be (bound " + kwh(bound) + ")";
        item.explanation =
            *nearest > Credit{0}
                ? "The meter took less from the account than went through its register. Probable causes, in "
                  "this order: the account was written by somebody else; the memory of the account was "
                  "damaged."
                : "The meter took more from the account than its register of forward energy counted. "
                  "Probable causes, in this order: reverse energy (a solar inverter), which is charged too; "
                  "the memory of the account or of the register was damaged.";
        item.proposals = {"Read both registers and the account of the meter on the spot.",
                          "A correction by two people; nothing is changed by itself."};
        out.items.push_back(std::move(item));
    }
}

struct ChannelWords {
    std::string_view explanation;
    std::vector<std::string> proposals;
};
ChannelWords words_of_payment(std::string_view kind) {
    if (kind == "channel_missing_here")
        return {
            "The channel has it, the ledger does not. Probable causes, in this order: the sale was refused or "
            "broken off after the payment; somebody paid into the account outside of the office; it was booked "
            "under another channel; the database was restored from a backup that is older.",
            {"Ask the payer; sell for it or pay it back. Nothing is booked by itself."}};
    if (kind == "channel_missing_there")
        return {
            "The ledger has it, the channel does not. Probable causes, in this order: the payment was broken off "
            "after the sale; it was booked under the wrong channel; the statement does not tell the whole span.",
            {"Get a newer statement.", "A correction by two people when the money never came."}};
    if (kind == "channel_other_amount")
        return {
            "Ledger and channel have different amounts for the same order. Probable causes, in this order: a "
            "typing error at the desk; a fee that the channel kept; a payment in part.",
            {"Look at the channel's receipt; a correction by two people."}};
    return {
        "The channel has two payments for one order. Probable causes, in this order: the payer paid twice; the "
        "statement tells one payment under two references.",
        {"Pay one back through the channel."}};
}
ChannelWords words_of_refund(std::string_view kind) {
    if (kind == "channel_missing_here")
        return {
            "The channel has paid back what the ledger has no payout for. Probable causes, in this order: somebody "
            "paid back at the channel and did not book it; it was booked under another channel; the payer's bank "
            "took it back.",
            {"Find who ordered it; refund the sale and book the payout. Nothing is booked by itself."}};
    if (kind == "channel_missing_there")
        return {
            "The ledger has a payout that the channel does not have. Probable causes, in this order: the channel "
            "has not carried it out yet, or refused it; it was booked under the wrong channel; the statement does "
            "not tell the whole span.",
            {"Look whether the resident has the money; pay it through the channel when he has not.",
             "Get a newer statement."}};
    if (kind == "channel_other_amount")
        return {
            "Ledger and channel paid back different amounts for the same order. Probable causes, in this order: a "
            "typing error at the channel; a fee that the channel kept.",
            {"Look at the channel's receipt; pay the rest, or ask for what was too much."}};
    return {
        "The channel has paid back twice for one order. Probable causes, in this order: it was ordered twice there; "
        "the statement tells one refund under two references.",
        {"Ask for one of them back."}};
}

void add_channel_item(std::vector<WorkItem>& items, std::string_view kind, LineKind line, Channel channel,
                      HouseholdId household, std::string subject, std::int64_t size, std::string figures,
                      UnixTime now) {
    const bool refund = line == LineKind::kRefund;
    WorkItem item = item_of(kind, household, now);
    // A channel may use one reference, and the office one order id, for a payment and for what was paid back of it.
    item.subject = std::string{word(channel)} + (refund ? " refund " : " ") + std::move(subject);
    item.size = size;
    item.figures = std::move(figures);
    ChannelWords words = refund ? words_of_refund(kind) : words_of_payment(kind);
    item.explanation = words.explanation;
    item.proposals = std::move(words.proposals);
    items.push_back(std::move(item));
}

std::string signed_yuan(LineKind kind, Money amount) {
    return (kind == LineKind::kRefund ? "paid back " : "") + yuan(amount);
}

// "2026-09-23 14:05:09" in the office's time.
std::optional<UnixTime> time_of(std::string_view text) {
    int parts[6] = {};
    static constexpr char kBetween[] = {'-', '-', ' ', ':', ':', 0};
    static constexpr std::size_t kDigits[] = {4, 2, 2, 2, 2, 2};
    for (int k = 0; k < 6; ++k) {
        if (text.size() < kDigits[k]) return std::nullopt;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + kDigits[k], parts[k]);
        if (fault != std::errc{} || end != text.data() + kDigits[k]) return std::nullopt;
        text.remove_prefix(kDigits[k]);
        if (kBetween[k] == 0) break;
        if (text.empty() || text.front() != kBetween[k]) return std::nullopt;
        text.remove_prefix(1);
    }
    CivilTime t;
    t.year = static_cast<std::uint16_t>(parts[0]);
    t.month = static_cast<std::uint8_t>(parts[1]);
    t.day = static_cast<std::uint8_t>(parts[2]);
    t.hour = static_cast<std::uint8_t>(parts[3]);
    t.minute = static_cast<std::uint8_t>(parts[4]);
    t.second = static_cast<std::uint8_t>(parts[5]);
    if (!text.empty() || !is_valid(t)) return std::nullopt;
    return UnixTime{(static_cast<std::int64_t>(to_seconds(t)) + kSecondsTo2000) * 1000 - kOfficeOffset.count() / 1000};
}

// "12.34", "12.3", "12": fen, at least one.
std::optional<Money> money_of(std::string_view text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string digits{text.substr(0, point)};
    const std::string_view decimals = point < text.size() ? text.substr(point + 1) : std::string_view{};
    if (digits.empty() || digits.size() > 12 || decimals.size() > 2 || (point < text.size() && decimals.empty()))
        return std::nullopt;
    digits += decimals;
    digits.append(2 - decimals.size(), '0');
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault != std::errc{} || end != digits.data() + digits.size() || value <= 0) return std::nullopt;
    return fen(value);
}

// The fields of one line; quotes as RFC 4180 has them, none over several lines.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t k = 0; k < line.size(); ++k) {
        const char c = line[k];
        if (quoted && c == '"' && k + 1 < line.size() && line[k + 1] == '"') {
            fields.back() += c;
            ++k;
        } else if (c == '"' && (quoted || fields.back().empty())) {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    if (quoted) return std::nullopt;
    return fields;
}

}  // namespace

AccountFindings compare_account(const MeterFacts& facts, const ReconcileRules& rules, UnixTime now) {
    AccountFindings out;
    out.base = facts.base;
    look_at_ticket(facts, rules, now, out);
    if (facts.meter_epoch != 0 && !facts.credited_possible.empty() && facts.reading)
        look_at_reading(facts, rules, now, out);
    return out;
}

Answer<std::vector<StatementLine>> read_statement(std::string_view csv) {
    constexpr std::string_view kHeading = "time,reference,order_id,amount_yuan,kind";
    std::vector<StatementLine> lines;
    std::map<std::pair<std::string, LineKind>, std::size_t> seen;
    int number = 0;
    const auto wrong = [&](const std::string& what) {
        return std::unexpected(Refusal{
            Reason::kBadArgument,
            "Line " + std::to_string(number) + " of the statement: " + what + " Nothing was taken over.", number});
    };
    if (csv.starts_with("\xEF\xBB\xBF")) csv.remove_prefix(3);
    while (!csv.empty()) {
        const std::size_t end = csv.find('\n');
        std::string_view line = csv.substr(0, end);
        csv = end == std::string_view::npos ? std::string_view{} : csv.substr(end + 1);
        ++number;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (number == 1) {
            if (line != kHeading) return wrong("the heading must be '" + std::string{kHeading} + "'.");
            continue;
        }
        if (line.empty()) continue;
        const auto fields = fields_of(line);
        if (!fields || fields->size() != 5) return wrong("it must have five fields.");
        StatementLine out;
        const auto at = time_of((*fields)[0]);
        if (!at) return wrong("the time must be like 2026-09-23 14:05:09.");
        const auto amount = money_of((*fields)[3]);
        if (!amount) return wrong("the amount must be yuan above 0, like 50.00.");
        if ((*fields)[1].empty() || (*fields)[1].size() > 128) return wrong("the reference must have 1 to 128 bytes.");
        if ((*fields)[2].size() > 128) return wrong("the order id must have at most 128 bytes.");
        if ((*fields)[4] != "payment" && (*fields)[4] != "refund") return wrong("the kind must be payment or refund.");
        out.at = *at;
        out.reference = (*fields)[1];
        out.order_id = (*fields)[2];
        out.amount = *amount;
        out.kind = (*fields)[4] == "refund" ? LineKind::kRefund : LineKind::kPayment;
        const auto [place, fresh] = seen.try_emplace({out.reference, out.kind}, lines.size());
        if (fresh) {
            lines.push_back(std::move(out));
            continue;
        }
        const StatementLine& first = lines[place->second];
        if (first.amount != out.amount || first.order_id != out.order_id)
            return wrong("the reference " + out.reference + " stands there before with other figures.");
    }
    if (number == 0) return wrong("it is empty.");
    return lines;
}

std::vector<WorkItem> compare_statement(Channel channel, const std::vector<BookedLine>& booked,
                                        const std::vector<StatementLine>& lines, UnixTime from, UnixTime to,
                                        const ReconcileRules& rules, UnixTime now) {
    std::vector<WorkItem> items;
    std::vector<bool> booking_met(booked.size());
    std::vector<bool> line_met(lines.size());
    // By order id: each booking meets the first line of its order; what comes after it was paid twice.
    std::map<std::pair<std::string_view, LineKind>, std::size_t> by_order;
    for (std::size_t k = 0; k < booked.size(); ++k)
        by_order.emplace(std::pair{std::string_view{booked[k].order_id}, booked[k].kind}, k);
    for (std::size_t k = 0; k < lines.size(); ++k) {
        const StatementLine& line = lines[k];
        const auto found = line.order_id.empty() ? by_order.end() : by_order.find({line.order_id, line.kind});
        if (found == by_order.end()) continue;
        line_met[k] = true;
        const BookedLine& booking = booked[found->second];
        if (booking_met[found->second]) {
            add_channel_item(items, "channel_double", line.kind, channel, booking.household, line.reference,
                             line.amount.count(),
                             "order " + line.order_id + ": " + signed_yuan(line.kind, line.amount) +
                                 " again, reference " + line.reference + ", " + time_text(line.at),
                             now);
            continue;
        }
        booking_met[found->second] = true;
        if (booking.amount != line.amount)
            add_channel_item(items, "channel_other_amount", line.kind, channel, booking.household, line.order_id,
                             (line.amount - booking.amount).count(),
                             "order " + line.order_id + ": ledger " + signed_yuan(booking.kind, booking.amount) +
                                 ", channel " + signed_yuan(line.kind, line.amount) + ", reference " + line.reference,
                             now);
    }
    // Without an order id: the same amount, as near in time as there is one.
    struct Pair {
        std::int64_t apart_ms;
        std::size_t booking;
        std::size_t line;
    };
    std::vector<Pair> pairs;
    std::map<std::pair<std::int64_t, LineKind>, std::vector<std::size_t>> by_amount;
    for (std::size_t k = 0; k < booked.size(); ++k)
        if (!booking_met[k]) by_amount[{booked[k].amount.count(), booked[k].kind}].push_back(k);
    const std::int64_t within_ms = rules.match_within.count() / 1000;
    for (std::size_t k = 0; k < lines.size(); ++k) {
        if (line_met[k] || !lines[k].order_id.empty()) continue;
        const auto found = by_amount.find({lines[k].amount.count(), lines[k].kind});
        if (found == by_amount.end()) continue;
        for (const std::size_t b : found->second) {
            const std::int64_t apart = booked[b].at.ms - lines[k].at.ms;
            if (apart >= -within_ms && apart <= within_ms) pairs.push_back({apart < 0 ? -apart : apart, b, k});
        }
    }
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.apart_ms < b.apart_ms; });
    for (const Pair& pair : pairs)
        if (!booking_met[pair.booking] && !line_met[pair.line]) {
            booking_met[pair.booking] = true;
            line_met[pair.line] = true;
        }
    for (std::size_t k = 0; k < lines.size(); ++k)
        if (!line_met[k] && lines[k].at >= from && lines[k].at < to)
            add_channel_item(
                items, "channel_missing_here", lines[k].kind, channel, {}, lines[k].reference, lines[k].amount.count(),
                signed_yuan(lines[k].kind, lines[k].amount) + ", reference " + lines[k].reference +
                    (lines[k].order_id.empty() ? "" : ", order " + lines[k].order_id) + ", " + time_text(lines[k].at),
                now);
    for (std::size_t k = 0; k < booked.size(); ++k)
        if (!booking_met[k] && booked[k].at >= from && booked[k].at < to)
            add_channel_item(items, "channel_missing_there", booked[k].kind, channel, booked[k].household,
                             booked[k].order_id, booked[k].amount.count(),
                             signed_yuan(booked[k].kind, booked[k].amount) + ", order " + booked[k].order_id + ", " +
                                 time_text(booked[k].at),
                             now);
    return items;
}

WorkItem head_item(const BuildingDay& day, std::string_view kind) {
    WorkItem item = item_of(kind, {}, {});
    item.subject = "building " + std::to_string(day.building.value) + " from " + time_text(day.from);
    return item;
}

std::optional<WorkItem> compare_building(const BuildingDay& day, const ReconcileRules& rules, UnixTime now) {
    if (day.head < Energy{0}) {
        WorkItem item = head_item(day, kHeadKinds[1]);
        item.at = now;
        item.size = in_hundredths(day.head, Round::kDown);
        item.figures = "building " + day.name + ", " + time_text(day.from) + " to " + time_text(day.to) +
                       ": the head meter shows " + kwh(Energy{0} - day.head) + " less than before";
        item.explanation =
            "The head meter shows less than before; it can only grow. Its rooms are not compared over this time. "
            "Probable causes, in this order: a wrong reading was typed in; the head meter was exchanged.";
        item.proposals = {"Record the reading of that time again, with the right figure.",
                          "After an exchange: nothing; the next readings are compared with each other."};
        return item;
    }
    Energy least{0};
    Energy most{0};
    for (const BuildingDay::Room& room : day.rooms) {
        least += std::max(Energy{0}, room.to.before - room.from.after);
        most += std::max(Energy{0}, room.to.after - room.from.before);
    }
    const Energy loss = day.head - most;   // at the least
    const Energy gain = least - day.head;  // at the least
    const bool lost = day.rooms_unknown == 0 && loss > rules.loss_least && loss * 1000 > day.head * rules.loss_permille;
    const bool gained = gain > rules.loss_least && gain * 1000 > day.head * rules.gain_permille;
    if (!lost && !gained) return std::nullopt;
    const auto percent = [&](Energy part) {
        const std::int64_t whole = in_hundredths(day.head, Round::kDown);
        if (whole <= 0) return std::string{"of nothing"};
        return two_decimals(divide(in_hundredths(part, Round::kDown) * 10'000, whole, Round::kDown)) + " %";
    };
    WorkItem item = head_item(day, kHeadKinds[0]);
    item.at = now;
    item.size = in_hundredths(lost ? loss : Energy{0} - gain, Round::kDown);
    item.figures = "building " + day.name + ", " + time_text(day.from) + " to " + time_text(day.to) + ": head meter " +
                   kwh(day.head) + ", rooms between " + kwh(least) + " and " + kwh(most) + "; " +
                   (lost ? "lost at least " + kwh(loss) + " (" + percent(loss) + ")"
                         : "rooms counted at least " + kwh(gain) + " more (" + percent(gain) + ")");
    item.explanation =
        lost
            ? "More went into the building than its rooms counted. Probable causes, in this order: what is not metered "
              "(corridor, lift); a room that is not in the office; energy taken before a meter; a channel that counts "
              "too little."
            : "The rooms counted more than went into the building. Probable causes, in this order: a wrong head "
              "reading or "
              "factor of its transformers; a room that is fed from elsewhere; a channel that counts too much.";
    item.proposals = {"Read the head meter again and compare its factor.", "Compare with the days before.",
                      lost ? "Look for use before the meters." : "Look which rooms are fed from elsewhere."};
    return item;
}

std::optional<WorkItem> old_head(const HeadSeen& seen, const ReconcileRules& rules, UnixTime now) {
    if (now - seen.newest < rules.head_patience) return std::nullopt;
    WorkItem item = item_of(kOldHeadKind, {}, now);
    item.subject = "building " + std::to_string(seen.building.value);
    item.figures = "building " + seen.name + ": the head meter was read last at " + time_text(seen.newest);
    item.explanation =
        "The head meter of the building is not read any more, so what its rooms count is compared with nothing since "
        "then. Probable causes, in this order: nobody reads it or types it in; the program that tells it does not run.";
    item.proposals = {"Read the head meter and record it."};
    return item;
}

std::optional<WorkItem> short_move(const ShortMove& facts, UnixTime now) {
    if (!facts.into_closed && !facts.into_another && !facts.from_another) return std::nullopt;
    const Credit missing = std::min(Credit{0} - facts.remaining, facts.taken);
    if (missing <= Credit{0}) return std::nullopt;
    WorkItem item = item_of(kShortMoveKind, facts.from, now);
    item.subject = "move " + std::to_string(facts.move_out.value);
    item.size = in_hundredths(missing, Round::kUp);
    item.figures = "taken along to room " + facts.into_room + ": " + amount_of(facts.taken, facts.unit) +
                   "; of it the old meter had used " + amount_of(missing, facts.unit) + " already";
    item.explanation =
        std::string{
            "After a room change the old meter showed that part of what was taken along had been used there; "
            "it counts in both rooms. It cannot be taken back by itself: "} +
        (facts.from_another  ? "the old room has another account now."
         : facts.into_closed ? "the account that it went into is closed."
                             : "the room that it went into has another account now.");
    item.proposals = {"Ask the resident who moved for it.", "Bear it, and say so here. Nothing is booked by itself."};
    return item;
}

}  // namespace prewatt::server

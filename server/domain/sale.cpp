#include "server/domain/sale.hpp"

#include <cstdio>

#include "base/civil_time.hpp"
#include "server/domain/orders.hpp"

namespace prewatt::server {
namespace {

// "12.30"
std::string decimals(std::int64_t hundredths) {
    char text[32];
    const char* sign = hundredths < 0 ? "-" : "";
    const std::uint64_t magnitude =
        hundredths < 0 ? 0 - static_cast<std::uint64_t>(hundredths) : static_cast<std::uint64_t>(hundredths);
    std::snprintf(text, sizeof text, "%s%llu.%02llu", sign, static_cast<unsigned long long>(magnitude / 100),
                  static_cast<unsigned long long>(magnitude % 100));
    return text;
}

std::unexpected<Refusal> refuse(Reason reason, std::string message, std::int64_t limit = 0) {
    return std::unexpected(Refusal{reason, std::move(message), limit});
}

}  // namespace

Answer<SaleDecision> decide_sale(const SaleOrder& order, const Account& account, const SaleRules& rules, UnixTime now) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    if (account.closed) return refuse(Reason::kAccountClosed, "The account is closed; nothing was sold.");
    if (!account.has_meter) return refuse(Reason::kNoMeter, "The room has no meter yet; nothing was sold.");
    if (rules.price <= UnitPrice{0}) return refuse(Reason::kPriceNotSet, "No price is set; nothing was sold.");
    if (order.amount <= fen(0))
        return refuse(Reason::kAmountNotPositive, "The amount must be more than zero; nothing was sold.");
    const Money sale_max = rules.sale_max < kSaleMaxEver ? rules.sale_max : kSaleMaxEver;
    if (order.amount > sale_max)
        return refuse(Reason::kAmountTooLarge,
                      "One sale is limited to " + decimals(sale_max.count()) + " yuan; nothing was sold.",
                      sale_max.count());
    const Energy energy = energy_for(order.amount, rules.price, Round::kDown);
    if (energy <= Energy{0})
        return refuse(Reason::kAmountTooSmall, "The amount buys less than 0.01 kWh; nothing was sold.");
    const TicketTotal& before = account.ticket;
    if (before.credited + credit_for(energy) > kCreditedMax || before.number == UINT32_MAX)
        return refuse(Reason::kTotalTooLarge, "The total of the account would be too large; nothing was sold.");
    if (before.credited - account.used_known + credit_for(energy) > rules.held_max)
        return refuse(Reason::kHoarding,
                      "The household would hold more than " + decimals(in_hundredths(rules.held_max, Round::kDown)) +
                          " kWh; nothing was sold.",
                      in_hundredths(rules.held_max, Round::kDown));

    // From here on it succeeds.
    SaleDecision decision;
    const std::int64_t hundredths = in_hundredths(energy, Round::kDown);
    const Money cost = cost_of(energy, rules.price, Round::kUp);
    const Money rest = order.amount - cost;
    decision.energy = energy;
    decision.remainder_e4 = order.amount.count() * 10'000 - hundredths * rules.price.count();

    Account& after = decision.after;
    after = account;
    after.ticket.epoch = before.epoch == 0 ? std::uint16_t{1} : before.epoch;
    after.ticket.number = before.number + 1;
    after.ticket.credited = before.credited + credit_for(energy);

    const auto book = [&](LedgerAccount from, LedgerAccount to, LedgerUnit unit, std::int64_t amount) {
        if (amount == 0) return;
        ++after.entries;
        if (unit == LedgerUnit::kFen) after.paid += fen(amount);
        LedgerEntry entry;
        entry.household = order.household;
        entry.number = after.entries;
        entry.at = now;
        entry.epoch = after.ticket.epoch;
        entry.from = from;
        entry.to = to;
        entry.unit = unit;
        entry.amount = amount;
        entry.paid_total = after.paid;
        entry.credited_total = unit == LedgerUnit::kHundredths ? after.ticket.credited : before.credited;
        (void)decision.entries.push_back(entry);
    };
    book(account_of(order.channel), LedgerAccount::kSales, LedgerUnit::kFen, cost.count());
    book(account_of(order.channel), LedgerAccount::kRounding, LedgerUnit::kFen, rest.count());
    book(LedgerAccount::kSupply, LedgerAccount::kHousehold, LedgerUnit::kHundredths, hundredths);
    return decision;
}

bool is_same_order(const SaleOrder& order, const SaleRecord& sale) {
    return order.household == sale.household && order.amount == sale.amount && order.channel == sale.channel;
}

std::string receipt_of(SaleId id, UnixTime booked_at) {
    constexpr std::int64_t kSecondsTo2000 = 946'684'800;
    const CivilTime day = to_civil(static_cast<CivilSeconds>((booked_at + kOfficeOffset).ms / 1000 - kSecondsTo2000));
    char text[48];
    std::snprintf(text, sizeof text, "%04d%02d%02d-%06lld", day.year, day.month, day.day,
                  static_cast<long long>(id.value));
    return text;
}

}  // namespace prewatt::server

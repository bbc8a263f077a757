#include "server/domain/sale.hpp"

#include <cstdio>

#include "server/domain/orders.hpp"
#include "server/domain/refuse.hpp"

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

}  // namespace

Answer<SaleDecision> decide_sale(const SaleOrder& order, const Account& account, const SaleRules& rules, UnixTime now) {
    if (auto bad = check_order_id(order.order_id)) return std::unexpected(*bad);
    if (account.closed) return refuse(Reason::kAccountClosed, "The account is closed; nothing was sold.");
    if (!account.has_meter) return refuse(Reason::kNoMeter, "The room has no meter yet; nothing was sold.");
    if (!rules.plan && rules.price <= UnitPrice{0})
        return refuse(Reason::kPriceNotSet, "No price is set; nothing was sold.");
    if (order.amount <= fen(0))
        return refuse(Reason::kAmountNotPositive, "The amount must be more than zero; nothing was sold.");
    const Money sale_max = rules.sale_max < kSaleMaxEver ? rules.sale_max : kSaleMaxEver;
    if (order.amount > sale_max)
        return refuse(Reason::kAmountTooLarge,
                      "One sale is limited to " + decimals(sale_max.count()) + " yuan; nothing was sold.",
                      sale_max.count());
    const TicketTotal& before = account.ticket;
    const PricePlan one_price = rules.plan ? PricePlan{} : flat_plan(rules.price);
    const PricePlan& plan = rules.plan ? *rules.plan : one_price;
    const AccountUnit unit = before.epoch == 0 ? plan.unit : before.unit;
    if (!sells(plan, unit))
        return refuse(Reason::kAccountUnit,
                      "The price by time of use needs an account in money, this one counts kWh; settle it and open it "
                      "anew. Nothing was sold.");
    if (order.payer && !rules.payer_lives_here)
        return refuse(Reason::kNotResident, "Who is said to pay does not live in the room; nothing was sold.");
    if (order.drawer && !rules.drawer_open)
        return refuse(Reason::kDrawerClosed, "The cash drawer is not open; nothing was sold.");
    const Priced priced = price_sale(plan, unit, order.amount, position_of(account, plan.period, now));
    if (priced.given <= Credit{0})
        return refuse(Reason::kAmountTooSmall, unit == AccountUnit::kEnergy
                                                   ? "The amount buys less than 0.01 kWh; nothing was sold."
                                                   : "Nothing of the amount is left after the fee; nothing was sold.");
    if (before.credited + priced.given > kCreditedMax || before.number == UINT32_MAX)
        return refuse(Reason::kTotalTooLarge, "The total of the account would be too large; nothing was sold.");
    if (account.remaining() + priced.given > rules.held_max)
        return refuse(Reason::kHoarding,
                      "The household would hold more than " + decimals(in_hundredths(rules.held_max, Round::kDown)) +
                          (unit == AccountUnit::kEnergy ? " kWh" : " yuan") + "; nothing was sold.",
                      in_hundredths(rules.held_max, Round::kDown));

    // From here on it succeeds.
    SaleDecision decision;
    Booking& booking = decision.booking;
    booking.kind = BookingKind::kSale;
    booking.order_id = order.order_id;
    booking.household = order.household;
    booking.amount = order.amount;
    booking.given = priced.given;
    booking.price = priced.price;
    booking.remainder_e4 = priced.remainder_e4;
    booking.fee = priced.fee;
    booking.plan = rules.plan ? rules.plan_id : PlanId{};
    booking.channel = order.channel;
    booking.payer = order.payer;
    booking.drawer = order.drawer;
    booking.operator_name = order.operator_name;
    booking.accepted_at = order.accepted_at;
    booking.booked_at = now;
    booking.ticket.unit = unit;
    decision.after = account;
    if (auto full = append(decision.after, booking)) return std::unexpected(std::move(*full));
    decision.entries = entries_of(booking);
    if (unit == AccountUnit::kEnergy) decision.energy = Energy{priced.given.count()};
    decision.remainder_e4 = priced.remainder_e4;
    return decision;
}

bool is_same_order(const SaleOrder& order, const SaleRecord& sale) {
    return order.household == sale.household && order.amount == sale.amount && order.channel == sale.channel &&
           order.payer == sale.payer && order.drawer == sale.drawer;
}

}  // namespace prewatt::server

#include "server/domain/price_plan.hpp"

#include <algorithm>
#include <charconv>

namespace prewatt::server {
namespace {

__extension__ typedef __int128 Wide;

std::optional<Refusal> bad(std::string message) {
    return Refusal{Reason::kBadArgument, std::move(message), 0};
}

// Takes the text up to the next `separator` off the front; nothing more: empty.
std::string_view next(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}
std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::int64_t share_of(std::int64_t a, std::int64_t b, std::int64_t c) {
    return static_cast<std::int64_t>(Wide{a} * b / c);
}
std::int64_t share_up(std::int64_t a, std::int64_t b, std::int64_t c) {
    return static_cast<std::int64_t>((Wide{a} * b + c - 1) / c);
}

std::string_view word(PlanKind kind) {
    switch (kind) {
        case PlanKind::kFlat:
            return "flat";
        case PlanKind::kStepped:
            return "stepped";
        case PlanKind::kTimeOfUse:
            return "time_of_use";
    }
    return "unknown";
}

PricePlan flat_plan(UnitPrice price) {
    PricePlan plan;
    (void)plan.steps.push_back({0, price});
    return plan;
}

std::optional<Refusal> check_plan(const PricePlan& plan) {
    if (plan.fee_fixed < Money{0} || plan.fee_fixed > kFeeFixedMax)
        return bad("A fixed service fee is 0 to 1,000 yuan; nothing was changed.");
    if (plan.fee_per_mille < 0 || plan.fee_per_mille > kFeePerMilleMax)
        return bad("A service fee is 0 to 500 per mille of a sale; nothing was changed.");
    const auto price_bad = [](UnitPrice price) { return price <= UnitPrice{0} || price > kPriceMax; };
    if (plan.kind == PlanKind::kTimeOfUse) {
        if (plan.unit != AccountUnit::kMoney)
            return bad("Prices by time of use need accounts in money; nothing was changed.");
        if (std::any_of(plan.rates.begin(), plan.rates.end(), price_bad))
            return bad("Each of the four rates is 0.0001 to 100 yuan per kWh; nothing was changed.");
        if (!plan.steps.empty()) return bad("Prices by time of use have no steps; nothing was changed.");
        return std::nullopt;
    }
    if (plan.steps.empty() || (plan.kind == PlanKind::kFlat) != (plan.steps.size() == 1))
        return bad("A flat plan has one price, a stepped one two to six; nothing was changed.");
    std::int64_t below = 0;
    for (std::size_t k = 0; k < plan.steps.size(); ++k) {
        const PriceStep& step = plan.steps[k];
        if (price_bad(step.price)) return bad("A price is 0.0001 to 100 yuan per kWh; nothing was changed.");
        const bool last = k + 1 == plan.steps.size();
        if (last != (step.upto_ckwh == 0) || (!last && step.upto_ckwh <= below))
            return bad("Steps end at rising amounts of energy, the last one has no end; nothing was changed.");
        below = step.upto_ckwh;
    }
    return std::nullopt;
}

std::string text_of(const PricePlan& plan) {
    std::string text{word(plan.kind)};
    text += plan.unit == AccountUnit::kEnergy ? " energy" : " money";
    text += plan.period == StepPeriod::kMonth ? " month " : " year ";
    if (plan.kind == PlanKind::kTimeOfUse) {
        for (std::size_t k = 0; k < plan.rates.size(); ++k)
            text += (k ? "," : "") + std::to_string(plan.rates[k].count());
    } else {
        for (std::size_t k = 0; k < plan.steps.size(); ++k)
            text += (k ? "," : "") + std::to_string(plan.steps[k].upto_ckwh) + ":" +
                    std::to_string(plan.steps[k].price.count());
    }
    text += " fee " + std::to_string(plan.fee_fixed.count()) + " " + std::to_string(plan.fee_per_mille);
    return text;
}

std::optional<PricePlan> plan_of(std::string_view text) {
    PricePlan plan;
    const std::string_view kind = next(text, ' ');
    bool known = false;
    for (const PlanKind k : {PlanKind::kFlat, PlanKind::kStepped, PlanKind::kTimeOfUse})
        if (word(k) == kind) {
            plan.kind = k;
            known = true;
        }
    const std::string_view unit = next(text, ' ');
    const std::string_view period = next(text, ' ');
    if (!known || (unit != "energy" && unit != "money") || (period != "month" && period != "year")) return std::nullopt;
    plan.unit = unit == "energy" ? AccountUnit::kEnergy : AccountUnit::kMoney;
    plan.period = period == "month" ? StepPeriod::kMonth : StepPeriod::kYear;
    std::string_view prices = next(text, ' ');
    for (std::size_t k = 0; !prices.empty(); ++k) {
        std::string_view part = next(prices, ',');
        if (plan.kind == PlanKind::kTimeOfUse) {
            const auto rate = number(part);
            if (!rate || k >= plan.rates.size()) return std::nullopt;
            plan.rates[k] = UnitPrice{*rate};
            continue;
        }
        const auto upto = number(next(part, ':'));
        const auto price = number(part);
        if (!upto || !price || !plan.steps.push_back({*upto, UnitPrice{*price}})) return std::nullopt;
    }
    if (next(text, ' ') != "fee") return std::nullopt;
    const auto fixed = number(next(text, ' '));
    const auto per_mille = number(text);
    if (!fixed || !per_mille) return std::nullopt;
    plan.fee_fixed = fen(*fixed);
    plan.fee_per_mille = static_cast<int>(std::clamp<std::int64_t>(*per_mille, -1, kFeePerMilleMax + 1));
    if (check_plan(plan)) return std::nullopt;
    return plan;
}

Priced price_sale(const PricePlan& plan, AccountUnit unit, Money amount, std::int64_t position_ckwh) {
    Priced priced;
    priced.fee = plan.fee_fixed + fen(share_of(amount.count(), plan.fee_per_mille, 1000));
    if (amount <= priced.fee) return priced;
    const Money for_credit = amount - priced.fee;
    if (unit == AccountUnit::kMoney) {
        priced.given = credit_of_hundredths(for_credit.count());
        priced.cost = for_credit;
        return priced;
    }
    std::int64_t left_e4 = for_credit.count() * 10'000;
    std::int64_t given = 0;
    std::int64_t cost_e4 = 0;
    for (const PriceStep& step : plan.steps) {
        const std::int64_t position = position_ckwh + given;
        if (step.upto_ckwh != 0 && position >= step.upto_ckwh) continue;
        const std::int64_t affordable = left_e4 / step.price.count();
        const std::int64_t take = step.upto_ckwh == 0 ? affordable : std::min(affordable, step.upto_ckwh - position);
        if (take > 0 || priced.lines.empty()) priced.price = step.price;
        if (take > 0) {
            (void)priced.lines.push_back({take, step.price});
            given += take;
            cost_e4 += take * step.price.count();
            left_e4 -= take * step.price.count();
        }
        if (step.upto_ckwh == 0 || position + take < step.upto_ckwh) break;
    }
    priced.given = credit_of_hundredths(given);
    priced.remainder_e4 = left_e4;
    priced.cost = fen(divide(cost_e4, 10'000, Round::kUp));
    return priced;
}

}  // namespace prewatt::server

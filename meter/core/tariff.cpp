#include "meter/core/tariff.hpp"

#include <algorithm>

namespace prewatt::meter {
namespace {

constexpr Energy kFar{kJoulesPerKilowattHour};  // nobody looks less often than once a kWh
constexpr std::int64_t kSpanMsMax = 3'600'000;

// Energy to the end of the step; kFar or more when there is none.
Energy left_in_step(const settings::PriceSet& prices, Energy used) {
    const int step = step_at(prices, used);
    if (step == prices.steps) return Energy{INT64_MAX};
    return energy_of_hundredths(prices.step_limits[static_cast<std::size_t>(step - 1)]) - used;
}

// The part of a window that lies before the month in which it ends, when it has run into the next month.
Energy used_before(const EnergyWindow& window, const TariffBook& book) {
    if (!window.now || book.month.present.month == 0) return {};
    const CivilTime date = to_civil(*window.now);
    const int month = (date.year - 2000) * 12 + date.month;
    if (month != book.month.present.month + 1) return {};
    const std::int64_t span_ms = std::clamp<std::int64_t>(window.span.count() / 1000, 1, kSpanMsMax);
    const CivilSeconds first = to_seconds({.year = date.year, .month = date.month});
    const std::int64_t after_ms = std::min<std::int64_t>(std::int64_t{*window.now - first} * 1000, span_ms);
    return Energy{window.used.count() / span_ms * (span_ms - after_ms) +
                  window.used.count() % span_ms * (span_ms - after_ms) / span_ms};
}

}  // namespace

int step_at(const settings::PriceSet& prices, Energy used_in_month) {
    int step = 1;
    while (step < prices.steps &&
           used_in_month >= energy_of_hundredths(prices.step_limits[static_cast<std::size_t>(step - 1)]))
        ++step;
    return step;
}

UnitPrice price_at(const settings::PriceSet& prices, int rate, Energy used_in_month) {
    return UnitPrice{std::int64_t{prices.rates[static_cast<std::size_t>(rate - 1)]} +
                     prices.step_prices[static_cast<std::size_t>(step_at(prices, used_in_month) - 1)]};
}

Credit charge_money(TariffBook& book, const settings::PriceSet& prices, int rate, Energy used) {
    std::int64_t grains = 0;
    while (used > Energy{}) {
        const Energy part = std::min(used, left_in_step(prices, book.month.present.used));
        const std::int64_t parts = part.count() * price_at(prices, rate, book.month.present.used).count() + book.parts;
        grains += parts / kPartsPerGrain;
        book.parts = static_cast<std::uint16_t>(parts % kPartsPerGrain);
        book.month.add(part);
        used -= part;
    }
    return Credit{grains};
}

Credit charge_money(TariffBook& book, const settings::PriceSet& prices, int rate, const EnergyWindow& window) {
    const Energy before = used_before(window, book);
    Credit cost = charge_money(book, prices, rate, before);
    book.month.on_time(window.now);
    cost += charge_money(book, prices, rate, window.used - before);
    return cost;
}

Energy energy_until(const TariffBook& book, const settings::PriceSet& prices, int rate, Credit credit) {
    const Energy used = book.month.present.used;
    const std::int64_t price = price_at(prices, rate, used).count();
    Energy until = std::min(kFar, left_in_step(prices, used));
    // Beyond this much credit a kWh at any price is nearer.
    const std::int64_t grains =
        std::min<std::int64_t>(credit.count(), kJoulesPerKilowattHour * 2'000'000 / kPartsPerGrain);
    if (price > 0) until = std::min(until, Energy{divide(grains * kPartsPerGrain - book.parts, price, Round::kUp)});
    return std::max(until, Energy{1});
}

}  // namespace prewatt::meter

#include "meter/core/display_loop.hpp"

namespace prewatt::meter {
namespace {

using Row = std::array<char, 6>;

// Right-aligned decimal with at least `digits` digits.
void put_number(Row& row, std::uint64_t value, int digits) {
    int k = static_cast<int>(row.size()) - 1;
    for (; k >= 0 && (value != 0 || digits > 0); --k, --digits) {
        row[static_cast<std::size_t>(k)] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

// Hundredths as a number with one decimal, rounded down, at most 99999.9 and at least -9999.9.
void put_tenths(DisplayFrame& frame, std::int64_t hundredths) {
    std::int64_t tenths = divide(hundredths, 10, Round::kDown);
    if (tenths > 999'999) tenths = 999'999;
    if (tenths < -99'999) tenths = -99'999;
    const bool negative = tenths < 0;
    const auto magnitude = static_cast<std::uint64_t>(negative ? -tenths : tenths);
    put_number(frame.lower, magnitude, 2);
    frame.lower_dots = 1u << 4;
    if (!negative) return;
    for (std::size_t k = frame.lower.size(); k-- > 0;)
        if (frame.lower[k] == ' ') {
            frame.lower[k] = '-';
            return;
        }
}

}  // namespace

bool flashes(HouseholdState state) {
    return state.has(StateBit::kLowCredit) || state.holds().has(Hold::kNoCredit) ||
           state.holds().has(Hold::kCutoffAlarm);
}

DisplayFrame household_frame(Household household, HouseholdState state, std::int64_t remaining_hundredths,
                             bool lit_half) {
    DisplayFrame frame;
    put_number(frame.upper, household.number, 4);
    const HoldSet holds = state.holds();
    if (holds.has(Hold::kNotOpened)) {
        for (std::size_t k = 2; k < frame.lower.size(); ++k)
            frame.lower[k] = '-';
        return frame;
    }
    if (flashes(state) && !lit_half) return frame;
    const bool cut = holds.has(Hold::kNoCredit) || holds.has(Hold::kCutoffAlarm);
    put_tenths(frame, cut ? 0 : remaining_hundredths);
    return frame;
}

DisplayFrame meter_number_frame(std::uint64_t box_number) {
    DisplayFrame frame;
    put_number(frame.upper, box_number / 1'000'000 % 10'000, 4);
    put_number(frame.lower, box_number % 1'000'000, 6);
    return frame;
}

DisplayFrame sales_unit_frame(std::uint16_t sales_unit) {
    DisplayFrame frame;
    frame.upper[4] = 'P';
    frame.upper[5] = 'U';
    put_number(frame.lower, sales_unit, 4);
    return frame;
}

DisplayFrame amount_frame(Household household, std::int64_t hundredths) {
    DisplayFrame frame;
    put_number(frame.upper, household.number, 4);
    put_tenths(frame, hundredths);
    return frame;
}

DisplayLoop::Page DisplayLoop::page(Instant now) const {
    Page page;
    const std::int64_t flashes_ago = (now - started_).count() / kFlashTime.count();
    page.lit_half = flashes_ago % 2 == 0;
    page.next_flash = started_ + kFlashTime * (flashes_ago + 1);
    if (notice_since_ != kNever && now >= notice_since_ && now - notice_since_ < kPageTime * 2) {
        const bool first = now - notice_since_ < kPageTime;
        page.kind = first ? Page::Kind::kBought : Page::Kind::kNewTotal;
        page.household = notice_;
        page.until = notice_since_ + kPageTime * (first ? 1 : 2);
        return page;
    }
    const std::int64_t turned = (now - started_).count() / kPageTime.count();
    const std::int64_t index = turned % (households_ + 2);
    page.until = started_ + kPageTime * (turned + 1);
    if (index == 0) return page;
    page.kind = index == 1 ? Page::Kind::kSalesUnit : Page::Kind::kHousehold;
    if (index > 1) page.household = {static_cast<std::uint8_t>(index - 1)};
    return page;
}

}  // namespace prewatt::meter

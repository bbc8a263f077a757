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

int reason_code(HouseholdState state) {
    const HoldSet holds = state.holds();
    const bool open = !state.has(StateBit::kRelayClosed);
    if (open)
        for (const Hold hold :
             {Hold::kLockedOut, Hold::kMalignant, Hold::kOverload, Hold::kSchedule, Hold::kRemote, Hold::kSupply})
            if (holds.has(hold)) return static_cast<int>(hold) + 1;
    return state.has(StateBit::kRelayFault) ? 10 : 0;
}

DisplayFrame reason_frame(Household household, int code) {
    DisplayFrame frame;
    put_number(frame.upper, household.number, 4);
    frame.lower[2] = 'E';
    frame.lower[3] = '-';
    frame.lower[4] = static_cast<char>('0' + code / 10 % 10);
    frame.lower[5] = static_cast<char>('0' + code % 10);
    return frame;
}

DisplayFrame card_code_frame(Household household, std::uint8_t code) {
    DisplayFrame frame;
    if (household.number != 0) put_number(frame.upper, household.number, 4);
    frame.lower = {'E', 'r', 'r', '-', static_cast<char>('0' + code / 10 % 10), static_cast<char>('0' + code % 10)};
    return frame;
}

DisplayFrame passed_frame(Household household) {
    DisplayFrame frame;
    if (household.number != 0) put_number(frame.upper, household.number, 4);
    frame.lower = {'-', 'P', 'A', '5', '5', '-'};
    return frame;
}

DisplayFrame inspection_frame(Household household, InspectionItem item, std::int64_t hundredths) {
    constexpr char kLetters[kInspectionItems] = {'L', 'C', 'P'};
    DisplayFrame frame;
    put_number(frame.upper, household.number, 4);
    frame.upper[0] = kLetters[static_cast<std::size_t>(item)];
    if (hundredths != 0)
        put_tenths(frame, hundredths);
    else
        for (std::size_t k = 2; k < frame.lower.size(); ++k)
            frame.lower[k] = '-';
    return frame;
}

DisplayFrame used_frame(Household household, std::int64_t used_hundredths, bool held) {
    DisplayFrame frame;
    put_number(frame.upper, household.number, 4);
    const auto shown = static_cast<std::uint64_t>(held ? used_hundredths : used_hundredths / 10) % 1'000'000;
    put_number(frame.lower, shown, held ? 3 : 2);
    frame.lower_dots = static_cast<std::uint8_t>(1u << (held ? 3 : 4));
    return frame;
}

DisplayFrame page_frame(const DisplayLoop::Page& page, HouseholdState state, std::int64_t remaining_hundredths,
                        std::int64_t used_hundredths, bool cut_announced) {
    if (page.used) return used_frame(page.household, used_hundredths, page.held);
    int code = reason_code(state);
    if (code == 0 && cut_announced) code = static_cast<int>(Hold::kSchedule) + 1;
    if (code != 0 && page.second_half) return reason_frame(page.household, code);
    return household_frame(page.household, state, remaining_hundredths, page.lit_half);
}

void DisplayLoop::set_page_time(Duration time, Instant now) {
    if (time == page_time_ || time <= Duration{}) return;
    go_to(index_at(now), now);
    page_time_ = time;
}

int DisplayLoop::index_at(Instant now) const {
    const std::int64_t turned = (now - anchor_).count() / page_time_.count();
    // Held, the loop runs as far as the first household and no further.
    if (pins_.hold)
        return anchor_index_ >= 2 ? anchor_index_
                                  : static_cast<int>(anchor_index_ + turned < 2 ? anchor_index_ + turned : 2);
    return static_cast<int>((anchor_index_ + turned) % pages());
}

Instant DisplayLoop::on_pins(VerificationSocket::Pins pins, Instant now) {
    // Without the plug there is nothing that could join pins.
    if (!pins.plugged) pins.hold = false;
    if (pins != pins_seen_) {
        pins_seen_ = pins;
        pins_since_ = now;
    }
    if (pins_seen_ == pins_) return kNever;
    if (now - pins_since_ < kSocketDebounce) return pins_since_ + kSocketDebounce;
    const int index = index_at(now);
    if (pins_seen_.hold && !pins_.hold) {
        go_to(index, now);
    } else if (pins_.hold && !pins_seen_.hold) {
        go_to((index + 1) % pages(), now);
    }
    pins_ = pins_seen_;
    return kNever;
}

Household DisplayLoop::held(Instant now) const {
    const int index = index_at(now);
    return pins_.hold && index >= 2 ? Household{static_cast<std::uint8_t>(index - 1)} : Household{};
}

void DisplayLoop::notify_code(Household household, std::uint8_t code, Instant now) {
    Page page;
    if (notice_.code == 0 && !notice_.inspection && put_notice(page, now))
        notice_.code = code;
    else
        notify({household, false, false, false, code, false}, now);
}

bool DisplayLoop::put_notice(Page& page, Instant now) const {
    if (notice_since_ == kNever || now < notice_since_) return false;
    const std::int64_t age = (now - notice_since_).count();
    page.household = notice_.household;
    if (notice_.inspection) {
        const std::int64_t step = age / kInspectionTime.count();
        if (step >= std::int64_t{households_} * kInspectionItems) return false;
        page.kind = Page::Kind::kInspection;
        page.household = {static_cast<std::uint8_t>(step / kInspectionItems + 1)};
        page.item = static_cast<InspectionItem>(step % kInspectionItems);
        page.until = notice_since_ + kInspectionTime * (step + 1);
        return true;
    }
    std::int64_t turn = age / kPageTime.count();
    page.until = notice_since_ + kPageTime * (turn + 1);
    const auto is_on = [&turn](bool there) { return there && turn-- == 0; };
    if (is_on(notice_.bought))
        page.kind = Page::Kind::kBought;
    else if (is_on(notice_.total))
        page.kind = Page::Kind::kNewTotal;
    else if (is_on(notice_.passed))
        page.kind = Page::Kind::kPassed;
    else if (is_on(notice_.code != 0))
        page.kind = Page::Kind::kCardCode;
    else
        return false;
    page.code = notice_.code;
    return true;
}

DisplayLoop::Page DisplayLoop::page(Instant now) const {
    Page page;
    const std::int64_t flashes_ago = (now - started_).count() / kFlashTime.count();
    page.lit_half = flashes_ago % 2 == 0;
    page.next_flash = started_ + kFlashTime * (flashes_ago + 1);
    page.used = pins_.plugged;
    page.held = pins_.hold;
    if (!pins_.hold && put_notice(page, now)) return page;
    page.household = {};
    const int index = index_at(now);
    const std::int64_t turned = (now - anchor_).count() / page_time_.count();
    const Instant began = anchor_ + page_time_ * turned;
    const Duration half{page_time_.count() / 2};
    page.second_half = now - began >= half;
    page.until = page.second_half ? began + page_time_ : began + half;
    if (index == 0) return page;
    page.kind = index == 1 ? Page::Kind::kSalesUnit : Page::Kind::kHousehold;
    if (index > 1) page.household = {static_cast<std::uint8_t>(index - 1)};
    return page;
}

}  // namespace prewatt::meter

// What the two rows of LED digits show (product.md M7, M16): a function of the state and of the time, nothing else.
//
// The loop: meter number, sales unit number, then every household, each for General::page_seconds. Upper row the
// household number (0001 ...), lower row what remains to a tenth, rounded down, up to 99999.9. Low credit: the lower
// row flashes. Switched off for want of credit or by the cut-off alarm: it flashes 0.0. A household without an account
// shows dashes. A household that is dark for another reason shows what remains for half of its time and then the
// reason: "E-" and two digits, the number of the hold plus one (the same order as everywhere):
//
//   E-03 malignant load   E-04 overload   E-05 locked out   E-06 schedule   E-07 office   E-09 supply
//   E-10 the contact does not obey (shown whether it is open or closed)
//
// Before a timed cut-off, within the warning time of its plan, a lit household shows E-06 in the same way.
//
// Locked out goes before the rest, since somebody must come; then in the order above. After a ticket the loop is
// interrupted: the amount bought for four seconds, then the new total for four. After a swipe without anything new it
// is the total alone. A card that was not taken: "Err-" and two digits (meter/core/card_code.hpp), behind what is being
// shown of it. An order that was carried out: "-PASS-" (the S is a 5). An inspection card: of every household the
// low-credit alarm (L), the cut-off alarm (C) and the current limit in amperes (P), two seconds each; dashes: not set.
//
// Verification. With the plug in the seven-pin socket the lower row shows the energy used for ever, forward and reverse
// together, instead of what remains: five digits and a tenth, turning over at 100000.0. Nothing flashes then, and a
// household without an account shows its energy too. With pins 4 and 6 joined the display stays on the household that
// it shows and has two decimals, turning over at 10000.00; the test output gives this household's pulses (held()). When
// a page without a household is on, the loop runs on to the first household and stays there. Purchases do not
// interrupt. Parting the pins steps on to the next household at once; whoever joins them again during its page stays
// there. So a verifier goes from one to the next by a short break. There is no time limit: a constant test takes days,
// and a forgotten plug is seen on the display and in the state of the box. Contacts bounce: a change counts after 50
// ms.
#pragma once
#include <cstdint>

#include "base/hold.hpp"
#include "base/units.hpp"
#include "meter/ports.hpp"

namespace prewatt::meter {

inline constexpr Duration kPageTime = seconds(4);          // until settings say otherwise; of each half of a purchase
inline constexpr Duration kFlashTime = milliseconds(500);  // lit so long, dark so long
inline constexpr Duration kInspectionTime = seconds(2);
inline constexpr Duration kSocketDebounce = milliseconds(50);

// One household's window, as it would stand in the loop. `lit_half`: the lit half of a flash.
[[nodiscard]] DisplayFrame household_frame(Household household, HouseholdState state, std::int64_t remaining_hundredths,
                                           bool lit_half);
[[nodiscard]] bool flashes(HouseholdState state);
// 3..10 as in the table above; 0: nothing to say, or credit says it.
[[nodiscard]] int reason_code(HouseholdState state);
[[nodiscard]] DisplayFrame reason_frame(Household household, int code);
// Energy used for ever in hundredths of a kWh, >= 0; `held`: with two decimals.
[[nodiscard]] DisplayFrame used_frame(Household household, std::int64_t used_hundredths, bool held);
// Ten digits: the upper row has the first four, the lower row the last six.
[[nodiscard]] DisplayFrame meter_number_frame(std::uint64_t box_number);
[[nodiscard]] DisplayFrame sales_unit_frame(std::uint16_t sales_unit);
// `household` and an amount; for a purchase.
[[nodiscard]] DisplayFrame amount_frame(Household household, std::int64_t hundredths);

// `household` 0: not known.
[[nodiscard]] DisplayFrame card_code_frame(Household household, std::uint8_t code);
[[nodiscard]] DisplayFrame passed_frame(Household household);
enum class InspectionItem : std::uint8_t { kLowAlarm = 0, kCutoffAlarm = 1, kCurrentLimit = 2 };
inline constexpr int kInspectionItems = 3;
// `hundredths` 0: not set.
[[nodiscard]] DisplayFrame inspection_frame(Household household, InspectionItem item, std::int64_t hundredths);

// Which page is on.
class DisplayLoop {
  public:
    struct Page {
        enum class Kind : std::uint8_t {
            kMeterNumber,
            kSalesUnit,
            kHousehold,
            kBought,
            kNewTotal,
            kCardCode,
            kPassed,
            kInspection
        } kind = Kind::kMeterNumber;
        Household household{};
        std::uint8_t code = 0;  // of kCardCode
        InspectionItem item{};  // of kInspection
        bool lit_half = true;
        bool second_half = false;     // of the page's time: where a reason is shown
        bool used = false;            // the plug is in: energy used instead of what remains
        bool held = false;            // pins 4 and 6: two decimals
        Instant until = kNever;       // the next half or page, unless somebody buys
        Instant next_flash = kNever;  // the next change of lit_half
    };
    void start(Instant now, int households) {
        started_ = now;
        anchor_ = now;
        households_ = households;
    }
    // General::page_seconds. The page that is on begins anew when this is a change.
    void set_page_time(Duration time, Instant now);
    // What interrupts the loop: whichever of these is set, in this order, kPageTime each.
    struct Notice {
        Household household{};  // 0: not known, or the box
        bool bought = false;
        bool total = false;
        bool passed = false;
        std::uint8_t code = 0;
        bool inspection = false;  // instead of all of them
    };
    void notify(const Notice& notice, Instant now) {
        notice_ = notice;
        notice_since_ = now;
    }
    void bought(Household household, Instant now) { notify({household, true, true, false, 0, false}, now); }
    // Behind what is being shown, if anything is.
    void notify_code(Household household, std::uint8_t code, Instant now);
    // As the socket says now; to be called with every event and at the returned instant (kNever: no need to).
    Instant on_pins(VerificationSocket::Pins pins, Instant now);
    // Whose pulses the test output gives; household 0: nobody's.
    [[nodiscard]] Household held(Instant now) const;
    [[nodiscard]] Page page(Instant now) const;

  private:
    [[nodiscard]] int pages() const { return households_ + 2; }
    // False: none is on.
    [[nodiscard]] bool put_notice(Page& page, Instant now) const;
    [[nodiscard]] int index_at(Instant now) const;  // 0 meter number, 1 sales unit, 1+n household n
    void go_to(int index, Instant now) {
        anchor_index_ = index;
        anchor_ = now;
    }

    Instant started_{};  // flashes count from here
    Instant anchor_{};   // page anchor_index_ began then
    int anchor_index_ = 0;
    int households_ = 0;
    Duration page_time_ = kPageTime;
    Notice notice_{};
    Instant notice_since_ = kNever;
    VerificationSocket::Pins pins_{};       // as taken
    VerificationSocket::Pins pins_seen_{};  // as seen last, not yet long enough
    Instant pins_since_{};
};

// What a household's page shows. cut_announced: a timed cut-off comes within the plan's warning time.
[[nodiscard]] DisplayFrame page_frame(const DisplayLoop::Page& page, HouseholdState state,
                                      std::int64_t remaining_hundredths, std::int64_t used_hundredths,
                                      bool cut_announced);

}  // namespace prewatt::meter

#include "protocols/dlt645/item.hpp"

#include <algorithm>
#include <array>

#include "base/bcd.hpp"

namespace prewatt::dlt645 {
namespace {

// --- What one value looks like -----------------------------------------------------------------------------------

constexpr Part number(std::uint8_t size, std::uint8_t decimals, Unit unit = Unit::kNone) {
    return {.format = Format::kUnsigned, .size = size, .decimals = decimals, .unit = unit};
}
constexpr Part signed_number(std::uint8_t size, std::uint8_t decimals, Unit unit = Unit::kNone) {
    return {.format = Format::kSigned, .size = size, .decimals = decimals, .unit = unit};
}
constexpr Part digits(std::uint8_t size) {
    return {.format = Format::kDigits, .size = size};
}
constexpr Part text(std::uint8_t size) {
    return {.format = Format::kText, .size = size};
}
constexpr Part bytes(std::uint8_t size) {
    return {.format = Format::kBytes, .size = size};
}
constexpr Part bits(std::uint8_t size, const char* const* names = nullptr) {
    return {.format = Format::kBits, .size = size, .bit_names = names};
}
constexpr Part time(const char* pattern) {
    std::uint8_t letters = 0;
    while (pattern[letters] != '\0')
        ++letters;
    return {.format = Format::kTime, .size = static_cast<std::uint8_t>(letters / 2), .pattern = pattern};
}
constexpr Part labelled(const char* label, Part part) {
    part.label = label;
    return part;
}
constexpr Part times(std::uint8_t count, Part part) {
    part.times = count;
    return part;
}

constexpr const char* kMoment = "YYMMDDhhmmss";
constexpr const char* kMinute = "YYMMDDhhmm";

// Names of bits, bit 0 first. Written down from one firmware and a second source where they met.
constexpr const char* kStatus1[16] = {nullptr,
                                      "demand by slip",
                                      "clock battery low",
                                      "reading battery low",
                                      "active power reversed",
                                      "reactive power reversed",
                                      nullptr,
                                      nullptr,
                                      "relay control loop error",
                                      "ESAM error",
                                      nullptr,
                                      nullptr,
                                      "program error",
                                      "memory error",
                                      "overdraft",
                                      "clock fault"};
constexpr const char* kStatus2[16] = {"active A reversed",   "active B reversed",   "active C reversed",  nullptr,
                                      "reactive A reversed", "reactive B reversed", "reactive C reversed"};
constexpr const char* kStatus3[16] = {
    "day tables: set 2", "auxiliary supply",       "battery supply",         "programming allowed",
    "relay open",        "year zones: set 2",      "relay commanded open",   "pre-trip alarm",
    "energy prepayment", "money prepayment",       "prices: set 2",          "steps: set 2",
    "power kept",        "identity authenticated", "account opened locally", "account opened remotely"};
constexpr const char* kStatusPhase[16] = {"voltage lost", "under voltage", "over voltage",
                                          "current lost", "over current",  "overload",
                                          "reverse flow", "phase broken",  "current broken"};
constexpr const char* kStatus7[16] = {"voltage sequence",  "current sequence",      "voltage unbalance",
                                      "current unbalance", "auxiliary supply lost", "power down",
                                      "demand over limit", "power factor low",      "severe current unbalance",
                                      "cover open",        "terminal cover open"};
constexpr const char* kActiveMode[8] = {"adds forward", "subtracts forward", "adds reverse", "subtracts reverse"};
constexpr const char* kReactiveMode[8] = {"adds I",   "subtracts I",   "adds II", "subtracts II",
                                          "adds III", "subtracts III", "adds IV", "subtracts IV"};
constexpr const char* kWeekendMask[8] = {"Sunday works",   "Monday works", "Tuesday works", "Wednesday works",
                                         "Thursday works", "Friday works", "Saturday works"};
constexpr const char* kLoadMode[8] = {
    "voltage, current, frequency", "power", "power factor", "energy", "quadrant energy", "demand"};

// --- What one item looks like ------------------------------------------------------------------------------------

template <std::size_t n>
using Parts = std::array<Part, n>;

constexpr Parts<1> kEnergyActive{number(4, 2, Unit::kKilowattHour)};
constexpr Parts<1> kEnergyActiveSigned{signed_number(4, 2, Unit::kKilowattHour)};
constexpr Parts<1> kEnergyReactive{number(4, 2, Unit::kKilovarHour)};
constexpr Parts<1> kEnergyReactiveSigned{signed_number(4, 2, Unit::kKilovarHour)};
constexpr Parts<1> kEnergyApparent{number(4, 2, Unit::kKilovoltAmpereHour)};
constexpr Parts<1> kEnergyFine{number(5, 4, Unit::kKilowattHour)};
constexpr Parts<1> kAmount{number(4, 2, Unit::kYuan)};
constexpr Parts<1> kSettlementTime{time("YYMMDDhh")};

constexpr Parts<2> kDemandActive{signed_number(3, 4, Unit::kKilowatt), labelled("at", time(kMinute))};
constexpr Parts<2> kDemandReactive{signed_number(3, 4, Unit::kKilovar), labelled("at", time(kMinute))};
constexpr Parts<2> kDemandApparent{signed_number(3, 4, Unit::kKilovoltAmpere), labelled("at", time(kMinute))};

constexpr Parts<1> kVoltage{number(2, 1, Unit::kVolt)};
constexpr Parts<1> kCurrent{signed_number(3, 3, Unit::kAmpere)};
constexpr Parts<1> kCurrentUnsigned{number(3, 3, Unit::kAmpere)};
constexpr Parts<1> kActive{signed_number(3, 4, Unit::kKilowatt)};
constexpr Parts<1> kActiveUnsigned{number(3, 4, Unit::kKilowatt)};
constexpr Parts<1> kReactive{signed_number(3, 4, Unit::kKilovar)};
constexpr Parts<1> kReactiveUnsigned{number(3, 4, Unit::kKilovar)};
constexpr Parts<1> kApparent{signed_number(3, 4, Unit::kKilovoltAmpere)};
constexpr Parts<1> kApparentUnsigned{number(3, 4, Unit::kKilovoltAmpere)};
constexpr Parts<1> kFactor{signed_number(2, 3)};
constexpr Parts<1> kAngle{number(2, 1, Unit::kDegree)};
constexpr Parts<1> kRatio{number(2, 2, Unit::kPercent)};
constexpr Parts<1> kFrequency{number(2, 2, Unit::kHertz)};
constexpr Parts<1> kTemperature{signed_number(2, 1, Unit::kCelsius)};
constexpr Parts<1> kBattery{number(2, 2, Unit::kVolt)};
constexpr Parts<1> kMinutes4{number(4, 0, Unit::kMinute)};
constexpr Parts<1> kMinutes2{number(2, 0, Unit::kMinute)};
constexpr Parts<1> kMinutes1{number(1, 0, Unit::kMinute)};
constexpr Parts<1> kSeconds1{number(1, 0, Unit::kSecond)};
constexpr Parts<1> kMilliseconds{number(2, 0, Unit::kMillisecond)};
constexpr Parts<1> kPrice{number(4, 4, Unit::kYuanPerKilowattHour)};

constexpr Parts<1> kCount1{number(1, 0)};
constexpr Parts<1> kCount2{number(2, 0)};
constexpr Parts<1> kCount3{number(3, 0)};
constexpr Parts<1> kConstantActive{number(3, 0, Unit::kPulsesPerKilowattHour)};
constexpr Parts<1> kConstantReactive{number(3, 0, Unit::kPulsesPerKilovarHour)};
constexpr Parts<1> kDigits4{digits(4)};
constexpr Parts<1> kDigits6{digits(6)};
constexpr Parts<1> kDigits8{digits(8)};
constexpr Parts<1> kText4{text(4)};
constexpr Parts<1> kText6{text(6)};
constexpr Parts<1> kText10{text(10)};
constexpr Parts<1> kText32{text(32)};
constexpr Parts<1> kText16{text(16)};
constexpr Parts<1> kSpeed{Part{.format = Format::kSpeed, .size = 1}};
constexpr Parts<1> kMask1{bits(1)};
constexpr Parts<1> kMask4{bits(4)};
constexpr Parts<1> kMask8{bits(8)};
constexpr Parts<1> kActiveModeWord{bits(1, kActiveMode)};
constexpr Parts<1> kReactiveModeWord{bits(1, kReactiveMode)};
constexpr Parts<1> kWeekendWord{bits(1, kWeekendMask)};
constexpr Parts<1> kLoadModeWord{bits(1, kLoadMode)};
constexpr Parts<1> kStatusWord1{bits(2, kStatus1)};
constexpr Parts<1> kStatusWord2{bits(2, kStatus2)};
constexpr Parts<1> kStatusWord3{bits(2, kStatus3)};
constexpr Parts<1> kStatusWordPhase{bits(2, kStatusPhase)};
constexpr Parts<1> kStatusWord7{bits(2, kStatus7)};
constexpr Parts<7> kStatusWords{labelled("1", bits(2, kStatus1)),     labelled("2", bits(2, kStatus2)),
                                labelled("3", bits(2, kStatus3)),     labelled("A", bits(2, kStatusPhase)),
                                labelled("B", bits(2, kStatusPhase)), labelled("C", bits(2, kStatusPhase)),
                                labelled("7", bits(2, kStatus7))};

constexpr Parts<1> kDate{time("YYMMDDWW")};
constexpr Parts<1> kClock{time("hhmmss")};
constexpr Parts<1> kDateAndClock{time("YYMMDDWWhhmmss")};
constexpr Parts<1> kTime5{time(kMinute)};
constexpr Parts<1> kTime6{time(kMoment)};
constexpr Parts<1> kMonthToMinute{time("MMDDhhmm")};
constexpr Parts<1> kDayHour{time("DDhh")};
constexpr Parts<1> kHourMinute{time("hhmm")};
constexpr Parts<1> kYearZone{time("MMDDNN")};
constexpr Parts<1> kDayPeriod{time("hhmmNN")};
constexpr Parts<1> kHoliday{time("YYMMDDNN")};
constexpr Parts<1> kIdentifier{Part{.format = Format::kDataId, .size = 4}};
constexpr Parts<1> kOpaque{bytes(0)};
constexpr Parts<3> kStepTable{labelled("limits", times(6, number(4, 2, Unit::kKilowattHour))),
                              labelled("prices", times(7, number(4, 4, Unit::kYuanPerKilowattHour))),
                              labelled("settled", times(4, time("MMDDhh")))};

// Events. Counters first, then records.
constexpr Parts<2> kCountMinutes{labelled("count", number(3, 0)), labelled("lasted", number(3, 0, Unit::kMinute))};
constexpr Parts<6> kCountMinutesPhases{
    labelled("A count", number(3, 0)), labelled("lasted", number(3, 0, Unit::kMinute)),
    labelled("B count", number(3, 0)), labelled("lasted", number(3, 0, Unit::kMinute)),
    labelled("C count", number(3, 0)), labelled("lasted", number(3, 0, Unit::kMinute))};
constexpr Parts<1> kCounts6{labelled("counts", times(6, number(3, 0)))};
constexpr Part kFrom = labelled("from", time(kMoment));
constexpr Part kTo = labelled("to", time(kMoment));
constexpr Part kWhen = labelled("at", time(kMoment));
constexpr Part kOperator = labelled("operator", digits(4));
constexpr Parts<2> kFromTo{kFrom, kTo};
constexpr Parts<3> kAllLost{kFrom, labelled("current", number(3, 3, Unit::kAmpere)), kTo};
constexpr Parts<3> kSequence{kFrom, kTo, labelled("energies", times(16, number(4, 2)))};
constexpr Parts<4> kUnbalance{kFrom, kTo, labelled("largest", number(2, 2, Unit::kPercent)),
                              labelled("energies", times(16, number(4, 2)))};
constexpr Part kIncrements = labelled("energies", times(4, number(4, 2)));
constexpr Parts<21> kPhaseRecord{kFrom,
                                 kTo,
                                 kIncrements,
                                 labelled("A", times(4, number(4, 2))),
                                 number(2, 1, Unit::kVolt),
                                 signed_number(3, 3, Unit::kAmpere),
                                 signed_number(3, 4, Unit::kKilowatt),
                                 signed_number(3, 4, Unit::kKilovar),
                                 signed_number(2, 3),
                                 labelled("B", times(4, number(4, 2))),
                                 number(2, 1, Unit::kVolt),
                                 signed_number(3, 3, Unit::kAmpere),
                                 signed_number(3, 4, Unit::kKilowatt),
                                 signed_number(3, 4, Unit::kKilovar),
                                 signed_number(2, 3),
                                 labelled("C", times(4, number(4, 2))),
                                 number(2, 1, Unit::kVolt),
                                 signed_number(3, 3, Unit::kAmpere),
                                 signed_number(3, 4, Unit::kKilowatt),
                                 signed_number(3, 4, Unit::kKilovar),
                                 signed_number(2, 3)};
constexpr Parts<22> kPhaseRecordWithCharge = [] {
    Parts<22> parts{};
    std::copy(kPhaseRecord.begin(), kPhaseRecord.end(), parts.begin());
    parts.back() = labelled("charge", times(4, number(4, 2, Unit::kAmpereHour)));
    return parts;
}();
constexpr Parts<1> kRecord115{bytes(115)};
constexpr Parts<9> kQualification{labelled("watched", number(3, 0, Unit::kMinute)),
                                  labelled("good", number(3, 2, Unit::kPercent)),
                                  labelled("beyond", number(3, 2, Unit::kPercent)),
                                  labelled("above", number(3, 0, Unit::kMinute)),
                                  labelled("below", number(3, 0, Unit::kMinute)),
                                  labelled("highest", number(2, 1, Unit::kVolt)),
                                  labelled("at", time("MMDDhhmm")),
                                  labelled("lowest", number(2, 1, Unit::kVolt)),
                                  labelled("at", time("MMDDhhmm"))};
constexpr Parts<4> kDemandOver{kFrom, kTo, signed_number(3, 4, Unit::kKilowatt), labelled("at", time(kMinute))};
constexpr Parts<3> kProgramming{kWhen, kOperator,
                                labelled("wrote", times(10, Part{.format = Format::kDataId, .size = 4}))};
constexpr Parts<3> kMeterClear{kWhen, kOperator, labelled("energies", times(24, number(4, 2)))};
constexpr Parts<3> kDemandClear{kWhen, kOperator, labelled("demands", times(24, bytes(8)))};
constexpr Parts<3> kEventClear{kWhen, kOperator, labelled("cleared", Part{.format = Format::kDataId, .size = 4})};
constexpr Parts<3> kClockSet{kOperator, labelled("before", time(kMoment)), labelled("after", time(kMoment))};
constexpr Parts<3> kSettlementSet{kWhen, kOperator, labelled("before", times(3, time("DDhh")))};
constexpr Parts<3> kCover{kFrom, kTo, labelled("energies", times(12, number(4, 2)))};

constexpr Parts<2> kFreezeVariables{labelled("active", times(4, signed_number(3, 4, Unit::kKilowatt))),
                                    labelled("reactive", times(4, signed_number(3, 4, Unit::kKilovar)))};

// --- The rows ----------------------------------------------------------------------------------------------------

constexpr Item row(std::uint32_t first, std::uint32_t last, std::span<const Part> parts, const char* name,
                   Places places = Places::kNone, std::uint8_t blocks = 0, Write write = Write::kNever) {
    return {.first = {first},
            .last = {last},
            .blocks = blocks,
            .places = places,
            .parts = parts,
            .name = name,
            .write = write};
}
constexpr Item one(std::uint32_t id, std::span<const Part> parts, const char* name, Write write = Write::kNever) {
    return row(id, id, parts, name, Places::kNone, 0, write);
}
constexpr Item list(std::uint32_t first, std::uint32_t last, std::span<const Part> parts, const char* name,
                    Places places = Places::kNone, Write write = Write::kNever) {
    Item item = row(first, last, parts, name, places, 0, write);
    item.is_list = true;
    return item;
}
constexpr std::uint8_t kBoth = kBlockDi0 | kBlockDi1;
constexpr Item energy(std::uint32_t di2, std::span<const Part> parts, const char* name) {
    return row(di2 << 16, di2 << 16 | 0x3F0C, parts, name, Places::kTariffSettlement, kBoth);
}
constexpr Item demand(std::uint32_t di2, std::span<const Part> parts, const char* name) {
    return row(0x01000000 | di2 << 16, 0x01003F0C | di2 << 16, parts, name, Places::kTariffSettlement, kBoth);
}
// Total (00) and phases.
constexpr Item variable(std::uint32_t di2, std::uint32_t first_phase, std::span<const Part> parts, const char* name) {
    return row(0x02000000 | di2 << 16 | first_phase << 8, 0x02000300 | di2 << 16, parts, name, Places::kPhase,
               kBlockDi1);
}
constexpr Item parameter(std::uint32_t id, std::span<const Part> parts, const char* name) {
    return one(id, parts, name, Write::kParameter);
}
constexpr Item price(std::uint32_t id, std::span<const Part> parts, const char* name) {
    return one(id, parts, name, Write::kPrice);
}
constexpr Item record(std::uint32_t kind, std::span<const Part> parts, const char* name) {
    return row(kind | 1, kind | 0x0A, parts, name, Places::kRecord);
}
constexpr Item phase_record(std::uint32_t kind, std::span<const Part> parts, const char* name) {
    return row(kind | 0x0101, kind | 0x030A, parts, name, Places::kPhaseRecord);
}

constexpr Item kItems[] = {
    // 00: energy.
    energy(0x00, kEnergyActiveSigned, "combined active energy"),
    energy(0x01, kEnergyActive, "forward active energy"),
    energy(0x02, kEnergyActive, "reverse active energy"),
    energy(0x03, kEnergyReactiveSigned, "combined reactive energy 1"),
    energy(0x04, kEnergyReactiveSigned, "combined reactive energy 2"),
    energy(0x05, kEnergyReactive, "reactive energy, quadrant I"),
    energy(0x06, kEnergyReactive, "reactive energy, quadrant II"),
    energy(0x07, kEnergyReactive, "reactive energy, quadrant III"),
    energy(0x08, kEnergyReactive, "reactive energy, quadrant IV"),
    energy(0x09, kEnergyApparent, "forward apparent energy"),
    energy(0x0A, kEnergyApparent, "reverse apparent energy"),
    row(0x000B0000, 0x000B0001, kEnergyActive, "energy of the settlement cycle", Places::kTariffSettlement),
    one(0x000C0000, kEnergyActive, "energy of the month"),
    energy(0x15, kEnergyActive, "phase A forward active energy"),
    energy(0x16, kEnergyActive, "phase A reverse active energy"),
    energy(0x17, kEnergyReactiveSigned, "phase A combined reactive energy 1"),
    energy(0x18, kEnergyReactiveSigned, "phase A combined reactive energy 2"),
    energy(0x19, kEnergyReactive, "phase A reactive energy, quadrant I"),
    energy(0x1A, kEnergyReactive, "phase A reactive energy, quadrant II"),
    energy(0x1B, kEnergyReactive, "phase A reactive energy, quadrant III"),
    energy(0x1C, kEnergyReactive, "phase A reactive energy, quadrant IV"),
    energy(0x1D, kEnergyApparent, "phase A forward apparent energy"),
    energy(0x1E, kEnergyApparent, "phase A reverse apparent energy"),
    energy(0x29, kEnergyActive, "phase B forward active energy"),
    energy(0x2A, kEnergyActive, "phase B reverse active energy"),
    energy(0x2B, kEnergyReactiveSigned, "phase B combined reactive energy 1"),
    energy(0x2C, kEnergyReactiveSigned, "phase B combined reactive energy 2"),
    energy(0x2D, kEnergyReactive, "phase B reactive energy, quadrant I"),
    energy(0x2E, kEnergyReactive, "phase B reactive energy, quadrant II"),
    energy(0x2F, kEnergyReactive, "phase B reactive energy, quadrant III"),
    energy(0x30, kEnergyReactive, "phase B reactive energy, quadrant IV"),
    energy(0x31, kEnergyApparent, "phase B forward apparent energy"),
    energy(0x32, kEnergyApparent, "phase B reverse apparent energy"),
    energy(0x3D, kEnergyActive, "phase C forward active energy"),
    energy(0x3E, kEnergyActive, "phase C reverse active energy"),
    energy(0x3F, kEnergyReactiveSigned, "phase C combined reactive energy 1"),
    energy(0x40, kEnergyReactiveSigned, "phase C combined reactive energy 2"),
    energy(0x41, kEnergyReactive, "phase C reactive energy, quadrant I"),
    energy(0x42, kEnergyReactive, "phase C reactive energy, quadrant II"),
    energy(0x43, kEnergyReactive, "phase C reactive energy, quadrant III"),
    energy(0x44, kEnergyReactive, "phase C reactive energy, quadrant IV"),
    energy(0x45, kEnergyApparent, "phase C forward apparent energy"),
    energy(0x46, kEnergyApparent, "phase C reverse apparent energy"),
    one(0x00600000, kEnergyFine, "forward active energy, fine"),
    one(0x00610000, kEnergyFine, "reverse active energy, fine"),
    energy(0x80, kEnergyActive, "loss-associated energy"),
    energy(0x81, kEnergyActive, "forward fundamental energy"),
    energy(0x82, kEnergyActive, "reverse fundamental energy"),
    energy(0x83, kEnergyActive, "forward harmonic energy"),
    energy(0x84, kEnergyActive, "reverse harmonic energy"),
    energy(0x85, kEnergyActive, "copper loss energy"),
    energy(0x86, kEnergyActive, "iron loss energy"),
    one(0x00900100, kEnergyActive, "remaining energy"),
    one(0x00900101, kEnergyActive, "overdraft energy"),
    one(0x00900200, kAmount, "remaining money"),
    one(0x00900201, kAmount, "overdraft money"),
    row(0x00FE0001, 0x00FE000C, kSettlementTime, "time of settlement", Places::kRecord),

    // 01: maximum demand and when it was.
    demand(0x01, kDemandActive, "forward active demand"),
    demand(0x02, kDemandActive, "reverse active demand"),
    demand(0x03, kDemandReactive, "combined reactive demand 1"),
    demand(0x04, kDemandReactive, "combined reactive demand 2"),
    demand(0x05, kDemandReactive, "reactive demand, quadrant I"),
    demand(0x06, kDemandReactive, "reactive demand, quadrant II"),
    demand(0x07, kDemandReactive, "reactive demand, quadrant III"),
    demand(0x08, kDemandReactive, "reactive demand, quadrant IV"),
    demand(0x09, kDemandApparent, "forward apparent demand"),
    demand(0x0A, kDemandApparent, "reverse apparent demand"),
    demand(0x15, kDemandActive, "phase A forward active demand"),
    demand(0x16, kDemandActive, "phase A reverse active demand"),
    demand(0x29, kDemandActive, "phase B forward active demand"),
    demand(0x2A, kDemandActive, "phase B reverse active demand"),
    demand(0x3D, kDemandActive, "phase C forward active demand"),
    demand(0x3E, kDemandActive, "phase C reverse active demand"),

    // 02: at this moment.
    variable(0x01, 1, kVoltage, "voltage"),
    variable(0x02, 1, kCurrent, "current"),
    variable(0x03, 0, kActive, "active power"),
    variable(0x04, 0, kReactive, "reactive power"),
    variable(0x05, 0, kApparent, "apparent power"),
    variable(0x06, 0, kFactor, "power factor"),
    variable(0x07, 1, kAngle, "phase angle"),
    variable(0x08, 1, kRatio, "voltage distortion"),
    variable(0x09, 1, kRatio, "current distortion"),
    row(0x020A0101, 0x020A0315, kRatio, "voltage harmonic", Places::kPhaseOrder, kBlockDi0),
    row(0x020B0101, 0x020B0315, kRatio, "current harmonic", Places::kPhaseOrder, kBlockDi0),
    one(0x02800001, kCurrentUnsigned, "neutral current"),
    one(0x02800002, kFrequency, "frequency"),
    one(0x02800003, kActiveUnsigned, "active power, mean of a minute"),
    one(0x02800004, kActiveUnsigned, "present active demand"),
    one(0x02800005, kReactiveUnsigned, "present reactive demand"),
    one(0x02800006, kApparentUnsigned, "present apparent demand"),
    one(0x02800007, kTemperature, "temperature in the meter"),
    one(0x02800008, kBattery, "clock battery"),
    one(0x02800009, kBattery, "reading battery"),
    one(0x0280000A, kMinutes4, "battery running time"),
    one(0x0280000B, kPrice, "present step price"),
    one(0x02800020, kPrice, "present price"),
    one(0x02800021, kPrice, "present tariff price"),
    one(0x02800022, kMinutes2, "authentication time left, remote"),
    one(0x02800023, kMinutes1, "authentication time left, infrared"),

    // 03: events.
    one(0x03010000, kCountMinutesPhases, "voltage lost, totals"),
    phase_record(0x03010000, kPhaseRecordWithCharge, "voltage lost"),
    one(0x03020000, kCountMinutesPhases, "under voltage, totals"),
    phase_record(0x03020000, kPhaseRecordWithCharge, "under voltage"),
    one(0x03030000, kCountMinutesPhases, "over voltage, totals"),
    phase_record(0x03030000, kPhaseRecordWithCharge, "over voltage"),
    one(0x03040000, kCountMinutesPhases, "phase broken, totals"),
    phase_record(0x03040000, kPhaseRecordWithCharge, "phase broken"),
    one(0x03050000, kCountMinutes, "all phases lost, totals"),
    record(0x03050000, kAllLost, "all phases lost"),
    one(0x03060000, kCountMinutes, "auxiliary supply lost, totals"),
    record(0x03060000, kFromTo, "auxiliary supply lost"),
    one(0x03070000, kCountMinutes, "voltage sequence, totals"),
    record(0x03070000, kSequence, "voltage sequence"),
    one(0x03080000, kCountMinutes, "current sequence, totals"),
    record(0x03080000, kSequence, "current sequence"),
    one(0x03090000, kCountMinutes, "voltage unbalance, totals"),
    record(0x03090000, kUnbalance, "voltage unbalance"),
    one(0x030A0000, kCountMinutes, "current unbalance, totals"),
    record(0x030A0000, kUnbalance, "current unbalance"),
    one(0x030B0000, kCountMinutesPhases, "current lost, totals"),
    phase_record(0x030B0000, kPhaseRecord, "current lost"),
    one(0x030C0000, kCountMinutesPhases, "over current, totals"),
    phase_record(0x030C0000, kPhaseRecord, "over current"),
    one(0x030D0000, kCountMinutesPhases, "current broken, totals"),
    phase_record(0x030D0000, kPhaseRecord, "current broken"),
    one(0x030E0000, kCountMinutesPhases, "reverse flow, totals"),
    phase_record(0x030E0000, kRecord115, "reverse flow"),
    one(0x030F0000, kCountMinutesPhases, "overload, totals"),
    phase_record(0x030F0000, kRecord115, "overload"),
    row(0x03100000, 0x0310030C, kQualification, "voltage qualification", Places::kMonth),
    one(0x03110000, kCount3, "power down, total"),
    record(0x03110000, kFromTo, "power down"),
    one(0x03120000, kCounts6, "demand over limit, totals"),
    row(0x03120101, 0x0312060A, kDemandOver, "demand over limit", Places::kRecord),
    one(0x03300000, kCount3, "programming, total"),
    record(0x03300000, kProgramming, "programming"),
    one(0x03300100, kCount3, "meter clear, total"),
    record(0x03300100, kMeterClear, "meter clear"),
    one(0x03300200, kCount3, "demand clear, total"),
    record(0x03300200, kDemandClear, "demand clear"),
    one(0x03300300, kCount3, "event clear, total"),
    record(0x03300300, kEventClear, "event clear"),
    one(0x03300400, kCount3, "clock set, total"),
    record(0x03300400, kClockSet, "clock set"),
    one(0x03300500, kCount3, "day tables set, total"),
    record(0x03300500, kOpaque, "day tables set"),
    one(0x03300600, kCount3, "year zones set, total"),
    record(0x03300600, kOpaque, "year zones set"),
    one(0x03300700, kCount3, "weekend set, total"),
    record(0x03300700, kOpaque, "weekend set"),
    one(0x03300800, kCount3, "holidays set, total"),
    record(0x03300800, kOpaque, "holidays set"),
    one(0x03300900, kCount3, "active combination set, total"),
    record(0x03300900, kOpaque, "active combination set"),
    one(0x03300A00, kCount3, "reactive combination 1 set, total"),
    record(0x03300A00, kOpaque, "reactive combination 1 set"),
    one(0x03300B00, kCount3, "reactive combination 2 set, total"),
    record(0x03300B00, kOpaque, "reactive combination 2 set"),
    one(0x03300C00, kCount3, "settlement day set, total"),
    record(0x03300C00, kSettlementSet, "settlement day set"),
    one(0x03300D00, kCount3, "cover open, total"),
    record(0x03300D00, kCover, "cover open"),
    one(0x03300E00, kCount3, "terminal cover open, total"),
    record(0x03300E00, kCover, "terminal cover open"),
    record(0x03320100, kTime5, "time of an energy purchase"),
    record(0x03320200, kCount2, "purchases after an energy purchase"),
    record(0x03320300, kEnergyActive, "energy bought"),
    record(0x03320400, kEnergyActive, "remaining before an energy purchase"),
    record(0x03320500, kEnergyActive, "remaining after an energy purchase"),
    record(0x03320600, kEnergyActive, "bought so far after an energy purchase"),
    record(0x03330100, kTime5, "time of a money purchase"),
    record(0x03330200, kCount2, "purchases after a money purchase"),
    record(0x03330300, kAmount, "money paid in"),
    record(0x03330400, kAmount, "remaining before a money purchase"),
    record(0x03330500, kAmount, "remaining after a money purchase"),
    record(0x03330600, kAmount, "paid in so far after a money purchase"),
    record(0x03340100, kTime5, "time of a refund"),
    record(0x03340200, kCount2, "purchases after a refund"),
    record(0x03340300, kAmount, "money refunded"),
    record(0x03340400, kAmount, "remaining before a refund"),
    record(0x03340500, kAmount, "remaining after a refund"),
    one(0x03350000, kCount3, "magnetic field, total"),
    record(0x03350000, kOpaque, "magnetic field"),
    one(0x03360000, kCount3, "relay fault, total"),
    record(0x03360000, kFromTo, "relay fault"),
    one(0x03370000, kCount3, "supply fault, total"),
    record(0x03370000, kOpaque, "supply fault"),

    // 04: parameters.
    parameter(0x04000101, kDate, "date and weekday"),
    parameter(0x04000102, kClock, "time"),
    parameter(0x04000103, kMinutes1, "demand period"),
    parameter(0x04000104, kMinutes1, "demand slip"),
    parameter(0x04000105, kMilliseconds, "pulse width"),
    parameter(0x04000106, kTime5, "change of the year zones"),
    parameter(0x04000107, kTime5, "change of the day tables"),
    price(0x04000108, kTime5, "change of the tariff prices"),
    price(0x04000109, kTime5, "change of the step prices"),
    parameter(0x0400010C, kDateAndClock, "date, weekday and time"),
    parameter(0x04000201, kCount1, "year zones"),
    parameter(0x04000202, kCount1, "day tables"),
    parameter(0x04000203, kCount1, "periods a day"),
    parameter(0x04000204, kCount1, "tariffs"),
    parameter(0x04000205, kCount2, "holidays"),
    parameter(0x04000206, kCount1, "harmonics"),
    parameter(0x04000207, kCount1, "steps"),
    parameter(0x04000208, kCount1, "keys"),
    parameter(0x04000301, kCount1, "screens in the loop"),
    parameter(0x04000302, kSeconds1, "time of a screen"),
    parameter(0x04000303, kCount1, "decimals of energy"),
    parameter(0x04000304, kCount1, "decimals of power"),
    parameter(0x04000305, kCount1, "screens by key"),
    price(0x04000306, kCount3, "ratio of the current transformers"),
    price(0x04000307, kCount3, "ratio of the voltage transformers"),
    parameter(0x04000308, kSeconds1, "display time after power-on"),
    parameter(0x04000401, kDigits6, "communication address"),
    price(0x04000402, kDigits6, "meter number"),
    parameter(0x04000403, kText32, "asset number"),
    parameter(0x04000404, kText6, "rated voltage"),
    parameter(0x04000405, kText6, "basic current"),
    parameter(0x04000406, kText6, "maximum current"),
    parameter(0x04000407, kText4, "accuracy class, active"),
    parameter(0x04000408, kText4, "accuracy class, reactive"),
    parameter(0x04000409, kConstantActive, "pulse constant, active"),
    parameter(0x0400040A, kConstantReactive, "pulse constant, reactive"),
    parameter(0x0400040B, kText10, "model"),
    parameter(0x0400040C, kText10, "date of production"),
    parameter(0x0400040D, kText16, "protocol version"),
    price(0x0400040E, kDigits6, "customer number"),
    parameter(0x0400040F, kOpaque, "location"),
    one(0x04000501, kStatusWord1, "status word 1"),
    one(0x04000502, kStatusWord2, "status word 2"),
    one(0x04000503, kStatusWord3, "status word 3"),
    one(0x04000504, kStatusWordPhase, "status word 4, phase A"),
    one(0x04000505, kStatusWordPhase, "status word 5, phase B"),
    one(0x04000506, kStatusWordPhase, "status word 6, phase C"),
    one(0x04000507, kStatusWord7, "status word 7"),
    one(0x04000508, kMask4, "state of the keys"),
    one(0x040005FF, kStatusWords, "all status words"),
    parameter(0x04000601, kActiveModeWord, "active combination"),
    parameter(0x04000602, kReactiveModeWord, "reactive combination 1"),
    parameter(0x04000603, kReactiveModeWord, "reactive combination 2"),
    parameter(0x04000701, kSpeed, "speed, modulated infrared"),
    parameter(0x04000702, kSpeed, "speed, contact infrared"),
    parameter(0x04000703, kSpeed, "speed, RS-485 port 1"),
    parameter(0x04000704, kSpeed, "speed, RS-485 port 2"),
    parameter(0x04000705, kSpeed, "speed, RS-485 port 3"),
    parameter(0x04000801, kWeekendWord, "working days of the week"),
    parameter(0x04000802, kCount1, "day table of a weekend"),
    parameter(0x04000901, kLoadModeWord, "load records"),
    parameter(0x04000902, kMask1, "contents of the timed freeze"),
    parameter(0x04000903, kMask1, "contents of the instant freeze"),
    parameter(0x04000904, kMask1, "contents of the agreed freeze"),
    parameter(0x04000905, kMask1, "contents of the hourly freeze"),
    parameter(0x04000906, kMask1, "contents of the daily freeze"),
    parameter(0x04000A01, kMonthToMinute, "start of the load records"),
    row(0x04000A02, 0x04000A07, kMinutes2, "interval of the load records", Places::kNumber, 0, Write::kParameter),
    row(0x04000B01, 0x04000B03, kDayHour, "settlement day", Places::kNumber, 0, Write::kParameter),
    row(0x04000C01, 0x04000C0A, kDigits4, "password", Places::kNumber, 0, Write::kPassword),
    row(0x04000D01, 0x04000D0C, kCount2, "line loss coefficient", Places::kNumber, 0, Write::kParameter),
    parameter(0x04000E01, kActiveUnsigned, "forward active power limit"),
    parameter(0x04000E02, kActiveUnsigned, "reverse active power limit"),
    parameter(0x04000E03, kVoltage, "upper voltage limit"),
    parameter(0x04000E04, kVoltage, "lower voltage limit"),
    parameter(0x04000F01, kEnergyActive, "alarm energy 1"),
    parameter(0x04000F02, kEnergyActive, "alarm energy 2"),
    parameter(0x04000F03, kEnergyActive, "hoarding limit, energy"),
    parameter(0x04000F04, kEnergyActive, "overdraft limit, energy"),
    price(0x04001001, kAmount, "alarm amount 1"),
    price(0x04001002, kAmount, "alarm amount 2"),
    parameter(0x04001003, kAmount, "overdraft limit, money"),
    parameter(0x04001004, kAmount, "hoarding limit, money"),
    parameter(0x04001005, kAmount, "amount that permits closing"),
    parameter(0x04001101, kMask1, "operation mode"),
    parameter(0x04001104, kMask8, "active report mode"),
    parameter(0x04001201, kTime5, "start of the hourly freeze"),
    parameter(0x04001202, kMinutes1, "interval of the hourly freeze"),
    parameter(0x04001203, kHourMinute, "time of the daily freeze"),
    parameter(0x04001401, kMinutes2, "trip delay"),
    parameter(0x04001402, kCurrentUnsigned, "trip current limit"),
    parameter(0x04001403, kCount2, "over-current delay"),
    parameter(0x04001404, kMinutes1, "infrared authentication time"),
    parameter(0x04001405, kMinutes1, "report reset time"),
    one(0x04001501, kOpaque, "report status"),
    one(0x04001503, kOpaque, "report status, reset"),
    list(0x04010000, 0x04010000, kYearZone, "year zones, set 1", Places::kNone, Write::kParameter),
    list(0x04010001, 0x04010008, kDayPeriod, "day table of set 1", Places::kNumber, Write::kParameter),
    list(0x04020000, 0x04020000, kYearZone, "year zones, set 2", Places::kNone, Write::kParameter),
    list(0x04020001, 0x04020008, kDayPeriod, "day table of set 2", Places::kNumber, Write::kParameter),
    row(0x04030001, 0x040300FE, kHoliday, "holiday", Places::kNumber, 0, Write::kParameter),
    row(0x04040101, 0x040401FE, kIdentifier, "screen of the loop", Places::kNumber, 0, Write::kParameter),
    row(0x04040201, 0x040402FE, kIdentifier, "screen by key", Places::kNumber, 0, Write::kParameter),
    row(0x04050101, 0x0405013F, kPrice, "tariff price, set 1", Places::kNumber, kBlockDi0, Write::kPrice),
    row(0x04050201, 0x0405023F, kPrice, "tariff price, set 2", Places::kNumber, kBlockDi0, Write::kPrice),
    row(0x04060001, 0x0406003F, kEnergyActive, "step limit, set 1", Places::kNumber, kBlockDi0, Write::kPrice),
    row(0x04060101, 0x0406013F, kPrice, "step price, set 1", Places::kNumber, kBlockDi0, Write::kPrice),
    row(0x04060201, 0x0406023F, kEnergyActive, "step limit, set 2", Places::kNumber, kBlockDi0, Write::kPrice),
    row(0x04060301, 0x0406033F, kPrice, "step price, set 2", Places::kNumber, kBlockDi0, Write::kPrice),
    price(0x040604FF, kStepTable, "step table, set 1"),
    price(0x040605FF, kStepTable, "step table, set 2"),
    one(0x04800001, kText32, "software version"),
    one(0x04800002, kText32, "hardware version"),
    one(0x04800003, kText32, "factory code"),
    one(0x04800004, kDigits8, "registration number"),

    // 05: freezes, newest first. 00 timed .. 07 step switch.
    row(0x05000001, 0x0507003E, kTime5, "freeze: time", Places::kRecord),
    list(0x05000101, 0x0507013E, kEnergyActive, "freeze: forward active energy", Places::kRecord),
    list(0x05000201, 0x0507023E, kEnergyActive, "freeze: reverse active energy", Places::kRecord),
    list(0x05000301, 0x0507043E, kEnergyReactiveSigned, "freeze: combined reactive energy", Places::kRecord),
    list(0x05000501, 0x0507083E, kEnergyReactive, "freeze: quadrant energy", Places::kRecord),
    list(0x05000901, 0x05070A3E, kDemandActive, "freeze: demand", Places::kRecord),
    row(0x05001001, 0x0507103E, kFreezeVariables, "freeze: power", Places::kRecord),
    row(0x0500FF01, 0x0507FF3E, kOpaque, "freeze: everything", Places::kRecord),

    // 06: load records. DI0 0 the oldest, 1 from a time, 2 the newest.
    row(0x06000000, 0x06060002, kOpaque, "load records"),

    // 07: security, function 03.
    one(0x070000FF, kOpaque, "identity authentication"),
    one(0x070001FF, kOpaque, "authentication time limit"),
    one(0x070002FF, kOpaque, "end of authentication"),
    one(0x070003FF, kOpaque, "infrared authentication"),
    one(0x070101FF, kOpaque, "open account"),
    one(0x070102FF, kOpaque, "recharge"),
    one(0x070103FF, kOpaque, "wallet initialisation"),
    one(0x070108FF, kOpaque, "refund"),
    one(0x070201FF, kOpaque, "update of the control key"),
    one(0x070202FF, kOpaque, "update of the parameter key"),
    one(0x070203FF, kOpaque, "update of the authentication key"),
    one(0x070204FF, kOpaque, "update of the master key"),
    one(0x078001FF, kOpaque, "read-back of a file"),
    one(0x078003FF, kOpaque, "infrared query"),
    one(0x078102FF, kOpaque, "status query"),

    // 1D, 1E: relay events of later registrations.
    one(0x1D000001, kCount3, "trips, total"),
    row(0x1D000101, 0x1D00010A, kTime6, "time of a trip", Places::kRecord),
    row(0x1D000201, 0x1D00020A, kDigits4, "operator of a trip", Places::kRecord),
    row(0x1D000301, 0x1D00080A, kEnergyActive, "energy at a trip", Places::kRecord),
    one(0x1E000001, kCount3, "closings, total"),
    row(0x1E000101, 0x1E00010A, kTime6, "time of a closing", Places::kRecord),
    row(0x1E000201, 0x1E00020A, kDigits4, "operator of a closing", Places::kRecord),
    row(0x1E000301, 0x1E00080A, kEnergyActive, "energy at a closing", Places::kRecord),

    // EC: ours, docs/formats/dlt645-private.md.
    one(0xEC000100, kOpaque, "household block"),
    one(0xEC000101, kOpaque, "present power of every household"),
    one(0xEC000200, kOpaque, "account"),
    one(0xEC000300, kOpaque, "live values"),
    one(0xEC000400, kOpaque, "box"),
    one(0xEC010000, kOpaque, "sealed command"),
    one(0xEC030000, kOpaque, "records"),
    row(0xEC030100, 0xEC03010B, kOpaque, "events"),
    one(0xEC030200, kOpaque, "captured malignant load"),
    one(0xEC030300, kOpaque, "daily freeze of every household"),
    one(0xEC030301, kOpaque, "monthly freeze of every household"),
    one(0xEC030400, kOpaque, "load profile"),
};

bool is_number(const Part& part) {
    return part.format == Format::kUnsigned || part.format == Format::kSigned;
}

std::int64_t power_of_ten(std::size_t n) {
    std::int64_t value = 1;
    while (n-- > 0)
        value *= 10;
    return value;
}

constexpr std::uint8_t byte_of(DataId id, int n) {
    return static_cast<std::uint8_t>(id.value >> (8 * n));
}

}  // namespace

bool Item::contains(DataId id) const {
    for (int n = 0; n < 4; ++n) {
        const std::uint8_t byte = byte_of(id, n);
        if (byte >= byte_of(first, n) && byte <= byte_of(last, n)) continue;
        if (byte == 0xFF && n < 2 && (blocks >> n & 1) != 0) continue;
        return false;
    }
    // Everything in both dimensions at once is not a question of the standard.
    return blocks != kBoth || byte_of(id, 0) != 0xFF || byte_of(id, 1) != 0xFF;
}

bool Item::is_block(DataId id) const {
    return ((blocks & kBlockDi0) != 0 && byte_of(id, 0) == 0xFF) ||
           ((blocks & kBlockDi1) != 0 && byte_of(id, 1) == 0xFF);
}

std::size_t Item::size() const {
    std::size_t size = 0;
    for (const Part& part : parts) {
        if (part.size == 0) return 0;
        size += std::size_t{part.size} * part.times;
    }
    return size;
}

bool Item::fits(DataId id, std::size_t data_size) const {
    const std::size_t one_value = size();
    if (one_value == 0) return true;
    return is_list || is_block(id) ? data_size > 0 && data_size % one_value == 0 : data_size == one_value;
}

std::span<const Item> items() {
    return kItems;
}

const Item* find_item(DataId id) {
    for (const Item& item : kItems)
        if (item.contains(id)) return &item;
    return nullptr;
}

bool is_absent(Bytes data) {
    return !data.empty() && std::all_of(data.begin(), data.end(), [](Byte byte) { return byte == 0xFF; });
}

std::optional<std::int64_t> number_of(const Item& item, Bytes data) {
    const Part& part = item.parts.front();
    if (!is_number(part) || data.size() < part.size) return std::nullopt;
    std::array<Byte, 9> digits{};
    std::copy_n(data.begin(), part.size, digits.begin());
    Byte& top = digits[part.size - 1u];
    const bool negative = part.format == Format::kSigned && (top & 0x80) != 0;
    if (is_absent(data.first(part.size))) return std::nullopt;
    if (negative) top = static_cast<Byte>(top & 0x7F);
    const auto magnitude = get_bcd(Bytes(digits).first(part.size));
    if (!magnitude) return std::nullopt;
    const auto value = static_cast<std::int64_t>(*magnitude);
    return negative ? -value : value;
}

std::size_t put_number(const Item& item, std::int64_t value, MutableBytes out) {
    const Part& part = item.parts.front();
    if (!is_number(part) || out.size() < part.size) return 0;
    const bool is_signed = part.format == Format::kSigned;
    const std::int64_t all = power_of_ten(2u * part.size) / (is_signed ? 10 : 1) * (is_signed ? 8 : 1);
    const bool is_register = part.unit == Unit::kKilowattHour || part.unit == Unit::kKilovarHour ||
                             part.unit == Unit::kKilovoltAmpereHour || part.unit == Unit::kYuan;
    if (all <= 0) return 0;  // a part of no digits holds no number
    const bool negative = value < 0 && is_signed;
    if (value < 0) value = is_signed ? -std::max(value, -INT64_MAX) : 0;
    value = is_register ? value % all : std::min(value, all - 1);
    put_bcd(out.first(part.size), static_cast<std::uint64_t>(value));
    if (negative && value != 0) out[part.size - 1u] = static_cast<Byte>(out[part.size - 1u] | 0x80);
    return part.size;
}

}  // namespace prewatt::dlt645

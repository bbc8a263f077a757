#include "cli/event_words.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "cli/frame_words.hpp"
#include "cli/output.hpp"
#include "settings/settings.hpp"

namespace prewatt::cli {
namespace {

using meter::EventField;

std::string text_of(CivilSeconds seconds) {
    if (seconds == 0) return "unknown";
    const CivilTime t = to_civil(seconds);
    char text[32];
    std::snprintf(text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", unsigned{t.year}, unsigned{t.month},
                  unsigned{t.day}, unsigned{t.hour}, unsigned{t.minute}, unsigned{t.second});
    return text;
}
std::string tenths(std::int64_t value) {
    const std::int64_t magnitude = value < 0 ? -value : value;
    return (value < 0 ? "-" : "") + std::to_string(magnitude / 10) + "." + std::to_string(magnitude % 10);
}
std::string fraction(std::int64_t value, int digits) {
    std::int64_t unit = 1;
    for (int k = 0; k < digits; ++k)
        unit *= 10;
    const std::int64_t magnitude = value < 0 ? -value : value;
    std::string rest = std::to_string(magnitude % unit);
    rest.insert(0, static_cast<std::size_t>(digits) - rest.size(), '0');
    return (value < 0 ? "-" : "") + std::to_string(magnitude / unit) + "." + rest;
}
std::string watts_text(std::int64_t microwatts) {
    return tenths(divide(microwatts, 100'000, Round::kNearest)) + " W";
}
std::string when(bool clock_valid, std::uint32_t time, std::uint16_t boots) {
    return clock_valid ? text_of(time) : "start " + std::to_string(boots) + " + " + std::to_string(time) + " s";
}

std::string value_text(EventField field, std::int64_t value) {
    switch (field) {
        case EventField::kHundredths:
            return decimal(value);
        case EventField::kTenthsWatt:
            return tenths(value) + " W";
        case EventField::kMilliampere:
            return fraction(value, 3) + " A";
        case EventField::kTenthsVolt:
            return tenths(value) + " V";
        case EventField::kSeconds2:
        case EventField::kSeconds4:
            return std::to_string(value) + " s";
        case EventField::kMinutes4:
            return std::to_string(value) + " min";
        case EventField::kMoment:
            return text_of(static_cast<CivilSeconds>(value));
        case EventField::kHolds:
            return value == 0 ? "nothing" : words_of_holds(HoldSet{static_cast<std::uint16_t>(value)});
        case EventField::kShape:
            return word_of(static_cast<meter::StepShape>(value));
        case EventField::kFactor:
            return fraction(value, 4);
        case EventField::kClockSource: {
            constexpr const char* kSources[] = {"broadcast", "password", "sealed", "addressed"};
            return value < 4 ? kSources[value] : std::to_string(value);
        }
        case EventField::kCardCode:
            return word_of(static_cast<meter::CardCode>(value));
        case EventField::kCheck: {
            char text[12];
            std::snprintf(text, sizeof text, "%08X", static_cast<unsigned>(value));
            return text;
        }
        default:
            return std::to_string(value);
    }
}

}  // namespace

std::string time_of(const meter::Event& event) {
    return when(event.clock_valid, event.time, event.boots);
}

std::string word_of(meter::StepShape shape) {
    constexpr const char* kShapes[] = {"other", "resistive", "half-wave", "phase-cut", "step by step", "after closing"};
    const auto k = static_cast<std::size_t>(shape);
    return k < std::size(kShapes) ? kShapes[k] : "shape " + std::to_string(k);
}

std::string word_of(meter::CardCode code) {
    const std::string number = "Err-" + std::to_string(static_cast<int>(code));
    switch (code) {
        case meter::CardCode::kDone:
            return "taken";
        case meter::CardCode::kShowOther:
            return "the other copy is wanted";
        case meter::CardCode::kNoReader:
            return "takes no cards";
        case meter::CardCode::kNotStored:
            return number + " not stored";
        case meter::CardCode::kInvalid:
            return number + " forged, altered or empty";
        case meter::CardCode::kNotYours:
            return number + " another box's card";
        case meter::CardCode::kOldAccount:
            return number + " account closed";
        case meter::CardCode::kGone:
            return number + " taken away too early";
        case meter::CardCode::kHoarding:
            return number + " more than may be held";
        case meter::CardCode::kPaused:
            return number + " pause after bad cards";
        case meter::CardCode::kLowSupply:
            return number + " supply too low";
        case meter::CardCode::kReplaced:
            return number + " replaced card";
        case meter::CardCode::kSeveral:
            return number + " several cards";
        case meter::CardCode::kRightUsed:
            return number + " order already carried out";
        case meter::CardCode::kClockUnknown:
            return number + " clock not known";
        case meter::CardCode::kNotYet:
            return number + " order not yet in force";
        case meter::CardCode::kExpired:
            return number + " order expired";
        case meter::CardCode::kNotAllowed:
            return number + " order not allowed here";
        case meter::CardCode::kBadContents:
            return number + " cannot be carried out";
        case meter::CardCode::kOtherKeys:
            return number + " sealed with other keys";
        case meter::CardCode::kNewerFormat:
            return number + " newer format";
        case meter::CardCode::kDamagedCard:
            return number + " card damaged";
    }
    return "code " + std::to_string(static_cast<int>(code));
}

std::vector<std::pair<std::string, std::string>> words_of(const meter::Event& event) {
    std::vector<std::pair<std::string, std::string>> words;
    const meter::EventKindInfo* kind = meter::find(event.kind);
    for (int k = 0; kind != nullptr && k < meter::kEventPartsMax; ++k) {
        const meter::EventPart& part = kind->parts[static_cast<std::size_t>(k)];
        if (part.name == nullptr) break;
        std::string name = part.name;
        if (name == "spare") continue;
        std::replace(name.begin(), name.end(), '_', ' ');
        // Circuits are numbered from 1 for people.
        words.emplace_back(name, value_text(part.field, part_of(event, k) + (name == "circuit" ? 1 : 0)));
    }
    return words;
}

std::vector<std::pair<std::string, std::string>> words_of(const meter::StoredCapture& stored) {
    const meter::StepReport& r = stored.report;
    constexpr const char* kVerdicts[] = {"ignored", "noticed", "cut"};
    std::vector<std::pair<std::string, std::string>> words;
    words.emplace_back("household",
                       std::to_string(stored.household) + ", circuit " + std::to_string(r.circuit.index + 1));
    words.emplace_back("at", when(stored.clock_valid, stored.time, stored.boots));
    words.emplace_back("verdict", stored.verdict < 3 ? kVerdicts[stored.verdict] : std::to_string(stored.verdict));
    words.emplace_back("shape", word_of(r.shape) + ", " + std::to_string(r.cycles_agreed) + " of " +
                                    std::to_string(r.cycles) + " cycles agree");
    words.emplace_back("step", watts_text(r.power.count()) + ", of it resistive " + watts_text(r.resistive.count()));
    words.emplace_back("left at the same time", watts_text(r.leaving.count()));
    words.emplace_back("not resistive", tenths(divide(r.nonactive.count(), 100'000, Round::kNearest)) + " var");
    words.emplace_back("power factor of the step", fraction(r.power_factor_ten_thousandths, 4) + ", residual " +
                                                       fraction(r.residual_ten_thousandths, 4));
    words.emplace_back("conductance", std::to_string(r.conductance_microsiemens) + " uS; before " +
                                          std::to_string(r.base_conductance_microsiemens) + ", after " +
                                          std::to_string(r.total_conductance_microsiemens));
    words.emplace_back("power before", watts_text(r.base_power.count()));
    words.emplace_back("decided after", std::to_string(r.decision_ms) + " ms");
    return words;
}

std::string picture_of(const meter::StepCapture& capture) {
    constexpr int kWidth = 36;
    constexpr int kHeight = 13;
    using Points = std::array<std::int16_t, 2 * meter::kCapturePointsPerCycle>;
    const auto peak = [](const Points& a, const Points& b) {
        int most = 1;
        for (const Points* points : {&a, &b})
            for (const int point : *points)
                most = std::max(most, std::abs(point));
        return most;
    };
    const int volts_peak = peak(capture.voltage_before, capture.voltage_after);
    const int amps_peak = peak(capture.current_before, capture.current_after);
    std::vector<std::string> rows(kHeight, std::string(2 * kWidth + 3, ' '));
    const auto draw = [&](const Points& points, int most, int from, char mark) {
        for (int column = 0; column < kWidth; ++column) {
            const auto k = static_cast<std::size_t>(column) * points.size() / kWidth;
            const int row =
                static_cast<int>(divide(std::int64_t{most - points[k]} * (kHeight - 1), 2 * most, Round::kNearest));
            rows[static_cast<std::size_t>(std::clamp(row, 0, kHeight - 1))][static_cast<std::size_t>(from + column)] =
                mark;
        }
    };
    for (std::string& row : rows)
        row[kWidth + 1] = '|';
    draw(capture.voltage_before, volts_peak, 0, '.');
    draw(capture.voltage_after, volts_peak, kWidth + 3, '.');
    draw(capture.current_before, amps_peak, 0, '#');
    draw(capture.current_after, amps_peak, kWidth + 3, '#');
    std::string text = "before" + std::string(kWidth - 3, ' ') + "after\n";
    for (std::string& row : rows) {
        row.erase(row.find_last_not_of(' ') + 1);
        text += row + "\n";
    }
    return text + ". voltage, peak " + tenths(volts_peak) + " V    # current, peak " + fraction(amps_peak, 2) + " A\n";
}

}  // namespace prewatt::cli

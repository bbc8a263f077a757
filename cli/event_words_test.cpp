#include "cli/event_words.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace prewatt::cli {
namespace {

TEST(EventWords, EveryKindCanBeSaid) {
    // One kind of event stops the whole list.
    for (const meter::EventKindInfo& kind : meter::event_kinds()) {
        meter::Event event;
        event.kind = kind.kind;
        event.data.fill(0xFF);
        for (const auto& [name, text] : words_of(event)) {
            EXPECT_FALSE(name.empty());
            EXPECT_FALSE(text.empty()) << kind.name << ": " << name;
        }
    }
}

TEST(EventWords, FiguresHaveTheirUnitsAndSigns) {
    // 12.3 W is read as 123 W, and a debt as a credit.
    meter::Event event;
    event.kind = meter::EventKind::kCut;
    event.data = meter::events::cut(HoldSet{0x0041}, HoldSet{0x0001}, ActivePower{-12'340'000}, -50, Energy{});
    const auto words = words_of(event);
    ASSERT_EQ(words.size(), 5u);
    EXPECT_EQ(words[0].second, "no credit, remote");
    EXPECT_EQ(words[1].second, "no credit");
    EXPECT_EQ(words[2].second, "-12.3 W");
    EXPECT_EQ(words[3].second, "-0.50");
    event.clock_valid = false;
    event.time = 90;
    event.boots = 5;
    EXPECT_EQ(time_of(event), "start 5 + 90 s");
}

TEST(EventWords, ThePictureShowsTheStep) {
    // A technician sees a flat line where a heater came on.
    meter::StepCapture capture;
    for (std::size_t k = 0; k < capture.voltage_before.size(); ++k) {
        const double angle = 2 * 3.14159265358979 * static_cast<double>(k) / meter::kCapturePointsPerCycle;
        capture.voltage_before[k] = capture.voltage_after[k] = static_cast<std::int16_t>(3110 * std::sin(angle));
        capture.current_after[k] = static_cast<std::int16_t>(965 * std::sin(angle));
    }
    const std::string picture = picture_of(capture);
    EXPECT_NE(picture.find("peak 311.0 V"), std::string::npos) << picture;
    EXPECT_NE(picture.find("peak 9.65 A"), std::string::npos);
    std::vector<std::string> rows;
    for (std::size_t at = 0; at < picture.size();) {
        const std::size_t end = picture.find('\n', at);
        rows.push_back(picture.substr(at, end - at));
        at = end + 1;
    }
    ASSERT_EQ(rows.size(), 1u + 13u + 1u);
    const auto marks = [&](std::size_t row, std::size_t from, std::size_t to) {
        const std::string part = rows[row].substr(std::min(from, rows[row].size()), to - from);
        return std::count(part.begin(), part.end(), '#');
    };
    EXPECT_EQ(marks(7, 0, 36), 36) << "no current before: all of it in the middle";
    EXPECT_GT(marks(1, 39, 75), 0) << "and peaks after it";
    EXPECT_GT(marks(13, 39, 75), 0);
    for (const std::string& row : rows)
        EXPECT_LE(row.size(), 79u);
}

}  // namespace
}  // namespace prewatt::cli

// What a measuring command prints: named figures with a goal and what each is compared with. A goal that is missed is
// reported as missed.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace prewatt::bench {

enum class Goal : unsigned char { kNone, kAtLeast, kAtMost };

struct Figure {
    std::string name;
    double value = 0;
    std::string unit;
    Goal direction = Goal::kNone;
    double goal = 0;
    std::string compared_with;  // in words: "bound: bytes on the wire and 20 ms turn-around"
    [[nodiscard]] std::optional<bool> met() const {
        if (direction == Goal::kNone) return std::nullopt;
        return direction == Goal::kAtLeast ? value >= goal : value <= goal;
    }
};

struct Figures {
    std::vector<Figure> rows;
    [[nodiscard]] bool all_met() const;
    // {"figures": [{"name", "value", "unit", "goal", "met", "compared_with"}, ...]}
    [[nodiscard]] std::string json() const;
    // The same for a person.
    [[nodiscard]] std::string table() const;
};

}  // namespace prewatt::bench

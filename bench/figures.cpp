#include "bench/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace prewatt::bench {

bool Figures::all_met() const {
    return std::all_of(rows.begin(), rows.end(), [](const Figure& f) { return f.met().value_or(true); });
}

std::string Figures::json() const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Figure& f : rows) {
        nlohmann::ordered_json row{{"name", f.name}, {"value", f.value}, {"unit", f.unit}};
        row["goal"] = f.direction == Goal::kNone ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(f.goal);
        row["met"] = f.met() ? nlohmann::ordered_json(*f.met()) : nlohmann::ordered_json(nullptr);
        row["compared_with"] = f.compared_with;
        list.push_back(std::move(row));
    }
    return nlohmann::ordered_json{{"figures", std::move(list)}}.dump(2);
}

std::string Figures::table() const {
    std::string out;
    for (const Figure& f : rows) {
        char line[512];
        const char* verdict = !f.met() ? "" : *f.met() ? "met" : "MISSED";
        char goal[64] = "";
        if (f.direction != Goal::kNone)
            std::snprintf(goal, sizeof goal, "%s %g", f.direction == Goal::kAtLeast ? ">=" : "<=", f.goal);
        std::snprintf(line, sizeof line, "%-52s %14.6g %-18s %-14s %-7s %s\n", f.name.c_str(), f.value, f.unit.c_str(),
                      goal, verdict, f.compared_with.c_str());
        out += line;
    }
    return out;
}

}  // namespace prewatt::bench

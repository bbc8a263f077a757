#include "cli/bench.hpp"

#include <cstdio>
#include <exception>
#include <expected>
#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

#include "bench/card.hpp"
#include "bench/figures.hpp"
#include "bench/ledger.hpp"
#include "bench/line.hpp"
#include "bench/metrology.hpp"
#include "bench/readings.hpp"
#include "bench/sale.hpp"
#include "cli/output.hpp"

namespace prewatt::cli {
namespace {

using Measured = std::expected<bench::Figures, std::string>;
using Benchmark = std::pair<const char*, std::function<Measured(const BenchOptions&)>>;

[[maybe_unused]] double seconds_or(const BenchOptions& options, double usual) {
    return options.seconds > 0 ? options.seconds : usual;
}

const std::vector<Benchmark>& benchmarks() {
    static const std::vector<Benchmark> list = {
        {"metrology", [](const BenchOptions& o) -> Measured { return bench::run_metrology(seconds_or(o, 5)); }},
        {"line",
         [](const BenchOptions& o) -> Measured {
             bench::LineOptions line;
             if (o.boxes > 0) line.boxes = o.boxes;
             return bench::run_line(line);
         }},
        {"card",
         [](const BenchOptions& o) -> Measured {
             bench::CardOptions card;
             if (o.boxes > 0) card.boxes = o.boxes;
             return bench::run_card(card);
         }},
        {"ledger",
         [](const BenchOptions& o) -> Measured {
             bench::LedgerOptions ledger;
             ledger.folder = o.folder.empty() ? std::filesystem::temp_directory_path() : o.folder;
             ledger.seconds = seconds_or(o, ledger.seconds);
             ledger.sqlite = o.database != "postgres";
             ledger.postgres = o.database != "sqlite";
             return bench::run_ledger(ledger);
         }},
        {"readings",
         [](const BenchOptions& o) -> Measured {
             bench::ReadingsOptions readings;
             readings.folder = o.folder.empty() ? std::filesystem::temp_directory_path() : o.folder;
             readings.seconds = seconds_or(o, readings.seconds);
             if (o.households > 0) readings.households = {o.households};
             if (o.database == "sqlite")
                 readings.postgres = false;
             else if (o.database.starts_with("postgres"))
                 readings.sqlite = false;
             if (o.database.find("://") != std::string::npos) readings.url = o.database;
             return bench::run_readings(readings);
         }},
        {"sale",
         [](const BenchOptions& o) -> Measured {
             bench::SaleOptions sale;
             if (o.boxes > 0) sale.boxes = o.boxes;
             return bench::run_sale(sale);
         }},
    };
    return list;
}

}  // namespace

std::string bench_names() {
    std::string out;
    for (const auto& [name, measure] : benchmarks())
        out += (out.empty() ? "" : " ") + std::string(name);
    return out;
}

int run(const BenchOptions& options) {
    for (const auto& [name, measure] : benchmarks()) {
        if (options.name != name) continue;
        Measured measured;
        try {
            measured = measure(options);
        } catch (const std::exception& error) {
            measured = std::unexpected(std::string(error.what()));
        }
        if (!measured)
            return fail(ExitCode::kInternal, std::string("bench ") + name + " broke off: " + measured.error());
        const bench::Figures& figures = *measured;
        std::printf("%s%s", (options.json ? figures.json() : figures.table()).c_str(), options.json ? "\n" : "");
        std::fflush(stdout);
        if (options.strict && !figures.all_met())
            return fail(ExitCode::kInternal, std::string("bench ") + name + ": a goal was missed");
        return code(ExitCode::kDone);
    }
    return fail(ExitCode::kWrongUse, "there is no benchmark '" + options.name + "'", bench_names());
}

}  // namespace prewatt::cli

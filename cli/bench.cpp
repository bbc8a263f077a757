#include "cli/bench.hpp"

#include <cstdio>
#include <exception>
#include <expected>
#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

#include "bench/figures.hpp"
#include "cli/output.hpp"
#ifdef PREWATT_HAS_BENCH_METROLOGY
#include "bench/metrology.hpp"
#endif
#ifdef PREWATT_HAS_BENCH_LINE
#include "bench/line.hpp"
#endif
#ifdef PREWATT_HAS_BENCH_LEDGER
#include "bench/ledger.hpp"
#endif
#ifdef PREWATT_HAS_BENCH_SALE
#include "bench/sale.hpp"
#endif

namespace prewatt::cli {
namespace {

using Measured = std::expected<bench::Figures, std::string>;
using Benchmark = std::pair<const char*, std::function<Measured(const BenchOptions&)>>;

[[maybe_unused]] double seconds_or(const BenchOptions& options, double usual) {
    return options.seconds > 0 ? options.seconds : usual;
}

const std::vector<Benchmark>& benchmarks() {
    static const std::vector<Benchmark> list = {
#ifdef PREWATT_HAS_BENCH_METROLOGY
        {"metrology", [](const BenchOptions& o) -> Measured { return bench::run_metrology(seconds_or(o, 5)); }},
#endif
#ifdef PREWATT_HAS_BENCH_LINE
        {"line",
         [](const BenchOptions& o) -> Measured {
             bench::LineOptions line;
             if (o.boxes > 0) line.boxes = o.boxes;
             return bench::run_line(line);
         }},
#endif
#ifdef PREWATT_HAS_BENCH_LEDGER
        {"ledger",
         [](const BenchOptions& o) -> Measured {
             bench::LedgerOptions ledger;
             ledger.folder = o.folder.empty() ? std::filesystem::temp_directory_path() : o.folder;
             ledger.seconds = seconds_or(o, ledger.seconds);
             return bench::run_ledger(ledger);
         }},
#endif
#ifdef PREWATT_HAS_BENCH_SALE
        {"sale",
         [](const BenchOptions& o) -> Measured {
             bench::SaleOptions sale;
             if (o.boxes > 0) sale.boxes = o.boxes;
             return bench::run_sale(sale);
         }},
#endif
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

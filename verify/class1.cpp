#include "verify/class1.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "meter/metrology/pulses.hpp"
#include "verify/calibrator.hpp"
#include "verify/reading.hpp"

namespace prewatt::verify {
namespace {

using meter::Calibration;
using meter::Metering;
using meter::Wiring;

constexpr double kTwoPi = 2 * std::numbers::pi;
constexpr double kNominalVolts = 220;
constexpr double kSettleSeconds = 0.6;
constexpr double kReferenceError = 0.0002;  // of the bench that calibrated the box
constexpr int kConstants[] = {1600, 600, 5000};

constexpr std::string_view kNotSimulated[] = {
    "magnets, electromagnetic fields, bursts and surges on the line, electrostatic discharge",
    "saturation of current transformers, by direct current or above the overload",
    "self-heating; temperature is a drift of gains, offsets and skews in the model",
    "influence of accessories (relay coils, RS-485, card reader) on the supply of the box",
};
constexpr std::string_view kProvenance =
    "Limits are recalled [M], not read in the bought standards; the front end is a model. No claim of compliance.";

struct Rating {
    int basic;
    int maximum;
    [[nodiscard]] std::string text() const { return std::to_string(basic) + "(" + std::to_string(maximum) + ") A"; }
    // Direct connection: Itr = Ib / 10, Imin = 0.4 Itr (class B), Ist = 0.04 Itr = 0.004 Ib.
    [[nodiscard]] double ib() const { return basic; }
    [[nodiscard]] double imax() const { return maximum; }
    [[nodiscard]] double itr() const { return 0.1 * basic; }
    [[nodiscard]] double imin() const { return 0.04 * basic; }
    [[nodiscard]] double ist() const { return 0.004 * basic; }
};
constexpr Rating kRatings[] = {{10, 40}, {10, 50}, {15, 60}};

struct Point {
    std::string text;
    double amperes;  // negative: reverse
    double power_factor;
    double limit_percent;
    [[nodiscard]] Load load() const { return {.amperes = amperes, .lag_turns = lag_turns_of(power_factor)}; }
};

std::string power_factor_text(double power_factor) {
    if (power_factor == 1) return "1.0";
    char text[16];
    std::snprintf(text, sizeof text, "%.3g%c", std::abs(power_factor), power_factor < 0 ? 'C' : 'L');
    return text;
}
Point point(std::string current, double amperes, double power_factor, double limit, bool reverse = false) {
    return {std::move(current) + ", " + power_factor_text(power_factor) + (reverse ? ", reverse" : ""),
            reverse ? -amperes : amperes, power_factor, limit};
}

// --- Limits of the percentage error, metrology.md 1.1.

double limit_of_class1(const Rating& r, double amperes, double power_factor) {
    const double share = amperes / r.ib() * (1 + 1e-9);
    const double pf = std::abs(power_factor);
    if (pf == 1) return share >= 0.1 ? 1.0 : 1.5;
    if (pf < 0.5) return 3.5;
    if (power_factor == -0.5) return 2.5;
    return share >= 0.2 ? 1.0 : 1.5;
}
double limit_of_class_b(const Rating& r, double amperes, double power_factor) {
    const double i = amperes * (1 + 1e-9);
    if (i < r.imin()) return 1.5 * r.imin() / amperes;
    if (i < r.itr()) return 1.5;
    if (std::abs(power_factor) < 0.5) return 3.5;
    return power_factor == -0.5 ? 2.5 : 1.0;
}

// JJG 596-2012: metrology.md 1.5.
std::vector<Point> points_of_class1(const Rating& r) {
    std::vector<Point> points;
    const auto add = [&](const char* text, double amperes, double pf, bool reverse) {
        points.push_back(point(text, amperes, pf, limit_of_class1(r, amperes, pf), reverse));
    };
    for (const bool reverse : {false, true}) {
        for (const double pf : {1.0, 0.5, -0.8}) {
            add("Imax", r.imax(), pf, reverse);
            add("0.5 Imax", 0.5 * r.imax(), pf, reverse);
            add("Ib", r.ib(), pf, reverse);
            if (pf != 1) add("0.2 Ib", 0.2 * r.ib(), pf, reverse);
            add("0.1 Ib", 0.1 * r.ib(), pf, reverse);
            if (pf == 1) add("0.05 Ib", 0.05 * r.ib(), pf, reverse);
        }
    }
    for (const double pf : {0.25, -0.5}) {
        add("Ib", r.ib(), pf, false);
        add("0.2 Ib", 0.2 * r.ib(), pf, false);
    }
    return points;
}
std::vector<Point> points_of_class_b(const Rating& r) {
    std::vector<Point> points;
    const auto add = [&](const char* text, double amperes, double pf, bool reverse) {
        points.push_back(point(text, amperes, pf, limit_of_class_b(r, amperes, pf), reverse));
    };
    for (const bool reverse : {false, true}) {
        for (const double pf : {1.0, 0.5, -0.8}) {
            add("Imax", r.imax(), pf, reverse);
            add("0.5 Imax", 0.5 * r.imax(), pf, reverse);
            add("10 Itr", 10 * r.itr(), pf, reverse);
            add("Itr", r.itr(), pf, reverse);
        }
        add("1.2 Imax", 1.2 * r.imax(), 1, reverse);
        add("Imin", r.imin(), 1, reverse);
        add("0.5 Imin", 0.5 * r.imin(), 1, reverse);
        add("2 Ist", 2 * r.ist(), 1, reverse);
        add("Ist", r.ist(), 1, reverse);
    }
    for (const double pf : {0.25, -0.5}) {
        add("10 Itr", 10 * r.itr(), pf, false);
        add("Itr", r.itr(), pf, false);
    }
    return points;
}
// What no verifier looks at: a meter that is right only on the grid is found out here.
std::vector<Point> points_off_grid(const Rating& r) {
    struct Odd {
        double share_of_basic;
        double power_factor;
        bool reverse;
    };
    static constexpr Odd kOdd[] = {
        {0.37, 0.71, false}, {0.37, -0.71, false}, {0.13, 0.93, false},  {2.2, 0.62, true},    {0.07, 1, false},
        {1.9, 1, false},     {0.61, -0.9, false},  {0.021, 1, false},    {0.0123, 1, false},   {3.3, 0.55, false},
        {0.85, 0.5, true},   {0.29, 0.66, false},  {1.37, -0.83, true},  {0.053, 1, true},     {0.0061, 1, false},
        {2.71, 0.97, false}, {0.44, 0.52, false},  {0.161, -0.6, false}, {3.91, 0.993, false}, {0.77, 0.2, false},
        {0.0083, 1, true},   {1.13, 1, true},      {0.233, 0.81, true},  {0.118, 0.74, false},
    };
    std::vector<Point> points;
    for (const Odd& odd : kOdd) {
        const double amperes = odd.share_of_basic * r.ib();
        char text[32];
        std::snprintf(text, sizeof text, "%.4g Ib", odd.share_of_basic);
        // Below 0.05 Ib only the newer regime has a limit.
        double limit = limit_of_class_b(r, amperes, odd.power_factor);
        if (odd.share_of_basic >= 0.05) limit = std::min(limit, limit_of_class1(r, amperes, odd.power_factor));
        points.push_back(point(text, amperes, odd.power_factor, limit, odd.reverse));
    }
    return points;
}

// --- Collecting.

class Collector {
  public:
    explicit Collector(const Class1Options& options) {
        judged_.fill(options.channels.empty());
        for (const int channel : options.channels)
            if (channel >= 1 && channel <= kCircuitsMax) judged_[static_cast<std::size_t>(channel - 1)] = true;
    }
    [[nodiscard]] bool judges(std::size_t circuit) const { return judged_[circuit]; }
    [[nodiscard]] bool judges_household(Wiring wiring, int number) const {
        bool any = false;
        for (int k = 0; k < meter::circuits_each(wiring); ++k)
            any |= judges(meter::circuit_of(wiring, {static_cast<std::uint8_t>(number)}, k).index);
        return any;
    }
    void add(const std::string& test, const std::string& point, const Rating& rating, int channel, double value,
             const char* unit, double limit) {
        ++readings_;
        const Class1Row row{test, point, rating.text(), channel, value, unit, limit};
        const auto [at, fresh] = rows_.try_emplace({test, point}, row);
        if (fresh) return;
        const bool worse = limit > 0 ? !(row.share_percent() <= at->second.share_percent())
                                     : std::abs(value) > std::abs(at->second.value);
        if (worse) at->second = row;
    }
    void ran(double bench_seconds) { bench_seconds_ += bench_seconds; }
    [[nodiscard]] Class1Report report() const {
        Class1Report report;
        report.readings = readings_;
        report.bench_seconds = bench_seconds_;
        for (const auto& [key, row] : rows_)
            report.rows.push_back(row);
        std::stable_sort(report.rows.begin(), report.rows.end(),
                         [](const Class1Row& a, const Class1Row& b) { return a.share_percent() > b.share_percent(); });
        return report;
    }

  private:
    std::array<bool, kCircuitsMax> judged_{};
    std::map<std::pair<std::string, std::string>, Class1Row> rows_;
    int readings_ = 0;
    double bench_seconds_ = 0;
};

double error_percent(double measured, double expected) {
    return (measured / expected - 1) * 100;
}

// One box of a rating on the bench.
class Bench {
  public:
    Bench(const Class1Options& options, const Rating& of, Wiring wired, Collector& collector)
        : rating(of), wiring(wired), out(collector), quick(options.quick), front_end(model_of(options, of), wired) {
        calibration = calibrate(front_end, kReferenceError);
    }
    [[nodiscard]] Metering metering() const { return Metering(calibration, wiring, amperes(rating.basic)); }
    [[nodiscard]] int households() const { return meter::households(wiring); }
    [[nodiscard]] Circuit circuit(int household, int k) const {
        return meter::circuit_of(wiring, {static_cast<std::uint8_t>(household)}, k);
    }
    // A fresh meter, settled.
    Reading measure(const Calibration& with, const Supply& supply, double seconds) {
        front_end.set_supply(supply);
        Metering meter(with, wiring, amperes(rating.basic));
        (void)read(front_end, meter, kSettleSeconds);
        out.ran(kSettleSeconds + seconds);
        return read(front_end, meter, seconds);
    }
    Reading measure(const Supply& supply, double seconds) { return measure(calibration, supply, seconds); }
    [[nodiscard]] double error_of(const Reading& reading, std::size_t c) const {
        return error_percent(reading.watts[c], front_end.true_watts({static_cast<std::uint8_t>(c)}));
    }
    // Of a household, all its circuits together.
    [[nodiscard]] double household_error(const Reading& reading, int household) const {
        double measured = 0;
        double expected = 0;
        for (int k = 0; k < meter::circuits_each(wiring); ++k) {
            measured += reading.watts[circuit(household, k).index];
            expected += front_end.true_watts(circuit(household, k));
        }
        return error_percent(measured, expected);
    }

    Rating rating;
    Wiring wiring;
    Collector& out;
    bool quick;
    FrontEnd front_end;
    Calibration calibration;

  private:
    static FrontEndModel model_of(const Class1Options& options, const Rating& rating) {
        FrontEndModel model = options.model;
        model.basic = amperes(rating.basic);
        model.maximum = amperes(rating.maximum);
        model.seed += static_cast<std::uint64_t>(rating.maximum);
        return model;
    }
};

// --- Percentage errors

// Every channel gets another point, and the points go round until every channel has had each (quick: until each point
// has been on some channel).
void percentage_errors(Bench& bench, const std::string& test, const std::vector<Point>& points,
                       const Calibration& calibration, bool judged) {
    const std::size_t count = points.size();
    const std::size_t rounds = bench.quick || !judged ? (count + kCircuitsMax - 1) / kCircuitsMax : count;
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto at = [&](std::size_t c) {
            return (bench.quick || !judged ? c + round * kCircuitsMax : c + round) % count;
        };
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            bench.front_end.set_load({static_cast<std::uint8_t>(c)}, points[at(c)].load());
        const Reading reading = bench.measure(calibration, {}, bench.quick ? 2 : 5);
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            if (!bench.out.judges(c)) continue;
            const Point& p = points[at(c)];
            const std::string text = judged ? p.text : "all points, " + power_factor_text(p.power_factor);
            bench.out.add(test, text, bench.rating, static_cast<int>(c + 1), bench.error_of(reading, c), "%",
                          judged ? p.limit_percent : 0);
        }
    }
}

// --- Influence quantities: the change of the error, metrology.md 1.4

struct Influence {
    std::string text;
    Supply supply;
    double limit_at_1;
    double limit_at_half;
};

std::vector<Influence> influences() {
    std::vector<Influence> all;
    const auto add = [&](std::string text, double at_1, double at_half, auto set) {
        Supply supply;
        set(supply);
        all.push_back({std::move(text), supply, at_1, at_half});
    };
    for (const double volts : {198.0, 242.0})
        add("voltage " + std::to_string(static_cast<int>(volts)) + " V", 0.7, 1.0, [&](Supply& s) { s.volts = volts; });
    // Three times as much is allowed from 80 to 115 %, anything below; the product promises 150 to 250 V.
    for (const double volts : {150.0, 163.0, 176.0, 250.0, 253.0})
        add("voltage " + std::to_string(static_cast<int>(volts)) + " V", 1.0, 1.0, [&](Supply& s) { s.volts = volts; });
    for (const double hertz : {49.0, 51.0, 49.5, 50.37})
        add("frequency " + std::to_string(hertz).substr(0, 5) + " Hz", 0.5, 0.7, [&](Supply& s) { s.hertz = hertz; });
    for (const double hertz : {45.0, 55.0})  // beyond the standard
        add("frequency " + std::to_string(static_cast<int>(hertz)) + " Hz", 0.5, 0.7,
            [&](Supply& s) { s.hertz = hertz; });
    add("phase sequence reversed", 1.5, 1.5, [](Supply& s) { s.reversed_sequence = true; });
    return all;
}

std::vector<Point> influence_points(const Rating& r) {
    std::vector<Point> points;
    for (const auto& [text, amperes] :
         {std::pair{"0.05 Ib", 0.05 * r.ib()}, {"0.1 Ib", 0.1 * r.ib()}, {"Ib", r.ib()}, {"Imax", r.imax()}})
        points.push_back(point(text, amperes, 1, 0));
    for (const auto& [text, amperes] :
         {std::pair{"0.1 Ib", 0.1 * r.ib()}, {"0.2 Ib", 0.2 * r.ib()}, {"Ib", r.ib()}, {"Imax", r.imax()}})
        points.push_back(point(text, amperes, 0.5, 0));
    return points;
}

void influence_errors(Bench& bench) {
    const std::vector<Point> points = influence_points(bench.rating);
    const double seconds = bench.quick ? 1 : 4;
    const std::size_t rounds = bench.quick ? 1 : points.size();
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            bench.front_end.set_load({static_cast<std::uint8_t>(c)}, points[(c + round) % points.size()].load());
        const Reading reference = bench.measure({}, seconds);
        std::array<double, kCircuitsMax> before{};
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            before[c] = bench.error_of(reference, c);
        for (const Influence& influence : influences()) {
            const Reading reading = bench.measure(influence.supply, seconds);
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                if (!bench.out.judges(c)) continue;
                const Point& p = points[(c + round) % points.size()];
                bench.out.add("influence, variation", influence.text + ", " + p.text, bench.rating,
                              static_cast<int>(c + 1), bench.error_of(reading, c) - before[c], "%",
                              p.power_factor == 1 ? influence.limit_at_1 : influence.limit_at_half);
            }
        }
    }
}

struct Waveform {
    std::string text;
    const Shape* voltage;  // null: sine
    Shape current;
    double amperes;  // of the sine that is compared with, and factor of the shape
    double limit_percent;
};

double sine(double turns) {
    return std::numbers::sqrt2 * std::sin(kTwoPi * turns);
}

void waveform_errors(Bench& bench) {
    const Rating& r = bench.rating;
    static const Shape fifth_voltage([](double t) { return sine(t) + 0.1 * sine(5 * t); });
    static const Shape flat_voltage([](double t) { return sine(t) + 0.038 * sine(3 * t) + 0.024 * -sine(5 * t); });
    static const Shape peaked_voltage([](double t) { return sine(t) - 0.05 * sine(3 * t) + 0.03 * sine(5 * t); });
    const double odd_limit = 0.8;  // no limit known: that of the fifth harmonic
    const std::vector<Waveform> waveforms{
        {"5th harmonic 10 % U, 40 % I, 0.5 Imax", &fifth_voltage,
         Shape([](double t) { return sine(t) + 0.4 * sine(5 * t); }), 0.5 * r.imax(), 0.8},
        {"half-wave rectified, Imax / sqrt 2", nullptr, Shape([](double t) { return std::max(0.0, sine(t)); }),
         r.imax(), 3.0},
        {"half-wave rectified, other half, Imax / sqrt 2", nullptr,
         Shape([](double t) { return std::min(0.0, sine(t)); }), r.imax(), 3.0},
        {"phase-fired 90 degrees, 0.5 Ib", nullptr,
         Shape([](double t) { return std::fmod(t, 0.5) < 0.25 ? 0.0 : std::numbers::sqrt2 * sine(t); }), 0.5 * r.ib(),
         3.0},
        {"bursts, 2 cycles on, 2 off, 0.5 Ib", nullptr,
         Shape([](double t) { return t < 2 ? std::numbers::sqrt2 * sine(t) : 0.0; }), 0.5 * r.ib(), 3.0},
        // In no table.
        {"flat-topped supply, rectifier with capacitor, 0.3 Ib", &flat_voltage, Shape([](double t) {
             const double s = std::abs(std::sin(kTwoPi * t));
             return s > 0.9 ? (sine(t) > 0 ? 1 : -1) * (s - 0.9) * 25 : 0.0;
         }),
         0.3 * r.ib(), odd_limit},
        {"peaked supply, 11th harmonic 20 % I, Ib", &peaked_voltage,
         Shape([](double t) { return sine(t) + 0.2 * sine(11 * t); }), r.ib(), odd_limit},
        {"5th harmonic fed back, 10 % U, 40 % I, 0.5 Imax", &fifth_voltage,
         Shape([](double t) { return sine(t) - 0.4 * sine(5 * t); }), 0.5 * r.imax(), odd_limit},
        {"7th and 13th harmonic in I, 0.71L, 0.6 Ib", &fifth_voltage,
         Shape([](double t) { return sine(t - 0.125) + 0.3 * sine(7 * t) + 0.2 * sine(13 * t); }), 0.6 * r.ib(),
         odd_limit},
        {"phase-fired 50 degrees, Ib", nullptr,
         Shape([](double t) { return std::fmod(t, 0.5) < 50.0 / 360 ? 0.0 : sine(t); }), r.ib(), 3.0},
    };
    const double seconds = bench.quick ? 1 : 8;
    for (const Waveform& w : waveforms) {
        bench.front_end.set_all_loads({.amperes = w.amperes});
        const Reading reference = bench.measure({}, seconds);
        std::array<double, kCircuitsMax> before{};
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            before[c] = bench.error_of(reference, c);
        bench.front_end.set_all_loads({.amperes = w.amperes, .shape = &w.current});
        const Reading reading = bench.measure({.shape = w.voltage}, seconds);
        // On each phase the same, whatever the channel.
        const double expected = bench.front_end.true_watts({0});
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            if (bench.out.judges(c))
                bench.out.add("waveform, variation", w.text, r, static_cast<int>(c + 1),
                              error_percent(reading.watts[c], expected) - before[c], "%", w.limit_percent);
    }
}

void temperature_errors(const Class1Options& options, Bench& bench) {
    constexpr double kKelvin = 40;
    const Rating& r = bench.rating;
    const std::vector<Point> points{point("0.1 Ib", 0.1 * r.ib(), 1, 0.05), point("Imax", r.imax(), 1, 0.05),
                                    point("0.2 Ib", 0.2 * r.ib(), 0.5, 0.07), point("Imax", r.imax(), 0.5, 0.07)};
    std::array<std::array<double, kCircuitsMax>, 2> errors{};
    for (const int side : {0, 1}) {
        Class1Options other = options;
        other.model.kelvin = side == 0 ? -kKelvin : kKelvin;
        Collector nowhere(options);
        Bench drifted(other, r, bench.wiring, nowhere);  // the same box: the same seed
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            drifted.front_end.set_load({static_cast<std::uint8_t>(c)}, points[c % points.size()].load());
        const Reading reading = drifted.measure(bench.calibration, {}, bench.quick ? 2 : 5);
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            errors[static_cast<std::size_t>(side)][c] = drifted.error_of(reading, c);
    }
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        if (bench.out.judges(c)) {
            const Point& p = points[c % points.size()];
            bench.out.add("temperature coefficient of the model", p.text, r, static_cast<int>(c + 1),
                          (errors[1][c] - errors[0][c]) / (2 * kKelvin), "%/K", p.limit_percent);
        }
}

// An empty or lightly loaded room between two that draw all that they may.
void cross_talk_errors(Bench& bench) {
    const Rating& r = bench.rating;
    const std::vector<Point> points{point("Ist", r.ist(), 1, limit_of_class_b(r, r.ist(), 1)),
                                    point("Imin", r.imin(), 1, 1.5),
                                    point("0.05 Ib", 0.05 * r.ib(), 1, 1.5),
                                    point("0.1 Ib", 0.1 * r.ib(), 1, 1.0),
                                    point("0.1 Ib", 0.1 * r.ib(), 0.5, 1.5),
                                    point("0.1 Ib", 0.1 * r.ib(), -0.8, 1.5)};
    for (std::size_t round = 0; round < 2 * (bench.quick ? 1 : points.size()); ++round) {
        const std::size_t loaded = round % 2;
        const auto at = [&](std::size_t c) { return (c / 2 + round / 2) % points.size(); };
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            bench.front_end.set_load({static_cast<std::uint8_t>(c)},
                                     c % 2 == loaded
                                         ? Load{.amperes = r.imax(), .lag_turns = lag_turns_of(c % 4 < 2 ? 0.5 : -0.8)}
                                         : points[at(c)].load());
        const Reading reading = bench.measure({}, bench.quick ? 2 : 5);
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            if (c % 2 != loaded && bench.out.judges(c))
                bench.out.add("both neighbours at Imax", points[at(c)].text, r, static_cast<int>(c + 1),
                              bench.error_of(reading, c), "%", points[at(c)].limit_percent);
    }
}

// The kettle that clicks: the current comes and goes with no regard to the meter's windows.
void changing_load_errors(Bench& bench) {
    const Rating& r = bench.rating;
    struct Rhythm {
        const char* text;
        int on_blocks;
        int off_blocks;
    };
    static constexpr Rhythm kRhythms[] = {
        {"Ib, 5 s on, 5 s off", 250, 250}, {"Ib, 0.5 s on, 0.5 s off", 25, 25}, {"Ib, 60 ms on, 340 ms off", 3, 17}};
    for (const Rhythm& rhythm : kRhythms) {
        bench.front_end.set_supply({});
        bench.front_end.set_all_loads({});
        Metering meter = bench.metering();
        (void)read(bench.front_end, meter, kSettleSeconds);
        std::array<std::int64_t, kCircuitsMax> joules{};
        meter::SampleBlock block;
        const int periods = (bench.quick ? 1500 : 6000) / (rhythm.on_blocks + rhythm.off_blocks);
        const auto feed = [&](int blocks, double amperes) {
            bench.front_end.set_all_loads({.amperes = amperes});
            bench.out.ran(blocks * 0.02);
            for (int k = 0; k < blocks; ++k) {
                bench.front_end.fill(block, meter::kBlockSamplesMax);
                if (const meter::Measurement* m = meter.on_samples(block))
                    for (std::size_t c = 0; c < kCircuitsMax; ++c)
                        joules[c] += m->circuits[c].forward.count() + m->circuits[c].reverse.count();
            }
        };
        for (int k = 0; k < periods; ++k) {
            feed(rhythm.on_blocks, r.ib());
            feed(rhythm.off_blocks, 0);
        }
        feed(20, 0);
        const double expected = kNominalVolts * r.ib() * periods * rhythm.on_blocks * 0.02;
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            if (bench.out.judges(c))
                bench.out.add("changing load", rhythm.text, r, static_cast<int>(c + 1),
                              error_percent(static_cast<double>(joules[c]), expected), "%", 1.0);
    }
}

// --- Repeatability: standard deviation of several readings of one point

void repeatability(Bench& bench) {
    const Rating& r = bench.rating;
    constexpr double kLimit = 0.1;  // 0.1 of the class
    constexpr int kReadings = 5;
    const std::vector<Point> points{
        point("Imax", r.imax(), 1, kLimit),       point("Ib", r.ib(), 1, kLimit),
        point("0.1 Ib", 0.1 * r.ib(), 1, kLimit), point("0.05 Ib", 0.05 * r.ib(), 1, kLimit),
        point("Ib", r.ib(), 0.5, kLimit),         point("0.1 Ib", 0.1 * r.ib(), 0.5, kLimit)};
    for (std::size_t round = 0; round < (bench.quick ? 1 : points.size()); ++round) {
        std::array<double, kCircuitsMax> sum{};
        std::array<double, kCircuitsMax> squares{};
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            bench.front_end.set_load({static_cast<std::uint8_t>(c)}, points[(c + round) % points.size()].load());
        for (int k = 0; k < kReadings; ++k) {
            const Reading reading = bench.measure({}, bench.quick ? 1 : 10);
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                const double error = bench.error_of(reading, c);
                sum[c] += error;
                squares[c] += error * error;
            }
        }
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            if (!bench.out.judges(c)) continue;
            const Point& p = points[(c + round) % points.size()];
            const double variance = std::max(0.0, (squares[c] - sum[c] * sum[c] / kReadings) / (kReadings - 1));
            bench.out.add("repeatability, S", p.text, r, static_cast<int>(c + 1), std::sqrt(variance), "%",
                          p.limit_percent);
        }
    }
}

// --- Start, no-load, constant: with pulses

// The pulses that the LEDs of a box give at one constant.
class PulseCounter {
  public:
    explicit PulseCounter(int constant) { (void)bank_.set_constant(constant); }
    // A window has ended.
    void add(Wiring wiring, const meter::Measurement& m, Instant now) {
        drain(now);
        for (int h = 1; h <= meter::households(wiring); ++h) {
            Energy energy;
            for (int k = 0; k < meter::circuits_each(wiring); ++k) {
                const Circuit c = meter::circuit_of(wiring, {static_cast<std::uint8_t>(h)}, k);
                energy += m.circuits[c.index].forward + m.circuits[c.index].reverse;
            }
            bank_.add({static_cast<std::uint8_t>(h)}, energy, m.span, now);
        }
        next_ = now;
    }
    [[nodiscard]] int pulses(int household) const { return pulses_[static_cast<std::size_t>(household)]; }
    // Of the first and the second pulse, seconds.
    [[nodiscard]] double at(int household, int pulse) const {
        return times_[static_cast<std::size_t>(household)][static_cast<std::size_t>(pulse)];
    }
    [[nodiscard]] Energy residue(int household) const { return bank_.residue({static_cast<std::uint8_t>(household)}); }

  private:
    void drain(Instant until) {
        while (next_ <= until) {
            const Instant now = next_;
            const meter::PulseBank::Pulses given = bank_.poll(now);
            next_ = given.next > now ? given.next : now + microseconds(1);
            for (std::size_t h = 1; h <= kHouseholdsMax; ++h)
                if (given.leds >> (h - 1) & 1) {
                    if (pulses_[h] < 2)
                        times_[h][static_cast<std::size_t>(pulses_[h])] =
                            static_cast<double>(now.microseconds()) * 1e-6;
                    ++pulses_[h];
                }
        }
    }
    meter::PulseBank bank_;
    Instant next_ = kNever;
    std::array<int, kHouseholdsMax + 1> pulses_{};
    std::array<std::array<double, 2>, kHouseholdsMax + 1> times_{};
};

// metrology.md 1.2. All channels at Ist, power factor 1.
void start(Bench& bench) {
    const Rating& r = bench.rating;
    const int phases = meter::is_three_phase(bench.wiring) ? 3 : 1;
    const std::string test = phases == 3 ? "start, three phases" : "start";
    const double watts = phases * kNominalVolts * r.ist();
    const auto interval = [&](int constant) { return 3.6e6 / (constant * watts); };
    std::vector<int> constants(std::begin(kConstants), std::end(kConstants));
    if (bench.quick) constants = {5000};
    std::vector<PulseCounter> counters;
    double longest = 0;
    for (const int constant : constants) {
        counters.emplace_back(constant);
        longest = std::max(longest, interval(constant));
    }
    bench.front_end.set_supply({});
    bench.front_end.set_all_loads({});
    Metering meter = bench.metering();
    (void)read(bench.front_end, meter, kSettleSeconds);
    bench.front_end.set_all_loads({.amperes = r.ist()});
    Instant now{};
    const double seconds = 2.1 * longest + 2;
    (void)read(bench.front_end, meter, seconds, [&](const meter::Measurement& m) {
        now = now + m.span;
        for (PulseCounter& counter : counters)
            counter.add(bench.wiring, m, now);
    });
    bench.out.ran(seconds);
    for (std::size_t k = 0; k < counters.size(); ++k)
        for (int h = 1; h <= bench.households(); ++h) {
            if (!bench.out.judges_household(bench.wiring, h)) continue;
            const double ideal = interval(constants[k]);
            const bool both = counters[k].pulses(h) >= 2;
            const double first = both ? counters[k].at(h, 0) : 1e9;
            const double second = both ? counters[k].at(h, 1) - first : 1e9;
            const std::string imp = std::to_string(constants[k]) + " imp/kWh";
            bench.out.add(test, "2012: first pulse later than the ideal, " + imp, r, h,
                          std::max(0.0, error_percent(first, ideal)), "%", 20);
            bench.out.add(test, "class B: interval of pulses, " + imp, r, h, error_percent(second, ideal), "%", 1.5);
        }
}

// Mean power of each circuit in each window, with what the no-load limit hides.
class HiddenPower final : public meter::CycleSink {
  public:
    explicit HiddenPower(const Metering& metering) : metering_(metering) {}
    void on_cycle(const meter::Sums& cycle) override {
        for (std::size_t c = 0; c < kCircuitsMax; ++c)
            sum_[c] += static_cast<double>(metering_.active_power({static_cast<std::uint8_t>(c)}, cycle).count()) *
                       cycle.sample_count;
        samples_ += cycle.sample_count;
        if (++cycles_ < 10) return;
        for (std::size_t c = 0; c < kCircuitsMax; ++c) {
            const double watts = sum_[c] / samples_ * 1e-6;
            if (std::abs(watts) > std::abs(worst[c])) worst[c] = watts;
        }
        sum_ = {};
        samples_ = 0;
        cycles_ = 0;
    }
    std::array<double, kCircuitsMax> worst{};

  private:
    const Metering& metering_;
    std::array<double, kCircuitsMax> sum_{};
    int samples_ = 0;
    int cycles_ = 0;
};

// metrology.md 1.3. Every other channel is open, its neighbours draw Imax; then the others.
void no_load(Bench& bench) {
    const Rating& r = bench.rating;
    struct Regime {
        const char* text;
        double volts;
    };
    static constexpr Regime kRegimes[] = {{"2012: 115 % Un", 1.15 * kNominalVolts},
                                          {"class B: 110 % Un", 1.1 * kNominalVolts}};
    for (const Regime& regime : kRegimes) {
        const bool old = &regime == &kRegimes[0];
        // For 600 imp/kWh, the longest; the other two need less. Quick: a minute and the largest power in it.
        const double computed = old ? 600e6 / (600 * kNominalVolts * r.imax()) * 60
                                    : 100e3 / (1.1 * 1.5 * 600 * kNominalVolts * r.imin()) * 3600;
        const double seconds = bench.quick ? 15 : computed;
        for (const std::size_t loaded : {0u, 1u}) {
            bench.front_end.set_supply({.volts = regime.volts});
            for (std::size_t c = 0; c < kCircuitsMax; ++c)
                bench.front_end.set_load(
                    {static_cast<std::uint8_t>(c)},
                    c % 2 == loaded ? Load{.amperes = r.imax(), .lag_turns = lag_turns_of(c % 4 < 2 ? 0.5 : -0.5)}
                                    : Load{});
            Metering meter = bench.metering();
            (void)read(bench.front_end, meter, kSettleSeconds);
            HiddenPower hidden(meter);
            meter.report_cycles_to(&hidden);
            PulseCounter counter(5000);
            Instant now{};
            const Reading reading = read(bench.front_end, meter, seconds, [&](const meter::Measurement& m) {
                now = now + m.span;
                counter.add(bench.wiring, m, now);
            });
            bench.out.ran(seconds);
            const double threshold = static_cast<double>(meter.no_load_limit().count()) * 1e-6;
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                if (c % 2 == loaded || !bench.out.judges(c)) continue;
                const int channel = static_cast<int>(c + 1);
                bench.out.add("no-load", std::string(regime.text) + ", pulses in the computed time", r, channel,
                              counter.pulses(channel), "pulses", 1);
                bench.out.add("no-load", std::string(regime.text) + ", energy counted", r, channel,
                              static_cast<double>(reading.forward[c] + reading.reverse[c]), "J", 1);
                bench.out.add("no-load",
                              std::string(regime.text) + ", largest power of a window against what is counted", r,
                              channel, hidden.worst[c], "W", threshold);
            }
        }
    }
}

// Register times constant against pulses, and the register against the source.
void constant_test(Bench& bench) {
    const Rating& r = bench.rating;
    for (std::size_t c = 0; c < kCircuitsMax; ++c)
        bench.front_end.set_load({static_cast<std::uint8_t>(c)},
                                 {.amperes = r.imax() * (c % 2 == 0 ? 1 : -0.37), .lag_turns = lag_turns_of(1)});
    bench.front_end.set_supply({});
    Metering meter = bench.metering();
    (void)read(bench.front_end, meter, kSettleSeconds);
    std::vector<PulseCounter> counters;
    for (const int constant : kConstants)
        counters.emplace_back(constant);
    Instant now{};
    const double seconds = bench.quick ? 20 : 300;
    const Reading reading = read(bench.front_end, meter, seconds, [&](const meter::Measurement& m) {
        now = now + m.span;
        for (PulseCounter& counter : counters)
            counter.add(bench.wiring, m, now);
    });
    bench.out.ran(seconds);
    for (std::size_t c = 0; c < kCircuitsMax; ++c) {
        if (!bench.out.judges(c)) continue;
        const int channel = static_cast<int>(c + 1);
        const auto joules = reading.forward[c] + reading.reverse[c];
        for (std::size_t k = 0; k < counters.size(); ++k) {
            const std::int64_t pulse = kJoulesPerKilowattHour / kConstants[k];
            bench.out.add(
                "constant test",
                "register less pulses and what has not become one, " + std::to_string(kConstants[k]) + " imp/kWh", r,
                channel,
                static_cast<double>(joules - counters[k].pulses(channel) * pulse -
                                    counters[k].residue(channel).count()),
                "J", static_cast<double>(pulse));
        }
        bench.out.add(
            "constant test",
            c % 2 == 0 ? "register against the source, Imax" : "register against the source, 0.37 Imax, reverse", r,
            channel,
            error_percent(static_cast<double>(joules),
                          std::abs(bench.front_end.true_watts({static_cast<std::uint8_t>(c)})) * reading.seconds),
            "%", 1.0);
    }
}

// --- Households on three phases

void set_household(Bench& bench, int household, const std::array<double, 3>& amperes, double power_factor) {
    for (int k = 0; k < 3; ++k)
        bench.front_end.set_load(bench.circuit(household, k), {.amperes = amperes[static_cast<std::size_t>(k)],
                                                               .lag_turns = lag_turns_of(power_factor)});
}

void three_phase_errors(Bench& bench) {
    const Rating& r = bench.rating;
    const double seconds = bench.quick ? 1 : 5;
    const auto judge = [&](const std::string& test, const std::string& text, int h, double value, double limit) {
        if (bench.out.judges_household(bench.wiring, h)) bench.out.add(test, text, r, h, value, "%", limit);
    };
    // Balanced.
    std::vector<Point> points;
    for (const double pf : {1.0, 0.5, -0.8})
        for (const auto& [text, amperes] :
             {std::pair{"Imax", r.imax()}, {"Ib", r.ib()}, {"0.2 Ib", 0.2 * r.ib()}, {"0.1 Ib", 0.1 * r.ib()}})
            points.push_back(point(text, amperes, pf, limit_of_class1(r, amperes, pf)));
    points.push_back(point("0.05 Ib", 0.05 * r.ib(), 1, 1.5));
    const std::size_t rounds = bench.quick ? 1 : points.size();
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto at = [&](int h) -> const Point& {
            return points[(static_cast<std::size_t>(h) + round) % points.size()];
        };
        for (int h = 1; h <= bench.households(); ++h)
            set_household(bench, h, {at(h).amperes, at(h).amperes, at(h).amperes}, at(h).power_factor);
        const Reading reading = bench.measure({}, seconds);
        for (int h = 1; h <= bench.households(); ++h)
            judge("three phases, balanced", at(h).text, h, bench.household_error(reading, h), at(h).limit_percent);
    }
    // Single-phase load, balanced voltages: each phase in turn.
    std::vector<Point> single;
    for (const auto& [text, amperes] : {std::pair{"Imax", r.imax()}, {"Ib", r.ib()}, {"0.1 Ib", 0.1 * r.ib()}})
        single.push_back(point(text, amperes, 1, 2.0));
    for (const auto& [text, amperes] : {std::pair{"Imax", r.imax()}, {"Ib", r.ib()}, {"0.2 Ib", 0.2 * r.ib()}})
        single.push_back(point(text, amperes, 0.5, 2.0));
    for (std::size_t phase = 0; phase < 3; ++phase)
        for (std::size_t round = 0; round < (bench.quick ? 1 : single.size()); ++round) {
            const auto at = [&](int h) -> const Point& {
                return single[(static_cast<std::size_t>(h) + round) % single.size()];
            };
            for (int h = 1; h <= bench.households(); ++h) {
                std::array<double, 3> amperes{};
                amperes[phase] = at(h).amperes;
                set_household(bench, h, amperes, at(h).power_factor);
            }
            const Reading reading = bench.measure({}, seconds);
            for (int h = 1; h <= bench.households(); ++h)
                judge("three phases, load on one", at(h).text, h, bench.household_error(reading, h), 2.0);
        }
    // The difference of the two, and supplies that are not what they should be, at Ib.
    const auto all_at = [&](const std::array<double, 3>& amperes) {
        for (int h = 1; h <= bench.households(); ++h)
            set_household(bench, h, amperes, 1);
    };
    all_at({r.ib(), r.ib(), r.ib()});
    const Reading balanced = bench.measure({}, seconds);
    std::array<double, kHouseholdsMax + 1> before{};
    for (int h = 1; h <= bench.households(); ++h)
        before[static_cast<std::size_t>(h)] = bench.household_error(balanced, h);
    for (std::size_t phase = 0; phase < 3; ++phase) {
        std::array<double, 3> amperes{};
        amperes[phase] = r.ib();
        all_at(amperes);
        const Reading reading = bench.measure({}, seconds);
        for (int h = 1; h <= bench.households(); ++h)
            judge("three phases, load on one", "Ib, difference to balanced", h,
                  bench.household_error(reading, h) - before[static_cast<std::size_t>(h)], 1.5);
    }
    all_at({r.ib(), r.ib(), r.ib()});
    for (std::size_t lost = 1; lost < 7; ++lost) {
        Supply supply;
        for (std::size_t p = 0; p < 3; ++p)
            supply.lost[p] = lost >> p & 1;
        const Reading reading = bench.measure(supply, seconds);
        for (int h = 1; h <= bench.households(); ++h)
            judge("three phases, variation", lost == 3 || lost > 4 ? "two phases lost, Ib" : "one phase lost, Ib", h,
                  bench.household_error(reading, h) - before[static_cast<std::size_t>(h)], 2.0);
    }
    all_at({0.1 * r.ib(), 0.1 * r.ib(), 0.1 * r.ib()});
    const Reading forward = bench.measure({}, seconds);
    for (int h = 1; h <= bench.households(); ++h)
        before[static_cast<std::size_t>(h)] = bench.household_error(forward, h);
    const Reading backward = bench.measure({.reversed_sequence = true}, seconds);
    for (int h = 1; h <= bench.households(); ++h)
        judge("three phases, variation", "phase sequence reversed, 0.1 Ib", h,
              bench.household_error(backward, h) - before[static_cast<std::size_t>(h)], 1.5);
    // One wire turned round: nothing is netted.
    all_at({r.ib(), -0.37 * r.ib(), 2 * r.ib()});
    const double longer = bench.quick ? 5 : 30;
    const Reading turned = bench.measure({}, longer);
    for (int h = 1; h <= bench.households(); ++h) {
        std::int64_t joules_forward = 0;
        std::int64_t joules_reverse = 0;
        for (int k = 0; k < 3; ++k) {
            joules_forward += turned.forward[bench.circuit(h, k).index];
            joules_reverse += turned.reverse[bench.circuit(h, k).index];
        }
        judge("three phases, one turned round", "forward register", h,
              error_percent(static_cast<double>(joules_forward), 3 * kNominalVolts * r.ib() * turned.seconds), 1.0);
        judge("three phases, one turned round", "reverse register", h,
              error_percent(static_cast<double>(joules_reverse), 0.37 * kNominalVolts * r.ib() * turned.seconds), 1.0);
    }
}

void run_rating(const Class1Options& options, const Rating& rating, Collector& out) {
    Bench bench(options, rating, Wiring::k39x1, out);
    const Calibration nominal = meter::default_calibration(amperes(rating.basic), amperes(rating.maximum));
    percentage_errors(bench, "before calibration (told, not judged)", points_of_class1(rating), nominal, false);
    percentage_errors(bench, "class 1, errors", points_of_class1(rating), bench.calibration, true);
    percentage_errors(bench, "class B, errors", points_of_class_b(rating), bench.calibration, true);
    percentage_errors(bench, "off the grid, errors", points_off_grid(rating), bench.calibration, true);
    influence_errors(bench);
    waveform_errors(bench);
    temperature_errors(options, bench);
    cross_talk_errors(bench);
    changing_load_errors(bench);
    repeatability(bench);
    start(bench);
    no_load(bench);
    constant_test(bench);
    Bench three(options, rating, Wiring::k13x3phase, out);
    three_phase_errors(three);
    start(three);
}

}  // namespace

double Class1Row::share_percent() const {
    return limit > 0 ? std::abs(value) / limit * 100 : 0;
}

bool Class1Report::all_met() const {
    return !rows.empty() && std::all_of(rows.begin(), rows.end(), [](const Class1Row& row) { return row.met(); });
}

bench::Figures Class1Report::figures() const {
    bench::Figures figures;
    std::vector<std::string> seen;
    for (const Class1Row& row : rows) {  // worst first
        if (row.limit <= 0 || std::find(seen.begin(), seen.end(), row.test) != seen.end()) continue;
        seen.push_back(row.test);
        figures.rows.push_back({"class1 worst share of a limit: " + row.test, row.share_percent(), "%",
                                bench::Goal::kAtMost, kShareGoalPercent,
                                row.point + ", " + row.rating + ", channel " + std::to_string(row.channel)});
    }
    figures.rows.push_back({"class1 readings", static_cast<double>(readings), "", bench::Goal::kNone, 0,
                            "a channel or household at a point"});
    figures.rows.push_back({"class1 time on the bench", bench_seconds, "s", bench::Goal::kNone, 0,
                            "simulated sample by sample, 39 channels at 4 kSa/s"});
    figures.rows.push_back({"class1 time that it took", host_seconds, "s", bench::Goal::kNone, 0, "this machine"});
    return figures;
}

std::string Class1Report::table() const {
    std::string out;
    char line[256];
    std::snprintf(line, sizeof line, "%7s %12s %-6s %8s  %-10s %-3s %-34s %s\n", "share", "worst", "", "limit",
                  "rating", "ch", "test", "point");
    out += line;
    for (const Class1Row& row : rows) {
        char share[16] = "";
        char limit[16] = "";
        if (row.limit > 0) {
            std::snprintf(share, sizeof share, "%.1f %%%s", row.share_percent(), row.met() ? "" : "!");
            std::snprintf(limit, sizeof limit, "%.4g", row.limit);
        }
        std::snprintf(line, sizeof line, "%7s %12.4f %-6s %8s  %-10s %-3d %-34s %s\n", share, row.value,
                      row.unit.c_str(), limit, row.rating.c_str(), row.channel, row.test.c_str(), row.point.c_str());
        out += line;
    }
    out += "\n" + figures().table() + "\nNot simulated:\n";
    for (const std::string_view what : kNotSimulated)
        out += "  " + std::string(what) + "\n";
    return out + std::string(kProvenance) + "\n";
}

std::string Class1Report::json() const {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Class1Row& row : rows) {
        nlohmann::ordered_json one{{"test", row.test},       {"point", row.point}, {"rating", row.rating},
                                   {"channel", row.channel}, {"value", row.value}, {"unit", row.unit}};
        one["limit"] = row.limit > 0 ? nlohmann::ordered_json(row.limit) : nlohmann::ordered_json(nullptr);
        one["share_percent"] =
            row.limit > 0 ? nlohmann::ordered_json(row.share_percent()) : nlohmann::ordered_json(nullptr);
        one["met"] = row.limit > 0 ? nlohmann::ordered_json(row.met()) : nlohmann::ordered_json(nullptr);
        list.push_back(std::move(one));
    }
    nlohmann::ordered_json all = nlohmann::ordered_json::parse(figures().json());
    all["points"] = std::move(list);
    all["not_simulated"] = kNotSimulated;
    all["provenance"] = kProvenance;
    return all.dump(2);
}

Class1Report run_class1(const Class1Options& options) {
    const auto began = std::chrono::steady_clock::now();
    Collector out(options);
    for (const Rating& rating : kRatings)
        run_rating(options, rating, out);
    Class1Report report = out.report();
    report.host_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return report;
}

}  // namespace prewatt::verify

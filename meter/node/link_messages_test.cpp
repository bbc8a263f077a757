#include "meter/node/link_messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "protocols/interlink/link.hpp"

namespace prewatt::meter {
namespace {

std::string hex(Bytes bytes) {
    std::string text;
    for (const Byte byte : bytes) {
        static constexpr const char* kDigits = "0123456789ABCDEF";
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

Measurement random_measurement(std::mt19937& random, Wiring wiring) {
    Measurement m;
    m.span = microseconds(200'000 + random() % 5'000);
    for (PhaseMeasurement& phase : m.phases)
        phase = {Voltage{static_cast<std::int64_t>(random() % 260'000)}, millihertz(49'000 + random() % 2'000),
                 random() % 2 == 0};
    for (CircuitMeasurement& c : m.circuits)
        c.power_factor = PowerFactor{1000};
    for (int k = 0; k < households(wiring) * circuits_each(wiring); ++k) {
        if (random() % 3 == 0) continue;
        CircuitMeasurement& c = m.circuits[static_cast<std::size_t>(k)];
        c.current = Current{static_cast<std::int64_t>(random() % 60'000'000)};
        c.apparent = ApparentPower{(1 + static_cast<std::int64_t>(random() % 15'000'000)) * 1000};
        c.active = ActivePower{(static_cast<std::int64_t>(random() % 30'000'000) - 15'000'000) * 1000};
        c.reactive = ReactivePower{(static_cast<std::int64_t>(random() % 30'000'000) - 15'000'000) * 1000};
        c.power_factor = PowerFactor{std::clamp<std::int64_t>(
            divide(c.active.count() * 1000, c.apparent.count(), Round::kNearest), -1000, 1000)};
    }
    return m;
}

TEST(LinkMessages, WindowComesBackAsItWasWithEveryWiring) {
    // A household is charged what its neighbour has used.
    std::mt19937 random(3);
    std::array<Byte, kWindowSizeMax> bytes{};
    for (const Wiring wiring : {Wiring::k39x1, Wiring::k18x2, Wiring::k12x3, Wiring::k13x3phase})
        for (int round = 0; round < 50; ++round) {
            const Measurement m = random_measurement(random, wiring);
            std::array<HouseholdTotals, kHouseholdsMax> totals{};
            for (int n = 0; n < households(wiring); ++n)
                totals[static_cast<std::size_t>(n)] = {static_cast<std::uint32_t>(random()),
                                                       static_cast<std::uint32_t>(random())};
            const std::size_t size = encode_message(m, {7, 9}, totals, wiring, bytes);
            ASSERT_LE(size, kWindowSizeMax);
            MeteringWindow back;
            std::uint16_t orders = 0;
            ASSERT_TRUE(decode(Bytes(bytes).first(size), wiring, back, orders));
            EXPECT_EQ(back.session, 7);
            EXPECT_EQ(orders, 9);
            EXPECT_EQ(back.totals, totals);
            EXPECT_EQ(back.measurement.span, m.span);
            for (std::size_t p = 0; p < 3; ++p) {
                EXPECT_EQ(back.measurement.phases[p].voltage, m.phases[p].voltage);
                EXPECT_EQ(back.measurement.phases[p].frequency, m.phases[p].frequency);
                EXPECT_EQ(back.measurement.phases[p].present, m.phases[p].present);
            }
            for (std::size_t c = 0; c < kCircuitsMax; ++c) {
                EXPECT_EQ(back.measurement.circuits[c].current, m.circuits[c].current);
                EXPECT_EQ(back.measurement.circuits[c].active, m.circuits[c].active);
                EXPECT_EQ(back.measurement.circuits[c].reactive, m.circuits[c].reactive);
                EXPECT_EQ(back.measurement.circuits[c].apparent, m.circuits[c].apparent);
                EXPECT_EQ(back.measurement.circuits[c].power_factor, m.circuits[c].power_factor);
            }
            // Whatever is changed in what is booked is seen, even where the frame's own sum would fit by chance.
            const std::size_t first = size - 4 - 8 * static_cast<std::size_t>(households(wiring));
            for (std::size_t at = first; at < size; ++at) {
                bytes[at] ^= static_cast<Byte>(1 + random() % 255);
                EXPECT_FALSE(decode(Bytes(bytes).first(size), wiring, back, orders)) << at;
                (void)encode_message(m, {7, 9}, totals, wiring, bytes);
            }
            EXPECT_FALSE(decode(Bytes(bytes).first(size - 1), wiring, back, orders));
        }
}

TEST(LinkMessages, GoldenBytesStayAsTheyAre) {
    // One of the two processors gets a new program and reads the other's currents as powers.
    std::array<Byte, kWindowSizeMax> bytes{};
    Measurement m;
    m.span = milliseconds(200);
    m.phases[0] = {volts(220), millihertz(50'000), true};
    m.circuits[2] = {
        Current{4'545'000}, watts(1000), ReactivePower{-2'000'000}, ApparentPower{1'000'100'000}, {}, {}, {}};
    std::array<HouseholdTotals, kHouseholdsMax> totals{};
    totals[0] = {0x01020304, 5};
    EXPECT_EQ(hex(Bytes(bytes).first(encode_message(m, {1, 0x0203}, totals, Wiring::k12x3, bytes))),
              "01000302400D0300605B030050C3010000000000000000000000000000"
              "0400000000"
              "E859450040420F0030F8FFFFA4420F00"
              "0C0403020105000000" +
                  std::string(11 * 16, '0') + "2FACA4CC");
    EXPECT_EQ(hex(Bytes(bytes).first(encode_message(OvercurrentReport{{4}, amperes(45)}, bytes))), "0440A5AE02");
    EXPECT_EQ(hex(Bytes(bytes).first(encode_message(CaptureRequest{3, 7}, bytes))), "0307");
    EXPECT_EQ(hex(Bytes(bytes).first(encode_message(PeerSilence{milliseconds(1500), true}, bytes))), "DC05000001");
    MeteringOrders orders;
    orders.version = 0x0102;
    orders.session_name = 3;
    orders.session_replaces = 2;
    orders.pulse_width_ms = 50;
    orders.test_household = 9;
    orders.contacts_known = 0x7FFFFFFFFF;
    orders.contacts_closed = 5;
    orders.gross_limit[1] = amperes(30);
    ASSERT_EQ(encode_message(orders, bytes), kOrdersSize);
    EXPECT_EQ(hex(Bytes(bytes).first(24)), "02010300020040063209FFFFFFFF7F050000000000002C01");
    EXPECT_EQ(decode_orders(Bytes(bytes).first(kOrdersSize)), orders);
}

TEST(LinkMessages, ReportsAndCapturesComeBackAsTheyWere) {
    // The explanation of a cut shows another step than the one that made it.
    std::array<Byte, interlink::kRecordSizeMax> bytes{};
    StepReport report;
    report.circuit = {38};
    report.shape = StepShape::kHalfWave;
    report.power = -watts(1234);
    report.nonactive = ReactivePower{77'000'000};
    report.reactive = ReactivePower{-5'000'000};
    report.leaving = watts(3);
    report.resistive = watts(1500);
    report.conductance_microsiemens = 30'991;
    report.power_factor_ten_thousandths = -9'999;
    report.residual_ten_thousandths = 141;
    report.cycles = 8;
    report.cycles_agreed = 7;
    report.base_power = watts(100);
    report.base_conductance_microsiemens = 2'000;
    report.total_conductance_microsiemens = 33'000;
    report.rush_tenths = 13;
    report.decision_ms = 160;
    report.capture = 200;
    const std::size_t size = encode_message(report, bytes);
    const auto back = decode_step(Bytes(bytes).first(size));
    ASSERT_TRUE(back);
    std::array<Byte, interlink::kRecordSizeMax> again{};
    EXPECT_EQ(encode_message(*back, again), size);
    EXPECT_EQ(bytes, again);
    EXPECT_EQ(back->power, report.power);
    EXPECT_EQ(back->reactive, report.reactive);
    EXPECT_EQ(back->power_factor_ten_thousandths, report.power_factor_ten_thousandths);
    EXPECT_EQ(back->capture, 200);

    StepCapture capture;
    std::int16_t value = -300;
    for (auto* run : {&capture.voltage_before, &capture.current_before, &capture.voltage_after, &capture.current_after})
        for (std::int16_t& point : *run)
            point = value = static_cast<std::int16_t>(value + 3);
    StepCapture joined;
    for (std::uint8_t k = kCaptureParts; k-- > 0;) {
        const std::size_t part_size = encode_message(part_of(capture, 5, k), bytes);
        const auto part = decode_capture_part(Bytes(bytes).first(part_size));
        ASSERT_TRUE(part && part->capture == 5 && part->part == k);
        put_part(*part, joined);
    }
    EXPECT_EQ(joined.voltage_before, capture.voltage_before);
    EXPECT_EQ(joined.current_before, capture.current_before);
    EXPECT_EQ(joined.voltage_after, capture.voltage_after);
    EXPECT_EQ(joined.current_after, capture.current_after);
}

TEST(LinkMessages, AnyBytesAreRefusedOrMakeTheSameBytesAgain) {
    // A report about circuit 200 writes into somebody else's account.
    std::mt19937 random(9);
    std::array<Byte, 200> bytes{};
    std::array<Byte, 200> again{};
    for (int round = 0; round < 20'000; ++round) {
        const std::size_t size = random() % (round % 2 == 0 ? 12 : 120);
        for (std::size_t k = 0; k < size; ++k)
            bytes[k] = static_cast<Byte>(random() % 3 == 0 ? random() : random() % 9);
        const Bytes in = Bytes(bytes).first(size);
        if (const auto r = decode_overcurrent(in)) {
            EXPECT_LT(r->circuit.index, kCircuitsMax);
            EXPECT_TRUE(equal(in, Bytes(again).first(encode_message(*r, again))));
        }
        if (const auto r = decode_step(in)) {
            EXPECT_LT(r->circuit.index, kCircuitsMax);
        }
        if (const auto r = decode_capture_part(in)) {
            StepCapture capture;
            put_part(*r, capture);
        }
        MeteringWindow window;
        std::uint16_t orders = 0;
        EXPECT_FALSE(decode(in, Wiring::k39x1, window, orders));
    }
}

}  // namespace
}  // namespace prewatt::meter

// Does the memory of a box last ten years, and is the energy safe that it holds? (product.md M15)
//
// Decides nothing: runs a box of 39 households at cycle level on a memory that counts how often each byte and each
// 64-byte page is written, for a few days of a load that is heavier than any building's mean, projects the counts to
// ten years and names the hottest cells. The rings of records are driven for years at rates that no house reaches and
// no attacker can exceed. Then the two losses of supply: with warning (bytes, pages and time of what is saved at the
// worst instant), and without (what a reading of the memory lacks, at the largest load and the worst instant).
//
// Memories: EEPROM (1,000,000 cycles of a page, 5 ms each; one write() that touches a page is one cycle, as a driver
// without a cache does it) and FRAM (10^12, 9 us a byte on a bus of 1 MHz).
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/figures.hpp"
#include "meter/metrology/measurement.hpp"
#include "meter/ports.hpp"

namespace prewatt::verify {

inline constexpr std::uint32_t kPageBytes = 64;

// A memory that counts.
class CountingStorage final : public meter::Storage {
  public:
    explicit CountingStorage(std::uint32_t bytes);
    [[nodiscard]] std::uint32_t size() const override { return static_cast<std::uint32_t>(memory_.size()); }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override;
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override;

    struct Traffic {
        std::uint64_t writes = 0;
        std::uint64_t bytes = 0;
        std::uint64_t pages = 0;  // touched, write by write
        friend Traffic operator-(Traffic a, Traffic b) {
            return {a.writes - b.writes, a.bytes - b.bytes, a.pages - b.pages};
        }
        [[nodiscard]] double eeprom_ms() const { return 5.0 * static_cast<double>(pages); }
        // Written and read back.
        [[nodiscard]] double fram_ms() const { return 2 * 0.009 * static_cast<double>(bytes + 4 * writes); }
    };
    [[nodiscard]] const Traffic& traffic() const { return traffic_; }

    struct Cell {
        std::uint32_t address = 0;
        std::uint64_t writes = 0;
    };
    // The most written byte, and the most written page, of a part of the memory.
    [[nodiscard]] Cell hottest_byte(std::uint32_t from, std::uint32_t to) const;
    [[nodiscard]] Cell hottest_page(std::uint32_t from, std::uint32_t to) const;
    void forget_counts();
    // Called after every write, with its bytes.
    std::function<void(Bytes)> on_write;

  private:
    std::vector<Byte> memory_;
    std::vector<std::uint32_t> byte_writes_;
    std::vector<std::uint32_t> page_writes_;
    Traffic traffic_;
};

struct StorageOptions {
    double days = 2;                     // of the building
    double kilowatt_hours_per_day = 20;  // of each household: 780 of a box
    std::uint32_t memory_bytes = 512 * 1024;
    std::uint64_t seed = 1;
};

[[nodiscard]] bench::Figures run_storage(const StorageOptions& options);

}  // namespace prewatt::verify

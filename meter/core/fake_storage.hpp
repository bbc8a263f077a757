// Storage in memory that fails on request.
//
// The fault model. Bytes reach the memory in the order of the writes. A power cut at byte n lets n bytes of all that is
// written through; the next byte comes out damaged (every bit turned, or as `damaged_byte` says), the rest stays old;
// from then on the memory does not answer until power_up(). A refused write (`fail_at_write`, counted from 0, for
// `fail_writes` writes) reports failure; whether its bytes arrived all the same is said by `failed_writes_arrive`.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "meter/ports.hpp"

namespace prewatt::meter {

class FakeStorage final : public Storage {
  public:
    struct Faults {
        std::int64_t fail_at_write = -1;
        std::int64_t fail_writes = 1;
        bool failed_writes_arrive = false;
        std::int64_t cut_at_byte = -1;
        int damaged_byte = -1;  // -1: every bit turned; 256: not damaged at all; else this value
        bool read_fails = false;
    };

    explicit FakeStorage(std::uint32_t bytes = 32 * 1024, Byte blank = 0xFF) : bytes_(bytes, blank) {}
    FakeStorage(std::uint32_t bytes, Faults faults) : bytes_(bytes, 0xFF), faults_(faults) {}

    [[nodiscard]] std::uint32_t size() const override { return static_cast<std::uint32_t>(bytes_.size()); }
    [[nodiscard]] bool read(std::uint32_t address, MutableBytes out) override {
        if (is_cut_ || faults_.read_fails || address + out.size() > bytes_.size()) return false;
        std::copy_n(bytes_.begin() + address, out.size(), out.begin());
        return true;
    }
    [[nodiscard]] bool write(std::uint32_t address, Bytes bytes) override {
        if (is_cut_ || address + bytes.size() > bytes_.size()) return false;
        const std::int64_t number = writes_++;
        const bool refused = faults_.fail_at_write >= 0 && number >= faults_.fail_at_write &&
                             number < faults_.fail_at_write + faults_.fail_writes;
        if (refused && !faults_.failed_writes_arrive) return false;
        for (const Byte byte : bytes) {
            if (bytes_written_ == faults_.cut_at_byte) {
                if (faults_.damaged_byte < 0) bytes_[address] = static_cast<Byte>(~bytes_[address]);
                if (faults_.damaged_byte >= 0 && faults_.damaged_byte < 256)
                    bytes_[address] = static_cast<Byte>(faults_.damaged_byte);
                is_cut_ = true;
                return false;
            }
            bytes_[address++] = byte;
            ++bytes_written_;
        }
        return !refused;
    }

    // The supply is back, with other faults to come; counts start again.
    void power_up(Faults faults) {
        faults_ = faults;
        is_cut_ = false;
        writes_ = 0;
        bytes_written_ = 0;
    }
    void power_up() { power_up(Faults{}); }
    [[nodiscard]] bool is_cut() const { return is_cut_; }
    [[nodiscard]] std::int64_t writes() const { return writes_; }
    [[nodiscard]] std::int64_t bytes_written() const { return bytes_written_; }
    [[nodiscard]] std::vector<Byte>& bytes() { return bytes_; }
    [[nodiscard]] const std::vector<Byte>& bytes() const { return bytes_; }

  private:
    std::vector<Byte> bytes_;
    Faults faults_{};
    bool is_cut_ = false;
    std::int64_t writes_ = 0;
    std::int64_t bytes_written_ = 0;
};

}  // namespace prewatt::meter

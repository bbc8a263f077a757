// A vector and a queue with a capacity fixed at compile time and no heap. push_back and push on a full container are
// refused (false) and change nothing: the caller decides what is dropped.
#pragma once
#include <array>
#include <cstddef>

namespace prewatt {

template <class T, std::size_t kCapacity>
class FixedVector {
  public:
    constexpr bool push_back(const T& value) {
        if (size_ == kCapacity) return false;
        items_[size_++] = value;
        return true;
    }
    constexpr void pop_back() {
        if (size_ > 0) --size_;
    }
    constexpr void clear() { size_ = 0; }
    constexpr void resize(std::size_t n) { size_ = n < kCapacity ? n : kCapacity; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] static constexpr std::size_t capacity() { return kCapacity; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr bool full() const { return size_ == kCapacity; }
    constexpr T& operator[](std::size_t k) { return items_[k]; }
    constexpr const T& operator[](std::size_t k) const { return items_[k]; }
    constexpr T* data() { return items_.data(); }
    constexpr const T* data() const { return items_.data(); }
    constexpr T* begin() { return items_.data(); }
    constexpr T* end() { return items_.data() + size_; }
    constexpr const T* begin() const { return items_.data(); }
    constexpr const T* end() const { return items_.data() + size_; }
    constexpr T& back() { return items_[size_ - 1]; }

  private:
    std::array<T, kCapacity> items_{};
    std::size_t size_ = 0;
};

// First in, first out.
template <class T, std::size_t kCapacity>
class FixedQueue {
  public:
    constexpr bool push(const T& value) {
        if (size_ == kCapacity) return false;
        items_[(head_ + size_++) % kCapacity] = value;
        return true;
    }
    constexpr void pop() {
        if (size_ == 0) return;
        head_ = (head_ + 1) % kCapacity;
        --size_;
    }
    [[nodiscard]] constexpr const T& front() const { return items_[head_]; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }

  private:
    std::array<T, kCapacity> items_{};
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace prewatt

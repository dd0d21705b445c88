// Takes the place of csrc/cuda/device/ptx.cuh: the same functions, run by fibers on the CPU. What
// they do is said there.
#pragma once

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <source_location>

#include "../fibers.hpp"

namespace mmkernels::cuda::ptx {

inline int thread() { return shim::fiber().thread; }
inline int threads() { return static_cast<int>(shim::block().fibers.size()); }
inline int64_t block() { return shim::block().index; }
inline int64_t blocks() { return shim::block().count; }
inline uint8_t* shared() { return shim::block().shared; }

inline void sync_threads(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::sync_threads();
}
inline void sync_warp(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::meet("sync_warp", [](shim::Warp&) {});
}

inline void copy_async(void* to_shared, const void* from_global) {
  shim::issue(to_shared, from_global);
}
inline void commit_copies() { shim::commit(); }
template <int pending>
inline void wait_copies(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::complete(shim::fiber(), pending);
}

inline void load_matrices(uint32_t (&values)[4], const void* row_in_shared) {
  if (reinterpret_cast<uintptr_t>(row_in_shared) % 16)
    throw std::runtime_error("a row of a matrix to load does not start at a multiple of 16");
  shim::Warp& warp = shim::block().warps[thread() / shim::kWarp];
  warp.argument[shim::lane()][0] = values;
  warp.argument[shim::lane()][1] = const_cast<void*>(row_in_shared);
  shim::meet("load_matrices", [](shim::Warp& all) {
    uint32_t loaded[32][4];
    for (int m = 0; m < 4; ++m)
      for (int l = 0; l < 32; ++l)
        std::memcpy(&loaded[l][m],
                    static_cast<const char*>(all.argument[m * 8 + l / 4][1]) + 4 * (l % 4), 4);
    for (int l = 0; l < 32; ++l) std::memcpy(all.argument[l][0], loaded[l], 16);
  });
}

struct Half {};
struct Bfloat16 {};

inline float bits_float(uint32_t x) { return std::bit_cast<float>(x); }
inline uint32_t float_bits(float x) { return std::bit_cast<uint32_t>(x); }
inline uint64_t double_bits(double x) { return std::bit_cast<uint64_t>(x); }
inline double bits_double(uint64_t x) { return std::bit_cast<double>(x); }

inline float from_bfloat16(uint16_t bits) { return bits_float(uint32_t{bits} << 16); }
inline uint16_t to_bfloat16(float x) {
  const uint32_t bits = float_bits(x);
  if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits >> 15 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1.0f + fraction / 1024.0f, exponent - 15)
                          : std::ldexp(static_cast<float>(fraction), -24));
}
inline uint16_t to_half(float x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const float size = std::abs(x);
  if (size != size) return sign | 0x7e00;
  if (size >= 65520.0f) return sign | 0x7c00;
  int exponent = 0;
  std::frexp(size, &exponent);
  const int unit = std::max(exponent - 11, -24);  // of the last place
  const float places = std::nearbyint(std::ldexp(size, -unit));
  if (places == 0) return sign;
  // places 2^unit, in which a carry into the next exponent comes out right by itself.
  const int stored = unit + 24;
  return sign | static_cast<uint16_t>((stored << 10) + static_cast<int>(places));
}

template <class Element>
inline float from_bits(uint16_t bits) {
  if constexpr (std::is_same_v<Element, Half>) return from_half(bits);
  return from_bfloat16(bits);
}

template <class Element>
inline void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  uint32_t b[2] = {b0, b1};
  shim::Warp& warp = shim::block().warps[thread() / shim::kWarp];
  warp.argument[shim::lane()][0] = sums;
  warp.argument[shim::lane()][1] = const_cast<uint32_t*>(a);
  warp.argument[shim::lane()][2] = b;
  shim::meet("multiply_add", [](shim::Warp& all) {
    float left[16][16], right[8][16];
    for (int l = 0; l < 32; ++l) {
      const int group = l / 4, pair = l % 4;
      const auto* of_a = static_cast<const uint32_t*>(all.argument[l][1]);
      const auto* of_b = static_cast<const uint32_t*>(all.argument[l][2]);
      for (int i = 0; i < 4; ++i)
        for (int h = 0; h < 2; ++h)
          left[group + i % 2 * 8][pair * 2 + h + i / 2 * 8] =
              from_bits<Element>(static_cast<uint16_t>(of_a[i] >> (16 * h)));
      for (int i = 0; i < 2; ++i)
        for (int h = 0; h < 2; ++h)
          right[group][pair * 2 + h + i * 8] =
              from_bits<Element>(static_cast<uint16_t>(of_b[i] >> (16 * h)));
    }
    for (int l = 0; l < 32; ++l) {
      auto* out = static_cast<float*>(all.argument[l][0]);
      for (int i = 0; i < 4; ++i) {
        const float* row = left[l / 4 + i / 2 * 8];
        const float* column = right[l % 4 * 2 + i % 2];
        float sum = 0;
        for (int k = 0; k < 16; ++k) sum += row[k] * column[k];
        out[i] += sum;
      }
    }
  });
}

template <class T>
inline T shuffle_xor(T value, int mask) {
  return shim::exchange("shuffle_xor", value, [mask](const T* all, int l) { return all[l ^ mask]; });
}
template <class T>
inline T shuffle(T value, int from) {
  // Each lane names its own source.
  struct Asked {
    T value;
    int from;
  };
  return shim::exchange("shuffle", Asked{value, from},
                        [](const Asked* all, int l) { return all[all[l].from & 31].value; });
}
inline uint32_t ballot(bool predicate) {
  return shim::exchange("ballot", predicate, [](const bool* all, int) {
    uint32_t bits = 0;
    for (int l = 0; l < 32; ++l) bits |= uint32_t{all[l]} << l;
    return bits;
  });
}
inline bool any(bool predicate) { return ballot(predicate) != 0; }

inline int count_bits(uint32_t bits) { return std::popcount(bits); }
inline int lowest_bit(uint32_t bits) { return std::countr_zero(bits); }
inline int lowest_bit(uint64_t bits) { return std::countr_zero(bits); }

template <class T, class Change>
inline T exchange_with(T* at, Change&& change) {
  const T before = *at;
  *at = change(before);
  return before;
}
inline int atomic_add(int* at, int value) {
  return exchange_with(at, [=](int old) { return old + value; });
}
inline uint64_t atomic_add(uint64_t* at, uint64_t value) {
  return exchange_with(at, [=](uint64_t old) { return old + value; });
}
inline int atomic_min(int* at, int value) {
  return exchange_with(at, [=](int old) { return std::min(old, value); });
}
inline int atomic_max(int* at, int value) {
  return exchange_with(at, [=](int old) { return std::max(old, value); });
}
inline int atomic_or(int* at, int value) {
  return exchange_with(at, [=](int old) { return old | value; });
}
inline uint64_t atomic_max(uint64_t* at, uint64_t value) {
  return exchange_with(at, [=](uint64_t old) { return std::max(old, value); });
}
inline uint64_t atomic_min(uint64_t* at, uint64_t value) {
  return exchange_with(at, [=](uint64_t old) { return std::min(old, value); });
}
inline uint64_t compare_and_swap(uint64_t* at, uint64_t expected, uint64_t value) {
  return exchange_with(at, [=](uint64_t old) { return old == expected ? value : old; });
}

inline float square_root_approximate(float x) { return std::sqrt(x); }
inline float exp2_approximate(float x) {
  const float result = std::exp2(x);
  return result < 0x1p-126f ? 0.0f : result;
}

inline void forget(float&) {}

inline float round_up(double x) {
  const float nearest = static_cast<float>(x);
  return static_cast<double>(nearest) < x ? std::nextafter(nearest, INFINITY) : nearest;
}

}  // namespace mmkernels::cuda::ptx

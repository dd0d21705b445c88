// The compiler's vector types for MMK_LANES float32 lanes; see tile_kernels_body.hpp.
#pragma once

#include <cstdint>

#include "tile_kernels.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

constexpr int kLanes = MMK_LANES;
constexpr int kDoubles = kLanes / 2;
constexpr int kVectors = kPanel / kLanes;

typedef float Float __attribute__((vector_size(4 * MMK_LANES)));
typedef float FloatUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(4)));
typedef int32_t Int __attribute__((vector_size(4 * MMK_LANES)));
typedef int32_t HalfInt __attribute__((vector_size(2 * MMK_LANES)));
typedef int32_t HalfIntUnaligned __attribute__((vector_size(2 * MMK_LANES), aligned(4)));
typedef float HalfFloat __attribute__((vector_size(2 * MMK_LANES)));
typedef float HalfFloatUnaligned __attribute__((vector_size(2 * MMK_LANES), aligned(4)));
typedef double Double __attribute__((vector_size(4 * MMK_LANES)));
typedef double DoubleUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(8)));

inline Float load(const float* p) { return *reinterpret_cast<const FloatUnaligned*>(p); }
inline void store(float* p, Float v) { *reinterpret_cast<FloatUnaligned*>(p) = v; }
inline Double load_double(const double* p) { return *reinterpret_cast<const DoubleUnaligned*>(p); }
inline void store_double(double* p, Double v) { *reinterpret_cast<DoubleUnaligned*>(p) = v; }
inline Double load_widened(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const HalfFloatUnaligned*>(p), Double);
}

// Lanes are added in a fixed pairwise order.
inline double sum_lanes(Double v) {
  double lane[kDoubles];
  for (int i = 0; i < kDoubles; ++i) lane[i] = v[i];
  for (int width = kDoubles / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

// Four independent chains hide the latency of the additions; the order is fixed by the code.
template <class First, class Second>
inline double dot(First first, Second second, int64_t n) {
  Double sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kDoubles <= n; i += 4 * kDoubles)
    for (int j = 0; j < 4; ++j) sum[j] += first(i + j * kDoubles) * second(i + j * kDoubles);
  for (; i + kDoubles <= n; i += kDoubles) sum[0] += first(i) * second(i);
  return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE

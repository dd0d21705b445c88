// The compiler's vector types for MMK_LANES float32 lanes; see tile_kernels_body.hpp.
#pragma once

#include <cstdint>
#include <utility>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "tile_kernels.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

constexpr int kLanes = MMK_LANES;
constexpr int kDoubles = kLanes / 2;
constexpr int kVectors = kPanel / kLanes;

typedef float Float __attribute__((vector_size(4 * MMK_LANES)));
typedef float FloatUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(4)));
typedef int32_t Int __attribute__((vector_size(4 * MMK_LANES)));
typedef int32_t Words __attribute__((vector_size(4 * MMK_LANES), aligned(4), may_alias));
typedef int32_t HalfInt __attribute__((vector_size(2 * MMK_LANES)));
typedef uint16_t HalfShort __attribute__((vector_size(MMK_LANES)));
typedef uint16_t HalfShortUnaligned __attribute__((vector_size(MMK_LANES), aligned(2)));
typedef float HalfFloat __attribute__((vector_size(2 * MMK_LANES)));
typedef float HalfFloatUnaligned __attribute__((vector_size(2 * MMK_LANES), aligned(4)));
typedef double Double __attribute__((vector_size(4 * MMK_LANES)));
typedef int64_t Long __attribute__((vector_size(4 * MMK_LANES)));
typedef double DoubleUnaligned __attribute__((vector_size(4 * MMK_LANES), aligned(8)));

inline Float load(const float* p) { return *reinterpret_cast<const FloatUnaligned*>(p); }
inline void store(float* p, Float v) { *reinterpret_cast<FloatUnaligned*>(p) = v; }
inline void store(double* p, Double v) { *reinterpret_cast<DoubleUnaligned*>(p) = v; }
// Values at a vector's own alignment.
inline const Float& aligned(const float* p) { return *reinterpret_cast<const Float*>(p); }
inline Float& aligned(float* p) { return *reinterpret_cast<Float*>(p); }

// Between float32 and float64; the compiler converts halves of a vector one by one. (A mask of all
// lanes, because GCC 12 warns of the unmasked forms.)
#if MMK_LANES == 16
inline Double widened(HalfFloat v) { return (Double)_mm512_maskz_cvtps_pd(0xff, (__m256)v); }
inline HalfFloat narrow(Double v) { return (HalfFloat)_mm512_maskz_cvtpd_ps(0xff, (__m512d)v); }
#elif MMK_LANES == 8
inline Double widened(HalfFloat v) { return (Double)_mm256_cvtps_pd((__m128)v); }
inline HalfFloat narrow(Double v) { return (HalfFloat)_mm256_cvtpd_ps((__m256d)v); }
#else
inline Double widened(HalfFloat v) { return __builtin_convertvector(v, Double); }
inline HalfFloat narrow(Double v) { return __builtin_convertvector(v, HalfFloat); }
#endif

// A vector of float32 as two of float64.
struct Halves {
  explicit Halves(Float v) {
    HalfFloat parts[2];
    __builtin_memcpy(parts, &v, sizeof v);
    low = widened(parts[0]);
    high = widened(parts[1]);
  }
  Double low, high;
};

// As many values as fit a vector of float64.
inline Double load_wide(const double* p) { return *reinterpret_cast<const DoubleUnaligned*>(p); }
inline Double load_wide(const float* p) {
  return widened(*reinterpret_cast<const HalfFloatUnaligned*>(p));
}

// Lanes that pass a comparison. The compiler has no operator that gathers them to bits, and what it
// makes of a loop over lanes costs more than the comparison.
#if MMK_LANES == 16
typedef __mmask16 Mask;
inline Mask at_least(Float a, Float b) {
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ);
}
inline Mask at_least(Int a, int32_t b) {
  return _mm512_cmp_epi32_mask((__m512i)a, _mm512_set1_epi32(b), _MM_CMPINT_NLT);
}
inline Mask either(Mask a, Mask b) { return a | b; }
inline uint32_t lane_bits(Mask mask) { return mask; }
#else
typedef Int Mask;
inline Mask at_least(Float a, Float b) { return a >= b; }
inline Mask at_least(Int a, int32_t b) { return a >= b; }
inline Mask either(Mask a, Mask b) { return a | b; }
inline uint32_t lane_bits(Mask mask) {
#if MMK_LANES == 8
  return _mm256_movemask_ps((__m256)mask);
#elif defined(__SSE2__)
  return _mm_movemask_ps((__m128)mask);
#else
  uint32_t bits = 0;
  for (int i = 0; i < kLanes; ++i) bits |= static_cast<uint32_t>(mask[i] & 1) << i;
  return bits;
#endif
}
#endif

// The kDoubles bits of the lanes that are equal.
inline uint64_t equal_bits(Long a, Long b) {
#if MMK_LANES == 16
  return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
#elif MMK_LANES == 8
  return _mm256_movemask_pd((__m256d)(a == b));
#elif defined(__SSE2__)
  return _mm_movemask_pd((__m128d)(a == b));
#else
  uint64_t bits = 0;
  for (int i = 0; i < kDoubles; ++i) bits |= static_cast<uint64_t>(a[i] == b[i]) << i;
  return bits;
#endif
}
// The compiler has no operator for roots either.
#if MMK_LANES == 16
inline Float square_root(Float v) { return (Float)_mm512_maskz_sqrt_ps(0xffff, (__m512)v); }
#elif MMK_LANES == 8
inline Float square_root(Float v) { return (Float)_mm256_sqrt_ps((__m256)v); }
#elif defined(__SSE2__)
inline Float square_root(Float v) { return (Float)_mm_sqrt_ps((__m128)v); }
#else
inline Float square_root(Float v) {
  for (int i = 0; i < kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}
#endif

inline Float larger(Float a, Float b) { return a > b ? a : b; }

using Lanes = std::make_integer_sequence<int, kLanes>;

// Of two vectors, both in blocks of Half lanes: the first block of each pair, or the second. (With
// the lanes as literals, or the compiler would shuffle as if it did not know them.)
template <int Half, class Vector, int... Lane>
inline Vector first_blocks(Vector a, Vector b, std::integer_sequence<int, Lane...>) {
  return __builtin_shuffle(a, b, Int{(Lane & Half ? kLanes + Lane - Half : Lane)...});
}
template <int Half, class Vector, int... Lane>
inline Vector second_blocks(Vector a, Vector b, std::integer_sequence<int, Lane...>) {
  return __builtin_shuffle(a, b, Int{(Lane & Half ? kLanes + Lane : Lane + Half)...});
}

// Transposes a square of lanes: blocks of half the width change places, then blocks within them.
template <int Half = kLanes / 2>
inline void transpose(Int (&rows)[kLanes]) {
  if constexpr (Half > 0) {
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r)
      if (!(r & Half)) {
        const Int first = rows[r], second = rows[r + Half];
        rows[r] = first_blocks<Half>(first, second, Lanes{});
        rows[r + Half] = second_blocks<Half>(first, second, Lanes{});
      }
    transpose<Half / 2>(rows);
  }
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

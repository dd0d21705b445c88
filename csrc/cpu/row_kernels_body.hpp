// What is done to single rows and short lists; see tile_kernels_body.hpp.
#pragma once

#include <cstdint>

#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

// Sum over i < n of first(i) * second(i), of vectors and of the single values that are left.
template <class First, class Second, class Single>
inline double sum_products(int64_t n, First first, Second second, Single single) {
  double sum = dot(first, second, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += single(i);
  return sum;
}

template <class Value>
double dot_row(const double* a, const Value* b, int64_t n) {
  return sum_products(
      n, [=](int64_t i) { return load_wide(a + i); }, [=](int64_t i) { return load_wide(b + i); },
      [=](int64_t i) { return a[i] * b[i]; });
}

template <class Value>
double distance_row(const double* a, const Value* b, int64_t n) {
  const auto difference = [=](int64_t i) { return load_wide(a + i) - load_wide(b + i); };
  return sum_products(n, difference, difference,
                      [=](int64_t i) { return (a[i] - b[i]) * (a[i] - b[i]); });
}

template <class Value>
double square_row(const Value* row, int64_t n) {
  const auto value = [=](int64_t i) { return load_wide(row + i); };
  return sum_products(n, value, value, [=](int64_t i) {
    return static_cast<double>(row[i]) * static_cast<double>(row[i]);
  });
}

// Sum over i < n of product(a[i], b[i]), of vectors and of the single values that are left.
template <class Product>
inline float sum_short(const float* a, const float* b, int64_t n, Product product) {
  Float sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j)
      sum[j] += product(load(a + i + j * kLanes), load(b + i + j * kLanes));
  for (; i + kLanes <= n; i += kLanes) sum[0] += product(load(a + i), load(b + i));
  sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  float total = 0;
  for (; i < n; ++i) total += product(a[i], b[i]);
  float lane[kLanes];
  for (int j = 0; j < kLanes; ++j) lane[j] = sum[0][j];
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lane[j] += lane[j + width];
  return total + lane[0];
}

float dot_short(const float* a, const float* b, int64_t n) {
  return sum_short(a, b, n, [](auto x, auto y) { return x * y; });
}

float distance_short(const float* a, const float* b, int64_t n) {
  return sum_short(a, b, n, [](auto x, auto y) { return (x - y) * (x - y); });
}

void widen_row(const float* row, double* out, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) store(out + i, load_wide(row + i));
  for (; i < n; ++i) out[i] = row[i];
}

template <class Value>
void add_row(double* sum, const Value* row, const double* origin, double factor, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    store(sum + i, load_wide(sum + i) + (load_wide(row + i) * factor - load_wide(origin + i)));
  for (; i < n; ++i) sum[i] += row[i] * factor - origin[i];
}

// The two roundings of centred rows: what is stored, and the value it stands for.
struct ToFloat {
  typedef float Stored;
  static Double store_rounded(Double value, float* out) {
    const HalfFloat kept = narrow(value);
    *reinterpret_cast<HalfFloatUnaligned*>(out) = kept;
    return widened(kept);
  }
};

struct ToBFloat16 {
  typedef uint16_t Stored;
  // Ties to even.
  static Double store_rounded(Double value, uint16_t* out) {
    const HalfInt bits = (HalfInt)narrow(value);
    const HalfInt kept = (bits + 0x7fff + (bits >> 16 & 1)) & ~0xffff;
    *reinterpret_cast<HalfShortUnaligned*>(out) = __builtin_convertvector(kept >> 16, HalfShort);
    return widened((HalfFloat)kept);
  }
};

// One pass over a row; the values that do not fill a vector are packed as one that zeros fill.
template <class Round, class Value>
RowMoments pack_row(const Value* row, const double* centre, double factor, double scale, int64_t n,
                    typename Round::Stored* out) {
  Double square[2] = {}, with_centre[2] = {}, lost[2] = {};
  const auto pack = [&](Double value, Double origin, typename Round::Stored* target, int chain) {
    const Double centred = (value * factor - origin) * scale;
    const Double difference = centred - Round::store_rounded(centred, target);
    square[chain] += centred * centred;
    with_centre[chain] += centred * origin;
    lost[chain] += difference * difference;
  };
  int64_t i = 0;
  for (; i + 2 * kDoubles <= n; i += 2 * kDoubles)
    for (int chain = 0; chain < 2; ++chain)
      pack(load_wide(row + i + chain * kDoubles), load_wide(centre + i + chain * kDoubles),
           out + i + chain * kDoubles, chain);
  for (; i < n; i += kDoubles) {
    const int64_t left = n - i < kDoubles ? n - i : kDoubles;
    double values[kDoubles] = {}, origins[kDoubles] = {};
    typename Round::Stored packed[kDoubles];
    for (int64_t j = 0; j < left; ++j) values[j] = row[i + j], origins[j] = centre[i + j];
    pack(load_wide(values), load_wide(origins), packed, 0);
    for (int64_t j = 0; j < left; ++j) out[i + j] = packed[j];
  }
  return {sum_lanes(square[0] + square[1]), sum_lanes(with_centre[0] + with_centre[1]),
          sum_lanes(lost[0] + lost[1])};
}

void match(const int64_t* a, const int64_t* b, int64_t k, uint64_t* masks) {
  alignas(64) int64_t padded[64];
  for (int64_t i = 0; i < k; ++i) padded[i] = a[i];
  for (int64_t i = k; i % kDoubles; ++i) padded[i] = 0;
  const uint64_t within = ~uint64_t{0} >> (64 - k);
  for (int64_t j = 0; j < k; ++j) {
    const Long wanted = Long{} + b[j];
    uint64_t mask = 0;
    for (int64_t i = 0; i < k; i += kDoubles)
      mask |= equal_bits(*reinterpret_cast<const Long*>(padded + i), wanted) << i;
    masks[j] = mask & within;
  }
}

template <class Value>
constexpr RowKernels<Value> row_kernels{
    .dot = dot_row<Value>,
    .distance = distance_row<Value>,
    .square = square_row<Value>,
    .add = add_row<Value>,
    .pack_float = pack_row<ToFloat, Value>,
    .pack_bfloat16 = pack_row<ToBFloat16, Value>,
};

void interleave(const void* rows, int64_t words, void* panel) {
  constexpr int bytes = sizeof(int32_t);
  const char* source = static_cast<const char*>(rows);
  char* target = static_cast<char*>(panel);
  int64_t w = 0;
  for (; w + kLanes <= words; w += kLanes)
    for (int first = 0; first < kPanel; first += kLanes) {
      Int square[kLanes];
      for (int r = 0; r < kLanes; ++r)
        square[r] = *reinterpret_cast<const Words*>(source + ((first + r) * words + w) * bytes);
      transpose(square);
      for (int r = 0; r < kLanes; ++r)
        *reinterpret_cast<Words*>(target + ((w + r) * kPanel + first) * bytes) = square[r];
    }
  for (; w < words; ++w)
    for (int r = 0; r < kPanel; ++r)
      __builtin_memcpy(target + (w * kPanel + r) * bytes, source + (r * words + w) * bytes, bytes);
}

// Bit patterns of floats, made to sort as the values do.
inline Int ordered(Int bits) { return bits ^ (bits >> 31 & 0x7fffffff); }

inline int32_t smallest_lane(Int v) {
#pragma GCC unroll 4
  for (int width = kLanes / 2; width > 0; width /= 2) {
    Int turned;
    for (int lane = 0; lane < kLanes; ++lane) turned[lane] = (lane + width) % kLanes;
    const Int other = __builtin_shuffle(v, turned);
    v = other < v ? other : v;
  }
  return v[0];
}

// How many patterns are at least `least`.
inline int64_t count_from(const float* values, int64_t n, int32_t least) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += kLanes)
    count += __builtin_popcount(lane_bits(at_least(ordered((Int)load(values + i)), least)));
  return count;
}

// The least pattern among those that are at least `least`.
inline int32_t smallest_from(const float* values, int64_t n, int32_t least) {
  Int smallest = Int{} + INT32_MAX;
  for (int64_t i = 0; i < n; i += kLanes) {
    const Int pattern = ordered((Int)load(values + i));
    const Int candidate = pattern >= least ? pattern : Int{} + INT32_MAX;
    smallest = candidate < smallest ? candidate : smallest;
  }
  return smallest_lane(smallest);
}

// Bisection of the ordered patterns between the least finite value and the largest, until exactly k
// values are on the upper side: some six counts, where a partial sort branches at each value.
float kth_largest(const float* values, int64_t n, int64_t k) {
  constexpr int32_t minus_infinity = ~0x7f800000;
  if (count_from(values, n, minus_infinity + 1) < k) return -__builtin_inff();
  Int most = Int{} + INT32_MIN;
  for (int64_t i = 0; i < n; i += kLanes) {
    const Int pattern = ordered((Int)load(values + i));
    most = pattern > most ? pattern : most;
  }
  // The answer is in [low, high].
  int64_t low = smallest_from(values, n, minus_infinity + 1), high = ~smallest_lane(~most);
  while (low < high) {
    const int32_t middle = static_cast<int32_t>(low + (high - low + 1) / 2);
    const int64_t reached = count_from(values, n, middle);
    if (reached == k) {
      low = smallest_from(values, n, middle);
      break;
    }
    if (reached > k)
      low = middle;
    else
      high = static_cast<int64_t>(middle) - 1;
  }
  const int32_t pattern = static_cast<int32_t>(low);
  const int32_t bits = pattern ^ (pattern >> 31 & 0x7fffffff);
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE

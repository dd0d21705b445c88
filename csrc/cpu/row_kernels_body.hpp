// What is done to single rows and short lists; see tile_kernels_body.hpp.
#pragma once

#include <cstdint>

#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

double dot_float(const double* a, const float* b, int64_t n) {
  double sum = dot([=](int64_t i) { return load_double(a + i); },
                   [=](int64_t i) { return load_widened(b + i); }, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

double dot_double(const double* a, const double* b, int64_t n) {
  double sum = dot([=](int64_t i) { return load_double(a + i); },
                   [=](int64_t i) { return load_double(b + i); }, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

double distance_float(const double* a, const float* b, int64_t n) {
  const auto difference = [=](int64_t i) { return load_double(a + i) - load_widened(b + i); };
  double sum = dot(difference, difference, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

double distance_double(const double* a, const double* b, int64_t n) {
  const auto difference = [=](int64_t i) { return load_double(a + i) - load_double(b + i); };
  double sum = dot(difference, difference, n);
  for (int64_t i = n - n % kDoubles; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

float dot_short(const float* a, const float* b, int64_t n) {
  Float sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes)
    for (int j = 0; j < 4; ++j) sum[j] += load(a + i + j * kLanes) * load(b + i + j * kLanes);
  for (; i + kLanes <= n; i += kLanes) sum[0] += load(a + i) * load(b + i);
  sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  float total = 0;
  for (; i < n; ++i) total += a[i] * b[i];
  float lane[kLanes];
  for (int j = 0; j < kLanes; ++j) lane[j] = sum[0][j];
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) lane[j] += lane[j + width];
  return total + lane[0];
}

void widen_row(const float* row, double* out, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) store_double(out + i, load_widened(row + i));
  for (; i < n; ++i) out[i] = row[i];
}

void centre_row(double* row, const double* centre, double factor, double scale, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    store_double(row + i, (load_double(row + i) * factor - load_double(centre + i)) * scale);
  for (; i < n; ++i) row[i] = (row[i] * factor - centre[i]) * scale;
}

void add_row(double* sum, const double* row, const double* origin, double factor, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    store_double(sum + i,
                 load_double(sum + i) + (load_double(row + i) * factor - load_double(origin + i)));
  for (; i < n; ++i) sum[i] += row[i] * factor - origin[i];
}

void round_float(const double* row, float* out, int64_t n) {
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles)
    *reinterpret_cast<HalfFloatUnaligned*>(out + i) =
        __builtin_convertvector(load_double(row + i), HalfFloat);
  for (; i < n; ++i) out[i] = static_cast<float>(row[i]);
}

double round_bfloat16(const double* row, uint32_t* out, int64_t n) {
  Double lost{};
  double rest = 0;
  int32_t kept_bits[kDoubles];
  int64_t i = 0;
  for (; i + kDoubles <= n; i += kDoubles) {
    const Double value = load_double(row + i);
    const HalfInt bits = (HalfInt)__builtin_convertvector(value, HalfFloat);
    const HalfInt kept = (bits + 0x7fff + (bits >> 16 & 1)) & ~0xffff;
    const Double difference = value - __builtin_convertvector((HalfFloat)kept, Double);
    lost += difference * difference;
    *reinterpret_cast<HalfIntUnaligned*>(kept_bits) = kept;
    for (int j = 0; j < kDoubles; j += 2)
      out[(i + j) / 2] = static_cast<uint32_t>(kept_bits[j]) >> 16 |
                         static_cast<uint32_t>(kept_bits[j + 1]);
  }
  for (; i < n; ++i) {
    const float value = static_cast<float>(row[i]);
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & ~0xffffu;
    float kept;
    __builtin_memcpy(&kept, &bits, sizeof kept);
    rest += (row[i] - kept) * (row[i] - kept);
    out[i / 2] = i % 2 ? out[i / 2] | bits : bits >> 16;
  }
  return sum_lanes(lost) + rest;
}

// Bit patterns of floats, made to sort as the values do.
inline Int ordered(Int bits) { return bits ^ (bits >> 31 & 0x7fffffff); }

// Bisection of the ordered patterns, until exactly k values are on the upper side: some ten counts
// whatever the values, where a partial sort branches at each.
float kth_largest(const float* values, int64_t n, int64_t k) {
  int64_t low = INT32_MIN, high = INT32_MAX;  // the answer is in [low, high]
  while (low < high) {
    const int32_t middle = static_cast<int32_t>((low + high + 1) >> 1);
    Int count{}, least = Int{} + INT32_MAX;
    for (int64_t i = 0; i < n; i += kLanes) {
      const Int pattern = ordered((Int)load(values + i));
      const Int reached = pattern >= middle;
      count -= reached;
      const Int candidate = (pattern & reached) | (INT32_MAX & ~reached);
      least = candidate < least ? candidate : least;
    }
    int64_t reached = 0;
    int32_t smallest = INT32_MAX;
    for (int j = 0; j < kLanes; ++j) {
      reached += count[j];
      smallest = least[j] < smallest ? least[j] : smallest;
    }
    if (reached == k) {
      low = smallest;
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

// What kernels read of measured features.
#pragma once

#include "device_array.cuh"
#include "features.hpp"

namespace mmkernels::cuda {

// Written out, as bits: 2^exponent for exponents of normal numbers.
__device__ __forceinline__ double power_of_two(int exponent) {
  return ptx::bits_double(static_cast<uint64_t>(exponent + 1023) << 52);
}
// floor(log2(x)) of a normal x > 0.
__device__ __forceinline__ int exponent_of(double x) {
  return static_cast<int>(ptx::double_bits(x) >> 52 & 0x7ff) - 1023;
}

// The power of two that brings the largest |c_i| to [2^(target - 1), 2^target); 1 where it is 0.
__device__ __forceinline__ double scale_of(const Features& features, int target) {
  const double largest = ptx::bits_double(*features.largest);
  if (!(largest > 0)) return 1;
  const int exponent = target - 1 - exponent_of(largest);
  return power_of_two(exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent);
}

// x_ic, or its share of |x_i| where rows are to be of unit length.
__device__ __forceinline__ double plain_value(const Features& features, int64_t row, int64_t column) {
  const double value = read_value(features.view, row - features.first_row, column);
  return features.unit ? value / features.norms[row] : value;
}

__device__ __forceinline__ double centred_value(const Features& features, int64_t row,
                                                int64_t column) {
  const double value = plain_value(features, row, column);
  return features.centre_by == Centre::none ? value : value - features.centre[column];
}

__device__ __forceinline__ bool usable(const RowStatus& status) {
  return status.nonfinite == kNoRow && status.zero == kNoRow && status.overflows == kNoRow;
}

}  // namespace mmkernels::cuda

// A caller's two-dimensional array in device memory, read as float64 whatever its type.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "../core/array_view.hpp"

namespace mmkernels::cuda {

// One branch that all lanes of a warp take alike: what it costs is small beside the read.
__device__ __forceinline__ double read_value(const ArrayView& view, int64_t row, int64_t column) {
  const char* at = view.data + row * view.row_stride + column * view.column_stride;
  switch (view.type) {
    case Type::float16: return ptx::from_half(*reinterpret_cast<const uint16_t*>(at));
    case Type::bfloat16: return ptx::from_bfloat16(*reinterpret_cast<const uint16_t*>(at));
    case Type::float32: return *reinterpret_cast<const float*>(at);
    case Type::float64: return *reinterpret_cast<const double*>(at);
    case Type::bool8: return *reinterpret_cast<const uint8_t*>(at) != 0;
    case Type::int8: return *reinterpret_cast<const int8_t*>(at);
    case Type::int16: return *reinterpret_cast<const int16_t*>(at);
    case Type::int32: return *reinterpret_cast<const int32_t*>(at);
    case Type::int64: return static_cast<double>(*reinterpret_cast<const int64_t*>(at));
    case Type::uint8: return *reinterpret_cast<const uint8_t*>(at);
    case Type::uint16: return *reinterpret_cast<const uint16_t*>(at);
    case Type::uint32: return *reinterpret_cast<const uint32_t*>(at);
    case Type::uint64: return static_cast<double>(*reinterpret_cast<const uint64_t*>(at));
  }
  return 0;
}

// The sum over the lanes of a warp, the same bits in all of them.
__device__ __forceinline__ double sum_of_lanes(double value) {
  for (int mask = 16; mask > 0; mask /= 2) value += ptx::shuffle_xor(value, mask);
  return value;
}

__device__ __forceinline__ double largest_of_lanes(double value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const double other = ptx::shuffle_xor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

}  // namespace mmkernels::cuda

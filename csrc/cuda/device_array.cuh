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

template <class Stored, int count, class Widen>
__device__ __forceinline__ void read_stored(const char* at, int64_t apart, int there, Widen&& widen,
                                            double (&values)[count]) {
  Stored stored[count];
#pragma unroll
  for (int i = 0; i < count; ++i)
    stored[i] = i < there ? *reinterpret_cast<const Stored*>(at + i * apart) : Stored{};
#pragma unroll
  for (int i = 0; i < count; ++i) values[i] = widen(stored[i]);
}

// The first `there` of `count` values, `apart` bytes from one to the next, the others 0. None waits
// for another: one value at a time leaves most of the memory's bandwidth unused.
template <int count>
__device__ __forceinline__ void read_values(Type type, const char* at, int64_t apart, int there,
                                            double (&values)[count]) {
  const auto plain = [](auto value) { return static_cast<double>(value); };
  const auto truth = [](uint8_t value) { return value != 0 ? 1.0 : 0.0; };
  const auto half = [](uint16_t bits) { return static_cast<double>(ptx::from_half(bits)); };
  const auto bfloat = [](uint16_t bits) { return static_cast<double>(ptx::from_bfloat16(bits)); };
  switch (type) {
    case Type::float16: return read_stored<uint16_t>(at, apart, there, half, values);
    case Type::bfloat16: return read_stored<uint16_t>(at, apart, there, bfloat, values);
    case Type::float32: return read_stored<float>(at, apart, there, plain, values);
    case Type::float64: return read_stored<double>(at, apart, there, plain, values);
    case Type::bool8: return read_stored<uint8_t>(at, apart, there, truth, values);
    case Type::int8: return read_stored<int8_t>(at, apart, there, plain, values);
    case Type::int16: return read_stored<int16_t>(at, apart, there, plain, values);
    case Type::int32: return read_stored<int32_t>(at, apart, there, plain, values);
    case Type::int64: return read_stored<int64_t>(at, apart, there, plain, values);
    case Type::uint8: return read_stored<uint8_t>(at, apart, there, plain, values);
    case Type::uint16: return read_stored<uint16_t>(at, apart, there, plain, values);
    case Type::uint32: return read_stored<uint32_t>(at, apart, there, plain, values);
    case Type::uint64: return read_stored<uint64_t>(at, apart, there, plain, values);
  }
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

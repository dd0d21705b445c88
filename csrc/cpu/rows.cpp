#include "rows.hpp"

#include <bit>
#include <cstring>

#include "tile_kernels.hpp"

namespace mmkernels::cpu {
namespace {

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00)  // infinity and NaN
    return std::bit_cast<float>(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  if (magnitude >= 0x0400)  // normal: rebias the exponent by 127 - 15
    return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return sign ? -subnormal : subnormal;
}

template <class T>
T load(const char* address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}

template <class T>
struct Plain {
  static double read(const char* p) { return static_cast<double>(load<T>(p)); }
};
struct Half {
  static double read(const char* p) { return half_to_float(load<uint16_t>(p)); }
};
struct BFloat {
  static double read(const char* p) {
    return std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(p)) << 16);
  }
};
struct Bool {
  static double read(const char* p) { return load<uint8_t>(p) ? 1.0 : 0.0; }
};

template <class Element>
void read(const ArrayView& view, int64_t row, double* out, int64_t size) {
  const char* p = view.data + row * view.row_stride;
  if (view.column_stride == size)  // a constant stride lets the compiler use vector loads
    for (int64_t c = 0; c < view.columns; ++c) out[c] = Element::read(p + c * size);
  else
    for (int64_t c = 0; c < view.columns; ++c) out[c] = Element::read(p + c * view.column_stride);
}

template <class T>
const T* contiguous_row(const ArrayView& view, int64_t row, Type type) {
  if (view.type != type) return nullptr;
  if (view.column_stride != static_cast<int64_t>(sizeof(T)) && view.columns > 1) return nullptr;
  const char* p = view.data + row * view.row_stride;
  return reinterpret_cast<uintptr_t>(p) % alignof(T) == 0 ? reinterpret_cast<const T*>(p) : nullptr;
}

}  // namespace

void read_row(const ArrayView& view, int64_t row, double* out) {
  if (const float* values = float_row(view, row))
    return tile_kernels().widen_row(values, out, view.columns);
  switch (view.type) {
    case Type::float16: return read<Half>(view, row, out, 2);
    case Type::bfloat16: return read<BFloat>(view, row, out, 2);
    case Type::float32: return read<Plain<float>>(view, row, out, 4);
    case Type::float64: return read<Plain<double>>(view, row, out, 8);
    case Type::bool8: return read<Bool>(view, row, out, 1);
    case Type::int8: return read<Plain<int8_t>>(view, row, out, 1);
    case Type::int16: return read<Plain<int16_t>>(view, row, out, 2);
    case Type::int32: return read<Plain<int32_t>>(view, row, out, 4);
    case Type::int64: return read<Plain<int64_t>>(view, row, out, 8);
    case Type::uint8: return read<Plain<uint8_t>>(view, row, out, 1);
    case Type::uint16: return read<Plain<uint16_t>>(view, row, out, 2);
    case Type::uint32: return read<Plain<uint32_t>>(view, row, out, 4);
    case Type::uint64: return read<Plain<uint64_t>>(view, row, out, 8);
  }
}

const float* float_row(const ArrayView& view, int64_t row) {
  return contiguous_row<float>(view, row, Type::float32);
}

const double* double_row(const ArrayView& view, int64_t row) {
  return contiguous_row<double>(view, row, Type::float64);
}

}  // namespace mmkernels::cpu

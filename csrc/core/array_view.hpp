// A caller's two-dimensional array as it lies in memory: any real type, any strides, not owned.
#pragma once

#include <cstdint>

namespace mmkernels {

enum class Type {
  float16, bfloat16, float32, float64,
  bool8, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
};

struct ArrayView {
  const char* data = nullptr;
  int64_t rows = 0, columns = 0;
  int64_t row_stride = 0, column_stride = 0;  // in bytes, of any sign
  Type type = Type::float32;
};

}  // namespace mmkernels

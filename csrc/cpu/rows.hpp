// Reading rows of a caller's array as float64, whatever its type and strides.
#pragma once

#include <cstdint>

#include "../core/array_view.hpp"

namespace mmkernels::cpu {

// out[c] = row[c] for all columns.
void read_row(const ArrayView& view, int64_t row, double* out);

// The row in place when it is contiguous float32 or float64, else null.
const float* float_row(const ArrayView& view, int64_t row);
const double* double_row(const ArrayView& view, int64_t row);

}  // namespace mmkernels::cpu

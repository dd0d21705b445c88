// One set of embeddings in device memory, made ready for tile products: inspected, centred in
// float64, scaled by a power of two, and packed in 16-bit formats.
//
// Nothing here is looked at by the host: what is wrong with the rows is written to a status in
// device memory, and whatever a call returns is NaN (or -1) then.
#pragma once

#include <device/runtime.cuh>

#include "../core/array_view.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

inline constexpr int64_t kBlockRows = 128;  // packed rows come in blocks of as many

__host__ __device__ inline int64_t padded_rows(int64_t rows) {
  return (rows + kBlockRows - 1) / kBlockRows * kBlockRows;
}
inline int64_t padded_depth(int64_t columns) { return (columns + 31) / 32 * 32; }

// The first row of each kind, or kNoRow.
inline constexpr int kNoRow = 0x7fffffff;
struct RowStatus {
  int nonfinite;
  int zero;  // where unit rows are asked for
  int overflows;  // a row whose squared norm exceeds float64 (for unit rows never)
  int reserved;
};

// What rows are centred by: see cpu/features.hpp. `robust` leaves out rows 16 times farther from the
// mean than half of them are. `none` leaves rows where they are.
enum class Centre { none, mean, robust };

// In device memory, written by measure_features.
struct Features {
  ArrayView view;
  int64_t first_row;  // of all rows, the one that the view starts with: it may be a part of them
  bool unit;      // rows are divided by their norm first
  Centre centre_by;
  RowStatus* status;
  double* norms;          // [rows] |x_i| as given
  double* centre;         // [columns] of x_i, or of x_i / |x_i|
  double* centred_norms;  // [rows] |c_i|, c_i = x_i (or x_i / |x_i|) - centre, not scaled
  uint64_t* largest;      // [1] the bits of the largest |c_i|: 0 where all rows are equal, or, of
                          // unit rows, differ by rounding alone
  int* exponents;         // [2048] how many |c_i| have each binary exponent
  double* partial;        // [chunks][columns] sums of chunks of rows
};

Features take_features(const ArrayView& view, bool unit, Centre centre, Workspace& workspace);

// Fills all of it. Costs three readings of the array (five for a robust centre).
void measure_features(const Features& features, Stream stream);

// Queries in the frame of their candidates: centred by the same centre.
void measure_features(const Features& queries, const Features& frame, Stream stream);

}  // namespace mmkernels::cuda

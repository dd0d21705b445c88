// A kernel matrix that the caller has computed, read tile by tile from where it lies.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/array_view.hpp"
#include "thread_pool.hpp"

namespace mmkernels::cpu {

// Tiles hold K_ij less the mean of row i and of row j, plus the mean of all, taken in float64 and
// only then rounded to float32: what the rows have in common costs no digits. Of the two values of
// a pair, which may differ by rounding, the one above the diagonal counts.
class PrecomputedMatrix {
 public:
  // Reads the (n, n) array twice; it must outlive this object. Memory 16 n bytes.
  PrecomputedMatrix(const ArrayView& view, const Call& call);

  const ArrayView view;

  // What is wrong with the matrix. Nothing below means anything unless it is usable.
  int64_t first_nonfinite = -1;  // row, -1: none
  bool overflows = false;        // squares exceed float64
  int64_t asymmetric_row = -1, asymmetric_column = -1;  // -1: symmetric to rounding
  bool usable() const { return first_nonfinite < 0 && !overflows && asymmetric_row < 0; }

  // Brings the largest value that tiles hold to (1/2, 1]; a power of two.
  double scale = 1;
  // What the values' own rounding may have left of 0, as a tile would hold it: four units in the
  // last place of their root mean square.
  double rounding = 0;

  void read_tile(int64_t i, int64_t j, float* tile) const;
  // The same in float64, whatever lies outside left as it is.
  void read_wide_tile(int64_t i, int64_t j, double* tile) const;
  // As a tile would hold K_ii.
  double diagonal(int64_t row) const { return diagonal_[row]; }

 private:
  void inspect(const Call& call);
  void measure_centred(const Call& call);
  // The values at rows of panel i and columns of panel j, centred, as they lie or transposed.
  void read_centred(int64_t i, int64_t j, double* block) const;

  std::vector<double> terms_;  // mean of row i less half the mean of all
  std::vector<double> diagonal_;
};

}  // namespace mmkernels::cpu

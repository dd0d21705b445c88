// Feature matrices, each awkward in one stated way, and the ways a caller may have stored them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/array_view.hpp"

namespace mmkernels::testing {

struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<double> values;  // row-major

  Matrix(int64_t n, int64_t d) : rows(n), columns(d), values(n * d) {}
  double* row(int64_t index) { return values.data() + index * columns; }
  const double* row(int64_t index) const { return values.data() + index * columns; }
};

using Factory = Matrix (*)(int64_t rows, int64_t columns, uint64_t seed);

Matrix gaussian(int64_t rows, int64_t columns, uint64_t seed);
Matrix duplicated(int64_t rows, int64_t columns, uint64_t seed);    // each row about four times
Matrix all_equal(int64_t rows, int64_t columns, uint64_t seed);
Matrix heavy_tailed(int64_t rows, int64_t columns, uint64_t seed);  // lengths from 1e-6 to 1e6
Matrix growing(int64_t rows, int64_t columns, uint64_t seed);  // each next row beats all before it
Matrix hubs(int64_t rows, int64_t columns, uint64_t seed);     // three rows near to all others
Matrix offset(int64_t rows, int64_t columns, uint64_t seed);   // a mean of 1e4 spreads
Matrix decaying(int64_t rows, int64_t columns, uint64_t seed);  // of a few leading directions
Matrix integers(int64_t rows, int64_t columns, uint64_t seed);  // -3 to 3: exact and full of ties

struct NamedFactory {
  const char* name;
  Factory make;
};
extern const std::vector<NamedFactory> kAwkward;  // all of the above

enum class Layout { contiguous, padded, reversed, transposed, unaligned };

// A matrix in memory of exactly its size, so that a read beyond it is found.
class Stored {
 public:
  Stored(const Matrix& matrix, Type type, Layout layout = Layout::contiguous);

  ArrayView view() const { return view_; }
  const Matrix& values() const { return values_; }  // what the rounding to the type has left

 private:
  std::vector<char> bytes_;
  ArrayView view_;
  Matrix values_;
};

}  // namespace mmkernels::testing

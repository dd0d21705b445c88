// Arrays of the tests, which the shim takes for device memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/array_view.hpp"
#include "workspace.hpp"

namespace mmkernels::testing {

// A row-major float32 matrix.
struct Matrix {
  int64_t rows, columns;
  std::vector<float> values;

  Matrix(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  float& at(int64_t i, int64_t j) { return values[i * columns + j]; }
  double at(int64_t i, int64_t j) const { return values[i * columns + j]; }

  ArrayView view() const {
    return {reinterpret_cast<const char*>(values.data()), rows, columns,
            columns * static_cast<int64_t>(sizeof(float)), sizeof(float), Type::float32};
  }
};

// Normal values about `offset`.
inline Matrix normal(int64_t rows, int64_t columns, uint32_t seed = 1, float offset = 0) {
  Matrix matrix(rows, columns);
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  for (float& value : matrix.values) value = offset + distribution(generator);
  return matrix;
}

// Memory for a workspace, full of NaN; what a test forgets to write shows. `take` is called twice.
template <class Take>
class Memory {
 public:
  explicit Memory(Take take) {
    cuda::Workspace measured;
    take(measured);
    bytes_.assign(measured.used() + 256, static_cast<char>(0xff));
    const auto address = reinterpret_cast<uintptr_t>(bytes_.data());
    cuda::Workspace dealt(bytes_.data() + (256 - address % 256) % 256);
    take(dealt);
  }

 private:
  std::vector<char> bytes_;
};

}  // namespace mmkernels::testing

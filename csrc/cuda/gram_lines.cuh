// Sums over the lines of a kernel matrix, and what else of it is known without its tiles.
#pragma once

#include <device/ptx.cuh>

#include "gram.hpp"
#include "split_operands.cuh"

namespace mmkernels::cuda {

// So many blocks share the tiles, a fixed number: what each adds up does not depend on the device.
inline constexpr int64_t kMostGramBlocks = 4096;
// Neighbouring panels that visit together, so that tiles at work at the same time share operands.
inline constexpr int64_t kGramHeight = 8;

// Integers add in any order to the same sum.
__device__ __forceinline__ void add_fixed_point(uint64_t* sum, double value, double fixed_point) {
  if (value != 0)
    ptx::atomic_add(sum, static_cast<uint64_t>(static_cast<int64_t>(value * fixed_point)));
}

// No value of a tile is larger in size. Scaled rows have norms up to 1, so distances up to 2:
// exp(-z) - 1 is between -z and 0.
__device__ __forceinline__ double bound_of(const KernelMatrix& matrix, const KernelState& state) {
  if (matrix.choice.kernel == Kernel::distance) return 2;
  if (!state.minus_one) return 1;
  const double width = state.bandwidth * split_scale(matrix.features);
  const double bound = matrix.choice.kernel == Kernel::gaussian ? 2 / (width * width) : 2 / width;
  return bound < 1 ? bound > 0x1p-900 ? bound : 0x1p-900 : 1;
}

// The sum over j != i of K_ij as the tiles hold it, from what they added.
__device__ __forceinline__ double row_sum(const uint64_t* sums, int64_t row, double fixed_point) {
  return static_cast<double>(static_cast<int64_t>(sums[row])) / fixed_point;
}

// K_ii as the tiles would hold it.
__device__ __forceinline__ double diagonal_value(const KernelMatrix& matrix,
                                                 const KernelState& state, int64_t row) {
  if (matrix.choice.kernel == Kernel::distance) return -state.shift;
  if (matrix.exponential()) return (state.minus_one ? 0.0 : 1.0) - state.shift;
  const double product = matrix.own_products[row];
  if (matrix.choice.kernel == Kernel::linear) return product;
  const double base = 2.0 * matrix.terms[row] + state.factor * product;
  double power = 0;
  for (int k = matrix.choice.degree - 2; k >= 0; --k) power = power * base + matrix.powers[k];
  return state.linear * product + base * base * power - state.shift;
}

}  // namespace mmkernels::cuda

// The bound on a score, for kernels.
#pragma once

#include <cfloat>
#include <cmath>

#include "features.cuh"
#include "neighbor_operand.hpp"

namespace mmkernels::cuda {

// The largest |c_i| is below 2^kRange: its coordinates and their products then are in range, and
// rows a million times shorter still have digits.
inline constexpr int kRange = 14;
// What float64 loses of c_i and of m . c_i, as a share of |x_i|.
inline constexpr double kOwnError = 0x1p-42;

// Of the bound's own float32 arithmetic.
inline constexpr float kInflate = 1.0f + 0x1p-18f;

// No less than the error of the score of rows with these bounds; finite where it is beyond float32.
__device__ __forceinline__ float score_error(const RowBounds& a, const RowBounds& b, float g) {
  const float cauchy = a.error * (b.norm + b.error) + a.norm * b.error;
  return std::fmin((cauchy + g * (a.norm * b.norm + a.bias + b.bias)) * kInflate, FLT_MAX);
}

// The score that a candidate of the other block needs, whatever its own error. Finite: the scores of
// rows that pad a block are -infinity.
__device__ __forceinline__ float needed(float limit, const RowBounds& own, const RowBounds& others,
                                        float g) {
  return std::fmax(limit - score_error(own, others, g), -FLT_MAX);
}

// No less than what the score of rows with a prefix is above its lower end, by their tails alone.
__device__ __forceinline__ float score_gap(const RowBounds& a, const RowBounds& b) {
  return 2 * kInflate * a.tail * b.tail;
}

__device__ __forceinline__ int64_t row_at(const NeighborOperand& operand, int64_t position) {
  return position * operand.step % operand.rows;
}

}  // namespace mmkernels::cuda

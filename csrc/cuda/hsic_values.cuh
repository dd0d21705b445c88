// HSIC from the sums of a pass, in float64 by one block.
#pragma once

#include <cmath>

#include "block_sums.cuh"
#include "gram_tiles.cuh"

namespace mmkernels::cuda {

inline constexpr int kHsicThreads = 256;

// Of the mean product of values, the share that rounding leaves where sums cancel: of the values
// themselves, squared, and in sums of float64. See kCancelled in cpu/gram.hpp.
__device__ __forceinline__ double cancelled_share(Precision precision) {
  if (precision == Precision::fast) return 1e-9;
  return precision == Precision::high ? 1e-11 : 1e-12;
}

struct Side {
  const KernelMatrix& matrix;
  const uint64_t* rows;
  const KernelState state;

  __device__ __forceinline__ double diagonal(int64_t i) const { return diagonal_value(matrix, state, i); }
  __device__ __forceinline__ double row(int64_t i) const { return row_sum(rows, i, state.fixed_point); }
};

struct Value {
  double hsic, rounding;
};

// By all threads of one block, from `count` sums of products, `stride` apart.
__device__ __forceinline__ Value hsic_of(const Side& k, const Side& l, const double* products,
                                         int64_t stride, int64_t count, Estimator estimator,
                                         double* slots) {
  constexpr int kThreads = kHsicThreads;
  const int64_t n = k.matrix.features.view.rows;
  double product = 0;
  for (int64_t s = ptx::thread(); s < count; s += kThreads) product += products[s * stride];
  product = sum_of_block(product, slots);
  const auto of_sample = [&](int64_t i) {
    return SampleSums{k.row(i), l.row(i), k.diagonal(i), l.diagonal(i)};
  };
  Totals totals{0, 0};
  for (int64_t i = ptx::thread(); i < n; i += kThreads) {
    const SampleSums sums = of_sample(i);
    totals.k += counted(estimator, sums.row_k, sums.diagonal_k);
    totals.l += counted(estimator, sums.row_l, sums.diagonal_l);
  }
  totals = {sum_of_block(totals.k, slots), sum_of_block(totals.l, slots)};
  RowTerms terms;
  for (int64_t i = ptx::thread(); i < n; i += kThreads)
    terms += row_terms(estimator, n, of_sample(i), totals);
  terms.sum = sum_of_block(terms.sum, slots);
  terms.p = sum_of_block(terms.p, slots);
  terms.q = sum_of_block(terms.q, slots);
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1);
  const double magnitude = std::abs(product / pairs) +
                           static_cast<double>(k.state.shift) * l.state.shift;
  return {hsic(estimator, n, product, terms, totals),
          cancelled_share(k.matrix.precision) * magnitude};
}

// Whether a self-similarity is more than what rounding leaves of 0.
__device__ __forceinline__ bool has_norm(const KernelMatrix& matrix, const Value& own) {
  return *matrix.features.largest != 0 && own.hsic > own.rounding;
}

// values[pair] of a pass that has run; NaN of a self-similarity that is nothing but rounding.
void find_hsic_values(const MatrixPass& pass, int64_t sums, Estimator estimator, Stream stream);

}  // namespace mmkernels::cuda

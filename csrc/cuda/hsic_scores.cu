// From the sums of a pass to HSIC and CKA, in float64 by one block.
#include <cmath>

#include "block_sums.cuh"
#include "features.cuh"
#include "gram.hpp"
#include "split_operands.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256;

// Of the mean product of values, the share that rounding leaves where sums cancel: of the values
// themselves, squared, and in sums of float64. See kCancelled in cpu/gram.hpp.
__device__ double cancelled_share(Precision precision) {
  if (precision == Precision::fast) return 1e-9;
  return precision == Precision::high ? 1e-11 : 1e-12;
}

struct Side {
  const KernelMatrix& matrix;
  const uint64_t* rows;
  const KernelState state;

  // K_ii as the tiles would hold it.
  __device__ double diagonal(int64_t row) const {
    if (matrix.choice.kernel == Kernel::distance) return -state.shift;
    if (matrix.exponential()) return (state.minus_one ? 0.0 : 1.0) - state.shift;
    const double product = matrix.own_products[row];
    if (matrix.choice.kernel == Kernel::linear) return product;
    const double base = 2.0 * matrix.terms[row] + state.factor * product;
    double power = 0;
    for (int k = matrix.choice.degree - 2; k >= 0; --k) power = power * base + matrix.powers[k];
    return state.linear * product + base * base * power - state.shift;
  }
  __device__ double row(int64_t row) const {
    return static_cast<double>(static_cast<int64_t>(rows[row])) / state.fixed_point;
  }
};

struct Value {
  double hsic, rounding;
};

__device__ Value hsic_of(const Side& k, const Side& l, const PairPass& pass, int which,
                         Estimator estimator, double* slots) {
  const int64_t n = pass.samples;
  double product = 0;
  for (int64_t b = ptx::thread(); b < pass.blocks; b += kThreads)
    product += pass.products[b * 3 + which];
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

__global__ __launch_bounds__(kThreads) void find_score(KernelMatrix k, KernelMatrix l, PairPass pass,
                                                       Estimator estimator, Score which,
                                                       double* score) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  const double nan = ptx::bits_double(0x7ff8000000000000ull);
  if (!k.state->usable || !l.state->usable) {
    if (ptx::thread() == 0) *score = nan;
    return;
  }
  const Side left{k, pass.rows_k, *k.state}, right{l, pass.rows_l, *l.state};
  const Value cross = hsic_of(left, right, pass, 2, estimator, slots);
  if (which == Score::hsic) {
    // One unit at a time: their product can overflow where the quotient does not.
    if (ptx::thread() == 0) *score = cross.hsic / left.state.unit / right.state.unit;
    return;
  }
  const Value own_k = hsic_of(left, left, pass, 0, estimator, slots);
  const Value own_l = hsic_of(right, right, pass, 1, estimator, slots);
  const bool defined = *k.features.largest != 0 && *l.features.largest != 0 &&
                       own_k.hsic > own_k.rounding && own_l.hsic > own_l.rounding;
  if (ptx::thread() == 0)
    *score = defined ? cross.hsic / (std::sqrt(own_k.hsic) * std::sqrt(own_l.hsic)) : nan;
}

}  // namespace

void write_score(const KernelMatrix& k, const KernelMatrix& l, const PairPass& pass,
                 Estimator estimator, Score which, double* score, Stream stream) {
  launch("find_score", find_score, 1, kThreads, kBlockSumBytes, stream, k, l, pass, estimator, which,
         score);
}

}  // namespace mmkernels::cuda

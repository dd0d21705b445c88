// From the sums of a pass to HSIC and CKA, in float64.
#include <cmath>

#include "block_sums.cuh"
#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256;

// Of the mean product of values, the share that rounding leaves where sums cancel: of the values
// themselves, squared, and in sums of float64. See kCancelled in cpu/gram.hpp.
__device__ __forceinline__ double cancelled_share(Precision precision) {
  if (precision == Precision::fast) return 1e-9;
  return precision == Precision::high ? 1e-11 : 1e-12;
}

// A self-similarity below these shares of the products that were summed, of what they could be, or a
// kernel whose values are all as near to one another, has lost its digits. See _hsic.py.
constexpr double kCancelledTiles = 1e-4, kSmallTiles = 1e-8, kLeastBound = 1e-25;

struct Side {
  const KernelMatrix& matrix;
  const uint64_t* rows;
  const KernelState state;

  __device__ __forceinline__ double diagonal(int64_t i) const {
    return diagonal_value(matrix, state, i);
  }
  __device__ __forceinline__ double row(int64_t i) const {
    return row_sum(rows, i, state.fixed_point);
  }
};

// By all threads of one block.
__device__ __forceinline__ double hsic_of(const Side& k, const Side& l, double product, Estimator estimator,
                          double* slots) {
  const int64_t n = k.matrix.features.view.rows;
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
  return hsic(estimator, n, product, terms, totals);
}

__device__ __forceinline__ bool has_lost_digits(const Side& side, double self, double summed,
                                                Estimator estimator) {
  if (*side.matrix.features.largest == 0) return false;
  const double bound = bound_of(side.matrix, side.state);
  if (bound < kLeastBound) return true;
  if (estimator == Estimator::gretton || !(summed > 0)) return false;
  return summed < kSmallTiles * bound * kSmallTiles * bound || !(self > kCancelledTiles * summed);
}

// A block for a pair.
__global__ __launch_bounds__(kThreads, 1) void find_values(GramPass pass, int64_t sums,
                                                        Estimator estimator) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  const auto [a, b] = PairOfPass(pass, ptx::block());
  const KernelMatrix &k = pass.matrices[a], &l = pass.matrices[b];
  double value = ptx::bits_double(kNanBits), magnitude = 0, summed = 0;
  const bool possible = k.state->usable && l.state->usable;
  if (possible) {
    const Side left{k, pass.rows + a * k.operand.rows, *k.state};
    const Side right{l, pass.rows + b * l.operand.rows, *l.state};
    double product = 0;
    for (int64_t s = ptx::thread(); s < sums; s += kThreads)
      product += pass.products[s * pass.pairs() + ptx::block()];
    product = sum_of_block(product, slots);
    value = hsic_of(left, right, product, estimator, slots);
    const double n = static_cast<double>(pass.samples);
    summed = std::abs(product / n / (n - 1));
    magnitude = summed + static_cast<double>(left.state.shift) * right.state.shift;
    if (ptx::thread() == 0 && a == b && k.precision == Precision::exact &&
        has_lost_digits(left, value, summed, estimator)) {
      pass.lost[a] = 1;
      ptx::atomic_or(pass.lost + pass.count, 1);
    }
  }
  if (ptx::thread() != 0) return;
  pass.values[ptx::block()] = value;
  pass.magnitudes[ptx::block()] = magnitude;
  if (a != b) return;
  const bool defined = possible && has_norm(k, value, cancelled_share(k.precision) * magnitude);
  pass.selves[a] = defined ? value : ptx::bits_double(kNanBits);
}

__global__ void find_hsic(GramPass pass, int a, int b, double* score) {
  if (ptx::thread() != 0) return;
  // One unit at a time: their product can overflow where the quotient does not.
  *score = pass.values[pass.pair(a, b)] / pass.matrices[a].state->unit / pass.matrices[b].state->unit;
}

// The indices of the matrices that a launch compares one with.
constexpr int kAtOnce = 256;
struct Others {
  int index[kAtOnce];
};

__global__ void find_quotients(GramPass pass, int a, Others others, int count, double* scores) {
  const int at = static_cast<int>(ptx::block()) * 32 + ptx::thread();
  if (at >= count) return;
  const int b = others.index[at];
  const double cross = pass.values[a < b ? pass.pair(a, b) : pass.pair(b, a)];
  // A representation against itself is 1 by definition, not up to rounding.
  scores[at] = a == b ? pass.selves[a] / pass.selves[a]
                      : cross / (std::sqrt(pass.selves[a]) * std::sqrt(pass.selves[b]));
}

}  // namespace

void find_hsic_values(const GramPass& pass, int64_t sums, Estimator estimator, Stream stream) {
  launch("find_values", find_values, pass.pairs(), kThreads, kBlockSumBytes, stream, pass, sums,
         estimator);
}

void write_hsic(const GramPass& pass, int a, int b, double* score, Stream stream) {
  launch("find_hsic", find_hsic, 1, 32, 0, stream, pass, a, b, score);
}

void write_cka(const GramPass& pass, const std::vector<int>& left, const std::vector<int>& right,
               double* scores, Stream stream) {
  for (int a : left)
    for (size_t first = 0; first < right.size(); first += kAtOnce) {
      const size_t count = right.size() - first < kAtOnce ? right.size() - first : kAtOnce;
      Others others{};
      for (size_t i = 0; i < count; ++i) others.index[i] = right[first + i];
      launch("find_quotients", find_quotients, (count + 31) / 32, 32, 0, stream, pass, a, others,
             count, scores);
      scores += count;
    }
}

}  // namespace mmkernels::cuda

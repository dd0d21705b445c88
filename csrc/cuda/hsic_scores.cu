// From the sums of a pass to HSIC and CKA, in float64 by one block.
#include <cmath>

#include "hsic_values.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = kHsicThreads;
constexpr uint64_t kNanBits = 0x7ff8000000000000;

__global__ __launch_bounds__(kThreads) void find_score(KernelMatrix k, KernelMatrix l, PairPass pass,
                                                       Estimator estimator, Score which,
                                                       double* score) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  const double nan = ptx::bits_double(kNanBits);
  if (!k.state->usable || !l.state->usable) {
    if (ptx::thread() == 0) *score = nan;
    return;
  }
  const Side left{k, pass.rows_k, *k.state}, right{l, pass.rows_l, *l.state};
  const Value cross = hsic_of(left, right, pass.products + 2, 3, pass.blocks, estimator, slots);
  if (which == Score::hsic) {
    // One unit at a time: their product can overflow where the quotient does not.
    if (ptx::thread() == 0) *score = cross.hsic / left.state.unit / right.state.unit;
    return;
  }
  const Value own_k = hsic_of(left, left, pass.products, 3, pass.blocks, estimator, slots);
  const Value own_l = hsic_of(right, right, pass.products + 1, 3, pass.blocks, estimator, slots);
  const bool defined = has_norm(k, own_k) && has_norm(l, own_l);
  // A representation against itself is 1 by definition, not up to rounding.
  const double norm = std::sqrt(own_k.hsic) * std::sqrt(own_l.hsic);
  if (ptx::thread() == 0) *score = !defined ? nan : k.state == l.state ? 1 : cross.hsic / norm;
}

// A block for a pair.
__global__ __launch_bounds__(kThreads) void find_values(MatrixPass pass, int64_t sums,
                                                        Estimator estimator) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  int a = 0;
  while (a + 1 < pass.count && pass.pair(a + 1, a + 1) <= ptx::block()) ++a;
  const int b = a + static_cast<int>(ptx::block() - pass.pair(a, a));
  const KernelMatrix &k = pass.matrices[a], &l = pass.matrices[b];
  Value value{ptx::bits_double(kNanBits), 0};
  if (k.state->usable && l.state->usable) {
    const Side left{k, pass.rows + a * k.operand.rows, *k.state};
    const Side right{l, pass.rows + b * l.operand.rows, *l.state};
    value = hsic_of(left, right, pass.products + ptx::block(), pass.pairs(), sums, estimator, slots);
    if (a == b && !has_norm(k, value)) value.hsic = ptx::bits_double(kNanBits);
  }
  if (ptx::thread() == 0) pass.values[ptx::block()] = value.hsic;
}

// The indices of the matrices that a launch compares one with.
constexpr int kAtOnce = 256;
struct Others {
  int index[kAtOnce];
};

__global__ void find_quotients(MatrixPass pass, int a, Others others, int count, double* scores) {
  const int at = static_cast<int>(ptx::block()) * 32 + ptx::thread();
  if (at >= count) return;
  const int b = others.index[at];
  const double own_a = pass.values[pass.pair(a, a)], own_b = pass.values[pass.pair(b, b)];
  const double cross = pass.values[a < b ? pass.pair(a, b) : pass.pair(b, a)];
  const double norm = std::sqrt(own_a) * std::sqrt(own_b);
  scores[at] = a == b ? own_a / own_a : cross / norm;
}

}  // namespace

void write_score(const KernelMatrix& k, const KernelMatrix& l, const PairPass& pass,
                 Estimator estimator, Score which, double* score, Stream stream) {
  launch("find_score", find_score, 1, kThreads, kBlockSumBytes, stream, k, l, pass, estimator, which,
         score);
}

void find_hsic_values(const MatrixPass& pass, int64_t sums, Estimator estimator, Stream stream) {
  launch("find_values", find_values, pass.pairs(), kThreads, kBlockSumBytes, stream, pass, sums,
         estimator);
}

void write_cka_matrix(const MatrixPass& pass, const std::vector<int>& left,
                      const std::vector<int>& right, double* scores, Stream stream) {
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

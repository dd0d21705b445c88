// Sums over all pairs of samples of products of kernel values, without the n x n matrices.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "features.hpp"

namespace mmkernels::cpu {

enum class Kernel { linear, gaussian };

// A kernel on one set of features. The tiles hold the kernel value less a constant, which changes
// no centred quantity: gaussian values near 1 are computed as exp(-z) - 1, which keeps the digits
// that 1 would round away, and `shift` is about the mean of what the tiles hold.
struct KernelMatrix {
  const Features* features;
  Kernel kernel = Kernel::linear;
  double inverse_square_bandwidth = 0;  // 1 / sigma^2, for gaussian, in the caller's units
  bool minus_one = false;
  double shift = 0;

  // Chooses minus_one and shift from a sample of pairs.
  void choose_shift(const Call& call);

  // No tile value is larger in size than this.
  double bound() const;

  // K_ii as the tiles would hold it.
  double diagonal(int64_t row) const;
  // Turns the tile of products of panels i and j into kernel values. half: as half_norms().
  void apply(float* tile, int64_t i, int64_t j, const float* half) const;
  // Distances far smaller than the rows themselves lose their digits to float32. Where that would
  // show in a kernel value, the pair is computed again in float64 from the rows as given.
  void correct_cancelled(float* tile, int64_t i, int64_t j, const float* half) const;
  // The factor by which tile values exceed the caller's: scale^2 for linear, 1 for gaussian.
  double unit() const;
};

using Pair = std::pair<int, int>;

// In units of the tiles, K unit() and L unit(), which no scale of the input can overflow.
struct HsicValue {
  double hsic;
  // Mean of K_ij L_ij before any centring or shift: what rounding errors scale with.
  double magnitude;
};

// HSIC of the pairs of matrices listed, all from one pass over the samples: each kernel tile is
// computed once, whatever the number of pairs. Memory O(matrices * n + matrices^2).
std::vector<HsicValue> hsic_by_tiles(const std::vector<KernelMatrix>& matrices,
                                     const std::vector<Pair>& pairs, bool unbiased,
                                     const Call& call);

// The same for linear kernels from the d x d products of features: better when d < n / 2.
HsicValue hsic_by_features(const Features& x, const Features& y, bool unbiased, const Call& call);

// out (n, n) = H K H in float32 or float64, row-major.
template <class T>
void centered_gram(const KernelMatrix& matrix, T* out, const Call& call);

// The median of the n (n - 1) / 2 Euclidean distances, exact in float32, in the caller's units.
double median_distance(const Features& features, const Call& call);

}  // namespace mmkernels::cpu

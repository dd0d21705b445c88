// Sums over all pairs of samples of products of kernel values, without the n x n matrices.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../core/hsic.hpp"
#include "features.hpp"
#include "polynomial.hpp"
#include "precomputed.hpp"

namespace mmkernels::cpu {

// linear: x_i . x_j.  gaussian: exp(-|x_i - x_j|^2 / (2 sigma^2)).  laplacian: exp(-|x_i - x_j| /
// sigma).  distance: -|x_i - x_j|.  polynomial: (gamma x_i . x_j + offset)^degree.
enum class Kernel { linear, gaussian, laplacian, distance, polynomial, precomputed };

// A kernel on one set of features, or a kernel matrix of the caller's. The tiles hold the kernel
// value times unit(), less a constant and perhaps terms of the row and of the column, which change
// no centred quantity. Gaussian and Laplacian values near 1 are computed as exp(-z) - 1, which
// keeps the digits that 1 would round away, and `shift` is about the mean of what the tiles hold.
struct KernelMatrix {
  const Features* features = nullptr;  // all but precomputed
  Kernel kernel = Kernel::linear;
  double bandwidth = 1;  // sigma, in the caller's units
  std::shared_ptr<const Polynomial> polynomial;
  const PrecomputedMatrix* precomputed = nullptr;
  bool minus_one = false;
  double shift = 0;

  // Chooses minus_one and shift from a sample of pairs.
  void choose_shift(const Call& call);

  int64_t samples() const { return precomputed ? precomputed->view.rows : features->view.rows; }
  bool of_distances() const {
    return kernel == Kernel::gaussian || kernel == Kernel::laplacian || kernel == Kernel::distance;
  }
  // sigma in the scale of the packed rows; a power of two apart, so without rounding.
  double scaled_bandwidth() const { return bandwidth * features->scale; }

  // No tile value is larger in size than this.
  double bound() const;
  // The value of a kernel of distances at a distance of packed rows, in float64 and not shifted.
  double of_distance(double distance) const;
  // K_ii as the tiles would hold it.
  double diagonal(int64_t row) const;
  // The factor by which tile values exceed the caller's; no scale of the input overflows them.
  double unit() const;
};

// Any tile of a kernel matrix, the features packed once.
class KernelTiles {
 public:
  KernelTiles(const KernelMatrix& matrix, const Call& call);

  void compute(int64_t i, int64_t j, float* tile) const;
  int64_t panel_bytes() const { return panels_ ? panels_->panel_bytes() : 0; }

 private:
  // Turns the products of panels i and j into values of a kernel of distances.
  void apply_gaussian(float* tile, int64_t i, int64_t j) const;
  void apply_distance(float* tile, int64_t i, int64_t j) const;
  // Distances far smaller than the rows themselves lose their digits to float32. Where that would
  // show in a kernel value, which shows(squared, halves) tells from the squared distance and the sum
  // of the rows' halves, the pair is computed again in float64 from the rows as given.
  template <class Shows>
  void correct_cancelled(float* tile, const float* squared, int64_t i, int64_t j,
                         Shows&& shows) const;

  const KernelMatrix& matrix_;
  const Panels* panels_ = nullptr;
  const float* half_ = nullptr;
  // What a distance (Gaussian: a squared distance) of the packed rows is multiplied with.
  double factor_ = 0;
};

using Pair = std::pair<int, int>;

// Of sums of products of float32 values, the share that rounding leaves where they cancel.
inline constexpr double kCancelled = 1e-12;

// In units of the tiles, K unit() and L unit(), which no scale of the input can overflow.
struct HsicValue {
  double hsic;
  // Mean of K_ij L_ij before any centring or shift: what rounding errors scale with.
  double magnitude;
  // A self-similarity no larger than this is what rounding leaves of zero.
  double rounding;
  // Mean of the products that were summed: a self-similarity far below it has lost digits.
  double summed;
};

// HSIC of the pairs of matrices listed, all from one pass over the samples: each kernel tile is
// computed once, whatever the number of pairs. Memory O(matrices * n + matrices^2).
std::vector<HsicValue> hsic_by_tiles(const std::vector<KernelMatrix>& matrices,
                                     const std::vector<Pair>& pairs, Estimator estimator,
                                     const Call& call);

// The same in float64 throughout: entries are centred before they are
// multiplied, so that a sample far from all others costs the rest no digits. Takes two passes of
// n^2 d multiply-adds; memory 8 (n + 32 d * threads) bytes for each matrix.
std::vector<HsicValue> hsic_exactly(const std::vector<KernelMatrix>& matrices,
                                    const std::vector<Pair>& pairs, Estimator estimator,
                                    const Call& call);

// HSIC of linear kernels from the d x d products of features: better when d < n / 2.
HsicValue hsic_by_features(const Features& x, const Features& y, Estimator estimator,
                           const Call& call);

// out (n, n) = H K H in float32 or float64, row-major.
template <class T>
void centered_gram(const KernelMatrix& matrix, T* out, const Call& call);

// The median of the n (n - 1) / 2 Euclidean distances, exact in float32, in the caller's units.
double median_distance(const Features& features, const Call& call);

}  // namespace mmkernels::cpu

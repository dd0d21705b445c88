#include <algorithm>
#include <cmath>
#include <vector>

#include "gram.hpp"

namespace mmkernels::cpu {
namespace {

// Float32 products of packed rows leave in half a squared distance an error of about this share of
// the rows' own halves.
constexpr double kError = 0x1p-22;
// Errors of this size in an exponent, and in a distance beside the rows' own lengths, are worth a
// look; the root makes more of an error the nearer two rows are, so that fewer pairs are concerned.
constexpr double kExponentLimit = 1e-5, kDistanceLimit = 2e-6;

// The exponential of this is 0 beside the value of any pair that is near.
constexpr double kNegligible = -17;

// From here on every pair that float32 can tell apart is at exp(-infinity), and a factor beyond its
// range would make 0 times infinity of a distance 0.
constexpr double kLargestFactor = 1e30;

}  // namespace

KernelTiles::KernelTiles(const KernelMatrix& matrix, const Call& call) : matrix_(matrix) {
  if (matrix.precomputed) return;
  panels_ = &matrix.features->panels(call);
  if (!matrix.of_distances()) return;
  half_ = matrix.features->half_norms(call).data();
  const double width = matrix.scaled_bandwidth();
  if (matrix.kernel == Kernel::gaussian) factor_ = std::min(1 / (width * width), kLargestFactor);
  if (matrix.kernel == Kernel::laplacian) factor_ = std::min(1 / width, kLargestFactor);
}

void KernelTiles::compute(int64_t i, int64_t j, float* tile) const {
  if (matrix_.precomputed) return matrix_.precomputed->read_tile(i, j, tile);
  panels_->multiply(i, *panels_, j, tile);
  switch (matrix_.kernel) {
    case Kernel::gaussian: return apply_gaussian(tile, i, j);
    case Kernel::laplacian:
    case Kernel::distance: return apply_distance(tile, i, j);
    case Kernel::polynomial:
      return matrix_.polynomial->apply(tile, i, j, static_cast<float>(matrix_.shift));
    default: return;
  }
}

template <class Shows>
void KernelTiles::correct_cancelled(float* tile, const float* squared, int64_t i, int64_t j,
                                    Shows&& shows) const {
  const Features& features = *matrix_.features;
  const int64_t n = features.view.rows, d = features.view.columns;
  thread_local std::vector<double> row, column;
  row.resize(d);
  column.resize(d);
  // In the scale of the packed rows, whose squares stay in range.
  const auto read = [&](int64_t index, std::vector<double>& out) {
    features.read_plain(index, out.data());
    for (double& value : out) value *= features.scale;
  };
  for (int64_t r = 0; r < kPanel && i * kPanel + r < n; ++r) {
    bool row_read = false;
    for (int64_t c = 0; c < kPanel && j * kPanel + c < n; ++c) {
      const double halves = static_cast<double>(half_[i * kPanel + r]) + half_[j * kPanel + c];
      if (!shows(static_cast<double>(squared[r * kPanel + c]), halves)) continue;
      if (i == j && r == c) continue;
      if (!row_read) read(i * kPanel + r, row);
      row_read = true;
      read(j * kPanel + c, column);
      const double exact =
          std::sqrt(tile_kernels().of_doubles.distance(row.data(), column.data(), d));
      tile[r * kPanel + c] = static_cast<float>(matrix_.of_distance(exact) - matrix_.shift);
    }
  }
}

void KernelTiles::apply_gaussian(float* tile, int64_t i, int64_t j) const {
  const float *rows = half_ + i * kPanel, *columns = half_ + j * kPanel;
  // The exponent errs by about kError factor (row + column). Only where the rows stand far out
  // beside the bandwidth is that worth looking at.
  const double largest = *std::max_element(rows, rows + kPanel) +
                         *std::max_element(columns, columns + kPanel);
  const bool exact = factor_ * largest * kError < kExponentLimit;
  float squared[kTile];
  if (!exact) {
    std::copy(tile, tile + kTile, squared);
    tile_kernels().squared_distance(squared, rows, columns);
  }
  tile_kernels().gaussian(tile, rows, columns, static_cast<float>(factor_), matrix_.minus_one,
                          static_cast<float>(matrix_.shift));
  if (exact) return;
  const double error_factor = factor_ * kError, half_factor = factor_ / 2;
  correct_cancelled(tile, squared, i, j, [=](double square, double halves) {
    const double error = error_factor * halves;
    return error >= kExponentLimit && error - half_factor * square >= kNegligible;
  });
}

void KernelTiles::apply_distance(float* tile, int64_t i, int64_t j) const {
  const float *rows = half_ + i * kPanel, *columns = half_ + j * kPanel;
  tile_kernels().squared_distance(tile, rows, columns);
  // A distance errs by kError (row + column) over itself: by much where it is small.
  const double largest = *std::max_element(rows, rows + kPanel) +
                         *std::max_element(columns, columns + kPanel);
  const double limit = kError / kDistanceLimit * std::max(factor_ * largest, std::sqrt(largest));
  const bool near = !matrix_.features->constant() &&
                    (i == j || tile_kernels().smallest(tile) < limit * limit);
  float squared[kTile];
  if (near) std::copy(tile, tile + kTile, squared);
  const float shift = static_cast<float>(matrix_.shift);
  const bool laplacian = matrix_.kernel == Kernel::laplacian;
  if (laplacian)
    tile_kernels().laplacian(tile, static_cast<float>(factor_), matrix_.minus_one, shift);
  else
    tile_kernels().distance(tile, shift);
  if (!near) return;
  correct_cancelled(tile, squared, i, j, [=, factor = factor_](double square, double halves) {
    const double distance = std::sqrt(square), error = halves * kError;
    // A wide kernel varies by as little as its exponents.
    const double varies = std::sqrt(halves);
    const double slope = laplacian ? std::max(1.0, factor * varies) : 1;
    return error * slope > kDistanceLimit * distance * varies &&
           factor * (std::sqrt(2 * error) - distance) >= kNegligible;
  });
}

}  // namespace mmkernels::cpu

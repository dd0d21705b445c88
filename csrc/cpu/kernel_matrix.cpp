#include <algorithm>
#include <cmath>
#include <vector>

#include "gram.hpp"

namespace mmkernels::cpu {

double KernelMatrix::unit() const {
  return kernel == Kernel::linear ? features->scale * features->scale : 1.0;
}

double KernelMatrix::diagonal(int64_t row) const {
  if (kernel == Kernel::gaussian) return (minus_one ? 0.0 : 1.0) - shift;
  return features->centred_norms[row] * features->centred_norms[row] - shift;
}

double KernelMatrix::bound() const {
  if (kernel == Kernel::linear) return 1;
  if (!minus_one) return 1;
  // Scaled rows have norms up to 1, so squared distances up to 4: exp(-z) - 1 is between -z and 0.
  return std::min(1.0, 2 * inverse_square_bandwidth / (features->scale * features->scale));
}

void KernelMatrix::apply(float* tile, int64_t i, int64_t j, const float* half) const {
  if (kernel == Kernel::linear) return;
  const double factor = inverse_square_bandwidth / (features->scale * features->scale);
  const float *row_half = half + i * kPanel, *column_half = half + j * kPanel;
  // The exponent errs by about 2^-22 factor (row_half + column_half). Only from 1e-5 on is that
  // worth looking at, and only where the rows stand far out beside the bandwidth does it get there.
  const double largest = *std::max_element(row_half, row_half + kPanel) +
                         *std::max_element(column_half, column_half + kPanel);
  if (factor * largest * 0x1p-22 < 1e-5)
    tile_kernels().gaussian(tile, row_half, column_half, static_cast<float>(factor), minus_one,
                            static_cast<float>(shift));
  else
    correct_cancelled(tile, i, j, half);
}

void KernelMatrix::correct_cancelled(float* tile, int64_t i, int64_t j, const float* half) const {
  const double factor = inverse_square_bandwidth / (features->scale * features->scale);
  const int64_t n = features->view.rows, d = features->view.columns;
  float products[kTile];
  std::copy(tile, tile + kTile, products);
  tile_kernels().gaussian(tile, half + i * kPanel, half + j * kPanel, static_cast<float>(factor),
                          minus_one, static_cast<float>(shift));
  thread_local std::vector<double> row, column;
  row.resize(d);
  column.resize(d);
  for (int64_t r = 0; r < kPanel && i * kPanel + r < n; ++r) {
    bool read = false;
    for (int64_t c = 0; c < kPanel && j * kPanel + c < n; ++c) {
      const double halves = static_cast<double>(half[i * kPanel + r]) + half[j * kPanel + c];
      const double exponent = factor * (products[r * kPanel + c] - halves);
      const double error = factor * halves * 0x1p-22;
      // Below exp(-17) the value is 0 beside that of any pair that is near.
      if (error < 1e-5 || exponent + error < -17) continue;
      if (!read) features->read_plain(i * kPanel + r, row.data());
      read = true;
      features->read_plain(j * kPanel + c, column.data());
      const double squared = tile_kernels().of_doubles.distance(row.data(), column.data(), d);
      const double exact = -squared * inverse_square_bandwidth / 2;
      tile[r * kPanel + c] =
          static_cast<float>((minus_one ? std::expm1(exact) : std::exp(exact)) - shift);
    }
  }
}

void KernelMatrix::choose_shift(const Call& call) {
  if (kernel == Kernel::linear) return;  // centred features: the mean of K is 0
  const Panels& panels = features->panels(call);
  const int64_t samples = features->view.rows;
  const std::vector<float>& half = features->half_norms(call);
  minus_one = false;
  shift = 0;
  // Pairs of panels spread over all samples.
  const int64_t pairs = std::min<int64_t>(panels.count, 16);
  double sum[2] = {0, 0};
  for (const bool relative : {false, true}) {
    minus_one = relative;
    int64_t count = 0;
    for (int64_t p = 0; p < pairs; ++p) {
      const int64_t i = p * panels.count / pairs, j = (i + panels.count / 2) % panels.count;
      alignas(64) float tile[kTile];
      panels.multiply(i, panels, j, tile);
      apply(tile, i, j, half.data());
      for (int r = 0; r < kPanel; ++r)
        for (int c = 0; c < kPanel; ++c) {
          const int64_t row = i * kPanel + r, column = j * kPanel + c;
          if (row >= samples || column >= samples || row == column) continue;
          sum[relative] += tile[r * kPanel + c];
          ++count;
        }
    }
    sum[relative] /= static_cast<double>(std::max<int64_t>(count, 1));
  }
  minus_one = sum[0] > 0.5;
  shift = static_cast<float>(sum[minus_one]);  // what the tiles subtract, to the last bit
}

}  // namespace mmkernels::cpu

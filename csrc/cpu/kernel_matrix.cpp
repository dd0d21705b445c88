#include <algorithm>
#include <cmath>

#include "gram.hpp"

namespace mmkernels::cpu {

double KernelMatrix::unit() const {
  switch (kernel) {
    case Kernel::linear: return features->scale * features->scale;
    case Kernel::distance: return features->scale;
    case Kernel::polynomial: return polynomial->unit();
    case Kernel::precomputed: return precomputed->scale;
    default: return 1;
  }
}

double KernelMatrix::of_distance(double distance) const {
  if (kernel == Kernel::distance) return -distance;
  const double ratio = distance == 0 ? 0 : distance / scaled_bandwidth();
  const double exponent = kernel == Kernel::gaussian ? -ratio * ratio / 2 : -ratio;
  return minus_one ? std::expm1(exponent) : std::exp(exponent);
}

double KernelMatrix::diagonal(int64_t row) const {
  if (kernel == Kernel::precomputed) return precomputed->diagonal(row);
  if (kernel == Kernel::distance) return -shift;
  if (of_distances()) return (minus_one ? 0.0 : 1.0) - shift;
  const double product = features->centred_norms[row] * features->centred_norms[row];
  return (kernel == Kernel::linear ? product : polynomial->diagonal(row, product)) - shift;
}

// Scaled rows have norms up to 1, so distances up to 2: exp(-z) - 1 is between -z and 0.
double KernelMatrix::bound() const {
  if (kernel == Kernel::distance) return 2;
  if (!minus_one) return 1;
  const double width = scaled_bandwidth();
  return std::min(1.0, kernel == Kernel::gaussian ? 2 / (width * width) : 2 / width);
}

void KernelMatrix::choose_shift(const Call& call) {
  minus_one = false;
  shift = 0;
  // The mean of these is 0, exactly or up to rounding.
  if (kernel == Kernel::linear || kernel == Kernel::precomputed) return;
  const bool exponential = kernel == Kernel::gaussian || kernel == Kernel::laplacian;
  const KernelTiles tiles(*this, call);
  const int64_t n = samples(), count = panel_count(n);
  // Pairs of panels spread over all samples.
  const int64_t pairs = std::min<int64_t>(count, 16);
  double sum[2] = {0, 0};
  for (const bool relative : {false, true}) {
    if (relative && !exponential) break;
    minus_one = relative;
    int64_t entries = 0;
    for (int64_t p = 0; p < pairs; ++p) {
      const int64_t i = p * count / pairs, j = (i + count / 2) % count;
      alignas(64) float tile[kTile];
      tiles.compute(i, j, tile);
      for (int r = 0; r < kPanel; ++r)
        for (int c = 0; c < kPanel; ++c) {
          const int64_t row = i * kPanel + r, column = j * kPanel + c;
          if (row >= n || column >= n || row == column) continue;
          sum[relative] += tile[r * kPanel + c];
          ++entries;
        }
    }
    sum[relative] /= static_cast<double>(std::max<int64_t>(entries, 1));
  }
  minus_one = exponential && sum[0] > 0.5;
  shift = static_cast<float>(sum[minus_one]);  // what the tiles subtract, to the last bit
}

}  // namespace mmkernels::cpu

#include <algorithm>

#include "../core/circulant.hpp"
#include "gram.hpp"

namespace mmkernels::cpu {

template <class T>
void centered_gram(const KernelMatrix& matrix, T* out, const Call& call) {
  const KernelTiles tiles(matrix, call);
  const int64_t n = matrix.samples(), panels = panel_count(n);
  const int64_t height = panels_per_strip(panels, tiles.panel_bytes());
  const double unit = 1 / matrix.unit();
  parallel_for(strip_count(panels, height), call, [&](int64_t index, int) {
    visit_strip(strip_at(index, panels, height), panels, [&](int64_t i, int64_t j) {
      alignas(64) float tile[kTile];
      tiles.compute(i, j, tile);
      const int64_t rows = std::min<int64_t>(kPanel, n - i * kPanel);
      const int64_t columns = std::min<int64_t>(kPanel, n - j * kPanel);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) {
          const int64_t row = i * kPanel + r, column = j * kPanel + c;
          const double value =
              (row == column ? matrix.diagonal(row) : tile[r * kPanel + c]) * unit;
          out[row * n + column] = static_cast<T>(value);
          out[column * n + row] = static_cast<T>(value);
        }
    });
  });
  std::vector<double> means(n);
  parallel_for(n, call, [&](int64_t row, int) {
    double sum = 0;
    for (int64_t c = 0; c < n; ++c) sum += out[row * n + c];
    means[row] = sum / static_cast<double>(n);
  });
  double mean = 0;
  for (double value : means) mean += value;
  mean /= static_cast<double>(n);
  parallel_for(n, call, [&](int64_t row, int) {
    for (int64_t c = 0; c < n; ++c)
      out[row * n + c] = static_cast<T>(out[row * n + c] - (means[row] + means[c]) + mean);
  });
}

template void centered_gram<float>(const KernelMatrix&, float*, const Call&);
template void centered_gram<double>(const KernelMatrix&, double*, const Call&);

}  // namespace mmkernels::cpu

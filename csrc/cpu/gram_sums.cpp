#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "../core/circulant.hpp"
#include "../core/hsic.hpp"
#include "gram.hpp"

namespace mmkernels::cpu {
namespace {

// Row sums that several strips add to. Integers add in any order to the same sum: each strip
// rounds its own float64 part once to a multiple of a power of two. With values up to `bound` less
// a shift that is no larger, n of them fit 63 bits, and the rounding stays below 1e-12 of `bound`
// up to n = 2^20.
class RowSums {
 public:
  RowSums(int64_t rows, double bound)
      : unit_(std::exp2(61 - std::bit_width(uint64_t(rows)) - std::ceil(std::log2(std::max(bound, 0x1p-900))))),
        sums_(rows) {}

  void add(int64_t row, double value) {
    sums_[row].fetch_add(std::llround(value * unit_), std::memory_order_relaxed);
  }
  std::vector<double> values() const {
    std::vector<double> out(sums_.size());
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<double>(sums_[i].load(std::memory_order_relaxed)) / unit_;
    return out;
  }

 private:
  const double unit_;
  std::vector<std::atomic<int64_t>> sums_;
};

// What a thread needs while it walks a strip, for all matrices.
struct Scratch {
  AlignedBuffer<double> tiles;     // [matrix][tile]
  std::vector<double> column_sums;  // [matrix][padded rows], of the strip at hand
};

double rounding_of(const KernelMatrix& matrix) {
  return matrix.precomputed ? matrix.precomputed->rounding : 0;
}

void clear_outside(float* tile, int64_t rows, int64_t columns, bool diagonal) {
  for (int r = 0; r < kPanel; ++r)
    for (int c = 0; c < kPanel; ++c)
      if (r >= rows || c >= columns || (diagonal && r == c)) tile[r * kPanel + c] = 0;
}

}  // namespace

std::vector<HsicValue> hsic_by_tiles(const std::vector<KernelMatrix>& matrices,
                                     const std::vector<Pair>& pairs, Estimator estimator,
                                     const Call& call) {
  const int count = static_cast<int>(matrices.size());
  const int64_t n = matrices[0].samples();
  std::vector<KernelTiles> kernels;
  int64_t panel_bytes = 0;
  for (const KernelMatrix& matrix : matrices) {
    kernels.emplace_back(matrix, call);
    panel_bytes += kernels.back().panel_bytes();
  }
  const int64_t panels = panel_count(n), padded = panels * kPanel;
  const int64_t height = panels_per_strip(panels, panel_bytes);
  const int64_t strips = strip_count(panels, height);

  // One slot per strip, added up in order at the end.
  std::vector<double> products(strips * pairs.size(), 0.0);
  std::vector<std::unique_ptr<RowSums>> row_sums;
  for (int m = 0; m < count; ++m) row_sums.push_back(std::make_unique<RowSums>(n, matrices[m].bound()));

  std::vector<Scratch> scratches(call.threads);
  parallel_for(strips, call, [&](int64_t index, int thread) {
    Scratch& scratch = scratches[thread];
    if (!scratch.tiles) scratch.tiles = make_aligned<double>(count * kTile);
    scratch.column_sums.assign(count * padded, 0.0);
    double* slot = products.data() + index * pairs.size();
    visit_strip(strip_at(index, panels, height), panels, [&](int64_t i, int64_t j) {
      const int64_t rows = n - i * kPanel, columns = n - j * kPanel;
      for (int m = 0; m < count; ++m) {
        alignas(64) float tile[kTile];
        kernels[m].compute(i, j, tile);
        if (i == j || rows < kPanel || columns < kPanel)
          clear_outside(tile, rows, columns, i == j);
        double* sums = scratch.column_sums.data() + m * padded;
        double unused[kPanel] = {};  // a diagonal tile holds both (i, j) and (j, i): its rows suffice
        tile_kernels().widen(tile, scratch.tiles.get() + m * kTile, sums + i * kPanel,
                             i == j ? unused : sums + j * kPanel);
      }
      const double weight = i == j ? 1 : 2;
      for (size_t p = 0; p < pairs.size(); ++p)
        slot[p] += weight * tile_kernels().dot_tiles(
                                scratch.tiles.get() + pairs[p].first * kTile,
                                scratch.tiles.get() + pairs[p].second * kTile);
    });
    for (int m = 0; m < count; ++m)
      for (int64_t row = 0; row < n; ++row) {
        const double value = scratch.column_sums[m * padded + row];
        if (value != 0) row_sums[m]->add(row, value);
      }
  });

  std::vector<std::vector<double>> rows(count), diagonals(count);
  std::vector<double> constants(count);
  for (int m = 0; m < count; ++m) {
    rows[m] = row_sums[m]->values();
    diagonals[m].resize(n);
    for (int64_t i = 0; i < n; ++i) diagonals[m][i] = matrices[m].diagonal(i);
    constants[m] = matrices[m].shift;
  }
  std::vector<HsicValue> values;
  for (size_t p = 0; p < pairs.size(); ++p) {
    const auto [a, b] = pairs[p];
    double product = 0;
    for (int64_t strip = 0; strip < strips; ++strip) product += products[strip * pairs.size() + p];
    const PairSums sums{n, product, rows[a].data(), rows[b].data(), diagonals[a].data(),
                        diagonals[b].data()};
    const double mean = product / (static_cast<double>(n) * static_cast<double>(n - 1));
    const double magnitude = std::abs(mean) + constants[a] * constants[b];
    const double own_rounding = rounding_of(matrices[a]) * rounding_of(matrices[b]);
    values.push_back({hsic(sums, estimator), magnitude, kCancelled * magnitude + own_rounding,
                      std::abs(mean)});
  }
  return values;
}

}  // namespace mmkernels::cpu

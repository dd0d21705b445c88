// Linear HSIC in feature space: sum over i, j of K_ij L_ij = |X' Y|^2 for centred X and Y.
#include <algorithm>
#include <cmath>

#include "../core/hsic.hpp"
#include "gram.hpp"

namespace mmkernels::cpu {
namespace {

// Samples per block: float32 sums run over one block and are then added in float64.
constexpr int64_t kBlock = 512;

int64_t feature_panels(int64_t features) { return (features + kPanel - 1) / kPanel; }

// What a thread needs to pack a row: the row as read, and as rounded.
struct PackBuffer {
  std::vector<double> row;
  std::vector<float> rounded;
};

// A block of centred samples as panels of 32 features, [panel][sample][32].
void pack_block(const Features& features, int64_t first, int64_t count, float* out,
                std::vector<PackBuffer>& buffers, const Call& call) {
  const int64_t d = features.view.columns, panels = feature_panels(d);
  constexpr int64_t chunk = 32;
  parallel_for((count + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    PackBuffer& buffer = buffers[thread];
    buffer.row.resize(d);
    buffer.rounded.assign(panels * kPanel, 0.0f);
    for (int64_t i = index * chunk; i < std::min(count, (index + 1) * chunk); ++i) {
      features.pack_row(first + i, buffer.row.data(), buffer.rounded.data());
      for (int64_t p = 0; p < panels; ++p)
        std::copy_n(buffer.rounded.data() + p * kPanel, kPanel, out + (p * count + i) * kPanel);
    }
  });
}

// |X' Y|_F^2 of the packed rows; y == x computes half of the symmetric product.
double squared_product(const Features& x, const Features& y, const Call& call) {
  const bool symmetric = &x == &y;
  const int64_t n = x.view.rows;
  const int64_t panels_x = feature_panels(x.view.columns), panels_y = feature_panels(y.view.columns);
  AlignedBuffer<float> block_x = make_aligned<float>(kBlock * panels_x * kPanel);
  AlignedBuffer<float> block_y =
      symmetric ? nullptr : make_aligned<float>(kBlock * panels_y * kPanel);
  const float* other = symmetric ? block_x.get() : block_y.get();

  std::vector<std::pair<int64_t, int64_t>> tiles;
  for (int64_t i = 0; i < panels_x; ++i)
    for (int64_t j = symmetric ? i : 0; j < panels_y; ++j) tiles.emplace_back(i, j);
  const int64_t total = static_cast<int64_t>(tiles.size());
  AlignedBuffer<double> sums = make_aligned<double>(total * kTile);
  std::fill(sums.get(), sums.get() + total * kTile, 0.0);

  constexpr int64_t group = 16;  // tiles per unit of work: one left panel, many right ones
  std::vector<PackBuffer> buffers(call.threads);
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t count = std::min(kBlock, n - first);
    pack_block(x, first, count, block_x.get(), buffers, call);
    if (!symmetric) pack_block(y, first, count, block_y.get(), buffers, call);
    parallel_for((total + group - 1) / group, call, [&](int64_t unit, int) {
      alignas(64) float tile[kTile];
      for (int64_t t = unit * group; t < std::min(total, (unit + 1) * group); ++t) {
        const auto [i, j] = tiles[t];
        tile_kernels().multiply(block_x.get() + i * count * kPanel, other + j * count * kPanel,
                                count, tile);
        tile_kernels().add_tile(tile, sums.get() + t * kTile);
      }
    });
  }
  double sum = 0;
  for (int64_t t = 0; t < total; ++t) {
    const double* tile = sums.get() + t * kTile;
    const double weight = symmetric && tiles[t].first != tiles[t].second ? 2 : 1;
    sum += weight * tile_kernels().dot_tiles(tile, tile);
  }
  return sum;
}

}  // namespace

HsicValue hsic_by_features(const Features& x, const Features& y, Estimator estimator,
                           const Call& call) {
  FeatureSums sums{x.view.rows, squared_product(x, y, call)};
  for (int64_t i = 0; i < sums.n; ++i) {
    const double k = x.centred_norms[i] * x.centred_norms[i];
    const double l = y.centred_norms[i] * y.centred_norms[i];
    sums.diagonal_k += k;
    sums.diagonal_l += l;
    sums.diagonal_product += k * l;
  }
  const double entries = static_cast<double>(sums.n) * static_cast<double>(sums.n);
  const double magnitude = sums.product / entries;
  return {hsic(sums, estimator), magnitude, kCancelled * magnitude, magnitude};
}

}  // namespace mmkernels::cpu

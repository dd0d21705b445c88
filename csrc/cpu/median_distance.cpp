// An exact median without the n x n distances: non-negative floats sort like their bit patterns,
// so one pass counts the upper halves of the patterns and a second the lower halves of those
// patterns that share the median's upper half.
#include <array>
#include <bit>
#include <cmath>

#include "../core/circulant.hpp"
#include "gram.hpp"

namespace mmkernels::cpu {
namespace {

using Histogram = std::vector<int64_t>;
constexpr int64_t kBins = 1 << 16;

struct Bin {
  int64_t index, below;  // the bin that holds a rank, and how many values lie in lower bins
};

Bin find(const Histogram& histogram, int64_t rank) {
  int64_t below = 0, index = 0;
  while (below + histogram[index] <= rank) below += histogram[index++];
  return {index, below};
}

// Calls count(histogram, bits) for the squared distance of every pair of different samples.
template <class Count>
Histogram pass(const Features& features, const Panels& panels, const std::vector<float>& half,
               int64_t bins, const Call& call, Count&& count) {
  const int64_t height = panels_per_strip(panels.count, panels.panel_bytes());
  std::vector<Histogram> histograms(call.threads);
  parallel_for(strip_count(panels.count, height), call, [&](int64_t index, int thread) {
    Histogram& histogram = histograms[thread];
    histogram.resize(bins);
    visit_strip(strip_at(index, panels.count, height), panels.count, [&](int64_t i, int64_t j) {
      alignas(64) float tile[kTile];
      panels.multiply(i, panels, j, tile);
      tile_kernels().squared_distance(tile, half.data() + i * kPanel, half.data() + j * kPanel);
      const int64_t rows = std::min<int64_t>(kPanel, features.view.rows - i * kPanel);
      const int64_t columns = std::min<int64_t>(kPanel, features.view.rows - j * kPanel);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = i == j ? r + 1 : 0; c < columns; ++c)
          count(histogram.data(), std::bit_cast<uint32_t>(tile[r * kPanel + c]));
    });
  });
  Histogram total(bins, 0);
  for (const Histogram& histogram : histograms)
    for (size_t bin = 0; bin < histogram.size(); ++bin) total[bin] += histogram[bin];
  return total;
}

}  // namespace

double median_distance(const Features& features, const Call& call) {
  const Panels& panels = features.panels(call);
  const std::vector<float>& half = features.half_norms(call);
  const int64_t n = features.view.rows, pairs = n * (n - 1) / 2;
  const std::array<int64_t, 2> ranks{(pairs - 1) / 2, pairs / 2};
  const Histogram upper =
      pass(features, panels, half, kBins, call,
           [](int64_t* histogram, uint32_t bits) { ++histogram[bits >> 16]; });
  const std::array<Bin, 2> bins{find(upper, ranks[0]), find(upper, ranks[1])};
  const Histogram lower = pass(
      features, panels, half, 2 * kBins, call, [&](int64_t* histogram, uint32_t bits) {
        if (bits >> 16 == bins[0].index) ++histogram[bits & 0xffff];
        if (bits >> 16 == bins[1].index) ++histogram[kBins + (bits & 0xffff)];
      });
  double sum = 0;
  for (int side = 0; side < 2; ++side) {
    const Histogram part(lower.begin() + side * kBins, lower.begin() + (side + 1) * kBins);
    const Bin bin = find(part, ranks[side] - bins[side].below);
    const auto bits = static_cast<uint32_t>(bins[side].index << 16 | bin.index);
    sum += std::sqrt(static_cast<double>(std::bit_cast<float>(bits)));
  }
  return sum / 2 / features.scale;
}

}  // namespace mmkernels::cpu

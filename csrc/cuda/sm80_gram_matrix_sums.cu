// Sums of products of kernel values for all pairs of any number of kernels: their tiles on the same
// pair of blocks of rows are computed one after the other and kept in memory until all have met.
// Threads read back what they wrote themselves, so that nothing waits for anything.
#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int64_t kWarps = kTileThreads / 32;
// Kernels that are compared with each of the others while they are in registers.
constexpr int kTogether = 2;

// The thread's values of one kernel's tile.
template <class Tier>
__device__ __forceinline__ float* values_of(const GramPass& pass, int matrix) {
  return pass.tiles + (ptx::block() * pass.count + matrix) * kTileEntries + ptx::thread();
}

// Adds the products of kernels a, a + 1 (as far as there are) with themselves and all after them.
template <class Tier>
__device__ __forceinline__ void add_products_with(const GramPass& pass, int a, double weight,
                                                  double* products) {
  constexpr int count = TileOf<Tier>::kValues;
  float own[kTogether][count];
#pragma unroll
  for (int t = 0; t < kTogether; ++t) {
    const float* values = values_of<Tier>(pass, a + t < pass.count ? a + t : a);
#pragma unroll
    for (int v = 0; v < count; ++v) own[t][v] = values[v * kTileThreads];
  }
  for (int b = a; b < pass.count; ++b) {
    const float* values = values_of<Tier>(pass, b);
    typename Tier::Wide sums[kTogether] = {};
#pragma unroll
    for (int v = 0; v < count; ++v) {
      const typename Tier::Wide value = values[v * kTileThreads];
#pragma unroll
      for (int t = 0; t < kTogether; ++t) sums[t] += value * own[t][v];
    }
#pragma unroll
    for (int t = 0; t < kTogether; ++t) {
      const double sum = sum_of_lanes(sums[t]);
      if (ptx::thread() % 32 == 0 && a + t <= b) products[pass.pair(a + t, b)] += weight * sum;
    }
  }
}

template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void add_all_products(GramPass pass) {
  constexpr int parts = kTileRows / Tier::kColumns;
  const int64_t rows = pass.schedule.panels * kTileRows, pairs = pass.pairs();
  double* products = pass.products + (ptx::block() * kWarps + ptx::thread() / 32) * pairs;
  for (int64_t p = ptx::thread() % 32; p < pairs; p += 32) products[p] = 0;
  ptx::sync_warp();
  const int64_t count = pass.schedule.count() * parts;
  for (int64_t index = ptx::block(); index < count; index += ptx::blocks()) {
    const TileSchedule::Tile tile = pass.schedule.at(index / parts);
    if (!tile.owned) continue;
    const bool diagonal = tile.row == tile.column;
    const int64_t row = tile.row * kTileRows;
    const int64_t column = tile.column * kTileRows + index % parts * Tier::kColumns;
    for (int m = 0; m < pass.count; ++m) {
      typename TileOf<Tier>::Sums values;
      compute_tile<Tier>(pass.matrices[m], row, column, diagonal, pass.rows + m * rows, values);
      float* to = values_of<Tier>(pass, m);
      for_values<TileOf<Tier>>(values, [=](float value, int i, int j, int e, int, int) {
        to[((i * 4 + j) * 4 + e) * kTileThreads] = value;
      });
    }
    for (int a = 0; a < pass.count; a += kTogether)
      add_products_with<Tier>(pass, a, diagonal ? 1 : 2, products);
  }
}

}  // namespace

int64_t add_products_of_all(Precision precision, const GramPass& pass, Stream stream) {
  int64_t blocks = 0;
  with_tier(precision, [&](auto tier) {
    using Tier = decltype(tier);
    const int64_t tiles = pass.schedule.count() * (kTileRows / Tier::kColumns);
    blocks = tiles < kMatrixBlocks ? tiles : kMatrixBlocks;
    launch("add_all_products", add_all_products<Tier>, blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes, stream, pass);
  });
  return blocks * kWarps;
}

}  // namespace mmkernels::cuda

// Sums of products of kernel values for all pairs of any number of kernels: their tiles on the same
// pair of blocks of rows are computed one after the other and kept in memory until all have met.
// Threads read back what they wrote themselves, so that nothing waits for anything.
#include "gram_tiles.cuh"
#include "hsic_values.cuh"

namespace mmkernels::cuda {
namespace {

// Each keeps a tile of every kernel, and there is no more to gain than one for every
// multiprocessor; a fixed number, so that sums do not depend on the device.
constexpr int64_t kMatrixBlocks = 160;
constexpr int64_t kWarps = kTileThreads / 32;
constexpr int64_t kEntries = int64_t{kTileRows} * kTileColumns;  // of the largest tile
// Kernels that are compared with each of the others while they are in registers.
constexpr int kTogether = 2;

__global__ void store_matrix(KernelMatrix matrix, KernelMatrix* at) {
  if (ptx::thread() == 0) *at = matrix;
}

// The thread's values of one kernel's tile.
template <class Tier>
__device__ __forceinline__ float* values_of(const MatrixPass& pass, int matrix) {
  return pass.tiles + (ptx::block() * pass.count + matrix) * kEntries + ptx::thread();
}

// Adds the products of kernels a, a + 1 (as far as there are) with themselves and all after them.
template <class Tier>
__device__ __forceinline__ void add_products_with(const MatrixPass& pass, int a, double weight,
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
__global__ __launch_bounds__(kTileThreads, 1) void add_all_products(MatrixPass pass) {
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
      for_values<Tier>(values, [=](float value, int i, int j, int e, int, int) {
        to[((i * 4 + j) * 4 + e) * kTileThreads] = value;
      });
    }
    for (int a = 0; a < pass.count; a += kTogether)
      add_products_with<Tier>(pass, a, diagonal ? 1 : 2, products);
  }
}

}  // namespace

MatrixPass take_matrix_pass(int64_t samples, int count, Workspace& workspace) {
  const int64_t rows = padded_rows(samples), panels = rows / kBlockRows;
  MatrixPass pass{};
  pass.schedule = {panels, 0, farthest_distance(panels), kGramHeight};
  pass.samples = samples;
  pass.count = count;
  pass.matrices = workspace.take<KernelMatrix>(count);
  pass.tiles = workspace.take<float>(kMatrixBlocks * count * kEntries);
  pass.products = workspace.take<double>(kMatrixBlocks * kWarps * pass.pairs());
  pass.rows = workspace.take<uint64_t>(count * rows);
  pass.values = workspace.take<double>(pass.pairs());
  return pass;
}

void run_matrix_pass(const std::vector<KernelMatrix>& matrices, const MatrixPass& pass,
                     Estimator estimator, Stream stream) {
  for (int m = 0; m < pass.count; ++m)
    launch("store_matrix", store_matrix, 1, 32, 0, stream, matrices[m], pass.matrices + m);
  const int64_t rows = matrices[0].operand.rows;
  fill(pass.rows, 0, static_cast<size_t>(pass.count * rows) * sizeof(uint64_t), stream);
  int64_t blocks = 0;
  with_tier(matrices[0].precision, [&](auto tier) {
    using Tier = decltype(tier);
    const int64_t tiles = pass.schedule.count() * (kTileRows / Tier::kColumns);
    blocks = tiles < kMatrixBlocks ? tiles : kMatrixBlocks;
    launch("add_all_products", add_all_products<Tier>, blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes, stream, pass);
  });
  find_hsic_values(pass, blocks * kWarps, estimator, stream);
}

}  // namespace mmkernels::cuda

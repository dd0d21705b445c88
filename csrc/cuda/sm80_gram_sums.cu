// Sums over all pairs of samples of products of two kernels' values: a tile of each kernel on the
// same pair of blocks of rows, in registers, one pair after the other.
#include "block_sums.cuh"
#include "gram_tiles.cuh"

namespace mmkernels::cuda {
namespace {

template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void add_pair_products(KernelMatrix k, KernelMatrix l,
                                                                     PairPass pass) {
  constexpr int parts = kTileRows / Tier::kColumns;
  using Sums = typename TileOf<Tier>::Sums;
  using Wide = typename Tier::Wide;
  double products[3] = {0, 0, 0};
  const bool possible = k.state->usable && l.state->usable;
  const int64_t count = possible ? pass.schedule.count() * parts : 0;
  for (int64_t index = ptx::block(); index < count; index += ptx::blocks()) {
    const TileSchedule::Tile tile = pass.schedule.at(index / parts);
    if (!tile.owned) continue;
    const bool diagonal = tile.row == tile.column;
    const int64_t row = tile.row * kTileRows;
    const int64_t column = tile.column * kTileRows + index % parts * Tier::kColumns;
    Sums of_k, of_l;
    compute_tile<Tier>(k, row, column, diagonal, pass.rows_k, of_k);
    compute_tile<Tier>(l, row, column, diagonal, pass.rows_l, of_l);
    Wide sums[3] = {0, 0, 0};
#pragma unroll
    for (int i = 0; i < TileOf<Tier>::kFragments; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const Wide a = of_k[i][j][e], b = of_l[i][j][e];
          sums[0] += a * a;
          sums[1] += b * b;
          sums[2] += a * b;
        }
    const double weight = diagonal ? 1 : 2;
#pragma unroll
    for (int p = 0; p < 3; ++p) products[p] += weight * static_cast<double>(sums[p]);
  }
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  for (int p = 0; p < 3; ++p) {
    const double sum = sum_of_block(products[p], slots);
    if (ptx::thread() == 0) pass.products[ptx::block() * 3 + p] = sum;
  }
}

}  // namespace

PairPass take_pair_pass(int64_t samples, Workspace& workspace) {
  const int64_t rows = padded_rows(samples), panels = rows / kBlockRows;
  PairPass pass{};
  pass.schedule = {panels, 0, farthest_distance(panels), kGramHeight};
  pass.samples = samples;
  const int64_t tiles = pass.schedule.count() * 2;
  pass.blocks = tiles < kMostGramBlocks ? tiles : kMostGramBlocks;
  pass.products = workspace.take<double>(pass.blocks * 3);
  pass.rows_k = workspace.take<uint64_t>(rows);
  pass.rows_l = workspace.take<uint64_t>(rows);
  return pass;
}

void run_pair_pass(const KernelMatrix& k, const KernelMatrix& l, const PairPass& pass,
                   Stream stream) {
  const size_t bytes = static_cast<size_t>(k.operand.rows) * sizeof(uint64_t);
  fill(pass.rows_k, 0, bytes, stream);
  fill(pass.rows_l, 0, bytes, stream);
  with_tier(k.precision, [&](auto tier) {
    using Tier = decltype(tier);
    launch("add_pair_products", add_pair_products<Tier>, pass.blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes, stream, k, l, pass);
  });
}

}  // namespace mmkernels::cuda

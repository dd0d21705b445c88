// Sums over all pairs of samples of products of two kernels' values: a tile of each kernel on the
// same pair of blocks of rows, both in registers.
#include "block_sums.cuh"
#include "gram_pass.cuh"

namespace mmkernels::cuda {
namespace {

template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void add_pair_products(KernelMatrix k, KernelMatrix l,
                                                                     GramPass pass) {
  constexpr int parts = kTileRows / Tier::kColumns;
  using Sums = typename TileOf<Tier>::Sums;
  using Wide = typename Tier::Wide;
  uint64_t* rows_l = pass.rows + k.operand.rows;
  // As pairs are numbered.
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
    compute_tile<Tier>(k, row, column, diagonal, pass.rows, of_k);
    compute_tile<Tier>(l, row, column, diagonal, rows_l, of_l);
    Wide sums[3] = {0, 0, 0};
#pragma unroll
    for (int i = 0; i < TileOf<Tier>::kFragments; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const Wide a = of_k[i][j][e], b = of_l[i][j][e];
          sums[0] += a * a;
          sums[1] += a * b;
          sums[2] += b * b;
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

int64_t add_products_of_two(const KernelMatrix& k, const KernelMatrix& l, const GramPass& pass,
                            Stream stream) {
  int64_t blocks = 0;
  with_tier(k.precision, [&](auto tier) {
    using Tier = decltype(tier);
    const int64_t tiles = pass.schedule.count() * (kTileRows / Tier::kColumns);
    blocks = tiles < kMostGramBlocks ? tiles : kMostGramBlocks;
    launch("add_pair_products", add_pair_products<Tier>, blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes, stream, k, l, pass);
  });
  return blocks;
}

}  // namespace mmkernels::cuda

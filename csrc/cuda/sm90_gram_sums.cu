// Sums over all pairs of samples of products of two kernels' values, on Hopper: a tile of each kernel
// on the same rows and columns, both in registers.
#include "gram_pass.cuh"
#include "sm90_gram_lines.cuh"
#include "sm90_gram_tiles.cuh"

namespace mmkernels::cuda {
namespace {

struct PairOfKernels {
  KernelMatrix k, l;
  SplitMaps maps_k, maps_l;
  GramPass pass;
  PanelTiles tiles;
};

// A consumer: the values of its part of one kernel's tile, 0 where they are not to count.
template <class Tier>
__device__ __forceinline__ void compute_values(const Ring& ring, RingPlace& place, int steps,
                                               const KernelMatrix& matrix, int row, int column,
                                               typename GroupTile<Tier>::Sums& values) {
  using Tile = GroupTile<Tier>;
  multiply_split<Tier>(ring, place, steps, values);
  to_kernel_values<Tile>(matrix, matrix.state->shift, matrix.state->minus_one, row, column, values);
  if (!may_repeat<Tile>(row, column)) return;
  for_values<Tile>(values, [&](float& value, int, int, int, int r, int c) {
    if (repeats(row + r, column + c)) value = 0;
  });
}

template <class Tier>
__global__ __launch_bounds__(kHopperThreads, 1) void add_pair_products(
    const __grid_constant__ PairOfKernels pair) {
  using Tile = GroupTile<Tier>;
  using Wide = typename Tier::Wide;
  const KernelMatrix &k = pair.k, &l = pair.l;
  if (!k.state->usable || !l.state->usable) return;
  const Ring ring = Tile::ring();
  auto& exchange = *reinterpret_cast<GroupExchange<Tier>*>(ptx::shared() + Tile::kRingBytes);
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_cluster();
  RingPlace place;
  if (warpgroup() == 0) {
    ptx::give_registers<kProducerRegisters>();
    if (ptx::thread() == 0)
      for_runs(pair.tiles, [&](int run) {
        for_tiles<Tier>(pair.tiles, run, [&](int row, int column) {
          fetch_split<Tier>(ring, place, pair.maps_k, row, column);
          fetch_split<Tier>(ring, place, pair.maps_l, row, column);
        });
      });
  } else {
    ptx::take_registers<kConsumerRegisters>();
    const int group = warpgroup() - 1, thread = ptx::thread() % kGroupThreads;
    uint64_t *rows_k = pair.pass.rows, *rows_l = rows_k + k.operand.rows;
    for_runs(pair.tiles, [&](int run) {
      if (thread < kPairs) exchange.totals[group][thread] = 0;
      for_tiles<Tier>(pair.tiles, run, [&](int row, int column) {
        typename Tile::Sums of_k, of_l;
        compute_values<Tier>(ring, place, pair.maps_k.steps, k, row, column, of_k);
        give_lines<Tier>(of_k, k.state->fixed_point, rows_k + row, exchange.columns[0][group]);
        meet_consumers();
        add_columns<Tier>(exchange.columns[0][group], k.state->fixed_point, rows_k + column);
        // As float64 they would take twice the registers while the other tile is multiplied.
        for_values<Tile>(of_k, [](float& value, int, int, int, int, int) { ptx::forget(value); });

        compute_values<Tier>(ring, place, pair.maps_l.steps, l, row, column, of_l);
        Wide sums[3] = {0, 0, 0};
#pragma unroll
        for (int j = 0; j < Tile::kAcross; ++j)
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            const Wide a = of_k[0][j][e], b = of_l[0][j][e];
            sums[0] += a * a;
            sums[1] += a * b;
            sums[2] += b * b;
          }
        give_products(sums, exchange.products[group]);
        for_values<Tile>(of_l, [](float& value, int, int, int, int, int) { ptx::forget(value); });
        give_lines<Tier>(of_l, l.state->fixed_point, rows_l + row, exchange.columns[1][group]);
        meet_consumers();
        add_columns<Tier>(exchange.columns[1][group], l.state->fixed_point, rows_l + column);
        add_products(exchange.products[group], exchange.totals[group]);
      });
      if (thread < kPairs)
        pair.pass.products[((run * 2 + half_of_block()) * kConsumers + group) * kPairs + thread] =
            2 * exchange.totals[group][thread];
    });
  }
  ptx::sync_cluster();
}

}  // namespace

int64_t add_products_on_hopper(const KernelMatrix& k, const KernelMatrix& l, const GramPass& pass,
                               Stream stream) {
  static_assert(kSumsOfRun == 2 * kConsumers);
  const int blocks = blocks_of_cluster();
  int64_t runs = 0;
  with_group_tier(k.precision, [&](auto tier) {
    using Tier = decltype(tier);
    const PairOfKernels pair{k, l, make_split_maps<Tier>(k.operand, blocks),
                             make_split_maps<Tier>(l.operand, blocks), pass,
                             take_tiles<Tier>(pass.samples)};
    runs = pair.tiles.runs;
    launch_on_tiles("add_pair_products", add_pair_products<Tier>, pair.tiles, blocks,
                    GroupTile<Tier>::kRingBytes + sizeof(GroupExchange<Tier>), stream, pair);
  });
  return runs * kSumsOfRun;
}

}  // namespace mmkernels::cuda

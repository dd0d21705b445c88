// Sums over all pairs of samples of products of two kernels' values, on Hopper: a tile of each kernel
// on the same rows and columns, both in registers.
//
// A pair of blocks has 256 rows, half of them each, and columns in common. The tiles of a pair of
// panels are taken one after the other. In a panel with itself tiles above the diagonal hold each
// pair of samples once, as those of two panels do; what is below is left out.
#include "gram_pass.cuh"
#include "sm90_gram_lines.cuh"
#include "tiling.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kPairRows = 2 * kHopperRows;
// The divisions of the schedule take more than fetching does.
constexpr int kScheduleRegisters = 40, kValueRegisters = 232;

struct PairOfKernels {
  KernelMatrix k, l;
  SplitMaps maps_k, maps_l;
  GramPass pass;
  TileSchedule schedule;  // of panels
  int runs, length, last_length;  // tiles of a run
};

// Halves of 256 rows are the same blocks' with and without clusters.
__device__ __forceinline__ int half_of_block() { return static_cast<int>(ptx::block() % 2); }

__device__ __forceinline__ bool in_one_panel(int row, int column) {
  return row / kHopperPanel == column / kHopperPanel;
}

template <class Tier>
constexpr int kTilesOfPanels = (kHopperPanel / kPairRows) * (kHopperPanel / Tier::kColumns);

// tile(the block's first row, first column) of all that a run has.
template <class Tier, class Tile>
__device__ __forceinline__ void for_tiles(const PairOfKernels& pair, int run, Tile&& tile) {
  constexpr int tiles = kTilesOfPanels<Tier>, down = kHopperPanel / kPairRows;
  for (int t = 0; t < (run + 1 < pair.runs ? pair.length : pair.last_length); ++t) {
    const int64_t index = int64_t{run} * pair.length + t;
    const TileSchedule::Tile panels = pair.schedule.at(index / tiles);
    const int within = static_cast<int>(index % tiles);
    const int row = static_cast<int>(panels.row * kHopperPanel) + within % down * kPairRows;
    const int column = static_cast<int>(panels.column * kHopperPanel) + within / down * Tier::kColumns;
    if (!panels.owned || row >= pair.pass.samples || column >= pair.pass.samples ||
        (in_one_panel(row, column) && column + Tier::kColumns <= row))
      continue;
    tile(row + half_of_block() * kHopperRows, column);
  }
}

// A consumer: the values of its part of one kernel's tile, 0 where they are not to count.
template <class Tier>
__device__ __forceinline__ void compute_values(const Ring& ring, RingPlace& place, int steps,
                                               const KernelMatrix& matrix, int row, int column,
                                               typename GroupTile<Tier>::Sums& values) {
  using Tile = GroupTile<Tier>;
  multiply_split<Tier>(ring, place, steps, values);
  to_kernel_values<Tile>(matrix, matrix.state->shift, matrix.state->minus_one, row, column, values);
  if (!in_one_panel(row, column) || column >= row + Tile::kRows) return;
  for_values<Tile>(values, [&](float& value, int, int, int, int r, int c) {
    if (column + c < row + r) value = 0;
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
  const int first = static_cast<int>(ptx::block() / 2), step = static_cast<int>(ptx::blocks() / 2);
  RingPlace place;
  if (warpgroup() == 0) {
    ptx::give_registers<kScheduleRegisters>();
    if (ptx::thread() == 0)
      for (int run = first; run < pair.runs; run += step)
        for_tiles<Tier>(pair, run, [&](int row, int column) {
          fetch_split<Tier>(ring, place, pair.maps_k, row, column);
          fetch_split<Tier>(ring, place, pair.maps_l, row, column);
        });
  } else {
    ptx::take_registers<kValueRegisters>();
    const int group = warpgroup() - 1, thread = ptx::thread() % kGroupThreads;
    uint64_t *rows_k = pair.pass.rows, *rows_l = rows_k + k.operand.rows;
    for (int run = first; run < pair.runs; run += step) {
      if (thread < kPairs) exchange.totals[group][thread] = 0;
      for_tiles<Tier>(pair, run, [&](int row, int column) {
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
    }
  }
  ptx::sync_cluster();
}

}  // namespace

int64_t add_products_on_hopper(const KernelMatrix& k, const KernelMatrix& l, const GramPass& pass,
                               Stream stream) {
  static_assert(kSumsOfRun == 2 * kConsumers);
  const int blocks = static_cast<int>(chosen_tiling().gram_blocks);
  const int64_t panels = k.lines() / kHopperPanel;
  int runs = 0;
  with_group_tier(k.precision, [&](auto tier) {
    using Tier = decltype(tier);
    PairOfKernels pair{k, l, make_split_maps<Tier>(k.operand, blocks),
                       make_split_maps<Tier>(l.operand, blocks), pass,
                       {panels, 0, farthest_distance(panels), kGramHeight}, 0, 0, 0};
    const int64_t tiles = pair.schedule.count() * kTilesOfPanels<Tier>;
    pair.length = static_cast<int>((tiles + kMostRuns - 1) / kMostRuns);
    pair.runs = runs = static_cast<int>((tiles + pair.length - 1) / pair.length);
    pair.last_length = static_cast<int>(tiles - int64_t{runs - 1} * pair.length);
    const int most = multiprocessors() / 2, pairs = runs < most || most == 0 ? runs : most;
    launch_clusters("add_pair_products", add_pair_products<Tier>, pairs * 2 / blocks, blocks,
                    kHopperThreads, GroupTile<Tier>::kRingBytes + sizeof(GroupExchange<Tier>), stream,
                    pair);
  });
  return runs * kSumsOfRun;
}

}  // namespace mmkernels::cuda

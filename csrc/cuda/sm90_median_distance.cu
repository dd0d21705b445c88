// Counts of squared distances for the median, from Hopper's tiles.
#include "gram_values.cuh"
#include "median_patterns.cuh"
#include "sm90_gram_tiles.cuh"

namespace mmkernels::cuda {
namespace {

struct PatternSearch {
  KernelMatrix matrix;
  SplitMaps maps;
  PanelTiles tiles;
  MedianSearch search;
};

template <class Tier>
__global__ __launch_bounds__(kHopperThreads, 1) void count_patterns(
    const __grid_constant__ PatternSearch work) {
  using Tile = GroupTile<Tier>;
  const KernelMatrix& matrix = work.matrix;
  const Ring ring = Tile::ring();
  if (all_found(work.search)) return;
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_cluster();
  RingPlace place;
  if (warpgroup() == 0) {
    ptx::give_registers<kProducerRegisters>();
    if (ptx::thread() == 0)
      for_runs(work.tiles, [&](int run) {
        for_tiles<Tier>(work.tiles, run, [&](int row, int column) {
          fetch_split<Tier>(ring, place, work.maps, row, column);
        });
      });
  } else {
    ptx::take_registers<kConsumerRegisters>();
    PatternCounter counter(work.search);
    for_runs(work.tiles, [&](int run) {
      for_tiles<Tier>(work.tiles, run, [&](int row, int column) {
        typename Tile::Sums values;
        multiply_split<Tier>(ring, place, work.maps.steps, values);
        to_squared_distances<Tile>(TileVector<Tile>(matrix.own_products, row, column), values);
        const TileExtent<Tile> extent(matrix.features.view.rows, row, column);
        const bool repeated = may_repeat<Tile>(row, column);
        for_values<Tile>(values, [&](float value, int, int, int, int r, int c) {
          if (extent.holds(r, c) && !(repeated && repeats(row + r, column + c)))
            counter.count(ptx::float_bits(value));
        });
        counter.end_tile();
      });
    });
    counter.give();
  }
  ptx::sync_cluster();
}

}  // namespace

void count_patterns_on_hopper(const KernelMatrix& matrix, const MedianSearch& search, int64_t sample,
                              Stream stream) {
  const int blocks = blocks_of_cluster();
  with_group_tier(matrix.precision, [&](auto tier) {
    using Tier = decltype(tier);
    const PatternSearch work{matrix, make_split_maps<Tier>(matrix.operand, blocks),
                             take_tiles<Tier>(matrix.features.view.rows, sample), search};
    launch_on_tiles("count_patterns", count_patterns<Tier>, work.tiles, blocks,
                    GroupTile<Tier>::kRingBytes, stream, work);
  });
}

}  // namespace mmkernels::cuda

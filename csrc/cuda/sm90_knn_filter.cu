// The filter of neighbours on Hopper: sums of a tile of 128 rows and 256 columns in the registers
// of two warpgroups, compared where they are.
//
// Two blocks take panels of 256 rows by panels of 256 columns, the second one the rows from 128 on;
// as a cluster, each fetches half of the columns for both. Blocks stay, and go through the tiles of
// a launch. A diagonal tile has both (i, j) and (j, i), so that only its rows take candidates.
//
// Short rows stay in shared memory while columns pass them. One warpgroup compares while the other
// multiplies: they take turns where the ring holds a whole tile, and else the first keeps a lead.
#include "knn_filter.hpp"
#include "sm90_filter_work.cuh"
#include "sm90_score_filter.cuh"

#include <algorithm>
#include <type_traits>

namespace mmkernels::cuda::hopper {
namespace {

// Those who fetch need more than kProducerRegisters. Together what the threads start with: 3 * 168.
constexpr int kFetchRegisters = 72, kFilterRegisters = 216;
constexpr int kLead = 2;  // steps, of a ring of four
static_assert((kSharedBytes - sizeof(Control)) / (kRowsBytes + kColumnsBytes) >= 2 * kLead);

// One thread: has the copy engine bring the operands.
template <bool both, class Tiles>
__device__ __forceinline__ void fetch_operands(const Filter<Tiles>& filter, const Work& work) {
  RingPlace place;
  int rows_parity = 0;
  const int sharers = ptx::cluster_blocks(), own_columns = kTileColumns / sharers;
  const int part = ptx::cluster_rank() * own_columns;
  for_each_tile<both>(filter, work, [&](const BlockTile& tile) {
    const int row = tile.first_row - filter.rows.first;
    const int column = tile.first_column - filter.columns.first;
    if (work.resident && tile.new_rows) {
      ptx::Barrier* filled = &work.control->rows_filled;
      ptx::wait_phase(&work.control->rows_emptied, rows_parity ^ 1);
      ptx::arrive_expecting(filled, work.steps * kRowsBytes);
      for (int step = 0; step < work.steps; ++step)
        ptx::copy_box(work.rows + step * kRowsBytes, filter.row_values, step * kBoxDepth, row,
                      filled);
      rows_parity ^= 1;
    }
    for (int step = 0; step < work.steps; ++step) {
      uint8_t* stage = claim(work.ring, place, work.ring.stage_bytes);
      ptx::Barrier* filled = work.ring.filled + place.stage;
      for (int c = part; c < part + own_columns; c += kBoxRows)
        ptx::copy_box_to((1 << sharers) - 1, stage + c * kStepRowBytes, filter.column_values,
                         step * kBoxDepth, column + c, filled);
      if (!work.resident)
        ptx::copy_box(stage + kColumnsBytes, filter.row_values, step * kBoxDepth, row, filled);
      place.advance(work.ring);
    }
  });
}

// Three warps, of which `warp` is 0 to 2.
template <bool both, class Tiles>
__device__ __forceinline__ void write_all_edges(const Filter<Tiles>& filter, const Work& work,
                                                int warp) {
  RingPlace place;
  const auto write = [&](auto&& body) {
    ptx::wait_phase(work.edges.emptied + place.stage, place.parity ^ 1);
    body(work.control->edges[place.stage]);
    ptx::arrive(work.edges.filled + place.stage);
    place.advance(work.edges);
  };
  for_each_tile<both>(filter, work, [&](const BlockTile& tile) {
    write([&](TileEdges& edges) {
      write_edges<both>(edges, filter.rows, filter.columns, filter.lists.limits, tile, warp);
    });
  });
  write([&](TileEdges& edges) {
    if (warp == 0 && ptx::thread() % 32 == 0) edges.first_row = kNoTile;
  });
}

// A warpgroup: starts all products of a tile, of rows that are `from` bytes into a step, and gives
// back all stages but the last, which it returns. Calls `after` with the number of steps started.
template <class After>
__device__ __forceinline__ int add_products(const Work& work, RingPlace& place, int from,
                                            TileSums& sums, After&& after) {
  const uint8_t* own = work.resident ? work.rows + from : nullptr;
  int before = -1;
  const auto add = [&](auto length, int step) {
    const uint8_t* columns = await(work.ring, place);
    const uint8_t* rows = own ? own + step * kRowsBytes : columns + kColumnsBytes + from;
    multiply_stage<ptx::Half, decltype(length)::value>(rows, columns, sums);
    after(step + 1);
    if (before >= 0) {
      ptx::wait_products<1>(sums);
      release(work.ring, before);
    }
    before = place.stage;
    place.advance(work.ring);
  };
  const int whole = work.depth / kBoxDepth;
  for (int step = 0; step < whole; ++step) add(std::integral_constant<int, kBoxDepth>{}, step);
  // The depth is a multiple of 32.
  if (whole < work.steps) add(std::integral_constant<int, 32>{}, whole);
  return before;
}

__device__ __forceinline__ void release_edges(const Work& work, RingPlace& place) {
  ptx::sync_warp();
  if (ptx::thread() % 32 == 0) ptx::arrive(work.edges.emptied + place.stage);
  place.advance(work.edges);
}

// A warpgroup may multiply its tile, and the other one.
__device__ __forceinline__ void await_turn(int group) {
  ptx::sync_some(1 + group, kConsumerThreads);
}
__device__ __forceinline__ void give_turn(int group) {
  ptx::arrive_some(1 + group, kConsumerThreads);
}

// A warpgroup of the two: its 64 rows of each tile.
template <bool both, class Tiles>
__device__ __forceinline__ void filter_tiles(const Filter<Tiles>& filter, const Work& work) {
  const int group = warpgroup() - 1;
  // Else the one would wait for columns that the other keeps from coming: the first then goes ahead
  // by what comparing takes, and leaves half of the ring for what is to come.
  const bool turns = work.steps <= work.ring.stages;
  const int lead = turns ? work.steps : kLead;
  const bool waits = turns || group == 1, gives = turns || group == 0;
  RingPlace place, edge_place;
  int rows_parity = 0;
  for (bool first = true;; first = false) {
    const auto& edges = *reinterpret_cast<const TileEdges*>(await(work.edges, edge_place));
    if (edges.first_row == kNoTile) {
      // No barrier is left half full: the other group's last turn is given to the first.
      if (turns && group == 0 && !first) await_turn(group);
      return;
    }
    TileSums sums;
    start_sums(edges, sums);
    if (work.resident && edges.new_rows) {
      if (!first && ptx::thread() % kGroupThreads == 0) ptx::arrive(&work.control->rows_emptied);
      ptx::wait_phase(&work.control->rows_filled, rows_parity);
      rows_parity ^= 1;
    }
    if (waits && !(first && group == 0)) await_turn(group);
    const int last = add_products(work, place, group * kGroupRows * kStepRowBytes, sums,
                                  [&](int started) {
                                    if (gives && started == lead) give_turn(1 - group);
                                  });
    ptx::wait_products<0>(sums);
    release(work.ring, last);
    filter_scores<both>(edges, filter.lists, sums);
    release_edges(work, edge_place);
  }
}

// `both`: columns take the rows as candidates, too.
template <bool both, class Tiles>
__global__ void __launch_bounds__(kHopperThreads, 1)
    knn_filter(const __grid_constant__ Filter<Tiles> filter) {
  const Work work = work_of(filter);
  if (ptx::thread() == 0) make_barriers(work);
  ptx::sync_cluster();
  if (warpgroup() == 0) {
    ptx::give_registers<kFetchRegisters>();
    if (ptx::thread() == 0) fetch_operands<both>(filter, work);
    if (ptx::thread() >= 32) write_all_edges<both>(filter, work, ptx::thread() / 32 - 1);
  } else {
    ptx::take_registers<kFilterRegisters>();
    filter_tiles<both>(filter, work);
  }
  ptx::sync_cluster();
}

// Of positions [first, last) of a part.
TensorMap map_of(const NeighborOperand& operand, const NeighborPart& part, int64_t first,
                 int64_t last) {
  return make_tensor_map(part.values + (first - part.first) * operand.depth, last - first,
                         operand.depth, kBoxRows);
}

template <bool both, class Tiles>
void filter(const NeighborSearch& search, const NeighborPart& rows, const NeighborPart& columns,
            int64_t nearest, int64_t farthest, const Tiles& tiles, Stream stream) {
  const int64_t rows_end = rows.first + padded_rows(rows.count);
  const int64_t first_column = columns.first + nearest * kPanelRows;
  const int64_t columns_end = std::min(columns.first + padded_rows(columns.count),
                                       columns.first + farthest * kPanelRows);
  const int64_t at_once =
      std::min<int64_t>(std::max(1, multiprocessors() / kPanelBlocks), tiles.count());
  const int blocks = static_cast<int>(search.tiling.knn_blocks);
  // With few panels a pair of blocks would have other rows in every tile.
  const bool many = panels_of(rows, Path::hopper) >= 2 * at_once;
  launch_clusters(
      "knn_filter", knn_filter<both, Tiles>, at_once * kPanelBlocks / blocks, blocks,
      kHopperThreads, kSharedBytes, stream,
      Filter<Tiles>{map_of(search.query_rows, rows, rows.first, rows_end),
                    map_of(search.candidate_rows, columns, first_column, columns_end),
                    {search.query_rows, static_cast<int>(rows.first), static_cast<int>(rows_end)},
                    {search.candidate_rows, static_cast<int>(first_column),
                     static_cast<int>(columns_end)},
                    search.lists,
                    tiles,
                    many ? static_cast<int>(search.tiling.knn_resident) : 0});
}

}  // namespace

void filter_pairs(const NeighborSearch& search, const NeighborPart& part, int64_t nearest,
                  int64_t farthest, Stream stream) {
  const auto panels = static_cast<int>(panels_of(part, Path::hopper));
  const TileScheduleOf<int> tiles{panels, static_cast<int>(nearest), static_cast<int>(farthest),
                                  static_cast<int>(search.tiling.knn_strip)};
  filter<true>(search, part, part, 0, panels, tiles, stream);
}

void filter_parts(const NeighborSearch& search, const NeighborPart& rows,
                  const NeighborPart& columns, int64_t nearest, int64_t farthest, Stream stream) {
  const TileRectangleOf<int> tiles{static_cast<int>(panels_of(rows, Path::hopper)),
                                   static_cast<int>(farthest - nearest),
                                   static_cast<int>(search.tiling.knn_strip)};
  if (search.among_themselves)
    filter<true>(search, rows, columns, nearest, farthest, tiles, stream);
  else
    filter<false>(search, rows, columns, nearest, farthest, tiles, stream);
}

}  // namespace mmkernels::cuda::hopper

// Scores of a tile of pairs, and those that may be among the k best of their row or column appended
// to its list.
//
// Nearly all scores are below every limit. The fast path asks that of each score with one compare,
// against its row's limit or the lowest of the thread's columns, whichever is lower, and a warp
// votes; only then are rows and columns told apart.
#include <cfloat>

#include "knn.hpp"
#include "neighbor_operand.cuh"
#include "sm80_tile_product.cuh"

#include "../core/tile_schedule.hpp"

namespace mmkernels::cuda {
namespace {

struct Filter {
  NeighborOperand rows, columns;
  NeighborLists lists;
  TileSchedule schedule;        // of blocks among themselves
  int64_t first, column_blocks;  // of queries: candidate blocks [first, first + column_blocks)
};

// The score that a candidate of the other block needs, whatever its own error.
__device__ __forceinline__ float needed(float limit, const RowBounds& own, const RowBounds& others,
                                        float g) {
  return limit - score_error(own, others, g);
}

// Appends the entries of `hits`, bit b for the b-th score of a row or column.
template <class Score, class Position>
__device__ __forceinline__ void append(const NeighborLists& lists, int64_t row, uint32_t hits,
                                       Score&& score, Position&& position) {
  int at = ptx::atomic_add(&lists.counts[row], ptx::count_bits(hits));
#pragma unroll
  for (int b = 0; b < 8; ++b) {
    if (!(hits >> b & 1)) continue;
    if (at < lists.capacity)
      lists.entries[row * lists.capacity + at] = {score(b), static_cast<int>(position(b))};
    ++at;
  }
}

template <bool among_themselves>
__global__ void __launch_bounds__(kTileThreads, 2) knn_filter(Filter filter) {
  int64_t row_block, column_block;
  if constexpr (among_themselves) {
    const TileSchedule::Tile tile = filter.schedule.at(ptx::block());
    if (!tile.owned) return;
    row_block = tile.row;
    column_block = tile.column;
  } else {
    row_block = ptx::block() / filter.column_blocks;
    column_block = filter.first + ptx::block() % filter.column_blocks;
  }
  const NeighborOperand &rows = filter.rows, &columns = filter.columns;
  const int64_t first_row = row_block * kTileRows, first_column = column_block * kTileColumns;

  TileSums sums;
  {
    float of_row[4][2], of_column[4][2];
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        of_row[i][h] = rows.biases[first_row + tile_row(i, 2 * h)];
        of_column[i][h] = columns.biases[first_column + tile_column(i, h)];
      }
#pragma unroll
    for (int i = 0; i < 4; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) sums[i][j][e] = of_row[i][e / 2] + of_column[j][e % 2];
  }
  add_tile_product<ptx::Half>(
      PlainSteps{rows.values + first_row * rows.depth, columns.values + first_column * columns.depth},
      static_cast<int>(rows.depth / kDepth), rows.depth, columns.depth, ptx::shared(), sums);

  const float g = rows.sum_error;
  const RowBounds row_bounds = rows.block_bounds[row_block];
  const RowBounds column_bounds = columns.block_bounds[column_block];
  float of_row[4][2], of_column[4][2];
  float lowest = INFINITY;
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int64_t row = first_row + tile_row(i, 2 * h);
      of_row[i][h] = needed(filter.lists.limits[row], rows.bounds[row], column_bounds, g);
      if constexpr (among_themselves) {
        const int64_t column = first_column + tile_column(i, h);
        of_column[i][h] = needed(filter.lists.limits[column], rows.bounds[column], row_bounds, g);
        lowest = std::fmin(lowest, of_column[i][h]);
      }
    }
  bool hit = false;
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const float least = among_themselves ? std::fmin(of_row[i][h], lowest) : of_row[i][h];
#pragma unroll
      for (int j = 0; j < 4; ++j)
        hit |= (sums[i][j][2 * h] >= least) | (sums[i][j][2 * h + 1] >= least);
    }
  if (!ptx::any(hit)) return;

  const bool diagonal = among_themselves && row_block == column_block;
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int row = tile_row(i, 2 * h);
      uint32_t hits = 0;
#pragma unroll
      for (int b = 0; b < 8; ++b) {
        const bool itself = diagonal && row == tile_column(b / 2, b % 2);
        hits |= uint32_t{sums[i][b / 2][2 * h + b % 2] >= of_row[i][h] && !itself} << b;
      }
      if (hits)
        append(filter.lists, first_row + row, hits,
               [&](int b) { return sums[i][b / 2][2 * h + b % 2]; },
               [&](int b) { return first_column + tile_column(b / 2, b % 2); });
    }
  if constexpr (among_themselves) {
    if (diagonal) return;  // a diagonal tile holds both (i, j) and (j, i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        uint32_t hits = 0;
#pragma unroll
        for (int b = 0; b < 8; ++b)
          hits |= uint32_t{sums[b / 2][j][b % 2 * 2 + h] >= of_column[j][h]} << b;
        if (hits)
          append(filter.lists, first_column + tile_column(j, h), hits,
                 [&](int b) { return sums[b / 2][j][b % 2 * 2 + h]; },
                 [&](int b) { return first_row + tile_row(b / 2, b % 2 * 2); });
      }
  }
}

// Row blocks whose tiles at one distance are at work together, so that they share their operands.
constexpr int64_t kStripHeight = 16;

}  // namespace

void filter_pairs(const NeighborSearch& search, int64_t nearest, int64_t farthest, Stream stream) {
  const NeighborOperand& rows = search.candidate_rows;
  const TileSchedule schedule{rows.padded / kTileRows, nearest, farthest, kStripHeight};
  launch("knn_filter", knn_filter<true>, schedule.count(), kTileThreads, kTileSharedBytes, stream,
         Filter{rows, rows, search.lists, schedule, 0, 0});
}

void filter_queries(const NeighborSearch& search, int64_t first, int64_t last, Stream stream) {
  const int64_t blocks = search.query_rows.padded / kTileRows;
  launch("knn_filter", knn_filter<false>, blocks * (last - first), kTileThreads, kTileSharedBytes,
         stream,
         Filter{search.query_rows, search.candidate_rows, search.lists, {}, first, last - first});
}

}  // namespace mmkernels::cuda

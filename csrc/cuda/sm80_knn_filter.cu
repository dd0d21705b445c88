// Scores of a tile of pairs, and those that may be among the k best of their row or column appended
// to its list.
//
// Nearly all scores are below every limit. The fast path asks that of each score with one compare,
// against its row's limit or the lowest of the thread's columns, whichever is lower, and a warp
// votes; only then are rows and columns told apart.
#include "knn_filter.hpp"
#include "neighbor_operand.cuh"
#include "sm80_tile_product.cuh"

#include "../core/tile_schedule.hpp"

namespace mmkernels::cuda::general {
namespace {

// One side of the tiles: all rows of the operand, of which a part is packed.
struct Side {
  NeighborOperand operand;
  const uint16_t* values;
  int64_t first;  // the part's first position

  __device__ const uint16_t* packed(int64_t position) const {
    return values + (position - first) * operand.depth;
  }
};

template <class Tiles>
struct Filter {
  Side rows, columns;
  NeighborLists lists;
  Tiles tiles;
};

// Appends the entries of `hits`, bit b for the b-th score of a row or column.
template <class Score, class Position>
__device__ __forceinline__ void append(const NeighborLists& lists, int64_t row, uint32_t hits,
                                       Score&& score, Position&& position) {
  int at = ptx::atomic_add(&lists.counts[row], ptx::count_bits(hits));
#pragma unroll
  for (int b = 0; b < 8; ++b) {
    if (!(hits >> b & 1)) continue;
    if (at < lists.capacity)
      lists.entries[row * lists.capacity + at] = {score(b), position(b)};
    ++at;
  }
}

// `both`: columns take the rows as candidates, too.
template <bool both, class Tiles>
__global__ void __launch_bounds__(kTileThreads, 2) knn_filter(Filter<Tiles> filter) {
  const TileSchedule::Tile tile = filter.tiles.at(ptx::block());
  if (!tile.owned) return;
  // Positions are below 2^31; registers are scarce.
  const int first_row = static_cast<int>(filter.rows.first + tile.row * kTileRows);
  const int first_column = static_cast<int>(filter.columns.first + tile.column * kTileColumns);
  const NeighborOperand &rows = filter.rows.operand, &columns = filter.columns.operand;

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
      PlainSteps{filter.rows.packed(first_row), filter.columns.packed(first_column)},
      *rows.used_depth / kDepth, rows.depth, columns.depth, ptx::shared(), sums);

  const float g = rows.sum_error;
  const RowBounds row_bounds = rows.block_bounds[first_row / kBlockRows];
  const RowBounds column_bounds = columns.block_bounds[first_column / kBlockRows];
  float of_row[4][2], of_column[4][2];
  float lowest = INFINITY;
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int row = first_row + tile_row(i, 2 * h);
      of_row[i][h] = needed(filter.lists.limits[row], rows.bounds[row], column_bounds, g);
      if constexpr (both) {
        const int column = first_column + tile_column(i, h);
        of_column[i][h] = needed(filter.lists.limits[column], columns.bounds[column], row_bounds, g);
        lowest = std::fmin(lowest, of_column[i][h]);
      }
    }
  bool hit = false;
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const float least = both ? std::fmin(of_row[i][h], lowest) : of_row[i][h];
#pragma unroll
      for (int j = 0; j < 4; ++j)
        hit |= (sums[i][j][2 * h] >= least) | (sums[i][j][2 * h + 1] >= least);
    }
  if (!ptx::any(hit)) return;

  const bool diagonal = both && first_row == first_column;
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
  if constexpr (both) {
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

template <bool both, class Tiles>
void filter(const NeighborSearch& search, const NeighborPart& rows, const NeighborPart& columns,
            int64_t first_column, const Tiles& tiles, Stream stream) {
  const NeighborOperand &of_rows = search.query_rows, &of_columns = search.candidate_rows;
  const uint16_t* values = columns.values + (first_column - columns.first) * of_columns.depth;
  launch("knn_filter", knn_filter<both, Tiles>, tiles.count(), kTileThreads, kTileSharedBytes, stream,
         Filter<Tiles>{{of_rows, rows.values, rows.first},
                       {of_columns, values, first_column},
                       search.lists,
                       tiles});
}

}  // namespace

void filter_pairs(const NeighborSearch& search, const NeighborPart& part, int64_t nearest,
                  int64_t farthest, Stream stream) {
  const TileSchedule tiles{panels_of(part, Path::general), nearest, farthest, kStripHeight};
  filter<true>(search, part, part, part.first, tiles, stream);
}

void filter_parts(const NeighborSearch& search, const NeighborPart& rows,
                  const NeighborPart& columns, int64_t nearest, int64_t farthest, Stream stream) {
  const TileRectangle tiles{panels_of(rows, Path::general), farthest - nearest, kStripHeight};
  const int64_t first = columns.first + nearest * kBlockRows;
  if (search.among_themselves)
    filter<true>(search, rows, columns, first, tiles, stream);
  else
    filter<false>(search, rows, columns, first, tiles, stream);
}

}  // namespace mmkernels::cuda::general

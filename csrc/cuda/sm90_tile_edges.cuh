// What the filter of a tile needs of its rows and columns besides their products: biases to start
// the sums from, and the scores that candidates need.
//
// Three warps of the producer's group write it to shared memory, a tile or two ahead of the
// consumers, who so never wait for global memory and are told by it which tile is next.
#pragma once

#include "knn.hpp"
#include "neighbor_operand.cuh"
#include "sm90_ring.cuh"

namespace mmkernels::cuda::hopper {

inline constexpr int kTileColumns = 256;
// A thread's 128 scores of two rows are compared in groups, those of 32 columns of the tile.
inline constexpr int kGroupColumns = 32, kColumnGroups = kTileColumns / kGroupColumns;
inline constexpr int kEdgeBuffers = 2;
inline constexpr int kEdgeWarps = 3, kEdgeThreads = kEdgeWarps * 32;

struct TileEdges {
  float column_biases[kTileColumns];
  float column_needs[kTileColumns];
  // Of the eight columns that a thread has of a group: those of lanes 4 l + pair.
  float lowest_needs[4][kColumnGroups];
  float row_biases[kHopperRows];
  float row_needs[2][kHopperRows];  // by the bounds of the first and of the second 128 columns
  int first_row, first_column;      // positions; first_row is kNoTile: there are no more tiles
  int itself;                       // the column of the tile that is its first row, or kNoColumn
  bool new_rows;                    // whether the rows are others than those of the tile before
};

inline constexpr int kNoTile = -1;
inline constexpr int kNoColumn = -2 * kTileColumns;  // so far from all that no row's is one

// One side of the tiles: positions [first, last) of an operand.
struct Side {
  NeighborOperand operand;
  int first, last;
};

// Which tile comes next, for a block of a cluster: its own 128 rows of the panel, all 256 columns.
struct BlockTile {
  int first_row, first_column;
  bool diagonal;
  bool new_rows;
};

// What is known of a row or column.
struct Known {
  float bias, limit;
  RowBounds bounds;
};

// By all threads of the edges' warps, of which `warp` is 0 to 2. Columns that take no candidates
// need what no score is: of a diagonal tile, whose rows are all of its columns, and where columns
// are no rows of the lists.
template <bool both>
__device__ __forceinline__ void write_edges(TileEdges& edges, const Side& rows, const Side& columns,
                                            const float* limits, const BlockTile& tile, int warp) {
  if (warp == 0 && ptx::thread() % 32 == 0) {
    edges.first_row = tile.first_row;
    edges.first_column = tile.first_column;
    edges.itself = tile.diagonal ? tile.first_row - tile.first_column : kNoColumn;
    edges.new_rows = tile.new_rows;
  }
  constexpr int kChunks = (kTileColumns + kHopperRows) / 32 / kEdgeWarps;
  const int lane = ptx::thread() % 32;
  const float g = rows.operand.sum_error;
  Known known[kChunks];
  // All loads before the first use.
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    const int chunk = warp + c * kEdgeWarps;
    const bool of_column = chunk < kColumnGroups;
    const int position = (of_column ? tile.first_column + chunk * 32
                                    : tile.first_row + (chunk - kColumnGroups) * 32) + lane;
    const Side& side = of_column ? columns : rows;
    known[c] = {-INFINITY, INFINITY, {}};
    if (position >= side.last) continue;
    known[c].bias = side.operand.biases[position];
    if (of_column && (!both || tile.diagonal)) continue;
    known[c].limit = limits[position];
    known[c].bounds = side.operand.bounds[position];
  }
  const auto bounds_of = [](const Side& side, int position) {
    return position < side.last ? side.operand.block_bounds[position / kBlockRows] : RowBounds{};
  };
  const RowBounds row_bounds = bounds_of(rows, tile.first_row);
  const RowBounds column_bounds[] = {bounds_of(columns, tile.first_column),
                                     bounds_of(columns, tile.first_column + kBlockRows)};
#pragma unroll
  for (int c = 0; c < kChunks; ++c) {
    const int chunk = warp + c * kEdgeWarps;
    if (chunk < kColumnGroups) {
      const int column = chunk * 32 + lane;
      const float need = needed(known[c].limit, known[c].bounds, row_bounds, g);
      edges.column_biases[column] = known[c].bias;
      edges.column_needs[column] = need;
      float lowest = need;
      for (int mask : {1, 8, 16}) lowest = std::fmin(lowest, ptx::shuffle_xor(lowest, mask));
      if (lane < 8 && lane % 2 == 0) edges.lowest_needs[lane / 2][chunk] = lowest;
    } else {
      const int row = (chunk - kColumnGroups) * 32 + lane;
      edges.row_biases[row] = known[c].bias;
#pragma unroll
      for (int half = 0; half < 2; ++half)
        edges.row_needs[half][row] =
            needed(known[c].limit, known[c].bounds, column_bounds[half], g);
    }
  }
}

}  // namespace mmkernels::cuda::hopper

// Which tiles of Z'Z a launch computes, who computes them, and what is kept of them.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "../core/tile_schedule.hpp"
#include "block_sums.cuh"
#include "feature_products.hpp"
#include "features.cuh"
#include "sm80_split_product.cuh"
#include "split_operands.cuh"

namespace mmkernels::cuda {

inline constexpr int kStrip = 8;  // blocks of rows that are computed together share their columns

// Pairs of blocks of a square, each unordered one once, or of a rectangle. Tiles are cut into
// `pieces` of columns: a unit is one of them. Runs of samples are divided into `slices`: an item is
// a unit's part of a slice.
struct TileJob {
  bool square;
  int64_t first_row, rows, first_column, columns;  // blocks
  int pieces;
  int64_t first_unit, units;
  int64_t slices, runs, run_steps, steps;  // a run is run_steps of the steps of the depth

  MMKERNELS_ANYWHERE int64_t tiles() const {
    return square ? TileTriangle{rows, kStrip}.count() : rows * columns;
  }
  MMKERNELS_ANYWHERE int64_t items() const { return units * slices; }

  MMKERNELS_ANYWHERE TileSchedule::Tile tile(int64_t index) const {
    const TileSchedule::Tile found = square ? TileTriangle{rows, kStrip}.at(index)
                                            : TileRectangle{rows, columns, kStrip}.at(index);
    return {first_row + found.row, first_column + found.column, true};
  }

  // The steps of a run; the last one may be shorter.
  MMKERNELS_ANYWHERE int run_length(int64_t run) const {
    const int64_t left = steps - run * run_steps;
    return static_cast<int>(left < run_steps ? left : run_steps);
  }
};

struct TileItem {
  int64_t row, column;  // blocks
  int piece;
  int64_t first_run, last_run;
};

// Slices come one after the other: whoever is at work at the same time reads the same samples.
__device__ __forceinline__ TileItem item_at(const TileJob& job, int64_t item) {
  const int units = static_cast<int>(job.units), slices = static_cast<int>(job.slices);
  const int runs = static_cast<int>(job.runs), slice = static_cast<int>(item) / units;
  const int64_t unit = job.first_unit + static_cast<int>(item) % units;
  const TileSchedule::Tile tile = job.tile(unit / job.pieces);
  return {tile.row, tile.column, static_cast<int>(unit % job.pieces),
          slice * runs / slices, (slice + 1) * runs / slices};
}

__device__ __forceinline__ bool recomputed(const FeatureTable& table, const TileItem& item) {
  return table.recompute[table.set_of_block[item.row]] ||
         table.recompute[table.set_of_block[item.column]];
}

// Where the sum of squares of an item's unit is kept.
__device__ __forceinline__ double& squares_of(const FeatureTable& table, const TileItem& item) {
  const int64_t low = item.row < item.column ? item.row : item.column;
  const int64_t high = item.row < item.column ? item.column : item.row;
  return table.tile_sums[(item.piece * table.blocks + low) * table.blocks + high];
}

// The sum of squares of the values in a unit's slot. All threads of the block; `shared` holds
// kBlockSumBytes.
template <int values>
__device__ __forceinline__ void finish_unit(const FeatureTable& table, const TileItem& item,
                                            const double* slot, uint8_t* shared) {
  double squares = 0;
#pragma unroll 8
  for (int v = 0; v < values; ++v) {
    const double value = slot[v * kTileThreads + ptx::thread()];
    squares += value * value;
  }
  squares = sum_of_block(squares, reinterpret_cast<double*>(shared));
  if (ptx::thread() == 0) squares_of(table, item) = squares;
}

// Of the samples, whose norms are added each by a block.
MMKERNELS_ANYWHERE inline int diagonal_parts(int64_t samples) {
  return samples >= 16 * 4096 ? 16 : 1 + static_cast<int>(samples / 4096);
}
inline constexpr int kExactColumns = 64;  // of a piece in float64
inline constexpr int kHopperSamples = 128;  // of a step on Hopper

// Blocks of a launch, each with a slot: of divided samples, one for each item, whose slots other
// launches add up.
inline int64_t blocks_of(const TileJob& job) {
  const int64_t resident = 2 * multiprocessors();
  return job.slices > 1 || job.items() < resident ? job.items() : resident;
}

// The steps of features' sums (feature_products.hpp).
void add_tile_products(const FeatureTable& table, const TileJob& job, Stream stream);
// The same by kernels for Hopper.
void add_hopper_products(const FeatureTable& table, const TileJob& job, Stream stream);
// The same in float64, of sets that are to be computed again.
void add_exact_products(const FeatureTable& table, const TileJob& job, Stream stream);
// Adds slots up where a job's samples are divided.
void add_slices(const FeatureTable& table, const TileJob& job, bool exact, Stream stream);

// Sums over the samples of |x_i|^2, |y_i|^2, their product, and the square of that.
void add_diagonals(const FeatureTable& table, Stream stream);
// From sums of tiles, `pieces` each, to HSIC of pairs of sets, and which sets are to be computed
// again; `again` for the pairs of these alone.
void find_values(const FeatureTable& table, Estimator estimator, int pieces, bool again,
                 Stream stream);
void write_scores(const FeatureTable& table, FeatureScore score, double* scores, Stream stream);

// Whether the pair's HSIC is needed; a <= b.
MMKERNELS_ANYWHERE inline bool needed(const FeatureTable& table, int a, int b) {
  if (a == b && table.selves) return true;
  if (table.symmetric) return a <= b;
  return a < table.lefts && b >= table.lefts;
}

}  // namespace mmkernels::cuda

// Which tiles of kernel matrices Hopper's blocks compute, and in which order.
//
// A pair of blocks has 256 rows, half of them each, and columns in common. Panels of 768 rows meet in
// the order of TileSchedule, and the tiles of a pair of panels are taken one after the other. In a
// panel with itself tiles above the diagonal hold each pair of samples once, as those of two panels
// do; what is below is left out.
#pragma once

#include "../core/tile_schedule.hpp"
#include "gram_lines.cuh"
#include "sm90_split_product.cuh"
#include "tiling.hpp"

namespace mmkernels::cuda {

inline constexpr int kPairRows = 2 * kHopperRows;

// Runs of consecutive tiles, which pairs of blocks take in turns.
struct PanelTiles {
  TileScheduleOf<int> schedule;
  int samples;
  int runs, apart, length, last_length;  // apart: from a run's first tile to the next one's
};

template <class Tier>
constexpr int kTilesOfPanels = (kHopperPanel / kPairRows) * (kHopperPanel / Tier::kColumns);

// All tiles, or single ones of a sample of about `sample`.
template <class Tier>
PanelTiles take_tiles(int64_t samples, int64_t sample = 0) {
  const int panels = static_cast<int>((samples + kHopperPanel - 1) / kHopperPanel);
  PanelTiles tiles{{panels, 0, static_cast<int>(farthest_distance(panels)), kGramHeight},
                   static_cast<int>(samples), 0, 0, 1, 1};
  const int64_t count = int64_t{tiles.schedule.count()} * kTilesOfPanels<Tier>;
  tiles.apart = static_cast<int>(sample ? count / sample + 1 : (count + kMostRuns - 1) / kMostRuns);
  tiles.runs = static_cast<int>((count + tiles.apart - 1) / tiles.apart);
  if (sample) return tiles;
  tiles.length = tiles.apart;
  tiles.last_length = static_cast<int>(count - int64_t{tiles.runs - 1} * tiles.apart);
  return tiles;
}

// The same block has the same half of 256 rows with and without clusters.
__device__ __forceinline__ int half_of_block() { return static_cast<int>(ptx::block() % 2); }

__device__ __forceinline__ bool in_one_panel(int row, int column) {
  return row / kHopperPanel == column / kHopperPanel;
}

// Whether a tile, whose first row and column these are, may have entries that repeat(...) others.
template <class Tile>
__device__ __forceinline__ bool may_repeat(int row, int column) {
  return in_one_panel(row, column) && column < row + Tile::kRows;
}
__device__ __forceinline__ bool repeats(int row, int column) { return column < row; }

// body(a run) of those that the block has a part in.
template <class Body>
__device__ __forceinline__ void for_runs(const PanelTiles& tiles, Body&& body) {
  for (int run = static_cast<int>(ptx::block() / 2); run < tiles.runs;
       run += static_cast<int>(ptx::blocks() / 2))
    body(run);
}

// body(the block's first row, first column) of all tiles of a run.
template <class Tier, class Body>
__device__ __forceinline__ void for_tiles(const PanelTiles& tiles, int run, Body&& body) {
  constexpr int each = kTilesOfPanels<Tier>, down = kHopperPanel / kPairRows;
  for (int t = 0; t < (run + 1 < tiles.runs ? tiles.length : tiles.last_length); ++t) {
    const int64_t index = int64_t{run} * tiles.apart + t;
    const auto panels = tiles.schedule.at(static_cast<int>(index / each));
    const int within = static_cast<int>(index % each);
    const int row = panels.row * kHopperPanel + within % down * kPairRows;
    const int column = panels.column * kHopperPanel + within / down * Tier::kColumns;
    if (!panels.owned || row >= tiles.samples || column >= tiles.samples ||
        (in_one_panel(row, column) && column + Tier::kColumns <= row))
      continue;
    body(row + half_of_block() * kHopperRows, column);
  }
}

// A block for each multiprocessor, in clusters of so many.
template <class Work>
void launch_on_tiles(const char* name, void (*kernel)(Work), const PanelTiles& tiles, int blocks,
                     size_t shared_bytes, Stream stream, const Work& work) {
  const int most = multiprocessors() > 2 ? multiprocessors() / 2 : 1;
  launch_clusters(name, kernel, (tiles.runs < most ? tiles.runs : most) * 2 / blocks, blocks,
                  kHopperThreads, shared_bytes, stream, work);
}

inline int blocks_of_cluster() { return static_cast<int>(chosen_tiling().gram_blocks); }

}  // namespace mmkernels::cuda

// What a block of the filter is given, its shared memory, and its tiles in order.
#pragma once

#include "sm90_tile_edges.cuh"

#include "../core/tile_schedule.hpp"

namespace mmkernels::cuda::hopper {

inline constexpr int kPanelBlocks = 2;
inline constexpr int kPanelRows = kPanelBlocks * kHopperRows;
// Of a step.
inline constexpr int kRowsBytes = kHopperRows * kStepRowBytes;
inline constexpr int kColumnsBytes = kTileColumns * kStepRowBytes;
inline constexpr int kBoxRows = 128;
inline constexpr int kMostStages = 6;
inline constexpr int kConsumerThreads = kConsumers * kGroupThreads;

template <class Tiles>
struct Filter {
  TensorMap row_values, column_values;
  Side rows, columns;
  NeighborLists lists;
  Tiles tiles;
  int resident_depth;  // up to which rows stay in shared memory
};

// In shared memory before the operands.
struct alignas(1024) Control {
  TileEdges edges[kEdgeBuffers];
  ptx::Barrier filled[kMostStages], emptied[kMostStages];
  ptx::Barrier edges_filled[kEdgeBuffers], edges_emptied[kEdgeBuffers];
  ptx::Barrier rows_filled, rows_emptied;
};
inline constexpr int kSharedBytes = static_cast<int>(kSharedOfHopper);

// How a block goes about its tiles, and its shared memory.
struct Work {
  int depth, steps;
  bool resident;
  Control* control;
  uint8_t* rows;  // [steps], where they are resident
  Ring ring, edges;
};

// Pairs of blocks that are at work together.
__device__ __forceinline__ int pairs() { return static_cast<int>(ptx::blocks()) / kPanelBlocks; }

template <class Tiles>
__device__ __forceinline__ Work work_of(const Filter<Tiles>& filter) {
  Work work;
  // Of lane 0: products need to be seen to have the same number in all lanes.
  work.depth = ptx::shuffle(*filter.rows.operand.used_depth, 0);
  work.steps = (work.depth + kBoxDepth - 1) / kBoxDepth;
  work.resident = work.depth <= filter.resident_depth;
  work.control = reinterpret_cast<Control*>(ptx::shared());
  work.rows = ptx::shared() + sizeof(Control);
  uint8_t* stages = work.rows + (work.resident ? work.steps * kRowsBytes : 0);
  const int stage_bytes = work.resident ? kColumnsBytes : kRowsBytes + kColumnsBytes;
  const int room = static_cast<int>(ptx::shared() + kSharedBytes - stages) / stage_bytes;
  work.ring = {stages, work.control->filled, work.control->emptied,
               room < kMostStages ? room : kMostStages, stage_bytes};
  work.edges = {reinterpret_cast<uint8_t*>(work.control->edges), work.control->edges_filled,
                work.control->edges_emptied, kEdgeBuffers, static_cast<int>(sizeof(TileEdges))};
  return work;
}

__device__ __forceinline__ void make_barriers(const Work& work) {
  for (int b = 0; b < kEdgeBuffers; ++b) {
    ptx::make_barrier(work.edges.filled + b, kEdgeThreads);
    ptx::make_barrier(work.edges.emptied + b, kConsumerThreads / 32);
  }
  ptx::make_barrier(&work.control->rows_filled, 1);
  ptx::make_barrier(&work.control->rows_emptied, kConsumers);
  make_ring(work.ring);
}

// The block's tiles, in order.
template <bool both, class Tiles, class Body>
__device__ __forceinline__ void for_each_tile(const Filter<Tiles>& filter, const Work& work,
                                              Body&& body) {
  Tiles tiles = filter.tiles;
  // With as many panels in a strip as pairs of blocks, each has the same rows all along the strip.
  if (work.resident) tiles.height = pairs();
  const int half = static_cast<int>(ptx::block()) % kPanelBlocks;
  int last_panel = -1;
  // Unsigned, as the number after the last may be beyond 2^31.
  for (unsigned index = static_cast<unsigned>(ptx::block()) / kPanelBlocks;
       index < static_cast<unsigned>(tiles.count()); index += pairs()) {
    const typename Tiles::Tile tile = tiles.at(static_cast<int>(index));
    if (!tile.owned) continue;
    const int panel = filter.rows.first + tile.row * kPanelRows;
    const int first_column = filter.columns.first + tile.column * kTileColumns;
    body(BlockTile{panel + half * kHopperRows, first_column, both && panel == first_column,
                   panel != last_panel});
    last_panel = panel;
  }
}

}  // namespace mmkernels::cuda::hopper

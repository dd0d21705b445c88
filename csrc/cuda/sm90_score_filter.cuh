// Scores in the accumulators of a warpgroup, and those that may be among the k best of their row or
// column appended to its list.
//
// The fast path compares each score once, with what its row needs or the lowest that one of the
// thread's eight columns of the group needs, whichever is lower, and a warp votes. Rounds are so wide
// that a few warps in ten go on: group after group, those in which a score passed.
#pragma once

#include "sm90_tile_edges.cuh"

namespace mmkernels::cuda::hopper {

// sums[4 j + 2 h + e]: of row score_row() + 8 h and column 8 j + score_column() + e of the tile.
using TileSums = float[kTileColumns / 2];
constexpr int kGroupScores = kGroupColumns / 2;

__device__ __forceinline__ int score_row() {
  const int thread = ptx::thread() % kGroupThreads;
  return (warpgroup() - 1) * kGroupRows + thread / 32 * 16 + thread % 32 / 4;
}
__device__ __forceinline__ int score_column() { return ptx::thread() % 4 * 2; }

__device__ __forceinline__ void start_sums(const TileEdges& edges, TileSums& sums) {
  struct alignas(8) Pair {
    float of[2];
  };
  const float of_row[] = {edges.row_biases[score_row()], edges.row_biases[score_row() + 8]};
#pragma unroll
  for (int j = 0; j < kTileColumns / 8; ++j) {
    const Pair pair = *reinterpret_cast<const Pair*>(&edges.column_biases[8 * j + score_column()]);
#pragma unroll
    for (int v = 0; v < 4; ++v) sums[4 * j + v] = of_row[v / 2] + pair.of[v % 2];
  }
}

// Appends the entries of `hits`, bit b for the b-th score of a row or column.
template <int count, class Score, class Position>
__device__ __forceinline__ void append(const NeighborLists& lists, int row, uint32_t hits,
                                       Score&& score, Position&& position) {
  if (!hits) return;
  int at = ptx::atomic_add(&lists.counts[row], ptx::count_bits(hits));
  Candidate* entries = lists.entries + static_cast<int64_t>(row) * lists.capacity;
#pragma unroll
  for (int b = 0; b < count; ++b) {
    if (!(hits >> b & 1)) continue;
    if (at < lists.capacity) entries[at] = {score(b), position(b)};
    ++at;
  }
}

// Of a group of columns, whose first of the thread is `first_column`.
__device__ __forceinline__ void append_to_rows(const TileEdges& edges, const NeighborLists& lists,
                                               const float (&scores)[kGroupScores], int group,
                                               int first_column) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = score_row() + 8 * h;
    const float need = edges.row_needs[group / (kColumnGroups / 2)][row];
    const int itself = edges.itself + row - first_column;
    uint32_t hits = 0;
#pragma unroll
    for (int b = 0; b < 8; ++b)
      hits |= uint32_t{scores[b / 2 * 4 + 2 * h + b % 2] >= need && itself != b / 2 * 8 + b % 2} << b;
    append<8>(
        lists, edges.first_row + row, hits, [&](int b) { return scores[b / 2 * 4 + 2 * h + b % 2]; },
        [&](int b) { return edges.first_column + first_column + b / 2 * 8 + b % 2; });
  }
}

__device__ __forceinline__ void append_to_columns(const TileEdges& edges, const NeighborLists& lists,
                                                  const float (&scores)[kGroupScores],
                                                  int first_column) {
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const int column = first_column + c / 2 * 8 + c % 2;
    const float need = edges.column_needs[column];
    uint32_t hits = 0;
#pragma unroll
    for (int h = 0; h < 2; ++h) hits |= uint32_t{scores[c / 2 * 4 + 2 * h + c % 2] >= need} << h;
    append<2>(
        lists, edges.first_column + column, hits,
        [&](int h) { return scores[c / 2 * 4 + 2 * h + c % 2]; },
        [&](int h) { return edges.first_row + score_row() + 8 * h; });
  }
}

// Registers cannot be indexed: group after group is moved to where one code reads it.
template <int group = 0>
__device__ __forceinline__ void take_group(const TileSums& sums, int wanted,
                                           float (&scores)[kGroupScores]) {
  if constexpr (group < kColumnGroups) {
    if (group != wanted) return take_group<group + 1>(sums, wanted, scores);
#pragma unroll
    for (int v = 0; v < kGroupScores; ++v) scores[v] = sums[group * kGroupScores + v];
  }
}

template <bool both>
__device__ __forceinline__ void filter_scores(const TileEdges& edges, const NeighborLists& lists,
                                              const TileSums& sums) {
  uint32_t passed = 0;  // bit g: a score of group g
#pragma unroll
  for (int g = 0; g < kColumnGroups; ++g) {
    const float lowest = edges.lowest_needs[ptx::thread() % 4][g];
    bool hit = false;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const float of_row = edges.row_needs[g / (kColumnGroups / 2)][score_row() + 8 * h];
      const float least = both ? std::fmin(of_row, lowest) : of_row;
#pragma unroll
      for (int j = 0; j < kGroupScores / 4; ++j)
#pragma unroll
        for (int e = 0; e < 2; ++e) hit |= sums[g * kGroupScores + 4 * j + 2 * h + e] >= least;
    }
    passed |= uint32_t{hit} << g;
  }
  if (!ptx::any(passed != 0)) return;
#pragma unroll 1
  for (int g = 0; g < kColumnGroups; ++g) {
    if (!ptx::any(passed >> g & 1)) continue;
    float scores[kGroupScores];
    take_group(sums, g, scores);
    const int first_column = g * kGroupColumns + score_column();
    append_to_rows(edges, lists, scores, g, first_column);
    if constexpr (both) append_to_columns(edges, lists, scores, first_column);
  }
}

}  // namespace mmkernels::cuda::hopper

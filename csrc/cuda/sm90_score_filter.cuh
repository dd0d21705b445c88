// Scores in the accumulators of a warpgroup, and those that may be among the k best of their row or
// column appended to its list.
//
// The fast path compares each score once, with what its row needs or the lowest that one of the
// thread's eight columns of the group needs, whichever is lower, and a warp votes. Many warps go
// on, group after group: those in which a score passed.
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

// Places in the list of a row or column for those of its scores that pass.
struct Claim {
  uint32_t hits;  // bit b: the b-th score
  int place;

  __device__ __forceinline__ void make(const NeighborLists& lists, int row, uint32_t found) {
    hits = found;
    if (hits) place = ptx::atomic_add(&lists.counts[row], ptx::count_bits(hits));
  }
};

template <int count, class Score, class Position>
__device__ __forceinline__ void append(const NeighborLists& lists, int row, Claim claim,
                                       Score&& score, Position&& position) {
  if (!claim.hits) return;
  Candidate* entries = lists.entries + static_cast<int64_t>(row) * lists.capacity;
#pragma unroll
  for (int b = 0; b < count; ++b) {
    if (!(claim.hits >> b & 1)) continue;
    if (claim.place < lists.capacity) entries[claim.place] = {score(b), position(b)};
    ++claim.place;
  }
}

// A thread's scores of a group: of two rows h and eight columns c.
template <bool both>
__device__ __forceinline__ void append_group(const TileEdges& edges, const NeighborLists& lists,
                                             const float (&scores)[kGroupScores], int group) {
  const auto score = [&](int h, int c) { return scores[c / 2 * 4 + 2 * h + c % 2]; };
  const int first_column = group * kGroupColumns + score_column();
  const auto row = [](int h) { return score_row() + 8 * h; };
  const auto column = [&](int c) { return first_column + c / 2 * 8 + c % 2; };
  // All claims are under way before the first one is waited for.
  Claim of_row[2], of_column[8];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const float need = edges.row_needs[group / (kColumnGroups / 2)][row(h)];
    const int itself = edges.itself + row(h);
    uint32_t hits = 0;
#pragma unroll
    for (int c = 0; c < 8; ++c) hits |= uint32_t{score(h, c) >= need && itself != column(c)} << c;
    of_row[h].make(lists, edges.first_row + row(h), hits);
  }
#pragma unroll
  for (int c = 0; both && c < 8; ++c) {
    const float need = edges.column_needs[column(c)];
    const uint32_t hits = uint32_t{score(0, c) >= need} | uint32_t{score(1, c) >= need} << 1;
    of_column[c].make(lists, edges.first_column + column(c), hits);
  }
#pragma unroll
  for (int h = 0; h < 2; ++h)
    append<8>(
        lists, edges.first_row + row(h), of_row[h], [&](int c) { return score(h, c); },
        [&](int c) { return edges.first_column + column(c); });
#pragma unroll
  for (int c = 0; both && c < 8; ++c)
    append<2>(
        lists, edges.first_column + column(c), of_column[c], [&](int h) { return score(h, c); },
        [&](int h) { return edges.first_row + row(h); });
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
    append_group<both>(edges, lists, scores, g);
  }
}

}  // namespace mmkernels::cuda::hopper

// Sums over the lines of a tile of a kernel matrix on Hopper, and over all of it: within a warp by
// shuffles, among the four warps of a group by shared memory that no ring uses.
#pragma once

#include "gram_lines.cuh"
#include "gram_values.cuh"
#include "sm90_split_product.cuh"

namespace mmkernels::cuda {

inline constexpr int kGroupWarps = kGroupThreads / 32;
inline constexpr int kPairs = 3;  // of two kernels, as GramPass numbers them

// What warps tell one another. Each part is written again only after all of the group have met for
// the other kernel's, so that its readers are done.
template <class Tier>
struct GroupExchange {
  using Columns = typename Tier::Wide[kGroupWarps][Tier::kColumns];
  using Products = double[kGroupWarps][kPairs];
  Products products[kConsumers];
  double totals[kConsumers][kPairs];  // of one thread each, which has no register left for it
  Columns columns[2][kConsumers];  // of either kernel
};

// All threads of a consumer's warpgroup.
__device__ __forceinline__ void meet_consumers() { ptx::sync_some(warpgroup(), kGroupThreads); }

// Sums over the eight lanes of a warp that hold the same columns. Each of them keeps an eighth, in
// front: of sums[v] those from the returned v on.
template <int count, class Wide>
__device__ __forceinline__ int share_columns(Wide (&sums)[count]) {
  const int lane = ptx::thread() % 32;
  int first = 0;
#pragma unroll
  for (int shares = 2; shares <= 8; shares *= 2) {
    const int kept = count / shares, mask = 32 / shares;
    const bool upper = lane & mask;
#pragma unroll
    for (int v = 0; v < kept; ++v) {
      const Wide own = upper ? sums[kept + v] : sums[v], other = upper ? sums[v] : sums[kept + v];
      sums[v] = own + ptx::shuffle_xor(other, mask);
    }
    if (upper) first += kept;
  }
  return first;
}

// Adds the thread's part of the rows to theirs, and gives the warp's columns to the group.
template <class Tier>
__device__ __forceinline__ void give_lines(const typename GroupTile<Tier>::Sums& values,
                                           double fixed_point, uint64_t* row_sums,
                                           typename GroupExchange<Tier>::Columns& given) {
  using Tile = GroupTile<Tier>;
  using Wide = typename Tier::Wide;
  constexpr int count = Tile::kAcross * 2;
  const int lane = ptx::thread() % 32;
  Wide rows[2] = {0, 0}, columns[count];
#pragma unroll
  for (int j = 0; j < Tile::kAcross; ++j)
#pragma unroll
    for (int parity = 0; parity < 2; ++parity) {
      const Wide above = values[0][j][parity], below = values[0][j][2 + parity];
      rows[0] += above;
      rows[1] += below;
      columns[j * 2 + parity] = above + below;
    }
  const int first = share_columns(columns);
  auto& own = given[ptx::thread() % kGroupThreads / 32];
#pragma unroll
  for (int v = 0; v < count / 8; ++v)
    own[Tile::column(lane, (first + v) / 2, (first + v) % 2)] = columns[v];
#pragma unroll
  for (int mask = 1; mask < 4; mask *= 2) {
    rows[0] += ptx::shuffle_xor(rows[0], mask);
    rows[1] += ptx::shuffle_xor(rows[1], mask);
  }
  const int lower = lane % 2;
  if (lane % 4 < 2)
    add_fixed_point(row_sums + Tile::row(lane, 0, 2 * lower), lower ? rows[1] : rows[0], fixed_point);
}

// Adds what the group's warps have given.
template <class Tier>
__device__ __forceinline__ void add_columns(const typename GroupExchange<Tier>::Columns& given,
                                            double fixed_point, uint64_t* column_sums) {
  for (int c = ptx::thread() % kGroupThreads; c < Tier::kColumns; c += kGroupThreads) {
    double sum = 0;
#pragma unroll
    for (int w = 0; w < kGroupWarps; ++w) sum += given[w][c];
    add_fixed_point(column_sums + c, sum, fixed_point);
  }
}

template <class Wide>
__device__ __forceinline__ void give_products(const Wide (&sums)[kPairs],
                                              double (&given)[kGroupWarps][kPairs]) {
#pragma unroll
  for (int p = 0; p < kPairs; ++p) {
    const double sum = sum_of_lanes(sums[p]);
    if (ptx::thread() % 32 == 0) given[ptx::thread() % kGroupThreads / 32][p] = sum;
  }
}

// Adds to the totals what the group's warps have given.
__device__ __forceinline__ void add_products(const double (&given)[kGroupWarps][kPairs],
                                             double (&totals)[kPairs]) {
  const int pair = ptx::thread() % kGroupThreads;
  if (pair >= kPairs) return;
#pragma unroll
  for (int w = 0; w < kGroupWarps; ++w) totals[pair] += given[w][pair];
}

}  // namespace mmkernels::cuda

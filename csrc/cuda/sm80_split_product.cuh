// The product of a block of 128 rows and one of columns whose operands are split into bfloat16
// parts. A step of the depth brings all parts of both operands to shared memory once, and every
// pair of parts that counts is multiplied from there: six products for the traffic of three.
#pragma once

#include "sm80_tile_product.cuh"
#include "split_operands.hpp"

namespace mmkernels::cuda {

// How precise products are: which parts are multiplied, what shape of tile leaves registers for it,
// and in what their sums over a tile are kept.
struct FastTier {  // hi.hi: 8 bits
  static constexpr int kParts = 1, kColumns = 128, kStages = 4;
  using Wide = float;
};
struct HighTier {  // and hi.mid + mid.hi: 16 bits
  static constexpr int kParts = 2, kColumns = 128, kStages = 3;
  using Wide = float;
};
struct ExactTier {  // and hi.lo + mid.mid + lo.hi: 24 bits
  static constexpr int kParts = 3, kColumns = 64, kStages = 2;
  using Wide = double;
};

// What the shape of a tile makes of a thread: warps hold 32 columns each.
template <class Tier>
struct TileOf {
  static constexpr int kParts = Tier::kParts;
  static constexpr int kRows = kTileRows, kColumns = Tier::kColumns;
  static constexpr int kWarpsAcross = kColumns / 32, kWarpsDown = kTileThreads / 32 / kWarpsAcross;
  static constexpr int kWarpRows = kTileRows / kWarpsDown;
  static constexpr int kFragments = kWarpRows / 16, kAcross = 4;
  static constexpr int kValues = kFragments * kAcross * 4;
  using Sums = float[kFragments][kAcross][4];

  static constexpr int kPartBytes = (kTileRows + kColumns) * kRowBytes;
  static constexpr int kStageBytes = Tier::kParts * kPartBytes;
  static constexpr int kSharedBytes = Tier::kStages * kStageBytes;

  __device__ __forceinline__ static int warp_down() { return ptx::thread() / 32 % kWarpsDown; }
  __device__ __forceinline__ static int warp_across() { return ptx::thread() / 32 / kWarpsDown; }

  // Where in the tile sums[i][j][e] of a lane of this warp is.
  __device__ __forceinline__ static int row(int lane, int i, int e) {
    return warp_down() * kWarpRows + i * 16 + lane / 4 + e / 2 * 8;
  }
  __device__ __forceinline__ static int column(int lane, int j, int e) {
    return warp_across() * 32 + j * 8 + lane % 4 * 2 + e % 2;
  }
};

// The tensor cores cut off what they add to a sum instead of rounding it. Where all 24 bits are to
// count, sums are therefore moved on to others, which are rounded, after as many steps of the depth,
// and what the small parts add up to is kept apart from the large.
inline constexpr int kStepsToMove = 4;

// Rows of an operand, from some depth on.
struct SplitRows {
  const uint16_t* first;  // of the first part
  int64_t part_size;      // from a value to its next part
};

template <class Tier>
__device__ __forceinline__ void copy_split_step(const SplitRows& rows, const SplitRows& columns,
                                                int64_t pitch, int step, uint8_t* stage) {
  constexpr int chunks = kRowBytes / 16, at_once = kTileThreads / chunks;
  const int row = ptx::thread() / chunks, chunk = ptx::thread() % chunks;
  const int64_t offset = row * pitch + step * kDepth + chunk * 8;
#pragma unroll
  for (int p = 0; p < Tier::kParts; ++p) {
    uint8_t* part = stage + p * TileOf<Tier>::kPartBytes;
#pragma unroll
    for (int r = 0; r < kTileRows; r += at_once)
      ptx::copy_async(part + swizzled(row + r, chunk),
                      rows.first + p * rows.part_size + offset + r * pitch);
#pragma unroll
    for (int r = 0; r < Tier::kColumns; r += at_once)
      ptx::copy_async(part + kColumnsAt + swizzled(row + r, chunk),
                      columns.first + p * columns.part_size + offset + r * pitch);
  }
}

template <class Tier>
__device__ __forceinline__ void load_row_fragments(const uint8_t* stage, int part, int half,
                                                   uint32_t (&a)[TileOf<Tier>::kFragments][4]) {
  using Tile = TileOf<Tier>;
  const int lane = ptx::thread() % 32;
#pragma unroll
  for (int i = 0; i < Tile::kFragments; ++i)
    ptx::load_matrices(a[i], stage + part * Tile::kPartBytes +
                                 swizzled(Tile::warp_down() * Tile::kWarpRows + i * 16 + lane % 16,
                                          half * 2 + lane / 16));
}

template <class Tier>
__device__ __forceinline__ void load_column_fragments(const uint8_t* stage, int part, int half,
                                                      uint32_t (&b)[2][4]) {
  using Tile = TileOf<Tier>;
  const int lane = ptx::thread() % 32;
#pragma unroll
  for (int j = 0; j < 2; ++j)
    ptx::load_matrices(
        b[j], stage + part * Tile::kPartBytes + kColumnsAt +
                  swizzled(Tile::warp_across() * 32 + j * 16 + lane % 8 + lane / 16 * 8,
                           half * 2 + lane / 8 % 2));
}

template <int kFragments>
__device__ __forceinline__ void multiply_fragments(float (&sums)[kFragments][4][4],
                                                   const uint32_t (&a)[kFragments][4],
                                                   const uint32_t (&b)[2][4]) {
#pragma unroll
  for (int i = 0; i < kFragments; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
      ptx::multiply_add<ptx::Bfloat16>(sums[i][j], a[i], b[j / 2][j % 2 * 2],
                                       b[j / 2][j % 2 * 2 + 1]);
}

// to += from; from = 0.
template <int kFragments>
__device__ __forceinline__ void move_sums(float (&to)[kFragments][4][4],
                                          float (&from)[kFragments][4][4]) {
#pragma unroll
  for (int i = 0; i < kFragments; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        to[i][j][e] += from[i][j][e];
        from[i][j][e] = 0;
      }
}

// products = 128 rows times Tier::kColumns columns over `count` steps of the depth; both are `pitch`
// apart from one to the next. `shared` holds TileOf<Tier>::kSharedBytes, which nobody uses until all
// threads have met, and are free to be used again when all have returned and met.
template <class Tier>
__device__ __forceinline__ void multiply_split(const SplitRows& rows, const SplitRows& columns,
                                               int64_t pitch, int count, uint8_t* shared,
                                               typename TileOf<Tier>::Sums& products) {
  using Tile = TileOf<Tier>;
  constexpr bool moves = Tier::kParts == 3;
  // For two parts and one, all sums are in `products`.
  typename Tile::Sums large{}, small{};
  auto& main_sums = moves ? large : products;
  auto& small_sums = moves ? small : products;
#pragma unroll
  for (int i = 0; i < Tile::kFragments; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) products[i][j][e] = 0;

#pragma unroll
  for (int s = 0; s < Tier::kStages - 1; ++s) {
    if (s < count)
      copy_split_step<Tier>(rows, columns, pitch, s, shared + s * Tile::kStageBytes);
    ptx::commit_copies();
  }
  int stage = 0;
  for (int step = 0; step < count; ++step) {
    ptx::wait_copies<Tier::kStages - 2>();
    // All have their part of this step, and all are done with the stage that is filled next.
    ptx::sync_threads();
    const int next = step + Tier::kStages - 1, free_stage = stage ? stage - 1 : Tier::kStages - 1;
    if (next < count)
      copy_split_step<Tier>(rows, columns, pitch, next, shared + free_stage * Tile::kStageBytes);
    ptx::commit_copies();
    const uint8_t* at = shared + stage * Tile::kStageBytes;
#pragma unroll
    for (int half = 0; half < kDepth / 16; ++half) {
      uint32_t a[Tier::kParts][Tile::kFragments][4];
#pragma unroll
      for (int p = 0; p < Tier::kParts; ++p) load_row_fragments<Tier>(at, p, half, a[p]);
      // The smallest columns first, and of what they are multiplied by the smallest.
#pragma unroll
      for (int q = Tier::kParts - 1; q >= 0; --q) {
        uint32_t b[2][4];
        load_column_fragments<Tier>(at, q, half, b);
#pragma unroll
        for (int p = Tier::kParts - 1 - q; p >= 0; --p)
          multiply_fragments(p + q == 0 ? main_sums : small_sums, a[p], b);
      }
    }
    if (moves && (step + 1) % kStepsToMove == 0) move_sums(products, large);
    stage = stage + 1 == Tier::kStages ? 0 : stage + 1;
  }
  if (moves) {
    move_sums(products, large);
    move_sums(products, small);
  }
}

// The block of 128 rows of an operand from `row` on times Tier::kColumns of its rows from `column`
// on, over the whole depth.
template <class Tier>
__device__ __forceinline__ void multiply_split(const SplitOperand& operand, int64_t row,
                                               int64_t column, uint8_t* shared,
                                               typename TileOf<Tier>::Sums& products) {
  const int64_t part_size = operand.rows * operand.depth;
  multiply_split<Tier>(SplitRows{operand.parts + row * operand.depth, part_size},
                       SplitRows{operand.parts + column * operand.depth, part_size}, operand.depth,
                       static_cast<int>(operand.depth / kDepth), shared, products);
}

}  // namespace mmkernels::cuda

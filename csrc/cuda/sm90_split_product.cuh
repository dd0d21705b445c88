// The product of a block of 128 rows and one of columns whose operands are split into bfloat16 parts,
// on Hopper: see sm80_split_product.cuh. A stage of the ring holds all parts of both operands, and
// every pair of parts that counts is multiplied from it.
#pragma once

#include "gram.hpp"
#include "sm90_ring.cuh"
#include "split_operands.hpp"

namespace mmkernels::cuda {

// As the general family's, but for the shapes: a thread holds the values of one kernel's tile while
// it multiplies the other's, and of exact products three sums.
struct GroupFastTier {
  static constexpr int kParts = 1, kColumns = 192, kStages = 5;
  using Wide = float;
};
struct GroupHighTier {
  static constexpr int kParts = 2, kColumns = 192, kStages = 2;
  using Wide = float;
};
struct GroupExactTier {
  static constexpr int kParts = 3, kColumns = 96, kStages = 2;
  using Wide = double;
};

// body(a tier) for a precision: the one place where kernels of Hopper's family are chosen by it.
template <class Body>
void with_group_tier(Precision precision, Body&& body) {
  if (precision == Precision::fast) return body(GroupFastTier{});
  if (precision == Precision::high) return body(GroupHighTier{});
  body(GroupExactTier{});
}

// What the shape of a tile makes of a consumer's thread, as gram_values.cuh has it.
template <class Tier>
struct GroupTile {
  static constexpr int kParts = Tier::kParts;
  static constexpr int kRows = kHopperRows, kColumns = Tier::kColumns;
  static constexpr int kFragments = 1, kAcross = kColumns / 8;
  static constexpr int kValues = kFragments * kAcross * 4;
  using Sums = float[kFragments][kAcross][4];

  // In a stage: of each part the rows, then the columns.
  static constexpr int kColumnsAt = kRows * kStepRowBytes;
  static constexpr int kPartBytes = kColumnsAt + kColumns * kStepRowBytes;
  static constexpr int kStageBytes = kParts * kPartBytes;
  static constexpr int kRingBytes =
      Tier::kStages * (kStageBytes + 2 * static_cast<int>(sizeof(ptx::Barrier)));
  static_assert(kHopperPanel % (2 * kRows) == 0 && kHopperPanel % kColumns == 0);

  __device__ __forceinline__ static int row(int lane, int, int e) {
    return (warpgroup() - 1) * kGroupRows + ptx::thread() % kGroupThreads / 32 * 16 + lane / 4 +
           e / 2 * 8;
  }
  __device__ __forceinline__ static int column(int lane, int j, int e) {
    return j * 8 + lane % 4 * 2 + e % 2;
  }

  __device__ __forceinline__ static Ring ring() {
    auto* barriers = reinterpret_cast<ptx::Barrier*>(ptx::shared() + Tier::kStages * kStageBytes);
    return {ptx::shared(), barriers, barriers + Tier::kStages, Tier::kStages, kStageBytes};
  }
};

// An operand as the copy engine reads it.
struct SplitMaps {
  TensorMap rows, columns;
  int part_rows;  // from a row to its next part
  int steps;
};

// For clusters of so many blocks, each of which fetches a part of the columns.
template <class Tier>
SplitMaps make_split_maps(const SplitOperand& operand, int blocks) {
  const int64_t rows = operand.count * operand.rows;
  return {make_tensor_map(operand.parts, rows, operand.depth, kHopperRows),
          make_tensor_map(operand.parts, rows, operand.depth, Tier::kColumns / blocks),
          static_cast<int>(operand.rows), static_cast<int>(steps_of(operand.depth))};
}

// The producer: the block's rows from `row` on and the cluster's columns from `column` on. What is
// fetched beyond the operand's rows are zeros or its next part: finite.
template <class Tier>
__device__ __forceinline__ void fetch_split(const Ring& ring, RingPlace& place, const SplitMaps& maps,
                                            int row, int column) {
  using Tile = GroupTile<Tier>;
  const int blocks = ptx::cluster_blocks(), share = Tier::kColumns / blocks;
  const int from = ptx::cluster_rank() * share;
  for (int step = 0; step < maps.steps; ++step) {
    uint8_t* stage = claim(ring, place, Tile::kStageBytes);
#pragma unroll
    for (int p = 0; p < Tier::kParts; ++p) {
      uint8_t* part = stage + p * Tile::kPartBytes;
      ptx::copy_box(part, maps.rows, step * kBoxDepth, p * maps.part_rows + row,
                    ring.filled + place.stage);
      ptx::copy_box_to((1 << blocks) - 1, part + Tile::kColumnsAt + from * kStepRowBytes, maps.columns,
                       step * kBoxDepth, p * maps.part_rows + column + from,
                       ring.filled + place.stage);
    }
    place.advance(ring);
  }
}

// sums += (or =, of `add` 0) 16 of the depth, from k * 16 on, of a part of the rows times a part of
// the columns.
template <class Tier>
__device__ __forceinline__ void multiply_parts(const uint8_t* stage, int of_rows, int of_columns, int k,
                                               int add, float (&sums)[GroupTile<Tier>::kValues]) {
  using Tile = GroupTile<Tier>;
  const int rows = (warpgroup() - 1) * kGroupRows * kStepRowBytes;
  ptx::multiply_group<ptx::Bfloat16>(
      sums, ptx::operand(stage + of_rows * Tile::kPartBytes + rows + k * 32),
      ptx::operand(stage + of_columns * Tile::kPartBytes + Tile::kColumnsAt + k * 32), add);
}

// The pairs of parts whose numbers add up to less than kParts, from `least` on, the smallest first.
template <class Tier>
__device__ __forceinline__ void multiply_all_parts(const uint8_t* stage, int least, int add,
                                                   float (&sums)[GroupTile<Tier>::kValues]) {
#pragma unroll
  for (int k = 0; k < kBoxDepth / 16; ++k)
#pragma unroll
    for (int q = Tier::kParts - 1; q >= 0; --q)
#pragma unroll
      for (int p = Tier::kParts - 1 - q; p >= 0; --p)
        if (p + q >= least)
          multiply_parts<Tier>(stage, p, q, k, add | k | (q < Tier::kParts - 1), sums);
}

// A consumer: exact products. The tensor cores cut off what they add to a sum instead of rounding it,
// so large products are moved on to rounded sums step by step, and small ones are kept apart: those
// are under way meanwhile.
template <class Tier>
__device__ __forceinline__ void multiply_exactly(const Ring& ring, RingPlace& place, int steps,
                                                 float (&products)[GroupTile<Tier>::kValues]) {
  float large[GroupTile<Tier>::kValues], small[GroupTile<Tier>::kValues];
#pragma unroll
  for (float& product : products) product = 0;
  int before = 0;
  for (int step = 0; step < steps; ++step) {
    const uint8_t* stage = await(ring, place);
    ptx::start_products(large);
#pragma unroll
    for (int k = 0; k < kBoxDepth / 16; ++k) multiply_parts<Tier>(stage, 0, 0, k, k, large);
    ptx::commit_products();
    multiply_all_parts<Tier>(stage, 1, step, small);
    ptx::commit_products();
    ptx::wait_products<1>(large);
    if (step > 0) release(ring, before);
#pragma unroll
    for (int v = 0; v < GroupTile<Tier>::kValues; ++v) products[v] += large[v];
    before = place.stage;
    place.advance(ring);
  }
  ptx::wait_products<0>(small);
  release(ring, before);
#pragma unroll
  for (int v = 0; v < GroupTile<Tier>::kValues; ++v) products[v] += small[v];
}

// A consumer: products = its 64 rows times all columns over the whole depth.
template <class Tier>
__device__ __forceinline__ void multiply_split(const Ring& ring, RingPlace& place, int steps,
                                               typename GroupTile<Tier>::Sums& products) {
  auto& sums = reinterpret_cast<float(&)[GroupTile<Tier>::kValues]>(products);
  if constexpr (Tier::kParts == 3)
    multiply_exactly<Tier>(ring, place, steps, sums);
  else
    run_steps(ring, place, steps, sums, [&](const uint8_t* stage, int step) {
      multiply_all_parts<Tier>(stage, 0, step, sums);
    });
}

}  // namespace mmkernels::cuda

// Products of a block: of weights and activations, of transposed weights and errors, and of errors
// and activations, all summed in an order that depends on nothing but the sizes.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "mlp_layout.hpp"

namespace mmkernels::cuda {

struct alignas(16) Four {
  float of[kSide];
};

__device__ __forceinline__ Four load_four(const float* from) {
  return *reinterpret_cast<const Four*>(from);
}
__device__ __forceinline__ void store_four(float* to, const float (&values)[kSide]) {
  Four four;
  for (int i = 0; i < kSide; ++i) four.of[i] = values[i];
  *reinterpret_cast<Four*>(to) = four;
}

using Block = float[kSide][kSide];  // [unit][sample]

// sums[i][s] += weights[i][k] x[k][s] over k < depth, or weights[k][i] x[k][s].
template <bool kTransposed>
__device__ __forceinline__ void add_products(Block& sums, const float* weights, int weight_pitch,
                                             const float* x, int pitch, int depth) {
  for (int first = 0; first < depth; first += kSide) {
    Four weight[kSide], row[kSide];
#pragma unroll
    for (int i = 0; i < kSide; ++i) {
      weight[i] = load_four(kTransposed ? weights + (first + i) * weight_pitch
                                        : weights + i * weight_pitch + first);
      row[i] = load_four(x + (first + i) * pitch);
    }
#pragma unroll
    for (int k = 0; k < kSide; ++k)
#pragma unroll
      for (int i = 0; i < kSide; ++i)
#pragma unroll
        for (int s = 0; s < kSide; ++s)
          sums[i][s] += (kTransposed ? weight[k].of[i] : weight[i].of[k]) * row[k].of[s];
  }
}

inline constexpr int kSlices = 8;  // lanes that share a block of the gradient

// Of 16 sums of each of 8 lanes, two sums over the lanes: those of 2 (lane % 8) and the next.
template <int kHalf = kSlices>
__device__ __forceinline__ void scatter_sums(float (&sums)[kSide * kSide]) {
  constexpr int mask = kHalf / 2;
  const bool upper = ptx::thread() & mask;
#pragma unroll
  for (int i = 0; i < kHalf; ++i) {
    const float kept = upper ? sums[kHalf + i] : sums[i];
    const float given = upper ? sums[i] : sums[kHalf + i];
    sums[i] = kept + ptx::shuffle_xor(given, mask);
  }
  if constexpr (kHalf > 2) scatter_sums<kHalf / 2>(sums);
}

// gradient (+)= errors times the transpose of [x; 1], over the samples of the first `quads` quads.
// The block: all threads take part.
__device__ __forceinline__ void add_gradient(float* weights, float* bias, int rows_out, int rows_in,
                                             const float* errors, const float* x, int pitch,
                                             int quads, bool begins) {
  const int slice = ptx::thread() % kSlices, groups = ptx::threads() / kSlices;
  const int columns = rows_in / kSide + 1;  // the last is that of the bias
  const int tiles = rows_out / kSide * columns;
  for (int first = 0; first < tiles; first += groups) {
    const int tile = first + ptx::thread() / kSlices;
    const int row = tile / columns * kSide, column = tile % columns * kSide;
    const bool of_bias = column == rows_in;
    float sums[kSide * kSide] = {};
    if (tile < tiles)
      for (int quad = slice; quad < quads; quad += kSlices) {
        Four error[kSide], value[kSide];
#pragma unroll
        for (int i = 0; i < kSide; ++i) {
          error[i] = load_four(errors + (row + i) * pitch + quad * kSide);
          const float constant = i == 0 ? 1.0f : 0.0f;
          value[i] = of_bias ? Four{{constant, constant, constant, constant}}
                             : load_four(x + (column + i) * pitch + quad * kSide);
        }
#pragma unroll
        for (int s = 0; s < kSide; ++s)
#pragma unroll
          for (int i = 0; i < kSide; ++i)
#pragma unroll
            for (int k = 0; k < kSide; ++k)
              sums[i * kSide + k] += error[i].of[s] * value[k].of[s];
      }
    scatter_sums(sums);
    if (tile >= tiles) continue;
    const int unit = row + slice / 2, of_unit = slice % 2 * 2;
    if (of_bias) {
      if (of_unit == 0) bias[unit] = begins ? sums[0] : bias[unit] + sums[0];
    } else {
      float* at = weights + unit * rows_in + column + of_unit;
      for (int i = 0; i < 2; ++i) at[i] = begins ? sums[i] : at[i] + sums[i];
    }
  }
}

}  // namespace mmkernels::cuda

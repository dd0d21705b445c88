// Tiles of kernel matrices, of the general family, and the sums over their lines.
#pragma once

#include "gram_lines.cuh"
#include "gram_values.cuh"
#include "sm80_split_product.cuh"

namespace mmkernels::cuda {

// What each warp adds to the rows and columns of a tile: in the place of the ring.
template <class Tier>
struct LineSums {
  using Tile = TileOf<Tier>;
  double rows[Tile::kWarpsAcross][kTileRows];
  double columns[Tile::kWarpsDown][Tile::kColumns];
};

// Sums over the lines of the warp's part of a tile.
template <class Tier>
__device__ __forceinline__ void add_lines(const typename TileOf<Tier>::Sums& values,
                                          LineSums<Tier>& lines) {
  using Tile = TileOf<Tier>;
  using Wide = typename Tier::Wide;
  const int lane = ptx::thread() % 32;
  Wide rows[Tile::kFragments * 2] = {}, columns[8] = {};
#pragma unroll
  for (int i = 0; i < Tile::kFragments; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const Wide value = values[i][j][e];
        rows[i * 2 + e / 2] += value;
        columns[j * 2 + e % 2] += value;
      }
#pragma unroll
  for (int v = 0; v < 8; ++v) {
#pragma unroll
    for (int mask = 4; mask < 32; mask *= 2) columns[v] += ptx::shuffle_xor(columns[v], mask);
    if (lane / 4 == 0) lines.columns[Tile::warp_down()][Tile::column(lane, v / 2, v % 2)] = columns[v];
  }
#pragma unroll
  for (int v = 0; v < Tile::kFragments * 2; ++v) {
#pragma unroll
    for (int mask = 1; mask < 4; mask *= 2) rows[v] += ptx::shuffle_xor(rows[v], mask);
    if (lane % 4 == 0) lines.rows[Tile::warp_across()][Tile::row(lane, v / 2, v % 2 * 2)] = rows[v];
  }
}

// A diagonal tile holds both (i, j) and (j, i): its rows suffice.
template <class Tier>
__device__ __forceinline__ void flush_lines(const LineSums<Tier>& lines, bool diagonal,
                                            double fixed_point, uint64_t* rows, uint64_t* columns) {
  using Tile = TileOf<Tier>;
  const int line = ptx::thread() % kTileRows;
  double sum = 0;
  if (ptx::thread() < kTileRows) {
#pragma unroll
    for (int w = 0; w < Tile::kWarpsAcross; ++w) sum += lines.rows[w][line];
    add_fixed_point(rows + line, sum, fixed_point);
  } else if (line < Tile::kColumns && !diagonal) {
#pragma unroll
    for (int w = 0; w < Tile::kWarpsDown; ++w) sum += lines.columns[w][line];
    add_fixed_point(columns + line, sum, fixed_point);
  }
}

// One kernel's tile, and its part of the row sums. Leaves when all threads have met.
template <class Tier>
__device__ __forceinline__ void compute_tile(const KernelMatrix& matrix, int64_t row, int64_t column,
                                             bool diagonal, uint64_t* row_sums,
                                             typename TileOf<Tier>::Sums& values) {
  static_assert(sizeof(LineSums<Tier>) <= TileOf<Tier>::kSharedBytes);
  auto& lines = *reinterpret_cast<LineSums<Tier>*>(ptx::shared());
  multiply_split<Tier>(matrix.operand, row, column, ptx::shared(), values);
  to_kernel_values<TileOf<Tier>>(matrix, matrix.state->shift, matrix.state->minus_one, row, column,
                                 values);
  ptx::sync_threads();
  add_lines<Tier>(values, lines);
  // As float64 they would take twice the registers while the other tile is multiplied.
  for_values<TileOf<Tier>>(values,
                           [](float& value, int, int, int, int, int) { ptx::forget(value); });
  ptx::sync_threads();
  flush_lines<Tier>(lines, diagonal, matrix.state->fixed_point, row_sums + row, row_sums + column);
  ptx::sync_threads();
}

// body(a tier) for a precision: the one place where kernels of the general family are chosen by it.
template <class Body>
void with_tier(Precision precision, Body&& body) {
  if (precision == Precision::fast) return body(FastTier{});
  if (precision == Precision::high) return body(HighTier{});
  body(ExactTier{});
}

}  // namespace mmkernels::cuda

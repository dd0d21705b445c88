// Tiles of kernel matrices and the sums over their lines.
#pragma once

#include "gram_values.cuh"

namespace mmkernels::cuda {

// So many blocks share the tiles, a fixed number: what each adds up does not depend on the device.
inline constexpr int64_t kMostGramBlocks = 4096;
// Neighbouring panels that visit together, so that tiles at work at the same time share operands.
inline constexpr int64_t kGramHeight = 8;

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

// Integers add in any order to the same sum.
__device__ __forceinline__ void add_fixed_point(uint64_t* sum, double value, double fixed_point) {
  if (value != 0)
    ptx::atomic_add(sum, static_cast<uint64_t>(static_cast<int64_t>(value * fixed_point)));
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
  to_kernel_values<Tier>(matrix, matrix.state->shift, matrix.state->minus_one, row, column, values);
  ptx::sync_threads();
  add_lines<Tier>(values, lines);
  // As float64 they would take twice the registers while the other tile is multiplied.
  for_values<Tier>(values, [](float& value, int, int, int, int, int) { ptx::forget(value); });
  ptx::sync_threads();
  flush_lines<Tier>(lines, diagonal, matrix.state->fixed_point, row_sums + row, row_sums + column);
  ptx::sync_threads();
}

// No value of a tile is larger in size. Scaled rows have norms up to 1, so distances up to 2:
// exp(-z) - 1 is between -z and 0.
__device__ __forceinline__ double bound_of(const KernelMatrix& matrix, const KernelState& state) {
  if (matrix.choice.kernel == Kernel::distance) return 2;
  if (!state.minus_one) return 1;
  const double width = state.bandwidth * split_scale(matrix.features);
  const double bound = matrix.choice.kernel == Kernel::gaussian ? 2 / (width * width) : 2 / width;
  return bound < 1 ? bound > 0x1p-900 ? bound : 0x1p-900 : 1;
}

// The sum over j != i of K_ij as the tiles hold it, from what they added.
__device__ __forceinline__ double row_sum(const uint64_t* sums, int64_t row, double fixed_point) {
  return static_cast<double>(static_cast<int64_t>(sums[row])) / fixed_point;
}

// K_ii as the tiles would hold it.
__device__ __forceinline__ double diagonal_value(const KernelMatrix& matrix,
                                                 const KernelState& state, int64_t row) {
  if (matrix.choice.kernel == Kernel::distance) return -state.shift;
  if (matrix.exponential()) return (state.minus_one ? 0.0 : 1.0) - state.shift;
  const double product = matrix.own_products[row];
  if (matrix.choice.kernel == Kernel::linear) return product;
  const double base = 2.0 * matrix.terms[row] + state.factor * product;
  double power = 0;
  for (int k = matrix.choice.degree - 2; k >= 0; --k) power = power * base + matrix.powers[k];
  return state.linear * product + base * base * power - state.shift;
}

}  // namespace mmkernels::cuda

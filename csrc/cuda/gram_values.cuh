// From products of packed rows to kernel values, in registers.
//
// `Tile` is what its shape makes of a thread, in the general family (sm80_split_product.cuh) and in
// Hopper's (sm90_split_product.cuh): the thread holds Sums values[kFragments][kAcross][4] of it, in
// fragments of 16 rows and 8 columns as tensor cores leave them.
#pragma once

#include <type_traits>

#include "gram.hpp"
#include "split_operands.cuh"

namespace mmkernels::cuda {

// Products leave in half a squared distance an error of about this share of the rows' own halves.
inline constexpr float kProductError = 0x1p-22f;
// Errors of this size in an exponent, and in a distance beside the rows' own lengths, are worth a
// look; the root makes more of an error the nearer two rows are, so that fewer pairs are concerned.
inline constexpr float kExponentLimit = 1e-5f, kDistanceLimit = 2e-6f;
// The exponential of this is 0 beside the value of any pair that is near.
inline constexpr float kNegligible = -17;

inline constexpr float kLog2E = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

// 2^t - 1 of t <= 0, by the Taylor series of exp(reduced) - 1: 2^t itself would round to 1.
__device__ __forceinline__ float exp2_minus_one(float t) {
  constexpr float round = 12582912.0f;
  t = t < -126.0f ? -126.0f : t;
  const float shifted = t + round, exponent = shifted - round;
  const float reduced = (t - exponent) * kLn2;
  float q = reduced * (1.0f / 5040) + 1.0f / 720;
  q = q * reduced + 1.0f / 120;
  q = q * reduced + 1.0f / 24;
  q = q * reduced + 1.0f / 6;
  q = q * reduced + 0.5f;
  q = q * (reduced * reduced) + reduced;
  const float power = ptx::bits_float(static_cast<uint32_t>(static_cast<int>(exponent) + 127) << 23);
  return power * q + (power - 1.0f);
}

// value(i, j, e, row of the tile, column of the tile) of all that the thread holds.
template <class Tile, class Value>
__device__ __forceinline__ void for_values(typename Tile::Sums& values, Value&& value) {
  const int lane = ptx::thread() % 32;
#pragma unroll
  for (int i = 0; i < Tile::kFragments; ++i)
#pragma unroll
    for (int j = 0; j < Tile::kAcross; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        value(values[i][j][e], i, j, e, Tile::row(lane, i, e), Tile::column(lane, j, e));
}

// Which entries of a tile are pairs of different samples.
template <class Tile>
struct TileExtent {
  static constexpr int kNowhere = Tile::kRows + Tile::kColumns;
  int rows, columns;  // before which samples end
  int diagonal;       // where entries (r, c) with c - r = diagonal are pairs of one sample

  __device__ __forceinline__ TileExtent(int64_t samples, int64_t row, int64_t column) {
    const int64_t below = samples - row, beside = samples - column, apart = row - column;
    rows = static_cast<int>(below < Tile::kRows ? below : Tile::kRows);
    columns = static_cast<int>(beside < Tile::kColumns ? beside > 0 ? beside : 0 : Tile::kColumns);
    diagonal = static_cast<int>(apart > -Tile::kRows && apart < Tile::kColumns ? apart : kNowhere);
  }
  __device__ __forceinline__ bool holds(int r, int c) const {
    return r < rows && c < columns && c - r != diagonal;
  }
  __device__ __forceinline__ bool whole() const {
    return rows == Tile::kRows && columns == Tile::kColumns && diagonal == kNowhere;
  }
  // Of a pair of samples that a tile on the diagonal holds twice, the second time.
  __device__ __forceinline__ bool repeats(int r, int c) const {
    return diagonal != kNowhere && c - r < diagonal;
  }
  __device__ __forceinline__ int64_t entries() const {
    const int first = diagonal > 0 ? diagonal : 0;
    const int last = rows + diagonal < columns ? rows + diagonal : columns;
    return int64_t{rows} * columns - (diagonal != kNowhere && last > first ? last - first : 0);
  }
};

// What of a vector belongs to the thread's rows and columns. Columns are read where they are used: of
// wide tiles they are more than there are registers for.
template <class Tile>
struct TileVector {
  float rows[Tile::kFragments * 2];
  const float* columns;

  __device__ __forceinline__ TileVector(const float* vector, int64_t row, int64_t column) {
    const int lane = ptx::thread() % 32;
#pragma unroll
    for (int v = 0; v < Tile::kFragments * 2; ++v)
      rows[v] = vector[row + Tile::row(lane, v / 2, v % 2 * 2)];
    columns = vector + column + Tile::column(lane, 0, 0);
  }
  __device__ __forceinline__ float of_row(int i, int e) const { return rows[i * 2 + e / 2]; }
  __device__ __forceinline__ float of_column(int j, int e) const { return columns[j * 8 + e % 2]; }
};

// A bit for each value that a thread holds.
template <class Tile>
using TileFlags = std::conditional_t<(Tile::kValues > 32), uint64_t, uint32_t>;

template <class Tile>
__device__ __forceinline__ int place_of(int i, int j, int e) {
  return (i * Tile::kAcross + j) * 4 + e;
}

// Computes again, in float64 from the rows as given, what the flags say of the squared distances:
// a warp together for one pair after another.
template <class Tile>
__device__ __forceinline__ void recompute_distances(const Features& features, int64_t row,
                                                    int64_t column, TileFlags<Tile> flags,
                                                    typename Tile::Sums& squared) {
  static_assert(Tile::kValues <= 8 * sizeof(flags));
  const int lane = ptx::thread() % 32;
  const double scale = split_scale(features);
  for (uint32_t lanes = ptx::ballot(flags != 0); lanes != 0; lanes = ptx::ballot(flags != 0)) {
    const int leader = ptx::lowest_bit(lanes);
    const int at = ptx::shuffle(flags ? ptx::lowest_bit(flags) : 0, leader);
    const int64_t i = row + Tile::row(leader, at / 4 / Tile::kAcross, at % 4);
    const int64_t j = column + Tile::column(leader, at / 4 % Tile::kAcross, at % 4);
    double sum = 0;
    for (int64_t c = lane; c < features.view.columns; c += 32) {
      const double difference =
          (plain_value(features, i, c) - plain_value(features, j, c)) * scale;
      sum += difference * difference;
    }
    const float exact = static_cast<float>(sum_of_lanes(sum));
    if (lane != leader) continue;
    flags &= flags - 1;
    for_values<Tile>(squared, [=](float& value, int f, int g, int e, int, int) {
      if (place_of<Tile>(f, g, e) == at) value = exact;
    });
  }
}

// Products to squared distances, never -0.
template <class Tile>
__device__ __forceinline__ void to_squared_distances(const TileVector<Tile>& halves,
                                                     typename Tile::Sums& values) {
  for_values<Tile>(values, [&](float& value, int i, int j, int e, int, int) {
    const float half = (halves.of_row(i, e) - value) + halves.of_column(j, e);
    value = half > 0 ? 2 * half : 0.0f;
  });
}

// Distances far smaller than the rows themselves lose their digits to float32. Where that would show
// in a value of the kernel, they are computed again.
template <class Tile>
__device__ __forceinline__ void correct_cancelled(const KernelMatrix& matrix, float factor,
                                                  const TileVector<Tile>& halves, int64_t row,
                                                  int64_t column,
                                                  typename Tile::Sums& values) {
  const TileExtent<Tile> extent(matrix.features.view.rows, row, column);
  const bool gaussian = matrix.choice.kernel == Kernel::gaussian;
  // In natural exponents, of half a squared distance or of a distance.
  const float per_unit = gaussian ? -2 * kLn2 : -kLn2;
  const float slope = matrix.choice.kernel == Kernel::distance ? 0.0f : factor * per_unit;
  // Halves add up to at most 1.
  if (gaussian && slope * kProductError < kExponentLimit) return;
  TileFlags<Tile> flags = 0;
  const float limit = kProductError / kDistanceLimit * (slope > 1 ? slope : 1.0f);
  for_values<Tile>(values, [&](float value, int i, int j, int e, int r, int c) {
    if (!gaussian && value >= limit * limit) return;
    if (!extent.holds(r, c)) return;
    const float sum = halves.of_row(i, e) + halves.of_column(j, e), error = sum * kProductError;
    bool shows = false;
    if (gaussian) {
      shows = slope * error >= kExponentLimit && slope * (error - value / 2) >= kNegligible;
    } else {
      const float distance = ptx::square_root_approximate(value);
      const float varies = ptx::square_root_approximate(sum);
      const float steep = slope * varies > 1 ? slope * varies : 1.0f;
      shows = error * steep > kDistanceLimit * distance * varies &&
              slope * (ptx::square_root_approximate(2 * error) - distance) >= kNegligible;
    }
    if (shows) flags |= TileFlags<Tile>{1} << place_of<Tile>(i, j, e);
  });
  if (ptx::any(flags != 0))
    recompute_distances<Tile>(matrix.features, row, column, flags, values);
}

// Products of the tile whose first row and column these are to kernel values; 0 beyond the samples
// and on the diagonal.
template <class Tile>
__device__ __forceinline__ void to_kernel_values(const KernelMatrix& matrix, float shift,
                                                 bool minus_one, int64_t row, int64_t column,
                                                 typename Tile::Sums& values) {
  const float factor = matrix.state->factor;
  if (matrix.of_distances()) {
    const TileVector<Tile> halves(matrix.own_products, row, column);
    to_squared_distances<Tile>(halves, values);
    if constexpr (Tile::kParts == 3)
      correct_cancelled<Tile>(matrix, factor, halves, row, column, values);
    if (matrix.choice.kernel != Kernel::gaussian)
      for_values<Tile>(values, [](float& value, int, int, int, int, int) {
        value = ptx::square_root_approximate(value);
      });
  }
  if (matrix.choice.kernel == Kernel::distance) {
    for_values<Tile>(values, [=](float& value, int, int, int, int, int) { value = -value - shift; });
  } else if (matrix.choice.kernel == Kernel::polynomial) {
    const TileVector<Tile> terms(matrix.terms, row, column);
    const float linear = matrix.state->linear;
    const int count = matrix.choice.degree - 1;
    for_values<Tile>(values, [&](float& value, int i, int j, int e, int, int) {
      const float base = value * factor + (terms.of_column(j, e) + terms.of_row(i, e));
      float sum = 0;
      for (int k = count - 1; k >= 0; --k) sum = sum * base + matrix.powers[k];
      value = sum * (base * base) + (value * linear - shift);
    });
  } else if (matrix.exponential() && minus_one) {
    for_values<Tile>(values, [=](float& value, int, int, int, int, int) {
      value = exp2_minus_one(value * factor) - shift;
    });
  } else if (matrix.exponential()) {
    for_values<Tile>(values, [=](float& value, int, int, int, int, int) {
      value = ptx::exp2_approximate(value * factor) - shift;
    });
  }
  const TileExtent<Tile> extent(matrix.features.view.rows, row, column);
  if (extent.whole()) return;
  for_values<Tile>(values, [&](float& value, int, int, int, int r, int c) {
    if (!extent.holds(r, c)) value = 0;
  });
}

}  // namespace mmkernels::cuda

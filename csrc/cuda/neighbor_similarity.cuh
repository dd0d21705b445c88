// The similarity that neighbours are ordered by, in float64 of the rows as given.
#pragma once

#include <cmath>

#include "knn.hpp"
#include "neighbor_operand.cuh"

namespace mmkernels::cuda {

// What scores are computed from: queries of one part, candidates of another.
struct Scoring {
  Features queries, candidates;
  Metric metric;
};

// Where candidates are no farther from their centre, products may be too small to be summed as they
// are: sums that are surely below kUnderflow are those of values times kEnlarge.
inline constexpr double kTiny = 0x1p-400, kUnderflow = 0x1p-900, kEnlarge = 0x1p450;

__device__ __forceinline__ bool may_underflow(const Scoring& scoring) {
  const double largest = ptx::bits_double(*scoring.candidates.largest);
  return scoring.metric != Metric::cosine && largest > 0 && largest < kTiny;
}

// One row of an array, its type known: reads need not ask for it.
template <class Stored>
struct TypedRow {
  const char* data;
  int64_t stride;
  __device__ __forceinline__ double operator[](int64_t column) const {
    return *reinterpret_cast<const Stored*>(data + column * stride);
  }
};
struct HalfRow {
  const char* data;
  int64_t stride;
  __device__ __forceinline__ double operator[](int64_t column) const {
    return ptx::from_half(*reinterpret_cast<const uint16_t*>(data + column * stride));
  }
};
struct BfloatRow {
  const char* data;
  int64_t stride;
  __device__ __forceinline__ double operator[](int64_t column) const {
    return ptx::from_bfloat16(*reinterpret_cast<const uint16_t*>(data + column * stride));
  }
};
struct AnyRow {
  const ArrayView& view;
  int64_t row;
  __device__ __forceinline__ double operator[](int64_t column) const {
    return read_value(view, row, column);
  }
};

// A warp's sum over the coordinates, in the order that any two rows have.
template <class Row>
__device__ __forceinline__ double sum_of_pair(const Row& x, const Row& y, int64_t columns,
                                              bool differences, double factor_x, double factor_y) {
  double sum = 0;
  for (int64_t c = ptx::thread() % 32; c < columns; c += 32) {
    // Rows may be far longer than what they differ by.
    const double difference = (x[c] - y[c]) * factor_x;
    sum += differences ? difference * difference : x[c] * factor_x * (y[c] * factor_y);
  }
  return sum_of_lanes(sum);
}

__device__ __forceinline__ double sum_of_pair(const ArrayView& x, int64_t i, const ArrayView& y,
                                              int64_t j, bool differences, double factor_x,
                                              double factor_y) {
  const int64_t columns = x.columns;
  const char *of_x = x.data + i * x.row_stride, *of_y = y.data + j * y.row_stride;
  const auto sum = [&](auto row) {
    using Row = decltype(row);
    return sum_of_pair(Row{of_x, x.column_stride}, Row{of_y, y.column_stride}, columns, differences,
                       factor_x, factor_y);
  };
  if (x.type == y.type && x.type == Type::float32) return sum(TypedRow<float>{});
  if (x.type == y.type && x.type == Type::float64) return sum(TypedRow<double>{});
  if (x.type == y.type && x.type == Type::float16) return sum(HalfRow{});
  if (x.type == y.type && x.type == Type::bfloat16) return sum(BfloatRow{});
  return sum_of_pair(AnyRow{x, i}, AnyRow{y, j}, columns, differences, factor_x, factor_y);
}

// The similarity of query i and candidate j, by a warp; `tiny` as of may_underflow.
__device__ __forceinline__ double similarity(const Scoring& scoring, int64_t i, int64_t j, bool tiny) {
  const ArrayView &x = scoring.queries.view, &y = scoring.candidates.view;
  const int64_t in_x = i - scoring.queries.first_row, in_y = j - scoring.candidates.first_row;
  const bool differences = scoring.metric == Metric::euclidean;
  const double norm_x = scoring.queries.norms[i], norm_y = scoring.candidates.norms[j];
  if (scoring.metric != Metric::cosine) {
    double factor = 1;
    if (tiny) {
      const double apart = scoring.queries.centred_norms[i] + scoring.candidates.centred_norms[j];
      if ((differences ? apart * apart : norm_x * norm_y) < kUnderflow) factor = kEnlarge;
    }
    double sum = sum_of_pair(x, in_x, y, in_y, differences, factor, factor);
    sum = sum / factor / factor;
    return differences ? 0 - sum : sum;
  }
  const bool plain = norm_x > 0x1p-500 && norm_x < 0x1p500 && norm_y > 0x1p-500 && norm_y < 0x1p500;
  if (plain) return sum_of_pair(x, in_x, y, in_y, false, 1, 1) / (norm_x * norm_y);
  // A power of two brings either row to where neither squares nor reciprocals leave the range.
  const auto to_range = [](double norm) {
    const int exponent = exponent_of(norm);
    return power_of_two(exponent < -1000 ? 1000 : exponent > 1000 ? -1000 : -exponent);
  };
  const double scale_x = to_range(norm_x), scale_y = to_range(norm_y);
  return sum_of_pair(x, in_x, y, in_y, false, scale_x, scale_y) /
         (norm_x * scale_x * (norm_y * scale_y));
}

__device__ __forceinline__ bool better(double score, int64_t index, double than_score,
                                       int64_t than_index) {
  return score > than_score || (score == than_score && index < than_index);
}

__device__ __forceinline__ bool both_usable(const Scoring& scoring) {
  return usable(*scoring.queries.status) && usable(*scoring.candidates.status);
}

}  // namespace mmkernels::cuda

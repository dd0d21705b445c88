// Rows packed with a prefix: their coordinates along its directions, and the norm of what is left.
#include <cmath>

#include "double_products.cuh"
#include "neighbor_operand.cuh"
#include "prefix.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = kProductThreads;
constexpr int kSide = 64;  // rows of a block, and directions at a time
constexpr int kOwnRows = kSide / 16;  // of a thread
// What float64 loses of |c_i| and of the coordinates of c_i along all directions, no more than 256,
// as a share of |c_i| and for each column.
constexpr double kSumError = 0x1p-48;

// Of 16 lanes, the same in all of them.
__device__ double sum_of_row(double value) {
  for (int mask = 8; mask > 0; mask /= 2) value += ptx::shuffle_xor(value, mask);
  return value;
}

// The least half that is not below x >= 0.
__device__ uint16_t half_above(double x) {
  const float value = ptx::round_up(x);
  const uint16_t bits = ptx::to_half(value);
  return ptx::from_half(bits) < value ? bits + 1 : bits;
}

struct Projected {
  double squared;          // of the coordinates V c_i
  double squared_rounded;  // of what is packed
  double squared_error;    // of the difference
};

// What is known of a packed row; t_i is written to it.
__device__ void finish_row(const NeighborOperand& operand, const Features& features,
                           const PrefixState& state, const Projected& sums, int64_t position,
                           double scale, uint16_t* tail_at) {
  const int64_t row = row_at(operand, position);
  const double length = features.centred_norms[row] * scale;
  const double own = kOwnError * ((features.unit ? 1.0 : features.norms[row]) * scale + length);
  const double lost = kSumError * static_cast<double>(features.view.columns) * length;
  const double projected = std::sqrt(sums.squared);
  // |c_i|^2 - (1 - defect) |V c_i|^2, the first as large and the second as small as they may be.
  const double whole = length + lost + own, inside = std::fmax(projected - lost - 2 * own, 0.0);
  const double left = (whole - inside) * (whole + inside) + state.defect * inside * inside;
  const uint16_t bits = half_above(std::sqrt(std::fmax(left, 0.0) * (1 + 0x1p-40)));
  const double tail = ptx::from_half(bits);
  *tail_at = bits;
  RowBounds& bounds = operand.bounds[position];
  bounds.norm = ptx::round_up(std::sqrt(sums.squared_rounded + tail * tail) * (1 + 0x1p-40));
  bounds.error = ptx::round_up(std::sqrt(sums.squared_error) * (1 + 0x1p-40) + lost + 2 * own +
                               2 * state.defect * whole);
  bounds.tail = static_cast<float>(tail);
}

// A block for 64 rows.
__global__ void pack(Prefix prefix, NeighborOperand operand, NeighborPart part) {
  const PrefixState& state = *prefix.state;
  const int directions = state.directions;
  if (directions == 0) return;
  if (ptx::block() == 0 && ptx::thread() == 0) *operand.used_depth = directions + 1;
  const Features& features = part.features;
  const int64_t columns = features.view.columns;
  const int64_t first_place = ptx::block() * kSide;
  const double scale = scale_of(features, kRange);
  double* shared = reinterpret_cast<double*>(ptx::shared());
  Projected of_row[kOwnRows] = {};
  for (int first = 0; first < directions; first += kSide) {
    ProductSums<kSide> sums{};
    add_double_products<kSide, false>(
        0, columns,
        [&](int r, int64_t d) {
          const int64_t position = part.first + first_place + r;
          if (position >= operand.rows) return 0.0;
          return centred_value(features, row_at(operand, position), d) * scale;
        },
        [&](int c, int64_t d) {
          return first + c < directions ? prefix.axes[(first + c) * columns + d] : 0.0;
        },
        shared, sums);
#pragma unroll
    for (int i = 0; i < kOwnRows; ++i)
#pragma unroll
      for (int j = 0; j < kSide / 16; ++j) {
        const int64_t place = first_place + product_row(i);
        const int direction = first + product_column(j);
        if (direction >= directions || place >= padded_rows(part.count)) continue;
        const double value = sums[i][j];
        const uint16_t bits = ptx::to_half(static_cast<float>(value));
        const double rounded = ptx::from_half(bits);
        part.values[place * operand.depth + direction] = bits;
        of_row[i].squared += value * value;
        of_row[i].squared_rounded += rounded * rounded;
        of_row[i].squared_error += (value - rounded) * (value - rounded);
      }
  }
#pragma unroll
  for (int i = 0; i < kOwnRows; ++i) {
    const Projected sums{sum_of_row(of_row[i].squared), sum_of_row(of_row[i].squared_rounded),
                         sum_of_row(of_row[i].squared_error)};
    const int64_t place = first_place + product_row(i);
    if (product_column(0) != 0 || part.first + place >= operand.rows) continue;
    finish_row(operand, features, state, sums, part.first + place, scale,
               part.values + place * operand.depth + directions);
  }
}

}  // namespace

void pack_prefix(const Prefix& prefix, const NeighborOperand& operand, const NeighborPart& part,
                 Stream stream) {
  launch("pack_prefix", pack, (padded_rows(part.count) + kSide - 1) / kSide, kThreads,
         kProductBytes<kSide>, stream, prefix, operand, part);
  bound_blocks(operand, part, stream);
}

}  // namespace mmkernels::cuda

#include "neighbor_operand.cuh"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
// Queries may be longer than any candidate: what is cut off there counts as their error.
constexpr double kLargestHalf = 65504;

// A warp for a position.
__global__ void pack(NeighborOperand operand, NeighborPart part, Features frame, bool euclidean,
                     bool queries) {
  if (ptx::block() == 0 && ptx::thread() == 0) *operand.used_depth = static_cast<int>(operand.depth);
  const int64_t place = ptx::block() * kWarps + ptx::thread() / 32;
  if (place >= padded_rows(part.count)) return;
  const int64_t position = part.first + place;
  const Features& features = part.features;
  const int lane = ptx::thread() % 32;
  uint16_t* out = part.values + place * operand.depth;
  if (position >= operand.rows || !usable(*features.status) || !usable(*frame.status)) {
    for (int64_t c = lane; c < operand.depth; c += 32) out[c] = 0;
    if (lane == 0) {
      operand.biases[position] = -INFINITY;
      operand.bounds[position] = {0, 0, 0, 0};
    }
    return;
  }
  const int64_t row = row_at(operand, position);
  const double scale = scale_of(frame, kRange);
  double squared_error = 0, squared_rounded = 0, squared = 0, along_centre = 0;
  for (int64_t c = lane; c < operand.depth; c += 32) {
    if (c >= features.view.columns) {
      out[c] = 0;
      continue;
    }
    const double value = centred_value(features, row, c) * scale;
    const double in_range = std::fmin(std::fmax(value, -kLargestHalf), kLargestHalf);
    const uint16_t bits = ptx::to_half(static_cast<float>(in_range));
    const double rounded = ptx::from_half(bits);
    out[c] = bits;
    squared_error += (value - rounded) * (value - rounded);
    squared_rounded += rounded * rounded;
    squared += value * value;
    along_centre += features.centre[c] * scale * value;
  }
  squared_error = sum_of_lanes(squared_error);
  squared_rounded = sum_of_lanes(squared_rounded);
  squared = sum_of_lanes(squared);
  along_centre = sum_of_lanes(along_centre);
  if (lane != 0) return;
  const double length = (features.unit ? 1.0 : features.norms[row]) * scale + std::sqrt(squared);
  // A query's own term is the same for all its candidates.
  const double bias = queries ? 0 : euclidean ? -squared / 2 : along_centre;
  // Else nothing is known of its scores.
  const bool in_range = std::abs(bias) < 0x1p100;
  operand.biases[position] = in_range ? static_cast<float>(bias) : 0.0f;
  operand.bounds[position] = {
      ptx::round_up(std::sqrt(squared_rounded) * (1 + 0x1p-40)),
      ptx::round_up(std::sqrt(squared_error) * (1 + 0x1p-40) + kOwnError * length),
      in_range ? ptx::round_up(std::abs(bias) * (1 + 0x1p-20)) : INFINITY,
      0,
  };
}

// A warp for a block of rows.
__global__ void bound_block(NeighborOperand operand, int64_t first, int64_t last) {
  const int64_t block = first + ptx::block() * kWarps + ptx::thread() / 32;
  if (block >= last) return;
  const int lane = ptx::thread() % 32;
  RowBounds most{0, 0, 0, 0};
  for (int64_t r = lane; r < kBlockRows; r += 32) {
    const RowBounds& of_row = operand.bounds[block * kBlockRows + r];
    most.norm = std::fmax(most.norm, of_row.norm);
    most.error = std::fmax(most.error, of_row.error);
    most.bias = std::fmax(most.bias, of_row.bias);
  }
  for (int mask = 16; mask > 0; mask /= 2) {
    most.norm = std::fmax(most.norm, ptx::shuffle_xor(most.norm, mask));
    most.error = std::fmax(most.error, ptx::shuffle_xor(most.error, mask));
    most.bias = std::fmax(most.bias, ptx::shuffle_xor(most.bias, mask));
  }
  if (lane == 0) operand.block_bounds[block] = most;
}

}  // namespace

int64_t scattering_step(int64_t rows) {
  int64_t step = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(rows) * 0.618));
  while (std::gcd(step, rows) > 1) ++step;
  return step;
}

NeighborOperand take_neighbor_operand(int64_t rows, int64_t columns, bool scattered,
                                      Workspace& workspace) {
  NeighborOperand operand{};
  operand.rows = rows;
  operand.padded = padded_rows(rows);
  operand.depth = padded_depth(columns);
  operand.step = scattered ? scattering_step(rows) : 1;
  operand.biases = workspace.take<float>(operand.padded);
  operand.bounds = workspace.take<RowBounds>(operand.padded);
  operand.block_bounds = workspace.take<RowBounds>(operand.padded / kBlockRows);
  operand.used_depth = workspace.take<int>(1);
  operand.sum_error = static_cast<float>(operand.depth) * 0x1p-22f + 0x1p-21f;
  return operand;
}

NeighborPart take_neighbor_part(const Features& features, int64_t first, int64_t count,
                                Workspace& workspace) {
  const int64_t depth = padded_depth(features.view.columns);
  return {features, first, count, workspace.take<uint16_t>(padded_rows(count) * depth)};
}

void pack_neighbor_part(const NeighborOperand& operand, const NeighborPart& part,
                        const Features& frame, bool euclidean, bool queries, Stream stream) {
  const int64_t padded = padded_rows(part.count);
  launch("pack_neighbors", pack, (padded + kWarps - 1) / kWarps, kThreads, 0, stream, operand, part,
         frame, euclidean, queries);
  bound_blocks(operand, part, stream);
}

void bound_blocks(const NeighborOperand& operand, const NeighborPart& part, Stream stream) {
  const int64_t first = part.first / kBlockRows, blocks = padded_rows(part.count) / kBlockRows;
  launch("bound_blocks", bound_block, (blocks + kWarps - 1) / kWarps, kThreads, 0, stream, operand,
         first, first + blocks);
}

}  // namespace mmkernels::cuda

#include "split_operands.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kFeatures = 32, kSamples = 64;  // of what is transposed at a time

// The value, or 0 beyond the array; of rows that are not usable, whose results are NaN whatever
// the operands are, 0 too.
__device__ __forceinline__ double scaled_value(const Features& features, double scale, int64_t row,
                                               int64_t column) {
  if (row >= features.view.rows || column >= features.view.columns) return 0;
  return centred_value(features, row, column) * scale;
}

// What is left of a value, and what float32 does not hold of it: float64 is slow to convert.
struct Remainder {
  float left, beyond;
};

__device__ __forceinline__ Remainder remainder_of(double value) {
  const auto left = static_cast<float>(value);
  return {left, static_cast<float>(value - static_cast<double>(left))};
}

__device__ __forceinline__ uint16_t next_part(Remainder& remainder) {
  const uint16_t bits = ptx::to_bfloat16(remainder.left);
  remainder = {remainder.left - ptx::from_bfloat16(bits) + remainder.beyond, 0};
  return bits;
}

// A warp for a row.
__global__ void split_rows(Features features, SplitOperand operand) {
  const int64_t row = ptx::block() * kWarps + ptx::thread() / 32;
  const bool all_zero = !usable(*features.status);
  const double scale = all_zero ? 0 : split_scale(features);
  for (int64_t c = ptx::thread() % 32; c < operand.depth; c += 32) {
    Remainder value = remainder_of(all_zero ? 0 : scaled_value(features, scale, row, c));
    for (int p = 0; p < operand.count; ++p)
      operand.parts[(p * operand.rows + row) * operand.depth + c] = next_part(value);
  }
}

// A block for 64 samples and 32 features: read along features, written along samples. Neighbouring
// blocks read on in the same rows.
__global__ void split_transposed(Features features, SplitOperand operand) {
  auto* square = reinterpret_cast<double*>(ptx::shared());
  constexpr int of_warp = kSamples / kWarps;
  const int64_t groups = operand.rows / kFeatures;
  const int64_t sample = ptx::block() / groups * kSamples;
  const int64_t feature = ptx::block() % groups * kFeatures;
  const int lane = ptx::thread() % 32, warp = ptx::thread() / 32;
  const double scale = usable(*features.status) ? split_scale(features) : 0;
  const int64_t column = feature + lane, row = sample + warp;
  const ArrayView& view = features.view;
  const int64_t left = (view.rows - row + kWarps - 1) / kWarps;
  const int there = scale == 0 || column >= view.columns || left < 0 ? 0
                    : left < of_warp ? static_cast<int>(left) : of_warp;
  double values[of_warp];
  read_values(view.type, view.data + row * view.row_stride + column * view.column_stride,
              kWarps * view.row_stride, there, values);
  const bool centred = there > 0 && features.centre_by != Centre::none;
  const double centre = centred ? features.centre[column] : 0;
#pragma unroll
  for (int i = 0; i < of_warp; ++i) {
    if (i < there && features.unit) values[i] /= features.norms[row + i * kWarps];
    square[(warp + i * kWarps) * (kFeatures + 1) + lane] =
        i < there ? (values[i] - centre) * scale : 0;
  }
  ptx::sync_threads();
  const int64_t first = sample + 2 * lane;
  if (first >= operand.depth) return;
  for (int f = warp; f < kFeatures; f += kWarps) {
    Remainder even = remainder_of(square[2 * lane * (kFeatures + 1) + f]);
    Remainder odd = remainder_of(square[(2 * lane + 1) * (kFeatures + 1) + f]);
    for (int p = 0; p < operand.count; ++p) {
      const uint32_t low = next_part(even), high = next_part(odd);
      *reinterpret_cast<uint32_t*>(
          operand.parts + (p * operand.rows + feature + f) * operand.depth + first) =
          low | high << 16;
    }
  }
}

SplitOperand take(int64_t rows, int64_t depth, int count, Workspace& workspace) {
  SplitOperand operand{nullptr, count, padded_rows(rows), padded_depth(depth)};
  operand.parts = workspace.take<uint16_t>(count * operand.rows * operand.depth);
  return operand;
}

}  // namespace

SplitOperand take_split(const Features& features, int count, Workspace& workspace) {
  return take(features.view.rows, features.view.columns, count, workspace);
}

SplitOperand take_transposed_split(const Features& features, int count, Workspace& workspace) {
  return take(features.view.columns, features.view.rows, count, workspace);
}

void pack_split(const Features& features, const SplitOperand& operand, Stream stream) {
  launch("split_rows", split_rows, operand.rows / kWarps, kThreads, 0, stream, features, operand);
}

void pack_transposed_split(const Features& features, const SplitOperand& operand, Stream stream) {
  const int64_t across = (operand.depth + kSamples - 1) / kSamples;
  launch("split_transposed", split_transposed, operand.rows / kFeatures * across, kThreads,
         kSamples * (kFeatures + 1) * sizeof(double), stream, features, operand);
}

}  // namespace mmkernels::cuda

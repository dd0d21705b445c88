#include "split_operands.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kSide = 32;  // of the squares that are transposed

// The value, or 0 beyond the array; of rows that are not usable, whose results are NaN whatever
// the operands are, 0 too.
__device__ __forceinline__ double scaled_value(const Features& features, double scale, int64_t row,
                                               int64_t column) {
  if (row >= features.view.rows || column >= features.view.columns) return 0;
  return centred_value(features, row, column) * scale;
}

// parts[p * pitch] for each part p.
__device__ __forceinline__ void write_parts(double value, int count, int64_t pitch,
                                            uint16_t* parts) {
  for (int p = 0; p < count; ++p) {
    const uint16_t bits = ptx::to_bfloat16(static_cast<float>(value));
    parts[p * pitch] = bits;
    value -= ptx::from_bfloat16(bits);
  }
}

// A warp for a row.
__global__ void split_rows(Features features, SplitOperand operand) {
  const int64_t row = ptx::block() * kWarps + ptx::thread() / 32;
  const bool all_zero = !usable(*features.status);
  const double scale = all_zero ? 0 : split_scale(features);
  for (int64_t c = ptx::thread() % 32; c < operand.depth; c += 32)
    write_parts(all_zero ? 0 : scaled_value(features, scale, row, c), operand.count,
                operand.rows * operand.depth, operand.parts + row * operand.depth + c);
}

// A block for a square of 32 samples and 32 features: read along features, written along samples.
__global__ void split_transposed(Features features, SplitOperand operand) {
  auto* square = reinterpret_cast<double*>(ptx::shared());
  const int64_t across = operand.depth / kSide;
  const int64_t sample = ptx::block() % across * kSide, feature = ptx::block() / across * kSide;
  const int lane = ptx::thread() % 32, warp = ptx::thread() / 32;
  const bool all_zero = !usable(*features.status);
  const double scale = all_zero ? 0 : split_scale(features);
  for (int r = warp; r < kSide; r += kWarps)
    square[r * (kSide + 1) + lane] =
        all_zero ? 0 : scaled_value(features, scale, sample + r, feature + lane);
  ptx::sync_threads();
  for (int r = warp; r < kSide; r += kWarps)
    write_parts(square[lane * (kSide + 1) + r], operand.count, operand.rows * operand.depth,
                operand.parts + (feature + r) * operand.depth + sample + lane);
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
  launch("split_transposed", split_transposed,
         operand.rows / kSide * (operand.depth / kSide), kThreads,
         kSide * (kSide + 1) * sizeof(double), stream, features, operand);
}

}  // namespace mmkernels::cuda

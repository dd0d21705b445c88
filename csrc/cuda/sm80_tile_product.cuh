// The product of a block of 128 rows and one of 128 columns, A B', by the tensor cores: 16-bit
// operands, float32 sums in registers. What every kernel on pairs of samples is built around.
//
// A block of 256 threads; warp w holds rows 64 (w % 2) and columns 32 (w / 2) on. Operands come
// through a ring of shared memory, `kDepth` of their length at a time. Both are packed: rows
// padded to 128 with zeros, their length to kDepth, so that nothing is asked about bounds.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

namespace mmkernels::cuda {

inline constexpr int kTileRows = 128, kTileColumns = 128;
inline constexpr int kDepth = 32;
inline constexpr int kStages = 4;
inline constexpr int kTileThreads = 256;
inline constexpr int kRowBytes = kDepth * 2;
inline constexpr int kColumnsAt = kTileRows * kRowBytes;  // in a stage, after the rows
inline constexpr int kStageBytes = kColumnsAt + kTileColumns * kRowBytes;
inline constexpr int kTileSharedBytes = kStages * kStageBytes;

// A thread's part of the tile's sums: [16 rows][8 columns][element of the fragment].
using TileSums = float[4][4][4];

// Where in the tile sums[i][j][e] is.
__device__ __forceinline__ int tile_row(int i, int e) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  return warp % 2 * 64 + i * 16 + lane / 4 + e / 2 * 8;
}
__device__ __forceinline__ int tile_column(int j, int e) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  return warp / 2 * 32 + j * 8 + lane % 4 * 2 + e % 2;
}

// Where a step of the product reads: the operands' first row and column, at the step's depth.
struct TileStep {
  const uint16_t* rows;
  const uint16_t* columns;
};

// Steps along one pair of packed operands.
struct PlainSteps {
  const uint16_t* rows;
  const uint16_t* columns;
  __device__ __forceinline__ TileStep operator()(int step) const {
    return {rows + static_cast<int64_t>(step) * kDepth,
            columns + static_cast<int64_t>(step) * kDepth};
  }
};

// 64-byte rows whose 16-byte chunks are permuted, so that eight rows of a matrix meet all banks.
__device__ __forceinline__ int swizzled(int row, int chunk) {
  return row * kRowBytes + ((chunk ^ (row / 2 % 4)) * 16);
}

template <class Steps>
__device__ __forceinline__ void copy_step(const Steps& steps, int step, int64_t row_pitch,
                                          int64_t column_pitch, uint8_t* stage) {
  const TileStep from = steps(step);
  constexpr int chunks = kRowBytes / 16, at_once = kTileThreads / chunks;
  const int row = ptx::thread() / chunks, chunk = ptx::thread() % chunks;
#pragma unroll
  for (int r = 0; r < kTileRows; r += at_once)
    ptx::copy_async(stage + swizzled(row + r, chunk), from.rows + (row + r) * row_pitch + chunk * 8);
#pragma unroll
  for (int r = 0; r < kTileColumns; r += at_once)
    ptx::copy_async(stage + kColumnsAt + swizzled(row + r, chunk),
                    from.columns + (row + r) * column_pitch + chunk * 8);
}

// sums += the product over `count` steps. `shared` holds kTileSharedBytes, which are free to be
// used again when all threads have returned and met.
template <class Element, class Steps>
__device__ __forceinline__ void add_tile_product(const Steps& steps, int count, int64_t row_pitch,
                                                 int64_t column_pitch, uint8_t* shared,
                                                 TileSums& sums) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int first_row = warp % 2 * 64, first_column = warp / 2 * 32;
#pragma unroll
  for (int s = 0; s < kStages - 1; ++s) {
    if (s < count) copy_step(steps, s, row_pitch, column_pitch, shared + s * kStageBytes);
    ptx::commit_copies();
  }
  for (int step = 0; step < count; ++step) {
    ptx::wait_copies<kStages - 2>();
    // All have their part of this step, and all are done with the stage that is filled next.
    ptx::sync_threads();
    const int next = step + kStages - 1;
    if (next < count)
      copy_step(steps, next, row_pitch, column_pitch, shared + next % kStages * kStageBytes);
    ptx::commit_copies();
    const uint8_t* rows = shared + step % kStages * kStageBytes;
    const uint8_t* columns = rows + kColumnsAt;
#pragma unroll
    for (int half = 0; half < kDepth / 16; ++half) {
      uint32_t a[4][4], b[2][4];
#pragma unroll
      for (int i = 0; i < 4; ++i)
        ptx::load_matrices(
            a[i], rows + swizzled(first_row + i * 16 + lane % 16, half * 2 + lane / 16));
#pragma unroll
      for (int j = 0; j < 2; ++j)
        ptx::load_matrices(b[j], columns + swizzled(first_column + j * 16 + lane % 8 + lane / 16 * 8,
                                                    half * 2 + lane / 8 % 2));
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j)
          ptx::multiply_add<Element>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
    }
  }
}

}  // namespace mmkernels::cuda

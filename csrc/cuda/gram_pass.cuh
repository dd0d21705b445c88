// The steps of a pass, each in a file of its own.
#pragma once

#include "gram_tiles.cuh"

namespace mmkernels::cuda {

// Of more than two kernels each block keeps a tile of every one, and there is no more to gain than a
// block for every multiprocessor; a fixed number, so that sums do not depend on the device.
inline constexpr int64_t kMatrixBlocks = 160;
inline constexpr int64_t kTileEntries = int64_t{kTileRows} * kTileColumns;  // of the largest tile
inline constexpr int kWideSide = 64;  // of tiles in float64

// On Hopper's path runs of consecutive tiles leave sums of products, at most as many.
inline constexpr int64_t kMostRuns = 8192, kSumsOfRun = 4;

// The products of an operand's rows with themselves as Hopper's tiles sum them.
void multiply_rows_on_hopper(const KernelMatrix& matrix, Stream stream);

// They write row sums and products, and return how many sums of products a pair has. On Hopper's path
// two matrices, as on_hopper() has them.
int64_t add_products_on_hopper(const KernelMatrix& k, const KernelMatrix& l, const GramPass& pass,
                               Stream stream);
int64_t add_products_of_two(const KernelMatrix& k, const KernelMatrix& l, const GramPass& pass,
                            Stream stream);
int64_t add_products_of_all(Precision precision, const GramPass& pass, Stream stream);

inline constexpr uint64_t kNanBits = 0x7ff8000000000000;

// Whether a self-similarity is more than what rounding leaves of 0.
__device__ __forceinline__ bool has_norm(const KernelMatrix& matrix, double self, double rounding) {
  return *matrix.features.largest != 0 && self > rounding;
}

// The matrices of a pair that is a block's.
struct PairOfPass {
  int a, b;

  __device__ __forceinline__ PairOfPass(const GramPass& pass, int64_t pair) : a(0) {
    while (a + 1 < pass.count && pass.pair(a + 1, a + 1) <= pair) ++a;
    b = a + static_cast<int>(pair - pass.pair(a, a));
  }
};

// values, magnitudes and lost, from so many sums of products a pair.
void find_hsic_values(const GramPass& pass, int64_t sums, Estimator estimator, Stream stream);

// values once more where digits are lost.
void recompute_lost_values(const GramPass& pass, Estimator estimator, Stream stream);

}  // namespace mmkernels::cuda

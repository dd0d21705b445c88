// Products of float64 rows and columns, a square tile of them by a block of 256 threads. The terms
// of a sum are added in the order of the depth.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

namespace mmkernels::cuda {

inline constexpr int kProductThreads = 256, kProductDepth = 32;
template <int side>
inline constexpr int kProductBytes = 2 * kProductDepth * (side + 1) * sizeof(double);

// sums[i][j]: row product_row(i), column product_column(j) of the tile.
template <int side>
using ProductSums = double[side / 16][side / 16];
__device__ __forceinline__ int product_row(int i) { return ptx::thread() / 16 + 16 * i; }
__device__ __forceinline__ int product_column(int j) { return ptx::thread() % 16 + 16 * j; }

// sums += row(r, d) column(c, d) over depths [first, last). `across`: neighbouring columns, not
// neighbouring depths, are next to each other in memory.
template <int side, bool across, class Row, class Column>
__device__ __forceinline__ void add_double_products(int64_t first, int64_t last, Row&& row,
                                                    Column&& column, double* shared,
                                                    ProductSums<side>& sums) {
  // An odd pitch: lanes that write along the depth meet all banks.
  constexpr int pitch = side + 1, count = side * kProductDepth;
  double *rows = shared, *columns = shared + kProductDepth * pitch;
  for (int64_t start = first; start < last; start += kProductDepth) {
    for (int e = ptx::thread(); e < count; e += kProductThreads) {
      const int r = e / kProductDepth, d = e % kProductDepth;
      rows[d * pitch + r] = start + d < last ? row(r, start + d) : 0.0;
    }
    for (int e = ptx::thread(); e < count; e += kProductThreads) {
      const int c = across ? e % side : e / kProductDepth;
      const int d = across ? e / side : e % kProductDepth;
      columns[d * pitch + c] = start + d < last ? column(c, start + d) : 0.0;
    }
    ptx::sync_threads();
    for (int d = 0; d < kProductDepth; ++d) {
      double of_row[side / 16], of_column[side / 16];
#pragma unroll
      for (int i = 0; i < side / 16; ++i) of_row[i] = rows[d * pitch + product_row(i)];
#pragma unroll
      for (int j = 0; j < side / 16; ++j) of_column[j] = columns[d * pitch + product_column(j)];
#pragma unroll
      for (int i = 0; i < side / 16; ++i)
#pragma unroll
        for (int j = 0; j < side / 16; ++j) sums[i][j] += of_row[i] * of_column[j];
    }
    ptx::sync_threads();
  }
}

}  // namespace mmkernels::cuda

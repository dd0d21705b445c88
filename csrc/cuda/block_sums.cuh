// Sums over all threads of a block, always added in the same order.
#pragma once

#include "device_array.cuh"

namespace mmkernels::cuda {

inline constexpr int kBlockSumBytes = 32 * sizeof(double);

// The same in all threads. `slots` holds kBlockSumBytes of shared memory, used again by the next.
__device__ __forceinline__ double sum_of_block(double value, double* slots) {
  const int warps = ptx::threads() / 32;
  value = sum_of_lanes(value);
  ptx::sync_threads();
  if (ptx::thread() % 32 == 0) slots[ptx::thread() / 32] = value;
  ptx::sync_threads();
  double sum = 0;
  for (int w = 0; w < warps; ++w) sum += slots[w];
  return sum;
}

}  // namespace mmkernels::cuda

// The order of an epoch, written down by a block.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "../core/batch_order.hpp"

namespace mmkernels::cuda {

inline constexpr int kMostWarps = 8;
inline constexpr int kOrderRows = 8;  // of 32 places, that a warp looks at between two barriers
inline constexpr int kOrderCounts = 2 * kMostWarps;

// visited[0 .. n - 1] of an epoch, by a block of up to kMostWarps warps. `permutation`, and `counts`
// of kOrderCounts numbers, are in shared memory.
__device__ __forceinline__ void write_order(uint64_t seed, int64_t epoch, int64_t n,
                                            uint32_t* visited, BatchOrder& permutation,
                                            int* counts) {
  if (ptx::thread() == 0) permutation = batch_order(seed, epoch, n);
  ptx::sync_threads();
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32, warps = ptx::threads() / 32;
  int64_t written = 0;
  bool odd = false;
  for (int64_t start = 0; start < permutation.domain; start += warps * 32 * kOrderRows) {
    int* const turn = odd ? counts + kMostWarps : counts;
    odd = !odd;
    const int64_t own = start + warp * 32 * kOrderRows + lane;
    uint32_t sample[kOrderRows], kept[kOrderRows];
    int count = 0;
#pragma unroll
    for (int row = 0; row < kOrderRows; ++row) {
      const int64_t place = own + row * 32;
      sample[row] = ordered(permutation, static_cast<uint32_t>(place));
      kept[row] = ptx::ballot(place < permutation.domain && sample[row] < n);
      count += ptx::count_bits(kept[row]);
    }
    // The counts of two turns alternate, so that one barrier a turn is enough.
    if (lane == 0) turn[warp] = count;
    ptx::sync_threads();
    int64_t next = written;
    for (int w = 0; w < warps; ++w) {
      written += turn[w];
      if (w < warp) next += turn[w];
    }
#pragma unroll
    for (int row = 0; row < kOrderRows; ++row) {
      if (kept[row] >> lane & 1)
        visited[next + ptx::count_bits(kept[row] & ((uint32_t{1} << lane) - 1))] = sample[row];
      next += ptx::count_bits(kept[row]);
    }
  }
}

}  // namespace mmkernels::cuda

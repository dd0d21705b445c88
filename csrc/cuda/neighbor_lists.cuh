// A warp and the list of a row: the k-th largest of some values, and what stays in it.
#pragma once

#include "knn.hpp"
#include "neighbor_operand.cuh"

namespace mmkernels::cuda {

// Integers ordered as the numbers are.
__device__ __forceinline__ uint32_t ordered(float x) {
  const uint32_t bits = ptx::float_bits(x);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float unordered(uint32_t key) {
  return ptx::bits_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

// How many of the keys a lane wrote, all lanes together, are no less than this one.
__device__ __forceinline__ int count_reaching(const uint32_t* keys, int count, uint32_t least) {
  int reach = 0;
  for (int c = ptx::thread() % 32; c < count; c += 32) reach += keys[c] >= least;
  for (int mask = 16; mask > 0; mask /= 2) reach += ptx::shuffle_xor(reach, mask);
  return reach;
}

// The largest value that k of them reach, a bit at a time; each lane reads what it wrote.
__device__ __forceinline__ uint32_t kth_largest(const uint32_t* keys, int count, int k) {
  uint32_t limit = 0;
  for (int bit = 31; bit >= 0; --bit) {
    const uint32_t trial = limit | 1u << bit;
    if (count_reaching(keys, count, trial) >= k) limit = trial;
  }
  return limit;
}

// Moves the entries that may reach the limit to the front; how many they are.
__device__ __forceinline__ int keep_reaching(Candidate* entries, int count, const RowBounds& own,
                                             const RowBounds* others, float g, float limit) {
  const int lane = ptx::thread() % 32;
  int kept = 0;
  for (int start = 0; start < count; start += 32) {
    const int c = start + lane;
    Candidate entry{0, 0};
    bool stays = false;
    if (c < count) {
      entry = entries[c];
      stays = entry.score + score_error(own, others[entry.position], g) >= limit;
    }
    const uint32_t all = ptx::ballot(stays);
    if (stays) entries[kept + ptx::count_bits(all & ((1u << lane) - 1))] = entry;
    kept += ptx::count_bits(all);
  }
  return kept;
}

}  // namespace mmkernels::cuda

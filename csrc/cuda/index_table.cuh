// Hash tables of the indices of a list in shared memory, filled anew for every row.
//
// A key is an index and which of its occurrences in a list it is, so that lists in which an index
// comes twice share it twice only if both hold it twice. Tables are at most half full, and where a
// key lies depends on timing, but never whether it is found.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "index_lists.hpp"

namespace mmkernels::cuda {

inline constexpr uint64_t kFreePlace = ~uint64_t{0};

__device__ __forceinline__ bool usable_index(int64_t index) {
  return index >= 0 && index < int64_t{1} << 54;
}

__device__ __forceinline__ uint64_t occurrence(int64_t index, int which) {
  return static_cast<uint64_t>(index) * kMostListed + static_cast<uint64_t>(which);
}

// 2^bits places.
struct IndexTable {
  uint64_t* keys;
  int bits;

  __device__ __forceinline__ int places() const { return 1 << bits; }
  __device__ __forceinline__ int first(uint64_t key) const {
    return static_cast<int>(key * 0x9e3779b97f4a7c15u >> (64 - bits));
  }
  __device__ __forceinline__ int after(int place) const { return (place + 1) & (places() - 1); }

  // The place of the key, which takes a free one if it has none.
  __device__ __forceinline__ int claim(uint64_t key) const {
    int place = first(key);
    while (true) {
      const uint64_t held = ptx::compare_and_swap(keys + place, kFreePlace, key);
      if (held == kFreePlace || held == key) return place;
      place = after(place);
    }
  }

  // -1 where it has none. Nobody may claim places meanwhile.
  __device__ __forceinline__ int find(uint64_t key) const {
    int place = first(key);
    while (keys[place] != key) {
      if (keys[place] == kFreePlace) return -1;
      place = after(place);
    }
    return place;
  }
};

// For `count` keys.
inline int table_bits(int64_t count) {
  int bits = 6;
  while ((int64_t{1} << bits) < 2 * count) ++bits;
  return bits;
}

}  // namespace mmkernels::cuda

// Counts of bit patterns of squared distances, for the median: see sm80_median_distance.cu.
#pragma once

#include <device/ptx.cuh>

#include "device_array.cuh"
#include "gram.hpp"

namespace mmkernels::cuda {

inline constexpr int kBinBits = 18, kBins = 1 << kBinBits;

// Patterns from `first` on in bins of 2^shift.
struct MedianSearch::Range {
  uint64_t below;  // how many patterns are lower than `first`
  int64_t rank;    // of the pattern that is sought
  uint32_t first;
  int shift;
  int found;  // `first` is the one
  int reserved;
};

using Range = MedianSearch::Range;

// Both ranks may be sought in the same range: the first one's counts serve both.
__device__ __forceinline__ bool same_range(const Range* ranges) {
  return !ranges[0].found && !ranges[1].found && ranges[0].first == ranges[1].first &&
         ranges[0].shift == ranges[1].shift;
}

__device__ __forceinline__ bool all_found(const MedianSearch& search) {
  return search.ranges[0].found && search.ranges[1].found;
}

// A thread's counts of what falls in the ranges, and below them.
class PatternCounter {
 public:
  __device__ __forceinline__ explicit PatternCounter(const MedianSearch& search) : search_(search) {
    const bool same = same_range(search.ranges);
#pragma unroll
    for (int t = 0; t < 2; ++t) {
      const Range& range = search.ranges[t];
      // All patterns are below a range in which nothing is counted.
      first_[t] = range.found || (t && same) ? 0xffffffffu : range.first;
      shift_[t] = range.shift;
    }
  }

  __device__ __forceinline__ void count(uint32_t bits) {
#pragma unroll
    for (int t = 0; t < 2; ++t) {
      if (bits < first_[t]) {
        ++below_[t];
        continue;
      }
      const uint32_t bin = (bits - first_[t]) >> shift_[t];
      if (bin >= kBins) continue;
      const int at = t * kBins + static_cast<int>(bin);
      if (at != last_) {
        flush();
        last_ = at;
        run_ = 0;
      }
      ++run_;
    }
  }

  // Before what a tile may add does not fit any more.
  __device__ __forceinline__ void end_tile() {
#pragma unroll
    for (int t = 0; t < 2; ++t) {
      all_below_[t] += below_[t];
      below_[t] = 0;
    }
  }

  // All lanes of a warp.
  __device__ __forceinline__ void give() {
    flush();
#pragma unroll
    for (int t = 0; t < 2; ++t) {
      const double sum = sum_of_lanes(all_below_[t]);  // of integers, so without rounding
      if (ptx::thread() % 32 == 0 && sum > 0)
        ptx::atomic_add(&search_.ranges[t].below, static_cast<uint64_t>(sum));
    }
  }

 private:
  __device__ __forceinline__ void flush() {
    if (run_ > 0) ptx::atomic_add(search_.histogram + last_, static_cast<uint64_t>(run_));
  }

  const MedianSearch search_;
  uint32_t first_[2];
  int shift_[2];
  int below_[2] = {0, 0};
  double all_below_[2] = {0, 0};
  int last_ = -1, run_ = 0;
};

// Adds the counts of Hopper's tiles: of all, or of a sample of about so many. The matrix is as
// on_hopper() has it.
void count_patterns_on_hopper(const KernelMatrix& matrix, const MedianSearch& search, int64_t sample,
                              Stream stream);

}  // namespace mmkernels::cuda

// One column after another of the two dynamic programmes, 64 cells in a word: neighbouring cells
// differ by 0 or 1 (subsequences; Hyyro 2004) or by -1, 0 or 1 (distances; Myers 1999, Hyyro 2003),
// and an addition carries a difference down a word. A column is `words` words in registers.
#pragma once

#include <device/ptx.cuh>
#include <device/runtime.cuh>

namespace mmkernels::cuda {

__device__ __forceinline__ int count_bits(uint64_t bits) {
  return ptx::count_bits(static_cast<uint32_t>(bits)) +
         ptx::count_bits(static_cast<uint32_t>(bits >> 32));
}

// Bits of the first `rows` of 64 cells.
__device__ __forceinline__ uint64_t first_cells(int rows) {
  return rows >= 64 ? ~uint64_t{0} : (uint64_t{1} << rows) - 1;
}

// Bit i of a column is zero where the length grows from cell i - 1 to cell i. With M the matches of
// the next symbol, the next column is (V + (V & M)) | (V & ~M).
template <int words>
class SubsequenceColumn {
 public:
  // matches(w): which of the cells of word w hold the symbol.
  template <class Matches>
  __device__ __forceinline__ void advance(Matches&& matches) {
    uint64_t carry = 0;
#pragma unroll
    for (int w = 0; w < words; ++w) {
      const uint64_t matched = same_[w] & matches(w), sum = same_[w] + matched;
      const uint64_t carried = sum + carry;
      carry = (sum < matched) | (carried < sum);
      same_[w] = carried | (same_[w] & ~matched);
    }
  }

  // Of lists of k; cells beyond match nothing.
  __device__ __forceinline__ int result(int) const {
    int length = 0;
#pragma unroll
    for (int w = 0; w < words; ++w) length += 64 - count_bits(same_[w]);
    return length;
  }

  __device__ __forceinline__ void start() {
#pragma unroll
    for (int w = 0; w < words; ++w) same_[w] = ~uint64_t{0};
  }

 private:
  uint64_t same_[words];
};

// Bits of the cells that are 1 more, or 1 less, than the cell above.
template <int words>
class DistanceColumn {
 public:
  template <class Matches>
  __device__ __forceinline__ void advance(Matches&& matches) {
    // Of the cells above the first, each is 1 more than the one to its left.
    uint64_t step_up = 1, step_down = 0;
#pragma unroll
    for (int w = 0; w < words; ++w) {
      const uint64_t match = matches(w), vertical = match | down_[w], equal = match | step_down;
      const uint64_t diagonal = (((equal & up_[w]) + up_[w]) ^ up_[w]) | equal;
      uint64_t up = down_[w] | ~(diagonal | up_[w]);
      uint64_t down = up_[w] & diagonal;
      const uint64_t next_up = up >> 63, next_down = down >> 63;
      up = up << 1 | step_up;
      down = down << 1 | step_down;
      up_[w] = down | ~(vertical | up);
      down_[w] = up & vertical;
      step_up = next_up;
      step_down = next_down;
    }
  }

  // The top of the last column, k insertions, and the differences below it.
  __device__ __forceinline__ int result(int k) const {
    int distance = k;
#pragma unroll
    for (int w = 0; w < words; ++w) {
      const int rows = k - 64 * w;
      const uint64_t within = rows > 0 ? first_cells(rows) : 0;
      distance += count_bits(up_[w] & within) - count_bits(down_[w] & within);
    }
    return distance;
  }

  __device__ __forceinline__ void start() {
#pragma unroll
    for (int w = 0; w < words; ++w) {
      up_[w] = ~uint64_t{0};
      down_[w] = 0;
    }
  }

 private:
  uint64_t up_[words], down_[words];
};

}  // namespace mmkernels::cuda

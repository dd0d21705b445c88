// A stable merge sort shared among threads that also counts inversions.
//
// Chunks are sorted one by one; then runs are merged in rounds of doubling length. A round is cut
// into pieces of its output: where a piece starts in the two runs is found by bisection, so even
// the last round, one merge of two halves, has work for every thread and places to stop at.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "thread_pool.hpp"

namespace mmkernels::cpu {

inline constexpr int64_t kSortChunk = 1 << 15;

// How many of the first `taken` values of the merge of a[0, na) and b[0, nb) come from a.
template <class T, class Less>
int64_t merge_split(const T* a, int64_t na, const T* b, int64_t nb, int64_t taken, Less less) {
  int64_t low = std::max<int64_t>(0, taken - nb), high = std::min(taken, na);
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (less(b[taken - middle - 1], a[middle]))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

// Writes outputs [begin, end) of the merge of two runs that lie one behind the other in `runs`, of
// which the second starts at `middle` and ends at `size`. Returns the inversions among the pairs of
// which the member from the second run is written here.
template <class T, class Less>
int64_t merge_piece(const T* runs, int64_t middle, int64_t size, int64_t begin, int64_t end,
                    T* out, Less less) {
  int64_t i = merge_split(runs, middle, runs + middle, size - middle, begin, less);
  int64_t j = middle + begin - i, k = begin, inversions = 0;
  // Which run is next is a coin toss: selected, not branched on. Neither run can end before as many
  // steps as are left of the shorter one.
  while (k < end && i < middle && j < size) {
    const int64_t stop = k + std::min({end - k, middle - i, size - j});
    const T *first = runs + i, *second = runs + j;
    for (; k < stop; ++k) {
      const bool later = less(*second, *first);
      inversions += later ? middle - (first - runs) : 0;
      out[k] = *(later ? second : first);
      second += later;
      first += !later;
    }
    i = first - runs;
    j = second - runs;
  }
  for (; k < end && i < middle; ++k) out[k] = runs[i++];
  for (; k < end; ++k) out[k] = runs[j++];
  return inversions;
}

// Sorts a short run by insertion.
template <class T, class Less>
int64_t insertion_sort(T* values, int64_t size, Less less) {
  int64_t inversions = 0;
  for (int64_t i = 1; i < size; ++i) {
    const T value = values[i];
    int64_t j = i;
    for (; j > 0 && less(value, values[j - 1]); --j) values[j] = values[j - 1];
    values[j] = value;
    inversions += i - j;
  }
  return inversions;
}

// Sorts a chunk, the result in `values`; `buffer` has room for it.
template <class T, class Less>
int64_t sort_chunk(T* values, T* buffer, int64_t size, Less less) {
  constexpr int64_t shortest = 8;
  int64_t inversions = 0;
  for (int64_t first = 0; first < size; first += shortest)
    inversions += insertion_sort(values + first, std::min(shortest, size - first), less);
  T *source = values, *target = buffer;
  for (int64_t length = shortest; length < size; length *= 2) {
    for (int64_t first = 0; first < size; first += 2 * length) {
      const int64_t runs = std::min(2 * length, size - first);
      inversions += merge_piece(source + first, std::min(length, runs), runs, 0, runs,
                                target + first, less);
    }
    std::swap(source, target);
  }
  if (source != values) std::copy(source, source + size, values);
  return inversions;
}

// Sorts and returns how many pairs i < j had less(values[j], values[i]): below 2^63 for fewer than
// 2^32 values. The order found and the count do not depend on threads.
template <class T, class Less>
int64_t merge_sort(std::vector<T>& values, Less less, const Call& call) {
  const int64_t n = values.size(), chunks = (n + kSortChunk - 1) / kSortChunk;
  std::vector<T> buffer(n);
  std::vector<int64_t> inversions(chunks, 0);
  parallel_for(chunks, call, [&](int64_t chunk, int) {
    const int64_t first = chunk * kSortChunk;
    inversions[chunk] = sort_chunk(values.data() + first, buffer.data() + first,
                                   std::min(kSortChunk, n - first), less);
  });
  for (int64_t length = kSortChunk; length < n; length *= 2) {
    // Chunks divide runs, so the part of the output in a chunk comes from one merge.
    parallel_for(chunks, call, [&](int64_t chunk, int) {
      const int64_t begin = chunk * kSortChunk, start = begin / (2 * length) * (2 * length);
      const int64_t size = std::min(2 * length, n - start);
      inversions[chunk] += merge_piece(values.data() + start, std::min(length, size), size,
                                       begin - start, std::min(begin + kSortChunk, n) - start,
                                       buffer.data() + start, less);
    });
    values.swap(buffer);
  }
  int64_t total = 0;
  for (const int64_t count : inversions) total += count;
  return total;
}

}  // namespace mmkernels::cpu

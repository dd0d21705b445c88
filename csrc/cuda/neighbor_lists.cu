// Lists of candidates between rounds: cut to those that may be among the k best of what was seen.
#include <cfloat>

#include "knn.hpp"
#include "neighbor_operand.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

__global__ void start(NeighborLists lists, int64_t rows) {
  const int64_t row = ptx::block() * kThreads + ptx::thread();
  if (row >= lists.rows) return;
  lists.counts[row] = 0;
  lists.limits[row] = row < rows ? -FLT_MAX : INFINITY;
}

// Integers ordered as the numbers are.
__device__ uint32_t ordered(float x) {
  const uint32_t bits = ptx::float_bits(x);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}
__device__ float unordered(uint32_t key) {
  return ptx::bits_float(key >> 31 ? key & 0x7fffffffu : ~key);
}

__device__ int sum_of_counts(int value) {
  for (int mask = 16; mask > 0; mask /= 2) value += ptx::shuffle_xor(value, mask);
  return value;
}

// A warp for a row. The limit is the k-th largest of what scores are at least, so that at least k
// candidates are no worse; a candidate stays if its score may be as large.
__global__ void cut(NeighborOperand rows, NeighborOperand columns, NeighborLists lists, int k,
                    int64_t first, int64_t last) {
  const int64_t row = first + ptx::block() * kWarps + ptx::thread() / 32;
  if (row >= last) return;
  const int lane = ptx::thread() % 32;
  const int count = lists.counts[row];
  if (lists.limits[row] == INFINITY) return;
  if (count > lists.capacity) {
    // Which of the candidates found room was a matter of timing: none of them is used.
    if (lane == 0) {
      lists.limits[row] = INFINITY;
      lists.counts[row] = 0;
    }
    return;
  }
  Candidate* entries = lists.entries + row * lists.capacity;
  uint32_t* at_least = reinterpret_cast<uint32_t*>(ptx::shared()) +
                       static_cast<int64_t>(ptx::thread() / 32) * lists.capacity;
  const RowBounds own = rows.bounds[row];
  const float g = rows.sum_error;
  for (int c = lane; c < count; c += 32)
    at_least[c] =
        ordered(entries[c].score - score_error(own, columns.bounds[entries[c].position], g));
  if (count < k) return;
  // The largest value that k of them reach, a bit at a time; each lane reads what it wrote.
  uint32_t limit = 0;
  for (int bit = 31; bit >= 0; --bit) {
    const uint32_t trial = limit | 1u << bit;
    int reach = 0;
    for (int c = lane; c < count; c += 32) reach += at_least[c] >= trial;
    if (sum_of_counts(reach) >= k) limit = trial;
  }
  const float least = unordered(limit);
  int kept = 0;
  for (int start = 0; start < count; start += 32) {
    const int c = start + lane;
    Candidate entry{0, 0};
    bool stays = false;
    if (c < count) {
      entry = entries[c];
      stays = entry.score + score_error(own, columns.bounds[entry.position], g) >= least;
    }
    const uint32_t all = ptx::ballot(stays);
    if (stays) entries[kept + ptx::count_bits(all & ((1u << lane) - 1))] = entry;
    kept += ptx::count_bits(all);
  }
  if (lane == 0) {
    lists.counts[row] = kept;
    lists.limits[row] = least;
  }
}

}  // namespace

void start_lists(const NeighborSearch& search, Stream stream) {
  const NeighborLists& lists = search.lists;
  launch("start_lists", start, (lists.rows + kThreads - 1) / kThreads, kThreads, 0, stream, lists,
         search.query_rows.rows);
}

void cut_lists(const NeighborSearch& search, const NeighborPart& part, Stream stream) {
  launch("cut_lists", cut, (part.count + kWarps - 1) / kWarps, kThreads,
         sizeof(uint32_t) * kWarps * search.lists.capacity, stream, search.query_rows,
         search.candidate_rows, search.lists, search.k, part.first, part.first + part.count);
}

}  // namespace mmkernels::cuda

#include "list_overlap.hpp"

#include <cmath>

#include "index_table.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int64_t kRows = 64;  // of a block

// A warp for a row.
__global__ void count_common(ListOverlap overlap, int bits) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int k = overlap.k;
  const IndexTable table{reinterpret_cast<uint64_t*>(ptx::shared()) + (warp << bits), bits};
  int* histogram = reinterpret_cast<int*>(reinterpret_cast<uint64_t*>(ptx::shared()) +
                                          (kWarps << bits));
  for (int c = ptx::thread(); c <= k; c += kThreads) histogram[c] = 0;
  ptx::sync_threads();
  const int64_t first = ptx::block() * kRows;
  const int64_t last = first + kRows < overlap.rows ? first + kRows : overlap.rows;
  for (int64_t row = first + warp; row < last; row += kWarps) {
    const int64_t* left = overlap.left.indices + row * overlap.left.pitch;
    const int64_t* right = overlap.right.indices + row * overlap.right.pitch;
    for (int place = lane; place < table.places(); place += 32) table.keys[place] = kFreePlace;
    ptx::sync_warp();
    bool unusable = false;
    for (int i = lane; i < k; i += 32) {
      if (usable_index(left[i]))
        table.claim(occurrence(left[i], 0));
      else
        unusable = true;
    }
    ptx::sync_warp();
    int common = 0;
    for (int start = 0; start < k; start += 32) {
      const int i = start + lane;
      const bool asked = i < k && usable_index(right[i]);
      unusable = unusable || (i < k && !asked);
      common += ptx::count_bits(ptx::ballot(asked && table.find(occurrence(right[i], 0)) >= 0));
    }
    if (unusable) *overlap.unusable = 1;
    if (lane == 0) ptx::atomic_add(&histogram[common], 1);
  }
  ptx::sync_threads();
  for (int c = ptx::thread(); c <= k; c += kThreads)
    if (histogram[c])
      ptx::atomic_add(&overlap.histogram[c], static_cast<uint64_t>(histogram[c]));
}

// One warp; the terms are added in order.
__global__ void finish_score(ListOverlap overlap, OverlapScore score_of, double* score) {
  auto* terms = reinterpret_cast<double*>(ptx::shared());
  const int k = overlap.k;
  for (int c = ptx::thread(); c <= k; c += 32) {
    const auto rows = static_cast<double>(overlap.histogram[c]);
    terms[c] = score_of == OverlapScore::mutual
                   ? rows * c
                   : rows * (static_cast<double>(c) / static_cast<double>(2 * k - c));
  }
  ptx::sync_warp();
  if (ptx::thread() != 0) return;
  // What is rounded off is added at the end: sums of float64 are then rounded about once.
  double sum = 0, rounded = 0;
  for (int c = 0; c <= k; ++c) {
    const double next = sum + terms[c];
    rounded += sum > terms[c] ? sum - next + terms[c] : terms[c] - next + sum;
    sum = next;
  }
  const auto n = static_cast<double>(overlap.rows);
  const double total = score_of == OverlapScore::mutual ? n * k : n;
  *score = *overlap.unusable ? NAN : (sum + rounded) / total;
}

}  // namespace

ListOverlap take_list_overlap(const IndexLists& left, const IndexLists& right, int64_t rows, int k,
                              Workspace& workspace) {
  ListOverlap overlap{left, right, rows, k, nullptr, nullptr};
  overlap.histogram = workspace.take<uint64_t>(k + 1);
  overlap.unusable = workspace.take<int>(1);
  return overlap;
}

void score_overlap(const ListOverlap& overlap, OverlapScore score_of, double* score, Stream stream) {
  fill(overlap.histogram, 0, sizeof(uint64_t) * (overlap.k + 1), stream);
  fill(overlap.unusable, 0, sizeof(int), stream);
  const int bits = table_bits(overlap.k);
  launch("count_common", count_common, (overlap.rows + kRows - 1) / kRows, kThreads,
         ((sizeof(uint64_t) * kWarps) << bits) + sizeof(int) * (overlap.k + 1), stream, overlap, bits);
  launch("finish_score", finish_score, 1, 32, sizeof(double) * (overlap.k + 1), stream, overlap,
         score_of, score);
}

}  // namespace mmkernels::cuda

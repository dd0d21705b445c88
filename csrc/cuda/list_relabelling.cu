// Rows share a neighbour j if the label of j is a neighbour in y of the row's label: labels are
// asked for, samples of labels never, and so nothing of a relabelling is kept in memory.
//
// A warp takes some rows. It finds the labels of their neighbours in x, into shared memory; then it
// reads the lists in y of the rows' labels, 32 indices at a time of one row after another, and
// compares each with all labels of its row. A label is some 100 instructions, and a comparison 1.3:
// up to some 64 of a list they cost no more than its labels, at the most, 512, six times as much.
#include "list_relabelling.hpp"

#include <algorithm>
#include <cmath>

#include <device/ptx.cuh>

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int kLabels = 1024;         // that a warp holds, those of the rows themselves not counted
constexpr int kMostRows = 32;         // of a warp
constexpr int kMostShares = 32;       // of the relabellings, each for blocks of its own
constexpr uint32_t kNoLabel = ~0u;

// Labels are compared four at a time, and lists filled up to that.
struct alignas(16) Four {
  uint32_t labels[4];
};

// Lists of `length`, one after another: a lane goes through every 32nd entry.
struct Entry {
  int row, column, length, rows_on, columns_on;

  __device__ __forceinline__ Entry(int lane, int of_length)
      : row(lane / of_length), column(lane % of_length), length(of_length),
        rows_on(32 / of_length), columns_on(32 % of_length) {}

  __device__ __forceinline__ void advance() {
    row += rows_on;
    column += columns_on;
    if (column >= length) {
      column -= length;
      ++row;
    }
  }
};

__global__ void draw_relabellings(ListRelabelling all) {
  const int number = static_cast<int>(ptx::block()) * kThreads + ptx::thread();
  if (number < all.count) all.orders[number] = relabelling(all.seed, number, all.rows);
}

__global__ void count_relabelled(ListRelabelling all, int rows_of_warp, int fours, int shares) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32, k = all.k, width = 4 * fours;
  const int tile = static_cast<int>(ptx::block()) / shares;
  const int share = static_cast<int>(ptx::block()) % shares;
  const int64_t first = (int64_t{tile} * kWarps + warp) * rows_of_warp, left = all.rows - first;
  const int rows = static_cast<int>(left < rows_of_warp ? left : rows_of_warp);
  const auto samples = static_cast<uint32_t>(all.rows);
  auto* const labels = reinterpret_cast<uint32_t*>(ptx::shared()) + warp * rows_of_warp * width;
  auto* const own = reinterpret_cast<uint32_t*>(ptx::shared()) + kWarps * rows_of_warp * width +
                    warp * rows_of_warp;
  bool unusable = false;
  // Where there is none, any sample: nothing depends on it then.
  const auto usable = [&](int64_t index) {
    const bool is_row = static_cast<uint64_t>(index) < samples;
    unusable = unusable || !is_row;
    return is_row ? static_cast<uint32_t>(index) : 0;
  };
  const int64_t* const neighbors = all.x.indices + first * all.x.pitch;
  const auto sample = [&](const Entry& entry) {
    return entry.column < k ? usable(neighbors[entry.row * all.x.pitch + entry.column])
                            : static_cast<uint32_t>(first + entry.row);
  };
  for (int i = lane; i < rows * width; i += 32) labels[i] = kNoLabel;
  const Entry first_label(lane, k + 1), first_asked(lane, k);
  for (int number = share; number < all.count; number += shares) {
    const BatchOrder order = all.orders[number];
    ptx::sync_warp();
    // A lane whose label is found goes on to its next while others still look for theirs: the warp
    // then waits once, not for every 32 labels, for what takes long.
    Entry entry = first_label;
    uint32_t label = entry.row < rows ? sample(entry) : 0;
    while (entry.row < rows) {
      label = ordered(order, label);
      if (label >= samples) continue;
      (entry.column < k ? labels + entry.row * width + entry.column : own + entry.row)[0] = label;
      entry.advance();
      if (entry.row < rows) label = sample(entry);
    }
    ptx::sync_warp();
    int common = 0;
    for (Entry asked = first_asked; asked.row < rows; asked.advance()) {
      const uint32_t index = usable(all.y.indices[own[asked.row] * all.y.pitch + asked.column]);
      const auto* list = reinterpret_cast<const Four*>(labels + asked.row * width);
      bool found = false;
      for (int i = 0; i < fours; ++i) {
        const Four four = list[i];
#pragma unroll
        for (int j = 0; j < 4; ++j) found |= four.labels[j] == index;
      }
      common += found;
    }
    // Lanes are not added first: nearly all have found nothing.
    if (common) ptx::atomic_add(&all.common[number], static_cast<uint64_t>(common));
  }
  if (unusable) *all.unusable = 1;
}

__global__ void finish_scores(ListRelabelling all, double* scores) {
  const int number = static_cast<int>(ptx::block()) * kThreads + ptx::thread();
  if (number < all.count)
    scores[number] = *all.unusable
                         ? NAN
                         : static_cast<double>(all.common[number]) /
                               (static_cast<double>(all.rows) * static_cast<double>(all.k));
}

}  // namespace

ListRelabelling take_list_relabelling(const IndexLists& x, const IndexLists& y, int64_t rows, int k,
                                      uint64_t seed, int count, Workspace& workspace) {
  ListRelabelling all{x, y, rows, k, seed, count, nullptr, nullptr, nullptr};
  all.orders = workspace.take<BatchOrder>(count);
  all.common = workspace.take<uint64_t>(count);
  all.unusable = workspace.take<int>(1);
  return all;
}

void score_relabellings(const ListRelabelling& all, double* scores, Stream stream) {
  fill(all.common, 0, sizeof(uint64_t) * all.count, stream);
  fill(all.unusable, 0, sizeof(int), stream);
  const int thread_each = (all.count + kThreads - 1) / kThreads;
  launch("draw_relabellings", draw_relabellings, thread_each, kThreads, 0, stream, all);
  const int fours = (all.k + 3) / 4, rows_of_warp = std::min(kMostRows, kLabels / (4 * fours));
  const int tile = kWarps * rows_of_warp, shares = std::min(all.count, kMostShares);
  launch("count_relabelled", count_relabelled, (all.rows + tile - 1) / tile * shares, kThreads,
         sizeof(uint32_t) * tile * (4 * fours + 1), stream, all, rows_of_warp, fours, shares);
  launch("finish_scores", finish_scores, thread_each, kThreads, 0, stream, all, scores);
}

}  // namespace mmkernels::cuda

#include "list_cycle.hpp"

#include <cmath>

#include <device/ptx.cuh>

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
constexpr int64_t kRows = 32;  // of a block

// A warp for a row: 32 of the k^2 steps at a time, until one leads back.
__global__ void count_closed(ListCycle cycle) {
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  const int k = cycle.k, steps = k * k;
  const int64_t first = ptx::block() * kRows;
  const int64_t last = first + kRows < cycle.rows ? first + kRows : cycle.rows;
  int closed = 0;
  bool unusable = false;
  for (int64_t row = first + warp; row < last; row += kWarps) {
    const int64_t* ways = cycle.y.indices + row * cycle.y.pitch;
    const int64_t* own = cycle.x.indices + row * cycle.x.pitch;
    for (int i = lane; i < k; i += 32)
      unusable = unusable || ways[i] < 0 || ways[i] >= cycle.rows || own[i] < 0 ||
                 own[i] >= cycle.rows;
    bool found = false;
    for (int start = 0; start < steps && !found; start += 32) {
      const int step = start + lane;
      bool back = false;
      if (step < steps) {
        const int64_t via = ways[step / k];
        back = via >= 0 && via < cycle.rows &&
               cycle.x.indices[via * cycle.x.pitch + step % k] == row;
      }
      found = ptx::any(back);
    }
    closed += found;
  }
  if (unusable) *cycle.unusable = 1;
  if (lane == 0 && closed) ptx::atomic_add(cycle.closed, static_cast<uint64_t>(closed));
}

__global__ void finish_score(ListCycle cycle, double* score) {
  if (ptx::thread() == 0)
    *score = *cycle.unusable
                 ? NAN
                 : static_cast<double>(*cycle.closed) / static_cast<double>(cycle.rows);
}

}  // namespace

ListCycle take_list_cycle(const IndexLists& x, const IndexLists& y, int64_t rows, int k,
                          Workspace& workspace) {
  ListCycle cycle{x, y, rows, k, nullptr, nullptr};
  cycle.closed = workspace.take<uint64_t>(1);
  cycle.unusable = workspace.take<int>(1);
  return cycle;
}

void score_cycle(const ListCycle& cycle, double* score, Stream stream) {
  fill(cycle.closed, 0, sizeof(uint64_t), stream);
  fill(cycle.unusable, 0, sizeof(int), stream);
  launch("count_closed", count_closed, (cycle.rows + kRows - 1) / kRows, kThreads, 0, stream, cycle);
  launch("finish_score", finish_score, 1, 32, 0, stream, cycle, score);
}

}  // namespace mmkernels::cuda

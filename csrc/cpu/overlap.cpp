#include "overlap.hpp"

#include <algorithm>
#include <atomic>

#include "list_positions.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int64_t kChunk = 64;  // rows per unit of work

}  // namespace

std::vector<int64_t> overlap_counts(const std::vector<const int64_t*>& lists, int64_t n, int64_t k,
                                    const std::vector<int>& left, const std::vector<int>& right,
                                    const Call& call) {
  std::vector<std::atomic<int64_t>> totals(left.size() * right.size());
  // The lists of the side with fewer are made to tables, and asked for what the others hold.
  const bool turned = right.size() < left.size();
  const std::vector<int>&tables = turned ? right : left, &asked = turned ? left : right;
  struct Scratch {
    ListPositions positions;
    std::vector<int64_t> counts;
  };
  std::vector<Scratch> scratches(call.threads, Scratch{ListPositions(k), {}});
  parallel_for((n + kChunk - 1) / kChunk, call, [&](int64_t index, int thread) {
    auto& [positions, counts] = scratches[thread];
    counts.assign(totals.size(), 0);
    for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row)
      for (size_t a = 0; a < tables.size(); ++a) {
        positions.fill(lists[tables[a]] + row * k);
        for (size_t b = 0; b < asked.size(); ++b) {
          const int64_t* list = lists[asked[b]] + row * k;
          int64_t shared = 0;
          for (int64_t i = 0; i < k; ++i) shared += positions.find(list[i]) >= 0;
          counts[turned ? b * right.size() + a : a * right.size() + b] += shared;
        }
      }
    for (size_t i = 0; i < totals.size(); ++i)
      totals[i].fetch_add(counts[i], std::memory_order_relaxed);
  });
  return {totals.begin(), totals.end()};
}

std::vector<int64_t> overlap_histogram(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                                       const Call& call) {
  struct Scratch {
    ListPositions positions;
    std::vector<int64_t> rows;
  };
  std::vector<Scratch> scratches(call.threads,
                                 Scratch{ListPositions(k), std::vector<int64_t>(k + 1)});
  parallel_for((n + kChunk - 1) / kChunk, call, [&](int64_t index, int thread) {
    auto& [positions, rows] = scratches[thread];
    for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row) {
      positions.fill(a + row * k);
      int64_t shared = 0;
      for (int64_t i = row * k; i < (row + 1) * k; ++i) shared += positions.find(b[i]) >= 0;
      ++rows[shared];
    }
  });
  std::vector<int64_t> total(k + 1);
  for (const Scratch& scratch : scratches)
    for (int64_t shared = 0; shared <= k; ++shared) total[shared] += scratch.rows[shared];
  return total;
}

int64_t cycle_count(const int64_t* x, const int64_t* y, int64_t n, int64_t k, const Call& call) {
  std::atomic<int64_t> total{0};
  parallel_for((n + kChunk - 1) / kChunk, call, [&](int64_t index, int) {
    int64_t closed = 0;
    for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row)
      closed += std::any_of(y + row * k, y + (row + 1) * k, [&](int64_t via) {
        const int64_t* list = x + via * k;
        return std::find(list, list + k, row) != list + k;
      });
    total.fetch_add(closed, std::memory_order_relaxed);
  });
  return total;
}

}  // namespace mmkernels::cpu

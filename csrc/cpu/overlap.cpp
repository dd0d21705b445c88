#include "overlap.hpp"

#include <algorithm>
#include <atomic>

#include "list_owners.hpp"
#include "list_positions.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int64_t kChunk = 64;  // rows per unit of work
// From so many lists on, a table of all of them is faster than one after the other.
constexpr size_t kTogether = 4;

using Lists = std::vector<const int64_t*>;

// held[i] with asked[j] is element i * stride_held + j * stride_asked of the totals.
struct Pairs {
  const std::vector<int>& held;
  const std::vector<int>& asked;
  size_t stride_held, stride_asked;
};

// Each held list is made to a table, and asked for what each of the others holds.
void count_in_turn(const Lists& lists, int64_t n, int64_t k, const Pairs& pairs, const Call& call,
                   std::vector<std::atomic<int64_t>>& totals) {
  std::vector<ListPositions> tables(call.threads, ListPositions(k));
  parallel_for((n + kChunk - 1) / kChunk, call, [&](int64_t index, int thread) {
    ListPositions& positions = tables[thread];
    std::vector<int64_t> counts(totals.size());
    for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row)
      for (size_t a = 0; a < pairs.held.size(); ++a) {
        positions.fill(lists[pairs.held[a]] + row * k);
        for (size_t b = 0; b < pairs.asked.size(); ++b) {
          const int64_t* list = lists[pairs.asked[b]] + row * k;
          int64_t shared = 0;
          for (int64_t i = 0; i < k; ++i) shared += positions.find(list[i]) >= 0;
          counts[a * pairs.stride_held + b * pairs.stride_asked] += shared;
        }
      }
    for (size_t i = 0; i < totals.size(); ++i)
      totals[i].fetch_add(counts[i], std::memory_order_relaxed);
  });
}

// One table says of an index which of the held lists have it.
void count_together(const Lists& lists, int64_t n, int64_t k, const Pairs& pairs, const Call& call,
                    std::vector<std::atomic<int64_t>>& totals) {
  struct Scratch {
    ListOwners owners;
    std::vector<BitCounters> counters;
  };
  const size_t most = std::min(pairs.held.size(), ListOwners::kLists);
  std::vector<Scratch> scratches(
      call.threads, Scratch{ListOwners(most, k), std::vector<BitCounters>(pairs.asked.size())});
  parallel_for((n + kChunk - 1) / kChunk, call, [&](int64_t index, int thread) {
    auto& [owners, counters] = scratches[thread];
    for (size_t first = 0; first < pairs.held.size(); first += most) {
      const size_t count = std::min(pairs.held.size() - first, most);
      for (BitCounters& counter : counters) counter.clear();
      for (int64_t row = index * kChunk; row < std::min(n, (index + 1) * kChunk); ++row) {
        owners.clear();
        for (size_t a = 0; a < count; ++a) {
          const int64_t* list = lists[pairs.held[first + a]] + row * k;
          for (int64_t i = 0; i < k; ++i) owners.add(list[i], a);
        }
        for (size_t b = 0; b < pairs.asked.size(); ++b) {
          const int64_t* list = lists[pairs.asked[b]] + row * k;
          for (int64_t i = 0; i < k; ++i) counters[b].add(owners.of(list[i]));
        }
      }
      for (size_t a = 0; a < count; ++a)
        for (size_t b = 0; b < pairs.asked.size(); ++b)
          totals[(first + a) * pairs.stride_held + b * pairs.stride_asked].fetch_add(
              counters[b].count(a), std::memory_order_relaxed);
    }
  });
}

}  // namespace

std::vector<int64_t> overlap_counts(const Lists& lists, int64_t n, int64_t k,
                                    const std::vector<int>& left, const std::vector<int>& right,
                                    const Call& call) {
  std::vector<std::atomic<int64_t>> totals(left.size() * right.size());
  // The more lists a table holds, the fewer questions there are; if one by one, the fewer tables.
  const bool together = std::max(left.size(), right.size()) >= kTogether;
  const Pairs by_left{left, right, right.size(), 1}, by_right{right, left, 1, right.size()};
  const Pairs& pairs = (right.size() > left.size()) == together ? by_right : by_left;
  (together ? count_together : count_in_turn)(lists, n, k, pairs, call, totals);
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

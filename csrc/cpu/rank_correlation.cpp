#include "rank_correlation.hpp"

#include <atomic>
#include <functional>

#include "merge_sort.hpp"

namespace mmkernels::cpu {
namespace {

struct Entry {
  double value;
  uint32_t index;
};

int64_t chunk_count(int64_t count) { return (count + kSortChunk - 1) / kSortChunk; }

// Calls visit(first, last, piece_first, piece_last) for the part in each chunk of every run of equal
// values of a sorted list: the run is [first, last), the part [piece_first, piece_last).
template <class T, class Less, class Visit>
void visit_runs(const std::vector<T>& sorted, Less less, const Call& call, Visit&& visit) {
  const int64_t count = sorted.size();
  const auto at = [&](auto position) { return position - sorted.begin(); };
  parallel_for(chunk_count(count), call, [&](int64_t chunk, int) {
    const int64_t begin = chunk * kSortChunk, end = std::min(count, begin + kSortChunk);
    int64_t first = at(std::lower_bound(sorted.begin(), sorted.begin() + begin, sorted[begin], less));
    for (int64_t piece = begin; piece < end;) {
      int64_t last = piece + 1;
      while (last < end && !less(sorted[piece], sorted[last])) ++last;
      const int64_t piece_last = last;
      if (last == end)
        last = at(std::upper_bound(sorted.begin() + end, sorted.end(), sorted[piece], less));
      visit(first, last, piece, piece_last);
      piece = first = piece_last;
    }
  });
}

int64_t pairs_among(int64_t count) { return count * (count - 1) / 2; }

}  // namespace

int64_t average_ranks(double* values, int64_t count, const Call& call) {
  std::vector<Entry> sorted(count);
  parallel_for(chunk_count(count), call, [&](int64_t chunk, int) {
    for (int64_t i = chunk * kSortChunk; i < std::min(count, (chunk + 1) * kSortChunk); ++i)
      sorted[i] = {values[i], static_cast<uint32_t>(i)};
  });
  const auto less = [](const Entry& a, const Entry& b) { return a.value < b.value; };
  merge_sort(sorted, less, call);
  std::atomic<int64_t> tied{0};
  visit_runs(sorted, less, call, [&](int64_t first, int64_t last, int64_t begin, int64_t end) {
    const double rank = static_cast<double>(first + last + 1) / 2;
    for (int64_t i = begin; i < end; ++i) values[sorted[i].index] = rank;
    if (begin == first && last - first > 1)
      tied.fetch_add(pairs_among(last - first), std::memory_order_relaxed);
  });
  return tied;
}

KendallCounts kendall_counts(const double* a, const double* b, int64_t count, const Call& call) {
  KendallCounts result{};
  std::vector<uint32_t> order(count);
  {
    // Whole parts of shared ranks are still different for different values, and order them.
    std::vector<uint64_t> keys(count);
    parallel_for(chunk_count(count), call, [&](int64_t chunk, int) {
      for (int64_t i = chunk * kSortChunk; i < std::min(count, (chunk + 1) * kSortChunk); ++i)
        keys[i] = static_cast<uint64_t>(a[i]) << 32 | static_cast<uint64_t>(b[i]);
    });
    merge_sort(keys, std::less<uint64_t>(), call);
    std::atomic<int64_t> tied{0};
    visit_runs(keys, std::less<uint64_t>(), call,
               [&](int64_t first, int64_t last, int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) order[i] = static_cast<uint32_t>(keys[i]);
                 if (begin == first && last - first > 1)
                   tied.fetch_add(pairs_among(last - first), std::memory_order_relaxed);
               });
    result.tied_in_both = tied;
  }
  // Sorted by a, and by b where a ties: what is still out of order in b is discordant.
  result.discordant = merge_sort(order, std::less<uint32_t>(), call);
  return result;
}

}  // namespace mmkernels::cpu

#include "overlap.hpp"

#include <algorithm>
#include <atomic>

namespace mmkernels::cpu {
namespace {

int64_t common(const int64_t* a, const int64_t* b, int64_t k) {
  int64_t count = 0;
  for (int64_t i = 0, j = 0; i < k && j < k;) {
    count += a[i] == b[j];
    const bool advance_a = a[i] <= b[j], advance_b = b[j] <= a[i];
    i += advance_a;
    j += advance_b;
  }
  return count;
}

}  // namespace

std::vector<int64_t> overlap_counts(const std::vector<const int64_t*>& lists, int64_t n, int64_t k,
                                    const std::vector<int>& left, const std::vector<int>& right,
                                    const Call& call) {
  std::vector<std::atomic<int64_t>> totals(left.size() * right.size());
  constexpr int64_t chunk = 64;
  struct Scratch {
    std::vector<int64_t> sorted, counts;
  };
  std::vector<Scratch> scratches(call.threads);
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    Scratch& scratch = scratches[thread];
    scratch.sorted.resize(lists.size() * k);
    scratch.counts.assign(totals.size(), 0);
    for (int64_t row = index * chunk; row < std::min(n, (index + 1) * chunk); ++row) {
      for (size_t list = 0; list < lists.size(); ++list) {
        int64_t* target = scratch.sorted.data() + list * k;
        std::copy_n(lists[list] + row * k, k, target);
        std::sort(target, target + k);
      }
      for (size_t a = 0; a < left.size(); ++a)
        for (size_t b = 0; b < right.size(); ++b)
          scratch.counts[a * right.size() + b] += common(
              scratch.sorted.data() + left[a] * k, scratch.sorted.data() + right[b] * k, k);
    }
    for (size_t i = 0; i < totals.size(); ++i)
      totals[i].fetch_add(scratch.counts[i], std::memory_order_relaxed);
  });
  return {totals.begin(), totals.end()};
}

}  // namespace mmkernels::cpu

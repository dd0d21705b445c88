#include "relabelling.hpp"

#include <algorithm>
#include <atomic>
#include <bit>

#include "../core/relabelling.hpp"
#include "list_positions.hpp"

namespace mmkernels::cpu {
namespace {

constexpr int64_t kChunk = 4096;     // labels per unit of work
constexpr int64_t kEntries = 32768;  // of lists per unit of work
// Labels in memory: of several relabellings where they fit, so that threads seldom wait for others.
constexpr int64_t kHeld = int64_t{1} << 22;
constexpr int64_t kMarks = 4096;  // or 8 times as many for longer lists
constexpr int64_t kAhead = 8;     // rows between the call for a list and its use

int64_t chunks_of(int64_t n) { return (n + kChunk - 1) / kChunk; }

// The network is applied to all samples, which compilers make vectors of, and then again to some.
template <class Label>
void write_chunk(const BatchOrder& order, int64_t n, int64_t chunk, Label* labels) {
  const int64_t first = chunk * kChunk, count = std::min(n - first, kChunk);
  uint32_t found[kChunk];
  for (int64_t i = 0; i < count; ++i) found[i] = ordered(order, static_cast<uint32_t>(first + i));
  for (int64_t i = 0; i < count; ++i)
    labels[first + i] = found[i] < n ? found[i] : relabelled(order, n, found[i]);
}

// Lists that have nothing in common, which under a relabelling nearly all are, are told by a table
// of marks that has room for many times their square; the others are looked at again. A mark is the
// number of its row, so that none is ever wiped out, and one of 65,536 rows ago only costs a look.
class CommonLabels {
 public:
  explicit CommonLabels(int64_t k)
      : k_(k), labels_(k), positions_(k) {
    const int64_t wanted = std::clamp(32 * k * k, kMarks, 8 * kMarks);
    marks_.resize(std::bit_ceil(static_cast<uint64_t>(wanted)));
  }

  // How many of y's indices are the label of one of x's.
  int64_t count(const uint32_t* label_of, const int64_t* x, const int64_t* y) {
    const int64_t k = k_;
    const uint64_t mask = marks_.size() - 1;
    const uint16_t mark = ++row_;
    uint16_t* const marks = marks_.data();
    int64_t* const labels = labels_.data();
    for (int64_t i = 0; i < k; ++i) {
      const uint32_t label = label_of[x[i]];
      labels[i] = label;
      marks[label & mask] = mark;
    }
    bool met = false;
    for (int64_t i = 0; i < k; ++i) met |= marks[y[i] & mask] == mark;
    if (!met) return 0;
    positions_.fill(labels);
    return std::count_if(y, y + k, [&](int64_t index) { return positions_.find(index) >= 0; });
  }

 private:
  int64_t k_;
  std::vector<uint16_t> marks_;
  uint16_t row_ = 0;
  std::vector<int64_t> labels_;
  ListPositions positions_;
};

}  // namespace

void write_labels(uint64_t seed, int64_t number, int64_t n, int64_t* labels, const Call& call) {
  const BatchOrder order = relabelling(seed, number, n);
  parallel_for(chunks_of(n), call,
               [&](int64_t chunk, int) { write_chunk(order, n, chunk, labels); });
}

std::vector<int64_t> relabelled_overlaps(const int64_t* x, const int64_t* y, int64_t n, int64_t k,
                                         uint64_t seed, int64_t count, const Call& call) {
  const int64_t together = std::clamp<int64_t>(kHeld / n, 1, count);
  const int64_t rows = std::max<int64_t>(1, kEntries / k), parts = (n + rows - 1) / rows;
  std::vector<uint32_t> labels(together * n);
  std::vector<CommonLabels> scratches(call.threads, CommonLabels(k));
  std::vector<std::atomic<int64_t>> totals(count);
  for (int64_t first = 0; first < count; first += together) {
    const int64_t held = std::min(together, count - first);
    std::vector<BatchOrder> orders(held);
    for (int64_t i = 0; i < held; ++i) orders[i] = relabelling(seed, first + i, n);
    parallel_for(held * chunks_of(n), call, [&](int64_t unit, int) {
      const int64_t i = unit / chunks_of(n);
      write_chunk(orders[i], n, unit % chunks_of(n), labels.data() + i * n);
    });
    parallel_for(held * parts, call, [&](int64_t unit, int thread) {
      const int64_t i = unit / parts, begin = unit % parts * rows, end = std::min(n, begin + rows);
      const uint32_t* label_of = labels.data() + i * n;
      int64_t shared = 0;
      for (int64_t row = begin; row < end; ++row) {
        const int64_t* next = y + label_of[std::min(row + kAhead, n - 1)] * k;
        for (int64_t j = 0; j < k; j += 8) __builtin_prefetch(next + j);
        __builtin_prefetch(next + k - 1);
        shared += scratches[thread].count(label_of, x + row * k, y + label_of[row] * k);
      }
      totals[first + i].fetch_add(shared, std::memory_order_relaxed);
    });
  }
  return {totals.begin(), totals.end()};
}

}  // namespace mmkernels::cpu

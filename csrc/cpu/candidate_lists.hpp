// For every row the candidates that can still be among its k best.
//
// A list holds float32 scores f and the candidates' indices in the order they came. With e the
// error bound of a pair, a true score lies in [f - e - 2 t, f + e], where t is the product of what
// the two rows hold outside a prefix of their coordinates (0 where all of them were multiplied).
// When a list is full it is compacted: the k-th largest lower end seen so far is a limit that the k
// best true scores reach, so whatever has its upper end below can go. Where too many remain, those
// that look best are scored again from the rows as given, which raises the limit to about the k-th
// best true score. Where that does not help either (spacings finer than float32), all of them are
// scored in float64 once and only the k best are kept: a list never grows, and nothing is ever
// lost. The final order is that of the float64 scores, so the result does not depend on the order
// in which candidates arrived.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "../core/aligned_buffer.hpp"
#include "exact_scores.hpp"

namespace mmkernels::cpu {

struct ScoredIndex {
  double score;
  int64_t index;
};

// Higher similarity first, then lower index.
inline bool precedes(const ScoredIndex& a, const ScoredIndex& b) {
  return a.score > b.score || (a.score == b.score && a.index < b.index);
}

// Held for the few appends of a tile; waiters give up the processor, whose owner may be the holder.
class SpinLock {
 public:
  void lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_;
};

class CandidateLists {
 public:
  // Rows and candidates are counted by their positions. spare_bytes: what the lists may take at
  // most, if that leaves them a few places to spare.
  CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                 const ScoreFrame& candidates, const Order& query_order,
                 const Order& candidate_order, int64_t spare_bytes);

  // Below this no candidate of the row can be among the k best; rises as candidates come. Rows are
  // counted up to whole panels; those beyond the last have a limit that nothing reaches.
  float limit(int64_t row) const { return limits_[row].load(std::memory_order_relaxed); }

  // Rows of one panel are changed under their panel's lock.
  SpinLock& panel_lock(int64_t panel) { return locks_[panel]; }

  // Of what passed the limits of a tile, which hold for the worst of its rows, not all pass this.
  void append(int64_t row, float score, int64_t candidate, ExactScorer& exact) {
    const Terms& other = terms_[candidate];
    const float error = error_(queries_.norm[row], queries_.residual[row], queries_.slack[row],
                               other.norm, other.residual, other.bias);
    if (score + error < limit(row)) return;
    if (counts_[row] == capacity_) compact(row, exact);
    entries_[row * capacity_ + counts_[row]++] = {score, static_cast<uint32_t>(candidate)};
  }

  // Raises the row's limit to about the k-th best true score of what has come so far.
  void settle(int64_t row, ExactScorer& exact);

  // Writes the row's k best, best first; without scores, in the order of their indices, which asks
  // for float64 only where float32 cannot tell who belongs to them.
  void finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores);

 private:
  struct Entry {
    float score;
    uint32_t index;  // with kRefined where the score is from the rows as given
    static constexpr uint32_t kRefined = uint32_t{1} << 31;
    bool refined() const { return index & kRefined; }
    int64_t candidate() const { return index & ~kRefined; }
  };

  // What bounds the error of a candidate's scores, side by side because it is looked up at random.
  struct Terms {
    float norm, residual, bias, tail;
  };

  // The same of a row, and what bounds the error of its refined scores.
  struct Bounds {
    float norm, residual, slack, tail;
    float fixed, relative, offset;

    // Rounding to float32 counts twice more, once for the score and once for the offset.
    float refined(float score) const {
      return fixed + relative * std::abs(score + offset) +
             0x1p-22f * (std::abs(score) + std::abs(offset));
    }
  };
  Bounds bounds(int64_t row, const ExactScorer& exact) const;

  void bound(int64_t row, const Bounds& bounds) const;
  void drop(int64_t row);
  void refine(int64_t row, const Bounds& bounds, ExactScorer& exact, int64_t most);
  int64_t candidate_row(const Entry& entry) const {
    return row_at(candidate_order_, entry.candidate());
  }
  void compact(int64_t row, ExactScorer& exact);
  void score_exactly(int64_t row, ExactScorer& exact);

  const int64_t k_, capacity_;
  const FilterError error_;
  const ScoreFrame& queries_;
  const Order &query_order_, &candidate_order_;
  std::vector<Terms> terms_;
  AlignedBuffer<Entry> entries_;
  std::vector<int32_t> counts_;
  std::vector<std::atomic<float>> limits_;
  std::vector<SpinLock> locks_;
  std::vector<std::unique_ptr<std::vector<ScoredIndex>>> exact_;  // rows that needed float64
};

}  // namespace mmkernels::cpu

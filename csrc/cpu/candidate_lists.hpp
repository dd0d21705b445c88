// For every row the candidates that can still be among its k best.
//
// A list holds float32 scores f and indices in the order they came. When it is full it is
// compacted: with e the error bound of a pair, the k-th largest f - e seen so far is a limit that
// the k best true scores reach, so whatever has f + e below it can go. Where too many remain
// (duplicates, or spacings finer than float32), the remaining are scored in float64 once and only
// the k best are kept: a list never grows, and nothing is ever lost. The final order is that of
// the float64 scores, so the result does not depend on the order in which candidates arrived.
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
  CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                 const ScoreFrame& candidates);

  // Below this no candidate of the row can be among the k best; rises as candidates come.
  float limit(int64_t row) const { return limits_[row].load(std::memory_order_relaxed); }

  // Rows of one panel are changed under their panel's lock.
  SpinLock& panel_lock(int64_t panel) { return locks_[panel]; }

  void append(int64_t row, float score, int64_t candidate, ExactScorer& exact) {
    if (counts_[row] == capacity_) compact(row, exact);
    const int64_t slot = row * capacity_ + counts_[row]++;
    scores_[slot] = score;
    indices_[slot] = static_cast<int32_t>(candidate);
  }

  // Writes the row's k best, best first.
  void finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores);

 private:
  float bound(int64_t row, int64_t candidate) const;
  void compact(int64_t row, ExactScorer& exact);
  void score_exactly(int64_t row, ExactScorer& exact);
  void sharpen(int64_t row, ExactScorer& exact);

  const int64_t k_, capacity_;
  const FilterError error_;
  const ScoreFrame &queries_, &candidates_;
  // Where all candidates have about the same norm, one bound per row serves for all of them.
  struct {
    float norm = 0, residual = 0, bias = 0;
  } largest_;
  bool uniform_ = false;
  AlignedBuffer<float> scores_;
  AlignedBuffer<int32_t> indices_;
  std::vector<int32_t> counts_;
  std::vector<std::atomic<float>> limits_;
  std::vector<SpinLock> locks_;
  std::vector<std::unique_ptr<std::vector<ScoredIndex>>> exact_;  // rows that needed float64
};

}  // namespace mmkernels::cpu

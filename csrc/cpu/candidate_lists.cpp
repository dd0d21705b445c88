#include "candidate_lists.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <functional>
#include <stdexcept>

namespace mmkernels::cpu {

CandidateLists::CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                               const ScoreFrame& candidates)
    : k_(k), capacity_(2 * k + 48), error_(depth), queries_(queries), candidates_(candidates),
      scores_(make_aligned<float>(rows * capacity_)),
      indices_(make_aligned<int32_t>(rows * capacity_)), counts_(rows, 0), limits_(rows),
      locks_((rows + kPanel - 1) / kPanel), exact_(rows) {
  // Finite, so that the -infinity of columns beyond the last never passes.
  for (auto& limit : limits_) limit.store(-FLT_MAX, std::memory_order_relaxed);
}

float CandidateLists::bound(int64_t row, int64_t candidate) const {
  return error_(queries_.norm[row], queries_.residual[row], queries_.slack[row],
                candidates_.norm[candidate], candidates_.residual[candidate],
                std::abs(candidates_.bias[candidate]));
}

void CandidateLists::compact(int64_t row, ExactScorer& exact) {
  float* scores = scores_.get() + row * capacity_;
  int32_t* indices = indices_.get() + row * capacity_;
  const int64_t count = counts_[row];
  float limit = this->limit(row);
  thread_local std::vector<float> upper, lower;
  upper.resize(count);
  lower.resize(count);
  for (int64_t i = 0; i < count; ++i) {
    const float error = bound(row, indices[i]);
    upper[i] = scores[i] + error;
    lower[i] = scores[i] - error;
  }
  if (count >= k_) {
    std::nth_element(lower.begin(), lower.begin() + (k_ - 1), lower.end(), std::greater<>());
    limit = std::max(limit, lower[k_ - 1]);
    limits_[row].store(limit, std::memory_order_relaxed);
  }
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i)
    if (upper[i] >= limit) {
      scores[kept] = scores[i];
      indices[kept++] = indices[i];
    }
  counts_[row] = static_cast<int32_t>(kept);
  if (4 * kept > 3 * capacity_) score_exactly(row, exact);
}

// Moves the whole list into the row's float64 list and keeps the k best of that.
void CandidateLists::score_exactly(int64_t row, ExactScorer& exact) {
  if (!exact_[row]) exact_[row] = std::make_unique<std::vector<ScoredIndex>>();
  std::vector<ScoredIndex>& best = *exact_[row];
  exact.set_query(row);
  const int32_t* indices = indices_.get() + row * capacity_;
  for (int64_t i = 0; i < counts_[row]; ++i) best.push_back({exact(indices[i]), indices[i]});
  counts_[row] = 0;
  if (static_cast<int64_t>(best.size()) < k_) return;
  std::nth_element(best.begin(), best.begin() + (k_ - 1), best.end(), precedes);
  best.resize(k_);
  const double worst = best[k_ - 1].score * queries_.factor - queries_.offset[row];
  const float limit = std::nextafter(static_cast<float>(worst), -FLT_MAX) - queries_.slack[row];
  limits_[row].store(std::max(limit, this->limit(row)), std::memory_order_relaxed);
}

void CandidateLists::finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores) {
  compact(row, exact);
  thread_local std::vector<ScoredIndex> best;
  best.clear();
  if (exact_[row]) best = *exact_[row];
  exact.set_query(row);
  const int32_t* remaining = indices_.get() + row * capacity_;
  for (int64_t i = 0; i < counts_[row]; ++i) best.push_back({exact(remaining[i]), remaining[i]});
  if (static_cast<int64_t>(best.size()) < k_)
    throw std::logic_error("mmkernels: a neighbour list lost candidates; please report this.");
  std::partial_sort(best.begin(), best.begin() + k_, best.end(), precedes);
  for (int64_t i = 0; i < k_; ++i) {
    indices[i] = best[i].index;
    scores[i] = best[i].score;
  }
}

}  // namespace mmkernels::cpu

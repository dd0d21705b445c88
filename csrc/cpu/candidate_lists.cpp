#include "candidate_lists.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace mmkernels::cpu {
namespace {

// Up to a multiple of 16, as kth_largest takes its values.
int64_t whole_vectors(int64_t count) { return (count + 15) / 16 * 16; }

}  // namespace

CandidateLists::CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                               const ScoreFrame& candidates)
    : k_(k), capacity_(whole_vectors(2 * k + 48)), error_(depth), queries_(queries),
      candidates_(candidates),
      scores_(make_aligned<float>(rows * capacity_)),
      indices_(make_aligned<int32_t>(rows * capacity_)), counts_(rows, 0), limits_(rows),
      locks_((rows + kPanel - 1) / kPanel), exact_(rows) {
  float least_norm = FLT_MAX;
  for (size_t i = 0; i < candidates.bias.size(); ++i) {
    if (!std::isfinite(candidates.bias[i])) continue;
    largest_.norm = std::max(largest_.norm, candidates.norm[i]);
    largest_.residual = std::max(largest_.residual, candidates.residual[i]);
    largest_.bias = std::max(largest_.bias, std::abs(candidates.bias[i]));
    least_norm = std::min(least_norm, candidates.norm[i]);
  }
  uniform_ = largest_.norm <= 1.25f * least_norm;
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
  // Padded to whole vectors with what no threshold reaches.
  const int64_t padded = whole_vectors(count);
  thread_local std::vector<float> errors, lower;
  errors.resize(padded);
  lower.assign(padded, -std::numeric_limits<float>::infinity());
  const float common = error_(queries_.norm[row], queries_.residual[row], queries_.slack[row],
                              largest_.norm, largest_.residual, largest_.bias);
  for (int64_t i = 0; i < count; ++i) {
    errors[i] = uniform_ ? common : bound(row, indices[i]);
    lower[i] = scores[i] - errors[i];
  }
  if (count >= k_) {
    limit = std::max(limit, tile_kernels().kth_largest(lower.data(), padded, k_));
    limits_[row].store(limit, std::memory_order_relaxed);
  }
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i)
    if (scores[i] + errors[i] >= limit) {
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

// Float32 sums over the rows as given leave out most of what a bfloat16 filter let pass, at a
// fraction of what float64 costs.
void CandidateLists::sharpen(int64_t row, ExactScorer& exact) {
  const int64_t count = counts_[row];
  if (exact_[row] || count < k_ + 4) return;
  int32_t* indices = indices_.get() + row * capacity_;
  const int64_t padded = whole_vectors(count);
  thread_local std::vector<float> scores, lower;
  scores.resize(padded);
  lower.assign(padded, -std::numeric_limits<float>::infinity());
  for (int64_t i = 0; i < count; ++i) {
    if (i + 1 < count) exact.prefetch(indices[i + 1]);
    float error;
    if (!exact.approximate(indices[i], scores[i], error)) return;
    lower[i] = scores[i] - error;
    scores[i] += error;
  }
  const float limit = tile_kernels().kth_largest(lower.data(), padded, k_);
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i)
    if (scores[i] >= limit) indices[kept++] = indices[i];
  counts_[row] = static_cast<int32_t>(kept);
}

void CandidateLists::finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores) {
  compact(row, exact);
  exact.set_query(row);
  sharpen(row, exact);
  thread_local std::vector<ScoredIndex> best;
  best.clear();
  if (exact_[row]) best = *exact_[row];
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

#include "candidate_lists.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace mmkernels::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Up to a multiple of 16, as kth_largest takes its values.
int64_t whole_vectors(int64_t count) { return (count + 15) / 16 * 16; }

// Longer lists are compacted less often, and need less scored again to make room.
int64_t capacity_for(int64_t rows, int64_t k, int64_t entry_bytes, int64_t spare_bytes) {
  const int64_t roomy = whole_vectors(std::max(4 * k, 2 * k + 48));
  return rows * roomy * entry_bytes <= spare_bytes ? roomy : whole_vectors(k + k / 2 + 16);
}

float round_up(double value) { return std::nextafter(static_cast<float>(value), kInfinity); }

// Between what a true score lies, for the entries of one list.
struct Intervals {
  std::vector<float> lower, upper, middle;

  // Padded to whole vectors with what no threshold reaches.
  void resize(int64_t count) {
    const int64_t padded = whole_vectors(count);
    for (std::vector<float>* values : {&lower, &upper, &middle}) {
      values->resize(padded);
      std::fill(values->begin() + count, values->end(), -kInfinity);
    }
  }
};

Intervals& thread_intervals() {
  thread_local Intervals intervals;
  return intervals;
}

}  // namespace

CandidateLists::CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                               const ScoreFrame& candidates, int64_t spare_bytes)
    : k_(k), capacity_(capacity_for(rows, k, sizeof(Entry), spare_bytes)), error_(depth),
      queries_(queries), entries_(make_aligned<Entry>(rows * capacity_)),
      counts_(rows, 0), limits_(queries.norm.size()), locks_(queries.norm.size() / kPanel),
      exact_(rows) {
  terms_.reserve(candidates.norm.size());
  for (size_t i = 0; i < candidates.norm.size(); ++i)
    terms_.push_back({candidates.norm[i], candidates.residual[i], std::abs(candidates.bias[i]),
                      candidates.tail[i]});
  // Finite, so that the -infinity of columns beyond the last never passes.
  for (int64_t row = 0; row < static_cast<int64_t>(limits_.size()); ++row)
    limits_[row].store(row < rows ? -FLT_MAX : kInfinity, std::memory_order_relaxed);
}

// Fills this thread's intervals from the row's list.
void CandidateLists::bound(int64_t row, const ExactScorer& exact) const {
  const Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  Intervals& intervals = thread_intervals();
  intervals.resize(count);
  float *lower = intervals.lower.data(), *upper = intervals.upper.data();
  const float norm = queries_.norm[row], residual = queries_.residual[row],
              slack = queries_.slack[row], tail = 2.000002f * queries_.tail[row];
  const ExactScorer::EstimateError estimate = exact.estimate_error();
  const float fixed = round_up(queries_.factor * estimate.fixed) + slack,
              relative = round_up(estimate.relative),
              offset = static_cast<float>(queries_.offset[row]);
  for (int64_t i = 0; i < count; ++i) {
    const Entry entry = entries[i];
    const Terms& other = terms_[entry.candidate()];
    const bool refined = entry.refined();
    const float filter_error =
        error_(norm, residual, slack, other.norm, other.residual, other.bias);
    // Rounding the score to float32 counts twice more, once for it and once for the offset.
    const float refined_error = fixed + relative * std::abs(entry.score + offset) +
                                0x1p-22f * (std::abs(entry.score) + std::abs(offset));
    const float error = refined ? refined_error : filter_error;
    lower[i] = entry.score - error - (refined ? 0.0f : tail * other.tail);
    upper[i] = entry.score + error;
  }
}

// Raises the row's limit as far as its list can tell, and removes what is below it.
void CandidateLists::drop(int64_t row, const ExactScorer& exact) {
  bound(row, exact);
  Intervals& intervals = thread_intervals();
  Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  float limit = this->limit(row);
  if (count >= k_) {
    const float reached =
        tile_kernels().kth_largest(intervals.lower.data(), whole_vectors(count), k_);
    limit = std::max(limit, reached);
    limits_[row].store(limit, std::memory_order_relaxed);
  }
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float lower = intervals.lower[i], upper = intervals.upper[i];
    entries[kept] = entries[i];
    intervals.middle[kept] = lower + (upper - lower) / 2;
    kept += upper >= limit;
  }
  std::fill(intervals.middle.begin() + kept, intervals.middle.end(), -kInfinity);
  counts_[row] = static_cast<int32_t>(kept);
}

// After drop(): scores the `most` best again, as far as they are not yet, and drops once more.
void CandidateLists::refine(int64_t row, ExactScorer& exact, int64_t most) {
  Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  const std::vector<float>& middle = thread_intervals().middle;
  const float least =
      count <= most ? -kInfinity
                    : tile_kernels().kth_largest(middle.data(), whole_vectors(count), most);
  Entry* waiting = nullptr;  // one behind, while its successor is on its way from memory
  const auto score = [&](Entry& entry) {
    entry.score = static_cast<float>(exact.estimate(entry.candidate()) * queries_.factor -
                                     queries_.offset[row]);
    entry.index |= Entry::kRefined;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (entries[i].refined() || middle[i] < least) continue;
    exact.prefetch(entries[i].candidate());
    if (waiting) score(*waiting);
    waiting = entries + i;
  }
  if (waiting) score(*waiting);
  drop(row, exact);
}

void CandidateLists::compact(int64_t row, ExactScorer& exact) {
  exact.set_query(row);
  drop(row, exact);
  if (counts_[row] > k_ + (capacity_ - k_) / 2) refine(row, exact, k_);
  if (4 * counts_[row] > 3 * capacity_) score_exactly(row, exact);
}

// Moves the whole list into the row's float64 list and keeps the k best of that.
void CandidateLists::score_exactly(int64_t row, ExactScorer& exact) {
  if (!exact_[row]) exact_[row] = std::make_unique<std::vector<ScoredIndex>>();
  std::vector<ScoredIndex>& best = *exact_[row];
  const Entry* entries = entries_.get() + row * capacity_;
  for (int64_t i = 0; i < counts_[row]; ++i)
    best.push_back({exact(entries[i].candidate()), entries[i].candidate()});
  counts_[row] = 0;
  if (static_cast<int64_t>(best.size()) < k_) return;
  std::nth_element(best.begin(), best.begin() + (k_ - 1), best.end(), precedes);
  best.resize(k_);
  const double worst = best[k_ - 1].score * queries_.factor - queries_.offset[row];
  const float limit = std::nextafter(static_cast<float>(worst), -FLT_MAX) - queries_.slack[row];
  limits_[row].store(std::max(limit, this->limit(row)), std::memory_order_relaxed);
}

void CandidateLists::finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores) {
  exact.set_query(row);
  drop(row, exact);
  // Of what a low-precision filter let pass, float32 leaves out all but a few at a fraction of what
  // float64 costs; a few more than k are not worth asking.
  const int64_t enough = scores ? k_ + k_ / 2 + 2 : k_;
  if (!exact_[row] && counts_[row] > enough) {
    refine(row, exact, k_);
    if (counts_[row] > enough) refine(row, exact, capacity_);
  }
  const Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  const bool settled = !scores && !exact_[row] && count == k_;
  thread_local std::vector<ScoredIndex> best;
  best.clear();
  if (exact_[row]) best = *exact_[row];
  for (int64_t i = 0; i < count; ++i) {
    const int64_t candidate = entries[i].candidate();
    if (!settled && i + 1 < count) exact.prefetch(entries[i + 1].candidate());
    best.push_back({settled ? 0.0 : exact(candidate), candidate});
  }
  if (static_cast<int64_t>(best.size()) < k_)
    throw std::logic_error("mmkernels: a neighbour list lost candidates; please report this.");
  std::partial_sort(best.begin(), best.begin() + k_, best.end(), precedes);
  for (int64_t i = 0; i < k_; ++i) {
    indices[i] = best[i].index;
    if (scores) scores[i] = best[i].score;
  }
  if (!scores) std::sort(indices, indices + k_);
}

}  // namespace mmkernels::cpu

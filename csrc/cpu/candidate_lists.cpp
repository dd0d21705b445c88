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
int64_t capacity_for(int64_t rows, int64_t candidates, int64_t k, int64_t entry_bytes,
                     int64_t spare_bytes) {
  int64_t capacity = whole_vectors(std::max(4 * k, 2 * k + 92));
  if (rows * capacity * entry_bytes > spare_bytes) capacity = whole_vectors(k + k / 2 + 16);
  return std::min(capacity, whole_vectors(candidates));
}

// Between what a true score lies, for the entries of one list.
struct Intervals {
  std::vector<float> lower, upper, middle;

  void resize(int64_t count) {
    lower.resize(whole_vectors(count));
    upper.resize(whole_vectors(count));
    middle.resize(whole_vectors(count));
  }
};

Intervals& thread_intervals() {
  thread_local Intervals intervals;
  return intervals;
}

float kth_largest(std::vector<float>& values, int64_t count, int64_t k) {
  // Padded to whole vectors with what no threshold reaches.
  std::fill(values.begin() + count, values.begin() + whole_vectors(count), -kInfinity);
  return tile_kernels().kth_largest(values.data(), whole_vectors(count), k);
}

}  // namespace

CandidateLists::CandidateLists(int64_t rows, int64_t k, int64_t depth, const ScoreFrame& queries,
                               const ScoreFrame& candidates, const Order& query_order,
                               const Order& candidate_order, int64_t spare_bytes)
    : k_(k),
      capacity_(capacity_for(rows, candidates.tail.size(), k, sizeof(Entry), spare_bytes)),
      error_(depth), queries_(queries), query_order_(query_order),
      candidate_order_(candidate_order), entries_(make_aligned<Entry>(rows * capacity_)),
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

CandidateLists::Bounds CandidateLists::bounds(int64_t row, const ExactScorer& exact) const {
  const ExactScorer::EstimateError estimate = exact.estimate_error();
  return {queries_.norm[row],
          queries_.residual[row],
          queries_.slack[row],
          2.000002f * queries_.tail[row],
          round_up(queries_.factor * estimate.fixed) + queries_.slack[row],
          round_up(estimate.relative),
          static_cast<float>(queries_.offset[row])};
}

// Fills this thread's intervals from the row's list.
void CandidateLists::bound(int64_t row, const Bounds& bounds) const {
  const Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  Intervals& intervals = thread_intervals();
  intervals.resize(count);
  for (int64_t i = 0; i < count; ++i) {
    const Entry entry = entries[i];
    const Terms& other = terms_[entry.candidate()];
    const float error = entry.refined() ? bounds.refined(entry.score)
                                        : error_(bounds.norm, bounds.residual, bounds.slack,
                                                 other.norm, other.residual, other.bias);
    const float hidden = entry.refined() ? 0.0f : bounds.tail * other.tail;
    intervals.lower[i] = entry.score - error - hidden;
    intervals.upper[i] = entry.score + error;
  }
}

// Raises the row's limit as far as its intervals can tell, and removes what is below it.
void CandidateLists::drop(int64_t row) {
  Intervals& intervals = thread_intervals();
  Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  float limit = this->limit(row);
  if (count >= k_) {
    limit = std::max(limit, kth_largest(intervals.lower, count, k_));
    limits_[row].store(limit, std::memory_order_relaxed);
  }
  float *lower = intervals.lower.data(), *upper = intervals.upper.data();
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float reach = upper[i];
    entries[kept] = entries[i];
    lower[kept] = lower[i];
    upper[kept] = reach;
    kept += reach >= limit;
  }
  counts_[row] = static_cast<int32_t>(kept);
}

// After drop(): scores the `most` best again, as far as they are not yet, and drops once more.
void CandidateLists::refine(int64_t row, const Bounds& bounds, ExactScorer& exact, int64_t most) {
  Intervals& intervals = thread_intervals();
  Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  float least = -kInfinity;
  if (count > most) {
    for (int64_t i = 0; i < count; ++i)
      intervals.middle[i] = intervals.lower[i] + (intervals.upper[i] - intervals.lower[i]) / 2;
    least = kth_largest(intervals.middle, count, most);
  }
  int64_t waiting = -1;  // one behind, while its successor is on its way from memory
  const auto score = [&](int64_t i) {
    Entry& entry = entries[i];
    entry.score = static_cast<float>(exact.estimate(candidate_row(entry)) * queries_.factor -
                                     queries_.offset[row]);
    entry.index |= Entry::kRefined;
    intervals.lower[i] = entry.score - bounds.refined(entry.score);
    intervals.upper[i] = entry.score + bounds.refined(entry.score);
  };
  for (int64_t i = 0; i < count; ++i) {
    if (entries[i].refined() || (count > most && intervals.middle[i] < least)) continue;
    exact.prefetch(candidate_row(entries[i]));
    if (waiting >= 0) score(waiting);
    waiting = i;
  }
  if (waiting >= 0) score(waiting);
  drop(row);
}

void CandidateLists::compact(int64_t row, ExactScorer& exact) {
  exact.set_query(row_at(query_order_, row));
  const Bounds bounds = this->bounds(row, exact);
  const int64_t comfortable = k_ + (capacity_ - k_) / 2;
  bound(row, bounds);
  drop(row);
  if (counts_[row] > comfortable) refine(row, bounds, exact, k_);
  if (counts_[row] > comfortable) refine(row, bounds, exact, capacity_);
  if (counts_[row] > comfortable) score_exactly(row, exact);
}

void CandidateLists::settle(int64_t row, ExactScorer& exact) {
  exact.set_query(row_at(query_order_, row));
  const Bounds bounds = this->bounds(row, exact);
  bound(row, bounds);
  drop(row);
  refine(row, bounds, exact, k_);
}

// Moves the whole list into the row's float64 list and keeps the k best of that.
void CandidateLists::score_exactly(int64_t row, ExactScorer& exact) {
  if (!exact_[row]) exact_[row] = std::make_unique<std::vector<ScoredIndex>>();
  std::vector<ScoredIndex>& best = *exact_[row];
  const Entry* entries = entries_.get() + row * capacity_;
  for (int64_t i = 0; i < counts_[row]; ++i)
    best.push_back({exact(candidate_row(entries[i])), candidate_row(entries[i])});
  counts_[row] = 0;
  if (static_cast<int64_t>(best.size()) < k_) return;
  std::nth_element(best.begin(), best.begin() + (k_ - 1), best.end(), precedes);
  best.resize(k_);
  const double worst = best[k_ - 1].score * queries_.factor - queries_.offset[row];
  const float limit = std::nextafter(static_cast<float>(worst), -FLT_MAX) - queries_.slack[row];
  limits_[row].store(std::max(limit, this->limit(row)), std::memory_order_relaxed);
}

void CandidateLists::finish(int64_t row, ExactScorer& exact, int64_t* indices, double* scores) {
  exact.set_query(row_at(query_order_, row));
  const Bounds bounds = this->bounds(row, exact);
  bound(row, bounds);
  drop(row);
  // Of what a low-precision filter let pass, float32 leaves out all but a few at a fraction of what
  // float64 costs; a few more than k are not worth asking.
  const int64_t enough = scores ? k_ + k_ / 2 + 2 : k_;
  if (!exact_[row] && counts_[row] > enough) {
    refine(row, bounds, exact, k_);
    if (counts_[row] > enough) refine(row, bounds, exact, capacity_);
  }
  const Entry* entries = entries_.get() + row * capacity_;
  const int64_t count = counts_[row];
  const bool settled = !scores && !exact_[row] && count == k_;
  thread_local std::vector<ScoredIndex> best;
  best.clear();
  if (exact_[row]) best = *exact_[row];
  for (int64_t i = 0; i < count; ++i) {
    const int64_t candidate = candidate_row(entries[i]);
    if (!settled && i + 1 < count) exact.prefetch(candidate_row(entries[i + 1]));
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

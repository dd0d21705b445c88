// The k best of the candidates that lists are left with, by their similarities in float64.
#include "neighbor_similarity.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;

struct Lists {
  NeighborOperand query_rows, candidate_rows;
  NeighborLists lists;
  double* exact;  // [rows of this call][capacity]
  int64_t first;  // the first row of this call
};

// A block for a row: the similarity of those of its candidates at positions [from, to).
__global__ void score(Scoring scoring, Lists all, int64_t from, int64_t to) {
  if (!both_usable(scoring)) return;
  const int64_t position = all.first + ptx::block();
  const int64_t row = row_at(all.query_rows, position);
  const bool tiny = may_underflow(scoring);
  const Candidate* entries = all.lists.entries + position * all.lists.capacity;
  double* exact = all.exact + ptx::block() * all.lists.capacity;
  const int count = all.lists.counts[position];
  for (int c = ptx::thread() / 32; c < count; c += kWarps) {
    const int64_t candidate = entries[c].position;
    if (candidate < from || candidate >= to) continue;
    const double found = similarity(scoring, row, row_at(all.candidate_rows, candidate), tiny);
    if (ptx::thread() % 32 == 0) exact[c] = found;
  }
}

// A warp for a row: candidates go to the place that the number of better ones gives them.
__global__ void rank(Scoring scoring, Lists all, int64_t rows, int k, int64_t* indices,
                     double* scores) {
  const int64_t place = ptx::block() * kWarps + ptx::thread() / 32;
  if (place >= rows) return;
  const int64_t position = all.first + place;
  const int64_t row = row_at(all.query_rows, position);
  const int lane = ptx::thread() % 32;
  if (!both_usable(scoring)) {
    for (int r = lane; r < k; r += 32) {
      indices[row * k + r] = -1;
      scores[row * k + r] = NAN;
    }
    return;
  }
  const int count = all.lists.counts[position];
  if (count < k || all.lists.limits[position] == INFINITY) return;  // searched by itself
  const Candidate* entries = all.lists.entries + position * all.lists.capacity;
  const double* exact = all.exact + place * all.lists.capacity;
  for (int c = lane; c < count; c += 32) {
    const int64_t own = row_at(all.candidate_rows, entries[c].position);
    int ahead = 0;
    for (int other = 0; other < count; ++other)
      ahead += exact[other] > exact[c] ||
               (exact[other] == exact[c] &&
                row_at(all.candidate_rows, entries[other].position) < own);
    if (ahead >= k) continue;
    indices[row * k + ahead] = own;
    scores[row * k + ahead] = exact[c];
  }
}

Lists lists_of(const NeighborSearch& search, double* exact, int64_t first) {
  return {search.query_rows, search.candidate_rows, search.lists, exact, first};
}

}  // namespace

void score_lists(const NeighborSearch& search, const NeighborPart& queries,
                 const NeighborPart& candidates, int64_t first, int64_t count, double* exact,
                 Stream stream) {
  launch("score_lists", score, count, kThreads, 0, stream,
         Scoring{queries.features, candidates.features, search.metric},
         lists_of(search, exact, first), candidates.first, candidates.first + candidates.count);
}

void rank_lists(const NeighborSearch& search, const NeighborPart& queries, int64_t first,
                int64_t count, const double* exact, int64_t* indices, double* scores,
                Stream stream) {
  launch("rank_lists", rank, (count + kWarps - 1) / kWarps, kThreads, 0, stream,
         Scoring{queries.features, search.candidates, search.metric},
         lists_of(search, const_cast<double*>(exact), first), count, search.k, indices, scores);
}

}  // namespace mmkernels::cuda

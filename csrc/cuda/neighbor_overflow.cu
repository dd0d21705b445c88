// Rows of which the lists do not tell the k best, searched by themselves in float64.
#include "neighbor_similarity.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kBatch = 256;  // candidates scored before they are merged with the best so far
constexpr int kThreads = 256, kWarps = kThreads / 32;

// In shared memory: the best so far, those that follow from it, and a batch.
struct SearchMemory {
  double best_scores[2][kMostNeighbors];
  int best_rows[2][kMostNeighbors];
  double scores[kBatch];
  int rows[kBatch];
};

// How many of (scores, rows) are better.
__device__ int count_better(const double* scores, const int* rows, int count, double score, int row) {
  int rank = 0;
  for (int other = 0; other < count; ++other) rank += better(scores[other], rows[other], score, row);
  return rank;
}

// Rows of which the lists do not tell the k best: they overflowed, or (bounds beyond float32, of
// queries incomparably longer than candidates) let nothing in.
__global__ void collect(NeighborLists lists, int k, int64_t first, int64_t last) {
  const int64_t row = first + ptx::block() * kThreads + ptx::thread();
  if (row >= last) return;
  if (lists.limits[row] == INFINITY || lists.counts[row] < k)
    lists.overflowed[ptx::atomic_add(lists.overflowed_count, 1)] = static_cast<int>(row);
}

struct Search {
  Scoring scoring;
  NeighborOperand query_rows;
  NeighborLists lists;
  int k;
  bool among_themselves;
  int64_t first, last;  // the candidates
  int64_t* indices;
  double* scores;
};

// A block for such a row: candidates [first, last), a batch at a time. What was found among those
// before `first` is where the result goes.
__global__ void search_part(Search search) {
  SearchMemory& memory = *reinterpret_cast<SearchMemory*>(ptx::shared());
  const Scoring& scoring = search.scoring;
  if (!both_usable(scoring)) return;
  const bool tiny = may_underflow(scoring);
  const int overflowed = *search.lists.overflowed_count, k = search.k;
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  for (int64_t at = ptx::block(); at < overflowed; at += ptx::blocks()) {
    const int64_t row = row_at(search.query_rows, search.lists.overflowed[at]);
    int64_t* indices = search.indices + row * k;
    double* scores_out = search.scores + row * k;
    int held = search.first < k ? static_cast<int>(search.first) : k, side = 0;
    for (int r = ptx::thread(); r < held; r += kThreads) {
      memory.best_scores[0][r] = scores_out[r];
      memory.best_rows[0][r] = static_cast<int>(indices[r]);
    }
    for (int64_t first = search.first; first < search.last; first += kBatch) {
      const int64_t left = search.last - first;
      const int batch = left < kBatch ? static_cast<int>(left) : kBatch;
      for (int c = warp; c < batch; c += kWarps) {
        const int64_t other = first + c;
        const bool itself = search.among_themselves && other == row;
        const double found = itself ? -INFINITY : similarity(scoring, row, other, tiny);
        if (lane == 0) {
          memory.scores[c] = found;
          memory.rows[c] = itself ? kNoRow : static_cast<int>(other);  // after all others
        }
      }
      ptx::sync_threads();
      const double *scores = memory.best_scores[side], *fresh = memory.scores;
      const int *rows = memory.best_rows[side], *fresh_rows = memory.rows;
      // Once there are k, few of a batch are better than the last of them, and only these count.
      const bool full = held == k;
      const double last_score = full ? scores[held - 1] : 0;
      const int last_row = full ? rows[held - 1] : 0;
      bool comes_in = false;
      // Every warp asks about the whole batch, so that all take the same way.
      for (int c = lane; c < batch; c += 32)
        comes_in |= !full || better(fresh[c], fresh_rows[c], last_score, last_row);
      if (ptx::any(comes_in)) {
        double* next_scores = memory.best_scores[1 - side];
        int* next_rows = memory.best_rows[1 - side];
        for (int c = ptx::thread(); c < held + batch; c += kThreads) {
          const bool old = c < held;
          const double score = old ? scores[c] : fresh[c - held];
          const int of = old ? rows[c] : fresh_rows[c - held];
          if (!old && full && !better(score, of, last_score, last_row)) continue;
          // Those held are in order already.
          const int rank = (old ? c : count_better(scores, rows, held, score, of)) +
                           count_better(fresh, fresh_rows, batch, score, of);
          if (rank >= k) continue;
          next_scores[rank] = score;
          next_rows[rank] = of;
        }
        held = held + batch < k ? held + batch : k;
        side = 1 - side;
      }
      ptx::sync_threads();
    }
    for (int r = ptx::thread(); r < held; r += kThreads) {
      indices[r] = memory.best_rows[side][r];
      scores_out[r] = memory.best_scores[side][r];
    }
    ptx::sync_threads();
  }
}

constexpr int kBlocksPerMultiprocessor = 8;

}  // namespace

void collect_overflowed(const NeighborSearch& search, const NeighborPart& part, Stream stream) {
  fill(search.lists.overflowed_count, 0, sizeof(int), stream);
  launch("collect_overflowed", collect, (part.count + kThreads - 1) / kThreads, kThreads, 0, stream,
         search.lists, search.k, part.first, part.first + part.count);
}

void search_overflowed(const NeighborSearch& search, const NeighborPart& queries,
                       const NeighborPart& candidates, int64_t* indices, double* scores,
                       Stream stream) {
  const int64_t at_once = static_cast<int64_t>(multiprocessors()) * kBlocksPerMultiprocessor;
  launch("search_overflowed", search_part, queries.count < at_once ? queries.count : at_once, kThreads,
         sizeof(SearchMemory), stream,
         Search{{queries.features, candidates.features, search.metric}, search.query_rows,
                search.lists, search.k, search.among_themselves, candidates.first,
                candidates.first + candidates.count, indices, scores});
}

}  // namespace mmkernels::cuda

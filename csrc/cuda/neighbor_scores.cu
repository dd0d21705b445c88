// Similarities in float64 of the rows as given, and the k best by them: of the candidates that are
// left, and of all rows where a list overflowed.
#include <cmath>

#include "knn.hpp"
#include "neighbor_operand.cuh"

namespace mmkernels::cuda {
namespace {

// What scores are computed from.
struct Scoring {
  Features queries, candidates;
  NeighborOperand query_rows, candidate_rows;
  NeighborLists lists;
  Metric metric;
  int k;
  bool among_themselves;
  int64_t* indices;
  double* scores;
};

// Rows shorter than this are multiplied by a power of two, else their squares would underflow.
constexpr double kTiny = 0x1p-400;

__device__ double factor_of(const Scoring& scoring) {
  const double largest = ptx::bits_double(*scoring.candidates.largest);
  if (scoring.metric == Metric::cosine || !(largest > 0 && largest < kTiny)) return 1;
  return scale_of(scoring.candidates, 0);
}

// One row of an array, its type known.
template <class Stored>
struct TypedRow {
  const char* data;
  int64_t stride;
  __device__ __forceinline__ Stored operator[](int64_t column) const {
    return *reinterpret_cast<const Stored*>(data + column * stride);
  }
};

struct AnyRow {
  const ArrayView& view;
  int64_t row;
  __device__ __forceinline__ double operator[](int64_t column) const {
    return read_value(view, row, column);
  }
};

// A warp's sum over the coordinates, in the order that any two rows have.
template <class Row>
__device__ double sum_of_pair(const Row& x, const Row& y, int64_t columns, bool differences,
                              double factor_x, double factor_y) {
  double sum = 0;
  for (int64_t c = ptx::thread() % 32; c < columns; c += 32) {
    const double a = static_cast<double>(x[c]) * factor_x, b = static_cast<double>(y[c]) * factor_y;
    const double difference = a - b;
    sum += differences ? difference * difference : a * b;
  }
  return sum_of_lanes(sum);
}

__device__ double sum_of_pair(const ArrayView& x, int64_t i, const ArrayView& y, int64_t j,
                              bool differences, double factor_x, double factor_y) {
  const int64_t columns = x.columns;
  if (x.type == y.type && x.type == Type::float32) {
    const TypedRow<float> a{x.data + i * x.row_stride, x.column_stride};
    const TypedRow<float> b{y.data + j * y.row_stride, y.column_stride};
    return sum_of_pair(a, b, columns, differences, factor_x, factor_y);
  }
  return sum_of_pair(AnyRow{x, i}, AnyRow{y, j}, columns, differences, factor_x, factor_y);
}

// The similarity of query i and candidate j, by a warp; `factor` as of factor_of.
__device__ double similarity(const Scoring& scoring, int64_t i, int64_t j, double factor) {
  const ArrayView &x = scoring.queries.view, &y = scoring.candidates.view;
  if (scoring.metric == Metric::euclidean)
    return 0 - sum_of_pair(x, i, y, j, true, factor, factor) / factor / factor;
  if (scoring.metric == Metric::inner_product)
    return sum_of_pair(x, i, y, j, false, factor, factor) / factor / factor;
  const double norm_x = scoring.queries.norms[i], norm_y = scoring.candidates.norms[j];
  const bool plain = norm_x > 0x1p-500 && norm_x < 0x1p500 && norm_y > 0x1p-500 && norm_y < 0x1p500;
  if (plain) return sum_of_pair(x, i, y, j, false, 1, 1) / (norm_x * norm_y);
  return sum_of_pair(x, i, y, j, false, 1 / norm_x, 1 / norm_y);
}

__device__ bool better(double score, int64_t index, double than_score, int64_t than_index) {
  return score > than_score || (score == than_score && index < than_index);
}

__device__ bool both_usable(const Scoring& scoring) {
  return usable(*scoring.queries.status) && usable(*scoring.candidates.status);
}

constexpr int kThreads = 128, kWarps = kThreads / 32;

// A block for a row: scores of its list by its warps, then ranks by counting who is better.
__global__ void score(Scoring scoring) {
  const NeighborLists& lists = scoring.lists;
  double* scores = reinterpret_cast<double*>(ptx::shared());
  int* rows = reinterpret_cast<int*>(scores + lists.capacity);
  const double factor = factor_of(scoring);
  const bool all_usable = both_usable(scoring);
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  for (int64_t position = ptx::block(); position < scoring.query_rows.rows;
       position += ptx::blocks()) {
    const int64_t row = row_at(scoring.query_rows, position);
    int64_t* indices_out = scoring.indices + row * scoring.k;
    double* scores_out = scoring.scores + row * scoring.k;
    if (!all_usable) {
      for (int r = ptx::thread(); r < scoring.k; r += kThreads) {
        indices_out[r] = -1;
        scores_out[r] = NAN;
      }
      continue;
    }
    if (lists.limits[position] == INFINITY) continue;
    const int count = lists.counts[position];
    if (count < scoring.k) {
      // Bounds beyond float32 (queries incomparably longer than candidates) let nothing in.
      if (ptx::thread() == 0)
        lists.overflowed[ptx::atomic_add(lists.overflowed_count, 1)] = static_cast<int>(position);
      continue;
    }
    const Candidate* entries = lists.entries + position * lists.capacity;
    for (int c = warp; c < count; c += kWarps) {
      const int64_t other = row_at(scoring.candidate_rows, entries[c].position);
      const double found = similarity(scoring, row, other, factor);
      if (lane == 0) {
        scores[c] = found;
        rows[c] = static_cast<int>(other);
      }
    }
    ptx::sync_threads();
    for (int c = ptx::thread(); c < count; c += kThreads) {
      int rank = 0;
      for (int other = 0; other < count; ++other)
        rank += better(scores[other], rows[other], scores[c], rows[c]);
      if (rank >= scoring.k) continue;
      indices_out[rank] = rows[c];
      scores_out[rank] = scores[c];
    }
    ptx::sync_threads();
  }
}

constexpr int kBatch = 256;  // candidates scored before they are merged with the best so far
constexpr int kSearchThreads = 256, kSearchWarps = kSearchThreads / 32;

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

// A block for a row whose list overflowed: all candidates, a batch at a time.
__global__ void search_all(Scoring scoring) {
  SearchMemory& memory = *reinterpret_cast<SearchMemory*>(ptx::shared());
  if (!both_usable(scoring)) return;
  const double factor = factor_of(scoring);
  const int overflowed = *scoring.lists.overflowed_count;
  const int64_t n = scoring.candidates.view.rows;
  const int warp = ptx::thread() / 32, lane = ptx::thread() % 32;
  for (int64_t at = ptx::block(); at < overflowed; at += ptx::blocks()) {
    const int64_t row = row_at(scoring.query_rows, scoring.lists.overflowed[at]);
    int held = 0, side = 0;
    for (int64_t first = 0; first < n; first += kBatch) {
      const int batch = n - first < kBatch ? static_cast<int>(n - first) : kBatch;
      for (int c = warp; c < batch; c += kSearchWarps) {
        const int64_t other = first + c;
        const bool itself = scoring.among_themselves && other == row;
        const double found = itself ? -INFINITY : similarity(scoring, row, other, factor);
        if (lane == 0) {
          memory.scores[c] = found;
          memory.rows[c] = itself ? kNoRow : static_cast<int>(other);  // after all others
        }
      }
      ptx::sync_threads();
      const double *scores = memory.best_scores[side], *fresh = memory.scores;
      const int *rows = memory.best_rows[side], *fresh_rows = memory.rows;
      // Once there are k, few of a batch are better than the last of them, and only these count.
      const bool full = held == scoring.k;
      const double last_score = full ? scores[held - 1] : 0;
      const int last_row = full ? rows[held - 1] : 0;
      bool comes_in = false;
      // Every warp asks about the whole batch, so that all take the same way.
      for (int c = lane; c < batch; c += 32)
        comes_in |= !full || better(fresh[c], fresh_rows[c], last_score, last_row);
      if (ptx::any(comes_in)) {
        double* next_scores = memory.best_scores[1 - side];
        int* next_rows = memory.best_rows[1 - side];
        for (int c = ptx::thread(); c < held + batch; c += kSearchThreads) {
          const bool old = c < held;
          const double score = old ? scores[c] : fresh[c - held];
          const int of = old ? rows[c] : fresh_rows[c - held];
          if (!old && full && !better(score, of, last_score, last_row)) continue;
          // Those held are in order already.
          const int rank = (old ? c : count_better(scores, rows, held, score, of)) +
                           count_better(fresh, fresh_rows, batch, score, of);
          if (rank >= scoring.k) continue;
          next_scores[rank] = score;
          next_rows[rank] = of;
        }
        held = held + batch < scoring.k ? held + batch : scoring.k;
        side = 1 - side;
      }
      ptx::sync_threads();
    }
    for (int r = ptx::thread(); r < scoring.k; r += kSearchThreads) {
      scoring.indices[row * scoring.k + r] = memory.best_rows[side][r];
      scoring.scores[row * scoring.k + r] = memory.best_scores[side][r];
    }
    ptx::sync_threads();
  }
}

constexpr int kBlocksPerMultiprocessor = 16;

}  // namespace

void score_lists(const NeighborSearch& search, int64_t* indices, double* scores, Stream stream) {
  const Scoring scoring{search.among_themselves ? search.candidates : search.queries,
                        search.candidates,
                        search.query_rows,
                        search.candidate_rows,
                        search.lists,
                        search.metric,
                        search.k,
                        search.among_themselves,
                        indices,
                        scores};
  const int64_t at_once = static_cast<int64_t>(multiprocessors()) * kBlocksPerMultiprocessor;
  const int64_t rows = search.query_rows.rows;
  launch("score_lists", score, rows < at_once ? rows : at_once, kThreads,
         static_cast<size_t>(search.lists.capacity) * (sizeof(double) + sizeof(int)), stream,
         scoring);
  launch("search_all", search_all, rows < at_once ? rows : at_once, kSearchThreads,
         sizeof(SearchMemory), stream, scoring);
}

}  // namespace mmkernels::cuda

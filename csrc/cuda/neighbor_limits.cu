// Limits of lists from exact scores.
//
// A prefix leaves scores in doubt by twice the product of two tails, and the k-th best of their
// lower ends is far below the k-th best score. Of the k candidates that look best, the least
// similarity is a better limit: it costs k scores of a row.
#include <cfloat>

#include "neighbor_lists.cuh"
#include "neighbor_similarity.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 128, kWarps = kThreads / 32;
// What a similarity in float64 errs by, and another may, for each column.
constexpr double kSimilarityError = 0x1p-50;
// Rows whose squares would leave float64's range keep the limits that they have.
constexpr double kLargestScale = 0x1p400;

// A score in the filter's scale that the pair surely reaches, and every pair of a similarity computed
// to be no less.
__device__ float score_below(const Scoring& scoring, double similarity, int64_t row, int64_t other,
                             double scale, double centre_square) {
  const double columns = static_cast<double>(scoring.candidates.view.columns);
  double score = similarity / 2, size = std::abs(score);
  if (scoring.metric != Metric::euclidean) {
    const bool unit = scoring.candidates.unit;
    const double lengths = unit ? 1 : scoring.queries.norms[row] * scoring.candidates.norms[other];
    score = similarity - centre_square;
    size = lengths + centre_square;
  }
  const double least = (score - kSimilarityError * columns * size) * scale * scale - FLT_MIN;
  return -ptx::round_up(-least);
}

// A warp for a row.
__global__ void limit_rows(Scoring scoring, NeighborOperand operand, NeighborLists lists,
                           const PrefixState* state, int k, int64_t first, int64_t last) {
  if (state->directions == 0) return;
  const int64_t position = first + ptx::block() * kWarps + ptx::thread() / 32;
  if (position >= last) return;
  const double scale = scale_of(scoring.candidates, kRange);
  if (scale > kLargestScale || scale < 1 / kLargestScale) return;
  const int count = lists.counts[position];
  if (lists.limits[position] == INFINITY || count < k) return;
  const int lane = ptx::thread() % 32;
  Candidate* entries = lists.entries + position * lists.capacity;
  uint32_t* estimates = reinterpret_cast<uint32_t*>(ptx::shared()) +
                        static_cast<int64_t>(ptx::thread() / 32) * lists.capacity;
  const RowBounds own = operand.bounds[position];
  for (int c = lane; c < count; c += 32)
    estimates[c] =
        ordered(entries[c].score - own.tail * operand.bounds[entries[c].position].tail);
  const uint32_t good = kth_largest(estimates, count, k);
  const int64_t row = row_at(operand, position);
  float limit = FLT_MAX;
  int scored = 0;
  // Those above it first, then as many that equal it as are missing.
  for (int pass = 0; pass < 2; ++pass)
    for (int start = 0; start < count && scored < k; start += 32) {
      const int c = start + lane;
      const bool chosen = c < count && (pass == 0 ? estimates[c] > good : estimates[c] == good);
      uint32_t all = ptx::ballot(chosen);
      for (; all && scored < k; all &= all - 1, ++scored) {
        const int64_t other =
            row_at(operand, entries[start + ptx::lowest_bit(all)].position);
        const double found = similarity(scoring, row, other, false);
        limit = std::fmin(
            limit, score_below(scoring, found, row, other, scale, state->centre_square));
      }
    }
  limit = std::fmax(limit, lists.limits[position]);
  const int kept =
      keep_reaching(entries, count, own, operand.bounds, operand.sum_error, limit);
  if (lane == 0) {
    lists.counts[position] = kept;
    lists.limits[position] = limit;
  }
}

}  // namespace

void limit_lists(const NeighborSearch& search, const NeighborPart& part, Stream stream) {
  launch("limit_lists", limit_rows, (part.count + kWarps - 1) / kWarps, kThreads,
         sizeof(uint32_t) * kWarps * search.lists.capacity, stream,
         Scoring{part.features, part.features, search.metric}, search.candidate_rows, search.lists,
         search.prefix.state, search.k, part.first, part.first + part.count);
}

}  // namespace mmkernels::cuda

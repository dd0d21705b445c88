// How many directions a prefix has: the number with which the search is estimated to cost least.
//
// The first rows of a sample look for neighbours in it. How many candidates a prefix leaves for
// each neighbour depends on how near these are, and in all rows there are nearer ones than in a
// sample: two ranks are tried, and the number's logarithm is taken to be linear in the rank's. For
// Gaussian rows whose standard deviations decay as i^-1, i^-0.7 and i^-0.5 that is right within a
// quarter.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "neighbor_operand.cuh"
#include "prefix.hpp"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kStep = 32;  // columns of a packed row
constexpr int64_t kMostSampled = 1024, kMostQueries = 128, kMostDirections = 256;
constexpr int kFarther = 16;  // the second rank, in multiples of the first
// Of a score with rows rounded to float16, both as large as the rounding usually is.
constexpr double kHalfError = 0x1p-11;
// What a search does with a pair's score, in multiply-adds.
constexpr double kPair = 16;
// Candidates per neighbour where all features are multiplied.
constexpr double kFullRatio = 1.5;
// Of what is estimated, a prefix has to save as much.
constexpr double kWorthwhile = 0.9;
// Of all rows some have more candidates than any row of the sample.
constexpr double kReserve = 2;
// Beyond it directions are not orthonormal enough to be told from others.
constexpr double kMostDefect = 0x1p-20;

struct Ranks {
  int near, far;
};

// The place of the k-th best of all rows among those of the sample.
__host__ __device__ Ranks ranks_of(const Prefix& prefix, int64_t rows, int k) {
  const int64_t place = (2 * k * prefix.sampled + rows) / (2 * rows), most = prefix.sampled / 64;
  const int near = static_cast<int>(place < 1 ? 1 : place > most ? most : place);
  return {near, near * kFarther};
}

// A block for a query. Counts, for each number of directions and both ranks, the others of the
// sample that cannot be told to be worse than the one at the rank.
__global__ void count_candidates(Prefix prefix, double sum_error, Ranks ranks) {
  if (!prefix.state->tried) return;
  const int sampled = static_cast<int>(prefix.sampled), most = static_cast<int>(prefix.most);
  const int query = static_cast<int>(ptx::block()), sizes = most / kStep;
  double* limits = reinterpret_cast<double*>(ptx::shared());  // [2]
  double* scores = limits + 2;                                // [sampled]
  int* counts = reinterpret_cast<int*>(scores + sampled);     // [sizes][2]
  const double* given = prefix.scores + static_cast<int64_t>(query) * sampled;
  for (int s = ptx::thread(); s < sampled; s += kThreads)
    scores[s] = s == query ? -INFINITY : given[s] + prefix.biases[s];
  for (int c = ptx::thread(); c < 2 * sizes; c += kThreads) counts[c] = 0;
  ptx::sync_threads();
  for (int s = ptx::thread(); s < sampled; s += kThreads) {
    const double score = scores[s];
    int better = 0;
    for (int other = 0; other < sampled; ++other)
      better += scores[other] > score || (scores[other] == score && other < s);
    if (better == ranks.near - 1) limits[0] = score;
    if (better == ranks.far - 1) limits[1] = score;
  }
  ptx::sync_threads();
  const double own_square = prefix.squares[query];
  for (int s = ptx::thread(); s < sampled; s += kThreads) {
    if (s == query) continue;
    const double square = prefix.squares[s], lengths = std::sqrt(square * own_square);
    const double shifts = std::abs(prefix.biases[s]) + std::abs(prefix.biases[query]);
    const double rounding = (kHalfError + sum_error) * lengths + sum_error * shifts;
    double inside = prefix.biases[s] + rounding, left = square, own_left = own_square;
    for (int q = 0; q < most; ++q) {
      const double own = prefix.products[static_cast<int64_t>(q) * sampled + query];
      const double other = prefix.products[static_cast<int64_t>(q) * sampled + s];
      if (q % kStep == kStep - 1) {
        // In the place of this direction there is the rest.
        const double rest = std::sqrt(std::fmax(left, 0.0) * std::fmax(own_left, 0.0));
        for (int l = 0; l < 2; ++l)
          if (inside + rest >= limits[l]) ptx::atomic_add(&counts[q / kStep * 2 + l], 1);
      }
      inside += own * other;
      left -= other * other;
      own_left -= own * own;
    }
  }
  ptx::sync_threads();
  for (int c = ptx::thread(); c < 2 * sizes; c += kThreads)
    prefix.counts[query * 2 * sizes + c] = counts[c];
}

struct Search {
  int64_t rows, columns;
  int k, capacity;
};

// One warp; lane 2 s + l has size s + 1 and rank l.
__global__ void choose(Prefix prefix, Search search, Ranks ranks) {
  PrefixState& state = *prefix.state;
  if (!state.tried) return;
  const PrefixTerms& terms = prefix.terms;
  const int lane = ptx::thread(), sizes = static_cast<int>(prefix.most) / kStep;
  int count = 0, largest = 0;
  for (int64_t q = 0; lane < 2 * sizes && q < prefix.queries; ++q) {
    const int of_query = prefix.counts[q * 2 * sizes + lane];
    count += of_query;
    largest = of_query > largest ? of_query : largest;
  }
  const double rows = static_cast<double>(search.rows);
  const double columns = static_cast<double>(search.columns);
  const double pairs = rows * rows / 2, listed = rows * search.k;
  const double again = columns * terms.score_again;
  const double wanted = search.k / rows, near = ranks.near / static_cast<double>(prefix.sampled);
  const double passes =
      1 + std::fmax(0.0, std::log2(rows / search.capacity) /
                             std::log2(double{kPrefixLimitGrowth}));
  double best = kWorthwhile * (pairs * (columns + kPair) * terms.multiply_add +
                               listed * kFullRatio * again);
  int chosen = 0;
  double candidates = 0;
  for (int s = 0; s < sizes; ++s) {
    const double queries = static_cast<double>(prefix.queries);
    const double nearer = ptx::shuffle(count, 2 * s) / (queries * ranks.near);
    const double farther = ptx::shuffle(count, 2 * s + 1) / (queries * ranks.far);
    double growth = 1;
    if (wanted < near && nearer > farther)
      growth = std::pow(nearer / farther, std::log2(near / wanted) / std::log2(double{kFarther}));
    const double ratio = nearer * growth;
    // Lists are as full when the k best are no nearer than those at the second rank.
    const double worst_now = ptx::shuffle(largest, 2 * s) * growth / ranks.near;
    const double worst_early = ptx::shuffle(largest, 2 * s + 1) / static_cast<double>(ranks.far);
    const double worst = std::fmax(worst_now, worst_early) * search.k;
    if (kReserve * kPrefixLimitGrowth * worst > search.capacity) continue;
    const double used = (s + 1) * kStep;
    const double cost = pairs * (used + kPair) * terms.multiply_add +
                        rows * columns * (used - 1) * terms.project +
                        listed * (passes + ratio) * again;
    if (cost < best) {
      best = cost;
      chosen = (s + 1) * kStep - 1;
      candidates = ratio;
    }
  }
  if (lane != 0) return;
  state.directions = state.defect < kMostDefect ? chosen : 0;
  state.candidates = candidates;
}

int64_t whole_steps(int64_t count) { return count / kStep * kStep; }

}  // namespace

Prefix take_prefix(const ArrayView& candidates, const PrefixTerms& terms, Workspace& workspace) {
  const int64_t rows = candidates.rows, columns = candidates.columns;
  Prefix prefix{};
  prefix.terms = terms;
  prefix.sampled = std::min(kMostSampled, whole_steps(rows / 4));
  prefix.queries = std::min(kMostQueries, prefix.sampled / 2);
  prefix.most = whole_steps(std::min({kMostDirections, columns / 2, prefix.sampled / 2}));
  const double work = static_cast<double>(rows) * static_cast<double>(rows) *
                      static_cast<double>(columns);
  prefix.terms.allowed = terms.allowed && prefix.most > 0 && work >= terms.least_work;
  if (!prefix.terms.allowed) return prefix;
  prefix.step = scattering_step(2 * prefix.sampled);
  prefix.state = workspace.take<PrefixState>(1);
  prefix.sample = workspace.take<double>(2 * prefix.sampled * columns);
  prefix.squares = workspace.take<double>(prefix.sampled);
  prefix.biases = workspace.take<double>(prefix.sampled);
  prefix.scores = workspace.take<double>(prefix.queries * prefix.sampled);
  prefix.axes = workspace.take<double>(prefix.most * columns);
  prefix.products = workspace.take<double>(prefix.most * prefix.sampled);
  prefix.partial = workspace.take<double>(axes_chunks(columns) * kStep * prefix.most);
  prefix.spread = workspace.take<double>(prefix.queries);
  prefix.counts = workspace.take<int>(prefix.queries * prefix.most / kStep * 2);
  return prefix;
}

void try_prefix(const Prefix& prefix, const NeighborOperand& operand, int64_t columns, int k,
                int capacity, Stream stream) {
  const Ranks ranks = ranks_of(prefix, operand.rows, k);
  multiply_transposed(
      prefix,
      {prefix.axes, prefix.sample, prefix.products, prefix.most, prefix.sampled, columns}, stream);
  const size_t shared =
      sizeof(double) * (2 + prefix.sampled) + sizeof(int) * prefix.most / kStep * 2;
  launch("count_candidates", count_candidates, prefix.queries, kThreads, shared, stream, prefix,
         static_cast<double>(operand.sum_error), ranks);
  launch("choose_prefix", choose, 1, 32, 0, stream, prefix,
         Search{operand.rows, columns, k, capacity}, ranks);
}

void choose_prefix(const Prefix& prefix, const Features& features, const NeighborOperand& operand,
                   bool euclidean, int k, int capacity, Stream stream) {
  const int64_t columns = features.view.columns;
  sample_prefix(prefix, features, euclidean, stream);
  find_axes(prefix, columns, stream);
  try_prefix(prefix, operand, columns, k, capacity, stream);
}

}  // namespace mmkernels::cuda

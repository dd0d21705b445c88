// From sums of tiles and of norms to HSIC and CKA, in float64.
#include <cmath>

#include "feature_tiles.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256;

// Sums of products of which less than this share is left lose their digits; see _CANCELLED in
// mmkernels/_hsic.py. A self-similarity below the second is what float64's rounding leaves of zero.
constexpr double kCancelled = 0.05, kDegenerate = 1e-12;
// The share of sum |x_i|^2 |y_i|^2 that one sample has if it outweighs all others.
constexpr double kOutweighs = 0.5;

struct Diagonals {
  double left, right, product, square;
};

__device__ __forceinline__ Diagonals* diagonals_at(const FeatureTable& table, int a, int b) {
  return reinterpret_cast<Diagonals*>(table.diagonals) +
         static_cast<int64_t>(a * table.sets + b) * diagonal_parts(table.samples);
}

__device__ __forceinline__ double scaled_square(const Features& features, double scale,
                                                int64_t row) {
  const double norm = features.centred_norms[row] * scale;
  return norm * norm;
}

// A block for a part of the samples of a pair of sets.
__global__ __launch_bounds__(kThreads) void add_norms(FeatureTable table) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  const int parts = diagonal_parts(table.samples), part = static_cast<int>(ptx::block() % parts);
  const int a = static_cast<int>(ptx::block() / parts / table.sets);
  const int b = static_cast<int>(ptx::block() / parts % table.sets);
  if (a > b || !needed(table, a, b)) return;
  const Features &left = table.by_number[a].features, &right = table.by_number[b].features;
  const double left_scale = split_scale(left), right_scale = split_scale(right);
  Diagonals sums{0, 0, 0, 0};
  const int64_t last = table.samples * (part + 1) / parts;
  for (int64_t row = table.samples * part / parts + ptx::thread(); row < last; row += kThreads) {
    const double k = scaled_square(left, left_scale, row);
    const double l = scaled_square(right, right_scale, row);
    sums.left += k;
    sums.right += l;
    sums.product += k * l;
    sums.square += k * l * (k * l);
  }
  sums.left = sum_of_block(sums.left, slots);
  sums.right = sum_of_block(sums.right, slots);
  sums.product = sum_of_block(sums.product, slots);
  sums.square = sum_of_block(sums.square, slots);
  if (ptx::thread() == 0) diagonals_at(table, a, b)[part] = sums;
}

// |X'Y|^2 from the tiles of a pair. A set's product with itself is symmetric, and of its tiles those
// on and above the diagonal are there.
__device__ __forceinline__ double product_of(const FeatureTable& table, int a, int b, int pieces,
                                             double* slots) {
  const FeatureSet &left = table.by_number[a], &right = table.by_number[b];
  double sum = 0;
  for (int64_t i = ptx::thread(); i < pieces * left.blocks * right.blocks; i += kThreads) {
    const int64_t piece = i % pieces, tile = i / pieces;
    const int64_t row = left.first_block + tile / right.blocks;
    const int64_t column = right.first_block + tile % right.blocks;
    if (row > column) continue;
    sum += (a == b && row != column ? 2.0 : 1.0) *
           table.tile_sums[(piece * table.blocks + row) * table.blocks + column];
  }
  return sum_of_block(sum, slots);
}

// A block for a pair of sets.
__global__ __launch_bounds__(kThreads) void find_value(FeatureTable table, Estimator estimator,
                                                       int pieces, bool again) {
  const int a = static_cast<int>(ptx::block() / table.sets);
  const int b = static_cast<int>(ptx::block() % table.sets);
  if (a > b || !needed(table, a, b)) return;
  if (again && !(table.recompute[a] || table.recompute[b])) return;
  const double product =
      product_of(table, a, b, pieces, reinterpret_cast<double*>(ptx::shared()));
  if (ptx::thread() != 0) return;
  FeatureSums sums{table.samples, product};
  double square = 0;
  for (int part = 0; part < diagonal_parts(table.samples); ++part) {
    const Diagonals& of_part = diagonals_at(table, a, b)[part];
    sums.diagonal_k += of_part.left;
    sums.diagonal_l += of_part.right;
    sums.diagonal_product += of_part.product;
    square += of_part.square;
  }
  const double n = static_cast<double>(table.samples);
  const double value = hsic(sums, estimator), magnitude = product / n / n;
  table.values[a * table.sets + b] = value;
  table.magnitudes[a * table.sets + b] = magnitude;
  if (again || estimator == Estimator::gretton || !(magnitude > 0)) return;
  if (!usable(*table.by_number[a].features.status) || !usable(*table.by_number[b].features.status))
    return;
  // Independent sets cancel too, where there are many features: then sums over pairs are small in
  // truth, and no digit is missed. A sample with more than a share p of the sum has more than p^2 of
  // its square.
  const bool outweighed =
      a == b || (!table.selves &&
                 square > sums.diagonal_product * sums.diagonal_product * kOutweighs * kOutweighs);
  if (outweighed && !(std::abs(value) > kCancelled * magnitude)) {
    // Whoever writes, writes the same.
    table.recompute[a] = table.recompute[b] = table.recompute[table.sets] = 1;
  }
}

// HSIC in the caller's units. One factor at a time: their product can overflow.
__device__ __forceinline__ double unscaled(double value, const Features& left,
                                           const Features& right) {
  const double left_scale = split_scale(left), right_scale = split_scale(right);
  return value / left_scale / left_scale / right_scale / right_scale;
}

__global__ void write(FeatureTable table, FeatureScore score, double* scores) {
  const int rights = table.symmetric ? table.sets : table.sets - table.lefts;
  const int64_t at = ptx::block() * kThreads + ptx::thread();
  if (at >= static_cast<int64_t>(table.lefts) * rights) return;
  const int i = static_cast<int>(at / rights);
  const int j = static_cast<int>(at % rights) + (table.symmetric ? 0 : table.lefts);
  const int a = i < j ? i : j, b = i < j ? j : i;
  const Features &left = table.by_number[a].features, &right = table.by_number[b].features;
  if (!usable(*left.status) || !usable(*right.status)) {
    scores[at] = NAN;
    return;
  }
  const double value = table.values[a * table.sets + b];
  if (score == FeatureScore::hsic) {
    scores[at] = unscaled(value, left, right);
    return;
  }
  const auto norm = [&](int set) {
    const int64_t own = static_cast<int64_t>(set) * table.sets + set;
    const bool varies = *table.by_number[set].features.largest != 0 &&
                        table.values[own] > kDegenerate * table.magnitudes[own];
    return varies ? std::sqrt(table.values[own]) : NAN;
  };
  // A set with itself is 1 by definition, not up to rounding.
  scores[at] = a == b ? norm(a) / norm(a) : value / (norm(a) * norm(b));
}

}  // namespace

void add_diagonals(const FeatureTable& table, Stream stream) {
  const int64_t pairs = static_cast<int64_t>(table.sets) * table.sets;
  launch("add_norms", add_norms, pairs * diagonal_parts(table.samples), kThreads, kBlockSumBytes,
         stream, table);
}

void find_values(const FeatureTable& table, Estimator estimator, int pieces, bool again,
                 Stream stream) {
  const int64_t pairs = static_cast<int64_t>(table.sets) * table.sets;
  launch("find_value", find_value, pairs, kThreads, kBlockSumBytes, stream, table, estimator,
         pieces, again);
}

void write_scores(const FeatureTable& table, FeatureScore score, double* scores, Stream stream) {
  const int64_t rights = table.symmetric ? table.sets : table.sets - table.lefts;
  launch("write", write, (table.lefts * rights + kThreads - 1) / kThreads, kThreads, 0, stream,
         table, score, scores);
}

}  // namespace mmkernels::cuda

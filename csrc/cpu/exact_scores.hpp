// Similarities of single pairs in float64, and the frame that relates them to tile values.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "features.hpp"
#include "knn.hpp"
#include "rows.hpp"

namespace mmkernels::cpu {

// One query against any candidates; one object per thread.
class ExactScorer {
 public:
  ExactScorer(const Features& candidates, const Features& queries, Metric metric)
      : candidates_(candidates), queries_(queries), metric_(metric),
        largest_(*std::max_element(candidates.norms.begin(), candidates.norms.end())),
        query_(candidates.view.columns), candidate_(candidates.view.columns) {}

  void set_query(int64_t row) { row_ = row; }

  // The score, in float32 where both rows are float32 in place and far from the ends of its range.
  double estimate(int64_t candidate) {
    if (!in_float32(candidate)) return (*this)(candidate);
    const float* query = float_row(queries_.view, row_);
    const float* other = float_row(candidates_.view, candidate);
    const int64_t d = candidates_.view.columns;
    if (metric_ == Metric::euclidean) return -tile_kernels().distance_short(query, other, d);
    const double product = tile_kernels().dot_short(query, other, d);
    return metric_ == Metric::cosine ? product / norms(candidate) : product;
  }

  // No estimate for this query is further from its score s than fixed + relative |s|: at least 16
  // interleaved chains, then a tree, so d / 16 + 16 roundings of at most the sum of sizes, and as
  // many terms that may underflow. (A squared difference is rounded twice more.)
  struct EstimateError {
    double fixed, relative;
  };
  EstimateError estimate_error() const {
    const double roundings = (static_cast<double>(candidates_.view.columns) / 16 + 36) * 0x1.02p-24;
    const double underflow = static_cast<double>(candidates_.view.columns) * 0x1p-124;
    if (metric_ == Metric::euclidean) return {underflow, roundings};
    if (metric_ == Metric::cosine) return {roundings + underflow / kLeastSize, 0};
    return {roundings * queries_.norms[row_] * largest_ + underflow, 0};
  }

  void prefetch(int64_t candidate) const {
    if (const float* row = float_row(candidates_.view, candidate))
      for (int64_t c = 0; c < candidates_.view.columns; c += 16) __builtin_prefetch(row + c, 0, 2);
  }

  // The score in float64. Divided by one product of norms, so that s_ij and s_ji are the same bits.
  double operator()(int64_t candidate) {
    if (read_ != row_) read_row(queries_.view, read_ = row_, query_.data());
    if (metric_ == Metric::euclidean) return -distance(candidate);
    if (metric_ == Metric::inner_product) return dot(candidate);
    const double size = norms(candidate);
    if (size > 1e-200 && size < 1e200) return dot(candidate) / size;
    // Products of raw values could leave the range of float64.
    queries_.read_plain(row_, query_.data());
    read_ = -1;
    return dot(candidate) / candidates_.norms[candidate];
  }

 private:
  double dot(int64_t candidate) {
    const int64_t d = candidates_.view.columns;
    if (const float* row = float_row(candidates_.view, candidate))
      return tile_kernels().of_floats.dot(query_.data(), row, d);
    return tile_kernels().of_doubles.dot(query_.data(), doubles(candidate), d);
  }

  double distance(int64_t candidate) {
    const int64_t d = candidates_.view.columns;
    if (const float* row = float_row(candidates_.view, candidate))
      return tile_kernels().of_floats.distance(query_.data(), row, d);
    return tile_kernels().of_doubles.distance(query_.data(), doubles(candidate), d);
  }

  const double* doubles(int64_t candidate) {
    if (const double* row = double_row(candidates_.view, candidate)) return row;
    read_row(candidates_.view, candidate, candidate_.data());
    return candidate_.data();
  }

  static constexpr double kLeastSize = 1e-20;

  double norms(int64_t candidate) const {
    return queries_.norms[row_] * candidates_.norms[candidate];
  }

  bool in_float32(int64_t candidate) const {
    const double size = norms(candidate);
    return size > kLeastSize && size < 1e30 && queries_.norms[row_] < 1e18 &&
           candidates_.norms[candidate] < 1e18 && float_row(queries_.view, row_) &&
           float_row(candidates_.view, candidate);
  }

  const Features &candidates_, &queries_;
  const Metric metric_;
  const double largest_;
  int64_t row_ = -1, read_ = -1;
  std::vector<double> query_, candidate_;  // query_ holds row read_ as given
};

// Tile values t_ij = c_i . c_j rank the candidates of row i once a bias per candidate is added:
//   f_ij = t_ij + bias_j = factor * score_ij - offset_i,
// with bias_j = mu . c_j (mu the scaled centre) for products and -|c_j|^2 / 2 for distances.
struct ScoreFrame {
  double factor = 1;
  std::vector<float> bias;      // per candidate; -infinity beyond the last, and for those left out
  std::vector<double> offset;   // per query
  std::vector<float> norm, residual, tail;  // the bounds of PackedRows
  std::vector<float> slack;  // what float64 itself may err for this row, in units of f
};

// The most by which a computed f_ij can differ from the true one, for a query and a candidate, or
// for the largest values of several candidates: Cauchy-Schwarz on what rounding the rows lost,
//   |c_i . c_j - c'_i . c'_j| <= |c'_i| |c_j - c'_j| + |c_i - c'_i| |c_j|,
// then the rounding of the products' sum and of the bias.
struct FilterError {
  float product, underflow;

  explicit FilterError(int64_t depth)
      // Float32 products summed over `depth` terms in one chain err by at most
      // depth 2^-24 |c_i| |c_j| to first order (Higham 2002, section 3.1).
      : product(static_cast<float>((static_cast<double>(depth) + 8) * 0x1.01p-24)),
        // Products that underflow: at most one smallest normal number per term.
        underflow(static_cast<float>(depth) * 0x1p-124f) {}

  float operator()(float norm, float residual, float slack, float other_norm, float other_residual,
                   float other_bias) const {
    return norm * (product * other_norm + other_residual) + residual * other_norm +
           0x1.1p-23f * other_bias + slack + underflow;
  }
};

// The frame of `packed`, the rows of `features` in the order given, centred as `candidates` are.
ScoreFrame score_frame(const Features& features, const PackedRows& packed, const Order& order,
                       const Features& candidates, Metric metric);

}  // namespace mmkernels::cpu

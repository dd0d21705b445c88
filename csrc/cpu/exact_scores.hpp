// Similarities of single pairs in float64, and the frame that relates them to tile values.
#pragma once

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
        query_(candidates.view.columns), candidate_(candidates.view.columns) {}

  void set_query(int64_t row) {
    if (row == row_) return;
    row_ = row;
    queries_.read_plain(row, query_.data());
  }

  // The score in float32 and how far it may be off, where both rows are float32 in place and the
  // metric is a product; false otherwise, or where float32 could overflow.
  bool approximate(int64_t candidate, float& score, float& error) const {
    const float* query = float_row(queries_.view, row_);
    const float* other = float_row(candidates_.view, candidate);
    if (!query || !other || metric_ == Metric::euclidean) return false;
    const double norms = queries_.norms[row_] * candidates_.norms[candidate];
    if (!(norms > 1e-20 && norms < 1e30)) return false;
    const int64_t d = candidates_.view.columns;
    const double unit = metric_ == Metric::cosine ? 1 / norms : 1.0;
    score = static_cast<float>(tile_kernels().dot_short(query, other, d) * unit);
    // At least 16 interleaved chains, then a tree: d / 16 + 16 roundings of at most the norms, and
    // as many products that may underflow.
    const double roundings = static_cast<double>(d) / 16 + 32;
    error = static_cast<float>(roundings * (0x1.01p-24 * norms + 0x1p-120) * unit);
    return true;
  }

  void prefetch(int64_t candidate) const {
    if (const float* row = float_row(candidates_.view, candidate))
      for (int64_t c = 0; c < candidates_.view.columns; c += 16) __builtin_prefetch(row + c);
  }

  double operator()(int64_t candidate) {
    const ArrayView& view = candidates_.view;
    const TileKernels& kernels = tile_kernels();
    const bool distance = metric_ == Metric::euclidean;
    double score;
    if (const float* row = float_row(view, candidate)) {
      score = (distance ? kernels.distance_float : kernels.dot_float)(query_.data(), row, view.columns);
    } else {
      const double* values = double_row(view, candidate);
      if (!values) {
        read_row(view, candidate, candidate_.data());
        values = candidate_.data();
      }
      score = (distance ? kernels.distance_double : kernels.dot_double)(query_.data(), values,
                                                                        view.columns);
    }
    if (metric_ == Metric::cosine) return score / candidates_.norms[candidate];
    return distance ? -score : score;
  }

 private:
  const Features &candidates_, &queries_;
  const Metric metric_;
  int64_t row_ = -1;
  std::vector<double> query_, candidate_;
};

// Tile values t_ij = c_i . c_j rank the candidates of row i once a bias per candidate is added:
//   f_ij = t_ij + bias_j = factor * score_ij - offset_i,
// with bias_j = mu . c_j (mu the scaled centre) for products and -|c_j|^2 / 2 for distances.
struct ScoreFrame {
  double factor = 1;
  std::vector<float> bias;      // per candidate; -infinity beyond the last
  std::vector<double> offset;   // per query
  std::vector<float> norm;      // |c| of each row as packed, rounded up; 0 beyond the last
  std::vector<float> residual;  // |c - c as packed|, rounded up; 0 beyond the last
  std::vector<float> slack;     // what float64 itself may err for this row, in units of f
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

// The frame of `packed`, the rows of `features`, centred as `candidates` are.
ScoreFrame score_frame(const Features& features, const PackedRows& packed,
                       const Features& candidates, Metric metric);

}  // namespace mmkernels::cpu

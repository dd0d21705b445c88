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
// The computed f_ij differs from the true one by at most
//   error_i |c_i| |c_j|-like terms, see `bound`.
struct ScoreFrame {
  double factor = 1;
  std::vector<float> bias;      // per candidate; -infinity beyond the last
  std::vector<double> offset;   // per query
  std::vector<float> norm;      // |c| of each row, rounded up; 0 beyond the last
  std::vector<float> slack;     // what float64 itself may err for this row, in units of f
};

// Float32 products summed over `depth` terms in one chain, of operands rounded to float32:
// |computed - true| <= (depth + 4) 2^-24 |c_i| |c_j| to first order (Higham 2002, section 3.1).
inline float product_error(int64_t depth) {
  return static_cast<float>((static_cast<double>(depth) + 8) * 0x1.01p-24);
}

// Rounding the bias and adding it.
inline constexpr float kBiasError = 0x1.1p-23f;
// Products that underflow: at most one smallest normal number per term.
inline float underflow_error(int64_t depth) { return static_cast<float>(depth) * 0x1p-124f; }

ScoreFrame score_frame(const Features& rows, const Features& frame_of, Metric metric,
                       const Call& call);

}  // namespace mmkernels::cpu

// Directions along which some rows spread most, found from a sample of them.
//
// The bounds that use them hold for any orthonormal directions; how well these were found only
// decides how many candidates the bounds leave.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/aligned_buffer.hpp"
#include "features.hpp"

namespace mmkernels::cpu {

// Some centred rows in float32, a whole number of panels, from all over the input.
class RowSample {
 public:
  RowSample(const Features& features, int64_t rows, const Call& call);

  int64_t panel_count() const { return static_cast<int64_t>(moments.size()) / kPanel; }
  const float* panel(int64_t index) const { return panels_.get() + index * depth_ * kPanel; }
  // The same rows as panels [row][32] of 32 features each; features beyond the last are zero.
  const float* features_panel(int64_t index) const {
    return feature_panels_.get() + index * moments.size() * kPanel;
  }

  std::vector<RowMoments> moments;

  // (mean |c|^2)^2 / mean (c_i . c_j)^2: d where all directions count alike, 1 where only one does.
  double effective_dimension() const;

 private:
  int64_t depth_;
  AlignedBuffer<float> panels_, feature_panels_;
};

// Orthonormal directions v, the ones that hold most first; at most `count`, a multiple of 32. Where
// the rows span fewer, the others are zero.
class PrincipalAxes {
 public:
  PrincipalAxes(const RowSample& sample, int64_t depth, int64_t count, const Call& call);

  void keep(int64_t count, const Call& call);

  int64_t count() const { return count_; }
  // 32 directions as [depth][32].
  const float* panel(int64_t index) const { return panels_.get() + index * depth_ * kPanel; }

  // A bound on the spectral norm of V V' - I, for the directions kept that are not zero.
  double defect() const { return defect_; }

  // out[direction][row] = v . c for all directions and the 32 rows of a panel, in float64 sums of
  // short float32 ones: each errs by at most projection_error() times |c|.
  void project(const float* panel, double* out) const;
  double projection_error() const;

 private:
  void orthonormalise(std::vector<double>& rows, const Call& call) const;

  const int64_t depth_;
  int64_t count_;
  double defect_ = 0;
  AlignedBuffer<float> panels_;
};

}  // namespace mmkernels::cpu

// (gamma x_i . x_j + offset)^degree from products of centred rows, in float32 without loss.
#pragma once

#include <cstdint>
#include <vector>

#include "features.hpp"

namespace mmkernels::cpu {

// With the rows as centre m plus c_i, the power's base is S + v_ij, where
//   S = gamma m.m + offset,   v_ij = u_i + u_j + w_ij,   u_i = gamma m.c_i,   w_ij = gamma c_i.c_j.
// Of (S + v)^p the tiles leave out S^p and p S^(p-1) (u_i + u_j), which are constant or depend on
// one sample alone, and hold
//   p S^(p-1) w + sum over k = 2..p of binomial(p, k) S^(p-k) v^k.
// However large the offset of the features, nothing cancels: what is left out is what would have
// hidden the rest. Everything is scaled so that |v| and the tile values are at most 1.
class Polynomial {
 public:
  Polynomial(const Features& features, int degree, double offset, double gamma, const Call& call);

  // Whether the kernel's values are out of float64's range.
  bool out_of_range() const { return !usable_; }
  double unit() const { return unit_; }

  // From the products of packed rows, in place.
  void apply(float* tile, int64_t i, int64_t j, float shift) const;
  // From c_i . c_i of the packed rows.
  double diagonal(int64_t row, double product) const { return value(row, row, product); }
  // The same of c_i . c_j in float64.
  double value(int64_t i, int64_t j, double product) const;

 private:
  bool usable_ = true;
  double unit_ = 1;
  double linear_ = 0;       // what a product of packed rows counts in the linear term
  double factor_ = 0;       // and in v
  std::vector<double> powers_;  // coefficient of v^k at k - 2
  std::vector<double> terms_;   // u_i
  std::vector<float> short_powers_, short_terms_;  // the terms padded to whole panels
};

}  // namespace mmkernels::cpu

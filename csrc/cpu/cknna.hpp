// Alignment of two kernels of inner products on the pairs of samples that are neighbours in both.
#pragma once

#include <cstdint>
#include <vector>

#include "features.hpp"
#include "thread_pool.hpp"

namespace mmkernels::cpu {

// One kernel where its own neighbours are: row i holds k columns, ascending, and their values.
struct SparseKernel {
  int64_t n = 0, k = 0;
  std::vector<int64_t> columns;
  std::vector<double> values;
};

// K_ij = <x_i, x_j>, or <x_i, x_j - mean> with `centred`, which is K_ij less the mean of row i, for
// the j of (n, k) lists. All values are multiplied by one power of two, which brings the largest
// <x_i, x_i> to between 1 and 4. `features` are centred by their mean, not robustly.
SparseKernel kernel_on_neighbors(const Features& features, const int64_t* lists, int64_t k,
                                 bool centred, const Call& call);

// Sum of a_ij b_ij over the pairs that both hold.
double shared_product(const SparseKernel& a, const SparseKernel& b, const Call& call);

// HSIC of the two as n x n matrices that are zero at every pair that not both hold, times a factor
// that depends on n alone: the U-statistic of Song et al. 2012, equation 5 (unbiased; n >= 4), or
// tr(A H B H). The matrices need not be symmetric, and are not made so: a_ij meets b_ji.
double masked_hsic(const SparseKernel& a, const SparseKernel& b, bool unbiased, const Call& call);

}  // namespace mmkernels::cpu

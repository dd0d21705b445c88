// HSIC from sums over pairs, the same for every back end.
#pragma once

#include <cstdint>

namespace mmkernels {

// By who proposed them.
enum class Estimator { gretton, song, lange };

// What two kernel matrices K and L leave behind after one pass. A constant subtracted from all
// entries of a kernel matrix, its diagonal included, changes no estimate; nor do terms of the row
// and, the same, of the column.
struct PairSums {
  int64_t n;
  double product;              // sum over i != j of K_ij L_ij
  const double *rows_k, *rows_l;          // sum over j != i of K_ij, n values each
  const double *diagonal_k, *diagonal_l;  // K_ii, n values each
};

// tr(K H L H) / (n - 1)^2. Gretton et al. 2005, equation 9.
inline double biased_hsic(const PairSums& s) {
  double product = s.product, rows = 0, total_k = 0, total_l = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    const double k = s.rows_k[i] + s.diagonal_k[i], l = s.rows_l[i] + s.diagonal_l[i];
    product += s.diagonal_k[i] * s.diagonal_l[i];
    rows += k * l;
    total_k += k;
    total_l += l;
  }
  const double n = static_cast<double>(s.n);
  return (product - 2 / n * rows + total_k / n * (total_l / n)) / ((n - 1) * (n - 1));
}

// The U-statistic of Song et al. 2012, equation 5; needs n >= 4.
inline double unbiased_hsic(const PairSums& s) {
  double rows = 0, total_k = 0, total_l = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    rows += s.rows_k[i] * s.rows_l[i];
    total_k += s.rows_k[i];
    total_l += s.rows_l[i];
  }
  const double n = static_cast<double>(s.n);
  return (s.product + total_k / (n - 1) * (total_l / (n - 2)) - 2 / (n - 2) * rows) /
         (n * (n - 3));
}

// Sum over i != j of (H K H)_ij (H L H)_ij, over n (n - 3). Lange et al. 2023; needs n >= 4.
//
// (H K H)_ij = K_ij - p_i - p_j, where p_i is the mean of row i less half the mean of all entries.
// The sum is taken without its diagonal from the start: where kernels are nearly diagonal, little
// would be left of a difference.
inline double lange_hsic(const PairSums& s) {
  const double n = static_cast<double>(s.n);
  double total_k = 0, total_l = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    total_k += s.rows_k[i] + s.diagonal_k[i];
    total_l += s.rows_l[i] + s.diagonal_l[i];
  }
  double sum = s.product, sum_p = 0, sum_q = 0;
  for (int64_t i = 0; i < s.n; ++i) {
    const double p = (s.rows_k[i] + s.diagonal_k[i]) / n - total_k / n / n / 2;
    const double q = (s.rows_l[i] + s.diagonal_l[i]) / n - total_l / n / n / 2;
    sum += 2 * ((n - 2) * p * q - s.rows_k[i] * q - p * s.rows_l[i]);
    sum_p += p;
    sum_q += q;
  }
  return (sum + 2 * sum_p * sum_q) / (n * (n - 3));
}

inline double hsic(const PairSums& sums, Estimator estimator) {
  if (estimator == Estimator::gretton) return biased_hsic(sums);
  return estimator == Estimator::song ? unbiased_hsic(sums) : lange_hsic(sums);
}

// What linear kernels of centred rows leave behind. Their row sums vanish, so that off the diagonal
// they are minus the diagonal.
struct FeatureSums {
  int64_t n;
  double product;  // sum over all i, j of K_ij L_ij
  double diagonal_k = 0, diagonal_l = 0, diagonal_product = 0;  // of K_ii, L_ii, and K_ii L_ii
};

inline double hsic(const FeatureSums& s, Estimator estimator) {
  const double n = static_cast<double>(s.n);
  if (estimator == Estimator::gretton) return s.product / ((n - 1) * (n - 1));
  if (estimator == Estimator::lange) return (s.product - s.diagonal_product) / (n * (n - 3));
  return (s.product + s.diagonal_k / (n - 1) * (s.diagonal_l / (n - 2)) -
          n / (n - 2) * s.diagonal_product) /
         (n * (n - 3));
}

}  // namespace mmkernels

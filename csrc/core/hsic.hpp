// HSIC from sums over pairs, the same for every back end.
#pragma once

#include <cstdint>

#include "anywhere.hpp"

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

// One sample's part of them.
struct SampleSums {
  double row_k, row_l;            // without the diagonal
  double diagonal_k, diagonal_l;
};

// What all rows of a matrix add up to before row_terms can be taken: without the diagonal where the
// estimator leaves it out.
MMKERNELS_ANYWHERE inline double counted(Estimator estimator, double row, double diagonal) {
  return estimator == Estimator::song ? row : row + diagonal;
}

struct Totals {
  double k, l;
};

// What is added to the sum of products for a row, and what the rows of the centred matrices take
// off theirs (lange alone).
struct RowTerms {
  double sum = 0, p = 0, q = 0;

  MMKERNELS_ANYWHERE RowTerms& operator+=(const RowTerms& other) {
    sum += other.sum;
    p += other.p;
    q += other.q;
    return *this;
  }
};

// gretton: tr(K H L H) / (n - 1)^2. Gretton et al. 2005, equation 9.
// song: the U-statistic of Song et al. 2012, equation 5; needs n >= 4.
// lange: sum over i != j of (H K H)_ij (H L H)_ij, over n (n - 3). Lange et al. 2023; needs n >= 4.
//
// (H K H)_ij = K_ij - p_i - p_j, where p_i is the mean of row i less half the mean of all entries.
// The sum is taken without its diagonal from the start: where kernels are nearly diagonal, little
// would be left of a difference.
MMKERNELS_ANYWHERE inline RowTerms row_terms(Estimator estimator, int64_t samples, const SampleSums& s,
                                             const Totals& totals) {
  const double n = static_cast<double>(samples);
  if (estimator == Estimator::song) return {-2 / (n - 2) * s.row_k * s.row_l};
  const double k = s.row_k + s.diagonal_k, l = s.row_l + s.diagonal_l;
  if (estimator == Estimator::gretton) return {s.diagonal_k * s.diagonal_l - 2 / n * k * l};
  const double p = k / n - totals.k / n / n / 2, q = l / n - totals.l / n / n / 2;
  return {2 * ((n - 2) * p * q - s.row_k * q - p * s.row_l), p, q};
}

// From the sum over i != j of K_ij L_ij, and the terms of all rows.
MMKERNELS_ANYWHERE inline double hsic(Estimator estimator, int64_t samples, double product,
                                      const RowTerms& terms, const Totals& totals) {
  const double n = static_cast<double>(samples);
  product += terms.sum;
  if (estimator == Estimator::gretton)
    return (product + totals.k / n * (totals.l / n)) / ((n - 1) * (n - 1));
  product += estimator == Estimator::song ? totals.k / (n - 1) * (totals.l / (n - 2))
                                          : 2 * terms.p * terms.q;
  return product / (n * (n - 3));
}

inline double hsic(const PairSums& s, Estimator estimator) {
  const auto row = [&s](int64_t i) {
    return SampleSums{s.rows_k[i], s.rows_l[i], s.diagonal_k[i], s.diagonal_l[i]};
  };
  Totals totals{0, 0};
  for (int64_t i = 0; i < s.n; ++i) {
    totals.k += counted(estimator, row(i).row_k, row(i).diagonal_k);
    totals.l += counted(estimator, row(i).row_l, row(i).diagonal_l);
  }
  RowTerms terms;
  for (int64_t i = 0; i < s.n; ++i) terms += row_terms(estimator, s.n, row(i), totals);
  return hsic(estimator, s.n, s.product, terms, totals);
}

// What linear kernels of centred rows leave behind. Their row sums vanish, so that off the diagonal
// they are minus the diagonal.
struct FeatureSums {
  int64_t n;
  double product;  // sum over all i, j of K_ij L_ij
  double diagonal_k = 0, diagonal_l = 0, diagonal_product = 0;  // of K_ii, L_ii, and K_ii L_ii
};

MMKERNELS_ANYWHERE inline double hsic(const FeatureSums& s, Estimator estimator) {
  const double n = static_cast<double>(s.n);
  if (estimator == Estimator::gretton) return s.product / ((n - 1) * (n - 1));
  if (estimator == Estimator::lange) return (s.product - s.diagonal_product) / (n * (n - 3));
  return (s.product + s.diagonal_k / (n - 1) * (s.diagonal_l / (n - 2)) -
          n / (n - 2) * s.diagonal_product) /
         (n * (n - 3));
}

}  // namespace mmkernels

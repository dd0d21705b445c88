// Kernel matrices and HSIC in float64, as they are defined.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "arrays.hpp"
#include "gram.hpp"

namespace mmkernels::testing {

using cuda::Kernel;
using cuda::KernelChoice;

using Square = std::vector<double>;

inline double distance(const Matrix& x, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t c = 0; c < x.columns; ++c) sum += std::pow(x.at(i, c) - x.at(j, c), 2);
  return std::sqrt(sum);
}

inline double median_of(const Matrix& x) {
  std::vector<double> all;
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t j = i + 1; j < x.rows; ++j) all.push_back(distance(x, i, j));
  std::sort(all.begin(), all.end());
  return (all[(all.size() - 1) / 2] + all[all.size() / 2]) / 2;
}

inline Square kernel_matrix(const Matrix& x, const KernelChoice& choice) {
  const int64_t n = x.rows;
  const double width = choice.bandwidth > 0 || choice.kernel == Kernel::linear ||
                               choice.kernel == Kernel::polynomial
                           ? choice.bandwidth
                           : median_of(x);
  Square values(n * n);
  std::vector<double> norms(n, 1);
  if (choice.unit)
    for (int64_t i = 0; i < n; ++i) {
      norms[i] = 0;
      for (int64_t c = 0; c < x.columns; ++c) norms[i] += x.at(i, c) * x.at(i, c);
      norms[i] = std::sqrt(norms[i]);
    }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double product = 0;
      for (int64_t c = 0; c < x.columns; ++c) product += x.at(i, c) * x.at(j, c);
      product /= norms[i] * norms[j];
      const double apart = distance(x, i, j);
      double& value = values[i * n + j];
      switch (choice.kernel) {
        case Kernel::linear: value = product; break;
        case Kernel::gaussian: value = std::exp(-apart * apart / (2 * width * width)); break;
        case Kernel::laplacian: value = std::exp(-apart / width); break;
        case Kernel::distance: value = -apart; break;
        case Kernel::polynomial:
          value = std::pow(choice.gamma * product + choice.offset, choice.degree);
      }
    }
  return values;
}

// Centred as the estimator does, so that HSIC is an inner product of what is returned.
inline Square centred(Square k, int64_t n, Estimator estimator) {
  const bool song = estimator == Estimator::song;
  std::vector<double> rows(n, 0);
  double total = 0;
  if (song)
    for (int64_t i = 0; i < n; ++i) k[i * n + i] = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) rows[i] += k[i * n + j];
  for (double row : rows) total += row;
  const double count = static_cast<double>(n), each = song ? count - 2 : count;
  const double all = song ? (count - 1) * (count - 2) : count * count;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      k[i * n + j] += total / all - rows[i] / each - rows[j] / each;
      if (i == j && estimator != Estimator::gretton) k[i * n + j] = 0;
    }
  return k;
}

inline double inner(const Square& k, const Square& l, int64_t n, Estimator estimator) {
  double sum = 0;
  for (size_t v = 0; v < k.size(); ++v) sum += k[v] * l[v];
  const double count = static_cast<double>(n);
  if (estimator == Estimator::gretton) return sum / ((count - 1) * (count - 1));
  return sum / (count * (count - 3));
}

}  // namespace mmkernels::testing

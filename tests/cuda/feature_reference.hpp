// HSIC and CKA by the definitions, and by feature products on either path.
#pragma once

#include <cmath>
#include <vector>

#include "arrays.hpp"
#include "check.hpp"
#include "feature_products.hpp"

namespace mmkernels::testing {

using namespace mmkernels::cuda;

using Rows = std::vector<std::vector<long double>>;

inline Rows centred(const Matrix& x, bool unit) {
  Rows rows(x.rows, std::vector<long double>(x.columns));
  std::vector<long double> mean(x.columns);
  for (int64_t i = 0; i < x.rows; ++i) {
    long double norm = 0;
    for (int64_t c = 0; c < x.columns; ++c)
      norm += static_cast<long double>(x.at(i, c)) * x.at(i, c);
    for (int64_t c = 0; c < x.columns; ++c) {
      rows[i][c] = unit ? x.at(i, c) / std::sqrt(norm) : x.at(i, c);
      mean[c] += rows[i][c] / x.rows;
    }
  }
  for (auto& row : rows)
    for (int64_t c = 0; c < x.columns; ++c) row[c] -= mean[c];
  return rows;
}

// From the kernel matrices, by the definitions.
inline long double hsic_of(const Rows& x, const Rows& y, Estimator estimator) {
  const auto count = static_cast<int64_t>(x.size());
  const long double n = static_cast<long double>(count);
  const auto product = [](const std::vector<long double>& a, const std::vector<long double>& b) {
    long double sum = 0;
    for (size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
    return sum;
  };
  long double all = 0, off = 0, total_k = 0, total_l = 0, rows = 0;
  for (int64_t i = 0; i < count; ++i) {
    long double row_k = 0, row_l = 0;
    for (int64_t j = 0; j < count; ++j) {
      const long double k = product(x[i], x[j]), l = product(y[i], y[j]);
      all += k * l;
      if (i == j) continue;
      off += k * l;
      row_k += k;
      row_l += l;
    }
    rows += row_k * row_l;
    total_k += row_k;
    total_l += row_l;
  }
  if (estimator == Estimator::gretton) return all / ((n - 1) * (n - 1));
  if (estimator == Estimator::lange) return off / (n * (n - 3));
  return (off + total_k / (n - 1) * (total_l / (n - 2)) - 2 / (n - 2) * rows) / (n * (n - 3));
}

inline std::vector<double> scores(Path path, const std::vector<const Matrix*>& sets, int lefts,
                                  int parts, FeatureScore score, Estimator estimator,
                                  bool unit = false) {
  std::vector<ArrayView> views;
  for (const Matrix* set : sets) views.push_back(set->view());
  FeatureAlignment alignment;
  Memory memory([&](Workspace& workspace) {
    alignment = take_feature_alignment(views, lefts, unit, parts, score, path, workspace);
  });
  const size_t rights = lefts == static_cast<int>(sets.size()) ? sets.size() : sets.size() - lefts;
  std::vector<double> found(lefts * rights, -7);
  score_features(alignment, estimator, found.data(), nullptr);
  return found;
}

inline double tolerance(int parts) { return parts == 1 ? 2e-2 : parts == 2 ? 3e-5 : 3e-7; }

// In shares of the root of the self-similarities, so that CKA is found with them.
inline void check_pair(Path path, const Matrix& x, const Matrix& y, int parts, FeatureScore score,
                Estimator estimator, bool unit = false) {
  const Rows rows_x = centred(x, unit), rows_y = centred(y, unit);
  const double norm = static_cast<double>(std::sqrt(hsic_of(rows_x, rows_x, estimator)) *
                                          std::sqrt(hsic_of(rows_y, rows_y, estimator)));
  const double wanted = static_cast<double>(hsic_of(rows_x, rows_y, estimator)) / norm;
  const double found = scores(path, {&x, &y}, 1, parts, score, estimator, unit)[0];
  CHECK_NEAR(score == FeatureScore::cka ? found : found / norm, wanted, tolerance(parts), x.rows,
             x.columns, y.columns, parts);
}

// Features of x and noise.
inline Matrix related(const Matrix& x, int64_t columns, uint32_t seed) {
  Matrix y = normal(x.rows, columns, seed);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < columns; ++c) y.at(i, c) += static_cast<float>(x.at(i, c % x.columns));
  return y;
}

}  // namespace mmkernels::testing

#include <cmath>
#include <limits>

#include "arrays.hpp"
#include "check.hpp"
#include "feature_products.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

using Rows = std::vector<std::vector<long double>>;

Rows centred(const Matrix& x, bool unit) {
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
long double hsic_of(const Rows& x, const Rows& y, Estimator estimator) {
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

std::vector<double> scores(const std::vector<const Matrix*>& sets, int lefts, int parts,
                           FeatureScore score, Estimator estimator, bool unit = false) {
  std::vector<ArrayView> views;
  for (const Matrix* set : sets) views.push_back(set->view());
  FeatureAlignment alignment;
  testing::Memory memory([&](Workspace& workspace) {
    alignment = take_feature_alignment(views, lefts, unit, parts, score, Path::general,
                                       workspace);
  });
  const size_t rights = lefts == static_cast<int>(sets.size()) ? sets.size() : sets.size() - lefts;
  std::vector<double> found(lefts * rights, -7);
  score_features(alignment, estimator, found.data(), nullptr);
  return found;
}

double tolerance(int parts) { return parts == 1 ? 2e-2 : parts == 2 ? 3e-5 : 3e-7; }

// In shares of the root of the self-similarities, so that CKA is found with them.
void check_pair(const Matrix& x, const Matrix& y, int parts, FeatureScore score,
                Estimator estimator, bool unit = false) {
  const Rows rows_x = centred(x, unit), rows_y = centred(y, unit);
  const double norm = static_cast<double>(std::sqrt(hsic_of(rows_x, rows_x, estimator)) *
                                          std::sqrt(hsic_of(rows_y, rows_y, estimator)));
  const double wanted = static_cast<double>(hsic_of(rows_x, rows_y, estimator)) / norm;
  const double found = scores({&x, &y}, 1, parts, score, estimator, unit)[0];
  CHECK_NEAR(score == FeatureScore::cka ? found : found / norm, wanted, tolerance(parts), x.rows,
             x.columns, y.columns, parts);
}

// Features of x and noise.
Matrix related(const Matrix& x, int64_t columns, uint32_t seed) {
  Matrix y = testing::normal(x.rows, columns, seed);
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < columns; ++c) y.at(i, c) += static_cast<float>(x.at(i, c % x.columns));
  return y;
}

}  // namespace

TEST(feature_products_are_those_of_the_kernel_matrices) {
  // Tiles are many fibers: the shapes are few, and products with itself in some of them only.
  for (auto [n, d_x, d_y] :
       {std::array<int64_t, 3>{5, 3, 2}, {60, 31, 33}, {40, 1, 1}, {33, 140, 7}}) {
    const Matrix x = testing::normal(n, d_x, 1, 3), y = related(x, d_y, 2);
    check_pair(x, y, 3, FeatureScore::hsic, n == 40 ? Estimator::lange : Estimator::gretton);
    if (n < 50 && d_x < 50) check_pair(x, y, 3, FeatureScore::cka, Estimator::song);
  }
  const Matrix x = testing::normal(2, 3), y = testing::normal(2, 1, 5);
  check_pair(x, y, 3, FeatureScore::hsic, Estimator::gretton);
}

TEST(feature_products_of_unit_rows) {
  const Matrix x = testing::normal(30, 5, 1, 1), y = related(x, 4, 2);
  check_pair(x, y, 3, FeatureScore::cka, Estimator::lange, true);
}

TEST(feature_products_of_fewer_parts) {
  const Matrix x = testing::normal(64, 60, 1), y = related(x, 130, 2);
  for (int parts : {1, 2}) check_pair(x, y, parts, FeatureScore::hsic, Estimator::song);
}

TEST(feature_products_add_up_runs_of_samples) {
  // More than one run, the last one not whole; tiles whose samples are divided.
  const Matrix x = testing::normal(1100, 1, 1), y = related(x, 2, 2);
  const Rows rows_x = centred(x, false), rows_y = centred(y, false);
  long double squares = 0;
  for (int c : {0, 1}) {
    long double product = 0;
    for (int64_t i = 0; i < 1100; ++i) product += rows_x[i][0] * rows_y[i][c];
    squares += product * product;
  }
  const double wanted = static_cast<double>(squares / (1099 * 1099));
  const double found = scores({&x, &y}, 1, 2, FeatureScore::hsic, Estimator::gretton)[0];
  CHECK_NEAR(found, wanted, tolerance(2) * wanted);
}

TEST(feature_products_at_any_scale) {
  for (float scale : {1e-18f, 1e17f}) {
    Matrix x = testing::normal(30, 9, 1, 1), y = related(x, 5, 2);
    for (Matrix* set : {&x, &y})
      for (float& value : set->values) value *= scale;
    check_pair(x, y, 3, FeatureScore::hsic, Estimator::song);
  }
  const Matrix x = testing::normal(30, 9, 1, 1e4f), y = related(x, 5, 2);
  check_pair(x, y, 3, FeatureScore::cka, Estimator::song);
}

TEST(matrix_of_feature_products) {
  const Matrix x = testing::normal(30, 10, 1), a = related(x, 3, 2), b = related(x, 135, 3);
  const std::vector<const Matrix*> sets{&x, &a, &b};
  const std::vector<double> all = scores(sets, 3, 1, FeatureScore::cka, Estimator::gretton);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) CHECK(i == j ? all[i * 4] == 1 : all[i * 3 + j] == all[j * 3 + i]);
  const double pair = scores({&a, &b}, 1, 1, FeatureScore::cka, Estimator::gretton)[0];
  CHECK_NEAR(all[5], pair, 1e-12);
  const std::vector<double> cross = scores(sets, 2, 1, FeatureScore::cka, Estimator::gretton);
  for (int i = 0; i < 2; ++i) CHECK_NEAR(cross[i], all[i * 3 + 2], 1e-12, i);
}

TEST(sample_that_outweighs_all_others_costs_no_digits) {
  // One sample 1e4 times as far out: 1e-16 of the sums is left, of which float32 products know
  // nothing.
  Matrix x = testing::normal(40, 5, 1), y = related(x, 7, 2);
  const Matrix z = related(x, 4, 3);
  for (int64_t c = 0; c < 5; ++c) x.at(17, c) = 2e3f;
  for (int64_t c = 0; c < 7; ++c) y.at(17, c) = 3e3f;
  for (auto [parts, estimator] : {std::pair{1, Estimator::song}, {3, Estimator::lange}}) {
    const Rows rows_x = centred(x, false), rows_y = centred(y, false), rows_z = centred(z, false);
    const double xx = static_cast<double>(hsic_of(rows_x, rows_x, estimator));
    const double yy = static_cast<double>(hsic_of(rows_y, rows_y, estimator));
    const double zz = static_cast<double>(hsic_of(rows_z, rows_z, estimator));
    const double xy = static_cast<double>(hsic_of(rows_x, rows_y, estimator));
    const double xz = static_cast<double>(hsic_of(rows_x, rows_z, estimator));
    const std::vector<double> all =
        scores({&x, &y, &z}, 3, parts, FeatureScore::cka, estimator);
    CHECK_NEAR(all[1], xy / std::sqrt(xx * yy), 1e-5, parts);
    CHECK_NEAR(all[2], xz / std::sqrt(xx * zz), parts == 3 ? 1e-5 : 2e-2, parts);
    CHECK_NEAR(scores({&x, &y}, 1, parts, FeatureScore::hsic, estimator)[0], xy, 1e-5 * xy);
    CHECK_NEAR(scores({&x}, 1, 3, FeatureScore::hsic, estimator)[0], xx, 1e-5 * xx);
  }
}

TEST(constant_features_have_no_alignment) {
  const Matrix x = testing::normal(40, 4, 1);
  Matrix constant(40, 3);
  for (float& value : constant.values) value = 0.1f;
  const std::vector<double> all =
      scores({&x, &constant}, 2, 1, FeatureScore::cka, Estimator::song);
  CHECK(all[0] == 1 && std::isnan(all[1]) && std::isnan(all[2]) && std::isnan(all[3]));
  CHECK(scores({&x, &constant}, 1, 1, FeatureScore::hsic, Estimator::gretton)[0] == 0);
}

TEST(unusable_features_have_no_alignment) {
  const Matrix x = testing::normal(40, 4, 1), y = related(x, 3, 2);
  Matrix spoilt = related(x, 5, 3);
  spoilt.at(39, 4) = std::numeric_limits<float>::infinity();
  const std::vector<double> found =
      scores({&x, &y, &spoilt}, 1, 1, FeatureScore::cka, Estimator::song);
  CHECK(std::isfinite(found[0]) && std::isnan(found[1]));
  CHECK(std::isnan(scores({&spoilt, &y}, 1, 1, FeatureScore::hsic, Estimator::gretton)[0]));
  Matrix zero = x;
  for (int64_t c = 0; c < 4; ++c) zero.at(3, c) = 0;
  CHECK(std::isnan(scores({&y, &zero}, 1, 1, FeatureScore::cka, Estimator::song, true)[0]));
}

TEST(no_synchronisation_of_feature_products_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const Matrix x = testing::normal(70, 70, 1), y = related(x, 70, 2);
  const Matrix few = testing::normal(70, 3, 1);
  Matrix far = few, other = related(few, 2, 2);
  for (Matrix* set : {&far, &other}) set->at(69, 0) = 3e3f;
  testing::every_site_matters([&] {
    check_pair(x, y, 3, FeatureScore::hsic, Estimator::gretton);
    check_pair(few, y, 3, FeatureScore::cka, Estimator::song);
    check_pair(far, other, 3, FeatureScore::hsic, Estimator::song);
  });
}

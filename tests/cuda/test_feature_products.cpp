#include <cmath>
#include <limits>

#include "check.hpp"
#include "feature_reference.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using namespace mmkernels::testing;

namespace {

constexpr Path kPaths[] = {Path::general, Path::hopper};

}  // namespace

TEST(feature_products_are_those_of_the_kernel_matrices) {
  for (const Path path : kPaths) {
    // Tiles are many fibers: the shapes are few, and products with itself in some of them only.
    for (auto [n, d_x, d_y] :
         {std::array<int64_t, 3>{5, 3, 2}, {60, 31, 33}, {40, 1, 1}, {33, 140, 7}}) {
      const Matrix x = normal(n, d_x, 1, 3), y = related(x, d_y, 2);
      check_pair(path, x, y, 3, FeatureScore::hsic,
                 n == 40 ? Estimator::lange : Estimator::gretton);
      if (n < 50 && d_x < 50) check_pair(path, x, y, 3, FeatureScore::cka, Estimator::song);
    }
    const Matrix x = normal(2, 3), y = normal(2, 1, 5);
    check_pair(path, x, y, 3, FeatureScore::hsic, Estimator::gretton);
  }
}

TEST(feature_products_of_unit_rows) {
  for (const Path path : kPaths) {
    const Matrix x = normal(30, 5, 1, 1), y = related(x, 4, 2);
    check_pair(path, x, y, 3, FeatureScore::cka, Estimator::lange, true);
  }
}

TEST(feature_products_of_fewer_parts) {
  for (const Path path : kPaths) {
    const Matrix x = normal(64, 60, 1), y = related(x, 130, 2);
    for (int parts : {1, 2}) check_pair(path, x, y, parts, FeatureScore::hsic, Estimator::song);
  }
}

TEST(feature_products_add_up_runs_of_samples) {
  for (const Path path : kPaths) {
    // More than one run, the last one not whole; tiles whose samples are divided.
    const Matrix x = normal(1100, 1, 1), y = related(x, 2, 2);
    const Rows rows_x = centred(x, false), rows_y = centred(y, false);
    long double squares = 0;
    for (int c : {0, 1}) {
      long double product = 0;
      for (int64_t i = 0; i < 1100; ++i) product += rows_x[i][0] * rows_y[i][c];
      squares += product * product;
    }
    const double wanted = static_cast<double>(squares / (1099 * 1099));
    const double found = scores(path, {&x, &y}, 1, 2, FeatureScore::hsic, Estimator::gretton)[0];
    CHECK_NEAR(found, wanted, tolerance(2) * wanted);
  }
}

TEST(feature_products_at_any_scale) {
  for (const Path path : kPaths) {
    for (float scale : {1e-18f, 1e17f}) {
      Matrix x = normal(30, 9, 1, 1), y = related(x, 5, 2);
      for (Matrix* set : {&x, &y})
        for (float& value : set->values) value *= scale;
      check_pair(path, x, y, 3, FeatureScore::hsic, Estimator::song);
    }
    const Matrix x = normal(30, 9, 1, 1e4f), y = related(x, 5, 2);
    check_pair(path, x, y, 3, FeatureScore::cka, Estimator::song);
  }
}

TEST(matrix_of_feature_products) {
  for (const Path path : kPaths) {
    const Matrix x = normal(30, 10, 1), a = related(x, 3, 2), b = related(x, 135, 3);
    const std::vector<const Matrix*> sets{&x, &a, &b};
    const std::vector<double> all = scores(path, sets, 3, 1, FeatureScore::cka, Estimator::gretton);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j)
        CHECK(i == j ? all[i * 4] == 1 : all[i * 3 + j] == all[j * 3 + i]);
    const double pair = scores(path, {&a, &b}, 1, 1, FeatureScore::cka, Estimator::gretton)[0];
    CHECK_NEAR(all[5], pair, 1e-12);
    const std::vector<double> cross =
        scores(path, sets, 2, 1, FeatureScore::cka, Estimator::gretton);
    for (int i = 0; i < 2; ++i) CHECK_NEAR(cross[i], all[i * 3 + 2], 1e-12, i);
  }
}

TEST(sample_that_outweighs_all_others_costs_no_digits) {
  for (const Path path : kPaths) {
    // One sample 1e4 times as far out: 1e-16 of the sums is left, of which float32 products know
    // nothing.
    Matrix x = normal(40, 5, 1), y = related(x, 7, 2);
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
          scores(path, {&x, &y, &z}, 3, parts, FeatureScore::cka, estimator);
      CHECK_NEAR(all[1], xy / std::sqrt(xx * yy), 1e-5, parts);
      CHECK_NEAR(all[2], xz / std::sqrt(xx * zz), parts == 3 ? 1e-5 : 2e-2, parts);
      CHECK_NEAR(scores(path, {&x, &y}, 1, parts, FeatureScore::hsic, estimator)[0], xy, 1e-5 * xy);
      CHECK_NEAR(scores(path, {&x}, 1, 3, FeatureScore::hsic, estimator)[0], xx, 1e-5 * xx);
    }
  }
}

TEST(constant_features_have_no_alignment) {
  for (const Path path : kPaths) {
    const Matrix x = normal(40, 4, 1);
    Matrix constant(40, 3);
    for (float& value : constant.values) value = 0.1f;
    const std::vector<double> all =
        scores(path, {&x, &constant}, 2, 1, FeatureScore::cka, Estimator::song);
    CHECK(all[0] == 1 && std::isnan(all[1]) && std::isnan(all[2]) && std::isnan(all[3]));
    CHECK(scores(path, {&x, &constant}, 1, 1, FeatureScore::hsic, Estimator::gretton)[0] == 0);
  }
}

TEST(unusable_features_have_no_alignment) {
  for (const Path path : kPaths) {
    const Matrix x = normal(40, 4, 1), y = related(x, 3, 2);
    Matrix spoilt = related(x, 5, 3);
    spoilt.at(39, 4) = std::numeric_limits<float>::infinity();
    const std::vector<double> found =
        scores(path, {&x, &y, &spoilt}, 1, 1, FeatureScore::cka, Estimator::song);
    CHECK(std::isfinite(found[0]) && std::isnan(found[1]));
    CHECK(std::isnan(scores(path, {&spoilt, &y}, 1, 1, FeatureScore::hsic, Estimator::gretton)[0]));
    Matrix zero = x;
    for (int64_t c = 0; c < 4; ++c) zero.at(3, c) = 0;
    CHECK(std::isnan(scores(path, {&y, &zero}, 1, 1, FeatureScore::cka, Estimator::song, true)[0]));
  }
}

TEST(no_synchronisation_of_feature_products_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const Matrix x = normal(70, 70, 1), y = related(x, 70, 2);
  const Matrix few = normal(70, 3, 1);
  Matrix far = few, other = related(few, 2, 2);
  for (Matrix* set : {&far, &other}) set->at(69, 0) = 3e3f;
  testing::every_site_matters([&] {
    check_pair(Path::general, x, y, 3, FeatureScore::hsic, Estimator::gretton);
    check_pair(Path::general, few, y, 3, FeatureScore::cka, Estimator::song);
    check_pair(Path::general, far, other, 3, FeatureScore::hsic, Estimator::song);
  });
}

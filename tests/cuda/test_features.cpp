#include "arrays.hpp"
#include "check.hpp"
#include "features.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

double mean_of(const Matrix& x, int64_t column) {
  double sum = 0;
  for (int64_t i = 0; i < x.rows; ++i) sum += x.at(i, column);
  return sum / static_cast<double>(x.rows);
}

}  // namespace

TEST(centre_and_norms_are_those_of_float64) {
  for (auto [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {3, 33}, {129, 7}, {600, 300}}) {
    const Matrix x = testing::normal(rows, columns, 3, 100);
    Features features{};
    testing::Memory memory([&](Workspace& workspace) {
      features = take_features(x.view(), false, Centre::mean, workspace);
    });
    measure_features(features, nullptr);
    double largest = 0;
    for (int64_t c = 0; c < columns; ++c)
      CHECK_NEAR(features.centre[c], mean_of(x, c), 1e-11, rows, columns);
    for (int64_t i = 0; i < rows; ++i) {
      double norm = 0, centred = 0;
      for (int64_t c = 0; c < columns; ++c) {
        norm += x.at(i, c) * x.at(i, c);
        centred += std::pow(x.at(i, c) - mean_of(x, c), 2);
      }
      CHECK_NEAR(features.norms[i], std::sqrt(norm), 1e-12 * std::sqrt(norm));
      CHECK_NEAR(features.centred_norms[i], std::sqrt(centred), 1e-10);
      largest = std::max(largest, features.centred_norms[i]);
    }
    CHECK(std::bit_cast<double>(*features.largest) == largest);
    CHECK(features.status->nonfinite == kNoRow && features.status->zero == kNoRow);
  }
}

TEST(robust_centre_leaves_far_rows_out) {
  Matrix x = testing::normal(100, 5);
  for (int64_t c = 0; c < 5; ++c) x.at(17, c) = 1e6f;
  Features features{};
  testing::Memory memory([&](Workspace& workspace) {
    features = take_features(x.view(), false, Centre::robust, workspace);
  });
  measure_features(features, nullptr);
  for (int64_t c = 0; c < 5; ++c) CHECK(std::abs(features.centre[c]) < 1, features.centre[c]);
}

TEST(first_bad_row_is_found) {
  Matrix x = testing::normal(70, 9);
  x.at(40, 8) = NAN;
  x.at(66, 0) = INFINITY;
  for (int64_t c = 0; c < 9; ++c) x.at(50, c) = 0;
  Features features{};
  testing::Memory memory([&](Workspace& workspace) {
    features = take_features(x.view(), true, Centre::robust, workspace);
  });
  measure_features(features, nullptr);
  CHECK(features.status->nonfinite == 40);
  CHECK(features.status->zero == 50);
}

TEST(norms_of_the_largest_values_do_not_vanish) {
  std::vector<double> values = {1.2e308, 1e305, -0x1p1023, 3, 0x1p1022, 0x1p1000};
  for (bool unit : {false, true}) {
    Features features{};
    testing::Memory memory([&](Workspace& workspace) {
      features = take_features(
          {reinterpret_cast<const char*>(values.data()), 3, 2, 16, 8, Type::float64}, unit,
          Centre::none, workspace);
    });
    measure_features(features, nullptr);
    CHECK(features.status->zero == kNoRow && features.status->nonfinite == kNoRow);
    CHECK(features.status->overflows == (unit ? kNoRow : 0));
    for (int64_t i = 0; i < 3; ++i) {
      const double norm = std::hypot(values[2 * i], values[2 * i + 1]);
      CHECK_NEAR(features.norms[i], norm, 1e-12 * norm, i);
    }
  }
}

TEST(unit_rows_of_one_direction_are_equal) {
  Matrix x(40, 7);
  for (int64_t i = 0; i < 40; ++i)
    for (int64_t c = 0; c < 7; ++c) x.at(i, c) = static_cast<float>((c + 1) * (3 * i + 1));
  Features features{};
  testing::Memory memory([&](Workspace& workspace) {
    features = take_features(x.view(), true, Centre::mean, workspace);
  });
  measure_features(features, nullptr);
  CHECK(*features.largest == 0);
}

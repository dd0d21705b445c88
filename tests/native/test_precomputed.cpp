#include <cmath>
#include <limits>

#include "check.hpp"
#include "cpu/gram.hpp"
#include "reference.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

// Linear kernel values with large terms of row and column on top.
Matrix kernel_values(int64_t n, double common) {
  const Matrix rows = gaussian(n, 7, n), terms = gaussian(1, n, 3);
  Matrix k(n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t c = 0; c < 7; ++c) k.row(i)[j] += rows.row(i)[c] * rows.row(j)[c];
      k.row(i)[j] += common * (1 + (terms.values[i] + terms.values[j]));
    }
  return k;
}

Square square_of(const Matrix& values) {
  Square k(values.rows, std::vector<Real>(values.rows));
  for (int64_t i = 0; i < values.rows; ++i)
    for (int64_t j = 0; j < values.rows; ++j) k[i][j] = values.row(i)[j];
  return k;
}

Square centred(Square k) {
  const int64_t n = k.size();
  std::vector<Real> means(n, 0);
  Real mean = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) means[i] += k[i][j] / n;
    mean += means[i] / n;
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) k[i][j] += mean - means[i] - means[j];
  return k;
}

KernelMatrix kernel_of(const PrecomputedMatrix& matrix) {
  KernelMatrix kernel;
  kernel.kernel = Kernel::precomputed;
  kernel.precomputed = &matrix;
  return kernel;
}

}  // namespace

TEST(precomputed_of_every_size_and_layout) {
  for (const int64_t n : {4, 5, 31, 32, 33, 64, 129, 200})
    for (const double common : {0.0, 1e6})
      for (const Layout layout : {Layout::contiguous, Layout::padded, Layout::transposed,
                                  Layout::reversed, Layout::unaligned}) {
        const Stored stored(kernel_values(n, common), Type::float64, layout);
        const PrecomputedMatrix matrix(stored.view(), kCall);
        CHECK(matrix.usable());
        const Square k = centred(square_of(stored.values()));
        const double unit = 1 / (matrix.scale * matrix.scale);
        for (const Estimator estimator : {Estimator::gretton, Estimator::song, Estimator::lange}) {
          const double wanted = static_cast<double>(
              estimator == Estimator::gretton ? biased_hsic_of(k, k)
              : estimator == Estimator::song  ? unbiased_hsic_of(k, k)
                                              : lange_hsic_of(k, k));
          const HsicValue found =
              hsic_by_tiles({kernel_of(matrix)}, {{0, 0}}, estimator, kCall)[0];
          const double norm = static_cast<double>(biased_hsic_of(k, k));
          CHECK_NEAR(found.hsic * unit, wanted, 2e-6 * norm, "n", n, "common", common);
          CHECK(found.hsic > found.rounding, "n", n, "common", common);
        }
      }
}

TEST(precomputed_of_nothing_but_terms_of_rows_is_zero) {
  for (const Type type : {Type::float64, Type::float32}) {
    const Matrix terms = gaussian(1, 150, 3);
    Matrix k(150, 150);
    for (int64_t i = 0; i < 150; ++i)
      for (int64_t j = 0; j < 150; ++j) k.row(i)[j] = terms.values[i] + terms.values[j] + 10;
    const Stored stored(k, type);
    const PrecomputedMatrix matrix(stored.view(), kCall);
    for (const Estimator estimator : {Estimator::gretton, Estimator::song, Estimator::lange}) {
      const HsicValue found = hsic_by_tiles({kernel_of(matrix)}, {{0, 0}}, estimator, kCall)[0];
      CHECK(!(found.hsic > found.rounding), found.hsic, found.rounding);
    }
  }
}

TEST(precomputed_that_cannot_be_used) {
  const Matrix good = kernel_values(70, 0);
  Matrix bad = good;
  bad.row(3)[66] += 1e-3;
  const Stored asymmetric(bad, Type::float64), rounded(good, Type::float32);
  const PrecomputedMatrix matrix(asymmetric.view(), kCall);
  CHECK(matrix.asymmetric_row == 3 && matrix.asymmetric_column == 66);
  CHECK(PrecomputedMatrix(rounded.view(), kCall).usable());
  bad.row(40)[2] = std::numeric_limits<double>::quiet_NaN();
  bad.row(35)[69] = std::numeric_limits<double>::infinity();
  const Stored nonfinite(bad, Type::float64);
  CHECK(PrecomputedMatrix(nonfinite.view(), kCall).first_nonfinite == 35);
  Matrix large = good;
  large.row(9)[9] = 1e151;
  const Stored overflowing(large, Type::float64);
  CHECK(PrecomputedMatrix(overflowing.view(), kCall).overflows);
}

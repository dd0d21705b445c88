#include "cpu/cknna.hpp"

#include <cmath>
#include <random>

#include "check.hpp"
#include "cpu/second_order.hpp"
#include "lists.hpp"
#include "reference.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

// The kernel at the pairs of the lists, 0 elsewhere.
Square dense(const Matrix& rows, const std::vector<int64_t>& lists, int64_t k, bool centred) {
  const int64_t n = rows.rows, d = rows.columns;
  std::vector<Real> mean(d);
  for (int64_t i = 0; i < n && centred; ++i)
    for (int64_t c = 0; c < d; ++c) mean[c] += rows.row(i)[c] / static_cast<Real>(n);
  Square kernel(n, std::vector<Real>(n));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i * k; j < (i + 1) * k; ++j)
      for (int64_t c = 0; c < d; ++c)
        kernel[i][lists[j]] += rows.row(i)[c] * (Real{rows.row(lists[j])[c]} - mean[c]);
  return kernel;
}

// Both matrices 0 wherever either is: values are never exactly 0 here.
void mask(Square& a, Square& b) {
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a.size(); ++j)
      if (a[i][j] == 0 || b[i][j] == 0) a[i][j] = b[i][j] = 0;
}

struct Sums {
  Real product = 0, unbiased = 0, biased = 0, size = 0;
};

Sums sums_of(const Square& a, const Square& b) {
  const size_t n = a.size();
  const Real m = static_cast<Real>(n);
  Sums sums;
  Real total_a = 0, total_b = 0, trace = 0, ab = 0, ba = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      sums.product += a[i][j] * b[i][j];
      sums.size += std::abs(a[i][j] * b[i][j]);
      trace += a[i][j] * b[j][i];
      total_a += a[i][j];
      total_b += b[i][j];
      for (size_t l = 0; l < n; ++l) {
        ab += a[i][j] * b[j][l];
        ba += b[i][j] * a[j][l];
      }
    }
  sums.unbiased = trace + total_a * total_b / ((m - 1) * (m - 2)) - 2 * ab / (m - 2);
  sums.biased = trace - (ab + ba) / m + total_a * total_b / (m * m);
  return sums;
}

}  // namespace

TEST(cknna_sums_of_every_size) {
  std::mt19937_64 generator(1);
  for (const int64_t n : {4, 5, 17, 60})
    for (const int64_t k : {1, 3, 9}) {
      if (k >= n) continue;
      for (const bool centred : {false, true}) {
        const Stored x(gaussian(n, 7, 1), Type::float32), y(offset(n, 33, 2), Type::float64);
        const auto in_x = random_lists(n, k, n, 0, generator);
        const auto in_y = random_lists(n, k, n, 0, generator);
        const Features of_x(x.view(), false, Centre::mean, kCall);
        const Features of_y(y.view(), false, Centre::mean, kCall);
        const SparseKernel a = kernel_on_neighbors(of_x, in_x.data(), k, centred, kCall);
        const SparseKernel b = kernel_on_neighbors(of_y, in_y.data(), k, centred, kCall);
        Square dense_a = dense(x.values(), in_x, k, centred);
        Square dense_b = dense(y.values(), in_y, k, centred);
        // The power of two that all values of a kernel have been multiplied by.
        const Real scale_a = std::exp2(std::round(
            std::log2(std::abs(a.values[0] / dense_a[0][a.columns[0]]))));
        const Real scale_b = std::exp2(std::round(
            std::log2(std::abs(b.values[0] / dense_b[0][b.columns[0]]))));
        mask(dense_a, dense_b);
        const Sums wanted = sums_of(dense_a, dense_b);
        const double unit = static_cast<double>(scale_a * scale_b);
        const double allowed = 1e-9 * (unit * static_cast<double>(wanted.size) + 1e-30);
        CHECK_NEAR(shared_product(a, b, kCall), unit * static_cast<double>(wanted.product),
                   allowed, n, k, centred);
        CHECK_NEAR(masked_hsic(a, b, true, kCall), unit * static_cast<double>(wanted.unbiased),
                   allowed, n, k, centred);
        CHECK_NEAR(masked_hsic(a, b, false, kCall), unit * static_cast<double>(wanted.biased),
                   allowed, n, k, centred);
        CHECK(shared_product(a, b, kCall) == shared_product(b, a, kCall), n, k, centred);
      }
    }
}

TEST(cknna_values_stay_in_range) {
  for (const double factor : {1e-150, 1e-30, 1.0, 1e30, 1e140}) {
    Matrix rows = gaussian(10, 3, 1);
    for (double& value : rows.values) value *= factor;
    const Stored stored(rows, Type::float64);
    const Features features(stored.view(), false, Centre::mean, kCall);
    std::mt19937_64 generator(1);
    const auto lists = random_lists(10, 4, 10, 0, generator);
    const SparseKernel kernel = kernel_on_neighbors(features, lists.data(), 4, true, kCall);
    const double sum = shared_product(kernel, kernel, kCall);
    CHECK(sum > 1e-3 && sum < 1e3, sum, factor);
  }
}

TEST(second_order_cosines_of_every_size) {
  std::mt19937_64 generator(1);
  for (const int64_t n : {3, 17, 70})
    for (const int64_t k : {1, 2, 10}) {
      if (k >= n) continue;
      const Stored x(gaussian(n, 7, 1), Type::float32), y(heavy_tailed(n, 3, 2), Type::float64);
      const auto in_x = random_lists(n, k, n, 0, generator);
      const auto in_y = random_lists(n, k, n, 0, generator);
      const Features of_x(x.view(), true, Centre::robust, kCall);
      const Features of_y(y.view(), true, Centre::robust, kCall);
      const auto cosine = [](const Matrix& rows, int64_t i, int64_t j) {
        Real ij = 0, ii = 0, jj = 0;
        for (int64_t c = 0; c < rows.columns; ++c) {
          ij += Real{rows.row(i)[c]} * rows.row(j)[c];
          ii += Real{rows.row(i)[c]} * rows.row(i)[c];
          jj += Real{rows.row(j)[c]} * rows.row(j)[c];
        }
        return ij / std::sqrt(ii * jj);
      };
      Real wanted = 0;
      for (int64_t i = 0; i < n; ++i) {
        Real xx = 0, yy = 0, xy = 0;
        for (int64_t j = 0; j < n; ++j) {
          const auto has = [&](const std::vector<int64_t>& lists) {
            return std::count(lists.begin() + i * k, lists.begin() + (i + 1) * k, j) > 0;
          };
          if (!has(in_x) && !has(in_y)) continue;
          const Real u = cosine(x.values(), i, j), v = cosine(y.values(), i, j);
          xx += u * u;
          yy += v * v;
          xy += u * v;
        }
        wanted += xy / std::sqrt(xx * yy);
      }
      const SecondOrder found =
          second_order_cosines(of_x, of_y, in_x.data(), in_y.data(), k, kCall);
      CHECK_NEAR(found.sum, static_cast<double>(wanted), 1e-11 * static_cast<double>(n), n, k);
      CHECK(found.first_orthogonal_x == -1 && found.first_orthogonal_y == -1, n, k);
      CHECK(second_order_cosines(of_y, of_x, in_y.data(), in_x.data(), k, kCall).sum == found.sum);
    }
}

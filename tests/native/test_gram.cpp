#include <algorithm>
#include <cmath>

#include "check.hpp"
#include "core/hsic.hpp"
#include "operations.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

const Call kCall{2, {}};

// The kernels of two sets of rows, and the true scores of all three pairs of them.
struct Problem {
  std::string name;
  const Stored &x, &y;
  Kernel kernel;
  double bandwidth_x, bandwidth_y;
};

void check_hsic(const Problem& problem, double error) {
  const Kernel kernel = problem.kernel;
  const Centre centre = kernel == Kernel::linear ? Centre::mean : Centre::robust;
  const Features x(problem.x.view(), false, centre, kCall);
  const Features y(problem.y.view(), false, centre, kCall);
  const std::vector<KernelMatrix> matrices{kernel_matrix(x, kernel, problem.bandwidth_x, kCall),
                                           kernel_matrix(y, kernel, problem.bandwidth_y, kCall)};
  const std::vector<Pair> pairs{{0, 0}, {1, 1}, {0, 1}};
  const Matrix* rows[] = {&problem.x.values(), &problem.y.values()};
  const double bandwidths[] = {problem.bandwidth_x, problem.bandwidth_y};
  Square plain[2], centred[2];
  double norm[2];
  for (int side = 0; side < 2; ++side) {
    plain[side] = plain_kernel(*rows[side], kernel, bandwidths[side]);
    centred[side] = centred_kernel(*rows[side], kernel, bandwidths[side]);
    norm[side] = std::sqrt(static_cast<double>(biased_hsic_of(centred[side], centred[side])));
  }
  const double n = static_cast<double>(rows[0]->rows);
  for (const Estimator estimator : {Estimator::gretton, Estimator::song, Estimator::lange}) {
    if (estimator != Estimator::gretton && n < 4) continue;
    const std::vector<HsicValue> found = hsic_by_tiles(matrices, pairs, estimator, kCall);
    for (size_t p = 0; p < pairs.size(); ++p) {
      const auto [a, b] = pairs[p];
      const double unit = 1 / (matrices[a].unit() * matrices[b].unit());
      const double wanted = static_cast<double>(
          estimator == Estimator::song    ? unbiased_hsic_of(plain[a], plain[b])
          : estimator == Estimator::lange ? lange_hsic_of(centred[a], centred[b])
                                          : biased_hsic_of(centred[a], centred[b]));
      const double growth =
          estimator == Estimator::gretton ? 1 : (n - 1) * (n - 1) / (n * (n - 3));
      const double allowed = error * norm[a] * norm[b] * growth;
      CHECK_NEAR(found[p].hsic * unit, wanted, allowed, problem.name, "pair", p, "estimator",
                 static_cast<int>(estimator), "n", n, "d", rows[0]->columns);
      if (kernel != Kernel::linear) continue;
      const HsicValue same = hsic_by_features(a ? y : x, b ? y : x, estimator, kCall);
      CHECK_NEAR(same.hsic * unit, wanted, allowed, problem.name, "by features, pair", p);
    }
  }
}

struct Shape {
  int64_t n, d;
};
constexpr Shape kShapes[] = {{2, 1},   {3, 300}, {4, 2},   {5, 17},   {31, 64},   {32, 129},
                             {33, 300}, {127, 1}, {129, 64}, {500, 17}, {129, 129}};

}  // namespace

TEST(hsic_of_every_size) {
  for (const auto [n, d] : kShapes) {
    const Stored x(gaussian(n, d, n), Type::float32), y(gaussian(n, 20, d), Type::float64);
    const double width = std::sqrt(static_cast<double>(d));
    check_hsic({"linear", x, y, Kernel::linear, 0, 0}, 1e-6);
    check_hsic({"gaussian", x, y, Kernel::gaussian, width, 4}, 1e-6);
    check_hsic({"nearly one", x, y, Kernel::gaussian, 1e4 * width, 4e4}, 1e-6);
    check_hsic({"laplacian", x, y, Kernel::laplacian, width, 4}, 1e-6);
    check_hsic({"wide laplacian", x, y, Kernel::laplacian, 1e4 * width, 4e4}, 1e-6);
    check_hsic({"distance", x, y, Kernel::distance, 1, 1}, 1e-6);
    check_hsic({"polynomial", x, y, Kernel::polynomial, width, 4}, 1e-6);
  }
}

TEST(hsic_of_hostile_data) {
  for (const NamedFactory& data : kAwkward) {
    if (data.make == all_equal) continue;  // its kernel matrices are 0 when centred
    // A few repeated values: their roundings do not average out.
    const double error = data.make == duplicated ? 4e-6 : 1e-6;
    const Stored x(data.make(200, 33, 3), Type::float32), y(gaussian(200, 20, 4), Type::float32);
    check_hsic({data.name, x, y, Kernel::linear, 0, 0}, error);
    check_hsic({data.name, x, y, Kernel::gaussian, 8, 5}, error);
    check_hsic({data.name, x, y, Kernel::gaussian, 8e4, 5e4}, error);
    check_hsic({data.name, x, y, Kernel::laplacian, 8, 5}, error);
    check_hsic({data.name, x, y, Kernel::laplacian, 8e4, 5e4}, error);
    check_hsic({data.name, x, y, Kernel::distance, 1, 1}, error);
    check_hsic({data.name, x, y, Kernel::polynomial, 6, 4}, error);
  }
}

TEST(hsic_of_every_storage) {
  const Stored y(gaussian(70, 20, 4), Type::float16, Layout::reversed);
  for (const Type type : {Type::float16, Type::float32, Type::float64})
    for (const Layout layout : {Layout::padded, Layout::transposed, Layout::unaligned}) {
      const Stored x(gaussian(70, 33, 3), type, layout);
      check_hsic({"linear", x, y, Kernel::linear, 0, 0}, 1e-6);
      check_hsic({"gaussian", x, y, Kernel::gaussian, 8, 5}, 1e-6);
    }
}

TEST(hsic_of_equal_rows_is_zero) {
  const Stored x(all_equal(100, 17, 1), Type::float32), y(gaussian(100, 5, 2), Type::float32);
  const Features constant(x.view(), false, Centre::mean, kCall);
  const Features other(y.view(), false, Centre::mean, kCall);
  CHECK(constant.constant() && !other.constant());
  CHECK(hsic_by_features(constant, other, Estimator::song, kCall).hsic == 0);
  const std::vector<KernelMatrix> matrices{kernel_matrix(constant, Kernel::gaussian, 1, kCall),
                                           kernel_matrix(other, Kernel::gaussian, 2, kCall)};
  for (const HsicValue& value : hsic_by_tiles(matrices, {{0, 0}, {0, 1}}, Estimator::gretton, kCall))
    CHECK_NEAR(value.hsic, 0, 1e-15);
}

TEST(centered_gram_of_every_size) {
  for (const auto [n, d] : kShapes)
    for (const Kernel kernel : {Kernel::linear, Kernel::gaussian, Kernel::laplacian,
                                Kernel::distance, Kernel::polynomial})
      for (const double bandwidth : {1.0, 1e4}) {
        const double width = bandwidth * std::sqrt(static_cast<double>(d));
        const Stored stored(gaussian(n, d, n), Type::float32);
        const Features features(stored.view(), false, Centre::mean, kCall);
        const KernelMatrix matrix = kernel_matrix(features, kernel, width, kCall);
        const Square wanted = centred_kernel(stored.values(), kernel, width);
        std::vector<float> narrow(n * n);
        std::vector<double> wide(n * n);
        centered_gram<float>(matrix, narrow.data(), kCall);
        centered_gram<double>(matrix, wide.data(), kCall);
        double largest = 0;
        for (int64_t i = 0; i < n; ++i)
          largest = std::max(largest, static_cast<double>(std::abs(wanted[i][i])));
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < n; ++j) {
            const double truth = static_cast<double>(wanted[i][j]);
            CHECK_NEAR(wide[i * n + j], truth, 1e-6 * largest, "n", n, "d", d, "at", i, j);
            CHECK_NEAR(narrow[i * n + j], truth, 2e-6 * largest, "n", n, "d", d, "at", i, j);
          }
      }
}

TEST(median_distance_of_every_size) {
  for (const auto [n, d] : kShapes) {
    const Stored stored(gaussian(n, d, n), Type::float32);
    const double wanted = static_cast<double>(median_distance_of(stored.values()));
    const Features features(stored.view(), false, Centre::robust, kCall);
    // Float32 products cancel where two values of one feature are near each other.
    CHECK_NEAR(median_distance(features, kCall), wanted, 2e-6 * wanted, "n", n, "d", d);
  }
  const Stored equal(all_equal(40, 9, 1), Type::float32);
  CHECK(median_distance(Features(equal.view(), false, Centre::robust, kCall), kCall) == 0);
}

TEST(hsic_estimates_from_sums) {
  for (const int64_t n : {4, 5, 31, 70}) {
    const Square k = plain_kernel(gaussian(n, 3, n), Kernel::gaussian, 1.5);
    const Square l = plain_kernel(gaussian(n, 2, n + 1), Kernel::gaussian, 1.0);
    for (const double shift : {0.0, 0.7}) {  // taken from all entries, it changes nothing
      std::vector<double> rows_k(n), rows_l(n), diagonal_k(n, -shift), diagonal_l(n, -shift);
      double product = 0;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) {
          if (i == j) continue;
          const double a = static_cast<double>(k[i][j]) - shift;
          const double b = static_cast<double>(l[i][j]) - shift;
          product += a * b;
          rows_k[i] += a;
          rows_l[i] += b;
        }
      const PairSums sums{n, product, rows_k.data(), rows_l.data(), diagonal_k.data(),
                          diagonal_l.data()};
      CHECK_NEAR(hsic(sums, Estimator::song), static_cast<double>(unbiased_hsic_of(k, l)), 1e-13, "n", n);
      const Square centred_k = centred_kernel(gaussian(n, 3, n), Kernel::gaussian, 1.5);
      const Square centred_l = centred_kernel(gaussian(n, 2, n + 1), Kernel::gaussian, 1.0);
      const double wanted = static_cast<double>(biased_hsic_of(centred_k, centred_l));
      CHECK_NEAR(hsic(sums, Estimator::gretton), wanted, 1e-13, "n", n);
      const double off_diagonal = static_cast<double>(lange_hsic_of(centred_k, centred_l));
      CHECK_NEAR(hsic(sums, Estimator::lange), off_diagonal, 1e-13, "n", n);
    }
  }
}

#include <algorithm>
#include <memory>
#include <tuple>

#include "arrays.hpp"
#include "check.hpp"
#include "gram.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

using Square = std::vector<double>;

double distance(const Matrix& x, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t c = 0; c < x.columns; ++c) sum += std::pow(x.at(i, c) - x.at(j, c), 2);
  return std::sqrt(sum);
}

double median_of(const Matrix& x) {
  std::vector<double> all;
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t j = i + 1; j < x.rows; ++j) all.push_back(distance(x, i, j));
  std::sort(all.begin(), all.end());
  return (all[(all.size() - 1) / 2] + all[all.size() / 2]) / 2;
}

Square kernel_matrix(const Matrix& x, const KernelChoice& choice) {
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
Square centred(Square k, int64_t n, Estimator estimator) {
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

double inner(const Square& k, const Square& l, int64_t n, Estimator estimator) {
  double sum = 0;
  for (size_t v = 0; v < k.size(); ++v) sum += k[v] * l[v];
  const double count = static_cast<double>(n);
  return estimator == Estimator::gretton ? sum / ((count - 1) * (count - 1)) : sum / (count * (count - 3));
}

// All of a call: prepared matrices, a pass that has run, and the scores it gives.
class Pass {
 public:
  Pass(const ArrayView& x, const ArrayView& y, const KernelChoice& of_k, const KernelChoice& of_l,
       Precision precision)
      : memory_([&](Workspace& workspace) {
          search_ = take_median_search(true, workspace);
          k = take_kernel_matrix(x, of_k, precision, workspace);
          l = take_kernel_matrix(y, of_l, precision, workspace);
          pass_ = take_pair_pass(x.rows, workspace);
        }) {
    prepare_kernel_matrix(k, search_, nullptr);
    prepare_kernel_matrix(l, search_, nullptr);
    run_pair_pass(k, l, pass_, nullptr);
  }

  double score(Estimator estimator, Score which) const {
    double value = 0;
    write_score(k, l, pass_, estimator, which, &value, nullptr);
    return value;
  }

  KernelMatrix k, l;

 private:
  MedianSearch search_{};
  PairPass pass_{};
  testing::Memory<std::function<void(Workspace&)>> memory_;
};

const Estimator kEstimators[] = {Estimator::gretton, Estimator::song, Estimator::lange};

// Scores against float64, to `tolerance` of the norms of the centred matrices.
void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                  const KernelChoice& of_l, Precision precision, double tolerance) {
  const Pass pass(x.view(), y.view(), of_k, of_l, precision);
  const int64_t n = x.rows;
  const Square plain_k = kernel_matrix(x, of_k), plain_l = kernel_matrix(y, of_l);
  for (Estimator estimator : kEstimators) {
    if (n < 4 && estimator != Estimator::gretton) continue;
    const Square k = centred(plain_k, n, estimator), l = centred(plain_l, n, estimator);
    const double own_k = inner(k, k, n, estimator), own_l = inner(l, l, n, estimator);
    const double cross = inner(k, l, n, estimator), norm = std::sqrt(own_k) * std::sqrt(own_l);
    const int kernel = static_cast<int>(of_k.kernel), kind = static_cast<int>(estimator);
    CHECK_NEAR(pass.score(estimator, Score::hsic), cross, tolerance * norm, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind, "norm", norm);
    CHECK_NEAR(pass.score(estimator, Score::cka), cross / norm, tolerance, "n", n, "d", x.columns,
               "kernel", kernel, "estimator", kind);
  }
}

}  // namespace

TEST(scores_of_all_kernels_are_those_of_float64) {
  const KernelChoice choices[] = {
      {.kernel = Kernel::linear},
      {.kernel = Kernel::linear, .unit = true},
      {.kernel = Kernel::gaussian, .bandwidth = 0},
      {.kernel = Kernel::gaussian, .bandwidth = 2.5},
      {.kernel = Kernel::laplacian, .bandwidth = 0},
      {.kernel = Kernel::distance},
      {.kernel = Kernel::polynomial, .degree = 3, .offset = 1, .gamma = 0.2},
      {.kernel = Kernel::polynomial, .degree = 1, .offset = 0, .gamma = 1},
  };
  for (const KernelChoice& choice : choices)
    check_scores(testing::normal(5, 33, 3), testing::normal(5, 2, 4), choice, choice,
                 Precision::exact, 1e-6);
  for (int chosen : {0, 2, 6})
    check_scores(testing::normal(130, 7, 3), testing::normal(130, 3, 4), choices[chosen],
                 choices[chosen], Precision::exact, 1e-6);
  check_scores(testing::normal(2, 1, 3), testing::normal(2, 3, 4), choices[2], choices[2],
               Precision::exact, 1e-6);
}

TEST(scores_of_low_precision_are_near_those_of_float64) {
  const Matrix x = testing::normal(129, 40, 3), y = testing::normal(129, 32, 4);
  for (const KernelChoice& choice :
       {KernelChoice{.kernel = Kernel::linear}, KernelChoice{.kernel = Kernel::gaussian, .bandwidth = 9}}) {
    check_scores(x, y, choice, choice, Precision::high, 2e-5);
    check_scores(x, y, choice, choice, Precision::fast, 5e-3);
  }
}

TEST(different_kernels_meet_in_a_pass) {
  Matrix x = testing::normal(140, 5, 7);
  check_scores(x, x, {.kernel = Kernel::linear}, {.kernel = Kernel::laplacian, .bandwidth = 3},
               Precision::exact, 1e-6);
}

TEST(gaussian_scores_keep_digits_of_hostile_rows) {
  Matrix far = testing::normal(40, 6, 3, 1e4f), tiny = testing::normal(40, 6, 4);
  Matrix huge = tiny, twins = tiny, outlier = tiny;
  for (float& value : tiny.values) value *= 1e-20f;
  for (float& value : huge.values) value *= 1e18f;
  for (int64_t i = 1; i < 40; i += 2)  // near duplicates, and one pair of duplicates
    for (int64_t c = 0; c < 6; ++c)
      twins.at(i, c) = static_cast<float>(twins.at(i - 1, c)) * (i == 7 ? 1.0f : 1.0f + 1e-5f * i);
  for (int64_t c = 0; c < 6; ++c) outlier.at(11, c) = 1e4f;
  const KernelChoice gaussian{.kernel = Kernel::gaussian, .bandwidth = 0};
  const KernelChoice laplacian{.kernel = Kernel::laplacian, .bandwidth = 0};
  check_scores(tiny, huge, gaussian, gaussian, Precision::exact, 1e-6);
  check_scores(far, outlier, gaussian, laplacian, Precision::exact, 1e-6);
  check_scores(twins, outlier, laplacian, gaussian, Precision::exact, 1e-6);
  check_scores(twins, tiny, {.kernel = Kernel::distance}, laplacian, Precision::exact, 1e-6);
  // A wide kernel, whose values are all near 1.
  check_scores(twins, huge, {.kernel = Kernel::gaussian, .bandwidth = 1e4},
               {.kernel = Kernel::gaussian, .bandwidth = 1e23}, Precision::exact, 1e-6);
}

TEST(cka_matrix_is_that_of_float64) {
  const int64_t n = 131;
  std::vector<Matrix> xs;
  for (uint32_t m = 0; m < 4; ++m) xs.push_back(testing::normal(n, 3 + 2 * m, m));
  for (float& value : xs[3].values) value = 2;  // of a constant nothing is defined
  const KernelChoice choice{.kernel = Kernel::laplacian, .bandwidth = 2};
  const std::vector<int> left{0, 1, 2, 3}, right{2, 0};
  for (Precision precision : {Precision::exact, Precision::fast}) {
    std::vector<KernelMatrix> matrices;
    MatrixPass pass{};
    testing::Memory memory([&](Workspace& workspace) {
      matrices.clear();
      for (const Matrix& x : xs)
        matrices.push_back(take_kernel_matrix(x.view(), choice, precision, workspace));
      pass = take_matrix_pass(n, 4, workspace);
    });
    for (const KernelMatrix& matrix : matrices) prepare_kernel_matrix(matrix, {}, nullptr);
    for (Estimator estimator : kEstimators) {
      run_matrix_pass(matrices, pass, estimator, nullptr);
      std::vector<double> scores(8);
      write_cka_matrix(pass, left, right, scores.data(), nullptr);
      const auto kernel = [&](int m) { return centred(kernel_matrix(xs[m], choice), n, estimator); };
      for (int a : left)
        for (int j = 0; j < 2; ++j) {
          const double score = scores[a * 2 + j];
          if (a == 3) {
            CHECK(std::isnan(score));
            continue;
          }
          const Square k = kernel(a), l = kernel(right[j]);
          const double wanted = inner(k, l, n, estimator) / std::sqrt(inner(k, k, n, estimator)) /
                                std::sqrt(inner(l, l, n, estimator));
          CHECK_NEAR(score, wanted, precision == Precision::exact ? 1e-6 : 5e-3, a, j);
          if (a == right[j]) CHECK(score == 1);
        }
      if (precision == Precision::fast) break;
    }
  }
}

TEST(centered_gram_is_that_of_float64) {
  for (int64_t n : {1, 5, 130})
    for (const KernelChoice& choice :
         {KernelChoice{.kernel = Kernel::linear}, KernelChoice{.kernel = Kernel::laplacian, .bandwidth = 2},
          KernelChoice{.kernel = Kernel::polynomial, .degree = 2, .offset = 1, .gamma = 0.5}}) {
      const Matrix x = testing::normal(n, 7, 3, 20);
      KernelMatrix matrix{};
      CenteredGram gram{};
      testing::Memory memory([&](Workspace& workspace) {
        matrix = take_kernel_matrix(x.view(), choice, Precision::exact, workspace);
        gram = take_centered_gram(n, workspace);
      });
      prepare_kernel_matrix(matrix, {}, nullptr);
      std::vector<float> narrow(n * n);
      std::vector<double> wide(n * n);
      write_centered_gram(matrix, gram, false, narrow.data(), nullptr);
      write_centered_gram(matrix, gram, true, wide.data(), nullptr);
      const Square wanted = centred(kernel_matrix(x, choice), n, Estimator::gretton);
      double largest = 0;
      for (double value : wanted) largest = std::max(largest, std::abs(value));
      for (int64_t v = 0; v < n * n; ++v) {
        const int kernel = static_cast<int>(choice.kernel);
        CHECK_NEAR(wide[v], wanted[v], 1e-6 * largest + 1e-12, "n", n, v, kernel);
        CHECK_NEAR(narrow[v], wide[v], 1e-7 * std::abs(wide[v]), "n", n, v);
      }
    }
}

TEST(median_distance_is_that_of_float32) {
  for (auto [n, d] : {std::pair<int64_t, int64_t>{2, 3}, {4, 31}, {131, 5}}) {
    Matrix x = testing::normal(n, d, 9);
    for (int clusters : {0, 1}) {
      // Two clusters: of an even number of pairs the middle ones may be far apart.
      if (clusters)
        for (int64_t i = 0; i < n / 2; ++i)
          for (int64_t c = 0; c < d; ++c) x.at(i, c) += 1e3f;
      KernelMatrix matrix{};
      MedianSearch search{};
      testing::Memory memory([&](Workspace& workspace) {
        search = take_median_search(true, workspace);
        matrix = take_kernel_matrix(x.view(), {.kernel = Kernel::gaussian, .bandwidth = 0},
                                    Precision::exact, workspace);
      });
      prepare_kernel_matrix(matrix, search, nullptr);
      const double wanted = median_of(x);
      CHECK_NEAR(matrix.state->bandwidth, wanted, 3e-7 * wanted + (clusters ? 1e-4 : 0), n, d, clusters);
    }
  }
}

TEST(scores_without_meaning_are_nan) {
  const KernelChoice gaussian{.kernel = Kernel::gaussian, .bandwidth = 0}, linear{};
  const Matrix x = testing::normal(20, 3, 5);
  Matrix constant = x, broken = x, equal = x;
  for (float& value : constant.values) value = 3;
  broken.at(7, 1) = INFINITY;
  for (int64_t i = 0; i < 16; ++i)
    for (int64_t c = 0; c < 3; ++c) equal.at(i, c) = 1;
  for (const KernelChoice& choice : {KernelChoice{.kernel = Kernel::distance}, linear}) {
    const Pass with_constant(x.view(), constant.view(), choice, choice, Precision::exact);
    const Pass with_broken(broken.view(), x.view(), choice, choice, Precision::fast);
    for (Estimator estimator : kEstimators) {
      CHECK(with_constant.score(estimator, Score::hsic) == 0);
      CHECK(std::isnan(with_constant.score(estimator, Score::cka)));
      CHECK(std::isnan(with_broken.score(estimator, Score::hsic)));
      CHECK(std::isnan(with_broken.score(estimator, Score::cka)));
    }
  }
  // The median distance is 0.
  const Pass with_equal(equal.view(), x.view(), gaussian, gaussian, Precision::exact);
  CHECK(std::isnan(with_equal.score(Estimator::song, Score::hsic)));
  // All samples are equally alike.
  Matrix simplex(30, 30);
  for (int64_t i = 0; i < 30; ++i) simplex.at(i, i) = 1;
  const Pass with_simplex(simplex.view(), simplex.view(), gaussian, gaussian, Precision::exact);
  CHECK(std::isnan(with_simplex.score(Estimator::song, Score::cka)));
}

TEST(scores_are_the_same_bits_whatever_the_schedule) {
  const Matrix x = testing::normal(300, 9, 1), y = testing::normal(300, 4, 2);
  const KernelChoice choice{.kernel = Kernel::laplacian, .bandwidth = 2};
  static double first = 0;
  const Pass pass(x.view(), y.view(), choice, choice, Precision::exact);
  const double score = pass.score(Estimator::song, Score::cka);
  if (shim::control().seed == 0) first = score;
  CHECK(score == first, score, first);
}

TEST(no_synchronisation_of_a_pass_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const std::vector<testing::Excused> excused{
      {"sm80_median_distance.cu", "count_patterns",
       "a block has a second tile only of matrices that are too large for a test"},
      {"sm80_median_distance.cu", "find_bin",
       "what is found of a sample is only where to look first"},
  };
  // One step of a product, whose stage the sums of lines use again, and more.
  const Matrix x = testing::normal(140, 20, 21), y = testing::normal(140, 70, 22);
  const KernelChoice median{.kernel = Kernel::gaussian, .bandwidth = 0};
  testing::every_site_matters([&] { check_scores(x, y, median, median, Precision::fast, 5e-3); },
                              excused);
  const KernelChoice linear{.kernel = Kernel::linear};
  testing::every_site_matters([&] { check_scores(x, y, linear, linear, Precision::exact, 2e-5); });
}

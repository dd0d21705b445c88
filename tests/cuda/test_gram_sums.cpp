#include "gram_scores.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::centred;
using testing::inner;
using testing::kernel_matrix;
using testing::Matrix;
using testing::Pass;
using testing::Score;
using testing::Square;
using testing::kEstimators;

namespace {

void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                  const KernelChoice& of_l, Precision precision, double tolerance) {
  for (Path path : testing::kPaths) testing::check_scores(x, y, of_k, of_l, precision, tolerance, path);
}

void check_general(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                   const KernelChoice& of_l, Precision precision, double tolerance) {
  testing::check_scores(x, y, of_k, of_l, precision, tolerance, Path::general);
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
    check_scores(testing::normal(5, 7, 3), testing::normal(5, 2, 4), choice, choice,
                 Precision::exact, 1e-6);
  check_scores(testing::normal(130, 7, 3), testing::normal(130, 3, 4), choices[2], choices[6],
               Precision::exact, 1e-6);
  check_scores(testing::normal(4, 200, 3), testing::normal(4, 33, 4), choices[3], choices[0],
               Precision::exact, 1e-6);
  check_scores(testing::normal(2, 1, 3), testing::normal(2, 3, 4), choices[2], choices[2],
               Precision::exact, 1e-6);
}

TEST(scores_of_low_precision_are_near_those_of_float64) {
  const Matrix x = testing::normal(70, 40, 3), y = testing::normal(70, 32, 4);
  for (const KernelChoice& choice :
       {KernelChoice{.kernel = Kernel::linear},
        KernelChoice{.kernel = Kernel::gaussian, .bandwidth = 9}}) {
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
  // A pass over more than two is the general one, whatever path its matrices are for.
  for (const auto& [precision, path] : {std::pair{Precision::exact, Path::general},
                                        {Precision::fast, Path::hopper}}) {
    std::vector<KernelMatrix> matrices;
    GramPass pass{};
    testing::Memory memory([&](Workspace& workspace) {
      matrices.clear();
      for (const Matrix& x : xs)
        matrices.push_back(take_kernel_matrix(x.view(), choice, precision, path, workspace));
      pass = take_gram_pass(n, 4, workspace);
    });
    for (const KernelMatrix& matrix : matrices) prepare_kernel_matrix(matrix, {}, nullptr);
    constexpr Estimator song = Estimator::song;
    run_gram_pass(matrices, pass, song, nullptr);
    std::vector<double> scores(8);
    write_cka(pass, left, right, scores.data(), nullptr);
    const auto kernel = [&](int m) { return centred(kernel_matrix(xs[m], choice), n, song); };
    for (int a : left)
      for (int j = 0; j < 2; ++j) {
        const double score = scores[a * 2 + j];
        if (a == 3) {
          CHECK(std::isnan(score));
          continue;
        }
        const Square k = kernel(a), l = kernel(right[j]);
        const double wanted = inner(k, l, n, song) / std::sqrt(inner(k, k, n, song)) /
                              std::sqrt(inner(l, l, n, song));
        CHECK_NEAR(score, wanted, precision == Precision::exact ? 1e-6 : 5e-3, a, j);
        if (a == right[j]) CHECK(score == 1);
      }
  }
}

TEST(digits_that_float32_has_lost_are_computed_again) {
  const int64_t n = 70;
  Matrix x = testing::normal(n, 5, 1), outlier = x;
  const Matrix y = testing::normal(n, 6, 2);
  for (int64_t c = 0; c < 5; ++c) outlier.at(11, c) = 1e5f;
  const KernelChoice choices[] = {
      {.kernel = Kernel::linear},
      {.kernel = Kernel::distance},
      {.kernel = Kernel::gaussian, .bandwidth = 3e6},
      {.kernel = Kernel::polynomial, .degree = 2, .offset = 1, .gamma = 0.1},
  };
  for (const KernelChoice& choice : choices)
    check_scores(outlier, y, choice, {.kernel = Kernel::gaussian, .bandwidth = 2}, Precision::exact,
                 2e-6);
  // Values all within 1e-29 of one another: 1 - distance / bandwidth.
  const KernelChoice wide{.kernel = Kernel::laplacian, .bandwidth = 1e30};
  for (Path path : testing::kPaths) {
    Pass pass(x.view(), y.view(), wide, wide, Precision::exact, path);
    for (Estimator estimator : kEstimators) {
      const Square k = centred(kernel_matrix(x, choices[1]), n, estimator);
      const Square l = centred(kernel_matrix(y, choices[1]), n, estimator);
      const double norm = std::sqrt(inner(k, k, n, estimator) * inner(l, l, n, estimator));
      CHECK_NEAR(pass.score(estimator, Score::cka), inner(k, l, n, estimator) / norm, 1e-9);
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
  for (Path path : testing::kPaths) {
    for (const KernelChoice& choice : {KernelChoice{.kernel = Kernel::distance}, linear}) {
      Pass with_constant(x.view(), constant.view(), choice, choice, Precision::exact, path);
      Pass with_broken(broken.view(), x.view(), choice, choice, Precision::fast, path);
      for (Estimator estimator : kEstimators) {
        CHECK(with_constant.score(estimator, Score::hsic) == 0);
        CHECK(std::isnan(with_constant.score(estimator, Score::cka)));
        CHECK(std::isnan(with_broken.score(estimator, Score::hsic)));
        CHECK(std::isnan(with_broken.score(estimator, Score::cka)));
      }
    }
    // The median distance is 0.
    Pass with_equal(equal.view(), x.view(), gaussian, gaussian, Precision::exact, path);
    CHECK(std::isnan(with_equal.score(Estimator::song, Score::hsic)));
    // All samples are equally alike.
    Matrix simplex(30, 30);
    for (int64_t i = 0; i < 30; ++i) simplex.at(i, i) = 1;
    Pass with_simplex(simplex.view(), simplex.view(), gaussian, gaussian, Precision::exact, path);
    CHECK(std::isnan(with_simplex.score(Estimator::song, Score::cka)));
  }
}

TEST(scores_are_the_same_bits_whatever_the_schedule) {
  const Matrix x = testing::normal(257, 9, 1), y = testing::normal(257, 4, 2);
  const KernelChoice choice{.kernel = Kernel::laplacian, .bandwidth = 2};
  static double first = 0;
  Pass pass(x.view(), y.view(), choice, choice, Precision::exact, Path::general);
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
  testing::every_site_matters([&] { check_general(x, y, median, median, Precision::fast, 5e-3); },
                              excused);
  const KernelChoice linear{.kernel = Kernel::linear};
  testing::every_site_matters([&] { check_general(x, y, linear, linear, Precision::exact, 2e-5); });
  // What is computed again in float64.
  Matrix outlier = testing::normal(70, 20, 23);
  outlier.at(3, 0) = 1e5f;
  const KernelChoice distance{.kernel = Kernel::distance};
  testing::every_site_matters(
      [&] { check_general(outlier, outlier, distance, linear, Precision::exact, 2e-6); });
}

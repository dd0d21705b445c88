// What the pass over two kernel matrices on Hopper's path has of its own: the shapes of its tiles,
// clusters, runs. Kernels and hostile rows are in test_gram_sums.cpp, for both paths.
#include <cstdlib>

#include "gram_scores.hpp"
#include "shim/fibers.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;
using testing::Pass;
using testing::Score;

namespace {

const KernelChoice kLinear{.kernel = Kernel::linear};

void check_scores(const Matrix& x, const Matrix& y, const KernelChoice& of_k,
                  const KernelChoice& of_l, Precision precision, double tolerance) {
  testing::check_scores(x, y, of_k, of_l, precision, tolerance, Path::hopper);
}

// Small integers about 0, whose products are exact in every precision: a pair that is left out or
// counted twice shows.
Matrix integers(int64_t rows, int64_t columns, uint32_t seed) {
  Matrix matrix(rows, columns);
  std::mt19937 generator(seed);
  for (int64_t i = 0; i + 1 < rows; i += 2)
    for (int64_t c = 0; c < columns; ++c) {
      matrix.at(i, c) = static_cast<float>(static_cast<int>(generator() % 9) - 4);
      matrix.at(i + 1, c) = -matrix.values[i * columns + c];
    }
  return matrix;
}

void check_integers(int64_t n, int64_t of_x, int64_t of_y, Precision precision) {
  check_scores(integers(n, of_x, 1), integers(n, of_y, 2), kLinear, kLinear, precision, 1e-6);
}

// A score with another number of multiprocessors, or another tiling.
double score_on(int multiprocessors, const char* tiling, const Matrix& x, const Matrix& y,
                const KernelChoice& choice, Precision precision) {
  shim::control().multiprocessors = multiprocessors;
  setenv("MMKERNELS_CUDA_TILING", tiling, 1);
  const double score = Pass(x.view(), y.view(), choice, choice, precision, Path::hopper)
                           .score(Estimator::song, Score::cka);
  unsetenv("MMKERNELS_CUDA_TILING");
  shim::control().multiprocessors = 2;
  return score;
}

}  // namespace

TEST(hopper_tiles_hold_each_pair_of_samples_once) {
  for (int64_t n : {5, 97, 128, 193, 257, 385}) check_integers(n, 3, 5, Precision::fast);
  for (int64_t n : {95, 193}) check_integers(n, 5, 3, Precision::exact);
  check_integers(256, 3, 3, Precision::high);
}

TEST(hopper_panels_hold_each_pair_of_samples_once) {
  // Two panels, which meet from one end only, and three.
  if (shim::control().seed == 0) check_integers(769, 2, 1, Precision::fast);
  if (shim::control().seed == 1) check_integers(1537, 1, 2, Precision::fast);
}

TEST(hopper_scores_of_features_of_any_number) {
  for (Precision precision : {Precision::fast, Precision::high, Precision::exact})
    for (auto [of_x, of_y] : {std::pair<int64_t, int64_t>{1, 200}, {129, 64}})
      check_integers(101, of_x, of_y, precision);
}

TEST(hopper_scores_keep_digits_of_near_duplicates_anywhere_in_a_tile) {
  Matrix x = testing::normal(140, 4, 3);
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t c = 0; c < 4; ++c)
      x.at(i + 70, c) = static_cast<float>(x.at(i, c)) * (i % 7 ? 1.0f + 1e-5f * i : 1.0f);
  const KernelChoice laplacian{.kernel = Kernel::laplacian, .bandwidth = 0.01};
  check_scores(x, x, laplacian, {.kernel = Kernel::distance}, Precision::exact, 1e-6);
}

TEST(hopper_scores_are_the_same_bits_however_they_are_computed) {
  const KernelChoice choice{.kernel = Kernel::laplacian, .bandwidth = 2};
  static double first[2];
  for (auto [precision, n] : {std::pair<Precision, int64_t>{Precision::fast, 420},
                              {Precision::exact, 200}}) {
    const Matrix x = testing::normal(n, 70, 1), y = testing::normal(n, 4, 2);
    double& wanted = first[precision == Precision::exact];
    const double score = score_on(2, "", x, y, choice, precision);
    if (shim::control().seed == 0) wanted = score;
    CHECK(score == wanted, score, wanted);
    CHECK(score_on(7, "", x, y, choice, precision) == wanted);
    CHECK(score_on(1, "gram_blocks=1", x, y, choice, precision) == wanted);
  }
}

TEST(no_synchronisation_of_a_hopper_pass_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  // Kernels whose rows do not add up to 0 by themselves, and whose values are not corrected. As few
  // samples as are also held to float64 by the estimator that does not compute again what is lost.
  const KernelChoice square{.kernel = Kernel::polynomial, .degree = 2, .offset = 1, .gamma = 0.1};
  const Matrix few = testing::normal(100, 130, 1), others = testing::normal(100, 70, 2);
  testing::every_site_matters(
      [&] { check_scores(few, others, square, square, Precision::exact, 1e-6); });
  // A ring of two stages, which come round soon.
  const KernelChoice gaussian{.kernel = Kernel::gaussian, .bandwidth = 18};
  const Matrix x = testing::normal(200, 130, 1), y = testing::normal(200, 200, 2);
  testing::every_site_matters([&] { check_scores(x, y, gaussian, gaussian, Precision::high, 1e-4); },
                              {{"sm80_split_product.cuh", "multiply_split",
                                "what the general family makes of rows is for other passes"}});
}

#include "arrays.hpp"
#include "check.hpp"
#include "gram.hpp"
#include "gram_reference.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::centred;
using testing::kernel_matrix;
using testing::Matrix;
using testing::median_of;
using testing::Square;

TEST(centered_gram_is_that_of_float64) {
  const KernelChoice linear{.kernel = Kernel::linear};
  const KernelChoice laplacian{.kernel = Kernel::laplacian, .bandwidth = 2};
  const KernelChoice polynomial{.kernel = Kernel::polynomial, .degree = 2, .offset = 1, .gamma = 0.5};
  for (const auto& [n, choice] :
       {std::pair<int64_t, KernelChoice>{1, linear}, {5, polynomial}, {130, laplacian}}) {
    const Matrix x = testing::normal(n, 7, 3, 20);
    KernelMatrix matrix{};
    CenteredGram gram{};
    testing::Memory memory([&](Workspace& workspace) {
      matrix = take_kernel_matrix(x.view(), choice, Precision::exact, Path::general, workspace);
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
  for (auto [n, d] : {std::pair<int64_t, int64_t>{2, 3}, {5, 31}, {131, 5}}) {
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
                                    Precision::exact, Path::general, workspace);
      });
      prepare_kernel_matrix(matrix, search, nullptr);
      const double wanted = median_of(x);
      CHECK_NEAR(matrix.state->bandwidth, wanted, 3e-7 * wanted + (clusters ? 1e-4 : 0), n, d, clusters);
    }
  }
}

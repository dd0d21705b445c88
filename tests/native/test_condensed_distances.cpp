#include "cpu/condensed_distances.hpp"

#include <cmath>
#include <vector>

#include "check.hpp"
#include "samples.hpp"

using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

std::vector<double> distances(const Matrix& x, Dissimilarity kind, int threads) {
  std::vector<double> out(x.rows * (x.rows - 1) / 2);
  condensed_distances(x.values.data(), x.rows, x.columns, kind, out.data(), Call{threads, {}});
  return out;
}

}  // namespace

TEST(condensed_distances_of_every_size) {
  for (const int64_t n : {2, 3, 16, 17, 33, 255, 256, 257, 600})
    for (const int64_t d : {1, 3, 8, 17, 64}) {
      const Matrix x = gaussian(n, d, n + d);
      const std::vector<double> squared = distances(x, Dissimilarity::squared_euclidean, 2);
      const std::vector<double> euclidean = distances(x, Dissimilarity::euclidean, 3);
      const std::vector<double> half = distances(x, Dissimilarity::half_squared, 1);
      const std::vector<double> city = distances(x, Dissimilarity::cityblock, 2);
      int64_t pair = 0;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = i + 1; j < n; ++j, ++pair) {
          long double square = 0, absolute = 0;
          for (int64_t c = 0; c < d; ++c) {
            const long double difference = static_cast<long double>(x.row(i)[c]) - x.row(j)[c];
            square += difference * difference;
            absolute += std::abs(difference);
          }
          CHECK_NEAR(squared[pair], square, 1e-14 * square, "n", n, "d", d, "pair", i, j);
          CHECK_NEAR(city[pair], absolute, 1e-14 * absolute, "n", n, "d", d, "pair", i, j);
          CHECK(euclidean[pair] == std::sqrt(squared[pair]), "n", n, "d", d);
          CHECK(half[pair] == squared[pair] / 2, "n", n, "d", d);
        }
    }
}

TEST(condensed_distances_of_equal_rows) {
  const Matrix x = all_equal(300, 19, 1);
  for (const Dissimilarity kind : {Dissimilarity::half_squared, Dissimilarity::cityblock})
    for (const double value : distances(x, kind, 2)) CHECK(value == 0);
}

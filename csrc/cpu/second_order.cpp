#include "second_order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "exact_scores.hpp"

namespace mmkernels::cpu {
namespace {

struct Products {
  double xx = 0, yy = 0, xy = 0;
};

}  // namespace

SecondOrder second_order_cosines(const Features& x, const Features& y, const int64_t* in_x,
                                 const int64_t* in_y, int64_t k, const Call& call) {
  const int64_t n = x.view.rows;
  struct Scratch {
    ExactScorer x, y;
    std::vector<int64_t> either;
  };
  std::vector<Scratch> scratches(call.threads, Scratch{ExactScorer(x, x, Metric::cosine),
                                                       ExactScorer(y, y, Metric::cosine), {}});
  std::vector<Products> rows(n);
  constexpr int64_t chunk = 16;
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    auto& [to_x, to_y, either] = scratches[thread];
    for (int64_t row = index * chunk; row < std::min(n, (index + 1) * chunk); ++row) {
      either.assign(in_x + row * k, in_x + (row + 1) * k);
      either.insert(either.end(), in_y + row * k, in_y + (row + 1) * k);
      // In the order of their indices, so that x and y may change places.
      std::sort(either.begin(), either.end());
      either.erase(std::unique(either.begin(), either.end()), either.end());
      to_x.set_query(row);
      to_y.set_query(row);
      Products& products = rows[row];
      for (int64_t other : either) {
        const double of_x = to_x(other), of_y = to_y(other);
        products.xx += of_x * of_x;
        products.yy += of_y * of_y;
        products.xy += of_x * of_y;
      }
    }
  });
  SecondOrder result;
  for (int64_t row = 0; row < n; ++row) {
    const auto& [xx, yy, xy] = rows[row];
    if (xx == 0 && result.first_orthogonal_x < 0) result.first_orthogonal_x = row;
    if (yy == 0 && result.first_orthogonal_y < 0) result.first_orthogonal_y = row;
    result.sum += xy / std::sqrt(xx * yy);
  }
  return result;
}

}  // namespace mmkernels::cpu

#include "ranks.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

#include "list_positions.hpp"

namespace mmkernels::cpu {

double rank_similarities(const int64_t* a, const int64_t* b, int64_t n, int64_t k,
                         const Call& call) {
  std::vector<double> most(k + 1);
  for (int64_t i = 1; i <= k; ++i) most[i] = most[i - 1] + 1 / static_cast<double>(i);
  struct Scratch {
    ListPositions positions;
    std::vector<double> terms;
  };
  std::vector<Scratch> scratches(call.threads, Scratch{ListPositions(k), {}});
  std::vector<double> scores(n);
  constexpr int64_t chunk = 64;
  parallel_for((n + chunk - 1) / chunk, call, [&](int64_t index, int thread) {
    auto& [positions, terms] = scratches[thread];
    for (int64_t row = index * chunk; row < std::min(n, (index + 1) * chunk); ++row) {
      positions.fill(a + row * k);
      terms.clear();
      for (int64_t in_b = 0; in_b < k; ++in_b) {
        const int64_t in_a = positions.find(b[row * k + in_b]);
        if (in_a < 0) continue;
        const double apart = static_cast<double>(std::abs(in_a - in_b));
        terms.push_back(2 / ((1 + apart) * static_cast<double>(in_a + in_b + 2)));
      }
      if (terms.empty()) continue;
      std::sort(terms.begin(), terms.end(), std::greater<>());
      scores[row] = std::accumulate(terms.begin(), terms.end(), 0.0) / most[terms.size()];
    }
  });
  return std::accumulate(scores.begin(), scores.end(), 0.0);
}

}  // namespace mmkernels::cpu

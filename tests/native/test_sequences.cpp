#include "cpu/sequences.hpp"

#include <cmath>
#include <random>

#include "check.hpp"
#include "cpu/ranks.hpp"
#include "lists.hpp"

using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

struct Measured {
  int64_t subsequence = 0, distance = 0;
};

// Both by their dynamic programmes, a cell at a time.
Measured measure(const int64_t* a, const int64_t* b, int64_t k) {
  const int64_t width = k + 1;
  std::vector<int64_t> length(width * width), cost(width * width);
  for (int64_t i = 0; i <= k; ++i) cost[i] = cost[i * width] = i;
  for (int64_t i = 1; i <= k; ++i)
    for (int64_t j = 1; j <= k; ++j) {
      const bool same = a[i - 1] == b[j - 1];
      const int64_t at = i * width + j, above = at - width, corner = above - 1;
      length[at] = same ? length[corner] + 1 : std::max(length[above], length[at - 1]);
      cost[at] = std::min({cost[corner] + !same, cost[above] + 1, cost[at - 1] + 1});
    }
  return {length.back(), cost.back()};
}

void check(const std::vector<int64_t>& a, const std::vector<int64_t>& b, int64_t n, int64_t k) {
  std::vector<int64_t> subsequences, distances;
  double ranks = 0;
  for (int64_t row = 0; row < n; ++row) {
    const int64_t *of_a = a.data() + row * k, *of_b = b.data() + row * k;
    const Measured one = measure(of_a, of_b, k);
    subsequences.push_back(one.subsequence);
    distances.push_back(one.distance);
    double sum = 0, most = 0, shared = 0;
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        if (of_a[i] == of_b[j]) {
          sum += 2.0 / static_cast<double>((1 + std::abs(i - j)) * (i + j + 2));
          most += 1 / ++shared;
        }
    if (shared > 0) ranks += sum / most;
  }
  const Call call{2, {}};
  CHECK(common_subsequences(a.data(), b.data(), n, k, call) == subsequences, "n", n, "k", k);
  CHECK(edit_distances(a.data(), b.data(), n, k, call) == distances, "n", n, "k", k);
  const double found = rank_similarities(a.data(), b.data(), n, k, call);
  CHECK_NEAR(found, ranks, 1e-12 * static_cast<double>(n), "n", n, "k", k);
  CHECK(rank_similarities(b.data(), a.data(), n, k, call) == found, "n", n, "k", k);
  const std::vector<int64_t> all(n, k), none(n, 0);
  CHECK(common_subsequences(a.data(), a.data(), n, k, call) == all, "n", n, "k", k);
  CHECK(edit_distances(a.data(), a.data(), n, k, call) == none, "n", n, "k", k);
  CHECK(rank_similarities(a.data(), a.data(), n, k, call) == static_cast<double>(n), n, k);
}

}  // namespace

// Words that are not full, just full, and several.
TEST(sequences_of_every_length) {
  std::mt19937_64 generator(1);
  for (const int64_t k : {1, 2, 3, 10, 31, 63, 64, 65, 100, 127, 128, 129, 193})
    for (const int64_t pool : {k, k + 3, 3 * k}) {
      const int64_t n = k < 60 ? 200 : 20, first = pool == k ? int64_t{1} << 40 : 0;
      check(random_lists(n, k, pool, first, generator), random_lists(n, k, pool, first, generator),
            n, k);
    }
}

// Long runs carry across words; rotations and reversals are where the two distances differ most.
TEST(sequences_that_are_nearly_the_same) {
  std::mt19937_64 generator(2);
  for (const int64_t k : {5, 64, 70, 200}) {
    const int64_t n = 40;
    const auto a = random_lists(n, k, 2 * k, 0, generator);
    auto b = a;
    for (int64_t row = 0; row < n; ++row) {
      const auto begin = b.begin() + row * k, end = begin + k;
      if (row % 4 == 0) std::rotate(begin, begin + row % k, end);
      if (row % 4 == 1) std::reverse(begin, end);
      if (row % 4 == 2) *(begin + row % k) = 2 * k;
      if (row % 4 == 3) std::swap(*(begin + row % k), *(end - 1));
    }
    check(a, b, n, k);
  }
}

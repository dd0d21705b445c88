#include "cpu/overlap.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "check.hpp"

using namespace mmkernels::cpu;

TEST(overlap_of_every_size) {
  std::mt19937_64 generator(1);
  for (const int64_t n : {1, 2, 5, 31, 33, 129, 500})
    for (const int64_t k : {int64_t{1}, int64_t{10}, int64_t{64}}) {
      // Some k of k + 7 indices, in any order; large ones, as they do not have to be rows.
      std::vector<std::vector<int64_t>> lists(4, std::vector<int64_t>(n * k));
      for (auto& list : lists)
        for (int64_t row = 0; row < n; ++row) {
          std::vector<int64_t> pool(k + 7);
          std::iota(pool.begin(), pool.end(), int64_t{1} << 40);
          std::shuffle(pool.begin(), pool.end(), generator);
          std::copy_n(pool.begin(), k, list.begin() + row * k);
        }
      lists[3] = lists[0];
      std::vector<const int64_t*> data;
      for (const auto& list : lists) data.push_back(list.data());
      const std::vector<int> left{0, 2, 2}, right{1, 3};
      const std::vector<int64_t> found = overlap_counts(data, n, k, left, right, Call{2, {}});
      CHECK(found.size() == left.size() * right.size());
      for (size_t a = 0; a < left.size(); ++a)
        for (size_t b = 0; b < right.size(); ++b) {
          int64_t wanted = 0;
          for (int64_t row = 0; row < n; ++row) {
            const int64_t* of = data[left[a]] + row * k;
            const std::set<int64_t> members(of, of + k);
            for (int64_t i = 0; i < k; ++i) wanted += members.count(data[right[b]][row * k + i]);
          }
          CHECK(found[a * right.size() + b] == wanted, "n", n, "k", k, "pair", a, b);
        }
      CHECK(found[1] == n * k, "a list and itself");
    }
}

#include "cpu/overlap.hpp"

#include <algorithm>
#include <random>
#include <set>

#include "check.hpp"
#include "lists.hpp"

using namespace mmkernels::cpu;
using namespace mmkernels::testing;

TEST(overlap_of_every_size) {
  std::mt19937_64 generator(1);
  for (const int64_t n : {1, 2, 5, 31, 33, 129, 500})
    for (const int64_t k : {int64_t{1}, int64_t{10}, int64_t{64}}) {
      // Some k of k + 7 indices, in any order; large ones, as they do not have to be rows.
      std::vector<std::vector<int64_t>> lists(4);
      for (auto& list : lists) list = random_lists(n, k, k + 7, int64_t{1} << 40, generator);
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

TEST(overlap_of_many_lists) {
  std::mt19937_64 generator(4);
  const int64_t n = 70, k = 9;
  std::vector<std::vector<int64_t>> lists(140);
  for (auto& list : lists) list = random_lists(n, k, k + 40, int64_t{1} << 40, generator);
  std::vector<const int64_t*> data;
  for (const auto& list : lists) data.push_back(list.data());
  // Tables hold 64 lists at a time, of the side with more.
  for (const int cut : {1, 3, 4, 5, 64, 65, 70, 75, 76, 137, 139}) {
    std::vector<int> left, right;
    for (int i = 0; i < 140; ++i) (i < cut ? left : right).push_back(i);
    const std::vector<int64_t> found = overlap_counts(data, n, k, left, right, Call{2, {}});
    const std::vector<int64_t> turned = overlap_counts(data, n, k, right, left, Call{1, {}});
    for (size_t a = 0; a < left.size(); a += 1 + left.size() / 9)
      for (size_t b = 0; b < right.size(); b += 1 + right.size() / 9) {
        const int64_t wanted =
            overlap_counts(data, n, k, {left[a]}, {right[b]}, Call{1, {}}).front();
        CHECK(found[a * right.size() + b] == wanted, "cut", cut, "pair", a, b);
        CHECK(turned[b * left.size() + a] == wanted, "cut", cut, "pair", a, b);
      }
  }
}

TEST(overlap_histogram_counts_rows) {
  std::mt19937_64 generator(2);
  for (const int64_t n : {1, 33, 200})
    for (const int64_t k : {1, 10, 70}) {
      const auto a = random_lists(n, k, 2 * k, 0, generator);
      const auto b = random_lists(n, k, 2 * k, 0, generator);
      std::vector<int64_t> wanted(k + 1);
      for (int64_t row = 0; row < n; ++row) {
        const std::set<int64_t> members(a.begin() + row * k, a.begin() + (row + 1) * k);
        ++wanted[std::count_if(b.begin() + row * k, b.begin() + (row + 1) * k,
                               [&](int64_t index) { return members.count(index) > 0; })];
      }
      CHECK(overlap_histogram(a.data(), b.data(), n, k, Call{3, {}}) == wanted, "n", n, "k", k);
    }
}

TEST(overlap_cycles_of_every_size) {
  std::mt19937_64 generator(3);
  for (const int64_t n : {2, 5, 33, 300})
    for (const int64_t k : {1, 2, 4, 20}) {
      if (k > n) continue;
      const auto x = random_lists(n, k, n, 0, generator), y = random_lists(n, k, n, 0, generator);
      int64_t wanted = 0;
      for (int64_t row = 0; row < n; ++row) {
        std::set<int64_t> reached;
        for (int64_t i = 0; i < k; ++i)
          for (int64_t j = 0; j < k; ++j) reached.insert(x[y[row * k + i] * k + j]);
        wanted += reached.count(row);
      }
      CHECK(cycle_count(x.data(), y.data(), n, k, Call{2, {}}) == wanted, "n", n, "k", k);
    }
}

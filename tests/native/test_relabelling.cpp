#include "cpu/relabelling.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "check.hpp"
#include "lists.hpp"

using namespace mmkernels::cpu;
using namespace mmkernels::testing;
using Lists = std::vector<int64_t>;

namespace {

Lists labels_of(uint64_t seed, int64_t number, int64_t n) {
  Lists labels(n, -1);
  write_labels(seed, number, n, labels.data(), Call{2, {}});
  return labels;
}

// y's lists as they are when its samples have the labels: sample i is the one labelled i before.
Lists relabelled(const Lists& y, const Lists& labels, int64_t k) {
  Lists sample_of(labels.size()), moved(y.size());
  for (size_t i = 0; i < labels.size(); ++i) sample_of[labels[i]] = i;
  for (size_t i = 0; i < labels.size(); ++i)
    for (int64_t j = 0; j < k; ++j) moved[i * k + j] = sample_of[y[labels[i] * k + j]];
  return moved;
}

// Of y's indices, however often there, those that x has.
int64_t in_common(const Lists& x, const Lists& y, int64_t n, int64_t k) {
  int64_t count = 0;
  for (int64_t row = 0; row < n; ++row) {
    const std::set<int64_t> members(x.begin() + row * k, x.begin() + (row + 1) * k);
    for (int64_t j = 0; j < k; ++j) count += members.count(y[row * k + j]);
  }
  return count;
}

void check(const Lists& x, const Lists& y, int64_t n, int64_t k, uint64_t seed) {
  constexpr int64_t count = 5;
  const Lists found =
      relabelled_overlaps(x.data(), y.data(), n, k, seed, count, Call{2, {}});
  CHECK(found.size() == count);
  for (int64_t number = 0; number < count; ++number) {
    const Lists moved = relabelled(y, labels_of(seed, number, n), k);
    CHECK(found[number] == in_common(x, moved, n, k), "n", n, "k", k, "number", number);
  }
}

}  // namespace

TEST(relabelling_is_a_permutation_of_its_own) {
  std::set<Lists> met;
  for (const int64_t n : {1, 2, 3, 31, 64, 65, 1000, 4097, 20000})
    for (const uint64_t seed : {uint64_t{0}, uint64_t{7}, ~uint64_t{0} >> 1})
      for (const int64_t number : {0, 1, 199}) {
        Lists labels = labels_of(seed, number, n);
        if (n > 10) CHECK(met.insert(labels).second, n, seed, number);
        std::sort(labels.begin(), labels.end());
        for (int64_t i = 0; i < n; ++i) CHECK(labels[i] == i, n, seed, number);
      }
}

// Chi-squared of the 24 permutations of 4: at most 60 but once in 30,000 such tests.
TEST(relabellings_are_equally_frequent) {
  constexpr int draws = 24000;
  std::map<Lists, int> counts;
  for (int number = 0; number < draws; ++number) ++counts[labels_of(3, number, 4)];
  CHECK(counts.size() == 24, counts.size());
  double sum = 0;
  for (const auto& [labels, count] : counts) sum += (count - 1000.0) * (count - 1000.0) / 1000.0;
  CHECK(sum < 60 && sum > 6, sum);
}

TEST(relabelled_overlaps_of_every_size) {
  std::mt19937_64 generator(1);
  for (const int64_t n : {2, 3, 31, 33, 129, 1000, 4100})
    for (const int64_t k : {1, 2, 10, 33, 64}) {
      if (k > n) continue;
      const Lists x = random_lists(n, k, n, 0, generator), y = random_lists(n, k, n, 0, generator);
      check(x, y, n, k, 11);
    }
}

// Where all lists hold nearly all samples, no two of them have nothing in common.
TEST(relabelled_overlaps_of_long_lists) {
  std::mt19937_64 generator(2);
  const Lists x = random_lists(700, 600, 700, 0, generator);
  check(x, random_lists(700, 600, 700, 0, generator), 700, 600, 1);
}

TEST(relabelled_overlaps_of_repeated_indices) {
  std::mt19937_64 generator(3);
  Lists x(50 * 12), y(50 * 12);
  for (Lists* lists : {&x, &y})
    for (int64_t& index : *lists) index = static_cast<int64_t>(generator() % 50);
  check(x, y, 50, 12, 4);
}

// More of them than are held at a time, and more rows than there are marks.
TEST(relabelled_overlaps_of_many_rows) {
  std::mt19937_64 generator(4);
  const int64_t n = 900000, k = 2;
  Lists x(n * k), y(n * k);
  for (Lists* lists : {&x, &y})
    for (int64_t& index : *lists) index = static_cast<int64_t>(generator() % n);
  const Lists found = relabelled_overlaps(x.data(), y.data(), n, k, 5, 6, Call{1, {}});
  for (const int64_t number : {0, 5}) {
    const Lists moved = relabelled(y, labels_of(5, number, n), k);
    int64_t wanted = 0;
    for (int64_t i = 0; i < n * k; i += 2)
      for (int64_t j : {i, i + 1}) wanted += moved[j] == x[i] || moved[j] == x[i + 1];
    CHECK(found[number] == wanted, number);
  }
}

// Of blocks of samples that are each other's neighbours the mean is k / (n - 1) too, and the
// variance is that of the number of pairs that stay together.
TEST(relabelled_overlaps_have_the_mean_and_variance_of_chance) {
  constexpr int64_t k = 10, n = 99, count = 20000;
  Lists lists(n * k);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t j = 0, other = row / (k + 1) * (k + 1); j < k; ++other)
      if (other != row) lists[row * k + j++] = other;
  const Lists found = relabelled_overlaps(lists.data(), lists.data(), n, k, 6, count, Call{2, {}});
  double sum = 0, squares = 0;
  for (const int64_t shared : found) {
    sum += static_cast<double>(shared);
    squares += static_cast<double>(shared) * static_cast<double>(shared);
  }
  const double mean = sum / count, variance = squares / count - mean * mean;
  // 166.5, of 10^5 permutations by std::shuffle; the tolerances are five standard errors.
  CHECK_NEAR(variance, 166.5, 5 * 1.8);
  CHECK_NEAR(mean, static_cast<double>(n * k * k) / (n - 1), 5 * std::sqrt(166.5 / count));
}

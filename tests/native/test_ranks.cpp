// Ranks, orders and moments of lists, around the lengths at which they are cut into chunks.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "cpu/merge_sort.hpp"
#include "cpu/moments.hpp"
#include "cpu/rank_correlation.hpp"

using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

// Whole numbers below `distinct`, by which as many are shared as a test wants.
std::vector<double> list(int64_t count, int64_t distinct, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(generator() % distinct) - 3;
  return values;
}

std::vector<int64_t> lengths() {
  return {1, 2, 3, 7, 8, 9, 100, kSortChunk - 1, kSortChunk, kSortChunk + 1, 5 * kSortChunk + 77};
}

std::vector<double> simple_ranks(const std::vector<double>& values) {
  std::vector<double> sorted = values, ranks(values.size());
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < values.size(); ++i) {
    const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), values[i]);
    ranks[i] = static_cast<double>((first - sorted.begin()) + (last - sorted.begin()) + 1) / 2;
  }
  return ranks;
}

}  // namespace

TEST(merge_sort_is_stable_and_counts_inversions) {
  struct Item {
    uint32_t key, place;
  };
  const auto less = [](const Item& a, const Item& b) { return a.key < b.key; };
  for (const int64_t count : lengths())
    for (const uint32_t distinct : {1u, 3u, 1u << 30}) {
      std::mt19937 generator(distinct);
      std::vector<Item> items(count);
      for (int64_t i = 0; i < count; ++i)
        items[i] = {static_cast<uint32_t>(generator() % distinct), static_cast<uint32_t>(i)};
      std::vector<Item> wanted = items;
      std::stable_sort(wanted.begin(), wanted.end(), less);
      const bool small = count <= 100;
      int64_t inversions = 0;
      for (int64_t i = 0; small && i < count; ++i)
        for (int64_t j = i + 1; j < count; ++j) inversions += less(items[j], items[i]);
      std::vector<Item> alone = items;
      const int64_t found = merge_sort(items, less, Call{3, {}});
      CHECK(merge_sort(alone, less, Call{1, {}}) == found, "count", count);
      if (small) CHECK(found == inversions, "count", count, "distinct", distinct);
      for (int64_t i = 0; i < count; ++i)
        CHECK(items[i].place == wanted[i].place, "count", count, "distinct", distinct, "at", i);
    }
  std::vector<uint32_t> backwards(100000);
  for (size_t i = 0; i < backwards.size(); ++i) backwards[i] = 100000 - i;
  CHECK(merge_sort(backwards, std::less<uint32_t>(), Call{2, {}}) == int64_t{100000} * 99999 / 2);
}

TEST(merge_sort_of_nothing) {
  std::vector<uint32_t> nothing;
  CHECK(merge_sort(nothing, std::less<uint32_t>(), Call{2, {}}) == 0);
}

TEST(average_ranks_of_every_length) {
  for (const int64_t count : lengths())
    for (const int64_t distinct : {int64_t{1}, int64_t{2}, int64_t{50}, int64_t{1} << 40}) {
      std::vector<double> values = list(count, distinct, count);
      if (count > 8) {
        values[0] = -0.0, values[1] = 0.0;
        values[2] = std::numeric_limits<double>::denorm_min();
        values[3] = -std::numeric_limits<double>::max();
      }
      const std::vector<double> wanted = simple_ranks(values);
      std::vector<double> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      int64_t ties = 0;
      for (int64_t i = 0, run = 1; i + 1 < count; ++i) {
        run = sorted[i] == sorted[i + 1] ? run + 1 : 1;
        ties += run - 1;
      }
      CHECK(average_ranks(values.data(), count, Call{3, {}}) == ties, "count", count);
      CHECK(values == wanted, "count", count, "distinct", distinct);
    }
}

TEST(kendall_counts_of_every_pair) {
  for (const int64_t count : {1, 2, 3, 9, 100, 1500})
    for (const int64_t distinct : {1, 2, 12, 1 << 30}) {
      std::vector<double> a = list(count, distinct, 1), b = list(count, distinct, 2);
      int64_t both = 0, discordant = 0;
      for (int64_t i = 0; i < count; ++i)
        for (int64_t j = i + 1; j < count; ++j) {
          both += a[i] == a[j] && b[i] == b[j];
          discordant += (a[i] - a[j]) * (b[i] - b[j]) < 0;
        }
      average_ranks(a.data(), count, Call{2, {}});
      average_ranks(b.data(), count, Call{2, {}});
      const KendallCounts found = kendall_counts(a.data(), b.data(), count, Call{2, {}});
      CHECK(found.tied_in_both == both, "count", count, "distinct", distinct);
      CHECK(found.discordant == discordant, "count", count, "distinct", distinct);
    }
}

// A million in reverse order: the count passes what 32 bits hold.
TEST(kendall_counts_of_many) {
  const int64_t count = 1'000'000;
  std::vector<double> a(count), b(count);
  for (int64_t i = 0; i < count; ++i) {
    a[i] = static_cast<double>(i + 1);
    b[i] = static_cast<double>(count - i);
  }
  const KendallCounts found = kendall_counts(a.data(), b.data(), count, Call{2, {}});
  CHECK(found.discordant == count * (count - 1) / 2);
  CHECK(found.tied_in_both == 0);
}

TEST(moments_of_every_length) {
  for (const int64_t count : {1, 2, 5, 8191, 8192, 8193, 40001})
    for (const double offset : {0.0, 1e6}) {
      std::vector<double> a = list(count, 1000, 1), b = list(count, 1000, 2);
      for (double& value : a) value += offset;
      long double mean_a = 0, mean_b = 0, aa = 0, ab = 0, plain = 0;
      for (int64_t i = 0; i < count; ++i) mean_a += a[i], mean_b += b[i];
      mean_a /= count, mean_b /= count;
      for (int64_t i = 0; i < count; ++i) {
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        plain += static_cast<long double>(a[i]) * b[i];
      }
      const Moments found = moments(a.data(), b.data(), count, true, Call{2, {}});
      CHECK_NEAR(found.mean_a, mean_a, 1e-12 * std::abs(static_cast<double>(mean_a)) + 1e-12);
      CHECK_NEAR(found.aa, aa, 1e-12 * aa, "count", count);
      CHECK_NEAR(found.ab, ab, 1e-12 * aa + 1e-12, "count", count);
      const Moments raw = moments(a.data(), b.data(), count, false, Call{2, {}});
      CHECK_NEAR(raw.ab, plain, 1e-12 * raw.aa + 1e-12 * raw.bb, "count", count);
      CHECK(raw.mean_a == 0);
    }
  const std::vector<double> equal(20000, 0.1);
  const Moments found = moments(equal.data(), equal.data(), 20000, true, Call{2, {}});
  CHECK(found.mean_a == 0.1);
  CHECK(found.aa == 0);
}

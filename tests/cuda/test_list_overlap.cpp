#include <algorithm>
#include <cmath>

#include "arrays.hpp"
#include "check.hpp"
#include "index_lists_of.hpp"
#include "list_overlap.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::lists_of;
using Lists = std::vector<int64_t>;

namespace {

// Indices in common, as often as both lists hold them.
int64_t common(const int64_t* a, const int64_t* b, int k) {
  Lists left(a, a + k), right(b, b + k), both;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::back_inserter(both));
  return static_cast<int64_t>(both.size());
}

double score(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch, OverlapScore score_of) {
  ListOverlap overlap{};
  testing::Memory memory([&](Workspace& workspace) {
    overlap = take_list_overlap(lists_of(x, pitch), lists_of(y, pitch), n, k, workspace);
  });
  double found = -7;
  score_overlap(overlap, score_of, &found, nullptr);
  return found;
}

std::vector<double> matrix_of(const std::vector<Lists>& xs, const std::vector<Lists>& ys, int64_t n,
                              int k) {
  std::vector<IndexLists> left, right;
  for (const Lists& x : xs) left.push_back(lists_of(x, k));
  for (const Lists& y : ys.empty() ? xs : ys) right.push_back(lists_of(y, k));
  OverlapMatrix matrix;
  testing::Memory memory([&](Workspace& workspace) {
    matrix = take_overlap_matrix(left, right, ys.empty(), n, k, workspace);
  });
  std::vector<double> scores(left.size() * right.size(), -7);
  score_overlaps(matrix, scores.data(), nullptr);
  return scores;
}

void check_matrix(const std::vector<Lists>& xs, const std::vector<Lists>& ys, int64_t n, int k) {
  const std::vector<double> found = matrix_of(xs, ys, n, k);
  const std::vector<Lists>& right = ys.empty() ? xs : ys;
  for (size_t a = 0; a < xs.size(); ++a)
    for (size_t b = 0; b < right.size(); ++b) {
      int64_t count = 0;
      for (int64_t row = 0; row < n; ++row)
        count += common(&xs[a][row * k], &right[b][row * k], k);
      const double wanted = static_cast<double>(count) / static_cast<double>(n * k);
      CHECK(found[a * right.size() + b] == wanted, n, k, a, b);
    }
}

std::vector<Lists> layers(size_t count, int64_t n, int k, int64_t pool, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<Lists> all;
  for (size_t i = 0; i < count; ++i)
    all.push_back(testing::random_lists(n, k, pool, i % 2 ? 1 : (int64_t{1} << 40) * (i % 3 == 2),
                                        generator));
  return all;
}

}  // namespace

TEST(overlap_scores_are_those_of_counts) {
  std::mt19937_64 generator(1);
  for (auto [n, k] : testing::kListShapes) {
    const Lists x = testing::random_lists(n, k, 2 * k, 0, generator);
    const Lists y = testing::random_lists(n, k, 2 * k, k / 2, generator);
    int64_t total = 0;
    long double jaccard = 0;
    for (int64_t row = 0; row < n; ++row) {
      const int64_t c = common(&x[row * k], &y[row * k], k);
      total += c;
      jaccard += static_cast<long double>(c) / static_cast<long double>(2 * k - c);
    }
    CHECK(score(x, y, n, k, k, OverlapScore::mutual) ==
              static_cast<double>(total) / static_cast<double>(n * k),
          n, k);
    CHECK_NEAR(score(x, y, n, k, k, OverlapScore::jaccard), static_cast<double>(jaccard / n), 2e-16,
               n, k);
    CHECK(score(x, x, n, k, k, OverlapScore::mutual) == 1);
    CHECK(score(x, x, n, k, k, OverlapScore::jaccard) == 1);
  }
}

TEST(overlap_of_the_first_of_longer_lists) {
  std::mt19937_64 generator(2);
  const Lists x = testing::random_lists(70, 12, 20, 0, generator);
  const Lists y = testing::random_lists(70, 12, 20, 0, generator);
  int64_t total = 0;
  for (int64_t row = 0; row < 70; ++row) total += common(&x[row * 12], &y[row * 12], 5);
  CHECK(score(x, y, 70, 5, 12, OverlapScore::mutual) == static_cast<double>(total) / 350);
}

TEST(overlap_matrix_of_any_number_of_layers) {
  check_matrix(layers(1, 3, 4, 9, 1), {}, 3, 4);
  check_matrix(layers(5, 300, 10, 25, 2), {}, 300, 10);
  check_matrix(layers(33, 5, 10, 15, 3), {}, 5, 10);
  check_matrix(layers(70, 3, 33, 50, 4), {}, 3, 33);
  check_matrix(layers(3, 6, 70, 90, 5), layers(34, 6, 70, 90, 6), 6, 70);
  check_matrix(layers(34, 6, 7, 9, 7), layers(2, 6, 7, 9, 8), 6, 7);
  check_matrix(layers(9, 3, 512, 700, 9), {}, 3, 512);
}

TEST(overlap_matrix_counts_an_index_as_often_as_both_lists_hold_it) {
  std::mt19937_64 generator(10);
  std::vector<Lists> all(6, Lists(20 * 40));
  for (Lists& lists : all)
    for (int64_t& index : lists) index = static_cast<int64_t>(generator() % 12);
  check_matrix(all, {}, 20, 40);
  check_matrix({all[0], all[1]}, {all[2], all[3], all[4]}, 20, 40);
}

TEST(unusable_lists_have_no_overlap) {
  std::vector<Lists> all = layers(3, 40, 5, 9, 11);
  for (int64_t bad : {int64_t{-1}, int64_t{1} << 54}) {
    std::vector<Lists> spoilt = all;
    spoilt[1][117] = bad;
    const std::vector<double> found = matrix_of(spoilt, {}, 40, 5);
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b)
        CHECK(std::isnan(found[a * 3 + b]) == (a == 1 || b == 1), a, b);
    const std::vector<double> cross = matrix_of({all[0]}, spoilt, 40, 5);
    for (int b = 0; b < 3; ++b) CHECK(std::isnan(cross[b]) == (b == 1), b);
    CHECK(std::isnan(score(all[0], spoilt[1], 40, 5, 5, OverlapScore::mutual)));
    CHECK(std::isnan(score(spoilt[1], all[0], 40, 5, 5, OverlapScore::jaccard)));
  }
}

TEST(no_synchronisation_of_overlaps_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const std::vector<Lists> all = layers(3, 70, 40, 90, 12);
  int64_t total = 0;
  for (int64_t row = 0; row < 70; ++row) total += common(&all[0][row * 40], &all[1][row * 40], 40);
  testing::every_site_matters([&] {
    CHECK(score(all[0], all[1], 70, 40, 40, OverlapScore::mutual) ==
          static_cast<double>(total) / (70 * 40));
    check_matrix(all, {}, 70, 40);
  });
}

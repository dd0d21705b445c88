#include <cmath>
#include <set>

#include "arrays.hpp"
#include "check.hpp"
#include "index_lists_of.hpp"
#include "list_relabelling.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::lists_of;
using Lists = std::vector<int64_t>;

namespace {

std::vector<double> scores(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch,
                           uint64_t seed, int count) {
  ListRelabelling all{};
  testing::Memory memory([&](Workspace& workspace) {
    all = take_list_relabelling(lists_of(x, pitch), lists_of(y, pitch), n, k, seed, count,
                                workspace);
  });
  std::vector<double> found(count, -7);
  score_relabellings(all, found.data(), nullptr);
  return found;
}

double wanted(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch, uint64_t seed,
              int64_t number) {
  const BatchOrder order = relabelling(seed, number, n);
  const auto label = [&](int64_t sample) {
    return relabelled(order, n, static_cast<uint32_t>(sample));
  };
  int64_t common = 0;
  for (int64_t row = 0; row < n; ++row) {
    std::set<int64_t> labels;
    for (int j = 0; j < k; ++j) labels.insert(label(x[row * pitch + j]));
    for (int j = 0; j < k; ++j) common += labels.count(y[label(row) * pitch + j]);
  }
  return static_cast<double>(common) / static_cast<double>(n * k);
}

void check(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch, int count) {
  const std::vector<double> found = scores(x, y, n, k, pitch, 3, count);
  for (int64_t number = 0; number < count; ++number)
    CHECK(found[number] == wanted(x, y, n, k, pitch, 3, number), n, k, number);
}

}  // namespace

TEST(relabelled_scores_of_every_size) {
  std::mt19937_64 generator(1);
  for (const auto& [n, k] : {std::pair{2, 1}, {3, 2}, {31, 10}, {33, 31}, {65, 64}, {129, 1},
                             {300, 10}, {70, 32}, {140, 33}, {135, 130}, {515, 512}}) {
    const Lists x = testing::random_lists(n, k, n, 0, generator);
    check(x, testing::random_lists(n, k, n, 0, generator), n, k, k, 3);
  }
}

// More of them than blocks share, and fewer.
TEST(relabelled_scores_of_any_number) {
  std::mt19937_64 generator(2);
  const Lists x = testing::random_lists(40, 5, 40, 0, generator);
  const Lists y = testing::random_lists(40, 5, 40, 0, generator);
  for (const int count : {1, 31, 32, 33, 140}) check(x, y, 40, 5, 5, count);
}

TEST(relabelled_scores_of_the_first_of_longer_lists) {
  std::mt19937_64 generator(3);
  const Lists x = testing::random_lists(70, 12, 70, 0, generator);
  check(x, testing::random_lists(70, 12, 70, 0, generator), 70, 5, 12, 4);
}

TEST(relabelled_scores_of_repeated_indices) {
  std::mt19937_64 generator(4);
  Lists x(50 * 12), y(50 * 12);
  for (Lists* lists : {&x, &y})
    for (int64_t& index : *lists) index = static_cast<int64_t>(generator() % 50);
  check(x, y, 50, 12, 12, 4);
}

TEST(unusable_lists_have_no_relabelled_scores) {
  std::mt19937_64 generator(5);
  const Lists x = testing::random_lists(40, 5, 40, 0, generator);
  for (const int64_t bad : {int64_t{-1}, int64_t{40}, int64_t{1} << 32, int64_t{1} << 54}) {
    Lists spoilt = x;
    spoilt[117] = bad;
    for (const double score : scores(spoilt, x, 40, 5, 5, 1, 3)) CHECK(std::isnan(score), bad);
    for (const double score : scores(x, spoilt, 40, 5, 5, 1, 3)) CHECK(std::isnan(score), bad);
  }
}

TEST(no_synchronisation_of_relabellings_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  std::mt19937_64 generator(6);
  const Lists x = testing::random_lists(40, 6, 40, 0, generator);
  const Lists y = testing::random_lists(40, 6, 40, 0, generator);
  CHECK(testing::every_site_matters([&] { check(x, y, 40, 6, 6, 34); }) == 2);
}

#include <algorithm>
#include <cmath>
#include <numeric>

#include "arrays.hpp"
#include "check.hpp"
#include "index_lists_of.hpp"
#include "list_cycle.hpp"
#include "list_sequences.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::lists_of;
using Lists = std::vector<int64_t>;

namespace {

int64_t subsequence(const int64_t* a, const int64_t* b, int k) {
  std::vector<int64_t> above(k + 1), row(k + 1);
  for (int i = 0; i < k; ++i) {
    for (int j = 0; j < k; ++j)
      row[j + 1] = a[i] == b[j] ? above[j] + 1 : std::max(above[j + 1], row[j]);
    std::swap(above, row);
  }
  return above[k];
}

int64_t edits(const int64_t* a, const int64_t* b, int k) {
  std::vector<int64_t> above(k + 1), row(k + 1);
  std::iota(above.begin(), above.end(), 0);
  for (int i = 0; i < k; ++i) {
    row[0] = i + 1;
    for (int j = 0; j < k; ++j)
      row[j + 1] = std::min({above[j] + (a[i] != b[j]), above[j + 1] + 1, row[j] + 1});
    std::swap(above, row);
  }
  return above[k];
}

double score(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch,
             SequenceScore score_of) {
  ListSequences sequences{};
  testing::Memory memory([&](Workspace& workspace) {
    sequences = take_list_sequences(lists_of(x, pitch), lists_of(y, pitch), n, k, workspace);
  });
  double found = -7;
  score_sequences(sequences, score_of, &found, nullptr);
  return found;
}

void check_scores(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch) {
  int64_t lengths = 0, distances = 0;
  for (int64_t row = 0; row < n; ++row) {
    lengths += subsequence(&x[row * pitch], &y[row * pitch], k);
    distances += edits(&x[row * pitch], &y[row * pitch], k);
  }
  CHECK(score(x, y, n, k, pitch, SequenceScore::subsequence) ==
            static_cast<double>(lengths) / static_cast<double>(n),
        n, k);
  CHECK(score(x, y, n, k, pitch, SequenceScore::edits) ==
            static_cast<double>(n * k - distances) / static_cast<double>(n * k),
        n, k);
}

double cycle(const Lists& x, const Lists& y, int64_t n, int k, int64_t pitch) {
  ListCycle plan{};
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_list_cycle(lists_of(x, pitch), lists_of(y, pitch), n, k, workspace);
  });
  double found = -7;
  score_cycle(plan, &found, nullptr);
  return found;
}

// y with some of its neighbours moved, which leaves much of the order.
Lists disturbed(Lists lists, std::mt19937_64& generator) {
  for (size_t i = 0; i + 1 < lists.size(); i += 1 + generator() % 7)
    std::swap(lists[i], lists[i + 1]);
  return lists;
}

}  // namespace

TEST(sequences_are_those_of_the_plain_dynamic_programmes) {
  std::mt19937_64 generator(1);
  for (auto [n, k] : testing::kListShapes) {
    const Lists x = testing::random_lists(n, k, k + k / 3 + 1, 0, generator);
    check_scores(x, testing::random_lists(n, k, k + k / 3 + 1, 0, generator), n, k, k);
    check_scores(x, disturbed(x, generator), n, k, k);
    check_scores(x, x, n, k, k);
  }
  const Lists x = testing::random_lists(135, 70, 90, 0, generator);
  const Lists y = disturbed(x, generator);
  for (int k : {4, 64, 65}) check_scores(x, y, 135, k, 70);
}

TEST(short_sequences_may_repeat) {
  std::mt19937_64 generator(2);
  for (int k : {5, 40, 64}) {
    Lists x(30 * k), y(30 * k);
    for (Lists* lists : {&x, &y})
      for (int64_t& index : *lists) index = static_cast<int64_t>(generator() % 6);
    check_scores(x, y, 30, k, k);
  }
}

TEST(cycles_are_those_of_all_steps) {
  std::mt19937_64 generator(3);
  for (auto [n, k] : {std::pair<int64_t, int>{2, 1}, {5, 2}, {40, 3}, {130, 7}, {70, 40}}) {
    const Lists x = testing::random_lists(n, k, n, 0, generator);
    const Lists y = testing::random_lists(n, k, n, 0, generator);
    for (int first : {k, (k + 1) / 2}) {
      int64_t closed = 0;
      for (int64_t i = 0; i < n; ++i) {
        bool back = false;
        for (int s = 0; s < first; ++s)
          for (int t = 0; t < first; ++t) back = back || x[y[i * k + s] * k + t] == i;
        closed += back;
      }
      CHECK(cycle(x, y, n, first, k) == static_cast<double>(closed) / static_cast<double>(n), n, k);
    }
  }
}

TEST(unusable_lists_have_no_order) {
  std::mt19937_64 generator(4);
  for (int k : {5, 66}) {
    const Lists x = testing::random_lists(80, k, 80, 0, generator);
    for (int64_t bad : {int64_t{-1}, int64_t{1} << 54}) {
      Lists spoilt = x;
      spoilt[x.size() - 1] = bad;
      for (SequenceScore score_of : {SequenceScore::subsequence, SequenceScore::edits}) {
        CHECK(std::isnan(score(x, spoilt, 80, k, k, score_of)));
        CHECK(std::isnan(score(spoilt, x, 80, k, k, score_of)));
      }
    }
    for (int64_t bad : {-1, 80}) {
      Lists spoilt = x;
      spoilt[x.size() - 1] = bad;
      CHECK(std::isnan(cycle(x, spoilt, 80, k, k)));
      CHECK(std::isnan(cycle(spoilt, x, 80, k, k)));
    }
  }
}

TEST(no_synchronisation_of_sequences_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  std::mt19937_64 generator(4);
  const Lists x = testing::random_lists(150, 70, 90, 0, generator);
  const Lists y = disturbed(x, generator);
  for (int k : {40, 70}) testing::every_site_matters([&] { check_scores(x, y, 150, k, 70); });
}

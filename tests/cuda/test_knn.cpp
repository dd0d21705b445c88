#include <algorithm>
#include <numeric>

#include "arrays.hpp"
#include "check.hpp"
#include "knn.hpp"
#include "synchronisation.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::Matrix;

namespace {

double similarity(const Matrix& x, int64_t i, const Matrix& y, int64_t j, Metric metric) {
  double dot = 0, squared_x = 0, squared_y = 0, distance = 0;
  for (int64_t c = 0; c < x.columns; ++c) {
    dot += x.at(i, c) * y.at(j, c);
    squared_x += x.at(i, c) * x.at(i, c);
    squared_y += y.at(j, c) * y.at(j, c);
    distance += (x.at(i, c) - y.at(j, c)) * (x.at(i, c) - y.at(j, c));
  }
  if (metric == Metric::euclidean) return -distance;
  return metric == Metric::inner_product ? dot : dot / (std::sqrt(squared_x) * std::sqrt(squared_y));
}

struct Found {
  std::vector<int64_t> indices;
  std::vector<double> scores;
  int overflowed;
};

Found search(const Matrix& x, const Matrix* queries, Metric metric, int k) {
  NeighborCall plan{};
  const std::optional<ArrayView> of_queries =
      queries ? std::optional(queries->view()) : std::nullopt;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), of_queries, metric, k, workspace);
  });
  const int64_t rows = (queries ? queries : &x)->rows;
  Found found{std::vector<int64_t>(rows * k, -7), std::vector<double>(rows * k, -7), 0};
  find_neighbors(plan, found.indices.data(), found.scores.data(), nullptr);
  if (rows > 0) found.overflowed = *plan.search.lists.overflowed_count;
  return found;
}

// The same order as float64's, up to ties that its own rounding makes or breaks.
void check_neighbors(const Matrix& x, const Matrix* queries, Metric metric, int k,
                     const char* what) {
  const Matrix& from = queries ? *queries : x;
  const Found found = search(x, queries, metric, k);
  for (int64_t i = 0; i < from.rows; ++i) {
    std::vector<double> all(x.rows);
    double size = 0;
    for (int64_t j = 0; j < x.rows; ++j) {
      all[j] = similarity(from, i, x, j, metric);
      size = std::max(size, std::abs(all[j]));
    }
    std::vector<int64_t> order(x.rows);
    std::iota(order.begin(), order.end(), 0);
    if (!queries) order.erase(order.begin() + i);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return all[a] > all[b]; });
    const double rounding = 1e-13 * size;
    std::vector<bool> taken(x.rows, false);
    for (int r = 0; r < k; ++r) {
      const int64_t index = found.indices[i * k + r];
      CHECK(index >= 0 && index < x.rows && (queries || index != i), what, i, r, index, k);
      CHECK(!taken[index], what, i, r, index);
      taken[index] = true;
      CHECK_NEAR(found.scores[i * k + r], all[index], rounding, what, i, r, k);
      if (index != order[r])
        CHECK_NEAR(all[index], all[order[r]], rounding, what, i, r, index, order[r]);
      if (r > 0) {
        const double before = found.scores[i * k + r - 1], here = found.scores[i * k + r];
        CHECK(before > here || (before == here && found.indices[i * k + r - 1] < index), what, i, r);
      }
    }
  }
}

// The same with rows that come in parts of at most 128.
Found search_in_parts(const Matrix& x, Metric metric, int k) {
  NeighborSearch plan{};
  std::vector<NeighborPart> parts;
  double* exact = nullptr;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_search(x.view(), std::nullopt, metric, k, false, workspace);
    parts.clear();
    for (int64_t first = 0; first < x.rows; first += 128) {
      Features part = plan.candidates;
      part.first_row = first;
      part.view.data += first * part.view.row_stride;
      part.view.rows = std::min<int64_t>(128, x.rows - first);
      parts.push_back(take_neighbor_part(part, first, part.view.rows, workspace));
    }
    exact = workspace.take<double>(128 * plan.lists.capacity);
  });
  measure_features(plan.candidates, nullptr);
  start_lists(plan, nullptr);
  for (const NeighborPart& part : parts)
    pack_neighbor_part(plan.candidate_rows, part, plan.candidates, true, false, nullptr);
  for (size_t a = 0; a < parts.size(); ++a) meet_itself(plan, parts[a], nullptr);
  for (size_t a = 0; a < parts.size(); ++a)
    for (size_t b = a + 1; b < parts.size(); ++b) meet(plan, parts[a], parts[b], nullptr);
  Found found{std::vector<int64_t>(x.rows * k, -7), std::vector<double>(x.rows * k, -7), 0};
  for (const NeighborPart& queries : parts) {
    collect_overflowed(plan, queries, nullptr);
    for (const NeighborPart& candidates : parts) {
      score_lists(plan, queries, candidates, queries.first, queries.count, exact, nullptr);
      search_overflowed(plan, queries, candidates, found.indices.data(), found.scores.data(), nullptr);
    }
    rank_lists(plan, queries, queries.first, queries.count, exact, found.indices.data(),
               found.scores.data(), nullptr);
  }
  return found;
}

struct Matrix64 {
  int64_t rows, columns;
  std::vector<double> values;
  Matrix64(int64_t of_rows, int64_t of_columns)
      : rows(of_rows), columns(of_columns), values(of_rows * of_columns) {}
  double& at(int64_t row, int64_t column) { return values[row * columns + column]; }
  ArrayView view() const {
    return {reinterpret_cast<const char*>(values.data()), rows, columns, columns * 8, 8,
            Type::float64};
  }
};

// As many neighbours as there are candidates: each of them once.
void check_all_are_found(const Matrix64& x, const Matrix64& queries, Metric metric) {
  const int k = static_cast<int>(x.rows);
  NeighborCall plan{};
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), queries.view(), metric, k, workspace);
  });
  std::vector<int64_t> indices(queries.rows * k, -7);
  std::vector<double> scores(queries.rows * k, -7);
  find_neighbors(plan, indices.data(), scores.data(), nullptr);
  for (int64_t i = 0; i < queries.rows; ++i) {
    std::vector<int64_t> found(indices.begin() + i * k, indices.begin() + (i + 1) * k);
    std::sort(found.begin(), found.end());
    for (int r = 0; r < k; ++r) {
      CHECK(found[r] == r, i, r, found[r]);
      CHECK(r == 0 || scores[i * k + r - 1] >= scores[i * k + r], i, r, scores[i * k + r]);
    }
  }
}

// Another one for each schedule that the tests run with.
Metric metric_of_seed() {
  constexpr Metric metrics[] = {Metric::cosine, Metric::inner_product, Metric::euclidean};
  return metrics[shim::control().seed % 3];
}

}  // namespace

TEST(neighbors_of_awkward_sizes) {
  for (auto [rows, columns, k] : {std::tuple<int64_t, int64_t, int>{2, 1, 1},
                                  {5, 3, 4},
                                  {128, 32, 127},
                                  {129, 33, 10},
                                  {390, 65, 32}})
    check_neighbors(testing::normal(rows, columns, 5), nullptr, metric_of_seed(), k, "normal");
}

TEST(neighbors_of_queries) {
  const Matrix x = testing::normal(260, 20, 1, 3), queries = testing::normal(20, 20, 2, 3);
  check_neighbors(x, &queries, metric_of_seed(), 7, "queries");
  check_neighbors(queries, &x, metric_of_seed(), 20, "queries, all candidates");
}

TEST(no_queries_have_no_neighbors) {
  const Matrix x = testing::normal(5, 3), none(0, 3);
  CHECK(search(x, &none, Metric::cosine, 2).indices.empty());
}

TEST(queries_incomparably_longer_than_candidates) {
  Matrix x = testing::normal(200, 9), queries = testing::normal(10, 9, 4);
  for (float& value : x.values) value *= 1e-20f;
  for (int64_t c = 0; c < 9; ++c) queries.at(3, c) *= 1e15f;
  check_neighbors(x, &queries, metric_of_seed(), 5, "long queries");
}

// So few candidates that lists have room for all of them, and for the rows that pad them.
TEST(errors_beyond_float32_let_every_candidate_in_but_no_padding) {
  for (double query_scale : {1e60, 1e100}) {
    Matrix64 x(5, 3), queries(2, 3);
    for (int64_t i = 0; i < 5; ++i)
      for (int64_t c = 0; c < 3; ++c) x.at(i, c) = 1e-100 * static_cast<double>((i * 3 + c * 5) % 7);
    for (int64_t c = 0; c < 3; ++c) {
      queries.at(0, c) = query_scale * static_cast<double>(c - 1);
      queries.at(1, c) = 1e-100 * static_cast<double>(c);
    }
    check_all_are_found(x, queries, Metric::inner_product);
    check_all_are_found(x, queries, Metric::euclidean);
  }
  // Rows far longer than what they differ by.
  Matrix64 far(5, 2);
  for (int64_t i = 0; i < 5; ++i) {
    far.at(i, 0) = 1e149;
    far.at(i, 1) = 1e-200 * static_cast<double>(i + 1);
  }
  check_all_are_found(far, far, Metric::inner_product);
  check_all_are_found(far, far, Metric::euclidean);
}

// A bound times nothing is still no number where the bound is infinite.
TEST(candidates_at_the_centre_are_found_by_queries_incomparably_longer) {
  Matrix64 x(128, 2), queries(1, 2);
  for (int64_t i = 0; i < 128; ++i) x.at(i, 1) = -0x1p-330;
  for (int64_t i : {1, 2, 3, 4}) x.at(i, 1) = 30 * 0x1p-330;
  for (int64_t i : {10, 50, 60, 70}) x.at(i, 1) = 0;
  queries.at(0, 1) = 0x1p330;
  NeighborCall plan{};
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_call(x.view(), queries.view(), Metric::inner_product, 5, workspace);
  });
  std::vector<int64_t> indices(5, -7);
  std::vector<double> scores(5, -7);
  find_neighbors(plan, indices.data(), scores.data(), nullptr);
  CHECK((indices == std::vector<int64_t>{1, 2, 3, 4, 10}), indices[0], indices[4]);
}

TEST(neighbors_far_from_the_origin_and_at_every_scale) {
  for (float offset : {100.0f, 1e4f}) {
    const Matrix x = testing::normal(200, 16, 6, offset);
    check_neighbors(x, nullptr, metric_of_seed(), 5, "offset");
  }
  for (float scale : {1e-30f, 1e15f}) {
    Matrix x = testing::normal(150, 16, 7);
    for (float& value : x.values) value *= scale;
    check_neighbors(x, nullptr, metric_of_seed(), 5, "scale");
  }
}

TEST(near_duplicates_overflow_their_lists_and_are_searched_by_themselves) {
  // Differences that float16 does not see, and far more of them than a list has room for.
  Matrix x = testing::normal(200, 24, 8);
  for (int64_t i = 0; i < 190; ++i)
    for (int64_t c = 0; c < 24; ++c) x.at(i, c) = x.at(0, c) * (1 + 1e-6f * x.at(i, c));
  CHECK(search(x, nullptr, Metric::euclidean, 4).overflowed > 0);
  check_neighbors(x, nullptr, Metric::euclidean, 4, "near duplicates");
}

TEST(ties_go_to_the_lower_index) {
  Matrix x(180, 3);
  for (int64_t i = 0; i < 180; ++i)
    for (int64_t c = 0; c < 3; ++c) x.at(i, c) = static_cast<float>(1 + (i * 7 + c) % 3);
  check_neighbors(x, nullptr, Metric::cosine, 20, "ties");
  for (float& value : x.values) value = 2;
  const Found found = search(x, nullptr, Metric::cosine, 3);
  for (int64_t i = 0; i < 180; ++i)
    for (int r = 0; r < 3; ++r) CHECK(found.indices[i * 3 + r] == (r < i ? r : r + 1), i, r);
}

TEST(heavy_tails) {
  Matrix x = testing::normal(200, 12, 9);
  for (int64_t i = 0; i < 200; ++i)
    for (int64_t c = 0; c < 12; ++c) x.at(i, c) *= std::exp(static_cast<float>(i % 37) - 18);
  check_neighbors(x, nullptr, metric_of_seed(), 6, "heavy tails");
}

TEST(unusable_rows_give_nothing) {
  Matrix x = testing::normal(130, 4);
  x.at(129, 3) = NAN;
  const Found found = search(x, nullptr, Metric::euclidean, 2);
  for (int64_t index : found.indices) CHECK(index == -1);
  for (double score : found.scores) CHECK(std::isnan(score));
}

TEST(neighbors_are_the_same_bits_for_any_schedule) {
  const Matrix x = testing::normal(300, 40, 10);
  const uint64_t seed = shim::control().seed;
  const Found once = search(x, nullptr, Metric::cosine, 9);
  shim::control().seed = seed + 17;
  const Found again = search(x, nullptr, Metric::cosine, 9);
  CHECK(once.indices == again.indices && once.scores == again.scores);
}

TEST(neighbors_are_the_same_bits_in_parts) {
  Matrix x = testing::normal(300, 12, 11, 2);
  for (int64_t i = 0; i < 170; ++i)  // lists of these overflow
    for (int64_t c = 0; c < 12; ++c) x.at(i, c) = 1 + 1e-7f * static_cast<float>(i % 5);
  const Found whole = search(x, nullptr, Metric::euclidean, 5);
  CHECK(whole.overflowed > 0);
  const Found found = search_in_parts(x, Metric::euclidean, 5);
  CHECK(found.indices == whole.indices);
  CHECK(found.scores == whole.scores);
}

TEST(no_synchronisation_of_a_neighbour_search_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  const Matrix x = testing::normal(256, 40, 12);
  testing::every_site_matters([&] {
    check_neighbors(x, nullptr, Metric::cosine, 3, "normal");
    // What a bad tile lets through is found out when it is scored, unless lists overflow.
    CHECK(search(x, nullptr, Metric::cosine, 3).overflowed == 0);
  });
}

TEST(no_synchronisation_of_a_search_by_itself_can_be_left_out) {
  if (!testing::is_time_to_leave_out()) return;
  Matrix x = testing::normal(190, 3, 13);
  for (int64_t i = 0; i < 180; ++i)
    for (int64_t c = 0; c < 3; ++c) x.at(i, c) = x.at(0, c) * (1 + 1e-6f * x.at(i, c));
  const Found whole = search(x, nullptr, Metric::euclidean, 2);
  CHECK(whole.overflowed > 0);
  testing::every_site_matters(
      [&] {
        const Found found = search_in_parts(x, Metric::euclidean, 2);
        CHECK(found.indices == whole.indices && found.scores == whole.scores);
      },
      {{"neighbor_overflow.cu", "search_part",
        "of two rows after one another, a thread reads and writes the same places"}});
}

TEST(lists_have_room_where_parts_meet_before_they_have_met_themselves) {
  const Matrix x = testing::normal(500, 20, 12);
  const int k = 3;
  NeighborSearch plan{};
  std::vector<NeighborPart> parts;
  testing::Memory memory([&](Workspace& workspace) {
    plan = take_neighbor_search(x.view(), std::nullopt, Metric::euclidean, k, false, workspace);
    parts.clear();
    for (int64_t first = 0; first < x.rows; first += 256) {
      Features part = plan.candidates;
      part.first_row = first;
      part.view.data += first * part.view.row_stride;
      part.view.rows = std::min<int64_t>(256, x.rows - first);
      parts.push_back(take_neighbor_part(part, first, part.view.rows, workspace));
    }
  });
  measure_features(plan.candidates, nullptr);
  start_lists(plan, nullptr);
  for (const NeighborPart& part : parts)
    pack_neighbor_part(plan.candidate_rows, part, plan.candidates, true, false, nullptr);
  for (size_t a = 0; a < parts.size(); ++a) {
    meet_itself(plan, parts[a], nullptr);
    for (size_t b = a + 1; b < parts.size(); ++b) meet(plan, parts[a], parts[b], nullptr);
  }
  for (const NeighborPart& part : parts) {
    collect_overflowed(plan, part, nullptr);
    CHECK(*plan.lists.overflowed_count == 0, part.first, *plan.lists.overflowed_count);
  }
}
